// SPDX-License-Identifier: Apache-2.0
// The census that marking takes of a map, and the work list that writes make of it: what is counted is what
// the table counts itself; nothing is done in the pause; a write does a bounded piece, where there is
// something to do, and nothing elsewhere; entries, invariants and open iterators are as without it.
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include <catch2/catch.hpp>

#include <tophash/framework/layout/open_groups.hpp>
#include <tophash/gc/precise_heap.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/deletion/purging.hpp>
#include <tophash/policies/deletion/tombstone.hpp>
#include <tophash/policies/growth/incremental.hpp>
#include <tophash/policies/growth/shrinking.hpp>
#include <tophash/policies/hashing/identity.hpp>
#include <tophash/policies/overflow/preallocated.hpp>
#include <tophash/presets.hpp>

namespace {

using namespace tophash;
using gc::precise;
using gc::precise_heap;
using u64 = std::uint64_t;

struct stamped {
  u64 stamp;
};

}  // namespace

template <>
struct tophash::gc_traits<stamped> : tophash::gc::holds_no_pointers {};

namespace {

gc::precise_options by_hand() {
  gc::precise_options o;
  o.objects = o.blocks = {.reserved_bytes = std::size_t{64} << 20, .large_pages = false};
  o.poison_freed = true;
  o.automatic = false;
  return o;
}

using grouped = layout::bucket_chain<bucket_options{.group_bytes = 1024}>;
using split = layout::bucket_chain<bucket_options{.slots = 5, .arrange = arrangement::split}>;
template <class... Options>
using map_of = map<u64, stamped*, precise, Options...>;
template <class Base>
using purged = deletion::purging<Base, deletion::census>;

template <class Map>
void put(precise_heap& heap, Map& m, u64 key) {
  m.insert_or_assign(key, heap.make<stamped>(stamped{key}).get());
}

template <class Map>
std::size_t wrong_entries(Map& m) {
  std::size_t wrong = m.check_invariants() == nullptr ? 0 : 1;
  for (const auto& [key, object] : m) wrong += object->stamp == key ? 0 : 1;
  return wrong;
}

}  // namespace

TEMPLATE_TEST_CASE("census: marking counts what the table counts", "[precise][census]", map_of<>,
                   map_of<deletion::dirty>, (map_of<grouped, deletion::dirty, growth::incremental<1>>),
                   (map_of<split, deletion::tombstone_not_reusing>),
                   (map_of<deletion::tombstone, overflow::preallocated>),
                   (map_of<layout::open_groups<>, deletion::tombstone>),
                   (map_of<layout::open_groups<8>, deletion::dirty>),
                   (map_of<layout::nodes, deletion::dirty>)) {
  precise_heap heap(by_hand());
  TestType m{precise(heap)};
  CHECK(m.census().collection == 0);
  constexpr u64 n = 3'000;
  for (u64 i = 0; i < n; ++i) put(heap, m, i);
  CHECK(m.census().collection == 0);
  CHECK(m.census().uncounted != 0);
  const auto agrees = [&m] {
    const map_census c = m.census();
    const map_stats s = m.stats();
    return c.live == m.size() && c.dirty == s.dirty && c.dead == s.dead && c.overflow == s.overflow_in_use &&
           c.uncounted == 0 && c.blocks != 0;
  };
  heap.collect();
  CHECK(agrees());
  CHECK(m.census().collection == 1);
  CHECK(m.census().overflow_empty == 0);
  for (u64 i = 0; i < n; i += 3) m.erase(i);
  const map_census before = m.census();
  CHECK(before.live == n);  // what was written since is not in it
  // In steps: the census that is told is whole, of the last cycle or of this one.
  heap.step(1);
  while (heap.is_marking()) {
    heap.step(7);
    const map_census c = m.census();
    CHECK((c.live <= n && (c.uncounted != 0 || c.live >= m.size())));
  }
  heap.collect();
  CHECK(agrees());
  CHECK(m.census().live == n - n / 3);
}

