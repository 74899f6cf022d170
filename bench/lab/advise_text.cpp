// SPDX-License-Identifier: Apache-2.0
// Advice as text and as JSON (schema tophash-advice-1).
#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "lab/advise.hpp"
#include "lab/catalogue.hpp"
#include "lab/findings.hpp"
#include "lab/manifest.hpp"
#include "lab/result.hpp"

namespace tophash::lab {

namespace {

std::string advised_type(const measured_row& r) {
  if (r.task.variant->spec.empty()) return r.task.variant->name;
  const spec_description spec = parse_spec(r.task.variant->spec);
  return cxx_type(r.task.storage == "system" ? spec : with_option(spec, "allocation=" + r.task.storage), "K",
                  "V");
}

std::string metric_text(std::string_view metric, const measured_row& r) {
  const std::optional<double> value = metric_of(metric, r);
  if (!value) return "not told";
  if (metric == "time") return fmt::format("{:.1f}", *value);
  for (const goal_metric& m : goal_metrics()) {
    if (m.name == metric) return m.is_time ? time_text(*value) : bytes_text(*value);
  }
  return {};
}

// "met", or what is missed.
std::string goals_text(const advice& a, const advice_stage& s, const measured_row& r) {
  std::string out;
  for (const goal& g : a.goals) {
    if (const double by = missed_by(g, r, s.live_bytes); by > 0)
      out += (out.empty() ? "misses " : ", ") + g.text + fmt::format(" by {:.0f} %", 100 * by);
  }
  return a.goals.empty() ? "" : out.empty() ? "met" : out;
}

std::string stage_table(const advice& a, const advice_stage& s, const std::vector<std::size_t>& rows) {
  std::size_t width = 20;
  for (const std::size_t i : rows) width = std::max(width, s.measured[i].name().size());
  std::string out = fmt::format("{:<{}}  {:>9}  {:>10}  {:>10}  {:>9}  {:>9}  {}\n", "", width + 2,
                                "CPU ns/op", "peak", "rss", "p99.9", "worst", a.goals.empty() ? "" : "goals");
  for (const std::size_t i : rows) {
    const measured_row& r = s.measured[i];
    out += fmt::format("{} {:<{}}  {:>9}  {:>10}  {:>10}  {:>9}  {:>9}  {}\n", i == 0 ? '*' : ' ', r.name(),
                       width, metric_text("time", r), metric_text("peak", r), metric_text("rss", r),
                       metric_text("p99.9", r), metric_text("max", r), goals_text(a, s, r));
  }
  return out;
}

std::string within_text(const estimate& distance) {
  const std::optional<bool> within = within_best(distance);
  const std::string limit = fmt::format("within {:.0f} % of it", 100 * within_ratio);
  return !within ? "not resolvable here whether " + limit : *within ? limit : "not " + limit;
}

const advice_stage* stage_named(const advice& a, std::string_view name) {
  for (const advice_stage& s : a.stages) {
    if (s.name == name) return &s;
  }
  return nullptr;
}

std::string ratio_text(const estimate& e) {
  return fmt::format("{:+.1f} % ({:+.1f}..{:+.1f})", 100 * (e.median - 1), 100 * (e.low - 1),
                     100 * (e.high - 1));
}

nlohmann::json advised_row_json(const advice& a, const advice_stage& s, std::size_t index) {
  const measured_row& r = s.measured[index];
  nlohmann::json out{{"variant", r.task.variant->name},
                     {"allocator", r.task.storage},
                     {"cxx", advised_type(r)},
                     {"checksum", std::to_string(r.result.checksum)},
                     {"entries", r.result.end_size},
                     {"missed", missed_by(a.goals, r, s.live_bytes)},
                     {"kept", std::find(s.kept.begin(), s.kept.end(), index) != s.kept.end()}};
  if (!r.task.variant->spec.empty()) out["spec"] = r.task.variant->spec;
  for (const goal_metric& m : goal_metrics()) {
    if (const std::optional<double> value = m.of(r)) out["metrics"][std::string{m.name}] = *value;
  }
  return out;
}

}  // namespace

nlohmann::json advice_json(const advice& a) {
  const experiment_request& r = a.request.base;
  nlohmann::json out{{"schema", "tophash-advice-1"}, {"manifest", manifest()}};
  out["manifest"]["seed"] = r.seed;
  out["manifest"]["input"] = a.input_text;
  out["manifest"]["input_sha256"] = a.input_sha256;
  out["experiment"] = {{"command", "advise"}, {"argv", r.argv}, {"seed", r.seed}};
  out["goals"] = nlohmann::json::array();
  for (const goal& g : a.goals)
    out["goals"].push_back(
        {{"text", g.text}, {"metric", g.metric}, {"limit", g.limit}, {"multiple", g.multiple}});
  out["training_rows"] = a.training_rows, out["held_out_rows"] = a.held_out_rows;
  out["most_entries"] = a.most_entries, out["entry_bytes"] = a.entry_bytes;
  out["search"] = {{"started_with", a.started_with},
                   {"compiled", a.compiled},
                   {"neighbours_known", a.neighbours_known},
                   {"seconds", a.search_seconds},
                   {"out_of_budget", a.out_of_budget}};
  out["left_out"] = a.left_out;
  out["stages"] = nlohmann::json::array();
  for (const advice_stage& s : a.stages) {
    nlohmann::json stage{{"name", s.name}, {"rows", s.rows}, {"live_bytes", s.live_bytes}};
    for (std::size_t i = 0; i < s.measured.size(); ++i)
      stage["measured"].push_back(advised_row_json(a, s, i));
    out["stages"].push_back(std::move(stage));
  }
  if (a.recommended) {
    const advice_stage& s = a.stages[a.decided_by];
    out["recommended"] = advised_row_json(a, s, *a.recommended);
    out["recommended"]["stage"] = s.name;
    for (const std::size_t i : a.pareto) out["pareto"].push_back(advised_row_json(a, s, i));
    out["reasons"] = a.reasons;
  }
  if (a.held_out_to_baseline)
    out["baseline"] = a.baseline, out["held_out_to_baseline"] = interval_json(*a.held_out_to_baseline);
  if (a.distance) {
    out["exhaustive"] = {{"best", a.best_held_out},
                         {"ratio", interval_json(*a.distance)},
                         {"distance_percent", 100 * (a.distance->median - 1)},
                         {"rounds", a.duel_rounds},
                         {"limit_percent", 100 * within_ratio}};
    const std::optional<bool> within = within_best(*a.distance);
    out["exhaustive"]["within"] = within ? nlohmann::json(*within) : nlohmann::json(nullptr);
  }
  if (!a.mismatches.empty()) out["mismatches"] = a.mismatches;
  if (a.interrupted) out["interrupted"] = true;
  return out;
}

std::string advice_text(const advice& a) {
  std::string out = a.input_text + "\n";
  out += fmt::format("chosen by the first {} rows, checked on the other {}; {} entries of {} bytes at most\n",
                     fmt::group_digits(a.training_rows), fmt::group_digits(a.held_out_rows),
                     fmt::group_digits(a.most_entries), a.entry_bytes);
  out += fmt::format("searched in {:.0f} s: {} to start from, {} neighbours of the best{}\n",
                     a.search_seconds, a.started_with, a.compiled,
                     a.out_of_budget
                         ? fmt::format(" (of {} and more: the budget ended the search)", a.neighbours_known)
                         : "");
  if (!a.left_out.empty())
    out += fmt::format("left out: {}; the first: {}\n", a.left_out.size(), a.left_out.front());
  if (a.recommended) {
    const advice_stage& s = a.stages[a.decided_by];
    const measured_row& best = s.measured[*a.recommended];
    out += fmt::format("\nPareto set of time, peak and worst operation ({}, {} rows)\n", s.name,
                       fmt::group_digits(s.rows));
    out += stage_table(a, s, a.pareto);
    out += "\nrecommended: " + best.name() + "\n";
    if (missed_by(a.goals, best, s.live_bytes) > 0)
      out += "it " + goals_text(a, s, best) + "; of what was tried it misses least\n";
    out += "C++: " + advised_type(best) + "\n";
    for (const std::string& reason : a.reasons) out += "why, " + reason + "\n";
  }
  if (const advice_stage* const s = stage_named(a, "held out")) {
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < s->measured.size(); ++i) all.push_back(i);
    out += fmt::format("\nheld out: {} rows that chose nothing (* is the best here)\n",
                       fmt::group_digits(s->rows));
    out += stage_table(a, *s, all);
    if (a.held_out_to_baseline)
      out += "recommended against " + a.baseline + ": " + ratio_text(*a.held_out_to_baseline) + " time\n";
  }
  if (a.distance && a.distance->high == a.distance->low)
    out += "the recommendation is the best of the starting set there\n";
  else if (a.distance)
    out += fmt::format(
        "best of the starting set there: {}; the recommendation takes {} time against it, in {} rounds: {}\n",
        a.best_held_out, ratio_text(*a.distance), a.duel_rounds, within_text(*a.distance));
  if (a.interrupted) out += "interrupted: these are the results so far\n";
  return out;
}

}  // namespace tophash::lab
