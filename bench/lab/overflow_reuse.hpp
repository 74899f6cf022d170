// SPDX-License-Identifier: Apache-2.0
// The matrix overflow_reuse: deletions x overflow sources x same-size growth on and off, each under four
// patterns of erase and insert, with a collector or without. docs/overflow-reuse.md says how to read it.
//
// A cell is executed in child processes of its own. The first one has a listener at the overflow source: from
// it are the counts, which a seed fixes. The others have none: from them are the times; their counts must be
// the same, or the run fails. Counting begins after the warm-up.
#ifndef TOPHASH_BENCH_LAB_OVERFLOW_REUSE_HPP
#define TOPHASH_BENCH_LAB_OVERFLOW_REUSE_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "lab/collector_costs.hpp"
#include "lab/collector_timeline.hpp"
#include "lab/experiment.hpp"
#include "lab/overflow_reuse_heap.hpp"

namespace tophash::lab {

struct reuse_request {
  experiment_request base;  // collector, variants, n, seed, repeat, progress; the rest has no meaning here
  std::vector<std::string> patterns;  // printed, same_keys, new_keys, adversary; empty: all
  std::vector<std::string> pools;     // drained, kept: the shared pool under a collector; empty: both
  std::string reclaim;  // collector (as a language with one does) or owner; empty: collector if there is one
  double heap_ratio = 2;           // bytes at which a collection is due, to reachable bytes
  std::size_t garbage_bytes = 16;  // that the mutator allocates beside the map, for each operation
};

inline constexpr const char* overflow_reuse_name = "overflow_reuse";
inline constexpr unsigned reuse_rounds_usual = 5;

// Exact: a seed fixes every one of them.
struct reuse_counts {
  std::uint64_t checksum = 0, operations = 0;
  std::uint64_t requested = 0, recycled = 0, released = 0;  // overflow buckets, after the warm-up
  std::uint64_t in_use = 0, kept = 0;                       // at the end; kept: by the map, or in its pool
  std::uint64_t in_use_peak = 0;                            // of the samples, 64 a run
  std::uint64_t entries = 0, buckets = 0, longest_chain_entries = 0;
  std::uint64_t dead = 0, dirty = 0, growths = 0, regrows = 0;
  std::uint64_t map_bytes = 0;        // the map's own report
  std::uint64_t reachable_bytes = 0;  // of its storage, what a shared pool keeps included
  heap_counts heap;
  friend bool operator==(const reuse_counts&, const reuse_counts&) = default;

  std::optional<double> reuse_percent() const;  // nothing: nothing was requested
  double mean_chain_buckets() const;
  double requests_per_1000_operations() const;
};

// One value a round, or the median of the rounds; the longest stop is that of all.
struct reuse_times {
  std::vector<double> mutator_ns_per_op;    // CPU of the map's operations, collections left out
  std::vector<double> collector_ns_per_op;  // CPU of all collections, spread over the operations
  double stop_p50_ns = 0, stop_p99_ns = 0, stop_max_ns = 0;
  std::uint64_t heap_bytes = 0, heap_peak_bytes = 0, free_bytes = 0;  // of the last round
  std::uint64_t occupied_bytes = 0, object_bytes = 0;  // after a collection at the end: gc::heap_occupancy
  double fragmentation = 0;
  std::vector<collector_stay> stays;  // of the last round
};

struct reuse_cell {
  std::string deletion, source, growth;  // the options' texts; source: "shared_pool drained" where it is
  std::string pattern;
  std::string spec;       // short
  std::string canonical;  // with its storage
  std::string storage;
  bool collected = false, drained = false;
  std::string trouble;  // not empty: no figures, and why
  reuse_counts counts;
  reuse_drag drag;
  reuse_times times;
  double predicted_collector_ns_per_op = 0;  // GC pressure; 0 without a collector

  std::string composition() const { return deletion + ", " + source + ", " + growth; }
};

struct reuse_result {
  reuse_request request;
  std::size_t n = 0;
  std::string storage;
  bool collected = false, by_collector = false;
  collector_costs costs;
  std::vector<reuse_cell> cells;
  std::vector<std::string> left_out;
  std::vector<std::string>
      mismatches;           // sentences: counts that differ between rounds, checksums between cells
  std::size_t planned = 0;  // cells; more than there are after an interruption
  bool interrupted = false;
};

// The compositions measured when none is named.
std::vector<std::string> overflow_reuse_specs();

// Throws command_error.
reuse_result run_overflow_reuse(const reuse_request& request);

// Sentences from comparing cells; none is written beforehand.
std::vector<std::string> reuse_findings(const reuse_result& r);

nlohmann::json reuse_json(const reuse_result& r);  // schema tophash-result-1
std::string reuse_text(const reuse_result& r);

}  // namespace tophash::lab

#endif
