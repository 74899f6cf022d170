// SPDX-License-Identifier: Apache-2.0
// Iteration policy: what an open iterator survives. A tag; the mechanism is in table/.
//   I::facts         iteration_facts   survives_mutation: a range-for tolerates any operation on the map
// With facts.survives_mutation also
//   I::noted_slots   std::size_t       slots that an open iterator notes within itself; longer chains make it allocate
#ifndef TOPHASH_FRAMEWORK_CONCEPTS_ITERATION_HPP
#define TOPHASH_FRAMEWORK_CONCEPTS_ITERATION_HPP

#include <concepts>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>

namespace tophash::inline v1 {

template <class I>
concept iteration_policy = option<I> && requires {
  { I::facts } -> std::convertible_to<iteration_facts>;
};

}  // namespace tophash::inline v1

#endif
