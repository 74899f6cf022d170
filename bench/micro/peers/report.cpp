// SPDX-License-Identifier: Apache-2.0
#include "micro/peers/report.hpp"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace tophash::peers {

namespace {

std::string counted(std::size_t n) {
  std::string digits = std::to_string(n);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

std::string ratio(double r) { return r < 9.995 ? fmt::format("{:.2f}", r) : fmt::format("{:.0f}", r); }

std::string with_interval(const lab::estimate& e) {
  return fmt::format("{:.3f} [{:.3f} .. {:.3f}]", e.median, e.low, e.high);
}

using by_task = std::vector<std::vector<double>>;

// The subject over the best peer of each task that `counts`, by round.
template <class Counts>
by_task to_best(const bench& b, const std::vector<task_result>& results, bool similar, const Counts& counts) {
  by_task out;
  for (const task_result& r : results) {
    const auto& best = similar ? r.best_of_similar : r.best;
    if (best && counts(r)) out.push_back(paired_ratios(r.ns[b.subject()], r.ns[*best]));
  }
  return out;
}

bool any_task(const task_result&) { return true; }

auto of_group(std::string_view group) {
  return [group](const task_result& r) { return r.what.row->group == group && r.what.what == kind::u64; };
}

void add_means(std::string& out, const bench& b, const std::vector<task_result>& results) {
  const std::string_view subject = b.maps()[b.subject()].name;
  const by_task all = to_best(b, results, false, any_task);
  const by_task similar = to_best(b, results, true, any_task);
  if (all.empty()) return;
  out += fmt::format("geometric mean of {} / best peer of each workload ({} of them):  {}\n", subject,
                     all.size(), with_interval(geometric_mean(all)));
  if (!similar.empty()) {
    out += fmt::format("  against peers of at most {} times its bytes per entry ({}):  {}\n", similar_bytes,
                       similar.size(), with_interval(geometric_mean(similar)));
  }
  for (const std::string_view group : {"insert", "hit", "miss"}) {
    const by_task some = to_best(b, results, false, of_group(group));
    if (some.empty()) continue;
    const lab::estimate mean = geometric_mean(some);
    out += fmt::format("  {:6} of u64 ({} workloads x sizes):  {}  upper bound {:.3f}\n", group, some.size(),
                       with_interval(mean), mean.high);
  }
  out += fmt::format("  (brackets: {:.0f} % interval over {} rounds)\n", 100 * geometric_mean(all).coverage,
                     b.settings().rounds);
}

// Every map on the same scale: 1 would be an oracle that picks the best peer for each workload.
void add_scores(std::string& out, const bench& b, const std::vector<task_result>& results) {
  out += "\nevery map / the best peer of each workload, geometric mean over the workloads that it has:\n ";
  for (std::size_t m = 0; m < b.maps().size(); ++m) {
    by_task ratios;
    for (const task_result& r : results) {
      if (r.best && !r.ns[m].empty()) ratios.push_back(paired_ratios(r.ns[m], r.ns[*r.best]));
    }
    if (!ratios.empty()) out += fmt::format("  {} {:.2f}", b.maps()[m].name, geometric_mean(ratios).median);
  }
  out += "\n";
}

void add_losses(std::string& out, const bench& b, const std::vector<task_result>& results) {
  std::vector<const task_result*> losses;
  for (const task_result& r : results) {
    if (r.best && r.subject_to_best.median > 1) losses.push_back(&r);
  }
  std::sort(losses.begin(), losses.end(),
            [](auto* a, auto* c) { return a->subject_to_best.median > c->subject_to_best.median; });
  out += fmt::format("\nlost: {} of {}; the worst first, with bytes per entry at that size\n", losses.size(),
                     results.size());
  for (const task_result* r : losses) {
    const auto bytes = [&](std::size_t m) { return b.bytes_of(m, r->what.what).at.at(r->what.n); };
    out += fmt::format("  {:42} {:24} {:14} {:6.1f} B, {} {:.1f} B\n", r->what.name(),
                       with_interval(r->subject_to_best), b.maps()[*r->best].name, bytes(*r->best),
                       b.maps()[b.subject()].name, bytes(b.subject()));
  }
}

void add_bytes(std::string& out, const bench& b, const std::vector<task_result>& results) {
  std::vector<kind> kinds;
  for (const task_result& r : results) {
    if (std::find(kinds.begin(), kinds.end(), r.what.what) == kinds.end()) kinds.push_back(r.what.what);
  }
  out += "\nbytes per entry, heap (usable) and the map itself; mean over 20 log-spaced n";
  for (const kind what : kinds) {
    out += fmt::format("\n  {:13}", name_of(what));
    for (std::size_t m = 0; m < b.maps().size(); ++m) {
      const footprint& f = b.bytes_of(m, what);
      if (f.mean > 0) out += fmt::format("  {} {:.1f}", b.maps()[m].name, f.mean);
    }
  }
  if (std::find(kinds.begin(), kinds.end(), kind::u64) != kinds.end()) {
    out += "\nbytes of a map of 4 entries\n               ";
    for (std::size_t m = 0; m < b.maps().size(); ++m) {
      out += fmt::format("  {} {:.0f}", b.maps()[m].name, 4 * b.bytes_of(m, kind::u64).at.at(4));
    }
  }
  out += "\n";
}

nlohmann::json as_json(const lab::estimate& e) {
  return {{"median", e.median}, {"low", e.low}, {"high", e.high}, {"coverage", e.coverage}};
}

}  // namespace

std::string heading(const bench& b, const circumstances& how) {
  std::string out = fmt::format("peers: {} hash, {} rounds of {}, CPU time of the thread, {}\n", how.hashing,
                                b.settings().rounds, b.settings().tries, how.processor);
  out += fmt::format("{} {}; transparent huge pages: {}; {}\n", how.compiler, how.flags, how.huge_pages,
                     how.keeps_freed_heap
                         ? "glibc keeps freed memory, so nobody is spared page faults by another's"
                         : "the heap may give memory back: page faults fall on whoever comes next");
  out += "maps: ";
  for (const contestant& c : b.maps()) out += fmt::format(" {} = {}", c.code, c.type);
  out += "\n";
  for (const std::string& a : how.absent) out += fmt::format("absent: {}\n", a);
  if (!how.left_out.empty()) out += fmt::format("left out of a quick run: {}\n", how.left_out);
  out += fmt::format(
      "columns: ns an operation of {0}; {0} / floor; time of each map / {0}; the best peer; {0} / best\n",
      b.maps()[b.subject()].name);
  return out;
}

std::string table_head(const bench& b) {
  std::string out = fmt::format("{:18} {:12} {:>10} {:>8} {:>5}", "workload", "kind", "n",
                                b.maps()[b.subject()].code, "floor");
  for (std::size_t m = 0; m < b.maps().size(); ++m) {
    if (m != b.subject()) out += fmt::format(" {:>5}", b.maps()[m].code);
  }
  return out + "  best  ratio [interval]\n";
}

std::string table_line(const bench& b, const task_result& r) {
  std::string out =
      fmt::format("{:18} {:12} {:>10}", r.what.row->name, name_of(r.what.what), counted(r.what.n));
  out += fmt::format(" {:8.2f} {:>5}", lab::summarise(r.ns[b.subject()]).median,
                     r.floor_ns.empty() ? "" : ratio(r.subject_to_floor.median));
  for (std::size_t m = 0; m < b.maps().size(); ++m) {
    if (m != b.subject()) out += fmt::format(" {:>5}", r.ns[m].empty() ? "-" : ratio(r.to_subject[m].median));
  }
  if (r.best) {
    out +=
        fmt::format("  {:4}  {:.2f} [{:.2f} .. {:.2f}]{}", b.maps()[*r.best].code, r.subject_to_best.median,
                    r.subject_to_best.low, r.subject_to_best.high, r.subject_to_best.low > 1 ? " lost" : "");
  }
  return out + "\n";
}

std::string summary(const bench& b, const std::vector<task_result>& results) {
  std::string out = "\n";
  add_means(out, b, results);
  const auto worst =
      std::max_element(results.begin(), results.end(), [](const task_result& a, const task_result& c) {
        return a.subject_to_best.median < c.subject_to_best.median;
      });
  if (worst != results.end() && worst->best) {
    out += fmt::format("  worst: {}  {}  by {}\n", worst->what.name(), with_interval(worst->subject_to_best),
                       b.maps()[*worst->best].name);
  }
  add_scores(out, b, results);
  add_losses(out, b, results);
  add_bytes(out, b, results);
  return out;
}

nlohmann::json to_json(const bench& b, const circumstances& how, const std::vector<task_result>& results) {
  nlohmann::json out;
  out["format"] = "tophash peers 1";
  out["made_with"] = {{"compiler", how.compiler},
                      {"flags", how.flags},
                      {"processor", how.processor},
                      {"transparent_huge_pages", how.huge_pages},
                      {"hash", how.hashing},
                      {"seed", b.settings().seed},
                      {"clock", "CPU time of the thread"},
                      {"rounds", b.settings().rounds},
                      {"tries", b.settings().tries},
                      {"glibc_keeps_freed_memory", how.keeps_freed_heap},
                      {"absent", how.absent}};
  out["subject"] = b.maps()[b.subject()].name;
  for (std::size_t m = 0; m < b.maps().size(); ++m) {
    nlohmann::json one{{"name", b.maps()[m].name}, {"type", b.maps()[m].type}, {"peer", !b.maps()[m].ours}};
    out["maps"].push_back(one);
  }
  for (const auto& [of, bytes] : b.footprints()) {
    if (bytes.at.empty()) continue;
    out["footprints"][name_of(of.second)][std::string(b.maps()[of.first].name)] = {{"mean", bytes.mean},
                                                                                   {"at", bytes.at}};
  }
  for (const task_result& r : results) {
    nlohmann::json one{{"workload", r.what.row->name},
                       {"what", r.what.row->what},
                       {"kind", name_of(r.what.what)},
                       {"n", r.what.n},
                       {"operations", r.operations}};
    for (std::size_t m = 0; m < b.maps().size(); ++m) {
      if (r.ns[m].empty()) continue;
      nlohmann::json& entry = one["maps"][std::string(b.maps()[m].name)];
      entry["ns_per_operation"] = r.ns[m];
      entry["time_over_subject"] = as_json(r.to_subject[m]);
      entry["bytes_per_entry"] = b.bytes_of(m, r.what.what).at.at(r.what.n);
    }
    if (!r.floor_ns.empty()) {
      one["floor_ns_per_operation"] = r.floor_ns;
      one["subject_over_floor"] = as_json(r.subject_to_floor);
    }
    if (r.best) {
      one["best_peer"] = b.maps()[*r.best].name;
      one["subject_over_best"] = as_json(r.subject_to_best);
    }
    if (r.best_of_similar) {
      one["best_peer_of_similar_bytes"] = b.maps()[*r.best_of_similar].name;
      one["subject_over_best_of_similar_bytes"] = as_json(r.subject_to_best_of_similar);
    }
    out["workloads"].push_back(std::move(one));
  }
  if (const by_task all = to_best(b, results, false, any_task); !all.empty()) {
    out["geometric_mean_over_best"] = as_json(geometric_mean(all));
  }
  if (const by_task similar = to_best(b, results, true, any_task); !similar.empty()) {
    out["geometric_mean_over_best_of_similar_bytes"] = as_json(geometric_mean(similar));
  }
  return out;
}

}  // namespace tophash::peers
