// SPDX-License-Identifier: Apache-2.0
// Watching: the alerts' little language, and a timeline whose figures come from two sides (the map, and the
// storage under it) that must agree at every sample.
#include <cmath>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "lab/report/watch_page.hpp"
#include "lab/watch.hpp"
#include "lab/watch_alert.hpp"

namespace lab = tophash::lab;

namespace {

const std::vector<std::string_view> names = {"live", "allocated", "dirty"};

bool holds(std::string_view text, std::vector<double> values = {10, 25, 3}) {
  return lab::alert(text, names).holds(values);
}

std::size_t place_of_error(std::string_view text) {
  try {
    const lab::alert parsed(text, names);
    return 0;
  } catch (const lab::alert_error& error) {
    const std::string said = error.what();
    CAPTURE(said);
    CHECK(said.find("character " + std::to_string(error.position()) + ": ") == 0);
    // The mark stands under the place.
    CHECK(said.size() - said.rfind('\n') - 1 == error.position() + 2);
    return error.position();
  }
}

lab::watch_request request_of(std::string variant, std::string workload, std::size_t n) {
  lab::watch_request out;
  out.input.command = "run";
  out.input.workload = std::move(workload);
  out.input.variants = {std::move(variant)};
  out.input.n = {n};
  return out;
}

double figure(const lab::watch_sample& s, std::string_view name) {
  for (const lab::watched_figure& f : lab::watched_figures()) {
    if (f.name == name) return f.of(s).value_or(std::numeric_limits<double>::quiet_NaN());
  }
  FAIL("no figure " << name);
  return 0;
}

}  // namespace

// ---- alerts -------------------------------------------------------------------------------------

TEST_CASE("lab alert: arithmetic as everywhere", "[lab][watch]") {
  CHECK(holds("allocated/live>2"));
  CHECK_FALSE(holds("allocated/live>2.5"));
  CHECK(holds("allocated / live >= 2.5"));
  CHECK(holds("1 + 2 * 3 == 7"));
  CHECK(holds("(1 + 2) * 3 == 9"));
  CHECK(holds("10 - 2 - 3 == 5"));
  CHECK(holds("24 / 4 / 2 == 3"));
  CHECK(holds("-live + 20 == live"));
  CHECK(holds("--3 != -3"));
  CHECK(holds("1e3 <= 1000.0"));
  CHECK(holds(" dirty < .5 * live "));
  CHECK(holds("allocated / (live - live) > 1000"));  // infinite
  CHECK_FALSE(holds("0 / (live - live) > 0"));       // no number
  CHECK(lab::alert("dirty > live", names).names_used() == std::vector<std::size_t>{2, 0});
}

TEST_CASE("lab alert: an error points at its place", "[lab][watch]") {
  CHECK(place_of_error("") == 1);
  CHECK(place_of_error("live") == 5);
  CHECK(place_of_error("live > ") == 8);
  CHECK(place_of_error("lvie > 2") == 1);
  CHECK(place_of_error("2 * (live + dirty > 4") == 19);
  CHECK(place_of_error("live > 2 > 1") == 10);
  CHECK(place_of_error("live = 2") == 6);
  CHECK(place_of_error("live > 2x") == 8);
  CHECK(place_of_error("live > 2 )") == 10);
  CHECK(place_of_error("live $ 2") == 6);
  CHECK(place_of_error(std::string(5000, '(') + "live > 2") == 101);
  CHECK(place_of_error(std::string(5000, '-') + "live > 2") == 101);
  CHECK_THROWS_WITH(lab::alert("lvie > 2", names), Catch::Contains("nearest: live"));
}

TEST_CASE("lab alert: any text is either parsed or refused", "[lab][watch]") {
  std::mt19937 random(7);
  constexpr std::string_view pieces[] = {"live", "dirty", "1", ".5", "+",  "-", "*", "/",
                                         "(",    ")",     "<", ">=", "!=", " ", "e", "\xff"};
  std::size_t parsed = 0;
  for (int i = 0; i < 100'000; ++i) {
    std::string text;
    for (auto length = random() % 9; length != 0; --length) text += pieces[random() % std::size(pieces)];
    try {
      static_cast<void>(lab::alert(text, names).holds(std::vector<double>{1, 2, 3}));
      ++parsed;
    } catch (const lab::alert_error& error) {
      if (error.position() < 1 || error.position() > text.size() + 1) FAIL(text);
    }
  }
  CHECK(parsed > 100);
}

// ---- timelines ----------------------------------------------------------------------------------

