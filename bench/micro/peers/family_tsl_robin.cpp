// SPDX-License-Identifier: Apache-2.0
#include <type_traits>

#include <tsl/robin_map.h>

#include "micro/peers/family.hpp"

namespace tophash::peers::TOPHASH_PEERS_HASHING {

template <class Key, class T>
using robin = std::conditional_t<native_hash, tsl::robin_map<Key, T>, tsl::robin_map<Key, T, shared_hash>>;

void add_tsl_robin(std::vector<contestant>& to) {
  to.push_back(make_contestant<std_interface, robin, !native_hash>("tsl_robin", "R", "tsl::robin_map"));
}

}  // namespace tophash::peers::TOPHASH_PEERS_HASHING
