// SPDX-License-Identifier: Apache-2.0
// Collector: what an experiment asks of a garbage collector, whichever it is.
//
//   expression           type         throws  meaning
//   C::name              string_view          as the command line and reports spell it
//   c.collect()          void         never   a full collection, now, in this thread
//   c.start_window()     void         never   measurement starts: what was recorded before is forgotten
//   c.sample()           gc_sample    never   what happened since start_window(), and the heap as it is
// Laws: right after start_window() every count of a sample is 0; counts never fall within a window; after
// collect() returns, the collection is in the next sample. A collector that is one for the process (libgc)
// has one window, whichever handle starts it. The smallest conforming type is no_gc, below.
#ifndef TOPHASH_GC_COLLECTOR_HPP
#define TOPHASH_GC_COLLECTOR_HPP

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tophash::inline v1 {

namespace gc {

// Pauses of one kind. Percentiles are by nearest rank over the pauses that were listed; count, total and max
// are over all.
struct pause_summary {
  std::uint64_t count = 0;
  std::uint64_t unlisted = 0;  // past the recorder's fixed list: the percentiles do not know them
  std::uint64_t p50_ns = 0;
  std::uint64_t p99_ns = 0;
  std::uint64_t max_ns = 0;
  std::uint64_t total_ns = 0;

  friend bool operator==(const pause_summary&, const pause_summary&) = default;
};

struct gc_sample {
  std::uint64_t window_ns = 0;
  std::uint64_t collections = 0;       // completed markings
  pause_summary stop_the_world;        // all threads stopped
  pause_summary stall;                 // the thread that collects held up, sweep and finalisation included
  std::uint64_t collector_cpu_ns = 0;  // of the collecting thread within its stalls; not of helper threads
  std::uint64_t allocated_bytes = 0;   // in the window, as the collector rounds sizes
  std::uint64_t reclaimed_bytes = 0;   // in the window; approximate, lazy sweeping lags; not explicit frees
  std::uint64_t heap_bytes = 0;        // mapped now
  std::uint64_t heap_peak_bytes = 0;   // the largest the heap was in the window
  std::uint64_t free_bytes = 0;        // of heap_bytes, in whole free blocks
  std::uint64_t unmapped_bytes = 0;    // given back to the system, addresses kept

  double allocated_bytes_per_second() const noexcept {
    return window_ns == 0 ? 0.0 : static_cast<double>(allocated_bytes) * 1e9 / static_cast<double>(window_ns);
  }
};

// Reachable bytes against the blocks that hold them: a block with one object left can serve no other size.
struct heap_occupancy {
  static constexpr std::size_t block_bytes = 4096;  // libgc's HBLKSIZE, as Debian builds it

  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;   // as the collector rounds sizes
  std::uint64_t blocks = 0;  // with at least one reachable object
  std::uintptr_t last_block = 0;

  // Share of those blocks that is dead or free: 0 is none.
  double fragmentation() const noexcept {
    return blocks == 0 ? 0.0 : 1.0 - static_cast<double>(bytes) / static_cast<double>(blocks * block_bytes);
  }
};

template <class C>
concept collector = requires(C& c, const C& observed) {
  { C::name } -> std::convertible_to<std::string_view>;
  { c.collect() } noexcept -> std::same_as<void>;
  { c.start_window() } noexcept -> std::same_as<void>;
  { observed.sample() } noexcept -> std::same_as<gc_sample>;
};

// Nothing is collected: the model for storage that only its owner frees.
struct no_gc {
  static constexpr std::string_view name = "none";

  void collect() noexcept {}
  void start_window() noexcept {}
  gc_sample sample() const noexcept { return {}; }
};

static_assert(collector<no_gc>);

}  // namespace gc

}  // namespace tophash::inline v1

#endif
