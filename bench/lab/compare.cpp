// SPDX-License-Identifier: Apache-2.0
// The rounds of a comparison.
#include "lab/compare.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <numeric>
#include <random>
#include <stdexcept>
#include <utility>

#include <tophash/framework/core/bits.hpp>

#include "lab/catalogue.hpp"
#include "lab/clock.hpp"
#include "lab/collectors.hpp"
#include "lab/operation_kinds.hpp"
#include "lab/storages.hpp"

namespace tophash::lab {

namespace {

// Executions for CPU time in a round, of which the least counts. Of an A/A the scatter (MAD) of paired ratios
// was 1.4 % with one, 0.62 % with three, 0.52 % with five (churn_random of 20k, other work on both cores):
// with the time that they take, three resolve most. A median of single operations gains nothing from a second
// execution.
constexpr std::size_t executions_in_round = 3;
constexpr std::size_t least_operations = 200;  // of a kind that gets a figure of its own

// The median of ticks, with its place among equal ones: a clock of coarse ticks gives few different values,
// and their plain median would jump between two of them. The ticks equal to it are spread evenly over the
// cell that reaches half way to its neighbours.
double interpolated_median(std::vector<std::uint32_t>& ticks) {
  const auto half = ticks.begin() + static_cast<std::ptrdiff_t>(ticks.size() / 2);
  std::nth_element(ticks.begin(), half, ticks.end());
  const std::uint32_t middle = *half;
  std::size_t below = 0, equal = 0;
  std::uint32_t before = 0, after = std::numeric_limits<std::uint32_t>::max();
  for (const std::uint32_t t : ticks) {
    if (t < middle)
      ++below, before = std::max(before, t);
    else if (t == middle)
      ++equal;
    else
      after = std::min(after, t);
  }
  const double m = middle;
  const double from = below != 0 ? (before + m) / 2 : m,
               to = below + equal < ticks.size() ? (after + m) / 2 : m;
  const double share =
      (static_cast<double>(ticks.size()) / 2 - static_cast<double>(below)) / static_cast<double>(equal);
  return from + (to - from) * std::clamp(share, 0.0, 1.0);
}

class rounds {
 public:
  explicit rounds(comparison& out)
      : out_(out),
        rows_(out.measured.measured.rows),
        kinds_(operation_kinds(*rows_.front().task.program)),
        ticks_(kinds_.size()),
        order_(rows_.size()),
        random_(out.measured.request.seed) {
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    add_figure("CPU");
    std::array<std::size_t, operation_kind_names.size()> counts{};
    for (const operation_kind kind : kinds_) ++counts[static_cast<std::size_t>(kind)];
    for (std::size_t kind = 0; kind < counts.size(); ++kind) {
      if (counts[kind] < least_operations || 100 * counts[kind] < kinds_.size()) continue;
      shown_kinds_.push_back(static_cast<operation_kind>(kind));
      add_figure(std::string{operation_kind_names[kind]} + " p50");
    }
  }

  void run() {
    const std::size_t most = out_.measured.request.repeat;
    const paired_judge judge(most, out_.timed.size() * (rows_.size() - 1));
    for (std::size_t round = 0; round < most && !stopped(); ++round) {
      out_.measured.request.progress("round " + std::to_string(round + 1) + " of at most " +
                                     std::to_string(most) + said_so_far_);
      if (!run_round(round)) break;
      ++out_.rounds;
      if (judge.is_look(out_.rounds) && decided(judge)) break;
    }
    static_cast<void>(decided(judge));
  }

 private:
  void add_figure(std::string name) {
    out_.timed.push_back({.name = std::move(name), .rounds = std::vector<std::vector<double>>(rows_.size())});
  }

  bool stopped() {
    out_.interrupted = out_.interrupted || interrupt_requested.load(std::memory_order_relaxed);
    return out_.interrupted;
  }

