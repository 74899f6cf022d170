// SPDX-License-Identifier: Apache-2.0
// The search. Every stage is one call of measure(): interleaved rounds in this process, memory and latency in
// processes of their own.
#include "lab/advise.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <memory>
#include <numeric>
#include <random>
#include <set>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "lab/catalogue.hpp"
#include "lab/clock.hpp"
#include "lab/compare.hpp"
#include "lab/compare_statistics.hpp"
#include "lab/equal_memory.hpp"
#include "lab/findings.hpp"
#include "lab/on_demand.hpp"
#include "lab/random_spec.hpp"
#include "lab/registry.hpp"
#include "lab/variant_source.hpp"

namespace tophash::lab {

namespace {

constexpr const char* default_name = "defaults";
constexpr std::size_t least_rows = 1'000;
constexpr std::size_t least_stage_rows = 20'000, most_first_stage_rows = 500'000;
constexpr unsigned halving_rounds = 3;
// A duel ends when it is decided. Of three executions the least counts, as in a comparison: on a shared
// machine 15 single ones left an interval of -6..+11 % around +0.1.
constexpr unsigned duel_rounds = 60, duel_executions = 3;
constexpr std::size_t finalists = 6;  // go from halving into the neighbourhood and from there to the final
constexpr std::size_t neighbour_batch = 4;  // compiled and measured together
// Fruitless batches after which the neighbourhood counts as searched: 12 compositions in a row that none of
// the best gave way to.
constexpr unsigned fruitless_batches = 3;
// Who comes within so much of the final's best, so many at most, runs once more, in so many times the rounds.
constexpr double contender_share = 0.08;
constexpr std::size_t most_contenders = 4;
constexpr unsigned play_off_factor = 3;
// Of the budget, what halving and neighbours may use up before no further batch starts.
constexpr double neighbours_share = 0.8;

// Nearer than this is equal: time as in a comparison; bytes are exact, but the worst of all operations is one
// operation, whatever else happened to it.
constexpr double time_resolution = 0.02, memory_resolution = 0.01, worst_resolution = 0.25;

std::size_t records_of(const any_program& p) {
  return std::visit([](const auto& known) { return known.records.size(); }, p);
}

template <class Key>
program<Key> cut_out(const program<Key>& p, std::size_t begin, std::size_t end) {
  program<Key> out;
  out.pool = p.pool;
  out.records.assign(p.records.begin(), p.records.begin() + static_cast<std::ptrdiff_t>(end));
  std::size_t at = 0;
  for (const segment& s : p.segments) {
    const bool cached = s.kind == segment_kind::cached;
    if (!cached && s.kind != segment_kind::mixed) {
      if (at > end) break;
      out.segments.push_back(s);
      if (at < begin) out.segments.back().measured = false;
      continue;
    }
    at = s.end;
    const auto run = [&](std::size_t from, std::size_t to, bool measured) {
      if (from >= to) return;
      segment piece = s;
      piece.begin = from, piece.end = to, piece.measured = measured;
      out.segments.push_back(piece);
    };
    if (s.begin >= end) break;
    // The list that a cache's values point into lives as long as its segment.
    if (cached && s.begin < begin)
      out.segments.clear();
    else
      run(s.begin, std::min(s.end, begin), false);
    run(std::max(s.begin, begin), std::min(s.end, end), true);
  }
  return out;
}

// ---- what is better -------------------------------------------------------------------------------

struct objectives {
  std::array<double, 3> value;
};

objectives objectives_of(const measured_row& r) {
  const auto or_huge = [](const std::optional<double>& v) { return v.value_or(1e300); };
  const std::optional<double> peak = metric_of("peak", r);
  return {{or_huge(metric_of("time", r)), or_huge(peak ? peak : metric_of("rss", r)),
           or_huge(metric_of("max", r))}};
}

bool dominates(const objectives& a, const objectives& b) {
  constexpr std::array resolution = {time_resolution, memory_resolution, worst_resolution};
  bool better = false;
  for (std::size_t i = 0; i < resolution.size(); ++i) {
    if (a.value[i] > b.value[i] * (1 + resolution[i])) return false;
    better = better || a.value[i] * (1 + resolution[i]) < b.value[i];
  }
  return better;
}

double time_of(const measured_row& r) { return metric_of("time", r).value_or(1e300); }

// Indices, best first: what misses the goals least, then what takes least time.
std::vector<std::size_t> ranked_rows(const std::vector<measured_row>& rows, const std::vector<goal>& goals,
                                     std::uint64_t live_bytes) {
  std::vector<double> missed;
  for (const measured_row& r : rows) missed.push_back(missed_by(goals, r, live_bytes));
  std::vector<std::size_t> out(rows.size());
  std::iota(out.begin(), out.end(), std::size_t{0});
  std::stable_sort(out.begin(), out.end(), [&](std::size_t a, std::size_t b) {
    return missed[a] != missed[b] ? missed[a] < missed[b] : time_of(rows[a]) < time_of(rows[b]);
  });
  return out;
}

// `count` of the ranked: two thirds by rank; the rest from the front, then again by rank.
std::vector<std::size_t> survivors_of(const std::vector<measured_row>& rows,
                                      const std::vector<std::size_t>& ranked, std::size_t count) {
  const std::vector<std::size_t> front = pareto_front(rows);
  count = std::min(count, ranked.size());
  std::vector<std::size_t> out;
  const auto take = [&out](std::size_t i) {
    if (std::find(out.begin(), out.end(), i) == out.end()) out.push_back(i);
  };
  for (std::size_t i = 0; i < (2 * count + 2) / 3; ++i) take(ranked[i]);
  for (const std::size_t i : ranked) {
    if (out.size() < count && std::find(front.begin(), front.end(), i) != front.end()) take(i);
  }
  for (const std::size_t i : ranked) {
    if (out.size() < count) take(i);
  }
  return out;
}

constexpr std::array searched_axes = {axes::layout::index,   axes::hashing::index, axes::sizing::index,
                                      axes::deletion::index, axes::load::index,    axes::growth::index,
                                      axes::overflow::index};

// What an axis could be instead: every option's examples; a wrapper around what is there now, and without it.
std::vector<std::string> alternatives_on(std::size_t axis, const term& now) {
  std::vector<std::string> out;
  for (const option_entry& e : catalogue_options()) {
    if (e.axis != axis) continue;
    for (std::string text : example_texts(e)) {
      if (const std::size_t star = text.find('*'); star != std::string::npos)
        text.replace(star, 1, text_of(now));
      out.push_back(std::move(text));
    }
  }
  if (!now.arguments.empty() && !now.arguments.front().value.name.empty()) {
    for (const option_entry& e : catalogue_options()) {
      if (e.axis == axis && e.name == now.arguments.front().value.name)
        out.push_back(text_of(now.arguments.front().value));
    }
  }
  return out;
}

// ---- reasons ---------------------------------------------------------------------------------------

// While the rows' program is there.
std::string reason_against(const measured_row& chosen, const measured_row& other) {
  const estimate ratio = paired_ratio(chosen, other);
  const bool told = resolvable(ratio);
  const double slower_ns = told ? time_of(chosen) - time_of(other) : 0;
  const std::vector<counter_difference> counters = counter_differences(other, chosen);
  return fmt::format("against {}: {:+.1f} % time{}: {}", other.name(), 100 * (ratio.median - 1),
                     told ? "" : " (not resolvable)", why_text(other, chosen, counters, slower_ns, told));
}

void find_reasons(advice& a, const advice_stage& s) {
  const measured_row& chosen = s.measured.front();
  for (std::size_t i = 1; i < s.measured.size(); ++i) {
    if (i == 1 || s.measured[i].task.variant->name == a.baseline)
      a.reasons.push_back(reason_against(chosen, s.measured[i]));
  }
}

void note_recommendation(advice& a) {
  const advice_stage& s = a.stages[a.decided_by];
  a.pareto = pareto_front(s.measured);
  a.recommended = 0;  // rows are ranked
  if (std::find(a.pareto.begin(), a.pareto.end(), 0u) == a.pareto.end()) a.pareto.insert(a.pareto.begin(), 0);
}

// ---- the search ------------------------------------------------------------------------------------

class adviser {
 public:
  explicit adviser(advice& out)
      : out_(out), request_(out.request), began_(wall_ns()), progress_(request_.base.progress) {}

