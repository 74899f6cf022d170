// SPDX-License-Identifier: Apache-2.0
// Iteration that survives writes: random scripts against a model (support/iteration_script.hpp), with a control that
// takes the check of halves away and must be seen; every way an iterator can lose its map; what it costs in memory.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <tophash/go_map.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/deletion/immediate.hpp>
#include <tophash/policies/deletion/tombstone.hpp>
#include <tophash/policies/growth/eager.hpp>
#include <tophash/policies/growth/in_order.hpp>
#include <tophash/policies/growth/incremental.hpp>
#include <tophash/policies/growth/regrowing.hpp>
#include <tophash/policies/growth/shrinking.hpp>
#include <tophash/policies/hashing/hash_with.hpp>
#include <tophash/policies/iteration/mutation_safe.hpp>
#include <tophash/policies/overflow/local_list.hpp>
#include <tophash/policies/sizing/power_of_two_high.hpp>

#include "support/hashes.hpp"
#include "support/iteration_script.hpp"
#include "support/storage.hpp"

using namespace tophash;
using namespace tophash::testing;

namespace {

using u64 = std::uint64_t;

// A reason to regrow that comes again and again.
struct often {
  static constexpr bool asks_overflow = true;
  static constexpr bool counts_overflow = false;
  static constexpr std::size_t dead_percent = 0;
  static constexpr option_text name() { return {"often"}; }
  static constexpr bool due(const load_state& load) noexcept { return load.acquired > load.units / 16; }
};

using go_often = go_map<u64, u64, growth::regrowing<growth::incremental<2, true>, often>>;
// The same under another load limit: a type of its own, from which the check is taken.
using unchecked = go_map<u64, u64, growth::regrowing<growth::incremental<2, true>, often>, load<6>>;
using fixed_seed = hashing::go_seeded<hashing::wyhash>;

template <class Map>
const char* soundness(const Map& m) {
  const char* wrong = m.check_invariants();
  return wrong == nullptr ? "" : wrong;
}

// How long the script of the five guarantees runs: a million steps, ten with test.sh --long. The control needs fewer.
std::size_t script_steps() {
  return std::getenv("TOPHASH_WALK_EVERY_POINT") != nullptr ? 10'000'000 : 1'000'000;
}

template <class Map>
std::string script(Map m, std::size_t keys, std::size_t steps, script_tally& tally) {
  iteration_script<Map> run(std::move(m), keys, 11);
  const std::string wrong = run.run(steps);
  tally = run.tally;
  return wrong;
}

}  // namespace

namespace tophash::inline v1::table {
template <>
inline constexpr bool pins_tell_halves_apart<chain_binding<u64, u64, unchecked::spec_type>> = false;
}  // namespace tophash::inline v1::table

// ---- random scripts

