// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4), fed in pieces: names the input of a run in its manifest. About 200 MB/s, which is
// enough for compressed traces; nothing secret passes through it.
#ifndef TOPHASH_BENCH_LAB_SHA256_HPP
#define TOPHASH_BENCH_LAB_SHA256_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tophash::lab {

class sha256 {
 public:
  void feed(std::string_view bytes) noexcept;
  std::string hex();  // ends the message

 private:
  void compress(const unsigned char* block) noexcept;

  std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<unsigned char, 64> pending_{};
  std::size_t pending_bytes_ = 0;
  std::uint64_t total_bytes_ = 0;
};

std::string sha256_of(std::string_view bytes);

}  // namespace tophash::lab

#endif
