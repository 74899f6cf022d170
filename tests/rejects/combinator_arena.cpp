// expect: tophash[allocation]: an arena or a pool keeps blocks of a collector where the collector does not look, so they would be freed under it
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>
#include <tophash/allocators/arena.hpp>

// A collector's storage that is searched, in the fewest lines: the rule needs no collector installed.
struct collected {
  using axis = tophash::axes::allocation;
  static constexpr tophash::visibility visibility = tophash::visibility::scanned;
  void* try_allocate(const tophash::request&) noexcept { return nullptr; }
  void deallocate(void*, const tophash::request&) noexcept {}
  friend bool operator==(collected, collected) noexcept { return true; }
};

constexpr auto refused_bytes = sizeof(tophash::map<int, int, tophash::allocators::arena<collected>>);
