// SPDX-License-Identifier: Apache-2.0
// Many keys at once, over chained buckets. See open/batch.hpp: the same three passes, the header of the home
// bucket standing for the group of tags.
#ifndef TOPHASH_FRAMEWORK_TABLE_BATCH_HPP
#define TOPHASH_FRAMEWORK_TABLE_BATCH_HPP

#include <bit>
#include <cstddef>
#include <cstdint>

#include <tophash/framework/config.hpp>
#include <tophash/framework/table/state.hpp>

namespace tophash::inline v1::table {

template <class B>
TOPHASH_ALWAYS_INLINE void prefetch_home(const state<B>& s, std::uint64_t hash) noexcept {
  TOPHASH_PREFETCH(s.current.home(hash));
}

// The second pass: the slot that is probably wanted.
template <class B>
TOPHASH_ALWAYS_INLINE void prefetch_entry(const state<B>& s, std::uint64_t hash) noexcept {
  using model = typename B::model;
  auto* const home = s.current.home(hash);
  const unsigned equal = match_nonzero_byte(home->tags, model::tag_of(hash));
  if (equal == 0) return;
  const typename B::slot at{home, static_cast<std::size_t>(std::countr_zero(equal))};
  if constexpr (model::split) {
    TOPHASH_PREFETCH(model::key_unit_at(at));
    TOPHASH_PREFETCH(model::value_unit_at(at));
  } else {
    TOPHASH_PREFETCH(model::pair_unit_at(at));
  }
}

template <class B>
std::size_t searched_bytes(const state<B>& s) noexcept {
  return s.current.units * sizeof(typename B::bucket);
}

}  // namespace tophash::inline v1::table

#endif
