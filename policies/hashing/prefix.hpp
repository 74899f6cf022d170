// SPDX-License-Identifier: Apache-2.0
// The first bytes of a key as its hash: a cheap hash that published texts describe, kept so that its price
// can be measured (bench/claims/T-B3.json). Not for keys that someone else chooses.
//   prefix<N>      key bytes 0 .. N-1, the first one most significant; a shorter key is taken whole
//   prefix_xor<N>  the same with byte N xored into the least significant byte, where the key has one
// Bytes of a string are its characters; of an integer, enumeration, pointer or array of integers those of its
// little-endian representation, wherever it is compiled; of a floating-point number those of its bits, +0 and
// -0 alike. Never mixed (facts.raw): bucket = hash & (buckets - 1) sees the last byte of the prefix first,
// and with N < 8 every tag is the same. Equality, and what is transparent, is wyhash's. Cost: N loads.
#ifndef TOPHASH_POLICIES_HASHING_PREFIX_HPP
#define TOPHASH_POLICIES_HASHING_PREFIX_HPP

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/core/text.hpp>
#include <tophash/policies/hashing/wyhash.hpp>

namespace tophash::inline v1 {

namespace hashing {

namespace prefix_keys {

template <class T>
inline constexpr bool is_key = string_like<T> || wyhash_keys::is_word<T> || std::is_pointer_v<T> ||
                               std::is_same_v<T, float> || std::is_same_v<T, double> ||
                               wyhash_keys::is_byte_array<T>;

// `size` bytes of a key by index.
template <std::size_t N, bool Xor, class Byte>
constexpr std::uint64_t fold(std::size_t size, Byte byte) noexcept {
  std::uint64_t hash = 0;
  for (std::size_t i = 0; i != N && i != size; ++i) hash = (hash << 8) | byte(i);
  if constexpr (Xor) {
    if (size > N) hash ^= byte(N);
  }
  return hash;
}

// The bytes of a word, low one first.
template <std::size_t N, bool Xor>
constexpr std::uint64_t fold_word(std::uint64_t word, std::size_t size) noexcept {
  return fold<N, Xor>(size, [word](std::size_t i) { return (word >> (8 * i)) & 0xffu; });
}

template <class T>
constexpr std::uint64_t unsigned_value(T value) noexcept {
  if constexpr (std::is_same_v<T, bool>) {
    return value ? 1u : 0u;
  } else if constexpr (std::is_enum_v<T>) {
    return unsigned_value(static_cast<std::underlying_type_t<T>>(value));
  } else {
    return static_cast<std::make_unsigned_t<T>>(value);
  }
}

template <std::size_t N, bool Xor, class Key>
constexpr std::uint64_t hash(const Key& key) noexcept(wyhash_keys::never_throws<Key>) {
  if constexpr (string_like<Key>) {
    const std::string_view characters = key;
    return fold<N, Xor>(characters.size(), [characters](std::size_t i) {
      return std::uint64_t{static_cast<unsigned char>(characters[i])};
    });
  } else if constexpr (wyhash_keys::is_word<Key>) {
    return fold_word<N, Xor>(unsigned_value(key), sizeof key);
  } else if constexpr (std::is_pointer_v<Key>) {
    return fold_word<N, Xor>(reinterpret_cast<std::uintptr_t>(key), sizeof key);
  } else if constexpr (std::is_same_v<Key, float>) {
    return fold_word<N, Xor>(std::bit_cast<std::uint32_t>(key == 0.0f ? 0.0f : key), sizeof key);
  } else if constexpr (std::is_same_v<Key, double>) {
    return fold_word<N, Xor>(std::bit_cast<std::uint64_t>(key == 0.0 ? 0.0 : key), sizeof key);
  } else {
    constexpr std::size_t element_bytes = sizeof(typename Key::value_type);
    return fold<N, Xor>(key.size() * element_bytes, [&key](std::size_t i) {
      return (unsigned_value(key[i / element_bytes]) >> (8 * (i % element_bytes))) & 0xffu;
    });
  }
}

}  // namespace prefix_keys

template <std::size_t N, bool Xor>
struct basic_prefix {
  static_assert(N >= 1 && N <= 8, "a prefix hash takes 1 to 8 bytes");
  using axis = axes::hashing;
  static constexpr hashing_facts facts{.seeded = false, .raw = true};

  static constexpr option_text name() {
    option_text out;
    out.append(Xor ? "prefix_xor(" : "prefix(").append(N).append(")");
    return out;
  }

  template <class Key>
  static constexpr bool avalanching = false;
  template <class Key, class Other>
  static constexpr bool transparent = wyhash::transparent<Key, Other>;

  template <class Key>
    requires(prefix_keys::is_key<Key>)
  constexpr std::uint64_t hash(const Key& key) const noexcept(wyhash_keys::never_throws<Key>) {
    return prefix_keys::hash<N, Xor>(key);
  }

  template <class A, class B>
    requires requires(const wyhash& h, const A& a, const B& b) { h.equal(a, b); }
  constexpr bool equal(const A& a, const B& b) const noexcept(noexcept(wyhash{}.equal(a, b))) {
    return wyhash{}.equal(a, b);
  }
};

template <std::size_t N>
using prefix = basic_prefix<N, false>;
template <std::size_t N>
using prefix_xor = basic_prefix<N, true>;

}  // namespace hashing

}  // namespace tophash::inline v1

#endif