  void run() {
    prepare();
    halve();
    if (!out_.interrupted && request_.base.compile) search_neighbours();
    out_.search_seconds = seconds();
    if (!out_.interrupted) decide();
    if (!out_.interrupted) check_held_out();
    if (!out_.interrupted && request_.exhaustive) search_exhaustively();
    // The programs of stages are gone by now.
    for (advice_stage& s : out_.stages) {
      for (measured_row& r : s.measured) r.task.program = nullptr;
    }
  }

 private:
  struct candidate {
    const variant_row* variant;
    std::string storage;
    bool operator==(const candidate&) const = default;
  };

  double seconds() const { return static_cast<double>(wall_ns() - began_) * 1e-9; }
  bool time_is_up(double share) const { return seconds() > share * request_.budget_minutes * 60; }

  void prepare() {
    experiment prepared;
    experiment_request r = request_.base;
    r.command = "replay";
    if (r.variants == std::vector<std::string>{"all"}) r.variants = curated_names();
    const std::vector<measured_task> tasks = prepare_experiment(r, prepared);
    out_.input_text = prepared.input_text, out_.input_sha256 = prepared.input_sha256;
    out_.left_out = prepared.left_out;
    whole_ = prepared.programs.front();
    const std::size_t rows = records_of(*whole_);
    if (rows < least_rows)
      throw command_error(exit_usage, r.trace + " has " + std::to_string(rows) +
                                          " rows: too few to choose by; advise needs " +
                                          std::to_string(least_rows));
    out_.training_rows = rows / 2, out_.held_out_rows = rows - rows / 2;
    out_.most_entries = most_entries_of(*whole_);
    out_.entry_bytes = kind_of(*whole_) == key_kind::u64
                           ? sizeof(std::pair<const std::uint64_t, std::uint64_t>)
                           : sizeof(std::pair<const std::string, std::uint64_t>);
    for (const measured_task& t : tasks) {
      start_.push_back({t.variant, t.storage});
      if (std::find(storages_.begin(), storages_.end(), t.storage) == storages_.end())
        storages_.push_back(t.storage);
    }
    const bool collected =
        std::any_of(out_.goals.begin(), out_.goals.end(), [](const goal& g) { return g.metric == "pause"; });
    if (collected && request_.base.collector != "boehm")
      throw command_error(exit_usage, "the goal on pause needs a collector: --collector boehm");
    out_.started_with = start_.size();
    alive_ = start_;
    out_.baseline = baseline().variant->name;
    for (const candidate& c : start_) known_.insert(key_text(c));
  }

