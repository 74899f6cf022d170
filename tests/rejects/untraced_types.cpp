// expect: tophash[allocation x types]: this storage's collector follows exactly the pointers that a type names, but this Key or T may hold some that it does not name, whose referents would be freed
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>

// An exact collector's storage in the fewest lines.
struct exactly_traced {
  using axis = tophash::axes::allocation;
  static constexpr tophash::visibility visibility = tophash::visibility::typed;
  void* try_allocate(const tophash::request&) noexcept { return nullptr; }
  void deallocate(void*, const tophash::request&) noexcept {}
  friend bool operator==(exactly_traced, exactly_traced) noexcept { return true; }
};

struct node;
struct pair_of_nodes {
  node *left, *right;
};
tophash::map<int, pair_of_nodes, exactly_traced> m;
void use() { m[1] = {}; }
