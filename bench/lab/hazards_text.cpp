// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "lab/experiment.hpp"
#include "lab/hazards.hpp"
#include "lab/manifest.hpp"

namespace tophash::lab {

namespace {

using nlohmann::json;

std::string interval_text(const std::vector<double>& rounds) {
  const estimate e = summarise(rounds);
  return fmt::format("{:.2f} ({:.2f}..{:.2f})", e.median, e.low, e.high);
}

json interval_json(const std::vector<double>& rounds) {
  const estimate e = summarise(rounds);
  return {{"median", e.median}, {"low", e.low}, {"high", e.high}, {"rounds", rounds}};
}

std::string keys_text(const std::vector<std::uint64_t>& keys) {
  std::string out;
  for (const std::uint64_t k : keys) out += (out.empty() ? "" : " ") + std::to_string(k);
  return out.empty() ? "none" : out;
}

const reclaimer_row* cheapest_remedy(const hazards_result& r) {
  const reclaimer_row* best = nullptr;
  for (std::size_t i = 1; i < r.reclaimers.size(); ++i) {
    const reclaimer_row& row = r.reclaimers[i];
    if (row.missing.empty() && !row.ns.empty() &&
        (best == nullptr || summarise(row.times_unsafe).median < summarise(best->times_unsafe).median))
      best = &row;
  }
  return best;
}

void chains_text(const hazards_result& r, std::string& out) {
  out += fmt::format("unlinking from a lock-free chain: one schedule a hazard, each with one outcome\n"
                     "{:<16} {:<22} {:<11} {:<11} {:>9} {:>9} {:>6}  {}\n",
                     "", "ABA: of 5 30 40 left", "tag round", "freed node", "waiting", "after", "bytes",
                     "time of the unsafe one, one thread");
  for (const reclaimer_row& row : r.reclaimers) {
    if (!row.missing.empty()) {
      out += fmt::format("{:<16} not built in ({})\n", row.name, row.missing);
      continue;
    }
    out += fmt::format("{:<16} {:<22} {:<11} {:<11} {:>9} {:>9} {:>6}  {}\n", row.name,
                       keys_text(row.left) + (row.survives_aba ? "" : "  LOST"),
                       row.survives_tag_round ? "kept" : "LOST", row.steps_on_freed == 0 ? "-" : "READ",
                       row.waiting, row.waiting_after, row.node_bytes,
                       row.ns.empty() ? "-" : interval_text(row.times_unsafe));
  }
  out +=
      fmt::format("waiting: nodes retired and not usable beside a reader that stands still while {} keys are "
                  "erased; after: once it has gone\n",
                  r.sizes.stalled_pairs);
}

void counters_text(const hazards_result& r, std::string& out) {
  if (r.pair_ns.empty()) return;
  out += fmt::format(
      "\na counter: additions, and an erase and an insertion in fast_map ({:.1f} ns) counted by it\n"
      "{:<28} {:>8}  {:<22} {:<22} {}\n",
      summarise(r.pair_ns).median, "", "ns", "of a plain one", "of an uncounted pair",
      "two threads, ns each");
  const bool two = r.two_threads();
  for (const counter_row& c : r.counters) {
    out += fmt::format("{:<28} {:>8.2f}  {:<22} {:<22} {}\n", c.name, summarise(c.ns).median,
                       interval_text(c.times_plain), interval_text(c.times_a_pair),
                       &c == &r.counters.front() ? "no counter for two"
                       : !two                    ? "not resolvable here"
                                                 : interval_text(c.two_ns));
  }
}

}  // namespace

std::vector<std::string> hazards_findings(const hazards_result& r) {
  std::vector<std::string> out;
  const reclaimer_row* bare = nullptr;
  for (const reclaimer_row& row : r.reclaimers) {
    if (!row.missing.empty()) continue;
    if (bare == nullptr) bare = &row;
    if (&row == bare && !row.survives_aba)
      out.push_back(
          fmt::format("Without a remedy the chain lost keys that nobody erased: of 5, 30 and 40 a walk "
                      "finds {}, and every node it read was in use, so no sanitizer says a word.",
                      keys_text(row.left)));
    if (&row != bare && !row.survives_tag_round)
      out.push_back(
          fmt::format("{}: a tag of 16 bits postpones ABA, it does not end it: after 65,536 changes of the "
                      "word the same schedule loses a key.",
                      row.name));
  }
  if (const reclaimer_row* best = cheapest_remedy(r))
    out.push_back(
        fmt::format("The remedy that costs least on one thread is {}: {} times the unsafe chain's time.",
                    best->name, interval_text(best->times_unsafe)));
  const auto most =
      std::max_element(r.reclaimers.begin(), r.reclaimers.end(),
                       [](const reclaimer_row& a, const reclaimer_row& b) { return a.waiting < b.waiting; });
  if (most != r.reclaimers.end() && most->waiting != 0)
    out.push_back(fmt::format(
        "One reader that stands still keeps {} of {} erased nodes from being used again under {}.",
        most->waiting, r.sizes.stalled_pairs, most->name));
  if (r.races != 0)
    out.push_back(fmt::format("Of {} loads beside a delete {} still found the key; of as many after it, {}.",
                              r.races, r.races - r.absent_racing, r.races - r.absent_joined));
  return out;
}

int exit_code_of(const hazards_result& r) {
  return r.interrupted ? exit_interrupted : r.failures.empty() ? exit_done : exit_check_failed;
}

json hazards_json(const hazards_result& r) {
  json out{{"schema", "tophash-hazards-1"}, {"manifest", manifest()}, {"interrupted", r.interrupted}};
  out["manifest"]["seed"] = r.request.seed;
  out["manifest"]["argv"] = r.request.argv;
  out["rounds"] = r.request.rounds;
  out["reclaimers"] = json::array();
  for (const reclaimer_row& row : r.reclaimers) {
    if (!row.missing.empty()) {
      out["reclaimers"].push_back({{"name", row.name}, {"package", row.missing}});
      continue;
    }
    json one{{"name", row.name},
             {"aba", {{"left", row.left}, {"survived", row.survives_aba}}},
             {"tag_round", {{"survived", row.survives_tag_round}}},
             {"steps_on_freed", row.steps_on_freed},
             {"waiting", row.waiting},
             {"waiting_after", row.waiting_after},
             {"node_bytes", row.node_bytes}};
    if (!row.ns.empty()) {
      one["ns_per_op"] = interval_json(row.ns);
      one["times_unsafe"] = interval_json(row.times_unsafe);
    }
    out["reclaimers"].push_back(std::move(one));
  }
  const bool two = r.two_threads();
  out["counters"] = json::array();
  for (const counter_row& c : r.counters) {
    if (c.ns.empty()) continue;
    json one{{"name", c.name},
             {"ns", interval_json(c.ns)},
             {"times_plain", interval_json(c.times_plain)},
             {"times_a_pair", interval_json(c.times_a_pair)}};
    if (two && !c.two_ns.empty()) one["two_threads_ns"] = interval_json(c.two_ns);
    out["counters"].push_back(std::move(one));
  }
  out["two_threads"] = {{"resolvable", two}, {"spin_scaling", summarise(r.scaling).median}};
  if (r.races != 0)
    out["race"] = {
        {"loads", r.races}, {"absent_racing", r.absent_racing}, {"absent_joined", r.absent_joined}};
  out["findings"] = hazards_findings(r);
  out["failures"] = r.failures;
  return out;
}

std::string hazards_text(const hazards_result& r) {
  std::string out;
  chains_text(r, out);
  counters_text(r, out);
  if (!r.two_threads())
    out += fmt::format("two threads: not resolvable here, two spinning ones scale {:.2f}\n",
                       summarise(r.scaling).median);
  out += "\n";
  for (const std::string& sentence : hazards_findings(r)) out += sentence + "\n";
  return out;
}

}  // namespace tophash::lab
