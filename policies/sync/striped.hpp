// SPDX-License-Identifier: Apache-2.0
// `Stripes` tables, each behind a reader-writer lock of its own; the hash says which one holds a key. Threads
// that use keys of different stripes do not meet: neither in a lock nor, the stripes being `AlignBytes`
// apart, in a cache line. A thread that must wait spins for a moment, then sleeps. Needs
// <tophash/shared_map.hpp>.
//   Stripes      a power of two; four for each thread keep a random pair of threads apart nearly always
//   AlignBytes   128: processors fetch cache lines of 64 bytes in pairs; 64 halves what an empty map occupies
// Cost: an operation locks and unlocks one stripe, two locked instructions. The map object holds the stripes,
// some 128 or 256 bytes each; what goes over all entries locks them one after the other.
#ifndef TOPHASH_POLICIES_SYNC_STRIPED_HPP
#define TOPHASH_POLICIES_SYNC_STRIPED_HPP

#include <cstddef>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/core/text.hpp>

namespace tophash::inline v1 {

namespace sync {

template <std::size_t Stripes = 64, std::size_t AlignBytes = 128>
struct striped {
  using axis = axes::sync;
  static constexpr option_text name() {
    option_text out;
    out.append("striped(").append(Stripes);
    if (AlignBytes != 128) out.append(",").append(AlignBytes);
    return out.append(")");
  }
  static constexpr sync_facts facts{
      .shared = true, .stripes = Stripes, .align_bytes = AlignBytes, .wait = waiting::spinning};
};

}  // namespace sync

}  // namespace tophash::inline v1

#endif
