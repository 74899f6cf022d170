// SPDX-License-Identifier: Apache-2.0
// Open groups, seen from outside: sixteen tags at once against a loop, the bytes of a block, exact
// thresholds, what erases leave and when a table is rebuilt for it, copies, iteration, refusals of absurd
// sizes. What every layout promises alike is asked of it by the contract battery
// (tests/contract/compositions_f.cpp).
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <new>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <tophash/allocators/decorators/failing.hpp>
#include <tophash/allocators/system.hpp>
#include <tophash/fast_map.hpp>
#include <tophash/framework/core/bits.hpp>
#include <tophash/framework/core/poison.hpp>
#include <tophash/framework/core/relocate.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/deletion/tombstone.hpp>
#include <tophash/policies/growth/eager.hpp>
#include <tophash/policies/growth/incremental.hpp>
#include <tophash/policies/growth/shrinking.hpp>
#include <tophash/policies/hashing/hash_with.hpp>
#include <tophash/policies/hashing/identity.hpp>
#include <tophash/policies/load/load.hpp>
#include <tophash/policies/sizing/fast_range.hpp>
#include <tophash/presets.hpp>
#include <tophash/set.hpp>

#include "support/elements.hpp"
#include "support/hashes.hpp"
#include "support/storage.hpp"

#if TOPHASH_HAS_ASAN
#include <sanitizer/asan_interface.h>
#endif

// core/bits.hpp once more, as a machine without SSE2 compiles it, in a namespace of its own.
#undef TOPHASH_FRAMEWORK_CORE_BITS_HPP
#undef TOPHASH_HAS_SSE2
#define TOPHASH_HAS_SSE2 0
#define tophash tophash_portable
#include <tophash/framework/core/bits.hpp>
#undef tophash

using namespace tophash;
using namespace tophash::testing;

namespace tophash::inline v1 {
template <int Tag, testing::moves Moves>
inline constexpr bool deferred_destruction<testing::counted<Tag, Moves>> = true;
}  // namespace tophash::inline v1

namespace {

using u64 = std::uint64_t;

template <class... Options>
using open_map = tophash::map<u64, u64, layout::open_groups<>, Options...>;

template <class Map>
void check_sound(const Map& m) {
  const char* wrong = m.check_invariants();
  CHECK(std::string(wrong != nullptr ? wrong : "") == "");
}

template <class Map>
void fill(Map& m, u64 begin, u64 end) {
  for (u64 key = begin; key < end; ++key) m.try_emplace(key, key * 3);
}

template <class Map>
std::vector<u64> keys_in_order(const Map& m) {
  std::vector<u64> out;
  for (const auto& entry : m) out.push_back(entry.first);
  return out;
}

// hashing::identity: the low bits choose the home group, the top byte is the tag, the top three bits the
// filter's bit.
constexpr u64 raw_key(u64 home, u64 top_byte, u64 n) { return home | (n << 20) | (top_byte << 56); }

struct counting_hash {
  static inline long calls = 0;
  using is_avalanching = void;
  u64 operator()(u64 key) const noexcept {
    ++calls;
    return scramble(key);
  }
};

// Where each entry is said to have come to and gone from.
struct place_log {
  using axis = axes::observe;
  std::vector<events::slot_place>* inserted = nullptr;
  std::vector<events::slot_place>* erased = nullptr;
  void on(const events::inserted& e) const noexcept { inserted->push_back(e.at); }
  void on(const events::erased& e) const noexcept { erased->push_back(e.at); }
};

}  // namespace

TEST_CASE("open groups: an erase at an iterator names the place that the insert named", "[open_groups]") {
  std::vector<events::slot_place> inserted, erased;
  open_map<place_log> m(5000, place_log{&inserted, &erased});
  fill(m, 0, 2000);
  REQUIRE(inserted.size() == 2000);
  std::size_t groups = 0;
  for (auto it = m.begin(); it != m.end();) {
    const u64 key = it->first;
    it = m.erase(it);
    const events::slot_place &from = erased.back(), &to = inserted[key];
    REQUIRE(from.chain == to.chain);
    REQUIRE(from.bucket == to.bucket);
    REQUIRE(from.slot == to.slot);
    groups = std::max(groups, from.chain + 1);
  }
  CHECK(erased.size() == 2000);
  CHECK(groups > 100);  // not all of them group 0
}

// ---- places by hash
// -----------------------------------------------------------------------------------------------------

