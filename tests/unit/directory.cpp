// SPDX-License-Identifier: Apache-2.0
// Tables behind a directory, as in Go 1.24's map: when tables double and split, what a hint makes, how dead
// slots count, and what hashes of bad quality come to. What every layout promises alike is asked by the
// contract battery (tests/contract/compositions_j.cpp).
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <tophash/dump.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/growth/eager.hpp>
#include <tophash/policies/hashing/hash_with.hpp>
#include <tophash/policies/hashing/identity.hpp>
#include <tophash/presets.hpp>
#include <tophash/set.hpp>

using namespace tophash;

namespace {

using u64 = std::uint64_t;
template <class Key, class T, class... Options>
using swiss = map<Key, T, presets::go_swiss_like, Options...>;
// The key is the hash: the lowest bits choose the group, bit 55 and those below it the place in the
// directory.
template <class... Options>
using by_hand = map<u64, u64, presets::go_swiss_like, hashing::identity, Options...>;
constexpr u64 upper_bit = u64{1} << 55;

// What growths move, and how much an insert asks for.
struct meter {
  using axis = axes::observe;
  static constexpr observe_facts facts{.on_const_paths = false};
  std::size_t moved = 0;
  void on(const events::moved&) noexcept { ++moved; }
};

template <class Map>
std::size_t groups_after(Map& m, u64 entries) {
  for (u64 k = m.size(); k < entries; ++k) m.try_emplace(k, k);
  REQUIRE(m.size() == entries);
  return m.bucket_count();
}

// Groups of each table, in the order of the directory, read from the dump: the places of a table are told
// there.
template <class Map>
std::vector<std::string> tables_of(const Map& m) {
  std::vector<std::string> out;
  const std::string text = dump(m, {.max_units = 0});
  for (std::size_t at = text.find("table of"); at != std::string::npos; at = text.find("table of", at + 1))
    out.push_back(text.substr(at + 9, text.find('\n', at) - at - 9));
  return out;
}

}  // namespace

TEST_CASE("directory: one group to eight entries, then tables that double at 7/8 of their slots",
          "[directory]") {
  swiss<u64, u64> m;
  CHECK(m.memory_report().total_bytes() == 0);
  CHECK(groups_after(m, 1) == 1);
  CHECK(m.memory_report().total_bytes() == 8 * 16 + 8 + 8);
  CHECK(groups_after(m, 8) == 1);
  CHECK(m.stats().tables == 0);
  CHECK(m.stats().limit == 8);
  // 14 = 7/8 of 16, and so on; the largest table has 128 groups.
  for (std::size_t groups = 2; groups <= 128; groups *= 2) {
    INFO(groups);
    CHECK(groups_after(m, groups * 7 / 2 + 1 > 9 ? groups * 7 / 2 + 1 : 9) == groups);
    CHECK(groups_after(m, 7 * groups) == groups);
    CHECK(m.stats().limit == 7 * groups);
    CHECK(m.stats().tables == 1);
    CHECK(m.stats().directory_depth == 0);
  }
  REQUIRE(m.size() == 896);
  CHECK(groups_after(m, 897) == 256);
  CHECK(m.stats().tables == 2);
  CHECK(m.stats().directory_depth == 1);
  CHECK(m.check_invariants() == nullptr);
}

TEST_CASE("directory: no insert moves more than one table, however large the map", "[directory]") {
  swiss<u64, u64, meter> m;
  std::size_t most = 0;
  for (u64 k = 0; k < 20000; ++k) {
    const std::size_t before = m.observer().moved;
    m.try_emplace(k, k);
    most = std::max(most, m.observer().moved - before);
  }
  CHECK(most == 896);
  const map_stats s = m.stats();
  // 20,000 entries are 22.3 full tables: all of the 16 have split, few of the 32 have.
  CHECK(s.tables >= 32);
  CHECK(s.tables <= 40);
  CHECK(s.units == s.tables * 128);
  CHECK(s.growths == 7 + s.tables - 1);
  CHECK(m.check_invariants() == nullptr);
  u64 sum = 0;
  std::size_t seen = 0;
  for (const auto& [key, value] : m) sum += key, ++seen;
  CHECK(seen == 20000);
  CHECK(sum == u64{20000} * 19999 / 2);
}

