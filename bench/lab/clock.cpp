// SPDX-License-Identifier: Apache-2.0
// Calibration of the tick counter against the monotonic clock.
#include "lab/clock.hpp"

#include <algorithm>
#include <vector>

namespace tophash::lab {

namespace {

tick_rate calibrate() {
  constexpr std::uint64_t window_ns = 20'000'000;
  const std::uint64_t wall_begin = wall_ns(), ticks_begin = ticks_now();
  std::uint64_t wall_end = wall_begin;
  while (wall_end - wall_begin < window_ns) wall_end = wall_ns();
  const std::uint64_t elapsed_ticks = ticks_now() - ticks_begin;
  tick_rate out;
  out.ns_per_tick = static_cast<double>(wall_end - wall_begin) /
                    static_cast<double>(std::max<std::uint64_t>(elapsed_ticks, 1));
  std::vector<std::uint64_t> empty(10'001);
  for (std::uint64_t& sample : empty) {
    const std::uint64_t begin = ticks_now();
    sample = ticks_now() - begin;
  }
  std::nth_element(empty.begin(), empty.begin() + 5'000, empty.end());
  out.overhead_ns = static_cast<double>(empty[5'000]) * out.ns_per_tick;
  return out;
}

}  // namespace

const tick_rate& calibrated_ticks() {
  static const tick_rate rate = calibrate();
  return rate;
}

}  // namespace tophash::lab
