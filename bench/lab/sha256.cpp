// SPDX-License-Identifier: Apache-2.0
// The compression function of SHA-256 and its padding. The round constants are the first 32 bits of the
// fractional parts of the cube roots of the first 64 primes, computed here as the standard defines them.
#include "lab/sha256.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace tophash::lab {

namespace {

// floor(cbrt(prime) * 2^32) mod 2^32, by bisection in integers: exact, so no digit had to be typed.
constexpr std::uint32_t cube_root_fraction(std::uint64_t prime) {
  std::uint64_t low = 0, high = std::uint64_t{8} << 32;  // cbrt(311) < 8
  while (high - low > 1) {
    const std::uint64_t middle = low + (high - low) / 2;
    // middle^3 <= prime * 2^96, compared in 32-bit limbs: middle has 35 bits, its cube 105.
    const std::uint64_t a = middle >> 32, b = middle & 0xffffffffu;
    const std::uint64_t square_low = b * b;
    const std::uint64_t square_mid = 2 * a * b + (square_low >> 32);  // a < 8: fits
    const std::uint64_t square_high = a * a + (square_mid >> 32);
    const std::uint64_t s0 = square_low & 0xffffffffu, s1 = square_mid & 0xffffffffu, s2 = square_high;
    const std::uint64_t c0 = s0 * b;
    const std::uint64_t c1 = s1 * b + (c0 >> 32);
    const std::uint64_t c1_more = (c1 & 0xffffffffu) + s0 * a;
    const std::uint64_t c2 = s2 * b + (c1 >> 32) + (c1_more >> 32) + s1 * a;
    const std::uint64_t c3 = s2 * a + (c2 >> 32);
    const bool above =
        c3 > prime ||
        (c3 == prime && ((c2 & 0xffffffffu) | (c1_more & 0xffffffffu) | (c0 & 0xffffffffu)) != 0);
    (above ? high : low) = middle;
  }
  return static_cast<std::uint32_t>(low);
}

constexpr std::array<std::uint32_t, 64> make_constants() {
  std::array<std::uint32_t, 64> out{};
  std::size_t count = 0;
  for (std::uint64_t n = 2; count < out.size(); ++n) {
    bool prime = true;
    for (std::uint64_t d = 2; d * d <= n; ++d) prime = prime && n % d != 0;
    if (prime) out[count++] = cube_root_fraction(n);
  }
  return out;
}

constexpr std::array<std::uint32_t, 64> constants = make_constants();
static_assert(constants[0] == 0x428a2f98 && constants[63] == 0xc67178f2);

}  // namespace

void sha256::compress(const unsigned char* block) noexcept {
  std::array<std::uint32_t, 64> w{};
  for (std::size_t i = 0; i < 16; ++i) {
    w[i] = std::uint32_t{block[4 * i]} << 24 | std::uint32_t{block[4 * i + 1]} << 16 |
           std::uint32_t{block[4 * i + 2]} << 8 | std::uint32_t{block[4 * i + 3]};
  }
  for (std::size_t i = 16; i < 64; ++i) {
    const std::uint32_t s0 = std::rotr(w[i - 15], 7) ^ std::rotr(w[i - 15], 18) ^ (w[i - 15] >> 3);
    const std::uint32_t s1 = std::rotr(w[i - 2], 17) ^ std::rotr(w[i - 2], 19) ^ (w[i - 2] >> 10);
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  std::array<std::uint32_t, 8> v = state_;
  for (std::size_t i = 0; i < 64; ++i) {
    const std::uint32_t s1 = std::rotr(v[4], 6) ^ std::rotr(v[4], 11) ^ std::rotr(v[4], 25);
    const std::uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
    const std::uint32_t first = v[7] + s1 + choice + constants[i] + w[i];
    const std::uint32_t s0 = std::rotr(v[0], 2) ^ std::rotr(v[0], 13) ^ std::rotr(v[0], 22);
    const std::uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
    v = {first + s0 + majority, v[0], v[1], v[2], v[3] + first, v[4], v[5], v[6]};
  }
  for (std::size_t i = 0; i < 8; ++i) state_[i] += v[i];
}

void sha256::feed(std::string_view bytes) noexcept {
  total_bytes_ += bytes.size();
  while (!bytes.empty()) {
    const std::size_t taken = std::min(bytes.size(), pending_.size() - pending_bytes_);
    std::memcpy(pending_.data() + pending_bytes_, bytes.data(), taken);
    pending_bytes_ += taken;
    bytes.remove_prefix(taken);
    if (pending_bytes_ == pending_.size()) {
      compress(pending_.data());
      pending_bytes_ = 0;
    }
  }
}

std::string sha256::hex() {
  const std::uint64_t bits = total_bytes_ * 8;
  feed(std::string_view{"\x80", 1});
  while (pending_bytes_ != 56) feed(std::string_view{"\0", 1});
  std::array<char, 8> length{};
  for (std::size_t i = 0; i < 8; ++i)
    length[i] = static_cast<char>(static_cast<unsigned char>(bits >> (56 - 8 * i)));
  feed({length.data(), length.size()});
  std::string out;
  for (const std::uint32_t word : state_) {
    for (int shift = 28; shift >= 0; shift -= 4) out += "0123456789abcdef"[(word >> shift) & 0xfu];
  }
  return out;
}

std::string sha256_of(std::string_view bytes) {
  sha256 hash;
  hash.feed(bytes);
  return hash.hex();
}

}  // namespace tophash::lab
