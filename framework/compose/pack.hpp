// SPDX-License-Identifier: Apache-2.0
// Passing policies by value at construction, in any order: each argument finds its place by its axis.
#ifndef TOPHASH_FRAMEWORK_COMPOSE_PACK_HPP
#define TOPHASH_FRAMEWORK_COMPOSE_PACK_HPP

#include <type_traits>
#include <utility>

#include <tophash/framework/compose/spec.hpp>

namespace tophash::inline v1 {

// The policies of a spec that a table holds by value. Stateless ones take no space.
template <class Spec>
struct policy_values {
  [[no_unique_address]] typename Spec::hashing hashing;
  [[no_unique_address]] typename Spec::load load;
  [[no_unique_address]] typename Spec::growth growth;
  [[no_unique_address]] typename Spec::overflow overflow;
  [[no_unique_address]] typename Spec::allocation allocation;
  [[no_unique_address]] typename Spec::observe observe;
};

// May P be given for a map of this spec? It must be one of the spec's own options.
template <class P, class Spec>
concept policy_of = std::is_same_v<P, typename Spec::hashing> || std::is_same_v<P, typename Spec::load> ||
                    std::is_same_v<P, typename Spec::growth> || std::is_same_v<P, typename Spec::overflow> ||
                    std::is_same_v<P, typename Spec::allocation> || std::is_same_v<P, typename Spec::observe> ||
                    std::is_same_v<P, typename Spec::layout> || std::is_same_v<P, typename Spec::sizing> ||
                    std::is_same_v<P, typename Spec::deletion> || std::is_same_v<P, typename Spec::iteration> ||
                    std::is_same_v<P, typename Spec::sync>;

namespace compose_steps {

template <class Wanted>
constexpr Wanted take() noexcept(noexcept(Wanted{})) {
  return Wanted{};
}

template <class Wanted, class First, class... Rest>
constexpr Wanted take(First&& first, Rest&&... rest) {
  if constexpr (std::is_same_v<std::remove_cvref_t<First>, Wanted>) {
    return Wanted(std::forward<First>(first));
  } else {
    return take<Wanted>(std::forward<Rest>(rest)...);
  }
}

// Can P be made of nothing, and then moved to its place, without throwing?
template <class P>
inline constexpr bool nothrow_placed =
    std::is_nothrow_default_constructible_v<P> && std::is_nothrow_move_constructible_v<P>;

}  // namespace compose_steps

// A function's result on its way into a policy_values: the member is made from a reference. Without
// optimisation g++ 12 fails with an internal error where a result is built in place in an empty
// [[no_unique_address]] member whose class has a copy constructor of its own, as many an allocator has.
template <class P>
constexpr P&& by_reference(P&& result) noexcept {
  return static_cast<P&&>(result);
}

template <class Spec, class... Policies>
constexpr policy_values<Spec> place_policies(Policies&&... given) noexcept(
    sizeof...(Policies) == 0 && compose_steps::nothrow_placed<typename Spec::hashing> &&
    compose_steps::nothrow_placed<typename Spec::load> && compose_steps::nothrow_placed<typename Spec::growth> &&
    compose_steps::nothrow_placed<typename Spec::overflow> && compose_steps::nothrow_placed<typename Spec::allocation> &&
    compose_steps::nothrow_placed<typename Spec::observe>) {
  using compose_steps::take;
  return {
      .hashing = by_reference(take<typename Spec::hashing>(std::forward<Policies>(given)...)),
      .load = by_reference(take<typename Spec::load>(std::forward<Policies>(given)...)),
      .growth = by_reference(take<typename Spec::growth>(std::forward<Policies>(given)...)),
      .overflow = by_reference(take<typename Spec::overflow>(std::forward<Policies>(given)...)),
      .allocation = by_reference(take<typename Spec::allocation>(std::forward<Policies>(given)...)),
      .observe = by_reference(take<typename Spec::observe>(std::forward<Policies>(given)...)),
  };
}

}  // namespace tophash::inline v1

#endif
