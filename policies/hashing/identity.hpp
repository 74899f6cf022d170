// SPDX-License-Identifier: Apache-2.0
// The key itself as its hash, never mixed (facts.raw): for keys that are hashes already, and for experiments
// that choose the bucket and the tag of every key. Keys with equal low bits share a bucket, small integers
// share the tag 0. Integers, enumerations and pointers only. Cost: none.
#ifndef TOPHASH_POLICIES_HASHING_IDENTITY_HPP
#define TOPHASH_POLICIES_HASHING_IDENTITY_HPP

#include <cstdint>
#include <string_view>
#include <type_traits>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>

namespace tophash::inline v1 {

namespace hashing {

struct identity {
  using axis = axes::hashing;
  static constexpr std::string_view name = "identity";
  static constexpr hashing_facts facts{.seeded = false, .raw = true};

  template <class Key>
  static constexpr bool avalanching = false;
  template <class Key, class Other>
  static constexpr bool transparent = false;

  template <class Key>
    requires((std::is_integral_v<Key> || std::is_enum_v<Key>) && sizeof(Key) <= sizeof(std::uint64_t))
  constexpr std::uint64_t hash(Key key) const noexcept {
    return static_cast<std::uint64_t>(key);
  }

  template <class Target>
  std::uint64_t hash(Target* key) const noexcept {
    return static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(key));
  }

  template <class Key>
    requires(std::is_integral_v<Key> || std::is_enum_v<Key> || std::is_pointer_v<Key>)
  constexpr bool equal(Key a, Key b) const noexcept {
    return a == b;
  }
};

}  // namespace hashing

}  // namespace tophash::inline v1

#endif
