// expect: tophash[deletion x allocation]: a collector counts dead slots by one tag as it marks, but hinted ones have four
// SPDX-License-Identifier: Apache-2.0
#include <tophash/gc/precise_heap.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/deletion/tombstone.hpp>

using namespace tophash;
map<int, int*, gc::precise, deletion::tombstone_hinted>* m = nullptr;
auto entries() { return m->size(); }
