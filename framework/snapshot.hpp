// SPDX-License-Identifier: Apache-2.0
// The other way to iterate while writing: over a copy. snapshot(m) holds the entries, of a set the keys, that were there
// when it was made; later writes to m do not reach it, nor writes to it m. O(buckets + entries) time and sizeof(entry) a
// piece, where a mutation_safe iterator takes half a kilobyte in all; but it shows erased entries, and updated ones with
// their old value. Strong guarantee; std::bad_alloc.
#ifndef TOPHASH_FRAMEWORK_SNAPSHOT_HPP
#define TOPHASH_FRAMEWORK_SNAPSHOT_HPP

#include <utility>
#include <vector>

#include <tophash/framework/fwd.hpp>

namespace tophash::inline v1 {

template <class Key, class T, class Spec>
std::vector<std::pair<Key, T>> snapshot(const basic_map<Key, T, Spec>& m) {
  std::vector<std::pair<Key, T>> out;
  out.reserve(m.size());
  for (const auto& entry : m) out.emplace_back(entry.first, entry.second);
  return out;
}

template <class Key, class Spec>
std::vector<Key> snapshot(const basic_set<Key, Spec>& s) {
  std::vector<Key> out;
  out.reserve(s.size());
  for (const Key& key : s) out.push_back(key);
  return out;
}

}  // namespace tophash::inline v1

#endif
