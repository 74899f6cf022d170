// SPDX-License-Identifier: Apache-2.0
#include "lab/report/watch_page.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <vector>

#include <nlohmann/json.hpp>

#include "lab/report/manifest.hpp"
#include "lab/report/marker.hpp"
#include "lab/report/page.hpp"
#include "lab/report/parts.hpp"
#include "lab/report/text.hpp"

namespace tophash::lab {
namespace report {
namespace {

using nlohmann::json;

constexpr std::size_t most_points = 400;  // of a curve; more only hide each other

struct watched_curve {
  const char* name;  // of the figure in a sample
  const char* meaning;
  look appearance;
};

struct watched_panel {
  const char* title;
  std::vector<watched_curve> curves;
  double unit = 1;
};

const std::vector<watched_panel>& panels() {
  static const std::vector<watched_panel> all = {
      {"entries", {{"live", "live", {1, 1, false}}, {"allocated", "room allocated", {2, 1, false}}}},
      {"MiB allocated",
       {{"bytes", "all", {1, 1, false}}, {"slots_bytes", "arrays", {2, 1, false}}},
       bytes_per_mib},
      {"buckets under evacuation",
       {{"evacuated", "done", {1, 1, false}}, {"old_buckets", "of the old array", {2, 1, false}}}},
      {"overflow buckets",
       {{"overflow_in_use", "in use", {1, 1, false}}, {"overflow_kept", "kept", {2, 1, false}}}},
      {"slots that erases left", {{"dirty", "dirty", {1, 1, false}}, {"dead", "dead", {2, 1, false}}}},
      {"CPU ns an operation", {{"ns_per_op", "since the sample before", {1, 1, false}}}}};
  return all;
}

std::optional<double> number(const json& sample, const char* name) {
  const auto found = sample.find(name);
  if (found == sample.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

curve_panel panel_of(const json& samples, const watched_panel& what) {
  curve_panel panel{what.title, "operations", {}, {}, {}};
  std::vector<double> operations, values;
  const std::size_t step = (samples.size() + most_points - 1) / most_points;
  for (const watched_curve& c : what.curves) {
    curve one{{}, filled_circle, color_token(c.appearance), true};
    for (std::size_t i = 0; i < samples.size(); i += step) {
      const std::optional<double> x = number(samples[i], "operations"), y = number(samples[i], c.name);
      if (!x || !y) continue;
      one.points.emplace_back(*x, *y / what.unit);
      operations.push_back(*x);
      values.push_back(*y / what.unit);
    }
    if (!one.points.empty()) panel.curves.push_back(std::move(one));
  }
  const bool nothing = std::all_of(values.begin(), values.end(), [](double v) { return v == 0; });
  if (nothing) panel.curves.clear();
  panel.x = make_scale(operations, {.from_zero = true, .ratio_for_log = 1e99, .ticks = 4}, tick_figure);
  panel.y = make_scale(values, {.from_zero = true, .ratio_for_log = 1e99, .ticks = 4}, tick_figure);
  return panel;
}

std::string figures_html(const json& samples, drawing& plots) {
  curve_chart chart{
      "Timeline", "Figures of the map and its storage over the operations; see the table below.", {}};
  std::string caption = "<b>Over the operations.</b>";
  for (const watched_panel& what : panels()) {
    curve_panel panel = panel_of(samples, what);
    if (panel.curves.empty()) continue;
    caption += std::string{" "} + escape(what.title) + ":";
    for (const watched_curve& c : what.curves) caption += " " + swatch(0, c.appearance) + escape(c.meaning);
    caption += ".";
    chart.panels.push_back(std::move(panel));
  }
  if (chart.panels.empty()) return {};
  const std::string figure = plots.figure(chart, caption);
  return figure.empty() ? figure : "<div class=\"plots\">" + figure + "</div>\n";
}

table samples_table(const json& timeline) {
  const json& samples = timeline.at("samples");
  table t{"samples", {}, {}};
  std::vector<std::string> names = {"operations"};
  for (const auto& [name, description] : timeline.at("figures").items()) {
    if (name != "operations") names.push_back(name);
  }
  for (const std::string& name : names) t.columns.push_back({name});
  t.columns.push_back({"array", false});
  t.columns.push_back({"old array", false});
  for (const json& sample : samples) {
    std::vector<cell> cells;
    for (const std::string& name : names) {
      const std::optional<double> value = number(sample, name.c_str());
      cells.push_back(name == "ns_per_op" ? fixed_cell(value, 1) : count_cell(value));
    }
    for (const char* name : {"array", "old_array"}) {
      const auto found = sample.find(name);
      cells.push_back(found != sample.end() && found->is_string() ? text_cell(found->get<std::string>())
                                                                  : cell{});
    }
    t.rows.push_back(std::move(cells));
  }
  return t;
}

std::string text_at(const json& j, const char* name) {
  const auto found = j.find(name);
  return found != j.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

std::string alerts_html(const json& timeline) {
  std::string out;
  for (const json& a : timeline.at("alerts")) {
    out += "<p class=\"notice\"><b>Alert:</b> <code>" + escape(text_at(a, "alert")) + "</code> holds after " +
           escape(scalar_text(a.at("figures").at("operations"))) + " operations.</p>\n";
  }
  return out;
}

}  // namespace
}  // namespace report

std::string watch_page(const nlohmann::json& timeline, const report_options& options) {
  using namespace report;
  if (text_at(timeline, "schema") != "tophash-watch-1")
    throw std::runtime_error("watch page: the schema is not tophash-watch-1");
  gnuplot program(options.gnuplot);
  drawing plots(program);
  const std::string figures = figures_html(timeline.at("samples"), plots);
  const std::string machine = machine_line(timeline.at("manifest"));
  std::string page = page_head() + "<header><h1>tophash watch: " + escape(text_at(timeline, "variant")) +
                     " on " + escape(text_at(timeline, "allocator")) + "</h1>\n<p class=\"muted\">" +
                     escape(text_at(timeline.at("manifest"), "input")) + "</p>\n";
  if (!machine.empty()) page += "<p class=\"muted\">" + escape(machine) + "</p>\n";
  page += "</header>\n<section>" + alerts_html(timeline);
  if (!program.complaint().empty()) page += "<p class=\"notice\">" + escape(program.complaint()) + "</p>\n";
  return page + figures + folded_table(samples_table(timeline), figures.empty()) + "</section>\n" +
         page_foot();
}

void write_watch_page(const nlohmann::json& timeline, const std::filesystem::path& output,
                      const report_options& options) {
  report::write_page(watch_page(timeline, options), output);
}

}  // namespace tophash::lab
