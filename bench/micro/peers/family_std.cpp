// SPDX-License-Identifier: Apache-2.0
#include <unordered_map>

#include "micro/peers/family.hpp"

namespace tophash::peers::TOPHASH_PEERS_HASHING {

template <class Key, class T>
using std_map = typename hashed<std::unordered_map, Key, T>::type;

void add_std(std::vector<contestant>& to) {
  to.push_back(make_contestant<std_interface, std_map, !native_hash>("std", "std", "std::unordered_map"));
}

}  // namespace tophash::peers::TOPHASH_PEERS_HASHING
