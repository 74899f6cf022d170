// SPDX-License-Identifier: Apache-2.0
// What the lab measures of storage itself, as sections of the report: `run --workload fragmentation`
// (tophash-fragmentation-1), `replay --allocations` (tophash-allocations-1) and `--memory`
// (tophash-equal-memory-1). Each has its findings, its plots and, behind every plot, the table with all
// figures and each row's explanation by its counters. The same results give the same bytes.
#ifndef TOPHASH_BENCH_LAB_REPORT_STORAGE_PAGE_HPP
#define TOPHASH_BENCH_LAB_REPORT_STORAGE_PAGE_HPP

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "lab/report/sections.hpp"

namespace tophash::lab::report {

bool is_storage_result(const nlohmann::json& result);

struct storage_section {
  std::string title, id, html;
  std::vector<std::string> findings;  // not escaped
};

// `where` names the result in messages, e.g. "result 2". Throws std::runtime_error: which field is missing or
// of another type.
storage_section make_storage_section(const nlohmann::json& result, std::string_view where,
                                     const std::string& id, drawing& plots);

}  // namespace tophash::lab::report

#endif
