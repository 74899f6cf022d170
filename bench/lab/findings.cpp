// SPDX-License-Identifier: Apache-2.0
// Templates of sentences; every number in them comes from the rows.
#include "lab/findings.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "lab/catalogue.hpp"

namespace tophash::lab {

namespace {

bool measured(const measured_row& r) { return r.trouble.empty() && !r.cpu_ns_per_op.empty(); }

// The row's options, storage included, as texts by axis; empty for a foreign map.
std::vector<std::string> options_of(const measured_row& r) {
  std::vector<std::string> out;
  if (r.task.variant->spec.empty() || !r.task.variant->any_storage) return out;
  const spec_description spec = parse_spec(r.task.variant->spec);
  for (std::size_t axis = 0; axis < axes::count; ++axis) {
    out.push_back(axis == axes::allocation::index ? r.task.storage : text_of(spec.options[axis]));
  }
  return out;
}

struct pair_of_rows {
  const measured_row* row;
  const measured_row* base;
};

double median(std::vector<double> values) { return summarise(values).median; }

class effect_builder {
 public:
  void add(const measured_row& row, const measured_row& base) { pairs_.push_back({&row, &base}); }

  option_effect build(std::string axis, std::string option, std::string base) const {
    option_effect out{.axis = std::move(axis),
                      .option = std::move(option),
                      .base = std::move(base),
                      .pairs = pairs_.size(),
                      .time_ratio = time_ratio(),
                      .p99_9_ratio = {},
                      .worst_ratio = {},
                      .peak_ratio = {},
                      .rss_ratio = {}};
    out.p99_9_ratio = ratio([](const measured_row& r) { return r.latency ? r.latency->p99_9 : 0; });
    out.worst_ratio = ratio([](const measured_row& r) { return r.latency ? r.latency->max : 0; });
    out.peak_ratio =
        ratio([](const measured_row& r) { return r.memory ? static_cast<double>(r.memory->peak_bytes) : 0; });
    out.rss_ratio = ratio([](const measured_row& r) {
      return r.memory && r.memory->rss_bytes ? static_cast<double>(*r.memory->rss_bytes) : 0;
    });
    return out;
  }

 private:
  estimate time_ratio() const {
    std::size_t rounds = pairs_.front().row->cpu_ns_per_op.size();
    for (const pair_of_rows& p : pairs_)
      rounds = std::min({rounds, p.row->cpu_ns_per_op.size(), p.base->cpu_ns_per_op.size()});
    std::vector<double> by_round;
    for (std::size_t i = 0; i < rounds; ++i) {
      double logs = 0;
      for (const pair_of_rows& p : pairs_)
        logs += std::log(p.row->cpu_ns_per_op[i] / p.base->cpu_ns_per_op[i]);
      by_round.push_back(std::exp(logs / static_cast<double>(pairs_.size())));
    }
    return summarise(by_round);
  }

  template <class Figure>
  std::optional<double> ratio(const Figure& figure) const {
    std::vector<double> ratios;
    for (const pair_of_rows& p : pairs_) {
      if (figure(*p.row) > 0 && figure(*p.base) > 0) ratios.push_back(figure(*p.row) / figure(*p.base));
    }
    return ratios.empty() ? std::nullopt : std::optional(median(ratios));
  }

