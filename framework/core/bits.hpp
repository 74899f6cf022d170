// SPDX-License-Identifier: Apache-2.0
// Bit work of the hot path: the folded multiplication that mixes a hash, and the comparison of eight or sixteen
// tag bytes at once. `match_byte` answers with one bit per equal byte. With SSE2 it is one compare and one move-mask;
// the 64-bit twin uses only integer arithmetic and gives the same bits (a test compares them on every byte).
#ifndef TOPHASH_FRAMEWORK_CORE_BITS_HPP
#define TOPHASH_FRAMEWORK_CORE_BITS_HPP

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <tophash/framework/config.hpp>

#if TOPHASH_HAS_SSE2
#include <emmintrin.h>
#endif

namespace tophash::inline v1 {

#if TOPHASH_HAS_INT128
__extension__ typedef unsigned __int128 uint128;
#endif

// The high half of the 64 x 64 -> 128 bit product.
constexpr std::uint64_t multiply_high(std::uint64_t a, std::uint64_t b) noexcept {
#if TOPHASH_HAS_INT128
  return static_cast<std::uint64_t>(static_cast<uint128>(a) * b >> 64);
#else
  const std::uint64_t a_low = a & 0xffffffffu, a_high = a >> 32, b_low = b & 0xffffffffu, b_high = b >> 32;
  const std::uint64_t low = a_low * b_low, mid_a = a_high * b_low, mid_b = a_low * b_high;
  const std::uint64_t carry = ((low >> 32) + (mid_a & 0xffffffffu) + (mid_b & 0xffffffffu)) >> 32;
  return a_high * b_high + (mid_a >> 32) + (mid_b >> 32) + carry;
#endif
}

// Place of the lowest set bit of a mask that is not zero. std::countr_zero answers with an int: g++ 12 clears a
// register before the instruction and extends what comes out of it, three instructions on the way to every found
// entry. `rep bsf` is tzcnt where there is one and bsf elsewhere, which differ for zero alone; both leave the
// upper half of the register zero.
constexpr std::size_t lowest_bit(unsigned mask) noexcept {
#if TOPHASH_HAS_X86_64_ASM
  if (!std::is_constant_evaluated()) {
    std::size_t at;
    asm("rep bsfl %1, %k0" : "=r"(at) : "r"(mask) : "cc");
    return at;
  }
#endif
  return static_cast<std::size_t>(static_cast<unsigned>(std::countr_zero(mask)));
}

// Where the index-th of objects of `Bytes` bytes begins. One instruction of three cycles; g++ 12 makes three of a
// product with 208, two of them additions of a scaled register, that take five.
template <std::size_t Bytes>
inline std::size_t byte_offset(std::size_t index) noexcept {
#if TOPHASH_HAS_X86_64_ASM
  if constexpr (!std::has_single_bit(Bytes) && Bytes < 1u << 31) {
    std::size_t offset;
    asm("imulq %2, %1, %0" : "=r"(offset) : "rm"(index), "i"(Bytes) : "cc");
    return offset;
  }
#endif
  return index * Bytes;
}

// Set bits of a mask of eight. Without an instruction for it std::popcount is a call.
constexpr std::size_t count_of_eight(unsigned mask) noexcept {
  mask = mask - (mask >> 1 & 0x55u);
  mask = (mask & 0x33u) + (mask >> 2 & 0x33u);
  return (mask + (mask >> 4)) & 0x0fu;
}

// 64 x 64 -> 128 bit product, halves folded by xor (the step that wyhash calls mum). Three cycles of latency
// and one for the fold on current x86.
constexpr std::uint64_t multiply_fold(std::uint64_t a, std::uint64_t b) noexcept {
#if TOPHASH_HAS_INT128
  const uint128 product = static_cast<uint128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
#else
  return (a * b) ^ multiply_high(a, b);
#endif
}

inline constexpr std::uint64_t golden_ratio_bits = 0x9e3779b97f4a7c15u;

// The multiplier of `mix`: among the best of 103,289 odd ones tried on regular integers (i << k, double(i)) in
// tables of 2^12 to 2^18 buckets. Worst unevenness over those patterns 2.45, where a random function reaches about
// 2.5; the golden ratio's bits reach 92.
inline constexpr std::uint64_t mix_multiplier = 0xb2fca37b708634cfu;

// Mixes a hash of unknown quality. Every input bit reaches the low bits (bucket) and the high bits (tag).
constexpr std::uint64_t mix(std::uint64_t hash) noexcept { return multiply_fold(hash, mix_multiplier); }

// One step of splitmix64: the next seed from the last one.
constexpr std::uint64_t next_seed(std::uint64_t seed) noexcept {
  std::uint64_t z = seed + golden_ratio_bits;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

// Eight tag bytes as one word, byte i in bits 8i..8i+7 whatever the machine's byte order.
inline std::uint64_t load_tags(const std::uint8_t* tags) noexcept {
  std::uint64_t word;
  std::memcpy(&word, tags, sizeof word);
  if constexpr (std::endian::native == std::endian::big) {
    word = ((word & 0x00ff00ff00ff00ffu) << 8) | ((word >> 8) & 0x00ff00ff00ff00ffu);
    word = ((word & 0x0000ffff0000ffffu) << 16) | ((word >> 16) & 0x0000ffff0000ffffu);
    word = (word << 32) | (word >> 32);
  }
  return word;
}

// The reverse.
inline void store_tags(std::uint8_t* tags, std::uint64_t word) noexcept {
  if constexpr (std::endian::native == std::endian::big) {
    word = ((word & 0x00ff00ff00ff00ffu) << 8) | ((word >> 8) & 0x00ff00ff00ff00ffu);
    word = ((word & 0x0000ffff0000ffffu) << 16) | ((word >> 16) & 0x0000ffff0000ffffu);
    word = (word << 32) | (word >> 32);
  }
  std::memcpy(tags, &word, sizeof word);
}

// Gathers the top bit of each byte into eight bits.
constexpr unsigned gather_high_bits(std::uint64_t word) noexcept {
  return static_cast<unsigned>(((word & 0x8080808080808080u) * 0x0002040810204081u) >> 56);
}

// Exact for every byte (no borrow runs into the neighbour).
constexpr unsigned match_byte_portable(std::uint64_t tags, std::uint8_t wanted) noexcept {
  const std::uint64_t x = tags ^ (0x0101010101010101u * wanted);
  const std::uint64_t low_bits = (x & 0x7f7f7f7f7f7f7f7fu) + 0x7f7f7f7f7f7f7f7fu;
  return gather_high_bits(~(low_bits | x));
}

// Bytes that are at least `least` (1..128).
constexpr unsigned at_least_portable(std::uint64_t tags, std::uint8_t least) noexcept {
  const std::uint64_t low = (tags & 0x7f7f7f7f7f7f7f7fu) + 0x0101010101010101u * (0x80u - least);
  return gather_high_bits(low | tags);
}

// Bytes that are at most `most` (0..126).
constexpr unsigned at_most_portable(std::uint64_t tags, std::uint8_t most) noexcept {
  return ~at_least_portable(tags, static_cast<std::uint8_t>(most + 1)) & 0xffu;
}

#if TOPHASH_HAS_SSE2
inline unsigned match_byte_sse2(const std::uint8_t* tags, std::uint8_t wanted) noexcept {
  const __m128i word = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(tags));
  const __m128i equal = _mm_cmpeq_epi8(word, _mm_set1_epi8(static_cast<char>(wanted)));
  return static_cast<unsigned>(_mm_movemask_epi8(equal)) & 0xffu;
}

inline unsigned at_least_sse2(const std::uint8_t* tags, std::uint8_t least) noexcept {
  const __m128i word = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(tags));
  const __m128i bound = _mm_set1_epi8(static_cast<char>(least));
  const __m128i holds = _mm_cmpeq_epi8(_mm_max_epu8(word, bound), word);
  return static_cast<unsigned>(_mm_movemask_epi8(holds)) & 0xffu;
}

