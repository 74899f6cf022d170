// SPDX-License-Identifier: Apache-2.0
// Published claims: the verdict as a function of rule and sample (planted figures, right, wrong and too fine;
// inverted rules), what the loader says of broken files, the shipped files, the ledger against a list of ids
// and against the tests that there are, the collision meter against counts by hand, and the reader of Go's
// results.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "lab/claim_records.hpp"
#include "lab/claims.hpp"
#include "lab/claims_verdict.hpp"
#include "lab/collision_meter.hpp"
#include "lab/experiment.hpp"
#include "lab/reproduce.hpp"

namespace lab = tophash::lab;
namespace fs = std::filesystem;

namespace {

using lab::claim_comparison;
using lab::verdict;
using nlohmann::json;

lab::claim_rule rule(claim_comparison compare, double figure, double tolerance) {
  lab::claim_rule out;
  out.readings = {"m"};
  out.compare = compare;
  out.figure = figure;
  out.tolerance = tolerance;
  out.why = "because";
  return out;
}

lab::measured_metric timed(std::vector<double> rounds) { return {"ms", false, std::move(rounds)}; }
lab::measured_metric counted(std::vector<double> rounds) { return {"ms", true, std::move(rounds)}; }

verdict judged(const lab::claim_rule& r, const lab::measured_sample& sample) {
  return lab::judge(r, "ms", sample).is;
}

// Median 100, interval 98..103.
const lab::measured_sample steady = {{"m", timed({100, 98, 103, 99, 101})}};

std::string error_of(const json& table) {
  static const std::vector<lab::article> articles =
      lab::parse_articles({{"schema", "tophash-articles-1"},
                           {"articles",
                            {{{"id", "000"},
                              {"title", "文章"},
                              {"english", "article"},
                              {"sections",
                               {{{"number", "2.5"},
                                 {"heading", "标题"},
                                 {"english", "heading"},
                                 {"claims", {"A30", "A31"}}}}}}}}},
                          "articles.json");
  try {
    static_cast<void>(lab::parse_claim_table(table, "T-X.json", articles));
  } catch (const lab::claim_error& error) {
    return error.what();
  }
  return "";
}

json good_table() {
  return {
      {"schema", "tophash-claims-1"},
      {"table", "T-X"},
      {"title", "a table"},
      {"article", "000"},
      {"section", "2.5"},
      {"heading", "标题"},
      {"workload", {{"measurement", "rotation"}, {"parameters", {{"keys", 8}}}, {"quick", {{"keys", 4}}}}},
      {"variants", {"go_like"}},
      {"claims",
       {{{"id", "T-X.one"},
         {"ledger", "A30"},
         {"label", "a row"},
         {"sentence", "It takes 8 ms."},
         {"reported", {{"figure", 8}, {"unit", "ms"}}},
         {"rule", {{"metric", "m"}, {"compare", "within_factor"}, {"tolerance", 2}, {"why", "because"}}}}}}};
}

// The good table with one value changed, or removed if `value` is discarded.
std::string error_with(const std::string& pointer, const json& value) {
  json table = good_table();
  table[json::json_pointer(pointer)] = value;
  return error_of(table);
}

std::string error_without(const std::string& parent, const std::string& name) {
  json table = good_table();
  table[json::json_pointer(parent)].erase(name);
  return error_of(table);
}

// Every table that the articles print.
const std::set<std::string> all_tables = {"T-A1", "T-A2", "T-A3", "T-A4", "T-A5", "T-B1", "T-B2", "T-B3",
                                          "T-B4", "T-B5", "T-B6", "T-B7", "T-B8", "T-B9", "T-C1", "T-C2",
                                          "T-D1", "T-D2", "T-D3", "T-D4", "T-D5", "T-D6"};

const lab::claim_ledger& shipped() {
  static const lab::claim_ledger all = lab::load_claims("bench/claims");
  return all;
}

}  // namespace

// ---- verdicts ---------------------------------------------------------------------------------------

TEST_CASE("claims: a planted right figure is confirmed, a planted wrong one refuted", "[lab][claims]") {
  CHECK(judged(rule(claim_comparison::within_factor, 70, 1.5), steady) == verdict::confirmed);
  CHECK(judged(rule(claim_comparison::within_factor, 40, 1.5), steady) == verdict::refuted);
  CHECK(judged(rule(claim_comparison::within_factor, 400, 1.5), steady) == verdict::refuted);
  CHECK(judged(rule(claim_comparison::within_percent, 100, 5), steady) == verdict::confirmed);
  CHECK(judged(rule(claim_comparison::within_percent, 120, 5), steady) == verdict::refuted);
  CHECK(judged(rule(claim_comparison::within, 101, 4), steady) == verdict::confirmed);
  CHECK(judged(rule(claim_comparison::within, 110, 4), steady) == verdict::refuted);
  CHECK(judged(rule(claim_comparison::at_most, 104, 0), steady) == verdict::confirmed);
  CHECK(judged(rule(claim_comparison::at_most, 97, 0), steady) == verdict::refuted);
  CHECK(judged(rule(claim_comparison::at_least, 97, 0), steady) == verdict::confirmed);
  CHECK(judged(rule(claim_comparison::at_least, 104, 0), steady) == verdict::refuted);
}

