// SPDX-License-Identifier: Apache-2.0
// A pre-computed hash, as a type of its own so that no integer converts to it and no token of one hashing
// policy is taken for another's. It holds the hash before any seed is mixed in, so it stays good when a map
// reseeds (Go reseeds a map that becomes empty), in every map with the same hashing policy.
#ifndef TOPHASH_FRAMEWORK_CORE_HASH_TOKEN_HPP
#define TOPHASH_FRAMEWORK_CORE_HASH_TOKEN_HPP

#include <cstdint>

namespace tophash::inline v1 {

template <class Hashing>
class hash_token {
 public:
  constexpr explicit hash_token(std::uint64_t unseeded) noexcept : unseeded_(unseeded) {}
  constexpr std::uint64_t unseeded() const noexcept { return unseeded_; }
  friend constexpr bool operator==(hash_token, hash_token) = default;

 private:
  std::uint64_t unseeded_;
};

}  // namespace tophash::inline v1

#endif