// The eight lanes past the tags are zero and match: the caller masks them.
inline unsigned at_most_sse2(const std::uint8_t* tags, std::uint8_t most) noexcept {
  const __m128i word = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(tags));
  const __m128i bound = _mm_set1_epi8(static_cast<char>(most));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_max_epu8(word, bound), bound)));
}
#endif

inline unsigned match_byte(const std::uint8_t* tags, std::uint8_t wanted) noexcept {
#if TOPHASH_HAS_SSE2
  return match_byte_sse2(tags, wanted);
#else
  return match_byte_portable(load_tags(tags), wanted);
#endif
}

// The same for a byte that is never zero: with SSE2 the eight lanes past the tags are zero and cannot match, so
// the mask is not needed. One instruction less on every lookup.
inline unsigned match_nonzero_byte(const std::uint8_t* tags, std::uint8_t wanted) noexcept {
#if TOPHASH_HAS_SSE2
  const __m128i word = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(tags));
  const __m128i equal = _mm_cmpeq_epi8(word, _mm_set1_epi8(static_cast<char>(wanted)));
  return static_cast<unsigned>(_mm_movemask_epi8(equal));
#else
  return match_byte_portable(load_tags(tags), wanted);
#endif
}

// The same for a tag that is there four times (match_four_16 says why).
inline unsigned match_four(const std::uint8_t* tags, std::uint32_t wanted) noexcept {
#if TOPHASH_HAS_SSE2
  const __m128i word = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(tags));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(word, _mm_set1_epi32(static_cast<int>(wanted)))));
#else
  return match_nonzero_byte(tags, static_cast<std::uint8_t>(wanted));
#endif
}

inline unsigned at_least(const std::uint8_t* tags, std::uint8_t least) noexcept {
#if TOPHASH_HAS_SSE2
  return at_least_sse2(tags, least);
#else
  return at_least_portable(load_tags(tags), least);
#endif
}

