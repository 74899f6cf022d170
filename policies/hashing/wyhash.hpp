// SPDX-License-Identifier: Apache-2.0
// wyhash (final version 4; the algorithm is in the public domain), written anew: 64 x 64 -> 128-bit products
//   integers, enumerations, pointers  the value, widened with its sign. Not avalanching: the table's mix() is
//                                     that same folded product, and a second one would be paid for nothing
//   floating point                    the bits; +0 and -0 alike. Not avalanching
//   strings                           what converts to std::string_view is its characters, for hash and for
//                                     equal, `const char*` included (not null). Avalanching, transparent
//   pair, tuple, array of those       one fold an element and one to finish. Avalanching
//   the rest                          std::hash, where there is one. Not avalanching
// Reads bytes in little-endian order wherever they lie. Cost of n bytes: 2 products to 16, then n / 16 more.
// For who mixes what it gets (hashing::seeded), hash_to_mix is another hash: it leaves the finishing product out, and
// 17 to 32 bytes go through AES rounds where the processor has them (aes_rounds.hpp), so that its values differ
// between processors.
#ifndef TOPHASH_POLICIES_HASHING_WYHASH_HPP
#define TOPHASH_POLICIES_HASHING_WYHASH_HPP

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/config.hpp>
#include <tophash/framework/core/bits.hpp>
#include <tophash/policies/hashing/aes_rounds.hpp>

