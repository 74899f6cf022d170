// SPDX-License-Identifier: Apache-2.0
// Lookup behind a directory: two loads more than in one array, from places that stay in the cache. And many
// keys at once.
#ifndef TOPHASH_FRAMEWORK_TABLE_DIRECTORY_FIND_HPP
#define TOPHASH_FRAMEWORK_TABLE_DIRECTORY_FIND_HPP

#include <cstddef>
#include <cstdint>

#include <tophash/framework/config.hpp>
#include <tophash/framework/table/directory/state.hpp>
#include <tophash/framework/table/open/batch.hpp>
#include <tophash/framework/table/open/find.hpp>

namespace tophash::inline v1::table {

template <with_directory B, class K>
TOPHASH_ALWAYS_INLINE place<B> find_entry(const open_state<B>& s, std::uint64_t hash, const K& key) {
  return {B::model::find(array_for(s, hash), hash, equal_to(s, key)), false};
}

// Groups that a search for a key of this hash has looked at, `found` being its answer.
template <with_directory B>
std::size_t groups_searched(const open_state<B>& s, std::uint64_t hash, const place<B>& found) noexcept {
  using model = typename B::model;
  const typename B::array& a = array_for(s, hash);
  const auto* const wanted = found ? model::group_of(found.at.tag) : nullptr;
  std::size_t groups = 1;
  for (typename model::probe p(a, hash);
       a.groups + p.at != wanted && !model::ends(a.groups + p.at, hash) && p.next(a);) {
    ++groups;
  }
  return groups;
}

template <with_directory B>
TOPHASH_ALWAYS_INLINE void prefetch_home(const open_state<B>& s, std::uint64_t hash) noexcept {
  const typename B::array& a = array_for(s, hash);
  TOPHASH_PREFETCH(a.groups + a.map.index(hash));
}

template <with_directory B>
TOPHASH_ALWAYS_INLINE void prefetch_entry(const open_state<B>& s, std::uint64_t hash) noexcept {
  using model = typename B::model;
  const typename B::array& a = array_for(s, hash);
  const std::size_t home = a.map.index(hash);
  const unsigned equal = model::match_word(a.groups + home, model::tag_word_of(hash));
  if (equal != 0) TOPHASH_PREFETCH(a.entries + home * model::slots + lowest_bit(equal));
}

template <with_directory B>
std::size_t searched_bytes(const open_state<B>& s) noexcept {
  return s.units * (B::model::width + B::model::slots * sizeof(typename B::model::unit));
}

}  // namespace tophash::inline v1::table

#endif
