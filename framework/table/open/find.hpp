// SPDX-License-Identifier: Apache-2.0
// Lookup. A read of these never moves anything (with growth::on_read the container steps after it). Cost of a
// hit: the hash, one tag compare and one key compare in the
// home group; where a growth may be under way, one test of that. During a growth one array is searched, never
// two: the old one until the home of the hash there is evacuated, then the new one (two only after an
// exception stopped an evacuation).
#ifndef TOPHASH_FRAMEWORK_TABLE_OPEN_FIND_HPP
#define TOPHASH_FRAMEWORK_TABLE_OPEN_FIND_HPP

#include <cstddef>
#include <cstdint>

#include <tophash/framework/table/open/state.hpp>

namespace tophash::inline v1::table {

// Is the home of this hash still in the old array?
template <class B>
bool belongs_to_old(const open_state<B>& s, std::uint64_t hash) noexcept {
  if constexpr (B::may_stay_growing) {
    return s.growing() && s.generation.old.map.index(hash) >= s.generation.progress;
  } else {
    return static_cast<void>(s), static_cast<void>(hash), false;
  }
}

template <class B, bool WithDirty = false, class Eq>
place<B> find_in_both(const open_state<B>& s, std::uint64_t hash, Eq&& eq) {
  if constexpr (B::may_stay_growing) {
    const auto& g = s.generation;
    const std::size_t home = g.old.map.index(hash);
    if (home >= g.progress) {
      const auto at = B::model::template find<WithDirty>(g.old, hash, eq);
      if (at || !(g.partial && home == g.progress)) return {at, true};
    }
  }
  return {B::model::template find<WithDirty>(s.current, hash, eq), false};
}

template <class K, class B>
TOPHASH_NOINLINE place<B> find_while_growing(const open_state<B>& s, std::uint64_t hash,
                                             key_argument<K> key) {
  return find_in_both(s, hash, equal_to(s, key));
}

// The key first: the register of a second argument is then the key's from the beginning, and the product of the hash
// stays where the multiplication leaves it (one instruction of 35).
template <bool WithDirty, class K, class B>
TOPHASH_NOINLINE typename B::slot find_beyond_home(const open_state<B>& s, key_argument<K> key,
                                                   std::uint64_t hash) {
  return B::model::template find_beyond<WithDirty>(s.current, hash, equal_to(s, key));
}

// No growth is under way.
template <bool WithDirty = false, class B, class K>
TOPHASH_ALWAYS_INLINE place<B> find_in_current(const open_state<B>& s, std::uint64_t hash, const K& key) {
  if constexpr (B::model::searches_home_first) {
    return {B::model::template find_from_home<WithDirty>(
                s.current, hash, equal_to(s, key),
                [&s, hash, &key] { return find_beyond_home<WithDirty, K>(s, key, hash); }),
            false};
  } else {
    return {B::model::template find<WithDirty>(s.current, hash, equal_to(s, key)), false};
  }
}

template <class B, class K>
TOPHASH_ALWAYS_INLINE place<B> find_entry(const open_state<B>& s, std::uint64_t hash, const K& key) {
  if constexpr (B::may_stay_growing) {
    if (s.growing()) [[unlikely]]
      return find_while_growing<K>(s, hash, key);
  }
  return find_in_current(s, hash, key);
}

// Groups that a search for a key of this hash has looked at, `found` being its answer. Walks them again, for
// observers that want to know.
template <class B>
std::size_t groups_searched(const open_state<B>& s, std::uint64_t hash, const place<B>& found) noexcept {
  using model = typename B::model;
  const auto count = [hash](const typename B::array& a, typename B::slot last) {
    std::size_t groups = 1;
    const auto* const wanted = last ? model::group_of(last.tag) : nullptr;
    for (typename model::probe p(a, hash);
         a.groups + p.at != wanted && !model::ends(a.groups + p.at, hash) && p.next(a);) {
      ++groups;
    }
    return groups;
  };
  if constexpr (B::may_stay_growing) {
    if (found.in_old) return count(s.generation.old, found.at);
    if (belongs_to_old(s, hash)) return count(s.generation.old, {}) + count(s.current, found.at);
  }
  return count(s.current, found.at);
}

// Once a search by key has ended, and before anything changes.
template <class B>
TOPHASH_ALWAYS_INLINE void tell_probed(const open_state<B>& s, typename B::spec::observe& observer,
                                       std::uint64_t hash, const place<B>& found, events::search why) noexcept {
  notify_with<events::searched>(observer, [&] { return events::searched{why, hash, static_cast<bool>(found)}; });
  notify_with<events::probed>(observer, [&s, hash, &found] {
    return events::probed{groups_searched(s, hash, found), static_cast<bool>(found)};
  });
}

}  // namespace tophash::inline v1::table

#endif
