// SPDX-License-Identifier: Apache-2.0
// The one hash of all maps, so that the maps are compared and not the hashes: integers by one folded
// multiplication (tophash::mix), strings by wyhash. It avalanches and says so, in the way that Boost and
// tophash read: neither mixes its result again.
#ifndef TOPHASH_BENCH_MICRO_PEERS_HASH_HPP
#define TOPHASH_BENCH_MICRO_PEERS_HASH_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>

#include <tophash/framework/core/bits.hpp>
#include <tophash/policies/hashing/wyhash.hpp>

namespace tophash::peers {

struct shared_hash {
  using is_avalanching = std::true_type;
  std::size_t operator()(std::uint64_t key) const noexcept { return static_cast<std::size_t>(mix(key)); }
  std::size_t operator()(const std::string& key) const noexcept {
    return static_cast<std::size_t>(hashing::wyhash_bytes::hash(key.data(), key.size()));
  }
};

}  // namespace tophash::peers

#endif
