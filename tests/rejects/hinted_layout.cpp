// expect: tophash[deletion x layout]: tombstone(hinted) tells runs of 2, 4 and 8 dead slots of a chain's bucket, but here are no chains, or buckets that are no such run
// SPDX-License-Identifier: Apache-2.0
#include <tophash/framework/layout/open_groups.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/deletion/tombstone.hpp>

tophash::map<int, int, tophash::layout::open_groups<>, tophash::deletion::tombstone_hinted> m;
