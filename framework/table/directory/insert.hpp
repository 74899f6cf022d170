// SPDX-License-Identifier: Apache-2.0
// Insertion behind a directory. Fast path: one search finds the entry, or nothing; a second look finds the
// vacancy; construct in place, write the tag. Where the table has no room the entry is built aside first:
// arguments may refer to entries of this very map, which a growth moves.
//
// Strong guarantee: a throwing constructor, hash or equality, and an allocation that fails, leave every entry
// as it was; at most a table has grown.
#ifndef TOPHASH_FRAMEWORK_TABLE_DIRECTORY_INSERT_HPP
#define TOPHASH_FRAMEWORK_TABLE_DIRECTORY_INSERT_HPP

#include <cstdint>
#include <utility>

#include <tophash/framework/table/directory/find.hpp>
#include <tophash/framework/table/directory/grow.hpp>
#include <tophash/framework/table/directory/state.hpp>
#include <tophash/framework/table/open/insert.hpp>

namespace tophash::inline v1::table {

// The entry in this slot exists: from now on it is seen.
template <with_directory B>
TOPHASH_ALWAYS_INLINE insert_result<B> claimed_in(open_state<B>& s, directory_table<B>* t,
                                                  typename B::slot at, std::uint64_t hash) noexcept {
  claim_in(s, t, at, hash);
  notify_with<events::inserted>(s.policies.observe, [&] {
    return events::inserted{told_in(s, t, at), hash};
  });
  return {{at, false}, true};
}

// A vacant slot, after growths if need be; none: memory ran out, or the map is as large as it can be.
template <with_directory B>
struct made_vacancy {
  directory_table<B>* table = nullptr;
  typename B::slot at{};
  growth_result room = growth_result::done;
};

template <with_directory B>
made_vacancy<B> make_vacancy(open_state<B>& s, std::uint64_t hash) {
  for (;;) {
    directory_table<B>* const t = table_for(s, hash);
    if (const auto at = vacancy_in(s, t, hash)) return {t, at};
    if (const growth_result r = make_room_slow(s, hash); r != growth_result::done) return {nullptr, {}, r};
  }
}

template <with_directory B, class K, class... Args>
TOPHASH_NOINLINE insert_result<B> insert_absent_slow(open_state<B>& s, std::uint64_t hash, K&& key,
                                                     Args&&... args) {
  entry_aside<B> aside(s);
  if (!construct_unit(s, aside.place_in().entry, hash, std::forward<K>(key), std::forward<Args>(args)...)) {
    return {{}, false, growth_result::no_memory};
  }
  aside.exists = true;
  const made_vacancy<B> to = make_vacancy(s, hash);
  if (to.room != growth_result::done) return {{}, false, to.room};
  open_slot<B>(to.at);
  const opened_slot<B> opened(to.at);
  B::model::relocate_entry(to.at, aside.place_in());
  aside.exists = false;
  return claimed_in(s, to.table, to.at, hash);
}

// The entry of this key, or a new one constructed from key and args.
template <with_directory B, class K, class... Args>
TOPHASH_ALWAYS_INLINE insert_result<B> insert_if_absent(open_state<B>& s, std::uint64_t hash, K&& key,
                                                        Args&&... args) {
  directory_table<B>* t = table_for(s, hash);
  const place<B> there{B::model::find(t == nullptr ? s.current : t->groups, hash, equal_to(s, key)), false};
  tell_probed(s, s.policies.observe, hash, there, events::search::insertion);
  if (there) return {there, false};
  if constexpr (B::model::boxed) {
    // Allocate, then locate: the allocation may run a collector, and that the map.
    return insert_absent_slow(s, hash, std::forward<K>(key), std::forward<Args>(args)...);
  } else {
    const typename B::slot at = vacancy_in(s, t, hash);
    if (!at) [[unlikely]]
      return insert_absent_slow(s, hash, std::forward<K>(key), std::forward<Args>(args)...);
    open_slot<B>(at);
    const opened_slot<B> opened(at);
    construct_value(s, at.entry, std::forward<K>(key), std::forward<Args>(args)...);
    return claimed_in(s, t, at, hash);
  }
}

}  // namespace tophash::inline v1::table

#endif
