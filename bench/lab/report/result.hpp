// SPDX-License-Identifier: Apache-2.0
// A result of the lab as the report reads it. Required are the schema's name, `experiment`, `rows` and each
// row's `variant`; every other part may be absent (or null) and is then left out of the page. A part that is
// there but has the wrong type is an error that names the field: a page must not quietly lose a measurement.
#ifndef TOPHASH_BENCH_LAB_REPORT_RESULT_HPP
#define TOPHASH_BENCH_LAB_REPORT_RESULT_HPP

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace tophash::lab::report {

struct interval {
  double median = 0;
  std::optional<double> low, high;
};

struct percentiles {
  std::optional<double> p50, p90, p99, p99_9, max;
  bool any() const { return p50 || p90 || p99 || p99_9 || max; }
};

struct load_point {
  double load = 0;
  std::optional<double> overflow_percent, hit_probes, miss_probes, overhead_bytes_per_entry;
  std::optional<double> sampled_hit_probes, sampled_miss_probes;  // over random look-ups
  std::optional<double> hit_ns, miss_ns;
};

using bytes_by_purpose = std::vector<std::pair<std::string, double>>;

struct memory_figures {
  std::optional<double> peak_bytes, end_bytes, rss_bytes;
  bytes_by_purpose by_purpose;       // at the end of the run
  bytes_by_purpose peak_by_purpose;  // each purpose's own largest, not all at one moment
};

struct gc_figures {
  std::optional<double> collections, heap_bytes, heap_peak_bytes, allocated_bytes,
      allocation_rate_bytes_per_s, collector_cpu_ns;
  percentiles stop_the_world_ns, stall_ns;
};

struct overflow_figures {
  std::optional<double> requested, recycled;
};

struct row {
  std::string variant, spec, allocator, collector, key, checksum, rerun;
  std::string pattern;  // of a matrix over patterns; rows of one are not compared with another's
  std::string trouble;  // why the row was not measured; empty: it was
  std::optional<double> n, ops, allocations;
  std::optional<interval> ns_per_op, ratio;
  std::string ratio_to;
  std::optional<percentiles> latency_ns;
  std::optional<memory_figures> memory;
  std::optional<gc_figures> gc;
  std::optional<overflow_figures> overflow;
  std::vector<load_point> load_sweep;
  std::vector<std::pair<std::string, std::string>> counters;  // name, figure; nested names joined by a dot
};

struct result {
  std::string command, subject, n, repeat, seed, argv, input;  // as text; empty: not given
  bool partial = false;                                        // the run was interrupted
  nlohmann::json manifest;                                     // an object, possibly empty
  std::vector<row> rows;
  std::vector<std::string> findings;
  std::vector<std::string> left_out;    // combinations that were not run, and why
  std::vector<std::string> mismatches;  // rows that did not compute the same results
};

// `where` names the result in messages, e.g. "result 2". Throws std::runtime_error.
result read_result(const nlohmann::json& value, std::string_view where);

// The text of a scalar: strings as they stand, numbers and truth values as JSON writes them.
std::string scalar_text(const nlohmann::json& value);

}  // namespace tophash::lab::report

#endif
