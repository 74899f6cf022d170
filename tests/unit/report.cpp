// SPDX-License-Identifier: Apache-2.0
// The report page: nothing of a result reaches it unescaped, every row is there, absent parts are no trouble,
// wrong ones are named, the page needs no other file, and the same results give the same bytes.
#include "lab/report/report.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "lab/report/charts.hpp"
#include "lab/report/findings.hpp"
#include "lab/report/gnuplot.hpp"
#include "lab/report/naming.hpp"
#include "lab/report/scale.hpp"
#include "lab/report/text.hpp"
#include "lab/report/view.hpp"

namespace {

using json = nlohmann::json;
namespace lab = tophash::lab;
namespace report = tophash::lab::report;

const lab::report_options no_plots{""};

std::string spec_text(const std::string& deletion, const std::string& growth,
                      const std::string& slots = "8") {
  return "layout=bucket_chain(slots=" + slots +
         ",arrange=paired),hashing=seeded(wyhash),deletion=" + deletion +
         ",load=load(13,2),growth=" + growth + ",allocation=erased,observe=nothing";
}

// A row with every part, figures invented.
json full_row(const std::string& deletion, const std::string& growth, const std::string& storage, double ns,
              double mib) {
  const double bytes = mib * 1048576;
  json row = {
      {"variant", deletion + "," + growth},
      {"spec", spec_text(deletion, growth)},
      {"allocator", storage},
      {"collector", storage.rfind("boehm", 0) == 0 ? "boehm" : "none"},
      {"key", "u64"},
      {"n", 1000},
      {"ops", 5000},
      {"checksum", "c0ffee"},
      {"allocations", 77},
      {"ns_per_op", {{"median", ns}, {"low", ns * 0.98}, {"high", ns * 1.03}}},
      {"ratio", {{"median", ns / 50}, {"low", ns / 51}, {"high", ns / 49}, {"to", "immediate,eager"}}},
      {"latency_ns", {{"p50", 30}, {"p90", 60}, {"p99", 200}, {"p99_9", 900}, {"max", 1.5e6}}},
      {"memory",
       {{"peak_bytes", bytes},
        {"end_bytes", bytes / 2},
        {"rss_bytes", bytes * 9},
        {"by_purpose", {{"slots", bytes / 4}, {"overflow", bytes / 5}}}}},
      {"counters", {{"growths", 4}, {"overflow_requested", 120}, {"overflow_recycled", 30}}},
      {"rerun", "tophash replay t.csv.zst --variant " + deletion + "," + growth + " --allocator " + storage}};
  if (storage.rfind("boehm", 0) == 0) {
    row["gc"] = {{"collections", 6},
                 {"stop_the_world_ns", {{"p50", 2e4}, {"p99", 7e4}, {"max", 9e4}}},
                 {"stall_ns", {{"p50", 3e4}, {"p99", 8e4}, {"max", 1e5}}},
                 {"heap_bytes", bytes * 2},
                 {"allocated_bytes", bytes * 3},
                 {"allocation_rate_bytes_per_s", 4e8},
                 {"collector_cpu_ns", 5e6}};
  }
  return row;
}

json frame(json rows) {
  return {{"schema", "tophash-result-1"},
          {"manifest", {{"cpu_model", "Example CPU"}, {"cores", 2}, {"compiler", "g++ 12.2"}, {"seed", 1}}},
          {"experiment",
           {{"command", "replay"},
            {"trace", "bench/traces/sample.csv.zst"},
            {"n", 5000},
            {"repeat", 5},
            {"seed", 1},
            {"argv", {"tophash", "replay", "sample"}}}},
          {"rows", std::move(rows)},
          {"findings", {"first sentence", "second sentence", "third sentence", "fourth sentence"}}};
}

json full_result() {
  json rows = json::array();
  double ns = 40, mib = 5;
  for (const char* deletion : {"immediate", "tombstone", "dirty"}) {
    for (const char* growth : {"eager", "incremental(2)"}) {
      for (const char* storage : {"system", "boehm_scanned"})
        rows.push_back(full_row(deletion, growth, storage, ns += 3, mib -= 0.2));
    }
  }
  rows.push_back({{"variant", "std::unordered_map"},
                  {"allocator", "system"},
                  {"key", "u64"},
                  {"n", 1000},
                  {"ops", 5000},
                  {"checksum", "c0ffee"},
                  {"ns_per_op", {{"median", 99.0}}},
                  {"memory", {{"peak_bytes", 7e6}}}});
  return frame(rows);
}

json sweep_result(const std::string& slots, double overflow_at_4) {
  return {{"schema", "tophash-result-1"},
          {"manifest", json::object()},
          {"experiment", {{"command", "run"}, {"workload", "load_sweep"}}},
          {"rows",
           {{{"variant", "preset=go_like"},
             {"spec", spec_text("tombstone", "incremental(2)", slots)},
             {"load_sweep",
              {{{"load", 4.0},
                {"overflow_percent", overflow_at_4},
                {"hit_probes", 3.01},
                {"miss_probes", 4.0},
                {"overhead_bytes_per_entry", 21.5}},
               {{"load", 4.5}, {"overflow_percent", 4.2}, {"hit_probes", 3.2}, {"miss_probes", 4.5}}}}}}}};
}

std::string page_of(const std::vector<json>& results, const lab::report_options& options = no_plots) {
  return lab::report_page(results, options);
}

std::size_t count_of(const std::string& text, const std::string& what) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + what.size()))
    ++count;
  return count;
}

