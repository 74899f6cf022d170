// SPDX-License-Identifier: Apache-2.0
// What the driver (variant.hpp) tells somebody who watches a map while a program runs: the map's own figures
// between two operations, every so many of them. Nothing is added to an operation; a program that is not
// watched pays one comparison a segment.
#ifndef TOPHASH_BENCH_LAB_MAP_WATCHER_HPP
#define TOPHASH_BENCH_LAB_MAP_WATCHER_HPP

#include <cstddef>
#include <cstdint>

namespace tophash::lab {

struct map_sample {
  std::uint64_t live = 0;                      // entries
  bool tells = false;                          // the rest is known: a map of ours
  std::uint64_t buckets = 0, old_buckets = 0;  // main ones; old: of the array under evacuation
  std::uint64_t evacuated = 0;                 // of the old ones
  std::uint64_t slots_per_bucket = 0;
  std::uint64_t never_used = 0;  // of these: slots of open groups behind the end of an array
  std::uint64_t limit = 0;  // entries at which growth is asked
  std::uint64_t dead = 0, dirty = 0;
  std::uint64_t overflow_in_use = 0, overflow_kept = 0, overflow_requested = 0, overflow_recycled = 0;
  std::uint64_t overflow_released = 0;
  std::uint64_t growths = 0, regrows = 0;
  bool tells_tombstones = false;  // the rest is known: its observer is a tombstone_log
  std::uint64_t tombstones = 0;   // erased slots that wait
  double tombstone_age = 0, reuse_age = 0;  // mean, in writes: of those; of slots that were reused
  std::uint64_t oldest_tombstone = 0, reused = 0, not_followed = 0;

  // Entries that fit into what is allocated, overflow buckets included.
  std::uint64_t allocated() const noexcept {
    return (buckets + old_buckets + overflow_in_use + overflow_kept) * slots_per_bucket - never_used;
  }

  friend bool operator==(const map_sample&, const map_sample&) = default;
};

class map_watcher {
 public:
  map_watcher() = default;
  map_watcher(const map_watcher&) = delete;
  map_watcher& operator=(const map_watcher&) = delete;
  virtual ~map_watcher() = default;

  virtual void new_map() = 0;
  virtual std::size_t until_due() const noexcept = 0;                  // operations; at least 1
  virtual bool ran(std::size_t operations, std::uint64_t cpu_ns) = 0;  // is a look due?
  virtual void look(const map_sample& sample) = 0;  // also unasked: after clear and reserve, and at the end
};

}  // namespace tophash::lab

#endif
