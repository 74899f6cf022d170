// SPDX-License-Identifier: Apache-2.0
#include <absl/container/flat_hash_map.h>
#include <absl/container/node_hash_map.h>

#include "micro/peers/family.hpp"

namespace tophash::peers::TOPHASH_PEERS_HASHING {

template <class Key, class T>
using absl_flat = typename hashed<absl::flat_hash_map, Key, T>::type;
template <class Key, class T>
using absl_node = typename hashed<absl::node_hash_map, Key, T>::type;

void add_absl(std::vector<contestant>& to) {
  to.push_back(
      make_contestant<std_interface, absl_flat, !native_hash>("absl_flat", "aF", "absl::flat_hash_map"));
  to.push_back(
      make_contestant<std_interface, absl_node, !native_hash>("absl_node", "aN", "absl::node_hash_map"));
}

}  // namespace tophash::peers::TOPHASH_PEERS_HASHING
