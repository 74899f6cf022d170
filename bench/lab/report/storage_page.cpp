// SPDX-License-Identifier: Apache-2.0
#include "lab/report/storage_page.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "lab/report/manifest.hpp"
#include "lab/report/marker.hpp"
#include "lab/report/parts.hpp"
#include "lab/report/result.hpp"
#include "lab/report/text.hpp"

namespace tophash::lab::report {

namespace {

using nlohmann::json;

constexpr const char* fragmentation_schema = "tophash-fragmentation-1";
constexpr const char* allocations_schema = "tophash-allocations-1";
constexpr const char* memory_schema = "tophash-equal-memory-1";

constexpr look live_look{0, 1, false}, resident_look{1, 1, false}, returned_look{3, 1, false},
    moved_look{2, 1, false};

std::string string_at(const json& j, const char* name) {
  const auto found = j.find(name);
  return found != j.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

std::vector<std::string> sentences(const json& j, const char* name) {
  std::vector<std::string> out;
  if (const auto list = j.find(name); list != j.end()) {
    for (const json& one : *list) out.push_back(one.get<std::string>());
  }
  return out;
}

double mib_at(const json& j, const char* name) { return j.at(name).get<double>() / bytes_per_mib; }

bool was_measured(const json& row) { return string_at(row, "trouble").empty(); }

// Maps as they come; a result without maps has one unnamed group.
std::vector<std::string> variants_in(const json& result) {
  std::vector<std::string> out;
  for (const json& row : result.at("rows")) {
    const std::string name = string_at(row, "variant");
    if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
  }
  return out;
}

std::vector<const json*> rows_of(const json& result, const std::string& variant) {
  std::vector<const json*> out;
  for (const json& row : result.at("rows")) {
    if (string_at(row, "variant") == variant && was_measured(row)) out.push_back(&row);
  }
  return out;
}

std::string of_variant(const std::string& variant) { return variant.empty() ? "" : ", " + variant; }

std::string legend(std::initializer_list<std::pair<look, const char*>> entries) {
  std::string out;
  for (const auto& [appearance, meaning] : entries)
    out += " <span class=\"entry\">" + swatch(0, appearance) + escape(meaning) + "</span>";
  return out;
}

std::string framed(const std::string& figures) {
  return figures.empty() ? figures : "<div class=\"plots\">" + figures + "</div>\n";
}

// ---- resident against live over time: a panel a storage -----------------------------------------

// Samples are lists [step, live bytes, resident bytes]; without steps of their own they are counted.
std::string timelines(const std::vector<const json*>& rows, const std::string& title, const char* axis,
                      bool counted, drawing& plots) {
  constexpr scale_wish from_zero{.from_zero = true, .ratio_for_log = 1e99, .ticks = 4};
  std::vector<double> steps, all_mib;
  curve_chart chart{title, "Resident memory against live bytes, a panel for each storage.", {}};
  for (const json* row : rows) {
    const json& timeline = row->at("measured").at("timeline");
    if (timeline.empty()) continue;
    curve live{{}, filled_circle, color_token(live_look), true},
        resident{{}, filled_circle, color_token(resident_look), true};
    for (std::size_t i = 0; i < timeline.size(); ++i) {
      const double x = counted ? timeline[i].at(0).get<double>() : static_cast<double>(i + 1);
      live.points.emplace_back(x, timeline[i].at(1).get<double>() / bytes_per_mib);
      resident.points.emplace_back(x, timeline[i].at(2).get<double>() / bytes_per_mib);
      steps.push_back(x);
      all_mib.push_back(std::max(live.points.back().second, resident.points.back().second));
    }
    chart.panels.push_back({shortened(string_at(*row, "storage"), 34), axis, {}, {}, {live, resident}});
  }
  if (chart.panels.empty()) return {};
  // One range for all: panels are compared by eye.
  for (curve_panel& panel : chart.panels) {
    panel.x = make_scale(steps, from_zero, tick_figure);
    panel.y = make_scale(all_mib, from_zero, tick_figure);
  }
  return plots.figure(chart, "<b>" + escape(title) + ".</b> MiB:" +
                                 legend({{resident_look, "resident"}, {live_look, "live"}}) + ".");
}

// ---- a line a storage ---------------------------------------------------------------------------

row_chart storage_chart(const std::string& title, const char* axis, const std::vector<const json*>& rows) {
  row_chart chart{title, "One line for each storage; the figures are in the table below.", axis, {}, {},
                  {{}}};
  for (const json* row : rows) chart.labels.push_back({string_at(*row, "storage"), ""});
  return chart;
}

// ---- fragmentation ------------------------------------------------------------------------------

const json& measured_phase(const json& row, const char* phase) {
  return row.at("measured").at("phases").at(phase);
}
const json& exact_phase(const json& row, const char* phase) { return row.at("exact").at("phases").at(phase); }

std::string what_is_held(const std::vector<const json*>& rows, const std::string& title, drawing& plots) {
  row_chart chart = storage_chart(title, "MiB", rows);
  std::vector<double> values;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    chart_line line{.label = i, .bars = {}, .segments = {}, .marks = {}};
    const double live = mib_at(exact_phase(*rows[i], "dropped"), "live_bytes");
    line.bars.push_back({0, live, color_token(live_look)});
    const struct {
      const char* phase;
      int shape;
      look appearance;
    } marks[] = {{"dropped", filled_circle, resident_look},
                 {"returned", filled_square, returned_look},
                 {"returned_again", filled_diamond, moved_look}};
    for (const auto& m : marks) {
      values.push_back(mib_at(measured_phase(*rows[i], m.phase), "resident_bytes"));
      line.marks.push_back({values.back(), m.shape, 1.0, color_token(m.appearance)});
    }
    values.push_back(live);
    chart.panels.front().lines.push_back(std::move(line));
  }
  chart.x = make_scale(values, {.from_zero = true, .ratio_for_log = 1e99, .ticks = 5}, tick_figure);
  return plots.figure(chart, "<b>" + escape(title) + ".</b>" +
                                 legend({{live_look, "live (bar)"},
                                         {resident_look, "resident after the drop (circle)"},
                                         {returned_look, "after a request to give back (square)"},
                                         {moved_look, "after the survivors moved (diamond)"}}) +
                                 ".");
}

// Spans by the share of their slots in use, before and after: one panel a phase, one line a tenth.
std::string occupancy(const json& row, const std::string& title, drawing& plots) {
  row_chart chart{title, "Spans by the share of their slots that are in use.", "spans", {}, {}, {}};
  for (int tenth = 0; tenth < 10; ++tenth)
    chart.labels.push_back(
        {std::to_string(10 * tenth) + " to " + std::to_string(10 * tenth + 10) + " %", ""});
  std::vector<double> values;
  const struct {
    const char *phase, *title;
    look appearance;
  } phases[] = {{"built", "built", live_look},
                {"dropped", "nine of ten dropped", resident_look},
                {"relocated", "survivors moved", moved_look}};
  for (const auto& p : phases) {
    row_panel panel{p.title, {}};
    const json& deciles = exact_phase(row, p.phase).at("spans").at("spans_by_occupancy_decile");
    for (std::size_t i = 0; i < deciles.size(); ++i) {
      values.push_back(deciles[i].get<double>());
      panel.lines.push_back(
          {.label = i, .bars = {{0, values.back(), color_token(p.appearance)}}, .segments = {}, .marks = {}});
    }
    chart.panels.push_back(std::move(panel));
  }
  chart.x = make_scale(values, {.from_zero = true, .ratio_for_log = 1e99, .ticks = 4}, tick_figure);
  return plots.figure(chart, "<b>" + escape(title) + ".</b> Spans by the share of their slots in use.");
}

table fragmentation_table(const json& result) {
  table t{"resident memory by phase, and why",
          {{"map", false},
           {"storage", false},
           {"built, live MiB"},
           {"resident"},
           {"dropped, live MiB"},
           {"resident "},
           {"given back on request"},
           {"moved MiB"},
           {"resident after"},
           {"given back again"},
           {"trapped %"},
           {"blocks"},
           {"page faults"},
           {"why", false}},
          {}};
  for (const json& row : result.at("rows")) {
    std::vector<cell> cells{text_cell(string_at(row, "variant")), text_cell(string_at(row, "storage"))};
    if (!was_measured(row)) {
      cells.resize(t.columns.size());
      cells.back() = text_cell(string_at(row, "trouble"));
      t.rows.push_back(std::move(cells));
      continue;
    }
    const json &built = exact_phase(row, "built"), &dropped = exact_phase(row, "dropped");
    const auto resident = [&row](const char* phase) {
      return fixed_cell(mib_at(measured_phase(row, phase), "resident_bytes"), 1);
    };
    std::optional<double> trapped;
    if (dropped.contains("spans")) trapped = 100 * dropped.at("spans").at("trapped_share").get<double>();
    for (cell& c :
         std::vector<cell>{fixed_cell(mib_at(built, "live_bytes"), 1), resident("built"),
                           fixed_cell(mib_at(dropped, "live_bytes"), 1), resident("dropped"),
                           resident("returned"), fixed_cell(mib_at(row.at("exact"), "moved_bytes"), 1),
                           resident("relocated"), resident("returned_again"), fixed_cell(trapped, 1),
                           count_cell(built.at("allocations").get<double>()),
                           count_cell(measured_phase(row, "built").at("page_faults").get<double>()),
                           text_cell(string_at(row, "why"))})
      cells.push_back(std::move(c));
    t.rows.push_back(std::move(cells));
  }
  return t;
}

std::string fragmentation_html(const json& result, drawing& plots) {
  std::string held, histograms, curves;
  for (const std::string& variant : variants_in(result)) {
    const std::vector<const json*> rows = rows_of(result, variant);
    if (rows.empty()) continue;
    held += what_is_held(rows, "Nine of ten maps dropped" + of_variant(variant), plots);
    curves +=
        timelines(rows, "While maps are built, then dropped" + of_variant(variant), "samples", false, plots);
    for (const json* row : rows) {
      if (exact_phase(*row, "dropped").contains("spans"))
        histograms += occupancy(
            *row, "Span occupancy" + of_variant(variant) + " on " + string_at(*row, "storage"), plots);
    }
  }
  return part("What is held, and what goes back", framed(held), fragmentation_table(result)) +
         (curves.empty() ? "" : "<h3>Resident against live memory</h3>\n" + framed(curves)) +
         (histograms.empty() ? "" : "<h3>Occupancy of spans</h3>\n" + framed(histograms));
}

// ---- a program's allocations --------------------------------------------------------------------

std::string ratio_chart(const std::vector<const json*>& rows, drawing& plots) {
  const std::string title = "Time to that of the first storage";
  row_chart chart = storage_chart(title, "ratio", rows);
  std::vector<double> values;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const json& measured = rows[i]->at("measured");
    if (measured.at("cpu_ns_per_step").empty()) continue;
    const json& ratio = measured.at("ratio");
    const double low = ratio.at("low"), median = ratio.at("median"), high = ratio.at("high");
    values.insert(values.end(), {low, median, high});
    chart.panels.front().lines.push_back(
        {.label = i,
         .bars = {},
         .segments = {{low, high, color_token(resident_look)}},
         .marks = {{median, filled_circle, 1.0, color_token(resident_look)}}});
  }
  if (values.empty()) return {};
  chart.x = make_scale(values, {.from_zero = true, .ratio_for_log = 1e99, .ticks = 5}, tick_figure);
  return plots.figure(chart, "<b>" + escape(title) + ".</b> Medians of rounds and their 95 % intervals.");
}

std::string memory_chart(const std::vector<const json*>& rows, drawing& plots) {
  const std::string title = "Resident memory";
  row_chart chart = storage_chart(title, "MiB", rows);
  std::vector<double> values;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const json& measured = rows[i]->at("measured");
    chart_line line{.label = i, .bars = {}, .segments = {}, .marks = {}};
    values.push_back(mib_at(rows[i]->at("exact"), "peak_live_bytes"));
    line.bars.push_back({0, values.back(), color_token(live_look)});
    const struct {
      const char* figure;
      int shape;
      look appearance;
    } marks[] = {{"peak_resident_bytes", filled_circle, resident_look},
                 {"empty_resident_bytes", filled_square, moved_look},
                 {"returned_resident_bytes", filled_diamond, returned_look}};
    for (const auto& m : marks) {
      values.push_back(mib_at(measured, m.figure));
      line.marks.push_back({values.back(), m.shape, 1.0, color_token(m.appearance)});
    }
    chart.panels.front().lines.push_back(std::move(line));
  }
  chart.x = make_scale(values, {.from_zero = true, .ratio_for_log = 1e99, .ticks = 5}, tick_figure);
  return plots.figure(chart, "<b>" + escape(title) + ".</b>" +
                                 legend({{live_look, "live at most (bar)"},
                                         {resident_look, "resident at most (circle)"},
                                         {moved_look, "when all is given back (square)"},
                                         {returned_look, "after a request to give back (diamond)"}}) +
                                 ".");
}

