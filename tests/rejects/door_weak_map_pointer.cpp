// expect: tophash[weak_map]: the weak side is a plain pointer to an object of the collector: the key of weak_keys and ephemerons, the value of weak_values
// SPDX-License-Identifier: Apache-2.0
#include <string>

#include <tophash/gc/precise_heap.hpp>
#include <tophash/weak_map.hpp>

tophash::weak_map<std::string, int*, tophash::gc::ephemerons, tophash::gc::precise>* m = nullptr;
auto entries() { return m->size(); }
