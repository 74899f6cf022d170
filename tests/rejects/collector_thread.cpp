// expect: tophash[sync x allocation]: several threads may use this map, but an exact heap belongs to one thread: it collects in that thread's steps and reads the map's slots there without its locks
// SPDX-License-Identifier: Apache-2.0
#include <tophash/gc/precise_heap.hpp>
#include <tophash/shared_map.hpp>

tophash::map<int, int, tophash::sync::shared_mutex, tophash::gc::precise> m;
