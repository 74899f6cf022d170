// expect: tophash[layout]: buckets are to be aligned to a distance that is no power of two, or is more than a page of 4096 bytes
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>

tophash::map<int, int, tophash::layout::bucket_chain<tophash::bucket_options{.align_bytes = 48}>> m;
