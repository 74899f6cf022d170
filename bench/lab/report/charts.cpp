// SPDX-License-Identifier: Apache-2.0
#include "lab/report/charts.hpp"

#include "lab/report/text.hpp"

namespace tophash::lab::report {
namespace {

constexpr const char* common_body = R"gp(
set encoding utf8
set terminal svg size width,height dynamic noenhanced font ",12" background "#ffffff"
set multiplot
unset key
set border 0
set tics scale 0 nomirror textcolor rgb ink
set grid xtics ytics lt 1 lw 1 lc rgb grid_color
set style fill solid noborder
)gp";

// Bars first, then segments, then marks: what is measured most exactly lies on top.
constexpr const char* rows_body = R"gp(
set yrange [rows + 0.6 : 0.4]
if (x_log) { set logscale x }
set xrange [x_low : x_high]
eval x_ticks
do for [p = 1:panels] {
  set lmargin at screen left[p]
  set rmargin at screen right[p]
  set tmargin at screen top[p]
  set bmargin at screen bottom[p]
  set title sprintf("_panel_%d_", p) offset 0,-0.6 textcolor rgb ink
  unset ytics
  set ytics () scale 0 nomirror textcolor rgb ink
  do for [r = 1:rows] { set ytics add ((with_labels[p] ? sprintf("_row_%d_", r) : "") r) }
  set xlabel "_axis_" offset 0,0.3 textcolor rgb muted
  plot $bars index p - 1 using 1:2:3:4:5:6:7 with boxxyerror lc rgb variable, \
       $segments index p - 1 using 1:2:3:4:5 with vectors nohead lw 2 lc rgb variable, \
       $marks index p - 1 using 1:2:3:4:5 \
         with points pointsize variable pointtype variable lw 1.6 lc rgb variable
}
unset multiplot
)gp";

constexpr const char* curves_body = R"gp(
do for [p = 1:panels] {
  set lmargin at screen left[p]
  set rmargin at screen right[p]
  set tmargin at screen top[p]
  set bmargin at screen bottom[p]
  set title sprintf("_panel_%d_", p) offset 0,-0.6 textcolor rgb ink
  set xlabel sprintf("_axis_%d_", p) offset 0,0.3 textcolor rgb muted
  unset logscale
  if (x_log[p]) { set logscale x }
  if (y_log[p]) { set logscale y }
  set xrange [x_low[p] : x_high[p]]
  set yrange [y_low[p] : y_high[p]]
  unset xtics
  unset ytics
  eval x_ticks[p]
  eval y_ticks[p]
  plot for [c = 1:curves] $lines index (p - 1) * curves + c - 1 using 1:2:3 with lines lw 2 lc rgb variable, \
       for [c = 1:curves] $points index (p - 1) * curves + c - 1 using 1:2:3:4:5 \
         with points pointsize variable pointtype variable lw 1.6 lc rgb variable
}
unset multiplot
)gp";

// A block of a datablock must not be empty; a point outside every number is drawn nowhere.
constexpr const char* no_data = "NaN NaN NaN NaN NaN NaN NaN\n";

std::string number_line(std::initializer_list<double> values) {
  std::string line;
  for (const double value : values) line += (line.empty() ? "" : " ") + exact(value);
  return line + "\n";
}

std::string ticks_command(const char* axis, const scale& s) {
  std::string command = std::string("set ") + axis + " (";
  for (std::size_t i = 0; i < s.ticks.size(); ++i) {
    command += (i == 0 ? "\"" : ", \"") + s.ticks[i].label + "\" " + exact(s.ticks[i].value);
  }
  return command + ") scale 0 nomirror textcolor rgb ink";
}

std::string array_of(const std::string& name, const std::vector<std::string>& values) {
  std::string text = "array " + name + "[" + std::to_string(values.size()) + "]\n";
  for (std::size_t i = 0; i < values.size(); ++i) {
    text += name + "[" + std::to_string(i + 1) + "] = " + values[i] + "\n";
  }
  return text;
}

std::string array_of(const std::string& name, const std::vector<double>& values) {
  std::vector<std::string> texts;
  for (const double value : values) texts.push_back(exact(value));
  return array_of(name, texts);
}

std::string setting(const char* name, double value) {
  return std::string(name) + " = " + exact(value) + "\n";
}

