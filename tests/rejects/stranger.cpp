// expect: tophash[option]: a type without a nested `axis` was given as an option; nothing says what it decides
// SPDX-License-Identifier: Apache-2.0
#include <functional>

#include <tophash/map.hpp>

// A standard hash is not an option: it names no axis.
tophash::map<int, int, std::hash<int>> m;
