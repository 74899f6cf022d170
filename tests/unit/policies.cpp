// SPDX-License-Identifier: Apache-2.0
// Every shipped policy but hashing under its laws, exact values where the contract names them, and for each
// law a policy that breaks it and only it, which the law must report. Also the byte matches of core/bits.hpp,
// which exist twice and must agree.
#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <limits>
#include <new>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <tophash/framework/concepts/iteration.hpp>
#include <tophash/framework/concepts/sync.hpp>
#include <tophash/framework/core/bits.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/deletion/immediate.hpp>
#include <tophash/policies/deletion/tombstone.hpp>
#include <tophash/policies/deletion/wiping.hpp>
#include <tophash/policies/growth/doubling_only.hpp>
#include <tophash/policies/growth/eager.hpp>
#include <tophash/policies/growth/incremental.hpp>
#include <tophash/policies/iteration/plain.hpp>
#include <tophash/policies/load/load.hpp>
#include <tophash/policies/observe/counters.hpp>
#include <tophash/policies/observe/nothing.hpp>
#include <tophash/policies/overflow/fresh.hpp>
#include <tophash/policies/overflow/local_list.hpp>
#include <tophash/policies/sizing/power_of_two.hpp>
#include <tophash/policies/sync/none.hpp>
#include <tophash/policies/sync/owner_checked.hpp>

#include "laws/deletion.hpp"
#include "laws/growth.hpp"
#include "laws/load.hpp"
#include "laws/observe.hpp"
#include "laws/overflow.hpp"
#include "laws/sizing.hpp"

// core/bits.hpp once more, as a machine without 128-bit integers and SSE2 compiles it, in a namespace of its
// own.
#undef TOPHASH_FRAMEWORK_CORE_BITS_HPP
#undef TOPHASH_HAS_INT128
#undef TOPHASH_HAS_SSE2
#define TOPHASH_HAS_INT128 0
#define TOPHASH_HAS_SSE2 0
#define tophash tophash_portable
#include <tophash/framework/core/bits.hpp>
#undef tophash

namespace {

using namespace tophash;

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

constexpr std::size_t most = std::numeric_limits<std::size_t>::max();

}  // namespace

// core

TEST_CASE("core: the matches of tag bytes agree with a loop, with SSE2 and without", "[policies]") {
  laws::sampler draw(1);
  std::array<std::uint8_t, 8> tags{};
  const auto expected = [&tags](auto&& holds) {
    unsigned out = 0;
    for (unsigned i = 0; i != 8; ++i) out |= holds(tags[i]) ? 1u << i : 0u;
    return out;
  };
  std::size_t wrong = 0;
  for (unsigned wanted = 0; wanted != 256; ++wanted) {
    const auto byte = static_cast<std::uint8_t>(wanted);
    for (unsigned value = 0; value != 256; ++value) {
      for (unsigned at = 0; at != 8; ++at) {
        // Neighbours one off, equal, and with the top bit flipped are where a borrow would run over.
        for (auto& tag : tags) {
          const std::uint64_t r = draw.next();
          const std::uint8_t near[] = {byte,
                                       static_cast<std::uint8_t>(wanted + 1),
                                       static_cast<std::uint8_t>(wanted - 1),
                                       static_cast<std::uint8_t>(wanted ^ 0x80u),
                                       0,
                                       255,
                                       static_cast<std::uint8_t>(r >> 32)};
          tag = near[r % std::size(near)];
        }
        tags[at] = static_cast<std::uint8_t>(value);
        const unsigned equal = expected([&](std::uint8_t tag) { return tag == byte; });
        wrong += match_byte(tags.data(), byte) != equal ? 1u : 0u;
        wrong += match_byte_portable(load_tags(tags.data()), byte) != equal ? 1u : 0u;
        wrong += tophash_portable::match_byte(tags.data(), byte) != equal ? 1u : 0u;
        if (wanted < 1 || wanted > 128) continue;
        const unsigned larger = expected([&](std::uint8_t tag) { return tag >= byte; });
        wrong += at_least(tags.data(), byte) != larger ? 1u : 0u;
        wrong += at_least_portable(load_tags(tags.data()), byte) != larger ? 1u : 0u;
        wrong += tophash_portable::at_least(tags.data(), byte) != larger ? 1u : 0u;
      }
    }
  }
  CHECK(wrong == 0);
  tags = {1, 2, 3, 4, 5, 6, 7, 8};
  CHECK(load_tags(tags.data()) == 0x0807060504030201u);
  for (unsigned bits = 0; bits != 256; ++bits) {
    std::uint64_t word = 0x7f7f7f7f7f7f7f7fu;
    for (unsigned i = 0; i != 8; ++i) word |= ((bits >> i) & 1u) != 0 ? std::uint64_t{0x80} << (8 * i) : 0;
    wrong += gather_high_bits(word) != bits ? 1u : 0u;
  }
  CHECK(wrong == 0);
}