TEST_CASE("census: a map of numbers is not read, so not counted", "[precise][census]") {
  precise_heap heap(by_hand());
  map<u64, u64, precise> m{precise(heap)};
  for (u64 i = 0; i < 100; ++i) m[i] = i;
  heap.collect();
  CHECK(m.census().collection == 0);
  CHECK(m.census().uncounted == 1);
}

// ---- the work list

TEST_CASE("census: dirty entries are swept by later writes, where they lie, and never in the pause",
          "[precise][census]") {
  precise_heap heap(by_hand());
  map_of<grouped, purged<deletion::dirty>, hashing::identity> m{precise(heap)};
  constexpr u64 n = 24'000;
  for (u64 i = 0; i < n; ++i) put(heap, m, i);
  const std::size_t units = m.bucket_count();
  // Those of a single group: with identity and its mixing off, a key's low bits are its chain.
  std::size_t erased = 0;
  for (u64 i = 0; i < n; ++i) {
    if (i % units < 4) erased += m.erase(i);
  }
  REQUIRE(erased >= 12);
  REQUIRE(m.stats().dirty == erased);
  put(heap, m, 5);
  CHECK(m.stats().dirty == erased);  // no collection has counted them
  heap.collect();
  CHECK(m.stats().dirty == erased);
  CHECK(m.census().dirty == erased);
  CHECK(m.census().blocks_with_work < 3);
  std::size_t writes = 0;
  for (; m.stats().dirty != 0; ++writes) {
    const std::size_t left = m.stats().dirty;
    put(heap, m, 5);
    REQUIRE(left - m.stats().dirty <= 16 * 8 * 4);
    REQUIRE(writes < m.census().blocks / 16 + 2);
  }
  CHECK(wrong_entries(m) == 0);
  // Done: further writes find nothing to do until the next collection.
  m.erase(6);
  put(heap, m, 5);
  CHECK(m.stats().dirty == 1);
}

TEST_CASE("census: a flat array is swept a few chains a write", "[precise][census]") {
  precise_heap heap(by_hand());
  map_of<purged<deletion::dirty>> m{precise(heap)};
  constexpr u64 n = 10'000;
  for (u64 i = 0; i < n; ++i) put(heap, m, i);
  for (u64 i = 0; i < n; i += 2) m.erase(i);
  heap.collect();
  const std::size_t dirty = m.stats().dirty;
  REQUIRE(dirty == n / 2);
  m.erase(1);
  CHECK(m.stats().dirty < dirty);
  CHECK(m.stats().dirty > dirty - 16 * 8 * 3);
  std::size_t writes = 1;
  for (; m.stats().dirty > 1; ++writes) put(heap, m, 3);
  CHECK(writes <= m.bucket_count() / 16 + 2);
  CHECK(wrong_entries(m) == 0);
}

