// SPDX-License-Identifier: Apache-2.0
// Axes of plots: which range, linear or logarithmic, where the ticks stand and what they say. One place for
// the hand-drawn frontier and for gnuplot, so that a figure reads the same in both.
#ifndef TOPHASH_BENCH_LAB_REPORT_SCALE_HPP
#define TOPHASH_BENCH_LAB_REPORT_SCALE_HPP

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <vector>

namespace tophash::lab::report {

struct tick {
  double value = 0;
  std::string label;
};

struct scale {
  double low = 0, high = 1;
  bool logarithmic = false;
  std::vector<tick> ticks;

  // 0 at the low end, 1 at the high end.
  double position(double value) const {
    if (logarithmic) return std::log(value / low) / std::log(high / low);
    return (value - low) / (high - low);
  }
};

using tick_text = std::string (*)(double);

// Room for all values, and never less than a fifth of the largest. Logarithmic where they span more than
// `ratio_for_log`, unless one is not positive. `from_zero`: bars and lengths, which lie when the axis is cut
// or logarithmic.
struct scale_wish {
  bool from_zero = false;
  double ratio_for_log = 12;
  int ticks = 5;
};
scale make_scale(std::span<const double> values, scale_wish wish, tick_text text);

// The same axis on `pixels`, with as many of its ticks as have room for their labels side by side.
scale thinned(const scale& axis, double pixels);
inline constexpr double label_character_width = 6.9;  // px, of 12 px letters, DejaVu Sans being wide

}  // namespace tophash::lab::report

#endif
