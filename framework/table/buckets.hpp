// SPDX-License-Identifier: Apache-2.0
// The standard's bucket interface. Its buckets are numbers, not memory: there are as many as entries fit
// before the table grows, so that the load factor of a full table is 1, and an entry's bucket is a function
// of its hash alone.
//
//   bucket = home + units x part      home: the chain or group where a search for the hash begins (0 .. units
//   - 1)
//                                     part: which share of that home, from the hash's upper half
//
// So bucket n holds entries whose home is n % units, and lies on one chain or probe sequence: begin(n) walks
// that and passes over what belongs to other buckets. Cost: that of the chain or sequence, and a hash an
// entry where nodes do not keep it. While a growth that an exception stopped is unfinished, all of the old
// array is walked as well.
#ifndef TOPHASH_FRAMEWORK_TABLE_BUCKETS_HPP
#define TOPHASH_FRAMEWORK_TABLE_BUCKETS_HPP

#include <bit>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <type_traits>

#include <tophash/framework/table/state.hpp>

namespace tophash::inline v1::table {

// The number of a hash's bucket. At least one bucket a unit.
inline std::size_t bucket_number(std::size_t buckets, std::size_t units, std::size_t home,
                                 std::uint64_t hash) noexcept {
  const std::uint64_t parts = buckets / units + (home < buckets % units ? 1 : 0);
  // Shares of a home are few (the slots of a unit), so the product fits.
  return home + units * static_cast<std::size_t>(((hash >> 32) * parts) >> 32);
}

// ---- chained buckets
// --------------------------------------------------------------------------------------------

template <class B>
std::size_t bucket_count_of(const state<B>& s) noexcept {
  static_assert(B::facts.load.numerator >= B::facts.load.denominator, "at least one entry a unit");
  return s.current.units == 0 ? 0 : s.limit;
}

template <class B>
struct chain_bucket_cursor {
  const state<B>* s = nullptr;
  std::size_t number = 0;
  typename B::slot at{};
  typename B::bucket* in = nullptr;  // `rest` are the slots of it still to be looked at
  unsigned rest = 0;
  std::size_t old_home = 0;  // the chain of the old array that is walked next
};

template <class B>
chain_bucket_cursor<B> cursor_for_bucket(const state<B>& s, std::size_t number) {
  typename B::bucket* const home = s.current.at(number % s.current.units);
  return {&s, number, {}, home, B::model::live(home), 0};
}

template <class B>
void advance_in_bucket(chain_bucket_cursor<B>& c) {
  const state<B>& s = *c.s;
  for (;;) {
    while (c.rest != 0) {
      const typename B::slot at{c.in, static_cast<std::size_t>(std::countr_zero(c.rest))};
      c.rest &= c.rest - 1;
      if (bucket_of_hash(s, table::hash_of(s, B::model::key(at))) == c.number) {
        c.at = at;
        return;
      }
    }
    c.in = s.current.links.next(c.in);
    if (c.in == nullptr) {
      if (!s.growing() || c.old_home == s.old.units) {
        c.at = {};
        return;
      }
      c.in = s.old.at(c.old_home++);
    }
    c.rest = B::model::live(c.in);
  }
}

// ---- both
// -------------------------------------------------------------------------------------------------------

// `State`: a table's state with an array.
template <class State>
std::size_t bucket_of_hash(const State& s, std::uint64_t hash) noexcept {
  return bucket_number(bucket_count_of(s), units_of(s), s.current.map.index(hash), hash);
}

// Walks the entries of one bucket; equal to the end when there are no more. Invalidated as iterators are, and
// by whatever changes bucket_count().
template <class State, bool Const>
class bucket_iterator {
  using model = typename State::binding_type::model;
  using cursor_type = decltype(cursor_for_bucket(std::declval<const State&>(), std::size_t{}));

 public:
  using iterator_concept = std::forward_iterator_tag;
  using iterator_category = std::forward_iterator_tag;
  using value_type = typename model::value_type;
  using difference_type = std::ptrdiff_t;
  using reference = std::conditional_t<Const || model::is_set, const value_type&, value_type&>;
  using pointer = std::remove_reference_t<reference>*;

  bucket_iterator() noexcept = default;
  bucket_iterator(const State& s, std::size_t number) : cursor_(cursor_for_bucket(s, number)) {
    advance_in_bucket(cursor_);
  }
  template <bool Other>
    requires(Const && !Other)
  bucket_iterator(const bucket_iterator<State, Other>& other)
  noexcept : cursor_(other.where()) {}

  reference operator*() const noexcept { return *model::pair_at(cursor_.at); }
  pointer operator->() const noexcept { return model::pair_at(cursor_.at); }
  bucket_iterator& operator++() {
    advance_in_bucket(cursor_);
    return *this;
  }
  bucket_iterator operator++(int) {
    bucket_iterator before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const bucket_iterator& a, const bucket_iterator& b) noexcept {
    return a.cursor_.at == b.cursor_.at;
  }
  const cursor_type& where() const noexcept { return cursor_; }

 private:
  cursor_type cursor_{};
};

}  // namespace tophash::inline v1::table

#endif