TEST_CASE("core: the folded product is the same with 128-bit integers and without", "[policies]") {
  laws::sampler draw(2);
  std::vector<std::uint64_t> words{
      0, 1, 2, 0xffffffffu, 0x100000000u, 0x8000000000000000u, ~std::uint64_t{0}};
  for (int i = 0; i != 200; ++i) words.push_back(draw.next() >> (draw.next() % 64));
  std::size_t wrong = 0;
  for (std::uint64_t a : words) {
    for (std::uint64_t b : words) {
      // Schoolbook, by additions of a shifted 128-bit value.
      std::uint64_t low = 0, high = 0;
      for (unsigned bit = 0; bit != 64; ++bit) {
        if (((b >> bit) & 1u) == 0) continue;
        const std::uint64_t add_low = a << bit, add_high = bit == 0 ? 0 : a >> (64 - bit);
        low += add_low;
        high += add_high + (low < add_low ? 1u : 0u);
      }
      wrong += multiply_fold(a, b) != (low ^ high) ? 1u : 0u;
      wrong += tophash_portable::multiply_fold(a, b) != (low ^ high) ? 1u : 0u;
    }
  }
  CHECK(wrong == 0);
  static_assert(multiply_fold(3, 5) == 15 && tophash_portable::multiply_fold(3, 5) == 15);
  CHECK(multiply_fold(std::uint64_t{1} << 63, 6) == 3);  // a product of 2^64 * 3
}

// names

TEST_CASE("options: names are the canonical texts", "[policies]") {
  CHECK(option_name<sizing::power_of_two>().view() == "power_of_two");
  CHECK(option_name<deletion::immediate>().view() == "immediate");
  CHECK(option_name<deletion::tombstone>().view() == "tombstone");
  CHECK(option_name<deletion::tombstone_not_reusing>().view() == "tombstone(not_reusing)");
  CHECK(option_name<deletion::dirty>().view() == "dirty");
  CHECK(option_name<deletion::wiping<deletion::tombstone, wipe::pointers>>().view() ==
        "wiping(tombstone,pointers)");
  CHECK(option_name<load<13, 2>>().view() == "load(13,2)");
  CHECK(option_name<load<4>>().view() == "load(4,1)");
  CHECK(option_name<growth::eager>().view() == "eager");
  CHECK(option_name<growth::doubling_only>().view() == "doubling_only");
  CHECK(option_name<growth::incremental<2>>().view() == "incremental(2)");
  CHECK(option_name<growth::incremental<16, true>>().view() == "incremental(16,every_write)");
  CHECK(option_name<overflow::fresh>().view() == "fresh");
  CHECK(option_name<overflow::local_list>().view() == "local_list");
  CHECK(option_name<iteration::plain>().view() == "plain");
  CHECK(option_name<sync::none>().view() == "none");
  CHECK(option_name<observe::nothing>().view() == "nothing");
  CHECK(option_name<observe::counters>().view() == "counters");
}

TEST_CASE("options: the law of names", "[policies]") {
  CHECK(laws::name_fault("load(13,2)") == "");
  CHECK(laws::name_fault("shrinking(regrowing(incremental(2)),25)") == "");
  CHECK(laws::name_fault("") != "");
  CHECK(laws::name_fault("Eager") != "");
  CHECK(laws::name_fault("2fold") != "");
  CHECK(laws::name_fault("a b") != "");
  CHECK(laws::name_fault("a=b") != "");
  CHECK(laws::name_fault("chain(slots=4)") == "");
  CHECK(laws::name_fault("a,b") != "");
  CHECK(laws::name_fault("a(b") != "");
  CHECK(laws::name_fault("a)b(") != "");
  must_hold([](auto report) { laws::check_option<iteration::plain, axes::iteration>(report); });
  must_hold([](auto report) { laws::check_option<sync::none, axes::sync>(report); });
  must_report("checked as an option of the axis sync",
              [](auto report) { laws::check_option<iteration::plain, axes::sync>(report); });
  static_assert(iteration_policy<iteration::plain> && !iteration::plain::facts.survives_mutation);
  static_assert(sync_policy<sync::none> && !sync::none::facts.shared && !sync::none::facts.checked);
  must_hold([](auto report) { laws::check_option<sync::owner_checked, axes::sync>(report); });
  must_hold([](auto report) { laws::check_option<sync::owner_checked_throwing, axes::sync>(report); });
  static_assert(sync_policy<sync::owner_checked> && sync::owner_checked::facts.checked);
  static_assert(!sync::owner_checked::facts.throwing && sync::owner_checked_throwing::facts.throwing);
}

// sizing

TEST_CASE("sizing: laws of power_of_two", "[policies]") {
  must_hold([](auto report) { laws::check_sizing<sizing::power_of_two>(report); });
  must_hold([](auto report) { laws::check_sizing<sizing::one_unit>(report); });
  static_assert(sizing::power_of_two::facts.power_of_two);
}

