// SPDX-License-Identifier: Apache-2.0
#include "lab/report/report.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <stdexcept>

#include "lab/report/findings.hpp"
#include "lab/report/frontier.hpp"
#include "lab/report/manifest.hpp"
#include "lab/report/marker.hpp"
#include "lab/report/page.hpp"
#include "lab/report/search_page.hpp"
#include "lab/report/sections.hpp"
#include "lab/report/storage_page.hpp"
#include "lab/report/text.hpp"

namespace tophash::lab {
namespace report {
namespace {

std::string legend_item(const std::string& mark, const std::string& name) {
  return " <span class=\"entry\">" + mark + escape(name) + "</span>";
}

std::string legend_html(const palette& looks) {
  std::string out = "<ul class=\"legend\" aria-label=\"Legend\">";
  std::string axis = "\n";  // no axis is called so
  for (const legend_entry& entry : looks.legend()) {
    if (entry.axis != axis) {
      out += (axis == "\n" ? "<li><b>" : "</li><li><b>") + escape(entry.axis) + "</b>";
    }
    axis = entry.axis;
    out += legend_item(swatch(0, entry.appearance), entry.option);
  }
  if (looks.storages().size() > 1) {
    out += (axis == "\n" ? "<li><b>" : "</li><li><b>") + std::string("storage</b>");
    for (std::size_t i = 0; i < looks.storages().size(); ++i) {
      out += legend_item(swatch(static_cast<int>(i % marker_shapes), {0, 1, false}), looks.storages()[i]);
    }
    axis = "";
  }
  return axis == "\n" ? "" : out + "</li></ul>\n";
}

// The frontiers of all groups that have one, the one with the most dots first.
std::string frontiers_html(const std::vector<experiment_view>& views) {
  std::vector<std::pair<std::size_t, std::string>> figures;
  for (const experiment_view& view : views) {
    for (const group& g : view.groups) {
      const std::string detail = view.groups.size() > 1 ? group_title(g) : "";
      const std::string title = view.title + (detail.empty() ? "" : ", " + detail);
      std::string figure = frontier_figure(g, title, "f" + std::to_string(figures.size() + 1));
      if (!figure.empty()) figures.emplace_back(g.rows.size(), std::move(figure));
    }
  }
  if (figures.empty())
    return "<p class=\"muted\">No row has both a time and a memory figure: no frontier to draw.</p>";
  std::stable_sort(figures.begin(), figures.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string out;
  for (const auto& [rows, figure] : figures) out += figure;
  return out;
}

std::string navigation(const std::vector<experiment_view>& views,
                       const std::vector<storage_section>& storages) {
  std::string out = "<nav aria-label=\"Sections\">";
  for (const experiment_view& view : views) {
    out += "<a href=\"#" + view.id + "\">" + escape(view.title) + "</a>";
  }
  for (const storage_section& s : storages) out += "<a href=\"#" + s.id + "\">" + escape(s.title) + "</a>";
  return out + (views.empty() ? "" : "<a href=\"#manifest\">manifest</a>") + "</nav>\n";
}

// Of a page about storage alone.
std::string storage_findings(const std::vector<storage_section>& storages) {
  constexpr std::size_t most = 3;
  std::vector<std::string> chosen;
  for (const storage_section& s : storages) chosen.insert(chosen.end(), s.findings.begin(), s.findings.end());
  if (chosen.size() > most) chosen.resize(most);
  if (chosen.empty()) return {};
  std::string out = "<section aria-label=\"Findings\"><ol class=\"findings\">";
  for (const std::string& sentence : chosen) out += "<li>" + escape(sentence) + "</li>";
  return out + "</ol></section>\n";
}

std::string first_screen(const std::vector<experiment_view>& views,
                         const std::vector<storage_section>& storages, const palette& looks) {
  if (views.empty())
    return "<header><h1>tophash report</h1>\n" + navigation(views, storages) + "</header>\n" +
           storage_findings(storages);
  return "<header><h1>tophash report</h1>\n" + machine_paragraph(views) + navigation(views, storages) +
         "</header>\n<section class=\"first\" aria-label=\"Findings and frontier\"><div>" +
         first_findings(views) + legend_html(looks) + "</div><div>" + frontiers_html(views) +
         "</div></section>\n";
}

std::string facts_line(const result& source) {
  std::string line;
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) line += (line.empty() ? "" : " \xC2\xB7 ") + std::string(name) + " " + escape(value);
  };
  add("n", source.n);
  add("repeats", source.repeat);
  add("seed", source.seed);
  add("rows", std::to_string(source.rows.size()));
  add("input:", source.input);
  std::string out = "<p class=\"muted\">" + line + "</p>\n";
  if (!source.argv.empty()) out += "<p><code>$ " + escape(source.argv) + "</code></p>\n";
  return out;
}

// Rows that did the same operations must have got the same results; a fast wrong map is an error, not a
// finding. Rows with another number of operations (a load sweep to another load) did other work.
std::string checksum_line(const experiment_view& view) {
  std::size_t compared = 0;
  for (const group& g : view.groups) {
    std::map<double, std::vector<std::string>> by_operations;
    for (const row_view& r : g.rows) {
      if (!r.figures->checksum.empty())
        by_operations[r.figures->ops.value_or(0)].push_back(r.figures->checksum);
    }
    for (const auto& [operations, sums] : by_operations) {
      if (std::adjacent_find(sums.begin(), sums.end(), std::not_equal_to<>()) != sums.end()) {
        const std::string where = group_title(g);
        return "<p class=\"notice\"><b>Checksums differ</b>" +
               (where.empty() ? "" : " (" + escape(where) + ")") +
               ": these rows did not compute the same results. Do not use their times.</p>\n";
      }
      if (sums.size() > 1) compared += sums.size();
    }
  }
  if (compared == 0) return {};
  return "<p class=\"muted\">Checksums of the results agree in all " + std::to_string(compared) +
         " rows compared.</p>\n";
}

// What is missing from the rows or wrong with them, before any figure.
std::string warnings_html(const result& source) {
  std::string out;
  if (source.partial) {
    out += "<p class=\"notice\">This run was interrupted: the rows are those it got to.</p>\n";
  }
  for (const std::string& mismatch : source.mismatches) {
    out += "<p class=\"notice\"><b>Results differ:</b> " + escape(mismatch) + "</p>\n";
  }
  for (const row& r : source.rows) {
    if (r.trouble.empty()) continue;
    out += "<p class=\"notice\"><b>Not measured:</b> " + escape(r.variant) + ", " + escape(storage_of(r)) +
           ": " + escape(r.trouble) + "</p>\n";
  }
  for (const std::string& why : source.left_out)
    out += "<p class=\"muted\">Left out: " + escape(why) + "</p>\n";
  return out;
}

std::string experiment_html(const experiment_view& view, drawing& plots) {
  const result& source = *view.source;
  std::string out = "<section aria-labelledby=\"" + view.id + "\"><h2 id=\"" + view.id + "\">" +
                    escape(view.title) + "</h2>\n" + facts_line(source);
  out += warnings_html(source);
  out += checksum_line(view);
  if (!source.findings.empty()) {
    out += "<ul class=\"section-findings\">";
    for (const std::string& finding : source.findings) out += "<li>" + escape(finding) + "</li>";
    out += "</ul>\n";
  }
  if (!view.shared.empty())
    out += "<p class=\"shared\">The same in all specs: <code>" + escape(view.shared) + "</code></p>\n";
  if (view.rows.empty()) return out + "<p class=\"notice\">No rows.</p></section>\n";
  out += time_part(view, plots) + latency_part(view, plots) + memory_part(view, plots) +
         load_sweep_part(view, plots) + overflow_part(view, plots) + collector_part(view, plots) +
         counters_part(view) + rows_part(view);
  return out + "</section>\n";
}

}  // namespace
}  // namespace report

