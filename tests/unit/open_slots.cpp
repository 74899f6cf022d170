// SPDX-License-Identifier: Apache-2.0
// Single slots, seen from outside: the steps come to every slot, used and fill are counted as in CPython,
// gaps close behind an immediate erase, and a walk that erases meets each entry once, also where a run goes
// round the array's end. What every layout promises alike is asked of it by the contract battery
// (tests/contract/compositions_i.cpp).
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <tophash/framework/layout/open_slots.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/deletion/purging.hpp>
#include <tophash/policies/deletion/tombstone.hpp>
#include <tophash/policies/hashing/identity.hpp>
#include <tophash/policies/sizing/prime.hpp>
#include <tophash/set.hpp>

#include "support/storage.hpp"

using namespace tophash;

namespace {

using layout::open_slots;
using layout::probe;
using u64 = std::uint64_t;
using linear = open_slots<probe::linear>;

template <class... Options>
using numbers = map<u64, u64, linear, hashing::identity, Options...>;

template <class Map>
std::vector<u64> keys_of(const Map& m) {
  std::vector<u64> out;
  for (const auto& [key, value] : m) out.push_back(key);
  return out;
}

template <class Map>
void fill_with(Map& m, const std::vector<u64>& keys) {
  for (const u64 k : keys) m.try_emplace(k, k + 1);
}

// Slots of 16: 13 and 14 at home, then 30, 45 and 61, whose homes are 14, 13 and 13, in 15, 0 and 1, then 2
// at home; and 8 apart.
const std::vector<u64> around_the_end = {13, 14, 30, 45, 61, 2, 8};

// Where each entry is, from events alone.
struct places {
  using axis = axes::observe;
  static constexpr observe_facts facts{.on_const_paths = false};
  std::set<std::uintptr_t> taken;
  std::size_t moved = 0;
  bool wrong = false;

  void on(const events::inserted& e) noexcept { wrong = !taken.insert(e.at.bucket).second || wrong; }
  void on(const events::erased& e) noexcept { wrong = taken.erase(e.at.bucket) != 1 || wrong; }
  void on(const events::moved& e) noexcept {
    ++moved;
    wrong = taken.erase(e.from.bucket) != 1 || !taken.insert(e.to.bucket).second || wrong;
  }
};

}  // namespace

TEST_CASE("open slots: the default of each kind of steps", "[open_slots]") {
  using plain = map<u64, u64, linear>::spec_type;
  using other = map<u64, u64, open_slots<probe::perturbed>>::spec_type;
  STATIC_REQUIRE(std::is_same_v<plain::deletion, deletion::immediate>);
  STATIC_REQUIRE(std::is_same_v<other::deletion, deletion::tombstone>);
  STATIC_REQUIRE(std::is_same_v<plain::load, load<2, 3>> && std::is_same_v<other::load, load<2, 3>>);
  STATIC_REQUIRE(canonical_text<other>().find("layout=open_slots(perturbed),") == 0);
}

TEMPLATE_TEST_CASE("open slots: the steps come to every slot", "[open_slots]", open_slots<probe::linear>,
                   open_slots<probe::triangular>, open_slots<probe::perturbed>) {
  using model = typename TestType::template model<u64, u64, deletion::tombstone::facts, sizing::power_of_two>;
  std::mt19937_64 random(7);
  for (std::size_t units = 8; units <= 1024; units *= 2) {
    typename model::unit any{};
    const auto a = model::array::of(nullptr, &any, units);
    for (const u64 hash : {u64{0}, ~u64{0}, u64{1} << 63, u64{random()}, u64{random()}, u64{random()}}) {
      std::vector<bool> seen(units, false);
      typename model::probe p(a, hash);
      do seen[p.at] = true;
      while (p.next(a));
      CHECK(std::count(seen.begin(), seen.end(), true) == static_cast<std::ptrdiff_t>(units));
    }
  }
}

TEST_CASE("open slots: fill counts the dead, and decides between a larger array and a clean one",
          "[open_slots]") {
  map<u64, u64, open_slots<probe::triangular>, hashing::identity> m;
  fill_with(m, {0, 1, 2, 3, 4});  // five of eight slots: the limit
  CHECK((m.stats().units == 8 && m.stats().limit == 5));
  for (const u64 k : {0u, 1u, 2u}) m.erase(k);
  CHECK((m.size() == 2 && m.stats().dead == 3));
  m.try_emplace(8, 0u);  // fill is five still; at most half of the limit lives: rebuilt, not doubled
  CHECK((m.stats().units == 8 && m.stats().dead == 0 && m.stats().regrows == 1 && m.stats().growths == 0));
  m.erase(3);
  CHECK(m.stats().dead == 1);
  m.try_emplace(11, 0u);  // home 3: takes the dead slot that its search meets
  CHECK((m.stats().dead == 0 && m.size() == 3 && m.stats().regrows == 1));
  CHECK(m.check_invariants() == nullptr);

  map<u64, u64, linear, hashing::identity, deletion::tombstone_not_reusing> strict;
  fill_with(strict, {0, 1, 2, 3});
  strict.erase(3);
  strict.try_emplace(3, 0u);  // into the next slot: fill is five
  CHECK((strict.stats().dead == 1 && strict.size() == 4));
  strict.try_emplace(4, 0u);
  CHECK((strict.stats().units == 16 && strict.stats().dead == 0 && strict.stats().growths == 1));
  CHECK(strict.check_invariants() == nullptr);
}

