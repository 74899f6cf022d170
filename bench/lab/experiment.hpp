// SPDX-License-Identifier: Apache-2.0
// One experiment from words to figures: names are resolved (with the nearest candidates where one is
// unknown), combinations that a rule refuses are left out with the rule's sentence, programs are built, rows
// are measured.
#ifndef TOPHASH_BENCH_LAB_EXPERIMENT_HPP
#define TOPHASH_BENCH_LAB_EXPERIMENT_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "lab/measure.hpp"
#include "lab/value_kind.hpp"

namespace tophash::lab {

inline constexpr int exit_done = 0, exit_check_failed = 1, exit_not_here = 2, exit_usage = 64;
inline constexpr int exit_interrupted = 130;  // as a shell says of SIGINT

// Ends a command: the sentence goes to standard error, the code to the shell.
class command_error : public std::runtime_error {
 public:
  command_error(int code, const std::string& sentence) : std::runtime_error(sentence), code_(code) {}
  int code() const noexcept { return code_; }

 private:
  int code_;
};

struct experiment_request {
  std::string command;                     // "run" or "replay"
  std::string workload;                    // run
  std::string trace;                       // replay: a file
  std::string trace_keys = "detect";       // replay: detect, u64, string
  std::optional<std::uint64_t> row_limit;  // replay: at most so many rows
  std::optional<std::size_t> capacity;     // replay: as a cache of so many entries
  std::vector<std::string> variants = {"all"};
  bool keep_duplicates = false;         // a variant that is named twice is measured twice
  std::vector<std::string> allocators;  // empty: the collector's, or system
  std::string collector;                // empty: whatever the allocators imply
  std::vector<std::size_t> n;           // run; empty: the workload's usual one
  value_kind value;                     // of every map; other than the usual one: ours alone, compiled
  std::string key = "u64";              // run
  unsigned repeat = 5;
  std::uint64_t seed = 1;
  bool compile = true;            // false: built-in variants only
  bool bind = false;              // beside each row of ours, the same with its storage bound when compiling
  std::vector<std::string> load;  // files of the user's own, with TOPHASH_VARIANTs
  bool check_only = false;        // one execution a row, for the checksum
  bool memory = true, latency = true;
  std::size_t garbage_bytes = 16;  // that the memory pass allocates beside a map under a collector, an operation
  bool timeline = false;           // --gctrace or --chrome-trace: refused where no row is under a collector
  std::vector<std::string> argv;
  std::function<void(const std::string&)> progress = [](const std::string&) {};
};

struct experiment {
  experiment_request request;
  std::string input_sha256;  // of the trace's file, or of the parameters' text
  std::string input_text;
  std::vector<std::shared_ptr<const any_program>> programs;
  std::vector<std::string> left_out;  // sentences: combinations that were not measured
  measurement measured;
};

// Throws command_error.
experiment run_experiment(const experiment_request& request);

// The same without measuring: what would be measured. The tasks refer to the programs in `out`.
std::vector<measured_task> prepare_experiment(const experiment_request& request, experiment& out);

// Throws command_error if a timeline is asked for and no collector will run: before anything is read or measured.
void check_timeline(const experiment_request& request, bool any_collected);

// 0 or 1.
int exit_code_of(const experiment& e);

// The first row measured on the same program: what ratios refer to.
const measured_row& base_of(const experiment& e, const measured_row& row);

// `system,mimalloc` is two storages; a comma in parentheses belongs to one.
std::vector<std::string> split_storages(const std::vector<std::string>& texts);

// The canonical text of a storage that is here. Throws command_error.
std::string checked_storage(const std::string& text);

// `inline:64`, `boxed`, `gc`. Throws command_error.
value_kind checked_value(const std::string& text);

// `10000`, `10k`, `1M`; a comma separates. Throws command_error.
std::vector<std::size_t> parse_sizes(const std::string& text);

}  // namespace tophash::lab

#endif
