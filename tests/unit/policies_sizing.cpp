// SPDX-License-Identifier: Apache-2.0
// The sizing policies beyond power_of_two: laws, exact values, the exactness of prime's remainder against the
// machine's division, and that maps over them work through growth, shrinking and iteration on both layouts.
#include <bit>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <tophash/fast_map.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/growth/incremental.hpp>
#include <tophash/policies/growth/shrinking.hpp>
#include <tophash/policies/sizing/fast_range.hpp>
#include <tophash/policies/sizing/power_of_two.hpp>
#include <tophash/policies/sizing/power_of_two_high.hpp>
#include <tophash/policies/sizing/prime.hpp>

#include "laws/growth.hpp"
#include "laws/sampling.hpp"
#include "laws/sizing.hpp"

namespace {

using namespace tophash;
using sizing::fast_range;
using sizing::power_of_two;
using sizing::power_of_two_high;
using sizing::prime;

constexpr std::size_t most = std::numeric_limits<std::size_t>::max();

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out.append(line).append("\n");
  return out;
}

template <class Check>
void must_hold(const Check& check) {
  CHECK(joined(laws::violations(check)) == "");
}

template <class Check>
void must_report(const std::string& fragment, const Check& check) {
  const std::string all = joined(laws::violations(check));
  INFO(all);
  CHECK(all.find(fragment) != all.npos);
}

// a * b mod n. By doubling, so that it shares nothing with what is tested.
std::uint64_t times(std::uint64_t a, std::uint64_t b, std::uint64_t n) {
  std::uint64_t out = 0;
  for (a %= n; b != 0; b >>= 1) {
    if ((b & 1u) != 0) out = (out + a) % n;  // n is below 2^63
    a = (a + a) % n;
  }
  return out;
}

std::uint64_t power(std::uint64_t base, std::uint64_t exponent, std::uint64_t n) {
  std::uint64_t out = 1;
  for (; exponent != 0; exponent >>= 1, base = times(base, base, n)) {
    if ((exponent & 1u) != 0) out = times(out, base, n);
  }
  return out;
}

// Miller and Rabin; with these twelve bases exact below 3.3 * 10^24.
bool is_prime(std::uint64_t n) {
  constexpr std::uint64_t bases[] = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37};
  for (std::uint64_t p : bases) {
    if (n % p == 0) return n == p;
  }
  if (n < 2) return false;
  std::uint64_t odd = n - 1;
  int twos = 0;
  for (; odd % 2 == 0; odd /= 2) ++twos;
  for (std::uint64_t base : bases) {
    std::uint64_t x = power(base, odd, n);
    bool passes = x == 1 || x == n - 1;
    for (int i = 1; i < twos && !passes; ++i) {
      x = times(x, x, n);
      passes = x == n - 1;
    }
    if (!passes) return false;
  }
  return true;
}

}  // namespace

// ---- laws
// -------------------------------------------------------------------------------------------------------

TEST_CASE("sizing: laws of prime, fast_range and power_of_two_high", "[policies]") {
  must_hold([](auto report) { laws::check_sizing<prime>(report); });
  must_hold([](auto report) { laws::check_sizing<fast_range>(report); });
  must_hold([](auto report) { laws::check_sizing<power_of_two_high>(report); });
  static_assert(!prime::facts.power_of_two && !fast_range::facts.power_of_two &&
                power_of_two_high::facts.power_of_two);
  CHECK(option_name<prime>().view() == "prime");
  CHECK(option_name<fast_range>().view() == "fast_range");
  CHECK(option_name<power_of_two_high>().view() == "power_of_two_high");
}

