// SPDX-License-Identifier: Apache-2.0
// Counts of whole numbers by their order of magnitude, with the exact sum and the greatest. Class 0 holds the
// number 0, class k the numbers 2^(k-1) to 2^k - 1, the last class all larger ones too. 280 bytes; add: O(1).
#ifndef TOPHASH_POLICIES_OBSERVE_LOG2_HISTOGRAM_HPP
#define TOPHASH_POLICIES_OBSERVE_LOG2_HISTOGRAM_HPP

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace tophash::inline v1 {

namespace observe {

class log2_histogram {
 public:
  static constexpr std::size_t classes = 33;

  static constexpr std::size_t class_of(std::uint64_t number) noexcept {
    const auto width = static_cast<std::size_t>(std::bit_width(number));
    return width < classes ? width : classes - 1;
  }
  static constexpr std::uint64_t least_of(std::size_t k) noexcept {
    return k == 0 ? 0 : std::uint64_t{1} << (k - 1);
  }
  static constexpr std::uint64_t most_of(std::size_t k) noexcept {
    if (k == 0) return 0;
    return k + 1 < classes ? (std::uint64_t{1} << k) - 1 : std::numeric_limits<std::uint64_t>::max();
  }

  constexpr void add(std::uint64_t number) noexcept {
    ++counts_[class_of(number)];
    sum_ += number;
    if (number > greatest_) greatest_ = number;
  }
  constexpr void add(const log2_histogram& other) noexcept {
    for (std::size_t k = 0; k < classes; ++k) counts_[k] += other.counts_[k];
    sum_ += other.sum_;
    if (other.greatest_ > greatest_) greatest_ = other.greatest_;
  }

  constexpr std::uint64_t count(std::size_t k) const noexcept { return counts_[k]; }
  constexpr std::uint64_t total() const noexcept {
    std::uint64_t out = 0;
    for (std::uint64_t n : counts_) out += n;
    return out;
  }
  constexpr std::uint64_t sum() const noexcept { return sum_; }
  constexpr std::uint64_t greatest() const noexcept { return greatest_; }
  constexpr double mean() const noexcept {
    const std::uint64_t n = total();
    return n == 0 ? 0.0 : static_cast<double>(sum_) / static_cast<double>(n);
  }
  // What at least `permille` thousandths of the numbers do not exceed: the top of a class, or greatest().
  constexpr std::uint64_t at_most(std::uint64_t permille) const noexcept {
    const std::uint64_t n = total();
    const std::uint64_t wanted = n / 1000 * permille + (n % 1000 * permille + 999) / 1000;
    std::uint64_t seen = 0;
    for (std::size_t k = 0; k < classes; ++k) {
      seen += counts_[k];
      if (seen >= wanted) return most_of(k) < greatest_ ? most_of(k) : greatest_;
    }
    return greatest_;
  }

  friend constexpr bool operator==(const log2_histogram&, const log2_histogram&) = default;

 private:
  friend class shared_log2_histogram;
  std::array<std::uint64_t, classes> counts_{};
  std::uint64_t sum_ = 0;
  std::uint64_t greatest_ = 0;
};

}  // namespace observe

}  // namespace tophash::inline v1

#endif
