// expect: tophash[deletion x layout x allocation]: a purge by census needs a collector that counts the map's slots while it marks them, and chains to purge; here is one of them missing
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/deletion/purging.hpp>

tophash::map<int, int, tophash::deletion::purging<tophash::deletion::dirty, tophash::deletion::census>> m;