  static std::vector<std::string> curated_names() {
    std::vector<std::string> out;
    for (const variant_row& v : variants()) {
      if (!v.spec.empty() && v.any_storage) out.push_back(v.name);
    }
    return out;
  }

  static std::string key_text(const candidate& c) {
    return (c.variant->spec.empty() ? c.variant->name : c.variant->spec) + " on " + c.storage;
  }

  std::uint64_t live_bytes(const any_program& p) const { return most_entries_of(p) * out_.entry_bytes; }

  // Measures the candidates on a part of the trace; nothing after an interruption.
  advice_stage* measure_stage(const std::string& name, const std::vector<candidate>& candidates,
                              std::size_t begin, std::size_t end, unsigned rounds,
                              unsigned latency_executions) {
    const any_program& part = cut(begin, end);
    std::vector<measured_task> tasks;
    for (const candidate& c : candidates)
      tasks.push_back({.variant = c.variant, .storage = c.storage, .program = &part, .n = 0});
    measure_options options{.repeat = rounds, .seed = request_.base.seed};
    options.latency_executions = latency_executions;
    options.progress = [this, &name](const std::string& text) { progress_(name + ": " + text); };
    measurement m = measure(tasks, options);
    if (m.interrupted) {
      out_.interrupted = true;
      return nullptr;
    }
    for (const std::string& sentence : m.mismatches) out_.mismatches.push_back(name + ": " + sentence);
    if (!m.mismatches.empty()) throw command_error(exit_check_failed, out_.mismatches.front());
    for (const measured_row& r : m.rows) {
      if (!r.trouble.empty()) out_.left_out.push_back(r.name() + ": " + r.trouble);
    }
    std::erase_if(m.rows, [](const measured_row& r) { return !r.trouble.empty(); });
    if (m.rows.empty())
      throw command_error(exit_check_failed, "no variant came to the end: " + out_.left_out.back());
    advice_stage stage{
        .name = name, .rows = end - begin, .live_bytes = live_bytes(part), .measured = {}, .kept = {}};
    for (const std::size_t i : ranked_rows(m.rows, out_.goals, stage.live_bytes))
      stage.measured.push_back(std::move(m.rows[i]));
    out_.stages.push_back(std::move(stage));
    return &out_.stages.back();
  }

