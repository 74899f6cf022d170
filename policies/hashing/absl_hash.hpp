// SPDX-License-Identifier: Apache-2.0
// absl::Hash, for keys that Abseil can hash; needs Abseil. Strings are hashed and compared through
// std::string_view, so lookups by any string type need no key. Seeded by Abseil itself, once per process.
// Avalanching for strings only: an integer, or the last member of a pair, gets one folded product (release
// 20220623), after which single input bits flip single output bits with odds from 0.00 to 1.00 (measured by
// the avalanche law); such hashes are mixed. Cost: that of absl::Hash.
#ifndef TOPHASH_POLICIES_HASHING_ABSL_HASH_HPP
#define TOPHASH_POLICIES_HASHING_ABSL_HASH_HPP

#include <concepts>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include <absl/hash/hash.h>
#include <absl/strings/string_view.h>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>

namespace tophash::inline v1 {

namespace hashing {

struct absl_hash {
  using axis = axes::hashing;
  static constexpr std::string_view name = "absl_hash";
  static constexpr hashing_facts facts{};

 private:
  template <class T>
  static constexpr bool is_string = std::convertible_to<const T&, std::string_view>;

 public:
  template <class Key>
  static constexpr bool avalanching = is_string<Key>;
  template <class Key, class Other>
  static constexpr bool transparent = is_string<Key> && is_string<Other>;

  template <class Key>
    requires(is_string<Key> || std::is_default_constructible_v<absl::Hash<Key>>)
  std::uint64_t hash(const Key& key) const {
    if constexpr (is_string<Key>) {
      const std::string_view characters = key;
      return absl::Hash<absl::string_view>{}(absl::string_view{characters.data(), characters.size()});
    } else {
      return absl::Hash<Key>{}(key);
    }
  }

  template <class A, class B>
    requires(is_string<A> && is_string<B>)
  bool equal(const A& a, const B& b) const {
    const std::string_view left = a, right = b;
    return left == right;
  }

  template <class Key>
    requires(!is_string<Key> && std::equality_comparable<Key>)
  bool equal(const Key& a, const Key& b) const {
    return static_cast<bool>(a == b);
  }
};

}  // namespace hashing

}  // namespace tophash::inline v1

#endif
