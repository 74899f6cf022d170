// SPDX-License-Identifier: Apache-2.0
// Storage by text that has a number or a word of its own, allocation traces, profiles, budgets of memory.
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <tophash/allocators/erased.hpp>
#include <tophash/framework/layout/open_groups.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/overflow/fresh.hpp>
#include <tophash/policies/overflow/none.hpp>
#include <tophash/presets.hpp>

#include "lab/allocation_profile.hpp"
#include "lab/allocation_replay.hpp"
#include "lab/catalogue.hpp"
#include "lab/equal_memory.hpp"
#include "lab/record.hpp"
#include "lab/storages.hpp"
#include "lab/trace.hpp"
#include "lab/value_kind.hpp"
#include "lab/variant_source.hpp"
#include "record/raw_recording.hpp"

namespace lab = tophash::lab;
namespace fs = std::filesystem;
using tophash::purpose;
using tophash::request;

namespace {

struct scratch {
  fs::path path;
  explicit scratch(const std::string& name)
      : path(fs::temp_directory_path() / ("tophash-" + std::to_string(::getpid()) + "-" + name)) {}
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
  ~scratch() { fs::remove(path); }
  void write(std::string_view bytes) const {
    std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  std::string text() const {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

constexpr request of(std::size_t bytes) {
  return {.bytes = bytes, .align = 16, .use = purpose::node, .trace = nullptr};
}

std::string storage_fault(const char* text) {
  try {
    static_cast<void>(lab::bind_storage(lab::checked_storage(text)));
    return "none";
  } catch (const std::exception& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("lab storage: limited, failing, kept_pages and from_resource by text", "[lab]") {
  const auto limited = lab::bind_storage(lab::checked_storage("limited(1000, system)"));
  const auto handle = limited->handle();
  void* const first = handle.try_allocate(of(600));
  REQUIRE(first != nullptr);
  CHECK(handle.try_allocate(of(401)) == nullptr);
  handle.deallocate(first, of(600));
  void* const second = handle.try_allocate(of(1000));
  CHECK(second != nullptr);
  handle.deallocate(second, of(1000));

  const auto failing = lab::bind_storage(lab::checked_storage("failing(2,spans)"));
  CHECK(failing->spans_heap() != nullptr);
  void* const a = failing->handle().try_allocate(of(64));
  CHECK(a != nullptr);
  CHECK(failing->handle().try_allocate(of(64)) == nullptr);
  failing->handle().deallocate(a, of(64));

  for (const char* text : {"kept_pages", "kept_pages(keep)", "from_resource", "from_resource(pool)",
                           "from_resource(monotonic)", "tracked(limited(65536,kept_pages(lazily)))"}) {
    INFO(text);
    const auto bound = lab::bind_storage(lab::checked_storage(text));
    void* const p = bound->handle().try_allocate(of(40'000));
    REQUIRE(p != nullptr);
    bound->handle().deallocate(p, of(40'000));
    CHECK(lab::checked_storage(text) == text);
  }
  CHECK(lab::checked_storage("kept_pages(at_once)") == "kept_pages");
  CHECK(storage_fault("limited(system)").find("has no number: limited(N,A)") != std::string::npos);
  CHECK(storage_fault("limited(system,10)").find("takes a number and a backend") != std::string::npos);
  CHECK(storage_fault("kept_pages(kep)").find("nearest: keep") != std::string::npos);
  CHECK(lab::cxx_type(lab::parse_spec("limited(10,spans)"), "K", "V") ==
        "tophash::map<K, V, tophash::allocators::limited<tophash::allocators::spans>>");
}

namespace {

// Every storage that the lab has and no collector owns, and the kinds of combinations.
std::vector<std::string> every_storage() {
  std::vector<std::string> out;
  for (const lab::storage_entry& s : lab::storages()) {
    if (s.here && s.alone && !s.collected()) out.push_back(s.name);
  }
  for (const char* combined :
       {"bucket_pool(144)", "bucket_pool(1088,spans)", "arena(pages(32768))", "zeroed(spans)",
        "limited(1000000000,system)", "by_purpose(overflow=bucket_pool(144),rest=system)",
        "by_size(1024,small=spans,large=pages(32768))", "fallback(arena(system),system)",
        "from_resource(monotonic)", "kept_pages(keep)"})
    out.emplace_back(combined);
  return out;
}

struct alignas(64) line_key {
  std::uint64_t number = 0;
  explicit line_key(std::uint64_t n = 0) noexcept : number(n) {}
  friend bool operator==(const line_key& a, const line_key& b) noexcept { return a.number == b.number; }
};

}  // namespace

template <>
struct std::hash<line_key> {
  std::size_t operator()(const line_key& k) const noexcept { return k.number * 0x9e3779b97f4a7c15u; }
};

namespace {

using tophash::allocators::erased;
using shapes_small = tophash::map<std::uint64_t, std::uint64_t, erased, tophash::presets::go_like,
                                  tophash::overflow::fresh>;
using shapes_nodes = tophash::map<std::uint64_t, std::uint64_t, erased, tophash::layout::nodes,
                                  tophash::overflow::none, tophash::load<14>>;

// Each operation that allocates, with every allocation failing in its turn. How many were made to fail.
template <class Map>
unsigned fail_each(const std::string& storage, unsigned step) {
  unsigned fired = 0;
  for (unsigned n = 1;; n += step) {
    const auto bound = lab::bind_storage("tracked(failing(" + std::to_string(n) + "," + storage + "))");
    std::uint64_t refused = 0;
    {
      Map m(bound->handle(), typename Map::spec_type::hashing{1});
      std::uint64_t expected = 0;
      for (std::uint64_t key = 0; key < 150; ++key) {
        const auto made = m.try_insert({key, key});
        expected += made.inserted ? 1 : 0;
        if (!made.allocated) REQUIRE(m.find(key) == m.end());
      }
      try {
        m.reserve(400);
      } catch (const std::bad_alloc&) {
      }
      try {
        const Map copy(m);
        REQUIRE(copy.size() == expected);
      } catch (const std::bad_alloc&) {
      }
      REQUIRE(m.size() == expected);
      REQUIRE(m.check_invariants() == nullptr);
      // Usable afterwards: only one request is refused, at the latest this one.
      REQUIRE((m.try_insert({1'000'000, 1}).inserted || m.try_insert({1'000'000, 1}).inserted));
      refused = bound->counts()->total.failed;
    }
    REQUIRE(bound->counts()->total.live_blocks == 0);
    if (refused == 0) return fired;
    ++fired;
  }
}

}  // namespace

TEST_CASE("lab storage: every backend survives each of its allocations failing", "[lab]") {
#if defined(TOPHASH_WALK_EVERY_POINT)
  constexpr unsigned step = 1;
#else
  constexpr unsigned step = 5;  // system alone walks every point here
#endif
  for (const std::string& storage : every_storage()) {
    INFO(storage);
    CHECK(fail_each<shapes_small>(storage, storage == "system" ? 1 : step) >= 1);
    CHECK(fail_each<shapes_nodes>(storage, storage == "system" ? 1 : 7 * step) >= 1);
  }
}

TEST_CASE("lab storage: keys aligned to 64 bytes on every backend", "[lab]") {
  for (const std::string& storage : every_storage()) {
    INFO(storage);
    const auto bound = lab::bind_storage("tracked(" + storage + ")");
    {
      tophash::map<line_key, std::uint64_t, erased> m(bound->handle());
      for (std::uint64_t n = 0; n < 200; ++n) m.try_emplace(line_key(n), n);
      std::size_t misaligned = 0;
      for (const auto& [key, value] : m) {
        misaligned += reinterpret_cast<std::uintptr_t>(&key) % 64 != 0 ? 1 : 0;
        REQUIRE(key.number == value);
      }
      CHECK(misaligned == 0);
      CHECK(m.size() == 200);
    }
    CHECK(bound->counts()->total.live_blocks == 0);
  }
}

TEST_CASE("lab --value: its texts, and what the rules need to know of them", "[lab]") {
  using where = lab::value_kind::where;
  CHECK(lab::parse_value_kind("inline:8") == lab::value_kind{});
  CHECK(lab::parse_value_kind("inline:64")->inline_bytes == 64);
  CHECK(lab::parse_value_kind("boxed")->how == where::boxed);
  CHECK(lab::parse_value_kind("gc")->points());
  for (const char* text :
       {"inline", "inline:", "inline:0", "inline:12", "inline:4104", "inline:64x", "box", "GC"}) {
    INFO(text);
    CHECK_FALSE(lab::parse_value_kind(text).has_value());
  }
  for (const char* text : {"inline:64", "boxed", "gc"}) CHECK(lab::parse_value_kind(text)->text() == text);
  CHECK(lab::type_of_value(*lab::parse_value_kind("inline:64")).bytes == 64);
  CHECK(lab::type_of_value(*lab::parse_value_kind("boxed")).may_point);
  CHECK_FALSE(lab::type_of_value(*lab::parse_value_kind("boxed")).deferred);
}

TEST_CASE("lab allocations: what a trace says is what storage is asked for", "[lab]") {
  const scratch file("allocations.csv");
  file.write("time,op,key,size\n,s,16,100\n,s,32,5000\n,d,16,\n,d,48,\n,s,16,50\n,s,32,70\n,s,64,0\n");
  const lab::allocation_trace t = lab::load_allocations(file.path);
  CHECK(t.allocations == 5);
  CHECK(t.releases == 2);  // one of them for 32, which was there
  CHECK(t.unknown_releases == 1);
  CHECK(t.reused_keys == 1);
  CHECK(t.places == 3);
  CHECK(t.peak_live_bytes == 5100);
  CHECK(t.end_live_bytes == 50 + 70 + 1);
  CHECK(t.steps.size() == 7);

  lab::experiment_request request;
  request.trace = file.path.string();
  request.repeat = 1;
  request.allocators = {"system", "spans", "from_resource(pool)", "failing(3,system)"};
  const lab::allocation_result r = lab::run_allocation_replay(request);
  for (std::size_t i = 0; i < 3; ++i) {
    INFO(r.rows[i].storage << r.rows[i].trouble);
    CHECK(r.rows[i].trouble.empty());
    CHECK(r.rows[i].allocations == 5);
    CHECK(r.rows[i].peak_live_bytes == 5100);
    CHECK(r.rows[i].wrong_blocks == 0);
  }
  CHECK(r.rows[3].trouble == "failing(3,system) refused a block: out of memory");
  CHECK(lab::exit_code_of(r) == lab::exit_check_failed);
  CHECK(lab::allocation_text(r).find("refused a block") != std::string::npos);
  const auto fault = [&file](const std::string& rows) -> std::string {
    file.write("time,op,key,size\n" + rows);
    try {
      static_cast<void>(lab::load_allocations(file.path));
      return "none";
    } catch (const lab::trace_error& error) {
      return std::string{error.what()}.substr(file.path.string().size());
    }
  };
  CHECK(fault(",s,16,8\n,g,16,\n") ==
        ":3: no allocation (s) and no release (d): replay this trace over maps");
  CHECK(fault(",s,os.path,8\n") == ":2: the key is no number, so no block's address");
  CHECK(fault(",d,16,\n") == ":2: no allocation in the whole trace");
}

TEST_CASE("lab record: buffers of several threads merge by sequence, and a damaged file is refused", "[lab]") {
  namespace raw = tophash::record;
  const scratch from("raw"), to("merged.csv");
  std::string bytes;
  const auto put = [&bytes](const auto& what) {
    bytes.append(reinterpret_cast<const char*>(&what), sizeof what);
  };
  put(raw::file_header{});
  const auto block = [&put](std::uint32_t buffer, const std::vector<raw::event>& events) {
    put(raw::block_header{.buffer = buffer, .events = static_cast<std::uint32_t>(events.size())});
    for (const raw::event& e : events) put(e);
  };
  const auto freed = raw::event::freed_bit;
  block(0, {{0, 16, 100, 0}, {3, 16, 0, 2 | freed}});
  block(1, {{1, 32, 7, 1}, {2, 99, 0, 1 | freed}});
  block(0, {{5, 16, 50, 3}});
  from.write(bytes);
  const lab::recording r = lab::convert_recording(from.path, to.path);
  CHECK(to.text() == "time,op,key,size\n0,s,16,100\n1,s,32,7\n2,d,16,\n3,s,16,50\n");
  CHECK(r.allocations == 3);
  CHECK(r.releases == 1);
  CHECK(r.unknown == 1);
  CHECK(r.gaps == 1);  // number 4
  CHECK(r.most_live_bytes == 107);
  const auto fault = [&](const std::string& damaged) -> std::string {
    from.write(damaged);
    try {
      static_cast<void>(lab::convert_recording(from.path, to.path));
      return "none";
    } catch (const lab::command_error& error) {
      return std::string{error.what()}.substr(from.path.string().size());
    }
  };
  CHECK(fault("no") == ": is no recording");
  CHECK(fault(bytes.substr(0, bytes.size() - 1)) == ": block 3: is cut: the file ends among its 1 events");
  CHECK(fault(bytes + "xx") == ": block 4: is cut");
  CHECK(fault(bytes + std::string(16, 'x')) == ": block 4: is damaged");
  std::swap(bytes[sizeof(raw::file_header) + sizeof(raw::block_header)],
            bytes[sizeof(raw::file_header) + sizeof(raw::block_header) + sizeof(raw::event)]);
  CHECK(fault(bytes) == ": block 1: its events are out of order");
}

TEST_CASE("lab profile: folded stacks", "[lab]") {
  const std::vector<lab::allocation_site> sites = {{{"a;b", "system", "node", "node"}, 3, 300, 200},
                                                   {{"go_like", "spans", "growth", "slots"}, 1, 128, 128}};
  CHECK(lab::folded_stacks(sites) == "a:b;system;node;node 300\ngo_like;spans;growth;slots 128\n");
  // Two samples, five frames and functions, once each.
  const std::string bytes = lab::pprof_profile(sites, "a run");
  CHECK(bytes.size() > 100);
  CHECK(bytes.find("a;b") != std::string::npos);
}

TEST_CASE("lab equal memory: budgets", "[lab]") {
  CHECK(lab::parse_budgets("1.5x,2x,5") == std::vector<double>{1.5, 2, 5});
  for (const char* bad : {"", "x", "0.5x", "2x,2x", "2y", "1e9", "nan"}) {
    INFO(bad);
    CHECK_THROWS_AS(lab::parse_budgets(bad), lab::command_error);
  }
  lab::program<std::uint64_t> p;
  p.records = {{1, 8, lab::operation::set}, {2, 8, lab::operation::set}, {1, 8, lab::operation::erase},
               {3, 8, lab::operation::set}, {3, 8, lab::operation::get}};
  p.segments = {{.kind = lab::segment_kind::mixed, .begin = 0, .end = 5},
                {.kind = lab::segment_kind::clear},
                {.kind = lab::segment_kind::sets, .begin = 0, .end = 2}};
  CHECK(lab::most_entries_of(p) == 2);
}