TEST_CASE("claims: a tolerance finer than the spread resolves nothing", "[lab][claims]") {
  const lab::ruling fine = lab::judge(rule(claim_comparison::within, 100, 0.5), "ms", steady);
  CHECK(fine.is == verdict::not_resolvable);
  CHECK(fine.reason().find("finer than the spread") != std::string::npos);
  // The same tolerance far away still refutes: no round came near it.
  CHECK(judged(rule(claim_comparison::within, 200, 0.5), steady) == verdict::refuted);
  const lab::ruling edge = lab::judge(rule(claim_comparison::within, 104, 5), "ms", steady);
  CHECK(edge.is == verdict::not_resolvable);
  CHECK(edge.reason().find("more rounds") != std::string::npos);
  CHECK(judged(rule(claim_comparison::at_most, 100, 0), steady) == verdict::not_resolvable);
}

TEST_CASE("claims: inverting a rule flips every verdict that there is", "[lab][claims]") {
  std::size_t confirmed = 0, refuted = 0, direction = 0, open = 0;
  lab::measured_sample sample = steady;
  sample["less"] = timed({50, 51, 52, 49, 50});
  sample["n"] = timed({10, 11, 12, 9, 10});
  for (const claim_comparison compare :
       {claim_comparison::within_factor, claim_comparison::within_percent, claim_comparison::within,
        claim_comparison::at_most, claim_comparison::at_least}) {
    for (const double figure : {20.0, 70.0, 99.0, 100.0, 101.0, 130.0, 500.0}) {
      for (const double tolerance : {1.0, 1.5, 40.0}) {
        for (const bool directed : {false, true}) {
          for (const bool two : {false, true}) {
            lab::claim_rule r = rule(compare, figure, tolerance);
            if (directed) r.direction = {.greater = true, .than = "less"};
            if (two) r.readings.push_back("n");
            const verdict before = judged(r, sample);
            r.inverted = true;
            const verdict after = judged(r, sample);
            confirmed += before == verdict::confirmed, refuted += before == verdict::refuted;
            direction += before == verdict::direction_only, open += before == verdict::not_resolvable;
            CHECK(after == (before == verdict::confirmed        ? verdict::refuted
                            : before == verdict::not_resolvable ? verdict::not_resolvable
                                                                : verdict::confirmed));
          }
        }
      }
    }
  }
  CHECK(confirmed > 20);
  CHECK(refuted > 20);
  CHECK(direction > 20);
  CHECK(open > 20);
}

TEST_CASE("claims: the direction counts only where it is resolved", "[lab][claims]") {
  lab::claim_rule r = rule(claim_comparison::within_factor, 1000, 2);
  r.direction = {.greater = true, .than = "base"};
  lab::measured_sample sample = steady;
  sample["base"] = timed({90, 91, 89, 90, 92});
  CHECK(judged(r, sample) == verdict::direction_only);
  r.direction->greater = false;
  CHECK(judged(r, sample) == verdict::refuted);
  r.direction->greater = true;
  sample["base"] = timed({90, 110, 89, 110, 92});  // above in two rounds: it may be either
  CHECK(judged(r, sample) == verdict::not_resolvable);
  CHECK(lab::judge(r, "ms", sample).reason().find("greater than 'base' is finer than the spread") !=
        std::string::npos);
  sample["base"] = timed({110, 111, 110, 110, 112});
  CHECK(judged(r, sample) == verdict::refuted);
  sample["base"] = counted({110, 110, 110, 90, 110}), sample["m"].exact = true;
  CHECK(judged(r, sample) == verdict::refuted);
  sample["m"].exact = false;
  sample.erase("base");
  CHECK(judged(r, sample) == verdict::refuted);
}

TEST_CASE("claims: what busy processes may have done to a time makes no other verdict of it",
          "[lab][claims]") {
  // Alone: any figures. Beside busy processes: each round longer by a factor of its own, up to what is said.
  constexpr double most = 4;
  const lab::measured_sample alone = {
      {"m", timed({100, 98, 103, 99, 101})}, {"n", timed({52, 50, 51, 49, 50})}, {"count", counted({100})}};
  std::size_t same = 0, open = 0;
  for (const std::vector<double>& by :
       {std::vector<double>{1, 1, 1, 1, 1}, {4, 4, 4, 4, 4}, {1, 4, 2, 3, 1.5}}) {
    lab::measured_sample beside = alone;
    for (const char* name : {"m", "n"}) {
      for (std::size_t i = 0; i < by.size(); ++i)
        beside[name].rounds[i] *= name[0] == 'm' ? by[i] : by[by.size() - 1 - i];
    }
    lab::mark_slowed(beside, most);
    CHECK(beside["count"].slowed == 1);
    for (const claim_comparison compare : {claim_comparison::within_factor, claim_comparison::within,
                                           claim_comparison::at_most, claim_comparison::at_least}) {
      for (const double figure : {1.0, 2.0, 9.0, 30.0, 70.0, 99.0, 130.0, 390.0, 500.0, 5000.0}) {
        for (const double tolerance : {1.5, 8.0, 40.0}) {
          for (const char* than : {"", "n", "count"}) {
            for (const char* per : {"", "n", "count"}) {
              lab::claim_rule r = rule(compare, figure, tolerance);
              if (*than != '\0') r.direction = {.greater = true, .than = than};
              r.per = per;
              for (const bool inverted : {false, true}) {
                r.inverted = inverted;
                const verdict quiet = judged(r, alone), loaded = judged(r, beside);
                if (quiet == verdict::not_resolvable) continue;
                INFO(figure << " " << tolerance << " than " << than << " per " << per << ": "
                            << lab::judge(r, "ms", beside).reason());
                CHECK((loaded == quiet || loaded == verdict::not_resolvable));
                same += loaded == quiet ? 1u : 0u, open += loaded == quiet ? 0u : 1u;
              }
            }
          }
        }
      }
    }
  }
  CHECK(same > 500);
  CHECK(open > 500);
  // What is told is what was measured; the reason has both.
  lab::measured_sample beside = alone;
  lab::mark_slowed(beside, most);
  const lab::ruling told = lab::judge(rule(claim_comparison::within_factor, 100, 1.5), "ms", beside);
  CHECK(told.is == verdict::not_resolvable);
  CHECK(told.readings[0].value->low == 98);
  CHECK(told.reason().find("98..103 beside busy processes, so alone 24.5..103") == 0);
  CHECK(told.reason().find("quiet machine") != std::string::npos);
}

