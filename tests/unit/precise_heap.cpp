// SPDX-License-Identifier: Apache-2.0
// The precise heap: what survives is what can be reached, exactly, for random graphs, every layout and every
// deletion; nothing is lost while marking goes on in steps; what stops a collector elsewhere (deep lists,
// full mark stacks, long arrays, throwing constructors, exhaustion) does not stop it; and it does the same
// each time. Swept objects are poisoned, so a lost one shows in its contents.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <tophash/framework/layout/open_groups.hpp>
#include <tophash/gc/precise_heap.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/deletion/tombstone.hpp>
#include <tophash/policies/growth/incremental.hpp>
#include <tophash/policies/overflow/preallocated.hpp>

#include "laws/allocation.hpp"

namespace {

using namespace tophash;
using gc::cycle_phase;
using gc::map_place;
using gc::member;
using gc::precise;
using gc::precise_heap;
using gc::precise_options;
using gc::root;

constexpr std::uint64_t intact = 0x600d'0b1e'c700'0000u;

// No pointers: never touched by marking.
struct leaf {
  std::uint64_t stamp;
  explicit leaf(std::uint64_t id) noexcept : stamp(intact + id) {}
};

// Pointers to be followed; no destructor.
struct knot {
  std::uint64_t stamp;
  member<knot> a, b;
  explicit knot(std::uint64_t id) noexcept : stamp(intact + id) {}
};

// Counts its destructions.
struct counted {
  static inline std::size_t alive = 0;
  std::uint64_t stamp;
  explicit counted(std::uint64_t id) noexcept : stamp(intact + id) { ++alive; }
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;
  ~counted() { --alive; }
};

struct refuses {
  counted inside{7};
  refuses() { throw 1; }
};

// Compared by what it points to.
struct by_content {
  leaf* at;
  friend bool operator==(by_content a, by_content b) noexcept { return a.at->stamp == b.at->stamp; }
};

// Holds a map, as an object of an interpreter would.
struct table_object {
  std::uint64_t stamp = intact;
  map<std::uint64_t, leaf*, precise> fields;
  explicit table_object(precise_heap& heap) : fields(precise(heap, map_place::in_object)) {}
};

// The same with a map of any layout.
template <class Layout>
struct owner_of {
  map<std::uint64_t, leaf*, precise, Layout> fields;
  explicit owner_of(precise_heap& heap) : fields(precise(heap, map_place::in_object)) {}
};

}  // namespace

template <>
struct tophash::gc_traits<leaf> : tophash::gc::holds_no_pointers {};
template <>
struct tophash::gc_traits<counted> : tophash::gc::holds_no_pointers {};
template <>
struct tophash::gc_traits<by_content> {
  static constexpr bool may_contain_pointers = true;
  static void trace(pointer_visitor& visit, const by_content& key) { visit(key.at); }
};
template <>
struct std::hash<by_content> {
  std::size_t operator()(by_content key) const noexcept { return key.at->stamp; }
};
template <>
struct tophash::gc_traits<refuses> : tophash::gc::holds_no_pointers {};
template <>
struct tophash::gc_traits<knot> {
  static constexpr bool may_contain_pointers = true;
  static void trace(pointer_visitor& visit, const knot& k) {
    trace_pointers(visit, k.a);
    trace_pointers(visit, k.b);
  }
};
template <>
struct tophash::gc_traits<table_object> {
  static constexpr bool may_contain_pointers = true;
  static void trace(pointer_visitor& visit, const table_object& t) { trace_pointers(visit, t.fields); }
};
template <class Layout>
struct tophash::gc_traits<owner_of<Layout>> {
  static constexpr bool may_contain_pointers = true;
  static void trace(pointer_visitor& visit, const owner_of<Layout>& o) { trace_pointers(visit, o.fields); }
};

namespace {

std::uint64_t draw(std::uint64_t& state) noexcept {
  state += golden_ratio_bits;
  return mix(state);
}
std::size_t below(std::uint64_t& state, std::size_t n) noexcept {
  return static_cast<std::size_t>(multiply_high(draw(state), n));
}

precise_options small_heap() {
  precise_options o;
  o.objects = o.blocks = {.reserved_bytes = std::size_t{64} << 20, .large_pages = false};
  o.poison_freed = true;
  return o;
}
precise_options by_hand() {
  precise_options o = small_heap();
  o.automatic = false;
  return o;
}

std::size_t objects_in(const precise_heap& heap) { return heap.objects().counts().used_slots; }

using chain = layout::bucket_chain<>;
using grouped = layout::bucket_chain<bucket_options{.arrange = arrangement::split, .group_bytes = 1024}>;
using boxed = layout::bucket_chain<bucket_options{.inline_limit_bytes = 8}>;
template <class... Options>
using map_of = map<std::uint64_t, leaf*, precise, Options...>;

using plain_chain = map_of<chain>;
using dirty_groups = map_of<grouped, deletion::dirty, growth::incremental<2>>;
using tombstone_chain = map_of<chain, deletion::tombstone, overflow::preallocated>;
using tombstone_open = map_of<layout::open_groups<>, deletion::tombstone>;
using dirty_open = map_of<layout::open_groups<>, deletion::dirty, growth::incremental<1>>;
using small_open = map_of<layout::open_groups<8>>;
using in_nodes = map_of<layout::nodes>;
using in_boxes = map_of<boxed, deletion::dirty>;

template <class Map>
Map map_on(precise_heap& heap, map_place place = map_place::outside) {
  return Map(precise(heap, place), typename Map::spec_type::hashing{42});
}

}  // namespace

