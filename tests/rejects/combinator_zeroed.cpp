// expect: tophash[allocation x types]: pointer-free storage is never searched by the collector, but this Key or T may hold a pointer to collected memory, whose referent would be freed
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>
#include <tophash/allocators/decorators/zeroed.hpp>

// A collector's storage that is never searched, in the fewest lines: the rule needs no collector installed.
struct collected_pointer_free {
  using axis = tophash::axes::allocation;
  static constexpr tophash::visibility visibility = tophash::visibility::pointer_free;
  void* try_allocate(const tophash::request&) noexcept { return nullptr; }
  void deallocate(void*, const tophash::request&) noexcept {}
  friend bool operator==(collected_pointer_free, collected_pointer_free) noexcept { return true; }
};

struct node;
tophash::map<int, node*, tophash::allocators::zeroed<collected_pointer_free>> m;
void use() { m[1] = nullptr; }