namespace tophash::inline v1 {

namespace hashing {

// wyhash's published default secret: odd, half of the bits of every byte set, pairwise 32 bits apart.
inline constexpr std::uint64_t wyhash_secret[4] = {0x2d358dccaa6c78a5u, 0x8bb84b93962eacc9u,
                                                   0x4b33a62ed433d4a3u, 0x4d5a2da51de1aa47u};

template <class T>
concept string_like = std::convertible_to<const T&, std::string_view>;

namespace wyhash_bytes {

template <class Word>
inline std::uint64_t read(const unsigned char* from) noexcept {
  Word word;
  std::memcpy(&word, from, sizeof word);
  if constexpr (std::endian::native == std::endian::little) {
    return word;
  } else {
    Word turned = 0;
    for (std::size_t i = 0; i != sizeof word; ++i, word = static_cast<Word>(word >> 8)) {
      turned = static_cast<Word>((turned << 8) | (word & 0xffu));
    }
    return turned;
  }
}

inline std::uint64_t read_8(const unsigned char* from) noexcept { return read<std::uint64_t>(from); }
inline std::uint64_t read_4(const unsigned char* from) noexcept { return read<std::uint32_t>(from); }

struct two_words {
  std::uint64_t a = 0, b = 0;
};

// Every byte of at most 16 lies in at least one of the two words.
inline two_words gather_short(const unsigned char* from, std::size_t bytes) noexcept {
  if (bytes >= 4) {
    const std::size_t inner = (bytes >> 3) << 2;
    const unsigned char* last = from + bytes - 4;
    return {(read_4(from) << 32) | read_4(from + inner), (read_4(last) << 32) | read_4(last - inner)};
  }
  if (bytes == 0) return {};
  const std::uint64_t first = from[0], middle = from[bytes >> 1], last = from[bytes - 1];
  return {(first << 16) | (middle << 8) | last, 0};
}

// Absorbs all but the last 16 bytes or fewer; `from` and `bytes` are left at those. Three independent chains
// keep the multiplier busy on long input.
inline std::uint64_t absorb_long(const unsigned char*& from, std::size_t& bytes,
                                 std::uint64_t state) noexcept {
  constexpr auto& secret = wyhash_secret;
  if (bytes >= 48) {
    std::uint64_t second = state, third = state;
    for (; bytes >= 48; from += 48, bytes -= 48) {
      state = multiply_fold(read_8(from) ^ secret[1], read_8(from + 8) ^ state);
      second = multiply_fold(read_8(from + 16) ^ secret[2], read_8(from + 24) ^ second);
      third = multiply_fold(read_8(from + 32) ^ secret[3], read_8(from + 40) ^ third);
    }
    state ^= second ^ third;
  }
  for (; bytes > 16; from += 16, bytes -= 16) {
    state = multiply_fold(read_8(from) ^ secret[1], read_8(from + 8) ^ state);
  }
  return state;
}

// The product's low and high half, unfolded.
constexpr two_words multiply(std::uint64_t a, std::uint64_t b) noexcept {
  const std::uint64_t low = a * b;
  return {low, low ^ multiply_fold(a, b)};
}

inline std::uint64_t hash(const void* data, std::size_t bytes, std::uint64_t seed = 0) noexcept {
  constexpr auto& secret = wyhash_secret;
  const unsigned char* from = static_cast<const unsigned char*>(data);
  std::uint64_t state = seed ^ multiply_fold(seed ^ secret[0], secret[1]);
  two_words last;
  if (bytes <= 16) {
    last = gather_short(from, bytes);
  } else {
    std::size_t left = bytes;
    state = absorb_long(from, left, state);
    // Reaches back into absorbed bytes when fewer than 16 are left.
    last = {read_8(from + left - 16), read_8(from + left - 8)};
  }
  const two_words both = multiply(last.a ^ secret[1], last.b ^ state);
  return multiply_fold(both.a ^ secret[0] ^ bytes, both.b ^ secret[1]);
}

// 17 to 32 bytes by two products that do not wait for each other (the scheme of XXH3's middle lengths). The products
// are added: by xor, two equal ones would cancel. Four constants: with one for all, put in by xor, subtraction and
// addition, 65,536 keys that differ in bytes 15 and 31 have 65,534 hashes.
inline std::uint64_t fold_by_products(const unsigned char* from, std::size_t bytes) noexcept {
  constexpr auto& secret = wyhash_secret;
  const unsigned char* const end = from + bytes;
  return multiply_fold(read_8(from) ^ secret[0], read_8(from + 8) ^ secret[1]) +
         multiply_fold(read_8(end - 16) ^ secret[2], read_8(end - 8) ^ secret[3]);
}

// hash_to_mix of what is not 17 to 32 bytes of a processor known to have AES rounds.
TOPHASH_NOINLINE inline std::uint64_t hash_others_to_mix(const unsigned char* from, std::size_t bytes) noexcept {
  if (bytes > 32) {
    std::size_t left = bytes;
    const std::uint64_t state = absorb_long(from, left, multiply_fold(wyhash_secret[0], wyhash_secret[1]));
    return multiply_fold(read_8(from + left - 16) ^ wyhash_secret[1], read_8(from + left - 8) ^ state) ^ bytes;
  }
#if TOPHASH_HAS_AES_INSTRUCTION
  if (aes_rounds::is_there()) return aes_rounds::fold(from, bytes) ^ bytes;
#endif
  return fold_by_products(from, bytes) ^ bytes;
}

// A hash whose bits are not all equally good: one product to 16 bytes; of 17 to 32 three rounds of AES, or two products
// where the processor has no such instruction; of more, wyhash without its last product. The length goes in
// outside, as shorter keys are gathered with zeros and longer ones overlap.
TOPHASH_ALWAYS_INLINE std::uint64_t hash_to_mix(const void* data, std::size_t bytes) noexcept {
  constexpr auto& secret = wyhash_secret;
  const unsigned char* const from = static_cast<const unsigned char*>(data);
#if TOPHASH_HAS_AES_INSTRUCTION
  const std::size_t direct_lengths = aes_rounds::direct_lengths;
  TOPHASH_ASSUME(direct_lengths <= 32 - 16);  // or a shorter literal's bytes seem to be read past their end
  if (bytes - 17 < direct_lengths) [[likely]] return aes_rounds::fold(from, bytes) ^ bytes;
#else
  if (bytes - 17 <= 32 - 17) [[likely]] return fold_by_products(from, bytes) ^ bytes;
#endif
  if (bytes > 16) [[unlikely]] return hash_others_to_mix(from, bytes);
  const two_words all = gather_short(from, bytes);
  return multiply_fold(all.a ^ secret[1], all.b ^ secret[2]) ^ bytes;
}

// Are `bytes` bytes equal? As memcmp asks, without the call for 8 to 32 of them: strings are compared where
// lengths and tags are equal, so nearly always to the end. One place for both is equal at sight, as in Go's
// faststr maps.
TOPHASH_ALWAYS_INLINE bool equal(const char* a, const char* b, std::size_t bytes) noexcept {
  if (a == b) return true;
  const auto* const x = reinterpret_cast<const unsigned char*>(a);
  const auto* const y = reinterpret_cast<const unsigned char*>(b);
  if (bytes < 8 || bytes > 32) [[unlikely]] return bytes == 0 || std::memcmp(a, b, bytes) == 0;
  const auto differ_at = [x, y](std::size_t at) { return read_8(x + at) ^ read_8(y + at); };
  if (bytes <= 16) return (differ_at(0) | differ_at(bytes - 8)) == 0;
  return (differ_at(0) | differ_at(8) | differ_at(bytes - 16) | differ_at(bytes - 8)) == 0;
}

}  // namespace wyhash_bytes

// Which rule of the table above a key falls under.
namespace wyhash_keys {

template <class T>
inline constexpr bool is_word =
    (std::is_integral_v<T> || std::is_enum_v<T>) && sizeof(T) <= sizeof(std::uint64_t);

template <class T>
inline constexpr bool is_product = false;
template <class A, class B>
inline constexpr bool is_product<std::pair<A, B>> = true;
template <class... T>
inline constexpr bool is_product<std::tuple<T...>> = true;
template <class T, std::size_t N>
inline constexpr bool is_product<std::array<T, N>> = true;

// An array of integers without padding is hashed as bytes: its equality is that of the bytes.
template <class T>
inline constexpr bool is_byte_array = false;
template <class T, std::size_t N>
inline constexpr bool is_byte_array<std::array<T, N>> =
    is_word<T> && std::has_unique_object_representations_v<T>;

template <class T>
inline constexpr bool is_plain =
    is_word<T> || std::is_pointer_v<T> || std::is_floating_point_v<T> || is_byte_array<T>;

// A user's conversion to characters may throw, and so may std::hash.
template <class T>
inline constexpr bool never_throws =
    is_plain<T> || (string_like<T> && std::is_nothrow_convertible_v<const T&, std::string_view>);

template <class T>
inline constexpr bool has_std_hash = requires(const T& key) {
  { std::hash<T>{}(key) } -> std::convertible_to<std::size_t>;
};

template <class T>
inline constexpr bool is_hashable = is_plain<T> || string_like<T> || has_std_hash<T>;
template <class T>
inline constexpr bool is_hashable<const T> = is_hashable<T>;
template <class A, class B>
inline constexpr bool is_hashable<std::pair<A, B>> = is_hashable<A> && is_hashable<B>;
template <class... T>
inline constexpr bool is_hashable<std::tuple<T...>> = (is_hashable<T> && ...);
template <class T, std::size_t N>
inline constexpr bool is_hashable<std::array<T, N>> = is_hashable<T>;

}  // namespace wyhash_keys

struct wyhash {
  using axis = axes::hashing;
  static constexpr std::string_view name = "wyhash";
  static constexpr hashing_facts facts{};

