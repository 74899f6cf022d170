// expect: tophash[layout]: a filter of a number of bits was asked for that no integer has
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>

tophash::map<int, int, tophash::layout::bucket_chain<tophash::bucket_options{.filter_bits = 12}>> m;