std::string colors() {
  return setting("ink", ink_token) + setting("muted", muted_token) + setting("grid_color", grid_token);
}

// Where the panels stand, as gnuplot's screen fractions (origin below).
struct panel_grid {
  double width, height;
  std::vector<double> left, right, top, bottom;

  std::string arrays() const {
    return setting("width", width) + setting("height", height) + array_of("left", left) +
           array_of("right", right) + array_of("top", top) + array_of("bottom", bottom);
  }
};

struct grid_wish {
  std::size_t panels, columns;
  double first_left, gap, panel_width, panel_height, above, below;
};

panel_grid lay_out(const grid_wish& wish) {
  const std::size_t lines = (wish.panels + wish.columns - 1) / wish.columns;
  const double line_height = wish.above + wish.panel_height + wish.below;
  const std::size_t columns = wish.panels < wish.columns ? wish.panels : wish.columns;
  const double width = wish.first_left + static_cast<double>(columns) * (wish.panel_width + wish.gap);
  panel_grid grid{std::ceil(width), std::ceil(static_cast<double>(lines) * line_height), {}, {}, {}, {}};
  for (std::size_t p = 0; p < wish.panels; ++p) {
    const double x = wish.first_left + static_cast<double>(p % wish.columns) * (wish.panel_width + wish.gap);
    const double y = static_cast<double>(p / wish.columns) * line_height + wish.above;
    grid.left.push_back(x / grid.width);
    grid.right.push_back((x + wish.panel_width) / grid.width);
    grid.top.push_back(1 - y / grid.height);
    grid.bottom.push_back(1 - (y + wish.panel_height) / grid.height);
  }
  return grid;
}

// Datablocks of all panels; blocks of one panel are told apart by two blank lines.
std::string row_data(const row_chart& chart) {
  std::string bars = "$bars << END\n", segments = "$segments << END\n", marks = "$marks << END\n";
  for (const row_panel& panel : chart.panels) {
    bars += no_data;
    segments += no_data;
    marks += no_data;
    for (const chart_line& line : panel.lines) {
      const double y = static_cast<double>(line.label) + 1;
      for (const chart_bar& b : line.bars) {
        bars += number_line({b.to, y, b.from, b.to, y - 0.34, y + 0.34, static_cast<double>(b.color)});
      }
      for (const chart_segment& s : line.segments) {
        const double color = s.color;
        segments += s.upright ? number_line({s.from, y - 0.42, 0, 0.84, color})
                              : number_line({s.from, y, s.to - s.from, 0, color});
      }
      for (const chart_mark& m : line.marks) {
        marks += number_line({m.at, y, m.size, static_cast<double>(m.shape), static_cast<double>(m.color)});
      }
    }
    bars += "\n\n";
    segments += "\n\n";
    marks += "\n\n";
  }
  return bars + "END\n" + segments + "END\n" + marks + "END\n";
}

std::string with_hover(const std::string& text, const std::string& hover) {
  return hover.empty() || hover == text ? escape(text)
                                        : escape(text) + "<title>" + escape(hover) + "</title>";
}

double label_width(const std::vector<chart_label>& labels, std::size_t longest) {
  std::size_t characters = 4;
  for (const chart_label& label : labels) {
    const std::size_t length = length_characters(shortened(label.text, longest));
    if (length > characters) characters = length;
  }
  return 16 + label_character_width * static_cast<double>(characters);
}

}  // namespace

