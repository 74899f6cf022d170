// SPDX-License-Identifier: Apache-2.0
// Time at equal memory (--memory 1.5x,2x,3x,5x): a collector buys its speed with space, so storages are
// compared where each may use the same. The unit of the budget is what the entries themselves take: entries
// alive at most times sizeof(pair<const Key, Value>). A storage that frees is held to it by limited(N,A),
// which counts bytes requested; a collector by its heap's greatest size. Each collector's storage has two
// rows: the map gives back what it no longer needs, as it always does, or leaves all of it to the collector.
// What does not fit says so. Beside collectors stands the exact heap of gc/precise_heap.hpp, for the maps it is
// compiled for (equal_memory_precise.hpp).
//
// Each cell is executed in a child process of its own; its time is compared, round by round, with the same
// map on the first storage without a budget.
#ifndef TOPHASH_BENCH_LAB_EQUAL_MEMORY_HPP
#define TOPHASH_BENCH_LAB_EQUAL_MEMORY_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "lab/experiment.hpp"
#include "lab/statistics.hpp"

namespace tophash::lab {

struct memory_cell {
  bool fits = true;
  std::string trouble;                // not empty: no figures, and why
  std::vector<double> cpu_ns_per_op;  // one for each round
  estimate ratio;                     // to the base's, within rounds
  std::uint64_t checksum = 0;
  std::uint64_t collections = 0;      // of a collector
  std::uint64_t peak_heap_bytes = 0;  // of a collector
};

struct memory_row {
  std::string variant, storage;
  std::size_t n = 0;
  bool collected = false, frees = true;
  std::uint64_t live_bytes = 0;  // what 1x is
  // The most that was requested at one time, where it frees: exact.
  std::optional<std::uint64_t> needed_bytes;
  memory_cell unlimited;
  std::vector<memory_cell> cells;  // by budget
};

struct memory_frontier {
  experiment_request request;
  std::vector<double> budgets;  // ascending
  std::string input_text, input_sha256;
  std::vector<std::string> left_out;
  std::vector<memory_row> rows;
  std::vector<std::string> mismatches;
  bool interrupted = false;
};

// `1.5x,2x`: ratios from 1 to 1000, ascending. Throws command_error.
std::vector<double> parse_budgets(const std::string& text);

// Entries alive at one time, at most.
std::uint64_t most_entries_of(const any_program& p);

memory_frontier run_equal_memory(const experiment_request& request, const std::vector<double>& budgets);

int exit_code_of(const memory_frontier& f);
nlohmann::json memory_frontier_json(const memory_frontier& f);
std::string memory_frontier_text(const memory_frontier& f);

}  // namespace tophash::lab

#endif
