// expect: tophash[option x option]: two options were given on one axis; which of them is meant cannot be told
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/deletion/immediate.hpp>

tophash::map<int, int, tophash::deletion::dirty, tophash::deletion::immediate> m;