namespace {

// Only its first word is ever touched, so that an array of some dozen groups is as large as a real one of 2^19, and
// takes a page an entry.
struct sparse_value {
  u64 word;
  unsigned char untouched[65520];
  sparse_value(u64 w) noexcept : word(w) {}
  sparse_value(const sparse_value& other) noexcept : word(other.word) {}
  sparse_value& operator=(const sparse_value& other) noexcept { return word = other.word, *this; }
};
template <class Hash, class... Options>
using sparse_map_of =
    tophash::map<u64, sparse_value, layout::open_groups<>, hashing::hash_with<Hash>, Options...>;
template <class... Options>
using sparse_map = sparse_map_of<counting_hash, Options...>;

// Half of the keys have one home in 64: they lie in groups where others are at home, before a growth and after it.
struct one_home_for_half_hash {
  using is_avalanching = void;
  u64 operator()(u64 key) const noexcept {
    const u64 hash = scramble(key);
    return (hash >> 40) % 2 != 0 ? hash | 63 : hash;
  }
};

template <class Entry>
struct line_of {
  using model = typename layout::open_groups<>::model<u64, Entry, deletion::immediate::facts, sizing::power_of_two>;
  using unit = typename model::unit;
  static std::uintptr_t line(const void* at) { return reinterpret_cast<std::uintptr_t>(at) / 64; }
};
template <std::size_t Bytes>
struct words {
  u64 word[Bytes / 8];
};

}  // namespace

TEMPLATE_TEST_CASE("open groups: a hash names a slot, and the slots from the beginning of its line on",
                   "[open_groups]", void, u64, words<16>, words<24>, words<32>, words<56>, words<64>, words<256>) {
  using lines = line_of<TestType>;
  using model = typename lines::model;
  using unit = typename model::unit;
  const auto block = std::make_unique<std::byte[]>(64 + 64 + model::slots * sizeof(unit));
  auto* const first_line = block.get() + (64 - reinterpret_cast<std::uintptr_t>(block.get()) % 64) % 64;
  bool one_named[model::width] = {};
  for (std::size_t begin = 0; begin < 64; begin += sizeof(unit) % 16 == 0 ? 16 : 8) {
    auto* const entries = reinterpret_cast<unit*>(first_line + begin);
    for (u64 top = 0; top < 256; ++top) {
      const u64 hash = top << 56 | 0x123456789abcde;
      const std::size_t named = model::named_slot(hash);
      REQUIRE(named < model::width);
      one_named[named] = true;
      const auto line = lines::line(entries + named);
      REQUIRE(lines::line(model::named_place(entries, hash)) == line);
      unsigned expected = 0;
      for (std::size_t i = 0; i < model::slots; ++i) {
        if (lines::line(entries + i) >= line) expected |= 1u << i;
      }
      for (const unsigned vacant : {0x7fffu, 0x1u, 0x4000u, 0x2a55u, 0x0f00u}) {
        const unsigned from = vacant & expected;
        REQUIRE(model::placed_by_hash(vacant, entries, hash) == (from != 0 ? from : vacant));
      }
    }
  }
  CHECK(std::count(std::begin(one_named), std::end(one_named), true) == 16);
}

TEST_CASE("open groups: in an array of 64 MiB or more entries lie where a search asks first", "[open_groups]") {
  std::vector<events::slot_place> inserted, erased;
  sparse_map<place_log> m(place_log{&inserted, &erased});
  const auto share_of_named = [&](std::size_t begin) {
    std::size_t named = 0;
    for (std::size_t key = begin; key < inserted.size(); ++key) {
      named += inserted[key].slot == scramble(key) >> 60 ? 1 : 0;
    }
    return static_cast<double>(named) / static_cast<double>(inserted.size() - begin);
  };
  u64 next = 0;
  while (m.stats().units < 64 || m.size() < 800) m.try_emplace(next, next), ++next;
  REQUIRE(m.stats().units == 64);
  CHECK(share_of_named(0) < 0.2);
  m.reserve(1000);
  REQUIRE(m.stats().units == 128);
  const std::size_t before = inserted.size();
  while (m.size() < 1200) m.try_emplace(next, next), ++next;
  REQUIRE(m.stats().units == 128);
  CHECK(share_of_named(before) > 0.35);  // 0.43 to 0.64 of the slots were taken
  // What a growth moved lies there as well: the slot of an entry is told when it goes.
  m.reserve(3000);
  REQUIRE(m.stats().units == 256);
  std::size_t named = 0;
  for (u64 key = 0; key < next; ++key) {
    REQUIRE(m.erase(key) == 1);
    named += erased.back().slot == scramble(key) >> 60 ? 1 : 0;
  }
  CHECK(static_cast<double>(named) / static_cast<double>(next) > 0.7);
}

TEST_CASE("open groups: a growth puts no entry where one lies that came from another group", "[open_groups]") {
  open_map<hashing::hash_with<one_home_for_half_hash>> m;
  u64 next = 0;
  for (std::size_t growths = 0; m.size() < 5000; ++next) {
    m.try_emplace(next, next * 3);
    if (m.stats().growths == growths) continue;
    growths = m.stats().growths;
    check_sound(m);
    REQUIRE(m.size() == next + 1);
    for (u64 key = 0; key <= next; ++key) REQUIRE(m.at(key) == key * 3);
  }
}

