// expect: tophash[layout]: a group was given a width other than 8 or 16, but its tags are compared as one word
// SPDX-License-Identifier: Apache-2.0
#include <tophash/framework/layout/open_groups.hpp>
#include <tophash/map.hpp>

tophash::map<int, int, tophash::layout::open_groups<32>> m;
