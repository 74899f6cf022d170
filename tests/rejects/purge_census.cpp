// expect: tophash[deletion]: a purge by the collector's census sweeps dirty entries and unlinks emptied overflow buckets, but this deletion leaves neither
// SPDX-License-Identifier: Apache-2.0
#include <tophash/gc/precise_heap.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/deletion/immediate.hpp>
#include <tophash/policies/deletion/purging.hpp>

using namespace tophash;
map<int, int*, gc::precise, deletion::purging<deletion::immediate, deletion::census>>* m = nullptr;
auto entries() { return m->size(); }
