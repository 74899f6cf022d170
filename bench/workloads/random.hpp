// SPDX-License-Identifier: Apache-2.0
// The lab's random numbers: a counter through splitmix64's mixer, so that a seed fixes every stream on every
// platform (the standard library's distributions are not portable). And a Zipf sampler for any exponent above
// zero: rejection-inversion after Hoermann and Derflinger (1996); YCSB's 0.99 is below the range of Abseil's
// zipf_distribution, which demands an exponent above 1. Constant time a sample, no table.
#ifndef TOPHASH_BENCH_WORKLOADS_RANDOM_HPP
#define TOPHASH_BENCH_WORKLOADS_RANDOM_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <tophash/framework/core/bits.hpp>

namespace tophash::lab {

class random_stream {
 public:
  explicit random_stream(std::uint64_t seed) noexcept : state_(next_seed(seed)) {}

  std::uint64_t next() noexcept {
    state_ += golden_ratio_bits;
    return next_seed(state_);
  }

  // Uniform in [0, bound): the high word of a product; its bias, bound / 2^64, is below any sample's noise.
  std::uint64_t below(std::uint64_t bound) noexcept {
    const std::uint64_t a = next();
    const std::uint64_t low = (a & 0xffffffffu) * (bound & 0xffffffffu);
    const std::uint64_t mid_a = (a >> 32) * (bound & 0xffffffffu);
    const std::uint64_t mid_b = (a & 0xffffffffu) * (bound >> 32);
    const std::uint64_t carry = ((low >> 32) + (mid_a & 0xffffffffu) + (mid_b & 0xffffffffu)) >> 32;
    return (a >> 32) * (bound >> 32) + (mid_a >> 32) + (mid_b >> 32) + carry;
  }

  double unit() noexcept { return static_cast<double>(next() >> 11) * 0x1p-53; }

  template <class Sequence>
  void shuffle(Sequence& sequence) {
    using std::swap;
    for (std::size_t i = sequence.size(); i > 1; --i) {
      swap(sequence[i - 1], sequence[static_cast<std::size_t>(below(i))]);
    }
  }

 private:
  std::uint64_t state_;
};

// Ranks 1..n with probability proportional to rank^-exponent.
class zipf_ranks {
 public:
  zipf_ranks(std::uint64_t n, double exponent) noexcept
      : n_(std::max<std::uint64_t>(n, 1)),
        exponent_(exponent),
        area_first_(area(1.5) - 1.0),
        area_last_(area(static_cast<double>(n_) + 0.5)),
        sure_(2.0 - area_inverse(area(2.5) - height(2.0))) {}

  std::uint64_t operator()(random_stream& random) const noexcept {
    for (;;) {
      const double u = area_last_ + random.unit() * (area_first_ - area_last_);
      const double x = area_inverse(u);
      const double nearest = std::clamp(std::floor(x + 0.5), 1.0, static_cast<double>(n_));
      if (nearest - x <= sure_ || u >= area(nearest + 0.5) - height(nearest)) {
        return static_cast<std::uint64_t>(nearest);
      }
    }
  }

 private:
  double height(double x) const noexcept { return std::exp(-exponent_ * std::log(x)); }

  // Integral of x^-exponent, written so that it stays exact as the exponent passes 1.
  double area(double x) const noexcept {
    const double log_x = std::log(x);
    const double t = (1.0 - exponent_) * log_x;
    return (std::abs(t) > 1e-8 ? std::expm1(t) / t : 1.0 + t / 2.0) * log_x;
  }

  double area_inverse(double y) const noexcept {
    const double t = std::max(y * (1.0 - exponent_), -1.0);
    return std::exp((std::abs(t) > 1e-8 ? std::log1p(t) / t : 1.0 - t / 2.0) * y);
  }

  std::uint64_t n_;
  double exponent_;
  double area_first_;
  double area_last_;
  double sure_;
};

}  // namespace tophash::lab

#endif
