// SPDX-License-Identifier: Apache-2.0
#include "lab/report/table.hpp"

#include "lab/report/text.hpp"

namespace tophash::lab::report {
namespace {

cell number_cell(const std::optional<double>& value, const std::string& text) {
  return value ? cell{text, exact(*value), ""} : cell{};
}

bool has_any(const table& t, std::size_t column_index) {
  for (const std::vector<cell>& row : t.rows) {
    if (!row[column_index].html.empty()) return true;
  }
  return false;
}

std::string heading_html(const column& c) {
  return std::string("<th scope=\"col\"") + (c.numeric ? " class=\"number\"" : "") +
         "><button type=\"button\">" + escape(c.heading) + "</button></th>";
}

std::string cell_html(const cell& c, const column& of) {
  std::string classes = of.numeric ? "number" : "";
  if (!c.style_class.empty()) classes += (classes.empty() ? "" : " ") + c.style_class;
  std::string out = "<td";
  if (!classes.empty()) out += " class=\"" + classes + "\"";
  if (!c.sort_key.empty()) out += " data-key=\"" + escape(c.sort_key) + "\"";
  return out + ">" + (c.html.empty() && of.numeric ? "<span class=\"none\">\xE2\x80\x93</span>" : c.html) +
         "</td>";
}

}  // namespace

cell text_cell(const std::string& text) { return {escape(text), "", ""}; }
cell figure_cell(const std::optional<double>& value) {
  return number_cell(value, value ? figure(*value) : "");
}
cell fixed_cell(const std::optional<double>& value, int decimals) {
  return number_cell(value, value ? fixed(*value, decimals) : "");
}
cell count_cell(const std::optional<double>& value) { return fixed_cell(value, 0); }

std::string table_html(const table& t) {
  std::vector<std::size_t> shown;
  for (std::size_t c = 0; c < t.columns.size(); ++c) {
    if (has_any(t, c)) shown.push_back(c);
  }
  std::string out = "<div class=\"scroll table\" tabindex=\"0\"><table><caption>" + escape(t.caption) +
                    "</caption><thead><tr>";
  for (const std::size_t c : shown) out += heading_html(t.columns[c]);
  out += "</tr></thead><tbody>\n";
  for (const std::vector<cell>& row : t.rows) {
    out += "<tr>";
    for (const std::size_t c : shown) out += cell_html(row[c], t.columns[c]);
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>";
}

std::string folded_table(const table& t, bool open) {
  return std::string("<details class=\"data\"") + (open ? " open" : "") +
         "><summary>Table: " + escape(t.caption) + " (" + std::to_string(t.rows.size()) +
         (t.rows.size() == 1 ? " row" : " rows") + ")</summary>" + table_html(t) + "</details>";
}

}  // namespace tophash::lab::report
