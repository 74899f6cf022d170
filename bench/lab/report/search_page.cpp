// SPDX-License-Identifier: Apache-2.0
#include "lab/report/search_page.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
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

using search_json = nlohmann::json;

constexpr look chosen_look{0, 1, false}, front_look{1, 1, false}, other_look{2, 1, true};
constexpr scale_wish whole_bars{.from_zero = true, .ratio_for_log = 1e99, .ticks = 5};

std::string text_in(const search_json& j, const char* name) {
  const auto found = j.find(name);
  return found != j.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

std::optional<double> number_in(const search_json& j, const char* name) {
  const auto found = j.find(name);
  return found != j.end() && found->is_number() ? std::optional(found->get<double>()) : std::nullopt;
}

std::string in_plots(const std::string& figures) {
  return figures.empty() ? figures : "<div class=\"plots\">" + figures + "</div>\n";
}

std::string percent_text(double ratio) {
  const double percent = 100 * (ratio - 1);
  return (percent >= 0 ? "+" : "") + fixed(percent, 1) + " %";
}

std::string interval_words(const search_json& ratio) {
  return percent_text(ratio.at("median")) + " (" + percent_text(ratio.at("low")) + " to " +
         percent_text(ratio.at("high")) + ")";
}

// The result of a search, ready for the page.
struct searched {
  std::vector<std::string> findings;
  std::string html, input;
  search_json manifest;
};

// ---- advice ---------------------------------------------------------------------------------------

std::string map_on_storage(const search_json& row) {
  return text_in(row, "variant") + " on " + text_in(row, "allocator");
}

const search_json* stage_called(const search_json& advice, const std::string& name) {
  for (const search_json& s : advice.at("stages")) {
    if (text_in(s, "name") == name) return &s;
  }
  return nullptr;
}

bool is_row_of(const search_json& rows, const search_json& row) {
  return std::any_of(rows.begin(), rows.end(),
                     [&row](const search_json& r) { return map_on_storage(r) == map_on_storage(row); });
}

look look_of(const search_json& advice, const search_json& row) {
  if (advice.contains("recommended") && map_on_storage(advice.at("recommended")) == map_on_storage(row))
    return chosen_look;
  return is_row_of(advice.value("pareto", search_json::array()), row) ? front_look : other_look;
}

std::string advice_key() {
  return " <span class=\"entry\">" + swatch(0, chosen_look) + "recommended</span> <span class=\"entry\">" +
         swatch(0, front_look) + "Pareto set</span> <span class=\"entry\">" + swatch(0, other_look) +
         "others</span>.";
}

// A line a map: its time as a bar.
std::string stage_times(const search_json& advice, const search_json& stage, const std::string& title,
                        drawing& plots) {
  row_chart chart{
      title, "One line for each map; the figures are in the table below.", "CPU ns an operation", {}, {},
      {{}}};
  std::vector<double> values;
  for (const search_json& row : stage.at("measured")) {
    const std::optional<double> time = number_in(row.at("metrics"), "time");
    if (!time) continue;
    chart.panels.front().lines.push_back({.label = chart.labels.size(),
                                          .bars = {{0, *time, color_token(look_of(advice, row))}},
                                          .segments = {},
                                          .marks = {}});
    chart.labels.push_back({shortened(map_on_storage(row), 60), text_in(row, "spec")});
    values.push_back(*time);
  }
  if (values.size() < 2) return {};
  chart.x = make_scale(values, whole_bars, tick_figure);
  return plots.figure(chart, "<b>" + escape(title) + ".</b>" + advice_key());
}

// Every map of a stage as a point.
std::string stage_frontier(const search_json& advice, const search_json& stage, drawing& plots) {
  const std::string title = "Time and memory, " + text_in(stage, "name");
  std::map<int, curve> by_color;
  std::vector<double> times, peaks;
  for (const search_json& row : stage.at("measured")) {
    const std::optional<double> time = number_in(row.at("metrics"), "time"),
                                peak = number_in(row.at("metrics"), "peak");
    if (!time || !peak) continue;
    const look appearance = look_of(advice, row);
    const int color = color_token(appearance);
    curve& c =
        by_color
            .try_emplace(color,
                         curve{{}, appearance == chosen_look ? filled_diamond : filled_circle, color, false})
            .first->second;
    c.points.emplace_back(*peak / bytes_per_mib, *time);
    peaks.push_back(*peak / bytes_per_mib), times.push_back(*time);
  }
  if (times.size() < 2) return {};
  curve_panel panel{"CPU ns an operation",
                    "most MiB requested at one time",
                    make_scale(peaks, whole_bars, tick_figure),
                    make_scale(times, whole_bars, tick_figure),
                    {}};
  for (auto& [color, c] : by_color) panel.curves.push_back(std::move(c));
  const curve_chart chart{
      title, "A point for each map: its time against its peak bytes.", {std::move(panel)}};
  return plots.figure(chart, "<b>" + escape(title) + ".</b>" + advice_key());
}

table stages_table(const search_json& advice) {
  table t{"every stage of the search",
          {{"stage", false},
           {"rows"},
           {"map", false},
           {"storage", false},
           {"CPU ns/op"},
           {"peak MiB"},
           {"rss MiB"},
           {"p99.9 ns"},
           {"worst ns"},
           {"pause ns"},
           {"goals missed by, %"},
           {"kept", false}},
          {}};
  for (const search_json& stage : advice.at("stages")) {
    for (const search_json& row : stage.at("measured")) {
      const search_json& m = row.at("metrics");
      const auto mib = [&m](const char* name) {
        const std::optional<double> value = number_in(m, name);
        return fixed_cell(value ? std::optional(*value / bytes_per_mib) : std::nullopt, 2);
      };
      const double missed = row.at("missed").get<double>();
      const cell name{swatch(0, look_of(advice, row)) + "<span title=\"" + escape(text_in(row, "spec")) +
                          "\">" + escape(text_in(row, "variant")) + "</span>",
                      text_in(row, "variant"), "name"};
      t.rows.push_back({text_cell(text_in(stage, "name")), count_cell(number_in(stage, "rows")), name,
                        text_cell(text_in(row, "allocator")), fixed_cell(number_in(m, "time"), 1),
                        mib("peak"), mib("rss"), fixed_cell(number_in(m, "p99.9"), 0),
                        count_cell(number_in(m, "max")), count_cell(number_in(m, "pause")),
                        missed > 0 ? fixed_cell(100 * missed, 0) : cell{},
                        text_cell(row.at("kept").get<bool>() ? "yes" : "")});
    }
  }
  return t;
}

std::vector<std::string> advice_findings(const search_json& advice) {
  std::vector<std::string> out;
  if (!advice.contains("recommended")) return out;
  const search_json& chosen = advice.at("recommended");
  std::string first = "Recommended: " + map_on_storage(chosen);
  if (const std::optional<double> time = number_in(chosen.at("metrics"), "time"))
    first += ", " + fixed(*time, 1) + " ns an operation";
  if (const std::optional<double> peak = number_in(chosen.at("metrics"), "peak"))
    first += ", " + bytes(*peak) + " at most";
  if (const double missed = chosen.at("missed").get<double>(); missed > 0)
    first += "; it misses the goals by " + fixed(100 * missed, 0) + " %, the least of what was tried";
  out.push_back(first + ".");
  if (advice.contains("held_out_to_baseline"))
    out.push_back("On the rows that chose nothing: " + interval_words(advice.at("held_out_to_baseline")) +
                  " time against " + text_in(advice, "baseline") + ".");
  if (advice.contains("exhaustive")) {
    const search_json& e = advice.at("exhaustive");
    const bool itself = e.at("ratio").at("low") == e.at("ratio").at("high");
    out.push_back(itself ? "Of the whole starting set it is the best there."
                         : "Against the best of the whole starting set there, " + text_in(e, "best") + ": " +
                               interval_words(e.at("ratio")) + " time.");
  }
  return out;
}

searched read_advice(const search_json& advice, drawing& plots) {
  searched out{advice_findings(advice),
               {},
               text_in(advice.value("manifest", search_json::object()), "input"),
               advice.value("manifest", search_json::object())};
  if (advice.contains("recommended"))
    out.html +=
        "<h3>The map</h3>\n<p><code>" + escape(text_in(advice.at("recommended"), "cxx")) + "</code></p>\n";
  if (const search_json reasons = advice.value("reasons", search_json::array()); !reasons.empty()) {
    out.html += "<ul>";
    for (const search_json& r : reasons) out.html += "<li>why, " + escape(r.get<std::string>()) + "</li>";
    out.html += "</ul>\n";
  }
  std::string figures;
  if (const search_json* const s = stage_called(advice, "final"))
    figures += stage_frontier(advice, *s, plots) +
               stage_times(advice, *s, "Those that came to the end, on the training rows", plots);
  if (const search_json* const s = stage_called(advice, "held out"))
    figures += stage_times(advice, *s, "On the rows that chose nothing", plots);
  if (const search_json* const s = stage_called(advice, "exhaustive"))
    figures += stage_times(advice, *s, "All of the starting set on the rows that chose nothing", plots);
  out.html += part("The search", in_plots(figures), stages_table(advice));
  return out;
}

// ---- sweeps ---------------------------------------------------------------------------------------

// Numbers in an option's text, and what is left of it.
std::pair<std::vector<double>, std::string> numbers_of(const std::string& text) {
  std::vector<double> numbers;
  std::string rest;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] < '0' || text[i] > '9') {
      rest += text[i++];
      continue;
    }
    double n = 0;
    const auto [end, error] =
        std::from_chars(text.data() + i, text.data() + text.size(), n, std::chars_format::fixed);
    if (error != std::errc{}) break;
    numbers.push_back(n);
    rest += '#';
    i = static_cast<std::size_t>(end - text.data());
  }
  return {numbers, rest};
}

