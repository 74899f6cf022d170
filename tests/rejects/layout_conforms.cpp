// expect: tophash[layout]: the layout option states no `facts`, so no rule can judge it
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>

struct no_facts {
  using axis = tophash::axes::layout;
};
tophash::map<int, int, no_facts> m;
