// SPDX-License-Identifier: Apache-2.0
// A precise heap belongs to one thread; several threads may each have heaps of their own. What they share
// then is nothing: the list of heaps that are marking is a thread's. For the thread sanitizer.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include <tophash/gc/precise_heap.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/deletion/purging.hpp>
#include <tophash/weak_map.hpp>

namespace {

using namespace tophash;
using u64 = std::uint64_t;

struct cell_of_thread {
  u64 stamp;
  gc::member<cell_of_thread> next;
  explicit cell_of_thread(u64 s) noexcept : stamp(s) {}
};

}  // namespace

template <>
struct tophash::gc_traits<cell_of_thread> {
  static constexpr bool may_contain_pointers = true;
  static void trace(pointer_visitor& visit, const cell_of_thread& c) { trace_pointers(visit, c.next); }
};

namespace {

std::size_t wrong_in_a_thread(u64 thread) {
  gc::precise_options o;
  o.objects = o.blocks = {.reserved_bytes = std::size_t{64} << 20, .large_pages = false};
  o.min_heap_bytes = 10'000;
  o.step_work = 50;
  o.poison_freed = true;
  gc::precise_heap heap(o), second(o);  // both of them may be marking at once
  using tidying = deletion::purging<deletion::dirty, deletion::census>;
  map<u64, cell_of_thread*, gc::precise, tidying> m{gc::precise(heap)};
  weak_map<cell_of_thread*, cell_of_thread*, gc::precise> notes{gc::precise(heap)};
  gc::root<cell_of_thread> kept = second.make<cell_of_thread>(thread);
  std::size_t wrong = 0;
  for (u64 i = 0; i < 4'000; ++i) {
    const auto made = heap.make<cell_of_thread>(thread * 1'000'000 + i % 300);
    m.insert_or_assign(i % 300, made.get());
    notes.insert_or_assign(made.get(), made.get());
    const auto other = second.make<cell_of_thread>(thread);
    other->next = kept.get();
    if (i % 64 == 0) kept->next = nullptr;
    kept = other;
    if (i % 3 == 0) m.erase(i % 300);
    if (const auto at = m.find(i * 7 % 300); at != m.end())
      wrong += at->second->stamp == thread * 1'000'000 + i * 7 % 300 ? 0 : 1;
  }
  heap.collect();
  wrong += notes.size() == m.size() ? 0 : 1;
  return wrong + (heap.cycles() > 3 && kept->stamp == thread ? 0 : 1);
}

}  // namespace

TEST_CASE("precise heaps of several threads have nothing in common", "[shared][precise]") {
  std::atomic<std::size_t> wrong{0};
  std::vector<std::thread> threads;
  for (u64 t = 1; t <= 4; ++t) threads.emplace_back([t, &wrong] { wrong += wrong_in_a_thread(t); });
  for (std::thread& t : threads) t.join();
  CHECK(wrong == 0);
}
