// SPDX-License-Identifier: Apache-2.0
// What tophash promises beyond the standard: exact growth thresholds, the collapse rule read from raw bytes,
// the three deletions, growth in steps, exact overflow counts, hash tokens, lookups without a key object,
// sizes at the inline limit, refusals of absurd sizes.
#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 at an empty Key or T: relocating one copies its byte of padding, which nothing ever wrote.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include <tophash/framework/layout/open_groups.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/deletion/tombstone.hpp>
#include <tophash/policies/growth/incremental.hpp>
#include <tophash/policies/hashing/hash_with.hpp>
#include <tophash/policies/hashing/identity.hpp>
#include <tophash/policies/hashing/std_hash.hpp>
#include <tophash/policies/load/load.hpp>
#include <tophash/policies/observe/counters.hpp>
#include <tophash/policies/overflow/local_list.hpp>
#include <tophash/presets.hpp>
#include <tophash/set.hpp>

#include "support/chains.hpp"
#include "support/elements.hpp"
#include "support/hashes.hpp"
#include "support/storage.hpp"

using namespace tophash;
using namespace tophash::testing;

namespace tophash::inline v1 {
template <int Tag, testing::moves Moves>
inline constexpr bool deferred_destruction<testing::counted<Tag, Moves>> = true;
}  // namespace tophash::inline v1

namespace {

using u64 = std::uint64_t;

template <class... Options>
using numbers = tophash::map<u64, u64, Options..., recording<>>;

template <class Map>
void check_sound(const Map& m) {
  const char* wrong = m.check_invariants();
  CHECK(std::string(wrong != nullptr ? wrong : "") == "");
}

// Keys that fall into one bucket at any size up to 2^20, with tags of their own.
constexpr u64 in_bucket(u64 bucket, u64 n) { return bucket + (n << 20) + (n << 56); }
using raw_hash = hashing::identity;

}  // namespace

// ---- growth

TEMPLATE_TEST_CASE("growth: the array doubles exactly at Go's counts", "[map]", (numbers<presets::go_like>),
                   (numbers<>), (numbers<deletion::dirty, growth::incremental<1>>),
                   (numbers<deletion::tombstone_not_reusing, growth::incremental<2>>)) {
  const std::vector<u64> grows_at{9, 14, 27, 53, 105, 209, 417, 833, 1665};
  TestType m;
  std::vector<u64> seen;
  std::size_t units = 1;
  for (u64 key = 0; key < 1700; ++key) {
    m.try_emplace(key, key);
    if (m.stats().units != units) {
      CHECK(m.stats().units == units * 2);
      units = m.stats().units;
      seen.push_back(m.size());
    }
  }
  CHECK(seen == grows_at);
}

TEST_CASE("growth: hints give Go's sizes", "[map]") {
  const auto units_for_hint = [](std::size_t hint) {
    numbers<presets::go_like> m(hint);
    m.try_emplace(1, u64{1});
    return m.stats().units;
  };
  CHECK(units_for_hint(0) == 1);
  CHECK(units_for_hint(1) == 1);
  CHECK(units_for_hint(8) == 1);
  CHECK(units_for_hint(9) == 2);
  CHECK(units_for_hint(13) == 2);
  CHECK(units_for_hint(14) == 4);
  CHECK(units_for_hint(26) == 4);
  CHECK(units_for_hint(27) == 8);
  CHECK(units_for_hint(53) == 16);
  CHECK(units_for_hint(1000) == 256);
  CHECK(units_for_hint(100000) == (1u << 14));
  CHECK(units_for_hint(1000000) == (1u << 18));
}

TEST_CASE("growth: a reserved map does not grow until it is full", "[map]") {
  for (std::size_t n : {1u, 9u, 100u, 1000u}) {
    numbers<growth::incremental<2>> m;
    m.reserve(n);
    const auto units = m.stats().units;
    for (u64 key = 0; key < n; ++key) m.try_emplace(key, key);
    CHECK(m.stats().units == units);
    CHECK(m.stats().growths == 0);
    CHECK(!m.stats().growing);
  }
}

TEST_CASE("growth: absurd sizes are refused and change nothing", "[map]") {
  recording_resource storage;
  numbers<> m{recording<>(storage)};
  for (u64 key = 0; key < 100; ++key) m.try_emplace(key, key);
  const auto bytes = storage.live_bytes(purpose::slots);
  for (const std::size_t absurd :
       {std::size_t{1} << 62, std::size_t{1} << 63, std::numeric_limits<std::size_t>::max(),
        std::numeric_limits<std::size_t>::max() / 2}) {
    CHECK_THROWS_AS(m.reserve(absurd), std::length_error);
    CHECK_THROWS_AS(m.rehash(absurd), std::length_error);
    CHECK_THROWS_AS(numbers<>(absurd), std::length_error);
    CHECK(!m.try_reserve(absurd));
  }
  CHECK(m.size() == 100);
  CHECK(storage.live_bytes(purpose::slots) == bytes);
  for (u64 key = 0; key < 100; ++key) CHECK(m.at(key) == key);
  check_sound(m);
}

TEST_CASE("growth: incremental<2> moves at most two chains a write and none on a read", "[map]") {
  numbers<growth::incremental<2>> m;
  u64 before = 0, writes_while_growing = 0;
  for (u64 key = 0; key < 3400; ++key) {
    const bool was_growing = m.stats().growing;
    m.try_emplace(key * 7919, key);
    const auto now = m.stats();
    CHECK(now.evacuated_chains - before <= 2);
    if (was_growing) CHECK(now.evacuated_chains > before);
    before = now.evacuated_chains;
    if (!now.growing) continue;
    ++writes_while_growing;
    for (u64 probe = 0; probe < 50; ++probe) static_cast<void>(m.find(probe * 7919));
    for (const auto& [k, v] : m) static_cast<void>(k + v);
    static_cast<void>(m.contains(1) || m.count(2) != 0);
    if (m.begin()->first != key * 7919) m.erase(m.begin());  // by position: no step
    m.insert_or_assign(key * 7919, u64{1});  // an update: no step
    static_cast<void>(m.erase(key * 7919 + 1));              // absent: no step
    CHECK(m.stats().evacuated_chains == before);
  }
  CHECK(writes_while_growing > 100);
}

