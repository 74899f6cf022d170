// SPDX-License-Identifier: Apache-2.0
// Load policy: how many entries a table of a given size takes before it is full. Pure.
//
//   expression                type        throws  meaning
//   l.limit(units, slots)     size_t      never   entries that fit; an insert beyond asks the growth policy.
//                                                 Monotone in units, at least 1, and at least `slots` for one unit
//   l.units_for(n, slots)     size_t      never   least number of units whose limit is >= n; 0: no such number
//   L::facts                  load_facts
// Law: limit(units_for(n)) >= n and limit(units_for(n) - 1) < n.
#ifndef TOPHASH_FRAMEWORK_CONCEPTS_LOAD_HPP
#define TOPHASH_FRAMEWORK_CONCEPTS_LOAD_HPP

#include <concepts>
#include <cstddef>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>

namespace tophash::inline v1 {

template <class L>
concept load_policy = option<L> && requires(const L& l, std::size_t n, std::size_t slots) {
  { l.limit(n, slots) } noexcept -> std::same_as<std::size_t>;
  { l.units_for(n, slots) } noexcept -> std::same_as<std::size_t>;
};

}  // namespace tophash::inline v1

#endif
