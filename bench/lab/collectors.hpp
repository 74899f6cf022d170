// SPDX-License-Identifier: Apache-2.0
// The collector that is built in (Boehm's, or none), behind functions: gc.h is included in one file only.
#ifndef TOPHASH_BENCH_LAB_COLLECTORS_HPP
#define TOPHASH_BENCH_LAB_COLLECTORS_HPP

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

}  // namespace tophash::lab

#endif
