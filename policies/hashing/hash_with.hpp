// SPDX-License-Identifier: Apache-2.0
// A user's own hash and equality functors, held by value, state included: what std::unordered_map takes as
// Hash and KeyEqual. Believed to avalanche only if the hash functor declares `is_avalanching` (a type whose
// ::value, if it has one, is true; or a true constant). Transparent if both functors declare `is_transparent`
// and take the types at hand. Named only if the functors are. Cost: that of the functors; empty ones have no
// size.
#ifndef TOPHASH_POLICIES_HASHING_HASH_WITH_HPP
#define TOPHASH_POLICIES_HASHING_HASH_WITH_HPP

#include <concepts>
#include <cstdint>
#include <functional>
#include <type_traits>
#include <utility>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>

namespace tophash::inline v1 {

namespace hashing {

template <class F>
constexpr bool declares_avalanching() noexcept {
  if constexpr (requires { typename F::is_avalanching; }) {
    if constexpr (requires { static_cast<bool>(F::is_avalanching::value); }) {
      return static_cast<bool>(F::is_avalanching::value);
    } else {
      return true;
    }
  } else if constexpr (requires { static_cast<bool>(F::is_avalanching); }) {
    return static_cast<bool>(F::is_avalanching);
  } else {
    return false;
  }
}

template <class F, class Eq = std::equal_to<>>
class hash_with {
  template <class Key>
  static constexpr bool takes = requires(const F& functor, const Key& key) {
    { functor(key) } -> std::convertible_to<std::uint64_t>;
  };
  template <class A, class B>
  static constexpr bool compares = requires(const Eq& equal, const A& a, const B& b) {
    { equal(a, b) } -> std::convertible_to<bool>;
  };
  static constexpr bool both_transparent = requires {
    typename F::is_transparent;
    typename Eq::is_transparent;
  };
  static constexpr bool plain_equality = std::is_same_v<Eq, std::equal_to<>>;

 public:
  using axis = axes::hashing;
  static constexpr hashing_facts facts{};

  static constexpr option_text name()
    requires(has_name<F>() && (plain_equality || has_name<Eq>()))
  {
    option_text out;
    out.append("hash_with(").append(option_name<F>().view());
    if constexpr (!plain_equality) out.append(",").append(option_name<Eq>().view());
    out.append(")");
    return out;
  }

  template <class Key>
  static constexpr bool avalanching = declares_avalanching<F>();
  template <class Key, class Other>
  static constexpr bool transparent = both_transparent && takes<Other> && compares<Key, Other>;

  constexpr hash_with() noexcept(std::is_nothrow_default_constructible_v<F> &&
                                 std::is_nothrow_default_constructible_v<Eq>)
    requires(std::is_default_constructible_v<F> && std::is_default_constructible_v<Eq>)
  = default;
  constexpr explicit hash_with(F f)
    requires std::is_default_constructible_v<Eq>
      : functor_(std::move(f)) {}
  constexpr hash_with(F f, Eq eq)
      : functor_(std::move(f)), key_equal_(std::move(eq)) {}

  template <class Key>
    requires(takes<Key>)
  constexpr std::uint64_t hash(const Key& key) const noexcept(noexcept(std::declval<const F&>()(key))) {
    return static_cast<std::uint64_t>(functor_(key));
  }

  template <class A, class B>
    requires(compares<A, B>)
  constexpr bool equal(const A& a, const B& b) const noexcept(noexcept(std::declval<const Eq&>()(a, b))) {
    return static_cast<bool>(key_equal_(a, b));
  }

  constexpr const F& functor() const noexcept { return functor_; }
  constexpr const Eq& key_equal() const noexcept { return key_equal_; }

 private:
  [[no_unique_address]] F functor_{};
  [[no_unique_address]] Eq key_equal_{};
};

template <class F>
hash_with(F) -> hash_with<F>;
template <class F, class Eq>
hash_with(F, Eq) -> hash_with<F, Eq>;

}  // namespace hashing

}  // namespace tophash::inline v1

#endif
