// SPDX-License-Identifier: Apache-2.0
// tophash's own. With the shared hash: the hash functor is the whole hashing policy and says that it
// avalanches, so the table does not mix again, and there is no seed. With each map's own: seeded wyhash.
#include <tophash/fast_map.hpp>
#include <tophash/policies/hashing/hash_with.hpp>

#include "micro/peers/family.hpp"

namespace tophash::peers::TOPHASH_PEERS_HASHING {

#if TOPHASH_PEERS_NATIVE_HASH
template <class Key, class T>
using fast = fast_map<Key, T>;
template <class Key, class T>
using chain = map<Key, T>;
#else
template <class Key, class T>
using fast = fast_map<Key, T, hashing::hash_with<shared_hash>>;
template <class Key, class T>
using chain = map<Key, T, hashing::hash_with<shared_hash>>;
#endif
template <class Key, class T>
using seeded = fast_map<Key, T>;

void add_tophash(std::vector<contestant>& to) {
  to.push_back(
      make_contestant<std_interface, fast, !native_hash>("fast_map", "fast", "tophash::fast_map", true));
  to.push_back(make_contestant<std_interface, fast, !native_hash>(
      "fast_again", "self", "tophash::fast_map once more: what the bench makes of equal maps", true));
  to.push_back(make_contestant<std_interface, chain, !native_hash>("map", "map", "tophash::map", true));
  if constexpr (!native_hash) {
    to.push_back(make_contestant<std_interface, seeded, false>(
        "fast_seeded", "seed", "tophash::fast_map, its own seeded wyhash", true));
  }
}

}  // namespace tophash::peers::TOPHASH_PEERS_HASHING
