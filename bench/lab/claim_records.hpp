// SPDX-License-Identifier: Apache-2.0
// The ledger: one record for each published claim, the files bench/claims/ledger-*.json. A record says what
// decides its claim: rows of our tables, a test of ours, a command of Go's toolchain, or why nothing does.
// No record holds a verdict: it follows from the row, from the test, from what the command prints.
#ifndef TOPHASH_BENCH_LAB_CLAIM_RECORDS_HPP
#define TOPHASH_BENCH_LAB_CLAIM_RECORDS_HPP

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "lab/claims.hpp"
#include "lab/claims_verdict.hpp"

namespace tophash::lab {

inline constexpr std::string_view ledger_schema = "tophash-ledger-1";

// More claims than this that cannot be tested would be an excuse.
inline constexpr std::size_t most_not_testable = 30;

inline constexpr std::array claim_classes = {claim_class::measured, claim_class::by_construction,
                                             claim_class::needs_go, claim_class::not_testable};
// "measured here", "decided by construction", "needs real Go", "not testable"
std::string_view class_name(claim_class c) noexcept;

// One parsed file; `file` is only named in errors, which name the record too. Throws claim_error.
std::vector<ledger_record> parse_records(const nlohmann::json& value, const std::string& file,
                                         const std::vector<article>& articles);

// What only shows over all files: an id that stands twice, too many that are not testable, rows that there
// are not, rows of a claim whose record names none. Throws claim_error.
void check_records(const claim_ledger& ledger);

// `happened`: the named test passed, the named command printed a line; empty: not tried. NOT RESOLVABLE HERE
// for the other classes.
verdict decided(const ledger_record& record, std::optional<bool> happened) noexcept;

// How CTest is told to run that test alone.
std::string test_command(const std::string& test);

// Records per class, in the order of claim_classes.
std::array<std::size_t, claim_classes.size()> count_classes(const std::vector<ledger_record>& records);

nlohmann::json record_json(const ledger_record& record);
// Several lines: the claim, and what decides it.
std::string record_text(const ledger_record& record);

}  // namespace tophash::lab

#endif