  // Valid until another part is asked for.
  const any_program& cut(std::size_t begin, std::size_t end) {
    if (programs_.first != std::pair{begin, end}) programs_ = {{begin, end}, part_of(*whole_, begin, end)};
    return programs_.second;
  }

  static std::vector<std::size_t> in_order(const advice_stage& s) {
    std::vector<std::size_t> out(s.measured.size());
    std::iota(out.begin(), out.end(), std::size_t{0});
    return out;
  }

  void keep_best(advice_stage& s, std::size_t count) {
    s.kept = survivors_of(s.measured, in_order(s), count);
    alive_.clear();
    for (const std::size_t i : s.kept)
      alive_.push_back({s.measured[i].task.variant, s.measured[i].task.storage});
    out_.decided_by = out_.stages.size() - 1;
  }

  void halve() {
    const std::size_t training = out_.training_rows;
    std::size_t rows = std::min(training, std::clamp(training / 8, least_stage_rows, most_first_stage_rows));
    for (std::size_t i = 1; alive_.size() > finalists || i == 1; ++i) {
      if (i != 1 && time_is_up(1)) {
        out_.out_of_budget = true;
        break;
      }
      advice_stage* const s =
          measure_stage("halving " + std::to_string(i), alive_, 0, rows, halving_rounds, 1);
      if (s == nullptr) return;
      keep_best(*s, std::max(finalists, (alive_.size() + 1) / 2));
      rows = std::min(training, 2 * rows);
    }
    leaders_ = alive_;
    neighbour_rows_ = std::min(training, std::max(rows / 2, training / 2));
  }

  // ---- neighbours

  struct neighbour {
    std::string spec, storage;
  };

  // Of the best in turn, axes in turn; only what nobody has tried.
  std::vector<neighbour> next_neighbours() {
    std::vector<std::vector<std::string>> of_leader;
    std::size_t longest = 0;
    for (const candidate& c : alive_) {
      of_leader.push_back(c.variant->spec.empty()
                              ? std::vector<std::string>{}
                              : neighbours_of(c.variant->spec, kind_of(*whole_), request_.base.seed));
      longest = std::max(longest, of_leader.back().size());
    }
    std::vector<neighbour> out;
    for (std::size_t i = 0; i < longest; ++i) {
      for (std::size_t leader = 0; leader < of_leader.size(); ++leader) {
        if (i >= of_leader[leader].size()) continue;
        const neighbour n{of_leader[leader][i], alive_[leader].storage};
        if (known_.count(n.spec + " on " + n.storage) != 0 || !allowed(n)) continue;
        const auto same = [&n](const neighbour& o) { return o.spec == n.spec && o.storage == n.storage; };
        if (std::none_of(out.begin(), out.end(), same)) out.push_back(n);
      }
    }
    return out;
  }

  bool allowed(const neighbour& n) const {
    const spec_description spec = with_option(parse_spec(n.spec), "allocation=" + n.storage);
    const type_facts types =
        type_facts_for(spec, *find_type(key_kind_name(kind_of(*whole_))), *find_type("u64"));
    return !check_rules(spec, &types);
  }

