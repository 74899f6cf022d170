// SPDX-License-Identifier: Apache-2.0
#include "lab/claims_verdict.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace tophash::lab {

namespace {

std::string number_text(double value) { return fmt::format("{:.4g}", value); }

std::string interval_text(double low, double high) {
  if (std::isinf(low)) return "at most " + number_text(high);
  if (std::isinf(high)) return "at least " + number_text(low);
  return number_text(low) + ".." + number_text(high);
}

const measured_metric* find_metric(const measured_sample& sample, const std::string& name) {
  const auto found = sample.find(name);
  return found == sample.end() || found->second.rounds.empty() ? nullptr : &found->second;
}

// A quotient or a difference is taken within a round, so that what slows a whole round cancels out.
template <class Operation>
std::vector<double> by_round(const measured_metric& a, const measured_metric& b, Operation operation) {
  const std::size_t count = std::min(a.rounds.size(), b.rounds.size());
  std::vector<double> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(operation(a.rounds[i], b.rounds[i]));
  return out;
}

judged_reading unresolved(judged_reading out, std::string reason) {
  out.is = verdict::not_resolvable;
  out.reason = std::move(reason);
  return out;
}

enum class direction_found { as_claimed, not_as_claimed, hidden };

direction_found direction_of(const claim_rule& rule, const measured_metric& metric,
                             const measured_sample& sample) {
  if (!rule.direction) return direction_found::not_as_claimed;
  const measured_metric* than = find_metric(sample, rule.direction->than);
  if (than == nullptr) return direction_found::not_as_claimed;
  const auto gap_of = [&](double slowed_a, double slowed_b) {
    return summarise(
        by_round(metric, *than, [=](double a, double b) { return a / slowed_a - b / slowed_b; }));
  };
  const double low = gap_of(metric.slowed, 1).low, high = gap_of(1, than->slowed).high;
  if (rule.direction->greater ? low > 0 : high < 0) return direction_found::as_claimed;
  if (metric.exact && than->exact) return direction_found::not_as_claimed;
  return (rule.direction->greater ? high < 0 : low > 0) ? direction_found::not_as_claimed
                                                        : direction_found::hidden;
}

judged_reading judge_reading(const claim_rule& rule, const std::string& unit, const measured_sample& sample,
                             const std::string& name) {
  judged_reading out{.metric = name, .value = {}, .is = verdict::not_resolvable, .reason = {}};
  const measured_metric* metric = find_metric(sample, name);
  if (metric == nullptr) return unresolved(out, "'" + name + "' was not measured here");
  std::vector<double> values = metric->rounds;
  bool exact = metric->exact;
  double too_long = metric->slowed, too_short = 1;
  if (!rule.per.empty()) {
    const measured_metric* per = find_metric(sample, rule.per);
    if (per == nullptr) return unresolved(out, "'" + rule.per + "' was not measured here");
    values = by_round(*metric, *per, [](double a, double b) { return a / b; });
    exact = exact && per->exact;
    too_short = per->slowed;
  } else if (metric->unit != unit) {
    return unresolved(out, "measured in " + metric->unit + ", published in " + unit);
  }
  out.value = summarise(values);
  if (std::any_of(values.begin(), values.end(), [](double v) { return !std::isfinite(v); }))
    return unresolved(out, "a round has no finite figure");
  if (rule.compare == claim_comparison::undefined) return unresolved(out, rule.why);
  if (!exact && values.size() < fewest_timed_rounds)
    return unresolved(out, fmt::format("a time of {} {} has no spread; --repeat {} or more", values.size(),
                                       values.size() == 1 ? "round" : "rounds", fewest_timed_rounds));

  const accepted_interval accepted = accepted_by(rule);
  estimate v = *out.value;
  const bool slowed = too_long != 1 || too_short != 1;
  std::string measured = interval_text(v.low, v.high);
  v.low /= too_long, v.high *= too_short;
  if (slowed) measured += " beside busy processes, so alone " + interval_text(v.low, v.high) + ",";
  const std::string wanted = interval_text(accepted.low, accepted.high);
  const bool inside = v.low >= accepted.low && v.high <= accepted.high;
  const bool outside = v.low > accepted.high || v.high < accepted.low;
  if (!inside && !outside) {
    const bool too_fine = v.high - v.low >= accepted.high - accepted.low;
    return unresolved(out, fmt::format("{} reaches across the edge of {}: {}", measured, wanted,
                                       slowed     ? "run it on a quiet machine"
                                       : too_fine ? "the tolerance is finer than the spread"
                                                  : "more rounds (--repeat) may decide"));
  }
  if (inside) {
    out.is = verdict::confirmed;
    out.reason = fmt::format("{} lies within {}", measured, wanted);
    return out;
  }
  const direction_found direction = direction_of(rule, *metric, sample);
  if (direction == direction_found::hidden)
    return unresolved(
        out, fmt::format("{} lies outside {}; whether it is {} than '{}' is finer than the spread: {}",
                         measured, wanted, rule.direction->greater ? "greater" : "less", rule.direction->than,
                         slowed ? "run it on a quiet machine" : "more rounds (--repeat) may decide"));
  if (direction == direction_found::as_claimed) {
    out.is = verdict::direction_only;
    out.reason = fmt::format("{} lies outside {}, but is {} than '{}' as claimed", measured, wanted,
                             rule.direction->greater ? "greater" : "less", rule.direction->than);
  } else {
    out.is = verdict::refuted;
    out.reason = fmt::format("{} lies outside {}", measured, wanted);
  }
  return out;
}

// The stronger of two readings' verdicts: what is not resolved might have confirmed; refuted only counts if
// nothing else is there.
int strength(verdict v) noexcept {
  switch (v) {
  case verdict::confirmed:
    return 3;
  case verdict::not_resolvable:
    return 2;
  case verdict::direction_only:
    return 1;
  case verdict::refuted:
    break;
  }
  return 0;
}

// An inverted rule has no direction of its own: what misses the size is what it says.
verdict opposite(verdict v) noexcept {
  switch (v) {
  case verdict::confirmed:
    return verdict::refuted;
  case verdict::refuted:
  case verdict::direction_only:
    return verdict::confirmed;
  case verdict::not_resolvable:
    break;
  }
  return v;
}

}  // namespace