namespace {

// open_groups ends a probe by the top three bits of the hash: its filter. Every unit must see all of them.
struct filter_bits {
  constexpr std::uint8_t operator()(std::uint64_t hash) const noexcept {
    return static_cast<std::uint8_t>(hash >> 61);
  }
};

// The number of hashes that each value of the filter's bits gets, in the unit where it is least.
template <class S>
std::size_t rarest_filter_value(std::size_t units) {
  const typename S::mapper map{units};
  laws::sampler draw(11);
  std::vector<std::size_t> seen(units * 8);
  for (std::size_t i = 0; i != units * 8 * 64; ++i) {
    const std::uint64_t hash = draw.next();
    ++seen[map.index(hash) * 8 + filter_bits{}(hash)];
  }
  std::size_t least = most;
  for (std::size_t n : seen) least = n < least ? n : least;
  return least;
}

// fast_range without its shift: the index is the tag.
struct range_of_the_tag : fast_range {
  struct mapper {
    std::size_t units = 1;
    constexpr mapper() noexcept = default;
    constexpr explicit mapper(std::size_t n) noexcept : units(n) {}
    constexpr std::size_t index(std::uint64_t hash) const noexcept {
      return static_cast<std::size_t>(multiply_high(hash, units));
    }
  };
};

// prime without the conditional subtraction.
struct remainder_unfinished : prime {
  struct mapper : prime::mapper {
    using prime::mapper::mapper;
    constexpr std::size_t index(std::uint64_t hash) const noexcept {
      return static_cast<std::size_t>(hash - multiply_high(hash, reciprocal) * units);
    }
  };
};

struct high_end_with_the_tag : power_of_two_high {
  struct mapper {
    std::size_t units = 1;
    constexpr mapper() noexcept = default;
    constexpr explicit mapper(std::size_t n) noexcept : units(n) {}
    constexpr std::size_t index(std::uint64_t hash) const noexcept {
      return static_cast<std::size_t>(hash >> 1 >> (63 - std::countr_zero(units)));
    }
  };
};

}  // namespace

TEST_CASE("sizing: the laws see a mapper that uses the tag's bits, or leaves the range", "[policies]") {
  must_report("index uses bits of the tag",
              [](auto report) { laws::check_sizing<range_of_the_tag>(report); });
  must_report("index uses bits of the tag",
              [](auto report) { laws::check_sizing<high_end_with_the_tag>(report); });
  must_report("goes to unit", [](auto report) { laws::check_sizing<remainder_unfinished>(report); });
}

TEST_CASE("sizing: the filter of open groups is as good in every unit", "[policies]") {
  // 64 on average; 24 is five standard deviations below.
  for (std::size_t wanted : {2u, 3u, 7u, 64u, 1000u}) {
    CHECK(rarest_filter_value<power_of_two>(power_of_two::round_up(wanted)) > 24);
    CHECK(rarest_filter_value<power_of_two_high>(power_of_two_high::round_up(wanted)) > 24);
    CHECK(rarest_filter_value<prime>(prime::round_up(wanted)) > 24);
    CHECK(rarest_filter_value<fast_range>(fast_range::round_up(wanted)) > 24);
  }
  CHECK(rarest_filter_value<range_of_the_tag>(64) == 0);
}

TEST_CASE("sizing: laws of growth hold over any sizing", "[policies]") {
  const auto law = []<class S>(S) {
    return [](auto report) {
      laws::check_growth(growth::incremental<2>{}, report, 8, laws::arithmetic_table<load<13, 2>, S>{});
    };
  };
  must_hold(law(prime{}));
  must_hold(law(fast_range{}));
  must_hold(law(power_of_two_high{}));
}

// ---- exact values
// -----------------------------------------------------------------------------------------------

