// SPDX-License-Identifier: Apache-2.0
// Boehm's collector where it is built in. Every map of the lab is a local variable of the thread that called
// start_collector(), so its roots are on a stack that libgc searches; records and histograms are in malloc
// memory, which it does not search.
#include "lab/collectors.hpp"

#if TOPHASH_WITH_BOEHM
#include <tophash/gc/boehm_collector.hpp>
#endif

namespace tophash::lab {

const std::vector<collector_entry>& collectors() {
  static const std::vector<collector_entry> all = {
      {"none", "storage is freed by its owner alone", true},
      {"boehm", "the Boehm-Demers-Weiser collector (libgc); its storage: boehm_scanned, boehm_pointer_free",
       TOPHASH_WITH_BOEHM != 0},
  };
  return all;
}

#if TOPHASH_WITH_BOEHM

void start_collector() { static_cast<void>(gc::boehm_collector{}); }
void start_collector_window() { gc::boehm_collector{}.start_window(); }
gc::gc_sample collector_sample() { return gc::boehm_collector{}.sample(); }
void collect_now() { gc::boehm_collector{}.collect(); }

#else

void start_collector() {}
void start_collector_window() {}
gc::gc_sample collector_sample() { return {}; }
void collect_now() {}

#endif

}  // namespace tophash::lab