TEST_CASE("growth: go_like steps on every write by key, updates and absent deletes too", "[map]") {
  numbers<presets::go_like> m;
  u64 key = 0;
  const auto grow = [&] {
    while (!m.stats().growing || m.stats().old_units < 64) m.try_emplace(key++, u64{0});
  };
  grow();
  u64 before = m.stats().evacuated_chains;
  m.insert_or_assign(u64{0}, u64{1});
  CHECK(m.stats().evacuated_chains > before);
  CHECK(m.stats().evacuated_chains <= before + 2);
  before = m.stats().evacuated_chains;
  CHECK(m.erase(u64{1} << 50) == 0);
  CHECK(m.stats().evacuated_chains > before);
  before = m.stats().evacuated_chains;
  m[5] = 6;
  CHECK(m.stats().evacuated_chains > before);
  int writes = 0;
  while (m.stats().growing) {
    CHECK(m.erase((u64{1} << 50) + static_cast<u64>(writes)) == 0);
    ++writes;
  }
  CHECK(writes >= 20);
  CHECK(writes <= 64);
}

TEST_CASE("growth: without writes it never ends, and both arrays stay", "[map]") {
  recording_resource storage;
  numbers<presets::go_like> m{recording<>(storage)};
  for (u64 key = 0; key < 105; ++key) m.try_emplace(key, key);
  REQUIRE(m.stats().growing);
  CHECK(storage.live_blocks(purpose::slots) == 2);
  for (int i = 0; i < 1000; ++i) {
    for (u64 key = 0; key < 105; ++key) CHECK(m.find(key) != m.end());
  }
  CHECK(m.stats().growing);
  CHECK(storage.live_blocks(purpose::slots) == 2);
  for (u64 key = 200; m.stats().growing; ++key) m.try_emplace(key, key);
  CHECK(storage.live_blocks(purpose::slots) == 1);
}

TEST_CASE("growth: as many random writes end a growth of 16384 buckets as in Go", "[map]") {
  // Go 1.19: about 11,400 random writes; two chains a write, of which one by chance.
  numbers<presets::go_like> m;
  u64 key = 0;
  const auto next = [&key] { return scramble(++key); };
  while (m.stats().old_units != 16384) m.try_emplace(next(), key);
  REQUIRE(m.stats().growing);
  int writes = 1;
  for (; m.stats().growing; ++writes) m.try_emplace(next(), key);
  CHECK(writes > 10900);
  CHECK(writes < 11900);
}

TEST_CASE("growth: copy, move, swap and clear in the middle of a growth", "[map]") {
  const auto make = [](u64 more) {
    tophash::map<u64, std::string, growth::incremental<1>> m;
    for (u64 key = 0; key < 105 + more; ++key) m.try_emplace(key, std::to_string(key));
    return m;
  };
  for (u64 more = 0; more < 12; ++more) {  // 16 old chains, one a write
    auto m = make(more);
    REQUIRE(m.stats().growing);
    auto copy = m;
    CHECK(copy == m);
    CHECK(m.stats().growing);
    auto moved = std::move(m);
    CHECK(moved == copy);
    CHECK(m.empty());
    auto other = make(more + 3);
    swap(other, moved);
    CHECK(other == copy);
    CHECK(moved.size() == copy.size() + 3);
    moved.clear();
    CHECK(moved.empty());
    CHECK(!moved.stats().growing);
    moved.try_emplace(1, "one");
    check_sound(moved), check_sound(other), check_sound(copy);
    other.reserve(other.size() + 1);
    CHECK(!other.stats().growing);
    CHECK(other == copy);
  }
}

// An update steps the growth, and the step moves the entry that the value refers to: it is assigned before.
TEMPLATE_TEST_CASE("growth: the value of an update may lie in an entry of the same map", "[map]",
                   (tophash::map<u64, std::string, growth::incremental<1, true>>),
                   (tophash::map<u64, std::string, growth::incremental<2, true>, deletion::dirty>),
                   (tophash::map<u64, std::string, presets::go_like>),
                   (tophash::map<u64, std::string, layout::open_groups<>, growth::incremental<1, true>>),
                   (tophash::map<u64, std::string, layout::open_groups<8>, growth::incremental<2, true>>)) {
  const auto value_of = [](u64 key) { return "the value of the key number " + std::to_string(key); };
  TestType growing;
  u64 entries = 0;
  // From a growth of several chains on, so that a step is not the whole of it.
  while (!(growing.stats().growing && growing.stats().old_units >= 8) && entries < 1000) {
    growing.try_emplace(entries, value_of(entries));
    ++entries;
  }
  std::size_t steps = 0;
  for (u64 to = 0; to < entries; to += 3) {
    for (u64 from = 0; from < entries; from += 3) {
      TestType m;
      // A copy has no growth under way: built again as `growing` was.
      for (u64 key = 0; key < entries; ++key) m.try_emplace(key, value_of(key));
      REQUIRE(m.stats().growing);
      const std::size_t before = m.stats().old_evacuated;
      const auto [it, inserted] = m.insert_or_assign(to, m.find(from)->second);
      steps += !m.stats().growing || m.stats().old_evacuated != before ? 1u : 0u;
      REQUIRE_FALSE(inserted);
      REQUIRE(it->second == value_of(from));
      REQUIRE(m.at(to) == value_of(from));
      if (to != from) REQUIRE(m.at(from) == value_of(from));
      const auto tried = m.try_insert_or_assign(from, std::as_const(m).find(to)->second);
      REQUIRE((tried.allocated && !tried.inserted && tried.position->second == value_of(from)));
      // A new key takes it too.
      REQUIRE(m.try_emplace(entries + to, m.find(from)->second).second);
      REQUIRE(m.at(entries + to) == value_of(from));
    }
  }
  CHECK(steps > 0);
}

