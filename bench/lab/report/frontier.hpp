// SPDX-License-Identifier: Apache-2.0
// The time-memory frontier of one group of rows, drawn by hand so that each dot can be hovered, focused and
// asked for its spec and the command that makes it again. A step line joins the rows that no other row beats
// in both.
#ifndef TOPHASH_BENCH_LAB_REPORT_FRONTIER_HPP
#define TOPHASH_BENCH_LAB_REPORT_FRONTIER_HPP

#include <string>

#include "lab/report/view.hpp"

namespace tophash::lab::report {

// A whole <figure>; empty when no row has both a time and a memory figure. `id` prefixes the ids inside.
std::string frontier_figure(const group& g, const std::string& title, const std::string& id);

}  // namespace tophash::lab::report

#endif
