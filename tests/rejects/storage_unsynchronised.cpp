// expect: tophash[sync x allocation]: each stripe allocates under its own lock, but this storage is not synchronised and several stripes would use it at once
// SPDX-License-Identifier: Apache-2.0
#include <tophash/allocators/arena.hpp>
#include <tophash/allocators/decorators/tracked.hpp>
#include <tophash/shared_map.hpp>

tophash::map<int, int, tophash::sync::shared_mutex, tophash::allocators::arena<>>* legal;
tophash::map<int, int, tophash::sync::striped<64>, tophash::allocators::tracked<tophash::allocators::arena<>>> m;
