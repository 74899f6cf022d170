// SPDX-License-Identifier: Apache-2.0
// Erasure behind a directory, clearing and the end. Nothing moves, and no table becomes smaller or goes
// before the map does.
#ifndef TOPHASH_FRAMEWORK_TABLE_DIRECTORY_ERASE_HPP
#define TOPHASH_FRAMEWORK_TABLE_DIRECTORY_ERASE_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <tophash/framework/table/directory/find.hpp>
#include <tophash/framework/table/directory/state.hpp>
#include <tophash/framework/table/open/erase.hpp>

namespace tophash::inline v1::table {

template <with_directory B, class K>
TOPHASH_ALWAYS_INLINE bool erase_key(open_state<B>& s, std::uint64_t hash, const K& key) {
  directory_table<B>* const t = table_for(s, hash);
  const place<B> there{B::model::find(t == nullptr ? s.current : t->groups, hash, equal_to(s, key)), false};
  tell_probed(s, s.policies.observe, hash, there, events::search::erasure);
  if (!there) return false;
  notify_with<events::erased>(s.policies.observe, [&] {
    return events::erased{told_in(s, t, there.at), hash, true};
  });
  destroy_entry(s, there.at);
  vacate_in(s, t, there.at);
  reseed_if_empty(s);
  return true;
}

// Destroys every entry of an array; its slots are empty.
template <with_directory B>
void clear_groups(open_state<B>& s, const typename B::array& a) noexcept {
  if (!a.exists()) return;
  const std::size_t capacity = B::model::capacity(a);
  destroy_entries(s, a);
  if (is_scanned(s)) {
    std::memset(static_cast<void*>(a.entries), 0, B::model::entries_bytes(capacity));
  } else {
    poison(a.entries, capacity * sizeof(typename B::model::unit));
  }
  B::model::wipe_tags(a, capacity);
}

// Keeps directory and tables. O(groups), and the destructors.
template <with_directory B>
void clear_entries(open_state<B>& s) noexcept {
  const std::size_t entries = s.size;
  clear_groups(s, s.current);
  for_each_table(s, [&s](directory_table<B>& t) {
    clear_groups(s, t.groups);
    count_anew(s, t, 0);
  });
  s.size = 0;
  reseed_if_empty(s);
  notify(s.policies.observe, events::cleared{entries});
}

// Gives back all memory. The state is then that of a map without an array.
template <with_directory B>
void destroy_table(open_state<B>& s) noexcept {
  const events::discarded all{s.size, s.units};
  destroy_entries(s, s.current);
  deallocate_block(s, s.current);
  for (std::size_t place = 0, next = 0; place < places_of(s); place = next) {
    directory_table<B>* const t = s.tables[place];
    if (t == nullptr) break;  // a copy that failed has no further tables
    next = next_place(s, place);
    destroy_entries(s, t->groups);
    deallocate_table(s, t);
  }
  deallocate_directory(s, s.tables, places_of(s));
  s.current = B::model::empty_array();
  s.tables = nullptr;
  s.depth = 0;
  s.size = s.units = s.table_count = 0;
  if (all.units != 0) notify(s.policies.observe, all);
}

}  // namespace tophash::inline v1::table

#endif
