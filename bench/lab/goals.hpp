// SPDX-License-Identifier: Apache-2.0
// What a map has to keep to: `p99.9<1ms,rss<2x`. A goal is METRIC<LIMIT. Times carry a unit (ns, us, ms, s),
// bytes one of theirs (B, KiB, MiB, GiB) or `x`: as many times what the entries themselves take when most are
// alive.
#ifndef TOPHASH_BENCH_LAB_GOALS_HPP
#define TOPHASH_BENCH_LAB_GOALS_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/measure.hpp"

namespace tophash::lab {

struct goal {
  std::string text;    // as it was given
  std::string metric;  // one of goal_metrics()
  double limit = 0;    // ns or bytes; or a multiple
  bool multiple = false;
};

struct goal_metric {
  std::string_view name;
  bool is_time;
  std::string_view description;
  // Nothing: it was not measured, or the map allocates past the lab's counters.
  std::optional<double> (*of)(const measured_row&);
};
const std::vector<goal_metric>& goal_metrics();

// Throws command_error (exit_usage) that quotes the part which is wrong and says what would be right. An
// empty text: no goals.
std::vector<goal> parse_goals(const std::string& text);

std::optional<double> metric_of(std::string_view metric, const measured_row& row);

// By how much the row misses it, as a share of the limit; 0: it keeps to it. What was not measured misses
// by 1.
double missed_by(const goal& g, const measured_row& row, std::uint64_t live_bytes);
double missed_by(const std::vector<goal>& goals, const measured_row& row, std::uint64_t live_bytes);

}  // namespace tophash::lab

#endif
