// SPDX-License-Identifier: Apache-2.0
// What breaks collectors, on the precise heap, as far as the other units do not have it; docs/collectors.md
// lists all of it by test. With TOPHASH_WALK_EVERY_POINT (test.sh --long) at full size.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include <tophash/framework/layout/open_groups.hpp>
#include <tophash/gc/precise_heap.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/deletion/tombstone.hpp>
#include <tophash/policies/growth/incremental.hpp>
#include <tophash/policies/growth/shrinking.hpp>
#include <tophash/weak_map.hpp>

namespace {

using namespace tophash;
using gc::map_place;
using gc::precise;
using gc::precise_heap;
using gc::root;
using u64 = std::uint64_t;

struct bead {
  u64 stamp = 0;
  gc::member<bead> next;
  explicit bead(u64 s = 0) noexcept : stamp(s) {}
};

// An object with a map inside, as a value of a weak map.
struct scope {
  map<u64, bead*, precise> names;
  explicit scope(precise_heap& heap) : names(precise(heap, map_place::in_object)) {}
};

using weak_links = weak_map<bead*, bead*, precise>;
using weak_scopes = weak_map<bead*, scope*, precise>;

// Owns a weak map that ends with it, in the sweep.
struct owner {
  std::unique_ptr<weak_links> table;
  explicit owner(precise_heap& heap) : table(std::make_unique<weak_links>(precise(heap))) {}
};

// Says that it holds no pointer, and does.
struct liar {
  bead* hidden = nullptr;
};

// Tells its end.
struct counted {
  std::vector<u64>* died;
  u64 id;
  counted(std::vector<u64>* d, u64 i) noexcept : died(d), id(i) {}
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;
  ~counted() { died->push_back(id); }
};

}  // namespace

template <>
struct tophash::gc_traits<counted> : tophash::gc::holds_no_pointers {};
template <>
struct tophash::gc_traits<bead> {
  static constexpr bool may_contain_pointers = true;
  static void trace(pointer_visitor& visit, const bead& l) { trace_pointers(visit, l.next); }
};
template <>
struct tophash::gc_traits<scope> {
  static constexpr bool may_contain_pointers = true;
  static void trace(pointer_visitor& visit, const scope& s) { trace_pointers(visit, s.names); }
};
template <>
struct tophash::gc_traits<owner> : tophash::gc::holds_no_pointers {};
template <>
struct tophash::gc_traits<liar> : tophash::gc::holds_no_pointers {};

namespace {

bool at_full_size() { return std::getenv("TOPHASH_WALK_EVERY_POINT") != nullptr; }

gc::precise_options by_hand(std::size_t reserved_bytes = std::size_t{64} << 20) {
  gc::precise_options o;
  o.objects = o.blocks = {.reserved_bytes = reserved_bytes, .large_pages = false};
  o.poison_freed = true;
  o.automatic = false;
  return o;
}
std::size_t objects_in(const precise_heap& heap) { return heap.objects().counts().used_slots; }

u64 draw(u64& random, u64 below) {
  random += golden_ratio_bits;
  return multiply_high(mix(random), below);
}

}  // namespace