TEMPLATE_TEST_CASE("open groups: a map whose array becomes large and small again agrees with std::map",
                   "[open_groups]", sparse_map<>, sparse_map<growth::incremental<2>>, sparse_map<deletion::dirty>,
                   sparse_map<deletion::tombstone>, sparse_map<growth::shrinking<growth::eager>>,
                   sparse_map<sizing::fast_range>, sparse_map_of<one_home_for_half_hash>) {
  TestType m;
  std::map<u64, u64> expected;
  u64 state = 17;
  std::size_t most_units = 0;
  const auto check = [&] {
    check_sound(m);
    REQUIRE(m.size() == expected.size());
    for (const auto& [key, word] : expected) {
      const auto found = m.find(key);
      REQUIRE(found != m.end());
      REQUIRE(found->second.word == word);
    }
    std::size_t seen = 0;
    for (const auto& entry : m) {
      REQUIRE(expected.contains(entry.first));
      ++seen;
    }
    REQUIRE(seen == expected.size());
    most_units = std::max<std::size_t>(most_units, m.stats().units);
  };
  // Mostly inserts, about as many erases, mostly erases.
  for (const unsigned inserts_of_eight : {6u, 4u, 2u}) {
    for (int step = 0; step < 6000; ++step) {
      const u64 key = scramble(state++) % 4000;
      if (scramble(state++) % 8 < inserts_of_eight) {
        CHECK(m.try_emplace(key, state).second == expected.try_emplace(key, state).second);
      } else {
        CHECK(m.erase(key) == expected.erase(key));
      }
      if (step % 2000 == 1999) check();
    }
  }
  CHECK(most_units >= 128);
  TestType copy(m);
  m.clear();
  m.rehash(0);
  std::swap(m, copy);
  check();
  m.rehash(0);
  check();
}

// ---- groups