// Where the values of an axis lie on a line; empty: they are no numbers of one kind.
std::map<std::string, double> places_of(const search_json& axis) {
  std::map<std::string, double> out;
  std::vector<std::pair<std::string, std::vector<double>>> all;
  std::string form;
  for (const search_json& v : axis.at("values")) {
    auto [numbers, rest] = numbers_of(v.get<std::string>());
    if (numbers.empty() || (!all.empty() && (rest != form || numbers.size() != all.front().second.size())))
      return {};
    form = rest;
    all.emplace_back(v.get<std::string>(), std::move(numbers));
  }
  if (all.size() < 2) return {};
  if (text_in(axis, "axis") == "load") {
    for (const auto& [text, n] : all) out[text] = n.size() > 1 && n[1] != 0 ? n[0] / n[1] : n[0];
    return out;
  }
  std::optional<std::size_t> varying;
  for (std::size_t i = 0; i < all.front().second.size(); ++i) {
    const bool varies = std::any_of(all.begin(), all.end(),
                                    [&](const auto& one) { return one.second[i] != all.front().second[i]; });
    if (!varies) continue;
    if (varying) return {};
    varying = i;
  }
  if (!varying) return {};
  for (const auto& [text, n] : all) out[text] = n[*varying];
  return out;
}

struct sweep_metric {
  const char* title;
  std::optional<double> (*of)(const search_json& point);
};

