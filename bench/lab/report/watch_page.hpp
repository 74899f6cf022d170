// SPDX-License-Identifier: Apache-2.0
// A timeline (schema tophash-watch-1) as a page: curves over the operations, and the table behind them.
#ifndef TOPHASH_BENCH_LAB_REPORT_WATCH_PAGE_HPP
#define TOPHASH_BENCH_LAB_REPORT_WATCH_PAGE_HPP

#include <filesystem>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "lab/report/report.hpp"

namespace tophash::lab {

std::string watch_page(const nlohmann::json& timeline, const report_options& options = {});

// As write_report: a half page is never seen. Throws std::runtime_error.
void write_watch_page(const nlohmann::json& timeline, const std::filesystem::path& output,
                      const report_options& options = {});

}  // namespace tophash::lab

#endif
