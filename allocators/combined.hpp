// SPDX-License-Identifier: Apache-2.0
// What every combination of backends says of itself from what its parts say: a constant of one part alone
// would be a lie about the others. Used by by_purpose, by_size and fallback; a base class of no size.
#ifndef TOPHASH_ALLOCATORS_COMBINED_HPP
#define TOPHASH_ALLOCATORS_COMBINED_HPP

#include <algorithm>
#include <cstddef>

#include <tophash/framework/concepts/allocation.hpp>
#include <tophash/framework/concepts/axes.hpp>

namespace tophash::inline v1 {

namespace allocators {

template <class A>
concept tells_good_size = requires(A& a, const request& r) {
  a.good_size(r);
};
template <class A>
concept expands = requires(A& a, void* p, const request& r, std::size_t n) {
  a.try_expand(p, r, n);
};
template <class A>
concept tells_owner = requires(A& a, const void* p) {
  a.owns(p);
};
template <class A>
concept releases = requires(A& a) {
  a.release_all();
};

template <class First, class... Others>
constexpr bool seen_alike() noexcept {
  // What only run time knows is compared when the handle is made.
  return ((decides_visibility_at_run_time<First>() || decides_visibility_at_run_time<Others>() ||
           static_visibility<First>() == static_visibility<Others>()) &&
          ...);
}

template <class First, class... Others>
constexpr storage_fault fault_of_parts() noexcept {
  storage_fault found = storage_fault_of<First>();
  ((found = found == storage_fault::none ? storage_fault_of<Others>() : found), ...);
  return found != storage_fault::none     ? found
         : seen_alike<First, Others...>() ? storage_fault::none
                                          : storage_fault::mixed_visibility;
}

// A constant cannot be constrained: a base class that is empty where it would say nothing.
template <bool Zeroed>
struct combined_zeroed {};
template <>
struct combined_zeroed<true> {
  static constexpr bool zeroed = true;
};

template <class First, class... Others>
struct combined : combined_zeroed<returns_zeroed<First>() && (returns_zeroed<Others>() && ...)> {
  using axis = axes::allocation;
  static constexpr tophash::visibility visibility =
      std::max({static_visibility<First>(), static_visibility<Others>()...});
  static constexpr bool propagate_on_copy =
      propagates_on_copy<First>() && (propagates_on_copy<Others>() && ...);
  static constexpr bool propagate_on_move =
      propagates_on_move<First>() && (propagates_on_move<Others>() && ...);
  static constexpr bool propagate_on_swap =
      propagates_on_swap<First>() && (propagates_on_swap<Others>() && ...);
  static constexpr bool thread_bound = is_thread_bound<First>() || (is_thread_bound<Others>() || ...);
  static constexpr bool unsynchronised =
      is_unsynchronised<First>() || (is_unsynchronised<Others>() || ...);
  static constexpr bool hoards = hoards_blocks<First>() || (hoards_blocks<Others>() || ...);
  static constexpr std::size_t align_max_bytes =
      std::min({strictest_align_bytes<First>(), strictest_align_bytes<Others>()...});
};

}  // namespace allocators

}  // namespace tophash::inline v1

#endif