// ---- the collapse rule

TEMPLATE_TEST_CASE(
    "collapse: Go's invariant holds in the bytes of every chain", "[map]",
    (numbers<presets::go_like, overflow::fresh>),
    (numbers<deletion::tombstone>), (numbers<deletion::immediate>),
    (numbers<deletion::immediate, overflow::local_list, layout::bucket_chain<bucket_options{.slots = 3}>>),
    (numbers<deletion::dirty>), (numbers<deletion::dirty, growth::incremental<2>>)) {
  recording_resource storage;
  TestType m{recording<>(storage)};
  const auto check = [&](const char* when) {
    INFO(when);
    while (m.stats().growing) m.erase(u64{1} << 60), m.try_emplace(u64{1} << 61, u64{0}), m.erase(u64{1} << 61);
    if constexpr (requires { m.sweep(); }) m.sweep();
    const auto chains = chains_in(storage);
    CHECK(chains.size() == m.stats().units);
    CHECK(collapse_violation(chains) == "");
    check_sound(m);
  };
  for (u64 key = 0; key < 10000; ++key) m.try_emplace(key, key);
  check("filled");
  for (u64 key = 0; key < 10000; key += 2) m.erase(key);
  check("the even half deleted");
  for (u64 key = 20000; key < 25000; ++key) m.try_emplace(key, key);
  check("5,000 new ones added");
  for (u64 key = 0; key < 25000; ++key) m.erase(key);
  check("all deleted");
  CHECK(m.empty());
  CHECK(count_tags(chains_in(storage), empty_one_tag) == 0);
}

TEST_CASE("collapse: across overflow buckets, from the middle and from the end", "[map]") {
  recording_resource storage;
  // One chain of 30 entries: four buckets of eight.
  numbers<raw_hash, load<100>, deletion::tombstone> m{recording<>(storage)};
  for (u64 n = 0; n < 30; ++n) m.try_emplace(in_bucket(0, n), n);
  REQUIRE(m.stats().overflow_in_use == 3);
  const auto tags = [&storage] { return chains_in(storage).at(0).tags; };
  for (u64 n = 10; n < 29; ++n) m.erase(in_bucket(0, n));
  CHECK(count_tags(chains_in(storage), empty_one_tag) == 19);  // 29 is still behind them
  m.erase(in_bucket(0, 29));
  CHECK(count_tags(chains_in(storage), empty_one_tag) == 0);  // all of them at once, over three buckets
  CHECK(tags()[9] >= first_live_tag);
  CHECK(tags()[10] == empty_rest_tag);
  CHECK(m.stats().overflow_in_use == 3);  // Go never unlinks
  m.erase(in_bucket(0, 3));
  CHECK(tags()[3] == empty_one_tag);
  m.try_emplace(in_bucket(0, 77), 0);  // any key of the chain takes the tombstone
  CHECK(tags()[3] >= first_live_tag);
  CHECK(collapse_violation(chains_in(storage)) == "");
}

TEST_CASE("collapse: immediate deletion unlinks an emptied overflow bucket, wherever it is", "[map]") {
  recording_resource storage;
  numbers<raw_hash, load<100>, deletion::immediate> m{recording<>(storage)};
  for (u64 n = 0; n < 40; ++n) m.try_emplace(in_bucket(0, n), n);
  REQUIRE(m.stats().overflow_in_use == 4);
  for (u64 n = 16; n < 24; ++n) m.erase(in_bucket(0, n));  // the third bucket of five
  CHECK(m.stats().overflow_in_use == 3);
  CHECK(storage.live_blocks(purpose::overflow) == 3);
  for (u64 n = 0; n < 40; ++n) CHECK(m.contains(in_bucket(0, n)) == (n < 16 || n >= 24));
  for (u64 n = 0; n < 8; ++n) m.erase(in_bucket(0, n));  // the main bucket stays, empty
  CHECK(m.stats().overflow_in_use == 3);
  for (u64 n = 24; n < 40; ++n) m.erase(in_bucket(0, n));
  CHECK(m.stats().overflow_in_use == 1);
  CHECK(collapse_violation(chains_in(storage)) == "");
  check_sound(m);
  CHECK(m.size() == 8);
}

TEST_CASE("collapse: a reusing tombstone does not need an overflow bucket, the other does", "[map]") {
  numbers<raw_hash, load<100>, deletion::tombstone> reusing;
  numbers<raw_hash, load<100>, deletion::tombstone_not_reusing> keeping;
  const auto play = [](auto& m) {
    for (u64 n = 0; n < 8; ++n) m.try_emplace(in_bucket(0, n), n);
    for (u64 n = 2; n < 5; ++n) m.erase(in_bucket(0, n));
    for (u64 n = 100; n < 103; ++n) m.try_emplace(in_bucket(0, n), n);
    for (u64 n = 0; n < 8; ++n) CHECK(m.contains(in_bucket(0, n)) == (n < 2 || n >= 5));
    for (u64 n = 100; n < 103; ++n) CHECK(m.contains(in_bucket(0, n)));
    check_sound(m);
  };
  play(reusing), play(keeping);
  CHECK(reusing.stats().overflow_in_use == 0);
  CHECK(reusing.stats().dead == 0);
  CHECK(keeping.stats().overflow_in_use == 1);
  CHECK(keeping.stats().dead == 3);
  // The same key again does not come back to its own slot either.
  CHECK(keeping.erase(in_bucket(0, 7)) == 1);
  keeping.try_emplace(in_bucket(0, 7), 1);
  CHECK(keeping.stats().dead == 4);
  keeping.reserve(200);
  CHECK(keeping.stats().dead == 0);
  CHECK(keeping.size() == 8);
  check_sound(keeping);
}