const sweep_metric sweep_metrics[] = {
    {"CPU ns an operation",
     [](const search_json& p) { return number_in(p.at("varies").at("ns_per_op"), "median"); }},
    {"p99.9 ns", [](const search_json& p) { return number_in(p.at("varies"), "p99.9"); }},
    {"peak MiB",
     [](const search_json& p) {
       const std::optional<double> b = number_in(p.at("exact"), "peak_bytes");
       return b ? std::optional(*b / bytes_per_mib) : std::nullopt;
     }},
    {"entries a hit meets",
     [](const search_json& p) {
       return number_in(p.at("exact").value("counters", search_json::object()), "hit_probes");
     }},
    {"entries a miss meets", [](const search_json& p) {
       return number_in(p.at("exact").value("counters", search_json::object()), "miss_probes");
     }}};

// A point's values on all axes but one, with size and storage where those vary.
std::string rest_of_point(const search_json& grid, const search_json& p, const std::string& without) {
  std::string out;
  const auto add = [&out](const std::string& word) { out += (out.empty() ? "" : ", ") + word; };
  for (const search_json& v : grid.at("vary")) {
    if (const std::string axis = text_in(v, "axis"); axis != without)
      add(text_in(p.at("values"), axis.c_str()));
  }
  if (grid.at("n").size() > 1) add("n = " + fixed(p.at("n").get<double>(), 0));
  if (grid.at("allocators").size() > 1) add(text_in(p, "allocator"));
  return out;
}

