// SPDX-License-Identifier: Apache-2.0
// Lookup among the built variants. Rows are made once, at first use; a registration from a static initialiser
// of another file, linked or loaded later, lands in the same list, behind the built-in ones.
#include "lab/registry.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "lab/catalogue.hpp"
#include "lab/nearest.hpp"
#include "lab/variant.hpp"

namespace tophash::lab {

namespace {

std::vector<variant_row>& registered() {
  static std::vector<variant_row> rows;
  return rows;
}

// A spec without regard to its storage, which is chosen at run time.
std::string without_storage(const spec_description& spec) {
  return canonical(with_option(spec, "allocation=system"));
}

}  // namespace

void register_variant(variant_row row) { registered().push_back(std::move(row)); }

const std::deque<variant_row>& variants() {
  static std::deque<variant_row> all = [] {
    std::vector<variant_row> out;
    add_curated_variants(out);
    add_baseline_variants(out);
    return std::deque<variant_row>(out.begin(), out.end());
  }();
  static std::size_t taken = 0;
  for (; taken < registered().size(); ++taken) all.push_back(registered()[taken]);
  return all;
}

const variant_row* find_variant(std::string_view name) {
  for (const variant_row& row : variants()) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

std::vector<std::string> nearest_variants(std::string_view spec_text, std::size_t count) {
  const spec_description wanted = parse_spec(spec_text);
  std::vector<std::pair<std::size_t, std::string>> ranked;
  for (const variant_row& row : variants()) {
    if (row.spec.empty() || !row.any_storage) continue;
    ranked.emplace_back(differing_axes(wanted, parse_spec(row.spec)).size(), row.name);
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> out;
  for (const auto& [distance, name] : ranked) {
    if (out.size() < count) out.push_back(name);
  }
  return out;
}

namespace {

variant_choice choose_by_spec(std::string_view text, const spec_description& spec) {
  variant_choice out;
  if (const std::optional<violation> broken = check_rules(spec, nullptr)) {
    out.error = broken->message();
    return out;
  }
  const std::string wanted = without_storage(spec);
  for (const variant_row& row : variants()) {
    if (row.any_storage && row.spec == wanted) out.rows.push_back(&row);
  }
  if (!out.rows.empty()) return out;
  out.not_built = true;
  out.error = "the SPEC '" + std::string{text} + "' is legal but not built into this program; nearest built:";
  for (const std::string& name : nearest_variants(text)) out.error += " " + name + ";";
  out.error.back() = ' ';
  out.error += "(without --no-compile it is compiled)";
  return out;
}

}  // namespace

variant_choice choose_variants(std::string_view text) {
  variant_choice out;
  if (text == "all") {
    for (const variant_row& row : variants()) out.rows.push_back(&row);
    return out;
  }
  if (const variant_row* row = find_variant(text)) {
    out.rows.push_back(row);
    return out;
  }
  try {
    return choose_by_spec(text, parse_spec(text));
  } catch (const spec_error& error) {
    std::vector<std::string> names;
    for (const variant_row& row : variants()) names.push_back(row.name);
    out.error = "'" + std::string{text} + "' is neither a built variant" + nearest_hint(text, names) +
                " nor a SPEC (" + error.what() + ")";
    return out;
  }
}

}  // namespace tophash::lab