TEST_CASE("directory: a table that splits below the directory's depth leaves the others alone",
          "[directory]") {
  by_hand<> m;
  // Low and high half, each spread over the groups; of the low half, every second one has the next bit.
  const auto low = [](u64 i) { return i | ((i & 1) != 0 ? upper_bit >> 1 : 0); };
  for (u64 i = 0; i < 449; ++i) m.try_emplace(low(i), i);
  for (u64 i = 0; i < 448; ++i) m.try_emplace(i | upper_bit, i);
  CHECK(tables_of(m) == std::vector<std::string>{"places 0 to 0, depth 1: 449 live, 0 dead, room for 447",
                                                 "places 1 to 1, depth 1: 448 live, 0 dead, room for 448"});
  for (u64 i = 449; i < 896; ++i) m.try_emplace(low(i), i);
  CHECK(m.stats().tables == 2);
  m.try_emplace(low(896), 0);
  CHECK(tables_of(m) == std::vector<std::string>{"places 0 to 0, depth 2: 449 live, 0 dead, room for 447",
                                                 "places 1 to 1, depth 2: 448 live, 0 dead, room for 448",
                                                 "places 2 to 3, depth 1: 448 live, 0 dead, room for 448"});
  CHECK(m.stats().directory_depth == 2);
  // A walk meets the table with two places once, also one that sets out from its second place.
  CHECK(std::distance(m.begin(), m.end()) == 449 + 448 + 448);
  const u64 last_place = 448 | upper_bit | upper_bit >> 1;
  m.try_emplace(last_place, 0);
  const auto here = m.find(last_place);
  std::size_t before = 0, behind = 0;
  for (auto it = m.begin(); it != here; ++it) ++before;
  for (auto it = here; it != m.end(); ++it) ++behind;
  CHECK(before + behind == m.size());
  m.erase(here);
  // The one with two places splits without the directory.
  for (u64 i = 448; i <= 896; ++i) m.try_emplace(i | upper_bit | ((i & 1) != 0 ? upper_bit >> 1 : 0), i);
  CHECK(m.stats().tables == 4);
  CHECK(m.stats().directory_depth == 2);
  CHECK(m.check_invariants() == nullptr);
}

TEST_CASE("directory: dead slots count as load, and an insert on the way takes them", "[directory]") {
  // Sixteen slots: group 0 is full, group 1 has five.
  const auto thirteen = [](auto& m) {
    for (u64 i = 0; i < 8; ++i) m.try_emplace(2 * i, i);
    for (u64 i = 0; i < 5; ++i) m.try_emplace(2 * i + 1, i);
    REQUIRE(m.bucket_count() == 2);
  };
  by_hand<> m;
  thirteen(m);
  m.erase(1);
  CHECK(m.stats().dead == 0);  // its group has an empty slot
  m.try_emplace(1, 0);
  m.erase(0);
  CHECK(m.stats().dead == 1);
  m.try_emplace(16, 0);  // home 0: into the dead slot
  CHECK(m.stats().dead == 0);
  m.erase(16);
  m.try_emplace(11, 0);
  CHECK(m.size() == 13);  // with the dead one, 14
  SECTION("an insert into a dead slot needs no room") {
    m.try_emplace(32, 0);
    CHECK(m.bucket_count() == 2);
    CHECK(m.stats().dead == 0);
  }
  SECTION("one that meets none grows the table") {
    m.try_emplace(13, 0);
    CHECK(m.bucket_count() == 4);
    CHECK(m.stats().dead == 0);
    CHECK(m.size() == 14);
  }
  CHECK(m.check_invariants() == nullptr);
}

