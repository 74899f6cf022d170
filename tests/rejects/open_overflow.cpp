// expect: tophash[overflow x layout]: open addressing has no overflow buckets, so a source of them decides nothing
// SPDX-License-Identifier: Apache-2.0
#include <tophash/framework/layout/open_groups.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/overflow/local_list.hpp>

tophash::map<int, int, tophash::layout::open_groups<>, tophash::overflow::local_list> m;