TEST_CASE("go iteration: a random script keeps the five guarantees", "[go]") {
  script_tally tally;
  CHECK(script(go_often{fixed_seed{1}}, 1500, script_steps(), tally) == "");
  // What the script was to meet.
  CHECK(tally.growths > 10);
  CHECK(tally.regrows > 10);
  CHECK(tally.begun_while_growing > 10);
  CHECK(tally.ended > 100);
  CHECK(tally.returned > 20'000);
  CHECK(tally.abandoned > 50);
  CHECK(tally.erased_current > 100);
  CHECK(tally.cleared > 3);
  CHECK(tally.exchanged > 3);
}

TEST_CASE("go iteration: without the check of the halves the guarantees break", "[go]") {
  script_tally tally;
  const std::string wrong = script(unchecked{fixed_seed{1}}, 1500, 200'000, tally);
  INFO(wrong);
  CHECK(wrong.find("returned twice") != std::string::npos);
}

TEST_CASE("go iteration: every deletion, growth and size keeps the guarantees", "[go]") {
  script_tally tally;
  const std::size_t steps = script_steps() / 20;
  // Shrinking is where entries of walked and unwalked units come together again.
  using shrinking = tophash::map<u64, u64, iteration::mutation_safe, deletion::immediate, overflow::local_list,
                                 growth::shrinking<growth::regrowing<growth::incremental<1>, often>>,
                                 sizing::power_of_two_high, hashing::seeded<hashing::wyhash>>;
  CHECK(script(shrinking{hashing::seeded<hashing::wyhash>{2}}, 1500, steps, tally) == "");
  CHECK(tally.growths > (steps < 50'000 ? 4 : 10));
  using low_end = tophash::map<u64, u64, iteration::mutation_safe, deletion::immediate,
                               growth::shrinking<growth::eager>, hashing::seeded<hashing::wyhash>>;
  CHECK(script(low_end{hashing::seeded<hashing::wyhash>{3}}, 1500, steps, tally) == "");
  CHECK(tally.growths > (steps < 50'000 ? 4 : 10));
  using colliding = tophash::map<u64, u64, iteration::mutation_safe, deletion::dirty, growth::eager,
                                 layout::bucket_chain<bucket_options{.slots = 3}>,
                                 hashing::hash_with<one_bucket_hash>>;
  CHECK(script(colliding{}, 100, steps / 5, tally) == "");
  using grouped =
      tophash::map<u64, u64, iteration::mutation_safe, deletion::tombstone_not_reusing,
                   growth::in_order<growth::incremental<2>>,
                   layout::bucket_chain<bucket_options{.group_bytes = 4096}>, hashing::seeded<hashing::wyhash>>;
  CHECK(script(grouped{hashing::seeded<hashing::wyhash>{4}}, 1500, steps, tally) == "");
  CHECK(tally.growths > 5);
}

// ---- what becomes of the map

namespace {

go_map<u64, u64> filled(std::size_t n) {
  go_map<u64, u64> m;
  for (u64 key = 0; key < n; ++key) m[key] = key * 10;
  return m;
}

template <class It, class End>
std::size_t rest_of(It& it, const End& end) {
  std::size_t n = 0;
  for (; it != end; ++it) ++n;
  return n;
}

}  // namespace

TEST_CASE("go iteration: an iterator goes with the entries, and ends with them", "[go]") {
  auto m = filled(100);
  SECTION("moved away") {
    auto it = m.begin();
    auto other = std::move(m);
    CHECK(rest_of(it, other.end()) == 100);
    CHECK(std::string(soundness(other)) == "");
  }
  SECTION("moved away by assignment, over a map that is iterated too") {
    auto target = filled(5);
    auto there = target.begin();
    auto it = m.begin();
    target = std::move(m);
    CHECK(there == target.end());
    CHECK(rest_of(it, target.end()) == 100);
  }
  SECTION("swapped") {
    auto other = filled(7);
    auto a = m.begin(), b = other.begin();
    m.swap(other);
    CHECK(std::string(soundness(m)) == "");
    CHECK(std::string(soundness(other)) == "");
    CHECK(rest_of(b, m.end()) == 7);
    CHECK(rest_of(a, other.end()) == 100);
  }
  SECTION("assigned to") {
    auto it = m.begin();
    const auto other = filled(9);
    m = other;
    CHECK(it == m.end());
    ++it;  // as a range-for does
    CHECK(it == m.end());
    CHECK(m.size() == 9);
  }
  SECTION("copied: the iterator stays") {
    auto it = m.begin();
    const auto other = m;
    m.clear();
    ++it;
    CHECK(it == m.end());
    CHECK(other.size() == 100);
  }
  SECTION("the map's own end") {
    std::optional<go_map<u64, u64>> doomed(std::move(m));
    auto it = doomed->begin();
    auto copy = it;
    doomed.reset();
    CHECK(it == go_map<u64, u64>::iterator{});
    CHECK(copy == go_map<u64, u64>::const_iterator{});
  }
}

TEST_CASE("go iteration: iterators are values", "[go]") {
  auto m = filled(300);
  using iterator = go_map<u64, u64>::iterator;
  STATIC_REQUIRE(std::forward_iterator<go_map<u64, std::string, layout::bucket_chain<>>::iterator>);
  auto a = std::next(m.begin(), 40);
  iterator b = a;       // both go on from here
  iterator c = a;
  iterator d = std::move(c);
  CHECK(a == b);
  CHECK(d == a);
  const u64 key = a->first;
  a = m.begin();  // gives up its place for another
  CHECK(rest_of(b, m.end()) == 260);
  CHECK(d->first == key);
  CHECK(rest_of(d, m.end()) == 260);
  CHECK(rest_of(a, m.end()) == 300);
  // What find answers becomes an open iterator on demand, from there to the end of the array.
  iterator found = m.find(7);
  CHECK(found == m.find(7));
  CHECK(found->second == 70);
  std::size_t after = 0;
  for (; found != m.end(); ++found) ++after, m[1000 + after] = 1;
  CHECK(after >= 1);
  CHECK(iterator(m.find(12345678)) == m.end());
  CHECK(std::string(soundness(m)) == "");
}

TEST_CASE("go iteration: ranges are erased at open iterators", "[go]") {
  auto m = filled(100);
  const auto first = m.begin();
  CHECK(m.erase(first, std::next(first, 30)) != m.end());
  CHECK(m.size() == 70);
  std::size_t erased = 0;
  for (auto it = m.begin(); it != m.end();) {
    if (it->first % 2 == 0) {
      it = m.erase(it);
      ++erased;
    } else {
      ++it;
    }
  }
  CHECK(m.size() == 70 - erased);
  CHECK(erase_if(m, [](const auto& e) { return e.first % 2 == 1; }) == 70 - erased);
  CHECK(m.empty());
  // NaN keys are in no chain that their hash would name.
  go_map<double, int> nans;
  for (int i = 0; i < 200; ++i) nans[std::numeric_limits<double>::quiet_NaN()] = i;
  for (auto it = nans.begin(); it != nans.end();) it = it->second % 3 == 0 ? nans.erase(it) : std::next(it);
  CHECK(nans.size() == 133);
  CHECK(std::string(soundness(nans)) == "");
  CHECK(erase_if(nans, [](const auto&) { return true; }) == 133);
}

// ---- memory

TEST_CASE("go iteration: no array outlives its growth, whatever iterators are open", "[go]") {
  recording_resource storage;
  using map = go_map<u64, u64, recording<>>;
  {
    map m{recording<>(storage)};
    for (u64 key = 0; key < 105; ++key) m[key] = key;
    REQUIRE(m.stats().growing);
    auto in_growth = m.begin();
    auto abandoned = m.begin();
    for (u64 key = 105; m.stats().growing; ++key) m[key] = key;
    CHECK(storage.live_blocks(purpose::slots) == 1);
    CHECK(storage.live_blocks(purpose::side) == 0);
    CHECK(rest_of(in_growth, m.end()) >= 105);
    for (const auto& entry : m) {
      static_cast<void>(entry);
      break;
    }
    static_cast<void>(abandoned);
  }
  CHECK(storage.live_blocks() == 0);
  CHECK(storage.error() == "");
}

TEST_CASE("go iteration: a chain longer than an iterator's notes", "[go]") {
  tophash::map<u64, u64, iteration::mutation_safe, hashing::hash_with<constant_hash>> m;
  for (u64 key = 0; key < 500; ++key) m[key] = key;
  std::size_t n = 0;
  for (auto it = m.begin(); it != m.end(); ++it, ++n) {
    const auto copy = it;
    if (n % 50 == 0) m.erase(copy->first);
  }
  CHECK(n == 500);
  CHECK(m.size() == 490);
}

TEST_CASE("go iteration: elements that cannot be copied", "[go]") {
  go_map<u64, std::unique_ptr<u64>> m;
  for (u64 key = 0; key < 50; ++key) m.try_emplace(key, std::make_unique<u64>(key));
  std::size_t n = 0;
  for (auto&& [key, value] : m) {
    ++n;
    CHECK(*value == key);
    for (u64 more = 0; more < 20; ++more) m.try_emplace(n * 1000 + more, std::make_unique<u64>(n * 1000 + more));
    if (n == 50) break;
  }
  CHECK(n == 50);
}

// ---- threads

TEST_CASE("go iteration: threads that only read iterate at once", "[go]") {
  const auto m = filled(200);
  std::vector<std::size_t> seen(8);
  std::vector<std::thread> readers;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    readers.emplace_back([&m, &seen, i] {
      for (int turn = 0; turn < 20; ++turn) {
        for (const auto& [key, value] : m) seen[i] += value == key * 10 ? 1u : 0u;
        for (const auto& entry : m) {
          static_cast<void>(entry);
          break;
        }
      }
    });
  }
  for (std::thread& reader : readers) reader.join();
  for (const std::size_t n : seen) CHECK(n == 20 * 200);
}

// ---- the contrast

TEST_CASE("go iteration: a snapshot shows what was, an open iterator what is", "[go]") {
  auto m = filled(60);
  std::size_t of_snapshot = 0, old_values = 0;
  for (const auto& [key, value] : snapshot(m)) {
    ++of_snapshot;
    if (key % 2 == 0) m.erase(key + 1);
    if (key % 2 == 0) m[key] = 1;
    if (value == key * 10) ++old_values;
  }
  CHECK(of_snapshot == 60);
  CHECK(old_values == 60);
  CHECK(m.size() == 30);
  go_set<std::string> s{"a", "b"};
  CHECK(snapshot(s).size() == 2);
}
