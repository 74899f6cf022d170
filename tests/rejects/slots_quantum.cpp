// expect: tophash[growth x load]: during a growth the old array of layout::open_slots may take an insert for each step of incremental growth, but at this load it has fewer free slots than there are steps
// SPDX-License-Identifier: Apache-2.0
#include <tophash/framework/layout/open_slots.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/deletion/tombstone.hpp>
#include <tophash/policies/growth/incremental.hpp>

tophash::map<int, int, tophash::layout::open_slots<>, tophash::deletion::tombstone, tophash::growth::incremental<2>> m;
