// expect: tophash[hashing x Key]: the hashing policy has no hash or no equality for this Key
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>

struct point {
  int x, y;
};
tophash::map<point, int> m;
void use() { m[point{1, 2}] = 3; }