bool contains(const std::string& text, const std::string& what) {
  return text.find(what) != std::string::npos;
}

// Reads HTML as strictly as XML (void elements aside): a text that got into a tag, or a quote that ended an
// attribute too early, shows as an unbalanced or odd tag. Returns the first trouble, or nothing.
class strict_reader {
 public:
  explicit strict_reader(const std::string& page) : page_(page) {}

  std::string trouble() {
    while (at_ < page_.size()) {
      if (page_[at_] == '<') {
        if (!tag()) return "near: " + page_.substr(at_, 120);
      } else if (page_[at_] == '>') {
        return "stray > near: " + page_.substr(at_ > 60 ? at_ - 60 : 0, 120);
      } else {
        ++at_;
      }
    }
    return open_.empty() ? "" : "never closed: " + open_.back();
  }

 private:
  bool tag() {
    if (page_.compare(at_, 9, "<!DOCTYPE") == 0) return skip_past(">");
    const bool closing = page_.compare(at_, 2, "</") == 0;
    std::size_t p = at_ + (closing ? 2 : 1);
    const std::size_t name_start = p;
    while (p < page_.size() && (std::isalnum(static_cast<unsigned char>(page_[p])) != 0)) ++p;
    const std::string name = page_.substr(name_start, p - name_start);
    if (name.empty() || !attributes(p)) return false;
    const bool empty_element = page_[p - 1] == '/';
    at_ = p + 1;
    static const std::set<std::string> voids = {"meta", "input", "br"};
    if (closing) {
      if (open_.empty() || open_.back() != name) return false;
      open_.pop_back();
    } else if (!empty_element && voids.count(name) == 0) {
      open_.push_back(name);
      if (name == "script" || name == "style") return skip_to("</" + name);
    }
    return true;
  }

  bool attributes(std::size_t& p) const {
    while (p < page_.size() && page_[p] != '>') {
      if (page_[p] == '<') return false;
      if (page_[p] == '"' || page_[p] == '\'') {
        if (page_[p - 1] != '=') return false;
        p = page_.find(page_[p], p + 1);
        if (p == std::string::npos || p + 1 >= page_.size()) return false;
        const char next = page_[p + 1];
        if (next != ' ' && next != '>' && next != '/' && next != '\n') return false;
      }
      ++p;
    }
    return p < page_.size();
  }

  bool skip_past(const std::string& what) {
    at_ = page_.find(what, at_);
    if (at_ == std::string::npos) return false;
    at_ += what.size();
    return true;
  }
  bool skip_to(const std::string& what) {
    at_ = page_.find(what, at_);
    return at_ != std::string::npos;
  }

  const std::string& page_;
  std::size_t at_ = 0;
  std::vector<std::string> open_;
};

std::string trouble_in(const std::string& page) { return strict_reader(page).trouble(); }

// Every string in the result, keys of purposes and counters included, with `poison` at its end.
void poison_strings(json& value, const std::string& poison) {
  for (auto& [name, inner] : value.items()) {
    if (inner.is_string() && name != "schema") inner = inner.get<std::string>() + poison;
    if (inner.is_structured()) poison_strings(inner, poison);
  }
  if (value.is_object() && value.contains("compiler")) value["z" + poison] = poison;
  if (value.is_object() && value.contains("slots")) value["x" + poison] = 3;
  if (value.is_object() && value.contains("growths")) value["y" + poison] = poison;
}

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "no error";
}

bool gnuplot_works() {
  static const bool works = !contains(page_of({full_result()}, {}), "gnuplot was not found");
  if (!works) WARN("gnuplot is not installed: plots are not tested");
  return works;
}

