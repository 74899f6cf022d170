// SPDX-License-Identifier: Apache-2.0
// No overflow buckets: for layouts that have none. It holds nothing and supplies nothing.
#ifndef TOPHASH_POLICIES_OVERFLOW_NONE_HPP
#define TOPHASH_POLICIES_OVERFLOW_NONE_HPP

#include <string_view>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/concepts/overflow.hpp>
#include <tophash/framework/core/purpose.hpp>

namespace tophash::inline v1 {

namespace overflow {

struct none {
  using axis = axes::overflow;
  static constexpr std::string_view name = "none";
  static constexpr overflow_facts facts{.absent = true};

  template <class Storage>
  static void* acquire(Storage&, const request&) noexcept {
    return nullptr;
  }
  template <class Storage>
  static void release(Storage&, void*, const request&) noexcept {}
  template <class Storage>
  static void drain(Storage&, const request&) noexcept {}
  static constexpr overflow_counts counts() noexcept { return {}; }
};

}  // namespace overflow

}  // namespace tophash::inline v1

#endif
