// SPDX-License-Identifier: Apache-2.0
// A table of two hours in pieces of minutes: the JSON that a run writes after each workload holds every round and
// every byte count, and a later run goes on from there. Figures of different circumstances do not go into one table.
#ifndef TOPHASH_BENCH_MICRO_PEERS_RESUME_HPP
#define TOPHASH_BENCH_MICRO_PEERS_RESUME_HPP

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "micro/peers/run.hpp"

namespace tophash::peers {

// Why the results in `saved` cannot be continued by a run that would write `fresh` (to_json without results): the
// first thing that differs, as a sentence without a subject. None: they can.
std::optional<std::string> cannot_resume(const nlohmann::json& saved, const nlohmann::json& fresh);

// The bytes per entry that were counted in the earlier run: they are exact, and not counted again.
void restore_footprints(bench& b, const nlohmann::json& saved);

// The results of those of `tasks` that were measured in the earlier run, in the order of `tasks`, as if by
// bench::measure. After bench::weigh.
std::vector<task_result> restore_results(const bench& b, const nlohmann::json& saved,
                                         const std::vector<task>& tasks);

// Adds to `result` what the earlier run has of workloads that this one was not asked for.
void keep_other_results(nlohmann::json& result, const nlohmann::json& saved);

}  // namespace tophash::peers

#endif
