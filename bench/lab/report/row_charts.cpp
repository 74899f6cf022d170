// SPDX-License-Identifier: Apache-2.0
#include "lab/report/row_charts.hpp"

#include <algorithm>
#include <limits>

#include "lab/report/text.hpp"

namespace tophash::lab::report {
namespace {

struct variant_line {
  std::string name, hover;
  double time_first_storage = std::numeric_limits<double>::infinity();
  double least_time = std::numeric_limits<double>::infinity();
};

std::size_t place_or_add(std::vector<std::string>& list, const std::string& text) {
  const auto it = std::find(list.begin(), list.end(), text);
  if (it == list.end()) list.push_back(text);
  return static_cast<std::size_t>(std::find(list.begin(), list.end(), text) - list.begin());
}

// Variants by their time in the first storage; those that it lacks stand where their best time puts them.
std::vector<variant_line> ordered_variants(const group& g) {
  std::vector<variant_line> lines;
  for (const row_view& r : g.rows) {
    auto it =
        std::find_if(lines.begin(), lines.end(), [&](const variant_line& l) { return l.name == r.name; });
    if (it == lines.end()) it = lines.insert(lines.end(), {r.name, spec_or_variant(*r.figures)});
    if (!r.figures->ns_per_op) continue;
    const double time = r.figures->ns_per_op->median;
    it->least_time = std::min(it->least_time, time);
    if (r.storage == g.rows.front().storage) it->time_first_storage = time;
  }
  const auto rank = [](const variant_line& l) {
    return std::min(l.time_first_storage, 1e300) < 1e300 ? l.time_first_storage : l.least_time;
  };
  std::stable_sort(lines.begin(), lines.end(),
                   [&](const variant_line& a, const variant_line& b) { return rank(a) < rank(b); });
  return lines;
}

bool has_marks(const chart_line& line) {
  return !line.bars.empty() || !line.segments.empty() || !line.marks.empty();
}

}  // namespace

row_chart make_row_chart(const group& g, const chart_plan& plan) {
  row_chart chart{plan.title, "", plan.axis, {}, {}, {}};
  std::vector<std::string> storages;
  std::vector<double> values;
  for (const variant_line& line : ordered_variants(g)) {
    const std::size_t label = chart.labels.size();
    bool used = false;
    for (const row_view& r : g.rows) {
      if (r.name != line.name) continue;
      chart_line marks{label, {}, {}, {}};
      plan.fill(r, marks, values);
      if (!has_marks(marks)) continue;
      used = true;
      const std::size_t panel = place_or_add(storages, r.storage);
      if (panel == chart.panels.size()) chart.panels.push_back({r.storage, {}});
      chart.panels[panel].lines.push_back(std::move(marks));
    }
    if (used) chart.labels.push_back({line.name, line.hover});
  }
  // Panels in the order in which the rows name their storages, whichever variant came first.
  std::vector<std::string> order;
  for (const row_view& r : g.rows) place_or_add(order, r.storage);
  std::stable_sort(chart.panels.begin(), chart.panels.end(), [&](const row_panel& a, const row_panel& b) {
    return std::find(order.begin(), order.end(), a.title) < std::find(order.begin(), order.end(), b.title);
  });
  scale_wish wish = plan.wish;
  // The plan says how many a panel has room for when four stand side by side.
  wish.ticks =
      std::min(8, wish.ticks * 4 / static_cast<int>(std::clamp<std::size_t>(chart.panels.size(), 1, 4)));
  chart.x = make_scale(values, wish, plan.ticks);
  if (chart.x.logarithmic) chart.axis += " (log)";
  chart.description = plan.title + ": " + std::to_string(chart.labels.size()) + " variants, " +
                      std::to_string(chart.panels.size()) + " storages; the figures are in the table below.";
  return chart;
}

bool is_empty(const row_chart& chart) { return chart.panels.empty(); }

std::vector<const group*> charted_groups(const experiment_view& e) {
  std::vector<const group*> chosen;
  for (const group& g : e.groups) {
    const auto same_key =
        std::find_if(chosen.begin(), chosen.end(), [&](const group* c) { return c->key == g.key; });
    if (same_key == chosen.end()) {
      chosen.push_back(&g);
    } else if (g.n.value_or(0) > (*same_key)->n.value_or(0)) {
      *same_key = &g;
    }
  }
  return chosen;
}

}  // namespace tophash::lab::report
