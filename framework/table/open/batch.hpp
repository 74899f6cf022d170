// SPDX-License-Identifier: Apache-2.0
// Many keys at once, over open groups. A search waits for two lines, tags and entry, and a table far larger
// than the caches misses on both. Three passes over sixteen keys (hash and ask for the tags; compare tags and
// ask for the entry; search) let the lines of one key arrive while the others are computed.
#ifndef TOPHASH_FRAMEWORK_TABLE_OPEN_BATCH_HPP
#define TOPHASH_FRAMEWORK_TABLE_OPEN_BATCH_HPP

#include <bit>
#include <cstddef>
#include <cstdint>

#include <tophash/framework/config.hpp>
#include <tophash/framework/table/open/state.hpp>

namespace tophash::inline v1::table {

template <class B>
TOPHASH_ALWAYS_INLINE void prefetch_home(const open_state<B>& s, std::uint64_t hash) noexcept {
  TOPHASH_PREFETCH(s.current.groups + s.current.map.index(hash));
}

// The second pass: the slot that is probably wanted.
template <class B>
TOPHASH_ALWAYS_INLINE void prefetch_entry(const open_state<B>& s, std::uint64_t hash) noexcept {
  using model = typename B::model;
  const std::size_t home = s.current.map.index(hash);
  const unsigned equal = model::match_word(s.current.groups + home, model::tag_word_of(hash));
  if (equal != 0) {
    TOPHASH_PREFETCH(s.current.entries + home * model::slots + lowest_bit(equal));
  }
}

template <class B>
std::size_t searched_bytes(const open_state<B>& s) noexcept {
  return s.current.units() * (B::model::width + B::model::slots * sizeof(typename B::model::unit));
}

}  // namespace tophash::inline v1::table

#endif
