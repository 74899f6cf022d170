// SPDX-License-Identifier: Apache-2.0
// What is true of Go's map, in sentences of ours (bench/claims/truths.json). A sentence names the verdicts
// that it stands on and nothing else: a run in which one of them comes out otherwise says so instead.
#ifndef TOPHASH_BENCH_LAB_TRUTHS_HPP
#define TOPHASH_BENCH_LAB_TRUTHS_HPP

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "lab/claims.hpp"

namespace tophash::lab {

inline constexpr std::string_view truths_schema = "tophash-truths-1";

// One parsed file; `file` is only named in errors. Throws claim_error.
std::vector<stated_truth> parse_truths(const nlohmann::json& value, const std::string& file);

// That each verdict is named of a claim or of a table's row that there is. Throws claim_error.
void check_truths(const claim_ledger& ledger);

// [{"says", "stands_on": [{"id", "needed", "found", "by"}], "is": "holds" | "open" | "contradicted"}] from a
// run (schema tophash-reproduction-1). `by` is "measured", "test" or "Go"; a test's verdict is the one that
// follows if it passes. Open: a verdict is missing or NOT RESOLVABLE HERE, and none is another.
nlohmann::json truths_json(const std::vector<stated_truth>& truths, const nlohmann::json& reproduction);

}  // namespace tophash::lab

#endif
