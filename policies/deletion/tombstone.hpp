// SPDX-License-Identifier: Apache-2.0
// Erase destroys the entry and leaves a mark in its slot. Two kinds, as they are the experiment:
//   tombstone               the next insert whose probe meets the mark takes the slot (Go's own map)
//   tombstone_not_reusing   the slot is lost until a rehash; it counts as load.dead and so brings the next
//                           growth nearer
// Erase writes one byte; misses pay for the marks they pass.
#ifndef TOPHASH_POLICIES_DELETION_TOMBSTONE_HPP
#define TOPHASH_POLICIES_DELETION_TOMBSTONE_HPP

#include <string_view>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>

namespace tophash::inline v1 {

namespace deletion {

template <bool Reusing>
struct basic_tombstone {
  using axis = axes::deletion;
  static constexpr std::string_view name = Reusing ? "tombstone" : "tombstone(not_reusing)";
  static constexpr deletion_facts facts{.kind = deletion_kind::tombstone, .reusing = Reusing};
};

using tombstone = basic_tombstone<true>;
using tombstone_not_reusing = basic_tombstone<false>;

}  // namespace deletion

}  // namespace tophash::inline v1

#endif
