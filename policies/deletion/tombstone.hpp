// SPDX-License-Identifier: Apache-2.0
// Erase destroys the entry and leaves a mark in its slot. Three kinds, as they are the experiment:
//   tombstone               the next insert whose probe meets the mark takes the slot (Go's own map)
//   tombstone_not_reusing   the slot is lost until a rehash; it counts as load.dead and so brings the next
//                           growth nearer
//   tombstone_hinted        the same, and the mark tells more: how many dead slots lie together, in aligned runs of 2, 4
//                           and 8 (the states dead2, dead4 and dead8 that a published article gives Go's map, which
//                           has none). An overflow bucket whose last mark makes it one such run serves nobody again
//                           before a rehash, and leaves its chain at once. Of bucket_chain only
// Erase writes one byte; misses pay for the marks they pass.
#ifndef TOPHASH_POLICIES_DELETION_TOMBSTONE_HPP
#define TOPHASH_POLICIES_DELETION_TOMBSTONE_HPP

#include <string_view>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>

namespace tophash::inline v1 {

namespace deletion {

template <bool Reusing, bool Hinted = false>
struct basic_tombstone {
  using axis = axes::deletion;
  static_assert(!(Reusing && Hinted), "the hint of a run would be wrong as soon as a slot in it is taken again");
  static constexpr std::string_view name =
      Hinted ? "tombstone(hinted)" : Reusing ? "tombstone" : "tombstone(not_reusing)";
  static constexpr deletion_facts facts{.kind = deletion_kind::tombstone, .reusing = Reusing, .hinted = Hinted};
};

using tombstone = basic_tombstone<true>;
using tombstone_not_reusing = basic_tombstone<false>;
using tombstone_hinted = basic_tombstone<false, true>;

}  // namespace deletion

}  // namespace tophash::inline v1

#endif
