// SPDX-License-Identifier: Apache-2.0
// A result made ready for the page: rows with their short name, look and storage, in groups that may be
// compared (one key type, one pattern, one n). Rows of different experiments are never drawn into one plot.
#ifndef TOPHASH_BENCH_LAB_REPORT_VIEW_HPP
#define TOPHASH_BENCH_LAB_REPORT_VIEW_HPP

#include <optional>
#include <string>
#include <vector>

#include "lab/report/naming.hpp"
#include "lab/report/result.hpp"

namespace tophash::lab::report {

struct row_view {
  const row* figures = nullptr;
  std::string name;     // short, not escaped
  std::string storage;  // "system"; may be empty
  look appearance;
  int marker = 0;
};

struct group {
  std::string key;
  std::string pattern;
  std::optional<double> n;
  std::vector<row_view> rows;
};

struct experiment_view {
  const result* source = nullptr;
  std::string title;   // "replay alloc_python_ast"
  std::string id;      // "e1", the page's anchor
  std::string shared;  // options in which all specs agree
  std::vector<row_view> rows;
  std::vector<group> groups;  // in order of appearance
};

experiment_view make_view(const result& source, const palette& looks, std::size_t index);

// "u64 keys, n = 1,000"; empty when the group says neither.
std::string group_title(const group& g);
// The name with its storage: "dirty · incremental(2), mimalloc".
std::string full_name(const row_view& r);
// What stands behind the short name, for hovering: the spec, or the variant where there is none.
const std::string& spec_or_variant(const row& r);

enum class memory_basis { none, peak, end, purposes };
// The one basis that a comparison of these rows can use: their peak if any row has it, else the end, else the
// sum.
memory_basis basis_of(const std::vector<row_view>& rows);
std::optional<double> memory_bytes(const row& r, memory_basis basis);
const char* basis_text(memory_basis basis);

// The rows that no other row beats in both time and memory, by memory ascending. Of equal rows all are kept.
std::vector<std::size_t> pareto(const std::vector<row_view>& rows, memory_basis basis);

}  // namespace tophash::lab::report

#endif
