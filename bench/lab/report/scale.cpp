// SPDX-License-Identifier: Apache-2.0
#include "lab/report/scale.hpp"

#include <array>

#include "lab/report/text.hpp"

namespace tophash::lab::report {
namespace {

// 1, 2 or 5 times a power of ten, at least `step`.
double round_step(double step) {
  const double power = std::pow(10.0, std::floor(std::log10(step)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= step * 0.999) return factor * power;
  }
  return 10 * power;
}

void add_linear_ticks(scale& axis, int about, tick_text text) {
  const double step = round_step(0.75 * (axis.high - axis.low) / about);  // rather more ticks than fewer
  const double first = std::ceil(axis.low / step - 1e-9);
  for (double k = first; k * step <= axis.high + step * 1e-9; ++k)
    axis.ticks.push_back({k * step, text(k * step)});
}

void add_log_ticks(scale& axis, int about, tick_text text) {
  struct log_grid {
    std::array<double, 6> factors;
    int decades;
  };
  constexpr std::array<log_grid, 7> grids = {{{{1, 1.5, 2, 3, 5, 7}, 1},
                                              {{1, 2, 3, 5}, 1},
                                              {{1, 2, 5}, 1},
                                              {{1, 3}, 1},
                                              {{1}, 1},
                                              {{1}, 2},
                                              {{1}, 3}}};
  const int first = static_cast<int>(std::floor(std::log10(axis.low)));
  const int last = static_cast<int>(std::ceil(std::log10(axis.high)));
  for (const log_grid& grid : grids) {
    axis.ticks.clear();
    for (int decade = first; decade <= last; ++decade) {
      for (const double factor : grid.factors) {
        if (decade % grid.decades != 0) continue;
        const double value = factor * std::pow(10.0, decade);
        const bool inside = value >= axis.low * 0.999 && value <= axis.high * 1.001;
        if (factor > 0 && inside) axis.ticks.push_back({value, text(value)});
      }
    }
    if (axis.ticks.size() <= static_cast<std::size_t>(about) + 1) break;
  }
}

}  // namespace

scale make_scale(std::span<const double> values, scale_wish wish, tick_text text) {
  scale axis;
  if (values.empty()) return axis;
  const auto [least, greatest] = std::minmax_element(values.begin(), values.end());
  axis.low = *least;
  axis.high = *greatest;
  axis.logarithmic = !wish.from_zero && axis.low > 0 && axis.high > wish.ratio_for_log * axis.low;
  if (axis.logarithmic) {
    const double margin = std::pow(axis.high / axis.low, 0.06);
    axis.low /= margin;
    axis.high *= margin;
    add_log_ticks(axis, wish.ticks, text);
    return axis;
  }
  if (wish.from_zero) axis.low = std::min(axis.low, 0.0);
  // At least a fifth of the largest value wide: a difference of one percent must not fill the plot.
  const double width = axis.high - axis.low, size = std::max(std::abs(axis.low), std::abs(axis.high));
  double margin = std::max(0.06 * width, (0.2 * size - width) / 2);
  if (size == 0) margin = 1;
  axis.high += margin;
  if (!wish.from_zero) {
    const bool positive = axis.low >= 0;
    axis.low -= margin;
    if (positive) axis.low = std::max(axis.low, 0.0);
  }
  add_linear_ticks(axis, wish.ticks, text);
  return axis;
}

scale thinned(const scale& axis, double pixels) {
  constexpr double between = 9;
  const auto width = [](const tick& t) {
    return label_character_width * static_cast<double>(length_characters(t.label));
  };
  for (std::size_t every = 1; every <= axis.ticks.size(); ++every) {
    scale fewer = axis;
    fewer.ticks.clear();
    bool fits = true;
    for (std::size_t i = 0; i < axis.ticks.size(); i += every) {
      const tick& t = axis.ticks[i];
      if (!fewer.ticks.empty()) {
        const tick& last = fewer.ticks.back();
        const double apart = pixels * (axis.position(t.value) - axis.position(last.value));
        fits = fits && apart >= (width(t) + width(last)) / 2 + between;
      }
      fewer.ticks.push_back(t);
    }
    if (fits) return fewer;
  }
  return axis;
}

}  // namespace tophash::lab::report
