// SPDX-License-Identifier: Apache-2.0
// The fixed pieces of the page: style, script and frame. They hold nothing that comes from a result.
#ifndef TOPHASH_BENCH_LAB_REPORT_PAGE_HPP
#define TOPHASH_BENCH_LAB_REPORT_PAGE_HPP

#include <string>

namespace tophash::lab::report {

std::string page_head();  // from the doctype to <body>
std::string page_foot();  // the script and the closing tags

}  // namespace tophash::lab::report

#endif