TEST_CASE("sizing: exact values of power_of_two", "[policies]") {
  using s = sizing::power_of_two;
  CHECK(s::round_up(1) == 1);
  CHECK(s::round_up(2) == 2);
  CHECK(s::round_up(3) == 4);
  CHECK(s::round_up(1000) == 1024);
  constexpr std::size_t largest = std::size_t{1} << (std::numeric_limits<std::size_t>::digits - 2);
  CHECK(s::round_up(largest) == largest);
  CHECK(s::round_up(largest + 1) == 0);
  CHECK(s::round_up(most) == 0);
  CHECK(s::mapper{16}.index(0x1234) == 4);
  CHECK(s::mapper{}.index(0x1234) == 0);
  CHECK(s::mapper{1}.index(most) == 0);
}

namespace {

// Each differs from power_of_two in what its name says.
struct sizing_base {
  using axis = axes::sizing;
  using mapper = sizing::power_of_two::mapper;
  static constexpr std::size_t round_up(std::size_t n) noexcept { return sizing::power_of_two::round_up(n); }
};
struct rounds_down : sizing_base {
  static constexpr std::size_t round_up(std::size_t n) noexcept { return n == 0 ? 0 : std::bit_floor(n); }
};
struct skips_a_size : sizing_base {
  static constexpr std::size_t round_up(std::size_t n) noexcept {
    return n == 64 ? 128 : std::bit_ceil(n >> 2 << 1);
  }
};
struct not_monotone : sizing_base {
  static constexpr std::size_t round_up(std::size_t n) noexcept {
    return n == 33 ? 1024 : sizing_base::round_up(n);
  }
};
struct not_idempotent : sizing_base {
  static constexpr std::size_t round_up(std::size_t n) noexcept {
    return n > most / 4 ? 0 : 2 * std::bit_ceil(n);
  }
};
struct gives_up_early : sizing_base {
  static constexpr std::size_t round_up(std::size_t n) noexcept {
    return n > 600 && n < 1024 ? 0 : sizing_base::round_up(n);
  }
};
struct off_by_one : sizing_base {
  struct mapper {
    std::size_t n = 0;
    constexpr explicit mapper(std::size_t units) noexcept : n(units) {}
    constexpr std::size_t index(std::uint64_t hash) const noexcept {
      return static_cast<std::size_t>(hash % (n + 1));
    }
  };
};
struct even_units_only : sizing_base {
  struct mapper {
    std::size_t mask = 0;
    constexpr explicit mapper(std::size_t units) noexcept
        : mask(units == 1 ? 0 : (units - 1) & ~std::size_t{1}) {}
    constexpr std::size_t index(std::uint64_t hash) const noexcept {
      return static_cast<std::size_t>(hash) & mask;
    }
  };
};
struct favours_low_units : sizing_base {
  struct mapper {
    std::size_t mask = 0;
    constexpr explicit mapper(std::size_t units) noexcept : mask(units - 1) {}
    constexpr std::size_t index(std::uint64_t hash) const noexcept {
      const std::size_t i = static_cast<std::size_t>(hash) & mask;
      return (hash >> 32 & 7u) == 0 ? i / 2 : i;
    }
  };
};
struct uses_tag_bits : sizing_base {
  struct mapper {
    int shift = 64;
    constexpr explicit mapper(std::size_t units) noexcept : shift(64 - std::countr_zero(units)) {}
    constexpr std::size_t index(std::uint64_t hash) const noexcept {
      return shift == 64 ? 0 : static_cast<std::size_t>(hash >> shift);
    }
  };
};
struct wide_mapper : sizing_base {
  struct mapper : sizing::power_of_two::mapper {
    using sizing::power_of_two::mapper::mapper;
    std::size_t more[2] = {0, 0};
  };
};
struct default_of_two : sizing_base {
  struct mapper : sizing::power_of_two::mapper {
    constexpr mapper() noexcept : sizing::power_of_two::mapper(2) {}
    using sizing::power_of_two::mapper::mapper;
  };
};

}  // namespace

TEST_CASE("sizing: broken policies are reported", "[policies]") {
  const auto law = []<class S>(S) { return [](auto report) { laws::check_sizing<S>(report); }; };
  must_hold(law(sizing_base{}));
  must_report("is only", law(rounds_down{}));
  must_report("not idempotent: round_up(64)", law(skips_a_size{}));
  must_report("not monotone: round_up(33)", law(not_monotone{}));
  must_report("not idempotent", law(not_idempotent{}));
  must_report("is 0 though there is the size", law(gives_up_early{}));
  must_report("goes to unit", law(off_by_one{}));
  must_report("gets none of", law(even_units_only{}));
  must_report("uneven", law(favours_low_units{}));
  must_report("index uses bits of the tag", law(uses_tag_bits{}));
  must_report("more than two words", law(wide_mapper{}));
  must_report("a default mapper is for one unit", law(default_of_two{}));
}

// deletion