table allocations_table(const json& result) {
  table t{"a program's allocations on each storage, and why",
          {{"storage", false},
           {"ratio"},
           {"low"},
           {"high"},
           {"live MiB at most"},
           {"resident MiB at most"},
           {"at the end"},
           {"all given back"},
           {"on request"},
           {"page faults"},
           {"blocks"},
           {"why", false}},
          {}};
  for (const json& row : result.at("rows")) {
    std::vector<cell> cells{text_cell(string_at(row, "storage"))};
    if (!was_measured(row)) {
      cells.resize(t.columns.size());
      cells.back() = text_cell(string_at(row, "trouble"));
      t.rows.push_back(std::move(cells));
      continue;
    }
    const json &exact = row.at("exact"), &measured = row.at("measured");
    const bool timed = !measured.at("cpu_ns_per_step").empty();
    for (const char* figure : {"median", "low", "high"})
      cells.push_back(
          fixed_cell(timed ? std::optional(measured.at("ratio").at(figure).get<double>()) : std::nullopt, 2));
    cells.push_back(fixed_cell(mib_at(exact, "peak_live_bytes"), 1));
    for (const char* figure :
         {"peak_resident_bytes", "end_resident_bytes", "empty_resident_bytes", "returned_resident_bytes"})
      cells.push_back(fixed_cell(mib_at(measured, figure), 1));
    cells.push_back(count_cell(measured.at("page_faults").get<double>()));
    cells.push_back(count_cell(exact.at("allocations").get<double>()));
    cells.push_back(text_cell(string_at(row, "why")));
    t.rows.push_back(std::move(cells));
  }
  return t;
}

