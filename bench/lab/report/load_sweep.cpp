// SPDX-License-Identifier: Apache-2.0
// The load sweep beside Go's published table. The comparison is made for buckets of eight slots alone; other
// bucket sizes have their figures shown without it.
#include <algorithm>
#include <array>
#include <cmath>

#include "lab/report/go_published.hpp"
#include "lab/report/marker.hpp"
#include "lab/report/parts.hpp"
#include "lab/report/text.hpp"

namespace tophash::lab::report {
namespace {

struct sweep_figure {
  const char* title;
  std::optional<double> load_point::*measured;
  double go_load_row::*published;
  double tolerance;  // 0: depends on the layout, no verdict
};
constexpr std::array<sweep_figure, 4> sweep_figures = {
    {{"buckets with overflow, %", &load_point::overflow_percent, &go_load_row::overflow_percent, 0.3},
     {"entries looked at, hit", &load_point::hit_probes, &go_load_row::hit_probes, 0.05},
     {"entries looked at, miss", &load_point::miss_probes, &go_load_row::miss_probes, 0.05},
     {"overhead, bytes per entry", &load_point::overhead_bytes_per_entry,
      &go_load_row::overhead_bytes_per_entry, 0}}};

bool has_eight_slots(const row& r) {
  const std::size_t at = r.spec.find("slots=");
  if (at == std::string::npos) return r.spec.find("bucket_chain") != std::string::npos || r.spec.empty();
  const std::size_t end = r.spec.find_first_not_of("0123456789", at + 6);
  return r.spec.substr(at + 6, end == std::string::npos ? end : end - at - 6) == "8";
}

curve_panel sweep_panel(const experiment_view& e, const sweep_figure& what) {
  curve_panel panel{what.title, "load (entries per bucket)", {}, {}, {}};
  std::vector<double> loads, values;
  bool comparable = false;
  for (const row_view& r : e.rows) {
    curve c{{}, filled_circle, color_token(r.appearance), true};
    for (const load_point& point : r.figures->load_sweep) {
      if (!(point.*what.measured)) continue;
      c.points.emplace_back(point.load, *(point.*what.measured));
      loads.push_back(point.load);
      values.push_back(c.points.back().second);
    }
    if (c.points.empty()) continue;
    comparable = comparable || has_eight_slots(*r.figures);
    std::sort(c.points.begin(), c.points.end());
    panel.curves.push_back(std::move(c));
  }
  if (panel.curves.empty()) return panel;
  const auto [least, greatest] = std::minmax_element(loads.begin(), loads.end());
  curve go{{}, hollow_square, published_token, false};
  for (const go_load_row& published : go_published) {
    if (!comparable || published.load < *least - 0.01 || published.load > *greatest + 0.01) continue;
    go.points.emplace_back(published.load, published.*what.published);
    values.push_back(published.*what.published);
  }
  if (!go.points.empty()) panel.curves.push_back(std::move(go));
  panel.x = make_scale(loads, {.ratio_for_log = 1e9, .ticks = 5}, tick_figure);
  panel.y = make_scale(values, {.from_zero = true, .ticks = 4}, tick_figure);
  return panel;
}

std::string sweep_chart(const experiment_view& e, drawing& plots) {
  curve_chart chart{
      "Load sweep", "Measured figures over the load beside Go's published ones; see the table below.", {}};
  for (const sweep_figure& what : sweep_figures) {
    curve_panel panel = sweep_panel(e, what);
    if (!panel.curves.empty()) chart.panels.push_back(std::move(panel));
  }
  if (chart.panels.empty()) return {};
  std::string caption = "<b>Load sweep.</b> Measured here";
  bool first = true;
  for (const row_view& r : e.rows) {
    if (r.figures->load_sweep.empty()) continue;
    caption += (first ? ": " : ", ") + swatch(0, r.appearance) + escape(full_name(r));
    first = false;
  }
  caption +=
      "; <span style=\"color:var(--published)\">\xE2\x96\xA1</span> " + escape(go_published_label) + ".";
  const std::string figure = plots.figure(chart, caption);
  return figure.empty() ? figure : "<div class=\"plots\">" + figure + "</div>\n";
}

std::string with_sign(double value, int decimals) {
  const std::string text = fixed(value, decimals);
  return value > 0 && text.find_first_not_of("0.") != std::string::npos ? "+" + text : text;
}

// Measured, published, difference: coloured by the tolerance within which a faithful table must agree.
void add_comparison(const sweep_figure& what, const load_point& point, const go_load_row* published,
                    std::vector<cell>& cells) {
  const std::optional<double> measured = point.*what.measured;
  cells.push_back(fixed_cell(measured, 2));
  if (published == nullptr) {
    cells.insert(cells.end(), 2, cell{});
    return;
  }
  cells.push_back(fixed_cell(published->*what.published, 2));
  if (!measured) {
    cells.push_back({});
    return;
  }
  const double difference = *measured - published->*what.published;
  cell delta{with_sign(difference, 2), exact(difference), ""};
  // Half of the last printed digit on top: the published figures are rounded to two decimals.
  if (what.tolerance > 0) delta.style_class = std::abs(difference) <= what.tolerance + 0.005 ? "good" : "bad";
  cells.push_back(std::move(delta));
}

// Of random look-ups, in entries and in time; Go's comment has nothing to compare them with.
constexpr std::array<std::pair<const char*, std::optional<double> load_point::*>, 4> sampled_figures = {
    {{"random hits, entries looked at", &load_point::sampled_hit_probes},
     {"random misses, entries looked at", &load_point::sampled_miss_probes},
     {"hit ns", &load_point::hit_ns},
     {"miss ns", &load_point::miss_ns}}};

table sweep_table(const experiment_view& e) {
  table t{std::string("load sweep: measured, ") + go_published_label + ", difference", row_columns(), {}};
  t.columns.push_back({"load"});
  for (const sweep_figure& what : sweep_figures) {
    t.columns.push_back({std::string(what.title)});
    t.columns.push_back({go_published_label});
    t.columns.push_back({"difference"});
  }
  t.columns.push_back({"ideal hash: overflow, %"});
  for (const auto& [title, value] : sampled_figures) t.columns.push_back({title});
  for (const row_view& r : e.rows) {
    for (const load_point& point : r.figures->load_sweep) {
      std::vector<cell> cells = row_cells(r);
      cells.push_back(fixed_cell(point.load, 2));
      const bool comparable = has_eight_slots(*r.figures);
      const go_load_row* published = comparable ? go_published_at(point.load) : nullptr;
      for (const sweep_figure& what : sweep_figures) add_comparison(what, point, published, cells);
      cells.push_back(comparable ? fixed_cell(ideal_overflow_percent(point.load), 2) : cell{});
      for (const auto& [title, value] : sampled_figures) cells.push_back(fixed_cell(point.*value, 2));
      t.rows.push_back(std::move(cells));
    }
  }
  return t;
}

// How many of the judged figures agree, counted from the same cells that the table shows.
std::string verdict(const table& t) {
  std::size_t good = 0, judged = 0;
  for (const std::vector<cell>& row : t.rows) {
    for (const cell& c : row) {
      good += c.style_class == "good";
      judged += c.style_class == "good" || c.style_class == "bad";
    }
  }
  if (judged == 0) return {};
  return "<p>" + std::to_string(good) + " of " + std::to_string(judged) +
         " figures agree with Go's published table within 0.3 points or 0.05 probes.</p>\n"
         "<p class=\"muted\">Ideal hash: what entries spread independently give (Poisson), for buckets of "
         "eight.</p>\n";
}

}  // namespace

std::string load_sweep_part(const experiment_view& e, drawing& plots) {
  const table t = sweep_table(e);
  if (t.rows.empty()) return {};
  return "<h3>Load sweep beside Go's table</h3>\n" + verdict(t) + sweep_chart(e, plots) + table_html(t);
}

}  // namespace tophash::lab::report
