// SPDX-License-Identifier: Apache-2.0
#include <boost/unordered/unordered_flat_map.hpp>

#include "micro/peers/family.hpp"

namespace tophash::peers::TOPHASH_PEERS_HASHING {

template <class Key, class T>
using boost_flat = typename hashed<boost::unordered_flat_map, Key, T>::type;

void add_boost(std::vector<contestant>& to) {
  to.push_back(make_contestant<std_interface, boost_flat, !native_hash>("boost_flat", "bF",
                                                                        "boost::unordered_flat_map"));
}

}  // namespace tophash::peers::TOPHASH_PEERS_HASHING
