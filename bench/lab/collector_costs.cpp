// SPDX-License-Identifier: Apache-2.0
#include "lab/collector_costs.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include <nlohmann/json.hpp>

#include <tophash/framework/core/trace_info.hpp>

#include "lab/child_process.hpp"
#include "lab/collectors.hpp"
#include "lab/experiment.hpp"
#include "lab/statistics.hpp"
#include "lab/storages.hpp"
#include "workloads/random.hpp"

namespace tophash::lab {

namespace {

using nlohmann::json;

constexpr std::size_t garbage_block_bytes = 4096;

// The median of a few collections. Before each the mutator allocates `garbage_bytes` and works on other
// memory, as it does between two of a run: in a cache that holds nothing else, searching costs less than
// half. `prepare` returns what keeps its blocks reachable.
constexpr std::size_t mutator_bytes = 8 << 20;

template <class Prepare>
double collection_ns(const std::string& text, std::size_t garbage_bytes, const Prepare& prepare) {
  const json answer = in_child([&]() -> json {
    const std::unique_ptr<bound_storage> storage = bind_storage(text);
    heap_collector& collector = *storage->collector();
    collector.collect_by_itself(false);
    void* volatile root = prepare(storage->handle());
    std::vector<double> ns;
    std::vector<unsigned char> elsewhere(mutator_bytes);
    for (int i = 0; i < 15; ++i) {
      std::fill(elsewhere.begin(), elsewhere.end(), static_cast<unsigned char>(i));
      for (std::size_t done = 0; done < garbage_bytes; done += garbage_block_bytes)
        collector.allocate_garbage(garbage_block_bytes);
      collector.start_window();
      collector.collect();
      ns.push_back(static_cast<double>(collector.sample().collector_cpu_ns));
    }
    static_cast<void>(root);
    return {{"ns", summarise(ns).median}};
  });
  if (answer.contains("trouble"))
    throw command_error(exit_check_failed, "the calibration of the collector failed: " +
                                               answer.at("trouble").get<std::string>());
  return answer.at("ns");
}

request block_of(std::size_t bytes) {
  return {.bytes = bytes, .align = alignof(void*), .use = purpose::overflow, .trace = nullptr};
}

// Fills a block with numbers that are no addresses, as a map's random keys are.
void fill_random(void* block, std::size_t bytes, random_stream& random) {
  auto* const words = static_cast<std::uint64_t*>(block);
  for (std::size_t i = 0; i < bytes / sizeof(std::uint64_t); ++i)
    words[i] = random.next() | (std::uint64_t{1} << 63);
}

}  // namespace

// Four heaps of libgc: none, none after more garbage, one block of the size of a map's array, and as many bytes as a
// chain of buckets. The first two of a precise heap, which does not look at maps' blocks.
collector_costs calibrated_costs(const std::string& collected_storage) {
  const std::string text =
      collector_of(collected_storage) == "precise" ? "precise" : std::string{"boehm_scanned"};
  constexpr std::size_t all_bytes = 1 << 20, little_bytes = 1 << 18, bucket_bytes = 144,
                        count = all_bytes / bucket_bytes;
  const auto nothing = [](allocators::erased) { return static_cast<void*>(nullptr); };
  const double little = collection_ns(text, little_bytes, nothing), empty = collection_ns(text, all_bytes, nothing);
  const auto spread = [](double ns, std::size_t over) {
    return std::max(0.0, ns) / static_cast<double>(over);
  };
  collector_costs out;
  out.allocated_byte_ns = spread(empty - little, all_bytes - little_bytes);
  out.cycle_ns = std::max(0.0, little - out.allocated_byte_ns * static_cast<double>(little_bytes));
  if (text == "precise") return out;
  const double array = collection_ns(text, all_bytes, [](allocators::erased storage) {
    random_stream random(1);
    void* const block = storage.try_allocate(block_of(all_bytes));
    if (block != nullptr) fill_random(block, all_bytes, random);
    return block;
  });
  const double buckets = collection_ns(text, all_bytes, [](allocators::erased storage) {
    random_stream random(2);
    void* first = nullptr;
    for (std::size_t i = 0; i < count; ++i) {
      void* const block = storage.try_allocate(block_of(bucket_bytes));
      if (block == nullptr) break;
      fill_random(block, bucket_bytes, random);
      std::memcpy(block, &first, sizeof first);
      first = block;
    }
    return first;
  });
  out.byte_ns = spread(array - empty, all_bytes);
  out.block_ns = spread(buckets - empty - out.byte_ns * static_cast<double>(count * bucket_bytes), count);
  return out;
}

double predicted_ns_per_op(const heap_counts& counts, std::uint64_t operations, const collector_costs& costs) {
  if (operations == 0) return 0;
  return (costs.cycle_ns * static_cast<double>(counts.collections) +
          costs.allocated_byte_ns * static_cast<double>(counts.allocated_bytes + counts.garbage_bytes) +
          costs.byte_ns * static_cast<double>(counts.scanned_bytes) +
          costs.block_ns * static_cast<double>(counts.visited_blocks)) /
         static_cast<double>(operations);
}

// boehm_pointer_free searches its directory and side list only (gc/boehm.hpp), traced storage links and tags of
// buckets whose entries cannot point (gc/boehm_map_aware.hpp).
std::uint64_t searched_bytes(const request& r, visibility sees) noexcept {
  if (sees == visibility::typed) return 0;
  if (sees == visibility::scanned || r.use == purpose::directory || r.use == purpose::side) return r.bytes;
  if (sees != visibility::traced) return 0;
  if (r.trace == nullptr || r.trace->entries_may_point) return r.bytes;
  if (r.use == purpose::node || !r.trace->links) return 0;
  return r.bytes / r.trace->bucket_bytes * 2 * sizeof(void*);
}

}  // namespace tophash::lab
