// expect: tophash[allocation]: fallback<First, Second> cannot tell whose a block is when it comes back, since First has no owns(p)
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>
#include <tophash/allocators/decorators/tracked.hpp>
#include <tophash/allocators/fallback.hpp>

// A decorator does not give its backend what that lacks.
using first = tophash::allocators::tracked<tophash::allocators::system>;
tophash::map<int, int, tophash::allocators::fallback<first, tophash::allocators::system>> m;