TEST_CASE("collapse: dead slots that are never reused end in a fresh array of the same size", "[map]") {
  numbers<deletion::tombstone_not_reusing> m;
  for (u64 key = 0; key < 100; ++key) m.try_emplace(key, key);
  const auto units = m.stats().units;
  for (u64 key = 0; key < 50000; ++key) {  // first in, first out: always 100 entries
    m.erase(key);
    m.try_emplace(key + 100, key);
  }
  CHECK(m.size() == 100);
  CHECK(m.stats().units <= units * 2);
  CHECK(m.stats().regrows > 10);
  check_sound(m);
}

// ---- dirty deletion

namespace {

// Equal by name; the mark tells which of two equal keys a map holds.
struct marked_key {
  u64 name;
  u64 mark;
  friend bool operator==(const marked_key& a, const marked_key& b) { return a.name == b.name; }
};
struct marked_hash {
  std::uint64_t operator()(const marked_key& k) const noexcept { return scramble(k.name); }
};

std::map<const unsigned char*, std::vector<unsigned char>> bytes_of(const recording_resource& storage) {
  std::map<const unsigned char*, std::vector<unsigned char>> out;
  storage.for_each_block([&out](const unsigned char* block, const request& asked) {
    out.emplace(block, std::vector<unsigned char>(block, block + asked.bytes));
  });
  return out;
}

}  // namespace

TEMPLATE_TEST_CASE(
    "dirty: an erase writes one tag byte and nothing else", "[map]", (numbers<deletion::dirty>),
    (numbers<deletion::dirty, layout::bucket_chain<bucket_options{.arrange = arrangement::split}>>),
    (numbers<deletion::dirty, layout::bucket_chain<bucket_options{.inline_limit_bytes = 0}>>),
    (numbers<deletion::dirty, hashing::hash_with<constant_hash>, load<100>>)) {
  recording_resource storage;
  TestType m{recording<>(storage)};
  for (u64 key = 0; key < 40; ++key) m.try_emplace(key, key * 3);
  for (u64 key = 0; key < 40; ++key) {
    const auto before = bytes_of(storage);
    if (key % 3 == 0)
      m.erase(key);
    else if (key % 3 == 1)
      m.erase(m.find(key));
    else
      m.mark_in_place(m.find(key));
    const auto after = bytes_of(storage);
    REQUIRE(before.size() == after.size());
    int changed = 0;
    for (const auto& [block, was] : before) {
      const auto& now = after.at(block);
      for (std::size_t i = 0; i < was.size(); ++i) {
        if (was[i] == now[i]) continue;
        ++changed;
        CHECK((was[i] ^ now[i]) == 0x80);
      }
    }
    CHECK(changed == 1);
    CHECK(!m.contains(key));
    CHECK(m.stats().dirty == key + 1);
  }
  CHECK(m.empty());
  CHECK(m.begin() == m.end());
  check_sound(m);
}

TEST_CASE("dirty: inserting the key again keeps the key and rebuilds the value", "[map]") {
  tophash::map<marked_key, counted_value, hashing::hash_with<marked_hash>, deletion::dirty> m;
  instance_ledger& ledger = counted_value::ledger();
  ledger = {};
  for (u64 i = 0; i < 10; ++i) m.try_emplace(marked_key{i, 1}, static_cast<std::uint32_t>(i));
  m.erase(marked_key{4, 0});
  CHECK(ledger.alive == 10);  // not destroyed yet
  CHECK(m.stats().dirty == 1);
  const auto [it, inserted] = m.try_emplace(marked_key{4, 2}, 44u);
  CHECK(inserted);
  CHECK(it->first.mark == 1);
  CHECK(it->second.number() == 44);
  CHECK(ledger.alive == 10);
  CHECK(m.stats().dirty == 0);
  m.erase(marked_key{5, 0});
  CHECK(m[marked_key{5, 3}].number() == 0);  // value-initialised, not the old 5
  CHECK(m.find(marked_key{5, 0})->first.mark == 1);
  m.erase(marked_key{6, 0});
  CHECK(m.insert_or_assign(marked_key{6, 9}, counted_value(66)).second);
  CHECK(m.at(marked_key{6, 0}).number() == 66);
  check_sound(m);
  CHECK(ledger.error == "");
}

TEST_CASE("dirty: index after an erase starts from zero", "[map]") {
  numbers<deletion::dirty> m;
  m[1] = 99;
  m.erase(1);
  CHECK(++m[1] == 1);
  m.clear();
  CHECK(++m[1] == 1);
  tophash::map<std::string, std::string, deletion::dirty> s;
  s["a"] = "xyz";
  s.erase("a");
  CHECK((s["a"] += "b") == "b");
}

TEST_CASE("dirty: a resurrection that throws leaves the slot dead and reusable", "[map]") {
  for (const unsigned where :
       {mask_of(fault_point::construct), mask_of(fault_point::move), mask_of(fault_point::copy)}) {
    counted_value::ledger() = {};
    {
      tophash::map<u64, counted_value, deletion::dirty> m;
      for (u64 key = 0; key < 8; ++key) m.try_emplace(key, 1u);
      for (long n = 1;; ++n) {
        m.erase(3);
        REQUIRE(m.size() == 7);
        arm_fault(n, where);
        bool thrown = false;
        try {
          m.try_emplace(3, 7u);
        } catch (const injected_fault&) {
          thrown = true;
        }
        const bool fired = disarm_fault();
        CHECK(thrown == fired);
        if (!fired) break;
        CHECK(!m.contains(3));
        CHECK(m.size() == 7);
        check_sound(m);
        CHECK(counted_value::ledger().alive == static_cast<long>(m.size() + m.stats().dirty));
        CHECK(m.try_emplace(3, 9u).second);
        CHECK(m.at(3).number() == 9);
        CHECK(m.stats().units == 1);
        CHECK(m.stats().overflow_in_use == 0);  // the slot was taken again
      }
    }
    CHECK(counted_value::ledger().alive == 0);
    CHECK(counted_value::ledger().error == "");
  }
}

