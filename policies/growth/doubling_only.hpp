// SPDX-License-Identifier: Apache-2.0
// Eager growth to twice the size, whatever filled the table: what erases left behind goes by growth alone, as
// in Go 1.24's map. A map of a constant number of entries that come and go may grow by it until its groups
// seldom fill up; growth::eager rebuilds a table at its size instead when few of its entries live.
#ifndef TOPHASH_POLICIES_GROWTH_DOUBLING_ONLY_HPP
#define TOPHASH_POLICIES_GROWTH_DOUBLING_ONLY_HPP

#include <cstddef>
#include <limits>
#include <string_view>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/core/load.hpp>
#include <tophash/framework/core/step.hpp>

namespace tophash::inline v1 {

namespace growth {

struct doubling_only {
  using axis = axes::growth;
  static constexpr std::string_view name = "doubling_only";
  static constexpr growth_facts facts{.quantum = whole_table};

  static constexpr plan decide(const load_state& load) noexcept {
    if (load.used() < load.limit) return plan::keep();
    // A size that cannot be doubled is asked for all the same: the sizing policy refuses it.
    constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
    return plan::resize(load.units > most / 2 ? most : 2 * load.units);
  }
};

}  // namespace growth

}  // namespace tophash::inline v1

#endif
