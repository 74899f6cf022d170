// SPDX-License-Identifier: Apache-2.0
// How full a table is, as plain numbers: all that a growth policy may base a plan on. The unit of capacity is
// a bucket (bucket_chain), a group (open_groups) or a list head (nodes).
#ifndef TOPHASH_FRAMEWORK_CORE_LOAD_HPP
#define TOPHASH_FRAMEWORK_CORE_LOAD_HPP

#include <cstddef>

namespace tophash::inline v1 {

struct load_state {
  std::size_t live = 0;            // entries
  std::size_t dead = 0;            // slots that an erase left unusable until a rehash (tombstone, not reusing)
  std::size_t dirty = 0;           // entries erased but not yet destroyed
  std::size_t units = 1;           // buckets, overflow buckets not counted
  std::size_t slots_per_unit = 8;
  std::size_t limit = 8;           // what the load policy allows at this size
  std::size_t overflow = 0;        // overflow buckets in use

  constexpr std::size_t used() const noexcept { return live + dead + dirty; }
};

}  // namespace tophash::inline v1

#endif
