// SPDX-License-Identifier: Apache-2.0
// Sentences computed from rows: what an option, a storage or a collector changed, over all pairs of rows that
// differ in nothing else. An effect whose interval contains no difference is said to be none.
#ifndef TOPHASH_BENCH_LAB_FINDINGS_HPP
#define TOPHASH_BENCH_LAB_FINDINGS_HPP

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lab/measure.hpp"
#include "lab/statistics.hpp"

namespace tophash::lab {

// One option against another: the geometric mean of the pairs' time ratios in each round, then the median of
// the rounds.
struct option_effect {
  std::string axis, option, base;
  std::size_t pairs = 0;
  estimate time_ratio;
  std::optional<double> p99_9_ratio, worst_ratio;  // medians over pairs
  std::optional<double> peak_ratio, rss_ratio;
};

std::vector<option_effect> option_effects(const measurement& m);

// A ratio's interval does not hold 1, and its median is at least one per cent away.
bool resolvable(const estimate& ratio) noexcept;

std::vector<std::string> findings(const measurement& m);

// `1.2 ms`, `31 ns`; `41.2 MiB`.
std::string time_text(double ns);
std::string bytes_text(double bytes);

}  // namespace tophash::lab

#endif