TEST_CASE("dirty: sweep destroys within its budget, copies skip, clear and growth destroy", "[map]") {
  counted_key::ledger() = {}, counted_value::ledger() = {};
  using map = tophash::map<counted_key, counted_value, hashing::hash_with<faulty_hash>, deletion::dirty,
                           growth::incremental<2>, recording<>>;
  recording_resource storage;
  const auto alive = [] { return counted_value::ledger().alive; };
  {
    map m{recording<>(storage)};
    for (std::uint32_t i = 0; i < 100; ++i) m.try_emplace(counted_key(i), i);
    while (m.stats().growing) m.erase(counted_key(99)), m.try_emplace(counted_key(99), 99u);
    for (std::uint32_t i = 0; i < 60; ++i) m.erase(counted_key(i));
    CHECK(m.stats().dirty == 60);
    CHECK(alive() == 100);
    CHECK(m.sweep(0) == 0);
    CHECK(m.sweep(7) == 7);
    CHECK(m.stats().dirty == 53);
    CHECK(alive() == 93);
    const map copy(m);
    CHECK(copy.stats().dirty == 0);
    CHECK(alive() == 93 + 40);
    CHECK(copy == m);
    const auto asked = storage.asked();
    m.mark_in_place(m.find(counted_key(70)));
    CHECK(storage.asked() == asked);  // a collector's pause: no allocation
    CHECK(m.size() == 39);
    std::size_t swept = 0;
    while (const std::size_t n = m.sweep(10)) swept += n;
    CHECK(swept == 54);
    CHECK(m.stats().dirty == 0);
    CHECK(alive() == 39 + 40);
    check_sound(m);
    for (std::uint32_t i = 60; i < 80; ++i) m.erase(counted_key(i));
    const auto growths = m.stats().growths + m.stats().regrows;
    for (std::uint32_t i = 1000; m.stats().growths + m.stats().regrows == growths || m.stats().growing; ++i) {
      m.try_emplace(counted_key(i), i);
    }
    CHECK(m.stats().dirty == 0);  // evacuated away
    CHECK(alive() == static_cast<long>(m.size()) + 40);
    for (std::uint32_t i = 80; i < 100; ++i) m.erase(counted_key(i));
    m.clear();
    CHECK(m.stats().dirty == 0);
    CHECK(alive() == 40);
    CHECK(counted_key::ledger().alive == 40);
  }
  CHECK(alive() == 0);
  CHECK(storage.live_blocks() == 0);
  CHECK(counted_key::ledger().error + counted_value::ledger().error == "");
}

// ---- overflow and memory

TEST_CASE("overflow: requested and recycled are exact", "[map]") {
  const auto play = [](auto tag, bool recycles) {
    using map = typename decltype(tag)::type;
    recording_resource storage;
    map m{recording<>(storage)};
    for (int round = 0; round < 5; ++round) {
      for (u64 n = 0; n < 80; ++n) m.try_emplace(in_bucket(n % 2, n), n);
      for (u64 n = 0; n < 80; ++n) m.erase(in_bucket(n % 2, n));
      const auto counts = m.stats().overflow;
      CHECK(counts.requested - counts.recycled == storage.allocations(purpose::overflow));
      CHECK(m.stats().overflow_in_use + counts.kept == storage.live_blocks(purpose::overflow));
      CHECK(counts.requested - counts.released == m.stats().overflow_in_use);
      CHECK((counts.recycled != 0) == (recycles && round > 0));
    }
    CHECK(m.stats().overflow.requested ==
          5 * 9);  // 80 entries in one bucket of 8 and nine overflow buckets, five times
  };
  using one_unit = load<1000>;
  play(std::type_identity<numbers<raw_hash, one_unit, overflow::fresh>>{}, false);
  play(std::type_identity<numbers<raw_hash, one_unit, overflow::local_list>>{}, true);
  play(std::type_identity<numbers<raw_hash, one_unit, overflow::local_list, deletion::immediate,
                                  layout::bucket_chain<bucket_options{.arrange = arrangement::split}>>>{},
       true);
}

TEST_CASE("memory: memory_report equals what the storage handed out", "[map]") {
  const auto play = [](auto tag) {
    using map = typename decltype(tag)::type;
    recording_resource storage;
    map m{recording<>(storage)};
    for (u64 key = 0; key < 2000; ++key) {
      m.try_emplace(key, key);
      if (key % 3 == 0) m.erase(key / 2);
      std::array<std::size_t, purpose_count> said{};
      std::size_t total = 0;
      for (const auto& part : m.memory_report()) {
        said[static_cast<std::size_t>(part.use)] += part.size_bytes * part.count;
        total += part.size_bytes * part.count;
      }
      CHECK(total == m.memory_report().total_bytes());
      for (std::size_t use = 0; use < purpose_count; ++use) {
        CHECK(said[use] == storage.live_bytes(static_cast<purpose>(use)));
      }
    }
  };
  play(std::type_identity<numbers<>>{});
  play(std::type_identity<numbers<presets::go_like>>{});
  play(std::type_identity<numbers<overflow::local_list, growth::incremental<1>, deletion::dirty>>{});
  play(std::type_identity<numbers<layout::bucket_chain<bucket_options{.inline_limit_bytes = 0}>>>{});
  play(std::type_identity<numbers<layout::bucket_chain<bucket_options{
                                      .slots = 3, .arrange = arrangement::split, .inline_limit_bytes = 0}>,
                                  growth::incremental<2>>>{});
}

TEST_CASE("memory: an empty map asks for nothing", "[map]") {
  recording_resource storage;
  const auto play = [&storage](auto tag) {
    using map = typename decltype(tag)::type;
    map m{recording<>(storage)};
    const map& view = m;
    CHECK(m.find(1) == m.end());
    CHECK(!view.contains(1));
    CHECK(m.erase(1) == 0);
    CHECK(m.begin() == m.end());
    CHECK_THROWS_AS(m.at(1), std::out_of_range);
    m.clear();
    map copy(m);
    map moved(std::move(copy));
    copy = moved;
    moved = std::move(copy);
    swap(m, moved);
    CHECK(erase_if(m, [](const auto&) { return true; }) == 0);
    CHECK(m == moved);
    CHECK(m.stats().size == 0);
    CHECK(m.chain_statistics().entries == 0);
    CHECK(m.memory_report().total_bytes() == 0);
    check_sound(m);
    if constexpr (requires { m.sweep(); }) CHECK(m.sweep() == 0);
  };
  play(std::type_identity<numbers<>>{});
  play(std::type_identity<numbers<presets::go_like>>{});
  play(std::type_identity<numbers<deletion::dirty, overflow::local_list>>{});
  CHECK(storage.asked() == 0);
}

