// SPDX-License-Identifier: Apache-2.0
// Tables of the page: sorted by a click on a heading, filtered by a word, complete without either. A column
// in which no row has anything is left out.
#ifndef TOPHASH_BENCH_LAB_REPORT_TABLE_HPP
#define TOPHASH_BENCH_LAB_REPORT_TABLE_HPP

#include <optional>
#include <string>
#include <vector>

namespace tophash::lab::report {

struct column {
  std::string heading;  // not escaped; with its unit
  bool numeric = true;
};

struct cell {
  std::string html;         // escaped already; empty: nothing to say
  std::string sort_key;     // what the column sorts by; empty: the text
  std::string style_class;  // of the <td>
};

cell text_cell(const std::string& text);
cell figure_cell(const std::optional<double>& value);               // three significant digits
cell fixed_cell(const std::optional<double>& value, int decimals);  // the same decimals in the whole column
cell count_cell(const std::optional<double>& value);

struct table {
  std::string caption;  // not escaped
  std::vector<column> columns;
  std::vector<std::vector<cell>> rows;  // of the columns' length
};

std::string table_html(const table& t);
// Behind a closed summary; `open` where no plot stands above it.
std::string folded_table(const table& t, bool open);

}  // namespace tophash::lab::report

#endif
