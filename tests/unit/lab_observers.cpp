// SPDX-License-Identifier: Apache-2.0
// What the observers write, read back by a JSON parser that they do not use, and their SPECs.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <tophash/map.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/growth/eager.hpp>
#include <tophash/policies/growth/incremental.hpp>
#include <tophash/policies/growth/shrinking.hpp>
#include <tophash/policies/observe/chrome_trace.hpp>
#include <tophash/policies/observe/event_log.hpp>

#include "lab/catalogue.hpp"

using namespace tophash;
using nlohmann::json;

namespace {

using u64 = std::uint64_t;

// A temporary file, read back whole.
class scratch_file {
 public:
  scratch_file() : file_(std::tmpfile()) { REQUIRE(file_ != nullptr); }
  scratch_file(const scratch_file&) = delete;
  scratch_file& operator=(const scratch_file&) = delete;
  ~scratch_file() { std::fclose(file_); }
  std::FILE* file() { return file_; }
  std::string text() {
    std::string out;
    std::rewind(file_);
    for (int c = std::fgetc(file_); c != EOF; c = std::fgetc(file_)) out += static_cast<char>(c);
    return out;
  }

 private:
  std::FILE* file_;
};

// The trace's events without the names of tracks, each track's spans checked to nest and times to ascend.
std::vector<json> checked_spans(const json& trace) {
  std::vector<json> out;
  std::map<int, std::vector<std::string>> open;
  std::map<int, std::string> tracks;
  double last = 0;
  REQUIRE(trace.is_array());
  for (const json& e : trace) {
    REQUIRE(e.at("pid") == 1);
    const int track = e.at("tid");
    const std::string phase = e.at("ph"), name = e.at("name");
    if (phase == "M") {
      CHECK(name == "thread_name");
      CHECK(tracks.emplace(track, e.at("args").at("name")).second);
      continue;
    }
    CHECK(tracks.count(track) == 1);
    CHECK(e.at("ts").get<double>() >= last);
    last = e.at("ts");
    if (phase == "B") {
      open[track].push_back(name);
    } else if (phase == "E") {
      REQUIRE(!open[track].empty());
      CHECK(open[track].back() == name);
      open[track].pop_back();
    } else {
      CHECK(phase == "i");
      CHECK(e.at("s") == "t");
    }
    out.push_back(e);
  }
  for (const auto& [track, spans] : open) CHECK(spans.empty());
  return out;
}

u64 sum_of(const std::vector<json>& spans, std::string_view name, std::string_view phase, const char* argument) {
  u64 sum = 0;
  for (const json& e : spans) {
    if (e.at("name") == name && e.at("ph") == phase) sum += e.at("args").at(argument).get<u64>();
  }
  return sum;
}

std::size_t count_of(const std::vector<json>& spans, std::string_view name, std::string_view phase) {
  std::size_t count = 0;
  for (const json& e : spans) count += e.at("name") == name && e.at("ph") == phase;
  return count;
}

}  // namespace

TEST_CASE("chrome_trace: a trace that a JSON parser and the map agree with", "[observe]") {
  scratch_file file;
  using map = tophash::map<u64, u64, observe::chrome_trace, deletion::dirty,
                           growth::shrinking<growth::incremental<2>, 20>>;
  map_stats stats;
  u64 entries_at_end = 0;
  {
    observe::chrome_trace_writer writer(file.file());
    map m(observe::chrome_trace{writer});
    for (u64 n = 0; n < 3000; ++n) m[n] = n;
    for (u64 n = 0; n < 2900; ++n) m.erase(n);
    m.sweep(100);
    for (u64 n = 0; n < 200; ++n) m[n] = n;
    m.reserve(1000);
    m.clear();
    for (u64 n = 0; n < 500; ++n) m[n] = n;
    while (!m.stats().growing) m[m.size() + 1000] = 1;
    stats = m.stats();
    entries_at_end = m.size();
    // A copy has tracks of its own; both end in the middle of what they do.
    const map copy(m);
    CHECK(writer.dropped() == 0);
  }
  const std::string text = file.text();
  const std::vector<json> spans = checked_spans(json::parse(text));
  const std::size_t growths =
      count_of(spans, "grow", "B") + count_of(spans, "shrink", "B") + count_of(spans, "regrow", "B");
  CHECK(growths == stats.growths + stats.regrows);  // the copy reserved: a first array, no growth
  CHECK(count_of(spans, "grow", "B") > 5);
  CHECK(count_of(spans, "shrink", "B") > 0);
  CHECK(count_of(spans, "first array", "i") == 2);
  CHECK(sum_of(spans, "step", "E", "chains") == stats.evacuated_chains);
  CHECK(sum_of(spans, "step", "E", "entries") > 3000);
  CHECK(sum_of(spans, "sweep", "E", "entries") == 100);
  CHECK(count_of(spans, "clear", "i") == 1);
  CHECK(count_of(spans, "discard", "i") == 2);
  CHECK(sum_of(spans, "discard", "i", "entries") == 2 * entries_at_end);
}

