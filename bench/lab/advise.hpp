// SPDX-License-Identifier: Apache-2.0
// `tophash advise --trace T`: which map for this trace. The first half of the rows is for choosing
// (training), the second for checking (held out), which starts with the map as the first half left it, or, as
// a cache, empty.
//   halving     every variant to start from (the curated ones) on a short part of the training rows; the
//               better half and the Pareto front go on to a part twice as long, until few are left.
//   neighbours  compositions that differ from one of those by a single option, compiled when asked for,
//               until the budget is used or nothing new stays among the best. Axes that change what a map
//               promises (iteration, sync) or observe it are left as they are, and the storage is what
//               --allocator says.
//   final       what is left, on all training rows, more rounds: the Pareto set of time, memory and worst
//               operation, and from it the recommendation: the least time that keeps to the goals.
//   play-off    those whose time is near the best of the final, in more rounds: the winner is recommended.
//   held out    the Pareto set and the default map on the rows that chose nothing; with `exhaustive` all of
//               the starting set too, and how far the recommendation is from the best there.
// What is measured decides what is tried next, so two runs may differ in anything; without neighbours they
// differ in times and in what follows from times. Every variant's results are compared (measure.hpp).
#ifndef TOPHASH_BENCH_LAB_ADVISE_HPP
#define TOPHASH_BENCH_LAB_ADVISE_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "lab/experiment.hpp"
#include "lab/goals.hpp"

namespace tophash::lab {

struct advice_request {
  experiment_request base;    // trace, capacity, keys, variants to start from, storages, seed, compile
  std::string goals;          // as of parse_goals
  double budget_minutes = 5;  // for halving and neighbours; the final and the held-out rounds come on top
  bool exhaustive = false;
  unsigned final_rounds = 11;
};

// One stage of the search, best first.
struct advice_stage {
  std::string name;      // "halving 1", "neighbours 2", "final", "play-off", "held out", "exhaustive"
  std::size_t rows = 0;  // measured ones
  std::uint64_t live_bytes = 0;
  std::vector<measured_row> measured;
  std::vector<std::size_t> kept;  // indices into measured
};

struct advice {
  advice_request request;
  std::vector<goal> goals;
  std::string input_text, input_sha256;
  std::size_t training_rows = 0, held_out_rows = 0;
  std::uint64_t most_entries = 0, entry_bytes = 0;
  std::vector<std::string> left_out;  // sentences
  std::size_t started_with = 0, compiled = 0, neighbours_known = 0;
  double search_seconds = 0;
  bool out_of_budget = false, interrupted = false;
  std::vector<advice_stage> stages;
  std::vector<std::string> mismatches;

  // Of the last complete stage on training rows; indices into its measured rows.
  std::size_t decided_by = 0;  // stage
  std::vector<std::size_t> pareto;
  std::optional<std::size_t> recommended;
  std::vector<std::string> reasons;
  std::string baseline;  // `defaults`, or the first of the starting set

  // On the held-out rows: recommended / baseline, and recommended / the best of the starting set.
  std::optional<estimate> held_out_to_baseline;
  std::string best_held_out;  // name and storage; empty: not searched
  std::optional<estimate> distance;
  std::size_t duel_rounds = 0;  // 0: it is the best itself
};

// What `--exhaustive` asks: is the recommendation within 5 % of the best? Nothing: the interval holds the limit.
inline constexpr double within_ratio = 0.05;
std::optional<bool> within_best(const estimate& distance);

// Throws command_error.
advice run_advice(const advice_request& request);

int exit_code_of(const advice& a);
nlohmann::json advice_json(const advice& a);
std::string advice_text(const advice& a);

// Exposed for tests. The Pareto front of time, memory and worst operation; what lies within the resolution of
// each counts as equal.
std::vector<std::size_t> pareto_front(const std::vector<measured_row>& rows);

// Legal compositions one option away from `spec`, in an order that the seed decides, axes in turn.
std::vector<std::string> neighbours_of(const std::string& spec, key_kind key, std::uint64_t seed);

// Records [begin, end) measured. What comes before sets the map up unmeasured; of a cache it is left out.
any_program part_of(const any_program& whole, std::size_t begin, std::size_t end);

}  // namespace tophash::lab

#endif
