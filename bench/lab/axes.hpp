// SPDX-License-Identifier: Apache-2.0
// `tophash axes`: what each axis is worth on the shipped traces. Of every axis, two compositions that differ
// on it alone (or one composition on two storages), the metric that the axis is there to move, and the
// counter that says by what. What is counted is exact: the trace and the seed decide it, and no clock is
// read. Where only time can show what an axis does, the figure is a paired ratio with its interval, and apart
// from the others. An axis moves its metric if one side has at least twice the other's. Which do not is part
// of the result.
#ifndef TOPHASH_BENCH_LAB_AXES_HPP
#define TOPHASH_BENCH_LAB_AXES_HPP

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "lab/statistics.hpp"

namespace tophash::lab {

inline constexpr double axis_moves_at = 2;
inline constexpr unsigned axes_rounds = 15;

struct axes_request {
  std::vector<std::string> axes;  // empty: all
  bool compile = true;            // false: pairs that are built in only
  bool times = true;              // false: exact figures only
  unsigned rounds = axes_rounds;  // of what is time
  std::uint64_t seed = 1;
  std::vector<std::string> argv;
  std::function<void(const std::string&)> progress = [](const std::string&) {};
};

// What a figure is decided by: the seed; the machine, in kind but not in its digits; the clock.
enum class axis_evidence : unsigned char { exact, machine, time };

struct axis_reading {
  std::string name;
  std::optional<double> a, b;
};

struct axis_row {
  std::string axis;
  std::string a, b;         // the axis's option, by which alone the two sides differ
  std::string in;           // what both sides have besides
  std::string trace, part;  // file name; which of its rows
  axis_evidence evidence = axis_evidence::exact;
  axis_reading metric, counter;
  std::optional<estimate> ratio;  // of a time: b to a
  std::string why;                // what the counter explains
  std::string trouble;            // not empty: not measured, and why

  // How many times one side has what the other has; infinite when one has none. Nothing: not measured.
  std::optional<double> factor() const;
  // Nothing: not measured, or the interval of a time holds the limit.
  std::optional<bool> moves() const;
};

struct axes_result {
  axes_request request;
  std::vector<axis_row> rows;
  std::vector<std::string> mismatches;
  bool interrupted = false;
};

// Throws command_error.
axes_result run_axes(const axes_request& request);

int exit_code_of(const axes_result& r);
nlohmann::json axes_json(const axes_result& r);
std::string axes_text(const axes_result& r);
std::string axes_document(const axes_result& r);  // docs/axes.md

}  // namespace tophash::lab

#endif
