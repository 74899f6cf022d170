// expect: tophash[deletion x types]: deletion::dirty keeps an erased entry until a sweep, but its Key or T has a destructor that may be needed at the erase
// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include <tophash/map.hpp>
#include <tophash/policies/deletion/dirty.hpp>

tophash::map<int, std::unique_ptr<int>, tophash::deletion::dirty> m;
void use() { m.erase(1); }
