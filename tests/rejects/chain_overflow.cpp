// expect: tophash[overflow x layout]: overflow::none supplies no overflow buckets, but a chained bucket that is full continues in one
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>
#include <tophash/policies/overflow/none.hpp>

tophash::map<int, int, tophash::overflow::none> m;