TEST_CASE("chain_statistics: the sums of a shape that is known", "[map]") {
  numbers<raw_hash, load<1000>> m(2000);  // two buckets
  REQUIRE(m.stats().units <= 2);
  numbers<raw_hash, load<1000>> wide(4000);
  const auto units = wide.stats().units;
  REQUIRE(units == 4);
  for (u64 n = 0; n < 20; ++n) wide.try_emplace(in_bucket(0, n), n);
  for (u64 n = 0; n < 8; ++n) wide.try_emplace(in_bucket(1, n), n);
  for (u64 n = 0; n < 9; ++n) wide.try_emplace(in_bucket(2, n), n);
  const auto shape = wide.chain_statistics();
  CHECK(shape.units == 4);
  CHECK(shape.units_with_overflow == 2);
  CHECK(shape.overflow_buckets == 3);
  CHECK(shape.entries == 37);
  CHECK(shape.hit_probes == 20 * 21 / 2 + 8 * 9 / 2 + 9 * 10 / 2);
  CHECK(shape.longest_chain_entries == 20);
}

// ---- lookups: tokens, other types

TEST_CASE("tokens: good in every map with the same hashing policy, whatever its seed", "[map]") {
  using hash = hashing::seeded<hashing::wyhash>;
  tophash::map<std::string, int, hash> a(0, hash{1}), b(0, hash{2});
  tophash::map<std::string, int, hash, presets::go_like> c;
  for (int i = 0; i < 200; ++i) {
    const std::string key = "key " + std::to_string(i);
    const auto token = a.prehash(key);
    CHECK(token == b.prehash(key));
    CHECK(token == c.prehash(key));
    CHECK(a.try_emplace_hashed(token, key, i).second);
    CHECK(!a.try_emplace_hashed(token, key, i).second);
    CHECK(b.try_emplace_hashed(token, key, i).second);
    CHECK(c.try_emplace_hashed(token, key, i).second);
  }
  for (int i = 0; i < 200; ++i) {
    const std::string key = "key " + std::to_string(i);
    const auto token = c.prehash(key);
    CHECK(a.find(key, token)->second == i);
    CHECK(b.contains(key, token));
    CHECK(a.find(key) == a.find(key, token));
    CHECK((*c.find(key, token)).second == i);
    CHECK(!b.contains("other " + key, b.prehash("other " + key)));
  }
  // A token outlives a clear and all that follows it.
  const auto token = a.prehash(std::string("key 7"));
  a.clear();
  CHECK(!a.contains("key 7", token));
  a["key 7"] = 77;
  CHECK(a.find("key 7", token)->second == 77);
}

TEST_CASE("tokens: no integer is one, and another policy's is not one either", "[map]") {
  using map = tophash::map<u64, int, hashing::seeded<hashing::wyhash>>;
  using other = tophash::map<u64, int, hashing::std_hash>;
  const auto takes = []<class Map, class Token>(std::type_identity<Map>, std::type_identity<Token>) {
    return requires(const Map& m, const u64& key, Token token) { m.find(key, token); };
  };
  using token = decltype(std::declval<const map&>().prehash(u64{}));
  STATIC_REQUIRE(takes(std::type_identity<map>{}, std::type_identity<token>{}));
  STATIC_REQUIRE(!takes(std::type_identity<other>{}, std::type_identity<token>{}));
  STATIC_REQUIRE(!takes(std::type_identity<map>{}, std::type_identity<u64>{}));
}

namespace {

long strings_made = 0;

template <class T>
struct counting_allocator {
  using value_type = T;
  counting_allocator() = default;
  template <class Other>
  explicit(false) counting_allocator(const counting_allocator<Other>&) noexcept {}
  T* allocate(std::size_t n) {
    ++strings_made;
    return std::allocator<T>{}.allocate(n);
  }
  void deallocate(T* p, std::size_t n) noexcept { std::allocator<T>{}.deallocate(p, n); }
  template <class Other>
  bool operator==(const counting_allocator<Other>&) const noexcept {
    return true;
  }
};
using counting_string = std::basic_string<char, std::char_traits<char>, counting_allocator<char>>;

}  // namespace

TEST_CASE("transparency: lookups and insertions by another type make no key they do not keep", "[map]") {
  tophash::map<counting_string, int, presets::go_like> m;
  const std::string_view present = "a key that is too long to be kept inside the string object";
  const char* const absent = "another key that is too long to be kept inside the string object";
  strings_made = 0;
  CHECK(m.try_emplace(present, 1).second);
  CHECK(strings_made == 1);
  CHECK(!m.try_emplace(present, 2).second);
  CHECK(!m.insert_or_assign(present, 3).second);
  CHECK(m[present] == 3);
  CHECK(m.at(present) == 3);
  CHECK(m.contains(present));
  CHECK(!m.contains(absent));
  CHECK(m.count(absent) == 0);
  CHECK(m.find(absent) == m.end());
  const auto range = m.equal_range(present);
  CHECK(std::distance(range.first, range.second) == 1);
  CHECK(m.find(present, m.prehash(present)) != m.end());
  CHECK(!m.try_emplace_hashed(m.prehash(present), present, 4).second);
  CHECK_THROWS_AS(m.at(absent), std::out_of_range);
  CHECK(m.erase(absent) == 0);
  CHECK(strings_made == 1);
  CHECK(m.erase(present) == 1);
  CHECK(strings_made == 1);
  CHECK(m.empty());
  // std::hash says nothing of other types, so a map on it must not take them.
  using closed = tophash::map<std::string, int, hashing::std_hash>;
  const auto takes = []<class Map>(std::type_identity<Map>) {
    return requires(const Map& map, std::string_view key) { map.find(key); };
  };
  STATIC_REQUIRE(takes(std::type_identity<tophash::map<std::string, int>>{}));
  STATIC_REQUIRE(!takes(std::type_identity<closed>{}));
}