std::string allocations_html(const json& result, drawing& plots) {
  const std::vector<const json*> rows = rows_of(result, "");
  std::string figures, curves;
  if (!rows.empty()) {
    figures = memory_chart(rows, plots) + ratio_chart(rows, plots);
    curves = timelines(rows, "Resident against live memory over the trace", "steps", true, plots);
  }
  return part("Memory and time", framed(figures), allocations_table(result)) +
         (curves.empty() ? "" : "<h3>Resident against live memory</h3>\n" + framed(curves));
}

// ---- equal memory -------------------------------------------------------------------------------

std::string who_frees(const json& row) {
  if (!row.at("collected").get<bool>()) return "the map";
  return row.at("frees").get<bool>() ? "map and collector" : "the collector";
}

std::optional<double> ratio_of(const json& cell_of) {
  if (!string_at(cell_of, "trouble").empty() || !cell_of.at("fits").get<bool>()) return std::nullopt;
  if (!cell_of.contains("ratio") || cell_of.at("cpu_ns_per_op").empty()) return std::nullopt;
  return cell_of.at("ratio").at("median").get<double>();
}

// Six hues by three levels: enough for eighteen rows, then they begin again.
look row_look(std::size_t i) {
  return {static_cast<int>(1 + i % (hues - 1)), static_cast<int>(i / (hues - 1)) % levels, false};
}

