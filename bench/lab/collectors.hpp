// SPDX-License-Identifier: Apache-2.0
// The collector that is built in (Boehm's, or none), behind functions: gc.h is included in one file only.
#ifndef TOPHASH_BENCH_LAB_COLLECTORS_HPP
#define TOPHASH_BENCH_LAB_COLLECTORS_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <tophash/gc/collector.hpp>

namespace tophash::lab {

struct collector_entry {
  std::string name;
  std::string description;
  bool here;
};

const std::vector<collector_entry>& collectors();

// First thing in main, while its frame is the oldest that holds a map.
void start_collector();

void start_collector_window();
gc::gc_sample collector_sample();
void collect_now();
gc::heap_occupancy collector_occupancy();

// Counts collections; null where no collector is built in.
const std::atomic<std::uint64_t>* collection_clock();

// False: no allocation starts a collection any more, only collect_now() does.
void collect_by_itself(bool does);

// The heap grows to so many bytes and no further; what finds no room then is refused. 0: no limit.
void limit_collected_heap(std::size_t bytes);

// A pointer-free block that nobody keeps.
void allocate_garbage(std::size_t bytes);

// `link` becomes null when the block that `inside` points into is no longer reachable. It lies in malloc
// memory, which the collector does not search, and stays there until then or until forget_link().
void watch_block(void** link, const void* inside);
void forget_link(void** link);

}  // namespace tophash::lab

#endif