std::filesystem::path scratch_file(const std::string& name) {
  return std::filesystem::temp_directory_path() / ("tophash-report-test-" + name);
}

}  // namespace

// ---- texts

TEST_CASE("report: escape leaves no character that means something in HTML", "[report]") {
  CHECK(report::escape("<a href=\"x\" b='y'>&amp;") == "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;amp;");
  CHECK(report::escape("dirty \xC2\xB7 \xE2\x82\xAC \xF0\x9F\x98\x80\t\n") ==
        "dirty \xC2\xB7 \xE2\x82\xAC \xF0\x9F\x98\x80\t\n");
  const std::string bad = "\xEF\xBF\xBD";
  CHECK(report::escape("\xFF") == bad);
  CHECK(report::escape("\xC2") == bad);               // cut off at the end
  CHECK(report::escape("\xC2\"") == bad + "&quot;");  // must not swallow the quote
  CHECK(report::escape("\xE2\x82<") == bad + bad + "&lt;");
  CHECK(report::escape("\xC0\xBC") == bad + bad);            // overlong <
  CHECK(report::escape("\xED\xA0\x80") == bad + bad + bad);  // a surrogate
  CHECK(report::escape("\xF4\x90\x80\x80") == bad + bad + bad + bad);
  CHECK(report::escape(std::string("\0\x1B\x7F", 3)) == bad + bad + bad);
}

TEST_CASE("report: figures", "[report]") {
  CHECK(report::fixed(1234567.891, 2) == "1,234,567.89");
  CHECK(report::fixed(999, 0) == "999");
  CHECK(report::fixed(-1234.5, 1) == "\xE2\x88\x92"
                                     "1,234.5");
  CHECK(report::fixed(-0.001, 2) == "0.00");
  CHECK(report::figure(0) == "0");
  CHECK(report::figure(0.02134) == "0.0213");
  CHECK(report::figure(4.2149) == "4.21");
  CHECK(report::figure(41.23) == "41.2");
  CHECK(report::figure(1234.4) == "1,234");
  CHECK(report::duration(950) == "950 ns");
  CHECK(report::duration(999.7) == "1.00 \xC2\xB5s");
  CHECK(report::duration(3.4e6) == "3.40 ms");
  CHECK(report::bytes(512) == "512 B");
  CHECK(report::bytes(43201331) == "41.2 MiB");
  CHECK(report::tick_figure(20) == "20");
  CHECK(report::tick_figure(0.5) == "0.5");
  CHECK(report::tick_figure(0.1 + 0.2) == "0.3");
  CHECK(report::tick_duration(2e6) == "2 ms");
  CHECK(report::shortened("abcdefghijkl", 7) == "abcd\xE2\x80\xA6kl");
  CHECK(report::length_characters(
            report::shortened("\xC2\xB7\xC2\xB7\xC2\xB7\xC2\xB7\xC2\xB7\xC2\xB7\xC2\xB7\xC2\xB7", 5)) == 5);
}

TEST_CASE("report: axes hold all values and have ticks inside", "[report]") {
  const std::vector<std::vector<double>> cases = {{1, 2, 3}, {5},       {0},          {0, 0.001},
                                                  {3, 4e9},  {98, 101}, {1e-3, 5e-3}, {7, 7, 7}};
  for (const std::vector<double>& values : cases) {
    for (const bool from_zero : {false, true}) {
      const report::scale s = report::make_scale(values, {.from_zero = from_zero}, report::tick_figure);
      CAPTURE(values, from_zero, s.low, s.high);
      CHECK(s.low < s.high);
      CHECK(s.ticks.size() >= 2);
      CHECK(s.ticks.size() <= 14);
      CHECK_FALSE((from_zero && s.logarithmic));
      if (from_zero) CHECK(s.low == 0);
      for (const double value : values) CHECK((s.position(value) >= 0 && s.position(value) <= 1));
      for (const report::tick& t : s.ticks)
        CHECK((s.position(t.value) > -0.01 && s.position(t.value) < 1.01));
      for (std::size_t i = 1; i < s.ticks.size(); ++i) CHECK(s.ticks[i].label != s.ticks[i - 1].label);
    }
  }
}