std::string_view verdict_name(verdict v) noexcept {
  switch (v) {
  case verdict::confirmed:
    return "CONFIRMED";
  case verdict::refuted:
    return "REFUTED";
  case verdict::direction_only:
    return "DIRECTION ONLY";
  case verdict::not_resolvable:
    break;
  }
  return "NOT RESOLVABLE HERE";
}

accepted_interval accepted_by(const claim_rule& rule) noexcept {
  constexpr double infinite = std::numeric_limits<double>::infinity();
  const double figure = rule.figure, tolerance = rule.tolerance;
  switch (rule.compare) {
  case claim_comparison::within_factor: {
    const double a = figure / tolerance, b = figure * tolerance;
    return {std::min(a, b), std::max(a, b)};
  }
  case claim_comparison::within_percent: {
    const double by = std::abs(figure) * tolerance / 100;
    return {figure - by, figure + by};
  }
  case claim_comparison::within:
    return {figure - tolerance, figure + tolerance};
  case claim_comparison::at_most:
    return {-infinite, figure + tolerance};
  case claim_comparison::at_least:
    return {figure - tolerance, infinite};
  case claim_comparison::undefined:
    break;
  }
  return {-infinite, infinite};
}

void mark_slowed(measured_sample& sample, double factor) {
  for (auto& [name, metric] : sample) {
    if (!metric.exact && (metric.unit == "ns" || metric.unit == "ms")) metric.slowed = factor;
  }
}

ruling judge(const claim_rule& rule, const std::string& unit, const measured_sample& sample) {
  ruling out;
  for (const std::string& name : rule.readings) {
    out.readings.push_back(judge_reading(rule, unit, sample, name));
    const std::size_t last = out.readings.size() - 1;
    if (strength(out.readings[last].is) > strength(out.readings[out.decided_by].is)) out.decided_by = last;
  }
  if (out.readings.empty())
    out.readings.push_back({.metric = {}, .value = {}, .is = verdict::not_resolvable, .reason = rule.why});
  if (rule.inverted) {
    for (judged_reading& reading : out.readings) reading.is = opposite(reading.is);
  }
  out.is = out.readings[out.decided_by].is;
  return out;
}

}  // namespace tophash::lab
