// SPDX-License-Identifier: Apache-2.0
// Iteration. A cursor names a slot; where its chain begins it learns when it must: `begin` knows, `find` leaves
// the hash instead, so that a lookup pays nothing for an increment that rarely follows. Order: current array,
// then what is left in the old one. Any insert may invalidate cursors, and so may erase by key while a growth
// is under way; erasing at a cursor invalidates that one only.
// An erase answers with the next entry, which may lie many empty buckets away: when its chain has no further
// entry, the cursor stays `behind` that chain and walks on only when it is looked at.
#ifndef TOPHASH_FRAMEWORK_TABLE_ITERATOR_HPP
#define TOPHASH_FRAMEWORK_TABLE_ITERATOR_HPP

#include <bit>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <type_traits>

#include <tophash/framework/config.hpp>
#include <tophash/framework/layout/bucket_chain.hpp>
#include <tophash/framework/table/find.hpp>
#include <tophash/framework/table/state.hpp>

namespace tophash::inline v1::table {

enum class cursor_origin : unsigned char { current, old, unlocated, behind_current, behind_old };

template <class B>
struct cursor {
  using slot = typename B::slot;
  const state<B>* s = nullptr;
  slot at{};
  std::uint64_t home_or_hash = 0;  // number of the main bucket; the hash while unlocated
  cursor_origin origin = cursor_origin::current;

  explicit operator bool() const noexcept { return static_cast<bool>(at); }
};

// Of a cursor of any table.
template <class B>
typename B::slot slot_of(const cursor<B>& c) noexcept {
  return c.at;
}

template <class B>
typename B::bucket* home_of(const cursor<B>& c) noexcept {
  return (c.origin == cursor_origin::old ? c.s->old : c.s->current).at(c.home_or_hash);
}

template <class B>
bool chain_holds(typename B::model::chain_links links, const typename B::bucket* home,
                 const typename B::bucket* wanted) noexcept {
  for (; home != nullptr; home = links.next(home)) {
    if (home == wanted) return true;
  }
  return false;
}

template <class B>
TOPHASH_NOINLINE void locate_slow(cursor<B>& c) noexcept {
  const std::uint64_t hash = c.home_or_hash;
  const auto& s = *c.s;
  if (s.growing() && chain_holds<B>(s.current.links, s.old.home(hash), c.at.in)) {
    c.origin = cursor_origin::old;
    c.home_or_hash = s.old.map.index(hash);
  } else {
    c.origin = cursor_origin::current;
    c.home_or_hash = s.current.map.index(hash);
  }
}

// Of a located cursor, for observers.
template <class B>
events::slot_place told_place(const cursor<B>& c) noexcept {
  return {.chain = static_cast<std::size_t>(c.home_or_hash),
          .bucket = events::identity_of(c.at.in),
          .slot = c.at.index,
          .in_old = c.origin == cursor_origin::old};
}

// The first live slot of the rest of a chain: bucket `b`, slots below `from` excepted, and what follows it.
template <class B>
typename B::slot live_in_chain(typename B::model::chain_links links, typename B::bucket* b,
                               std::size_t from) noexcept {
  for (; b != nullptr; b = links.next(b)) {
    const unsigned mask = (B::model::live(b) >> from) << from;
    if (mask != 0) return {b, static_cast<std::size_t>(std::countr_zero(mask))};
    from = 0;
  }
  return {};
}

// The same, going on to later chains; an empty slot at the end.
template <class B>
void seek_live(cursor<B>& c, typename B::bucket* b, std::size_t from) noexcept {
  const auto& s = *c.s;
  for (;;) {
    c.at = live_in_chain<B>(s.current.links, b, from);
    if (c.at) return;
    from = 0;
    ++c.home_or_hash;
    if (c.origin == cursor_origin::current) {
      if (c.home_or_hash < s.current.units) {
        b = s.current.at(c.home_or_hash);
        continue;
      }
      c.origin = cursor_origin::old;
      c.home_or_hash = 0;
    }
    if (c.home_or_hash >= s.old.units) {
      c.at = {};
      return;
    }
    b = s.old.at(c.home_or_hash);
  }
}

template <class B>
cursor<B> first_cursor(const state<B>& s) noexcept {
  cursor<B> c{&s, {}, 0, cursor_origin::current};
  if (s.size != 0) seek_live(c, s.current.at(0), 0);
  return c;
}

template <class B>
void advance(cursor<B>& c) noexcept {
  if (c.origin == cursor_origin::unlocated) [[unlikely]] locate_slow(c);
  seek_live(c, c.at.in, c.at.index + 1);
}

// Walks on from behind an exhausted chain.
template <class B>
TOPHASH_NOINLINE void settle_slow(cursor<B>& c) noexcept {
  c.origin = c.origin == cursor_origin::behind_old ? cursor_origin::old : cursor_origin::current;
  seek_live(c, static_cast<typename B::bucket*>(nullptr), 0);
}

template <class B>
bool is_behind(const cursor<B>& c) noexcept {
  return c.origin >= cursor_origin::behind_current;
}

// The next entry of the same chain, or the place behind the chain. `c` is located.
template <class B>
cursor<B> after_erase(const cursor<B>& c) noexcept {
  cursor<B> next = c;
  next.at = live_in_chain<B>(c.s->current.links, c.at.in, c.at.index + 1);
  if (!next.at) {
    next.at = {home_of(c), 0};
    next.origin = c.origin == cursor_origin::old ? cursor_origin::behind_old : cursor_origin::behind_current;
  }
  return next;
}

// Stands for a pointer where dereferencing makes a proxy.
template <class Reference>
struct arrow_proxy {
  Reference reference;
  const Reference* operator->() const noexcept { return std::addressof(reference); }
};

template <class B, bool Const>
class iterator {
  using model = typename B::model;
  using mapped = std::conditional_t<Const || model::is_set, const typename model::mapped_type, typename model::mapped_type>;
  static constexpr bool proxied = model::split;

