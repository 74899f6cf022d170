// SPDX-License-Identifier: Apache-2.0
#include <type_traits>

#include <ext/pb_ds/assoc_container.hpp>

#include "micro/peers/family.hpp"

namespace tophash::peers::TOPHASH_PEERS_HASHING {

template <class Key, class T>
using chained = std::conditional_t<native_hash, __gnu_pbds::cc_hash_table<Key, T>,
                                   __gnu_pbds::cc_hash_table<Key, T, shared_hash>>;
template <class Key, class T>
using probing = std::conditional_t<native_hash, __gnu_pbds::gp_hash_table<Key, T>,
                                   __gnu_pbds::gp_hash_table<Key, T, shared_hash>>;

void add_pbds(std::vector<contestant>& to) {
  to.push_back(
      make_contestant<pbds_interface, chained, !native_hash>("pbds_cc", "cc", "__gnu_pbds::cc_hash_table"));
  to.push_back(
      make_contestant<pbds_interface, probing, !native_hash>("pbds_gp", "gp", "__gnu_pbds::gp_hash_table"));
}

}  // namespace tophash::peers::TOPHASH_PEERS_HASHING
