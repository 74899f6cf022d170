// SPDX-License-Identifier: Apache-2.0
// `tophash sweep SPEC --vary AXIS=VALUES ...`: curves. Every combination of the values on one workload or
// trace, each measured in rounds with SPEC itself, which its ratio refers to. A grid is cut into shards by
// --shard i/n (point k belongs to shard k mod n + 1), on as many machines as one likes; merge_sweeps() puts
// them together again, and what is no time in it is what one run would have had.
//
//   VALUES   = one {"|" one}          one = text of an option, with sets in it: load({3..12}),
//   incremental({1,2,8}) set      = "{" a ".." b [".." step] "}" | "{" x "," y ... "}" load=3..12 is short
//   for load=load({3..12}), and load=13/2..15/2 for load=load({13..15},2).
//
// The result (schema tophash-sweep-1): `grid` says what was asked for, with a hash over all of it; `points`
// have `exact` figures, that a seed decides, and `varies`, that the machine does; `shards` the manifests and
// the rows of SPEC.
#ifndef TOPHASH_BENCH_LAB_SWEEP_HPP
#define TOPHASH_BENCH_LAB_SWEEP_HPP

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "lab/experiment.hpp"

namespace tophash::lab {

struct sweep_request {
  experiment_request base;  // variants.front() is the SPEC; more than one n or allocator multiply the grid
  std::vector<std::string> vary;
  std::string shard = "1/1";
};

// All of them throw command_error.
nlohmann::json run_sweep(const sweep_request& request);

// Name and content of every file. Other grids, shards that are there twice, missing or cut short are errors.
nlohmann::json merge_sweeps(const std::vector<std::pair<std::string, nlohmann::json>>& parts);

std::string sweep_text(const nlohmann::json& sweep);
int exit_code_of_sweep(const nlohmann::json& sweep);

// Exposed for tests: AXIS, and the options that VALUES stand for.
std::pair<std::string, std::vector<std::string>> parse_vary(const std::string& text);

}  // namespace tophash::lab

#endif