TEST_CASE("claims: a reading that is not resolved outweighs another's direction", "[lab][claims]") {
  lab::claim_rule r = rule(claim_comparison::within_factor, 1000, 2);
  r.readings = {"m", "n"};
  r.direction = {.greater = true, .than = "base"};
  lab::measured_sample sample = steady;
  sample["base"] = timed({90, 91, 89, 90, 92});
  sample["n"] = timed({400, 600, 450, 550, 490});
  CHECK(judged(r, sample) == verdict::not_resolvable);
  sample["n"] = timed({400, 410, 420, 430, 440});
  CHECK(judged(r, sample) == verdict::direction_only);
}

TEST_CASE("claims: several readings: one confirms, only all refute", "[lab][claims]") {
  lab::claim_rule r = rule(claim_comparison::within_factor, 10, 1.2);
  r.readings = {"m", "n"};
  lab::measured_sample sample = steady;
  CHECK(judged(r, sample) == verdict::not_resolvable);  // n was not measured and might have been it
  sample["n"] = counted({10});
  const lab::ruling right = lab::judge(r, "ms", sample);
  CHECK(right.is == verdict::confirmed);
  CHECK(right.decided_by == 1);
  sample["n"] = counted({20});
  const lab::ruling wrong = lab::judge(r, "ms", sample);
  CHECK(wrong.is == verdict::refuted);
  CHECK(wrong.decided_by == 0);
}

TEST_CASE("claims: a quotient is taken round by round", "[lab][claims]") {
  lab::claim_rule r = rule(claim_comparison::within, 2, 0.01);
  r.per = "n";
  lab::measured_sample sample = {{"m", timed({10, 200, 30})}, {"n", timed({5, 100, 15})}};
  const lab::ruling halves = lab::judge(r, "x", sample);
  CHECK(halves.is == verdict::confirmed);
  REQUIRE(halves.readings[0].value);
  CHECK(halves.readings[0].value->low == 2);
  CHECK(halves.readings[0].value->high == 2);
  sample["n"].rounds = {5, 0, 15};
  CHECK(lab::judge(r, "x", sample).is == verdict::not_resolvable);
  sample.erase("n");
  CHECK(lab::judge(r, "x", sample).is == verdict::not_resolvable);
}

TEST_CASE("claims: what cannot be held against a rule gets no verdict", "[lab][claims]") {
  const lab::claim_rule r = rule(claim_comparison::within_factor, 100, 2);
  CHECK(judged(r, {}) == verdict::not_resolvable);
  CHECK(judged(r, {{"m", timed({})}}) == verdict::not_resolvable);
  CHECK(judged(r, {{"m", timed({100, 100})}}) == verdict::not_resolvable);
  CHECK(judged(r, {{"m", counted({100})}}) == verdict::confirmed);
  CHECK(judged(r, {{"m", timed({100, std::numeric_limits<double>::quiet_NaN(), 100})}}) ==
        verdict::not_resolvable);
  CHECK(lab::judge(r, "ns", steady).reason() == "measured in ms, published in ns");
  lab::claim_rule nothing;
  nothing.why = "no figure";
  CHECK(lab::judge(nothing, "ms", steady).is == verdict::not_resolvable);
  CHECK(lab::judge(nothing, "ms", steady).reason() == "no figure");
}

// ---- files ------------------------------------------------------------------------------------------

