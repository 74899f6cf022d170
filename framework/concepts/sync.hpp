// SPDX-License-Identifier: Apache-2.0
// Synchronisation policy: who may use a map at once. A tag; the mechanism is in table/ and shared/.
//   S::facts                  sync_facts   shared: several threads may write, visitation replaces iterators
//                                          checked: one owner at a time, and a breach is looked for
//   S::misused(const char*)   void         where checked: answers a breach; facts.throwing unless noexcept
#ifndef TOPHASH_FRAMEWORK_CONCEPTS_SYNC_HPP
#define TOPHASH_FRAMEWORK_CONCEPTS_SYNC_HPP

#include <concepts>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>

namespace tophash::inline v1 {

template <class S>
concept sync_policy = option<S> && requires {
  { S::facts } -> std::convertible_to<sync_facts>;
};

}  // namespace tophash::inline v1

#endif
