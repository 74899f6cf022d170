// SPDX-License-Identifier: Apache-2.0
// A row's mark as SVG: shape by storage, colour by variant. Colours are the page's variables --v<hue><level>,
// which have one value for a light and one for a dark screen.
#ifndef TOPHASH_BENCH_LAB_REPORT_MARKER_HPP
#define TOPHASH_BENCH_LAB_REPORT_MARKER_HPP

#include <string>

#include "lab/report/naming.hpp"

namespace tophash::lab::report {

std::string color_variable(const look& appearance);
// The shape around (x, y), `radius` large.
std::string marker_shape(int marker, double x, double y, double radius, const look& appearance);
// A small picture of its own, to stand before a name.
std::string swatch(int marker, const look& appearance);

}  // namespace tophash::lab::report

#endif
