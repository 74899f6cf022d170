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
      {"boehm", "the Boehm-Demers-Weiser collector (libgc); its storage: boehm_scanned, boehm_typed, boehm_map_aware, "
       "boehm_pointer_free",
       TOPHASH_WITH_BOEHM != 0},
  };
  return all;
}

#if TOPHASH_WITH_BOEHM

void start_collector() { static_cast<void>(gc::boehm_collector{}); }
void start_collector_window() { gc::boehm_collector{}.start_window(); }
gc::gc_sample collector_sample() { return gc::boehm_collector{}.sample(); }
gc::heap_occupancy collector_occupancy() { return gc::boehm_collector{}.occupancy(); }
const std::atomic<std::uint64_t>* collection_clock() { return &gc::boehm_collector{}.clock(); }

namespace {
bool held_back = false;
}

// libgc refuses even an explicit collection while they are disabled.
void collect_now() {
  if (held_back) GC_enable();
  gc::boehm_collector{}.collect();
  if (held_back) GC_disable();
}

void collect_by_itself(bool does) {
  if (held_back == !does) return;
  held_back = !does;
  does ? GC_enable() : GC_disable();
}

// A refusal is an answer here, not worth the library's lines on standard error.
void limit_collected_heap(std::size_t bytes) {
  GC_set_warn_proc(GC_ignore_warn_proc);
  GC_set_max_heap_size(bytes);
}

void allocate_garbage(std::size_t bytes) { static_cast<void>(GC_malloc_atomic(bytes)); }

void watch_block(void** link, const void* inside) {
  void* const block = GC_base(const_cast<void*>(inside));
  *link = block;
  static_cast<void>(GC_general_register_disappearing_link(link, block));
}

void forget_link(void** link) { static_cast<void>(GC_unregister_disappearing_link(link)); }

#else

void start_collector() {}
void start_collector_window() {}
gc::gc_sample collector_sample() { return {}; }
void collect_now() {}
gc::heap_occupancy collector_occupancy() { return {}; }
const std::atomic<std::uint64_t>* collection_clock() { return nullptr; }
void collect_by_itself(bool) {}
void limit_collected_heap(std::size_t) {}
void allocate_garbage(std::size_t) {}
void watch_block(void**, const void*) {}
void forget_link(void**) {}

#endif

}  // namespace tophash::lab
