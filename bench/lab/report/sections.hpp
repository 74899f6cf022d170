// SPDX-License-Identifier: Apache-2.0
// The parts of an experiment: time, latency, memory, overflow buckets, collector, load sweep, counters, all
// rows. Each part is a plot (when gnuplot draws one) and the table behind it, and is empty when no row has
// its figures.
#ifndef TOPHASH_BENCH_LAB_REPORT_SECTIONS_HPP
#define TOPHASH_BENCH_LAB_REPORT_SECTIONS_HPP

#include <string>

#include "lab/report/charts.hpp"
#include "lab/report/gnuplot.hpp"
#include "lab/report/table.hpp"
#include "lab/report/view.hpp"

namespace tophash::lab::report {

// Draws the page's plots and numbers them.
class drawing {
 public:
  explicit drawing(gnuplot& program) : program_(program) {}
  // A <div> with the figure; `caption` is HTML. Empty when it could not be drawn.
  template <class Chart>
  std::string figure(const Chart& chart, const std::string& caption) {
    return framed(script_of(chart, "g" + std::to_string(++count_)), caption);
  }

 private:
  std::string framed(const drawn_chart& drawn, const std::string& caption);
  gnuplot& program_;
  int count_ = 0;
};

std::string time_part(const experiment_view& e, drawing& plots);
std::string latency_part(const experiment_view& e, drawing& plots);
std::string memory_part(const experiment_view& e, drawing& plots);
std::string overflow_part(const experiment_view& e, drawing& plots);
std::string collector_part(const experiment_view& e, drawing& plots);
std::string load_sweep_part(const experiment_view& e, drawing& plots);
std::string counters_part(const experiment_view& e);
std::string rows_part(const experiment_view& e);

// Cells that begin every table: the variant with its mark, the storage, key and n.
std::vector<column> row_columns();
std::vector<cell> row_cells(const row_view& r);

}  // namespace tophash::lab::report

#endif