TEST_CASE("claims: errors name file and field", "[lab][claims]") {
  REQUIRE(error_of(good_table()) == "");
  const auto says = [](const std::string& error, const std::string& wanted) {
    INFO(error);
    CHECK(error.find(wanted) != std::string::npos);
  };
  says(error_of(json::array()), "T-X.json: expected an object, found array");
  says(error_with("/schema", "tophash-claims-2"), "T-X.json: schema: expected 'tophash-claims-1'");
  says(error_without("", "title"), "T-X.json: title: missing");
  says(error_with("/tables", "x"), "T-X.json: tables: no field of that name; nearest: table");
  says(error_with("/title", ""), "T-X.json: title: is empty");
  says(error_with("/article", "004"), "T-X.json: article: '004' is no article");
  says(error_with("/section", "9.9"), "T-X.json: section: article 000 has no section '9.9'");
  says(error_with("/heading", "错"), "T-X.json: heading: section 2.5 of article 000 is headed '标题'");
  says(error_with("/workload/parameters/keys", "8"), "T-X.json: workload.parameters.keys: expected a number");
  says(error_with("/workload/quick", json{{"kees", 1}}), "'kees' is not among the parameters");
  says(error_with("/variants", "go_like"), "T-X.json: variants: expected a list, found string");
  says(error_with("/claims", json::array()), "T-X.json: claims: holds no claim");
  says(error_with("/claims/0/id", "one"), "T-X.json: claims[0].id: 'one' does not begin with 'T-X.'");
  says(error_with("/claims/0/ledger", "A1"),
       "claims[0].ledger: section 2.5 of article 000 holds no claim A1");
  says(error_without("/claims/0/reported", "figure"), "T-X.json: claims[0].reported.figure: missing");
  says(error_without("/claims/0/reported", "unit"), "T-X.json: claims[0].reported.unit: missing");
  says(error_with("/claims/0/rule/compare", "withn_factor"),
       "claims[0].rule.compare: 'withn_factor' is no comparison; nearest: within_factor");
  says(error_without("/claims/0/rule", "metric"), "T-X.json: claims[0].rule.metric: missing");
  says(error_without("/claims/0/rule", "why"), "T-X.json: claims[0].rule.why: missing");
  says(error_without("/claims/0/rule", "tolerance"), "T-X.json: claims[0].rule.tolerance: missing");
  says(error_with("/claims/0/rule/tolerance", 0.5), "a factor is at least 1, found 0.5");
  says(error_with("/claims/0/rule/inverted", 1), "T-X.json: claims[0].rule.inverted: expected true or false");
  says(error_with("/claims/0/rule/direction", json{{"is", "more"}, {"than", "m"}}),
       "T-X.json: claims[0].rule.direction.is: expected 'greater' or 'less', found 'more'");
  says(error_with("/claims/0/reported/figure", 0), "no factor leads from 0");
  json twice = good_table();
  twice["claims"].push_back(twice["claims"][0]);
  says(error_of(twice), "T-X.json: claims[1].id: 'T-X.one' stands twice");
}

TEST_CASE("claims: a folder without claims, or with a broken file, is an error", "[lab][claims]") {
  const fs::path folder = fs::temp_directory_path() / ("tophash-claims-" + std::to_string(::getpid()));
  fs::create_directories(folder);
  CHECK_THROWS_AS(lab::load_claims(folder), lab::claim_error);
  CHECK_THROWS_AS(lab::load_claims(folder / "nowhere"), lab::claim_error);
  fs::copy_file("bench/claims/articles.json", folder / "articles.json");
  CHECK(lab::load_claims(folder).tables.empty());
  std::ofstream(folder / "T-Z.json") << "{";
  try {
    static_cast<void>(lab::load_claims(folder));
    FAIL("a cut file was read");
  } catch (const lab::claim_error& error) {
    CHECK(std::string{error.what()}.rfind("T-Z.json: no JSON", 0) == 0);
  }
  fs::remove_all(folder);
}

TEST_CASE("claims: the shipped files load and name articles, sections and measurements", "[lab][claims]") {
  std::set<std::string> tables, ledger, all_ids;
  for (const lab::claim_table& t : shipped().tables) {
    CHECK(t.file == t.id + ".json");
    tables.insert(t.id);
    bool known = false;
    for (const lab::measurement_entry& m : lab::claim_measurements()) known = known || m.name == t.workload;
    CHECK(known);
    for (const lab::claim& c : t.claims) ledger.insert(c.ledger);
  }
  CHECK(tables == all_tables);
  CHECK(tables.size() == 22);
  for (const char* id : {"A30", "A42", "A46", "A47", "B12", "B15", "B18", "B22", "B30", "B40", "B46", "C25",
                         "C30", "D36", "D45", "D47"})
    CHECK(ledger.count(id) == 1);
  REQUIRE(shipped().articles.size() == 4);
  std::size_t ids = 0;
  for (const lab::article& a : shipped().articles) {
    for (const lab::article_section& s : a.sections) {
      ids += s.ledger.size();
      all_ids.insert(s.ledger.begin(), s.ledger.end());
    }
  }
  CHECK(ids == 188);
  CHECK(all_ids.size() == ids);
}