TEST_CASE("core: sixteen tag bytes at once agree with a loop, with SSE2 and without", "[open_groups]") {
  alignas(16) std::array<std::uint8_t, 16> tags{};
  u64 state = 1;
  const auto draw = [&state] { return static_cast<unsigned>((state = scramble(state + 0x9e3779b9u)) >> 40); };
  std::size_t wrong = 0;
  for (unsigned wanted = 0; wanted != 256; ++wanted) {
    const auto byte = static_cast<std::uint8_t>(wanted);
    for (unsigned value = 0; value != 256; ++value) {
      // Neighbours one off, equal, and with the top bit flipped are where a borrow would run over.
      const unsigned near[] = {wanted, wanted + 1, wanted - 1, wanted ^ 0x80u, 0, 255, draw()};
      for (std::uint8_t& tag : tags) tag = static_cast<std::uint8_t>(near[draw() % std::size(near)]);
      tags[draw() % 16] = static_cast<std::uint8_t>(value);
      unsigned equal = 0, larger = 0;
      for (unsigned i = 0; i != 16; ++i) {
        equal |= tags[i] == byte ? 1u << i : 0u;
        larger |= tags[i] >= byte ? 1u << i : 0u;
      }
      wrong += match_byte_16(tags.data(), byte) != equal ? 1u : 0u;
      wrong += tophash_portable::match_byte_16(tags.data(), byte) != equal ? 1u : 0u;
      if (wanted < 1 || wanted > 128) continue;
      wrong += at_least_16(tags.data(), byte) != larger ? 1u : 0u;
      wrong += tophash_portable::at_least_16(tags.data(), byte) != larger ? 1u : 0u;
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("core: one byte of sixteen set, or the first few taken, with SSE2 and without", "[open_groups]") {
  struct alignas(16) group {
    std::array<std::uint8_t, 16> tags;
    bool operator==(const group&) const = default;
  };
  group before{}, from{};
  for (std::size_t i = 0; i != 16; ++i) {
    before.tags[i] = static_cast<std::uint8_t>(17 * i + 3);
    from.tags[i] = static_cast<std::uint8_t>(90 - i);
  }
  for (std::size_t n = 0; n <= 16; ++n) {
    group taken = before, here = before, portable = before;
    std::copy_n(from.tags.begin(), n, taken.tags.begin());
    take_first_bytes_16(here.tags.data(), from.tags.data(), n);
    tophash_portable::take_first_bytes_16(portable.tags.data(), from.tags.data(), n);
    CHECK(here == taken);
    CHECK(portable == taken);
    if (n == 16) break;
    group set = here = portable = before;
    set.tags[n] = 0xb7;
    set_byte_16(here.tags.data(), n, 0xb7b7b7b7u);
    tophash_portable::set_byte_16(portable.tags.data(), n, 0xb7b7b7b7u);
    CHECK(here == set);
    CHECK(portable == set);
  }
}

namespace {

template <std::size_t Bytes>
void check_copied() {
  std::array<std::uint8_t, Bytes + 2> from{}, to{};
  for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<std::uint8_t>(1 + i % 251);
  copy_entry_bytes<Bytes>(to.data() + 1, from.data() + 1);
  CHECK(std::memcmp(to.data() + 1, from.data() + 1, Bytes) == 0);
  CHECK((to.front() == 0 && to.back() == 0));
}

}  // namespace

TEST_CASE("core: an entry's bytes are copied in pieces, the last one short, and no other", "[open_groups]") {
  check_copied<1>(), check_copied<128>(), check_copied<129>(), check_copied<256>(), check_copied<264>();
  check_copied<383>(), check_copied<1000>(), check_copied<1024>(), check_copied<1025>();
}

TEST_CASE("open groups: a probe comes to every group once, and soon far from home", "[open_groups]") {
  using model = layout::open_groups<>::model<u64, u64, deletion::immediate::facts, sizing::power_of_two>;
  for (std::size_t units = 1; units <= 4096; units *= 2) {
    model::unit any{};
    const auto a = model::array::of(nullptr, &any, units);
    for (const std::size_t home : {std::size_t{0}, units / 3, units - 1}) {
      std::vector<bool> seen(units);
      std::size_t nearest = units, steps = 0;
      model::probe p(home);
      do {
        CHECK(p.at < units);
        CHECK_FALSE(seen[p.at]);
        seen[p.at] = true;
        const std::size_t apart = (p.at - home) & (units - 1);
        if (steps > 1 && steps < 6) nearest = std::min(nearest, std::min(apart, units - apart));
      } while (p.next(a) && ++steps < units);
      CHECK(std::find(seen.begin(), seen.end(), false) == seen.end());
      // What keys in another table's order fill together is up to half of the table.
      if (units >= 32) CHECK(nearest >= units / 4);
    }
  }
}

TEST_CASE("open groups: the bytes of a block", "[open_groups]") {
  using model = layout::open_groups<>::model<u64, u64, deletion::immediate::facts, sizing::power_of_two>;
  static_assert(sizeof(model::group) == 16 && alignof(model::group) == 16 && model::block_align == 16);
  static_assert(model::slots == 15 && model::block_bytes(1, 4) == 80 && model::block_bytes(1, 14) == 240);
  static_assert(model::block_bytes(2, 29) == 29 * 16 + 2 * 16);
  using classic = layout::open_groups<8>::model<u64, u64, deletion::tombstone::facts, sizing::power_of_two>;
  static_assert(sizeof(classic::group) == 8 && classic::slots == 8 &&
                classic::block_bytes(4, 31) == 31 * 16 + 32);

  fast_map<u64, u64> m;
  CHECK(m.memory_report().total_bytes() == 0);
  fill(m, 0, 4);
  CHECK(m.memory_report().total_bytes() == 80);
  // Issue: a map of 4 entries takes at most 192 bytes in all.
  CHECK(sizeof m + m.memory_report().total_bytes() <= 192);
  fill(m, 4, 14);
  CHECK(m.memory_report().total_bytes() == 240);
  fill(m, 14, 15);
  CHECK(m.memory_report().total_bytes() == 29 * 16 + 2 * 16);
  check_sound(m);

  fast_set<std::uint8_t> narrow;  // entries of one byte: the groups behind them are aligned all the same
  for (unsigned key = 0; key < 200; ++key) CHECK(narrow.insert(static_cast<std::uint8_t>(key)).second);
  CHECK(narrow.size() == 200);
  check_sound(narrow);
}

TEST_CASE("open groups: no tag of a live entry is a state, whatever the hash", "[open_groups]") {
  const auto distinct = []<class Model>(std::type_identity<Model>, std::size_t at_least) {
    std::set<std::uint8_t> tags;
    for (u64 top = 0; top < 256; ++top) {
      const std::uint8_t tag = Model::tag_of(top << 56);
      CHECK(Model::is_live(tag));
      CHECK(tag != Model::sentinel);
      if (Model::dirty_kind) CHECK(Model::is_dirty(tag | Model::dirty_bit));
      tags.insert(tag);
    }
    CHECK(tags.size() >= at_least);
  };
  using sizes = sizing::power_of_two;
  using wide = layout::open_groups<>;
  distinct(std::type_identity<wide::model<u64, u64, deletion::immediate::facts, sizes>>{}, 253);
  distinct(std::type_identity<wide::model<u64, u64, deletion::tombstone::facts, sizes>>{}, 251);
  distinct(std::type_identity<wide::model<u64, u64, deletion::dirty::facts, sizes>>{}, 125);
}

// ---- growth

TEST_CASE("open groups: 4 entries, 14, then 27 for every two groups", "[open_groups]") {
  const auto limits = [](auto m) {
    std::vector<std::pair<std::size_t, std::size_t>> seen;  // entries when it grew, its groups then
    std::size_t limit = 0;
    for (u64 key = 0; key < 1000; ++key) {
      m.try_emplace(key, key);
      if (m.stats().limit == limit) continue;
      limit = m.stats().limit;
      seen.emplace_back(m.size(), m.stats().units);
    }
    check_sound(m);
    return seen;
  };
  using steps = std::vector<std::pair<std::size_t, std::size_t>>;
  const steps expected{{1, 1},    {5, 1},    {15, 2},   {28, 4},   {55, 8},
                       {109, 16}, {217, 32}, {433, 64}, {865, 128}};
  CHECK(limits(fast_map<u64, u64>{}) == expected);
  CHECK(limits(open_map<deletion::tombstone>{}) == expected);
  CHECK(limits(open_map<deletion::dirty>{}) == expected);
  CHECK(limits(open_map<growth::incremental<2>>{}) == expected);
  const steps of_eight{{1, 1},   {5, 1},    {7, 2},    {14, 4},    {27, 8},
                       {53, 16}, {105, 32}, {209, 64}, {417, 128}, {833, 256}};
  const auto eight = limits(tophash::map<u64, u64, layout::open_groups<8>, deletion::tombstone>{});
  CHECK(eight == of_eight);
}

TEST_CASE("open groups: a reserved map does not grow until it is full", "[open_groups]") {
  for (const std::size_t n : {1u, 4u, 5u, 14u, 15u, 27u, 28u, 1000u, 4097u}) {
    INFO(n);
    fast_map<u64, u64> m;
    m.reserve(n);
    const auto before = m.stats();
    fill(m, 0, n);
    CHECK(m.stats().growths == before.growths);
    CHECK(m.stats().units == before.units);
    check_sound(m);
    m.rehash(3 * before.units + 1);
    CHECK(m.stats().units > 3 * before.units);
    CHECK(m.size() == n);
    check_sound(m);
  }
}

TEMPLATE_TEST_CASE("open groups: an absurd number of entries is refused and changes nothing", "[open_groups]",
                   (fast_map<u64, u64>), (open_map<deletion::dirty, growth::incremental<2>>),
                   (tophash::map<u64, u64, layout::open_groups<8>, deletion::tombstone>)) {
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  TestType m;
  for (const int filled : {0, 1}) {
    if (filled != 0) fill(m, 0, 20);
    const auto before = m.stats();
    for (const std::size_t absurd : {most, most / 2, most / 16, m.max_size() + 1}) {
      INFO(absurd);
      CHECK_THROWS_AS(m.reserve(absurd), std::length_error);
      CHECK_THROWS_AS(m.rehash(absurd), std::length_error);
      CHECK_THROWS_AS(TestType(absurd), std::length_error);
    }
    // Within what can be counted, but not what there is. The sanitizer ends the program there.
    if (!TOPHASH_HAS_ASAN) CHECK_THROWS_AS(m.reserve(m.max_size() / 4), std::bad_alloc);
    CHECK(m.stats().units == before.units);
    CHECK(m.size() == before.size);
    check_sound(m);
  }
}

TEST_CASE("open groups: an allocation that fails changes nothing", "[open_groups]") {
  using storage = allocators::failing<allocators::system>;
  const auto walk = []<class Map>(std::type_identity<Map>) {
    allocators::failing_resource<allocators::system> resource;
    Map m{storage(resource)};
    std::size_t refused = 0;
    for (u64 key = 0; key < 500; ++key) {
      resource.arm({.nth = 1});
      const std::vector<u64> before = keys_in_order(m);
      try {
        m.try_emplace(key, key * 3);
      } catch (const std::bad_alloc&) {
        ++refused;
        CHECK(keys_in_order(m) == before);
        check_sound(m);
        resource.disarm();
        m.try_emplace(key, key * 3);
      }
      resource.arm({.nth = 1});
      if (m.size() == m.stats().limit) CHECK_FALSE(m.try_insert({1000 + key, 1}).allocated);
      resource.disarm();
    }
    CHECK(refused == 8);  // 4, 14, 27, 54, 108, 216, 432 entries were full, and none at all
    CHECK(m.size() == 500);
    for (u64 key = 0; key < 500; ++key) CHECK(m.at(key) == key * 3);
  };
  walk(std::type_identity<fast_map<u64, u64, storage>>{});
  walk(std::type_identity<open_map<deletion::dirty, growth::incremental<1>, storage>>{});
}

// ---- what erases leave

TEST_CASE("open groups: the filter of a full group loses no entry", "[open_groups]") {
  open_map<hashing::identity> m;
  std::map<u64, u64> expected;
  const auto check = [&] {
    check_sound(m);
    REQUIRE(m.size() == expected.size());
    for (const auto& [key, value] : expected) {
      REQUIRE(m.contains(key));
      REQUIRE(m.at(key) == value);
    }
  };
  m.reserve(200);
  // 60 entries of one home: four groups deep, of every filter bit.
  for (u64 n = 0; n < 60; ++n) expected[raw_key(1, n * 37 % 256, n)] = n;
  for (const auto& [key, value] : expected) m.try_emplace(key, value);
  check();
  CHECK(m.chain_statistics().longest_chain_entries >= 45);
  // The home group is emptied: what lies behind it stays in reach, and absent keys are not found.
  u64 n = 0;
  for (auto it = expected.begin(); it != expected.end(); ++n) {
    if (n % 4 == 3) {
      ++it;
      continue;
    }
    REQUIRE(m.erase(it->first) == 1);
    it = expected.erase(it);
  }
  check();
  for (u64 top = 0; top < 256; ++top) CHECK_FALSE(m.contains(raw_key(1, top, 1000)));
  for (u64 again = 100; again < 140; ++again) {
    const u64 key = raw_key(1, again * 11 % 256, again);
    expected[key] = again;
    m.try_emplace(key, again);
  }
  check();
}

TEST_CASE("open groups: erases from groups that were passed cost one rebuild in a while", "[open_groups]") {
  const auto churn = []<class Map>(std::type_identity<Map>) {
    constexpr u64 live = 1000, erases = 30'000;
    Map m;
    fill(m, 0, live);
    for (u64 key = 0; key < erases; ++key) {
      REQUIRE(m.erase(key) == 1);
      m.try_emplace(live + key, (live + key) * 3);
    }
    check_sound(m);
    CHECK(m.size() == live);
    CHECK(m.stats().units <= 256);  // 1000 entries fill 128 groups to 58 %; one doubling more, never another
    CHECK(m.stats().growths <= 9);
    CHECK(m.stats().regrows * live < erases);  // below one move an erase
    for (u64 key = erases; key < erases + live; ++key) REQUIRE(m.at(key) == key * 3);
  };
  churn(std::type_identity<fast_map<u64, u64>>{});
  churn(std::type_identity<open_map<deletion::tombstone_not_reusing>>{});
  churn(std::type_identity<open_map<deletion::tombstone>>{});
  churn(std::type_identity<open_map<deletion::tombstone_not_reusing, growth::incremental<2>>>{});

  // Every group passed by every filter bit: each erase takes from the room, so that a rebuild comes, at the
  // same size.
  open_map<hashing::identity> m;
  m.reserve(100);
  const auto units = m.stats().units;
  u64 next = 0;
  std::set<u64> there;
  const auto add = [&] {
    const u64 key = raw_key(0, next * 37 % 256, next);
    ++next;
    m.try_emplace(key, key);
    there.insert(key);
  };
  while (there.size() < 40) add();
  for (int i = 0; i < 2000; ++i) {
    REQUIRE(m.erase(*there.begin()) == 1);
    there.erase(there.begin());
    add();
  }
  CHECK(m.stats().units == units);
  CHECK(m.stats().regrows >= 10);
  CHECK(m.stats().regrows <= 2000 / 40);
  for (const u64 key : there) CHECK(m.contains(key));
  check_sound(m);
}

TEST_CASE("open groups: a map that erases emptied is filled again in the same array", "[open_groups]") {
  const auto refill = []<class Map>(std::type_identity<Map>) {
    Map m;
    u64 next = 0;
    while (m.stats().units < 512) m.try_emplace(next, next * 3), ++next;
    const auto limit = m.stats().limit;
    while (m.size() < limit) m.try_emplace(next, next * 3), ++next;
    const auto units = m.stats().units, rebuilt = m.stats().growths + m.stats().regrows;
    for (int turn = 0; turn < 3; ++turn) {
      for (u64 key = next - limit; key < next; ++key) {
        REQUIRE(m.stats().limit == limit);
        REQUIRE(m.erase(key) == 1);
      }
      REQUIRE(m.empty());
      check_sound(m);
      for (u64 i = 0; i < limit; ++i, ++next) m.try_emplace(next, next * 3);
      CHECK(m.size() == limit);
      CHECK(m.stats().units == units);
      CHECK(m.stats().growths + m.stats().regrows == rebuilt);
      check_sound(m);
      for (u64 key = next - limit; key < next; ++key) REQUIRE(m.at(key) == key * 3);
    }
    // At iterators, and by a predicate.
    for (auto it = m.begin(); it != m.end();) it = m.erase(it);
    CHECK(m.empty());
    for (u64 i = 0; i < limit; ++i, ++next) m.try_emplace(next, next * 3);
    CHECK(m.stats().growths + m.stats().regrows == rebuilt);
    CHECK(erase_if(m, [](const auto&) { return true; }) == limit);
    for (u64 i = 0; i < limit; ++i, ++next) m.try_emplace(next, next * 3);
    CHECK(m.stats().growths + m.stats().regrows == rebuilt);
    check_sound(m);
  };
  refill(std::type_identity<fast_map<u64, u64>>{});
  refill(std::type_identity<tophash::map<u64, u64, layout::open_groups<8>>>{});
}

TEST_CASE("open groups: a group of four that tombstones fill becomes one of fourteen", "[open_groups]") {
  open_map<deletion::tombstone_not_reusing> m;
  fill(m, 0, 4);
  CHECK(m.erase(0) == 1);
  CHECK(m.stats().dead == 1);
  fill(m, 4, 5);
  CHECK(m.stats().units == 1);
  CHECK(m.stats().limit == 14);
  CHECK(m.size() == 4);
  check_sound(m);
}

TEST_CASE("open groups: a tombstone stands only in a full group", "[open_groups]") {
  open_map<hashing::identity, deletion::tombstone> m;
  m.reserve(50);
  for (u64 n = 0; n < 15; ++n) m.try_emplace(raw_key(0, n, n), n);
  CHECK(m.erase(raw_key(0, 3, 3)) == 1);
  CHECK(m.stats().dead == 0);  // an empty slot ends the probes of the group
  for (u64 n = 20; n < 22; ++n) m.try_emplace(raw_key(0, n, n), n);
  CHECK(m.erase(raw_key(0, 5, 5)) == 1);
  CHECK(m.stats().dead == 1);
  m.try_emplace(raw_key(0, 30, 30), u64{30});
  CHECK(m.stats().dead == 0);  // reused
  check_sound(m);
}

TEST_CASE("open groups: clear keeps the array, and shrinking gives it back", "[open_groups]") {
  fast_map<u64, u64> m;
  fill(m, 0, 1000);
  const auto bytes = m.memory_report().total_bytes();
  for (u64 key = 0; key < 500; ++key) m.erase(key);
  m.clear();
  CHECK(m.empty());
  CHECK(m.begin() == m.end());
  CHECK(m.memory_report().total_bytes() == bytes);
  check_sound(m);
  const auto growths = m.stats().growths, regrows = m.stats().regrows;
  fill(m, 0, 1000);
  CHECK(m.stats().growths == growths);
  CHECK(m.stats().regrows == regrows);

  fast_map<u64, u64, growth::shrinking<growth::eager>> s;
  fill(s, 0, 1000);
  const auto most = s.memory_report().total_bytes();
  for (u64 key = 0; key < 995; ++key) s.erase(key);
  CHECK(s.memory_report().total_bytes() * 20 < most);
  for (u64 key = 995; key < 1000; ++key) CHECK(s.at(key) == key * 3);
  check_sound(s);
}

// ---- copies

TEST_CASE("open groups: a copy hashes nothing and keeps the order", "[open_groups]") {
  using hash = hashing::hash_with<counting_hash>;
  const auto copies = []<class Map>(std::type_identity<Map>, u64 entries) {
    Map m;
    fill(m, 0, entries);
    counting_hash::calls = 0;
    const Map copy(m);
    CHECK(counting_hash::calls == 0);
    CHECK(keys_in_order(copy) == keys_in_order(m));
    CHECK(copy == m);
    CHECK(copy.stats().limit == m.stats().limit);
    check_sound(copy);
    Map assigned;
    fill(assigned, 5000, 5010);
    counting_hash::calls = 0;
    assigned = m;
    CHECK(counting_hash::calls == 0);
    CHECK(assigned == m);
    check_sound(assigned);
  };
  copies(std::type_identity<fast_map<u64, u64, hash>>{}, 1000);
  copies(std::type_identity<fast_map<u64, u64, hash>>{}, 3);
  copies(std::type_identity<open_map<deletion::tombstone, hash>>{}, 100);
  copies(std::type_identity<open_map<deletion::dirty, hash>>{}, 100);
}

TEST_CASE("open groups: a copy leaves dirty entries behind", "[open_groups]") {
  tophash::map<steady_key, steady_value, layout::open_groups<>, deletion::dirty,
               hashing::hash_with<steady_hash>>
      m;
  instance_ledger& keys = steady_key::ledger();
  keys = {}, steady_value::ledger() = {};
  for (std::uint32_t n = 0; n < 100; ++n) m.try_emplace(steady_key(n), steady_value(n));
  for (std::uint32_t n = 0; n < 100; n += 2) CHECK(m.erase(steady_key(n)) == 1);
  CHECK(m.stats().dirty == 50);
  CHECK(keys.alive == 100);
  {
    const auto copy = m;
    CHECK(copy.stats().dirty == 0);
    CHECK(copy.size() == 50);
    CHECK(keys.alive == 150);
    check_sound(copy);
    for (std::uint32_t n = 0; n < 100; ++n) CHECK(copy.contains(steady_key(n)) == (n % 2 == 1));
  }
  CHECK(keys.alive == 100);
  CHECK(m.sweep() == 50);
  CHECK(keys.alive == 50);
  CHECK(keys.error == "");
  check_sound(m);
}

TEST_CASE("open groups: the copy of a sparse map is small", "[open_groups]") {
  fast_map<u64, u64> m;
  fill(m, 0, 10'000);
  for (u64 key = 10; key < 10'000; ++key) m.erase(key);
  const fast_map<u64, u64> copy(m);
  CHECK(copy.memory_report().total_bytes() == 240);
  CHECK(copy == m);
  check_sound(copy);
}

// ---- iteration

TEMPLATE_TEST_CASE(
    "open groups: an iteration meets each entry once, in the middle of a growth too", "[open_groups]",
    (fast_map<u64, u64>), (open_map<growth::incremental<1>>),
    (open_map<growth::incremental<1>, deletion::tombstone>),
    (tophash::map<u64, u64, layout::open_groups<8>, growth::incremental<2>, deletion::dirty>)) {
  TestType m;
  std::set<u64> expected;
  std::size_t while_growing = 0;
  for (u64 key = 0; key < 700; ++key) {
    m.try_emplace(key, key * 3);
    expected.insert(key);
    if (key % 3 == 2) m.erase(key / 2), expected.erase(key / 2);
    while_growing += m.stats().growing ? 1u : 0u;
    const std::vector<u64> seen = keys_in_order(m);
    REQUIRE(seen.size() == expected.size());
    REQUIRE(std::set<u64>(seen.begin(), seen.end()) == expected);
  }
  if (!std::is_same_v<TestType, fast_map<u64, u64>>) CHECK(while_growing > 30);
  check_sound(m);
}

TEST_CASE("open groups: iterators and references survive the erase of other entries", "[open_groups]") {
  fast_map<u64, u64> m;
  fill(m, 0, 1000);
  const auto kept = m.find(500);
  const u64* const value = &kept->second;
  for (auto it = m.begin(); it != m.end();) it = it == kept ? std::next(it) : m.erase(it);
  CHECK(m.size() == 1);
  CHECK(kept->first == 500);
  CHECK(&m.find(500)->second == value);
  CHECK(m.begin() == kept);
  CHECK(std::next(kept) == m.end());

  // By key too, while no growth is under way: an erase moves nothing.
  fast_map<u64, u64> by_key;
  fill(by_key, 0, 1000);
  const auto last = by_key.find(999);
  for (u64 key = 0; key < 999; ++key) by_key.erase(key);
  CHECK(last->second == 999 * 3);
  CHECK(by_key.begin() == last);
}

// ---- types

TEST_CASE("open groups: keys of other types, without a key object", "[open_groups]") {
  fast_map<std::string, int> m;
  for (int n = 0; n < 100; ++n) m.try_emplace("key number " + std::to_string(n), n);
  CHECK(m.find(std::string_view("key number 42"))->second == 42);
  CHECK(m.contains("key number 99"));
  CHECK_FALSE(m.contains(std::string_view("key number 100")));
  CHECK(m.erase(std::string_view("key number 42")) == 1);
  CHECK(m.try_emplace(std::string_view("key number 42"), 7).second);
  CHECK(m.at("key number 42") == 7);

  fast_set<std::string> s;
  for (int n = 0; n < 100; ++n) CHECK(s.emplace(std::to_string(n)).second);
  CHECK_FALSE(s.insert("99").second);
  CHECK(s.contains(std::string_view("17")));
  CHECK(s.erase("17") == 1);
  CHECK(s.size() == 99);
  check_sound(s);
}

TEST_CASE("open groups: values that only move", "[open_groups]") {
  fast_map<u64, std::unique_ptr<u64>> m;
  for (u64 key = 0; key < 300; ++key) m.try_emplace(key, std::make_unique<u64>(key));
  auto moved = std::move(m);
  CHECK(m.empty());  // NOLINT: a moved-from map is empty, and may be used
  m.try_emplace(1, nullptr);
  CHECK(m.size() == 1);
  for (u64 key = 0; key < 300; ++key) REQUIRE(*moved.at(key) == key);
  CHECK(moved.erase(7) == 1);
  swap(m, moved);
  CHECK(m.size() == 299);
  check_sound(m);
  check_sound(moved);
}

TEMPLATE_TEST_CASE("open groups: values with an alignment of their own", "[open_groups]",
                   (layout::open_groups<>), (layout::open_groups<8>)) {
  struct alignas(64) line {
    u64 number = 0;
  };
  recording_resource resource;
  tophash::map<u64, line, TestType, recording<>> m{recording<>(resource)};
  for (u64 key = 0; key < 200; ++key) {
    m.try_emplace(key, line{key});
    REQUIRE(reinterpret_cast<std::uintptr_t>(&m.find(key)->second) % 64 == 0);
  }
  for (u64 key = 0; key < 200; ++key) REQUIRE(m.at(key).number == key);
  CHECK(resource.error() == "");
  check_sound(m);
}

// ---- the address sanitizer

#if TOPHASH_HAS_ASAN
TEST_CASE("open groups: slots without an entry are poisoned", "[open_groups]") {
  const auto poisoned = [](const u64* at) { return __asan_address_is_poisoned(at) == 1; };
  const auto walk = [&poisoned]<class Map>(std::type_identity<Map>) {
    Map m;
    m.reserve(100);
    fill(m, 0, 50);
    const u64* const erased = &m.find(7)->second;
    const u64* const kept = &m.find(8)->second;
    CHECK_FALSE(poisoned(erased));
    m.erase(7);
    CHECK(poisoned(erased));
    CHECK_FALSE(poisoned(kept));
    std::size_t readable = 0;
    for (const auto& entry : m) readable += poisoned(&entry.second) ? 0u : 1u;
    CHECK(readable == 49);
    const Map copy(m);
    CHECK(keys_in_order(copy).size() == 49);
    m.clear();
    CHECK(poisoned(kept));
    fill(m, 0, 50);
    for (u64 key = 0; key < 50; ++key) CHECK(m.at(key) == key * 3);
  };
  walk(std::type_identity<fast_map<u64, u64>>{});
  walk(std::type_identity<open_map<deletion::tombstone>>{});
  walk(std::type_identity<open_map<growth::incremental<2>>>{});
  // A dirty entry is an object until it is swept.
  open_map<deletion::dirty> m;
  fill(m, 0, 50);
  const u64* const erased = &m.find(7)->second;
  m.erase(7);
  CHECK_FALSE(poisoned(erased));
  CHECK(m.sweep() == 1);
  CHECK(poisoned(erased));
}
#endif
