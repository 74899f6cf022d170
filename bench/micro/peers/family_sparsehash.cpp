// SPDX-License-Identifier: Apache-2.0
#include <google/dense_hash_map>

#include "micro/peers/family.hpp"

namespace tophash::peers::TOPHASH_PEERS_HASHING {

template <class Key, class T>
using dense = typename hashed<google::dense_hash_map, Key, T>::type;

void add_sparsehash(std::vector<contestant>& to) {
  to.push_back(make_contestant<dense_interface, dense, !native_hash>("dense", "D", "google::dense_hash_map"));
}

}  // namespace tophash::peers::TOPHASH_PEERS_HASHING