// Six hues by three levels, then they begin again.
look curve_look(std::size_t i) {
  return {static_cast<int>(1 + i % (hues - 1)), static_cast<int>(i / (hues - 1)) % levels, false};
}

std::string sweep_curves(const search_json& sweep, const std::string& axis,
                         const std::map<std::string, double>& places, drawing& plots) {
  const search_json& grid = sweep.at("grid");
  curve_chart chart{"Curves over " + axis, "One panel for each figure, one curve for each other choice.", {}};
  std::map<std::string, std::size_t> order;
  for (const sweep_metric& metric : sweep_metrics) {
    std::map<std::size_t, curve> curves;
    std::vector<double> xs, ys;
    for (const search_json& p : sweep.at("points")) {
      if (!p.contains("varies")) continue;
      const std::optional<double> y = metric.of(p);
      if (!y) continue;
      const std::size_t at = order.try_emplace(rest_of_point(grid, p, axis), order.size()).first->second;
      curve& c =
          curves.try_emplace(at, curve{{}, filled_circle, color_token(curve_look(at)), true}).first->second;
      xs.push_back(places.at(text_in(p.at("values"), axis.c_str()))), ys.push_back(*y);
      c.points.emplace_back(xs.back(), *y);
    }
    if (xs.size() < 2) continue;
    curve_panel panel{metric.title,
                      axis,
                      make_scale(xs, {.ratio_for_log = 1e99, .ticks = 5}, tick_figure),
                      make_scale(ys, {.from_zero = true, .ratio_for_log = 1e99, .ticks = 4}, tick_figure),
                      {}};
    for (auto& [at, c] : curves) {
      std::sort(c.points.begin(), c.points.end());
      panel.curves.push_back(std::move(c));
    }
    chart.panels.push_back(std::move(panel));
  }
  if (chart.panels.empty()) return {};
  std::vector<std::string> names(order.size());
  for (const auto& [name, at] : order) names[at] = name;
  std::string key;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!names[i].empty())
      key += " <span class=\"entry\">" + swatch(0, curve_look(i)) + escape(names[i]) + "</span>";
  }
  return plots.figure(chart, "<b>" + escape(chart.title) + ".</b>" + key);
}

// Where no axis lies on a line: a row a point.
std::string sweep_rows(const search_json& sweep, drawing& plots) {
  const std::string title = "Time to that of the SPEC itself";
  row_chart chart{title, "One line for each point of the grid.", "ratio", {}, {}, {{}}};
  std::vector<double> values;
  for (const search_json& p : sweep.at("points")) {
    if (!p.contains("varies") || !p.at("varies").contains("ratio")) continue;
    const search_json& ratio = p.at("varies").at("ratio");
    const double low = ratio.at("low"), median = ratio.at("median"), high = ratio.at("high");
    values.insert(values.end(), {low, median, high});
    chart.panels.front().lines.push_back({.label = chart.labels.size(),
                                          .bars = {},
                                          .segments = {{low, high, color_token(front_look)}},
                                          .marks = {{median, filled_circle, 1.0, color_token(front_look)}}});
    chart.labels.push_back({shortened(rest_of_point(sweep.at("grid"), p, ""), 60), text_in(p, "spec")});
  }
  if (chart.labels.size() < 2) return {};
  chart.x = make_scale(values, whole_bars, tick_figure);
  return plots.figure(chart, "<b>" + escape(title) + ".</b> Medians of rounds and their intervals.");
}

