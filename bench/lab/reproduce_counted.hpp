// SPDX-License-Identifier: Apache-2.0
// From counted sections to metrics, the same way for each table that counts.
#ifndef TOPHASH_BENCH_LAB_REPRODUCE_COUNTED_HPP
#define TOPHASH_BENCH_LAB_REPRODUCE_COUNTED_HPP

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "lab/counted.hpp"
#include "lab/reproduce_measure.hpp"

namespace tophash::lab {

// Rounds of one event in one section; empty where it was not counted.
const std::vector<double>& rounds_of(const counted_result& counted, const std::string& section,
                                     const std::string& event);

// Notes `metric` by round from the values of several (section, event) pairs; where one of them was not
// counted, the metric is missing, and says why.
struct counted_term {
  std::string section, event;
};
void note_counted(claim_measurement& out, const counted_result& counted, const std::string& metric,
                  const std::string& unit, const std::vector<counted_term>& terms,
                  const std::function<double(const std::vector<double>&)>& value);

// "counted by callgrind, with a simulated cache: no hardware counters (...)", for a why line.
std::string counted_by(const counted_result& counted);

}  // namespace tophash::lab

#endif
