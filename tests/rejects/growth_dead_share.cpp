// expect: tophash[growth x deletion]: growth is to regrow by the share of dead slots, but this deletion leaves none that are counted: their slots are free again
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>
#include <tophash/policies/growth/eager.hpp>
#include <tophash/policies/growth/regrowing.hpp>

tophash::map<int, int, tophash::growth::regrowing<tophash::growth::eager, tophash::growth::when::dead<25>>> m;