TEMPLATE_TEST_CASE("precise heap: erased entries keep nothing alive", "[precise]", plain_chain, dirty_groups,
                   tombstone_chain, tombstone_open, dirty_open, small_open, in_nodes, in_boxes) {
  constexpr std::uint64_t n = 2'000;
  precise_heap heap(by_hand());
  TestType m = map_on<TestType>(heap);
  for (std::uint64_t i = 0; i < n; ++i) m.insert_or_assign(i, heap.make<leaf>(i).get());
  heap.collect();
  CHECK(objects_in(heap) == n);
  for (std::uint64_t i = 0; i < n; i += 2) m.erase(i);
  heap.collect();
  CHECK(objects_in(heap) == n / 2);
  CHECK(heap.last_marking().objects == n / 2);
  for (const auto& [key, object] : m) CHECK(object->stamp == intact + key);
  // Again into the same slots, the old values gone.
  for (std::uint64_t i = 0; i < n; i += 4) m.insert_or_assign(i, heap.make<leaf>(i).get());
  heap.collect();
  CHECK(objects_in(heap) == n / 2 + n / 4);
  for (const auto& [key, object] : m) CHECK(object->stamp == intact + key);
  m.clear();
  heap.collect();
  CHECK(objects_in(heap) == 0);
}

namespace {

// The storage as it would be if marking did not look at tags: the control that the test above can fail.
struct every_slot {
  using axis = axes::allocation;
  static constexpr tophash::visibility visibility = tophash::visibility::typed;
  precise inner;

