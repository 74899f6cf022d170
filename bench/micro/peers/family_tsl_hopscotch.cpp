// SPDX-License-Identifier: Apache-2.0
#include <type_traits>

#include <tsl/hopscotch_map.h>

#include "micro/peers/family.hpp"

namespace tophash::peers::TOPHASH_PEERS_HASHING {

// Its further parameters are not all types: the template cannot be passed as template <class...>.
template <class Key, class T>
using hopscotch =
    std::conditional_t<native_hash, tsl::hopscotch_map<Key, T>, tsl::hopscotch_map<Key, T, shared_hash>>;

void add_tsl_hopscotch(std::vector<contestant>& to) {
  to.push_back(
      make_contestant<std_interface, hopscotch, !native_hash>("tsl_hopscotch", "H", "tsl::hopscotch_map"));
}

}  // namespace tophash::peers::TOPHASH_PEERS_HASHING
