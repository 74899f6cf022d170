// SPDX-License-Identifier: Apache-2.0
// The report: results of the lab (schema tophash-result-1; of storage itself: report/storage_page.hpp) as one
// self-contained HTML page.
// Invariants: the page loads nothing and links nowhere; every text that comes from a result is escaped; the
// same results give the same bytes (no clock, no random id); every row of every result stands in a table.
// Plots are drawn by gnuplot; without it the page has the tables and says so in one line.
// Cost: one gnuplot process a plot, about 30 ms each; the page is about 10 kB a row with all its parts.
#ifndef TOPHASH_BENCH_LAB_REPORT_REPORT_HPP
#define TOPHASH_BENCH_LAB_REPORT_REPORT_HPP

#include <filesystem>
#include <span>
#include <string>

#include <nlohmann/json.hpp>

namespace tophash::lab {

struct report_options {
  std::string gnuplot = "gnuplot";  // a program's name, looked up in PATH, or its path; empty: draw no plots
};

// Writes the page beside `output` and renames it there: an interrupted write leaves no half page.
// Throws std::runtime_error: which result and which field is wrong, or which file cannot be written and why.
void write_report(std::span<const nlohmann::json> results, const std::filesystem::path& output,
                  const report_options& options = {});

// The page itself, for those who want to send it elsewhere.
std::string report_page(std::span<const nlohmann::json> results, const report_options& options = {});

}  // namespace tophash::lab

#endif
