// SPDX-License-Identifier: Apache-2.0
// Runs workloads over maps, interleaved: in round r the maps take turns starting from the r-th, so that what
// slows the machine for a while slows them alike, and only ratios within a round are compared. One round
// before the first is discarded: it faults the heap in. A map that took 50 times the subject's time in it is
// not run again (gp_hash_table churning takes thousands of times as long): that one figure stands for it.
#ifndef TOPHASH_BENCH_MICRO_PEERS_RUN_HPP
#define TOPHASH_BENCH_MICRO_PEERS_RUN_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <regex>
#include <string>
#include <utility>
#include <vector>

#include "lab/statistics.hpp"
#include "micro/peers/contestant.hpp"

namespace tophash::peers {

struct task {
  const workload_row* row = nullptr;
  kind what = kind::u64;
  std::size_t n = 0;        // entries of a map, as shown
  std::size_t input_n = 0;  // what the input is made for
  std::string name() const;
};

struct task_choice {
  std::vector<std::size_t> sizes;  // of u64; the other kinds run at one of them, see other_kinds_size()
  bool only_u64 = false;
  std::optional<std::regex> only;  // of task::name()
};
// Where strings and large values are run: at 200,000 if that is one of the sizes, else at the largest below
// it, else nowhere.
std::optional<std::size_t> other_kinds_size(const std::vector<std::size_t>& sizes);
std::vector<task> choose_tasks(const task_choice& choice);

// Bytes per entry of one map and kind of input.
struct footprint {
  double mean = 0;                   // over the sizes of footprint_sizes(), which are log-spaced
  std::map<std::size_t, double> at;  // these sizes, and those of the tasks
};
std::vector<std::size_t> footprint_sizes(kind what, std::size_t largest);

struct task_result {
  task what;
  std::uint64_t operations = 0;
  std::vector<std::vector<double>> ns;    // of each map and round: ns an operation; empty: no such operation
  std::vector<double> floor_ns;           // of each round; empty: no floor
  std::vector<lab::estimate> to_subject;  // of each map: its time over the subject's, paired by round
  std::optional<std::size_t> best;        // the peer that the subject does worst against
  std::optional<std::size_t>
      best_of_similar;            // the same among peers of at most 1.25 times its bytes per entry
  lab::estimate subject_to_best;  // below 1: the subject is faster than every peer
  lab::estimate subject_to_best_of_similar;
  lab::estimate subject_to_floor;
};

// A map that computed something else than the subject.
struct wrong_result {
  std::string task;
  std::string map;
  std::uint64_t expected = 0;
  std::uint64_t got = 0;
};

struct bench_settings {
  unsigned rounds = 7;  // measured; at most 3 of maps of 10,000,000 entries
  unsigned tries = 1;   // executions a turn, of which the fastest counts
  std::uint64_t seed = 1;
};

class bench {
 public:
  bench(std::vector<contestant> maps, std::size_t subject, const bench_settings& settings);

  const std::vector<contestant>& maps() const noexcept { return maps_; }
  std::size_t subject() const noexcept { return subject_; }
  const bench_settings& settings() const noexcept { return settings_; }

  // Bytes of every map, for every kind that the tasks need, as far as they are not known. Before `measure`.
  void weigh(const std::vector<task>& tasks);
  void restore_bytes(std::size_t map, kind what, footprint known) { footprints_[{map, what}] = std::move(known); }
  const std::map<std::pair<std::size_t, kind>, footprint>& footprints() const noexcept { return footprints_; }
  const footprint& bytes_of(std::size_t map, kind what) const { return footprints_.at({map, what}); }

  task_result measure(const task& what);
  // Fills in what follows from the rounds: ratios, and who is best.
  void judge(task_result& result) const;
  const std::vector<wrong_result>& wrong() const noexcept { return wrong_; }

 private:
  const input_base& inputs_of(kind what, std::size_t n);
  bool is_weighed(kind what, const std::vector<std::size_t>& at) const;
  std::optional<std::size_t> best_peer(const task_result& result,
                                       const std::function<bool(std::size_t)>& counts) const;

  std::vector<contestant> maps_;
  std::size_t subject_;
  bench_settings settings_;
  contestant floor_ = collision_free_floor();
  std::unique_ptr<input_base> inputs_;  // of the last task: tasks come sorted by input
  std::map<std::pair<std::size_t, kind>, footprint> footprints_;
  std::vector<wrong_result> wrong_;
};

// Geometric mean over tasks of one ratio each, with an interval over the rounds. A task of fewer rounds than
// the others gives its ratios again.
lab::estimate geometric_mean(const std::vector<std::vector<double>>& ratios_by_task);
// Of map `a` over map `b`, round by round.
std::vector<double> paired_ratios(const std::vector<double>& a, const std::vector<double>& b);

inline constexpr double similar_bytes = 1.25;

}  // namespace tophash::peers

#endif
