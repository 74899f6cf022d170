// SPDX-License-Identifier: Apache-2.0
// What the lab searched, as sections of the report: `advise` (tophash-advice-1), `sweep` and `merge`
// (tophash-sweep-1), `axes` (tophash-axes-1). Each has its findings, its plots, and the table with every row
// of the result, the refused ones included. The same results give the same bytes.
#ifndef TOPHASH_BENCH_LAB_REPORT_SEARCH_PAGE_HPP
#define TOPHASH_BENCH_LAB_REPORT_SEARCH_PAGE_HPP

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "lab/report/sections.hpp"
#include "lab/report/storage_page.hpp"

namespace tophash::lab::report {

bool is_search_result(const nlohmann::json& result);

// `where` names the result in messages, e.g. "result 2". Throws std::runtime_error: which field is missing or
// of another type.
storage_section make_search_section(const nlohmann::json& result, std::string_view where,
                                    const std::string& id, drawing& plots);

}  // namespace tophash::lab::report

#endif
