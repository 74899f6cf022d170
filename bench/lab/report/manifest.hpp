// SPDX-License-Identifier: Apache-2.0
// Manifests: the one line that says on which machine and with which build the page's figures were taken, and
// the whole of each manifest at the end of the page. Manifests that differ in these are never merged into one
// line.
#ifndef TOPHASH_BENCH_LAB_REPORT_MANIFEST_HPP
#define TOPHASH_BENCH_LAB_REPORT_MANIFEST_HPP

#include <span>
#include <string>

#include "lab/report/view.hpp"

namespace tophash::lab::report {

std::string machine_line(const nlohmann::json& manifest);               // not escaped; may be empty
std::string manifest_list(const nlohmann::json& manifest);              // HTML
std::string machine_paragraph(std::span<const experiment_view> views);  // HTML
std::string manifests_part(std::span<const experiment_view> views);     // HTML

}  // namespace tophash::lab::report

#endif