TEST_CASE("sizing: the sizes of prime are primes, and twice one is the second after it", "[policies]") {
  const std::vector<std::uint64_t> sizes(std::begin(prime::sizes), std::end(prime::sizes));
  CHECK(sizes.front() == 1);
  for (std::size_t i = 1; i != sizes.size(); ++i) {
    INFO(sizes[i]);
    CHECK(is_prime(sizes[i]));
    CHECK(sizes[i] > sizes[i - 1]);
    CHECK(static_cast<double>(sizes[i]) <= 2.0 * static_cast<double>(sizes[i - 1]));
    CHECK(sizes[i] <= std::uint64_t{1} << 62);
    if (sizes[i - 1] >= 257) {
      const double apart = static_cast<double>(sizes[i]) / static_cast<double>(sizes[i - 1]);
      CHECK((apart > 1.29 && apart < 1.56));
    }
  }
  for (std::size_t i = 1; i + 2 < sizes.size(); ++i) {
    INFO(sizes[i]);
    CHECK(prime::round_up(static_cast<std::size_t>(2 * sizes[i])) == sizes[i + 2]);
    if (sizes[i] >= 13) {
      std::uint64_t least = 2 * sizes[i];
      while (!is_prime(least)) ++least;
      CHECK(sizes[i + 2] == least);
    }
  }
  CHECK(prime::round_up(1) == 1);
  CHECK(prime::round_up(2) == 2);
  CHECK(prime::round_up(8) == 13);
  CHECK(prime::round_up(1000) == 1049);
  CHECK(prime::round_up(static_cast<std::size_t>(sizes.back()) + 1) == 0);
  CHECK(prime::round_up(most) == 0);
}

TEST_CASE("sizing: prime's index is the remainder, for every kind of hash", "[policies]") {
  laws::sampler draw(5);
  std::size_t wrong = 0, corrected = 0;
  const auto check = [&](const prime::mapper& map, std::uint64_t hash) {
    const auto word = static_cast<std::size_t>(hash);
    wrong += map.index(hash) != word % map.units ? 1u : 0u;
    corrected += word - multiply_high(hash, map.reciprocal) * map.units >= map.units ? 1u : 0u;
  };
  for (const std::uint64_t size : prime::sizes) {
    const auto n = static_cast<std::size_t>(size);
    const prime::mapper map(n);
    // Multiples of n and their neighbours, where a quotient one too small or large would show; both ends.
    for (std::size_t multiple :
         {std::size_t{0}, std::size_t{1}, std::size_t{2}, most / n / 2, most / n - 1, most / n}) {
      for (std::size_t off : {most, std::size_t{0}, std::size_t{1}}) check(map, multiple * n + off);
    }
    for (int i = 0; i != 2000; ++i) check(map, draw.next());
    for (int k = 0; k != 64; ++k) check(map, std::uint64_t{1} << k);
    check(map, most);
  }
  // Any number, not the table's alone: the method needs no prime.
  for (int i = 0; i != 20000; ++i) {
    const prime::mapper map(static_cast<std::size_t>((draw.next() >> 2 >> (draw.next() % 60)) | 1u));
    check(map, draw.next());
    check(map, most - (draw.next() >> 40));
  }
  CHECK(wrong == 0);
  CHECK(corrected > 1000);  // else the conditional subtraction was not tested
}

TEST_CASE("sizing: exact values of fast_range and power_of_two_high", "[policies]") {
  CHECK(fast_range::round_up(1) == 1);
  CHECK(fast_range::round_up(1000) == 1000);
  CHECK(fast_range::round_up(fast_range::largest) == fast_range::largest);
  CHECK(fast_range::round_up(fast_range::largest + 1) == 0);
  CHECK(fast_range::round_up(most) == 0);
  CHECK(fast_range::mapper{}.index(~std::uint64_t{0}) == 0);
  // Bits 55 and 54 of the hash are a quarter; those above it are the tag's.
  CHECK(fast_range::mapper{1000}.index(0xff00000000000000u) == 0);
  CHECK(fast_range::mapper{1000}.index(0x0040000000000000u) == 250);
  CHECK(fast_range::mapper{1000}.index(0x5a80000000000000u) == 500);
  CHECK(fast_range::mapper{1000}.index(0x00ffffffffffffffu) == 999);

  CHECK(power_of_two_high::round_up(1) == 1);
  CHECK(power_of_two_high::round_up(1000) == 1024);
  CHECK(power_of_two_high::round_up(power_of_two_high::largest) == power_of_two_high::largest);
  CHECK(power_of_two_high::round_up(power_of_two_high::largest + 1) == 0);
  CHECK(power_of_two_high::mapper{}.index(~std::uint64_t{0}) == 0);
  CHECK(power_of_two_high::mapper{1}.index(~std::uint64_t{0}) == 0);
  CHECK(power_of_two_high::mapper{16}.index(0xffa0000000000000u) == 10);
  CHECK(power_of_two_high::mapper{1u << 16}.index(0x0012340000000000u) == 0x1234);
  // The same units in the same order, where both exist.
  laws::sampler draw(3);
  for (int i = 0; i != 1000; ++i) {
    const std::uint64_t hash = draw.next();
    for (std::size_t n : {1u, 2u, 64u, 4096u})
      CHECK(power_of_two_high::mapper{n}.index(hash) == fast_range::mapper{n}.index(hash));
  }
}