TEST_CASE("directory: a table full of dead slots grows as Go 1.24's does, or is rebuilt", "[directory]") {
  const auto emptied = [](auto& m) {
    for (u64 i = 0; i < 8; ++i) m.try_emplace(2 * i, i);
    for (u64 i = 0; i < 6; ++i) m.try_emplace(2 * i + 1, i);
    for (u64 i = 0; i < 8; ++i) m.erase(2 * i);
    REQUIRE(m.stats().dead == 8);
    m.try_emplace(13, 0);
  };
  by_hand<> grown;
  emptied(grown);
  CHECK(grown.stats().growths == 2);
  CHECK(grown.bucket_count() == 4);
  by_hand<growth::eager> rebuilt;
  emptied(rebuilt);
  CHECK(rebuilt.stats().regrows == 1);
  CHECK(rebuilt.bucket_count() == 2);
  CHECK(rebuilt.stats().dead == 0);
}

TEST_CASE("directory: in the one group of a small map an erase leaves an empty slot", "[directory]") {
  by_hand<> m;
  for (u64 round = 0; round < 100; ++round) {
    for (u64 i = 0; i < 8; ++i) m.try_emplace(round * 8 + i, i);
    for (u64 i = 0; i < 8; ++i) REQUIRE(m.erase(round * 8 + i) == 1);
  }
  CHECK(m.stats().dead == 0);
  CHECK(m.bucket_count() == 1);
  CHECK(m.stats().growths == 0);
}

TEST_CASE("directory: a hint makes the tables that Go makes", "[directory]") {
  struct expected {
    std::size_t hint, tables, groups;
  };
  // Slots for hint * 8 / 7, in 2^n tables of equal size that are no larger than 1,024 slots.
  for (const expected e :
       {expected{1, 0, 1}, expected{8, 0, 1}, expected{9, 1, 2}, expected{14, 1, 2}, expected{15, 1, 4},
        expected{448, 1, 64}, expected{449, 1, 128}, expected{896, 1, 128}, expected{897, 2, 128},
        expected{898, 2, 256}, expected{1792, 2, 256}, expected{1793, 4, 256},
        expected{100000, 128, 128 * 128}}) {
    INFO(e.hint);
    const swiss<u64, u64> m(e.hint);
    CHECK(m.stats().tables == e.tables);
    CHECK(m.bucket_count() == e.groups);
    CHECK(m.check_invariants() == nullptr);
  }
  swiss<u64, u64> absurd;
  CHECK_THROWS_AS(absurd.reserve(std::numeric_limits<std::size_t>::max()), std::length_error);
  CHECK(absurd.bucket_count() == 0);
}

TEST_CASE("directory: a reserve makes room in tables that hold entries, share by share", "[directory]") {
  for (const u64 entries : {5u, 100u, 900u, 5000u}) {
    swiss<u64, u64> m;
    groups_after(m, entries);
    m.reserve(20000);
    CHECK(m.stats().limit >= 20000);
    CHECK(m.check_invariants() == nullptr);
    for (u64 k = 0; k < entries; ++k) REQUIRE(m.at(k) == k);
  }
}

TEST_CASE("directory: an empty map keeps its tables and gets another seed, and clear too", "[directory]") {
  swiss<u64, u64> m;
  groups_after(m, 5000);
  const std::size_t groups = m.bucket_count();
  const u64 seed = m.hashing_policy().seed();
  for (u64 k = 0; k < 5000; ++k) m.erase(k);
  CHECK(m.bucket_count() == groups);
  const u64 second = m.hashing_policy().seed();
  CHECK(second != seed);
  m.try_emplace(1, 1);
  m.clear();
  CHECK(m.bucket_count() == groups);
  CHECK(m.stats().dead == 0);
  CHECK(m.hashing_policy().seed() != second);
  CHECK(m.check_invariants() == nullptr);
}