drawn_chart script_of(const row_chart& chart, const std::string& id) {
  constexpr std::size_t longest_label = 54, most_columns = 4;
  const std::size_t columns = std::min(chart.panels.size(), most_columns);
  const double labels_wide = label_width(chart.labels, longest_label), gap = 32;
  const double room = (1160 - labels_wide) / static_cast<double>(columns) - gap;
  const double height = 20 * static_cast<double>(chart.labels.size()) + 10;
  const double panel_width = std::clamp(room, 150.0, 460.0);
  const panel_grid grid =
      lay_out({chart.panels.size(), most_columns, labels_wide, gap, panel_width, height, 24, 54});
  std::vector<double> with_labels;
  drawn_chart drawn;
  drawn.width = static_cast<int>(grid.width);
  drawn.texts = {id, chart.title, chart.description, {{"_axis_", escape(chart.axis)}}};
  for (std::size_t p = 0; p < chart.panels.size(); ++p) {
    with_labels.push_back(p % most_columns == 0);
    drawn.texts.html["_panel_" + std::to_string(p + 1) + "_"] =
        "<tspan class=\"panel\">" + escape(chart.panels[p].title) + "</tspan>";
  }
  for (std::size_t r = 0; r < chart.labels.size(); ++r) {
    const chart_label& label = chart.labels[r];
    drawn.texts.html["_row_" + std::to_string(r + 1) + "_"] =
        with_hover(shortened(label.text, longest_label), label.hover);
  }
  drawn.script = colors() + grid.arrays() + setting("panels", static_cast<double>(chart.panels.size())) +
                 setting("rows", static_cast<double>(chart.labels.size())) + setting("x_low", chart.x.low) +
                 setting("x_high", chart.x.high) + setting("x_log", chart.x.logarithmic) + "x_ticks = '" +
                 ticks_command("xtics", thinned(chart.x, panel_width)) + "'\n" +
                 array_of("with_labels", with_labels) + row_data(chart) + common_body + rows_body;
  return drawn;
}

namespace {

std::string curve_data(const curve_chart& chart, std::size_t most_curves) {
  std::string lines = "$lines << END\n", points = "$points << END\n";
  for (const curve_panel& panel : chart.panels) {
    for (std::size_t c = 0; c < most_curves; ++c) {
      lines += no_data;
      points += no_data;
      for (std::size_t i = 0; c < panel.curves.size() && i < panel.curves[c].points.size(); ++i) {
        const curve& one = panel.curves[c];
        const auto [x, y] = one.points[i];
        if (one.line) lines += number_line({x, y, static_cast<double>(one.color)});
        points += number_line(
            {x, y, one.line ? 0.55 : 1.0, static_cast<double>(one.shape), static_cast<double>(one.color)});
      }
      lines += "\n\n";
      points += "\n\n";
    }
  }
  return lines + "END\n" + points + "END\n";
}

}  // namespace

drawn_chart script_of(const curve_chart& chart, const std::string& id) {
  const std::size_t columns = std::min<std::size_t>(chart.panels.size(), 4);
  const double panel_width = std::min(420.0, 1150 / static_cast<double>(columns) - 62);
  const panel_grid grid = lay_out({chart.panels.size(), 4, 52, 60, panel_width, 210, 28, 54});
  std::vector<double> x_low, x_high, x_log, y_low, y_high, y_log;
  std::vector<std::string> x_ticks, y_ticks;
  std::size_t most_curves = 1;
  drawn_chart drawn;
  drawn.width = static_cast<int>(grid.width);
  drawn.texts = {id, chart.title, chart.description, {}};
  for (std::size_t p = 0; p < chart.panels.size(); ++p) {
    const curve_panel& panel = chart.panels[p];
    most_curves = std::max(most_curves, panel.curves.size());
    x_low.push_back(panel.x.low);
    x_high.push_back(panel.x.high);
    x_log.push_back(panel.x.logarithmic);
    y_low.push_back(panel.y.low);
    y_high.push_back(panel.y.high);
    y_log.push_back(panel.y.logarithmic);
    x_ticks.push_back("'" + ticks_command("xtics", thinned(panel.x, panel_width)) + "'");
    y_ticks.push_back("'" + ticks_command("ytics", panel.y) + "'");
    const std::string number = std::to_string(p + 1) + "_";
    drawn.texts.html["_panel_" + number] = "<tspan class=\"panel\">" + escape(panel.title) + "</tspan>";
    drawn.texts.html["_axis_" + number] = escape(panel.axis);
  }
  drawn.script = colors() + grid.arrays() + setting("panels", static_cast<double>(chart.panels.size())) +
                 setting("curves", static_cast<double>(most_curves)) + array_of("x_low", x_low) +
                 array_of("x_high", x_high) + array_of("x_log", x_log) + array_of("y_low", y_low) +
                 array_of("y_high", y_high) + array_of("y_log", y_log) + array_of("x_ticks", x_ticks) +
                 array_of("y_ticks", y_ticks) + curve_data(chart, most_curves) + common_body + curves_body;
  return drawn;
}

}  // namespace tophash::lab::report