namespace {

struct immediate_not_reusing {
  using axis = axes::deletion;
  static constexpr deletion_facts facts{.kind = deletion_kind::immediate, .reusing = false};
};
struct dirty_not_reusing {
  using axis = axes::deletion;
  static constexpr deletion_facts facts{.kind = deletion_kind::dirty, .reusing = false};
};
struct hinted_and_reusing {
  using axis = axes::deletion;
  static constexpr deletion_facts facts{.kind = deletion_kind::tombstone, .reusing = true, .hinted = true};
};
struct hinted_and_dirty {
  using axis = axes::deletion;
  static constexpr deletion_facts facts{.kind = deletion_kind::dirty, .reusing = true, .hinted = true};
};
struct no_such_kind {
  using axis = axes::deletion;
  static constexpr deletion_facts facts{.kind = static_cast<deletion_kind>(7), .reusing = true};
};
struct opted_out {
  int i;
};

}  // namespace

template <>
inline constexpr bool tophash::deferred_destruction<opted_out> = false;

TEST_CASE("deletion: laws, and broken policies are reported", "[policies]") {
  const auto law = []<class D>(D) { return [](auto report) { laws::check_deletion<D>(report); }; };
  must_hold(law(deletion::immediate{}));
  must_hold(law(deletion::tombstone{}));
  must_hold(law(deletion::tombstone_not_reusing{}));
  must_hold(law(deletion::tombstone_hinted{}));
  must_report("a run of dead slots would be", law(hinted_and_reusing{}));
  must_report("a run of dead slots would be", law(hinted_and_dirty{}));
  must_hold(law(deletion::dirty{}));
  must_report("immediate frees a slot at once", law(immediate_not_reusing{}));
  must_report("the same key take its slot back", law(dirty_not_reusing{}));
  must_report("none of immediate, tombstone, dirty", law(no_such_kind{}));
  static_assert(deletion::tombstone::facts.reusing && !deletion::tombstone_not_reusing::facts.reusing);
  static_assert(deletion::dirty::facts.kind == deletion_kind::dirty);

  must_hold([](auto report) { laws::check_deferred_destruction<std::pair<int, void*>>(report); });
  must_report("nothing to defer", [](auto report) { laws::check_deferred_destruction<opted_out>(report); });
  static_assert(deferred_destruction<std::pair<const int, std::string>> &&
                !deferred_destruction<std::vector<int>>);
}

// load

TEST_CASE("load: laws", "[policies]") {
  const auto law = []<class L>(L) { return [](auto report) { laws::check_load(L{}, report); }; };
  must_hold(law(load<13, 2>{}));
  must_hold(law(load<8>{}));
  must_hold(law(load<1>{}));
  must_hold(law(load<7, 8>{}));
  must_hold(law(load<1, 3>{}));
  must_hold(law(load<1000001, 7>{}));
  must_hold(law(load<17, 1000>{}));
  must_hold(law(load<(std::size_t{1} << 40), 3>{}));
}

TEST_CASE("load: Go's thresholds", "[policies]") {
  constexpr load<13, 2> go;
  const std::vector<std::size_t> limits{8, 13, 26, 52, 104, 208, 416};
  for (std::size_t b = 0; b != limits.size(); ++b) CHECK(go.limit(std::size_t{1} << b, 8) == limits[b]);
  // Go's own words, n > 8 and n > 13 * (2^B / 2), for every count and size.
  for (std::size_t b = 0; b != 12; ++b) {
    for (std::size_t n = 1; n != 20000; ++n) {
      const bool over = n > 8 && n > 13 * ((std::size_t{1} << b) / 2);
      if ((n > go.limit(std::size_t{1} << b, 8)) != over) FAIL_CHECK("B " << b << ", count " << n);
    }
  }
  const auto buckets = [&](std::size_t hint) {
    return sizing::power_of_two::round_up(go.units_for(hint, 8));
  };
  CHECK(buckets(0) == 1);
  CHECK(buckets(8) == 1);
  CHECK(buckets(9) == 2);
  CHECK(buckets(14) == 4);
  CHECK(buckets(27) == 8);
  CHECK(buckets(53) == 16);
  CHECK(buckets(1000) == 256);
  CHECK(buckets(100000) == 16384);
  CHECK(buckets(1000000) == std::size_t{1} << 18);
}

TEST_CASE("load: the ends of the range", "[policies]") {
  CHECK(load<13, 2>::limit(most, 8) == most);
  CHECK(load<13, 2>::limit(most / 7, 8) == (most / 7 / 2) * 13 + (most / 7 % 2) * 13 / 2);
  CHECK(load<1>::limit(most, 8) == most);
  CHECK(load<1>::units_for(most, 8) == most);
  CHECK(load<1, 2>::units_for(most, 8) == 0);
  CHECK(load<1, 2>::units_for(most / 2, 8) == most - 1);
  CHECK(load<1, 2>::limit(1, 1) == 1);
  CHECK(load<1, 2>::limit(1, 0) == 1);
  CHECK(load<8>::limit(1, 16) == 16);
  // Refused by a rule, but types all the same.
  CHECK(load<0>::limit(1000, 8) == 8);
  CHECK(load<0>::units_for(9, 8) == 0);
  CHECK(load<1, 0>::limit(1000, 8) == 8);
  CHECK(load<1, 0>::units_for(8, 8) == 1);
}

