// expect: tophash[deletion x layout]: a tombstone marks the place of an entry that cannot move, but an entry of layout::nodes lies in a block of its own and leaves no place behind
// SPDX-License-Identifier: Apache-2.0
#include <tophash/framework/layout/open_groups.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/deletion/tombstone.hpp>

tophash::map<int, int, tophash::layout::nodes, tophash::deletion::tombstone> m;
