// SPDX-License-Identifier: Apache-2.0
// Iteration behind a directory: table by table in the order of the hashes' upper bits, each as one array. An
// insert that grows a table may invalidate every iterator; erasing invalidates iterators to that entry only.
#ifndef TOPHASH_FRAMEWORK_TABLE_DIRECTORY_ITERATOR_HPP
#define TOPHASH_FRAMEWORK_TABLE_DIRECTORY_ITERATOR_HPP

#include <cstddef>
#include <cstdint>

#include <tophash/framework/config.hpp>
#include <tophash/framework/table/directory/state.hpp>
#include <tophash/framework/table/open/iterator.hpp>

namespace tophash::inline v1::table {

template <class B>
struct directory_cursor {
  typename B::model::walk walk{};
  std::size_t place = 0;  // a place of its table, where there is a directory
  const open_state<B>* s = nullptr;

  typename B::slot at() const noexcept { return walk.at(); }
  explicit operator bool() const noexcept { return static_cast<bool>(walk); }
};

template <with_directory B>
TOPHASH_ALWAYS_INLINE typename B::slot slot_of(const directory_cursor<B>& c) noexcept {
  return c.at();
}

template <with_directory B>
TOPHASH_ALWAYS_INLINE directory_cursor<B> cursor_of(const open_state<B>& s, const place<B>& p,
                                                    std::uint64_t hash) noexcept {
  return {typename B::model::walk{.place = p.at}, place_in_directory(s, hash), &s};
}

// The first entry of the tables from this place on.
template <with_directory B>
directory_cursor<B> first_cursor_from(const open_state<B>& s, std::size_t place) noexcept {
  for (; place < places_of(s); place = next_place(s, place)) {
    if (s.tables[place]->size == 0) continue;
    return {B::model::first_walk(s.tables[place]->groups), place, &s};
  }
  return {};
}

template <with_directory B>
directory_cursor<B> first_cursor(const open_state<B>& s) noexcept {
  if (s.size == 0) return {};
  if (s.tables != nullptr) return first_cursor_from(s, 0);
  return {B::model::first_walk(s.current), 0, &s};
}

template <with_directory B>
TOPHASH_NOINLINE void advance_to_next_table(directory_cursor<B>& c) noexcept {
  c = c.s->tables == nullptr ? directory_cursor<B>{} : first_cursor_from(*c.s, next_place(*c.s, c.place));
}

template <with_directory B>
TOPHASH_ALWAYS_INLINE void advance(directory_cursor<B>& c) noexcept {
  B::model::advance(c.walk);
  if (!c) [[unlikely]]
    advance_to_next_table(c);
}

template <with_directory B>
directory_cursor<B> erase_cursor(open_state<B>& s, directory_cursor<B> c) noexcept {
  const typename B::slot erased = c.at();
  directory_table<B>* const t = s.tables == nullptr ? nullptr : s.tables[c.place];
  TOPHASH_CHECK(erased && B::model::holds(t == nullptr ? s.current : t->groups, erased) &&
                    B::model::is_live(*erased.tag),
                "erase of an iterator that does not belong to this container");
  notify_with<events::erased>(s.policies.observe, [&] {
    return events::erased{told_in(s, t, erased), 0, false};
  });
  advance(c);
  destroy_entry(s, erased);
  vacate_in(s, t, erased);
  reseed_if_empty(s);
  return c;
}

}  // namespace tophash::inline v1::table

#endif