TEST_CASE("directory: NaN keys are spread over groups and tables, found by none and met by a walk",
          "[directory]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  swiss<double, int> m;
  for (int i = 0; i < 3000; ++i) m[nan] = i;
  CHECK(m.size() == 3000);
  CHECK_FALSE(m.contains(nan));
  CHECK(m.stats().tables >= 4);
  CHECK(m.stats().units == m.stats().tables * 128);
  std::vector<int> seen;
  for (const auto& [key, value] : m) seen.push_back(value);
  std::sort(seen.begin(), seen.end());
  CHECK(std::adjacent_find(seen.begin(), seen.end()) == seen.end());
  CHECK(seen.size() == 3000);
  const auto copy = m;
  CHECK(copy.size() == 3000);
  CHECK(copy.check_invariants() == nullptr);
  CHECK(erase_if(m, [](const auto&) { return true; }) == 3000);
  CHECK(m.check_invariants() == nullptr);
}

TEST_CASE("directory: a copy has the same places", "[directory]") {
  swiss<std::string, u64> m;
  for (u64 k = 0; k < 3000; ++k) m.try_emplace(std::to_string(k), k);
  for (u64 k = 0; k < 3000; k += 3) m.erase(std::to_string(k));
  const auto copy = m;
  CHECK(tables_of(copy) == tables_of(m));
  CHECK(std::equal(m.begin(), m.end(), copy.begin(), copy.end()));
  CHECK(copy.check_invariants() == nullptr);
}

TEST_CASE("directory: hashes that no upper bit parts make one large table", "[directory]") {
  by_hand<> m;
  for (u64 i = 0; i < 2000; ++i) m.try_emplace(i, i);
  CHECK(m.stats().tables == 1);
  CHECK(m.bucket_count() == 512);
  // One stray entry, and all others on one side: the other table has what they need.
  by_hand<> skewed;
  for (u64 i = 0; i < 896; ++i) skewed.try_emplace(i, i);
  skewed.erase(895);
  skewed.try_emplace(upper_bit, 0);
  skewed.try_emplace(896, 0);
  CHECK(tables_of(skewed) ==
        std::vector<std::string>{"places 0 to 0, depth 1: 896 live, 0 dead, room for 0",
                                 "places 1 to 1, depth 1: 1 live, 0 dead, room for 895"});
  CHECK(m.check_invariants() == nullptr);
  CHECK(skewed.check_invariants() == nullptr);
}

TEST_CASE("directory: it stays within 64 places a table", "[directory]") {
  // Key i has i ones below the tag, then a zero: each split parts a few entries from all the others.
  by_hand<layout::directory<16>> m;
  for (u64 i = 0; i < 40; ++i) {
    const u64 ones = ((u64{1} << i) - 1) << (56 - i);
    for (u64 low = 0; low < 14; ++low) m.try_emplace(ones | low, i);
  }
  const map_stats s = m.stats();
  CHECK(s.size == 40 * 14);
  CHECK(std::size_t{1} << s.directory_depth <= 64 * s.tables);
  CHECK(s.directory_depth >= 8);
  CHECK(m.check_invariants() == nullptr);
}

TEST_CASE("directory: entries over 256 bytes lie in nodes", "[directory]") {
  const auto in_nodes = [](auto m) {
    m.try_emplace(1);
    const auto report = m.memory_report();
    return std::any_of(report.begin(), report.end(),
                       [](const memory_class& c) { return c.use == purpose::node; });
  };
  CHECK_FALSE(in_nodes(swiss<u64, std::array<char, 248>>{}));
  CHECK(in_nodes(swiss<u64, std::array<char, 249>>{}));
}

TEST_CASE("directory: sets have tables too", "[directory]") {
  set<std::string, presets::go_swiss_like> s;
  for (u64 k = 0; k < 2000; ++k) s.insert(std::to_string(k));
  CHECK(s.stats().tables >= 3);
  for (auto it = s.begin(); it != s.end();) it = s.erase(it);
  CHECK(s.empty());
  CHECK(s.check_invariants() == nullptr);
}
