// SPDX-License-Identifier: Apache-2.0
// Grows a little with each write: an insert of a new key and an erase evacuate `Chains` chains of the old
// array; with EveryWrite an update and the erase of an absent key do too, as in Go's map (whose two chains a
// write are incremental<2, true>). No write but the allocating one costs O(n). Both arrays exist until the
// last chain is evacuated; a growth without further writes never ends.
#ifndef TOPHASH_POLICIES_GROWTH_INCREMENTAL_HPP
#define TOPHASH_POLICIES_GROWTH_INCREMENTAL_HPP

#include <cstddef>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/policies/growth/doubling.hpp>

namespace tophash::inline v1 {

namespace growth {

template <std::size_t Chains, bool EveryWrite = false>
struct incremental {
  using axis = axes::growth;
  // No chain a write: such a growth could not end, and the rules of composition refuse it.
  static constexpr growth_facts facts{.quantum = Chains, .endless = Chains == 0, .every_write = EveryWrite};

  static constexpr option_text name() {
    option_text out;
    out.append("incremental(").append(Chains).append(EveryWrite ? ",every_write)" : ")");
    return out;
  }

  static constexpr plan decide(const load_state& load) noexcept { return double_or_regrow(load); }
};

}  // namespace growth

}  // namespace tophash::inline v1

#endif
