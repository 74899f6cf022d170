// SPDX-License-Identifier: Apache-2.0
// tophash::go_map and go_set: the preset `go_like`, the semantics of Go's map in C++'s types. Further options beat the
// preset's.
//
//   tophash::go_map<std::string, int> m;
//   for (auto&& [key, value] : m) m.erase(key);      // any write is allowed while iterating: see the guarantees in
//                                                    // policies/iteration/mutation_safe.hpp
// Beside tophash::map's interface: snapshot(m), a copy of the entries as they are now, for a loop that is to see what
// was there at its start and nothing else.
// Where it differs from Go, and why: docs/go-fidelity.md.
#ifndef TOPHASH_FRAMEWORK_GO_MAP_HPP
#define TOPHASH_FRAMEWORK_GO_MAP_HPP

#include <tophash/framework/map.hpp>
#include <tophash/framework/presets/go_like.hpp>
#include <tophash/framework/set.hpp>
#include <tophash/framework/snapshot.hpp>

namespace tophash::inline v1 {

template <class Key, class T, class... Options>
using go_map = map<Key, T, presets::go_like, Options...>;

template <class Key, class... Options>
using go_set = set<Key, presets::go_like, Options...>;

}  // namespace tophash::inline v1

#endif
