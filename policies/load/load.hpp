// SPDX-License-Identifier: Apache-2.0
// A table is full at Numerator / Denominator entries a unit, rounded down over the whole table, but never
// before it holds as many as one unit has slots. With load<13, 2> and 8 slots these are Go's thresholds: full
// at 8, 13, 26, 52, 104, ... entries in 1, 2, 4, 8, 16, ... buckets. No product overflows: a limit past the
// largest number is the largest number. Cost: a division by a constant, at structural steps only.
#ifndef TOPHASH_POLICIES_LOAD_LOAD_HPP
#define TOPHASH_POLICIES_LOAD_LOAD_HPP

#include <cstddef>
#include <limits>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>

namespace tophash::inline v1 {

template <std::size_t Numerator, std::size_t Denominator = 1>
struct load {
  using axis = axes::load;
  static constexpr load_facts facts{.numerator = Numerator, .denominator = Denominator};

  static constexpr option_text name() {
    option_text out;
    out.append("load(").append(Numerator).append(",").append(Denominator).append(")");
    return out;
  }

  static constexpr std::size_t limit(std::size_t units, std::size_t slots) noexcept {
    const std::size_t least = slots == 0 ? 1 : slots;
    const std::size_t scaled = scale_down(units);
    return scaled < least ? least : scaled;
  }

  static constexpr std::size_t units_for(std::size_t entries, std::size_t slots) noexcept {
    return entries <= limit(1, slots) ? 1 : scale_up(entries);
  }

 private:
  static constexpr std::size_t most = std::numeric_limits<std::size_t>::max();

  // The rules of composition refuse the others with a sentence; until they have, such a type must compile.
  static constexpr bool usable() noexcept {
    if constexpr (Numerator == 0 || Denominator == 0) {
      return false;
    } else {
      return Numerator <= most / Denominator;
    }
  }

  // floor(units * Numerator / Denominator)
  static constexpr std::size_t scale_down(std::size_t units) noexcept {
    if constexpr (!usable()) {
      return 0;
    } else {
      const std::size_t whole = units / Denominator, rest = units % Denominator * Numerator / Denominator;
      return whole > (most - rest) / Numerator ? most : whole * Numerator + rest;
    }
  }

  // ceil(entries * Denominator / Numerator), or 0
  static constexpr std::size_t scale_up(std::size_t entries) noexcept {
    if constexpr (!usable()) {
      return 0;
    } else {
      const std::size_t whole = entries / Numerator, product = entries % Numerator * Denominator;
      const std::size_t rest = product / Numerator + (product % Numerator != 0 ? 1 : 0);
      return whole > (most - rest) / Denominator ? 0 : whole * Denominator + rest;
    }
  }
};

}  // namespace tophash::inline v1

#endif
