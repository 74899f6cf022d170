// expect: tophash[allocation x go_sync_map]: stores allocate without a lock, but this storage must not be called by several threads at once
// SPDX-License-Identifier: Apache-2.0
#include <tophash/gc/precise_heap.hpp>
#include <tophash/go_sync_map.hpp>

using map = tophash::go_sync_map<int, int, tophash::gc::precise>;
void use(map& m) { m.store(1, 2); }