TEST_CASE("report: tick labels do not touch each other", "[report]") {
  for (const double greatest : {25000.0, 3.0, 1.2e6, 0.00004}) {
    const std::vector<double> values = {greatest / 900, greatest};
    for (const bool from_zero : {false, true}) {
      const report::scale whole =
          report::make_scale(values, {.from_zero = from_zero, .ticks = 8}, report::tick_figure);
      for (const double pixels : {120.0, 150.0, 460.0, 2000.0}) {
        const report::scale s = report::thinned(whole, pixels);
        CAPTURE(greatest, from_zero, pixels);
        REQUIRE_FALSE(s.ticks.empty());
        for (std::size_t i = 1; i < s.ticks.size(); ++i) {
          const double apart = pixels * (s.position(s.ticks[i].value) - s.position(s.ticks[i - 1].value));
          const std::size_t characters = s.ticks[i].label.size() + s.ticks[i - 1].label.size();
          CHECK(apart > report::label_character_width * static_cast<double>(characters) / 2);
        }
        if (pixels == 2000.0) CHECK(s.ticks.size() == whole.ticks.size());
      }
    }
  }
}

// ---- names and looks

TEST_CASE("report: specs are split at outer commas", "[report]") {
  const auto options =
      report::split_spec("layout=bucket_chain(slots=8,arrange=split),hashing=seeded(wyhash),load=load(13,2)");
  REQUIRE(options.size() == 3);
  CHECK(options[0].axis == "layout");
  CHECK(options[0].head == "bucket_chain");
  CHECK(options[0].arguments == std::vector<std::string>{"slots=8", "arrange=split"});
  CHECK(options[2].text == "load(13,2)");
  CHECK(report::split_spec("").empty());
  CHECK(report::split_spec("growth=shrinking(eager,25").empty());
  CHECK(report::split_spec("a)b(").empty());
}

TEST_CASE("report: short names keep what differs", "[report]") {
  std::vector<report::row> rows(4);
  rows[0].spec = spec_text("immediate", "eager");
  rows[1].spec = spec_text("dirty", "incremental(2)");
  rows[2].spec = spec_text("dirty", "incremental(2)", "4");
  rows[3].variant = "absl::flat_hash_map";
  const report::row_names names = report::name_rows(rows);
  CHECK(names.short_names[0] == "slots=8 \xC2\xB7 immediate \xC2\xB7 eager");
  CHECK(names.short_names[2] == "slots=4 \xC2\xB7 dirty \xC2\xB7 incremental(2)");
  CHECK(names.short_names[3] == "absl::flat_hash_map");
  CHECK(names.shared == "hashing=seeded(wyhash), load=load(13,2), observe=nothing");
  const std::set<std::string> distinct(names.short_names.begin(), names.short_names.end());
  CHECK(distinct.size() == rows.size());
}

TEST_CASE("report: rows that one short name would hide are told apart", "[report]") {
  std::vector<report::row> rows(4);
  for (report::row& r : rows) {
    r.spec = spec_text("dirty", "eager");
    r.allocator = "system";
  }
  rows[0].variant = "dirty";
  rows[1].variant = "dirty, bound to the system";
  rows[2].variant = rows[3].variant = "dirty";
  rows[2].allocator = rows[3].allocator = "mimalloc";
  const report::row_names names = report::name_rows(rows);
  CHECK(names.short_names[0] != names.short_names[1]);
  CHECK(names.short_names[2] != names.short_names[3]);
}

TEST_CASE("report: a variant has one look in all experiments of a page", "[report]") {
  const json result = full_result();
  json reversed = result;
  std::reverse(reversed["rows"].begin(), reversed["rows"].end());
  const std::vector<report::result> read = {report::read_result(result, "a"),
                                            report::read_result(reversed, "b")};
  const report::palette looks(read);
  std::set<std::string> seen;
  for (const report::row& r : read[0].rows) {
    const report::look one = looks.of(r);
    for (const report::row& other : read[1].rows) {
      if (other.variant != r.variant) continue;
      CHECK((looks.of(other).hue == one.hue && looks.of(other).level == one.level));
    }
    seen.insert(std::to_string(one.hue) + "/" + std::to_string(one.level));
    CHECK((one.hue == 0) == r.spec.empty());
  }
  CHECK(seen.size() == 7);  // three deletions, two growths, and one map of another make
}

TEST_CASE("report: variants that the encoded axes do not tell apart get colours of their own", "[report]") {
  json result = full_result();
  for (const char* slots : {"4", "16"}) {
    json row = full_row("dirty", "eager", "system", 50, 4);
    row["variant"] = std::string("slots ") + slots;
    row["spec"] = spec_text("dirty", "eager", slots);
    result["rows"].push_back(row);
  }
  const std::vector<report::result> read = {report::read_result(result, "a")};
  const report::palette looks(read);
  const std::vector<report::row>& rows = read[0].rows;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      const bool same_variant = rows[i].variant == rows[k].variant;
      CAPTURE(rows[i].variant, rows[k].variant);
      CHECK((looks.of(rows[i]) == looks.of(rows[k])) == same_variant);
    }
  }
  CHECK(contains(page_of({result}), "further variants"));
}

