// expect: tophash[allocation]: the parts of a combined storage are not seen alike by a collector, but a map treats all its memory in one way
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>
#include <tophash/allocators/by_size.hpp>

// A collector's storage that is searched, in the fewest lines: the rule needs no collector installed.
struct collected {
  using axis = tophash::axes::allocation;
  static constexpr tophash::visibility visibility = tophash::visibility::scanned;
  void* try_allocate(const tophash::request&) noexcept { return nullptr; }
  void deallocate(void*, const tophash::request&) noexcept {}
  friend bool operator==(collected, collected) noexcept { return true; }
};

tophash::map<int, int, tophash::allocators::by_size<1024, tophash::allocators::system, collected>> m;
