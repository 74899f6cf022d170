// expect: tophash[weak_map]: a map is held in one way: weak_keys, weak_values or ephemerons
// SPDX-License-Identifier: Apache-2.0
#include <tophash/gc/precise_heap.hpp>
#include <tophash/weak_map.hpp>

tophash::weak_map<int*, int*, tophash::gc::weak_keys, tophash::gc::ephemerons, tophash::gc::precise>* m = nullptr;
auto entries() { return m->size(); }
