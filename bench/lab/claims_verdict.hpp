// SPDX-License-Identifier: Apache-2.0
// The verdict on a claim: a pure function of its rule and of what was measured. The measured figure is an
// interval (median of the rounds, see statistics.hpp), the rule accepts an interval of figures, and
//   CONFIRMED            the measured interval lies inside the accepted one
//   REFUTED              it lies outside
//   DIRECTION ONLY       outside, but the direction that the article claims is there, resolved
//   NOT RESOLVABLE HERE  it reaches across an edge (the tolerance is finer than the spread), it lies outside
//                        and the spread hides a time's claimed direction, nothing was measured, a time has
//                        too few rounds to have a spread,
//                        or the article defines nothing to measure
// With several readings of an unclear figure: confirmed if one reading is, refuted only if all are.
// A time that was taken beside other busy processes is at most what was measured and at least a part of it
// (`slowed`); the rule is held against that whole interval. So their work can make a verdict unresolvable and
// cannot make another one of it.
#ifndef TOPHASH_BENCH_LAB_CLAIMS_VERDICT_HPP
#define TOPHASH_BENCH_LAB_CLAIMS_VERDICT_HPP

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/claims.hpp"
#include "lab/statistics.hpp"

namespace tophash::lab {

enum class verdict { confirmed, refuted, direction_only, not_resolvable };
std::string_view verdict_name(verdict v) noexcept;  // CONFIRMED, ...

struct measured_metric {
  std::string unit;
  bool exact = false;          // a count: one round is enough
  std::vector<double> rounds;  // round i of every metric of a sample belongs together
  double slowed = 1;           // by at most this factor: alone, rounds[i] / slowed .. rounds[i]
};

using measured_sample = std::map<std::string, measured_metric>;

// Says of every time in the sample that it may be too long by this factor: metrics that are not exact and
// whose unit is one of time. Counts and bytes are what they are beside any process.
void mark_slowed(measured_sample& sample, double factor);

// A time measured in fewer rounds than this has no spread to speak of.
inline constexpr std::size_t fewest_timed_rounds = 3;

struct judged_reading {
  std::string metric;
  std::optional<estimate> value;  // of the quotient, where the rule has a `per`
  verdict is = verdict::not_resolvable;
  std::string reason;
};

struct ruling {
  verdict is = verdict::not_resolvable;
  std::size_t decided_by = 0;  // index into readings: the one to show; the first where all say the same
  std::vector<judged_reading> readings;
  const std::string& reason() const { return readings[decided_by].reason; }
};

// `unit` is the published figure's; a metric in another unit cannot be held against it (unless divided).
ruling judge(const claim_rule& rule, const std::string& unit, const measured_sample& sample);

// The accepted interval, before inversion. Ends may be infinite.
struct accepted_interval {
  double low, high;
};
accepted_interval accepted_by(const claim_rule& rule) noexcept;

}  // namespace tophash::lab

#endif
