// expect: tophash[deletion]: a purge was asked for, but this deletion leaves nothing that a purge could remove
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>
#include <tophash/policies/deletion/purging.hpp>
#include <tophash/policies/deletion/tombstone.hpp>

tophash::map<int, int, tophash::deletion::purging<tophash::deletion::tombstone, tophash::deletion::share<25>>> m;
