// SPDX-License-Identifier: Apache-2.0
// What a recorded map writes is what the lab reads: the same operations, the same checksum on another map.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>
#include <unistd.h>

#include <tophash/map.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/growth/incremental.hpp>
#include <tophash/policies/observe/recorder.hpp>
#include <tophash/presets.hpp>
#include <tophash/set.hpp>
#include <tophash/std_api.hpp>
#include <tophash/traced.hpp>

#include "lab/trace.hpp"
#include "lab/variant.hpp"

using namespace tophash;
namespace fs = std::filesystem;

namespace {

using u64 = std::uint64_t;
using observe::trace_times;
using observe::trace_writer;

struct scratch {
  fs::path path = fs::temp_directory_path() / ("tophash-recording-" + std::to_string(::getpid()) + ".csv");
  scratch() = default;
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
  ~scratch() { fs::remove(path); }
  const char* name() const { return path.c_str(); }
  std::string text() const {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

// `s17 g17 c`: the rows without times and sizes.
std::string rows_of(const fs::path& file) {
  std::string out;
  lab::trace_reader reader(file);
  for (lab::trace_row row; reader.next(row);) {
    out += out.empty() ? "" : " ";
    out += row.clears ? 'c' : "gsd"[static_cast<int>(row.what)];
    out += row.key;
  }
  return out;
}

lab::program<u64> random_program(u64 seed, std::size_t rows) {
  lab::program<u64> out;
  for (std::size_t i = 0; i < rows; ++i) {
    seed = next_seed(seed);
    const auto what = static_cast<lab::operation>((seed >> 40) % 3);
    out.records.push_back({(seed >> 8) % (rows / 4), 8, what});
  }
  out.segments = {{.kind = lab::segment_kind::mixed, .begin = 0, .end = rows},
                  {.kind = lab::segment_kind::clear},
                  {.kind = lab::segment_kind::mixed, .begin = 0, .end = rows / 3}};
  return out;
}

// Sum over the mixed segments, without what segments themselves add.
template <class Map>
u64 checksum_on(Map& map, const lab::program<u64>& p) {
  u64 sum = 0, row = 0;
  for (const lab::segment& s : p.segments) {
    if (s.kind == lab::segment_kind::clear) map.clear();
    if (s.kind != lab::segment_kind::mixed) continue;
    for (std::size_t i = s.begin; i < s.end; ++i) sum += lab::perform(map, p.records[i], ++row);
  }
  return sum + lab::run_audit(map);
}

// Records the program's execution, reads the trace and executes that on another map.
template <class Map>
void record_and_replay(Map& map, const trace_writer& trace, const lab::program<u64>& p, const scratch& file,
                       bool same_keys) {
  const u64 here = checksum_on(map, p);
  REQUIRE(const_cast<trace_writer&>(trace).flush());
  const lab::trace read = lab::load_trace(file.path);
  REQUIRE(read.rows() == trace.rows());
  CHECK(read.clears == 1);
  const auto& again = std::get<lab::program<u64>>(read.operations);
  std::unordered_map<u64, u64> other;
  const u64 there = checksum_on(other, again);
  CHECK(other.size() == map.size());
  if (same_keys) {
    CHECK(there == here);
  } else {
    // The audit names the keys.
    CHECK(there - lab::run_audit(other) == here - lab::run_audit(map));
  }
}

}  // namespace

TEMPLATE_TEST_CASE("traced: what is recorded is replayed to the same checksum", "[record]",
                   (std::unordered_map<u64, u64>), (tophash::map<u64, u64>),
                   (tophash::map<u64, u64, presets::fastest>), (unordered_node_map<u64, u64>)) {
  const scratch file;
  trace_writer trace(file.name());
  traced<TestType> map{trace};
  record_and_replay(map, trace, random_program(1, 3000), file, true);
}

TEMPLATE_TEST_CASE("recorder: what is recorded is replayed to the same checksum", "[record]",
                   (tophash::map<u64, u64, observe::recorder>),
                   (tophash::map<u64, u64, presets::go_like, observe::recorder>),
                   (tophash::map<u64, u64, presets::go_like, deletion::dirty, observe::recorder>),
                   (tophash::map<u64, u64, presets::fastest, growth::incremental<2>, observe::recorder>)) {
  const scratch file;
  trace_writer trace(file.name());
  TestType map{observe::recorder{trace, sizeof(u64)}};
  record_and_replay(map, trace, random_program(2, 3000), file, false);
  // An entry erased where an iterator came to it has its name all the same; one that was copied has none.
  const TestType copy = map;
  CHECK(copy.observer().writer() == nullptr);
  const u64 before = trace.rows();
  while (map.begin() != map.end()) map.erase(map.begin());
  CHECK(map.observer().unnamed() == 0);
  CHECK(trace.rows() == before + copy.size());
  REQUIRE(trace.flush());
  std::unordered_map<u64, u64> other;
  static_cast<void>(
      checksum_on(other, std::get<lab::program<u64>>(lab::load_trace(file.path).operations)));
  CHECK(other.empty());
}

TEST_CASE("traced: a row for each kind of access", "[record]") {
  const scratch file;
  trace_writer trace(file.name(), trace_times::no);
  {
    using map = traced<std::unordered_map<int, int>>;
    map m{trace, std::initializer_list<map::value_type>{{-1, 1}}};
    m[2] = 1, m[2] = 2;
    m.insert({2, 3}), m.insert({3, 3}), m.emplace(4, 4), m.try_emplace(4, 5), m.insert_or_assign(4, 6);
    m.insert(m.end(), {5, 5}), m.emplace_hint(m.end(), 5, 6);
    CHECK((m.contains(3) && m.count(9) == 0 && m.at(3) == 3 && m.find(2)->second == 2));
    CHECK_THROWS_AS(m.at(77), std::out_of_range);
    m.erase(3), m.erase(3), m.erase(m.find(4));
    m.insert(m.extract(5));
    map copy = m;
    copy.clear();
    map taken = std::move(m);
    CHECK(erase_if(taken, [](const auto& e) { return e.first == 2; }) == 1);
    taken = {{8, 8}};
    taken.clear();
  }
  traced<tophash::set<std::string>> words{trace};
  words.insert("a");
  static_cast<void>(words.contains("a"));
  REQUIRE(trace.close());
  const std::string minus_one = std::to_string(static_cast<u64>(-1)), rows = rows_of(file.path);
  const std::string expected =
      "s" + minus_one + " s2 g2 g2 s3 s4 g4 s4 s5 g5 g3 g9 g3 g2 d3 d3 g4 d4 d5 s5 d2 c s8 c ";
  CHECK(rows.substr(0, expected.size()) == expected);
  const std::string last = rows.substr(expected.size());  // s and g of one number
  CHECK(last.size() > 4);
  CHECK(last.substr(1, last.find(' ') - 1) == last.substr(last.find(' ') + 2));
}

TEST_CASE("trace_writer: a disk that is full ends the trace, and no map notices", "[record]") {
  CHECK(trace_writer("/no/such/folder/trace.csv").error() != nullptr);
  std::FILE* const full = std::fopen("/dev/full", "wb");
  if (full == nullptr) return;
  {
    trace_writer trace(full);
    traced<std::unordered_map<u64, u64>> m{trace};
    for (u64 i = 0; i < 20'000; ++i) m[i] = i;
    CHECK(m.size() == 20'000);
    CHECK(trace.error() != nullptr);
    CHECK(trace.rows() == 0);
    CHECK(trace.lost_rows() == 20'000);
    CHECK(!trace.close());
  }
  std::fclose(full);
}

// Half a block reaches the file, then the system refuses: what is left is the blocks before.
TEST_CASE("trace_writer: the file ends with a whole row when a block fails half way", "[record]") {
  const scratch file;
  std::FILE* const sink = std::fopen(file.name(), "wb");
  REQUIRE(sink != nullptr);
  {
    trace_writer trace(sink, trace_times::no);
    for (u64 i = 0; i < 9000; ++i) trace.get(i);  // one block, and part of the next
    const std::string whole = file.text();
    REQUIRE(!whole.empty());
    std::fflush(sink);
    REQUIRE(::close(::fileno(sink)) == 0);  // every write fails from here
    CHECK(!trace.flush());
    CHECK(!trace.ends_whole());  // nor can the file be cut
    CHECK(trace.rows() + trace.lost_rows() == 9000);
    CHECK(file.text() == whole);
    CHECK(lab::load_trace(file.path).gets == trace.rows());
  }
  std::fclose(sink);
}

TEST_CASE("recorded traces: a file that was cut is refused with file, record and reason", "[record]") {
  const scratch file;
  {
    trace_writer trace(file.name(), trace_times::no);
    for (u64 i = 100; i < 110; ++i) trace.set(i, 8);
  }
  const std::string text = file.text();
  std::ofstream(file.path, std::ios::binary) << text.substr(0, text.size() - 5);
  try {
    static_cast<void>(lab::load_trace(file.path));
    FAIL("a cut row was read");
  } catch (const lab::trace_error& e) {
    CHECK(e.what() == file.path.string() + ":11: expected 4 fields (time,op,key,size), found 3");
  }
  std::ofstream(file.path, std::ios::binary) << "time,op,key,size\n0,c,7,\n";
  CHECK_THROWS_WITH(lab::load_trace(file.path), Catch::Contains(":2: a clear has a key: '7'"));
}

TEST_CASE("replay as a cache: a clear empties it", "[record]") {
  const scratch file;
  std::ofstream(file.path) << "time,op,key,size\n,s,1,8\n,s,2,8\n,c,,\n,c,,\n,g,1,\n,g,1,\n";
  lab::trace t = lab::load_trace(file.path);
  lab::make_cache(t.operations, 2);
  const auto& p = std::get<lab::program<u64>>(t.operations);
  std::vector<lab::segment_kind> kinds;
  for (const lab::segment& s : p.segments) kinds.push_back(s.kind);
  CHECK(kinds == std::vector{lab::segment_kind::cached, lab::segment_kind::clear, lab::segment_kind::clear,
                             lab::segment_kind::cached});
  CHECK(p.segments.back().end == 4);
}