TEST_CASE("claims: the list is searched by article, section, text and Chinese heading", "[lab][claims]") {
  const auto names = [](const lab::claim_filter& filter) {
    std::set<std::string> out;
    const json found = lab::claims_json(shipped(), filter);
    for (const json& c : found.at("claims")) out.insert(c.at("table"));
    return out;
  };
  using set = std::set<std::string>;
  CHECK(names({}) == all_tables);
  CHECK(names({.article = "001", .section = "", .search = ""}) ==
        set{"T-B1", "T-B2", "T-B3", "T-B4", "T-B5", "T-B6", "T-B7", "T-B8", "T-B9"});
  CHECK(names({.article = "000", .section = "2.5", .search = ""}) == set{"T-A1"});
  CHECK(names({.article = "", .section = "", .search = "负载因子"}) == set{"T-B1"});
  CHECK(names({.article = "", .section = "", .search = "overflow bucket链表膨胀"}) == set{"T-D1"});
  CHECK(names({.article = "", .section = "", .search = "MURMUR3"}) == set{"T-B3"});
  CHECK(names({.article = "003", .section = "", .search = ""}) ==
        set{"T-D1", "T-D2", "T-D3", "T-D4", "T-D5", "T-D6"});
  CHECK(names({.article = "", .section = "", .search = "there is no such text"}).empty());
  // A heading without a table is found all the same.
  const json found = lab::claims_json(shipped(), {.article = "", .section = "", .search = "位运算细节"});
  REQUIRE(found.at("sections").size() == 1);
  CHECK(found.at("sections")[0].at("section") == "4.1");
  CHECK(found.at("sections")[0].at("tables").empty());
  CHECK_THROWS_AS(lab::claims_json(shipped(), {.article = "7", .section = "", .search = ""}),
                  lab::command_error);
  CHECK_THROWS_AS(lab::claims_json(shipped(), {.article = "000", .section = "9.9", .search = ""}),
                  lab::command_error);
}

// ---- the ledger -------------------------------------------------------------------------------------

namespace {

lab::claim_ledger ledger_of(const std::vector<json>& records, const std::string& file = "ledger-000.json") {
  lab::claim_ledger out;
  out.articles = shipped().articles;
  out.tables = shipped().tables;
  out.records = lab::parse_records({{"schema", "tophash-ledger-1"}, {"article", "000"}, {"records", records}},
                                   file, out.articles);
  return out;
}

std::string record_error(const std::vector<json>& records) {
  try {
    lab::check_records(ledger_of(records));
  } catch (const lab::claim_error& error) {
    return error.what();
  }
  return "";
}

json record(const std::string& id, const std::string& section, json more) {
  more.update({{"id", id}, {"section", section}, {"claim", "It is so."}});
  return more;
}

json constructed() {
  return record(
      "A3", "1",
      {{"class", "decided by construction"}, {"test", "unit:t"}, {"passing", "confirms"}, {"shows", "it"}});
}

json changed(json value, const std::string& name, const json& to) {
  if (to.is_null())
    value.erase(name);
  else
    value[name] = to;
  return value;
}

// Every article's claims, A1 to D53.
std::set<std::string> all_claims() {
  std::set<std::string> out;
  for (const auto& [letter, count] : {std::pair{'A', 49}, {'B', 55}, {'C', 31}, {'D', 53}}) {
    for (int i = 1; i <= count; ++i) out.insert(letter + std::to_string(i));
  }
  return out;
}

// The tests that there are, by CTest's names: those of Catch2's cases, prefixed by their program's label, and
// the planted bugs. A case over several types is there once for each type that is written behind its name.
std::map<std::string, std::string> tests_in_sources() {
  std::map<std::string, std::string> out;  // name: "", or the source of a case over types
  const auto read = [&out](const fs::path& file, const std::string& label) {
    std::ifstream in(file);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    const std::string macro = "TEST_CASE";
    for (std::size_t at = text.find(macro); at != std::string::npos; at = text.find(macro, at + 1)) {
      const bool over_types = at >= 9 && text.compare(at - 9, 9, "TEMPLATE_") == 0;
      std::size_t from = text.find('"', at);
      if (from == std::string::npos) break;
      const std::size_t to = text.find('"', from + 1);
      out.emplace(label + ":" + text.substr(from + 1, to - from - 1), over_types ? text.substr(to, 600) : "");
    }
  };
  for (const fs::directory_entry& entry : fs::directory_iterator("tests/unit")) {
    const std::string name = entry.path().filename().string();
    const bool lab_program = name.rfind("lab", 0) == 0 || name.rfind("report", 0) == 0;
    read(entry.path(), lab_program ? "lab" : name.rfind("shared", 0) == 0 ? "shared" : "unit");
  }
  for (const fs::directory_entry& entry : fs::directory_iterator(".ci/bugs"))
    out.emplace("bug: " + entry.path().stem().string(), "");
  return out;
}

}  // namespace

