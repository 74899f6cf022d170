// expect: tophash[sync x allocation]: each stripe allocates under its own lock, but this storage is not synchronised and several stripes would use it at once
// SPDX-License-Identifier: Apache-2.0
#include <tophash/allocators/arena.hpp>
#include <tophash/allocators/decorators/logged.hpp>
#include <tophash/shared_map.hpp>

using storage = tophash::allocators::logged<tophash::allocators::arena<>>;
constexpr auto refused_bytes = sizeof(tophash::map<int, int, tophash::sync::striped<64>, storage>);
