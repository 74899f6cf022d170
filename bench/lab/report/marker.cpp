// SPDX-License-Identifier: Apache-2.0
#include "lab/report/marker.hpp"

#include "lab/report/text.hpp"

namespace tophash::lab::report {
namespace {

std::string at(double x, double y) { return coordinate(x) + " " + coordinate(y); }

std::string polygon(double x, double y, double r, int marker) {
  switch (marker) {
  case 1:
    return "M" + at(x - 0.85 * r, y - 0.85 * r) + "h" + coordinate(1.7 * r) + "v" + coordinate(1.7 * r) +
           "H" + coordinate(x - 0.85 * r) + "Z";
  case 2:
    return "M" + at(x, y - 1.15 * r) + "L" + at(x + r, y + 0.75 * r) + "L" + at(x - r, y + 0.75 * r) + "Z";
  case 3:
    return "M" + at(x, y - 1.2 * r) + "L" + at(x + 1.2 * r, y) + "L" + at(x, y + 1.2 * r) + "L" +
           at(x - 1.2 * r, y) + "Z";
  case 4:
    return "M" + at(x, y + 1.15 * r) + "L" + at(x + r, y - 0.75 * r) + "L" + at(x - r, y - 0.75 * r) + "Z";
  default:
    return "M" + at(x - r, y - 0.55 * r) + "H" + coordinate(x + r) + "V" + coordinate(y + 0.55 * r) + "H" +
           coordinate(x - r) + "Z";
  }
}

}  // namespace

std::string color_variable(const look& appearance) {
  return "var(--v" + std::to_string(appearance.hue) + std::to_string(appearance.level) + ")";
}

std::string marker_shape(int marker, double x, double y, double radius, const look& appearance) {
  const std::string color = color_variable(appearance);
  const std::string paint = appearance.hollow
                                ? "fill=\"var(--paper)\" stroke=\"" + color + "\" stroke-width=\"2\""
                                : "fill=\"" + color + "\" stroke=\"var(--paper)\" stroke-width=\"1\"";
  if (marker == 0) {
    return "<circle cx=\"" + coordinate(x) + "\" cy=\"" + coordinate(y) + "\" r=\"" + coordinate(radius) +
           "\" " + paint + "/>";
  }
  return "<path d=\"" + polygon(x, y, radius, marker) + "\" " + paint + "/>";
}

std::string swatch(int marker, const look& appearance) {
  return "<svg class=\"swatch\" viewBox=\"0 0 14 14\" aria-hidden=\"true\">" +
         marker_shape(marker, 7, 7, 4.6, appearance) + "</svg>";
}

}  // namespace tophash::lab::report