  // Several at a time use all cores. Where one does not compile, the others are still wanted. False: there is
  // no compiler, or the user has had enough.
  bool compile(std::span<const neighbour> some, std::vector<candidate>& into) {
    std::vector<std::string> specs;
    for (const neighbour& n : some) specs.push_back(n.spec);
    try {
      const std::vector<const variant_row*> rows = resolve_variants(
          specs, kind_of(*whole_), {.compile = true, .keep_duplicates = true, .progress = progress_});
      for (std::size_t i = 0; i < rows.size(); ++i) into.push_back({rows[i], some[i].storage});
      out_.compiled += rows.size();
      return true;
    } catch (const command_error& error) {
      if (error.code() == exit_interrupted) out_.interrupted = true;
      if (error.code() != exit_check_failed || some.size() == 1)
        out_.left_out.push_back(some.front().spec + ": " + error.what());
      if (error.code() != exit_check_failed) return false;
    }
    for (std::size_t i = 0; some.size() > 1 && i < some.size(); ++i) {
      if (!compile(some.subspan(i, 1), into)) return false;
    }
    return true;
  }

  void search_neighbours() {
    unsigned fruitless = 0;
    for (std::size_t batch = 1; fruitless < fruitless_batches; ++batch) {
      if (time_is_up(neighbours_share)) {
        out_.out_of_budget = true;
        return;
      }
      const std::vector<neighbour> open = next_neighbours();
      out_.neighbours_known = std::max(out_.neighbours_known, open.size());
      if (open.empty()) return;
      std::vector<candidate> group = alive_;
      const std::span<const neighbour> some{open.data(), std::min(open.size(), neighbour_batch)};
      for (const neighbour& n : some) known_.insert(n.spec + " on " + n.storage);
      if (!compile(some, group)) return;
      if (group.size() == alive_.size()) continue;
      const std::vector<candidate> old = alive_;
      advice_stage* const s =
          measure_stage("neighbours " + std::to_string(batch), group, 0, neighbour_rows_, halving_rounds, 1);
      if (s == nullptr) return;
      keep_best(*s, finalists);
      const bool same = std::all_of(alive_.begin(), alive_.end(), [&old](const candidate& c) {
        return std::find(old.begin(), old.end(), c) != old.end();
      });
      fruitless = same ? fruitless + 1 : 0;
    }
  }

  // ---- final and held out

  candidate baseline() const {
    for (const candidate& c : start_) {
      if (c.variant->name == default_name) return c;
    }
    return start_.front();
  }

  void decide() {
    // Who led before the neighbours came may have lost its place by chance alone: few rounds, many rivals.
    std::vector<candidate> group = alive_;
    const auto join = [&group](const candidate& c) {
      if (std::find(group.begin(), group.end(), c) == group.end()) group.push_back(c);
    };
    for (const candidate& c : leaders_) join(c);
    join(baseline());
    if (measure_stage("final", group, 0, out_.training_rows, request_.final_rounds, 3) == nullptr) return;
    const std::size_t at = out_.stages.size() - 1;
    if (!play_off(at)) return;
    advice_stage& last = out_.stages[at];
    prefer_undominated(last);
    keep_best(last, last.measured.size());
    out_.decided_by = at;
    find_reasons(out_, last);
  }

  // The best of a final whose first are close is the luckiest as well. Puts the winner first; false:
  // interrupted.
  bool play_off(std::size_t stage) {
    std::vector<candidate> contenders;
    {
      const advice_stage& s = out_.stages[stage];
      const double missed = missed_by(out_.goals, s.measured.front(), s.live_bytes),
                   time = time_of(s.measured.front());
      for (const measured_row& r : s.measured) {
        if (contenders.size() < most_contenders && missed_by(out_.goals, r, s.live_bytes) <= missed &&
            time_of(r) <= time * (1 + contender_share))
          contenders.push_back(candidate_of(r));
      }
    }
    if (contenders.size() < 2) return true;
    const advice_stage* const again = measure_stage("play-off", contenders, 0, out_.training_rows,
                                                    play_off_factor * request_.final_rounds, 1);
    if (again == nullptr) return false;
    const candidate winner = candidate_of(again->measured.front());
    advice_stage& s = out_.stages[stage];
    const auto first = s.measured.begin(), won = first + static_cast<std::ptrdiff_t>(index_in(s, winner));
    std::rotate(first, won, won + 1);
    return true;
  }

