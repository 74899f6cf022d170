// SPDX-License-Identifier: Apache-2.0
// How much each operation met, by orders of magnitude: where averages hide a long chain or a long pause.
//
//   hit_buckets, miss_buckets   buckets that a search by key looked at (lookups, insertions, erases)
//   chain_buckets               length of a chain when it got an overflow bucket, that one included
//   chain_entries               entries moved out of one chain by a growth
//   step_entries, step_chains   moved by one step of a growth: what one write had to do
//   growth_writes               entries inserted, resurrected and erased while one growth was under way
//   sweep_entries               entries that one sweep destroyed
//   cleared_entries             entries that one clear() destroyed
//
// The two of searches are told by lookups, which may run in several threads at once: relaxed atomics, loaded
// and stored (no locked instruction), so concurrent readers may lose some numbers but never tear one. A copied
// map starts with its own insertions, a move takes the numbers along.
// Memory: about 2.5 KB in the map itself, for good. Cost: O(1) an event, and a second walk along the searched
// chain for each search. How long erased slots wait for reuse: observe::tombstone_log.
#ifndef TOPHASH_POLICIES_OBSERVE_HISTOGRAM_HPP
#define TOPHASH_POLICIES_OBSERVE_HISTOGRAM_HPP

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/concepts/observe.hpp>
#include <tophash/policies/observe/log2_histogram.hpp>

namespace tophash::inline v1 {

namespace observe {

struct histogram_values {
  log2_histogram hit_buckets;
  log2_histogram miss_buckets;
  log2_histogram chain_buckets;
  log2_histogram chain_entries;
  log2_histogram step_entries;
  log2_histogram step_chains;
  log2_histogram growth_writes;
  log2_histogram sweep_entries;
  log2_histogram cleared_entries;

  friend constexpr bool operator==(const histogram_values&, const histogram_values&) = default;
};

// A log2_histogram that several threads may add to.
class shared_log2_histogram {
 public:
  void add(std::uint64_t number) noexcept {
    const auto raise = [](std::atomic<std::uint64_t>& count, std::uint64_t by) {
      count.store(count.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
    };
    raise(counts_[log2_histogram::class_of(number)], 1);
    raise(sum_, number);
    if (number > greatest_.load(std::memory_order_relaxed)) {
      greatest_.store(number, std::memory_order_relaxed);
    }
  }
  log2_histogram snapshot() const noexcept {
    log2_histogram out;
    for (std::size_t k = 0; k < log2_histogram::classes; ++k) {
      out.counts_[k] = counts_[k].load(std::memory_order_relaxed);
    }
    out.sum_ = sum_.load(std::memory_order_relaxed);
    out.greatest_ = greatest_.load(std::memory_order_relaxed);
    return out;
  }
  void assign(const log2_histogram& from) noexcept {
    for (std::size_t k = 0; k < log2_histogram::classes; ++k) {
      counts_[k].store(from.counts_[k], std::memory_order_relaxed);
    }
    sum_.store(from.sum_, std::memory_order_relaxed);
    greatest_.store(from.greatest_, std::memory_order_relaxed);
  }

 private:
  std::array<std::atomic<std::uint64_t>, log2_histogram::classes> counts_{};
  std::atomic<std::uint64_t> sum_{0};
  std::atomic<std::uint64_t> greatest_{0};
};

class histogram {
 public:
  using axis = axes::observe;
  static constexpr std::string_view name = "histogram";
  static constexpr observe_facts facts{.on_const_paths = true};

  histogram() noexcept = default;
  histogram(const histogram&) noexcept {}
  histogram(histogram&& other) noexcept { take(other); }
  histogram& operator=(const histogram&) noexcept { return *this; }
  histogram& operator=(histogram&& other) noexcept {
    if (this != &other) take(other);
    return *this;
  }
  ~histogram() = default;

  void on(events::probed event) const noexcept {
    (event.hit ? hit_buckets_ : miss_buckets_).add(event.buckets);
  }
  void on(events::inserted) noexcept { ++now_.growth_writes; }
  void on(events::resurrected) noexcept { ++now_.growth_writes; }
  void on(events::erased) noexcept { ++now_.growth_writes; }
  void on(const events::overflow_acquired& event) noexcept {
    written_.chain_buckets.add(event.chain_buckets);
  }
  void on(events::growth_started event) noexcept {
    now_.growing = event.units_before != 0;  // a first array has nothing to empty
    now_.growth_writes = 0;
  }
  void on(events::step_started) noexcept { now_.step_entries = 0; }
  void on(events::evacuated event) noexcept {
    written_.chain_entries.add(event.entries);
    now_.step_entries += event.entries;
  }
  void on(events::step_finished event) noexcept {
    written_.step_entries.add(now_.step_entries);
    written_.step_chains.add(event.chains);
  }
  void on(events::growth_finished) noexcept {
    if (now_.growing) written_.growth_writes.add(now_.growth_writes);
    now_.growing = false;
  }
  void on(events::sweep_finished event) noexcept { written_.sweep_entries.add(event.entries); }
  void on(events::cleared event) noexcept { written_.cleared_entries.add(event.entries); }

  histogram_values snapshot() const noexcept {
    histogram_values out = written_;
    out.hit_buckets = hit_buckets_.snapshot();
    out.miss_buckets = miss_buckets_.snapshot();
    return out;
  }

  void reset() noexcept { assign({}); }

 private:
  struct under_way {
    bool growing = false;
    std::uint64_t growth_writes = 0;
    std::uint64_t step_entries = 0;
  };

  void assign(const histogram_values& values) noexcept {
    written_ = values;
    hit_buckets_.assign(values.hit_buckets);
    miss_buckets_.assign(values.miss_buckets);
  }
  void take(histogram& other) noexcept {
    assign(other.snapshot());
    now_ = other.now_;
    other.reset();
    other.now_ = {};
  }

  histogram_values written_;  // hit_buckets and miss_buckets of it are not used
  under_way now_;
  mutable shared_log2_histogram hit_buckets_;
  mutable shared_log2_histogram miss_buckets_;
};

}  // namespace observe

}  // namespace tophash::inline v1

#endif