TEST_CASE("open slots: the gap that an erase leaves is closed, round the end too", "[open_slots]") {
  numbers<> m;
  m.reserve(9);
  fill_with(m, around_the_end);
  REQUIRE(m.stats().units == 16);
  CHECK(keys_of(m) ==
        std::vector<u64>{8, 13, 14, 30, 45, 61, 2});  // behind the first empty slot, 3, and round
  for (const u64 gone : around_the_end) {
    auto copy = m;
    CHECK(copy.erase(gone) == 1);
    CHECK(copy.check_invariants() == nullptr);
    for (const u64 k : around_the_end) CHECK(copy.contains(k) == (k != gone));
  }
  CHECK(m.erase(14) == 1);
  // 30 moved to 14, 45 to 15 and 61 to 0; 2 stayed.
  CHECK(keys_of(m) == std::vector<u64>{2, 8, 13, 30, 45, 61});
  CHECK((m.stats().dead == 0 && m.stats().limit == 10));
}

TEMPLATE_TEST_CASE("open slots: a walk that erases meets each entry once", "[open_slots]", numbers<>,
                   (map<u64, u64, linear, sizing::prime, load<9, 10>>),
                   (map<u64, u64, linear, load<19, 20>>)) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 300; ++round) {
    TestType m;
    std::set<u64> held, met;
    if (round == 0) m.reserve(9), fill_with(m, around_the_end), held = {13, 14, 30, 45, 61, 2, 8};
    const std::size_t entries = round == 0 ? 0 : random() % 60;
    for (std::size_t i = 0; i < entries; ++i) {
      const u64 k = random() % 97;
      m.try_emplace(k, k + 1), held.insert(k);
    }
    for (auto at = m.begin(); at != m.end();) {
      REQUIRE(met.insert(at->first).second);
      REQUIRE(at->second == at->first + 1);
      if (random() % 3 != 0) {
        held.erase(at->first);
        at = m.erase(at);
      } else {
        ++at;
      }
    }
    REQUIRE(m.check_invariants() == nullptr);
    const std::vector<u64> left = keys_of(m);
    REQUIRE((std::set<u64>(left.begin(), left.end()) == held && m.size() == held.size()));

    // And a range of what is left.
    const std::size_t first = left.empty() ? 0 : random() % left.size();
    const std::size_t count = left.empty() ? 0 : random() % (left.size() - first + 1);
    const auto from = std::next(m.cbegin(), static_cast<std::ptrdiff_t>(first));
    auto rest = m.erase(from, std::next(from, static_cast<std::ptrdiff_t>(count)));
    std::set<u64> following;
    for (; rest != m.end(); ++rest) REQUIRE(following.insert(rest->first).second);
    REQUIRE(following ==
            std::set<u64>(left.begin() + static_cast<std::ptrdiff_t>(first + count), left.end()));
    REQUIRE(m.size() == left.size() - count);
    REQUIRE(m.check_invariants() == nullptr);
    erase_if(m, [&](const auto& e) { return e.first % 2 == 0; });
    for (const u64 k : keys_of(m)) REQUIRE(k % 2 == 1);
  }
}

TEST_CASE("open slots: entries move to storage that is another", "[open_slots]") {
  testing::recording_resource here, there;
  using map_type = map<u64, std::string, linear, testing::recording_apart>;
  map_type from(0, testing::recording_apart(here)), to(0, testing::recording_apart(there));
  for (u64 k = 0; k < 500; ++k) from.try_emplace(k, std::to_string(k));
  to = std::move(from);
  CHECK((to.size() == 500 && from.empty() && to.check_invariants() == nullptr &&
         from.check_invariants() == nullptr));
  for (u64 k = 0; k < 500; ++k) CHECK(to.at(k) == std::to_string(k));
}

TEST_CASE("open slots: what is swept is dead until the array is replaced", "[open_slots]") {
  numbers<deletion::dirty> m;
  m.reserve(9);
  fill_with(m, around_the_end);
  m.erase(14), m.erase(30);
  CHECK((m.stats().dirty == 2 && m.stats().dead == 0 && m.size() == 5));
  const auto copy = m;  // leaves the dirty behind; searches still lead over their slots
  CHECK((copy.stats().dirty == 0 && copy.stats().dead == 2 && copy.contains(45) && copy.contains(61)));
  CHECK(copy.check_invariants() == nullptr);
  m.insert_or_assign(30, 5u);  // resurrected in its slot
  CHECK((m.stats().dirty == 1 && m.at(30) == 5));
  m.sweep(10);
  CHECK((m.stats().dirty == 0 && m.stats().dead == 1 && m.contains(61) && m.check_invariants() == nullptr));
  m.clear();
  CHECK((m.stats().dead == 0 && m.empty()));

  numbers<deletion::purging<deletion::dirty, deletion::share<50>>> purged;
  fill_with(purged, {0, 1, 2, 3, 4});
  for (const u64 k : {0u, 1u, 2u}) purged.erase(k);
  CHECK((purged.stats().dirty == 0 && purged.stats().dead == 3));  // swept at once ...
  purged.try_emplace(7, 0u);
  CHECK((purged.stats().dead == 0 && purged.stats().regrows == 1));  // ... and rebuilt by the next insert
}

TEST_CASE("open slots: events follow the entries that an erase moves", "[open_slots]") {
  set<u64, linear, hashing::identity, places> s;
  s.reserve(20);
  std::mt19937_64 random(5);
  for (int i = 0; i < 4000; ++i) {
    const u64 k = random() % 97 * 4;  // four keys a home
    random() % 2 == 0 ? static_cast<void>(s.insert(k)) : static_cast<void>(s.erase(k));
  }
  CHECK((!s.observer().wrong && s.observer().taken.size() == s.size() && s.observer().moved > 100));
}
