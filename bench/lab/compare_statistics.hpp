// SPDX-License-Identifier: Apache-2.0
// Is a difference there? Rounds are paired, so under "no difference" each paired log ratio lies above or
// below its median like a coin, whatever its distribution: the intervals are order statistics, as in
// statistics.hpp, and need no assumption about noise, which on shared machines is heavy-tailed.
//
// Rounds are added while a question is open, and each look at the figures is a chance to be wrong. The chance
// is handed out to the looks in proportion to the rounds (Lan and DeMets' alpha spending, linear), and the
// intervals are repeated confidence intervals (Jennison and Turnbull): the chance that *any* look's interval
// misses the true median is at most `miss`. Exactly so: the number of values below the median is a binomial
// walk, whose survivors are carried from look to look. Boost.Math has the single binomial but not the walk.
//
// What was chosen, and why:
//   shown      95 % for each figure, over all looks: what a reader expects of an interval.
//   deciding   99.5 % over all looks and *all* figures of a command together (Bonferroni). The promise is
//              that an A/A comparison says "no difference" 99 times in 100; five figures at 95 % would break
//              it one time in five. The half per cent left over is for rounds that are not quite independent.
//   resolution 1 %: what lies closer is never called a difference, however many rounds; the placement of code
//              and data alone moves a loop by about as much.
#ifndef TOPHASH_BENCH_LAB_COMPARE_STATISTICS_HPP
#define TOPHASH_BENCH_LAB_COMPARE_STATISTICS_HPP

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "lab/statistics.hpp"

namespace tophash::lab {

inline constexpr double shown_miss = 0.05;
inline constexpr double deciding_miss = 0.005;
inline constexpr double resolution_ratio = 0.01;

// Rounds after which figures are judged: 16, then about 1.4 times as many, the last being `most`.
std::vector<std::size_t> looks_up_to(std::size_t most);

// For each look, how many values to leave out at either end of the sorted ones; nothing while even the whole
// range would miss too often. Throws std::invalid_argument unless looks rise and 0 < miss < 1.
std::vector<std::optional<std::size_t>> repeated_insets(std::span<const std::size_t> looks, double miss);

enum class judgement : unsigned char {
  open,       // the interval holds 0 and something beyond the resolution: more rounds could tell
  same,       // the interval lies within the resolution
  different,  // the interval excludes 0, and the median lies beyond the resolution
};
const char* judgement_name(judgement j) noexcept;

// Of one figure, as differences: 0.03 is 3 % more. The intervals hold at the chosen levels for all looks.
struct paired_difference {
  std::size_t rounds = 0;  // what the last look saw
  double median = 0;
  std::optional<estimate> shown, deciding;
  judgement verdict = judgement::open;
};

class paired_judge {
 public:
  // `figures`: how many are judged side by side. `resolution`: a figure's own, if its clock is coarser.
  paired_judge(std::size_t most_rounds, std::size_t figures, double resolution = resolution_ratio);

  std::span<const std::size_t> looks() const noexcept { return looks_; }
  bool is_look(std::size_t rounds) const noexcept;

  // Of other / base, round by round, at the last look they reach; without one, the median of what there is.
  // Values that are not above 0 make the pair useless and are refused: std::invalid_argument.
  paired_difference judge(std::span<const double> base, std::span<const double> other) const;

 private:
  std::vector<std::size_t> looks_;
  std::vector<std::optional<std::size_t>> shown_, deciding_;
  double shown_level_, deciding_level_;
  double resolution_;
};

}  // namespace tophash::lab

#endif
