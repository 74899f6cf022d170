// SPDX-License-Identifier: Apache-2.0
// The bucket story (bucket_story.hpp) as pictures: one a step, slots as boxes with their tags, chains as rows.
// What changed since the step before is framed.
#ifndef TOPHASH_BENCH_LAB_REPORT_BUCKET_DRAWING_HPP
#define TOPHASH_BENCH_LAB_REPORT_BUCKET_DRAWING_HPP

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace tophash::lab::report {

// HTML with inline SVG. Empty for an empty story.
std::string bucket_drawings(const nlohmann::json& story);

}  // namespace tophash::lab::report

#endif
