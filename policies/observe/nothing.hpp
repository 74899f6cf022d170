// SPDX-License-Identifier: Apache-2.0
// Takes no event, so that a table notifies nobody and has no instruction for it. Cost: none.
#ifndef TOPHASH_POLICIES_OBSERVE_NOTHING_HPP
#define TOPHASH_POLICIES_OBSERVE_NOTHING_HPP

#include <string_view>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>

namespace tophash::inline v1 {

namespace observe {

struct nothing {
  using axis = axes::observe;
  static constexpr std::string_view name = "nothing";
  static constexpr observe_facts facts{.on_const_paths = false};
};

}  // namespace observe

}  // namespace tophash::inline v1

#endif
