// SPDX-License-Identifier: Apache-2.0
// The two tables that leave nothing out: every counter, and every row with its spec and the command that
// makes it again.
#include <algorithm>
#include <cstdlib>

#include "lab/report/sections.hpp"
#include "lab/report/text.hpp"

namespace tophash::lab::report {
namespace {

const std::string* counter_of(const row& r, const std::string& name) {
  for (const auto& [counter, value] : r.counters) {
    if (counter == name) return &value;
  }
  return nullptr;
}

bool reads_as_number(const std::string& text, double& value) {
  const char* begin = text.c_str();
  char* end = nullptr;
  value = std::strtod(begin, &end);
  return end != begin && *end == '\0';
}

cell counter_cell(const std::string* text) {
  if (text == nullptr) return {};
  double value = 0;
  if (!reads_as_number(*text, value)) return text_cell(*text);
  const bool whole = text->find_first_not_of("-0123456789") == std::string::npos;
  return whole ? count_cell(value) : figure_cell(value);
}

cell rerun_cell(const row& r) {
  if (r.rerun.empty()) return {};
  return {"<button type=\"button\" data-copy=\"" + escape(r.rerun) + "\" title=\"" + escape(r.rerun) +
              "\">copy command</button>",
          r.rerun, ""};
}

}  // namespace

std::string counters_part(const experiment_view& e) {
  table t{"counters", row_columns(), {}};
  std::vector<std::string> names;
  for (const row_view& r : e.rows) {
    for (const auto& [name, value] : r.figures->counters) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  if (names.empty()) return {};
  for (const std::string& name : names) t.columns.push_back({name});
  for (const row_view& r : e.rows) {
    if (r.figures->counters.empty()) continue;
    t.rows.push_back(row_cells(r));
    for (const std::string& name : names) t.rows.back().push_back(counter_cell(counter_of(*r.figures, name)));
  }
  return "<h3>Counters</h3>\n" + folded_table(t, false);
}

std::string rows_part(const experiment_view& e) {
  table t{"every row of the result, with its spec and the command that makes it again", row_columns(), {}};
  const std::vector<column> more = {{"ns/op"},       {"p99 ns"},          {"peak MiB"},
                                    {"operations"},  {"checksum", false}, {"given name", false},
                                    {"spec", false}, {"rerun", false}};
  t.columns.insert(t.columns.end(), more.begin(), more.end());
  for (const row_view& r : e.rows) {
    const row& f = *r.figures;
    std::vector<cell> cells = row_cells(r);
    cells.push_back(figure_cell(f.ns_per_op ? std::optional(f.ns_per_op->median) : std::nullopt));
    cells.push_back(figure_cell(f.latency_ns ? f.latency_ns->p99 : std::nullopt));
    const std::optional<double> peak = memory_bytes(f, memory_basis::peak);
    cells.push_back(fixed_cell(peak ? std::optional(*peak / bytes_per_mib) : std::nullopt, 2));
    cells.push_back(count_cell(f.ops));
    cells.push_back(f.checksum.empty() ? cell{}
                                       : cell{"<code>" + escape(f.checksum) + "</code>", f.checksum, ""});
    cells.push_back(text_cell(f.variant));
    cells.push_back(
        f.spec.empty()
            ? cell{}
            : cell{"<code title=\"" + escape(f.spec) + "\">" + escape(f.spec) + "</code>", f.spec, "spec"});
    cells.push_back(rerun_cell(f));
    t.rows.push_back(std::move(cells));
  }
  return "<h3>All rows</h3>\n" + table_html(t);
}

}  // namespace tophash::lab::report
