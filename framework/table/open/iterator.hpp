// SPDX-License-Identifier: Apache-2.0
// Iteration over an open-addressing table: a pointer to the entry and one to its tag; the next entry is found
// among the tags, sixteen at a time, and the last group's end mark stops it. Order: the current array, then
// what is left in the old one. Any insert may invalidate iterators, and so may an erase by key while a growth
// is under way; erasing at an iterator invalidates that one only, unless the layout moves entries on an erase
// (moves_on_vacate: then all but the one returned). Cost of ++: the lowest bit of a mask and
// one look at a tag; a group's tags are compared once.
#ifndef TOPHASH_FRAMEWORK_TABLE_OPEN_ITERATOR_HPP
#define TOPHASH_FRAMEWORK_TABLE_OPEN_ITERATOR_HPP

#include <cstddef>
#include <iterator>
#include <type_traits>

#include <tophash/framework/table/open/erase.hpp>
#include <tophash/framework/table/open/find.hpp>
#include <tophash/framework/table/open/state.hpp>

namespace tophash::inline v1::table {

template <class B>
struct open_cursor {
  typename B::model::walk walk{};
  // Where the walk goes on behind the current array's end, and who asks whether the table is being written: where
  // that is the end of all, nobody asks.
  [[no_unique_address]] std::conditional_t<B::walks_with_state, const open_state<B>*,
                                           std::integral_constant<int, 0>>
      s{};

  typename B::slot at() const noexcept { return walk.at(); }
  explicit operator bool() const noexcept { return static_cast<bool>(walk); }
};

template <class B>
TOPHASH_ALWAYS_INLINE typename B::slot slot_of(const open_cursor<B>& c) noexcept {
  return c.at();
}

template <class B>
TOPHASH_ALWAYS_INLINE open_cursor<B> cursor_in(const open_state<B>& s, typename B::model::walk w) noexcept {
  if constexpr (B::walks_with_state) {
    return {w, &s};
  } else {
    return static_cast<void>(s), open_cursor<B>{w, {}};
  }
}

template <class B>
TOPHASH_ALWAYS_INLINE open_cursor<B> cursor_of(const open_state<B>& s, const place<B>& p,
                                               std::uint64_t) noexcept {
  return cursor_in(s, typename B::model::walk{.place = p.at});
}

template <class B>
open_cursor<B> first_cursor(const open_state<B>& s) noexcept {
  if (s.size == 0) return {};
  auto w = B::model::first_walk(s.current);
  if constexpr (B::may_stay_growing) {
    if (!w && s.growing()) w = B::model::first_walk(s.generation.old);
  }
  return cursor_in(s, w);
}

template <class B>
TOPHASH_ALWAYS_INLINE void advance(open_cursor<B>& c) noexcept {
  if constexpr (B::model::moves_on_vacate) {
    B::model::advance(c.walk, c.s->current);
  } else if constexpr (B::may_stay_growing) {
    const bool may_follow = c.s->growing() && !lies_in_old(*c.s, c.at());
    B::model::advance(c.walk);
    if (!c.walk && may_follow) c.walk = B::model::first_walk(c.s->generation.old);
  } else {
    B::model::advance(c.walk);
  }
}

template <class B, bool Const>
class open_iterator {
  using model = typename B::model;
  using cursor = typename B::cursor_type;

 public:
  using iterator_concept = std::forward_iterator_tag;
  using iterator_category = std::forward_iterator_tag;
  using value_type = typename model::value_type;
  using difference_type = std::ptrdiff_t;
  using reference = std::conditional_t<Const || model::is_set, const value_type&, value_type&>;
  using pointer = std::remove_reference_t<reference>*;

  open_iterator() noexcept = default;
  explicit open_iterator(const cursor& at) noexcept : cursor_(at) {}
  // An iterator converts to its const counterpart.
  template <bool Other>
    requires(Const && !Other)
  open_iterator(const open_iterator<B, Other>& other)
  noexcept : cursor_(other.where()) {}

  reference operator*() const noexcept { return *model::pair_at(cursor_.at()); }
  pointer operator->() const noexcept { return model::pair_at(cursor_.at()); }
  // Inlined by force: a walk in memory takes twice as long.
  TOPHASH_ALWAYS_INLINE open_iterator& operator++() noexcept(!misuse_throws<open_state<B>>) {
    if constexpr (is_checked<open_state<B>>) check_iteration(*cursor_.s);
    advance(cursor_);
    return *this;
  }
  open_iterator operator++(int) noexcept(!misuse_throws<open_state<B>>) {
    open_iterator before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const open_iterator& a, const open_iterator& b) noexcept {
    // Against end(), which a compiler sees to be null, one test of a pointer that a loop holds.
    return b.cursor_ ? a.cursor_.at() == b.cursor_.at() : !a.cursor_;
  }

  const cursor& where() const noexcept { return cursor_; }

 private:
  cursor cursor_{};
};

// ---- what the container asks of iterators
// -----------------------------------------------------------------------

template <class B>
void tell_erased_at(open_state<B>& s, const open_cursor<B>& c) noexcept {
  notify_with<events::erased>(s.policies.observe, [&s, &c] {
    const told_hash named = hash_for_observer(s, B::model::key(c.at()));
    return events::erased{told_place(s, {c.at(), lies_in_old(s, c.at())}), named.hash, named.known};
  });
}

template <class B>
open_cursor<B> erase_cursor(open_state<B>& s, open_cursor<B> c) noexcept {
  const typename B::slot erased = c.at();
  const bool in_old = lies_in_old(s, erased);
  TOPHASH_CHECK(erased && (in_old || B::model::holds(s.current, erased)) && B::model::is_live(*erased.tag),
                "erase of an iterator that does not belong to this container");
  tell_erased_at(s, c);
  if constexpr (B::model::moves_on_vacate) {
    B::model::set_out(c.walk.rest, s.current);
    erase_at(s, erased, in_old);
    if (B::model::is_live(*c.at().tag)) return c;  // the next entry moved here
    advance(c);
  } else {
    advance(c);
    erase_at(s, erased, in_old);
  }
  return c;
}

// Erases [first, last); returns where those that follow begin. Where an erase moves entries, the last goes
// first: what moves then is behind it, and not of the range.
template <class B>
open_cursor<B> erase_cursors(open_state<B>& s, open_cursor<B> first, const open_cursor<B>& last) noexcept {
  if constexpr (B::model::moves_on_vacate) {
    if (first.at() == last.at()) return first;
    B::model::set_out(first.walk.rest, s.current);
    typename B::slot at = first.at();
    for (open_cursor<B> c = first; !(c.at() == last.at()); advance(c)) at = c.at();
    for (;; at = B::model::slot_before(s.current, at)) {
      const bool all = at == first.at();
      if (B::model::is_live(*at.tag)) {
        tell_erased_at(s, cursor_in(s, {at, first.walk.rest}));
        erase_at(s, at, false);
      }
      if (all) break;
    }
    if (!B::model::is_live(*first.at().tag)) advance(first);
  } else {
    while (!(first.at() == last.at())) first = erase_cursor(s, first);
  }
  return first;
}

// The entry at c goes from sight and stays in its slot.
template <class B>
void mark_at_cursor(open_state<B>& s, const open_cursor<B>& c) noexcept {
  tell_erased_at(s, c);
  erase_at(s, c.at(), lies_in_old(s, c.at()));
}

}  // namespace tophash::inline v1::table

#endif