  static request blinded(const request& r) {
    static std::vector<std::pair<const trace_info*, std::unique_ptr<trace_info>>> made;
    if (r.trace == nullptr) return r;
    request out = r;
    for (const auto& [from, to] : made) {
      if (from == r.trace) return out.trace = to.get(), out;
    }
    made.emplace_back(r.trace, std::make_unique<trace_info>(*r.trace));
    made.back().second->first_live_tag = 0;
    made.back().second->dirty_bit = 0;
    return out.trace = made.back().second.get(), out;
  }
  void* try_allocate(const request& r) const noexcept {
    void* const block = inner.try_allocate(blinded(r));
    if (block != nullptr) std::memset(block, 0, r.bytes);
    return block;
  }
  void deallocate(void* p, const request& r) const noexcept { inner.deallocate(p, blinded(r)); }
  void entry_stored(const trace_info& t, const void* key, const void* value) const noexcept {
    inner.entry_stored(t, key, value);
  }
  [[maybe_unused]] friend bool operator==(every_slot a, every_slot b) noexcept { return a.inner == b.inner; }
};

// How many of 1,000 erased entries keep their values when every slot is traced.
template <class... Options>
std::size_t kept_blindly() {
  precise_heap heap(by_hand());
  map<std::uint64_t, leaf*, every_slot, Options...> m{every_slot{precise(heap)}};
  for (std::uint64_t i = 0; i < 2'000; ++i) m.insert_or_assign(i, heap.make<leaf>(i).get());
  for (std::uint64_t i = 0; i < 2'000; i += 2) m.erase(i);
  heap.collect();
  return objects_in(heap) - 1'000;
}

}  // namespace

TEST_CASE("precise heap: the control, slots traced whatever their tag says", "[precise]") {
  CHECK(kept_blindly<chain>() > 900);
  CHECK(kept_blindly<chain, deletion::tombstone>() > 900);
  CHECK(kept_blindly<chain, deletion::dirty>() == 1'000);
}

TEST_CASE("precise heap: storage obeys the allocation laws", "[precise]") {
  precise_heap heap(small_heap());
  std::vector<std::string> breaches;
  const auto report = [&](const std::string& what) { breaches.push_back(what); };
  laws::check_allocation(precise(heap), report);
  laws::check_allocation_pair(precise(heap), precise(heap), report);
  laws::check_allocation_pair(precise(heap), precise(heap, map_place::in_object), report);
  CHECK(breaches == std::vector<std::string>{});
  CHECK(heap.blocks().live_bytes() == 0);
  STATIC_REQUIRE(gc::collector<precise_heap>);
  STATIC_REQUIRE(sizeof(precise) <= 2 * sizeof(void*));
}

// ---- graphs

TEST_CASE("precise heap: survivors of random graphs are those that can be reached", "[precise]") {
  for (const std::size_t stack_max : {std::size_t{1}, std::size_t{16}, SIZE_MAX}) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      INFO("stack of " << stack_max << ", seed " << seed);
      precise_options o = by_hand();
      o.mark_stack_max = stack_max;
      precise_heap heap(o);
      std::uint64_t random = seed;
      struct shadow {
        knot* object;
        std::size_t a, b;  // n: none
      };
      constexpr std::size_t n = 600;
      std::vector<shadow> all;
      std::vector<root<knot>> roots;
      {
        std::vector<root<knot>> held;
        for (std::size_t i = 0; i < n; ++i) {
          held.push_back(heap.make<knot>(i));
          all.push_back({held[i].get(), n, n});
        }
        for (shadow& s : all) {
          if (below(random, 3) != 0) s.a = below(random, n), s.object->a = all[s.a].object;
          if (below(random, 4) == 0) s.b = below(random, n), s.object->b = all[s.b].object;
        }
        for (std::size_t i = 0; i < 5; ++i) roots.push_back(held[below(random, n)]);
      }
      std::vector<char> reached(n, 0);
      std::vector<std::size_t> todo;
      for (std::size_t i = 0; i < n; ++i) {
        for (const auto& r : roots) {
          if (r.get() == all[i].object) todo.push_back(i);
        }
      }
      while (!todo.empty()) {
        const std::size_t i = todo.back();
        todo.pop_back();
        if (i == n || std::exchange(reached[i], char{1}) != 0) continue;
        todo.push_back(all[i].a);
        todo.push_back(all[i].b);
      }
      const auto expected = static_cast<std::size_t>(std::count(reached.begin(), reached.end(), char{1}));
      heap.collect();
      CHECK(heap.last_marking().objects == expected);
      CHECK(objects_in(heap) == expected);
      for (std::size_t i = 0; i < n; ++i) {
        if (reached[i] != 0) CHECK(all[i].object->stamp == intact + i);
      }
      if (stack_max == 1) CHECK(heap.last_marking().rescans > 0);
    }
  }
}

TEST_CASE("precise heap: deep lists, rings, long arrays", "[precise]") {
  precise_heap heap(by_hand());
  constexpr std::size_t n = 200'000;
  root<knot> head = heap.make<knot>(0u);
  for (std::size_t i = 1; i < n; ++i) {
    root<knot> next = heap.make<knot>(i);
    next->a = head.get();
    head = std::move(next);
  }
  heap.collect();
  CHECK(heap.last_marking().objects == n);
  head->b = head.get();
  root<knot> second = head;
  head.reset();
  heap.collect();
  CHECK(heap.last_marking().objects == n);
  second.reset();
  heap.collect();
  CHECK(objects_in(heap) == 0);

  root<knot*> array = heap.make_array<knot*>(100'000);
  CHECK(precise_heap::count_of(array.get()) == 100'000);
  for (std::size_t i = 0; i < 100'000; i += 100) array.get()[i] = heap.make<knot>(i).get();
  heap.collect();
  CHECK(heap.last_marking().objects == 1'001);
  CHECK(array.get()[99'900]->stamp == intact + 99'900);
  // No step reads all of it: the stall of a long array is bounded.
  std::size_t steps = 1;
  while (!heap.step(1'000)) ++steps;
  CHECK(steps > 90);
  CHECK(objects_in(heap) == 1'001);
}

TEST_CASE("precise heap: roots are handles and scopes", "[precise]") {
  precise_heap heap(by_hand());
  CHECK(heap.make<leaf>(1u).get() != nullptr);
  heap.collect();
  CHECK(objects_in(heap) == 0);
  {
    gc::root_scope<4> outer(heap);
    leaf* const kept = outer.keep(heap.make<leaf>(2u).get());
    {
      gc::root_scope<2> inner(heap);
      inner.keep(heap.make<leaf>(3u).get());
      heap.collect();
      CHECK(objects_in(heap) == 2);
    }
    heap.collect();
    CHECK(objects_in(heap) == 1);
    CHECK(kept->stamp == intact + 2);
  }
  root<leaf> a = heap.make<leaf>(4u), b = a, c;
  c = std::move(a);
  CHECK((!a && b == c));
  b.reset();
  heap.collect();
  CHECK(objects_in(heap) == 1);
  CHECK(c->stamp == intact + 4);
  c = root<leaf>{};
  heap.collect();
  CHECK(objects_in(heap) == 0);
  CHECK_FALSE(heap.owns(&heap));
}

TEST_CASE("precise heap: destructors run once, at the sweep or at the end", "[precise]") {
  counted::alive = 0;
  {
    precise_heap heap(by_hand());
    root<counted> kept = heap.make<counted>(1u);
    for (std::uint64_t i = 0; i < 500; ++i) heap.make<counted>(i);
    CHECK(counted::alive == 501);
    heap.collect();
    CHECK(counted::alive == 1);
    CHECK(kept->stamp == intact + 1);
    CHECK_THROWS_AS(heap.make<refuses>(), int);
    CHECK(counted::alive == 1);
    CHECK(objects_in(heap) == 1);
    heap.step(1);  // while marking it may be known to the collector, and goes with the sweep
    REQUIRE(heap.is_marking());
    CHECK_THROWS_AS(heap.make<refuses>(), int);
    heap.collect();
    CHECK(objects_in(heap) == 1);
    kept.reset();
  }
  CHECK(counted::alive == 0);
}

// ---- maps in steps

namespace {

// A map and a model of it under random operations, with the collector in small steps in between.
template <class Map>
void churn(precise_heap& heap, std::uint64_t seed, std::size_t operations, std::size_t step_work) {
  Map m = map_on<Map>(heap);
  std::vector<std::uint64_t> versions(400, 0);  // 0: absent
  std::uint64_t random = seed, made = 0;
  const auto check = [&] {
    std::size_t present = 0;
    for (std::uint64_t key = 0; key < versions.size(); ++key) {
      const auto at = m.find(key);
      REQUIRE((at != m.end()) == (versions[key] != 0));
      if (versions[key] == 0) continue;
      ++present;
      REQUIRE(at->second->stamp == intact + versions[key]);
    }
    REQUIRE(m.size() == present);
    REQUIRE(m.check_invariants() == nullptr);
  };
  for (std::size_t i = 0; i < operations; ++i) {
    const std::uint64_t key = below(random, versions.size());
    switch (below(random, 10)) {
    case 0:
    case 1:
    case 2:
    case 3: {
      const root<leaf> object = heap.make<leaf>(++made);
      m.insert_or_assign(key, object.get());
      versions[key] = made;
      break;
    }
    case 4:
    case 5:
    case 6:
      m.erase(key);
      versions[key] = 0;
      break;
    case 7:
    case 8: {
      // The object moves from one key to another: only the barrier may know of it.
      const auto at = m.find(key);
      if (at == m.end()) break;
      leaf* const object = at->second;
      const std::uint64_t to = below(random, versions.size());
      if (to == key) break;
      m.insert_or_assign(to, object);
      versions[to] = versions[key];
      m.erase(key);
      versions[key] = 0;
      break;
    }
    default:
      if (below(random, 400) == 0) {
        m.clear();
        std::fill(versions.begin(), versions.end(), 0);
      } else if (below(random, 50) == 0) {
        Map other(std::move(m));
        m = std::move(other);
      } else if (below(random, 50) == 0) {
        Map copy(m);
        swap(m, copy);
      }
    }
    if (step_work != 0) heap.step(step_work);
    if (i % 512 == 0) check();
  }
  check();
  heap.collect();
  check();
  std::vector<const leaf*> distinct;
  for (const auto& [key, object] : m) distinct.push_back(object);
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  CHECK(objects_in(heap) == distinct.size());
}

}  // namespace

TEMPLATE_TEST_CASE("precise heap: no entry is lost while marking goes on in steps", "[precise]", plain_chain,
                   dirty_groups, tombstone_chain, tombstone_open, dirty_open, in_nodes, in_boxes) {
  for (const std::size_t work : {1u, 7u, 60u}) {
    precise_heap heap(by_hand());
    churn<TestType>(heap, work, 2'500, work);
  }
  precise_options paced = small_heap();
  paced.min_heap_bytes = 8'000;
  paced.step_work = 20;
  precise_heap heap(paced);
  churn<TestType>(heap, 99, 10'000, 0);
  CHECK(heap.cycles() > 3);
  for (const unsigned every : {1u, 3u}) {
    precise_options zeal = small_heap();
    zeal.zeal = every;
    precise_heap eager(zeal);
    churn<TestType>(eager, every, 300, 0);
    CHECK(eager.cycles() > 30);
  }
}

TEST_CASE("precise heap: a write through a reference is not told, one through gc::member is", "[precise]") {
  const auto lost = [](auto& m, precise_heap& heap, auto write) {
    for (std::uint64_t i = 0; i < 1'000; ++i) m.insert_or_assign(i, heap.make<leaf>(i).get());
    while (heap.last_marking().array_units < 60) heap.step(10);
    // The last units are not traced yet: what they hold moves to where the collector was.
    std::size_t gone = 0;
    for (std::uint64_t i = 0; i < 500; ++i) {
      leaf* const object = m.find(i)->second;
      write(m.find(999 - i)->second, object);
      write(m.find(i)->second, static_cast<leaf*>(nullptr));
    }
    heap.collect();
    heap.collect();
    for (std::uint64_t i = 0; i < 500; ++i) {
      const leaf* const object = m.find(999 - i)->second;
      gone += object->stamp == intact + i ? 0 : 1;
    }
    return gone;
  };
  const auto assign = [](auto& to, leaf* object) { to = object; };
  {
    precise_heap heap(by_hand());
    plain_chain m = map_on<plain_chain>(heap);
    CHECK(lost(m, heap, assign) > 10);  // the control
  }
  {
    precise_heap heap(by_hand());
    plain_chain m = map_on<plain_chain>(heap);
    CHECK(lost(m, heap, [&heap](auto& to, leaf* object) { to = object, heap.stored(object); }) == 0);
  }
  {
    precise_heap heap(by_hand());
    map<std::uint64_t, member<leaf>, precise> m{precise(heap)};
    CHECK(lost(m, heap, assign) == 0);
  }
}

TEST_CASE("precise heap: maps inside objects live and die with them", "[precise]") {
  precise_heap heap(by_hand());
  std::vector<root<table_object>> owners;
  for (int i = 0; i < 20; ++i) {
    owners.push_back(heap.make<table_object>(heap));
    for (std::uint64_t k = 0; k < 50; ++k)
      owners.back()->fields.insert_or_assign(k, heap.make<leaf>(k).get());
  }
  heap.collect();
  CHECK(objects_in(heap) == 20 * 51);
  owners.resize(10);
  heap.collect();
  CHECK(objects_in(heap) == 10 * 51);
  // A table moves to an owner that was traced already, at every point of a cycle.
  for (std::size_t work = 1; work < 120; ++work) {
    while (heap.phase() != cycle_phase::idle) heap.step(1'000);
    for (std::size_t i = 0; i < work && !heap.step(1 + i % 5); ++i) {
    }
    const std::size_t from = work % 10, to = (work * 7 + 3) % 10;
    if (work % 2 == 0) {
      swap(owners[from]->fields, owners[to]->fields);
    } else {
      auto taken = std::move(owners[from]->fields);
      owners[from]->fields = std::move(owners[to]->fields);
      owners[to]->fields = std::move(taken);
    }
    heap.step(SIZE_MAX / 4);
    heap.collect();
    REQUIRE(objects_in(heap) == 10 * 51);
    for (const auto& owner : owners) {
      for (const auto& [key, object] : owner->fields) REQUIRE(object->stamp == intact + key);
    }
  }
  owners.clear();
  heap.collect();
  CHECK(objects_in(heap) == 0);
  CHECK(heap.blocks().live_bytes() == 0);  // their destructors gave the arrays back
}

TEMPLATE_TEST_CASE("precise heap: objects hold maps of every layout", "[precise]", chain, boxed,
                   layout::open_groups<>, layout::nodes) {
  precise_heap heap(by_hand());
  root<owner_of<TestType>> owner = heap.make<owner_of<TestType>>(heap);
  for (std::uint64_t k = 0; k < 200; ++k) owner->fields.insert_or_assign(k, heap.make<leaf>(k).get());
  heap.collect();
  CHECK(objects_in(heap) == 201);
  for (const auto& [key, object] : owner->fields) CHECK(object->stamp == intact + key);
  owner.reset();
  heap.collect();
  CHECK(objects_in(heap) == 0);
}

TEST_CASE("precise heap: an array that goes while it is being traced", "[precise]") {
  precise_heap heap(by_hand());
  std::optional<plain_chain> m(map_on<plain_chain>(heap));
  plain_chain other = map_on<plain_chain>(heap);
  for (std::uint64_t i = 0; i < 3'000; ++i) {
    const root<leaf> object = heap.make<leaf>(i);
    m->insert_or_assign(i, object.get());
    other.insert_or_assign(i, object.get());
  }
  heap.step(50);
  REQUIRE(heap.is_marking());
  m.reset();
  for (std::uint64_t i = 0; i < 2'000; ++i) other.erase(i);
  other.rehash(4 * other.bucket_count());
  while (!heap.step(50)) {
  }
  for (const auto& [key, object] : other) CHECK(object->stamp == intact + key);
  heap.collect();
  CHECK(objects_in(heap) == 1'000);
}

TEMPLATE_TEST_CASE(
    "precise heap: an erased, unswept entry keeps its key, for the resurrection, and not its value",
    "[precise]", layout::bucket_chain<>, layout::open_groups<>, layout::nodes) {
  precise_heap heap(by_hand());
  map<by_content, leaf*, precise, TestType, deletion::dirty> m{precise(heap)};
  for (std::uint64_t i = 0; i < 100; ++i) {
    const root<leaf> key = heap.make<leaf>(i);
    m.insert_or_assign(by_content{key.get()}, heap.make<leaf>(1'000 + i).get());
  }
  heap.collect();
  CHECK(objects_in(heap) == 200);
  while (!m.empty()) m.erase(m.begin());
  heap.collect();
  CHECK(objects_in(heap) == 100);
  for (std::uint64_t i = 0; i < 100; ++i) {
    const root<leaf> equal = heap.make<leaf>(i);
    m.insert_or_assign(by_content{equal.get()}, heap.make<leaf>(2'000 + i).get());
  }
  heap.collect();
  CHECK(objects_in(heap) == 200);
  for (const auto& [key, value] : m) CHECK(value->stamp == key.at->stamp + 2'000);
  m.erase(m.begin());
  m.sweep();
  heap.collect();
  CHECK(objects_in(heap) == 198);
}

TEST_CASE("precise heap: ten thousand maps are roots", "[precise]") {
  precise_heap heap(by_hand());
  std::vector<map_of<chain>> maps;
  maps.reserve(10'000);
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    maps.push_back(map_on<map_of<chain>>(heap));
    maps.back().insert_or_assign(i, heap.make<leaf>(i).get());
  }
  heap.collect();
  CHECK(objects_in(heap) == 10'000);
  CHECK(maps[9'999].at(9'999)->stamp == intact + 9'999);
}

// ---- weak tables

namespace {

using weak_knots = map<knot*, knot*, precise, deletion::dirty>;

// Chains of ephemerons: the value of each leads to the next key. What the first root leads to lives, in any
// order.
std::uint64_t chain_work(std::size_t n, const std::vector<std::size_t>& order) {
  precise_options o = by_hand();
  o.objects.reserved_bytes = std::size_t{256} << 20;
  precise_heap heap(o);
  gc::weak_table<weak_knots> table(heap, map_place::ephemerons);
  root<knot> first;
  {
    root<knot*> keys = heap.make_array<knot*>(n + 1);
    for (std::size_t i = 0; i <= n; ++i) keys.get()[i] = heap.make<knot>(i).get();
    for (const std::size_t i : order) {
      const root<knot> value = heap.make<knot>(i);
      value->a = keys.get()[i + 1];
      table->insert_or_assign(keys.get()[i], value.get());
    }
    first = heap.keep(keys.get()[0]);
  }
  heap.collect();
  REQUIRE(table->size() == n);
  REQUIRE(heap.last_marking().objects == 2 * n + 1);
  std::size_t seen = 0;
  for (knot* k = first.get();; ++seen) {
    const auto at = table->find(k);
    if (at == table->end()) break;
    REQUIRE(at->second->stamp == k->stamp);
    k = at->second->a;
  }
  REQUIRE(seen == n);
  const std::uint64_t work = heap.last_marking().work + heap.last_marking().pointers;
  first.reset();
  heap.collect();
  REQUIRE(table->size() == 0);
  REQUIRE(objects_in(heap) == 0);
  return work;
}

}  // namespace

TEST_CASE("precise heap: ephemerons, exact and linear in any order", "[precise]") {
  const auto ordered = [](std::size_t n, int how) {
    std::vector<std::size_t> order(n);
    for (std::size_t i = 0; i < n; ++i) order[i] = how == 1 ? n - 1 - i : i;
    std::uint64_t random = 9;
    if (how == 2) {
      for (std::size_t i = n; i > 1; --i) std::swap(order[i - 1], order[below(random, i)]);
    }
    return order;
  };
  for (int how = 0; how < 3; ++how) {
    INFO("order " << how);
    const std::uint64_t few = chain_work(1'000, ordered(1'000, how)),
                        many = chain_work(8'000, ordered(8'000, how));
    CHECK(many < 9 * few);
  }
}

TEST_CASE("precise heap: a weak entry whose value leads to its key does not live by itself", "[precise]") {
  precise_heap heap(by_hand());
  gc::weak_table<weak_knots> first(heap, map_place::ephemerons), second(heap, map_place::ephemerons);
  std::vector<root<knot>> keys;
  for (std::uint64_t i = 0; i < 100; ++i) {
    keys.push_back(heap.make<knot>(i));
    const root<knot> value = heap.make<knot>(1'000 + i);
    value->a = keys.back().get();
    first->insert_or_assign(keys.back().get(), value.get());
    second->insert_or_assign(keys.back().get(), keys.back().get());  // in two tables, and its own value
  }
  // Mutual: each is the other's value.
  for (int i = 0; i < 10; ++i) {
    const root<knot> a = heap.make<knot>(1u), b = heap.make<knot>(2u);
    first->insert_or_assign(a.get(), b.get());
    first->insert_or_assign(b.get(), a.get());
  }
  keys.resize(50);
  heap.step(20);
  CHECK(heap.is_marking());
  while (
      !heap.step(20)) {  // the end of a cycle in steps purges as well; it may keep what was alive as it began
  }
  CHECK(heap.last_marking().work < 100'000);
  heap.collect();
  CHECK(first->size() == 50);
  CHECK(second->size() == 50);
  CHECK(objects_in(heap) == 100);
  for (const auto& key : keys) {
    CHECK(first->at(key.get())->stamp == key->stamp + 1'000);
    CHECK(first->at(key.get())->a == key.get());
  }
  // A new object may get the address of a dead one, whose entry is erased and not swept.
  for (std::uint64_t i = 0; i < 200; ++i) {
    const root<knot> key = heap.make<knot>(i);
    CHECK(first->find(key.get()) == first->end());
    first->insert_or_assign(key.get(), key.get());
  }
  heap.collect();
  CHECK(first->size() == 50);
  keys.clear();
  heap.collect();
  CHECK(objects_in(heap) == 0);
}

TEST_CASE("precise heap: weak values", "[precise]") {
  precise_heap heap(by_hand());
  gc::weak_table<plain_chain> interned(heap, map_place::weak_values);
  std::vector<root<leaf>> held;
  for (std::uint64_t i = 0; i < 500; ++i) {
    const root<leaf> object = heap.make<leaf>(i);
    interned->insert_or_assign(i, object.get());
    if (i % 5 == 0) held.push_back(object);
  }
  heap.collect();
  CHECK(interned->size() == 100);
  CHECK(objects_in(heap) == 100);
  for (const auto& [key, object] : *interned) CHECK((key % 5 == 0 && object->stamp == intact + key));
}

// ---- what is measured, and limits

TEST_CASE("precise heap: pointer-free maps are not read, others no more than their live slots", "[precise]") {
  precise_heap heap(by_hand());
  map<std::uint64_t, std::uint64_t, precise> numbers{precise(heap)};
  for (std::uint64_t i = 0; i < 10'000; ++i) numbers[i] = i;
  heap.collect();
  CHECK(heap.last_marking().array_bytes == 0);
  CHECK(heap.last_marking().array_units == 0);
  plain_chain m = map_on<plain_chain>(heap);
  for (std::uint64_t i = 0; i < 10'000; ++i) m.insert_or_assign(i, heap.make<leaf>(i).get());
  for (std::uint64_t i = 0; i < 10'000; i += 3) m.erase(i);
  heap.collect();
  const gc::mark_counts& c = heap.last_marking();
  const std::size_t buckets = m.bucket_count() + m.stats().overflow_in_use;
  CHECK(c.array_bytes == m.size() * 16 + buckets * 16);
  CHECK(c.objects == m.size());
  CHECK(c.traced == 0);  // leaves lie in pointer-free spans
  CHECK(c.bytes == m.size() * 8);
}

namespace {

// Bytes read in one collection, by those of live slots and of control words: a link and a word of tags each.
template <class... Options>
double read_of_what_is_in_use(std::size_t n, bool growing = false) {
  precise_heap heap(by_hand());
  map_of<Options...> m = map_on<map_of<Options...>>(heap);
  for (std::uint64_t i = 0; i < n; ++i) m.insert_or_assign(i, heap.make<leaf>(i).get());
  for (std::uint64_t i = 0; i < n; i += 3) m.erase(i);
  for (std::uint64_t i = n; i < n + n / 50; ++i) m.insert_or_assign(i, heap.make<leaf>(i).get());
  heap.collect();
  const map_stats stats = m.stats();
  CHECK(stats.growing == growing);
  const std::size_t units = stats.units + stats.old_units + stats.overflow_in_use;
  CHECK(heap.last_marking().objects == m.size());
  return static_cast<double>(heap.last_marking().array_bytes) / static_cast<double>(m.size() * 16 + units * 16);
}

template <std::size_t GroupBytes, arrangement Arrange = arrangement::paired, std::size_t Slots = 8,
          std::size_t FilterBits = 0>
using groups_of = layout::bucket_chain<bucket_options{
    .slots = Slots, .arrange = Arrange, .group_bytes = GroupBytes, .filter_bits = FilterBits}>;

}  // namespace

// The figures: run with -s.
TEST_CASE("precise heap: live slots and control words are read, of every grouped shape", "[precise]") {
  using namespace deletion;
  const double read[] = {read_of_what_is_in_use<groups_of<4064>, immediate>(8'000),
                         read_of_what_is_in_use<groups_of<4064>, tombstone>(8'000),
                         read_of_what_is_in_use<groups_of<4064>, tombstone_not_reusing>(8'000),
                         read_of_what_is_in_use<groups_of<4064>, dirty>(8'000),
                         read_of_what_is_in_use<groups_of<4064>, dirty, growth::incremental<1>>(6'600, true),
                         read_of_what_is_in_use<groups_of<4064, arrangement::split>, dirty>(8'000),
                         read_of_what_is_in_use<groups_of<1024>, tombstone>(8'000),
                         read_of_what_is_in_use<groups_of<4064, arrangement::paired, 4>, dirty>(8'000),
                         read_of_what_is_in_use<groups_of<4064, arrangement::paired, 8, 16>>(8'000)};
  for (const double bytes_read_by_bytes_in_use : read) {
    CHECK(bytes_read_by_bytes_in_use <= 1.05);
    CHECK(bytes_read_by_bytes_in_use >= 0.5);  // less: it was not counted
  }
  // The keys of dirty slots are followed where they may point, and counted.
  precise_heap heap(by_hand());
  map<leaf*, leaf*, precise, deletion::dirty> m{precise(heap)};
  std::vector<root<leaf>> keys;
  for (std::uint64_t i = 0; i < 600; ++i) {
    keys.push_back(heap.make<leaf>(i));
    m.insert_or_assign(keys.back().get(), keys.back().get());
  }
  for (std::size_t i = 0; i < 600; i += 2) m.erase(keys[i].get());
  heap.collect();
  const map_stats stats = m.stats();
  CHECK(heap.last_marking().array_bytes == 300 * 16 + stats.dirty * 8 + (stats.units + stats.overflow_in_use) * 16);
}

TEST_CASE("precise heap: the same calls give the same cycles", "[precise]") {
  const auto run = [] {
    precise_options o = small_heap();
    o.min_heap_bytes = 20'000;
    o.step_work = 64;
    precise_heap heap(o);
    dirty_open m = map_on<dirty_open>(heap);
    std::uint64_t random = 5;
    for (int i = 0; i < 20'000; ++i) {
      m.insert_or_assign(below(random, 500), heap.make<leaf>(1u).get());
      if (i % 3 == 0) m.erase(below(random, 500));
    }
    const gc::gc_sample s = heap.sample();
    return std::make_tuple(heap.cycles(), heap.last_marking().work, heap.last_marking().objects,
                           s.collections, s.stall.count, s.reclaimed_bytes, s.allocated_bytes,
                           heap.goal_bytes());
  };
  const auto first = run();
  CHECK(std::get<0>(first) > 4);
  CHECK(run() == first);
}

TEST_CASE("precise heap: pacing keeps to the goal, and to the soft limit", "[precise]") {
  precise_options o = small_heap();
  o.min_heap_bytes = 200'000;
  o.step_work = 200;
  const auto peak = [](const precise_options& options, std::size_t live) {
    precise_heap heap(options);
    root<knot*> kept = heap.make_array<knot*>(live);
    std::uint64_t random = 3;
    std::size_t most = 0;
    for (int i = 0; i < 60'000; ++i) {
      const root<knot> made = heap.make<knot>(static_cast<std::uint64_t>(i));
      kept.get()[below(random, live)] = made.get();
      heap.stored(made.get());
      most = std::max(most, heap.in_use_bytes());
    }
    return most;
  };
  // 500 live objects of 32 bytes and their array: 20 KB live, 200 KB more until the goal.
  CHECK(peak(o, 500) < 350'000);
  o.soft_limit_bytes = 120'000;
  CHECK(peak(o, 500) < 160'000);
}

TEST_CASE("precise heap: exhaustion throws, with all kept as it was, and recovers", "[precise]") {
  precise_heap heap(by_hand());
  std::vector<root<std::uint64_t>> held;
  const auto hoard = [&] {
    for (;;) held.push_back(heap.make_array<std::uint64_t>(131'072));  // 1 MiB
  };
  CHECK_THROWS_AS(hoard(), std::bad_alloc);
  CHECK(held.size() > 30);
  held.resize(held.size() / 2);
  CHECK_NOTHROW(held.push_back(heap.make_array<std::uint64_t>(131'072)));  // collects, then has room
  CHECK_THROWS_AS(heap.make_array<std::uint64_t>(SIZE_MAX / 4), std::bad_alloc);
}

TEST_CASE("precise heap: nine of ten dropped, pages come back and serve another size", "[precise]") {
  precise_heap heap(by_hand());
  root<knot*> kept = heap.make_array<knot*>(5'000);
  for (int i = 0; i < 50'000; ++i) {
    const root<knot> made = heap.make<knot>(static_cast<std::uint64_t>(i));
    if (i % 10 == 0) kept.get()[i / 10] = made.get();
  }
  heap.collect();
  const auto sparse = heap.objects().counts();
  CHECK(sparse.used_slots == 5'001);
  CHECK(sparse.trapped_share() > 0.7);  // one in ten stays in every span
  kept.reset();
  heap.collect();
  CHECK(heap.objects().counts().span_bytes == 0);
  const std::size_t before = heap.objects().counts().resident_bytes;
  for (int i = 0; i < 100; ++i) heap.make_array<std::uint64_t>(1'000);
  CHECK(heap.objects().counts().resident_bytes == before);
}