TEMPLATE_TEST_CASE("census: overflow buckets that hold nothing are unlinked, as Go's map never does",
                   "[precise][census]", (map_of<purged<deletion::tombstone>, hashing::identity>),
                   (map_of<purged<deletion::tombstone>, hashing::identity, overflow::preallocated>),
                   (map_of<grouped, purged<deletion::tombstone>, hashing::identity>)) {
  precise_heap heap(by_hand());
  TestType m{precise(heap)};
  // One chain, far from full by its number of entries.
  m.reserve(2'000);
  for (u64 i = 0; i < 64; ++i) put(heap, m, i << 20);
  const std::size_t linked = m.stats().overflow_in_use;
  REQUIRE(linked == 7);
  // The second bucket, one in the middle, and the last.
  for (const u64 from : {8u, 32u, 56u}) {
    for (u64 i = from; i < from + 8; ++i) m.erase(i << 20);
  }
  CHECK(m.stats().overflow_in_use == linked);
  heap.collect();
  CHECK(m.census().overflow == linked);
  CHECK(m.census().overflow_empty == 3);
  CHECK(m.census().blocks_with_work == 1);
  CHECK(m.stats().overflow_in_use == linked);
  for (int i = 0; i < 20; ++i) m.erase(u64{1} << 50);  // absent: an erase that finds nothing tidies nothing
  for (int i = 0; i < 40; ++i) put(heap, m, 3);
  CHECK(m.stats().overflow_in_use == linked - 3);
  CHECK(wrong_entries(m) == 0);
  CHECK(m.size() == 41);
  for (u64 i = 0; i < 64; ++i) {
    const bool gone = (i >= 8 && i < 16) || (i >= 32 && i < 40) || i >= 56;
    REQUIRE((m.find(i << 20) == m.end()) == gone);
  }
  for (u64 i = 8; i < 64; ++i) m.erase(i << 20);
  heap.collect();
  for (int i = 0; i < 40; ++i) put(heap, m, 3);
  CHECK(m.stats().overflow_in_use == 0);
  CHECK(wrong_entries(m) == 0);
}

TEST_CASE("census: when the list is done, a map left too large gets a smaller array", "[precise][census]") {
  precise_heap heap(by_hand());
  map_of<purged<deletion::dirty>, growth::shrinking<growth::incremental<2>>> m{precise(heap)};
  for (u64 i = 0; i < 20'000; ++i) put(heap, m, i);
  const std::size_t before = m.bucket_count();
  erase_if(m, [](const auto& e) { return e.first % 100 != 0; });  // by iterators: nothing is asked
  CHECK(m.bucket_count() == before);
  heap.collect();
  for (int i = 0; i < 600; ++i) put(heap, m, 300);
  put(heap, m, 20'001);
  CHECK(m.bucket_count() < before / 8);
  CHECK(wrong_entries(m) == 0);
  CHECK(m.size() == 201);
}

namespace {

// Against a model, with collections at every few operations and an iterator open meanwhile.
template <class Map>
void check_against_model(u64 seed, std::size_t operations, bool iterates) {
  gc::precise_options o = by_hand();
  o.zeal = 3;
  precise_heap heap(o);
  Map m{precise(heap)};
  std::unordered_map<u64, u64> model;
  u64 random = seed;
  const auto below = [&random](u64 n) {
    random += golden_ratio_bits;
    return multiply_high(mix(random), n);
  };
  for (std::size_t i = 0; i < operations; ++i) {
    const u64 key = below(160) << (below(2) * 40);
    if (below(5) < 3) {
      put(heap, m, key);
      model[key] = key;
    } else {
      REQUIRE(m.erase(key) == model.erase(key));
    }
    if (i % 64 == 0) REQUIRE(wrong_entries(m) == 0);
    REQUIRE(m.size() == model.size());
    if (!iterates || i % 50 != 0) continue;
    // What is there from begin to end is seen once, whatever is written and collected in between.
    std::unordered_map<u64, int> stays, seen;
    for (const auto& e : model) stays[e.first] = 1;
    for (auto at = m.begin(); at != m.end(); ++at) {
      ++seen[(*at).first];
      const u64 victim = below(160);
      if (m.erase(victim) != 0) model.erase(victim), stays.erase(victim);
      put(heap, m, (u64{1} << 45) + below(8));
    }
    for (u64 k = 0; k < 8; ++k) model[(u64{1} << 45) + k] = 1, put(heap, m, (u64{1} << 45) + k);
    for (const auto& e : stays) REQUIRE(seen[e.first] == 1);
    for (const auto& e : seen) REQUIRE(e.second == 1);
  }
}

}  // namespace

TEST_CASE("census: maps that tidy are maps like others", "[precise][census]") {
  using namespace deletion;
  check_against_model<map_of<purged<dirty>, growth::shrinking<growth::incremental<1>>>>(1, 1'500, false);
  check_against_model<map_of<grouped, purged<dirty>>>(2, 1'500, false);
  check_against_model<map_of<purged<tombstone>, overflow::preallocated>>(3, 1'500, false);
  check_against_model<map_of<presets::go_like, purged<tombstone>>>(4, 400, true);
  check_against_model<map_of<presets::go_like, purged<dirty>>>(5, 400, true);
}
