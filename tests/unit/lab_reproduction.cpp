// SPDX-License-Identifier: Apache-2.0
// What `tophash reproduce` writes for readers: sentences that stand on verdicts, a bucket's life, page and
// document.
#include <string>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "lab/bucket_story.hpp"
#include "lab/claims.hpp"
#include "lab/report/reproduction_page.hpp"
#include "lab/truths.hpp"

using namespace tophash;
using nlohmann::json;

namespace {

json row(const char* id, const char* verdict, double published, double median) {
  return {
      {"id", id},
      {"label", std::string{"label of "} + id},
      {"claim", "a <b>claim</b> & more"},
      {"reported", {{"figure", published}, {"unit", "ns"}}},
      {"here",
       {{"verdict", verdict},
        {"reason", "because"},
        {"figure", {{"median", median}, {"low", median * 0.9}, {"high", median * 1.1}, {"coverage", 0.93}}}}},
      {"verdict", verdict},
      {"go_absent", "not installed"}};
}

json run_of(json rows, json ledger) {
  json table{{"table", "T-X1"},
             {"article", "000"},
             {"section", "1"},
             {"heading", "a heading"},
             {"title", "a title"},
             {"setting", "a setting"},
             {"variants", {"go_like"}},
             {"rounds", 5},
             {"claims", std::move(rows)},
             {"why", {"why | so"}},
             {"rerun", "tophash reproduce T-X1"}};
  return {{"schema", "tophash-reproduction-1"},
          {"manifest", {{"compiler", "a compiler"}}},
          {"argv", {"/somewhere/tophash", "reproduce"}},
          {"tables", json::array({table})},
          {"ledger", std::move(ledger)}};
}

json state_of(const json& needed, const json& run) {
  const json file{{"schema", "tophash-truths-1"},
                  {"truths", {{{"says", "so it is"}, {"stands_on", needed}}}}};
  return lab::truths_json(lab::parse_truths(file, "truths.json"), run).at(0).at("is");
}

std::string refusal(const json& file) {
  try {
    static_cast<void>(lab::parse_truths(file, "truths.json"));
  } catch (const lab::claim_error& e) {
    return e.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("reproduction: a sentence holds, is open or is contradicted by the verdicts it stands on",
          "[lab]") {
  const json run =
      run_of({row("T-X1.a", "REFUTED", 10, 100), row("T-X1.b", "NOT RESOLVABLE HERE", 10, 10)},
             {{{"id", "A1"}, {"article", "000"}, {"verdict_if_it_passes", "CONFIRMED"}, {"test", "t"}},
              {{"id", "A2"}, {"article", "000"}, {"class", "needs real Go"}}});
  CHECK(state_of({{"T-X1.a", "REFUTED"}}, run) == "holds");
  CHECK(state_of({{"T-X1.a", "REFUTED"}, {"A1", "CONFIRMED"}}, run) == "holds");
  CHECK(state_of({{"T-X1.a", "CONFIRMED"}}, run) == "contradicted");
  CHECK(state_of({{"A1", "REFUTED"}, {"T-X1.b", "REFUTED"}}, run) == "contradicted");
  CHECK(state_of({{"T-X1.b", "REFUTED"}, {"A1", "REFUTED"}}, run) == "contradicted");
  CHECK(state_of({{"T-X1.b", "REFUTED"}, {"A1", "CONFIRMED"}}, run) == "open");
  CHECK(state_of({{"A2", "CONFIRMED"}}, run) == "open");
  CHECK(state_of({{"T-X1.nowhere", "CONFIRMED"}}, run) == "open");
}

TEST_CASE("reproduction: every shipped sentence falls with any verdict that it stands on", "[lab]") {
  const lab::claim_ledger ledger = lab::load_claims("bench/claims");
  const auto state = [](const lab::stated_truth& t, std::size_t other, const char* verdict) {
    json rows = json::array(), records = json::array();
    for (std::size_t i = 0; i < t.stands_on.size(); ++i) {
      const auto& [id, needed] = t.stands_on[i];
      const std::string is = i == other ? verdict : needed;
      if (is.empty()) continue;
      if (id.find('.') != std::string::npos)
        rows.push_back(row(id.c_str(), is.c_str(), 1, 1));
      else
        records.push_back({{"id", id}, {"article", "000"}, {"verdict_if_it_passes", is}, {"test", "t"}});
    }
    const json found = lab::truths_json({t}, run_of(rows, records)).at(0);
    CHECK(found.at("stands_on").size() == t.stands_on.size());
    return found.at("is").get<std::string>();
  };
  std::size_t verdicts = 0;
  for (const lab::stated_truth& t : ledger.truths) {
    INFO(t.says);
    CHECK(state(t, t.stands_on.size(), "") == "holds");
    for (std::size_t i = 0; i < t.stands_on.size(); ++i, ++verdicts) {
      INFO(t.stands_on[i].first);
      // Turned round: confirmed for refuted, and confirmed for what is refuted or true in direction only.
      const bool confirmed = t.stands_on[i].second == "CONFIRMED";
      CHECK(state(t, i, confirmed ? "REFUTED" : "CONFIRMED") == "contradicted");
      CHECK(state(t, i, "NOT RESOLVABLE HERE") == "open");
      CHECK(state(t, i, "") == "open");
    }
  }
  CHECK(verdicts >= 25);
}

TEST_CASE("reproduction: sentences are refused with file, field and reason", "[lab]") {
  const auto file = [](const json& one) {
    return json{{"schema", "tophash-truths-1"}, {"truths", json::array({one})}};
  };
  CHECK(refusal(file({{"says", "x"}, {"stands_on", {{"A1", "REFUTED"}}}})) == "accepted");
  CHECK(refusal(file({{"says", "x"}, {"stands_on", json::object()}})) ==
        "truths.json: truths[0].stands_on: names no verdict");
  CHECK(refusal(file({{"says", "x"}, {"stands_on", {{"A1", "REFUTD"}}}}))
            .find("truths[0].stands_on.A1: 'REFUTD' is no "
                  "verdict to stand on") != std::string::npos);
  CHECK(
      refusal(file({{"says", "x"}, {"stands_on", {{"A1", "NOT RESOLVABLE HERE"}}}})).find("is no verdict") !=
      std::string::npos);
  CHECK(refusal(file({{"stands_on", {{"A1", "REFUTED"}}}})) == "truths.json: truths[0].says: missing");
  CHECK(refusal(file({{"says", "x"}, {"stand_on", {{"A1", "REFUTED"}}}})).find("no field of that name") !=
        std::string::npos);

  lab::claim_ledger ledger = lab::load_claims("bench/claims");
  CHECK(ledger.truths.size() >= 10);
  ledger.truths.push_back({"truths.json", "a sentence", {{"A999", "REFUTED"}}});
  try {
    lab::check_truths(ledger);
    FAIL("accepted");
  } catch (const lab::claim_error& e) {
    CHECK(std::string{e.what()}.find("'a sentence': 'A999' is no row of a table") != std::string::npos);
  }
}

TEST_CASE("reproduction: a bucket's life is what a map of go_like does", "[lab]") {
  const json story = lab::bucket_story();
  CHECK(story == lab::bucket_story());
  const auto chain = [&](std::size_t step, std::size_t array, std::size_t bucket) {
    std::string out;
    for (const json& one : story.at(step).at("arrays").at(array).at("chains").at(bucket).at("buckets")) {
      for (const json& tag : one) out += tag.get<std::string>() + " ";
      out += "| ";
    }
    return out;
  };
  REQUIRE(story.size() == 8);
  CHECK(chain(0, 0, 0) == "11 22 33 44 55 66 77 88 | ");
  CHECK(chain(1, 0, 0) == "11 22 33 44 55 66 77 88 | 99 aa .. .. .. .. .. .. | ");
  CHECK(chain(2, 0, 0) == "11 22 33 -- 55 66 77 88 | 99 aa .. .. .. .. .. .. | ");
  CHECK(chain(3, 0, 0) == chain(2, 0, 0));
  CHECK(story.at(3).at("collected_bytes") == 32);
  CHECK(chain(4, 0, 0) == "11 22 33 -- 55 66 77 88 | .. .. .. .. .. .. .. .. | ");
  CHECK(chain(5, 0, 0) == "11 22 33 bb 55 66 77 88 | .. .. .. .. .. .. .. .. | ");
  CHECK(story.at(6).at("arrays").size() == 2);
  CHECK(chain(6, 1, 0) == "lo hi lo lo lo hi lo hi | ");
  CHECK(chain(6, 0, 0) == "11 33 bb 55 77 .. .. .. | ");
  CHECK(chain(6, 0, 4) == "22 66 88 .. .. .. .. .. | ");
  CHECK(story.at(7).at("arrays").size() == 1);
  CHECK(story.at(7).at("arrays").at(0).at("chains").size() == 8);
}

TEST_CASE("reproduction: page and document hold every row and claim, escaped, and nothing else", "[lab]") {
  json run = run_of({row("T-X1.a", "REFUTED", 10, 100), row("T-X1.b", "CONFIRMED", 10, 10)},
                    {{{"id", "A1"},
                      {"article", "000"},
                      {"section", "1"},
                      {"claim", "it | is"},
                      {"class", "decided by construction"},
                      {"verdict_if_it_passes", "CONFIRMED"},
                      {"test", "unit:t"},
                      {"shows", "what"}},
                     {{"id", "T-X1"},
                      {"article", "000"},
                      {"section", "1"},
                      {"claim", "both"},
                      {"class", "measured here"},
                      {"verdicts", {{"T-X1.a", "REFUTED"}, {"T-X1.b", "CONFIRMED"}}}}});
  run["truths"] = {
      {{"says", "so it is"},
       {"is", "holds"},
       {"stands_on", {{{"id", "T-X1.a"}, {"needed", "REFUTED"}, {"found", "REFUTED"}, {"by", "measured"}}}}}};
  run["bucket"] = lab::bucket_story();
  const std::string page = lab::reproduction_page(run), document = lab::reproduction_document(run);
  for (const char* needle : {"T-X1.a", "T-X1.b", "so it is", "10 ns", "100 ns (90.0..110)", "REFUTED",
                             "unit:t", "tophash reproduce T-X1", "a compiler", "&lt;b&gt;claim"}) {
    INFO(needle);
    CHECK(page.find(needle) != std::string::npos);
  }
  CHECK(page.find("<b>claim") == std::string::npos);
  CHECK(page.find("/somewhere") == std::string::npos);
  for (const char* foreign : {"http://", "https://", "src="}) CHECK(page.find(foreign) == std::string::npos);
  CHECK(document.starts_with("# What is true of Go's map\n\n- so it is (T-X1.a refuted)\n"));
  for (const char* needle :
       {"| label of T-X1.a | 10 ns | 100 ns (90.0..110) | not installed | REFUTED |",
        "| A1 | 1 | it \\| is | CONFIRMED | test: unit:t |",
        "| T-X1 | 1 | both | 1 CONFIRMED, 1 REFUTED | measured: 2 rows |", "- why \\| so"}) {
    INFO(needle);
    CHECK(document.find(needle) != std::string::npos);
  }
  run["schema"] = "tophash-result-1";
  CHECK_THROWS_WITH(lab::reproduction_page(run), Catch::Contains("tophash-reproduction-1"));
}
