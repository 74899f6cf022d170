// SPDX-License-Identifier: Apache-2.0
// tophash::go_sync_map<K, V>: Go's sync.Map, of version 1.19 with the operations added since.
//   using option types: allocation, layout, hashing and the others decide its two tables, as they do a map's;
//   observe::sync_counters counts what happens under its mutex.
#ifndef TOPHASH_FRAMEWORK_GO_SYNC_MAP_HPP
#define TOPHASH_FRAMEWORK_GO_SYNC_MAP_HPP

#include <tophash/framework/presets/fastest.hpp>
#include <tophash/framework/shared/go_sync_map.hpp>
#include <tophash/policies/observe/sync_counters.hpp>

namespace tophash::inline v1 {

// Its tables are fast_map's, unless options say otherwise.
template <class Key, class T, class... Options>
using go_sync_map = shared::basic_go_sync_map<Key, T, compose<presets::fastest, Options...>>;

}  // namespace tophash::inline v1

#endif
