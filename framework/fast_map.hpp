// SPDX-License-Identifier: Apache-2.0
// tophash::fast_map and fast_set: the preset `fastest`. Further options beat the preset's.
#ifndef TOPHASH_FRAMEWORK_FAST_MAP_HPP
#define TOPHASH_FRAMEWORK_FAST_MAP_HPP

#include <tophash/framework/map.hpp>
#include <tophash/framework/presets/fastest.hpp>
#include <tophash/framework/set.hpp>

namespace tophash::inline v1 {

template <class Key, class T, class... Options>
using fast_map = map<Key, T, presets::fastest, Options...>;

template <class Key, class... Options>
using fast_set = set<Key, presets::fastest, Options...>;

}  // namespace tophash::inline v1

#endif
