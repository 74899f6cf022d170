// SPDX-License-Identifier: Apache-2.0
// From a group of rows to a row chart: one line a variant in the order of time, one panel a storage. Every
// chart of an experiment has the same order, so that an eye finds a variant again.
#ifndef TOPHASH_BENCH_LAB_REPORT_ROW_CHARTS_HPP
#define TOPHASH_BENCH_LAB_REPORT_ROW_CHARTS_HPP

#include <functional>
#include <string>
#include <vector>

#include "lab/report/charts.hpp"
#include "lab/report/view.hpp"

namespace tophash::lab::report {

struct chart_plan {
  std::string title, axis;
  scale_wish wish;  // ticks: of one panel when four stand side by side
  tick_text ticks = nullptr;
  // Adds the row's marks to the line and their values to the list that makes the axis; adds none when the row
  // has no such figure.
  std::function<void(const row_view&, chart_line&, std::vector<double>&)> fill;
};

row_chart make_row_chart(const group& g, const chart_plan& plan);
bool is_empty(const row_chart& chart);

// The groups that get row charts: of each key type the one with the largest n; curves show the others.
std::vector<const group*> charted_groups(const experiment_view& e);

}  // namespace tophash::lab::report

#endif
