// SPDX-License-Identifier: Apache-2.0
// A log-linear histogram of unsigned integers: exact up to 63, then 32 steps to each doubling, so that a
// quantile is at most 1/32 above the true value. 15 KiB whatever the number of samples; min, max, count and
// sum are exact. `record` costs a count of leading zeros, a shift and an increment.
#ifndef TOPHASH_BENCH_LAB_HISTOGRAM_HPP
#define TOPHASH_BENCH_LAB_HISTOGRAM_HPP

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace tophash::lab {

class histogram {
 public:
  static constexpr unsigned step_bits = 5;
  static constexpr std::uint64_t steps = std::uint64_t{1} << step_bits;
  static constexpr std::size_t cells = static_cast<std::size_t>(steps) * (65 - step_bits);

  static constexpr std::size_t cell_of(std::uint64_t value) noexcept {
    if (value < 2 * steps) return static_cast<std::size_t>(value);
    const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - step_bits - 1;
    return static_cast<std::size_t>(steps * shift + (value >> shift));
  }

  // The largest value that falls into the cell.
  static constexpr std::uint64_t upper_bound(std::size_t cell) noexcept {
    if (cell < 2 * steps) return cell;
    const unsigned shift = static_cast<unsigned>(cell / steps) - 1;
    const std::uint64_t head = cell % steps + steps;
    return (head << shift) + ((std::uint64_t{1} << shift) - 1);
  }

  void record(std::uint64_t value) noexcept {
    ++cells_[cell_of(value)];
    ++count_;
    sum_ += value;
    min_ = std::min(min_, value);
    max_ = std::max(max_, value);
  }

  void merge(const histogram& other) noexcept {
    for (std::size_t i = 0; i < cells; ++i) cells_[i] += other.cells_[i];
    count_ += other.count_;
    sum_ += other.sum_;
    min_ = std::min(min_, other.min_);
    max_ = std::max(max_, other.max_);
  }

  std::uint64_t count() const noexcept { return count_; }
  std::uint64_t sum() const noexcept { return sum_; }
  std::uint64_t min() const noexcept { return count_ == 0 ? 0 : min_; }
  std::uint64_t max() const noexcept { return max_; }

  // The sample of rank ceil(q * count), rounded up to the end of its cell and never above the maximum.
  std::uint64_t quantile(double q) const noexcept {
    if (count_ == 0) return 0;
    const double wanted = std::ceil(std::clamp(q, 0.0, 1.0) * static_cast<double>(count_));
    const std::uint64_t rank = std::clamp(static_cast<std::uint64_t>(wanted), std::uint64_t{1}, count_);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < cells; ++i) {
      seen += cells_[i];
      if (seen >= rank) return std::min(upper_bound(i), max_);
    }
    return max_;
  }

  friend bool operator==(const histogram&, const histogram&) = default;

 private:
  std::array<std::uint64_t, cells> cells_{};
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t min_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t max_ = 0;
};

}  // namespace tophash::lab

#endif