TEST_CASE("report: the frontier is what no row beats", "[report]") {
  std::vector<report::row> rows(6);
  const double figures[6][2] = {{10, 5}, {12, 4}, {12, 6}, {9, 9}, {10, 5}, {20, 4}};
  std::vector<report::row_view> views;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].ns_per_op = report::interval{figures[i][0], {}, {}};
    rows[i].memory = report::memory_figures{figures[i][1], {}, {}, {}, {}};
    views.push_back({&rows[i], "r" + std::to_string(i), "", {}, 0});
  }
  CHECK(report::basis_of(views) == report::memory_basis::peak);
  CHECK(report::pareto(views, report::memory_basis::peak) == std::vector<std::size_t>{1, 0, 4, 3});
}

// ---- the page

TEST_CASE("report: whatever stands in a result, the page stays a page", "[report]") {
  for (const std::string poison : {"<script>alert(1)</script>", "\"'><b onclick=x>", "&lt;&#0;", "\xC3\"",
                                   "</style></title>-->", "`reboot`$(id)", "\n\r\0x"}) {
    json result = full_result();
    poison_strings(result, poison);
    const std::string page = page_of({result});
    CAPTURE(poison);
    CHECK(trouble_in(page) == "");
    CHECK(count_of(page, "<script") == 1);
    CHECK(count_of(page, "<style") == 1);
    CHECK_FALSE(contains(page, "<b onclick"));
  }
}

TEST_CASE("report: no text of a result reaches gnuplot", "[report]") {
  const std::string hostile = "`touch x`\"\n'end";
  report::row_chart chart{hostile, hostile, hostile, {}, {{hostile, hostile}}, {{hostile, {}}}};
  chart.x = report::make_scale(std::vector<double>{1, 2}, {}, report::tick_figure);
  const report::drawn_chart drawn = report::script_of(chart, "g1");
  CHECK_FALSE(contains(drawn.script, "touch"));
  CHECK_FALSE(contains(drawn.script, "`"));
  CHECK_FALSE(contains(drawn.script, "\"\n'"));
  CHECK(drawn.texts.html.at("_axis_") == report::escape(hostile));
  CHECK(drawn.texts.html.at("_row_1_") != hostile);
}

TEST_CASE("report: the page needs no other file", "[report]") {
  for (const bool plots : {false, true}) {
    if (plots && !gnuplot_works()) continue;
    const std::string page =
        page_of({full_result(), sweep_result("8", 2.2)}, plots ? lab::report_options{} : no_plots);
    for (const char* outside : {"http:", "https:", "src=", "url(", "@import", "<link", "<img", "<iframe",
                                "xmlns", "xlink", "import("}) {
      CAPTURE(outside);
      CHECK_FALSE(contains(page, outside));
    }
    for (std::size_t at = page.find("href="); at != std::string::npos; at = page.find("href=", at + 1)) {
      CHECK((page[at + 6] == '#'));
    }
    CHECK(trouble_in(page) == "");
  }
}

TEST_CASE("report: every row is there, with its spec and its command", "[report]") {
  const json result = full_result();
  const std::string page = page_of({result});
  for (const json& row : result["rows"]) {
    CHECK(contains(page, report::escape(row["variant"].get<std::string>())));
    if (row.contains("spec"))
      CHECK(contains(page, "<code title=\"" + report::escape(row["spec"].get<std::string>())));
    if (row.contains("rerun"))
      CHECK(contains(page, "data-copy=\"" + report::escape(row["rerun"].get<std::string>())));
  }
  // One <tr> a row in the table of all rows.
  const std::size_t start = page.find("<h3>All rows</h3>");
  REQUIRE(start != std::string::npos);
  const std::size_t end = page.find("</table>", start);
  CHECK(count_of(page.substr(start, end - start), "<tr>") == result["rows"].size() + 1);
  CHECK(count_of(page, "class=\"dot\"") == result["rows"].size());
}

TEST_CASE("report: three findings on the first screen, the rest in the section", "[report]") {
  const std::string page = page_of({full_result()});
  const std::size_t list = page.find("<ol class=\"findings\">");
  REQUIRE(list != std::string::npos);
  const std::string first = page.substr(list, page.find("</ol>", list) - list);
  CHECK(count_of(first, "<li>") == 3);
  CHECK_FALSE(contains(first, "fourth sentence"));
  CHECK(contains(page, "<li>fourth sentence</li>"));

  json silent = full_result();
  silent.erase("findings");
  const std::string derived = page_of({silent});
  CHECK(contains(derived, "Fastest: immediate \xC2\xB7 eager, system at 43.0 ns/op"));
  CHECK(contains(derived, "Smallest: "));
}