  // False: it did not come to its end, and left nothing.
  bool run_round(std::size_t round) {
    const std::size_t count = rows_.size();
    std::vector<double> least(count, 0);
    for (std::size_t turn = 0; turn < executions_in_round; ++turn) {
      for (const std::size_t row : any_order()) {
        const double ns = executed(row, round, nullptr);
        if (stopped() || ns <= 0) return false;
        least[row] = turn == 0 ? ns : std::min(least[row], ns);
      }
    }
    std::vector<std::vector<double>> medians(count);
    for (const std::size_t row : any_order()) {
      if (shown_kinds_.empty()) break;
      latency_log log(ticks_);
      std::fill(ticks_.begin(), ticks_.end(), latency_log::unset);
      if (executed(row, round, &log) <= 0 || stopped()) return false;
      medians[row] = medians_of_kinds(log.recorded());
    }
    for (std::size_t row = 0; row < count; ++row) {
      out_.timed.front().rounds[row].push_back(least[row]);
      for (std::size_t i = 0; i < medians[row].size(); ++i)
        out_.timed[i + 1].rounds[row].push_back(medians[row][i]);
    }
    return true;
  }

  // Drawn anew each time: then equal variants are told apart by chance alone, in every round anew, whatever
  // else the machine does and in whatever rhythm. A fixed rotation would fall in step with some of it.
  const std::vector<std::size_t>& any_order() {
    std::shuffle(order_.begin(), order_.end(), random_);
    return order_;
  }

  // CPU ns an operation; 0: trouble, which the row notes.
  double executed(std::size_t index, std::size_t round, latency_log* log) {
    measured_row& row = rows_[index];
    execution result;
    try {
      const std::vector<char> offset(random_() % offset_bytes);  // every address behind it is another
      const std::unique_ptr<bound_storage> storage = bind_storage(row.task.storage);
      // The last one's garbage is not this one's to mark.
      if (heap_collector* const c = storage->collector()) c->collect();
      result = execute_once(row.task, {.storage = storage->handle(),
                                       .map_seed = next_seed(out_.measured.request.seed + round),
                                       .latencies = log,
                                       .counters = nullptr});
    } catch (const std::exception& error) {
      result.trouble = error.what();
    }
    if (result.trouble.empty() && result.checksum != row.result.checksum) result.trouble = unequal;
    row.trouble = result.trouble;
    if (!row.trouble.empty() || result.operations == 0) return 0;
    return static_cast<double>(result.cpu_ns) / static_cast<double>(result.operations);
  }

  std::vector<double> medians_of_kinds(std::size_t recorded) {
    std::vector<double> out;
    const double ns = calibrated_ticks().ns_per_tick;
    for (const operation_kind kind : shown_kinds_) {
      chosen_.clear();
      for (std::size_t i = 0; i < std::min(recorded, kinds_.size()); ++i) {
        if (kinds_[i] == kind) chosen_.push_back(ticks_[i]);
      }
      out.push_back(interpolated_median(chosen_) * ns);
    }
    return out;
  }

  // Are all figures of all pairs?
  bool decided(const paired_judge& judge) {
    bool all = true;
    std::size_t open = 0;
    out_.pairs.clear();
    for (std::size_t row = 1; row < rows_.size(); ++row) {
      compared_pair pair{.other = row, .timed = {}, .verdict = judgement::same, .counters = {}, .why = {}};
      for (const timed_figure& figure : out_.timed) {
        pair.timed.push_back(judge.judge(figure.rounds.front(), figure.rounds[row]));
        const judgement j = pair.timed.back().verdict;
        if (j == judgement::open) all = false, ++open;
        if (j == judgement::different || (j == judgement::open && pair.verdict == judgement::same))
          pair.verdict = j;
      }
      out_.pairs.push_back(std::move(pair));
    }
    said_so_far_ = ", " + std::to_string(open) + " figures open";
    return all;
  }

  static constexpr std::size_t offset_bytes = 65'536;
  static constexpr const char* unequal = "two executions gave unequal results";

