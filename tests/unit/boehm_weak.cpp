// SPDX-License-Identifier: Apache-2.0
// tophash::weak_map on both collectors by the same code: what goes, what stays, chains of ephemerons in every order,
// entries of strong keys; what is swept when. On Boehm's: the bound on rounds, overflow of the mark stack, finalizers
// and links, threads, incremental mode. libgc may take a stray word for a pointer: there "none" is "a handful".
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>
#include <gc.h>

#include <tophash/gc/boehm_objects.hpp>
#include <tophash/gc/boehm_roots.hpp>
#include <tophash/gc/precise_heap.hpp>
#include <tophash/weak_map.hpp>

#include "support/collected.hpp"

namespace {

struct node {
  node* next = nullptr;
  std::uint64_t stamp = 0;
  node() = default;
  explicit node(std::uint64_t s) : stamp(s) {}
};

}  // namespace

template <>
struct tophash::gc_traits<node> {
  static constexpr bool may_contain_pointers = true;
  static void trace(pointer_visitor& visit, const node& n) { visit(n.next); }
};

namespace {

using namespace tophash;
using testing::in_own_frame;
using testing::overwrite_stack;
using u64 = std::uint64_t;

constexpr std::size_t handful = 4;

template <class Heap>
void collect(Heap& heap) {
  overwrite_stack();
  heap.collect();
  overwrite_stack();
  heap.collect();
}
template <class Heap>
constexpr std::size_t stray = std::is_same_v<Heap, gc::precise_heap> ? 0 : handful;

gc::precise_options small() {
  gc::precise_options o;
  o.objects.reserved_bytes = o.blocks.reserved_bytes = std::size_t{64} << 20;
  return o;
}
// A heap for a test: libgc's is the process's.
template <class Heap>
struct heap_of : Heap {};
template <>
struct heap_of<gc::precise_heap> : gc::precise_heap {
  heap_of() : precise_heap(small()) {}
};

// The same with room for a million objects and their tables.
template <class Heap>
struct heap_of_addresses : Heap {};
template <>
struct heap_of_addresses<gc::precise_heap> : gc::precise_heap {
  static gc::precise_options roomy() {
    gc::precise_options o = small();
    o.objects.reserved_bytes = o.blocks.reserved_bytes = std::size_t{1} << 30;
    return o;
  }
  heap_of_addresses() : precise_heap(roomy()) {}
};

template <class Heap, class... Options>
using weak = weak_map<node*, node*, typename Heap::weak_storage, Options...>;

u64 below(u64& random, u64 bound) {
  random = random * 6364136223846793005u + 1442695040888963407u;
  return (random >> 33) % bound;
}

}  // namespace

#define ON_BOTH gc::precise_heap, gc::boehm_objects

