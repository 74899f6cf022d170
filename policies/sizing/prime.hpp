// SPDX-License-Identifier: Apache-2.0
// Prime numbers of units; the remainder of the whole hash chooses the unit, so that a hash with few good
// bits, even a raw one, still spreads: its regularities survive only where they share a factor with the
// prime.
// Neighbouring sizes are 1.3 or 1.54 times apart, and twice a size rounds up to the second size after it: a
// reserve takes little more than it needs, and a table that doubles hardly more than the double.
// Method: Barrett's reduction (P. Barrett, CRYPTO '86, LNCS 263, 1987). With m = floor((2^64 - 1) / n), the
// high half of hash * m is the quotient or one less: it lacks hash * (2^64 / n - m) / 2^64 before rounding,
// and 2^64 / n - m is at most 1. One conditional subtraction makes the remainder exact for every hash.
// (Lemire's fastmod needs none, but a reciprocal of two words, with the divisor three.)
// The remainder depends on the tag's bits too, but below 2^56 units every tag is as likely in every unit.
// Cost: two multiplications, one of them for its high half, a subtraction and a conditional one: 10
// cycles of latency where power_of_two takes 1 and the division instruction 15 (measured on an AMD EPYC, g++
// 12). Two words. On 32-bit machines the low half of the hash is reduced.
#ifndef TOPHASH_POLICIES_SIZING_PRIME_HPP
#define TOPHASH_POLICIES_SIZING_PRIME_HPP

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/core/bits.hpp>

namespace tophash::inline v1 {

namespace sizing {

struct prime {
  using axis = axes::sizing;
  static constexpr std::string_view name = "prime";
  static constexpr sizing_facts facts{};

  // 1, then primes up to 2^62.
  // clang-format off
  static constexpr std::uint64_t sizes[] = {
      1u, 2u, 3u, 5u, 7u, 13u, 19u, 29u, 41u, 59u, 83u, 127u, 167u, 257u, 337u, 521u, 677u, 1049u, 1361u,
      2099u, 2729u, 4201u, 5471u, 8419u, 10949u, 16843u, 21911u, 33703u, 43853u, 67409u, 87719u, 134837u,
      175447u, 269683u, 350899u, 539389u, 701819u, 1078787u, 1403641u, 2157587u, 2807303u, 4315183u,
      5614657u, 8630387u, 11229331u, 17260781u, 22458671u, 34521589u, 44917381u, 69043189u, 89834777u,
      138086407u, 179669557u, 276172823u, 359339171u, 552345671u, 718678369u, 1104691373u, 1437356741u,
      2209382761u, 2874713497u, 4418765551u, 5749427029u, 8837531111u, 11498854069u, 17675062243u,
      22997708177u, 35350124489u, 45995416409u, 70700248981u, 91990832831u, 141400498003u, 183981665689u,
      282800996033u, 367963331389u, 565601992079u, 735926662813u, 1131203984191u, 1471853325643u,
      2262407968397u, 2943706651297u, 4524815936827u, 5887413302609u, 9049631873719u, 11774826605231u,
      18099263747489u, 23549653210463u, 36198527495003u, 47099306420939u, 72397054990021u, 94198612841897u,
      144794109980101u, 188397225683869u, 289588219960211u, 376794451367743u, 579176439920423u,
      753588902735509u, 1158352879840853u, 1507177805471059u, 2316705759681737u, 3014355610942127u,
      4633411519363499u, 6028711221884317u, 9266823038727097u, 12057422443768697u, 18533646077454271u,
      24114844887537407u, 37067292154908571u, 48229689775074839u, 74134584309817169u, 96459379550149709u,
      148269168619634339u, 192918759100299439u, 296538337239268717u, 385837518200598889u,
      593076674478537461u, 771675036401197787u, 1186153348957075027u, 1543350072802395601u,
      2372306697914150057u, 3086700145604791213u};
  // clang-format on

  // The least size that is not below n, and has a place for its double as power_of_two does. 0: there is
  // none.
  static constexpr std::size_t round_up(std::size_t n) noexcept {
    const std::uint64_t* first = sizes;
    std::size_t left = sizeof sizes / sizeof sizes[0];
    while (left != 0) {
      const std::size_t half = left / 2;
      if (first[half] < n) {
        first += half + 1;
        left -= half + 1;
      } else {
        left = half;
      }
    }
    constexpr std::size_t largest = std::size_t{1} << (std::numeric_limits<std::size_t>::digits - 2);
    const bool there = first != sizes + sizeof sizes / sizeof sizes[0] && *first <= largest;
    return there ? static_cast<std::size_t>(*first) : 0;
  }

  struct mapper {
    std::size_t units = 1;
    std::size_t reciprocal = std::numeric_limits<std::size_t>::max();

    constexpr mapper() noexcept = default;
    constexpr explicit mapper(std::size_t n) noexcept
        : units(n), reciprocal(std::numeric_limits<std::size_t>::max() / n) {}
    constexpr std::size_t index(std::uint64_t hash) const noexcept {
      const auto word = static_cast<std::size_t>(hash);
      const std::size_t rest = word - high_half(word, reciprocal) * units;
      return rest < units ? rest : rest - units;
    }
  };

 private:
  static constexpr std::size_t high_half(std::size_t a, std::size_t b) noexcept {
    if constexpr (std::numeric_limits<std::size_t>::digits <= 32) {
      return static_cast<std::size_t>(std::uint64_t{a} * b >> std::numeric_limits<std::size_t>::digits);
    } else {
      return static_cast<std::size_t>(multiply_high(a, b));
    }
  }
};

}  // namespace sizing

}  // namespace tophash::inline v1

#endif
