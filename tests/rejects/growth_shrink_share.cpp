// expect: tophash[growth]: a table cannot shrink above a quarter of its load limit: half of its array would be more than half full and soon have to grow again
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>
#include <tophash/policies/growth/eager.hpp>
#include <tophash/policies/growth/shrinking.hpp>

tophash::map<int, int, tophash::growth::shrinking<tophash::growth::eager, 40>> m;
