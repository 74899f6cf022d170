// SPDX-License-Identifier: Apache-2.0
// Percentiles in charts and captions: one sign each, the same for latencies and for pauses.
#ifndef TOPHASH_BENCH_LAB_REPORT_PERCENTILE_MARKS_HPP
#define TOPHASH_BENCH_LAB_REPORT_PERCENTILE_MARKS_HPP

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "lab/report/parts.hpp"

namespace tophash::lab::report {

struct percentile_mark {
  const char* name;
  const char* sign;
  std::optional<double> percentiles::*value;
  int shape;
};
inline constexpr std::array<percentile_mark, 5> percentile_marks = {
    {{"p50", "\xE2\x97\x8F", &percentiles::p50, filled_circle},
     {"p90", "\xE2\x96\xA0", &percentiles::p90, filled_square},
     {"p99", "\xE2\x96\xB2", &percentiles::p99, filled_triangle},
     {"p99.9", "\xE2\x97\x86", &percentiles::p99_9, filled_diamond},
     {"max", "\xC3\x97", &percentiles::max, cross}}};

// "● p50 ▲ p99": the percentiles that some row has.
template <class Get>
std::string percentile_key(const experiment_view& e, Get get) {
  std::string key;
  for (const percentile_mark& mark : percentile_marks) {
    const bool used = std::any_of(e.rows.begin(), e.rows.end(), [&](const row_view& r) {
      const percentiles* p = get(*r.figures);
      return p != nullptr && p->*mark.value;
    });
    if (used) key += (key.empty() ? "" : " ") + std::string(mark.sign) + "\xC2\xA0" + mark.name;
  }
  return key;
}

// A logarithmic axis has no zero; what took less than the clock can see stands at its first tenth.
inline void add_percentiles(const percentiles& p, int color, chart_line& line, std::vector<double>& values) {
  std::vector<double> shown;
  for (const percentile_mark& mark : percentile_marks) {
    if (!(p.*mark.value)) continue;
    shown.push_back(std::max(*(p.*mark.value), 0.1));
    line.marks.push_back({shown.back(), mark.shape, mark.shape == cross ? 0.9 : 0.7, color});
  }
  if (shown.empty()) return;
  const auto [least, greatest] = std::minmax_element(shown.begin(), shown.end());
  line.segments.push_back({*least, *greatest, color});
  values.insert(values.end(), shown.begin(), shown.end());
}

}  // namespace tophash::lab::report

#endif
