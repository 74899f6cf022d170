// SPDX-License-Identifier: Apache-2.0
// A comparison as a table, one a pair, and as JSON (schema tophash-compare-1) with every round.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "lab/catalogue.hpp"
#include "lab/clock.hpp"
#include "lab/compare.hpp"
#include "lab/findings.hpp"
#include "lab/manifest.hpp"

namespace tophash::lab {

namespace {

using nlohmann::json;

const measured_row& row_of(const comparison& c, std::size_t variant) {
  return c.measured.measured.rows[variant];
}

std::string cxx_of(const comparison& c, std::size_t variant) {
  const measured_row& row = row_of(c, variant);
  if (row.task.variant->spec.empty()) return row.task.variant->name;
  const spec_description spec = parse_spec(row.task.variant->spec);
  return cxx_type(row.task.storage == "system" ? spec : with_option(spec, "allocation=" + row.task.storage),
                  "K", "V");
}

std::string percent(double difference) {
  const double p = 100 * difference;
  return std::abs(p) < 10 ? fmt::format("{:+.1f}", p) : fmt::format("{:+.0f}", p);
}

std::string interval_text(const std::optional<estimate>& e) {
  if (!e) return "too few rounds";
  return percent(e->low) + ".." + percent(e->high) + " %";
}

std::string figure_text(const std::string& name, const std::optional<double>& value) {
  if (!value) return "not told";
  if (name.find("bytes") != std::string::npos) return bytes_text(*value);
  if (*value == std::floor(*value) && std::abs(*value) < 1e15)
    return fmt::format("{}", fmt::group_digits(static_cast<long long>(*value)));
  return fmt::format("{:.2f}", *value);
}

// A counter of the collector's depends on when it ran: measured once, it is no exact figure.
bool is_exact(const exact_figure& f) { return f.name.compare(0, 3, "GC:") != 0; }

const char* mark_of(const paired_difference& d) {
  if (d.verdict == judgement::different) return d.median < 0 ? "faster" : "slower";
  return d.verdict == judgement::same ? "same" : "-";
}

struct columns {
  std::size_t name = 20, base = 12, other = 12;
};

columns columns_of(const comparison& c, const compared_pair& pair) {
  columns out;
  out.base = std::max(out.base, c.labels.front().size());
  out.other = std::max(out.other, c.labels[pair.other].size());
  for (const exact_figure& f : c.exact) out.name = std::max(out.name, f.name.size());
  return out;
}

std::string table_of(const comparison& c, const compared_pair& pair) {
  const columns w = columns_of(c, pair);
  std::string out = fmt::format("{:<{}}  {:>{}}  {:>{}}  {:>16}\n", "", w.name, c.labels.front(), w.base,
                                c.labels[pair.other], w.other, "95 % interval");
  for (std::size_t i = 0; i < c.timed.size(); ++i) {
    const timed_figure& f = c.timed[i];
    const paired_difference& d = pair.timed[i];
    out += fmt::format("{:<{}}  {:>{}.1f}  {:>{}.1f}  {:>16}  {}\n", f.name + (i == 0 ? " ns/op" : " ns"),
                       w.name, f.median(0), w.base, f.median(pair.other), w.other, interval_text(d.shown),
                       mark_of(d));
  }
  for (const exact_figure& f : c.exact) {
    if (!f.values.front() && !f.values[pair.other]) continue;
    out += fmt::format("{:<{}}  {:>{}}  {:>{}}  {:>16}\n", f.name, w.name,
                       figure_text(f.name, f.values.front()), w.base,
                       figure_text(f.name, f.values[pair.other]), w.other, is_exact(f) ? "exact" : "once");
  }
  return out;
}

std::string verdict_text(const comparison& c, const compared_pair& pair) {
  std::string different;
  double widest = 0;
  bool decidable = true;
  for (std::size_t i = 0; i < c.timed.size(); ++i) {
    const paired_difference& d = pair.timed[i];
    if (d.verdict == judgement::different)
      different += (different.empty() ? "" : ", ") + c.timed[i].name + " " + percent(d.median) + " %";
    decidable = decidable && d.deciding.has_value();
    if (d.deciding) widest = std::max({widest, std::abs(d.deciding->low), std::abs(d.deciding->high)});
  }
  const std::string after = fmt::format(" (after {} rounds)", c.rounds);
  if (!different.empty()) return "different: " + different + after;
  if (pair.verdict == judgement::same)
    return fmt::format("no difference: every figure is the same within {:.0f} %", 100 * resolution_ratio) +
           after;
  if (!decidable) return "no difference resolvable: so few rounds cannot decide anything" + after;
  return fmt::format("no difference resolvable: what there is lies within {:.1f} %", 100 * widest) + after;
}

json interval_json(const std::optional<estimate>& e) {
  if (!e) return nullptr;
  return {{"low", e->low}, {"high", e->high}, {"level", e->coverage}};
}

json pair_json(const comparison& c, const compared_pair& pair) {
  json out{{"base", row_of(c, 0).task.variant->name},
           {"other", row_of(c, pair.other).task.variant->name},
           {"other_index", pair.other},
           {"verdict", judgement_name(pair.verdict)},
           {"sentence", verdict_text(c, pair)},
           {"why", pair.why}};
  for (std::size_t i = 0; i < c.timed.size(); ++i) {
    const paired_difference& d = pair.timed[i];
    out["figures"].push_back({{"name", c.timed[i].name},
                              {"difference", d.median},
                              {"rounds", d.rounds},
                              {"interval", interval_json(d.shown)},
                              {"deciding_interval", interval_json(d.deciding)},
                              {"verdict", judgement_name(d.verdict)}});
  }
  out["counters"] = json::array();
  for (const counter_difference& d : pair.counters) {
    out["counters"].push_back(
        {{"name", d.name}, {"base", d.base}, {"other", d.other}, {"events_per_op", d.events_per_op}});
  }
  return out;
}

json variant_json(const comparison& c, std::size_t variant) {
  const measured_row& row = row_of(c, variant);
  json out{{"variant", row.task.variant->name},
           {"label", c.labels[variant]},
           {"allocator", row.task.storage},
           {"checksum", std::to_string(row.result.checksum)},
           {"cxx", cxx_of(c, variant)}};
  if (!row.task.variant->spec.empty()) out["spec"] = row.task.variant->spec;
  if (!row.trouble.empty()) out["trouble"] = row.trouble;
  for (const timed_figure& f : c.timed) out["rounds_ns"][f.name] = f.rounds[variant];
  for (const exact_figure& f : c.exact) {
    if (f.values[variant]) out[is_exact(f) ? "exact" : "once"][f.name] = *f.values[variant];
  }
  return out;
}

}  // namespace

json comparison_json(const comparison& c) {
  const experiment_request& r = c.measured.request;
  json out{{"schema", "tophash-compare-1"}, {"manifest", manifest()}, {"rounds", c.rounds}};
  out["manifest"]["seed"] = r.seed;
  out["manifest"]["input"] = c.measured.input_text;
  out["manifest"]["input_sha256"] = c.measured.input_sha256;
  out["experiment"] = {{"command", "compare"}, {"argv", r.argv}, {"seed", r.seed}, {"most_rounds", r.repeat}};
  out["resolution"] = resolution_ratio;
  out["chance_of_any_false_difference"] = deciding_miss;
  out["variants"] = json::array();
  for (std::size_t i = 0; i < c.measured.measured.rows.size(); ++i)
    out["variants"].push_back(variant_json(c, i));
  out["pairs"] = json::array();
  for (const compared_pair& pair : c.pairs) out["pairs"].push_back(pair_json(c, pair));
  out["winners"] = c.winners;
  if (!c.measured.measured.mismatches.empty()) out["mismatches"] = c.measured.measured.mismatches;
  if (c.interrupted) out["interrupted"] = true;
  return out;
}

std::string comparison_text(const comparison& c) {
  std::string out =
      c.measured.input_text + fmt::format("\nCPU time of the thread; p50 of operations timed on "
                                          "their own, the clock's {:.0f} ns included\n",
                                          calibrated_ticks().overhead_ns);
  for (const compared_pair& pair : c.pairs) {
    out += "\n" + table_of(c, pair);
    out += verdict_text(c, pair) + "\n";
    out += "why: " + pair.why + "\n";
  }
  if (!c.winners.empty()) out += "\n";
  std::vector<std::string> said;
  for (const std::size_t winner : c.winners) {
    const std::string type = cxx_of(c, winner);
    if (std::find(said.begin(), said.end(), type) == said.end()) out += "C++: " + type + "\n";
    said.push_back(type);
  }
  if (c.interrupted) out += "interrupted: these are the results so far\n";
  return out;
}

}  // namespace tophash::lab
