// SPDX-License-Identifier: Apache-2.0
// What a collector did during the run: pauses, heap, allocation rate.
#include "lab/report/percentile_marks.hpp"
#include "lab/report/text.hpp"

namespace tophash::lab::report {

namespace {

bool has_gc(const row& r) { return r.gc.has_value(); }

chart_plan pause_plan(const char* title, const char* axis, percentiles gc_figures::*pauses) {
  chart_plan plan{title, axis, {.ratio_for_log = 3, .ticks = 3}, tick_duration, {}};
  plan.fill = [pauses](const row_view& r, chart_line& line, std::vector<double>& values) {
    if (r.figures->gc) add_percentiles((*r.figures->gc).*pauses, color_token(r.appearance), line, values);
  };
  return plan;
}

chart_plan gc_bar_plan(const char* title, const char* axis, std::optional<double> gc_figures::*value,
                       double unit) {
  chart_plan plan{title, axis, {.from_zero = true}, tick_figure, {}};
  plan.fill = [value, unit](const row_view& r, chart_line& line, std::vector<double>& values) {
    if (!r.figures->gc || !((*r.figures->gc).*value)) return;
    values.push_back(*((*r.figures->gc).*value) / unit);
    line.bars.push_back({0, values.back(), color_token(r.appearance)});
  };
  return plan;
}

std::vector<cell> gc_cells(const row& r) {
  const gc_figures& gc = *r.gc;
  std::vector<cell> cells = {count_cell(gc.collections)};
  for (const percentiles* p : {&gc.stop_the_world_ns, &gc.stall_ns}) {
    for (const percentile_mark& mark : percentile_marks)
      cells.push_back(figure_cell(scaled(p->*mark.value, 1e6)));
  }
  cells.push_back(fixed_cell(scaled(gc.heap_bytes, bytes_per_mib), 1));
  cells.push_back(fixed_cell(scaled(gc.heap_peak_bytes, bytes_per_mib), 1));
  cells.push_back(fixed_cell(scaled(gc.allocated_bytes, bytes_per_mib), 1));
  cells.push_back(figure_cell(scaled(gc.allocation_rate_bytes_per_s, bytes_per_mib)));
  cells.push_back(figure_cell(scaled(gc.collector_cpu_ns, 1e6)));
  return cells;
}

std::vector<column> gc_columns() {
  std::vector<column> columns = {{"collections"}};
  for (const char* what : {"stop-the-world ", "stall "}) {
    for (const percentile_mark& mark : percentile_marks)
      columns.push_back({what + std::string(mark.name) + " ms"});
  }
  for (const char* name :
       {"heap MiB", "heap peak MiB", "allocated MiB", "allocation rate MiB/s", "collector CPU ms"})
    columns.push_back({name});
  return columns;
}

}  // namespace

std::string collector_part(const experiment_view& e, drawing& plots) {
  if (!any_row(e, has_gc)) return {};
  std::string figures;
  const auto key = [&](percentiles gc_figures::*pauses) {
    return percentile_key(e, [pauses](const row& r) { return r.gc ? &((*r.gc).*pauses) : nullptr; });
  };
  figures += row_figures(e, plots, pause_plan("Stop-the-world", "pause", &gc_figures::stop_the_world_ns),
                         "Of one collection: " + key(&gc_figures::stop_the_world_ns) + ".");
  figures += row_figures(e, plots, pause_plan("Stall", "stall", &gc_figures::stall_ns),
                         "From the start to the end of a collection: " + key(&gc_figures::stall_ns) + ".");
  figures +=
      row_figures(e, plots, gc_bar_plan("Collector's heap", "MiB", &gc_figures::heap_bytes, bytes_per_mib),
                  "At the end of the run, in the variants' colours.");
  figures += row_figures(e, plots,
                         gc_bar_plan("Allocation rate", "MiB per second",
                                     &gc_figures::allocation_rate_bytes_per_s, bytes_per_mib),
                         "Bytes allocated from the collector per second of the run.");
  return part("Garbage collector", figures,
              table_of(e, "collections, their stop-the-world and stall times in ms, heap and allocation rate",
                       gc_columns(), has_gc, gc_cells));
}

}  // namespace tophash::lab::report