namespace {

struct load_base {
  using axis = axes::load;
  static constexpr std::size_t limit(std::size_t units, std::size_t slots) noexcept {
    return load<13, 2>::limit(units, slots);
  }
  static constexpr std::size_t units_for(std::size_t n, std::size_t slots) noexcept {
    return load<13, 2>::units_for(n, slots);
  }
};
struct limit_wraps : load_base {
  static constexpr std::size_t limit(std::size_t units, std::size_t slots) noexcept {
    return units == 1 ? std::max<std::size_t>(slots, 6) : units * 13 / 2;
  }
};
struct one_unit_too_small : load_base {
  static constexpr std::size_t limit(std::size_t units, std::size_t) noexcept {
    return load<13, 2>::limit(units, 1);
  }
};
struct holds_nothing : load_base {
  static constexpr std::size_t limit(std::size_t, std::size_t) noexcept { return 0; }
};
struct one_unit_too_few : load_base {
  static constexpr std::size_t units_for(std::size_t n, std::size_t slots) noexcept {
    const std::size_t units = load<13, 2>::units_for(n, slots);
    return n > 1000 && units > 1 ? units - 1 : units;
  }
};
struct one_unit_too_many : load_base {
  static constexpr std::size_t units_for(std::size_t n, std::size_t slots) noexcept {
    return n == 500 ? load<13, 2>::units_for(n, slots) + 1 : load<13, 2>::units_for(n, slots);
  }
};
struct finds_no_units : load_base {
  static constexpr std::size_t units_for(std::size_t n, std::size_t slots) noexcept {
    return n > most / 16 ? 0 : load<13, 2>::units_for(n, slots);
  }
};
struct facts_of_another : load_base {
  static constexpr load_facts facts{.numerator = 6, .denominator = 1};
};
struct changes_its_mind {
  using axis = axes::load;
  mutable std::size_t asked = 0;
  std::size_t limit(std::size_t units, std::size_t slots) const noexcept {
    return load<13, 2>::limit(units, slots) + (++asked == 700 ? 1u : 0u);
  }
  std::size_t units_for(std::size_t n, std::size_t slots) const noexcept {
    return load<13, 2>::units_for(n, slots);
  }
};

}  // namespace

TEST_CASE("load: broken policies are reported", "[policies]") {
  const auto law = []<class L>(L) { return [](auto report) { laws::check_load(L{}, report); }; };
  must_hold(law(load_base{}));
  must_report("not monotone", law(limit_wraps{}));
  must_report("one unit of 8 slots is full at 6", law(one_unit_too_small{}));
  must_report("hold nothing", law(holds_nothing{}));
  must_report("which take only", law(one_unit_too_few{}));
  must_report("units_for(500, 8) is 78, but 77 take 500", law(one_unit_too_many{}));
  must_report("is 0, though", law(finds_no_units{}));
  must_report("its facts make 1000 units full at 6000, its limit says 6500", law(facts_of_another{}));
  must_report("its facts say 0 / 1", law(load<0>{}));
  must_report("its facts say 1 / 0", law(load<1, 0>{}));
  must_report("changes when asked again", law(changes_its_mind{}));
}

// growth

TEST_CASE("growth: laws", "[policies]") {
  const auto law = []<class G>(G) { return [](auto report) { laws::check_growth(G{}, report); }; };
  must_hold(law(growth::eager{}));
  must_hold(law(growth::incremental<1>{}));
  must_hold(law(growth::incremental<2>{}));
  must_hold(law(growth::incremental<2, true>{}));
  must_hold(law(growth::incremental<64>{}));
  must_hold(law(growth::doubling_only{}));
  // One entry a unit, as list heads are loaded: two chains a write are just enough after a rebuild.
  const laws::arithmetic_table<load<1>> sparse;
  must_hold([&](auto report) { laws::check_growth(growth::eager{}, report, 1, sparse); });
  must_hold([&](auto report) { laws::check_growth(growth::incremental<2>{}, report, 1, sparse); });
  static_assert(growth::eager::facts.quantum == whole_table && !growth::eager::facts.endless);
  static_assert(growth::incremental<2>::facts.quantum == 2 && !growth::incremental<2>::facts.every_write);
  static_assert(growth::incremental<2, true>::facts.every_write && growth::incremental<0>::facts.endless);
}

