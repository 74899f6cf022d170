// expect: tophash[load x layout]: the load limit is more entries a group than open groups can hold: one slot in each stays free so that a search ends
// SPDX-License-Identifier: Apache-2.0
#include <tophash/framework/layout/open_groups.hpp>
#include <tophash/map.hpp>
#include <tophash/set.hpp>

tophash::set<int, tophash::layout::open_groups<8>, tophash::load<15, 2>> s;