TEMPLATE_TEST_CASE("weak map: an ephemeron goes with its key, whatever its value leads to", "[boehm][weak]",
                   ON_BOTH) {
  heap_of<TestType> heap;
  weak<TestType> first(weak_storage_of(heap)), second(weak_storage_of(heap));
  std::vector<typename TestType::template handle<node>> keys;
  in_own_frame([&] {
    for (u64 i = 0; i < 200; ++i) {
      keys.push_back(heap.template make<node>(i));
      const auto value = heap.template make<node>(1'000 + i);
      value->next = keys.back().get();
      CHECK(first.insert_or_assign(keys.back().get(), value.get()));
      second.insert_or_assign(keys.back().get(), keys.back().get());
    }
    for (int i = 0; i < 20; ++i) {  // each is the other's value
      const auto a = heap.template make<node>(1u), b = heap.template make<node>(2u);
      first.insert_or_assign(a.get(), b.get());
      first.insert_or_assign(b.get(), a.get());
    }
    CHECK(first.size() == 240);
    keys.resize(100);
  });
  collect(heap);
  CHECK(first.size() >= 100);
  CHECK(first.size() <= 100 + 2 * stray<TestType>);
  CHECK(second.size() <= 100 + stray<TestType>);
  CHECK(first.removed() == 240 - first.size());
  for (const auto& key : keys) {
    const auto value = first.find(key.get());
    REQUIRE(value);
    CHECK((*value)->stamp == key->stamp + 1'000);
    CHECK((*value)->next == key.get());
    CHECK(second.get(key.get()) == key.get());
  }
  // What a purge left is swept by later insertions, whatever its address is used for.
  in_own_frame([&] {
    for (u64 i = 0; i < 400; ++i) {
      const auto key = heap.template make<node>(i);
      first.insert_or_assign(key.get(), key.get());
    }
  });
  CHECK(first.stats().dirty == 0);
  collect(heap);
  CHECK(first.size() <= 100 + 2 * stray<TestType>);
  keys.clear();
  collect(heap);
  CHECK(first.size() <= 2 * stray<TestType>);
}

TEMPLATE_TEST_CASE("weak map: weak keys keep their values, so one that leads back stays", "[boehm][weak]",
                   ON_BOTH) {
  heap_of<TestType> heap;
  weak<TestType, gc::weak_keys> m(weak_storage_of(heap));
  in_own_frame([&] {
    for (u64 i = 0; i < 100; ++i) {
      const auto key = heap.template make<node>(i), value = heap.template make<node>(i);
      if (i % 2 == 0) value->next = key.get();
      m.insert_or_assign(key.get(), value.get());
    }
  });
  collect(heap);
  CHECK(m.size() >= 50);
  CHECK(m.size() <= 50 + stray<TestType>);
  m.for_each([](node* key, node* value) {
    CHECK((key->stamp == value->stamp && (key->stamp % 2 != 0 || value->next == key)));
  });
}

TEMPLATE_TEST_CASE("weak map: an intern table", "[boehm][weak]", ON_BOTH) {
  heap_of<TestType> heap;
  weak_map<std::string, node*, typename TestType::weak_storage> interned(weak_storage_of(heap));
  std::vector<typename TestType::template handle<node>> kept;
  std::size_t made = 0;
  const auto symbol = [&](const std::string& text) {
    return interned.find_or_make(text, [&] { return heap.template make<node>(++made); });
  };
  in_own_frame([&] {
    for (int round = 0; round < 2; ++round) {
      for (int i = 0; i < 300; ++i) {
        node* const s = symbol("a symbol of some length, number " + std::to_string(i));
        if (round == 0 && i % 3 == 0) kept.push_back(heap.keep(s));
        if (i % 3 == 0) CHECK(s == kept[static_cast<std::size_t>(i / 3)].get());
      }
    }
  });
  CHECK(made >= 300);
  collect(heap);
  CHECK(interned.size() >= 100);
  CHECK(interned.size() <= 100 + stray<TestType>);
  CHECK(symbol("a symbol of some length, number 3") == kept[1].get());
  const std::size_t before = made;
  in_own_frame([&] { static_cast<void>(symbol("a symbol of some length, number 4")); });
  CHECK(made >= before);
  CHECK(interned.erase(std::string("a symbol of some length, number 3")));
  CHECK_FALSE(interned.contains(std::string("a symbol of some length, number 3")));
  interned.clear();
  CHECK(interned.empty());
}

TEMPLATE_TEST_CASE("weak map: foreign and null keys are never removed, and strong parts are kept",
                   "[boehm][weak]", ON_BOTH) {
  heap_of<TestType> heap;
  static node outside[3];
  weak<TestType> m(weak_storage_of(heap));
  weak_map<node*, node*, gc::weak_values, typename TestType::weak_storage> by_value(weak_storage_of(heap));
  in_own_frame([&] {
    for (node& key : outside) m.insert_or_assign(&key, heap.template make<node>(7u).get());
    m.insert_or_assign(nullptr, heap.template make<node>(7u).get());
    for (u64 i = 0; i < 50; ++i) by_value.insert_or_assign(heap.template make<node>(i).get(), &outside[0]);
  });
  collect(heap);
  CHECK(m.size() == 4);
  m.for_each([](node*, node* value) { CHECK(value->stamp == 7); });
  u64 seen = 0;
  by_value.for_each([&](node* key, node*) { seen |= u64{1} << key->stamp; });
  CHECK(seen == (u64{1} << 50) - 1);
}

namespace {

constexpr u64 piece = 50;

// A stray word keeps the rest of its chain: before one is dropped it is cut, so that "gone" can be told.
template <class Map>
void cut_into_pieces(Map& m) {
  in_own_frame([&] {
    m.for_each([](const node*, node* value) {
      if (value->stamp % piece == 0) value->next = nullptr;
    });
  });
}

// key[i] -> a value that leads to key[i + 1]; put in in this order. What the first root leads to lives.
template <class Heap>
void check_chain(const std::vector<std::size_t>& order) {
  const std::size_t n = order.size();
  heap_of<Heap> heap;
  weak<Heap> m(weak_storage_of(heap));
  typename Heap::template handle<node> first;
  in_own_frame([&] {
    auto keys = heap.template make_array<node*>(n + 1);
    for (std::size_t i = 0; i <= n; ++i) {
      keys.get()[i] = heap.template make<node>(i).get();
      heap.stored(keys.get()[i]);
    }
    m.reserve(n);
    for (const std::size_t i : order) {
      const auto value = heap.template make<node>(i);
      value->next = keys.get()[i + 1];
      m.insert_or_assign(keys.get()[i], value.get());
    }
    first = heap.keep(keys.get()[0]);
  });
  collect(heap);
  REQUIRE(m.size() == n);
  in_own_frame([&] {
    node* key = first.get();
    for (std::size_t i = 0; i < n; ++i) {
      const node* const value = m.get(key);
      REQUIRE((value != nullptr && value->stamp == i));
      key = value->next;
    }
  });
  first.reset();
  cut_into_pieces(m);
  collect(heap);
  CHECK(m.size() <= piece * stray<Heap>);
}

std::vector<std::size_t> shuffled(std::size_t n) {
  std::vector<std::size_t> order(n);
  for (std::size_t i = 0; i < n; ++i) order[i] = i;
  u64 random = 9;
  for (std::size_t i = n; i > 1; --i) std::swap(order[i - 1], order[below(random, i)]);
  return order;
}

}  // namespace

TEMPLATE_TEST_CASE("weak map: chains of ephemerons are kept whole, and go whole", "[boehm][weak]", ON_BOTH) {
  std::vector<std::size_t> order(2'000);
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  check_chain<TestType>(order);
  check_chain<TestType>(shuffled(600));
}

// Hashing scatters a chain over its table. In the table's own order it takes a round or two, in random order the bound
// is reached and everything is kept.
TEST_CASE("weak map on Boehm's: rounds along the table, and the bound across it", "[boehm][weak]") {
  gc::boehm_objects heap;
  weak<gc::boehm_objects> m;
  std::vector<std::size_t> scattered = shuffled(16'000);
  for (const bool in_order : {true, false}) {
    INFO("in order " << in_order);
    const std::size_t n = scattered.size();
    gc::boehm_handle<node> first;
    in_own_frame([&] {
      auto keys = heap.make_array<node*>(n + 1);
      for (std::size_t i = 0; i <= n; ++i) {
        keys.get()[i] = heap.make<node>(i).get();
        m.insert_or_assign(keys.get()[i], keys.get()[i]);
      }
      // The order of the table.
      std::size_t at = 0;
      m.for_each([&](node* key, node*) { keys.get()[at++] = key; });
      if (!in_order) {
        for (std::size_t i = 0; i < n; ++i) std::swap(keys.get()[i], keys.get()[scattered[i]]);
      }
      for (std::size_t i = 0; i < n; ++i) {
        const auto value = heap.make<node>(i);
        value->next = keys.get()[i + 1];
        m.insert_or_assign(keys.get()[i], value.get());
      }
      first = heap.keep(keys.get()[0]);
      // The array is large: a word somewhere that looks like an address in it would keep all keys. (In one run of eight, where
      // the environment's length put the stack so.)
      std::fill(keys.get(), keys.get() + n + 1, nullptr);
    });
    collect(heap);
    const gc::weak_cycle_counts c = gc::boehm_weak_tables::last_cycle();
    CHECK(c.entries == n + 1);
    CHECK(m.size() == n + 1);
    if (in_order) {
      CHECK(c.rounds <= 6);
      CHECK(c.looks <= 12 * n);
      CHECK(c.kept_undecided == 0);
    } else {
      CHECK(c.kept_undecided > n / 4);
      CHECK(c.looks <= 20 * n + 200'000);
    }
    first.reset();
    cut_into_pieces(m);
    collect(heap);
    CHECK(m.size() <= piece * 2 * handful);
    m.clear();
  }
}

namespace {

enum class links : std::uint8_t { to_itself, forward, backward, anywhere };

// n entries whose values lead to the key of another: the next of the table's own order, the one before, a random one, or
// their own. What the first root leads to lives, all of it and nothing else; `kept` says that this cycle left it open.
template <class Heap>
void check_long_chain(std::size_t n, links how) {
  INFO("n " << n << ", links " << static_cast<int>(how));
  heap_of_addresses<Heap> heap;
  weak<Heap> m(weak_storage_of(heap));
  typename Heap::template handle<node> first;
  in_own_frame([&] {
    auto keys = heap.template make_array<node*>(n);
    m.reserve(n);
    for (std::size_t i = 0; i < n; ++i) {
      keys.get()[i] = heap.template make<node>(i).get();
      heap.stored(keys.get()[i]);
      m.insert_or_assign(keys.get()[i], keys.get()[i]);
    }
    std::size_t at = 0;
    m.for_each([&](node* key, node*) { keys.get()[at++] = key; });
    const std::vector<std::size_t> order = how == links::anywhere ? shuffled(n) : std::vector<std::size_t>{};
    const auto chained = [&](std::size_t i) {
      return keys.get()[how == links::backward ? n - 1 - i : how == links::anywhere ? order[i] : i];
    };
    for (std::size_t i = 0; i < n; ++i) {
      const auto value = heap.template make<node>(i);
      value->next = how == links::to_itself ? chained(i) : i + 1 < n ? chained(i + 1) : nullptr;
      m.insert_or_assign(chained(i), value.get());
    }
    first = heap.keep(chained(0));
    for (std::size_t i = 0; i < n; ++i) keys.get()[i] = nullptr;
  });
  collect(heap);
  if (how == links::to_itself) {
    CHECK(m.size() >= 1);
    CHECK(m.size() <= 1 + stray<Heap>);
  } else {
    CHECK(m.size() == n);
  }
  std::size_t seen = 0;
  in_own_frame([&] {
    const node* key = first.get();
    for (; key != nullptr && seen < n; ++seen) {
      const node* const value = m.get(const_cast<node*>(key));
      if (value == nullptr || value->stamp != seen) break;
      key = value->next == key ? nullptr : value->next;
    }
  });
  CHECK(seen == (how == links::to_itself ? 1 : n));
  if constexpr (std::is_same_v<Heap, gc::precise_heap>) {
    // Linear in any order, by what was done: every pointer followed, object read or slot looked at is counted.
    const gc::mark_counts c = heap.last_marking();
    CHECK(c.work + c.pointers < 12 * n + 1'000);
  } else {
    const gc::weak_cycle_counts c = gc::boehm_weak_tables::last_cycle();
    CAPTURE(c.entries, c.looks, c.rounds, c.kept_undecided);
    if (how == links::anywhere) {
      CHECK(c.kept_undecided > 0);  // stated, and safe
      CHECK(c.looks <= (gc::boehm_weak_tables::looks_per_entry + 4) * n + 2 * gc::boehm_weak_tables::free_looks);
    } else {
      CHECK(c.kept_undecided == 0);
      CHECK(c.looks <= 12 * n);
    }
  }
  first.reset();
  cut_into_pieces(m);
  collect(heap);
  CHECK(m.size() <= piece * 2 * stray<Heap>);
}

constexpr links every_way[] = {links::to_itself, links::forward, links::backward, links::anywhere};

}  // namespace

// test.sh --long: a million.
TEMPLATE_TEST_CASE("weak map: chains to itself, along the table, against it, across it", "[boehm][weak]", ON_BOTH) {
  const std::size_t n = std::getenv("TOPHASH_WALK_EVERY_POINT") != nullptr ? 1'000'000 : 20'000;
  for (const links how : every_way) check_long_chain<TestType>(n, how);
}

TEST_CASE("weak map on Boehm's: values that overflow the mark stack are marked through before anything goes",
          "[boehm][weak]") {
  gc::boehm_objects heap;
  weak_map<node*, node**, gc::boehm_weak> m;
  weak<gc::boehm_objects> behind;
  constexpr std::size_t wide = 40'000;
  const auto first = heap.make<node>(1u);
  in_own_frame([&] {
    auto all = heap.make_array<node*>(wide);
    for (std::size_t i = 0; i < wide; ++i) {
      auto inner = heap.make<node>(i);
      auto key = heap.make<node>(i);
      inner->next = key.get();
      all.get()[i] = inner.get();
      behind.insert_or_assign(key.get(), heap.make<node>(i).get());
    }
    m.insert_or_assign(first.get(), all.get());
  });
  collect(heap);
  CHECK(m.size() == 1);
  CHECK(behind.size() == wide);
  std::size_t wrong = 0;
  behind.for_each([&](const node* key, const node* value) { wrong += key->stamp == value->stamp ? 0 : 1; });
  CHECK(wrong == 0);
  m.clear();
  collect(heap);
  CHECK(behind.size() < wide / 100);
}

TEST_CASE(
    "weak map on Boehm's: links to what an ephemeron leads to stay, and finalizers run after the entry went",
    "[boehm][weak]") {
  gc::boehm_objects heap;
  weak<gc::boehm_objects> m;
  gc::boehm_handle<node> key = heap.make<node>(1u);
  testing::witnesses w(2);
  static std::size_t finalized = 0;
  finalized = 0;
  in_own_frame([&] {
    const auto value = heap.make<node>(2u);
    w.watch(0, value.get());
    m.insert_or_assign(key.get(), value.get());
    const auto dying = heap.make<node>(3u);
    GC_register_finalizer(
        dying.get(),
        [](void*, void* table) { finalized += static_cast<weak<gc::boehm_objects>*>(table)->size(); }, &m,
        nullptr, nullptr);
    m.insert_or_assign(dying.get(), dying.get());
  });
  collect(heap);
  CHECK(w.is_alive(0));
  if (m.size() == 1) {  // unless a stray word kept it
    GC_invoke_finalizers();
    CHECK(finalized == 1);
  }
  key.reset();
  collect(heap);
  CHECK_FALSE(w.is_alive(0));
}

TEST_CASE("weak map on Boehm's: finalizers allocate, insert, collect and resurrect", "[boehm][weak]") {
  struct world {
    gc::boehm_objects heap;
    weak<gc::boehm_objects> m;
    gc::boehm_handle<node> resurrected, kept;
    std::size_t finalized = 0;
  };
  static world* all = nullptr;
  world here;
  all = &here;
  here.kept = here.heap.make<node>(1u);
  in_own_frame([&] {
    for (u64 i = 0; i < 50; ++i) {
      const auto dying = here.heap.make<node>(100 + i);
      dying->next = here.kept.get();
      here.m.insert_or_assign(dying.get(), dying.get());
      GC_register_finalizer(
          dying.get(),
          [](void* object, void*) {
            world& w = *all;
            ++w.finalized;
            const auto fresh = w.heap.make<node>(7u);
            w.m.insert_or_assign(w.kept.get(), fresh.get());
            w.resurrected = w.heap.keep(static_cast<node*>(object));
            w.m.insert_or_assign(w.resurrected.get(), fresh.get());
            if (w.finalized % 10 == 0) w.heap.collect();
          },
          nullptr, nullptr, nullptr);
    }
  });
  for (int i = 0; i < 4; ++i) {
    collect(here.heap);
    GC_invoke_finalizers();
  }
  CHECK(here.finalized >= 50 - handful);
  CHECK(here.finalized <= 50);  // once each, resurrected or not
  collect(here.heap);
  CHECK(here.m.get(here.kept.get())->stamp == 7);
  // What was resurrected last is whole, and in the table again by its key.
  CHECK(here.resurrected->stamp >= 100);
  CHECK(here.resurrected->next == here.kept.get());
  CHECK(here.m.get(here.resurrected.get()) != nullptr);
  CHECK(here.m.size() <= 2 + 2 * handful);
  all = nullptr;
}

TEST_CASE("objects on Boehm's: destructors run once, with collections at every step", "[boehm][weak]") {
  static std::size_t alive = 0;
  struct counted {
    u64 stamp;
    explicit counted(u64 s) : stamp(s) { ++alive; }
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;
    ~counted() {
      stamp = 0;
      --alive;
    }
  };
  gc::boehm_objects heap;
  std::vector<gc::boehm_handle<counted>> kept;
  in_own_frame([&] {
    for (u64 i = 0; i < 1'000; ++i) {
      auto made = heap.make<counted>(i);
      if (i % 10 == 0) kept.push_back(made);
      if (i % 100 == 0) heap.collect();
    }
  });
  collect(heap);
  // Sweeping is lazy: what is dead is destroyed when its block is needed again, or here.
  in_own_frame([&] {
    for (u64 i = 0; i < 2'000; ++i) static_cast<void>(heap.make<counted>(i));
  });
  collect(heap);
  CHECK(alive >= 100);
  CHECK(alive < 2'200);
  for (std::size_t i = 0; i < kept.size(); ++i) CHECK(kept[i]->stamp == 10 * i);
}

TEST_CASE("weak map on Boehm's: threads look up while others collect", "[boehm][weak]") {
  gc::boehm_thread::allow();
  gc::boehm_objects heap;
  weak<gc::boehm_objects> m;
  const auto keys = heap.make_array<node*>(500);
  for (std::size_t i = 0; i < 500; ++i) {
    keys.get()[i] = heap.make<node>(i).get();
    const auto value = heap.make<node>(i + 1);
    m.insert_or_assign(keys.get()[i], value.get());
  }
  std::atomic<std::size_t> wrong{0}, lost{0};
  const auto work = [&](u64 seed) {
    const gc::boehm_thread here;
    u64 random = seed;
    for (int i = 0; i < 3'000; ++i) {
      node* const key = keys.get()[below(random, 500)];
      if (node* const value = m.get(key); value == nullptr) {
        ++lost;
      } else if (value->stamp != key->stamp + 1) {
        ++wrong;
      }
      const auto passing = heap.make<node>(5u);
      if (i % 4 == 0) m.insert_or_assign(passing.get(), passing.get());
      if (i % 500 == 0) heap.collect();
    }
  };
  std::thread other([&] { work(2); });
  work(1);
  other.join();
  CHECK(wrong == 0);
  CHECK(lost == 0);
  collect(heap);
  CHECK(m.size() >= 500);
  CHECK(m.size() < 600);
}
