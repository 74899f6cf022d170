// expect: tophash[allocation x layout]: this storage's collector reads the tags of whole groups to find the live slots, and open_slots has one tag a slot and no groups
// SPDX-License-Identifier: Apache-2.0
#include <tophash/framework/layout/open_slots.hpp>
#include <tophash/map.hpp>

// An exact collector's storage in the fewest lines.
struct exactly_traced {
  using axis = tophash::axes::allocation;
  static constexpr tophash::visibility visibility = tophash::visibility::typed;
  void* try_allocate(const tophash::request&) noexcept { return nullptr; }
  void deallocate(void*, const tophash::request&) noexcept {}
  friend bool operator==(exactly_traced, exactly_traced) noexcept { return true; }
};

tophash::map<int, int*, tophash::layout::open_slots<>, exactly_traced> m;
