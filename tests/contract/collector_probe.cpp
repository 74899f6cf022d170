// SPDX-License-Identifier: Apache-2.0
// Maps and weak maps on the precise heap for headers with a planted bug (.ci/bugs), without a test framework.
// Freed objects are poisoned, so a lost one shows in its stamp. Exit status: 0 when everything holds, 1 with
// what does not.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <tophash/framework/layout/open_groups.hpp>
#include <tophash/gc/precise_heap.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/deletion/purging.hpp>
#include <tophash/policies/deletion/tombstone.hpp>
#include <tophash/policies/hashing/identity.hpp>
#include <tophash/weak_map.hpp>

using namespace tophash;

struct node {
  std::uint64_t stamp = 0;
  node* next = nullptr;
};
template <>
struct tophash::gc_traits<node> {
  static constexpr bool may_contain_pointers = true;
  static void trace(pointer_visitor& visit, const node& n) { visit(n.next); }
};

namespace {

using weak = weak_map<node*, node*, gc::precise>;
using root = gc::root<node>;

void check(bool holds, const char* what) {
  if (holds) return;
  std::printf("%s\n", what);
  std::exit(1);
}

gc::precise_options by_hand() {
  gc::precise_options o;
  o.objects = o.blocks = {.reserved_bytes = std::size_t{64} << 20, .large_pages = false};
  o.automatic = false;
  o.poison_freed = true;
  return o;
}

root made(gc::precise_heap& heap, std::uint64_t stamp, node* next = nullptr) {
  return heap.make<node>(node{stamp, next});
}

void self_references_go() {
  gc::precise_heap heap(by_hand());
  weak m{gc::precise(heap)};
  std::vector<root> kept;
  for (std::uint64_t i = 0; i < 400; ++i) {
    const root key = made(heap, i);
    m.insert_or_assign(key.get(), made(heap, 1'000 + i, key.get()).get());
    if (i % 2 == 0) kept.push_back(key);
  }
  heap.collect();
  check(m.size() == 200, "an ephemeron whose value leads to its key lives by itself");
  for (const root& key : kept) {
    const node* const value = m.get(key.get());
    check(value != nullptr && value->stamp == key->stamp + 1'000, "a value is gone whose key lives");
  }
  // What a purge left is swept by the insertions that follow.
  for (std::uint64_t i = 0; i < 200; ++i) m.insert_or_assign(kept[i].get(), kept[i].get());
  check(m.stats().dirty == 0, "entries of dead keys are never swept");
}

template <class Map>
void chains_are_followed() {
  gc::precise_heap heap(by_hand());
  Map m{gc::precise(heap)};
  const root first = made(heap, 0);
  {
    std::vector<root> keys{first};
    for (std::uint64_t i = 1; i <= 500; ++i) {
      keys.push_back(made(heap, i));
      m.insert_or_assign(keys[i - 1].get(), made(heap, i, keys[i].get()).get());
    }
  }
  heap.collect();
  const node* key = first.get();
  for (std::uint64_t i = 1; i <= 500; ++i) {
    const node* const value = m.get(const_cast<node*>(key));
    check(value != nullptr && value->stamp == i, "a chain of ephemerons breaks");
    key = value->next;
  }
}

void others_stay() {
  gc::precise_heap heap(by_hand());
  static node outside;
  weak m{gc::precise(heap)};
  weak_map<node*, node*, gc::weak_keys, gc::precise> by_key{gc::precise(heap)};
  weak_map<std::uint64_t, node*, gc::precise> by_value{gc::precise(heap)};
  m.insert_or_assign(&outside, made(heap, 7).get());
  m.insert_or_assign(nullptr, made(heap, 8).get());
  std::vector<root> kept;
  for (std::uint64_t i = 0; i < 100; ++i) {
    const root object = made(heap, i);
    by_value.insert_or_assign(i, object.get());
    by_key.insert_or_assign(object.get(), object.get());  // held by its own value: stays
    if (i % 4 == 0) kept.push_back(object);
  }
  heap.collect();
  check(m.size() == 2 && m.get(&outside)->stamp == 7, "a key that is no object of the heap is removed");
  check(by_key.size() == 100, "a weak key's value is not held");
  by_key.clear();
  heap.collect();
  check(by_value.size() == 25, "a weak value is not removed with its object, or another is");
}

// Objects move from one key to another while marking goes on.
void nothing_is_lost_in_steps() {
  gc::precise_heap heap(by_hand());
  map<std::uint64_t, node*, gc::precise> m{gc::precise(heap)};
  for (std::uint64_t i = 0; i < 1'000; ++i) m.insert_or_assign(i, made(heap, i).get());
  while (heap.last_marking().array_units < 60) heap.step(10);
  for (std::uint64_t i = 0; i < 500; ++i) {
    node* const object = m.find(i)->second;
    m.insert_or_assign(999 - i, object);
    m.erase(i);
  }
  heap.collect();
  heap.collect();
  for (std::uint64_t i = 0; i < 500; ++i)
    check(m.find(999 - i)->second->stamp == i, "an entry's object is lost");
}

void census_agrees_and_is_used() {
  gc::precise_heap heap(by_hand());
  map<std::uint64_t, node*, gc::precise, deletion::purging<deletion::dirty, deletion::census>> m{
      gc::precise(heap)};
  for (std::uint64_t i = 0; i < 2'000; ++i) m.insert_or_assign(i, made(heap, i).get());
  for (std::uint64_t i = 0; i < 2'000; i += 2) m.erase(i);
  heap.collect();
  check(m.census().live == 1'000 && m.census().dirty == 1'000, "the census is not what the table counts");
  check(m.stats().dirty == 1'000, "a collection's pause swept");
  for (int i = 0; i < 200; ++i) m.insert_or_assign(1, made(heap, 1).get());
  check(m.stats().dirty == 0, "the work list is not worked through");

  map<std::uint64_t, node*, gc::precise, hashing::identity,
      deletion::purging<deletion::tombstone, deletion::census>>
      t{gc::precise(heap)};
  for (std::uint64_t i = 0; i < 64; ++i) t.insert_or_assign(i << 20, made(heap, i).get());
  for (std::uint64_t i = 8; i < 56; ++i) t.erase(i << 20);
  heap.collect();
  for (int i = 0; i < 100; ++i) t.insert_or_assign(1, made(heap, 1).get());
  check(t.stats().overflow_in_use <= 2, "an overflow bucket without entries is still linked");
  for (std::uint64_t i = 56; i < 64; ++i)
    check(t.find(i << 20) != t.end(), "an entry is unlinked with its bucket");
  check(t.check_invariants() == nullptr, "the table is broken");
}

// What marking keeps in lists finds no memory from some point on: entries whose keys are reached stay anyhow.
void memory_runs_out() {
  for (std::uint64_t nth = 1; nth <= 12; ++nth) {
    gc::precise_heap heap(by_hand());
    weak m{gc::precise(heap)};
    const root first = made(heap, 0);
    root last = heap.keep(first.get());
    for (std::uint64_t i = 1; i <= 1'000; ++i) {
      const root key = made(heap, i);
      m.insert_or_assign(last.get(), made(heap, i, key.get()).get());
      last = key;
    }
    last.reset();
    heap.refuse(nth);
    heap.collect();
    heap.refuse(0);
    check(m.size() == 1'000, "an entry whose key is reached goes when memory runs out");
    const node* k = first.get();
    for (std::uint64_t i = 1; i <= 1'000; ++i) {
      k = m.get(const_cast<node*>(k))->next;
      check(k->stamp == i, "what an entry leads to is lost when memory runs out");
    }
  }
}

}  // namespace

int main() {
  memory_runs_out();
  self_references_go();
  chains_are_followed<weak>();
  chains_are_followed<weak_map<node*, node*, gc::precise, layout::open_groups<>>>();
  others_stay();
  nothing_is_lost_in_steps();
  census_agrees_and_is_used();
}
