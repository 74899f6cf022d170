// SPDX-License-Identifier: Apache-2.0
// Powers of two; the low bits of the hash choose the unit, as in Go's map. The tag uses the high bits, so the
// two share none below 2^56 units. A hash with weak low bits must be mixed before it comes here.
// Cost: one `and`.
#ifndef TOPHASH_POLICIES_SIZING_POWER_OF_TWO_HPP
#define TOPHASH_POLICIES_SIZING_POWER_OF_TWO_HPP

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>

namespace tophash::inline v1 {

namespace sizing {

struct power_of_two {
  using axis = axes::sizing;
  static constexpr std::string_view name = "power_of_two";
  static constexpr sizing_facts facts{.power_of_two = true};

  // One doubling of it still fits a size_t: 2^62 on 64-bit machines.
  static constexpr std::size_t largest = std::size_t{1} << (std::numeric_limits<std::size_t>::digits - 2);

  static constexpr std::size_t round_up(std::size_t n) noexcept { return n > largest ? 0 : std::bit_ceil(n); }

  struct mapper {
    std::size_t mask = 0;

    constexpr mapper() noexcept = default;
    constexpr explicit mapper(std::size_t n) noexcept : mask(n - 1) {}
    constexpr std::size_t index(std::uint64_t hash) const noexcept {
      return static_cast<std::size_t>(hash) & mask;
    }
  };
};

}  // namespace sizing

}  // namespace tophash::inline v1

#endif
