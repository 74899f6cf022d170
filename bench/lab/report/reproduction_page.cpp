// SPDX-License-Identifier: Apache-2.0
#include "lab/report/reproduction_page.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "lab/report/bucket_drawing.hpp"
#include "lab/report/heat_map.hpp"
#include "lab/report/manifest.hpp"
#include "lab/report/page.hpp"
#include "lab/report/table.hpp"
#include "lab/report/text.hpp"

namespace tophash::lab {
namespace report {
namespace {

using nlohmann::json;

constexpr std::array verdict_names = {"CONFIRMED", "DIRECTION ONLY", "REFUTED", "NOT RESOLVABLE HERE"};

std::string field(const json& from, const char* name) {
  const auto found = from.find(name);
  return found != from.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

std::string with_unit(const std::string& number, const std::string& unit) {
  return unit.empty() ? number : number + " " + unit;
}

std::string published_figure(const json& row) {
  const json& reported = row.at("reported");
  const std::string text = field(reported, "text");
  return !text.empty() ? text
                       : with_unit(exact(reported.at("figure").get<double>()), field(reported, "unit"));
}

// `23.7 % (23.1..24.0)`, or a dash where nothing was measured.
std::string measured_figure(const json& judgement, const std::string& unit) {
  const auto found = judgement.find("figure");
  if (found == judgement.end()) return "\xE2\x80\x93";
  // What an article gives in milliseconds may be nanoseconds here.
  const bool tiny = unit == "ms" && found->at("high").get<double>() < 1e-3;
  const double scale = tiny ? 1e6 : 1;
  const std::string low = figure(found->at("low").get<double>() * scale);
  const std::string high = figure(found->at("high").get<double>() * scale);
  std::string out = with_unit(figure(found->at("median").get<double>() * scale), tiny ? "ns" : unit);
  if (low != high) out += " (" + low + ".." + high + ")";
  return out;
}

std::string go_figure(const json& row, const std::string& unit) {
  const auto go = row.find("go");
  return go == row.end() ? field(row, "go_absent") : measured_figure(*go, unit);
}

std::string go_version(const json& t) {
  const auto go = t.find("go");
  return go == t.end() ? "Go" : field(*go, "version");
}

bool anything_from_go(const json& t) {
  const json& rows = t.at("claims");
  return std::any_of(rows.begin(), rows.end(), [](const json& row) { return row.contains("go"); });
}

std::string table_heading(const json& t) { return field(t, "table") + ": " + field(t, "title"); }

std::string table_setting(const json& t) {
  const std::size_t rounds = t.at("rounds");
  return t.at("variants").front().get<std::string>() + "; " + field(t, "setting") + "; " +
         std::to_string(rounds) + (rounds == 1 ? " round" : " rounds");
}

// The verdict of a claim, and what it comes from. Empty: not decided in this run.
std::pair<std::string, std::string> decision(const json& record) {
  if (const std::string test = field(record, "verdict_if_it_passes"); !test.empty())
    return {test, "test: " + field(record, "test")};
  if (const std::string go = field(record, "verdict"); !go.empty())
    return {go, "Go says: " + (field(record, "go_says").empty() ? "nothing" : field(record, "go_says"))};
  if (const auto rows = record.find("verdicts"); rows != record.end()) {
    std::map<std::string, std::size_t> counts;
    for (const auto& [row, is] : rows->items()) ++counts[is.get<std::string>()];
    std::string text;
    for (const char* name : verdict_names) {
      if (counts[name] == 0) continue;
      text +=
          (text.empty() ? "" : ", ") + (counts.size() == 1 ? "" : std::to_string(counts[name]) + " ") + name;
    }
    return {text, rows->size() == 1 ? "measured: " + rows->begin().key()
                                    : "measured: " + std::to_string(rows->size()) + " rows"};
  }
  return {"",
          field(record, "class") + (field(record, "reason").empty() ? "" : ": " + field(record, "reason"))};
}

// "A1, A2 refuted; A8 confirmed", by verdict and what it was found by.
std::string grounds(const json& truth) {
  std::vector<std::pair<std::string, std::string>> groups;  // a verdict, the ids
  for (const json& one : truth.at("stands_on")) {
    std::string is = field(one, "found");
    is = is.empty() ? "not decided" : is == "REFUTED" ? "refuted" : is == "CONFIRMED" ? "confirmed" : is;
    if (is != "not decided")
      is += field(one, "by") == "test" ? " by test" : field(one, "by") == "Go" ? " by Go" : "";
    const auto group =
        std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g.first == is; });
    if (group == groups.end())
      groups.emplace_back(is, field(one, "id"));
    else
      group->second += ", " + field(one, "id");
  }
  std::string out;
  for (const auto& [is, ids] : groups) out += (out.empty() ? "" : "; ") + ids + " " + is;
  return out;
}

std::vector<const json*> truths_that(const json& r, const std::string& state) {
  std::vector<const json*> out;
  if (const auto all = r.find("truths"); all != r.end()) {
    for (const json& t : *all) {
      if (field(t, "is") == state) out.push_back(&t);
    }
  }
  return out;
}

std::map<std::string, std::size_t> rows_by_verdict(const json& r) {
  std::map<std::string, std::size_t> out;
  for (const json& t : r.at("tables")) {
    for (const json& row : t.at("claims")) ++out[field(row, "verdict")];
  }
  return out;
}

std::map<std::string, std::size_t> records_by_class(const json& r) {
  std::map<std::string, std::size_t> out;
  for (const json& record : r.at("ledger")) ++out[field(record, "class")];
  return out;
}

std::string counts_sentence(const json& r) {
  std::size_t rows = 0;
  std::string verdicts;
  auto by_verdict = rows_by_verdict(r);
  for (const char* name : verdict_names) {
    rows += by_verdict[name];
    if (by_verdict[name] != 0)
      verdicts += (verdicts.empty() ? "" : ", ") + std::to_string(by_verdict[name]) + " " + name;
  }
  std::string classes;
  for (const auto& [name, count] : records_by_class(r))
    classes += (classes.empty() ? "" : ", ") + std::to_string(count) + " " + name;
  const std::size_t tables = r.at("tables").size();
  return std::to_string(rows) + " published figures in " + std::to_string(tables) +
         (tables == 1 ? " table: " : " tables: ") + verdicts + ". " + std::to_string(r.at("ledger").size()) +
         " claims: " + classes + ".";
}

std::string command_of(const json& r) {
  std::string out;
  for (const json& word : r.at("argv")) {
    std::string text = word.get<std::string>();
    // The program's own path and where results went say nothing about the run.
    if (out.empty()) text = "tophash";
    out += (out.empty() ? "" : " ") + text;
  }
  return out;
}

std::vector<std::string> articles_of(const json& r) {
  std::vector<std::string> out;
  for (const json& record : r.at("ledger")) {
    if (const std::string a = field(record, "article"); std::find(out.begin(), out.end(), a) == out.end())
      out.push_back(a);
  }
  std::sort(out.begin(), out.end());
  return out;
}

// ---- the page

const char* class_of(const std::string& verdict) {
  return verdict == "CONFIRMED" ? "good" : verdict == "REFUTED" ? "bad" : "";
}

// One line a row: measured over published on a logarithmic axis from a hundredth to a hundredfold, Go's
// beside ours. What lies outside stands at the edge as a triangle.
std::string ratio_plot(const json& t) {
  constexpr double axis_left = 220, axis_width = 470, line_height = 24, axis_top = 26;
  constexpr double decades = 2;
  struct line {
    std::string label;
    double published;
    const json *here, *go;
  };
  std::vector<line> lines;
  for (const json& row : t.at("claims")) {
    const auto published = row.at("reported").find("figure");
    if (published == row.at("reported").end() || published->get<double>() == 0) continue;
    const auto here = row.at("here").find("figure");
    if (here == row.at("here").end()) continue;
    const json* go = nullptr;
    if (const auto beside = row.find("go"); beside != row.end() && beside->contains("figure"))
      go = &beside->at("figure");
    lines.push_back({field(row, "label"), published->get<double>(), &*here, go});
  }
  if (lines.empty()) return {};
  const auto x_of = [&](double ratio) {
    const double exponent = ratio > 0 ? std::clamp(std::log10(ratio), -decades, decades) : -decades;
    return axis_left + (exponent + decades) / (2 * decades) * axis_width;
  };
  const double plot_height = axis_top + static_cast<double>(lines.size()) * line_height + 8;
  std::string out = "<figure><div class=\"scroll\"><svg viewBox=\"0 0 " + coordinate(axis_left + axis_width + 60) +
                    " " + coordinate(plot_height) +
                    "\" role=\"img\" style=\"min-width:520px;max-width:900px\"><title>" +
                    escape("measured over published, " + table_heading(t)) + "</title>";
  for (int exponent = -2; exponent <= 2; ++exponent) {
    const double x = x_of(std::pow(10, exponent));
    const char* name[] = {"1/100", "1/10", "as published", "10 times", "100 times"};
    out += "<path d=\"M" + coordinate(x) + " " + coordinate(axis_top - 4) + "V" + coordinate(plot_height - 4) +
           "\" stroke=\"" + (exponent == 0 ? "var(--published)" : "var(--grid)") + "\"/><text x=\"" +
           coordinate(x) + "\" y=\"14\" text-anchor=\"middle\" font-size=\"11.5\" fill=\"var(--muted)\">" +
           name[exponent + 2] + "</text>";
  }
  double y = axis_top + line_height / 2;
  for (const line& one : lines) {
    out += "<text x=\"" + coordinate(axis_left - 10) + "\" y=\"" + coordinate(y + 4) +
           "\" text-anchor=\"end\" font-size=\"12\" fill=\"currentColor\">" +
           escape(shortened(one.label, 36)) + "</text>";
    const auto mark = [&](const json& f, double at, const char* color, bool filled) {
      const double median = f.at("median").get<double>() / one.published;
      const double low = f.at("low").get<double>() / one.published,
                   high = f.at("high").get<double>() / one.published;
      const std::string paint = std::string(" fill=\"") + (filled ? color : "var(--paper)") + "\" stroke=\"" +
                                color + "\" stroke-width=\"1.6\"/>";
      out += "<path d=\"M" + coordinate(x_of(low)) + " " + coordinate(at) + "H" + coordinate(x_of(high)) +
             "\" stroke=\"" + color + "\" stroke-width=\"2\"/>";
      const double x = x_of(median);
      if (median > 100 || median < 0.01) {
        const double way = median > 100 ? 5 : -5;
        out += "<path d=\"M" + coordinate(x + way) + " " + coordinate(at) + "L" + coordinate(x - way) + " " +
               coordinate(at - 5) + "V" + coordinate(at + 5) + "Z\"" + paint;
      } else {
        out += "<circle cx=\"" + coordinate(x) + "\" cy=\"" + coordinate(at) + "\" r=\"4.5\"" + paint;
      }
    };
    if (one.go != nullptr) mark(*one.go, y + 4, "var(--v21)", false);
    mark(*one.here, one.go != nullptr ? y - 4 : y, "var(--v11)", true);
    y += line_height;
  }
  return out +
         "</svg></div><figcaption>Measured over published, with the interval: "
         "<span style=\"color:var(--v11)\">\xE2\x97\x8F</span> here" +
         (anything_from_go(t)
              ? ", <span style=\"color:var(--v21)\">\xE2\x97\x8B</span> " + escape(go_version(t))
              : "") +
         ". A triangle stands for what lies beyond the axis.</figcaption></figure>\n";
}

table rows_table(const json& t) {
  table out{"published, measured, judged",
            {{"row", false},
             {"claim", false},
             {"published", false},
             {"here", false},
             {go_version(t), false},
             {"verdict", false},
             {"why this verdict", false}},
            {}};
  for (const json& row : t.at("claims")) {
    const std::string unit = field(row.at("reported"), "unit"), is = field(row, "verdict");
    cell verdict = text_cell(is);
    verdict.style_class = class_of(is);
    out.rows.push_back({text_cell(field(row, "id")), text_cell(field(row, "claim")),
                        text_cell(published_figure(row)), text_cell(measured_figure(row.at("here"), unit)),
                        text_cell(go_figure(row, unit)), verdict,
                        text_cell(field(row.at("here"), "reason"))});
  }
  return out;
}

std::string table_section(const json& t) {
  std::string out = "<h2 id=\"" + escape(field(t, "table")) + "\">" + escape(table_heading(t)) + "</h2>\n" +
                    "<p class=\"muted\">Article " + escape(field(t, "article")) + ", " +
                    escape(field(t, "section")) + " " + escape(field(t, "heading")) + ". " +
                    escape(table_setting(t)) + ".</p>\n" + ratio_plot(t) + table_html(rows_table(t)) +
                    (t.contains("heat") ? heat_maps(t.at("heat")) : "") + "<ul class=\"section-findings\">";
  for (const json& why : t.at("why")) out += "<li>" + escape(why.get<std::string>()) + "</li>";
  return out + "</ul>\n<p><code>" + escape(field(t, "rerun")) + "</code></p>\n";
}

std::string claims_section(const json& r, const std::string& article) {
  table out{"every claim of article " + article,
            {{"id", false},
             {"section", false},
             {"claim", false},
             {"verdict", false},
             {"decided by", false},
             {"which shows", false}},
            {}};
  for (const json& record : r.at("ledger")) {
    if (field(record, "article") != article) continue;
    const auto [is, by] = decision(record);
    cell verdict = text_cell(is);
    verdict.style_class = class_of(is);
    out.rows.push_back({text_cell(field(record, "id")), text_cell(field(record, "section")),
                        text_cell(field(record, "claim")), verdict, text_cell(by),
                        text_cell(field(record, "shows"))});
  }
  return "<h3 id=\"article-" + escape(article) + "\">Article " + escape(article) + "</h3>\n" +
         table_html(out);
}

std::string truths_html(const json& r) {
  const auto list = [&](const char* state, const char* head) {
    const std::vector<const json*> some = truths_that(r, state);
    if (some.empty()) return std::string{};
    std::string out = *head != '\0' ? "<p><b>" + std::string(head) + "</b></p>" : "";
    out += "<ol class=\"findings\">";
    for (const json* t : some)
      out += "<li>" + escape(field(*t, "says")) + "<small>" + escape(grounds(*t)) + "</small></li>";
    return out + "</ol>\n";
  };
  return list("holds", "") + list("contradicted", "Contradicted by this run:") +
         list("open", "Not decided by this run:");
}

void require_schema(const json& r) {
  if (field(r, "schema") != "tophash-reproduction-1")
    throw std::runtime_error("reproduction: the schema is not tophash-reproduction-1");
}

// ---- Markdown

std::string md(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '|')
      out += "\\|";
    else if (c == '\n')
      out += ' ';
    else if (c == '<')
      out += "&lt;";
    else
      out += c;
  }
  return out;
}