TEST_CASE("torture: lists from one to ten million deep, and an array of 100 MB", "[precise][torture]") {
  const std::size_t deepest = at_full_size() ? 10'000'000 : 100'000;
  for (std::size_t depth = 1; depth <= deepest; depth *= 10) {
    INFO("depth " << depth);
    precise_heap heap(by_hand(std::size_t{2} << 30));
    root<bead> head = heap.make<bead>(u64{0});
    for (std::size_t i = 1; i < depth; ++i) {
      const root<bead> behind = std::exchange(head, heap.make<bead>(i));
      head->next = behind.get();
    }
    heap.collect();
    REQUIRE(heap.last_marking().objects == depth);
    root<bead> last = heap.keep(head.get());
    while (last->next.get() != nullptr) last = heap.keep(last->next.get());
    last->next = head.get();  // a ring: it does not hold itself
    last.reset();
    head.reset();
    heap.collect();
    REQUIRE(objects_in(heap) == 0);
  }
  const std::size_t wide = at_full_size() ? 13'107'200 : 131'072;
  precise_heap heap(by_hand(std::size_t{1} << 30));
  const root<bead*> array = heap.make_array<bead*>(wide);
  for (std::size_t i = 0; i < wide; i += 1'024) array.get()[i] = heap.make<bead>(i).get();
  std::size_t steps = 1;
  while (!heap.step(4'096)) ++steps;
  CHECK(steps > wide / 8'192);  // read in pieces
  CHECK(objects_in(heap) == 1 + wide / 1'024);
  CHECK(array.get()[wide - 1'024]->stamp == wide - 1'024);
}

TEST_CASE("torture: weak tables that end before their keys, with them, and inside a value",
          "[precise][torture]") {
  precise_heap heap(by_hand());
  const root<bead> key = heap.make<bead>(u64{1});
  {
    weak_links short_lived{precise(heap)};
    short_lived.insert_or_assign(key.get(), heap.make<bead>(u64{2}).get());
    heap.collect();
    CHECK(objects_in(heap) == 2);
  }
  heap.collect();
  CHECK(objects_in(heap) == 1);
  heap.step(1);
  {
    weak_links within_a_cycle{precise(heap)};
    within_a_cycle.insert_or_assign(key.get(), key.get());
    REQUIRE(heap.is_marking());
  }
  heap.collect();

  // A table that a dead object owns ends in the sweep; one that a live key owns goes on.
  root<owner> lives = heap.make<owner>(heap);
  {
    const root<owner> dies = heap.make<owner>(heap);
    dies->table->insert_or_assign(key.get(), heap.make<bead>(u64{3}).get());
  }
  lives->table->insert_or_assign(key.get(), heap.make<bead>(u64{4}).get());
  heap.collect();
  heap.collect();
  CHECK(lives->table->get(key.get())->stamp == 4);
  CHECK(objects_in(heap) == 3);
  lives.reset();
  heap.collect();
  heap.collect();
  CHECK(objects_in(heap) == 1);
  CHECK(heap.blocks().live_bytes() == 0);

  // Values with maps inside, whose entries are keys of another weak table; each leads back to its own key.
  weak_scopes scopes{precise(heap)};
  weak_links behind{precise(heap)};
  std::vector<root<bead>> keys;
  for (u64 i = 0; i < 60; ++i) {
    keys.push_back(heap.make<bead>(i));
    const root<scope> value = heap.make<scope>(heap);
    scopes.insert_or_assign(keys.back().get(), value.get());
    value->names.insert_or_assign(0, keys.back().get());
    const root<bead> inner = heap.make<bead>(100 + i);
    value->names.insert_or_assign(1, inner.get());
    behind.insert_or_assign(inner.get(), heap.make<bead>(200 + i).get());
  }
  keys.resize(20);
  heap.collect();
  CHECK(scopes.size() == 20);
  CHECK(behind.size() == 20);
  for (const auto& k : keys) {
    bead* const inner = scopes.get(k.get())->names.at(1);
    CHECK(inner->stamp == 100 + k->stamp);
    CHECK(behind.get(inner)->stamp == 200 + k->stamp);
  }
}

TEST_CASE("torture: weak tables of every layout hold their values", "[precise][torture]") {
  const auto holds = [](const char* what, auto tag) {
    INFO(what);
    precise_heap heap(by_hand());
    typename decltype(tag)::type table{precise(heap)};
    std::vector<root<bead>> keys;
    for (u64 i = 0; i < 200; ++i) {
      keys.push_back(heap.make<bead>(i));
      const root<bead> value = heap.make<bead>(1'000 + i);
      value->next = keys.back().get();
      table.insert_or_assign(keys.back().get(), value.get());
    }
    keys.resize(50);
    heap.collect();
    CHECK(table.size() == 50);
    CHECK(objects_in(heap) == 100);
    for (const root<bead>& key : keys) {
      const bead* const value = table.get(key.get());
      REQUIRE((value != nullptr && value->stamp == 1'000 + key->stamp));
    }
  };
  using split = layout::bucket_chain<bucket_options{.arrange = arrangement::split}>;
  using boxed = layout::bucket_chain<bucket_options{.inline_limit_bytes = 8}>;
  holds("chained", std::type_identity<weak_links>());
  holds("chained, split", std::type_identity<weak_map<bead*, bead*, precise, split>>());
  holds("chained, boxed", std::type_identity<weak_map<bead*, bead*, precise, boxed>>());
  holds("open groups", std::type_identity<weak_map<bead*, bead*, precise, layout::open_groups<>>>());
  holds("open groups of 8", std::type_identity<weak_map<bead*, bead*, precise, layout::open_groups<8>>>());
  holds("nodes", std::type_identity<weak_map<bead*, bead*, precise, layout::nodes>>());
}

TEST_CASE("torture: the map grows, shrinks and is cleared at every point of a cycle", "[precise][torture]") {
  using shrinking = map<u64, bead*, precise, deletion::dirty, growth::shrinking<growth::incremental<1>>>;
  for (std::size_t point = 0; point < 60; point += at_full_size() ? 1 : 5) {
    for (int what = 0; what < 3; ++what) {
      INFO("point " << point << ", what " << what);
      precise_heap heap(by_hand());
      shrinking m{precise(heap)};
      for (u64 i = 0; i < 800; ++i) m.insert_or_assign(i, heap.make<bead>(i).get());
      for (std::size_t i = 0; i < point; ++i) heap.step(30);
      if (what == 0) {
        for (u64 i = 800; i < 2'500; ++i) {
          m.insert_or_assign(i, heap.make<bead>(i).get());
          if (i % 16 == 0) heap.step(30);
        }
      } else if (what == 1) {
        for (u64 i = 0; i < 770; ++i) {
          m.erase(i);
          if (i % 8 == 0) heap.step(30);
        }
        CHECK(m.bucket_count() < 128);
      } else {
        bead* const kept = m.at(7);
        const root<bead> hand = heap.keep(kept);
        m.clear();
        m.insert_or_assign(7, hand.get());
      }
      while (!heap.step(30)) {
      }
      for (const auto& [key, object] : m) REQUIRE(object->stamp == key);
      heap.collect();
      CHECK(objects_in(heap) == m.size());
    }
  }
}

TEST_CASE("torture: pointers in objects that are said to hold none are found out", "[precise][torture]") {
  precise_heap heap(by_hand());
  const root<bead> target = heap.make<bead>(u64{1});
  std::vector<root<liar>> all;
  for (int i = 0; i < 10; ++i) all.push_back(heap.make<liar>());
  CHECK(heap.words_that_lie() == 0);
  for (std::size_t i = 0; i < 3; ++i) all[i]->hidden = target.get();
  CHECK(heap.words_that_lie() == 3);
  map<u64, u64, precise> numbers{precise(heap)};
  for (u64 i = 0; i < 1'000; ++i) numbers[i] = i * golden_ratio_bits;
  CHECK(heap.words_that_lie() == 3);
}

TEST_CASE("torture: what nothing leads to outlives no second cycle", "[precise][torture]") {
  // An object that is dropped while a cycle marks may have been marked by it; the next one takes it.
  std::vector<u64> died;  // outlives the heap, which ends what is left
  died.reserve(100'000);
  precise_heap heap(by_hand());
  map<u64, counted*, precise, deletion::dirty> m{precise(heap)};
  std::unordered_map<u64, u64> dropped_in;  // object: the cycle that was under way, or the last
  u64 random = 3, next = 0, longest = 0;
  for (int i = 0; i < 20'000; ++i) {
    const u64 key = draw(random, 500);
    if (const auto at = m.find(key); at != m.end()) dropped_in[at->second->id] = heap.cycles();
    if (i % 3 == 0) {
      m.erase(key);
    } else {
      m.insert_or_assign(key, heap.make<counted>(&died, next++).get());
    }
    if (i % 2 == 0) heap.step(20);
    for (const u64 id : died) {
      longest = std::max(longest, heap.cycles() - dropped_in.at(id));
      dropped_in.erase(id);
    }
    died.clear();
    // A cycle that began after the drop and has ended must have taken it.
    if (heap.phase() == gc::cycle_phase::idle) {
      for (const auto& [id, cycle] : dropped_in) REQUIRE(heap.cycles() - cycle <= 1);
    }
  }
  CHECK(heap.cycles() > 20);
  CHECK(longest <= 2);  // the one it was dropped in, and the next; the third may have begun
}

TEST_CASE("torture: a fork while a cycle marks: both processes go on with a heap of their own",
          "[precise][torture]") {
  precise_heap heap(by_hand());
  map<u64, bead*, precise, deletion::dirty> m{precise(heap)};
  for (u64 i = 0; i < 1'000; ++i) m.insert_or_assign(i, heap.make<bead>(i).get());
  heap.step(200);
  REQUIRE(heap.is_marking());
  // Writes, collects, and says whether exactly its own entries are left.
  const auto goes_on = [&](u64 first, u64 stamp) {
    for (u64 i = first; i < 1'000; i += 2) m.insert_or_assign(i, heap.make<bead>(stamp + i).get());
    for (u64 i = 1 - first; i < 1'000; i += 4) m.erase(i);
    while (!heap.step(50)) {
    }
    heap.collect();
    bool holds = objects_in(heap) == m.size() && m.size() == 750 && m.check_invariants() == nullptr;
    for (const auto& [key, object] : m) holds = holds && object->stamp == (key % 2 == first ? stamp + key : key);
    return holds;
  };
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) ::_exit(goes_on(0, 10'000) ? 0 : 1);
  CHECK(goes_on(1, 20'000));
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

// ---- memory that is not there

namespace {

// A map, a weak map and what both must hold, made anew for each point at which an allocation fails.
template <class Map>
struct stage {
  precise_heap heap{by_hand(std::size_t{8} << 20)};
  Map m{precise(heap)};
  weak_links weak{precise(heap)};
  std::unordered_map<u64, u64> model;  // key: stamp of its object
  std::vector<root<bead>> keys;        // of the weak map; the value of each leads to the key, and has its stamp
  u64 next = 0;

  stage() {
    for (u64 i = 0; i < 30; ++i) put(i);
    for (u64 i = 0; i < 30; i += 5) m.erase(i), model.erase(i);
    for (int i = 0; i < 20; ++i) hold();
  }
  void put(u64 key) {
    const root<bead> made = heap.make<bead>(next);
    m.insert_or_assign(key, made.get());
    model[key] = next++;
  }
  void hold() {
    const root<bead> key = heap.make<bead>(next), value = heap.make<bead>(next);
    value->next = key.get();
    weak.insert_or_assign(key.get(), value.get());
    keys.push_back(key);
    ++next;
  }
  void check_entries() const {
    REQUIRE(m.check_invariants() == nullptr);
    REQUIRE(m.size() == model.size());
    for (const auto& [key, object] : m) REQUIRE(object->stamp == model.at(key));
    for (const root<bead>& key : keys) {
      const bead* const value = weak.get(key.get());
      REQUIRE(value != nullptr);
      REQUIRE(value->stamp == key->stamp);
      REQUIRE(value->next.get() == key.get());
    }
  }
};

struct refusal_counts {
  std::size_t points = 0, thrown = 0;
};

// The operation with its n-th allocation refused, for each n that it has: that one alone, and all from there
// on. Either it has been done, or it has thrown and nothing has changed; no object is lost, and none is kept;
// and it can be done again.
template <class Map, class Operation>
refusal_counts walk_refusals(const char* what, Operation operation) {
  refusal_counts out;
  for (const u64 burst : {u64{1}, u64{2}, ~u64{0}}) {
    for (u64 nth = 1;; ++nth) {
      INFO(what << ", allocation " << nth << ", " << burst << " refused");
      stage<Map> s;
      s.heap.refuse(nth, burst);
      bool thrown = false;
      try {
        operation(s);
      } catch (const std::bad_alloc&) {
        thrown = true;
      }
      const u64 asked = s.heap.refuse(0);
      s.check_entries();
      if (thrown) {
        ++out.thrown;
        operation(s);
        s.check_entries();
      }
      s.heap.collect();
      s.heap.collect();
      s.check_entries();
      REQUIRE(s.weak.size() == s.keys.size());
      REQUIRE(objects_in(s.heap) == s.model.size() + 2 * s.keys.size());
      if (asked < nth) break;
      ++out.points;
    }
  }
  return out;
}

template <class Map>
void walk_every_operation() {
  using on = stage<Map>;
  const auto inserts = walk_refusals<Map>("insert", [](on& s) { s.put(100); });
  CHECK(inserts.points >= 3);  // its object, at least
  CHECK(inserts.thrown != 0);
  walk_refusals<Map>("replace", [](on& s) { s.put(3); });
  const auto grows = walk_refusals<Map>("grow", [](on& s) {
    for (u64 i = 200; i < 240; ++i) s.put(i);
  });
  CHECK(grows.points > inserts.points);
  CHECK(walk_refusals<Map>("erase", [](on& s) {
          for (u64 i = 0; i < 30; ++i) s.m.erase(i), s.model.erase(i);
        }).thrown == 0);
  CHECK(walk_refusals<Map>("clear", [](on& s) {
          s.m.clear();
          s.model.clear();
        }).thrown == 0);
  CHECK(walk_refusals<Map>("reserve", [](on& s) { s.m.reserve(500); }).thrown != 0);
  CHECK(walk_refusals<Map>("copy", [](on& s) {
          Map copy(s.m);
          swap(s.m, copy);
        }).thrown != 0);
  CHECK(walk_refusals<Map>("ephemeron", [](on& s) { s.hold(); }).thrown != 0);
  CHECK(walk_refusals<Map>("many ephemerons", [](on& s) {
          for (int i = 0; i < 12; ++i) s.hold();
        }).thrown != 0);
  // What marking keeps in lists is refused, too: nothing throws, and what is alive stays.
  const auto purges = walk_refusals<Map>("weak purge", [](on& s) {
    s.keys.resize(s.keys.size() / 2);
    s.heap.collect();
  });
  CHECK(purges.points >= 3);
  CHECK(purges.thrown == 0);
  walk_refusals<Map>("insert while marking", [](on& s) {
    s.heap.step(25);
    for (u64 i = 300; i < 306; ++i) {
      s.put(i);
      s.heap.step(5);
    }
  });
}

}  // namespace

TEST_CASE("torture: every allocation of every operation fails once, and from there on", "[precise][torture]") {
  walk_every_operation<map<u64, bead*, precise, deletion::dirty, growth::incremental<2>>>();
  if (!at_full_size()) return;
  walk_every_operation<map<u64, bead*, precise>>();
  walk_every_operation<map<u64, bead*, precise, deletion::tombstone, layout::open_groups<>>>();
  walk_every_operation<map<u64, bead*, precise, layout::nodes>>();
  using grouped = layout::bucket_chain<bucket_options{.group_bytes = 1024}>;
  walk_every_operation<map<u64, bead*, precise, grouped, growth::shrinking<growth::incremental<1>>>>();
}

TEST_CASE("torture: chains of ephemerons without memory to wait with are kept, and go afterwards",
          "[precise][torture]") {
  // Each value leads to the next key. With the first list refused all are kept; with a later one, those that are
  // reached are kept, however deep.
  constexpr std::size_t deep = 3'000;
  for (u64 nth = 1; nth <= 14; ++nth) {
    INFO("allocation " << nth);
    precise_heap heap(by_hand());
    weak_links chain{precise(heap)};
    root<bead> first = heap.make<bead>(u64{0}), last = heap.keep(first.get());
    for (std::size_t i = 1; i <= deep; ++i) {
      const root<bead> value = heap.make<bead>(i), key = heap.make<bead>(i);
      value->next = key.get();
      chain.insert_or_assign(last.get(), value.get());
      last = key;
    }
    last.reset();
    heap.refuse(nth);
    heap.collect();
    heap.refuse(0);
    REQUIRE(chain.size() == deep);
    REQUIRE(objects_in(heap) == 2 * deep + 1);
    std::size_t walked = 0;
    for (bead* k = first.get(); (k = chain.get(k) == nullptr ? nullptr : chain.get(k)->next.get()) != nullptr;)
      REQUIRE(k->stamp == ++walked);
    REQUIRE(walked == deep);
    first.reset();
    heap.collect();
    CHECK(chain.size() == 0);
    CHECK(objects_in(heap) == 0);
  }
}

TEST_CASE("torture: a soak beside std::unordered_map", "[precise][torture]") {
  const std::size_t operations = at_full_size() ? 20'000'000 : 30'000;
  gc::precise_options o = by_hand(std::size_t{256} << 20);
  o.automatic = true;
  o.min_heap_bytes = 20'000;
  o.step_work = 64;
  precise_heap heap(o);
  map<u64, bead*, precise, deletion::dirty, growth::shrinking<growth::incremental<2>>> m{precise(heap)};
  std::unordered_map<u64, u64> model;
  u64 random = 21;
  for (std::size_t i = 0; i < operations; ++i) {
    // The number of entries swings between 0 and 4,000.
    const u64 key = draw(random, 4'000);
    const bool grows = i / 8'000 % 2 == 0;
    if (draw(random, 10) < (grows ? 7u : 3u)) {
      m.insert_or_assign(key, heap.make<bead>(i).get());
      model[key] = i;
    } else {
      REQUIRE(m.erase(key) == model.erase(key));
    }
    if (i % 2'000 != 0) continue;
    REQUIRE(m.size() == model.size());
    REQUIRE(m.check_invariants() == nullptr);
    for (const auto& [k, object] : m) REQUIRE(object->stamp == model.at(k));
  }
  heap.collect();
  CHECK(objects_in(heap) == model.size());
  CHECK(heap.cycles() > 5);
}
