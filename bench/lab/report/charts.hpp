// SPDX-License-Identifier: Apache-2.0
// Two kinds of plot as gnuplot scripts: rows (one line a variant, one panel a storage, with bars, segments
// and marks on it) and curves (one panel a figure, one line a variant). A script is a generated head, which
// holds numbers and tokens only, and a fixed body.
#ifndef TOPHASH_BENCH_LAB_REPORT_CHARTS_HPP
#define TOPHASH_BENCH_LAB_REPORT_CHARTS_HPP

#include <string>
#include <vector>

#include "lab/report/gnuplot.hpp"
#include "lab/report/scale.hpp"

namespace tophash::lab::report {

struct chart_label {
  std::string text, hover;  // not escaped
};

struct chart_bar {
  double from, to;
  int color;
};
struct chart_segment {
  double from, to;
  int color;
  bool upright = false;  // a short line across the row at `from`
};
struct chart_mark {
  double at;
  int shape;  // gnuplot's point type
  double size;
  int color;
};

struct chart_line {
  std::size_t label = 0;  // which row of the chart
  std::vector<chart_bar> bars;
  std::vector<chart_segment> segments;
  std::vector<chart_mark> marks;
};

struct row_panel {
  std::string title;
  std::vector<chart_line> lines;
};

struct row_chart {
  std::string title, description, axis;
  scale x;
  std::vector<chart_label> labels;
  std::vector<row_panel> panels;
};

struct curve {
  std::vector<std::pair<double, double>> points;
  int shape, color;
  bool line = true;
};

struct curve_panel {
  std::string title, axis;
  scale x, y;
  std::vector<curve> curves;
};

struct curve_chart {
  std::string title, description;
  std::vector<curve_panel> panels;
};

struct drawn_chart {
  std::string script;
  plot_texts texts;
  int width = 0;  // in CSS pixels
};

drawn_chart script_of(const row_chart& chart, const std::string& id);
drawn_chart script_of(const curve_chart& chart, const std::string& id);

}  // namespace tophash::lab::report

#endif
