// expect: tophash[deletion]: the deletion option states no deletion_facts, so neither table nor layout knows what an erase leaves
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>

struct no_facts {
  using axis = tophash::axes::deletion;
};
tophash::map<int, int, no_facts> m;
