// SPDX-License-Identifier: Apache-2.0
// The collectors of the lab behind one interface: libgc, one for the process, and precise heaps, one for each
// storage that is bound. Apart from weak_costs.cpp, which makes weak maps by hand, the lab speaks to libgc through it.
//
// What a collector did is kept as stays, each one pause of the thread that entered it: a whole collection of
// libgc's, a step or a whole collection of a precise heap's. They are recorded inside the pause, so in a list of
// fixed size that lies in malloc memory, which libgc does not search.
#ifndef TOPHASH_BENCH_LAB_COLLECTORS_HPP
#define TOPHASH_BENCH_LAB_COLLECTORS_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <tophash/allocators/erased.hpp>
#include <tophash/gc/collector.hpp>

#include "lab/collector_timeline.hpp"

namespace tophash::lab {

struct collector_entry {
  std::string name;
  std::string description;
  bool here;
};

const std::vector<collector_entry>& collectors();

// As the collector rounds its size.
struct heap_object {
  std::uintptr_t begin = 0;
  std::size_t bytes = 0;
};

class heap_collector {
 public:
  heap_collector() = default;
  heap_collector(const heap_collector&) = delete;
  heap_collector& operator=(const heap_collector&) = delete;
  virtual ~heap_collector() = default;

  virtual std::string_view name() const noexcept = 0;
  virtual void collect() = 0;
  virtual void start_window() = 0;
  virtual gc::gc_sample sample() const = 0;
  virtual const std::vector<collector_stay>& stays() const = 0;  // since start_window(), as far as they were listed
  virtual gc::heap_occupancy occupancy() const = 0;              // of what the last collection left
  virtual std::vector<heap_object> left_by_last() const = 0;     // the same, one by one
  virtual const std::atomic<std::uint64_t>& clock() const = 0;   // counts collections

  // False: no allocation starts a collection any more, only collect() does. Before the first map of a precise heap.
  virtual void collect_by_itself(bool does) = 0;
  // The heap grows to so many bytes and no further; what finds no room then is refused. 0: no limit.
  virtual void limit_heap(std::size_t bytes) = 0;
  // A pointer-free block that nobody keeps.
  virtual void allocate_garbage(std::size_t bytes) = 0;

  // Does a block that its owner dropped come back? Not on a precise heap: maps own their blocks there.
  virtual bool finds_dropped_blocks() const noexcept = 0;
  // `link` becomes null when the block that `inside` points into is no longer reachable. It lies in malloc
  // memory and stays there until then or until forget_link(). Only where dropped blocks are found.
  virtual void watch_block(void** link, const void* inside) = 0;
  virtual void forget_link(void** link) = 0;
};

// First thing in main, while its frame is the oldest that holds a map: every map of the lab is a local variable of
// this thread, so its roots are on a stack that libgc searches.
void start_collector();

// libgc; null where it is not built in.
heap_collector* boehm_heap() noexcept;

// A precise heap and the storage of maps in it.
class precise_heap_collector : public heap_collector {
 public:
  virtual allocators::erased storage() noexcept = 0;
};
std::unique_ptr<precise_heap_collector> make_precise_heap();

}  // namespace tophash::lab

#endif