  // What is as fast within the resolution, and better in something, comes first.
  void prefer_undominated(advice_stage& s) const {
    const std::vector<std::size_t> front = pareto_front(s.measured);
    const double missed = missed_by(out_.goals, s.measured.front(), s.live_bytes),
                 time = time_of(s.measured.front());
    for (const std::size_t i : front) {
      if (missed_by(out_.goals, s.measured[i], s.live_bytes) > missed ||
          time_of(s.measured[i]) > time * (1 + time_resolution))
        continue;
      const auto begin = s.measured.begin();
      std::rotate(begin, begin + static_cast<std::ptrdiff_t>(i), begin + static_cast<std::ptrdiff_t>(i) + 1);
      return;
    }
  }

  std::size_t index_in(const advice_stage& s, const candidate& c) const {
    for (std::size_t i = 0; i < s.measured.size(); ++i) {
      if (s.measured[i].task.variant == c.variant && s.measured[i].task.storage == c.storage) return i;
    }
    return s.measured.size();
  }

  static candidate candidate_of(const measured_row& r) { return {r.task.variant, r.task.storage}; }

  void check_held_out() {
    const advice_stage& last = out_.stages[out_.decided_by];
    const candidate chosen = candidate_of(last.measured.front());
    std::vector<candidate> group;
    for (const std::size_t i : pareto_front(last.measured)) group.push_back(candidate_of(last.measured[i]));
    for (const candidate& c : {chosen, baseline()}) {
      if (std::find(group.begin(), group.end(), c) == group.end()) group.push_back(c);
    }
    const std::size_t rows = records_of(*whole_);
    const advice_stage* const s =
        measure_stage("held out", group, out_.training_rows, rows, request_.final_rounds, 3);
    if (s == nullptr) return;
    const std::size_t a = index_in(*s, chosen), b = index_in(*s, baseline());
    if (a < s->measured.size() && b < s->measured.size() && a != b)
      out_.held_out_to_baseline = paired_ratio(s->measured[a], s->measured[b]);
  }

  // The best of so many by their medians is the luckiest as well: it meets the recommendation once more.
  void search_exhaustively() {
    const candidate chosen = candidate_of(out_.stages[out_.decided_by].measured.front());
    const std::size_t rows = records_of(*whole_);
    const advice_stage* s =
        measure_stage("exhaustive", start_, out_.training_rows, rows, halving_rounds + 2, 1);
    if (s == nullptr) return;
    const candidate best = candidate_of(s->measured.front());
    out_.best_held_out = s->measured.front().name();
    if (best == chosen) {
      out_.distance = estimate{.median = 1, .low = 1, .high = 1, .coverage = 1};
      return;
    }
    fight_duel(best, chosen);
  }

  // Rounds are added until the recommendation is known to lie within `within_ratio` of the best, or beyond
  // it.
  void fight_duel(const candidate& best, const candidate& chosen) {
    const std::size_t rows = records_of(*whole_);
    const any_program& part = cut(out_.training_rows, rows);
    const paired_judge judge(duel_rounds, 1, within_ratio);
    std::vector<double> of_best, of_chosen;
    for (const std::size_t look : judge.looks()) {
      const auto missing = static_cast<unsigned>(look - of_best.size());
      measure_options options{.repeat = missing * duel_executions, .seed = request_.base.seed};
      options.memory = options.latency = false;
      options.progress = [this](const std::string& text) { progress_("duel: " + text); };
      const measurement m =
          measure({{.variant = best.variant, .storage = best.storage, .program = &part, .n = 0},
                   {.variant = chosen.variant, .storage = chosen.storage, .program = &part, .n = 0}},
                  options);
      out_.interrupted = out_.interrupted || m.interrupted;
      out_.mismatches.insert(out_.mismatches.end(), m.mismatches.begin(), m.mismatches.end());
      if (m.interrupted || !m.mismatches.empty() || m.rows.size() != 2) return;
      add_least(of_best, m.rows[0].cpu_ns_per_op), add_least(of_chosen, m.rows[1].cpu_ns_per_op);
      if (of_best.size() < look || of_chosen.size() < look) return;
      const paired_difference d = judge.judge(of_best, of_chosen);
      if (!d.shown) continue;
      out_.duel_rounds = of_best.size();
      out_.distance = estimate{.median = 1 + d.median,
                               .low = 1 + d.shown->low,
                               .high = 1 + d.shown->high,
                               .coverage = d.shown->coverage};
      if (within_best(*out_.distance)) return;
    }
  }

