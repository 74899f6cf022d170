// SPDX-License-Identifier: Apache-2.0
#include "lab/claims.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <functional>
#include <set>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "lab/claim_fields.hpp"
#include "lab/claim_records.hpp"
#include "lab/experiment.hpp"
#include "lab/nearest.hpp"
#include "lab/shipped.hpp"
#include "lab/truths.hpp"

namespace tophash::lab {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using fields = claim_fields;

constexpr std::array<std::pair<claim_comparison, std::string_view>, 6> comparisons = {
    {{claim_comparison::within_factor, "within_factor"},
     {claim_comparison::within_percent, "within_percent"},
     {claim_comparison::within, "within"},
     {claim_comparison::at_most, "at_most"},
     {claim_comparison::at_least, "at_least"},
     {claim_comparison::undefined, "undefined"}}};

constexpr std::string_view articles_schema = "tophash-articles-1", claims_schema = "tophash-claims-1";

claim_comparison comparison_named(const fields& rule) {
  const std::string name = rule.text("compare");
  std::vector<std::string> known;
  for (const auto& [value, text] : comparisons) {
    if (text == name) return value;
    known.emplace_back(text);
  }
  rule.refuse("compare", "'" + name + "' is no comparison" + nearest_hint(name, known));
}

claimed_direction read_direction(const fields& from) {
  from.allow({"is", "than"});
  const std::string is = from.text("is");
  if (is != "greater" && is != "less") from.refuse("is", "expected 'greater' or 'less', found '" + is + "'");
  return {.greater = is == "greater", .than = from.text("than")};
}

double read_tolerance(const fields& from, claim_comparison compare) {
  const bool one_sided = compare == claim_comparison::at_most || compare == claim_comparison::at_least;
  const double tolerance = one_sided && !from.has("tolerance") ? 0 : from.number("tolerance");
  if (compare == claim_comparison::within_factor && tolerance < 1)
    from.refuse("tolerance", fmt::format("a factor is at least 1, found {}", tolerance));
  if (tolerance < 0) from.refuse("tolerance", fmt::format("expected 0 or more, found {}", tolerance));
  return tolerance;
}

claim_rule read_rule(const fields& from, const std::optional<double>& reported) {
  from.allow({"metric", "per", "compare", "figure", "tolerance", "inverted", "direction", "why"});
  claim_rule out;
  out.compare = comparison_named(from);
  out.why = from.text("why");
  if (from.has("inverted")) {
    if (!from.need("inverted").is_boolean()) from.refuse("inverted", "expected true or false");
    out.inverted = from.need("inverted").get<bool>();
  }
  if (from.has("metric") || out.compare != claim_comparison::undefined) {
    if (from.need("metric").is_array())
      out.readings = from.texts("metric");
    else
      out.readings = {from.text("metric")};
    if (out.readings.empty()) from.refuse("metric", "names no metric");
  }
  if (out.compare == claim_comparison::undefined) {
    if (out.inverted) from.refuse("inverted", "an undefined comparison has no inverse");
    return out;
  }
  if (from.has("per")) out.per = from.text("per");
  if (from.has("figure"))
    out.figure = from.number("figure");
  else if (reported)
    out.figure = *reported;
  else
    from.refuse("figure", "missing, and no figure is reported");
  if (out.compare == claim_comparison::within_factor && out.figure == 0)
    from.refuse("compare", "no factor leads from 0 to another figure; use 'within' or 'at_most'");
  out.tolerance = read_tolerance(from, out.compare);
  if (from.has("direction")) out.direction = read_direction(from.object("direction"));
  return out;
}

claim read_claim(const fields& from, const std::string& table) {
  from.allow({"id", "ledger", "label", "sentence", "reported", "rule"});
  claim out;
  out.id = from.text("id");
  out.of_table = table;
  out.ledger = from.text("ledger");
  out.label = from.text("label");
  out.sentence = from.text("sentence");
  const fields reported = from.object("reported");
  reported.allow({"figure", "text", "unit"});
  if (reported.has("figure")) out.figure = reported.number("figure");
  if (reported.has("text")) out.text = reported.text("text");
  if (!out.figure && out.text.empty()) reported.refuse("figure", "missing, and there is no 'text' either");
  out.unit = reported.text("unit");
  out.rule = read_rule(from.object("rule"), out.figure);
  if (out.id.rfind(table + ".", 0) != 0)
    from.refuse("id", "'" + out.id + "' does not begin with '" + table + ".'");
  return out;
}

const article& article_of(const fields& from, const std::vector<article>& articles) {
  const std::string id = from.text("article");
  std::vector<std::string> known;
  for (const article& a : articles) {
    if (a.id == id) return a;
    known.push_back(a.id);
  }
  from.refuse("article", "'" + id + "' is no article" + nearest_hint(id, known));
}

// A chapter's unnumbered headings share its number, so the heading decides between them.
const article_section& section_of(const fields& from, const article& in) {
  const std::string number = from.text("section"), heading = from.text("heading");
  const article_section* same_number = nullptr;
  for (const article_section& s : in.sections) {
    if (s.number != number) continue;
    if (s.heading == heading) return s;
    same_number = &s;
  }
  if (same_number == nullptr) from.refuse("section", "article " + in.id + " has no section '" + number + "'");
  from.refuse("heading", "section " + number + " of article " + in.id + " is headed '" +
                             same_number->heading + "' in articles.json");
}

json parse_file(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw claim_error(file.string() + ": cannot be opened");
  try {
    return json::parse(in);
  } catch (const json::parse_error& error) {
    throw claim_error(file.filename().string() + ": no JSON: " + error.what());
  }
}

std::string lower_ascii(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

json reported_json(const claim& c) {
  json out{{"unit", c.unit}};
  if (c.figure) out["figure"] = *c.figure;
  if (!c.text.empty()) out["text"] = c.text;
  return out;
}

const article& known_article(const claim_ledger& ledger, const std::string& id) {
  std::vector<std::string> known;
  for (const article& a : ledger.articles) {
    if (a.id == id) return a;
    known.push_back(a.id);
  }
  throw command_error(exit_usage, "'" + id + "' is no article" + nearest_hint(id, known));
}

void check_filter(const claim_ledger& ledger, const claim_filter& filter) {
  std::vector<std::string> numbers;
  for (const article& a : ledger.articles) {
    if (!filter.article.empty() && a.id != known_article(ledger, filter.article).id) continue;
    for (const article_section& s : a.sections) numbers.push_back(s.number);
  }
  if (filter.section.empty() || std::find(numbers.begin(), numbers.end(), filter.section) != numbers.end())
    return;
  throw command_error(exit_usage, (filter.article.empty() ? "no article" : "article " + filter.article) +
                                      (filter.article.empty() ? " has" : " has no") + " section '" +
                                      filter.section + "'" + nearest_hint(filter.section, numbers));
}

// The articles' sections that the filter meets, with the tables that there are for them. None without a
// filter.
json sections_json(const claim_ledger& ledger, const claim_filter& filter) {
  json out = json::array();
  if (filter.empty()) return out;
  const std::string wanted = lower_ascii(filter.search);
  for (const article& a : ledger.articles) {
    if (!filter.article.empty() && a.id != filter.article) continue;
    for (const article_section& s : a.sections) {
      if (!filter.section.empty() && s.number != filter.section) continue;
      if (lower_ascii(s.heading + "\n" + s.english).find(wanted) == std::string::npos) continue;
      json tables = json::array();
      for (const claim_table& t : ledger.tables) {
        if (t.article == a.id && t.section == s.number && t.heading == s.heading) tables.push_back(t.id);
      }
      out.push_back({{"article", a.id},
                     {"section", s.number},
                     {"heading", s.heading},
                     {"english", s.english},
                     {"ledger", s.ledger},
                     {"tables", tables}});
    }
  }
  return out;
}

std::vector<ledger_record> records_met(const claim_ledger& ledger, const claim_filter& filter) {
  const std::string wanted = lower_ascii(filter.search);
  std::vector<ledger_record> out;
  for (const ledger_record& r : ledger.records) {
    if (!filter.article.empty() && r.article != filter.article) continue;
    if (!filter.section.empty() && r.section != filter.section) continue;
    const article& in = known_article(ledger, r.article);
    const std::string all =
        fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}", r.id, r.heading, r.sentence, r.reported,
                    class_name(r.is), r.test, r.command, r.why, in.title, in.english);
    if (lower_ascii(all).find(wanted) != std::string::npos) out.push_back(r);
  }
  return out;
}

