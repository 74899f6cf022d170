// SPDX-License-Identifier: Apache-2.0
// `tophash compare A B ...`: every variant against the first, on one program and one storage.
//   exact    one execution a variant in a child process (measure.hpp): memory, allocations, the map's own
//            counters, the collector's. Compared as they are.
//   timed    rounds in this process. A round executes every variant a few times for CPU time, of which the
//            least counts, and once with every operation timed on its own, of which each kind's median
//            counts; the order is drawn for each execution, and all variants of a round
//            have the same map seed. Rounds are added until every figure is decided (compare_statistics.hpp).
// Two things could make a difference between equal maps that more rounds would only confirm. The heap a
// variant finds is what the one before left: the order is drawn, and every execution starts behind a block of
// random size, so that addresses are never the same twice. And the code of two variants lies at different
// addresses: that is what the resolution of 1 % is for.
#ifndef TOPHASH_BENCH_LAB_COMPARE_HPP
#define TOPHASH_BENCH_LAB_COMPARE_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "lab/compare_statistics.hpp"
#include "lab/experiment.hpp"

namespace tophash::lab {

inline constexpr unsigned compare_rounds = 60;  // at most, unless --repeat says otherwise

struct timed_figure {
  std::string name;                         // "CPU", "erase p50"
  std::vector<std::vector<double>> rounds;  // [variant][round], ns an operation
  double median(std::size_t variant) const;
};

struct exact_figure {
  std::string name;
  std::vector<std::optional<double>> values;  // one a variant; nothing: it does not tell
};

// What a counter can contribute to a difference in time.
struct counter_difference {
  std::string name;
  double base = 0, other = 0;
  double events_per_op = 0;  // how many more of them an operation has; negative: fewer
};

struct compared_pair {
  std::size_t other = 0;                     // index of the variant; the base is 0
  std::vector<paired_difference> timed;      // in the order of the figures
  judgement verdict = judgement::open;       // `different` if one figure is
  std::vector<counter_difference> counters;  // those that differ, by events an operation, most first
  std::string why;
};

struct comparison {
  experiment measured;              // rows are the variants, in the order of the command line
  std::vector<std::string> labels;  // short: the first one's name, then what tells the others from it
  std::size_t rounds = 0;
  std::vector<timed_figure> timed;
  std::vector<exact_figure> exact;
  std::vector<compared_pair> pairs;
  std::vector<std::size_t> winners;  // that nothing here is faster than
  bool interrupted = false;
};

// `request.repeat` is the most rounds. Throws command_error.
comparison run_comparison(const experiment_request& request);

int exit_code_of(const comparison& c);

nlohmann::json comparison_json(const comparison& c);
std::string comparison_text(const comparison& c);

// compare_counters.cpp
std::vector<exact_figure> exact_figures(const experiment& e);
std::vector<counter_difference> counter_differences(const measured_row& base, const measured_row& other);
// `slower_ns`: the resolved difference of CPU time an operation; 0: none was resolved. `different`: some
// timed figure was, that or another.
std::string why_text(const measured_row& base, const measured_row& other,
                     const std::vector<counter_difference>& counters, double slower_ns, bool different);

}  // namespace tophash::lab

#endif
