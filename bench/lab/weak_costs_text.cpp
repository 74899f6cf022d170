// SPDX-License-Identifier: Apache-2.0
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "lab/experiment.hpp"
#include "lab/manifest.hpp"
#include "lab/statistics.hpp"
#include "lab/weak_costs.hpp"

namespace tophash::lab {

namespace {

using nlohmann::json;

// [0] is before any collection, so a count of cycles begins with 1.
json cycles_json(const std::vector<std::uint64_t>& there, std::uint64_t stray) {
  const std::optional<std::size_t> k = cycles_until(there, stray);
  return {{"left", there}, {"cycles", k ? json(*k) : json(nullptr)}};
}
std::string cycles_text(const std::vector<std::uint64_t>& there, std::uint64_t stray) {
  const std::optional<std::size_t> k = cycles_until(there, stray);
  if (!k) return "never";
  return std::to_string(*k) + (there.back() == 0 ? "" : fmt::format(" but {}", there.back()));
}

json times_json(const std::vector<double>& rounds) {
  const estimate e = summarise(rounds);
  return {{"median", e.median}, {"low", e.low}, {"high", e.high}, {"rounds", rounds}};
}
std::string ms_text(const std::vector<double>& rounds) {
  return fmt::format("{:.3f}", summarise(rounds).median / 1e6);
}
std::string spread_text(const std::vector<double>& rounds) {
  const estimate e = summarise(rounds);
  return fmt::format("{:.1f} ({:.1f}..{:.1f})", e.median, e.low, e.high);
}

void weak_costs_text(const weak_result& r, std::string& out) {
  out += fmt::format("all reachable: CPU ms of a full collection, the least of a round, median of {} rounds\n"
                     "{:<10} {:<12} {:>9}  {:>9} {:>9} {:>9}  {:<22} {}\n",
                     r.request.rounds, "collector", "held", "entries", "no map", "ordinary", "weak",
                     "W, ns an entry", "ordinary over no map, ns an entry");
  for (const weak_cost_row& row : r.costs) {
    if (row.weak_ns.empty()) continue;
    out += fmt::format("{:<10} {:<12} {:>9}  {:>9} {:>9} {:>9}  {:<22} {}\n", row.collector, row.held,
                       row.entries, ms_text(row.no_map_ns), ms_text(row.ordinary_ns), ms_text(row.weak_ns),
                       spread_text(row.w_ns()), spread_text(row.ordinary_ns_per_entry()));
  }
  out += "W: weak less ordinary. The objects are the same, and roots lead to each of them\n";
}

void weak_chains_text(const weak_result& r, std::string& out) {
  out += fmt::format("\nchains of ephemerons that the first key alone keeps\n"
                     "{:<10} {:<16} {:>9}  {:>9} {:>9}  {:<22} {:>7} {:>13} {:>10} {:>13}  {}\n",
                     "collector", "order", "entries", "ordinary", "weak", "W, ns an entry", "rounds",
                     "looks an entry", "undecided", "work an entry", "gone after");
  const auto each = [](const std::optional<std::uint64_t>& count, std::size_t n) {
    return count ? fmt::format("{:.2f}", static_cast<double>(*count) / static_cast<double>(n))
                 : std::string{"-"};
  };
  const auto whole = [](const std::optional<std::uint64_t>& count) {
    return count ? std::to_string(*count) : std::string{"-"};
  };
  for (const weak_chain_row& row : r.chains) {
    if (row.weak_ns.empty()) continue;
    out += fmt::format("{:<10} {:<16} {:>9}  {:>9} {:>9}  {:<22} {:>7} {:>13} {:>10} {:>13}  {}\n",
                       row.collector, row.order, row.entries, ms_text(row.ordinary_ns), ms_text(row.weak_ns),
                       spread_text(row.w_ns()), whole(row.rounds), each(row.looks, row.entries),
                       whole(row.kept_undecided), each(row.work, row.entries),
                       cycles_text(row.entries_left, row.stray_max));
  }
  out += "undecided: entries kept for that cycle because the bound on looks was reached. gone after: full "
         "collections\n"
         "from the first key's last root to an empty map; -: the collector does not tell\n";
}

void weak_purges_text(const weak_result& r, std::string& out) {
  out += fmt::format(
      "\npurge: {} of {} lose the last root of their weak side; after how many full collections, and "
      "nothing else,\n"
      "{:<10} {:<14} {:<10} {:>13} {:>12} {:>14} {:>10} {:>12} {:>11} {:>9}\n",
      weak_purge_dropped, weak_purge_entries, "collector", "held", "in a ring", "entries gone", "weak dead",
      "strong dead", "destroyed", "or by makes", "slots empty", "or writes");
  const auto by = [](std::uint64_t calls) { return calls == 0 ? std::string{"-"} : std::to_string(calls); };
  for (const weak_purge_row& row : r.purges) {
    const auto cycles = [&row](const std::vector<std::uint64_t>& there) {
      return cycles_text(there, row.stray_max);
    };
    // Before the first collection no slot is erased.
    const bool erased = row.slots_to_sweep.back() != 0;
    out += fmt::format("{:<10} {:<14} {:<10} {:>13} {:>12} {:>14} {:>10} {:>12} {:>11} {:>9}\n",
                       row.collector, row.held, row.leads_back ? "yes" : "no", cycles(row.entries),
                       cycles(row.weak_objects), cycles(row.strong_objects), cycles(row.undestroyed),
                       by(row.made_to_destroy), erased ? "never" : "-", by(row.writes_to_sweep));
  }
  out +=
      "in a ring: the strong side leads to its own weak side. destroyed: of both sides, and their memory is "
      "free; by\n"
      "makes: of so many objects of their size. slots: of erased entries; by writes: of a key that is there\n"
      "ordinary map: the control, which keeps its entries\n";
}

}  // namespace

int exit_code_of(const weak_result& r) {
  return r.interrupted ? exit_interrupted : r.failures.empty() ? exit_done : exit_check_failed;
}

json weak_json(const weak_result& r) {
  json out{{"schema", "tophash-weak-1"}, {"manifest", manifest()}, {"interrupted", r.interrupted}};
  out["manifest"]["seed"] = r.request.seed;
  out["manifest"]["argv"] = r.request.argv;
  out["rounds"] = r.request.rounds;
  out["costs"] = json::array();
  for (const weak_cost_row& row : r.costs) {
    if (row.weak_ns.empty()) continue;
    out["costs"].push_back({{"collector", row.collector},
                            {"held", row.held},
                            {"entries", row.entries},
                            {"no_map_ns", times_json(row.no_map_ns)},
                            {"ordinary_ns", times_json(row.ordinary_ns)},
                            {"weak_ns", times_json(row.weak_ns)},
                            {"w_ns_per_entry", times_json(row.w_ns())},
                            {"ordinary_ns_per_entry", times_json(row.ordinary_ns_per_entry())}});
  }
  out["chains"] = json::array();
  for (const weak_chain_row& row : r.chains) {
    if (row.weak_ns.empty()) continue;
    json one{{"collector", row.collector},
             {"order", row.order},
             {"entries", row.entries},
             {"ordinary_ns", times_json(row.ordinary_ns)},
             {"weak_ns", times_json(row.weak_ns)},
             {"w_ns_per_entry", times_json(row.w_ns())},
             {"purge", cycles_json(row.entries_left, row.stray_max)}};
    if (row.rounds) one["rounds"] = *row.rounds;
    if (row.looks) one["looks"] = *row.looks;
    if (row.kept_undecided) one["kept_undecided"] = *row.kept_undecided;
    if (row.work) one["work"] = *row.work;
    out["chains"].push_back(std::move(one));
  }
  out["purge"] = {{"entries", weak_purge_entries}, {"dropped", weak_purge_dropped}, {"rows", json::array()}};
  for (const weak_purge_row& row : r.purges)
    out["purge"]["rows"].push_back({{"collector", row.collector},
                                    {"held", row.held},
                                    {"in_a_ring", row.leads_back},
                                    {"entries", cycles_json(row.entries, row.stray_max)},
                                    {"weak_objects", cycles_json(row.weak_objects, row.stray_max)},
                                    {"strong_objects", cycles_json(row.strong_objects, row.stray_max)},
                                    {"destroyed", cycles_json(row.undestroyed, 2 * row.stray_max)},
                                    {"made_to_destroy", row.made_to_destroy},
                                    {"slots_to_sweep", row.slots_to_sweep},
                                    {"writes_to_sweep", row.writes_to_sweep}});
  out["failures"] = r.failures;
  return out;
}

std::string weak_text(const weak_result& r) {
  std::string out;
  weak_costs_text(r, out);
  weak_chains_text(r, out);
  weak_purges_text(r, out);
  if (r.interrupted) out += "\ninterrupted: rows may have fewer rounds\n";
  return out;
}

}  // namespace tophash::lab
