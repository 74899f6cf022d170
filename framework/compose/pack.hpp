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
constexpr Wanted take() {
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

}  // namespace compose_steps

template <class Spec, class... Policies>
constexpr policy_values<Spec> place_policies(Policies&&... given) {
  using compose_steps::take;
  return {
      .hashing = take<typename Spec::hashing>(std::forward<Policies>(given)...),
      .load = take<typename Spec::load>(std::forward<Policies>(given)...),
      .growth = take<typename Spec::growth>(std::forward<Policies>(given)...),
      .overflow = take<typename Spec::overflow>(std::forward<Policies>(given)...),
      .allocation = take<typename Spec::allocation>(std::forward<Policies>(given)...),
      .observe = take<typename Spec::observe>(std::forward<Policies>(given)...),
  };
}

}  // namespace tophash::inline v1

#endif
