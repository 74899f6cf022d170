// SPDX-License-Identifier: Apache-2.0
// Erase destroys the entry and the slot is free at once. In a chain of buckets the freed slots at the end of
// the chain collapse, so that misses stop early, and an emptied overflow bucket goes back to its source.
// Erase pays; nothing is left behind.
#ifndef TOPHASH_POLICIES_DELETION_IMMEDIATE_HPP
#define TOPHASH_POLICIES_DELETION_IMMEDIATE_HPP

#include <string_view>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>

namespace tophash::inline v1 {

namespace deletion {

struct immediate {
  using axis = axes::deletion;
  static constexpr std::string_view name = "immediate";
  static constexpr deletion_facts facts{.kind = deletion_kind::immediate, .reusing = true};
};

}  // namespace deletion

}  // namespace tophash::inline v1

#endif
