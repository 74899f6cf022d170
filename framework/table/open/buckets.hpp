// SPDX-License-Identifier: Apache-2.0
// The standard's bucket interface over open addressing; the numbering is explained in table/buckets.hpp. And
// rehash in the standard's sense, which may also make the array smaller.
#ifndef TOPHASH_FRAMEWORK_TABLE_OPEN_BUCKETS_HPP
#define TOPHASH_FRAMEWORK_TABLE_OPEN_BUCKETS_HPP

#include <bit>
#include <cstddef>

#include <tophash/framework/table/buckets.hpp>
#include <tophash/framework/table/open/erase.hpp>
#include <tophash/framework/table/open/migrate.hpp>
#include <tophash/framework/table/open/state.hpp>

namespace tophash::inline v1::table {

template <class B>
std::size_t bucket_count_of(const open_state<B>& s) noexcept {
  static_assert(B::facts.load.numerator >= B::facts.load.denominator, "at least one entry a unit");
  return limit_of(s);
}

template <class B>
struct open_bucket_cursor {
  const open_state<B>* s = nullptr;
  std::size_t number = 0;
  typename B::slot at{};
  typename B::model::probe group{0};  // `rest` are the slots of it still to be looked at
  unsigned rest = 0;
  bool in_old = false;
};

template <class B>
open_bucket_cursor<B> cursor_for_bucket(const open_state<B>& s, std::size_t number) {
  const std::size_t home = number % s.current.units();
  return {&s, number, {}, typename B::model::probe(home), B::model::live(s.current.groups + home), false};
}

template <class B>
void advance_in_bucket(open_bucket_cursor<B>& c) {
  using model = typename B::model;
  const open_state<B>& s = *c.s;
  for (;;) {
    const typename B::array& a = array_of(s, c.in_old);
    typename model::group* const g = a.groups + c.group.at;
    while (c.rest != 0) {
      const auto i = static_cast<std::size_t>(std::countr_zero(c.rest));
      const typename B::slot at{a.entries + c.group.at * model::slots + i, g->tags + i};
      c.rest &= c.rest - 1;
      if (bucket_of_hash(s, hash_at(s, at)) == c.number) {
        c.at = at;
        return;
      }
    }
    bool more = false;
    if (c.in_old) {
      more = ++c.group.at < a.units();
    } else if (!model::ends_for_all(g) && c.group.next(a)) {
      more = true;
    } else if (s.growing()) {
      c.in_old = more = true;
      c.group = typename model::probe(0);
    }
    if (!more) {
      c.at = {};
      return;
    }
    c.rest = model::live(array_of(s, c.in_old).groups + c.group.at);
  }
}

// An array for `entries`, larger or smaller than now; none at all if nothing is held or asked for.
template <class B>
growth_result refit_slow(open_state<B>& s, std::size_t entries) {
  if (entries < s.size) entries = s.size;
  if (entries == 0) {
    destroy_table(s);
    return growth_result::done;
  }
  const array_size size = size_for(s, entries);
  if (size.units == 0) return growth_result::too_large;
  if (s.growing()) finish_growth(s);
  if (size.capacity >= B::model::capacity(s.current)) return reserve_slow(s, entries);
  if (const growth_result r = start_growth(s, size.units, size.capacity); r != growth_result::done) return r;
  finish_growth(s);
  return growth_result::done;
}

}  // namespace tophash::inline v1::table

#endif
