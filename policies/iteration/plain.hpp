// SPDX-License-Identifier: Apache-2.0
// Iterators as std::unordered_map's: an insertion that grows the table, or moves entries, ends their
// validity; erasing another entry does not. Nothing is pinned and nothing is kept for them. Cost: none.
#ifndef TOPHASH_POLICIES_ITERATION_PLAIN_HPP
#define TOPHASH_POLICIES_ITERATION_PLAIN_HPP

#include <string_view>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>

namespace tophash::inline v1 {

namespace iteration {

struct plain {
  using axis = axes::iteration;
  static constexpr std::string_view name = "plain";
  static constexpr iteration_facts facts{.survives_mutation = false};
};

}  // namespace iteration

}  // namespace tophash::inline v1

#endif