 public:
  using iterator_concept = std::forward_iterator_tag;
  using iterator_category = std::conditional_t<proxied, std::input_iterator_tag, std::forward_iterator_tag>;
  using value_type = typename model::value_type;
  using difference_type = std::ptrdiff_t;
  using reference = std::conditional_t<
      proxied, layout::pair_reference<typename B::key_type, mapped>,
      std::conditional_t<Const || model::is_set, const value_type&, value_type&>>;
  using pointer = std::conditional_t<proxied, arrow_proxy<reference>, std::remove_reference_t<reference>*>;

  iterator() noexcept = default;
  explicit iterator(const cursor<B>& at) noexcept : cursor_(at) {}
  // An iterator converts to its const counterpart.
  template <bool Other>
    requires(Const && !Other)
  iterator(const iterator<B, Other>& other) noexcept : cursor_(other.unsettled()) {}

  reference operator*() const noexcept {
    if constexpr (proxied) {
      const auto at = where().at;
      return reference{model::key(at), *model::value_at(at)};
    } else {
      return *model::pair_at(where().at);
    }
  }
  pointer operator->() const noexcept {
    if constexpr (proxied) {
      return pointer{**this};
    } else {
      return model::pair_at(where().at);
    }
  }
  iterator& operator++() noexcept(!misuse_throws<state<B>>) {
    check_iteration(*cursor_.s);
    where();
    advance(cursor_);
    return *this;
  }
  iterator operator++(int) noexcept(!misuse_throws<state<B>>) {
    iterator before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const iterator& a, const iterator& b) noexcept { return a.where().at == b.where().at; }

  const cursor<B>& where() const noexcept {
    if (is_behind(cursor_)) [[unlikely]] settle_slow(cursor_);
    return cursor_;
  }
  // The cursor as it is, perhaps behind a chain: for an iterator made from it.
  const cursor<B>& unsettled() const noexcept { return cursor_; }

 private:
  mutable cursor<B> cursor_{};
};

}  // namespace tophash::inline v1::table

#endif