std::string md_row(const std::vector<std::string>& cells) {
  std::string out = "|";
  for (const std::string& c : cells) out += " " + md(c) + " |";
  return out + "\n";
}

std::string md_head(const std::vector<std::string>& cells) {
  std::string out = md_row(cells) + "|";
  for (std::size_t i = 0; i < cells.size(); ++i) out += "---|";
  return out + "\n";
}

std::string md_truths(const json& r) {
  const auto list = [&](const char* state, const char* head) {
    std::string out;
    for (const json* t : truths_that(r, state)) out += "- " + field(*t, "says") + " (" + grounds(*t) + ")\n";
    return out.empty() ? out : head + out + "\n";
  };
  return list("holds", "") + list("contradicted", "Contradicted by this run:\n\n") +
         list("open", "Not decided by this run:\n\n");
}

std::string md_table(const json& t) {
  std::string out = "### " + table_heading(t) + "\n\nArticle " + field(t, "article") + ", " +
                    field(t, "section") + ". " + table_setting(t) + ".\n\n";
  out += md_head({"", "published", "here", go_version(t), "verdict"});
  for (const json& row : t.at("claims")) {
    const std::string unit = field(row.at("reported"), "unit");
    out += md_row({field(row, "label"), published_figure(row), measured_figure(row.at("here"), unit),
                   go_figure(row, unit), field(row, "verdict")});
  }
  out += "\n";
  for (const json& why : t.at("why")) out += "- " + md(why.get<std::string>()) + "\n";
  return out + "\n`" + field(t, "rerun") + "`\n\n";
}

}  // namespace
}  // namespace report

