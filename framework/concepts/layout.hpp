// SPDX-License-Identifier: Apache-2.0
// Layout: owner of slot representation. An option names a family and its parameters; its `model` is the
// representation for one Key, T, deletion policy and sizing policy, and gives the table these operations.
//
//   expression                           meaning
//   M::slot                              {bucket, index}: the place of an entry; no bucket: none
//   M::array                             one generation: units and a mapper. Empty: reads as one empty unit
//   M::tag_of(hash)                      the hash bits kept beside a slot
//   M::find(array, hash, eq)             the live slot whose key satisfies eq, or none. Writes nothing
//   M::find_or_vacancy(array, hash, eq)  that slot; or the place an insert of this hash would take
//   M::claim(slot, hash)                 the constructed entry becomes visible. Never probes again
//   M::vacate / M::bury / M::mark_dirty  the three ways an erase leaves a slot (deletion policy)
//   M::entry(slot)                       the stored pair; valid while the slot is claimed or dirty
// Nothing here allocates, runs a user's constructor or destructor, or throws by itself (eq may): the table
// owns the order of steps. "No slot survives an allocation: allocate, then locate."
#ifndef TOPHASH_FRAMEWORK_CONCEPTS_LAYOUT_HPP
#define TOPHASH_FRAMEWORK_CONCEPTS_LAYOUT_HPP

#include <concepts>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>

namespace tophash::inline v1 {

template <class L>
concept layout_option = option<L> && requires {
  { L::facts } -> std::convertible_to<layout_facts>;
};

}  // namespace tophash::inline v1

#endif
