// SPDX-License-Identifier: Apache-2.0
// Policies and arrays changing hands, whatever the layout. `State` is a table's state: its `policies` are
// values, and `arrays()` is everything else as one value.
#ifndef TOPHASH_FRAMEWORK_TABLE_OWNING_HPP
#define TOPHASH_FRAMEWORK_TABLE_OWNING_HPP

#include <memory>
#include <type_traits>
#include <utility>

#include <tophash/framework/compose/pack.hpp>
#include <tophash/framework/concepts/allocation.hpp>
#include <tophash/framework/core/checked.hpp>
#include <tophash/framework/table/binding.hpp>

namespace tophash::inline v1::table {

// A policy by copy where that cannot throw (the source stays usable), otherwise by move.
template <class P>
constexpr P copy_or_move(P& from) noexcept(std::is_nothrow_copy_constructible_v<P> ||
                                           std::is_nothrow_move_constructible_v<P>) {
  if constexpr (std::is_nothrow_copy_constructible_v<P>) {
    return P(std::as_const(from));
  } else {
    return P(std::move(from));
  }
}

// The policies of a table that takes over the memory of `from`. The overflow source moves: it holds blocks.
template <class State>
auto take_policies(State& from) {
  auto& p = from.policies;
  using values = policy_values<typename State::binding_type::spec>;
  return values{.hashing = by_reference(copy_or_move(p.hashing)),
                .load = by_reference(copy_or_move(p.load)),
                .growth = by_reference(copy_or_move(p.growth)),
                .overflow = std::move(p.overflow),
                .allocation = p.allocation,
                .observe = std::move(p.observe)};
}

template <class State>
auto copy_policies(const State& from, const typename State::binding_type::allocation& allocation) {
  const auto& p = from.policies;
  using values = policy_values<typename State::binding_type::spec>;
  return values{.hashing = p.hashing,
                .load = p.load,
                .growth = p.growth,
                .overflow = p.overflow,
                .allocation = allocation,
                .observe = p.observe};
}

// Storage that follows arrays from the maps that hold them is told.
template <class State>
void tell_taken_over(const State& s) noexcept {
  using B = typename State::binding_type;
  if constexpr (hears_of_arrays<typename B::allocation> && B::model::trace.is_traced()) {
    for_each_array(s, [&s](const void* array) { s.policies.allocation.array_taken_over(array); });
  } else {
    static_cast<void>(s);
  }
}

// Takes over arrays and counts; `from` becomes a table without an array. `to` must be one. Policies excepted.
template <class State>
void steal_arrays(State& to, State& from) noexcept {
  using arrays = std::remove_cvref_t<decltype(from.arrays())>;
  to.arrays() = std::exchange(from.arrays(), arrays{});
  if constexpr (requires { follow_arrays(to); }) follow_arrays(to);
  tell_taken_over(to);
}

// Replaces a policy's value, also where its type can only be constructed (a lambda with captures).
template <class P>
void replace_policy(P& to, P&& from) noexcept {
  if constexpr (std::is_empty_v<P>) {
    static_cast<void>(to), static_cast<void>(from);
  } else if constexpr (std::is_nothrow_move_assignable_v<P>) {
    to = std::move(from);
  } else {
    static_assert(std::is_nothrow_move_constructible_v<P>,
                  "a policy held by value must move without throwing");
    std::destroy_at(std::addressof(to));
    std::construct_at(std::addressof(to), std::move(from));
  }
}

template <class P>
void swap_policy(P& a, P& b) noexcept {
  P kept(std::move(a));
  replace_policy(a, std::move(b));
  replace_policy(b, std::move(kept));
}

// All but the allocation handle.
template <class State>
void swap_policies(State& a, State& b) noexcept {
  swap_policy(a.policies.hashing, b.policies.hashing);
  swap_policy(a.policies.load, b.policies.load);
  swap_policy(a.policies.growth, b.policies.growth);
  swap_policy(a.policies.overflow, b.policies.overflow);
  swap_policy(a.policies.observe, b.policies.observe);
}

template <class State>
void swap_states(State& a, State& b) noexcept {
  if (&a == &b) return;
  swap_policies(a, b);
  if constexpr (propagates_on_swap<typename State::binding_type::allocation>()) {
    swap_policy(a.policies.allocation, b.policies.allocation);
  } else {
    TOPHASH_CHECK(a.policies.allocation == b.policies.allocation,
                  "swap of maps whose allocation handles are unequal and do not propagate");
  }
  std::swap(a.arrays(), b.arrays());
  if constexpr (requires { follow_arrays(a); }) {
    follow_arrays(a);
    follow_arrays(b);
  }
  tell_taken_over(a);
  tell_taken_over(b);
}

}  // namespace tophash::inline v1::table

#endif
