// SPDX-License-Identifier: Apache-2.0
// What the file of a family includes: everything to turn a map template into a contestant. Each such file is
// compiled twice, with TOPHASH_PEERS_NATIVE_HASH 0 (every map hashes with shared_hash) and 1 (each with its
// own default).
#ifndef TOPHASH_BENCH_MICRO_PEERS_FAMILY_HPP
#define TOPHASH_BENCH_MICRO_PEERS_FAMILY_HPP

#include <cstdint>
#include <string>
#include <vector>

#include "micro/peers/contestant.hpp"
#include "micro/peers/hash.hpp"
#include "micro/peers/interfaces.hpp"
#include "micro/peers/workloads.hpp"

#if TOPHASH_PEERS_NATIVE_HASH
#define TOPHASH_PEERS_HASHING native_hashing
#else
#define TOPHASH_PEERS_HASHING shared_hashing
#endif

namespace tophash::peers {

inline constexpr bool native_hash = TOPHASH_PEERS_NATIVE_HASH;

// Map<Key, T, Hash>: the hash given, or what the map takes when none is.
template <template <class...> class Map, class Key, class T>
struct hashed {
#if TOPHASH_PEERS_NATIVE_HASH
  using type = Map<Key, T>;
#else
  using type = Map<Key, T, shared_hash>;
#endif
};

}  // namespace tophash::peers

#endif
