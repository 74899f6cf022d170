// expect: tophash[allocation x layout]: the directory points to its tables and those to their groups, but this storage's collector searches no block for such pointers
// SPDX-License-Identifier: Apache-2.0
#include <tophash/framework/layout/directory.hpp>
#include <tophash/map.hpp>

// A collector's storage that is never searched, in the fewest lines: the rule needs no collector installed.
struct collected_pointer_free {
  using axis = tophash::axes::allocation;
  static constexpr tophash::visibility visibility = tophash::visibility::pointer_free;
  void* try_allocate(const tophash::request&) noexcept { return nullptr; }
  void deallocate(void*, const tophash::request&) noexcept {}
  friend bool operator==(collected_pointer_free, collected_pointer_free) noexcept { return true; }
};

tophash::map<int, int, tophash::layout::directory<>, collected_pointer_free> m;
