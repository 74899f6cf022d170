// expect: tophash[allocation]: fallback<First, Second> cannot tell whose a block is when it comes back, since First has no owns(p)
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>
#include <tophash/allocators/fallback.hpp>
#include <tophash/allocators/pages.hpp>

tophash::map<int, int, tophash::allocators::fallback<tophash::allocators::pages<>, tophash::allocators::system>> m;
