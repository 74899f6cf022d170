// expect: tophash[overflow x allocation]: in pointer-free storage each map keeps its overflow buckets alive by a list of its own, but a bucket in a shared pool is in no map
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>
#include <tophash/policies/overflow/shared_pool.hpp>

// A collector's storage that is never searched, in the fewest lines: the rule needs no collector installed.
struct collected_pointer_free {
  using axis = tophash::axes::allocation;
  static constexpr tophash::visibility visibility = tophash::visibility::pointer_free;
  void* try_allocate(const tophash::request&) noexcept { return nullptr; }
  void deallocate(void*, const tophash::request&) noexcept {}
  friend bool operator==(collected_pointer_free, collected_pointer_free) noexcept { return true; }
};

constexpr auto refused_bytes = sizeof(tophash::map<int, int, tophash::overflow::shared_pool, collected_pointer_free>);