// ---- in maps
// ----------------------------------------------------------------------------------------------------

namespace {

// Grows through many sizes, shrinks, and finds and counts all that it should at each step.
template <class Map>
void keeps_its_entries() {
  Map m;
  for (std::uint64_t i = 0; i != 5000; ++i) {
    m.emplace(i * 4096, i);
    if (i % 97 == 0) {
      REQUIRE(m.contains(i / 2 * 4096));
      REQUIRE(!m.contains(i * 4096 + 1));
    }
  }
  CHECK(m.size() == 5000);
  CHECK(m.bucket_count() == Map::spec_type::sizing::round_up(m.bucket_count()));
  std::uint64_t sum = 0;
  for (const auto& [key, value] : m) sum += value;
  CHECK(sum == 4999u * 5000 / 2);
  for (std::uint64_t i = 0; i != 5000; ++i) {
    if (i % 50 != 0) m.erase(i * 4096);
  }
  CHECK(m.size() == 100);
  std::size_t found = 0;
  for (std::uint64_t i = 0; i != 5000; ++i) found += m.contains(i * 4096) ? 1u : 0u;
  CHECK(found == 100);
  m.reserve(12345);
  CHECK(m.bucket_count() == Map::spec_type::sizing::round_up(m.bucket_count()));
  CHECK(m.size() == 100);
  CHECK(m.contains(0));
}

template <class Sizing>
void keeps_entries_on_both_layouts() {
  using growth::incremental;
  using growth::shrinking;
  keeps_its_entries<map<std::uint64_t, std::uint64_t, Sizing>>();
  keeps_its_entries<map<std::uint64_t, std::uint64_t, Sizing, shrinking<incremental<2>>>>();
  keeps_its_entries<map<std::uint64_t, std::uint64_t, Sizing, incremental<1>,
                        layout::bucket_chain<bucket_options{.group_bytes = 4096}>>>();
  keeps_its_entries<fast_map<std::uint64_t, std::uint64_t, Sizing>>();
  keeps_its_entries<fast_map<std::uint64_t, std::uint64_t, Sizing, shrinking<incremental<2>>>>();
}

}  // namespace

TEST_CASE("sizing: maps over prime", "[policies]") { keeps_entries_on_both_layouts<prime>(); }
TEST_CASE("sizing: maps over fast_range", "[policies]") { keeps_entries_on_both_layouts<fast_range>(); }
TEST_CASE("sizing: maps over power_of_two_high", "[policies]") {
  keeps_entries_on_both_layouts<power_of_two_high>();
}

TEST_CASE("sizing: a map over fast_range reserves no more than it needs", "[policies]") {
  const auto units_for = []<class Map>(Map m) {
    m.reserve(100'000);
    return m.bucket_count();
  };
  const std::size_t least = load<13, 2>{}.units_for(100'000, 8);
  CHECK(units_for(map<int, int, fast_range>{}) == least);
  CHECK(units_for(map<int, int, prime>{}) == prime::round_up(least));
  CHECK(units_for(map<int, int>{}) == std::bit_ceil(least));
}
