// SPDX-License-Identifier: Apache-2.0
// Growth policy: when a full table changes its array, and how much of the move one write does. Pure.
//
//   expression       type          throws  meaning
//   g.decide(load)   plan          never   keep, resize(units) or regrow (same size); asked when an insert finds
//                                          the table full, and at the further moments that the facts name
//   G::facts         growth_facts          quantum: chains evacuated by each write; 0: all within the write that
//                                          grows. every_write: updates and absent deletes step as well;
//                                          on_read: lookups too, in a map that is not const.
//                                          asks_overflow, dead_percent, shrink_percent: when else it is asked;
//                                          counts_overflow: load.counted_overflow is kept for it
// No growth is started while one is under way, so it is not asked then.
// Laws (tests/laws/growth.hpp): a pure function of `load`; where the facts name no reason it says keep; after the
// plan is carried out the same load is below the new limit and gives no new reason, so that it cannot oscillate
// at a boundary; the quantum ends a growth before the next one is due. `keep` at the limit is allowed: chains then
// grow longer.
// Smallest conforming type:
//   struct doubling { using axis = axes::growth; static constexpr growth_facts facts{};
//                     static constexpr plan decide(const load_state& l) noexcept { return plan::resize(2 * l.units); } };
#ifndef TOPHASH_FRAMEWORK_CONCEPTS_GROWTH_HPP
#define TOPHASH_FRAMEWORK_CONCEPTS_GROWTH_HPP

#include <concepts>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/core/load.hpp>
#include <tophash/framework/core/step.hpp>

namespace tophash::inline v1 {

template <class G>
concept growth_policy = option<G> && requires(const G& g, const load_state& load) {
  { g.decide(load) } noexcept -> std::same_as<plan>;
  { G::facts } -> std::convertible_to<growth_facts>;
};

}  // namespace tophash::inline v1

#endif
