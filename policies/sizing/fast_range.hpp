// SPDX-License-Identifier: Apache-2.0
// Any number of units; the hash, read as a fraction of its range, is scaled to it: (hash * units) >> 64 (D.
// Lemire, Fast Random Integer Generation in an Interval, ACM TOMACS 29, 2019). Tables may grow by any factor,
// and a reserve takes what it needs and no more. The units' shares of all hashes differ by at most units /
// 2^56. The hash is shifted left by 8 first: the index is made of the bits just below the top byte, which
// layouts keep as the tag (open_groups' filter takes three of its bits), so that the two share none.
// Units stand in the order of the hash. A map filled in the iteration order of another one with the same hash
// and seed therefore gets all its early entries into its first units, and slows down (docs/hash-defence.md
// measures it); a seed of each map's own, hashing::seeded, rules that out.
// Cost: one shift, one multiplication for its high half: 5 cycles of latency where power_of_two takes 1
// (measured on an AMD EPYC). One word.
#ifndef TOPHASH_POLICIES_SIZING_FAST_RANGE_HPP
#define TOPHASH_POLICIES_SIZING_FAST_RANGE_HPP

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/core/bits.hpp>

namespace tophash::inline v1 {

namespace sizing {

struct fast_range {
  using axis = axes::sizing;
  static constexpr std::string_view name = "fast_range";
  static constexpr sizing_facts facts{};

  static constexpr int tag_bits = 8;

  // With more than 2^56 units the hash could not reach all of them.
  static constexpr std::size_t largest = std::size_t{1} << (std::numeric_limits<std::size_t>::digits < 64
                                                                ? std::numeric_limits<std::size_t>::digits - 2
                                                                : 64 - tag_bits);

  static constexpr std::size_t round_up(std::size_t n) noexcept {
    if (n == 0) return 1;
    return n > largest ? 0 : n;
  }

  struct mapper {
    std::size_t units = 1;

    constexpr mapper() noexcept = default;
    constexpr explicit mapper(std::size_t n) noexcept : units(n) {}
    constexpr std::size_t index(std::uint64_t hash) const noexcept {
      return static_cast<std::size_t>(multiply_high(hash << tag_bits, units));
    }
  };
};

}  // namespace sizing

}  // namespace tophash::inline v1

#endif
