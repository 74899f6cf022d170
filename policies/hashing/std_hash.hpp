// SPDX-License-Identifier: Apache-2.0
// std::hash and ==, as std::unordered_map takes them. Never believed to avalanche: common standard libraries
// return an integer as it is, so the table always mixes. Takes only keys of the map's own key type.
// Cost: that of std::hash.
#ifndef TOPHASH_POLICIES_HASHING_STD_HASH_HPP
#define TOPHASH_POLICIES_HASHING_STD_HASH_HPP

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>

namespace tophash::inline v1 {

namespace hashing {

struct std_hash {
  using axis = axes::hashing;
  static constexpr std::string_view name = "std_hash";
  static constexpr hashing_facts facts{};

  template <class Key>
  static constexpr bool avalanching = false;
  template <class Key, class Other>
  static constexpr bool transparent = false;

  template <class Key>
    requires requires(const Key& key) {
      { std::hash<Key>{}(key) } -> std::convertible_to<std::size_t>;
    }
  std::uint64_t hash(const Key& key) const noexcept(noexcept(std::hash<Key>{}(key))) {
    return std::hash<Key>{}(key);
  }

  template <std::equality_comparable Key>
  constexpr bool equal(const Key& a, const Key& b) const noexcept(noexcept(static_cast<bool>(a == b))) {
    return static_cast<bool>(a == b);
  }
};

}  // namespace hashing

}  // namespace tophash::inline v1

#endif
