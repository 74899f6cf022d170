// SPDX-License-Identifier: Apache-2.0
#include "lab/report/parts.hpp"

#include <algorithm>

#include "lab/report/marker.hpp"
#include "lab/report/text.hpp"

namespace tophash::lab::report {
namespace {

std::size_t line_count(const row_chart& chart) {
  std::size_t lines = 0;
  for (const row_panel& panel : chart.panels) lines += panel.lines.size();
  return lines;
}

}  // namespace

bool any_row(const experiment_view& e, bool (*has)(const row&)) {
  return std::any_of(e.rows.begin(), e.rows.end(), [&](const row_view& r) { return has(*r.figures); });
}

std::string row_figures(const experiment_view& e, drawing& plots, const chart_plan& plan,
                        const std::string& caption) {
  std::string out;
  for (const group* g : charted_groups(e)) {
    const row_chart chart = make_row_chart(*g, plan);
    if (line_count(chart) < 2) continue;
    const std::string title = plan.title + (e.groups.size() > 1 ? ", " + group_title(*g) : "");
    out += plots.figure(chart, "<b>" + escape(title) + ".</b> " + caption);
  }
  return out.empty() ? out : "<div class=\"plots\">" + out + "</div>\n";
}

std::string part(const std::string& title, const std::string& figures, const table& t) {
  return "<h3>" + escape(title) + "</h3>\n" + figures + folded_table(t, figures.empty()) + "\n";
}

std::string key_entry(const std::string& color, const std::string& text) {
  return "<span class=\"purpose\" style=\"background:" + color + "\"></span>" + escape(text);
}

std::string drawing::framed(const drawn_chart& drawn, const std::string& caption) {
  const std::string svg = program_.draw(drawn.script, drawn.texts);
  if (svg.empty()) return {};
  const std::string width = std::to_string(drawn.width) + "px";
  return "<div style=\"width:" + width + ";--width:" + width + "\"><figure class=\"plot\"><figcaption>" +
         caption + "</figcaption><div class=\"scroll\">" + svg + "</div></figure></div>\n";
}

std::vector<column> row_columns() {
  return {{"variant", false}, {"storage", false}, {"key", false}, {"n", true}};
}

std::vector<cell> row_cells(const row_view& r) {
  const row& f = *r.figures;
  cell name{swatch(r.marker, r.appearance) + "<span title=\"" + escape(spec_or_variant(f)) + "\">" +
                escape(r.name) + "</span>",
            r.name, "name"};
  return {std::move(name), text_cell(r.storage), text_cell(f.key), count_cell(f.n)};
}

}  // namespace tophash::lab::report