TEST_CASE("growth: doubles or rebuilds at the exact boundary", "[policies]") {
  load_state at{
      .live = 51, .dead = 0, .dirty = 0, .units = 8, .slots_per_unit = 8, .limit = 52, .overflow = 0};
  CHECK(growth::eager::decide(at) == plan::keep());
  at.live = 52;
  CHECK(growth::eager::decide(at) == plan::resize(16));
  at.live = 27, at.dead = 25;
  CHECK(growth::eager::decide(at) == plan::resize(16));
  at.live = 26, at.dead = 20, at.dirty = 6;
  CHECK(growth::eager::decide(at) == plan::regrow());
  CHECK(growth::doubling_only::decide(at) == plan::resize(16));
  at.live = 26, at.dead = 20, at.dirty = 5;
  CHECK(growth::eager::decide(at) == plan::keep());
  at.live = 0, at.dead = 52, at.dirty = 0;
  CHECK(growth::eager::decide(at) == plan::regrow());
  at.live = most, at.dead = 0, at.limit = most, at.units = (most >> 1) + 1;
  CHECK(growth::eager::decide(at) == plan::resize(most));
}

namespace {

template <class Decide, std::size_t Quantum = 0>
struct growth_of {
  using axis = axes::growth;
  static constexpr growth_facts facts{.quantum = Quantum, .endless = false, .every_write = false};
  static constexpr plan decide(const load_state& l) noexcept { return Decide{}(l); }
};
struct doubles_at_once {
  constexpr plan operator()(const load_state& l) const noexcept { return plan::resize(2 * l.units); }
};
struct doubles_or_keeps {
  constexpr plan operator()(const load_state& l) const noexcept {
    return l.used() < l.limit ? plan::keep() : plan::resize(l.units > most / 2 ? most : 2 * l.units);
  }
};
struct wraps_at_the_end {
  constexpr plan operator()(const load_state& l) const noexcept {
    return l.used() < l.limit ? plan::keep() : plan::resize(2 * l.units);
  }
};
struct always_rebuilds {
  constexpr plan operator()(const load_state& l) const noexcept {
    return l.used() < l.limit ? plan::keep() : plan::regrow();
  }
};
struct rebuilds_for_any_residue {
  constexpr plan operator()(const load_state& l) const noexcept {
    return l.used() >= l.limit && l.live < l.limit ? plan::regrow() : doubles_or_keeps{}(l);
  }
};
struct shrinks_too_far {
  constexpr plan operator()(const load_state& l) const noexcept {
    return l.used() >= l.limit && l.live * 4 <= l.limit && l.units > 4 ? plan::resize(l.units / 4)
                                                                       : doubles_or_keeps{}(l);
  }
};
struct never_grows {
  constexpr plan operator()(const load_state&) const noexcept { return plan::keep(); }
};
struct remembers {
  using axis = axes::growth;
  static constexpr growth_facts facts{};
  mutable int asked = 0;
  plan decide(const load_state& l) const noexcept {
    return ++asked % 7 == 0 && l.used() >= l.limit ? plan::keep() : doubles_or_keeps{}(l);
  }
};

}  // namespace

TEST_CASE("growth: broken policies are reported", "[policies]") {
  const auto law = []<class G>(G) { return [](auto report) { laws::check_growth(G{}, report); }; };
  must_hold(law(growth_of<doubles_or_keeps>{}));
  must_hold(law(growth_of<never_grows>{}));
  must_report("below the limit", law(growth_of<doubles_at_once>{}));
  must_report("resize(0)", law(growth_of<wraps_at_the_end>{}));
  must_report("full again", law(growth_of<always_rebuilds>{}));
  must_report("oscillates", law(growth_of<rebuilds_for_any_residue>{}));
  must_report("full again", law(growth_of<shrinks_too_far>{}));
  must_report("a copy says", law(remembers{}));
  must_report("never ends", law(growth::incremental<0>{}));
  // Fewer entries than chains: the quantum is too small, and one unit doubled holds no more than one did.
  const laws::arithmetic_table<load<7, 8>> sparse;
  const auto loaded = [&](auto report) { laws::check_growth(growth::incremental<2>{}, report, 1, sparse); };
  must_report("the next growth is due first", loaded);
  must_report("full again", loaded);
}

// overflow

TEST_CASE("overflow: laws", "[policies]") {
  must_hold([](auto report) { laws::check_overflow(overflow::fresh{}, report); });
  must_hold([](auto report) { laws::check_overflow(overflow::local_list{}, report); });
}

