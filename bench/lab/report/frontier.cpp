// SPDX-License-Identifier: Apache-2.0
#include "lab/report/frontier.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "lab/report/marker.hpp"
#include "lab/report/scale.hpp"
#include "lab/report/text.hpp"

namespace tophash::lab::report {
namespace {

constexpr double width = 820, height = 500;
constexpr double left = 62, right = 804, top = 16, bottom = 448;
constexpr double dot_radius = 6;
constexpr double dot_distance = 11, farthest = 70;  // px between centres; px that a dot may be moved sideways
constexpr double label_height = 15;

struct box {
  double x0 = 0, y0 = 0, x1 = 0, y1 = 0;
  bool overlaps(const box& other) const {
    return x0 < other.x1 && other.x0 < x1 && y0 < other.y1 && other.y0 < y1;
  }
};

class frontier_plot {
 public:
  frontier_plot(const group& g, memory_basis basis)
      : group_(g), basis_(basis), front_(pareto(g.rows, basis)) {
    std::vector<double> memory, time;
    for (std::size_t i = 0; i < g.rows.size(); ++i) {
      const row& r = *g.rows[i].figures;
      const std::optional<double> held = memory_bytes(r, basis);
      if (!r.ns_per_op || !held) {
        ++without_figures_;
        continue;
      }
      dots_.push_back(i);
      memory.push_back(*held / bytes_per_mib);
      time.push_back(r.ns_per_op->median);
      if (r.ns_per_op->low) time.push_back(*r.ns_per_op->low);
      if (r.ns_per_op->high) time.push_back(*r.ns_per_op->high);
    }
    x_ = thinned(make_scale(memory, {.ratio_for_log = 4, .ticks = 7}, tick_figure), right - left);
    y_ = make_scale(time, {.ratio_for_log = 4, .ticks = 6}, tick_figure);
    place_dots();
  }

  std::size_t dots() const { return dots_.size(); }
  std::size_t on_front() const { return front_.size(); }
  std::size_t without_figures() const { return without_figures_; }

  std::string front_list() const {
    std::string out = "<ol class=\"front-list\">";
    for (const std::size_t i : front_) {
      const row_view& r = group_.rows[i];
      out += "<li><span title=\"" + escape(spec_or_variant(*r.figures)) + "\">" +
             swatch(r.marker, r.appearance) + escape(full_name(r)) +
             "</span> <span class=\"muted figures\">" + figure(r.figures->ns_per_op->median) + " ns/op, " +
             bytes(*memory_bytes(*r.figures, basis_)) + "</span></li>";
    }
    return out + "</ol>";
  }

  std::string svg(const std::string& id) const {
    std::string out = "<svg class=\"frontier-plot\" viewBox=\"0 0 " + coordinate(width) + " " +
                      coordinate(height) + "\" role=\"group\" aria-labelledby=\"" + id + "-t " + id +
                      "-d\"><title id=\"" + id + "-t\">Time against memory</title><desc id=\"" + id +
                      "-d\">" + escape(description()) + "</desc>";
    out += grid() + front_line() + dots_svg() + labels();
    return out + "</svg>";
  }

 private:
  double x_of(std::size_t i) const { return shown_x_[i]; }
  double measured_x(std::size_t i) const {
    const double mib = *memory_bytes(*group_.rows[i].figures, basis_) / bytes_per_mib;
    return left + (right - left) * x_.position(mib);
  }
  double y_at(double ns) const { return bottom - (bottom - top) * y_.position(ns); }
  double y_of(std::size_t i) const { return y_at(group_.rows[i].figures->ns_per_op->median); }

  // Exact counts of bytes coincide for many rows. A dot that would cover another moves sideways, in steps, to
  // the nearest free place; the frontier's own dots go first and stay where they are while they can.
  void place_dots() {
    shown_x_.assign(group_.rows.size(), 0);
    std::vector<std::size_t> order = front_, placed;
    for (const std::size_t i : dots_) {
      if (std::find(front_.begin(), front_.end(), i) == front_.end()) order.push_back(i);
    }
    for (const std::size_t i : order) {
      shown_x_[i] = free_place(i, placed);
      placed.push_back(i);
    }
  }

