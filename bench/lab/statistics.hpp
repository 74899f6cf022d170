// SPDX-License-Identifier: Apache-2.0
// Median of a few repeated measurements and the interval that holds it: order statistics, no assumption of a
// distribution. With k values the interval [k-th smallest, k-th largest] covers the true median with a chance
// that a binomial sum gives; the narrowest one of at least 95 % is taken, else the whole range (`coverage`
// says what it is then: 75 % of three values, 93.8 % of five, 98.4 % of seven).
#ifndef TOPHASH_BENCH_LAB_STATISTICS_HPP
#define TOPHASH_BENCH_LAB_STATISTICS_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace tophash::lab {

struct estimate {
  double median = 0;
  double low = 0;
  double high = 0;
  double coverage = 0;  // chance that [low, high] holds the true median
};

// Chance that the true median lies between the values of rank `inset` + 1 from either end.
inline double interval_coverage(std::size_t count, std::size_t inset) noexcept {
  double outside = 0;
  double choose = 1;
  for (std::size_t i = 0; i <= inset; ++i) {
    outside += choose;
    choose = choose * static_cast<double>(count - i) / static_cast<double>(i + 1);
  }
  return 1.0 - 2.0 * outside * std::pow(0.5, static_cast<double>(count));
}

inline estimate summarise(std::span<const double> values) {
  if (values.empty()) return {};
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  const std::size_t n = sorted.size();
  const double median = n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
  std::size_t inset = 0;
  while (inset + 1 < (n + 1) / 2 && interval_coverage(n, inset + 1) >= 0.95) ++inset;
  const double coverage = std::max(0.0, interval_coverage(n, inset));
  return {.median = median, .low = sorted[inset], .high = sorted[n - 1 - inset], .coverage = coverage};
}

inline bool overlap(const estimate& a, const estimate& b) noexcept {
  return a.low <= b.high && b.low <= a.high;
}

}  // namespace tophash::lab

#endif
