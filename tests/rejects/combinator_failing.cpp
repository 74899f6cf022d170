// expect: tophash[sync x allocation]: several threads may write to this map, but only the thread that made its storage may allocate there
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>
#include <tophash/allocators/decorators/failing.hpp>

// What mimalloc_heap says of itself, without the package.
struct one_thread {
  using axis = tophash::axes::allocation;
  static constexpr bool thread_bound = true;
  void* try_allocate(const tophash::request&) noexcept { return nullptr; }
  void deallocate(void*, const tophash::request&) noexcept {}
  friend bool operator==(one_thread, one_thread) noexcept { return true; }
};
struct many_writers {
  using axis = tophash::axes::sync;
  static constexpr tophash::sync_facts facts{.shared = true};
};
tophash::map<int, int, tophash::allocators::failing<one_thread>, many_writers>* m;
constexpr auto refused_bytes = sizeof(*m);
