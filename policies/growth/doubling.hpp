// SPDX-License-Identifier: Apache-2.0
// The decision that the growth policies share. A full table doubles, unless erases left so much behind that a
// fresh array of the same size is at most half full: then it is rebuilt at that size. Either way the load
// ends well below the new limit, so insertions and erases around a boundary cannot make it grow again and
// again: between two growths lie at least limit / 2 insertions.
#ifndef TOPHASH_POLICIES_GROWTH_DOUBLING_HPP
#define TOPHASH_POLICIES_GROWTH_DOUBLING_HPP

#include <cstddef>
#include <limits>

#include <tophash/framework/core/load.hpp>
#include <tophash/framework/core/step.hpp>

namespace tophash::inline v1 {

namespace growth {

constexpr plan double_or_regrow(const load_state& load) noexcept {
  if (load.used() < load.limit) return plan::keep();
  if (load.live <= load.limit / 2) return plan::regrow();
  // A size that cannot be doubled is asked for all the same: the sizing policy refuses it.
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  return plan::resize(load.units > most / 2 ? most : 2 * load.units);
}

}  // namespace growth

}  // namespace tophash::inline v1

#endif
