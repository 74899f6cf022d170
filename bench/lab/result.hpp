// SPDX-License-Identifier: Apache-2.0
// An experiment as JSON (schema tophash-result-1) and as a table on a terminal. A part that was not measured
// is absent; nothing is written as zero that was not counted.
#ifndef TOPHASH_BENCH_LAB_RESULT_HPP
#define TOPHASH_BENCH_LAB_RESULT_HPP

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "lab/experiment.hpp"

namespace tophash::lab {

nlohmann::json result_json(const experiment& e);
std::string result_table(const experiment& e);

}  // namespace tophash::lab

#endif
