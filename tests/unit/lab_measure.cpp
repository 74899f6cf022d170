// SPDX-License-Identifier: Apache-2.0
// The measuring itself. Maps that lie, throw or crash are put among honest ones, and the lab must say which
// they are; a cache replay is compared with the plainest cache one can write.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <list>
#include <map>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "lab/experiment.hpp"
#include "lab/findings.hpp"
#include "lab/measure.hpp"
#include "lab/registry.hpp"
#include "lab/result.hpp"
#include "lab/trace.hpp"
#include "lab/variant.hpp"
#include "workloads/workloads.hpp"

namespace lab = tophash::lab;

namespace {

// ---- maps with one fault each -------------------------------------------------------------------

template <class Key>
using honest_map = std::unordered_map<Key, std::uint64_t>;

template <class Key>
struct forgets_an_erase : honest_map<Key> {
  std::size_t erase(const Key& key) {
    return ++count % 1000 == 0 ? this->count_of(key) : honest_map<Key>::erase(key);
  }
  std::size_t count_of(const Key& key) const {
    return this->find(key) == this->end() ? 0 : 1;
  }  // says it did
  std::size_t count = 0;
};

template <class Key>
struct keeps_the_old_value : honest_map<Key> {
  auto insert_or_assign(const Key& key, std::uint64_t value) { return this->insert({key, value}); }
};

template <class Key>
struct loses_an_entry : honest_map<Key> {
  auto insert_or_assign(const Key& key, std::uint64_t value) {
    auto out = honest_map<Key>::insert_or_assign(key, value);
    if (this->size() == 777 && out.second) {
      honest_map<Key>::erase(this->begin());
      return std::pair{this->end(), true};
    }
    return out;
  }
};

template <class Key>
struct throws_late : honest_map<Key> {
  auto insert_or_assign(const Key& key, std::uint64_t value) {
    if (this->size() == 500) throw std::runtime_error("no more than 500");
    return honest_map<Key>::insert_or_assign(key, value);
  }
};

template <class Key>
struct crashes : honest_map<Key> {
  std::size_t erase(const Key&) { std::abort(); }
};

template <template <class> class Map>
lab::variant_row row_of(std::string name) {
  return lab::make_variant_row<Map>(std::move(name), "", "for a test", false);
}

lab::measure_options quick() {
  lab::measure_options out;
  out.repeat = 2;
  out.latency_executions = 1;
  return out;
}

lab::any_program small_churn() {
  return lab::find_workload("delete_heavy")
      ->build({.n = 2000, .key = lab::key_kind::u64, .seed = 4, .load_limit = 0});
}

lab::measurement measured(const lab::variant_row& suspect, const lab::any_program& p,
                          const lab::measure_options& options) {
  static const lab::variant_row honest = row_of<honest_map>("honest");
  const std::vector<lab::measured_task> tasks = {
      {.variant = &honest, .storage = "system", .program = &p, .n = 0},
      {.variant = &suspect, .storage = "system", .program = &p, .n = 0}};
  return lab::measure(tasks, options);
}

}  // namespace

TOPHASH_VARIANT("registered by a test", honest_map);

TEST_CASE("lab registry: a program's own map is a row like the others", "[lab][measure]") {
  const lab::variant_choice choice = lab::choose_variants("registered by a test");
  REQUIRE(choice.rows.size() == 1);
  REQUIRE(choice.rows.front()->run_string != nullptr);
}

TEST_CASE("lab measure: honest maps agree and have figures", "[lab][measure]") {
  const lab::any_program p = small_churn();
  const lab::variant_row twin = row_of<honest_map>("twin");
  const lab::measurement m = measured(twin, p, quick());
  REQUIRE(m.mismatches.empty());
  REQUIRE_FALSE(m.interrupted);
  for (const lab::measured_row& r : m.rows) {
    REQUIRE(r.trouble.empty());
    REQUIRE(r.cpu_ns_per_op.size() == 2);
    REQUIRE(r.cpu_ns_per_op.front() > 0);
    REQUIRE(r.latency.has_value());
    REQUIRE(r.latency->samples == r.result.operations);
    REQUIRE((r.latency->p50 <= r.latency->p99 && r.latency->p99 <= r.latency->max));
    REQUIRE((r.memory.has_value() && !r.memory->counted));  // their storage is their own
  }
}

TEST_CASE("lab measure: a map that is wrong once is found out", "[lab][measure]") {
  const lab::any_program p = small_churn();
  lab::measure_options check = quick();
  check.memory = check.latency = check.time = false;
  for (const lab::variant_row& suspect :
       {row_of<forgets_an_erase>("forgets an erase"), row_of<loses_an_entry>("loses an entry")}) {
    INFO(suspect.name);
    for (const lab::measure_options& options : {check, quick()}) {
      const lab::measurement m = measured(suspect, p, options);
      REQUIRE(m.mismatches.size() == 1);
      REQUIRE(m.mismatches.front().find(suspect.name) != std::string::npos);
    }
  }
  const lab::any_program updates = lab::find_workload("ycsb_a")->build(
      {.n = 500, .key = lab::key_kind::string, .seed = 4, .load_limit = 0});
  REQUIRE(measured(row_of<keeps_the_old_value>("keeps the old value"), updates, check).mismatches.size() ==
          1);
}

