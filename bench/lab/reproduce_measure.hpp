// SPDX-License-Identifier: Apache-2.0
// The measurements that claim files name, one function each in a translation unit of its own with explicit
// compositions. A measurement fills a sample: metrics by name, one value a round. Everything that a verdict
// or a *why* line says comes from that sample.
//   emptying          T-A1  a full map emptied key by key, ranging, cleared, dropped, forgotten; a new one
//   made load              T-B1  lookups, chains and memory at a given number of entries a bucket
//   overflow_sources  T-B2  overflow buckets under churn, by source
//   collisions        T-B3  keys in buckets under prefix hashes and a real one, by each reading of the rate
//   iterators         T-B9  what an iterator and a snapshot meet that begin half way through a growth
//   rotation          T-D1  delete one key, insert another: overflow buckets, chains, memory
//   overflow_growth   T-D2  overflow buckets as the load rises, and under built collisions
//   offsets           T-D5  where the parts of a bucket lie
//   kept_buckets      T-D6  buckets of an emptied map through full collections
//   sync_map          T-A3  go_sync_map and a locked map: what stores and deletes leave, by their order
//   heap_profile      T-A2  bytes and requests of a map's storage, by who asks
//   unlink_or_mark    T-B4  loads and cache misses of deleting by unlinking, and by marking
//   dirty_check       T-B5  what a test of a flag before a store costs
//   service           T-B6  writes and deletes, and a cache, on a collected heap: bytes, pauses, ranging
//   reclaimers        T-B8  ABA and memory under each way to reclaim a lock-free chain's nodes
//   atomic_deletes    T-C1  deletes with a plain count and with atomic operations
//   span_lives        T-D3  free slots in spans in use, by the lives of maps
//   hint              T-D4  maps made with the right hint and without one
//   delete_race       T-C2  loads of a go_sync_map beside a delete in another thread, and after it
#ifndef TOPHASH_BENCH_LAB_REPRODUCE_MEASURE_HPP
#define TOPHASH_BENCH_LAB_REPRODUCE_MEASURE_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lab/claims.hpp"
#include "lab/claims_verdict.hpp"

namespace tophash::lab {

struct claim_request {
  const claim_table* table = nullptr;
  std::map<std::string, double> parameters;  // the table's, with --quick applied
  unsigned rounds = 7;
  std::uint64_t seed = 1;
  bool quick = false;
  std::function<void(const std::string&)> progress = [](const std::string&) {};
  // Called before each round but the first: another program's round comes in between.
  std::function<void()> between_rounds = [] {};
};

// What every measurement calls at the beginning of a round, before it touches the clock.
void begin_round(const claim_request& request, unsigned round, unsigned rounds);

// A positive whole number among the parameters. Throws claim_error naming file and field.
std::size_t whole_parameter(const claim_request& request, const std::string& name);

// Entries by bucket, for a picture.
struct bucket_heat {
  std::string title;
  std::vector<std::size_t> entries;
};

struct claim_measurement {
  measured_sample sample;
  std::map<std::string, std::string> missing;  // metric: why it is not there
  std::string setting;                         // "1,000,000 keys in 2^18 buckets"
  std::vector<std::string> why;                // computed from the sample
  std::vector<bucket_heat> heat;               // of the first round
  unsigned rounds = 0;                         // complete ones
};

// Adds one round's value.
void note(claim_measurement& out, const std::string& metric, std::string_view unit, bool exact, double value);
// Median over the rounds; 0 if there are none.
double median_of(const claim_measurement& m, const std::string& metric);

claim_measurement measure_addresses(const claim_request& request);
claim_measurement measure_chain_or_nodes(const claim_request& request);
claim_measurement measure_cleaning(const claim_request& request);
claim_measurement measure_emptying(const claim_request& request);
claim_measurement measure_iterators(const claim_request& request);
claim_measurement measure_kept_buckets(const claim_request& request);
claim_measurement measure_load(const claim_request& request);
claim_measurement measure_overflow_growth(const claim_request& request);
claim_measurement measure_overflow_sources(const claim_request& request);
claim_measurement measure_collisions(const claim_request& request);
claim_measurement measure_offsets(const claim_request& request);
claim_measurement measure_rotation(const claim_request& request);
claim_measurement measure_sync_map(const claim_request& request);
claim_measurement measure_heap_profile(const claim_request& request);
claim_measurement measure_unlink_or_mark(const claim_request& request);
claim_measurement measure_dirty_check(const claim_request& request);
claim_measurement measure_service(const claim_request& request);
claim_measurement measure_reclaimers(const claim_request& request);
claim_measurement measure_atomic_deletes(const claim_request& request);
claim_measurement measure_span_lives(const claim_request& request);
claim_measurement measure_hint(const claim_request& request);
claim_measurement measure_delete_race(const claim_request& request);

struct measurement_entry {
  std::string_view name;
  claim_measurement (*measure)(const claim_request& request);
};
const std::vector<measurement_entry>& claim_measurements();

// What a measurement is compiled for: SPEC and code. A claim file may name these and no others.
template <class Function>
struct built_composition {
  std::string_view spec;
  Function run;
};

[[noreturn]] void refuse_variant(const claim_table& table, std::size_t index,
                                 const std::vector<std::string>& built);

// The compositions that the file lists, in its order; the first is judged. Throws claim_error.
template <class Function>
std::vector<built_composition<Function>> chosen(const claim_table& table,
                                                const std::vector<built_composition<Function>>& built) {
  std::vector<built_composition<Function>> out;
  for (std::size_t i = 0; i < table.variants.size(); ++i) {
    std::vector<std::string> names;
    for (const auto& b : built) {
      names.emplace_back(b.spec);
      if (b.spec == table.variants[i]) out.push_back(b);
    }
    if (out.size() != i + 1) refuse_variant(table, i, names);
  }
  return out;
}

// The metric of a composition: its own name for the judged one, `metric@SPEC` for the others.
std::string metric_of(std::string_view metric, std::string_view spec, bool judged);

// Set by Ctrl-C: a measurement stops between two rounds.
bool stop_measuring() noexcept;

// 851,968
std::string grouped(std::uint64_t number);

}  // namespace tophash::lab

#endif