// The records by section, and how many there are of each class.
std::string records_text(const json& claims) {
  std::string out, heading;
  for (const json& r : claims.value("ledger", json::array())) {
    const std::string at =
        fmt::format("article {}, {}  {}\n", r.at("article").get<std::string>(),
                    r.at("section").get<std::string>(), r.at("heading").get<std::string>());
    if (at != heading) out += "\n" + (heading = at);
    out += fmt::format("  {:<5} {:<24} {}\n", r.at("id").get<std::string>(), r.at("class").get<std::string>(),
                       r.at("claim").get<std::string>());
  }
  if (out.empty()) return out;
  out += fmt::format("\n{} claims and tables:", claims.at("ledger").size());
  std::string between = " ";
  for (const claim_class c : claim_classes) {
    out += fmt::format("{}{} {}", between,
                       claims.at("classes").at(std::string{class_name(c)}).get<std::size_t>(), class_name(c));
    between = ", ";
  }
  return out + "\n";
}

}  // namespace

std::string_view comparison_name(claim_comparison c) noexcept {
  for (const auto& [value, text] : comparisons) {
    if (value == c) return text;
  }
  return "undefined";
}

std::vector<article> parse_articles(const json& value, const std::string& file) {
  const fields top(value, file, "");
  top.allow({"schema", "articles"});
  top.expect_schema(articles_schema);
  std::vector<article> out;
  top.each("articles", [&out](const fields& from) {
    from.allow({"id", "title", "english", "sections"});
    article a{
        .id = from.text("id"), .title = from.text("title"), .english = from.text("english"), .sections = {}};
    std::set<std::pair<std::string, std::string>> seen;
    from.each("sections", [&](const fields& section) {
      section.allow({"number", "heading", "english", "claims"});
      article_section s{.number = section.text("number"),
                        .heading = section.text("heading"),
                        .english = section.text("english"),
                        .ledger = section.texts("claims")};
      if (!seen.emplace(s.number, s.heading).second) section.refuse("heading", "stands twice");
      a.sections.push_back(std::move(s));
    });
    for (const article& other : out) {
      if (other.id == a.id) from.refuse("id", "'" + a.id + "' stands twice");
    }
    out.push_back(std::move(a));
  });
  return out;
}

