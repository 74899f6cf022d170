// SPDX-License-Identifier: Apache-2.0
// `tophash explain A B`: the gap between two compositions, split by the axes on which they differ. Each axis
// is changed alone, once from A's side (A with B's option) and once from B's (B with A's); all of these maps
// are measured in the rounds of one comparison. An axis's share is the mean of what it did at either end;
// what the shares leave of the gap is interaction: options that do more, or less, together. Where a rule
// forbids one end, the other one stands alone. Axes that only make sense together (a load limit and the
// layout whose buckets it counts; what the rules allow at neither end alone) are changed together and have
// one share; what is still forbidden is in the rest.
#ifndef TOPHASH_BENCH_LAB_ATTRIBUTION_HPP
#define TOPHASH_BENCH_LAB_ATTRIBUTION_HPP

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "lab/compare.hpp"

namespace tophash::lab {

inline constexpr unsigned attribution_rounds = 24;  // at most, unless --repeat says otherwise

// A figure's share: ns an operation, or the exact figure's unit, where the interval is the point.
struct axis_share {
  std::optional<estimate> from_a, from_b, share;
};

struct attributed_axis {
  std::string axis, a, b;                      // `layout+load`: changed together
  std::string refused_from_a, refused_from_b;  // the rule's sentence; empty: measured
};

struct attributed_figure {
  std::string name, unit;
  bool exact = false;
  double a = 0, b = 0;
  estimate gap;                    // b - a
  std::vector<axis_share> shares;  // by axis
  estimate rest;
};

struct attribution {
  comparison measured;
  std::vector<attributed_axis> axes;
  std::vector<attributed_figure> figures;  // CPU, medians of kinds of operation, then exact ones that differ
};

// `request.variants` are A and B. Throws command_error.
attribution run_attribution(const experiment_request& request);

int exit_code_of(const attribution& a);
nlohmann::json attribution_json(const attribution& a);
std::string attribution_text(const attribution& a);

}  // namespace tophash::lab

#endif
