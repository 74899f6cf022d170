// expect: tophash[overflow x layout]: links are to be numbers of overflow buckets, but this source gives its blocks no numbers
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>

using by_number = tophash::layout::bucket_chain<tophash::bucket_options{.link = tophash::link_kind::index32}>;
tophash::map<int, int, by_number> m;
