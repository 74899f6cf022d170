// SPDX-License-Identifier: Apache-2.0
#include "micro/peers/run.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include <fmt/format.h>

#include "micro/peers/heap_meter.hpp"

namespace tophash::peers {

namespace {

constexpr std::size_t ordinary_size = 200'000;
constexpr std::size_t large_size = 10'000'000;
// Of operations of more than 1 ns: where the subject does next to nothing (destroy), factors of thousands are
// quick.
constexpr double hopeless_factor = 50;
constexpr std::size_t least_timed_destroy = 10'000;
constexpr unsigned most_rounds_of_large = 3;
constexpr kind other_kinds[] = {kind::short_string, kind::long_string, kind::value_64, kind::value_256};

// Entries of the maps of a workload of many small maps.
std::size_t small_entries(workload w) noexcept {
  switch (w) {
  case workload::small_4_build:
  case workload::small_4_find:
  case workload::small_4_move:
  case workload::small_4_destroy:
    return 4;
  case workload::small_12_build:
  case workload::small_12_find:
  case workload::small_12_destroy:
    return 12;
  default:
    return 8;  // 1 to 16: their mean
  }
}

bool runs(const workload_row& row, kind what, std::size_t n) noexcept {
  if (row.many_small_maps) return false;
  if (n >= large_size && !row.for_ten_million) return false;
  // Without destructors to run, a map of one array is destroyed by one call of free, which one clock reading
  // outlasts: only many small arrays can be compared.
  if (row.id == workload::destroy && element_of(what) != element::string && n > least_timed_destroy)
    return false;
  switch (element_of(what)) {
  case element::u64:
    return true;
  case element::string:
    return row.for_strings;
  default:
    return row.for_large_values;
  }
}

}  // namespace

std::string task::name() const { return fmt::format("{} {} {}", row->name, name_of(what), n); }

std::optional<std::size_t> other_kinds_size(const std::vector<std::size_t>& sizes) {
  std::optional<std::size_t> best;
  for (const std::size_t n : sizes) {
    if (n <= ordinary_size && (!best || n > *best)) best = n;
  }
  return best;
}

std::vector<task> choose_tasks(const task_choice& choice) {
  std::vector<task> out;
  const auto add = [&](const task& t) {
    if (!choice.only || std::regex_search(t.name(), *choice.only)) out.push_back(t);
  };
  const auto add_all = [&](kind what, std::size_t n) {
    for (const workload_row& row : workload_rows()) {
      if (runs(row, what, n)) add({&row, what, n, n});
    }
  };
  for (const std::size_t n : choice.sizes) add_all(kind::u64, n);
  for (const workload_row& row : workload_rows()) {
    if (row.many_small_maps) add({&row, kind::u64, small_entries(row.id), 2'000});
  }
  if (const auto n = other_kinds_size(choice.sizes); n && !choice.only_u64) {
    for (const kind what : other_kinds) add_all(what, *n);
  }
  return out;
}

std::vector<std::size_t> footprint_sizes(kind what, std::size_t largest) {
  const double to =
      static_cast<double>(std::min<std::size_t>(largest, what == kind::u64 ? 1'000'000 : ordinary_size));
  const double from = std::min(1'000.0, to);
  constexpr int points = 20;
  std::vector<std::size_t> out;
  for (int i = 0; i < points; ++i) {
    const auto n = static_cast<std::size_t>(std::llround(from * std::pow(to / from, i / (points - 1.0))));
    if (out.empty() || out.back() != n) out.push_back(n);
  }
  return out;
}

std::vector<double> paired_ratios(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> out;
  for (std::size_t r = 0; r < std::min(a.size(), b.size()); ++r) out.push_back(a[r] / b[r]);
  return out;
}

lab::estimate geometric_mean(const std::vector<std::vector<double>>& ratios_by_task) {
  if (ratios_by_task.empty()) return {};
  std::size_t rounds = 0;
  for (const auto& ratios : ratios_by_task) rounds = std::max(rounds, ratios.size());
  std::vector<double> means;
  for (std::size_t r = 0; r < rounds; ++r) {
    double sum = 0;
    for (const auto& ratios : ratios_by_task) sum += std::log(ratios[r % ratios.size()]);
    means.push_back(std::exp(sum / static_cast<double>(ratios_by_task.size())));
  }
  return lab::summarise(means);
}

bench::bench(std::vector<contestant> maps, std::size_t subject, const bench_settings& settings)
    : maps_(std::move(maps)), subject_(subject), settings_(settings) {}

const input_base& bench::inputs_of(kind what, std::size_t n) {
  if (!inputs_ || inputs_->what != what || inputs_->n != n) {
    inputs_.reset();
    inputs_ = make_inputs(what, n, settings_.seed);
  }
  return *inputs_;
}

bool bench::is_weighed(kind what, const std::vector<std::size_t>& at) const {
  for (std::size_t m = 0; m < maps_.size(); ++m) {
    const auto known = footprints_.find({m, what});
    if (known == footprints_.end()) return false;
    if (maps_[m].row(what).bytes == nullptr) continue;
    for (const std::size_t n : at) {
      if (!known->second.at.contains(n)) return false;
    }
  }
  return true;
}

void bench::weigh(const std::vector<task>& tasks) {
  std::map<kind, std::vector<std::size_t>> needed;
  for (const task& t : tasks) needed[t.what].push_back(t.n);
  for (auto& [what, at] : needed) {
    // Of a run at small sizes only, the curve ends there: a test need not build a million entries.
    const std::size_t largest = *std::max_element(at.begin(), at.end());
    const std::vector<std::size_t> curve =
        footprint_sizes(what, largest < ordinary_size ? largest : 1'000'000);
    std::vector<std::size_t> all = at;
    all.insert(all.end(), curve.begin(), curve.end());
    if (what == kind::u64) all.push_back(4);
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    if (is_weighed(what, all)) continue;
    const input_base& in = inputs_of(what, all.back());
    for (std::size_t m = 0; m < maps_.size(); ++m) {
      footprint& out = footprints_[{m, what}];
      out.mean = 0;
      const bytes_function bytes = maps_[m].row(what).bytes;
      if (bytes == nullptr) continue;
      const std::vector<double> total = bytes(in, all);
      for (std::size_t i = 0; i < all.size(); ++i) out.at[all[i]] = total[i] / static_cast<double>(all[i]);
      for (const std::size_t n : curve) out.mean += out.at[n] / static_cast<double>(curve.size());
    }
  }
}

task_result bench::measure(const task& what) {
  const input_base& in = inputs_of(what.what, what.input_n);
  const std::size_t which = static_cast<std::size_t>(what.row->id);
  const std::size_t count = maps_.size();
  task_result out;
  out.what = what;
  out.ns.resize(count);
  const workload_function floor = floor_.row(what.what).run[which];
  std::vector<std::optional<std::uint64_t>> sums(count);
  std::vector<double> discarded(count);
  std::vector<bool> hopeless(count);

  const unsigned rounds =
      what.n < large_size ? settings_.rounds : std::min(settings_.rounds, most_rounds_of_large);
  // Each round in another order: whoever follows a map with arrays of the same size finds its pages in the caches,
  // and in a fixed order that would be the same one in every round (20 to 40 % of an insert of 64 bytes).
  std::mt19937_64 random(settings_.seed);
  std::vector<std::size_t> order(count + 1);
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (unsigned round = 0; round <= rounds; ++round) {
    std::shuffle(order.begin(), order.end(), random);
    for (const std::size_t m : order) {
      const workload_function run = m == count ? floor : maps_[m].row(what.what).run[which];
      if (run == nullptr || (m < count && hopeless[m])) continue;
      settle_heap();
      measurement took = run(in);
      for (unsigned more = 1; more < settings_.tries; ++more) {
        settle_heap();
        took.ns = std::min(took.ns, run(in).ns);
      }
      const double ns =
          std::max(took.ns / static_cast<double>(std::max<std::uint64_t>(1, took.operations)), 1e-6);
      if (m == count) {
        if (round > 0) out.floor_ns.push_back(ns);
        continue;
      }
      if (m == subject_) out.operations = took.operations;
      if (!sums[m]) sums[m] = took.checksum;
      if (*sums[m] != took.checksum)
        wrong_.push_back({what.name(), std::string(maps_[m].name), *sums[m], took.checksum});
      (round > 0 ? out.ns[m].emplace_back() : discarded[m]) = ns;
    }
    for (std::size_t m = 0; round == 0 && m < count; ++m) {
      hopeless[m] = discarded[m] > hopeless_factor * discarded[subject_] && discarded[subject_] > 1;
      if (hopeless[m]) out.ns[m].push_back(discarded[m]);
    }
  }
  for (std::size_t m = 0; m < count; ++m) {
    if (sums[m] && sums[subject_] && *sums[m] != *sums[subject_]) {
      wrong_.push_back({what.name(), std::string(maps_[m].name), *sums[subject_], *sums[m]});
    }
  }
  judge(out);
  return out;
}

std::optional<std::size_t> bench::best_peer(const task_result& result,
                                            const std::function<bool(std::size_t)>& counts) const {
  std::optional<std::size_t> best;
  for (std::size_t m = 0; m < maps_.size(); ++m) {
    if (maps_[m].ours || result.ns[m].empty() || !counts(m)) continue;
    if (!best || result.to_subject[m].median < result.to_subject[*best].median) best = m;
  }
  return best;
}

void bench::judge(task_result& result) const {
  const std::vector<double>& subject = result.ns[subject_];
  for (const auto& ns : result.ns) result.to_subject.push_back(lab::summarise(paired_ratios(ns, subject)));
  if (subject.empty()) return;
  if (!result.floor_ns.empty())
    result.subject_to_floor = lab::summarise(paired_ratios(subject, result.floor_ns));
  result.best = best_peer(result, [](std::size_t) { return true; });
  // The size of a task may lie just after one map's growth and just before another's, so the mean over the
  // curve is compared; of small maps the size itself, which is what a user has many of.
  const auto bytes = [&](std::size_t m) {
    const footprint& f = bytes_of(m, result.what.what);
    return result.what.row->many_small_maps ? f.at.at(result.what.n) : f.mean;
  };
  result.best_of_similar =
      best_peer(result, [&](std::size_t m) { return bytes(m) <= similar_bytes * bytes(subject_); });
  if (result.best) {
    result.subject_to_best = lab::summarise(paired_ratios(subject, result.ns[*result.best]));
  }
  if (result.best_of_similar) {
    result.subject_to_best_of_similar =
        lab::summarise(paired_ratios(subject, result.ns[*result.best_of_similar]));
  }
}

}  // namespace tophash::peers