claim_table parse_claim_table(const json& value, const std::string& file,
                              const std::vector<article>& articles) {
  const fields top(value, file, "");
  top.allow({"schema", "table", "title", "article", "section", "heading", "workload", "variants", "claims"});
  top.expect_schema(claims_schema);
  claim_table out;
  out.file = file;
  out.id = top.text("table");
  out.title = top.text("title");
  const article& in = article_of(top, articles);
  const article_section& section = section_of(top, in);
  out.article = in.id;
  out.section = section.number;
  out.heading = section.heading;
  const fields workload = top.object("workload");
  workload.allow({"measurement", "parameters", "quick"});
  out.workload = workload.text("measurement");
  out.parameters = workload.numbers("parameters");
  if (workload.has("quick")) out.quick_parameters = workload.numbers("quick");
  for (const auto& [name, number] : out.quick_parameters) {
    if (out.parameters.count(name) == 0)
      workload.refuse("quick", "'" + name + "' is not among the parameters");
  }
  out.variants = top.texts("variants");
  top.each("claims", [&](const fields& from) {
    claim c = read_claim(from, out.id);
    // A table that is published without an id among the claims is its own.
    if (c.ledger != out.id &&
        std::find(section.ledger.begin(), section.ledger.end(), c.ledger) == section.ledger.end())
      from.refuse("ledger",
                  "section " + section.number + " of article " + in.id + " holds no claim " + c.ledger);
    for (const claim& other : out.claims) {
      if (other.id == c.id) from.refuse("id", "'" + c.id + "' stands twice");
    }
    out.claims.push_back(std::move(c));
  });
  if (out.claims.empty()) top.refuse("claims", "holds no claim");
  return out;
}

