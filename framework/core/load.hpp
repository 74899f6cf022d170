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
  std::size_t acquired = 0;        // overflow buckets acquired since the last growth ended
  std::size_t chain_buckets = 0;   // of the chain that has just got one, main bucket included; else 0
  std::size_t counted_overflow = 0;  // acquired since the last growth began, as Go counts (growth_facts.counts_overflow)

  constexpr std::size_t used() const noexcept { return live + dead + dirty; }
};

// floor(n * percent / 100), at least 1, without overflow.
constexpr std::size_t share_of(std::size_t n, std::size_t percent) noexcept {
  const std::size_t share = n / 100 * percent + n % 100 * percent / 100;
  return share == 0 ? 1 : share;
}

}  // namespace tophash::inline v1

#endif
