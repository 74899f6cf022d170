// SPDX-License-Identifier: Apache-2.0
// Time per operation, with its interval, and the latency of single operations.
#include <algorithm>
#include <array>

#include "lab/report/marker.hpp"
#include "lab/report/percentile_marks.hpp"
#include "lab/report/text.hpp"

namespace tophash::lab::report {

namespace {

// Every variant's colour and name, once.
std::string variant_key(const experiment_view& e) {
  std::vector<std::string> seen;
  std::string key;
  for (const row_view& r : e.rows) {
    if (std::find(seen.begin(), seen.end(), r.name) != seen.end()) continue;
    seen.push_back(r.name);
    key += " <span class=\"entry\">" + swatch(0, r.appearance) + escape(r.name) + "</span>";
  }
  return key;
}

std::string curves_over_n(const experiment_view& e, drawing& plots) {
  curve_chart chart{"Time per operation over n", "", {}};
  std::vector<double> all_n, all_ns;
  std::vector<std::string> seen;
  for (const row_view& r : e.rows) {
    if (!r.figures->n || !r.figures->ns_per_op) continue;
    all_n.push_back(*r.figures->n);
    all_ns.push_back(r.figures->ns_per_op->median);
  }
  const auto panel_of = [&](const row_view& r) -> curve_panel& {
    const std::string title =
        r.storage + (r.figures->key.empty() ? "" : ", " + r.figures->key + " keys") + ": ns/op";
    const auto it = std::find(seen.begin(), seen.end(), title);
    if (it != seen.end()) return chart.panels[static_cast<std::size_t>(it - seen.begin())];
    seen.push_back(title);
    chart.panels.push_back({title,
                            "n (log)",
                            make_scale(all_n, {.ratio_for_log = 1.01}, tick_figure),
                            make_scale(all_ns, {.ratio_for_log = 8}, tick_figure),
                            {}});
    return chart.panels.back();
  };
  std::vector<std::string> drawn;
  for (const row_view& r : e.rows) {
    const std::string line_name = full_name(r) + '\n' + r.figures->key;
    if (std::find(drawn.begin(), drawn.end(), line_name) != drawn.end()) continue;
    drawn.push_back(line_name);
    curve c{{}, dot_shape(r), color_token(r.appearance), true};
    for (const row_view& other : e.rows) {
      const bool same = full_name(other) + '\n' + other.figures->key == line_name;
      if (same && other.figures->n && other.figures->ns_per_op) {
        c.points.emplace_back(*other.figures->n, other.figures->ns_per_op->median);
      }
    }
    std::sort(c.points.begin(), c.points.end());
    if (!c.points.empty()) panel_of(r).curves.push_back(std::move(c));
  }
  chart.description = "One line a variant; the figures are in the table below.";
  if (chart.panels.empty()) return {};
  return "<div class=\"plots\">" +
         plots.figure(chart,
                      "<b>Median time per operation over n.</b> One panel a storage. " + variant_key(e)) +
         "</div>\n";
}

bool n_varies(const experiment_view& e) {
  return std::any_of(e.groups.begin(), e.groups.end(), [&](const group& g) {
    return g.key == e.groups.front().key && g.n != e.groups.front().n;
  });
}

bool has_time(const row& r) { return r.ns_per_op || r.ratio; }

std::vector<cell> time_cells(const row& r) {
  const auto parts = [](const std::optional<interval>& i) {
    return i ? std::array<std::optional<double>, 3>{i->median, i->low, i->high}
             : std::array<std::optional<double>, 3>{};
  };
  const auto time = parts(r.ns_per_op), ratio = parts(r.ratio);
  return {figure_cell(time[0]),    figure_cell(time[1]),    figure_cell(time[2]), fixed_cell(ratio[0], 3),
          fixed_cell(ratio[1], 3), fixed_cell(ratio[2], 3), text_cell(r.ratio_to)};
}

}  // namespace

std::string time_part(const experiment_view& e, drawing& plots) {
  if (!any_row(e, has_time)) return {};
  chart_plan plan{"Time per operation", "ns per operation", {.ratio_for_log = 12}, tick_figure, {}};
  plan.fill = [](const row_view& r, chart_line& line, std::vector<double>& values) {
    if (!r.figures->ns_per_op) return;
    const interval& time = *r.figures->ns_per_op;
    const int color = color_token(r.appearance);
    values.push_back(time.median);
    line.marks.push_back({time.median, dot_shape(r), 0.75, color});
    if (!time.low || !time.high) return;
    values.insert(values.end(), {*time.low, *time.high});
    line.segments.push_back({*time.low, *time.high, color});
  };
  std::string figures = n_varies(e) ? curves_over_n(e, plots) : "";
  figures += row_figures(e, plots, plan,
                         "Dot: median ns per operation; line through it: the interval from low to high. "
                         "Variants in the order of their time in the first storage.");
  return part("Time per operation", figures,
              table_of(e, "time in ns per operation, and ratio to the variant named",
                       {{"median ns/op"},
                        {"low ns/op"},
                        {"high ns/op"},
                        {"ratio"},
                        {"ratio low"},
                        {"ratio high"},
                        {"ratio to", false}},
                       has_time, time_cells));
}

// ---- latency

namespace {

bool has_latency(const row& r) { return r.latency_ns && r.latency_ns->any(); }

std::vector<cell> percentile_cells(const percentiles& p) {
  return {figure_cell(p.p50), figure_cell(p.p90), figure_cell(p.p99), figure_cell(p.p99_9),
          figure_cell(p.max)};
}

}  // namespace

std::string latency_part(const experiment_view& e, drawing& plots) {
  if (!any_row(e, has_latency)) return {};
  chart_plan plan{
      "Latency of single operations", "latency", {.ratio_for_log = 3, .ticks = 3}, tick_duration, {}};
  plan.fill = [](const row_view& r, chart_line& line, std::vector<double>& values) {
    if (has_latency(*r.figures))
      add_percentiles(*r.figures->latency_ns, color_token(r.appearance), line, values);
  };
  const std::string key =
      percentile_key(e, [](const row& r) { return r.latency_ns ? &*r.latency_ns : nullptr; });
  const std::string caption =
      key + ". Measured in a pass of its own, in which every operation is timed: the clock's cost "
            "is inside, so compare the rows with each other and not with ns/op.";
  return part("Latency percentiles", row_figures(e, plots, plan, caption),
              table_of(e, "latency of one operation in ns",
                       {{"p50 ns"}, {"p90 ns"}, {"p99 ns"}, {"p99.9 ns"}, {"max ns"}}, has_latency,
                       [](const row& r) { return percentile_cells(*r.latency_ns); }));
}

}  // namespace tophash::lab::report