table points_table(const search_json& sweep) {
  const search_json& grid = sweep.at("grid");
  table t{"every point of the grid", {}, {}};
  for (const search_json& v : grid.at("vary")) t.columns.push_back({text_in(v, "axis"), false});
  for (const column& c : std::vector<column>{{"n"},
                                             {"storage", false},
                                             {"CPU ns/op"},
                                             {"to base, %"},
                                             {"p99.9 ns"},
                                             {"worst ns"},
                                             {"peak MiB"},
                                             {"allocations"},
                                             {"hit probes"},
                                             {"miss probes"},
                                             {"refused", false}})
    t.columns.push_back(c);
  for (const search_json& p : sweep.at("points")) {
    std::vector<cell> cells;
    for (const search_json& v : grid.at("vary"))
      cells.push_back(text_cell(text_in(p.at("values"), text_in(v, "axis").c_str())));
    cells.push_back(p.at("n").get<double>() == 0 ? cell{} : count_cell(p.at("n").get<double>()));
    cells.push_back(text_cell(text_in(p, "allocator")));
    if (!p.contains("varies")) {
      cells.resize(t.columns.size());
      const std::string refused = text_in(p, "refused");
      cells.back() = text_cell(refused.empty() ? text_in(p, "trouble") : refused);
      t.rows.push_back(std::move(cells));
      continue;
    }
    const search_json &varies = p.at("varies"), &exactly = p.at("exact");
    const search_json counters = exactly.value("counters", search_json::object());
    std::optional<double> to_base;
    if (varies.contains("ratio")) to_base = 100 * (varies.at("ratio").at("median").get<double>() - 1);
    for (cell& c : std::vector<cell>{
             fixed_cell(sweep_metrics[0].of(p), 1), fixed_cell(to_base, 1),
             fixed_cell(number_in(varies, "p99.9"), 0), count_cell(number_in(varies, "max")),
             fixed_cell(sweep_metrics[2].of(p), 2), count_cell(number_in(exactly, "allocations")),
             fixed_cell(number_in(counters, "hit_probes"), 3),
             fixed_cell(number_in(counters, "miss_probes"), 3), cell{}})
      cells.push_back(std::move(c));
    t.rows.push_back(std::move(cells));
  }
  return t;
}

searched read_sweep(const search_json& sweep, drawing& plots) {
  const search_json& grid = sweep.at("grid");
  searched out{
      {}, {}, text_in(grid, "input"), sweep.at("shards").at(0).value("manifest", search_json::object())};
  out.html = "<p class=\"shared\">What is varied: <code>" + escape(text_in(grid, "base")) + "</code></p>\n";
  const search_json* best = nullptr;
  for (const search_json& p : sweep.at("points")) {
    if (p.contains("varies") && p.at("varies").contains("ratio") &&
        (best == nullptr ||
         p.at("varies").at("ratio").at("median") < best->at("varies").at("ratio").at("median")))
      best = &p;
  }
  if (best != nullptr)
    out.findings.push_back("Of " + std::to_string(sweep.at("points").size()) + " points the fastest is " +
                           rest_of_point(grid, *best, "") + ": " +
                           interval_words(best->at("varies").at("ratio")) + " time to the SPEC itself.");
  std::string figures;
  for (const search_json& v : grid.at("vary")) {
    const std::map<std::string, double> places = places_of(v);
    if (!places.empty() && figures.empty()) figures = sweep_curves(sweep, text_in(v, "axis"), places, plots);
  }
  if (figures.empty()) figures = sweep_rows(sweep, plots);
  out.html += part("The grid", in_plots(figures), points_table(sweep));
  return out;
}

// ---- axes -----------------------------------------------------------------------------------------

std::string axes_chart(const search_json& axes, drawing& plots) {
  const std::string title = "How many times one side has what the other has";
  row_chart chart{title, "One line for each pair; the line across is at two.", "times", {}, {}, {{}}};
  std::vector<double> values{1, axes.at("limit").get<double>()};
  for (const search_json& row : axes.at("rows")) {
    const std::optional<double> factor = number_in(row, "factor");
    if (!factor) continue;
    const look appearance = row.value("moves", search_json{}) == true ? front_look : other_look;
    chart.panels.front().lines.push_back(
        {.label = chart.labels.size(),
         .bars = {},
         .segments = {{values[1], values[1], color_token(chosen_look), true}},
         .marks = {{*factor, dot_shape({nullptr, "", "", appearance, 0}), 1.0, color_token(appearance)}}});
    chart.labels.push_back({shortened(text_in(row, "axis") + ": " + text_in(row.at("metric"), "name"), 60),
                            text_in(row, "a") + " -> " + text_in(row, "b")});
    values.push_back(*factor);
  }
  if (chart.labels.empty()) return {};
  chart.x = make_scale(values, {.ratio_for_log = 12, .ticks = 5}, tick_figure);
  return plots.figure(chart, "<b>" + escape(title) + ".</b>");
}

