// SPDX-License-Identifier: Apache-2.0
// Forward declarations of the containers of <tophash/std_api.hpp>, with the standard's default arguments.
#ifndef TOPHASH_FRAMEWORK_STD_API_FWD_HPP
#define TOPHASH_FRAMEWORK_STD_API_FWD_HPP

#include <functional>
#include <memory>
#include <utility>

namespace tophash::inline v1 {

template <class Key, class T, class Hash = std::hash<Key>, class KeyEqual = std::equal_to<Key>,
          class Allocator = std::allocator<std::pair<const Key, T>>>
class unordered_flat_map;

template <class Key, class T, class Hash = std::hash<Key>, class KeyEqual = std::equal_to<Key>,
          class Allocator = std::allocator<std::pair<const Key, T>>>
class unordered_node_map;

template <class Key, class T, class Hash = std::hash<Key>, class KeyEqual = std::equal_to<Key>,
          class Allocator = std::allocator<std::pair<const Key, T>>>
class unordered_bucket_map;

template <class Key, class Hash = std::hash<Key>, class KeyEqual = std::equal_to<Key>,
          class Allocator = std::allocator<Key>>
class unordered_flat_set;

template <class Key, class Hash = std::hash<Key>, class KeyEqual = std::equal_to<Key>,
          class Allocator = std::allocator<Key>>
class unordered_node_set;

template <class Key, class Hash = std::hash<Key>, class KeyEqual = std::equal_to<Key>,
          class Allocator = std::allocator<Key>>
class unordered_bucket_set;

}  // namespace tophash::inline v1

#endif
