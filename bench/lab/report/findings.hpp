// SPDX-License-Identifier: Apache-2.0
// The three sentences of the first screen: the lab's own findings in turn over the results, and where there
// are fewer than three, what the rows themselves say: fastest, smallest, how many are worth considering at
// all.
#ifndef TOPHASH_BENCH_LAB_REPORT_FINDINGS_HPP
#define TOPHASH_BENCH_LAB_REPORT_FINDINGS_HPP

#include <span>
#include <string>

#include "lab/report/view.hpp"

namespace tophash::lab::report {

std::string first_findings(std::span<const experiment_view> views);  // HTML

// Sentences from one group's rows; "no difference resolvable" where the intervals of the first two overlap.
std::vector<std::string> derived_findings(const group& g);

}  // namespace tophash::lab::report

#endif