std::string reproduction_page(const nlohmann::json& r) {
  using namespace report;
  require_schema(r);
  std::string nav = "<nav aria-label=\"Sections\">";
  for (const json& t : r.at("tables"))
    nav += "<a href=\"#" + escape(field(t, "table")) + "\">" + escape(field(t, "table")) + "</a>";
  for (const std::string& a : articles_of(r))
    nav += "<a href=\"#article-" + escape(a) + "\">article " + escape(a) + "</a>";
  nav += "<a href=\"#manifest\">manifest</a></nav>\n";
  std::string page = page_head() + "<header><h1>What is true of Go's map</h1>\n<p class=\"machine\">" +
                     escape(machine_line(r.at("manifest"))) + "</p>\n<p class=\"muted\">" +
                     escape(counts_sentence(r)) + "</p>\n" + nav + "</header>\n";
  page += "<section>" + truths_html(r) + "</section>\n";
  if (const auto story = r.find("bucket"); story != r.end())
    page += "<section><h2 id=\"bucket\">A bucket's life</h2>\n<p class=\"muted\">Drawn from a map of "
            "go_like; framed is "
            "what changed.</p>\n" +
            bucket_drawings(*story) + "</section>\n";
  page += "<section>";
  for (const json& t : r.at("tables")) page += table_section(t);
  page += "</section>\n";
  if (!r.at("ledger").empty()) {
    page += "<section><h2 id=\"claims\">Every claim</h2>\n";
    for (const std::string& a : articles_of(r)) page += claims_section(r, a);
    page += "</section>\n";
  }
  return page + "<section><h2 id=\"manifest\">Manifest</h2>\n<p><code>" + escape(command_of(r)) +
         "</code></p>\n" + manifest_list(r.at("manifest")) + "</section>\n" + page_foot();
}

