// SPDX-License-Identifier: Apache-2.0
// A hashing policy from a byte hash. `Function` brings two static functions, both avalanching:
//   word(uint64_t) noexcept -> uint64_t                       a value of one word
//   bytes(const void*, size_t) noexcept -> uint64_t           the bytes of a key
// and by_bytes<Function> says what they are applied to, as wyhash does:
//   integers, enumerations, pointers  word(the value, widened with its sign). Avalanching
//   floating point                    word(the bits; +0 and -0 alike). Avalanching but for long double
//   strings                           bytes(the characters), for all that converts to std::string_view, which
// is
//                                     also compared so. Avalanching, transparent
//   arrays of integers                bytes(the elements). Avalanching
//   pair, tuple, array of those       bytes(the hashes of the elements). Avalanching
//   the rest                          std::hash, where there is one. Not avalanching
// Cost over Function: none; a pair or a tuple one word an element on the stack.
#ifndef TOPHASH_POLICIES_HASHING_BY_BYTES_HPP
#define TOPHASH_POLICIES_HASHING_BY_BYTES_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <tuple>
#include <type_traits>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/policies/hashing/wyhash.hpp>

namespace tophash::inline v1 {

namespace hashing {

template <class Function>
struct by_bytes {
  using axis = axes::hashing;
  static constexpr hashing_facts facts{};

 private:
  // wyhash leaves these as they are: its hash is their bits.
  template <class Key>
  static constexpr bool is_one_word =
      wyhash_keys::is_word<Key> || std::is_pointer_v<Key> || std::is_floating_point_v<Key>;

 public:
  template <class Key>
  static constexpr bool avalanching = wyhash::avalanching<Key> ||
                                      (is_one_word<Key> && sizeof(Key) <= sizeof(std::uint64_t));
  template <class Key, class Other>
  static constexpr bool transparent = wyhash::transparent<Key, Other>;

  template <class Key>
    requires(wyhash_keys::is_hashable<Key>)
  std::uint64_t hash(const Key& key)
  const noexcept(wyhash_keys::never_throws<Key>) {
    if constexpr (string_like<Key>) {
      const std::string_view characters = key;
      return Function::bytes(characters.data(), characters.size());
    } else if constexpr (is_one_word<Key>) {
      return Function::word(wyhash{}.hash(key));
    } else if constexpr (wyhash_keys::is_byte_array<Key>) {
      return Function::bytes(key.data(), key.size() * sizeof(typename Key::value_type));
    } else if constexpr (wyhash_keys::is_product<Key>) {
      return std::apply(
          [](const auto&... elements) {
            // One word too many, so that an empty product has an array.
            const std::uint64_t hashes[sizeof...(elements) + 1] = {by_bytes{}.hash(elements)...};
            return Function::bytes(hashes, sizeof...(elements) * sizeof hashes[0]);
          },
          key);
    } else {
      return std::hash<Key>{}(key);
    }
  }

  template <class A, class B>
    requires requires(const wyhash& h, const A& a, const B& b) { h.equal(a, b); }
  constexpr bool equal(const A& a, const B& b) const noexcept(noexcept(wyhash{}.equal(a, b))) {
    return wyhash{}.equal(a, b);
  }
};

}  // namespace hashing

}  // namespace tophash::inline v1

#endif