  comparison& out_;
  std::vector<measured_row>& rows_;
  std::vector<operation_kind> kinds_;
  std::vector<operation_kind> shown_kinds_;
  std::vector<std::uint32_t> ticks_, chosen_;
  std::vector<std::size_t> order_;
  std::mt19937_64 random_;
  std::string said_so_far_;
};

void check_request(const experiment_request& r) {
  if (r.n.size() > 1)
    throw command_error(exit_usage, "compare takes one --n: figures of two sizes are no pair");
}

void check_rows(const experiment& e) {
  const std::vector<measured_row>& rows = e.measured.rows;
  for (const std::string& why : e.left_out) throw command_error(exit_usage, why);
  if (rows.size() < 2)
    throw command_error(exit_usage, "compare needs two variants or more: tophash compare A B --workload W");
  for (const measured_row& row : rows) {
    if (!row.trouble.empty()) throw command_error(exit_check_failed, row.name() + ": " + row.trouble);
    if (row.task.program != rows.front().task.program)
      throw command_error(exit_usage, "the workload " + e.request.workload +
                                          " gives each variant a program of its own: nothing to compare");
    if (row.result.operations == 0)
      throw command_error(exit_usage, "the input has no measured operation: nothing to compare");
  }
}

// The first one's name; of the others what tells them from it, when that is one or two options.
std::vector<std::string> labels_of(const std::vector<measured_row>& rows) {
  const bool storages_differ = std::any_of(rows.begin(), rows.end(), [&rows](const measured_row& r) {
    return r.task.storage != rows.front().task.storage;
  });
  std::vector<std::string> out;
  for (const measured_row& row : rows) {
    const variant_row &base = *rows.front().task.variant, &v = *row.task.variant;
    std::string label = v.name;
    if (!base.spec.empty() && !v.spec.empty()) {
      const spec_description a = parse_spec(base.spec), b = parse_spec(v.spec);
      const std::vector<std::size_t> axes = differing_axes(a, b);
      std::string difference;
      for (const std::size_t axis : axes)
        difference +=
            (difference.empty() ? "+" : ",") + std::string{axis_names[axis]} + "=" + text_of(b.options[axis]);
      if (!axes.empty() && axes.size() <= 2) label = difference;
    }
    if (storages_differ) label += " on " + row.task.storage;
    out.push_back(label);
  }
  return out;
}

// With nothing faster than the first, the first and all that could not be told from it; else the fastest.
std::vector<std::size_t> winners_of(const comparison& c) {
  std::vector<std::size_t> out = {0};
  double best = 0;
  for (const compared_pair& pair : c.pairs) {
    const paired_difference& cpu = pair.timed.front();
    const bool resolved = cpu.verdict == judgement::different;
    if (resolved && cpu.median < best)
      best = cpu.median, out = {pair.other};
    else if (!resolved && best == 0)
      out.push_back(pair.other);
  }
  return out;
}

}  // namespace

double timed_figure::median(std::size_t variant) const { return summarise(rounds[variant]).median; }

comparison run_comparison(const experiment_request& request) {
  check_request(request);
  comparison out;
  experiment_request exact = request;
  exact.repeat = 1;
  exact.latency = false;
  exact.keep_duplicates = true;
  out.measured = run_experiment(exact);
  out.measured.request.repeat = request.repeat;
  if (!out.measured.measured.interrupted) check_rows(out.measured);
  out.interrupted = out.measured.measured.interrupted;
  out.labels = labels_of(out.measured.measured.rows);
  out.exact = exact_figures(out.measured);
  if (out.interrupted || !out.measured.measured.mismatches.empty()) return out;
  rounds(out).run();
  const std::vector<measured_row>& rows = out.measured.measured.rows;
  for (compared_pair& pair : out.pairs) {
    const measured_row& other = rows[pair.other];
    pair.counters = counter_differences(rows.front(), other);
    const paired_difference& cpu = pair.timed.front();
    const double slower_ns =
        cpu.verdict == judgement::different ? cpu.median * out.timed.front().median(0) : 0;
    pair.why = why_text(rows.front(), other, pair.counters, slower_ns, pair.verdict == judgement::different);
  }
  out.winners = winners_of(out);
  return out;
}

int exit_code_of(const comparison& c) {
  if (c.interrupted) return exit_interrupted;
  return exit_code_of(c.measured);
}

}  // namespace tophash::lab