TEST_CASE("overflow: counts and reuse, step by step", "[policies]") {
  laws::audited_storage storage;
  const request r{.bytes = 144, .align = 16, .use = purpose::overflow, .trace = nullptr};
  overflow::local_list list;
  void* first = list.acquire(storage, r);
  void* second = list.acquire(storage, r);
  list.release(storage, first, r);
  list.release(storage, second, r);
  CHECK(list.counts().kept == 2);
  CHECK(list.acquire(storage, r) == second);  // last released, first acquired
  void* no_link = nullptr;
  CHECK(std::memcmp(second, &no_link, sizeof no_link) == 0);
  CHECK(list.counts().requested == 3);
  CHECK(list.counts().recycled == 1);
  CHECK(list.counts().released == 2);
  CHECK(storage.calls == 2);

  overflow::local_list other;
  swap(list, other);
  CHECK(list.counts().requested == 0);
  CHECK(other.counts().kept == 1);
  CHECK(other.acquire(storage, r) == first);
  storage.fail = true;
  CHECK(other.acquire(storage, r) == nullptr);
  CHECK(other.counts().requested == 4);
  storage.fail = false;
  other.release(storage, first, r);
  other.release(storage, second, r);
  const overflow::local_list copy(other);
  CHECK(copy.counts().kept == 0);
  list = copy;
  CHECK(list.counts().kept == 0);
  other = copy;  // keeps its own
  CHECK(other.counts().kept == 2);
  other.drain(storage, r);
  CHECK(storage.outstanding() == 0);
  CHECK(other.counts().kept == 0);

  overflow::fresh fresh;
  void* block = fresh.acquire(storage, r);
  fresh.release(storage, block, r);
  CHECK(storage.outstanding() == 0);
  CHECK(fresh.counts().requested == 1);
  CHECK(fresh.counts().released == 1);
  overflow::fresh moved(std::move(fresh));
  CHECK(moved.counts().requested == 1);
  CHECK(overflow::fresh(moved).counts().requested == 0);
}

namespace {

// A correct source whose steps can be broken one at a time; blocks are kept in a vector.
enum class fault {
  none,
  counts_failures,
  forgets_to_count_recycling,
  hands_out_twice,
  leaks_on_drain,
  wrong_request,
  double_free,
  copies_blocks,
  keeps_after_move,
  loses_on_release,
  writes_into_blocks,
  states_no_recycling,
  miscounts_releases,
  null_without_asking
};

template <fault Fault>
class broken_source {
 public:
  using axis = axes::overflow;
  static constexpr overflow_facts facts{.recycles = Fault != fault::states_no_recycling};

  broken_source() = default;
  broken_source(const broken_source& other) {
    if (Fault == fault::copies_blocks) kept_ = other.kept_, counts_ = other.counts_;
  }
  broken_source(broken_source&& other) noexcept { *this = std::move(other); }
  broken_source& operator=(const broken_source&) { return *this; }
  broken_source& operator=(broken_source&& other) noexcept {
    kept_ = other.kept_, counts_ = other.counts_;
    if (Fault != fault::keeps_after_move) other.kept_.clear(), other.counts_ = {};
    return *this;
  }
  ~broken_source() = default;

  template <class Storage>
  void* acquire(Storage& storage, const request& r) noexcept {
    if (Fault == fault::null_without_asking && counts_.requested == 17) return nullptr;
    if (!kept_.empty()) {
      void* at = kept_.back();
      if (Fault != fault::hands_out_twice) kept_.pop_back();
      --counts_.kept;
      ++counts_.requested;
      counts_.recycled += Fault == fault::forgets_to_count_recycling ? 0u : 1u;
      return at;
    }
    void* at = storage.try_allocate(r);
    if (at != nullptr || Fault == fault::counts_failures) ++counts_.requested;
    if (Fault == fault::writes_into_blocks && last_ != nullptr) static_cast<unsigned char*>(last_)[100] = 0;
    last_ = at;
    return at;
  }

  template <class Storage>
  void release(Storage& storage, void* at, const request& r) noexcept {
    ++counts_.released;
    last_ = nullptr;
    if (Fault == fault::miscounts_releases) ++counts_.released;
    if (Fault == fault::loses_on_release && counts_.released % 16 == 0) return;
    if (Fault == fault::double_free && counts_.released == 9) storage.deallocate(at, r);
    kept_.push_back(at);
    ++counts_.kept;
  }

  template <class Storage>
  void drain(Storage& storage, const request& r) noexcept {
    request was = r;
    if (Fault == fault::wrong_request) was.bytes += 16;
    const std::size_t left = Fault == fault::leaks_on_drain && kept_.size() > 2 ? 1 : 0;
    for (; kept_.size() > left; kept_.pop_back(), --counts_.kept) storage.deallocate(kept_.back(), was);
  }

  overflow_counts counts() const noexcept { return counts_; }

 private:
  std::vector<void*> kept_;
  overflow_counts counts_;
  void* last_ = nullptr;
};

template <fault Fault>
void source_is_reported(const std::string& fragment) {
  must_report(fragment, [](auto report) { laws::check_overflow(broken_source<Fault>{}, report); });
}

}  // namespace

