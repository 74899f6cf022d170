// SPDX-License-Identifier: Apache-2.0
// Erase only marks the entry: hidden from find and iteration, intact in memory, counted as load.dirty. A
// sweep, a growth step or a collector destroys it later; inserting the same key first brings the slot back.
// Erase writes no payload byte; whoever sweeps pays the destructor. Key and value must allow that their
// destructors run late (deferred_destruction).
#ifndef TOPHASH_POLICIES_DELETION_DIRTY_HPP
#define TOPHASH_POLICIES_DELETION_DIRTY_HPP

#include <string_view>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>

namespace tophash::inline v1 {

namespace deletion {

struct dirty {
  using axis = axes::deletion;
  static constexpr std::string_view name = "dirty";
  static constexpr deletion_facts facts{.kind = deletion_kind::dirty, .reusing = true};
};

}  // namespace deletion

}  // namespace tophash::inline v1

#endif