  // The nearest place with room, else the one with the most.
  double free_place(std::size_t i, const std::vector<std::size_t>& placed) const {
    const double home = measured_x(i), y = y_of(i);
    const auto room = [&](double x) {
      double least = dot_distance;
      for (const std::size_t other : placed)
        least = std::min(least, std::hypot(x - x_of(other), y - y_of(other)));
      return least;
    };
    double best = home, best_room = -1;
    for (double away = 0; away <= farthest; away += 2) {
      for (const double x : {home - away, home + away}) {
        if (x < left + dot_radius || x > right - dot_radius || room(x) <= best_room) continue;
        best = x;
        best_room = room(x);
      }
      if (best_room >= dot_distance) break;
    }
    return best;
  }

  std::string description() const {
    std::string text = "One dot per row: " + std::to_string(dots_.size()) + " rows, " +
                       std::to_string(front_.size()) + " on the frontier:";
    for (const std::size_t i : front_) text += " " + full_name(group_.rows[i]) + ";";
    return text;
  }

  static std::string text_at(double x, double y, const char* anchor, const std::string& escaped,
                             const char* style) {
    return "<text x=\"" + coordinate(x) + "\" y=\"" + coordinate(y) + "\" text-anchor=\"" + anchor +
           "\" class=\"" + style + "\">" + escaped + "</text>";
  }

  static std::string line(double x0, double y0, double x1, double y1, const char* style) {
    return "<path class=\"" + std::string(style) + "\" d=\"M" + coordinate(x0) + " " + coordinate(y0) + "L" +
           coordinate(x1) + " " + coordinate(y1) + "\"/>";
  }

  std::string grid() const {
    std::string out;
    for (const tick& t : x_.ticks) {
      const double x = left + (right - left) * x_.position(t.value);
      out += line(x, top, x, bottom, "grid") + text_at(x, bottom + 18, "middle", t.label, "tick");
    }
    for (const tick& t : y_.ticks) {
      const double y = y_at(t.value);
      out += line(left, y, right, y, "grid") + text_at(left - 8, y + 4, "end", t.label, "tick");
    }
    const std::string log_x = x_.logarithmic ? ", logarithmic" : "",
                      log_y = y_.logarithmic ? ", logarithmic" : "";
    out += text_at((left + right) / 2, height - 8, "middle",
                   std::string(basis_text(basis_)) + " (MiB" + log_x + ")", "axis");
    out += "<text class=\"axis\" text-anchor=\"middle\" transform=\"translate(14 " +
           coordinate((top + bottom) / 2) + ") rotate(-90)\">time (ns per operation" + log_y + ")</text>";
    return out + text_at(left + 8, bottom - 8, "start", "\xE2\x86\x99 better: faster and smaller", "hint");
  }

  // Every (memory, time) on or right and above of this line is beaten or matched by a measured row.
  std::string front_line() const {
    if (front_.empty()) return {};
    std::string d = "M" + coordinate(measured_x(front_[0])) + " " + coordinate(top);
    for (std::size_t k = 0; k < front_.size(); ++k) {
      d += "V" + coordinate(y_of(front_[k])) + "H" +
           coordinate(k + 1 < front_.size() ? measured_x(front_[k + 1]) : right);
    }
    return "<path class=\"front\" d=\"" + d + "\"/>";
  }

  std::string dots_svg() const {
    std::string whiskers, dots;
    for (const std::size_t i : dots_) {
      const row_view& r = group_.rows[i];
      const interval& time = *r.figures->ns_per_op;
      if (time.low && time.high) {
        whiskers += "<path stroke=\"" + color_variable(r.appearance) + "\" class=\"whisker\" d=\"M" +
                    coordinate(x_of(i)) + " " + coordinate(y_at(*time.low)) + "V" +
                    coordinate(y_at(*time.high)) + "\"/>";
      }
      dots += dot(i, r, time);
    }
    return whiskers + dots;
  }

