// SPDX-License-Identifier: Apache-2.0
#include "lab/claim_records.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "lab/claim_fields.hpp"
#include "lab/nearest.hpp"

namespace tophash::lab {

namespace {

using nlohmann::json;

constexpr std::array<std::string_view, claim_classes.size()> class_names = {
    "measured here", "decided by construction", "needs real Go", "not testable"};

claim_class class_named(const claim_fields& from) {
  const std::string name = from.text("class");
  std::vector<std::string> known;
  for (const claim_class c : claim_classes) {
    if (class_name(c) == name) return c;
    known.emplace_back(class_name(c));
  }
  from.refuse("class", "'" + name + "' is no class" + nearest_hint(name, known));
}

// `confirms` or `refutes`.
bool confirms(const claim_fields& from, const char* name) {
  const std::string what = from.text(name);
  if (what != "confirms" && what != "refutes")
    from.refuse(name, "expected 'confirms' or 'refutes', found '" + what + "'");
  return what == "confirms";
}

// Claims are listed in articles.json; the tables that a section prints beside them are not.
void place(ledger_record& out, const claim_fields& from, const article& in) {
  const std::string number = from.text("section"), heading = from.has("heading") ? from.text("heading") : "";
  const bool table = out.id.rfind("T-", 0) == 0;
  std::size_t met = 0;
  for (const article_section& s : in.sections) {
    const bool holds = std::find(s.ledger.begin(), s.ledger.end(), out.id) != s.ledger.end();
    if (holds && (s.number != number || (!heading.empty() && s.heading != heading)))
      from.refuse("section", "claim " + out.id + " is of section " + s.number + ", " + s.heading);
    if (!holds && (!table || s.number != number || (!heading.empty() && s.heading != heading))) continue;
    ++met;
    out.section = s.number;
    out.heading = s.heading;
  }
  if (met == 0)
    from.refuse(table ? "section" : "id",
                fmt::format("article {} has no {}", in.id, table ? "section " + number : "claim " + out.id));
  if (met > 1) from.refuse("heading", "missing: article " + in.id + " has several sections " + number);
}

ledger_record read_record(const claim_fields& from, const article& in, const std::string& file) {
  ledger_record out;
  out.file = file;
  out.article = in.id;
  out.id = from.text("id");
  out.sentence = from.text("claim");
  out.is = class_named(from);
  std::vector<std::string> allowed = {"id", "section", "heading", "claim", "reported", "class"};
  if (from.has("reported")) out.reported = from.text("reported");
  const auto decides = [&](const char* what, const char* by) {
    allowed.insert(allowed.end(), {what, by, "shows", "inverted"});
    from.allow(allowed);
    out.confirms = confirms(from, by);
    out.why = from.text("shows");
    if (!from.has("inverted")) return;
    if (!from.need("inverted").is_boolean()) from.refuse("inverted", "expected true or false");
    out.inverted = from.need("inverted").get<bool>();
  };
  switch (out.is) {
  case claim_class::measured:
    allowed.push_back("measured_by");
    from.allow(allowed);
    out.rows = from.texts("measured_by");
    if (out.rows.empty()) from.refuse("measured_by", "names no row of a table");
    break;
  case claim_class::by_construction:
    decides("test", "passing");
    out.test = from.text("test");
    break;
  case claim_class::needs_go:
    decides("command", "printing");
    out.command = from.text("command");
    break;
  case claim_class::not_testable:
    allowed.push_back("reason");
    from.allow(allowed);
    out.why = from.text("reason");
    break;
  }
  place(out, from, in);
  return out;
}

[[noreturn]] void refuse(const ledger_record& record, const std::string& why) {
  throw claim_error(record.file + ": " + record.id + ": " + why);
}

}  // namespace

std::string_view class_name(claim_class c) noexcept { return class_names[static_cast<std::size_t>(c)]; }

std::vector<ledger_record> parse_records(const json& value, const std::string& file,
                                         const std::vector<article>& articles) {
  const claim_fields top(value, file, "");
  top.allow({"schema", "article", "records"});
  top.expect_schema(ledger_schema);
  const std::string id = top.text("article");
  const auto in =
      std::find_if(articles.begin(), articles.end(), [&](const article& a) { return a.id == id; });
  if (in == articles.end()) top.refuse("article", "'" + id + "' is no article");
  std::vector<ledger_record> out;
  const json& all = top.list("records");
  for (std::size_t i = 0; i < all.size(); ++i) {
    // A record is called by its id where it has one: nobody counts to 188.
    const bool named = all[i].is_object() && all[i].contains("id") && all[i]["id"].is_string();
    const std::string path = named ? all[i]["id"].get<std::string>() : "records[" + std::to_string(i) + "]";
    out.push_back(read_record(claim_fields(all[i], file, path), *in, file));
  }
  return out;
}

void check_records(const claim_ledger& ledger) {
  std::map<std::string, const ledger_record*> by_id;
  std::size_t not_testable = 0;
  for (const ledger_record& record : ledger.records) {
    if (const auto [other, fresh] = by_id.emplace(record.id, &record); !fresh)
      refuse(record, "stands in " + other->second->file + " already");
    if (record.is == claim_class::not_testable && ++not_testable > most_not_testable)
      refuse(record, fmt::format("one more that is not testable; at most {} may be", most_not_testable));
  }
  std::vector<std::string> rows;
  for (const claim_table& t : ledger.tables) {
    for (const claim& c : t.claims) {
      rows.push_back(c.id);
      const auto record = by_id.find(c.ledger);
      if (record == by_id.end()) continue;
      const std::vector<std::string>& named = record->second->rows;
      if (std::find(named.begin(), named.end(), c.id) == named.end())
        refuse(*record->second, "does not name " + c.id + ", which measures it");
    }
  }
  for (const ledger_record& record : ledger.records) {
    for (const std::string& row : record.rows) {
      if (std::find(rows.begin(), rows.end(), row) == rows.end())
        refuse(record, "measured_by: '" + row + "' is no row of a table" + nearest_hint(row, rows));
    }
  }
}

verdict decided(const ledger_record& record, std::optional<bool> happened) noexcept {
  const bool decides = record.is == claim_class::by_construction || record.is == claim_class::needs_go;
  if (!decides || !happened) return verdict::not_resolvable;
  const bool confirmed = (record.confirms == *happened) != record.inverted;
  return confirmed ? verdict::confirmed : verdict::refuted;
}

// CTest takes a regular expression, the shell a word: what means something to either becomes a dot.
std::string test_command(const std::string& test) {
  std::string name = test;
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 &&
        std::string_view{" :,-_"}.find(c) == std::string_view::npos)
      c = '.';
  }
  return "ctest --test-dir build/release -R '^" + name + "$'";
}

