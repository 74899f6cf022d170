// expect: tophash[layout]: more than 8 tag bits were asked for, but a tag is one byte
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>

tophash::map<int, int, tophash::layout::bucket_chain<tophash::bucket_options{.tag_bits = 12}>> m;