TEST_CASE("chrome_trace: a buffer that fills up holds the beginning, whole", "[observe]") {
  std::size_t filled = 0;
  for (std::size_t bytes = 0; bytes < 1500; bytes += 7) {
    std::vector<char> buffer(bytes + 1, '#');
    observe::chrome_trace_writer writer(buffer.data(), bytes);
    {
      tophash::map<u64, u64, observe::chrome_trace> m(observe::chrome_trace{writer});
      for (u64 n = 0; n < 100; ++n) m[n] = n;
    }
    writer.finish();
    CHECK(buffer[bytes] == '#');
    REQUIRE(writer.written_bytes() <= bytes);
    if (writer.written_bytes() == 0) {
      CHECK(bytes < 5);
      continue;
    }
    const json trace = json::parse(writer.text());
    CHECK(trace.size() == writer.events());
    if (writer.dropped() != 0) ++filled;
  }
  CHECK(filled > 100);
  // Without a writer nothing happens.
  tophash::map<u64, u64, observe::chrome_trace> silent;
  for (u64 n = 0; n < 100; ++n) silent[n] = n;
  CHECK(silent.observer().writer() == nullptr);
}

TEST_CASE("chrome_trace: a file that cannot be written to", "[observe]") {
  std::FILE* const full = std::fopen("/dev/full", "w");
  if (full == nullptr) return;
  std::setvbuf(full, nullptr, _IONBF, 0);
  {
    observe::chrome_trace_writer writer(full);
    tophash::map<u64, u64, observe::chrome_trace> m(observe::chrome_trace{writer});
    m[1] = 1;
    CHECK(writer.events() == 0);
    CHECK(writer.dropped() > 0);
  }
  std::fclose(full);
}

TEST_CASE("event_log: JSON lines", "[observe]") {
  scratch_file file;
  tophash::map<u64, u64, observe::event_log<400>, deletion::dirty, growth::incremental<1>> m;
  for (u64 n = 0; n < 40; ++n) m[n] = n;
  for (u64 n = 0; n < 30; ++n) m.erase(n);
  m[3] = 3;
  m.sweep();
  m.clear();
  const auto& log = m.observer();
  log.write_json_lines(file.file());
  const std::string text = file.text();
  std::size_t lines = 0, from = 0;
  std::map<std::string, int> seen;
  double last = 0;
  for (std::size_t to = text.find('\n'); to != text.npos; from = to + 1, to = text.find('\n', from)) {
    const json e = json::parse(text.substr(from, to - from));
    const observe::logged_event& logged = log[lines];
    CHECK(e.at("sequence") == logged.sequence);
    CHECK(e.at("event") == observe::name_of(logged.kind));
    CHECK(e.at("ns").get<double>() >= last);
    last = e.at("ns");
    ++seen[e.at("event")];
    if (e.contains("slot")) {
      CHECK(e.at("slot") == logged.at.slot);
      CHECK(e.at("chain") == logged.at.chain);
      CHECK(std::stoull(e.at("bucket").get<std::string>(), nullptr, 16) == logged.at.bucket);
    }
    if (e.at("event") == "moved") CHECK(e.at("from").at("in_old") == true);
    if (e.contains("hash")) CHECK(std::stoull(e.at("hash").get<std::string>(), nullptr, 16) == logged.hash);
    ++lines;
  }
  CHECK(from == text.size());
  CHECK(lines == log.size());
  CHECK(log.told() == lines);
  CHECK(seen["inserted"] == 40);
  CHECK(seen["erased"] == 30);
  CHECK(seen["resurrected"] == 1);
  CHECK(seen["swept"] >= 1);
  CHECK(seen["moved"] >= 8);
  CHECK(seen["retired"] >= 1);
  CHECK(seen["cleared"] == 1);
  std::string by_function;
  log.write_json_lines([&by_function](std::string_view s) { by_function += s; });
  CHECK(by_function == text);
}

TEST_CASE("observers: SPECs", "[observe][lab]") {
  const auto observer_of = [](std::string_view text) {
    const lab::spec_description spec = lab::parse_spec(text);
    return lab::text_of(spec.options[axes::observe::index]);
  };
  CHECK(observer_of("event_log") == "event_log(1024)");
  CHECK(observer_of("observe=event_log(8,steady_clock)") == "event_log(8)");
  CHECK(observer_of("event_log(8,no_clock)") == "event_log(8,no_clock)");
  CHECK(observer_of("tombstone_log(8,no_clock)") == "tombstone_log(8)");
  CHECK(observer_of("tombstone_log(8,steady_clock)") == "tombstone_log(8,steady_clock)");
  CHECK(observer_of("histogram") == "histogram");
  for (const char* text : {"event_log", "tombstone_log", "histogram", "chrome_trace"}) {
    CHECK(lab::facts_of(lab::parse_spec(text)).observe.on_const_paths == (std::string_view{text} == "histogram"));
  }
  CHECK(lab::cxx_type(lab::parse_spec("event_log(8,no_clock)"), "K", "V") ==
        "tophash::map<K, V, tophash::observe::event_log<8, tophash::observe::no_clock>>");
  CHECK(lab::cxx_type(lab::parse_spec("tombstone_log(8,steady_clock)"), "K", "V") ==
        "tophash::map<K, V, tophash::observe::tombstone_log<8, std::chrono::steady_clock>>");
  const auto fault = [](const char* text) -> std::string {
    try {
      static_cast<void>(lab::parse_spec(text));
    } catch (const lab::spec_error& error) {
      return error.what();
    }
    return {};
  };
  CHECK(fault("event_log(0)").find("event_log keeps 1 to 16777216, not 0") != std::string::npos);
  CHECK(fault("tombstone_log(99999999)").find("tombstone_log keeps 1 to") != std::string::npos);
  CHECK(fault("event_log(64,noclock)").find("no_clock") != std::string::npos);
  CHECK(fault("event_log(no_clock)").find("takes how many to keep") != std::string::npos);
  CHECK(fault("tombstone_log(1,no_clock,2)").find("takes how many to keep") != std::string::npos);
  CHECK(fault("histogram(2)") != "");
}
