// SPDX-License-Identifier: Apache-2.0
// `run --workload peers`: tophash::fast_map against the hash maps that Debian packages, measured by the
// program tophash_peers (bench/micro/peers), which the lab does not link: its peers are optional packages,
// and it takes minutes to compile. Its result becomes a result of the lab, which `report` reads.
#ifndef TOPHASH_BENCH_LAB_PEERS_RUN_HPP
#define TOPHASH_BENCH_LAB_PEERS_RUN_HPP

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "lab/experiment.hpp"

namespace tophash::lab {

inline constexpr const char* peers_name = "peers";
struct workload_entry;
const workload_entry& peers_entry();

struct peers_request {
  experiment_request base;         // n, repeat and seed count
  std::optional<unsigned> rounds;  // empty: the program's own number
  bool quick = false;
  std::string only;              // a regular expression over `WORKLOAD KIND N`
  bool table_on_stderr = false;  // standard output is for JSON
};

struct peers_result {
  peers_request request;
  nlohmann::json measured;  // what tophash_peers wrote (format "tophash peers 1")
  std::string program;
  bool interrupted = false;
  bool differed = false;  // maps computed different results
};

// Prints the program's own table as it grows. Throws command_error: exit_not_here when the program is not
// beside this one.
peers_result run_peers(const peers_request& request);

// The program's JSON as one of schema tophash-result-1: a row a workload and map.
nlohmann::json peers_json(const peers_result& r);

}  // namespace tophash::lab

#endif
