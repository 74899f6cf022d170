// expect: tophash[growth x layout]: growth is to regrow by overflow buckets or chain length, but open addressing has neither
// SPDX-License-Identifier: Apache-2.0
#include <tophash/framework/layout/open_groups.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/growth/eager.hpp>
#include <tophash/policies/growth/regrowing.hpp>

using growth = tophash::growth::regrowing<tophash::growth::eager, tophash::growth::when::chain<4>>;
tophash::map<int, int, tophash::layout::open_groups<>, growth> m;
