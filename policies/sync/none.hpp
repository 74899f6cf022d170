// SPDX-License-Identifier: Apache-2.0
// No synchronisation: any number of readers, or one writer, as for the standard's containers. The caller sees
// to it, and nothing detects a breach. Cost: none.
#ifndef TOPHASH_POLICIES_SYNC_NONE_HPP
#define TOPHASH_POLICIES_SYNC_NONE_HPP

#include <string_view>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>

namespace tophash::inline v1 {

namespace sync {

struct none {
  using axis = axes::sync;
  static constexpr std::string_view name = "none";
  static constexpr sync_facts facts{.shared = false};
};

}  // namespace sync

}  // namespace tophash::inline v1

#endif
