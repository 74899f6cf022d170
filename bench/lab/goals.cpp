// SPDX-License-Identifier: Apache-2.0
#include "lab/goals.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "lab/experiment.hpp"
#include "lab/nearest.hpp"

namespace tophash::lab {

namespace {

using optional_metric = std::optional<double>;

template <double latency_figures::*Figure>
optional_metric latency_metric(const measured_row& r) {
  return r.latency ? optional_metric((*r.latency).*Figure) : std::nullopt;
}

struct goal_unit {
  std::string_view name;
  bool is_time;
  double factor;
};
constexpr goal_unit goal_units[] = {{"ns", true, 1},         {"us", true, 1e3},      {"ms", true, 1e6},
                                    {"s", true, 1e9},        {"B", false, 1},        {"KiB", false, 1024},
                                    {"MiB", false, 1 << 20}, {"GiB", false, 1 << 30}};

[[noreturn]] void refuse_goal(const std::string& text, const std::string& reason) {
  throw command_error(exit_usage, "the goal '" + text + "' " + reason);
}

std::string_view without_blanks(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

goal parse_goal(std::string_view part) {
  goal out{.text = std::string{without_blanks(part)}, .metric = {}};
  const std::string_view text = out.text;
  if (text.empty()) refuse_goal(out.text, "is empty: a goal is METRIC<LIMIT, as in p99.9<1ms,rss<2x");
  const std::size_t sign = text.find('<');
  if (sign == std::string_view::npos || text.find_first_of("<>=", sign + 1) != std::string_view::npos ||
      text.find_first_of(">=") < sign)
    refuse_goal(out.text, "is no METRIC<LIMIT, as in p99.9<1ms,rss<2x");
  out.metric = without_blanks(text.substr(0, sign));
  std::vector<std::string> known;
  const goal_metric* metric = nullptr;
  for (const goal_metric& m : goal_metrics()) {
    known.emplace_back(m.name);
    if (m.name == out.metric) metric = &m;
  }
  if (metric == nullptr)
    refuse_goal(out.text, "names no metric: '" + out.metric + "'" + nearest_hint(out.metric, known));
  const std::string_view limit = without_blanks(text.substr(sign + 1));
  const auto [end, error] = std::from_chars(limit.data(), limit.data() + limit.size(), out.limit);
  if (error != std::errc{} || !std::isfinite(out.limit) || out.limit <= 0)
    refuse_goal(out.text, "has no limit: a number above 0 and its unit stand behind the '<'");
  const std::string_view unit = without_blanks(limit.substr(static_cast<std::size_t>(end - limit.data())));
  const char* const units =
      metric->is_time ? "ns, us, ms or s" : "B, KiB, MiB, GiB, or x for times what the entries take";
  if (!metric->is_time && unit == "x") {
    out.multiple = true;
    return out;
  }
  for (const goal_unit& u : goal_units) {
    if (u.name != unit || u.is_time != metric->is_time) continue;
    out.limit *= u.factor;
    return out;
  }
  refuse_goal(out.text,
              (unit.empty() ? std::string{"has no unit"}
                            : "has a unit that is none of " + out.metric + ": '" + std::string{unit} + "'") +
                  "; write " + units);
}

}  // namespace

const std::vector<goal_metric>& goal_metrics() {
  static const std::vector<goal_metric> all = {
      // The least: other work on the machine only ever adds.
      {"time", true, "CPU time of an operation, the mean of a run; of the rounds the least",
       [](const measured_row& r) {
         const std::vector<double>& rounds = r.cpu_ns_per_op;
         return rounds.empty() ? std::nullopt : optional_metric(*std::min_element(rounds.begin(), rounds.end()));
       }},
      {"p50", true, "median of operations timed on their own", latency_metric<&latency_figures::p50>},
      {"p90", true, "9 of 10 operations", latency_metric<&latency_figures::p90>},
      {"p99", true, "99 of 100 operations", latency_metric<&latency_figures::p99>},
      {"p99.9", true, "999 of 1000 operations", latency_metric<&latency_figures::p99_9>},
      {"max", true, "the worst operation", latency_metric<&latency_figures::max>},
      {"peak", false, "most bytes requested at one time",
       [](const measured_row& r) {
         return r.memory && r.memory->counted ? optional_metric(static_cast<double>(r.memory->peak_bytes))
                                              : std::nullopt;
       }},
      {"rss", false, "what a run adds to the resident set",
       [](const measured_row& r) {
         return r.memory && r.memory->rss_bytes ? optional_metric(static_cast<double>(*r.memory->rss_bytes))
                                                : std::nullopt;
       }},
      {"pause", true, "the collector's longest stop of the world", [](const measured_row& r) {
         return r.collector ? optional_metric(static_cast<double>(r.collector->sample.stop_the_world.max_ns))
                            : std::nullopt;
       }}};
  return all;
}

std::vector<goal> parse_goals(const std::string& text) {
  std::vector<goal> out;
  if (text.empty()) return out;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    out.push_back(parse_goal(std::string_view{text}.substr(begin, end - begin)));
    for (std::size_t i = 0; i + 1 < out.size(); ++i) {
      if (out[i].metric == out.back().metric)
        refuse_goal(out.back().text, "is the second one for " + out.back().metric);
    }
    begin = end + 1;
  }
  return out;
}

std::optional<double> metric_of(std::string_view metric, const measured_row& row) {
  for (const goal_metric& m : goal_metrics()) {
    if (m.name == metric) return m.of(row);
  }
  return std::nullopt;
}

double missed_by(const goal& g, const measured_row& row, std::uint64_t live_bytes) {
  const std::optional<double> value = metric_of(g.metric, row);
  if (!value) return 1;
  const double limit = g.multiple ? g.limit * static_cast<double>(live_bytes) : g.limit;
  return limit > 0 ? std::max(0.0, *value / limit - 1) : 1;
}

double missed_by(const std::vector<goal>& goals, const measured_row& row, std::uint64_t live_bytes) {
  double sum = 0;
  for (const goal& g : goals) sum += missed_by(g, row, live_bytes);
  return sum;
}

}  // namespace tophash::lab