std::array<std::size_t, claim_classes.size()> count_classes(const std::vector<ledger_record>& records) {
  std::array<std::size_t, claim_classes.size()> out{};
  for (const ledger_record& record : records) ++out[static_cast<std::size_t>(record.is)];
  return out;
}

json record_json(const ledger_record& record) {
  json out{{"id", record.id},           {"article", record.article}, {"section", record.section},
           {"heading", record.heading}, {"claim", record.sentence},  {"class", class_name(record.is)}};
  if (!record.reported.empty()) out["reported"] = record.reported;
  switch (record.is) {
  case claim_class::measured:
    out["measured_by"] = record.rows;
    break;
  case claim_class::by_construction:
    out["test"] = record.test;
    out["run"] = test_command(record.test);
    out["shows"] = record.why;
    out["verdict_if_it_passes"] = verdict_name(decided(record, true));
    break;
  case claim_class::needs_go:
    out["command"] = record.command;
    out["shows"] = record.why;
    out["verdict_if_it_prints"] = verdict_name(decided(record, true));
    out["verdict_if_it_prints_nothing"] = verdict_name(decided(record, false));
    break;
  case claim_class::not_testable:
    out["reason"] = record.why;
    break;
  }
  return out;
}

std::string record_text(const ledger_record& record) {
  std::string out = fmt::format("{}  article {}, {}  {}\nclaim: {}\n", record.id, record.article,
                                record.section, record.heading, record.sentence);
  if (!record.reported.empty()) out += "published: " + record.reported + "\n";
  out += fmt::format("{}\n", class_name(record.is));
  switch (record.is) {
  case claim_class::measured: {
    out += "by:";
    for (const std::string& row : record.rows) out += " " + row;
    out += "\n";
    break;
  }
  case claim_class::by_construction:
    out += fmt::format("by the test: {}\nit shows: {}\nif it passes: {}\nrun: {}\n", record.test, record.why,
                       verdict_name(decided(record, true)), test_command(record.test));
    break;
  case claim_class::needs_go:
    out +=
        fmt::format("by: {}\nit shows: {}\nif it prints a line: {}; if it prints none: {}\n", record.command,
                    record.why, verdict_name(decided(record, true)), verdict_name(decided(record, false)));
    break;
  case claim_class::not_testable:
    out += "because: " + record.why + "\n";
    break;
  }
  return out;
}

}  // namespace tophash::lab