std::string report_page(std::span<const nlohmann::json> results, const report_options& options) {
  using namespace report;
  if (results.empty()) throw std::runtime_error("report: no result given");
  std::vector<result> read;
  gnuplot program(options.gnuplot);
  drawing plots(program);
  std::vector<storage_section> storages;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const std::string where = "result " + std::to_string(i + 1);
    if (is_storage_result(results[i]))
      storages.push_back(
          make_storage_section(results[i], where, "s" + std::to_string(storages.size() + 1), plots));
    else if (is_search_result(results[i]))
      storages.push_back(
          make_search_section(results[i], where, "s" + std::to_string(storages.size() + 1), plots));
    else
      read.push_back(read_result(results[i], where));
  }
  const palette looks(read);
  std::vector<experiment_view> views;
  for (std::size_t i = 0; i < read.size(); ++i) views.push_back(make_view(read[i], looks, i));

  std::string sections;
  for (const experiment_view& view : views) sections += experiment_html(view, plots);
  for (const storage_section& s : storages) sections += s.html;
  std::string page = page_head() + first_screen(views, storages, looks);
  if (!program.complaint().empty()) page += "<p class=\"notice\">" + escape(program.complaint()) + "</p>\n";
  return page + sections + (views.empty() ? "" : manifests_part(views)) + page_foot();
}

void write_report(std::span<const nlohmann::json> results, const std::filesystem::path& output,
                  const report_options& options) {
  report::write_page(report_page(results, options), output);
}

}  // namespace tophash::lab