TEST_CASE("report: a difference inside the intervals is none", "[report]") {
  json result = full_result();
  result["rows"] = {full_row("immediate", "eager", "system", 40, 4),
                    full_row("dirty", "eager", "system", 41, 5)};
  result.erase("findings");
  CHECK(contains(page_of({result}), "no difference resolvable"));
  result["rows"][1] = full_row("dirty", "eager", "system", 60, 5);
  CHECK_FALSE(contains(page_of({result}), "no difference resolvable"));
}

TEST_CASE("report: the same results give the same bytes", "[report]") {
  const std::vector<json> results = {full_result(), sweep_result("8", 2.2)};
  CHECK(page_of(results) == page_of(results));
  if (gnuplot_works()) CHECK(page_of(results, {}) == page_of(results, {}));
}

TEST_CASE("report: parts that are absent or null are left out", "[report]") {
  const json full = full_result();
  for (const char* part : {"spec", "allocator", "collector", "key", "n", "ops", "checksum", "ns_per_op",
                           "ratio", "latency_ns", "memory", "allocations", "counters", "gc", "rerun"}) {
    for (const bool null : {false, true}) {
      json result = full;
      for (json& row : result["rows"]) {
        if (null) {
          row[part] = nullptr;
        } else {
          row.erase(part);
        }
      }
      CAPTURE(part, null);
      CHECK(trouble_in(page_of({result})) == "");
    }
  }
  json bare = {
      {"schema", "tophash-result-1"}, {"experiment", json::object()}, {"rows", {{{"variant", "alone"}}}}};
  const std::string page = page_of({bare});
  CHECK(trouble_in(page) == "");
  CHECK(contains(page, "alone"));
  for (const char* part : {"Latency", "Memory by purpose", "Garbage collector", "Load sweep"})
    CHECK_FALSE(contains(page, part));
  bare["rows"] = json::array();
  CHECK(contains(page_of({bare}), "No rows."));
}

TEST_CASE("report: wrong input is refused by the name of the field", "[report]") {
  const auto message = [](const std::function<void(json&)>& change) {
    json result = full_result();
    change(result);
    return message_of([&] { page_of({full_result(), result}); });
  };
  CHECK(message_of([] { page_of({}); }) == "report: no result given");
  CHECK(message([](json& r) { r = 3; }) == "report: result 2: expected an object, found number");
  CHECK(message([](json& r) { r["schema"] = "tophash-result-9"; }) ==
        "report: result 2.schema: expected \"tophash-result-1\", found \"tophash-result-9\"");
  CHECK(message([](json& r) { r.erase("schema"); }) ==
        "report: result 2.schema: expected \"tophash-result-1\", found none");
  CHECK(message([](json& r) { r.erase("rows"); }) == "report: result 2.rows: missing");
  CHECK(message([](json& r) { r["rows"] = "x"; }) ==
        "report: result 2.rows: expected an array, found string");
  CHECK(message([](json& r) { r.erase("experiment"); }) == "report: result 2.experiment: missing");
  CHECK(message([](json& r) { r["manifest"] = "none"; }) ==
        "report: result 2.manifest: expected an object, found string");
  CHECK(message([](json& r) { r["rows"][3].erase("variant"); }) ==
        "report: result 2.rows[3].variant: missing");
  CHECK(message([](json& r) { r["rows"][0]["ns_per_op"]["median"] = "12"; }) ==
        "report: result 2.rows[0].ns_per_op.median: expected a number, found string");
  CHECK(message([](json& r) { r["rows"][0]["ns_per_op"].erase("median"); }) ==
        "report: result 2.rows[0].ns_per_op.median: missing");
  CHECK(message([](json& r) {
          r["rows"][0]["ns_per_op"]["median"] = std::numeric_limits<double>::infinity();
        }) == "report: result 2.rows[0].ns_per_op.median: expected a finite number");
  CHECK(message([](json& r) { r["rows"][1]["latency_ns"] = 5; }) ==
        "report: result 2.rows[1].latency_ns: expected an object, found number");
  CHECK(message([](json& r) { r["rows"][1]["memory"]["by_purpose"]["slots"] = "many"; }) ==
        "report: result 2.rows[1].memory.by_purpose.slots: expected a number, found string");
  CHECK(message([](json& r) { r["rows"][1]["gc"]["stall_ns"]["p99"] = true; }) ==
        "report: result 2.rows[1].gc.stall_ns.p99: expected a number, found boolean");
  CHECK(message([](json& r) {
          r["rows"][1]["load_sweep"] = {{{"hit_probes", 3}}};
        }) == "report: result 2.rows[1].load_sweep[0].load: missing");
  CHECK(message([](json& r) { r["findings"][1] = 4; }) == "report: result 2.findings[1]: expected a string");
}

