// SPDX-License-Identifier: Apache-2.0
// Wraps a growth that moves a little at a time: every access by key takes a step while one is under way, lookups too
// (find, at, contains, count, equal_range), as published articles say of Go's map, where only writes move. With
// on_read<incremental<1>> a lookup evacuates the chain it searched and nothing else; where that is done already, the
// next one in order. So a growth ends without another write.
// What it costs the caller: a lookup may invalidate iterators, pointers and references, as an insert does; what it
// returns is where the entry lies after the step. A lookup through a const map moves nothing, so that threads may
// still share a map for reading by that; lookups on a map that is not const are writes, and two of them at once are a
// race. sync::owner_checked sees it; maps with locks refuse this growth, for they look up under a shared one.
// find_many and iterators move nothing either: what they have answered would go. What stops a step (memory runs out, a
// hash or a move throws) is no failure of the lookup: the next access goes on.
// Cost while nothing grows: none. While a growth is under way, that of a write's step in each lookup.
#ifndef TOPHASH_POLICIES_GROWTH_ON_READ_HPP
#define TOPHASH_POLICIES_GROWTH_ON_READ_HPP

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/core/load.hpp>
#include <tophash/framework/core/step.hpp>
#include <tophash/framework/core/text.hpp>

namespace tophash::inline v1 {

namespace growth {

template <class Base>
struct on_read {
  using axis = axes::growth;
  static constexpr growth_facts facts = [] {
    growth_facts out = Base::facts;
    out.on_read = out.every_write = true;
    return out;
  }();

  static constexpr option_text name() {
    option_text out;
    out.append("on_read(").append(option_name<Base>()).append(")");
    return out;
  }

  static constexpr plan decide(const load_state& load) noexcept { return Base::decide(load); }
};

}  // namespace growth

}  // namespace tophash::inline v1

#endif
