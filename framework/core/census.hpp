// SPDX-License-Identifier: Apache-2.0
// What a collector counts in passing when it marks a map: it reads every control word anyhow. One count an
// array, or a group of one; storage that takes it says so by two members (concepts/allocation.hpp). Dead
// slots tell the map nothing that it does not know as a sum; where they lie, and which overflow buckets hold
// nothing, it would have to search for.
#ifndef TOPHASH_FRAMEWORK_CORE_CENSUS_HPP
#define TOPHASH_FRAMEWORK_CORE_CENSUS_HPP

#include <cstdint>

namespace tophash::inline v1 {

// Of one array or group. An array of more than 2^32 slots counts modulo that.
struct slot_census {
  std::uint32_t live = 0;
  std::uint32_t residue = 0;   // slots of erased entries: dirty ones, or dead ones that a tombstone holds
  std::uint32_t overflow = 0;  // overflow buckets in its chains
  std::uint32_t overflow_empty = 0;  // of those, without a live or a dirty entry

  bool has_work() const noexcept { return residue != 0 || overflow_empty != 0; }
};

// Of a map, as the last collection that marked it left it; what was written since is not in it.
struct map_census {
  std::uint64_t collection = 0;  // its number, by the storage's own count; 0: none counted this map
  std::uint64_t blocks = 0;      // arrays and groups that were counted
  std::uint64_t uncounted = 0;   // made since
  std::uint64_t live = 0, dirty = 0, dead = 0;
  std::uint64_t overflow = 0, overflow_empty = 0;
  std::uint64_t blocks_with_work =
      0;  // the work list: blocks with residue, or with overflow buckets to unlink
};

}  // namespace tophash::inline v1

#endif