TEST_CASE("lab measure: wrong values alone are found in a trace without gets", "[lab][measure]") {
  const lab::any_program p =
      lab::load_trace("bench/traces/alloc_python_ast.csv.zst", lab::trace_keys::detect, 60'000).operations;
  lab::measure_options check = quick();
  check.memory = check.latency = check.time = false;
  lab::any_program twice = p;  // the same sets again: every value is overwritten once
  auto& again = std::get<0>(twice);
  again.records.insert(again.records.end(), again.records.begin(), again.records.begin() + 30'000);
  again.segments.push_back({.kind = lab::segment_kind::mixed, .begin = 60'000, .end = 90'000});
  REQUIRE(measured(row_of<honest_map>("twin"), twice, check).mismatches.empty());
  REQUIRE(measured(row_of<keeps_the_old_value>("keeps the old value"), twice, check).mismatches.size() == 1);
}

TEST_CASE("lab measure: a throw and a crash are one row's trouble", "[lab][measure]") {
  const lab::any_program p = small_churn();
  const lab::variant_row thrower = row_of<throws_late>("throws late"), aborter = row_of<crashes>("crashes");
  const lab::measurement thrown = measured(thrower, p, quick());
  REQUIRE(thrown.rows[1].trouble == "no more than 500");
  REQUIRE(thrown.rows[0].trouble.empty());
  const lab::measurement crashed = measured(aborter, p, quick());
  REQUIRE(crashed.rows[1].trouble.find("its process was ended by Abort") == 0);
  REQUIRE(crashed.rows[0].cpu_ns_per_op.size() == 2);
}

TEST_CASE("lab measure: an interruption keeps what is finished", "[lab][measure]") {
  const lab::any_program p = small_churn();
  const lab::variant_row twin = row_of<honest_map>("twin");
  lab::measure_options options = quick();
  options.memory = options.latency = false;
  unsigned steps = 0;
  options.progress = [&steps](const std::string&) {
    if (++steps == 2) lab::interrupt_requested = true;
  };
  const lab::measurement m = measured(twin, p, options);
  lab::interrupt_requested = false;
  REQUIRE(m.interrupted);
  REQUIRE(m.rows.size() == 2);
  REQUIRE(m.rows[0].cpu_ns_per_op.size() == 1);
}

// ---- a cache replay -----------------------------------------------------------------------------

namespace {

struct cache_counts {
  std::uint64_t hits = 0, misses = 0, evictions = 0, size = 0;
};

// Least recently used, as in a textbook.
template <class Key>
cache_counts plain_cache(const lab::program<Key>& p, std::size_t capacity) {
  cache_counts out;
  std::list<Key> order;
  std::map<Key, typename std::list<Key>::iterator> where;
  for (const auto& r : p.records) {
    const Key key = lab::key_of(r);
    const auto found = where.find(key);
    if (r.what == lab::operation::erase) {
      if (found != where.end()) order.erase(found->second), where.erase(found);
    } else if (found != where.end()) {
      ++out.hits;
      order.splice(order.begin(), order, found->second);
    } else {
      ++out.misses;
      if (where.size() == capacity) ++out.evictions, where.erase(order.back()), order.pop_back();
      where[key] = order.insert(order.begin(), key);
    }
  }
  out.size = where.size();
  return out;
}

}  // namespace

TEST_CASE("lab replay: a cache of limited capacity is a plain LRU cache, whichever map is under it",
          "[lab][measure]") {
  for (const std::size_t capacity : {1u, 100u, 5000u}) {
    lab::trace t = lab::load_trace("bench/traces/pystdlib_symbols.csv.zst", lab::trace_keys::detect, 100'000);
    auto& p = std::get<1>(t.operations);
    const cache_counts expected = plain_cache(p, capacity);
    p.segments = {
        {.kind = lab::segment_kind::cached, .begin = 0, .end = p.records.size(), .amount = capacity}};
    std::vector<std::uint64_t> checksums;
    for (const char* name :
         {"std::unordered_map", "defaults", "go_like", "dirty,incremental(2),local_list"}) {
      const lab::variant_row* const row = lab::find_variant(name);
      REQUIRE(row != nullptr);
      const lab::measurement m =
          lab::measure({{.variant = row, .storage = "tracked(system)", .program = &t.operations, .n = 0}},
                       {.repeat = 1, .memory = false, .latency = false, .time = false});
      const lab::execution& e = m.rows.front().result;
      INFO(name << ", capacity " << capacity);
      REQUIRE((e.cache_hits == expected.hits && e.cache_misses == expected.misses));
      REQUIRE((e.cache_evictions == expected.evictions && e.end_size == expected.size));
      checksums.push_back(e.checksum);
    }
    REQUIRE(std::count(checksums.begin(), checksums.end(), checksums.front()) == 4);
  }
}

// ---- findings and results -----------------------------------------------------------------------

namespace {

lab::measured_row timed_row(const char* variant, const std::string& storage, const lab::any_program& p,
                            std::vector<double> ns) {
  lab::measured_row out;
  out.task = {.variant = lab::find_variant(variant), .storage = storage, .program = &p, .n = 0};
  out.cpu_ns_per_op = std::move(ns);
  return out;
}

bool says(const std::vector<std::string>& sentences, const std::string& words) {
  return std::any_of(sentences.begin(), sentences.end(),
                     [&words](const std::string& s) { return s.find(words) != std::string::npos; });
}

}  // namespace

TEST_CASE("lab findings: an effect is told with its interval, noise is not told as one", "[lab][measure]") {
  const lab::any_program p = small_churn();
  lab::measurement m;
  m.rows.push_back(timed_row("defaults", "system", p, {100, 110, 90, 100, 105, 95}));
  m.rows.push_back(timed_row("dirty", "system", p, {80, 88, 72, 80, 84, 76}));          // 0.8 in every round
  m.rows.push_back(timed_row("local_list", "system", p, {101, 108, 92, 99, 106, 94}));  // noise
  const std::vector<lab::option_effect> effects = lab::option_effects(m);
  REQUIRE(effects.size() == 2);
  REQUIRE((effects[0].axis == "deletion" && effects[0].option == "dirty" && effects[0].base == "immediate"));
  REQUIRE(effects[0].time_ratio.median == Approx(0.8));
  REQUIRE(lab::resolvable(effects[0].time_ratio));
  REQUIRE_FALSE(lab::resolvable(effects[1].time_ratio));
  const std::vector<std::string> said = lab::findings(m);
  REQUIRE(says(said, "dirty -20 % CPU time (0.80..0.80)"));
  REQUIRE(says(said, "local_list no difference resolvable in time"));
  m.mismatches.push_back("x and y differ");
  REQUIRE(lab::findings(m).front().find("CHECK FAILED: ") == 0);
}

TEST_CASE("lab result: the schema's fields, for a workload and for a sweep", "[lab][measure]") {
  lab::experiment_request request;
  request.command = "run";
  request.workload = "churn_random";
  request.n = {300};
  request.variants = {"defaults", "go_like", "absl::flat_hash_map"};
  if (lab::find_variant("absl::flat_hash_map") == nullptr) request.variants.pop_back();
  request.repeat = 2;
  request.argv = {"tophash", "run"};
  const nlohmann::json j = lab::result_json(lab::run_experiment(request));
  REQUIRE(j.at("schema") == "tophash-result-1");
  for (const char* field :
       {"tophash_version", "compiler", "compiler_flags", "cores", "governor", "counter_source",
        "allocator_versions", "seed", "input_sha256", "clock", "intervals"}) {
    INFO(field);
    REQUIRE(j.at("manifest").contains(field));
  }
  REQUIRE(j.at("experiment").at("workload") == "churn_random");
  REQUIRE(j.at("rows").size() == request.variants.size());
  for (const nlohmann::json& row : j.at("rows")) {
    REQUIRE(row.at("checksum") == j.at("rows").front().at("checksum"));
    REQUIRE(row.at("ns_per_op").at("low") <= row.at("ns_per_op").at("median"));
    REQUIRE(row.at("ratio").at("to") == "defaults on system");
    REQUIRE(row.at("memory").at("peak_bytes") > 0);
    REQUIRE(row.at("rerun").get<std::string>().find("tophash run --workload churn_random --n 300") == 0);
    REQUIRE_FALSE(row.contains("gc"));
  }
  REQUIRE(j.at("rows").front().at("spec").get<std::string>().find("allocation=system") != std::string::npos);
}

TEST_CASE("lab experiment: what cannot be asked is refused with a sentence and a code", "[lab][measure]") {
  const auto refused = [](const lab::experiment_request& request) -> std::pair<int, std::string> {
    try {
      static_cast<void>(lab::run_experiment(request));
    } catch (const lab::command_error& error) {
      return {error.code(), error.what()};
    }
    return {0, ""};
  };
  lab::experiment_request request;
  request.command = "run";
  request.workload = "grwo";
  REQUIRE(refused(request) ==
          std::pair{lab::exit_usage, std::string{"'grwo' is no workload; nearest: grow"}});
  request.workload = "grow";
  request.allocators = {"maloc"};
  REQUIRE(refused(request).first == lab::exit_usage);
  request.allocators = {"erased"};
  REQUIRE(refused(request).first == lab::exit_usage);
  request.allocators.clear();
  request.variants = {"dirty,load(3)"};
  request.compile = false;
  REQUIRE(refused(request).first == lab::exit_not_here);
  request.variants = {"std::unordered_map"};
  request.workload = "load_sweep";
  REQUIRE(refused(request).second.find("it tells no chain statistics") != std::string::npos);
  request.workload = "grow";
  request.collector = "none";
  request.allocators = {"boehm_scanned"};
  const int code = refused(request).first;
  REQUIRE((code == lab::exit_usage || code == lab::exit_not_here));  // the latter where libgc is not built in
}