  std::vector<pair_of_rows> pairs_;
};

// The single axis on which two rows differ, or none.
std::optional<std::size_t> only_difference(const std::vector<std::string>& a,
                                           const std::vector<std::string>& b) {
  std::optional<std::size_t> out;
  for (std::size_t axis = 0; axis < a.size(); ++axis) {
    if (a[axis] == b[axis]) continue;
    if (out) return std::nullopt;
    out = axis;
  }
  return out;
}

std::string percent_change(double ratio) { return fmt::format("{:+.0f} %", (ratio - 1) * 100); }

}  // namespace

std::string time_text(double ns) {
  if (ns < 1e3) return fmt::format("{:.{}f} ns", ns, ns < 10 ? 1 : 0);
  if (ns < 1e6) return fmt::format("{:.1f} us", ns / 1e3);
  if (ns < 1e9) return fmt::format("{:.2f} ms", ns / 1e6);
  return fmt::format("{:.2f} s", ns / 1e9);
}

std::string bytes_text(double bytes) {
  if (bytes < 1024) return fmt::format("{:.0f} B", bytes);
  if (bytes < 1024 * 1024) return fmt::format("{:.1f} KiB", bytes / 1024);
  return fmt::format("{:.1f} MiB", bytes / (1024 * 1024));
}

bool resolvable(const estimate& ratio) noexcept {
  return (ratio.low > 1 || ratio.high < 1) && std::abs(ratio.median - 1) >= 0.01;
}

std::vector<option_effect> option_effects(const measurement& m) {
  std::vector<std::vector<std::string>> options;
  for (const measured_row& r : m.rows)
    options.push_back(measured(r) ? options_of(r) : std::vector<std::string>{});
  const auto first = std::find_if(options.begin(), options.end(), [](const auto& o) { return !o.empty(); });
  if (first == options.end()) return {};
  std::map<std::pair<std::size_t, std::string>, effect_builder> effects;
  for (std::size_t i = 0; i < m.rows.size(); ++i) {
    for (std::size_t j = 0; j < m.rows.size(); ++j) {
      if (options[i].empty() || options[j].empty() || m.rows[i].task.program != m.rows[j].task.program)
        continue;
      const std::optional<std::size_t> axis = only_difference(options[i], options[j]);
      if (axis && options[j][*axis] == (*first)[*axis])
        effects[{*axis, options[i][*axis]}].add(m.rows[i], m.rows[j]);
    }
  }
  std::vector<option_effect> out;
  for (const auto& [key, builder] : effects) {
    out.push_back(builder.build(std::string{axis_names[key.first]}, key.second, (*first)[key.first]));
  }
  return out;
}

namespace {

std::string over_pairs(std::size_t pairs) {
  return fmt::format("over {} pair{} of rows", pairs, pairs == 1 ? "" : "s");
}

bool notable(const std::optional<double>& ratio) { return ratio && std::abs(*ratio - 1) >= 0.005; }

// All options of one axis in one sentence: time, and what else the axis is about.
std::string axis_sentence(const std::string& axis, const std::vector<option_effect>& effects) {
  std::string out = (axis == "allocation" ? "storage" : axis) + ", against " + effects.front().base + " " +
                    over_pairs(effects.front().pairs) + ": ";
  for (const option_effect& e : effects) {
    if (&e != &effects.front()) out += "; ";
    out += resolvable(e.time_ratio)
               ? fmt::format("{} {} CPU time", e.option, percent_change(e.time_ratio.median))
               : fmt::format("{} no difference resolvable in time", e.option);
    out += fmt::format(" ({:.2f}..{:.2f})", e.time_ratio.low, e.time_ratio.high);
    if (axis == "growth" && notable(e.worst_ratio))
      out += fmt::format(", longest single operation {:.2f} times", *e.worst_ratio);
    if (axis == "growth" && notable(e.p99_9_ratio))
      out += fmt::format(", 99.9th percentile {:.2f} times", *e.p99_9_ratio);
    if (axis != "allocation" && notable(e.peak_ratio))
      out += fmt::format(", {} peak bytes", percent_change(*e.peak_ratio));
    if (axis == "allocation" && notable(e.rss_ratio))
      out += fmt::format(", {} resident memory", percent_change(*e.rss_ratio));
  }
  return out + ".";
}

void add_axis_sentences(const measurement& m, std::vector<std::string>& out) {
  const std::vector<option_effect> effects = option_effects(m);
  for (const std::string_view axis : axis_names) {
    std::vector<option_effect> of_axis;
    for (const option_effect& e : effects) {
      if (e.axis == axis) of_axis.push_back(e);
    }
    if (!of_axis.empty()) out.push_back(axis_sentence(std::string{axis}, of_axis));
  }
}

const measured_row* fastest(const measurement& m) {
  const measured_row* out = nullptr;
  for (const measured_row& r : m.rows) {
    if (!measured(r)) continue;
    if (out == nullptr || summarise(r.cpu_ns_per_op).median < summarise(out->cpu_ns_per_op).median) out = &r;
  }
  return out;
}

bool one_program(const measurement& m) {
  return std::all_of(m.rows.begin(), m.rows.end(),
                     [&m](const measured_row& r) { return r.task.program == m.rows.front().task.program; });
}

void add_fastest_sentence(const measurement& m, std::vector<std::string>& out) {
  const measured_row* const best = m.rows.size() < 2 || !one_program(m) ? nullptr : fastest(m);
  if (best == nullptr) return;
  const estimate e = summarise(best->cpu_ns_per_op);
  const auto ties = std::count_if(m.rows.begin(), m.rows.end(), [&](const measured_row& r) {
    return measured(r) && &r != best && overlap(summarise(r.cpu_ns_per_op), e);
  });
  std::string text = fmt::format("Fastest of {} rows: {} at {} an operation ({}..{})", m.rows.size(),
                                 best->name(), time_text(e.median), time_text(e.low), time_text(e.high));
  text += ties == 0 ? "."
                    : fmt::format("; {} other row{} within its interval.", ties, ties == 1 ? " is" : "s are");
  out.push_back(text);
}

void add_baseline_sentences(const measurement& m, std::vector<std::string>& out) {
  if (!one_program(m)) return;
  const measured_row* best = nullptr;
  for (const measured_row& r : m.rows) {
    if (!measured(r) || r.task.variant->spec.empty() || !r.task.variant->any_storage) continue;
    if (best == nullptr || summarise(r.cpu_ns_per_op).median < summarise(best->cpu_ns_per_op).median)
      best = &r;
  }
  for (const measured_row& r : m.rows) {
    if (best == nullptr || !measured(r) || !r.task.variant->spec.empty() || r.task.storage != "system")
      continue;
    const estimate ratio = paired_ratio(*best, r);
    if (!resolvable(ratio))
      out.push_back(
          fmt::format("No difference resolvable in time between the fastest composition ({}) and {}.",
                      best->name(), r.task.variant->name));
    else
      out.push_back(
          fmt::format("The fastest composition ({}) takes {:.2f} times the CPU time of {} ({:.2f}..{:.2f}).",
                      best->name(), ratio.median, r.task.variant->name, ratio.low, ratio.high));
  }
}

void add_overflow_sentence(const measurement& m, std::vector<std::string>& out) {
  std::uint64_t requested = 0, recycled = 0;
  std::size_t rows = 0;
  for (const measured_row& r : m.rows) {
    if (!measured(r) || r.task.variant->spec.find("overflow=local_list") == std::string::npos) continue;
    requested += r.result.counts.overflow_requested, recycled += r.result.counts.overflow_recycled, ++rows;
  }
  if (requested == 0) return;
  out.push_back(fmt::format("overflow: local_list served {:.1f} % of {} overflow requests from buckets it "
                            "had kept (exact, {} rows).",
                            100.0 * static_cast<double>(recycled) / static_cast<double>(requested), requested,
                            rows));
}

// Scanned against pointer-free storage: what the collector did, summed over the rows of each.
void add_collector_sentence(const measurement& m, std::vector<std::string>& out) {
  struct sum {
    std::size_t rows = 0;
    std::uint64_t collections = 0, cpu_ns = 0, worst_ns = 0;
  };
  std::map<std::string, sum> by_storage;
  for (const measured_row& r : m.rows) {
    if (!r.collector || r.task.variant->spec.empty()) continue;
    sum& s = by_storage[r.task.storage];
    ++s.rows, s.collections += r.collector->sample.collections, s.cpu_ns += r.collector->sample.collector_cpu_ns;
    s.worst_ns = std::max(s.worst_ns, r.collector->sample.stop_the_world.max_ns);
  }
  if (by_storage.empty()) return;
  std::string text = "collector:";
  for (const auto& [storage, s] : by_storage) {
    text += fmt::format("{} {}: {} collections in {} rows, {} of collector CPU, longest stop of the world {}",
                        text.back() == ':' ? "" : ";", storage, s.collections, s.rows,
                        time_text(static_cast<double>(s.cpu_ns)), time_text(static_cast<double>(s.worst_ns)));
  }
  out.push_back(text + ".");
}

void add_load_sentences(const measurement& m, std::vector<std::string>& out) {
  for (const measured_row& r : m.rows) {
    if (!measured(r) || r.result.load_points.empty()) continue;
    const load_point& last = r.result.load_points.back();
    out.push_back(fmt::format("load: {} at {:.2f} entries a bucket: {:.2f} % of buckets overflow, a hit "
                              "looks at {:.2f} entries, a miss at "
                              "{:.2f}, {:.2f} bytes an entry beside key and value.",
                              r.task.variant->name, last.load, last.overflow_percent, last.hit_probes,
                              last.miss_probes, last.overhead_bytes_per_entry));
  }
}

void add_calibration_sentence(const measurement& m, std::vector<std::string>& out) {
  for (const measured_row& fixed : m.rows) {
    if (!measured(fixed) || fixed.task.variant->any_storage || fixed.task.variant->spec.empty()) continue;
    for (const measured_row& r : m.rows) {
      const bool twin = measured(r) && r.task.variant->any_storage &&
                        r.task.variant->spec == fixed.task.variant->spec &&
                        r.task.storage == fixed.task.storage && r.task.program == fixed.task.program;
      if (!twin) continue;
      const estimate ratio = paired_ratio(r, fixed);
      out.push_back(fmt::format(
          "calibration, {}: choosing the storage at run time costs {} ({:.2f}..{:.2f} of the time "
          "with it bound when compiling).",
          r.name(), resolvable(ratio) ? percent_change(ratio.median) : std::string{"no resolvable time"},
          ratio.low, ratio.high));
    }
  }
}

}  // namespace

std::vector<std::string> findings(const measurement& m) {
  std::vector<std::string> out;
  if (m.rows.empty()) return out;
  add_load_sentences(m, out);
  if (out.empty()) {
    add_calibration_sentence(m, out);
    if (!out.empty() && m.rows.size() == 2) return out;  // nothing but the calibration was asked
    add_axis_sentences(m, out);
    add_collector_sentence(m, out);
    add_overflow_sentence(m, out);
    add_baseline_sentences(m, out);
    add_fastest_sentence(m, out);
  }
  for (const std::string& mismatch : m.mismatches) out.insert(out.begin(), "CHECK FAILED: " + mismatch);
  return out;
}

}  // namespace tophash::lab
