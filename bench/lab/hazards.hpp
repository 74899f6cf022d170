// SPDX-License-Identifier: Apache-2.0
// `run --workload hazards`: what a delete beside other threads can do, and what each remedy costs.
//   chain      a lock-free chain with five ways to reclaim its nodes (hazards/reclaim.hpp) under one schedule
//              for each hazard (hazards/scenarios.hpp): exact, the same in every run. Beside it the time of
//              each on one thread, over that of the unsafe one in the same round
//   counters   what a count costs that several threads may keep (hazards/counters.hpp)
//   race       of loads beside a delete, and after it, how many find no key (hazards/delete_race.hpp)
// Two threads are timed where two spinning ones scale; otherwise that part says "not resolvable here".
#ifndef TOPHASH_BENCH_LAB_HAZARDS_HPP
#define TOPHASH_BENCH_LAB_HAZARDS_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "lab/statistics.hpp"

namespace tophash::lab {

inline constexpr const char* hazards_name = "hazards";
inline constexpr const char* hazards_description =
    "deletes beside other threads: ABA and freed nodes under chosen schedules, remedies, counters (run only)";

struct hazards_request {
  unsigned rounds = 15;
  std::uint64_t seed = 1;
  std::vector<std::string> argv;
  std::function<void(const std::string&)> progress = [](const std::string&) {};
};

// Sizes of the measurement; the tests make it smaller.
struct hazards_sizes {
  std::size_t keys = 4096, chains = 1024;  // every second key is there: chains of two
  std::size_t calls = 100'000;             // a round: of twenty, 18 finds, an insert and an erase
  std::size_t stalled_pairs = 10'000;      // erased while a reader stands still
  std::size_t additions = 1'000'000;       // to a counter
  std::size_t races = 100'000;
};

struct reclaimer_row {
  std::string name;
  std::string missing;              // the package without which it is not built; then nothing else is said
  std::vector<std::uint64_t> left;  // of keys 5, 30, 40 after the schedule of ABA
  bool survives_aba = false, survives_tag_round = false;
  std::size_t steps_on_freed = 0;
  std::size_t waiting = 0, waiting_after = 0;  // nodes, beside a reader that stands still; once it has gone
  std::size_t node_bytes = 0;
  std::vector<double> ns, times_unsafe;  // a call, by round
};

struct counter_row {
  std::string name;
  std::vector<double> ns, times_plain;  // an addition on one thread, by round
  std::vector<double> times_a_pair;     // an erase and an insertion counted by it, over uncounted ones
  std::vector<double> two_ns;           // of each of two threads
};

struct hazards_result {
  hazards_request request;
  hazards_sizes sizes;
  std::vector<reclaimer_row> reclaimers;  // the unsafe one first
  std::vector<counter_row> counters;      // the plain one first
  std::vector<double> pair_ns;            // an erase and an insertion of a key in fast_map, uncounted
  std::vector<double> scaling;            // of two spinning threads
  std::size_t races = 0, absent_racing = 0, absent_joined = 0;
  bool interrupted = false;
  std::vector<std::string> failures;  // sentences: an outcome that the algorithms exclude

  bool two_threads() const;  // enough pairs of probes said so
};

hazards_result run_hazards(const hazards_request& request, const hazards_sizes& sizes = {});

// Sentences computed from the figures.
std::vector<std::string> hazards_findings(const hazards_result& r);
int exit_code_of(const hazards_result& r);
nlohmann::json hazards_json(const hazards_result& r);
std::string hazards_text(const hazards_result& r);

}  // namespace tophash::lab

#endif