TEST_CASE("overflow: broken policies are reported", "[policies]") {
  must_hold([](auto report) { laws::check_overflow(broken_source<fault::none>{}, report); });
  source_is_reported<fault::counts_failures>("a failed acquire changed the counts");
  source_is_reported<fault::forgets_to_count_recycling>(
      "recycled is not the acquires that storage did not see");
  source_is_reported<fault::hands_out_twice>("acquired a block that is in use");
  source_is_reported<fault::leaks_on_drain>("after drain kept is not 0");
  source_is_reported<fault::wrong_request>("under another request");
  source_is_reported<fault::double_free>("kept is not what storage gave and nobody uses");
  source_is_reported<fault::copies_blocks>("a copy does not start with zero counts");
  source_is_reported<fault::keeps_after_move>("a moved-from source keeps blocks");
  source_is_reported<fault::loses_on_release>("kept is not what storage gave and nobody uses");
  source_is_reported<fault::writes_into_blocks>("wrote into a block that is in use");
  source_is_reported<fault::states_no_recycling>("facts say that it does not recycle");
  source_is_reported<fault::miscounts_releases>("a release was not counted as one");
  source_is_reported<fault::null_without_asking>("acquire returned null though storage did not fail");
}

// observe

TEST_CASE("observe: laws", "[policies]") {
  must_hold([](auto report) {
    observe::counters o;
    laws::check_observer<observe::counters, events::found, events::missed, events::inserted,
                         events::resurrected, events::erased, events::swept, events::growth_started,
                         events::evacuated, events::growth_finished, events::overflow_acquired,
                         events::overflow_released, events::cleared>(o, report);
  });
  must_hold([](auto report) {
    observe::nothing o;
    laws::check_observer(o, report);
  });
  static_assert(!laws::takes_event<observe::nothing, events::found> && std::is_empty_v<observe::nothing>);
}

TEST_CASE("observe: counters count each event exactly, once", "[policies]") {
  observe::counters o;
  observe::counter_values want;
  const auto step = [&](const auto& event, auto&&... members) {
    notify(o, event);
    ((want.*members += 1), ...);
    CHECK(o.snapshot() == want);
  };
  using v = observe::counter_values;
  step(events::found{}, &v::found);
  step(events::missed{}, &v::missed);
  step(events::inserted{}, &v::inserted);
  step(events::resurrected{}, &v::resurrected);
  step(events::erased{}, &v::erased);
  step(events::swept{}, &v::swept);
  step(events::growth_started{8, 16}, &v::growths_started);
  want.evacuated_entries += 6;
  step(events::evacuated{6}, &v::evacuated_chains);
  step(events::evacuated{0}, &v::evacuated_chains);
  step(events::growth_finished{16}, &v::growths_finished);
  step(events::overflow_acquired{}, &v::overflow_acquired);
  step(events::overflow_released{}, &v::overflow_released);
  want.cleared_entries += 100;
  step(events::cleared{100}, &v::cleared);

  const observe::counters& reader = o;
  reader.on(events::found{});
  want.found += 1;
  CHECK(observe::counters(o).snapshot() == v{});  // a copied map starts from zero
  observe::counters assigned;
  assigned = o;
  CHECK(assigned.snapshot() == v{});
  observe::counters moved(std::move(o));
  CHECK(moved.snapshot() == want);
  assigned = std::move(moved);
  CHECK(assigned.snapshot() == want);
  CHECK(moved.snapshot() == v{});
  assigned.reset();
  CHECK(assigned.snapshot() == v{});
}

TEST_CASE("observe: concurrent readers lose counts at worst", "[policies]") {
  observe::counters o;
  laws::look_up_concurrently(o, 5000);
  const observe::counter_values seen = o.snapshot();
  CHECK(seen.found >= 1);
  CHECK(seen.found <= 10000);
  CHECK(seen.missed <= 10000);
  CHECK(seen.inserted == 0);
}

namespace {

struct may_throw {
  using axis = axes::observe;
  void on(events::inserted) {}
};
struct hides_const_paths {
  using axis = axes::observe;
  void on(events::missed) const noexcept {}
};
struct claims_const_paths {
  using axis = axes::observe;
  static constexpr observe_facts facts{.on_const_paths = true};
  void on(events::inserted) noexcept {}
};
struct moves_with_exceptions {
  using axis = axes::observe;
  moves_with_exceptions() = default;
  moves_with_exceptions(const moves_with_exceptions&) {}
  moves_with_exceptions& operator=(const moves_with_exceptions&) = default;
};
struct writes_on_const_paths {
  using axis = axes::observe;
  static constexpr observe_facts facts{.on_const_paths = true};
  void on(events::found) noexcept {}
};

}  // namespace

TEST_CASE("observe: broken policies are reported", "[policies]") {
  const auto law = []<class O, class... Expected>(O, Expected...) {
    return [](auto report) {
      O o;
      laws::check_observer<O, Expected...>(o, report);
    };
  };
  must_report("events::inserted) is not noexcept", law(may_throw{}));
  must_report("facts.on_const_paths is false", law(hides_const_paths{}));
  must_report("takes none of found, missed, probed, searched", law(claims_const_paths{}));
  must_report("not from a const reference", law(writes_on_const_paths{}));
  must_report("a map's move has none", law(moves_with_exceptions{}));
  must_report("which it is meant to take", law(observe::nothing{}, events::swept{}));
  must_report("takes no", law(claims_const_paths{}, events::inserted{}, events::erased{}));
}
