// SPDX-License-Identifier: Apache-2.0
// What goes into one execution of a program by a variant, and what comes out of it. Plain data: the variants
// are compiled apart from everything that prints, stores or compares.
#ifndef TOPHASH_BENCH_LAB_EXECUTION_HPP
#define TOPHASH_BENCH_LAB_EXECUTION_HPP

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <tophash/allocators/erased.hpp>
#include <tophash/framework/core/purpose.hpp>

#include "lab/latency_log.hpp"
#include "lab/program.hpp"

namespace tophash::lab {

class map_watcher;
class overflow_meter;
class perf_counters;

struct execution_input {
  allocators::erased storage;
  std::uint64_t map_seed = 0;
  latency_log* latencies = nullptr;   // not null: every measured operation is timed on its own
  perf_counters* counters = nullptr;  // not null: runs during measured segments
  map_watcher* watcher = nullptr;     // not null: looks at the map every so many operations
  overflow_meter* meter = nullptr;    // not null: hears of overflow buckets, if the map was compiled metered
  const std::atomic<std::uint64_t>* pool_clock = nullptr;  // not null: a shared pool is drained as it counts
};

struct load_point {
  double load = 0;
  double overflow_percent = 0;     // of main buckets
  double hit_probes = 0;           // over all entries
  double miss_probes = 0;          // entries a bucket
  double sampled_hit_probes = 0;   // over the random hits that were looked up
  double sampled_miss_probes = 0;  // over the random misses
  double overhead_bytes_per_entry = 0;
  double hit_ns = 0, miss_ns = 0;  // CPU time
  std::uint64_t checksum = 0;      // of all operations up to here
};

struct map_counts {
  bool known = false;
  std::uint64_t dead = 0, dirty = 0, overflow_in_use = 0, growths = 0, regrows = 0, evacuated_chains = 0;
  std::uint64_t overflow_requested = 0, overflow_recycled = 0, overflow_released = 0, overflow_kept = 0;
  bool growing = false;
  double hit_probes = 0, miss_probes = 0;
  std::uint64_t longest_chain_entries = 0;
};

struct purpose_bytes {
  purpose use;
  std::size_t bytes;
};

struct execution {
  std::uint64_t checksum = 0;
  std::uint64_t operations = 0;  // measured ones
  std::uint64_t cpu_ns = 0;
  std::uint64_t wall_ns = 0;
  std::uint64_t end_size = 0;
  std::uint64_t cache_hits = 0, cache_misses = 0, cache_evictions = 0;
  map_counts counts;
  std::vector<purpose_bytes> end_memory;  // the map's own report
  std::vector<load_point> load_points;
  std::string trouble;  // not empty: the execution ended early, and why
};

// One row of the catalogue of built maps. A null function: not built for that key.
struct variant_row {
  std::string name;  // what --variant takes and tables show
  std::string spec;  // canonical, storage not yet chosen; empty for a foreign map
  std::string description;
  bool any_storage;  // false: always its own (the system's heap)
  void (*run_u64)(const program<std::uint64_t>&, const execution_input&, execution&);
  void (*run_string)(const program<std::string>&, const execution_input&, execution&);
  std::string bound_to = {};  // the storage its type was compiled with (--bind); empty: as any_storage says
};

}  // namespace tophash::lab

#endif
