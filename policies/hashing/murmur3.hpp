// SPDX-License-Identifier: Apache-2.0
// MurmurHash3 (Austin Appleby; the algorithm is in the public domain), written anew: for one word its 64-bit
// finaliser, which is a bijection; for bytes the low half of MurmurHash3_x64_128 with seed 0. Which keys are
// words and which are bytes says by_bytes.hpp. Reads bytes in little-endian order wherever they lie.
// Known weakness: equal hashes of different long strings can be written down for any seed at once (J.-P.
// Aumasson, D. J. Bernstein, 2012), so hashing::seeded does not help against prepared strings.
// Cost: a word 2 products in a row; n bytes 4 products for each 16, in two chains, and 4 to finish.
#ifndef TOPHASH_POLICIES_HASHING_MURMUR3_HPP
#define TOPHASH_POLICIES_HASHING_MURMUR3_HPP

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <tophash/policies/hashing/by_bytes.hpp>
#include <tophash/policies/hashing/wyhash.hpp>

namespace tophash::inline v1 {

namespace hashing {

struct murmur3_function {
  struct halves {
    std::uint64_t low = 0, high = 0;
  };

  static constexpr std::uint64_t word(std::uint64_t k) noexcept {
    k = (k ^ (k >> 33)) * 0xff51afd7ed558ccdu;
    k = (k ^ (k >> 33)) * 0xc4ceb9fe1a85ec53u;
    return k ^ (k >> 33);
  }

  static std::uint64_t bytes(const void* data, std::size_t count) noexcept {
    return x64_128(data, count).low;
  }

  // The published function whole; its seed has 32 bits.
  static halves x64_128(const void* data, std::size_t count, std::uint32_t seed = 0) noexcept {
    const unsigned char* from = static_cast<const unsigned char*>(data);
    halves h{seed, seed};
    std::size_t left = count;
    for (; left >= 16; from += 16, left -= 16) {
      h.low ^= scrambled_low(wyhash_bytes::read_8(from));
      h.low = (std::rotl(h.low, 27) + h.high) * 5 + 0x52dce729u;
      h.high ^= scrambled_high(wyhash_bytes::read_8(from + 8));
      h.high = (std::rotl(h.high, 31) + h.low) * 5 + 0x38495ab5u;
    }
    // No bytes scramble to nothing.
    if (left > 8) h.high ^= scrambled_high(read_few(from + 8, left - 8));
    h.low ^= scrambled_low(read_few(from, left < 8 ? left : 8));
    h.low ^= count;
    h.high ^= count;
    h.low += h.high;
    h.high += h.low;
    h.low = word(h.low);
    h.high = word(h.high);
    h.low += h.high;
    h.high += h.low;
    return h;
  }

 private:
  static constexpr std::uint64_t first_factor = 0x87c37b91114253d5u, second_factor = 0x4cf5ad432745937fu;

  static constexpr std::uint64_t scrambled_low(std::uint64_t k) noexcept {
    return std::rotl(k * first_factor, 31) * second_factor;
  }
  static constexpr std::uint64_t scrambled_high(std::uint64_t k) noexcept {
    return std::rotl(k * second_factor, 33) * first_factor;
  }
  // At most 8 bytes, in little-endian order.
  static std::uint64_t read_few(const unsigned char* from, std::size_t count) noexcept {
    std::uint64_t out = 0;
    for (std::size_t i = count; i != 0; --i) out = (out << 8) | from[i - 1];
    return out;
  }
};

struct murmur3 : by_bytes<murmur3_function> {
  static constexpr std::string_view name = "murmur3";
};

}  // namespace hashing

}  // namespace tophash::inline v1

#endif