TEST_CASE("transparency: sets too", "[map][set]") {
  tophash::set<counting_string> s;
  const std::string_view key = "a key that is too long to be kept inside the string object";
  strings_made = 0;
  CHECK(s.insert(counting_string(key)).second);
  const long made = strings_made;
  CHECK(s.contains(key));
  CHECK(s.find(key) != s.end());
  CHECK(s.erase(key) == 1);
  CHECK(strings_made == made);
}

// ---- sizes and alignment

#if TOPHASH_TESTS_CORE
#define EVERY_PAIRING (8, 120), (8, 121), (129, 129)
#else
#define EVERY_PAIRING \
  (8, 120), (8, 121), (8, 127), (127, 1), (128, 128), (128, 129), (129, 128), (129, 129), (8, 4000), (512, 8)
#endif

TEMPLATE_TEST_CASE_SIG("sizes: every pairing around the inline limit", "[map]",
                       ((std::size_t KeyBytes, std::size_t ValueBytes), KeyBytes, ValueBytes),
                       EVERY_PAIRING) {
  using key = wide<KeyBytes>;
  using value = wide<ValueBytes>;
  using hash = hashing::hash_with<faulty_hash>;
  const auto play = [](auto tag) {
    using map = typename decltype(tag)::type;
    recording_resource storage;
    map m{recording<>(storage)};
    for (std::uint32_t i = 1; i <= 60; ++i) m.try_emplace(key(i), i & 0xff);
    for (std::uint32_t i = 1; i <= 60; ++i) {
      CHECK(m.at(key(i)).number() == (i & 0xff));
      m.insert_or_assign(key(i), value(i + 1));
      CHECK(m.at(key(i)).number() == (i + 1));
    }
    CHECK(m[key(200)].number() == 0);
    for (std::uint32_t i = 1; i <= 60; i += 2) CHECK(m.erase(key(i)) == 1);
    CHECK(m.size() == 31);
    // In one piece the pair is compared with the limit, in two each part.
    constexpr bool split =
        std::is_same_v<typename map::spec_type::layout,
                       layout::bucket_chain<bucket_options{.arrange = arrangement::split}>>;
    constexpr bool boxed =
        split ? KeyBytes > 128 || ValueBytes > 128 : sizeof(std::pair<const key, value>) > 128;
    CHECK((storage.live_blocks(purpose::node) != 0) == boxed);
    check_sound(m);
  };
  play(std::type_identity<tophash::map<key, value, hash, recording<>>>{});
  play(std::type_identity<
       tophash::map<key, value, hash, recording<>,
                    layout::bucket_chain<bucket_options{.arrange = arrangement::split}>>>{});
}

namespace {
struct alignas(64) aligned_key {
  u64 number;
  friend bool operator==(const aligned_key& a, const aligned_key& b) { return a.number == b.number; }
};
struct aligned_hash {
  std::uint64_t operator()(const aligned_key& k) const noexcept { return scramble(k.number); }
};
struct nothing_key {
  friend bool operator==(nothing_key, nothing_key) { return true; }
};
struct nothing_hash {
  std::uint64_t operator()(nothing_key) const noexcept { return 7; }
};
struct nothing_value {};

bool is_aligned(const void* p, std::size_t align) { return reinterpret_cast<std::uintptr_t>(p) % align == 0; }
}  // namespace

TEST_CASE("alignment: over-aligned keys and values lie where they must", "[map]") {
  const auto play = [](auto tag) {
    using map = typename decltype(tag)::type;
    map m;
    for (u64 i = 0; i < 300; ++i) m.try_emplace(aligned_key{i}, aligned_key{i});
    for (auto&& [key, value] : m) {
      CHECK(is_aligned(&key, 64));
      CHECK(is_aligned(&value, 64));
      CHECK(key.number == value.number);
    }
    for (u64 i = 0; i < 300; i += 2) m.erase(aligned_key{i});
    CHECK(m.size() == 150);
    check_sound(m);
  };
  using hash = hashing::hash_with<aligned_hash>;
  play(std::type_identity<tophash::map<aligned_key, aligned_key, hash>>{});
  play(std::type_identity<
       tophash::map<aligned_key, aligned_key, hash, recording<>, growth::incremental<2>>>{});
  play(std::type_identity<tophash::map<aligned_key, aligned_key, hash, presets::go_like, recording<>>>{});
  play(std::type_identity<
       tophash::map<aligned_key, aligned_key, hash, recording<>,
                    layout::bucket_chain<bucket_options{.slots = 3, .inline_limit_bytes = 0}>>>{});
}

TEST_CASE("sizes: empty keys and values", "[map]") {
  tophash::map<nothing_key, int, hashing::hash_with<nothing_hash>> one;
  CHECK(one.try_emplace(nothing_key{}, 1).second);
  CHECK(!one.try_emplace(nothing_key{}, 2).second);
  CHECK(one.at(nothing_key{}) == 1);
  tophash::map<nothing_key, nothing_value, hashing::hash_with<nothing_hash>, presets::go_like> none;
  none[nothing_key{}];
  CHECK(none.size() == 1);
  CHECK(none.erase(nothing_key{}) == 1);
  tophash::map<u64, nothing_value, presets::go_like> many;
  for (u64 key = 0; key < 1000; ++key) many[key];
  CHECK(many.size() == 1000);
  for (u64 key = 0; key < 1000; ++key) CHECK(many.erase(key) == 1);
  tophash::set<nothing_key, hashing::hash_with<nothing_hash>> s;
  s.insert(nothing_key{});
  CHECK(s.size() == 1);
}