  static void add_least(std::vector<double>& to, const std::vector<double>& executions) {
    for (std::size_t i = 0; i + duel_executions <= executions.size(); i += duel_executions) {
      const auto begin = executions.begin() + static_cast<std::ptrdiff_t>(i);
      to.push_back(*std::min_element(begin, begin + duel_executions));
    }
  }

  advice& out_;
  const advice_request& request_;
  std::uint64_t began_;
  std::function<void(const std::string&)> progress_;
  std::shared_ptr<const any_program> whole_;
  std::pair<std::pair<std::size_t, std::size_t>, any_program> programs_{{0, 0}, {}};
  std::vector<candidate> start_, alive_, leaders_;
  std::vector<std::string> storages_;
  std::set<std::string> known_;
  std::size_t neighbour_rows_ = 0;
};

}  // namespace

std::optional<bool> within_best(const estimate& distance) {
  if (distance.high <= 1 + within_ratio) return true;
  if (distance.low > 1 + within_ratio) return false;
  return std::nullopt;
}

any_program part_of(const any_program& whole, std::size_t begin, std::size_t end) {
  return std::visit([&](const auto& known) { return any_program{cut_out(known, begin, end)}; }, whole);
}

std::vector<std::size_t> pareto_front(const std::vector<measured_row>& rows) {
  std::vector<objectives> all;
  for (const measured_row& r : rows) all.push_back(objectives_of(r));
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool beaten =
        std::any_of(all.begin(), all.end(), [&](const objectives& o) { return dominates(o, all[i]); });
    if (!beaten) out.push_back(i);
  }
  return out;
}

std::vector<std::string> neighbours_of(const std::string& spec_text, key_kind key, std::uint64_t seed) {
  const spec_description spec = parse_spec(spec_text);
  std::mt19937_64 random(seed);
  std::vector<std::vector<std::string>> by_axis;
  std::size_t longest = 0;
  for (const std::size_t axis : searched_axes) {
    std::vector<std::string> found;
    for (const std::string& text : alternatives_on(axis, spec.options[axis])) {
      try {
        const spec_description other = with_option(spec, std::string{axis_names[axis]} + "=" + text);
        if (check_rules(other, nullptr) || (key == key_kind::string && !takes_strings(other))) continue;
        const std::string whole = canonical(other);
        if (whole != canonical(spec) && std::find(found.begin(), found.end(), whole) == found.end())
          found.push_back(whole);
      } catch (const spec_error&) {
        // Some examples are wrong on purpose.
      }
    }
    std::shuffle(found.begin(), found.end(), random);
    longest = std::max(longest, found.size());
    by_axis.push_back(std::move(found));
  }
  std::vector<std::string> out;
  for (std::size_t i = 0; i < longest; ++i) {
    for (const std::vector<std::string>& axis : by_axis) {
      if (i < axis.size()) out.push_back(axis[i]);
    }
  }
  return out;
}

advice run_advice(const advice_request& request) {
  advice out;
  out.request = request;
  out.goals = parse_goals(request.goals);
  if (!(request.budget_minutes > 0 && request.budget_minutes <= 24 * 60))
    throw command_error(exit_usage, "--budget is in minutes: above 0, at most 1440");
  adviser(out).run();
  if (!out.stages.empty()) note_recommendation(out);
  return out;
}

int exit_code_of(const advice& a) {
  if (a.interrupted) return exit_interrupted;
  return a.mismatches.empty() ? exit_done : exit_check_failed;
}

}  // namespace tophash::lab
