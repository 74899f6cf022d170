// SPDX-License-Identifier: Apache-2.0
// Published claims: the verdict as a function of rule and sample (planted figures, right, wrong and too fine;
// inverted rules), what the loader says of broken files, the shipped files, the collision meter against
// counts by hand, and the reader of Go's results.
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <unistd.h>

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
  sample["base"] = timed({90, 110, 89, 110, 92});  // above in two rounds
  CHECK(judged(r, sample) == verdict::refuted);
  sample.erase("base");
  CHECK(judged(r, sample) == verdict::refuted);
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
  CHECK(tables == std::set<std::string>{"T-A1", "T-A3", "T-B1", "T-B2", "T-B3", "T-C2", "T-D1"});
  for (const char* id : {"A30", "A46", "A47", "B12", "B15", "B18", "B22", "C25", "D36"}) CHECK(ledger.count(id) == 1);
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
  CHECK(names({}) == set{"T-A1", "T-A3", "T-B1", "T-B2", "T-B3", "T-C2", "T-D1"});
  CHECK(names({.article = "001", .section = "", .search = ""}) == set{"T-B1", "T-B2", "T-B3"});
  CHECK(names({.article = "000", .section = "2.5", .search = ""}) == set{"T-A1"});
  CHECK(names({.article = "", .section = "", .search = "负载因子"}) == set{"T-B1"});
  CHECK(names({.article = "", .section = "", .search = "overflow bucket链表膨胀"}) == set{"T-D1"});
  CHECK(names({.article = "", .section = "", .search = "MURMUR3"}) == set{"T-B3"});
  CHECK(names({.article = "", .section = "", .search = "there is no such text"}).empty());
  // A heading without a table is found all the same.
  const json found = lab::claims_json(shipped(), {.article = "", .section = "", .search = "零开销"});
  REQUIRE(found.at("sections").size() == 1);
  CHECK(found.at("sections")[0].at("section") == "4.4");
  CHECK(found.at("sections")[0].at("tables").empty());
  CHECK_THROWS_AS(lab::claims_json(shipped(), {.article = "7", .section = "", .search = ""}),
                  lab::command_error);
  CHECK_THROWS_AS(lab::claims_json(shipped(), {.article = "000", .section = "9.9", .search = ""}),
                  lab::command_error);
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
