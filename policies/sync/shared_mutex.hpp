// SPDX-License-Identifier: Apache-2.0
// One std::shared_mutex around one table: any number of readers, or one writer, each for the length of a
// visit. A thread that must wait sleeps in the kernel. Needs <tophash/shared_map.hpp>. Cost: an operation
// locks and unlocks, two locked instructions and a call each; readers of different keys write to one cache
// line, so their number adds nothing to the rate: sync::striped<N> is for that.
#ifndef TOPHASH_POLICIES_SYNC_SHARED_MUTEX_HPP
#define TOPHASH_POLICIES_SYNC_SHARED_MUTEX_HPP

#include <string_view>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>

namespace tophash::inline v1 {

namespace sync {

struct shared_mutex {
  using axis = axes::sync;
  static constexpr std::string_view name = "shared_mutex";
  static constexpr sync_facts facts{
      .shared = true, .stripes = 1, .align_bytes = 0, .wait = waiting::sleeping};
};

}  // namespace sync

}  // namespace tophash::inline v1

#endif
