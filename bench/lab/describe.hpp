// SPDX-License-Identifier: Apache-2.0
// `list` and `explain`: what there is, and what a composition means or why it is refused; as text and as
// JSON.
#ifndef TOPHASH_BENCH_LAB_DESCRIBE_HPP
#define TOPHASH_BENCH_LAB_DESCRIBE_HPP

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace tophash::lab {

const std::vector<std::string>& list_topics();
nlohmann::json list_json(const std::string& topic);  // throws command_error
std::string list_text(const std::string& topic);

// The rule's sentence is in `violation` when the composition is refused.
nlohmann::json explain_json(const std::string& spec, const std::string& key, const std::string& value);
std::string explain_text(const nlohmann::json& explained);

// A program to paste; throws command_error with the rule's sentence when the composition is refused.
std::string explain_program(const std::string& spec, const std::string& key, const std::string& value);
// The same for a translation unit with one operation (lab/variant_source.hpp).
std::string operation_program(const std::string& spec, const std::string& key, const std::string& value,
                              const std::string& operation);

}  // namespace tophash::lab

#endif
