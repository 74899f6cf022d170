// expect: tophash[deletion]: the purge has a trigger that makes no sense: a share above 100 percent, or a batch to be seen 0 times
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/deletion/purging.hpp>

tophash::map<int, int, tophash::deletion::purging<tophash::deletion::dirty, tophash::deletion::batch<1024, 0>>> m;
