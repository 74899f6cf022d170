// SPDX-License-Identifier: Apache-2.0
// Measures variants on one program. Passes of their own, so that none disturbs another:
//   memory   one execution in a child process of its own with tracked storage: peak and end bytes by purpose,
//            allocations, resident set; under a collector its collections, pauses and heap, while the program
//            allocates garbage beside the map, so that there is something to collect
//   kept     under a collector, one more execution like it: what a collection at its end leaves, by cause (retention.hpp)
//   latency  a few executions, each in a child process, every operation timed on its own; the least of the
//            executions counts (latency_log.hpp)
//   time     `repeat` rounds in this process, variants interleaved, in another order each round; CPU time of
//            the thread; ratios are taken within a round, so that what slows a whole round cancels out
// A checksum over all results is compared across the variants: a fast wrong map is an error, not a result.
#ifndef TOPHASH_BENCH_LAB_MEASURE_HPP
#define TOPHASH_BENCH_LAB_MEASURE_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <tophash/framework/core/purpose.hpp>
#include <tophash/gc/collector.hpp>

#include "lab/collector_costs.hpp"
#include "lab/collector_timeline.hpp"
#include "lab/execution.hpp"
#include "lab/retention.hpp"
#include "lab/statistics.hpp"

namespace tophash::lab {

struct measured_task {
  const variant_row* variant = nullptr;
  std::string storage;  // text of a backend
  const any_program* program = nullptr;
  std::size_t n = 0;  // as the row shows it; 0: a trace
};

struct measure_options {
  unsigned repeat = 5;
  std::uint64_t seed = 1;
  bool memory = true;
  bool latency = true;
  unsigned latency_executions = 3;
  std::size_t garbage_bytes = 16;  // allocated beside the map for each operation, in the memory pass
  bool time = true;  // none of the three: one execution, for the checksum
  std::function<void(const std::string&)> progress = [](const std::string&) {};
};

struct latency_figures {
  double p50 = 0, p90 = 0, p99 = 0, p99_9 = 0, max = 0;  // ns
  std::uint64_t samples = 0;
};

// Since the row's memory pass began.
struct purpose_traffic {
  purpose use;
  std::uint64_t allocations = 0, requested_bytes = 0, peak_bytes = 0;
};

struct memory_figures {
  bool counted = true;  // false: the map allocates past the lab's counters; only rss and its own report hold
  std::uint64_t peak_bytes = 0, end_bytes = 0;
  std::optional<std::uint64_t> rss_bytes;  // what the execution added to the process's peak
  std::vector<purpose_bytes> end_by_purpose, peak_by_purpose;
  std::uint64_t allocations = 0, deallocations = 0;
  std::vector<std::pair<std::string, std::uint64_t>> allocations_by_purpose;
  std::vector<purpose_traffic> traffic;      // of the purposes that were asked for
  double own_report_bytes = 0;  // what the map itself says of its end; 0: it says nothing
};

// What a row's memory pass tells of its collector: GC pressure and what it is made of.
struct collector_figures {
  std::string collector;
  gc::gc_sample sample;
  std::vector<collector_stay> stays;
  gc::heap_occupancy left;  // after one more collection, the map already gone
  kept_figures kept;        // after one, the map still there
  std::uint64_t operations = 0, entries = 0;
  std::uint64_t live_bytes = 0;  // of the map, at its end
  heap_counts work;
  double predicted_ns_per_op = 0;

  double per_op(std::uint64_t of) const noexcept {
    return operations == 0 ? 0 : static_cast<double>(of) / static_cast<double>(operations);
  }
  double collector_ns_per_op() const noexcept { return per_op(sample.collector_cpu_ns); }
  // Bytes that the marker reads for an entry in a collection.
  double read_bytes_per_entry() const noexcept {
    const double cycles = static_cast<double>(work.collections) * static_cast<double>(entries);
    return cycles == 0 ? 0 : static_cast<double>(work.scanned_bytes) / cycles;
  }
};

struct measured_row {
  measured_task task;
  execution result;                   // of the first execution
  std::vector<double> cpu_ns_per_op;  // one for each round
  std::vector<double> wall_ns_per_op;
  std::optional<latency_figures> latency;
  std::optional<memory_figures> memory;
  std::optional<collector_figures> collector;
  std::vector<std::pair<std::string, double>> hardware_per_op;
  std::string trouble;     // not empty: no figures, and why
  bool collected = false;  // its storage is a collector's

  std::string name() const { return task.variant->name + " on " + task.storage; }
};

struct measurement {
  std::vector<measured_row> rows;
  std::vector<std::string> mismatches;  // sentences about unequal checksums
  bool interrupted = false;
};

// Set by the handler of SIGINT; measuring stops after the execution that is under way.
inline std::atomic<bool> interrupt_requested{false};

measurement measure(const std::vector<measured_task>& tasks, const measure_options& options);

// Medians over rounds of row / base, where both were measured in a round.
estimate paired_ratio(const measured_row& row, const measured_row& base);

// One execution in this process. Exposed for tests.
execution execute_once(const measured_task& task, const execution_input& input);

}  // namespace tophash::lab

#endif