// Bits past the eighth are not defined.
inline unsigned at_most(const std::uint8_t* tags, std::uint8_t most) noexcept {
#if TOPHASH_HAS_SSE2
  return at_most_sse2(tags, most);
#else
  return at_most_portable(load_tags(tags), most);
#endif
}

// ---- sixteen tag bytes, aligned to sixteen ------------------------------------------------------------------------
// One bit a byte, as above. The portable twin works on the two halves.

constexpr unsigned match_byte_16_portable(std::uint64_t low, std::uint64_t high, std::uint8_t wanted) noexcept {
  return match_byte_portable(low, wanted) | match_byte_portable(high, wanted) << 8;
}
constexpr unsigned at_least_16_portable(std::uint64_t low, std::uint64_t high, std::uint8_t least) noexcept {
  return at_least_portable(low, least) | at_least_portable(high, least) << 8;
}

inline unsigned match_byte_16(const std::uint8_t* tags, std::uint8_t wanted) noexcept {
#if TOPHASH_HAS_SSE2
  const __m128i word = _mm_load_si128(reinterpret_cast<const __m128i*>(tags));
  return static_cast<unsigned>(
      _mm_movemask_epi8(_mm_cmpeq_epi8(word, _mm_set1_epi8(static_cast<char>(wanted)))));
#else
  return match_byte_16_portable(load_tags(tags), load_tags(tags + 8), wanted);
#endif
}

// The same for a tag that is there four times, as the tables of open_groups have it: with SSE2 alone, to spread a byte
// over a register takes three dependent shuffles, and a word one.
inline unsigned match_four_16(const std::uint8_t* tags, std::uint32_t wanted) noexcept {
#if TOPHASH_HAS_SSE2
  const __m128i word = _mm_load_si128(reinterpret_cast<const __m128i*>(tags));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(word, _mm_set1_epi32(static_cast<int>(wanted)))));
#else
  return match_byte_16(tags, static_cast<std::uint8_t>(wanted));
#endif
}

#if TOPHASH_HAS_SSE2
// Sixteen bytes from `16 - n` on: all ones at byte n, or before byte n.
inline constexpr std::array<std::uint8_t, 32> ones_at_16 = [] {
  std::array<std::uint8_t, 32> out{};
  out[16] = 0xff;
  return out;
}();
inline constexpr std::array<std::uint8_t, 32> ones_before_16 = [] {
  std::array<std::uint8_t, 32> out{};
  for (std::size_t i = 0; i < 16; ++i) out[i] = 0xff;
  return out;
}();
inline __m128i ones_16(const std::array<std::uint8_t, 32>& window, std::size_t n) noexcept {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(window.data() + (16 - n)));
}
#endif

// Sets one byte of a group that is soon searched again. One byte stored would hold the next load of sixteen up until
// it has reached the cache (15 cycles and more): so all sixteen are stored, which a load takes from the store buffer.
// Nobody else writes the group meanwhile. `wanted` is there four times.
inline void set_byte_16(std::uint8_t* tags, std::size_t at, std::uint32_t wanted) noexcept {
#if TOPHASH_HAS_SSE2
  auto* const group = reinterpret_cast<__m128i*>(tags);
  const __m128i ones = ones_16(ones_at_16, at);
  const __m128i word = _mm_set1_epi32(static_cast<int>(wanted));
  _mm_store_si128(group, _mm_or_si128(_mm_andnot_si128(ones, _mm_load_si128(group)), _mm_and_si128(ones, word)));
#else
  tags[at] = static_cast<std::uint8_t>(wanted);
#endif
}

// The first `n` (at most 16) of sixteen bytes as in `from`, the others as they are; one store, as above.
inline void take_first_bytes_16(std::uint8_t* tags, const std::uint8_t* from, std::size_t n) noexcept {
#if TOPHASH_HAS_SSE2
  auto* const group = reinterpret_cast<__m128i*>(tags);
  const __m128i ones = ones_16(ones_before_16, n);
  const __m128i first = _mm_and_si128(ones, _mm_load_si128(reinterpret_cast<const __m128i*>(from)));
  _mm_store_si128(group, _mm_or_si128(_mm_andnot_si128(ones, _mm_load_si128(group)), first));
#else
  std::memcpy(tags, from, n);
#endif
}

// Bytes that are at least `least` (1..128).
inline unsigned at_least_16(const std::uint8_t* tags, std::uint8_t least) noexcept {
#if TOPHASH_HAS_SSE2
  const __m128i word = _mm_load_si128(reinterpret_cast<const __m128i*>(tags));
  const __m128i bound = _mm_set1_epi8(static_cast<char>(least));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_max_epu8(word, bound), word)));
#else
  return at_least_16_portable(load_tags(tags), load_tags(tags + 8), least);
#endif
}

}  // namespace tophash::inline v1

#endif
