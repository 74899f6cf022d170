// SPDX-License-Identifier: Apache-2.0
// An experiment as JSON (schema tophash-result-1) and as a table on a terminal. A part that was not measured
// is absent; nothing is written as zero that was not counted.
#ifndef TOPHASH_BENCH_LAB_RESULT_HPP
#define TOPHASH_BENCH_LAB_RESULT_HPP

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "lab/experiment.hpp"
#include "lab/statistics.hpp"

namespace tophash::lab {

// {"median", "low", "high"}, as every result has its measured figures.
nlohmann::json interval_json(const estimate& e);
nlohmann::json result_json(const experiment& e);
std::string result_table(const experiment& e);

}  // namespace tophash::lab

#endif
