// SPDX-License-Identifier: Apache-2.0
// Maps that libgc's marking knows: what slots out of use keep alive (nothing), what the marker reads, that an entry
// is never lost while it is put into its slot, moved or erased, what the census counts; and roots and threads. With
// controls that must retain, so that the tests are seen to tell. A conservative collector may find a stray pointer
// on a stack: "nothing" is tested as "a handful of thousands at most".
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <new>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>
#include <gc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tophash/framework/layout/open_groups.hpp>
#include <tophash/gc/boehm.hpp>
#include <tophash/gc/boehm_map_aware.hpp>
#include <tophash/gc/boehm_roots.hpp>
#include <tophash/gc/boehm_typed.hpp>
#include <tophash/go_sync_map.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/deletion/purging.hpp>
#include <tophash/policies/deletion/tombstone.hpp>
#include <tophash/policies/growth/incremental.hpp>
#include <tophash/policies/hashing/hash_with.hpp>
#include <tophash/policies/hashing/identity.hpp>
#include <tophash/policies/overflow/preallocated.hpp>
#include <tophash/policies/overflow/shared_pool.hpp>
#include <tophash/shared_map.hpp>

#include "laws/allocation.hpp"
#include "support/collected.hpp"

namespace {

using namespace tophash;
using gc::boehm_census;
using gc::boehm_map_aware;
using gc::boehm_scanned;
using gc::boehm_typed;
using gc::marking_counts;
using testing::collect_all;
using testing::in_own_frame;
using testing::overwrite_stack;
using testing::witnesses;
using u64 = std::uint64_t;

constexpr std::size_t many = 4'000;
constexpr std::size_t handful = 4;

u64 pattern(std::size_t i) { return 0x5eed'0000'0000'0000u + i; }

u64* new_object(std::size_t i) {
  auto* const object = static_cast<u64*>(GC_malloc_atomic(32));
  if (object == nullptr) std::abort();
  *object = pattern(i);
  return object;
}

// A root that libgc searches: static storage.
void* volatile root = nullptr;

// Objects of one size, all kept and filled, so that what was freed is written over.
TOPHASH_NOINLINE void write_over_freed(std::size_t bytes, std::size_t n) {
  auto** const list = static_cast<void**>(GC_malloc((n + 1) * sizeof(void*)));
  list[n] = root;
  root = list;
  for (std::size_t i = 0; i < n; ++i) {
    list[i] = GC_malloc_atomic(bytes);
    std::memset(list[i], 0xdd, bytes);
  }
}

// Scanned like boehm_scanned, but the map is told that nobody looks: it wipes nothing.
struct unwiped_scanned : boehm_scanned {
  static constexpr tophash::visibility visibility = tophash::visibility::opaque;
};

using grouped = layout::bucket_chain<bucket_options{.group_bytes = 4064}>;
using boxed = layout::bucket_chain<bucket_options{.inline_limit_bytes = 0}>;
using split = layout::bucket_chain<bucket_options{.arrange = arrangement::split}>;

struct outcome {
  std::size_t erased_alive = 0, live_lost = 0;
};

// Of `many` objects that only the map points to, every second is erased. Who outlives two collections?
template <class Map>
outcome after_erasing_half() {
  Map m;
  witnesses w(many);
  in_own_frame([&] {
    for (std::size_t i = 0; i < many; ++i) {
      u64* const object = new_object(i);
      w.watch(i, object);
      m.try_emplace(i, object);
    }
    for (std::size_t i = 1; i < many; i += 2) m.erase(i);
    REQUIRE(m.size() == many / 2);
  });
  collect_all();
  outcome out;
  for (std::size_t i = 0; i < many; ++i) {
    if (i % 2 == 1) {
      out.erased_alive += w.is_alive(i) ? 1 : 0;
    } else {
      const auto at = m.find(i);
      out.live_lost += at != m.end() && w.is_alive(i) && *at->second == pattern(i) ? 0 : 1;
    }
  }
  return out;
}

template <class... Options>
using traced_map = map<u64, u64*, boehm_map_aware, Options...>;

template <class... Options>
void keeps_the_living_alone(const char* what) {
  INFO(what);
  const outcome o = after_erasing_half<traced_map<Options...>>();
  CHECK(o.erased_alive <= handful);
  CHECK(o.live_lost == 0);
}

}  // namespace

// ---- retention

TEST_CASE("map-aware: no slot out of use keeps anything, chained", "[boehm][maps]") {
  using namespace deletion;
  keeps_the_living_alone<immediate>("flat, immediate");
  keeps_the_living_alone<tombstone>("flat, tombstone");
  keeps_the_living_alone<dirty, growth::incremental<2>>("flat, dirty, incremental");
  keeps_the_living_alone<grouped, immediate, growth::incremental<2>>("grouped, immediate, incremental");
  keeps_the_living_alone<grouped, tombstone_not_reusing>("grouped, tombstone");
  keeps_the_living_alone<grouped, dirty>("grouped, dirty");
  keeps_the_living_alone<split, dirty>("split, dirty");
  keeps_the_living_alone<boxed, dirty>("boxed, dirty");
}

TEST_CASE("map-aware: no slot out of use keeps anything, open", "[boehm][maps]") {
  using namespace deletion;
  keeps_the_living_alone<layout::open_groups<>, immediate>("open, immediate");
  keeps_the_living_alone<layout::open_groups<8>, tombstone>("open, tombstone");
  keeps_the_living_alone<layout::open_groups<>, dirty, growth::incremental<2>>("open, dirty, incremental");
  keeps_the_living_alone<layout::nodes, immediate>("nodes, immediate");
  keeps_the_living_alone<layout::nodes, dirty>("nodes, dirty");
}

TEST_CASE("control: what searches every slot retains what dirty and unwiped slots hold", "[boehm][maps]") {
  CHECK(after_erasing_half<map<u64, u64*, boehm_scanned, deletion::dirty>>().erased_alive == many / 2);
  CHECK(after_erasing_half<map<u64, u64*, boehm_typed, deletion::dirty>>().erased_alive == many / 2);
  // But for what lay in overflow buckets that are empty now: those were given back.
  CHECK(after_erasing_half<map<u64, u64*, unwiped_scanned, deletion::immediate>>().erased_alive >
        many / 2 - many / 50);
  // And with wiping it does not.
  CHECK(after_erasing_half<map<u64, u64*, boehm_typed, deletion::immediate>>().erased_alive <= handful);
}

// ---- drag

namespace {

// Of what each round of writes lets go, how many outlive the collection after it; and the one after that.
struct drag_counts {
  std::size_t dropped = 0, late_by_one = 0, late_by_two = 0;
};

template <class Map>
drag_counts drag_of() {
  constexpr std::size_t keys = 400, rounds = 12, writes = 150;
  Map m;
  witnesses w(keys + rounds * writes);
  std::vector<std::size_t> holder(keys);  // key: the object's number
  std::vector<std::vector<std::size_t>> dropped(rounds);
  std::size_t made = 0;
  const auto put = [&](std::size_t key) {
    u64* const object = new_object(made);
    w.watch(made, object);
    m.insert_or_assign(key, object);
    holder[key] = made++;
  };
  in_own_frame([&] {
    for (std::size_t key = 0; key < keys; ++key) put(key);
  });
  constexpr std::size_t none = ~std::size_t{0};
  drag_counts out;
  u64 random = 7;
  for (std::size_t round = 0; round < rounds; ++round) {
    in_own_frame([&] {
      for (std::size_t i = 0; i < writes; ++i) {
        random += golden_ratio_bits;
        const auto key = static_cast<std::size_t>(multiply_high(mix(random), keys));
        if (holder[key] != none) dropped[round].push_back(holder[key]);
        if (i % 3 == 0) {
          m.erase(key);
          holder[key] = none;
        } else {
          put(key);
        }
      }
    });
    overwrite_stack();
    GC_gcollect();
    out.dropped += dropped[round].size();
    for (const std::size_t object : dropped[round]) out.late_by_one += w.is_alive(object) ? 1 : 0;
    if (round == 0) continue;
    for (const std::size_t object : dropped[round - 1]) out.late_by_two += w.is_alive(object) ? 1 : 0;
  }
  for (const std::size_t object : holder) CHECK((object == none || w.is_alive(object)));
  return out;
}

}  // namespace

TEST_CASE("drag: what a map lets go of is gone at the end of the next collection", "[boehm][maps]") {
  // A word left on a stack may keep an object for a cycle, two of them in each of twelve.
  const auto at_most_one_cycle = [](const char* what, const drag_counts& seen) {
    INFO(what);
    CHECK(seen.dropped > 1'000);
    CHECK(seen.late_by_one <= 24);
    CHECK(seen.late_by_two <= handful);
  };
  at_most_one_cycle("flat, dirty, incremental", drag_of<traced_map<deletion::dirty, growth::incremental<1>>>());
  at_most_one_cycle("grouped, tombstone", drag_of<traced_map<grouped, deletion::tombstone_not_reusing>>());
  at_most_one_cycle("open, immediate", drag_of<traced_map<layout::open_groups<>, deletion::immediate>>());
  // The control: what erases leave in slots stays there until something is put over it.
  const drag_counts searched = drag_of<map<u64, u64*, boehm_scanned, deletion::dirty>>();
  CHECK(searched.late_by_one > 100);
  CHECK(searched.late_by_two > 50);
}

// ---- entries on their way

namespace {

// Owns its object alone: a move leaves nothing behind, not even bits.
struct sole_owner {
  u64* to;
  explicit sole_owner(u64* object) noexcept : to(object) {}
  sole_owner(sole_owner&& other) noexcept : to(std::exchange(other.to, nullptr)) {}
  sole_owner& operator=(sole_owner&&) = delete;
  ~sole_owner() { to = nullptr; }
  friend bool operator==(const sole_owner& a, const sole_owner& b) noexcept { return *a.to == *b.to; }
};

struct by_content {
  template <class Owner>
  u64 operator()(const Owner& o) const noexcept {
    return *o.to * golden_ratio_bits;
  }
};
template <class Key>
using content_hash = hashing::hash_with<by_content, std::equal_to<Key>>;

// A value whose construction, and every move, runs a collection.
struct collecting_value {
  u64 n;
  static void collect() noexcept {
    overwrite_stack();
    GC_gcollect();
  }
  explicit collecting_value(u64 of) noexcept : n(of) { collect(); }
  collecting_value(collecting_value&& other) noexcept : n(other.n) { collect(); }
  collecting_value& operator=(collecting_value&&) = delete;
};

}  // namespace

template <>
struct tophash::gc_traits<collecting_value> : tophash::gc::holds_no_pointers {};

namespace {

template <class... Options>
void loses_no_entry_on_its_way(const char* what) {
  INFO(what);
  constexpr std::size_t n = 60;
  map<sole_owner, collecting_value, boehm_map_aware, content_hash<sole_owner>, Options...> m;
  witnesses w(n);
  for (std::size_t i = 0; i < n; ++i) {
    in_own_frame([&] {
      sole_owner key(new_object(i));
      w.watch(i, key.to);
      m.try_emplace(std::move(key), i);
    });
  }
  CHECK(w.alive() == n);
  std::size_t intact = 0;
  for (const auto& [key, value] : m) intact += *key.to == pattern(value.n) ? 1 : 0;
  CHECK(intact == n);
}

}  // namespace

TEST_CASE("a key is kept while its value is built or moved", "[boehm][maps]") {
  loses_no_entry_on_its_way<>("paired");
  loses_no_entry_on_its_way<split, growth::incremental<2>>("split");
  loses_no_entry_on_its_way<layout::open_groups<>>("open");
  loses_no_entry_on_its_way<layout::open_groups<>, deletion::tombstone>("open, tombstone");
}

// ---- dirty entries whose keys are gone

namespace {

std::size_t dead_keys_touched = 0;

struct symbol {
  u64* to;
  friend bool operator==(const symbol& a, const symbol& b) noexcept { return content(a) == content(b); }
  static u64 content(const symbol& s) noexcept {
    if (*s.to >> 32 != pattern(0) >> 32) ++dead_keys_touched;
    return *s.to;
  }
};
struct symbol_hash {
  u64 operator()(const symbol& s) const noexcept { return symbol::content(s) * golden_ratio_bits; }
};
using symbol_hashing = hashing::hash_with<symbol_hash, std::equal_to<symbol>>;

template <class... Options>
void looks_at_no_dead_key(const char* what) {
  INFO(what);
  constexpr std::size_t n = 1'500;
  map<symbol, u64, boehm_map_aware, symbol_hashing, deletion::dirty, Options...> m;
  dead_keys_touched = 0;
  in_own_frame([&] {
    for (std::size_t i = 0; i < n; ++i) m.try_emplace(symbol{new_object(i)}, i);
  });
  in_own_frame([&] {
    for (std::size_t i = 0; i < n; i += 2) {
      u64 wanted = pattern(i);
      m.erase(symbol{&wanted});
    }
    REQUIRE(m.size() == n / 2);
  });
  collect_all();
  write_over_freed(32, 2 * n);
  // The same keys again, and enough others for a growth.
  for (std::size_t i = 0; i < 3 * n; ++i) m.try_emplace(symbol{new_object(i)}, i);
  std::size_t found = 0;
  for (std::size_t i = 0; i < 3 * n; ++i) {
    u64 wanted = pattern(i);
    const auto at = m.find(symbol{&wanted});
    found += at != m.end() && at->second == i ? 1 : 0;
  }
  CHECK(found == 3 * n);
  CHECK(m.size() == 3 * n);
  m.sweep();
  CHECK(dead_keys_touched == 0);
  root = nullptr;
}

}  // namespace

TEST_CASE("an erased, unswept key may be gone: nobody looks at it", "[boehm][maps]") {
  looks_at_no_dead_key<growth::incremental<1>>("chained");
  looks_at_no_dead_key<layout::open_groups<>, growth::incremental<1>>("open");
}

TEST_CASE("the node of an erased, unswept entry outlives its pointees", "[boehm][maps]") {
  using node_map = traced_map<layout::nodes, deletion::dirty>;
  constexpr std::size_t node_bytes = 3 * sizeof(void*);
  node_map m;
  in_own_frame([&] {
    for (std::size_t i = 0; i < many; ++i) m.try_emplace(i, new_object(i));
    for (std::size_t i = 0; i < many; ++i) m.erase(i);
  });
  CHECK(m.stats().dirty == many);
  collect_all();
  // Were the nodes free now, these objects would get their places, and the sweep would free the objects.
  write_over_freed(node_bytes, many);
  auto** const objects = static_cast<void**>(root);
  m.sweep();
  in_own_frame([&] {
    for (std::size_t i = 0; i < 2 * many; ++i) std::memset(GC_malloc(node_bytes), 0x11, node_bytes);
  });
  std::size_t intact = 0;
  for (std::size_t i = 0; i < many; ++i) {
    intact += *static_cast<unsigned char*>(objects[i]) == 0xdd && static_cast<unsigned char*>(objects[i])[23] == 0xdd;
  }
  CHECK(intact == many);
  root = nullptr;
}

// ---- what the marker reads

namespace {

struct work_list {
  std::atomic<u64> calls{0}, live{0}, dirty{0}, worth_a_sweep{0};
  static void note(void* context, const gc::block_census& seen) noexcept {
    auto& self = *static_cast<work_list*>(context);
    self.calls.fetch_add(1);
    self.live.fetch_add(seen.live);
    self.dirty.fetch_add(seen.dirty);
    if (4 * seen.dirty >= seen.live + seen.dirty) self.worth_a_sweep.fetch_add(1);
  }
};

// One collection, counted.
marking_counts counted_collection() {
  overwrite_stack();
  boehm_census::start();
  GC_gcollect();
  boehm_census::stop();
  return boehm_census::counts();
}

// Bytes read in one collection, by those of live slots and of control words: a link and a word of tags each.
template <class... Options>
double read_of_what_is_in_use(const char* what, std::size_t n, bool growing = false) {
  INFO(what);
  map<u64*, u64*, boehm_map_aware, Options...> m;
  in_own_frame([&] {
    std::vector<u64*> keys(n);
    for (std::size_t i = 0; i < n; ++i) m.try_emplace(new_object(i), new_object(i));
    std::size_t i = 0;
    for (const auto& e : m) keys[i++] = e.first;
    for (i = 0; i < n; i += 3) m.erase(keys[i]);
    for (i = 0; i < n / 50; ++i) m.try_emplace(new_object(i), new_object(i));  // some take slots that erases left
  });
  GC_gcollect();
  const marking_counts seen = counted_collection();
  const map_stats stats = m.stats();
  const std::size_t units = stats.units + stats.old_units + stats.overflow_in_use;
  CHECK(seen.live == m.size());
  CHECK(seen.dirty == stats.dirty);
  CHECK(seen.dead == stats.dead);
  CHECK(stats.growing == growing);
  CHECK(seen.opening == 0);
  if (growing) CHECK(seen.units < units);  // evacuated groups have gone
  if (!growing) CHECK(seen.units == units);
  return static_cast<double>(seen.read_bytes()) /
         static_cast<double>(m.size() * 2 * sizeof(void*) + seen.units * 2 * sizeof(void*));
}

constexpr double read_at_most = 1.05, read_at_least = 0.5;  // less: it was not counted

using grouped_split =
    layout::bucket_chain<bucket_options{.arrange = arrangement::split, .group_bytes = 4064}>;
using grouped_small = layout::bucket_chain<bucket_options{.group_bytes = 1024}>;
using grouped_by_four = layout::bucket_chain<bucket_options{.slots = 4, .group_bytes = 4064}>;
using grouped_filtered = layout::bucket_chain<bucket_options{.group_bytes = 4064, .filter_bits = 16}>;

}  // namespace

TEST_CASE("the marker reads live slots and control words, and nothing else", "[boehm][maps]") {
  using namespace deletion;
  double read = read_of_what_is_in_use<dirty>("flat", 8'000);
  CHECK((read >= read_at_least && read <= read_at_most));
  read = read_of_what_is_in_use<layout::open_groups<>, tombstone>("open", 13'700);
  CHECK((read >= read_at_least && read <= read_at_most));
}

// The figures: run with -s.
TEST_CASE("the marker reads live slots and control words: every grouped shape", "[boehm][maps]") {
  using namespace deletion;
  const double read[] = {
      read_of_what_is_in_use<grouped, immediate>("grouped, immediate", 8'000),
      read_of_what_is_in_use<grouped, tombstone>("grouped, tombstone", 8'000),
      read_of_what_is_in_use<grouped, tombstone_not_reusing>("grouped, tombstone not reused", 8'000),
      read_of_what_is_in_use<grouped, dirty>("grouped, dirty", 8'000),
      read_of_what_is_in_use<grouped, dirty, growth::incremental<1>>("grouped, dirty, growing", 6'600, true),
      read_of_what_is_in_use<grouped_split, dirty>("grouped, split, dirty", 8'000),
      read_of_what_is_in_use<grouped_small, tombstone>("groups of 1,024 bytes, tombstone", 8'000),
      read_of_what_is_in_use<grouped_by_four, dirty>("grouped, 4 slots, dirty", 8'000),
      read_of_what_is_in_use<grouped_filtered>("grouped, filter, immediate", 8'000)};
  for (const double bytes_read_by_bytes_in_use : read) {
    CHECK(bytes_read_by_bytes_in_use <= read_at_most);
    CHECK(bytes_read_by_bytes_in_use >= read_at_least);
  }
}

TEST_CASE("a large array is marked in pieces", "[boehm][maps]") {
  const auto pieces = [](auto& m) {
    in_own_frame([&m] {
      for (std::size_t i = 0; i < 40'000; ++i) m.try_emplace(i, new_object(i));
    });
    const marking_counts seen = counted_collection();
    std::size_t lost = 0;
    for (const auto& [key, object] : m) lost += *object == pattern(key) ? 0 : 1;
    CHECK(lost == 0);
    CHECK(seen.live == m.size());
    CHECK(seen.uncontinued == 0);  // else this libgc's mark stack is not the one we know
    return seen.pieces;
  };
  traced_map<> flat;
  CHECK(pieces(flat) >= 50);
  traced_map<grouped> in_groups;
  flat.clear();
  flat = {};
  CHECK(pieces(in_groups) == 0);
}

TEST_CASE("the census leaves a work list, and a map acts on it", "[boehm][maps]") {
  traced_map<grouped, deletion::dirty> m;
  in_own_frame([&] {
    for (std::size_t i = 0; i < many; ++i) m.try_emplace(i, new_object(i));
    for (std::size_t i = 0; i < many; ++i) {
      if (i % 4 != 0) m.erase(i);
    }
  });
  work_list noted;
  boehm_census::on_census(&work_list::note, &noted);
  const marking_counts before = counted_collection();
  CHECK(noted.live == many / 4);
  CHECK(noted.dirty == many - many / 4);
  CHECK(noted.calls == before.calls);
  CHECK(noted.worth_a_sweep > before.calls / 2);
  CHECK(before.overflow_buckets == m.stats().overflow_in_use);
  if (noted.worth_a_sweep != 0) m.sweep();
  const marking_counts after = counted_collection();
  boehm_census::on_census(nullptr, nullptr);
  CHECK(after.dirty == 0);
  CHECK(after.live == many / 4);
  CHECK(after.overflow_buckets <= before.overflow_buckets);
  CHECK(after.overflow_without_live == 0);
  // A tombstone's chain keeps its emptied buckets: the census says how many.
  map<u64, u64*, boehm_map_aware, hashing::identity, deletion::tombstone> chained;
  in_own_frame([&] {
    for (std::size_t i = 0; i < 64; ++i) chained.try_emplace(i << 20, new_object(i));
    for (std::size_t i = 8; i < 64; ++i) chained.erase(i << 20);
  });
  const marking_counts emptied = counted_collection();
  CHECK(emptied.overflow_without_live - after.overflow_without_live >= 6);
}

namespace {

template <class... Options>
void census_of_map_agrees(const char* what) {
  INFO(what);
  traced_map<Options...> m;
  CHECK(m.census().collection == 0);
  in_own_frame([&] {
    for (std::size_t i = 0; i < many; ++i) m.try_emplace(i, new_object(i));
    for (std::size_t i = 0; i < many; i += 3) m.erase(i);
  });
  GC_gcollect();
  const map_census c = m.census();
  const map_stats s = m.stats();
  CHECK(c.collection == GC_get_gc_no());
  CHECK(c.uncounted == 0);
  CHECK(c.live == m.size());
  CHECK(c.dirty == s.dirty);
  CHECK(c.dead == s.dead);
  CHECK(c.overflow == s.overflow_in_use);
  CHECK(c.live < many);
}

}  // namespace

TEST_CASE("each map has its census, and writes work through it", "[boehm][maps]") {
  using namespace deletion;
  census_of_map_agrees<dirty>("flat");
  census_of_map_agrees<grouped, tombstone_not_reusing>("grouped");
  census_of_map_agrees<tombstone_not_reusing, overflow::preallocated>("overflow in the array");
  census_of_map_agrees<layout::open_groups<8>, dirty>("open");
  census_of_map_agrees<layout::open_groups<>, tombstone>("open, tombstone");
  census_of_map_agrees<layout::bucket_chain<bucket_options{.inline_limit_bytes = 0}>, dirty>("boxed");

  traced_map<grouped, purging<dirty, census>> m;
  in_own_frame([&] {
    for (std::size_t i = 0; i < many; ++i) m.try_emplace(i, new_object(i));
    for (std::size_t i = 0; i < many; ++i) {
      if (i % 4 != 0) m.erase(i);
    }
  });
  const std::size_t dirty_entries = m.stats().dirty;
  GC_gcollect();
  CHECK(m.stats().dirty == dirty_entries);
  CHECK(m.census().blocks_with_work > 1);
  for (std::size_t i = 0; m.stats().dirty != 0; ++i) {
    REQUIRE(i < m.bucket_count());
    m.try_emplace(0, nullptr);
  }
  std::size_t intact = 0;
  for (const auto& [key, object] : m) intact += *object == pattern(key) ? 1 : 0;
  CHECK(intact == many / 4);

  map<u64, u64*, boehm_map_aware, hashing::identity, purging<tombstone, census>> chained;
  in_own_frame([&] {
    for (std::size_t i = 0; i < 64; ++i) chained.try_emplace(i << 20, new_object(i));
    for (std::size_t i = 8; i < 64; ++i) chained.erase(i << 20);
  });
  CHECK(chained.stats().overflow_in_use == 7);
  GC_gcollect();
  CHECK(chained.census().overflow_empty == 7);
  chained.try_emplace(0, nullptr);
  CHECK(chained.stats().overflow_in_use == 0);
  CHECK(chained.check_invariants() == nullptr);
}

// ---- shapes of blocks

namespace {
struct alignas(64) wide {
  u64* to;
};
}  // namespace

TEST_CASE("over-aligned entries, pointer-free ones, and maps that share a pool", "[boehm][maps]") {
  witnesses w(many);
  {
    map<u64, wide, boehm_map_aware, layout::bucket_chain<bucket_options{.inline_limit_bytes = 256}>> m;
    in_own_frame([&] {
      for (std::size_t i = 0; i < many; ++i) {
        u64* const object = new_object(i);
        w.watch(i, object);
        m.try_emplace(i, wide{object});
      }
    });
    collect_all();
    CHECK(w.alive() == many);
    std::size_t askew = 0;
    for (const auto& [key, value] : m) askew += reinterpret_cast<std::uintptr_t>(&value) % 64 == 0 ? 0 : 1;
    CHECK(askew == 0);
  }
  {
    // Overflow buckets of entries that cannot point hang on links alone.
    map<u64, u64, boehm_map_aware, hashing::identity> chained;
    map<u64, u64, boehm_map_aware, layout::open_groups<>> open;
    for (u64 i = 0; i < 640; ++i) chained[i % 64 << 20 | i / 64] = i, open[i] = i;
    collect_all();
    write_over_freed(160, 1'000);
    const marking_counts seen = counted_collection();
    CHECK(seen.entry_bytes == 0);
    std::size_t wrong = 0;
    for (u64 i = 0; i < 640; ++i) wrong += chained.at(i % 64 << 20 | i / 64) == i && open.at(i) == i ? 0 : 1;
    CHECK(wrong == 0);
    root = nullptr;
  }
  STATIC_REQUIRE(std::is_same_v<gc::boehm_for<u64, std::string>, gc::boehm_pointer_free>);
  STATIC_REQUIRE(std::is_same_v<gc::boehm_for<u64, wide>, boehm_map_aware>);
}

TEST_CASE("a pooled bucket does not become one of another kind of map", "[boehm][maps]") {
  overflow::pool spare{boehm_map_aware{}};
  using pool = overflow::shared_pool;
  map<u64, u64, boehm_map_aware, hashing::identity, pool> numbers(100, pool{spare});
  map<u64, u64*, boehm_map_aware, hashing::identity, pool> pointers(100, pool{spare});
  for (u64 i = 0; i < 64; ++i) numbers[i << 20] = i;
  for (u64 i = 0; i < 64; ++i) numbers.erase(i << 20);
  CHECK(spare.kept() >= 7);
  witnesses w(64);
  in_own_frame([&] {
    for (u64 i = 0; i < 64; ++i) {
      u64* const object = new_object(i);
      w.watch(i, object);
      pointers.try_emplace(i << 20, object);
    }
  });
  CHECK(spare.kept() >= 7);
  collect_all();
  CHECK(w.alive() == 64);
}

TEST_CASE("map-aware storage obeys the allocation laws", "[boehm][maps]") {
  const GC_warn_proc before = GC_get_warn_proc();
  GC_set_warn_proc(&GC_ignore_warn_proc);
  std::vector<std::string> broken;
  const auto note = [&](const std::string& what) { broken.push_back(what); };
  laws::check_allocation(boehm_map_aware{}, note);
  GC_set_warn_proc(before);
  CHECK(broken == std::vector<std::string>{});
  // By slots, which the laws do not ask for.
  const trace_info& trace = layout::bucket_chain<>::model<u64, u64*, deletion_facts{}, sizing::power_of_two::mapper>::trace;
  for (const std::size_t align : {8u, 16u, 32u, 64u, 4096u}) {
    for (const std::size_t bytes : {144u, 1'440u, 144'000u}) {
      const request r{.bytes = bytes, .align = align, .use = purpose::slots, .trace = &trace};
      auto* const p = static_cast<unsigned char*>(boehm_map_aware{}.try_allocate(r));
      REQUIRE(p != nullptr);
      CHECK(reinterpret_cast<std::uintptr_t>(p) % align == 0);
      std::size_t dirty = 0;
      for (std::size_t i = 0; i < bytes; ++i) dirty += p[i] != 0 ? 1 : 0;
      CHECK(dirty == 0);
      boehm_map_aware{}.deallocate(p, r);
    }
  }
}

// ---- incremental mode, which cannot be left again, and interior pointers off: each in a child

namespace {

template <class F>
int in_child(F work) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) _exit(work());
  int status = 0;
  waitpid(child, &status, 0);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

// Insertions, erasures and replacements between collections that allocation drives. Every object is checked when it
// is taken out or replaced.
template <class Map>
bool churns_without_loss() {
  Map m;
  u64 at = 88172645463325252u;
  for (std::size_t step = 0; step < 40'000; ++step) {
    at ^= at << 13, at ^= at >> 7, at ^= at << 17;
    const u64 key = at % 3'000;
    if (const auto found = m.find(key); found != m.end()) {
      if (*found->second != pattern(key)) return false;
      if (step % 2 == 0) {
        m.erase(key);
      } else {
        found->second = new_object(key);
      }
    } else {
      m.try_emplace(key, new_object(key));
    }
  }
  for (const auto& [key, object] : m) {
    if (*object != pattern(key)) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("incremental mode loses nothing, whatever the shape", "[boehm][maps]") {
  CHECK(in_child([] {
          GC_enable_incremental();
          if (GC_is_incremental_mode() == 0) return 0;  // not supported here
          const auto before = GC_get_gc_no();
          if (!churns_without_loss<traced_map<deletion::dirty>>()) return 1;
          if (!churns_without_loss<traced_map<grouped, growth::incremental<2>>>()) return 2;
          if (!churns_without_loss<traced_map<layout::open_groups<>, deletion::tombstone>>()) return 3;
          // How soon libgc begins a cycle is its own affair.
          for (int more = 0; more < 30 && GC_get_gc_no() <= before + 2; ++more)
            if (!churns_without_loss<traced_map<deletion::dirty>>()) return 1;
          return GC_get_gc_no() > before + 2 ? 0 : 4;
        }) == 0);
}

TEST_CASE("with interior pointers off, blocks are found behind their headers", "[boehm][maps]") {
  if (GC_is_init_called() != 0) {
    WARN("not run: libgc is initialised already; run this test alone");
    return;
  }
  CHECK(in_child([] {
          GC_set_all_interior_pointers(0);
          GC_INIT();
          if (!churns_without_loss<traced_map<grouped>>()) return 1;
          if (!churns_without_loss<traced_map<layout::open_groups<>>>()) return 2;
          if (!gc::boehm_accepts_tags(7)) return 3;
          // A tagged pointer, in the heap and nowhere else.
          witnesses w(1'000);
          traced_map<> m;
          in_own_frame([&] {
            for (std::size_t i = 0; i < 1'000; ++i) {
              u64* const object = new_object(i);
              w.watch(i, object);
              m.try_emplace(i, reinterpret_cast<u64*>(reinterpret_cast<std::uintptr_t>(object) | (i % 8)));
            }
          });
          collect_all();
          return w.alive() == 1'000 ? 0 : 4;
        }) == 0);
}

// ---- roots and threads

TEST_CASE("tags that libgc cannot recognise are refused", "[boehm][maps]") {
  CHECK(gc::boehm_accepts_tags(0));
  CHECK(gc::boehm_accepts_tags(0b111));
  CHECK_FALSE(gc::boehm_accepts_tags(0b1'0000));
  CHECK_FALSE(gc::boehm_accepts_tags(std::uintptr_t{1} << 56));
}

TEST_CASE("ten thousand maps in malloc memory are roots, and none without", "[boehm][maps]") {
  constexpr std::size_t n = 10'000;
  using small_map = traced_map<>;
  using rooted_map = gc::boehm_rooted<small_map>;
  witnesses w(n);
  auto* const maps = static_cast<rooted_map*>(std::calloc(n, sizeof(rooted_map)));
  in_own_frame([&] {
    for (std::size_t i = 0; i < n; ++i) {
      u64* const object = new_object(i);
      w.watch(i, object);
      (*::new (static_cast<void*>(maps + i)) rooted_map)->try_emplace(i, object);
    }
  });
  CHECK(gc::boehm_root::count() == n);
  collect_all();
  CHECK(w.alive() == n);
  std::size_t intact = 0;
  for (std::size_t i = 0; i < n; ++i) intact += *maps[i]->at(i) == pattern(i) ? 1 : 0;
  CHECK(intact == n);
  for (std::size_t i = 0; i < n; ++i) std::destroy_at(maps + i);
  std::free(maps);
  CHECK(gc::boehm_root::count() == 0);

  // The control: nobody looks at this one.
  witnesses unseen(many);
  auto* const hidden = static_cast<small_map*>(std::calloc(1, sizeof(small_map)));
  in_own_frame([&] {
    ::new (static_cast<void*>(hidden)) small_map;
    for (std::size_t i = 0; i < many; ++i) {
      u64* const object = new_object(i);
      unseen.watch(i, object);
      hidden->try_emplace(i, object);
    }
  });
  collect_all();
  CHECK(unseen.alive() < many / 50);
  std::free(hidden);
}

TEST_CASE("registered threads work on maps of their own while others collect", "[boehm][maps]") {
  gc::boehm_thread::allow();
  std::atomic<int> failed{0};
  const auto work = [&failed](auto* map_type) {
    const gc::boehm_thread registered;
    if (!churns_without_loss<std::remove_pointer_t<decltype(map_type)>>()) failed.fetch_add(1);
  };
  std::thread a(work, static_cast<traced_map<deletion::dirty>*>(nullptr));
  std::thread b(work, static_cast<traced_map<layout::open_groups<>, deletion::tombstone>*>(nullptr));
  for (int i = 0; i < 20; ++i) GC_gcollect();
  a.join();
  b.join();
  CHECK(failed == 0);
}

namespace {

constexpr u64 shared_keys = 256;

struct visited_calls {
  template <class Map>
  static void store(Map& m, u64 key) {
    m.insert_or_assign(key, new_object(key));
  }
  template <class Map, class F>
  static void see(const Map& m, u64 key, F&& f) {
    m.cvisit(key, [&f](const auto& e) { f(e.second); });
  }
};
struct sync_map_calls {
  template <class Map>
  static void store(Map& m, u64 key) {
    m.store(key, new_object(key));
  }
  template <class Map, class F>
  static void see(const Map& m, u64 key, F&& f) {
    m.visit(key, f);
  }
};

// Two registered threads store, look at and erase the objects of one map, while this one collects: how many held
// something else than was stored, and how many are there at the end.
template <class Calls, class Map>
std::pair<int, std::size_t> shared_by_two_threads() {
  gc::boehm_thread::allow();
  Map m;
  std::atomic<int> lost{0};
  std::atomic<bool> enough{false};
  const auto look_at = [&](u64 key) {
    Calls::see(m, key, [&lost, key](const u64* object) { lost += *object == pattern(key) ? 0 : 1; });
  };
  const auto work = [&](u64 thread) {
    const gc::boehm_thread registered;
    for (u64 i = 0; i < 1'000 || !enough.load(); ++i) {
      Calls::store(m, mix(2 * i + thread) % shared_keys);
      look_at(mix(3 * i + thread) % shared_keys);
      if (i % 3 == 0) m.erase(mix(5 * i + thread) % shared_keys);
    }
  };
  std::thread a(work, 0), b(work, 1);
  for (int collections = 0; collections < 20; ++collections) {
    GC_gcollect();
    std::this_thread::yield();
  }
  enough.store(true);
  a.join();
  b.join();
  collect_all();
  std::size_t left = 0;
  for (u64 key = 0; key < shared_keys; ++key) {
    look_at(key);
    Calls::see(m, key, [&left](const u64*) { ++left; });
  }
  return {lost.load(), left};
}

// Keys that share a bucket: nothing but the list leads libgc to the chain behind it.
template <class Storage>
void check_list_of_overflow_buckets() {
  map<u64, u64, Storage, hashing::identity> m;
  const auto list_bytes = [&m] {
    std::size_t bytes = 0;
    for (const auto& part : m.memory_report()) bytes += part.use == purpose::side ? part.size_bytes * part.count : 0;
    return bytes;
  };
  m.reserve(100);
  const auto check_all = [&](u64 from, u64 to) {
    collect_all();
    write_over_freed(152, 200);
    bool all = m.size() == to - from;
    for (u64 i = from; i < to; ++i) all = all && m.find(i << 40) != m.end() && m.at(i << 40) == i;
    CHECK(all);
    CHECK(m.check_invariants() == nullptr);
  };
  for (u64 i = 0; i < 800; ++i) m[i << 40] = i;
  const std::size_t most = list_bytes();
  CHECK(most >= 99 * sizeof(void*));
  check_all(0, 800);
  for (u64 i = 0; i < 780; ++i) {
    m.erase(i << 40);
    if (i % 260 == 259) check_all(i + 1, 800);
  }
  CHECK(list_bytes() <= most / 8);
  for (u64 i = 740; i < 780; ++i) m[i << 40] = i;
  check_all(740, 800);
}

}  // namespace

TEST_CASE("registered threads share one map while another collects", "[boehm][maps]") {
  SECTION("striped, map-aware") {
    using shared_map = map<u64, u64*, boehm_map_aware, sync::striped<4>, growth::incremental<1>>;
    const auto [lost, left] = shared_by_two_threads<visited_calls, shared_map>();
    CHECK(lost == 0);
    CHECK(left > shared_keys / 4);
  }
  SECTION("one lock, map-aware, dirty") {
    using shared_map = map<u64, u64*, boehm_map_aware, sync::shared_mutex, deletion::dirty>;
    CHECK(shared_by_two_threads<visited_calls, shared_map>().first == 0);
  }
  SECTION("go_sync_map, scanned") {
    CHECK(shared_by_two_threads<sync_map_calls, go_sync_map<u64, u64*, boehm_scanned>>().first == 0);
  }
  SECTION("go_sync_map, map-aware") {
    CHECK(shared_by_two_threads<sync_map_calls, go_sync_map<u64, u64*, boehm_map_aware>>().first == 0);
  }
}

TEST_CASE("the list that keeps overflow buckets grows and shrinks with them, and none is lost", "[boehm][maps]") {
  check_list_of_overflow_buckets<gc::boehm_pointer_free>();
  check_list_of_overflow_buckets<gc::boehm_overflow_left>();
}
