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

// A collector that has objects and storage for maps, so that a program can be written for whichever: precise_heap,
// boehm_objects, or one's own (examples/13, and tests/laws/collector.hpp to see whether it conforms).
//
//   expression             type         throws     meaning
//   H::is_exact            bool                    what nothing leads to is destroyed when collect() returns; false:
//                                                  most of it is, in time
//   h.make<T>(args...)     handle<T>    bad_alloc  a new object; may collect. Pointers: gc_traits<T>
//   h.make_array<T>(n)     handle<T>    bad_alloc  n value-initialised elements; the handle is of the first
//   h.keep(p)              handle<T>    never      a handle to an object that h made, or null
//   h.stored(p)                         never      p was written into an object, or through a reference into a map
//   handle                                         default-constructible, copyable, keeps its object wherever it
//                                                  lies: get(), *, ->, reset()
//   storage_of(h)          H::storage   never      an allocation backend: entries in use keep what they point to
//   weak_storage_of(h)     H::weak_storage         the same for tophash::weak_map; absent if there is none
//   h.step(work)           bool                    a share of a cycle; true: none is under way. Absent if not incremental
template <class H>
concept collected_heap = collector<H> && requires(H& h, int* object, typename H::template handle<int> kept) {
  { H::is_exact } -> std::convertible_to<bool>;
  { h.template make<int>(1) } -> std::same_as<typename H::template handle<int>>;
  { h.template make_array<int>(std::size_t{1}) } -> std::same_as<typename H::template handle<int>>;
  { h.keep(object) } noexcept -> std::same_as<typename H::template handle<int>>;
  { h.stored(object) } noexcept;
  { kept.get() } noexcept -> std::same_as<int*>;
  kept.reset();
  { storage_of(h) } noexcept -> std::same_as<typename H::storage>;
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
