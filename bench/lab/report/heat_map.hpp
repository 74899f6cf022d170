// SPDX-License-Identifier: Apache-2.0
// Buckets as a grid, in their order from the upper left, each as dark as its chain is long. One scale for all maps of
// a table, by the logarithm: a chain of thousands beside empty ones.
#ifndef TOPHASH_BENCH_LAB_REPORT_HEAT_MAP_HPP
#define TOPHASH_BENCH_LAB_REPORT_HEAT_MAP_HPP

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace tophash::lab::report {

// HTML with inline SVG of [{"title": text, "entries": [entries of bucket 0, ...]}]. Empty for none.
std::string heat_maps(const nlohmann::json& maps);

}  // namespace tophash::lab::report

#endif
