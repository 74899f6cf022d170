// SPDX-License-Identifier: Apache-2.0
// What `tophash reproduce` found (schema tophash-reproduction-1) for readers: as a self-contained page, and
// as Markdown (docs/reproduction.md). What is true of Go's map comes first, with the verdicts that each
// sentence stands on; then the tables, then every claim. Both are made from the file alone: no figure is
// added.
#ifndef TOPHASH_BENCH_LAB_REPORT_REPRODUCTION_PAGE_HPP
#define TOPHASH_BENCH_LAB_REPORT_REPRODUCTION_PAGE_HPP

#include <filesystem>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace tophash::lab {

// All throw std::runtime_error for another schema or a field that is missing.
std::string reproduction_page(const nlohmann::json& reproduction);
std::string reproduction_document(const nlohmann::json& reproduction);

// As write_report: a half page is never seen.
void write_reproduction_page(const nlohmann::json& reproduction, const std::filesystem::path& output);
void write_reproduction_document(const nlohmann::json& reproduction, const std::filesystem::path& output);

}  // namespace tophash::lab

#endif