TEST_CASE("claims: a record's errors name file, record and field", "[lab][claims]") {
  const auto says = [](const std::vector<json>& records, const std::string& wanted) {
    const std::string error = record_error(records);
    INFO(error);
    CHECK(error.find(wanted) != std::string::npos);
  };
  CHECK(record_error({constructed()}) == "");
  says({changed(constructed(), "tset", "x")},
       "ledger-000.json: A3.tset: no field of that name; nearest: test");
  says({changed(constructed(), "test", nullptr)}, "ledger-000.json: A3.test: missing");
  says({changed(constructed(), "test", "")}, "ledger-000.json: A3.test: is empty");
  says({changed(constructed(), "passing", "maybe")}, "A3.passing: expected 'confirms' or 'refutes'");
  says({changed(constructed(), "command", "x")}, "A3.command: no field of that name");
  says({changed(constructed(), "class", "measuredhere")},
       "A3.class: 'measuredhere' is no class; nearest: measured here");
  says({changed(constructed(), "section", "2.1")}, "A3.section: claim A3 is of section 1");
  says({changed(constructed(), "id", "B3")}, "B3.id: article 000 has no claim B3");
  says({changed(constructed(), "id", nullptr)}, "ledger-000.json: records[0].id: missing");
  says({constructed(), constructed()}, "ledger-000.json: A3: stands in ledger-000.json already");
  says({record("T-B7", "9.9", {{"class", "not testable"}, {"reason", "r"}})},
       "T-B7.section: article 000 has no section 9.9");
  const json misspelt = {{"class", "measured here"}, {"measured_by", {"T-A1.mak"}}};
  says({record("A31", "2.5", misspelt)},
       "A31: measured_by: 'T-A1.mak' is no row of a table; nearest: T-A1.make");
  says({record("A30", "2.5", {{"class", "measured here"}, {"measured_by", {"T-A1.make"}}})},
       "A30: does not name T-A1.delete_by_key, which measures it");
  says({record("A30", "2.5", {{"class", "not testable"}, {"reason", "none"}})}, "A30: does not name T-A1");
  // Thirty claims may not be testable; one more is refused.
  std::set<std::string> measured;
  for (const lab::claim_table& t : shipped().tables) {
    for (const lab::claim& c : t.claims) measured.insert(c.ledger);
  }
  std::vector<json> excuses;
  for (const lab::article_section& s : shipped().articles[0].sections) {
    for (const std::string& id : s.ledger) {
      const bool has_rows = measured.count(id) != 0;
      if (excuses.size() <= lab::most_not_testable && !has_rows)
        excuses.push_back(record(id, s.number, {{"class", "not testable"}, {"reason", "too hard"}}));
    }
  }
  REQUIRE(excuses.size() == lab::most_not_testable + 1);
  says(excuses, "one more that is not testable; at most 30 may be");
  excuses.pop_back();
  CHECK(record_error(excuses) == "");
  CHECK_THROWS_AS(lab::parse_records({{"schema", "tophash-ledger-1"}, {"article", "9"}, {"records", {}}}, "f",
                                     shipped().articles),
                  lab::claim_error);
}

TEST_CASE("claims: the ledger accounts for every claim and every table, once", "[lab][claims]") {
  std::multiset<std::string> found;
  for (const lab::ledger_record& r : shipped().records) found.insert(r.id);
  std::set<std::string> wanted = all_claims();
  REQUIRE(wanted.size() == 188);
  wanted.insert({"T-A4", "T-A5", "T-B7", "T-B8", "T-B9", "T-D6"});
  for (const std::string& id : wanted) {
    INFO(id);
    CHECK(found.count(id) == 1);
  }
  CHECK(found.size() == wanted.size());
  const auto counts = lab::count_classes(shipped().records);
  CHECK(counts[static_cast<std::size_t>(lab::claim_class::not_testable)] <= lab::most_not_testable);
  for (const lab::claim_class c : lab::claim_classes) CHECK(counts[static_cast<std::size_t>(c)] > 0);
}

TEST_CASE("claims: every test that the ledger names is there", "[lab][claims]") {
  const std::map<std::string, std::string> tests = tests_in_sources();
  REQUIRE(tests.size() > 300);
  std::size_t named = 0;
  for (const lab::ledger_record& r : shipped().records) {
    if (r.is != lab::claim_class::by_construction) continue;
    ++named;
    INFO(r.id << ": " << r.test);
    CHECK(r.test.find(';') == std::string::npos);  // CTest's discovery would make two of it
    // Of a case over types, the type is behind " - ".
    const std::size_t dash = r.test.rfind(" - ");
    const auto plain = tests.find(r.test);
    const auto typed = dash == std::string::npos ? tests.end() : tests.find(r.test.substr(0, dash));
    const bool there = plain != tests.end() && plain->second.empty();
    const bool there_for_type =
        typed != tests.end() && typed->second.find("(" + r.test.substr(dash + 3) + ")") != std::string::npos;
    CHECK((there || there_for_type));
  }
  CHECK(named > 100);
}

TEST_CASE("claims: what decides a claim without a figure decides it, and inverted the other way",
          "[lab][claims]") {
  for (const lab::ledger_record& r : shipped().records) {
    INFO(r.id);
    const bool decides = r.is == lab::claim_class::by_construction || r.is == lab::claim_class::needs_go;
    CHECK(lab::decided(r, std::nullopt) == verdict::not_resolvable);
    lab::ledger_record inverted = r;
    inverted.inverted = !r.inverted;
    for (const bool happened : {true, false}) {
      if (!decides) {
        CHECK(lab::decided(r, happened) == verdict::not_resolvable);
        continue;
      }
      CHECK(lab::decided(r, happened) == (r.confirms == happened ? verdict::confirmed : verdict::refuted));
      CHECK(lab::decided(inverted, happened) ==
            (r.confirms == happened ? verdict::refuted : verdict::confirmed));
    }
  }
  CHECK(lab::test_command("unit:growth: Go's <2> (all)") ==
        "ctest --test-dir build/release -R '^unit:growth: Go.s .2. .all.$'");
}

