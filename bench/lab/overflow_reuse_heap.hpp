// SPDX-License-Identifier: Apache-2.0
// The storage under overflow_reuse: counts by purpose, decides when a collection is due, and follows every
// overflow bucket from its release to its next use or its end.
//
// Pacing. The collector's own trigger depends on what its heap went through; here a collection is due when
// the bytes allocated since the last one would exceed (ratio - 1) x what was reachable then, but at least
// `least_bytes`: Go's GOGC, and the "stated heap ratio" of the definition of GC pressure. All it looks at is
// what the map and the mutator asked for, so one seed gives one number of collections. Reclaim. With
// `by_collector` a deallocation only drops the block, as in a language with a collector; otherwise the owner
// frees it at once. Reachable bytes are those the program holds: allocated less deallocated, as requested.
#ifndef TOPHASH_BENCH_LAB_OVERFLOW_REUSE_HEAP_HPP
#define TOPHASH_BENCH_LAB_OVERFLOW_REUSE_HEAP_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>

#include <tophash/allocators/erased.hpp>
#include <tophash/framework/core/purpose.hpp>

#include "lab/collector_costs.hpp"
#include "lab/collectors.hpp"
#include "lab/overflow_meter.hpp"

namespace tophash::lab {

// Collections that passed between a bucket's release and what became of it.
struct drag_counts {
  std::uint64_t count = 0, sum_cycles = 0, max_cycles = 0;
  void add(std::uint64_t cycles) noexcept;
  double mean() const noexcept {
    return count == 0 ? 0 : static_cast<double>(sum_cycles) / static_cast<double>(count);
  }
  friend bool operator==(const drag_counts&, const drag_counts&) = default;
};

struct reuse_drag {
  drag_counts reused;     // taken again from where it was kept
  drag_counts reclaimed;  // dropped, and found unreachable by a collection (a weak link was cleared)
  drag_counts freed;      // given back by its owner
  drag_counts open;       // neither so far
  friend bool operator==(const reuse_drag&, const reuse_drag&) = default;
};

// Every bucket between its release and its end. Buckets released before reset() are followed, but not
// counted.
class overflow_ledger final : public overflow_meter {
 public:
  explicit overflow_ledger(heap_collector* collector) noexcept : collector_(collector) {}
  ~overflow_ledger() override;

  void acquired(const void* bucket) noexcept override;
  void released(const void* bucket) noexcept override;

  // The storage was given a block back, and freed it, or left it for the collector to find.
  void dropped(const void* block, std::size_t bytes, bool collector_finds_it) noexcept;
  void collected();  // after each collection
  void reset();      // counting begins
  reuse_drag drag() const;

 private:
  struct waiting {
    std::uint64_t since = 0;  // collections at its release
    bool counted = true;
    bool linked = false;
    void* link = nullptr;
  };
  void forget(std::map<std::uintptr_t, waiting>::iterator at) noexcept;

  heap_collector* collector_;  // null: nothing is ever dropped
  std::map<std::uintptr_t, waiting> waiting_;  // by address; nodes do not move, so a link may lie in one
  std::uint64_t collections_ = 0;
  bool counting_ = false;
  reuse_drag drag_;
};

struct heap_pacing {
  double ratio = 2;
  std::uint64_t least_bytes = 256 * 1024;
};

class paced_heap {
 public:
  // Without a collector nothing is paced.
  paced_heap(allocators::erased inner, heap_collector* collector, bool by_collector, heap_pacing pacing,
             overflow_ledger* ledger) noexcept;

  void* try_allocate(const request& r) noexcept;
  void deallocate(void* block, const request& r) noexcept;
  tophash::visibility visibility_now() const noexcept { return inner_.visibility_now(); }

  // The mutator allocates something else, and drops it.
  void allocate_beside(std::size_t bytes);

  void reset_counts() noexcept { counts_ = {}, collecting_in_map_ns_ = 0; }
  const heap_counts& counts() const noexcept { return counts_; }
  std::uint64_t reachable_bytes() const noexcept { return reachable_bytes_; }
  // CPU of collections that a request of the map started; the others fell between its operations.
  std::uint64_t collecting_in_map_ns() const noexcept { return collecting_in_map_ns_; }

 private:
  bool due(std::size_t wanted_bytes) const noexcept {
    return collector_ != nullptr && since_bytes_ + wanted_bytes > budget_bytes_;
  }
  void collect() noexcept;

  allocators::erased inner_;
  heap_collector* collector_;
  bool by_collector_;
  heap_pacing pacing_;
  overflow_ledger* ledger_;  // may be null
  std::uint64_t reachable_bytes_ = 0, since_bytes_ = 0, budget_bytes_;
  std::uint64_t searched_bytes_ = 0, blocks_ = 0;  // of what is reachable
  std::uint64_t collecting_in_map_ns_ = 0;
  heap_counts counts_;
};

// The handle that a map gets.
class paced_storage {
 public:
  using axis = axes::allocation;
  static constexpr std::string_view name = "paced";

  explicit paced_storage(paced_heap& heap) noexcept : heap_(&heap) {}
  void* try_allocate(const request& r) const noexcept { return heap_->try_allocate(r); }
  void deallocate(void* block, const request& r) const noexcept { heap_->deallocate(block, r); }
  tophash::visibility visibility_now() const noexcept { return heap_->visibility_now(); }
  friend bool operator==(const paced_storage& a, const paced_storage& b) noexcept {
    return a.heap_ == b.heap_;
  }

 private:
  paced_heap* heap_;
};

}  // namespace tophash::lab

#endif
