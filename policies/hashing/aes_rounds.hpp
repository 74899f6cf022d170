// SPDX-License-Identifier: Apache-2.0
// A hash of 17 to 32 bytes by three rounds of the Advanced Encryption Standard (FIPS 197), as Go's runtime hashes
// strings where the processor has the instruction: eight instructions, where two products and what joins them are
// seventeen. x86-64 alone; elsewhere, and on processors without it, `direct_lengths` stays 0 and nothing else here
// exists. Nothing of it is encryption: the rounds are few and their key is known.
#ifndef TOPHASH_POLICIES_HASHING_AES_ROUNDS_HPP
#define TOPHASH_POLICIES_HASHING_AES_ROUNDS_HPP

#include <cstddef>
#include <cstdint>

#include <tophash/framework/config.hpp>
#include <tophash/framework/core/bits.hpp>

#if TOPHASH_HAS_SSE2 && TOPHASH_HAS_X86_64_ASM
#define TOPHASH_HAS_AES_INSTRUCTION 1
#else
#define TOPHASH_HAS_AES_INSTRUCTION 0
#endif

namespace tophash::inline v1::hashing::aes_rounds {

#if TOPHASH_HAS_AES_INSTRUCTION
// Asks the processor.
TOPHASH_NOINLINE inline bool is_there() noexcept { return __builtin_cpu_supports("aes") != 0; }
// 16 where the processor has the instruction, else 0: so one comparison asks for that and for the length. Still 0 in what
// runs before this header's variables are initialised, which calls is_there() instead.
inline const std::size_t direct_lengths = is_there() ? 16 : 0;

// The first bits of pi after the point.
alignas(16) inline constexpr std::uint64_t round_key[2] = {0xd308a385886a3f24u, 0x447370032e8a1913u};

// Only if is_there(). Written out: the compilers know the instruction under -maes alone.
TOPHASH_ALWAYS_INLINE __m128i round(__m128i block, const __m128i& key) noexcept {
  asm("aesenc %1, %0" : "+x"(block) : "x"(key));
  return block;
}

// Of 17 to 32 bytes: the first sixteen go through three rounds, the last sixteen are the key of the first. After the
// two that follow a byte of either has reached all sixteen, half of which are the hash. The length is not in it.
TOPHASH_ALWAYS_INLINE std::uint64_t fold(const unsigned char* from, std::size_t bytes) noexcept {
  const auto read = [](const unsigned char* at) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at)); };
  const __m128i key = _mm_load_si128(reinterpret_cast<const __m128i*>(round_key));
  const __m128i state = round(read(from), read(from + bytes - 16));
  return static_cast<std::uint64_t>(_mm_cvtsi128_si64(round(round(state, key), key)));
}
#endif

}  // namespace tophash::inline v1::hashing::aes_rounds

#endif