TEST_CASE("claims: every shipped rule of a figure is turned round by its inverse", "[lab][claims]") {
  std::size_t rules = 0, directions = 0;
  for (const lab::claim_table& t : shipped().tables) {
    for (const lab::claim& c : t.claims) {
      INFO(c.id);
      lab::claim_rule inverted = c.rule;
      inverted.inverted = !inverted.inverted;
      if (c.rule.compare == claim_comparison::undefined) {
        // Nothing is held against it, so there is nothing to turn round.
        lab::measured_sample sample;
        for (const std::string& name : c.rule.readings) sample[name] = {c.unit, true, {1}};
        CHECK(lab::judge(c.rule, c.unit, sample).is == verdict::not_resolvable);
        CHECK(lab::judge(inverted, c.unit, sample).is == verdict::not_resolvable);
        continue;
      }
      ++rules;
      // What is planted lies inside the accepted interval, or far above it.
      const lab::accepted_interval accepted = lab::accepted_by(c.rule);
      const double inside = std::isinf(accepted.high)  ? accepted.low + 1
                            : std::isinf(accepted.low) ? accepted.high - 1
                                                       : (accepted.low + accepted.high) / 2;
      const double below = (std::isinf(accepted.low) ? -1e9 : accepted.low) - 1;
      const double above = (std::isinf(accepted.high) ? 1e9 : accepted.high) + 1;
      std::set<verdict> seen;
      for (const double planted : {inside, below, above}) {
        lab::measured_sample sample;
        for (const std::string& name : c.rule.readings) sample[name] = {c.unit, true, {planted}};
        if (!c.rule.per.empty()) sample[c.rule.per] = {c.unit, true, {1}};
        const verdict before = lab::judge(c.rule, c.unit, sample).is;
        const verdict after = lab::judge(inverted, c.unit, sample).is;
        seen.insert(before);
        CHECK(before != verdict::not_resolvable);
        CHECK(after == (before == verdict::confirmed ? verdict::refuted : verdict::confirmed));
        if (!c.rule.direction || before != verdict::refuted) continue;
        // Outside, but on the claimed side of what it is compared with.
        if (c.rule.per == c.rule.direction->than) continue;
        ++directions;
        sample[c.rule.direction->than] = {c.unit, true, {(c.rule.direction->greater ? -1 : 1) * 1e30}};
        CHECK(lab::judge(c.rule, c.unit, sample).is == verdict::direction_only);
        CHECK(lab::judge(inverted, c.unit, sample).is == verdict::confirmed);
      }
      CHECK(seen.count(verdict::confirmed) == 1);
      CHECK(seen.size() > 1);
    }
  }
  CHECK(rules > 110);
  CHECK(directions > 20);
}

TEST_CASE("claims: records are listed and searched, one for each claim", "[lab][claims]") {
  const auto ids = [](const lab::claim_filter& filter) {
    std::set<std::string> out;
    const json found = lab::claims_json(shipped(), filter);
    for (const json& r : found.at("ledger")) out.insert(r.at("id"));
    std::size_t sum = 0;
    for (const auto& [name, count] : found.at("classes").items()) sum += count.get<std::size_t>();
    CHECK(sum == found.at("ledger").size());
    return out;
  };
  CHECK(ids({}).size() == 194);
  CHECK(ids({.article = "000", .section = "2.5", .search = ""}) == std::set<std::string>{"A30", "A31"});
  CHECK(ids({.article = "", .section = "", .search = "零开销"}) == std::set<std::string>{"B40"});
  CHECK(ids({.article = "", .section = "", .search = "MARKFORFREE"}) == std::set<std::string>{"B50"});
  const lab::claim_ledger& all = shipped();
  const std::string text = lab::claims_text(lab::claims_json(all, {}));
  for (const char* word :
       {"194 claims and tables: ", " measured here, ", " decided by construction, ", " needs real Go, ",
        " not testable\n", "\n  A1    decided by construction  After a"})
    CHECK(text.find(word) != std::string::npos);
  for (const lab::ledger_record& r : all.records) {
    const std::string one = lab::record_text(r);
    INFO(one);
    CHECK(one.rfind(r.id + "  article " + r.article + ", ", 0) == 0);
    CHECK(one.find(r.sentence) != std::string::npos);
    CHECK(one.back() == '\n');
  }
}

// ---- what stands between rules and figures -----------------------------------------------------------

TEST_CASE("claims: the collision meter counts what can be counted by hand", "[lab][claims]") {
  const std::vector<std::uint32_t> counts = {3, 1, 0, 2};  // 6 keys: 3 + 1 of 15 pairs
  const lab::collision_rates r = lab::collisions_in(counts);
  CHECK(r.buckets_used == 3);
  CHECK(r.taken_percent == Approx(50));
  CHECK(r.shared_percent == Approx(100 * 5.0 / 6));
  CHECK(r.pair_percent == Approx(100 * 4.0 / 15));
  CHECK(lab::collisions_in(std::vector<std::uint32_t>(4)).taken_percent == 0);
  const std::vector<std::uint32_t> alone = {1, 0, 1};
  CHECK(lab::collisions_in(alone).shared_percent == 0);
  CHECK(lab::collisions_in(alone).pair_percent == 0);
  // Two keys in two buckets: together in half of the cases.
  const lab::collision_rates two = lab::ideal_collisions(2, 2);
  CHECK(two.taken_percent == Approx(25));
  CHECK(two.shared_percent == Approx(50));
  CHECK(two.pair_percent == Approx(50));
  CHECK(lab::ideal_collisions(100'000, 65'536).taken_percent == Approx(48.7).margin(0.05));
}

