// SPDX-License-Identifier: Apache-2.0
// Published claims as data: the files in bench/claims, one for each published table, articles.json with the
// articles' own headings, and ledger-*.json with a record for each claim. A table's file says what was
// published, what is measured and which rule decides; no measured figure is in any of them. Read at run time;
// everything is checked on loading, and what() of an error names file and field. The format is described in
// docs/reproduce.md.
#ifndef TOPHASH_BENCH_LAB_CLAIMS_HPP
#define TOPHASH_BENCH_LAB_CLAIMS_HPP

#include <filesystem>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace tophash::lab {

// what() is `FILE: field: reason`.
class claim_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// What a measured figure is held against. All but `undefined` accept an interval of figures:
//   within_factor   figure / tolerance .. figure * tolerance
//   within_percent  figure less or more `tolerance` per cent of it
//   within          figure less or more `tolerance`, in the figure's unit
//   at_most, at_least   up to, or from, the figure; moved by `tolerance` in its unit
//   undefined       the article gives no method or no figure: nothing can be held against it
enum class claim_comparison { within_factor, within_percent, within, at_most, at_least, undefined };
std::string_view comparison_name(claim_comparison c) noexcept;

// The direction that the article claims beside the size: the reading is greater (less) than another metric.
struct claimed_direction {
  bool greater = true;
  std::string than;
};

struct claim_rule {
  std::vector<std::string> readings;  // metrics; more than one where the article does not say which it means
  std::string per;                    // not empty: each reading is divided by this metric, round by round
  claim_comparison compare = claim_comparison::undefined;
  double figure = 0;
  double tolerance = 0;
  bool inverted = false;  // confirmed by what would refute it
  std::optional<claimed_direction> direction;
  std::string why;  // the tolerance's reason; with `undefined`, what is missing
};

struct claim {
  std::string id;        // unique over all files
  std::string of_table;  // T-A1
  std::string ledger;    // A30: the article's claim that this is a figure of
  std::string label;     // of its row
  std::string sentence;
  std::optional<double> figure;  // as published
  std::string text;              // as published, where it is no number ("> 95")
  std::string unit;
  claim_rule rule;
};

struct claim_table {
  std::string id, file, article, section, heading, title;
  std::string workload;                            // names the measurement
  std::map<std::string, double> parameters;        // of it
  std::map<std::string, double> quick_parameters;  // what --quick changes of them
  std::vector<std::string> variants;               // SPECs; the first is judged, the others are shown
  std::vector<claim> claims;
};

struct article_section {
  std::string number, heading, english;
  std::vector<std::string> ledger;  // ids of the claims that it holds
};

struct article {
  std::string id, title, english;
  std::vector<article_section> sections;
};

enum class claim_class { measured, by_construction, needs_go, not_testable };

// What decides one published claim; see claim_records.hpp.
struct ledger_record {
  std::string id;  // A1; T-A4 of a table that is published without figures of its own
  std::string file, article, section, heading;
  std::string sentence;  // ours
  std::string reported;  // the figure as published, if there is one
  claim_class is = claim_class::not_testable;
  std::vector<std::string> rows;  // measured: ids of claims of tables
  std::string test;               // by construction: CTest's name of a test
  std::string command;            // needs Go: prints a line, or none; a failure decides nothing
  bool confirms = false;          // a test that passes, a command that prints a line
  bool inverted = false;          // confirmed by what would refute it
  std::string why;                // what the test or the command shows; why it is not testable
};

// A sentence of ours about Go's map, and the verdicts that it stands on (truths.hpp).
struct stated_truth {
  std::string file;
  std::string says;
  std::vector<std::pair<std::string, std::string>> stands_on;  // a row's or a claim's id, the verdict's name
};

struct claim_ledger {
  std::vector<article> articles;
  std::vector<claim_table> tables;     // by id
  std::vector<ledger_record> records;  // by article, in the article's order
  std::vector<stated_truth> truths;    // in the file's order
};

// All files of a folder. Throws claim_error.
claim_ledger load_claims(const std::filesystem::path& folder);

// One parsed file; `file` is only named in errors.
std::vector<article> parse_articles(const nlohmann::json& value, const std::string& file);
claim_table parse_claim_table(const nlohmann::json& value, const std::string& file,
                              const std::vector<article>& articles);

// Where claims, or the Go programs, are: `given` if not empty, else share/tophash/<name> beside an installed
// program, else the source folder that the program was built from.
std::filesystem::path claims_folder(const std::string& given);
std::filesystem::path go_folder();

struct claim_filter {
  std::string article, section,
      search;  // empty: all. `search` looks into texts and headings, whatever the case
  bool empty() const noexcept { return article.empty() && section.empty() && search.empty(); }
};

// {"claims": [...], "sections": [...], "ledger": [...], "classes": {...}}, as `tophash list claims` shows
// them: the tables' rows, the sections that a filter meets, one record for each claim, and how many records
// are of each class. Throws command_error if the filter names an unknown article or section.
nlohmann::json claims_json(const claim_ledger& ledger, const claim_filter& filter);
std::string claims_text(const nlohmann::json& claims);

nlohmann::json rule_json(const claim_rule& rule);

}  // namespace tophash::lab

#endif
