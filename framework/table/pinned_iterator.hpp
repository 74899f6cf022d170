// SPDX-License-Identifier: Apache-2.0
// What begin() answers with iteration::mutation_safe: an iterator that any write leaves usable (pins.hpp). It is
// a forward iterator of half a kilobyte on the stack, and end() is one at the end, so ranges and algorithms take
// both; what find and insert answer converts to it and compares with it.
// While the entry that it is at was erased, dereferencing it is an error and moving on is not; at the end moving on does
// nothing, so that a loop's body may end its map. A reference to an
// entry is one to its slot, as ever: a write may move the entry, and then whoever wants to go on with key or value
// dereferences again.
// After the map's end, after `clear` of its memory (an assignment to it) it is at the end; after a move or swap it goes
// on in the map that has the entries now.
#ifndef TOPHASH_FRAMEWORK_TABLE_PINNED_ITERATOR_HPP
#define TOPHASH_FRAMEWORK_TABLE_PINNED_ITERATOR_HPP

#include <cstddef>
#include <iterator>
#include <type_traits>
#include <utility>

#include <tophash/framework/core/checked.hpp>
#include <tophash/framework/table/iterator.hpp>
#include <tophash/framework/table/pins.hpp>

namespace tophash::inline v1::table {

template <class B>
pin<B> pin_at(cursor<B> c) {
  if (is_behind(c)) settle_slow(c);
  if (!c.at) return {};
  if (c.origin == cursor_origin::unlocated) locate_slow(c);
  return {*c.s, c.at, static_cast<std::size_t>(c.home_or_hash), c.origin == cursor_origin::old};
}

template <class B, bool Const>
class pinned_iterator {
  using model = typename B::model;
  using found = iterator<B, Const>;

 public:
  using iterator_concept = std::forward_iterator_tag;
  using iterator_category = typename found::iterator_category;
  using value_type = typename found::value_type;
  using difference_type = std::ptrdiff_t;
  using reference = typename found::reference;
  using pointer = typename found::pointer;

  // The end of any map.
  pinned_iterator() noexcept {}
  // The first entry in a random order.
  explicit pinned_iterator(const state<B>& s) : pin_(s) {}
  explicit pinned_iterator(pin<B>&& at) noexcept : pin_(std::move(at)) {}
  template <bool Other>
    requires(Const || !Other)
  pinned_iterator(const iterator<B, Other>& at) : pin_(pin_at(at.where())) {}
  template <bool Other>
    requires(Const && !Other)
  pinned_iterator(const pinned_iterator<B, Other>& other) : pin_(other.where()) {}

  reference operator*() const noexcept {
    const auto at = pin_.at();
    TOPHASH_CHECK(static_cast<bool>(at), "an iterator is dereferenced at the end, or after its entry was erased");
    if constexpr (model::split) {
      return reference{model::key(at), *model::value_at(at)};
    } else {
      return *model::pair_at(at);
    }
  }
  pointer operator->() const noexcept {
    if constexpr (model::split) {
      return pointer{**this};
    } else {
      return std::addressof(**this);
    }
  }
  pinned_iterator& operator++() {
    if (pin_.of() != nullptr) check_iteration(*pin_.of());
    pin_.advance();
    return *this;
  }
  pinned_iterator operator++(int) {
    pinned_iterator before = *this;
    ++*this;
    return before;
  }

  friend bool operator==(const pinned_iterator& a, const pinned_iterator& b) noexcept {
    return a.pin_.at_end() == b.pin_.at_end() && a.pin_.at() == b.pin_.at();
  }
  template <bool Other>
  friend bool operator==(const pinned_iterator& a, const iterator<B, Other>& b) noexcept {
    const auto at = b.where().at;
    return at ? a.pin_.at() == at : a.pin_.at_end();
  }

  const pin<B>& where() const noexcept { return pin_; }

 private:
  pin<B> pin_;
};

}  // namespace tophash::inline v1::table

#endif
