// SPDX-License-Identifier: Apache-2.0
// A recorded allocation trace (`tophash record`, bench/traces/alloc_python_ast) played on storage itself,
// without a map: each set obtains a block of that size, each delete gives it back. Which block an operation
// means is found out before any clock runs. Each block's first word holds its number and is checked when it
// is given back; each of its pages is written once.
//
// Each storage runs in a child process of its own: one execution that looks at resident memory, and `repeat`
// rounds of timed ones, storages in turn. Counts and bytes are exact, the same in every run; resident memory
// and times are measured.
#ifndef TOPHASH_BENCH_LAB_ALLOCATION_REPLAY_HPP
#define TOPHASH_BENCH_LAB_ALLOCATION_REPLAY_HPP

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "lab/experiment.hpp"
#include "lab/statistics.hpp"

namespace tophash::lab {

struct allocation_step {
  std::uint32_t block;  // number of a place for live blocks
  std::uint32_t bytes;  // 0: give it back
};

struct allocation_trace {
  std::vector<allocation_step> steps;
  std::string file, sha256;
  std::uint32_t places = 0;  // blocks alive at one time, at most
  std::uint64_t allocations = 0, releases = 0, requested_bytes = 0;
  std::uint64_t peak_live_bytes = 0, end_live_bytes = 0, end_live_blocks = 0;
  std::uint64_t unknown_releases = 0;  // of keys that are not alive: left out
  std::uint64_t reused_keys = 0;       // set again while alive: given back first
};

// Throws trace_error: a malformed file, rows that no allocator's trace has (g, c), no row at all.
allocation_trace load_allocations(const std::filesystem::path& file, std::uint64_t row_limit = UINT32_MAX);

struct allocation_sample {
  std::uint64_t steps = 0, live_bytes = 0, resident_bytes = 0;
};

struct allocation_row {
  std::string storage;
  std::string trouble;  // not empty: no figures, and why
  // exact
  std::uint64_t allocations = 0, requested_bytes = 0, peak_live_bytes = 0, wrong_blocks = 0;
  // measured; resident bytes beyond what the process had before
  std::uint64_t peak_resident_bytes = 0, end_resident_bytes = 0, empty_resident_bytes = 0,
                returned_resident_bytes = 0;
  std::uint64_t page_faults = 0, kernel_ns = 0, cpu_ns = 0;  // of the execution that looked at memory
  std::vector<allocation_sample> timeline;                    // live bytes in it are exact
  std::vector<double> cpu_ns_per_step;  // one for each round
  estimate ratio;                       // to the first row, within rounds
};

struct allocation_result {
  experiment_request request;
  allocation_trace trace;  // without its steps
  std::vector<allocation_row> rows;
  bool interrupted = false;
};

// Throws command_error. Without allocators named: every storage that is here and belongs to no collector.
allocation_result run_allocation_replay(const experiment_request& request);

int exit_code_of(const allocation_result& r);
std::vector<std::string> allocation_findings(const allocation_result& r);
// A row explained by its counters, in one sentence.
std::string why_of(const allocation_row& row);
nlohmann::json allocation_json(const allocation_result& r);
std::string allocation_text(const allocation_result& r);

}  // namespace tophash::lab

#endif
