// SPDX-License-Identifier: Apache-2.0
// Powers of two; the highest bits of the hash that the tag leaves choose the unit: those from bit 55 down, as
// layouts keep the top byte as the tag (open_groups' filter takes three of its bits). For hashes whose
// quality is in their high bits, such as one multiplication that is not folded.
// Units stand in the order of the hash: what that means for a map filled in the iteration order of another
// one is in fast_range.hpp.
// Cost: one `and` with a constant and one shift: 2 cycles of latency where power_of_two takes 1. One word.
#ifndef TOPHASH_POLICIES_SIZING_POWER_OF_TWO_HIGH_HPP
#define TOPHASH_POLICIES_SIZING_POWER_OF_TWO_HIGH_HPP

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>

namespace tophash::inline v1 {

namespace sizing {

struct power_of_two_high {
  using axis = axes::sizing;
  static constexpr std::string_view name = "power_of_two_high";
  static constexpr sizing_facts facts{.power_of_two = true, .from_high_end = true};

  static constexpr int index_bits = 56;  // the tag takes the others

  static constexpr std::size_t largest = std::size_t{1} << (std::numeric_limits<std::size_t>::digits < 64
                                                                ? std::numeric_limits<std::size_t>::digits - 2
                                                                : index_bits);

  static constexpr std::size_t round_up(std::size_t n) noexcept { return n > largest ? 0 : std::bit_ceil(n); }

  struct mapper {
    unsigned shift = index_bits;

    constexpr mapper() noexcept = default;
    constexpr explicit mapper(std::size_t n) noexcept
        : shift(static_cast<unsigned>(index_bits - std::countr_zero(n))) {}
    constexpr std::size_t index(std::uint64_t hash) const noexcept {
      constexpr std::uint64_t below_tag = (std::uint64_t{1} << index_bits) - 1;
      return static_cast<std::size_t>((hash & below_tag) >> shift);
    }
  };
};

}  // namespace sizing

}  // namespace tophash::inline v1

#endif
