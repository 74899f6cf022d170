// SPDX-License-Identifier: Apache-2.0
// Usable bytes (malloc_usable_size) of the blocks that this program's code holds, counted only while asked
// for: the linker sends malloc and its kin through the meter (--wrap), and operator new is replaced by one
// that calls malloc. Not counting costs one predictable branch an allocation, the same for every map.
#ifndef TOPHASH_BENCH_MICRO_PEERS_HEAP_METER_HPP
#define TOPHASH_BENCH_MICRO_PEERS_HEAP_METER_HPP

#include <cstdint>

namespace tophash::peers {

// Counts from construction to destruction. One at a time; blocks from before must not be freed meanwhile.
class heap_meter {
 public:
  heap_meter() noexcept;
  ~heap_meter();
  heap_meter(const heap_meter&) = delete;
  heap_meter& operator=(const heap_meter&) = delete;

  std::int64_t live_bytes() const noexcept;
};

// One map's freed heap must not spare the next map its page faults, nor the kernel's zeroing of pages be paid
// by who happens to allocate from a trimmed heap: glibc is told to keep what it has (no trimming, no mmap for
// large blocks), so that after the first, discarded round every map is served from pages that are there.
// False: not glibc, or refused.
bool keep_freed_heap() noexcept;

// Makes glibc join the small blocks that were freed with their neighbours, which it otherwise does at the next large
// request: the map that comes after one of 200,000 nodes would pay for those.
void settle_heap() noexcept;

}  // namespace tophash::peers

#endif
