// SPDX-License-Identifier: Apache-2.0
// Laws of a sizing policy: round_up gives a size that holds what was asked, is monotone and idempotent, and
// says 0 only where there is no larger size; a mapper stays in range, reaches every unit evenly from evenly
// spread hashes, and leaves the bits of the tag alone, so that entries of one bucket still differ in tag.
// Also the smallest conforming type, one_unit.
#ifndef TOPHASH_TESTS_LAWS_SIZING_HPP
#define TOPHASH_TESTS_LAWS_SIZING_HPP

#include <bitset>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/sizing.hpp>

#include "laws/option.hpp"
#include "laws/sampling.hpp"

namespace tophash::inline v1 {

namespace sizing {

// A table that never has a second unit.
struct one_unit {
  using axis = axes::sizing;
  static constexpr std::size_t round_up(std::size_t n) noexcept { return n <= 1 ? 1 : 0; }
  struct mapper {
    constexpr explicit mapper(std::size_t) noexcept {}
    constexpr std::size_t index(std::uint64_t) const noexcept { return 0; }
  };
};

}  // namespace sizing

namespace laws {

struct top_byte {
  constexpr std::uint8_t operator()(std::uint64_t hash) const noexcept {
    return static_cast<std::uint8_t>(hash >> 56);
  }
};

// Sizes worth asking for, ascending: all small ones, and those around each power of two.
inline std::vector<std::size_t> asked_sizes() {
  std::vector<std::size_t> asked;
  for (std::size_t n = 1; n <= 1100; ++n) asked.push_back(n);
  for (int k = 11; k != std::numeric_limits<std::size_t>::digits; ++k) {
    for (std::size_t off : {0u, 1u, 2u}) asked.push_back((std::size_t{1} << k) - 1 + off);
  }
  asked.push_back(std::numeric_limits<std::size_t>::max());
  return asked;
}

template <class S, class Report>
void check_round_up(Report&& report) {
  std::size_t last_asked = 1, last = S::round_up(1);
  if (last == 0) report(sentence(subject<S>(), "round_up(1) is 0: a table needs one unit at least"));
  for (std::size_t n : asked_sizes()) {
    const std::size_t size = S::round_up(n);
    if (size != 0 && size < n) report(sentence(subject<S>(), "round_up(", n, ") is only ", size));
    if (size != 0 && S::round_up(size) != size) {
      report(sentence(subject<S>(), "not idempotent: round_up(", n, ") is ", size, ", and round_up of that ",
                      S::round_up(size)));
    }
    if (size != 0 && (last == 0 || size < last)) {
      report(sentence(subject<S>(), "not monotone: round_up(", last_asked, ") is ", last, ", round_up(", n,
                      ") is ", size));
    }
    if (size == 0 && last >= n)
      report(sentence(subject<S>(), "round_up(", n, ") is 0 though there is the size ", last));
    last_asked = n, last = size;
  }
}

// Five standard deviations above what even odds give.
inline double most_unevenness(std::size_t cells) {
  return 1 + 5 * std::sqrt(2.0 / static_cast<double>(cells));
}

template <class S, class Report>
void check_mapper(std::size_t units, Report&& report) {
  const typename S::mapper map{units};
  sampler draw(units);
  std::vector<std::size_t> hits(units);
  const std::size_t draws = units * 32;
  for (std::size_t i = 0; i != draws; ++i) {
    const std::uint64_t hash = draw.next();
    const std::size_t index = map.index(hash);
    if (index >= units) {
      report(sentence(subject<S>(), "hash ", hash, " goes to unit ", index, " of ", units));
      return;
    }
    ++hits[index];
  }
  double sum = 0;
  for (std::size_t i = 0; i != units; ++i) {
    if (hits[i] == 0) {
      report(sentence(subject<S>(), "unit ", i, " of ", units, " gets none of ", draws, " random hashes"));
      return;
    }
    const double off = static_cast<double>(hits[i]) - 32.0;
    sum += off * off / 32.0;
  }
  if (units > 1 && sum / static_cast<double>(units - 1) > most_unevenness(units - 1)) {
    report(sentence(subject<S>(), "the hits of ", units,
                    " units are uneven: ", sum / static_cast<double>(units - 1), " where random is 1"));
  }
}

// 64 entries of one unit have 56 different tags of 256 on average, and 42 is five standard deviations below.
template <class S, class Tag, class Report>
void check_tag_bits(std::size_t units, const Tag& tag, Report&& report) {
  const typename S::mapper map{units};
  sampler draw(units + 1);
  std::vector<std::bitset<256>> tags(units);
  std::vector<int> entries(units);
  for (std::size_t i = 0; i != units * 256; ++i) {
    const std::uint64_t hash = draw.next();
    const std::size_t index = map.index(hash);
    if (index < units && entries[index]++ < 64) tags[index].set(tag(hash));
  }
  for (std::size_t i = 0; i != units; ++i) {
    if (entries[i] < 64 || tags[i].count() >= 42) continue;
    report(sentence(subject<S>(), "64 random entries of unit ", i, " of ", units, " have only ",
                    tags[i].count(), " different tags: index uses bits of the tag"));
    return;
  }
}

// `tag` is the byte that the layout keeps beside a slot.
template <class S, class Report, class Tag = top_byte>
void check_sizing(Report&& report, const Tag& tag = {}) {
  static_assert(sizing_policy<S>);
  check_option<S, axes::sizing>(report);
  if (sizeof(typename S::mapper) > 2 * sizeof(void*)) {
    report(
        sentence(subject<S>(), "a mapper takes ", sizeof(typename S::mapper), " bytes, more than two words"));
  }
  check_round_up<S>(report);
  std::size_t checked = 0;
  for (std::size_t wanted : {1u, 2u, 3u, 5u, 16u, 100u, 256u, 1000u, 4096u}) {
    const std::size_t units = S::round_up(wanted);
    if (units == checked || units == 0 || units > 65536) continue;
    check_mapper<S>(units, report);
    check_tag_bits<S>(units, tag, report);
    checked = units;
  }
  sampler draw(7);
  for (int k = 17; k < std::numeric_limits<std::size_t>::digits; k += 3) {
    const std::size_t units = S::round_up(std::size_t{1} << k);
    if (units == 0) continue;
    const typename S::mapper map{units};
    for (int i = 0; i != 1000; ++i) {
      const std::uint64_t hash = i == 0 ? 0 : i == 1 ? ~std::uint64_t{0} : draw.next();
      if (map.index(hash) >= units) {
        report(sentence(subject<S>(), "hash ", hash, " goes to unit ", map.index(hash), " of ", units));
        break;
      }
    }
  }
  if constexpr (std::is_default_constructible_v<typename S::mapper>) {
    const typename S::mapper empty{};
    if (empty.index(~std::uint64_t{0}) != 0) {
      report(sentence(subject<S>(), "a default mapper is for one unit, and sends a hash to unit ",
                      empty.index(~std::uint64_t{0})));
    }
  }
}

}  // namespace laws

}  // namespace tophash::inline v1

#endif
