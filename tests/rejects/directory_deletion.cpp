// expect: tophash[deletion x layout]: tables behind a directory end a search at an empty slot, and count the dead ones that an insert may take again: an erase can only leave a tombstone that is reused
// SPDX-License-Identifier: Apache-2.0
#include <tophash/framework/layout/directory.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/deletion/immediate.hpp>

tophash::map<int, int, tophash::layout::directory<>, tophash::deletion::immediate> m;