std::string frontier_curves(const json& result, drawing& plots) {
  const std::vector<double> budgets = result.at("budgets").get<std::vector<double>>();
  curve_chart chart{"Time within a budget of memory",
                    "Time against memory, a curve for each storage; what did not fit has no point.",
                    {}};
  std::map<std::string, std::size_t> looks;
  std::string caption;
  for (const std::string& variant : variants_in(result)) {
    std::map<double, std::vector<const json*>> by_n;
    for (const json* row : rows_of(result, variant)) by_n[row->at("n").get<double>()].push_back(row);
    for (const auto& [n, rows] : by_n) {
      std::string title = variant;
      if (n != 0) title += ", n = " + fixed(n, 0);
      curve_panel panel{std::move(title), "memory, as a multiple of the live entries", {}, {}, {}};
      std::vector<double> times;
      for (const json* row : rows) {
        const std::string name = string_at(*row, "storage") + ", freed by " + who_frees(*row);
        const auto [at, added] = looks.try_emplace(name, looks.size());
        const look appearance = row_look(at->second);
        if (added) caption += " <span class=\"entry\">" + swatch(0, appearance) + escape(name) + "</span>";
        curve one{{}, filled_circle, color_token(appearance), true};
        for (std::size_t b = 0; b < budgets.size(); ++b) {
          const std::optional<double> time = ratio_of(row->at("cells").at(b));
          if (!time) continue;
          one.points.emplace_back(budgets[b], *time);
          times.push_back(*time);
        }
        if (!one.points.empty()) panel.curves.push_back(std::move(one));
      }
      if (times.empty()) continue;
      panel.x = make_scale(budgets, {.from_zero = true, .ratio_for_log = 1e99, .ticks = 5}, tick_figure);
      panel.y = make_scale(times, {.from_zero = true, .ratio_for_log = 1e99, .ticks = 5}, tick_figure);
      chart.panels.push_back(std::move(panel));
    }
  }
  if (chart.panels.empty()) return {};
  return plots.figure(chart, "<b>Time within a budget of memory.</b> To the same map on the first storage "
                             "without a budget:" +
                                 caption + ".");
}

