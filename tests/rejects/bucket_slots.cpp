// expect: tophash[layout]: a bucket was given fewer than 1 or more than 8 slots, but its tags are matched as one 64-bit word
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>

tophash::map<int, int, tophash::layout::bucket_chain<tophash::bucket_options{.slots = 9}>> m;