TEST_CASE("report: the load sweep beside Go's published table", "[report]") {
  const std::string near = page_of({sweep_result("8", 2.4)});
  CHECK(contains(near, "Go 1.19 (source comment)"));
  CHECK(contains(near, ">+0.27</td>"));
  CHECK(contains(near, "3 of 3 figures agree"));
  CHECK(contains(near, ">2.14</td>"));  // an ideal hash at load 4
  const std::string far = page_of({sweep_result("8", 2.6)});
  CHECK(contains(far, "2 of 3 figures agree"));
  CHECK(contains(far, "class=\"number bad\""));
  const std::string other_slots = page_of({sweep_result("16", 2.4)});
  CHECK_FALSE(contains(other_slots, "figures agree"));
  CHECK_FALSE(contains(other_slots, ">20.77<"));
}

TEST_CASE("report: differing checksums are said aloud", "[report]") {
  json result = full_result();
  CHECK(contains(page_of({result}), "Checksums of the results agree in all 13 rows"));
  for (const std::size_t place : {0U, 2U, 12U}) {
    result = full_result();
    result["rows"][place]["checksum"] = "bad";
    const std::string page = page_of({result});
    CHECK(contains(page, "Checksums differ"));
    CHECK_FALSE(contains(page, "agree in all"));
    result["rows"][place]["ops"] = 4;  // other work
    CHECK_FALSE(contains(page_of({result}), "Checksums differ"));
  }
}

TEST_CASE("report: results of two machines are not passed off as one", "[report]") {
  json other = full_result();
  CHECK_FALSE(contains(page_of({full_result(), other}), "different machines"));
  other["manifest"]["cpu_model"] = "Another CPU";
  CHECK(contains(page_of({full_result(), other}), "2 different machines or builds"));
}

TEST_CASE("report: an interrupted run says so", "[report]") {
  json result = full_result();
  CHECK_FALSE(contains(page_of({result}), "interrupted"));
  result["partial"] = true;
  CHECK(contains(page_of({result}), "interrupted"));
}

TEST_CASE("report: dots of equal memory do not cover each other and stay in the plot", "[report]") {
  json result = full_result();
  result["rows"] = json::array();
  for (int i = 0; i < 28; ++i) {
    json row = full_row("dirty", "eager", "system", 40 + 0.01 * i, i < 20 ? 4 : 5);
    row["variant"] = "v" + std::to_string(i);
    row["spec"] = nullptr;
    row["rerun"] = nullptr;
    result["rows"].push_back(row);
  }
  const std::string page = page_of({result});
  const std::string plot = page.substr(page.find("class=\"frontier-plot\""), page.find("</figure>"));
  std::vector<std::pair<double, double>> dots;
  for (std::size_t at = plot.find("<circle cx=\""); at != std::string::npos && dots.size() < 28;
       at = plot.find("<circle cx=\"", at + 1)) {
    const std::size_t y = plot.find("cy=\"", at);
    dots.emplace_back(std::stod(plot.substr(at + 12)), std::stod(plot.substr(y + 4)));
  }
  REQUIRE(dots.size() == 28);
  for (std::size_t i = 0; i < dots.size(); ++i) {
    CHECK((dots[i].first > 60 && dots[i].first < 806 && dots[i].second > 10 && dots[i].second < 450));
    for (std::size_t k = 0; k < i; ++k) {
      CHECK(std::hypot(dots[i].first - dots[k].first, dots[i].second - dots[k].second) >= 2);
    }
  }
  // Few enough to find room: no two closer than a dot is wide.
  double least = 1e9;
  for (std::size_t i = 20; i < 28; ++i) {
    for (std::size_t k = 20; k < i; ++k) {
      least = std::min(least, std::hypot(dots[i].first - dots[k].first, dots[i].second - dots[k].second));
    }
  }
  CHECK(least >= 10);
}

TEST_CASE("report: what was not run or not measured is said", "[report]") {
  json result = full_result();
  result["left_out"] = {"A on B: would hide <pointers>"};
  result["mismatches"] = {"C & D differ"};
  result["rows"].push_back({{"variant", "too slow"}, {"allocator", "system"}, {"trouble", "no memory"}});
  const std::string page = page_of({result});
  CHECK(contains(page, "Left out: A on B: would hide &lt;pointers&gt;"));
  CHECK(contains(page, "Results differ:</b> C &amp; D differ"));
  CHECK(contains(page, "Not measured:</b> too slow, system: no memory"));
}

