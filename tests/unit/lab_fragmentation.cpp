// SPDX-License-Identifier: Apache-2.0
// The workload fragmentation: what is said to be exact is the same twice, spans' numbers fit the map's own,
// dropping nine of ten traps what it does in Go's runtime, and relocating the survivors frees most of it.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "lab/fragmentation.hpp"

namespace lab = tophash::lab;

namespace {

using phase = lab::fragmentation_phase;

lab::fragmentation_result run(std::vector<std::string> allocators, std::size_t maps = 4'000,
                              std::uint64_t seed = 7, std::vector<std::string> maps_of = {"go_like"}) {
  lab::experiment_request request;
  request.command = "run";
  request.workload = lab::fragmentation_name;
  request.allocators = std::move(allocators);
  request.n = {maps};
  request.variants = std::move(maps_of);
  request.seed = seed;
  return lab::run_fragmentation(request);
}

int code_of(std::vector<std::string> allocators, std::size_t maps = 200) {
  try {
    static_cast<void>(run(std::move(allocators), maps));
    return 0;
  } catch (const lab::command_error& error) {
    return error.code();
  }
}

}  // namespace

TEST_CASE("lab fragmentation: exact figures are exact", "[lab]") {
  const std::vector<std::string> storages{"spans", "system", "by_size(1024,small=spans,large=pages)"};
  const lab::fragmentation_result a = run(storages, 500), b = run(storages, 500),
                                  other = run({"system"}, 500, 8);
  REQUIRE(a.mismatches.empty());
  const nlohmann::json first = lab::fragmentation_json(a), second = lab::fragmentation_json(b);
  REQUIRE(first.at("rows").size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    REQUIRE(first.at("rows")[i].at("exact") == second.at("rows")[i].at("exact"));
    REQUIRE(first.at("rows")[i].at("measured").at("timeline").size() >= 32);
  }
  REQUIRE(a.rows[0].checksum == a.rows[1].checksum);
  REQUIRE(a.rows[1].checksum != other.rows[0].checksum);
  // The same requests reach every storage.
  for (const phase p : {phase::built, phase::dropped, phase::relocated}) {
    REQUIRE(a.rows[0].at(p).live_bytes == a.rows[1].at(p).live_bytes);
    REQUIRE(a.rows[0].at(p).allocations == a.rows[1].at(p).allocations);
  }
  REQUIRE(a.rows[0].hinted_allocations < a.rows[0].at(phase::built).allocations);
}

TEST_CASE("lab fragmentation: spans are trapped as in Go, and freed by relocating", "[lab]") {
  const lab::fragmentation_result r = run({"spans"});
  const lab::fragmentation_row& row = r.rows.at(0);
  REQUIRE(row.trouble.empty());
  REQUIRE(row.survivors > 320);
  REQUIRE(row.survivors < 480);
  const lab::span_occupancy &dropped = *row.at(phase::dropped).spans,
                            &after = *row.at(phase::relocated).spans;
  REQUIRE(dropped.used_bytes >= row.at(phase::dropped).live_bytes);
  REQUIRE(std::accumulate(dropped.deciles.begin(), dropped.deciles.end(), std::uint64_t{0}) == dropped.spans);
  REQUIRE(dropped.trapped_share() > 0.75);  // 0.836 in Go 1.19
  REQUIRE(dropped.trapped_share() < 0.91);
  const auto trapped = [](const lab::span_occupancy& o) { return o.span_bytes - o.used_bytes; };
  REQUIRE(trapped(after) * 2 < trapped(dropped));
  REQUIRE(row.moved_bytes <= row.at(phase::dropped).live_bytes);
  REQUIRE(row.moved_bytes * 2 > row.at(phase::dropped).live_bytes);
  REQUIRE(row.spans_set_aside > 0);
  REQUIRE(row.at(phase::returned).spans->held_bytes == row.at(phase::returned).spans->span_bytes);
  const std::string text = lab::fragmentation_text(r);
  REQUIRE(text.find("can go to no other size; relocating ") != std::string::npos);
  REQUIRE(text.find("fewer allocations") != std::string::npos);
}

TEST_CASE("lab fragmentation: standard containers hold the same on every storage", "[lab]") {
  const std::vector<std::string> storages{"system", "spans", "from_resource(pool)",
                                          "limited(100000000,spans)"};
  const lab::fragmentation_result r = run(storages, 200, 7, {"all"});
  const std::size_t maps = lab::fragmentation_variants().size();
  REQUIRE(maps >= 2);
  REQUIRE(r.rows.size() == storages.size() * maps);
  REQUIRE(r.mismatches.empty());
  for (std::size_t i = 0; i < r.rows.size(); ++i) {
    const lab::fragmentation_row &row = r.rows[i], &same = r.rows[i % maps];
    INFO(row.variant << " on " << row.storage);
    REQUIRE(row.trouble.empty());
    REQUIRE(row.variant == same.variant);
    REQUIRE(row.checksum == r.rows.front().checksum);
    REQUIRE(row.at(phase::dropped).live_bytes == same.at(phase::dropped).live_bytes);
    REQUIRE(row.at(phase::built).allocations == same.at(phase::built).allocations);
    REQUIRE(row.moved_bytes > 0);
  }
}

TEST_CASE("lab fragmentation: what it cannot measure is refused", "[lab]") {
  REQUIRE(code_of({"spns"}) == lab::exit_usage);
  REQUIRE(code_of({"fallback(system,system)"}) == lab::exit_usage);
  REQUIRE(code_of({"system"}, 50) == lab::exit_usage);
  REQUIRE(code_of({"boehm_scanned"}) != 0);
}