TEST_CASE("lab watch: map and storage agree at every sample", "[lab][watch]") {
  for (const char* variant : {"go_like,fresh", "dirty,incremental(1),local_list", "immediate,eager,fresh"}) {
    lab::watch_request request = request_of(variant, "erase_refill", 3000);
    request.every = 100;
    const lab::timeline t = lab::watch(request);
    std::size_t evacuating = 0;
    std::uint64_t before = 0;
    for (const lab::watch_sample& s : t.samples) {
      CAPTURE(variant, s.map, s.operations);
      const double old_buckets = figure(s, "old_buckets"), buckets = figure(s, "buckets");
      CHECK((s.old_array != 0) == (old_buckets != 0));
      CHECK((s.array != 0) == (buckets != 0));
      CHECK(figure(s, "evacuated") <= old_buckets);
      evacuating += figure(s, "evacuated") > 0 ? 1 : 0;
      const double overflow = figure(s, "overflow_in_use") + figure(s, "overflow_kept");
      if (buckets != 0) {
        const double bucket_bytes = figure(s, "slots_bytes") / (buckets + old_buckets);
        CHECK(bucket_bytes == std::floor(bucket_bytes));
        // Storage chosen at run time may be pointer-free: each overflow bucket has its place in the
        // keep-alive list.
        CHECK(figure(s, "overflow_bytes") == overflow * (bucket_bytes + sizeof(std::size_t)));
        CHECK(figure(s, "allocated") == 8 * (buckets + old_buckets + overflow));
      }
      CHECK(figure(s, "allocated") >= figure(s, "live") + figure(s, "dirty"));
      CHECK(figure(s, "bytes") == figure(s, "slots_bytes") + figure(s, "overflow_bytes"));
      CHECK(s.operations >= before);
      before = s.operations;
    }
    CHECK(t.samples.back().operations % 100 == 0);
    CHECK((evacuating != 0) == (std::string{variant}.find("eager") == std::string::npos));
  }
}

TEST_CASE("lab watch: a sample every so many operations, over several maps", "[lab][watch]") {
  lab::watch_request request = request_of("go_like", "grow", 50'000);  // four maps
  request.every = 3000;
  const lab::timeline t = lab::watch(request);
  REQUIRE(t.samples.size() == 200'000 / 3000 + 1);  // and one at the end
  for (std::size_t i = 0; i + 1 < t.samples.size(); ++i) CHECK(t.samples[i].operations == 3000 * (i + 1));
  CHECK(t.samples.back().operations == 200'000);
  CHECK(t.samples.back().map == 4);
  CHECK(t.samples.back().state.live == 50'000);
}

TEST_CASE("lab watch: the first sample at which an alert holds", "[lab][watch]") {
  lab::watch_request request = request_of("go_like", "grow", 10'000);
  request.every = 1000;
  request.alerts = {"live >= 4000", "live < 0", "allocated / live > 0"};
  const lab::timeline t = lab::watch(request);
  REQUIRE(t.alerts.size() == 2);
  CHECK(t.alerts[0].text == "live >= 4000");
  CHECK(t.alerts[0].sample == 3);
  CHECK(t.alerts[1].sample == 0);
}

TEST_CASE("lab watch: docs/compare.md names every figure", "[lab][watch]") {
  std::ifstream in("docs/compare.md");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const std::size_t begin = text.find("names of the");
  REQUIRE(begin != std::string::npos);
  std::string names_there = text.substr(begin, text.find("`allocated` is", begin) - begin);
  for (char& c : names_there) c = c == '`' || c == '\n' || c == '.' ? ' ' : c;
  for (const lab::watched_figure& f : lab::watched_figures())
    CHECK_THAT(names_there, Catch::Contains(" " + std::string{f.name} + " "));
}

TEST_CASE("lab watch: a foreign map tells its size and its storage", "[lab][watch]") {
  lab::watch_request request = request_of("std::unordered_map", "grow", 1000);
  const lab::timeline t = lab::watch(request);
  REQUIRE_FALSE(t.samples.empty());
  CHECK(figure(t.samples.back(), "node_bytes") > 0);
  CHECK(std::isnan(figure(t.samples.back(), "dirty")));
  request.alerts = {"dirty > 0"};
  CHECK_THROWS_WITH(lab::watch(request), Catch::Contains("std::unordered_map does not tell 'dirty'"));
}

TEST_CASE("lab watch: the page escapes what it shows, with and without plots", "[lab][watch]") {
  nlohmann::json j = lab::timeline_json(lab::watch(request_of("go_like", "grow", 1000)));
  j["variant"] = "<script>";
  const std::string page = lab::watch_page(j, {.gnuplot = ""});
  CHECK(page.find("&lt;script&gt; on system") != std::string::npos);
  CHECK(page.find("overflow_in_use") != std::string::npos);
  j["schema"] = "something";
  CHECK_THROWS_AS(lab::watch_page(j), std::runtime_error);
}
