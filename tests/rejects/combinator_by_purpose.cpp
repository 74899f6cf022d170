// expect: tophash[allocation]: by_purpose<...> has no part for some purpose of a map's memory; end it with rest<A>
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>
#include <tophash/allocators/by_purpose.hpp>

using namespace tophash::allocators;
using storage = by_purpose<route<tophash::purpose::overflow, tophash::allocators::system>>;
constexpr auto refused_bytes = sizeof(storage);