table axes_table(const search_json& axes) {
  table t{"pairs that differ on one axis",
          {{"axis", false},
           {"from", false},
           {"to", false},
           {"in", false},
           {"trace", false},
           {"metric", false},
           {"from "},
           {"to "},
           {"times"},
           {"twice", false},
           {"counter", false},
           {" from"},
           {" to"},
           {"why", false}},
          {}};
  for (const search_json& row : axes.at("rows")) {
    std::vector<cell> cells;
    for (const char* name : {"axis", "a", "b", "in"}) cells.push_back(text_cell(text_in(row, name)));
    cells.push_back(text_cell(text_in(row, "trace") + ", " + text_in(row, "part")));
    if (row.contains("trouble")) {
      cells.resize(t.columns.size());
      cells.back() = text_cell("not measured: " + text_in(row, "trouble"));
      t.rows.push_back(std::move(cells));
      continue;
    }
    const search_json moves = row.at("moves");
    for (const char* name : {"metric", "counter"}) {
      const search_json& r = row.at(name);
      cells.push_back(text_cell(text_in(r, "name")));
      cells.push_back(figure_cell(number_in(r, "a"))), cells.push_back(figure_cell(number_in(r, "b")));
      if (std::string_view{name} == "counter") break;
      cells.push_back(fixed_cell(number_in(row, "factor"), 2));
      cells.push_back(text_cell(moves.is_null() ? "not resolvable" : moves == true ? "yes" : "no"));
    }
    cells.push_back(text_cell(text_in(row, "why")));
    t.rows.push_back(std::move(cells));
  }
  return t;
}

searched read_axes(const search_json& axes, drawing& plots) {
  searched out{{}, {}, {}, axes.value("manifest", search_json::object())};
  const auto sentence = [&](const char* lead, const char* name) {
    std::string words;
    for (const search_json& w : axes.at(name)) words += (words.empty() ? "" : ", ") + w.get<std::string>();
    if (!words.empty()) out.findings.push_back(lead + words + ".");
  };
  sentence("Axes that move a metric twice or more: ", "moving");
  sentence("Axes that do not, by what was tried: ", "not_moving");
  out.html = part("The axes", in_plots(axes_chart(axes, plots)), axes_table(axes));
  return out;
}

// ---- the section ----------------------------------------------------------------------------------

struct kind_of_search {
  const char *schema, *title;
  searched (*read)(const search_json&, drawing&);
};

constexpr kind_of_search searches[] = {{"tophash-advice-1", "advice", read_advice},
                                       {"tophash-sweep-1", "sweep", read_sweep},
                                       {"tophash-axes-1", "axes", read_axes}};

const kind_of_search* search_of(const search_json& result) {
  if (!result.is_object()) return nullptr;
  const std::string schema = text_in(result, "schema");
  for (const kind_of_search& k : searches) {
    if (schema == k.schema) return &k;
  }
  return nullptr;
}

}  // namespace

bool is_search_result(const search_json& result) { return search_of(result) != nullptr; }

storage_section make_search_section(const search_json& result, std::string_view where, const std::string& id,
                                    drawing& plots) {
  const kind_of_search& kind = *search_of(result);
  try {
    const searched read = kind.read(result, plots);
    storage_section out{kind.title, id, {}, read.findings};
    out.html =
        "<section aria-labelledby=\"" + id + "\"><h2 id=\"" + id + "\">" + escape(out.title) + "</h2>\n";
    for (const std::string& line : {read.input, machine_line(read.manifest)}) {
      if (!line.empty()) out.html += "<p class=\"muted\">" + escape(line) + "</p>\n";
    }
    if (result.value("interrupted", false))
      out.html += "<p class=\"notice\">This run was interrupted: the rows are those it got to.</p>\n";
    for (const search_json& sentence : result.value("mismatches", search_json::array()))
      out.html +=
          "<p class=\"notice\"><b>Results differ:</b> " + escape(sentence.get<std::string>()) + "</p>\n";
    for (const search_json& why : result.value("left_out", search_json::array()))
      out.html += "<p class=\"muted\">Left out: " + escape(why.get<std::string>()) + "</p>\n";
    if (!read.findings.empty()) {
      out.html += "<ul class=\"section-findings\">";
      for (const std::string& sentence : read.findings) out.html += "<li>" + escape(sentence) + "</li>";
      out.html += "</ul>\n";
    }
    out.html += read.html + "</section>\n";
    return out;
  } catch (const search_json::exception& error) {
    throw std::runtime_error("report: " + std::string(where) + ", " + kind.title + ": " + error.what());
  }
}

}  // namespace tophash::lab::report