  std::string dot(std::size_t i, const row_view& r, const interval& time) const {
    const std::string name = full_name(r);
    std::string facts = figure(time.median) + " ns/op";
    if (time.low && time.high) facts += " (" + figure(*time.low) + " to " + figure(*time.high) + ")";
    facts += ", " + bytes(*memory_bytes(*r.figures, basis_)) + " " + basis_text(basis_);
    const std::string& spec = spec_or_variant(*r.figures);
    std::string out = "<g class=\"dot\" tabindex=\"0\" role=\"img\" data-name=\"" + escape(name) +
                      "\" data-facts=\"" + escape(facts) + "\" data-spec=\"" + escape(spec) + "\"";
    if (!r.figures->rerun.empty()) out += " data-rerun=\"" + escape(r.figures->rerun) + "\"";
    out += "><title>" +
           escape(name + "\n" + facts + "\n" + spec +
                  (r.figures->rerun.empty() ? "" : "\n$ " + r.figures->rerun)) +
           "</title>";
    return out + marker_shape(r.marker, x_of(i), y_of(i), dot_radius, r.appearance) + "</g>";
  }

  // Numbers beside the frontier's dots, which the list below the plot explains: names would cover the other
  // dots.
  std::string labels() const {
    std::vector<box> taken;
    for (const std::size_t i : dots_) {
      const double x = x_of(i), y = y_of(i), r = dot_radius + 1;
      taken.push_back({x - r, y - r, x + r, y + r});
    }
    taken.push_back({left, bottom - 22, left + 190, bottom});  // the hint
    std::string out;
    for (std::size_t k = 0; k < front_.size(); ++k) out += label(front_[k], std::to_string(k + 1), taken);
    return out;
  }

  std::string label(std::size_t i, const std::string& text, std::vector<box>& taken) const {
    const double w = label_character_width * static_cast<double>(length_characters(text));
    const double x = x_of(i), y = y_of(i);
    struct place {
      double dx, dy;
      bool to_left;
    };
    // Below and left first: there no dot can lie. The last resort may cover a dot, but a number is never left
    // out.
    constexpr std::array<place, 8> places = {{{-8, 15, true},
                                              {-11, 4, true},
                                              {-3, 21, false},
                                              {11, 4, false},
                                              {-8, -8, true},
                                              {8, 15, false},
                                              {8, -8, false},
                                              {-10, 24, true}}};
    for (const place& p : places) {
      const double start = p.to_left ? x + p.dx - w : x + p.dx;
      const box wanted{start, y + p.dy - label_height + 5, start + w, y + p.dy + 1};
      bool fits = wanted.x0 > left && wanted.x1 < right && wanted.y0 > top && wanted.y1 < bottom;
      for (const box& other : taken) fits = fits && !wanted.overlaps(other);
      if (!fits) continue;
      taken.push_back(wanted);
      return text_at(x + p.dx, y + p.dy, p.to_left ? "end" : "start", text, "rank");
    }
    return text_at(x - 8, y + 15, "end", text, "rank");
  }

  const group& group_;
  memory_basis basis_;
  std::vector<std::size_t> front_, dots_;
  std::vector<double> shown_x_;  // by row
  std::size_t without_figures_ = 0;
  scale x_, y_;
};

}  // namespace

std::string frontier_figure(const group& g, const std::string& title, const std::string& id) {
  const memory_basis basis = basis_of(g.rows);
  if (basis == memory_basis::none) return {};
  frontier_plot plot(g, basis);
  std::string out =
      "<figure class=\"frontier\" data-choice=\"" + escape(title) + "\"><div class=\"scroll\">" +
      plot.svg(id) + "</div><figcaption><b>" + escape(title) +
      ".</b> Each dot is a row of the results: " + std::to_string(plot.dots()) + " in all, " +
      std::to_string(plot.on_front()) +
      " on the frontier (numbered): no other row is at least as fast and as small. "
      "Bars through the dots: the interval of the time. Dots of nearly equal memory stand side by side.";
  if (plot.without_figures() > 0) {
    out += " Not shown: " + std::to_string(plot.without_figures()) + " without a time or a memory figure.";
  }
  return out + "</figcaption>" + plot.front_list() + "</figure>";
}

}  // namespace tophash::lab::report