TEST_CASE("report: the three findings are of three topics, the largest result first", "[report]") {
  json small = full_result();
  small["rows"] = {small["rows"][0]};
  small["findings"] = {"load: from the small one"};
  json large = full_result();
  large["findings"] = {"growth: one", "growth, against eager: two", "storage: three", "growth: four"};
  const std::string page = page_of({small, large});
  const std::size_t list = page.find("<ol class=\"findings\">");
  const std::string first = page.substr(list, page.find("</ol>", list) - list);
  const std::vector<std::size_t> places = {first.find("growth: one"), first.find("storage: three"),
                                           first.find("load: from the small one")};
  CHECK(places[0] < places[1]);
  CHECK(places[1] < places[2]);
  CHECK(places[2] != std::string::npos);
}

// ---- plots

TEST_CASE("report: without gnuplot the page has its tables and one line that says so", "[report]") {
  const std::string missing = page_of({full_result()}, {"tophash-no-such-gnuplot"});
  CHECK(count_of(missing, "gnuplot was not found") == 1);
  CHECK(contains(missing, "<details class=\"data\" open><summary>Table: latency"));
  CHECK(trouble_in(missing) == "");
  CHECK(count_of(page_of({full_result()}, {"false"}), "gnuplot failed") == 1);
  CHECK(count_of(page_of({full_result()}, {"true"}), "that is no SVG") == 1);
}

TEST_CASE("report: gnuplot's plots carry the page's colours and texts", "[report]") {
  if (!gnuplot_works()) return;
  json growing = full_result();
  for (std::size_t i = 0; i < growing["rows"].size(); ++i)
    growing["rows"][i]["n"] = i % 2 == 0 ? 1000 : 50000;
  const std::string page = page_of({full_result(), sweep_result("8", 2.2), growing}, {});
  CHECK_FALSE(contains(page, "gnuplot"));
  CHECK_FALSE(contains(page, "rgb(1"));  // no colour token left
  CHECK_FALSE(contains(page, "rgb( "));
  for (const char* token : {"_row_", "_panel_", "_axis_"}) CHECK_FALSE(contains(page, token));
  CHECK(contains(page, "dirty \xC2\xB7 incremental(2)<title>"));
  for (const char* color : {"var(--v10)", "var(--v32)", "var(--p0)", "var(--published)"})
    CHECK(contains(page, color));
  // Time, latency, memory, overflow, stop-the-world, stall, heap, rate; the sweep; those again and the
  // curves.
  CHECK(count_of(page, "<figure class=\"plot\">") == 8 + 1 + 9);
  CHECK(trouble_in(page) == "");
}

TEST_CASE("report: a label cannot leave its text element", "[report]") {
  const std::string raw =
      "<svg viewBox=\"0 0 10 10\">\n<g id=\"gnuplot_canvas\"><rect x=\"0\" y=\"0\" width=\"1\"/>"
      "<text>_row_1_</text><path stroke='rgb(  1,   2,   0)' d=''/></g></svg>";
  const report::plot_texts texts{"g7", "a<b", "c&d", {{"_row_1_", report::escape("<x>")}}};
  const std::string svg = report::fit_svg(raw, texts);
  CHECK(contains(svg, "<text>&lt;x&gt;</text>"));
  CHECK(contains(svg, "stroke='var(--v20)'"));
  CHECK(contains(svg, "a&lt;b"));
  CHECK_FALSE(contains(svg, "<rect"));
  CHECK(report::fit_svg("no picture", texts).empty());
}

// ---- the file

TEST_CASE("report: the file is whole or not there", "[report]") {
  const std::filesystem::path path = scratch_file("page.html");
  const std::vector<json> results = {full_result()};
  lab::write_report(results, path, no_plots);
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  CHECK(text.str() == page_of(results));
  std::filesystem::path part = path;
  part += ".part";
  CHECK_FALSE(std::filesystem::exists(part));
  std::filesystem::remove(path);

  const std::filesystem::path nowhere = scratch_file("no-such-folder") / "page.html";
  const std::string message = message_of([&] { lab::write_report(results, nowhere, no_plots); });
  CHECK(message == nowhere.string() + ": cannot be written: No such file or directory");
  CHECK(message_of([&] { lab::write_report({}, path, no_plots); }) == "report: no result given");
  CHECK_FALSE(std::filesystem::exists(path));
}
