// SPDX-License-Identifier: Apache-2.0
// The fixed pieces of the page: style, script and frame. They hold nothing that comes from a result.
#ifndef TOPHASH_BENCH_LAB_REPORT_PAGE_HPP
#define TOPHASH_BENCH_LAB_REPORT_PAGE_HPP

#include <filesystem>
#include <string>

namespace tophash::lab::report {

std::string page_head();  // from the doctype to <body>
std::string page_foot();  // the script and the closing tags

// Beside the file first, and renamed: an interrupted write leaves no half page. Throws std::runtime_error.
void write_page(const std::string& page, const std::filesystem::path& output);

}  // namespace tophash::lab::report

#endif