std::string reproduction_document(const nlohmann::json& r) {
  using namespace report;
  require_schema(r);
  std::string out =
      "# What is true of Go's map\n\n" + md_truths(r) + counts_sentence(r) + "\n\n" +
      "Written by `tophash reproduce --document`; every figure but the published ones is of that run: " +
      machine_line(r.at("manifest")) +
      ". What the verdicts mean: [reproduce.md](reproduce.md). \"By test\": the verdict that follows if "
      "the test passes, which this run names and the project's tests run.\n\n## Tables\n\n";
  for (const json& t : r.at("tables")) out += md_table(t);
  out += "## Every claim\n";
  for (const std::string& a : articles_of(r)) {
    out += "\n### Article " + a + "\n\n" + md_head({"", "section", "claim", "verdict", "decided by"});
    for (const json& record : r.at("ledger")) {
      if (field(record, "article") != a) continue;
      const auto [is, by] = decision(record);
      out += md_row({field(record, "id"), field(record, "section"), field(record, "claim"), is, by});
    }
  }
  return out;
}

void write_reproduction_page(const nlohmann::json& r, const std::filesystem::path& output) {
  report::write_page(reproduction_page(r), output);
}

void write_reproduction_document(const nlohmann::json& r, const std::filesystem::path& output) {
  report::write_page(reproduction_document(r), output);
}

}  // namespace tophash::lab
