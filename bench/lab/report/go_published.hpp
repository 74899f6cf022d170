// SPDX-License-Identifier: Apache-2.0
// The table in the comment of Go 1.19's map source: tables just before growth, 8-byte keys and values, by
// load (entries per bucket of eight). Published figures, shown beside measured ones and never in their place.
#ifndef TOPHASH_BENCH_LAB_REPORT_GO_PUBLISHED_HPP
#define TOPHASH_BENCH_LAB_REPORT_GO_PUBLISHED_HPP

#include <array>
#include <cmath>

namespace tophash::lab::report {

struct go_load_row {
  double load, overflow_percent, overhead_bytes_per_entry, hit_probes, miss_probes;
};

inline constexpr std::array<go_load_row, 6> go_published = {{{4.0, 2.13, 20.77, 3.00, 4.00},
                                                             {5.0, 6.85, 14.77, 3.50, 5.00},
                                                             {6.0, 15.27, 11.67, 4.00, 6.00},
                                                             {6.5, 20.90, 10.79, 4.25, 6.50},
                                                             {7.0, 27.14, 10.15, 4.50, 7.00},
                                                             {8.0, 41.10, 9.40, 5.00, 8.00}}};
inline constexpr const char* go_published_label = "Go 1.19 (source comment)";

inline const go_load_row* go_published_at(double load) {
  for (const go_load_row& row : go_published) {
    if (load > row.load - 0.005 && load < row.load + 0.005) return &row;
  }
  return nullptr;
}

// What a hash that spreads entries independently gives: entries per bucket are Poisson distributed, and the
// buckets with more than eight overflow, in percent.
inline double ideal_overflow_percent(double load) {
  double term = std::exp(-load), fitting = term;
  for (int entries = 1; entries <= 8; ++entries) {
    term *= load / entries;
    fitting += term;
  }
  return 100 * (1 - fitting);
}

}  // namespace tophash::lab::report

#endif