TEST_CASE("sizes: a key of the go_like shape costs what Go's bucket costs", "[map]") {
  const auto bucket_bytes = []<class Key, class T>(Key, T) {
    recording_resource storage;
    tophash::map<Key, T, presets::go_like, recording<>> m{recording<>(storage)};
    m[Key{}];
    return storage.live_bytes(purpose::slots);
  };
  CHECK(bucket_bytes(std::uint8_t{}, std::uint8_t{}) == 32);
  CHECK(bucket_bytes(std::uint32_t{}, std::uint32_t{}) == 80);
  CHECK(bucket_bytes(u64{}, std::uint32_t{}) == 112);
  CHECK(bucket_bytes(u64{}, u64{}) == 144);
  struct two_words {
    u64 a[2];
  };
  CHECK(bucket_bytes(u64{}, two_words{}) == 208);
}

// ---- split arrangement

TEST_CASE("split: references are proxies that write through", "[map]") {
  tophash::map<int, std::string, presets::go_like> m{{1, "a"}, {2, "b"}};
  for (auto&& [key, value] : m) value += std::to_string(key);
  CHECK(m.at(1) == "a1");
  m.begin()->second = "arrow";
  (*m.find(2)).second = "two";
  const std::pair<const int, std::string> copied = *m.find(2);
  CHECK(copied.second == "two");
  const auto& view = m;
  STATIC_REQUIRE(std::is_same_v<decltype((*view.begin()).second), const std::string&>);
  STATIC_REQUIRE(std::is_same_v<decltype((*m.begin()).first), const int&>);
}

// ---- policies by value, observers

TEST_CASE("policies are passed by value in any order", "[map]") {
  using hash = hashing::seeded<hashing::wyhash>;
  using map = tophash::map<u64, u64, hash, recording<>>;
  recording_resource storage;
  const map a(100, hash{42}, recording<>(storage)), b(100, recording<>(storage), hash{42});
  CHECK(a.hashing_policy().seed() == 42);
  CHECK(b.hashing_policy().seed() == 42);
  CHECK(a.allocation() == recording<>(storage));
  const map c{recording<>(storage)};
  CHECK(&c.allocation().resource() == &storage);
  const std::vector<std::pair<const u64, u64>> two{{1, 2}, {3, 4}};
  const map d(two.begin(), two.end(), 10, hash{7}), e({{1, 2}}, recording<>(storage));
  CHECK(d.hashing_policy().seed() == 7);
  CHECK(d.size() == 2);
  CHECK(e.size() == 1);
  CHECK(storage.live_blocks(purpose::slots) == 3);
  CHECK(map().hashing_policy().seed() != map().hashing_policy().seed());  // random by default
  CHECK(a.key_eq()(1, 1));
  CHECK(a.hash_function()(1) == b.hash_function()(1));
  // A stateful hash, an own growth.
  struct offset_hash {
    u64 offset = 0;
    std::uint64_t operator()(u64 key) const noexcept { return scramble(key + offset); }
  };
  const tophash::map<u64, u64, hashing::hash_with<offset_hash>> f(
      0, hashing::hash_with<offset_hash>(offset_hash{5}));
  CHECK(f.hash_function()(1) == scramble(6));
}

namespace {

// Counts what it is told, by event; takes part in no read.
struct ear {
  using axis = axes::observe;
  int inserted = 0, erased = 0, resurrected = 0, swept = 0, started = 0, finished = 0, acquired = 0,
      released = 0;
  std::size_t moved = 0, cleared = 0, before = 0, after = 0;
  void on(const events::inserted&) noexcept { ++inserted; }
  void on(const events::erased&) noexcept { ++erased; }
  void on(const events::resurrected&) noexcept { ++resurrected; }
  void on(const events::swept&) noexcept { ++swept; }
  void on(const events::growth_started& e) noexcept {
    ++started, before = e.units_before, after = e.units_after;
  }
  void on(const events::growth_finished&) noexcept { ++finished; }
  void on(const events::evacuated& e) noexcept { moved += e.entries; }
  void on(const events::overflow_acquired&) noexcept { ++acquired; }
  void on(const events::overflow_released&) noexcept { ++released; }
  void on(const events::cleared& e) noexcept { cleared += e.entries; }
};

}  // namespace

TEST_CASE("observers hear each event once", "[map]") {
  tophash::map<u64, u64, deletion::dirty, ear, raw_hash, load<8>> m;
  for (u64 n = 0; n < 20; ++n) m.try_emplace(in_bucket(0, n), n);
  m.try_emplace(in_bucket(0, 0), u64{1});  // there already
  m.insert_or_assign(in_bucket(0, 0), u64{1});
  CHECK(m.observer().inserted == 20);
  CHECK(m.observer().started == 3);  // the first array counts: 0 -> 1, 1 -> 2, 2 -> 4
  CHECK(m.observer().before == 2);
  CHECK(m.observer().after == 4);
  CHECK(m.observer().finished == 2);
  CHECK(m.observer().moved == 8 + 16);
  CHECK(m.observer().acquired - m.observer().released == static_cast<int>(m.stats().overflow_in_use));
  for (u64 n = 0; n < 20; ++n) m.erase(in_bucket(0, n));
  m.erase(in_bucket(0, 0));
  CHECK(m.observer().erased == 20);
  m.try_emplace(in_bucket(0, 3), u64{3});
  CHECK(m.observer().resurrected == 1);
  CHECK(m.sweep() == 19);
  CHECK(m.observer().swept == 19);
  m.clear();
  CHECK(m.observer().cleared == 1);
  tophash::map<u64, u64, observe::counters> counted;
  for (u64 n = 0; n < 10; ++n) counted.try_emplace(n, n);
  for (u64 n = 0; n < 15; ++n) static_cast<void>(counted.find(n));
  for (u64 n = 0; n < 3; ++n) static_cast<void>(counted.contains(n));
  CHECK(counted.observer().snapshot().found == 13);
  CHECK(counted.observer().snapshot().missed == 5);
  CHECK(counted.observer().snapshot().inserted == 10);
}