  template <class Key>
  static constexpr bool avalanching =
      (string_like<Key> || wyhash_keys::is_product<Key>) && wyhash_keys::is_hashable<Key>;
  template <class Key, class Other>
  static constexpr bool transparent = string_like<Key> && string_like<Other>;

  template <class Key>
    requires(wyhash_keys::is_hashable<Key>)
  constexpr std::uint64_t hash(const Key& key) const noexcept(wyhash_keys::never_throws<Key>) {
    if constexpr (string_like<Key>) {
      const std::string_view characters = key;
      return wyhash_bytes::hash(characters.data(), characters.size());
    } else if constexpr (wyhash_keys::is_word<Key>) {
      return static_cast<std::uint64_t>(key);
    } else if constexpr (std::is_pointer_v<Key>) {
      return static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(key));
    } else if constexpr (std::is_floating_point_v<Key>) {
      return float_bits(key);
    } else if constexpr (wyhash_keys::is_byte_array<Key>) {
      return wyhash_bytes::hash(key.data(), key.size() * sizeof(typename Key::value_type));
    } else if constexpr (wyhash_keys::is_product<Key>) {
      return std::apply([](const auto&... elements) { return combine(elements...); }, key);
    } else {
      return std::hash<Key>{}(key);
    }
  }

  // Strings: cheaper than hash, and good only once it is mixed.
  template <class Key>
    requires(string_like<Key>)
  std::uint64_t hash_to_mix(const Key& key) const noexcept(wyhash_keys::never_throws<Key>) {
    const std::string_view characters = key;
    return wyhash_bytes::hash_to_mix(characters.data(), characters.size());
  }

  template <class A, class B>
    requires(string_like<A> && string_like<B>)
  TOPHASH_ALWAYS_INLINE constexpr bool equal(const A& a, const B& b) const
      noexcept(wyhash_keys::never_throws<A> && wyhash_keys::never_throws<B>) {
    const std::string_view left = a, right = b;
    if (std::is_constant_evaluated()) return left == right;
    return left.size() == right.size() && wyhash_bytes::equal(left.data(), right.data(), left.size());
  }

  template <class Key>
    requires(!string_like<Key> && std::equality_comparable<Key>)
  constexpr bool equal(const Key& a, const Key& b) const noexcept(noexcept(static_cast<bool>(a == b))) {
    return static_cast<bool>(a == b);
  }

 private:
  template <class Float>
  static std::uint64_t float_bits(Float value) noexcept {
    if (value == Float{0}) return 0;
    if constexpr (sizeof(Float) == sizeof(std::uint32_t)) {
      return std::bit_cast<std::uint32_t>(value);
    } else {
      // A long double has padding; equal ones are equal as double, which has none.
      return std::bit_cast<std::uint64_t>(static_cast<double>(value));
    }
  }

  template <class... T>
  static constexpr std::uint64_t combine(const T&... elements) {
    std::uint64_t state = wyhash_secret[0];
    ((state = multiply_fold(state ^ wyhash{}.hash(elements), wyhash_secret[1])), ...);
    return multiply_fold(state ^ wyhash_secret[2], wyhash_secret[3] ^ sizeof...(T));
  }
};

}  // namespace hashing

}  // namespace tophash::inline v1

#endif