table frontier_table(const json& result) {
  table t{"time by budget", {{"map", false}, {"n"}, {"storage", false}, {"freed by", false}, {"needs"}}, {}};
  const std::vector<double> budgets = result.at("budgets").get<std::vector<double>>();
  for (const double b : budgets) t.columns.push_back({figure(b) + "x"});
  t.columns.push_back({"unlimited"});
  t.columns.push_back({"collections"});
  for (const json& row : result.at("rows")) {
    const double live = std::max(1.0, row.at("live_bytes").get<double>());
    std::optional<double> needs;
    if (row.contains("needed_bytes")) needs = row.at("needed_bytes").get<double>() / live;
    std::vector<cell> cells{text_cell(string_at(row, "variant")), count_cell(row.at("n").get<double>()),
                            text_cell(string_at(row, "storage")), text_cell(who_frees(row)),
                            fixed_cell(needs, 2)};
    const auto add = [&cells](const json& of) {
      const std::optional<double> time = ratio_of(of);
      const std::string trouble = string_at(of, "trouble");
      cells.push_back(time              ? fixed_cell(time, 2)
                      : trouble.empty() ? text_cell("did not fit")
                                        : text_cell(trouble));
    };
    for (const json& of : row.at("cells")) add(of);
    add(row.at("unlimited"));
    const json& unlimited = row.at("unlimited");
    cells.push_back(unlimited.contains("collections") ? count_cell(unlimited.at("collections").get<double>())
                                                      : cell{});
    t.rows.push_back(std::move(cells));
  }
  return t;
}

std::string memory_html(const json& result, drawing& plots) {
  return part("Time and memory", framed(frontier_curves(result, plots)), frontier_table(result));
}

// ---- the section --------------------------------------------------------------------------------

struct kind_of_result {
  const char *schema, *title;
  std::string (*html)(const json&, drawing&);
};

constexpr kind_of_result kinds[] = {{fragmentation_schema, "fragmentation", fragmentation_html},
                                    {allocations_schema, "allocations", allocations_html},
                                    {memory_schema, "equal memory", memory_html}};

const kind_of_result* kind_of_schema(const json& result) {
  if (!result.is_object()) return nullptr;
  const std::string schema = string_at(result, "schema");
  for (const kind_of_result& k : kinds) {
    if (schema == k.schema) return &k;
  }
  return nullptr;
}

std::string notices(const json& result) {
  std::string out;
  if (result.value("interrupted", false))
    out += "<p class=\"notice\">This run was interrupted: the rows are those it got to.</p>\n";
  for (const std::string& mismatch : sentences(result, "mismatches"))
    out += "<p class=\"notice\"><b>Results differ:</b> " + escape(mismatch) + "</p>\n";
  for (const std::string& why : sentences(result, "left_out"))
    out += "<p class=\"muted\">Left out: " + escape(why) + "</p>\n";
  return out;
}

}  // namespace

bool is_storage_result(const json& result) { return kind_of_schema(result) != nullptr; }

storage_section make_storage_section(const json& result, std::string_view where, const std::string& id,
                                     drawing& plots) {
  const kind_of_result& kind = *kind_of_schema(result);
  try {
    storage_section out{kind.title, id, {}, sentences(result, "findings")};
    const json manifest = result.value("manifest", json::object());
    const std::string machine = machine_line(manifest), input = string_at(manifest, "input");
    out.html =
        "<section aria-labelledby=\"" + id + "\"><h2 id=\"" + id + "\">" + escape(out.title) + "</h2>\n";
    for (const std::string& line : {input, machine}) {
      if (!line.empty()) out.html += "<p class=\"muted\">" + escape(line) + "</p>\n";
    }
    out.html += notices(result);
    if (!out.findings.empty()) {
      out.html += "<ul class=\"section-findings\">";
      for (const std::string& sentence : out.findings) out.html += "<li>" + escape(sentence) + "</li>";
      out.html += "</ul>\n";
    }
    out.html += kind.html(result, plots) + "</section>\n";
    return out;
  } catch (const json::exception& error) {
    throw std::runtime_error("report: " + std::string(where) + ", " + kind.title + ": " + error.what());
  }
}

}  // namespace tophash::lab::report
