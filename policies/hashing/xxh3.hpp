// SPDX-License-Identifier: Apache-2.0
// XXH3, 64 bits, seed 0, by the xxhash library (0.8 or later, where the values are final); needs its header
// only, as the functions are compiled in. Which keys are words and which are bytes says by_bytes.hpp; a word
// is hashed as its 8 bytes. Cost: that of XXH3_64bits; a word 2 products in a row, strings to 16 bytes 2,
// long ones the width of the machine's vectors.
#ifndef TOPHASH_POLICIES_HASHING_XXH3_HPP
#define TOPHASH_POLICIES_HASHING_XXH3_HPP

#include <cstddef>
#include <cstdint>
#include <string_view>

// Asked for here only, so that the program's own inclusion, before or after, is as it would have been.
#ifdef XXH_INLINE_ALL
#include <xxhash.h>
#else
#define XXH_INLINE_ALL
#include <xxhash.h>
#undef XXH_INLINE_ALL
#endif

#include <tophash/policies/hashing/by_bytes.hpp>

namespace tophash::inline v1 {

namespace hashing {

struct xxh3_function {
  static std::uint64_t word(std::uint64_t value) noexcept { return XXH3_64bits(&value, sizeof value); }
  // The library wants an address even for no bytes.
  static std::uint64_t bytes(const void* data, std::size_t count) noexcept {
    return XXH3_64bits(data == nullptr ? "" : data, count);
  }
};

struct xxh3 : by_bytes<xxh3_function> {
  static constexpr std::string_view name = "xxh3";
};

}  // namespace hashing

}  // namespace tophash::inline v1

#endif