claim_ledger load_claims(const fs::path& folder) {
  std::error_code failed;
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, failed)) {
    if (entry.path().extension() == ".json" && entry.path().filename() != "articles.json")
      files.push_back(entry.path());
  }
  if (failed) throw claim_error(folder.string() + ": no folder of claims: " + failed.message());
  std::sort(files.begin(), files.end());
  claim_ledger out;
  out.articles = parse_articles(parse_file(folder / "articles.json"), "articles.json");
  for (const fs::path& file : files) {
    const json value = parse_file(file);
    const std::string name = file.filename().string();
    if (value.is_object() && value.value("schema", json{}) == ledger_schema) {
      for (ledger_record& record : parse_records(value, name, out.articles))
        out.records.push_back(std::move(record));
      continue;
    }
    if (value.is_object() && value.value("schema", json{}) == truths_schema) {
      for (stated_truth& truth : parse_truths(value, name)) out.truths.push_back(std::move(truth));
      continue;
    }
    claim_table table = parse_claim_table(value, name, out.articles);
    for (const claim_table& other : out.tables) {
      if (other.id == table.id)
        throw claim_error(table.file + ": table: '" + table.id + "' is in " + other.file + " already");
    }
    out.tables.push_back(std::move(table));
  }
  check_records(out);
  check_truths(out);
  return out;
}

fs::path claims_folder(const std::string& given) {
  return given.empty() ? shipped_folder("claims") : fs::path{given};
}

fs::path go_folder() { return shipped_folder("go"); }

json rule_json(const claim_rule& rule) {
  json out{{"compare", comparison_name(rule.compare)}, {"why", rule.why}};
  if (!rule.readings.empty()) out["metric"] = rule.readings;
  if (!rule.per.empty()) out["per"] = rule.per;
  if (rule.compare != claim_comparison::undefined) {
    out["figure"] = rule.figure;
    out["tolerance"] = rule.tolerance;
  }
  if (rule.inverted) out["inverted"] = true;
  if (rule.direction)
    out["direction"] = {{"is", rule.direction->greater ? "greater" : "less"}, {"than", rule.direction->than}};
  return out;
}

json claims_json(const claim_ledger& ledger, const claim_filter& filter) {
  check_filter(ledger, filter);
  const std::string wanted = lower_ascii(filter.search);
  json out = json::array();
  for (const claim_table& t : ledger.tables) {
    if (!filter.article.empty() && t.article != filter.article) continue;
    if (!filter.section.empty() && t.section != filter.section) continue;
    const article& in = known_article(ledger, t.article);
    for (const claim& c : t.claims) {
      const std::string all =
          lower_ascii(fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}", c.id, c.ledger, c.label, c.sentence,
                                  t.title, t.heading, in.title, in.english));
      if (all.find(wanted) == std::string::npos) continue;
      out.push_back({{"name", c.id},
                     {"description", c.sentence},
                     {"ledger", c.ledger},
                     {"table", t.id},
                     {"article", t.article},
                     {"section", t.section},
                     {"heading", t.heading},
                     {"reported", reported_json(c)},
                     {"rule", rule_json(c.rule)}});
    }
  }
  const std::vector<ledger_record> records = records_met(ledger, filter);
  json record_list = json::array(), classes = json::object();
  for (const ledger_record& record : records) record_list.push_back(record_json(record));
  const auto counts = count_classes(records);
  for (const claim_class c : claim_classes) classes[class_name(c)] = counts[static_cast<std::size_t>(c)];
  return {{"claims", out},
          {"sections", sections_json(ledger, filter)},
          {"ledger", record_list},
          {"classes", classes}};
}

std::string claims_text(const json& claims) {
  std::string out, table;
  for (const json& c : claims.at("claims")) {
    if (c.at("table") != table) {
      table = c.at("table");
      out += fmt::format("{}{}  article {}, {}  {}\n", out.empty() ? "" : "\n", table,
                         c.at("article").get<std::string>(), c.at("section").get<std::string>(),
                         c.at("heading").get<std::string>());
    }
    out += fmt::format("  {:<28} {:<4} {}\n", c.at("name").get<std::string>(),
                       c.at("ledger").get<std::string>(), c.at("description").get<std::string>());
  }
  const std::string records = records_text(claims);
  for (const json& section : claims.value("sections", json::array())) {
    if (!section.at("tables").empty() || !records.empty()) continue;
    std::string ids;
    for (const json& id : section.at("ledger")) ids += (ids.empty() ? "" : " ") + id.get<std::string>();
    out +=
        fmt::format("article {}, {}  {} ({}): {}, not to be reproduced yet\n",
                    section.at("article").get<std::string>(), section.at("section").get<std::string>(),
                    section.at("heading").get<std::string>(), section.at("english").get<std::string>(), ids);
  }
  out += out.empty() && !records.empty() ? records.substr(1) : records;
  return out.empty() ? "no claim and no heading holds that\n" : out;
}

}  // namespace tophash::lab
