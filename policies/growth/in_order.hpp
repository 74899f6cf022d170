// SPDX-License-Identifier: Apache-2.0
// Wraps a growth that moves a little with each write: chains are evacuated strictly in their order, never the one that
// a write happens to touch first (as Go does, so that a chain is written in one array only). A write to a chain that is
// not evacuated yet goes to the old array. So the parts of a grouped array are freed one after the other as those of
// the new one are made, and both together never take more than the new one alone will: at the end of the growth memory
// is at its peak. Without groups, or where everything is moved at once, the order changes nothing.
// Cost against the wrapped policy: until a chain's turn comes, its new entries are moved once more.
#ifndef TOPHASH_POLICIES_GROWTH_IN_ORDER_HPP
#define TOPHASH_POLICIES_GROWTH_IN_ORDER_HPP

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/core/load.hpp>
#include <tophash/framework/core/step.hpp>
#include <tophash/framework/core/text.hpp>

namespace tophash::inline v1 {

namespace growth {

template <class Base>
struct in_order {
  using axis = axes::growth;
  static constexpr growth_facts facts = [] {
    growth_facts out = Base::facts;
    out.in_order = true;
    return out;
  }();

  static constexpr option_text name() {
    option_text out;
    out.append("in_order(").append(option_name<Base>()).append(")");
    return out;
  }

  static constexpr plan decide(const load_state& load) noexcept { return Base::decide(load); }
};

}  // namespace growth

}  // namespace tophash::inline v1

#endif
