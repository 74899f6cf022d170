// expect: tophash[overflow x layout]: overflow::preallocated puts its buckets behind those of the array, but a grouped layout has no one array
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>
#include <tophash/policies/overflow/preallocated.hpp>

using grouped = tophash::layout::bucket_chain<tophash::bucket_options{.group_bytes = 4096}>;
tophash::map<int, int, grouped, tophash::overflow::preallocated> m;