TEST_CASE("claims: figures are told with their spread and a unit one can read", "[lab][claims]") {
  CHECK(lab::figure_text({141, 139, 150, 0.9}, "ms") == "141 ms (139..150)");
  CHECK(lab::figure_text({54.5, 54.5, 54.5, 1}, "MB") == "54.5 MB");
  CHECK(lab::figure_text({0, 0, 0, 1}, "%") == "0 %");
  CHECK(lab::figure_text({0.00002, 0.00001, 0.00003, 1}, "ms") == "20.0 ns (10.0..30.0)");
  CHECK(lab::figure_text({851968, 851968, 851968, 1}, "buckets") == "851,968 buckets");
}

TEST_CASE("claims: Go's rounds and ours take turns, and what Go prints names no folder", "[lab][claims]") {
  const fs::path scratch = fs::temp_directory_path() / ("tophash-turns-" + std::to_string(::getpid()));
  const fs::path sources = scratch / "bench" / "go";
  fs::create_directories(sources);
  const auto script = [](const fs::path& at, const std::string& text) {
    std::ofstream(at) << "#!/bin/sh\n" << text;
    fs::permissions(at, fs::perms::owner_all);
  };
  std::ofstream(sources / "go.mod") << "module x\n";
  // Its `go` builds a program that awaits a line before each of three rounds.
  const fs::path log = scratch / "log";
  script(scratch / "program", "for round in 0 1 2; do read line || break; echo go >>'" + log.string() +
                                  "'; echo; done\n"
                                  "echo '{\"go\": \"go0\", \"metrics\": {}}'\n");
  script(scratch / "go",
         "while [ \"$1\" != -o ]; do shift; done\ncp '" + (scratch / "program").string() + "' \"$2\"\n");
  {
    const lab::go_programs go(sources, (scratch / "go").string());
    lab::claim_table table;
    table.id = "T-X", table.workload = "x";
    lab::claim_request request{.table = &table, .parameters = {}, .rounds = 3};
    const auto under_way = go.start(request);
    request.between_rounds = [&] { under_way->step(); };
    for (unsigned round = 0; round < 3; ++round) {
      lab::begin_round(request, round, 3);
      std::ofstream(log, std::ios::app) << "here\n";
    }
    CHECK(under_way->finish().version == "go0");
    std::ifstream in(log);
    const std::string turns{std::istreambuf_iterator<char>(in), {}};
    CHECK(turns == "here\ngo\nhere\ngo\nhere\ngo\n");
    static_cast<void>(go.start(request));  // one that is not finished goes away

    const auto said = [&go](const std::string& command) { return go.ask(command).said; };
    CHECK(said("echo \"at $TMPDIR/path/file.go:12: here, $TMPDIR.\"") ==
          "at path/file.go:12: here, $TMPDIR.");
    CHECK(said("echo $(mktemp): x") == "tmp: x");
    CHECK(said("pwd") == ".");
    CHECK(said("echo $PWD/bench/go/main.go ${PWD}2") == "bench/go/main.go " + scratch.string() + "2");
    CHECK(said("echo \"$TMPDIR/x: no such file\" >&2; exit 2") == "exit code 2: x: no such file");
  }
  script(scratch / "program", "exit 3\n");
  {
    const lab::go_programs go(sources, (scratch / "go").string());
    lab::claim_table table;
    table.workload = "x";
    const auto none = go.start({.table = &table, .parameters = {}, .rounds = 2});
    none->step();
    CHECK_THROWS_AS(none->finish(), lab::no_go_program);
  }
  fs::remove_all(scratch);
}

TEST_CASE("claims: every measurement has a Go program, if only to say what Go never had", "[lab][claims]") {
  std::ifstream in("bench/go/main.go");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  for (const lab::measurement_entry& m : lab::claim_measurements()) {
    INFO(m.name);
    CHECK(text.find("\n\t\"" + std::string{m.name} + "\":") != std::string::npos);
  }
}

TEST_CASE("claims: Go's results are read, and a broken one is refused", "[lab][claims]") {
  const lab::go_result r = lab::parse_go_result(
      R"({"go":"go1.19","metrics":{"m":{"unit":"ms","exact":false,"rounds":[1,2]}},"missing":{"n":"why"}})");
  CHECK(r.version == "go1.19");
  CHECK(r.sample.at("m").rounds == std::vector<double>{1, 2});
  CHECK(r.missing.at("n") == "why");
  CHECK_THROWS_AS(lab::parse_go_result("panic: no"), lab::command_error);
  CHECK_THROWS_AS(lab::parse_go_result(R"({"metrics":{}})"), lab::command_error);
  CHECK_THROWS_AS(lab::parse_go_result(R"({"go":"g","metrics":{"m":{"unit":"ms","exact":1,"rounds":[]}}})"),
                  lab::command_error);
}
