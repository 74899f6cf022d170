// SPDX-License-Identifier: Apache-2.0
// What the parts of an experiment have in common: a chart for each group that gets one, a table of the rows
// that have the figures, and the frame around both.
#ifndef TOPHASH_BENCH_LAB_REPORT_PARTS_HPP
#define TOPHASH_BENCH_LAB_REPORT_PARTS_HPP

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lab/report/row_charts.hpp"
#include "lab/report/sections.hpp"

namespace tophash::lab::report {

// gnuplot's point types.
inline constexpr int cross = 2, hollow_square = 4, filled_square = 5, hollow_circle = 6, filled_circle = 7,
                     filled_triangle = 9, filled_diamond = 13;

inline int dot_shape(const row_view& r) { return r.appearance.hollow ? hollow_circle : filled_circle; }

inline std::optional<double> scaled(const std::optional<double>& value, double divisor) {
  return value ? std::optional(*value / divisor) : std::nullopt;
}

bool any_row(const experiment_view& e, bool (*has)(const row&));

// The charts of the groups that get one; none for a single line, which says no more than its table.
std::string row_figures(const experiment_view& e, drawing& plots, const chart_plan& plan,
                        const std::string& caption);

// Heading, figures, and the table behind them: open where there is no figure.
std::string part(const std::string& title, const std::string& figures, const table& t);

// A coloured square and its meaning, for captions; `color` is CSS, `text` not escaped.
std::string key_entry(const std::string& color, const std::string& text);

template <class Fill>
table table_of(const experiment_view& e, std::string caption, const std::vector<column>& columns,
               bool (*has)(const row&), Fill fill) {
  table t{std::move(caption), row_columns(), {}};
  t.columns.insert(t.columns.end(), columns.begin(), columns.end());
  for (const row_view& r : e.rows) {
    if (!has(*r.figures)) continue;
    std::vector<cell> cells = row_cells(r);
    for (cell& c : fill(*r.figures)) cells.push_back(std::move(c));
    t.rows.push_back(std::move(cells));
  }
  return t;
}

}  // namespace tophash::lab::report

#endif
