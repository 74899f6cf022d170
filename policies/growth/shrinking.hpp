// SPDX-License-Identifier: Apache-2.0
// Wraps a growth policy: when an erase by key leaves fewer entries than Percent of the load limit, the table moves
// to the smallest array that these entries fill to at most a half, at the quantum of the wrapped policy. With
// incremental<k> an erase costs k chains; with eager one erase in each halving costs O(n).
// No oscillation: afterwards the load lies between a quarter and a half of the new limit (a size is a power of
// two), and Percent is at most 25, so that a further shrink takes erases of a quarter of the entries, and a growth
// insertions of as many as there are. The rules of composition refuse more than 25.
// A reserve() is kept until the next growth: the table does not shrink below what was asked for.
// Memory leaves in one piece with the old array, or piece by piece with bucket_options{.group_bytes}.
#ifndef TOPHASH_POLICIES_GROWTH_SHRINKING_HPP
#define TOPHASH_POLICIES_GROWTH_SHRINKING_HPP

#include <cstddef>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/concepts/growth.hpp>
#include <tophash/framework/core/load.hpp>
#include <tophash/framework/core/step.hpp>
#include <tophash/framework/core/text.hpp>

namespace tophash::inline v1 {

namespace growth {

template <class Base, std::size_t Percent = 25>
struct shrinking {
  using axis = axes::growth;
  static constexpr growth_facts facts = [] {
    growth_facts out = Base::facts;
    out.shrink_percent = Percent;
    return out;
  }();

  static constexpr option_text name() {
    option_text out;
    out.append("shrinking(").append(option_name<Base>()).append(",").append(Percent).append(")");
    return out;
  }

  static constexpr plan decide(const load_state& load) noexcept {
    if (load.units > 1 && load.live < share_of(load.limit, Percent)) {
      const std::size_t units = units_half_full(load);
      if (units < load.units) return plan::resize(units);
    }
    return Base::decide(load);
  }

 private:
  // Halved for as long as the entries fill at most half of what is left.
  static constexpr std::size_t units_half_full(const load_state& load) noexcept {
    std::size_t units = load.units, limit = load.limit;
    while (units > 1 && limit / 2 >= 2 * load.live) units /= 2, limit /= 2;
    return units;
  }
};

}  // namespace growth

}  // namespace tophash::inline v1

#endif
