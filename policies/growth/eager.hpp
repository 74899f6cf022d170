// SPDX-License-Identifier: Apache-2.0
// Grows within the insert that finds the table full: every chain is evacuated before that insert returns. The
// best throughput, one array at a time in memory afterwards, and one insert in each doubling that costs O(n).
#ifndef TOPHASH_POLICIES_GROWTH_EAGER_HPP
#define TOPHASH_POLICIES_GROWTH_EAGER_HPP

#include <string_view>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/core/step.hpp>
#include <tophash/policies/growth/doubling.hpp>

namespace tophash::inline v1 {

namespace growth {

struct eager {
  using axis = axes::growth;
  static constexpr std::string_view name = "eager";
  static constexpr growth_facts facts{.quantum = whole_table, .endless = false, .every_write = false};

  static constexpr plan decide(const load_state& load) noexcept { return double_or_regrow(load); }
};

}  // namespace growth

}  // namespace tophash::inline v1

#endif
