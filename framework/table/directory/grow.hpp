// SPDX-License-Identifier: Apache-2.0
// Growth behind a directory: one table at a time, into an array of twice the size or into two tables.
//
// Strong guarantee: hashes that may throw are noted, and all memory is got, before the first entry moves;
// from there on nothing throws.
#ifndef TOPHASH_FRAMEWORK_TABLE_DIRECTORY_GROW_HPP
#define TOPHASH_FRAMEWORK_TABLE_DIRECTORY_GROW_HPP

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

#include <tophash/framework/table/directory/state.hpp>
#include <tophash/framework/table/open/migrate.hpp>

namespace tophash::inline v1::table {

// The hashes of an array's entries, in their order. Where a hash can be asked for again it is.
template <with_directory B>
class hashes_of {
 public:
  hashes_of(open_state<B>& s, const typename B::array& a, std::size_t entries) : s_(s), entries_(entries) {
    if constexpr (noted) {
      if (entries == 0) return;
      hashes_ = static_cast<std::uint64_t*>(s.policies.allocation.try_allocate(block()));
      if (hashes_ == nullptr) return;
      std::size_t n = 0;
      struct guard {
        hashes_of& of;
        bool done = false;
        ~guard() {
          if (!done) of.release();
        }
      } hashing{*this};
      B::model::for_each_live(a, [&](typename B::slot at) {
        ::new (static_cast<void*>(hashes_ + n)) std::uint64_t(fresh_hash(at));
        ++n;
      });
      hashing.done = true;
    } else {
      static_cast<void>(a);
    }
  }
  hashes_of(const hashes_of&) = delete;
  hashes_of& operator=(const hashes_of&) = delete;
  ~hashes_of() { release(); }

  // False: memory for them ran out.
  bool known() const noexcept { return !noted || entries_ == 0 || hashes_ != nullptr; }

  // That of the entry in this slot, the n-th in the array.
  std::uint64_t operator()(std::size_t n, typename B::slot at) const noexcept {
    if constexpr (noted) {
      return static_cast<void>(at), hashes_[n];
    } else {
      return static_cast<void>(n), hash_at(s_, at);
    }
  }

 private:
  // A key that is scattered has another hash each time.
  static constexpr bool noted = !B::model::boxed && (!B::hash_never_throws || B::scatters);

  std::uint64_t fresh_hash(typename B::slot at) const {
    return insertion_hash(s_, hash_at(s_, at), B::model::key(at));
  }
  request block() const noexcept {
    return {.bytes = entries_ * sizeof(std::uint64_t),
            .align = alignof(std::uint64_t),
            .use = purpose::side,
            .trace = nullptr};
  }
  void release() noexcept {
    if (hashes_ != nullptr) s_.policies.allocation.deallocate(hashes_, block());
    hashes_ = nullptr;
  }

  open_state<B>& s_;
  std::size_t entries_;
  std::uint64_t* hashes_ = nullptr;
};

// Moves every entry of `from` to the array that array_of(hash) names, which has room; ends `from`.
template <with_directory B, class ArrayOf>
void move_groups(open_state<B>& s, typename B::array& from, const hashes_of<B>& hashes,
                 ArrayOf&& array_of) noexcept {
  using model = typename B::model;
  std::size_t n = 0;
  for (std::size_t u = 0; u < from.units(); ++u) {
    const std::size_t before = n;
    for (unsigned mask = model::live(from.groups + u); mask != 0; mask &= mask - 1, ++n) {
      const auto i = lowest_bit(mask);
      const typename B::slot source{from.entries + u * model::slots + i, from.groups[u].tags + i};
      const std::uint64_t hash = hashes(n, source);
      const typename B::array& to = array_of(hash);
      const typename B::slot target = model::find_vacancy(to, hash);
      open_slot<B>(target);
      const opened_slot<B> opened(target);
      model::relocate_entry(target, source);
      model::claim(target, hash);
      tell_storage(s, target);
      notify_with<events::moved>(s.policies.observe, [&] {
        return events::moved{told_slot<B>(from, source, true), told_slot<B>(to, target, false), hash};
      });
    }
    notify(s.policies.observe, events::evacuated{n - before, u});
  }
  const std::size_t units = from.units();
  deallocate_block(s, from);
  notify(s.policies.observe, events::growth_finished{units});
}

template <with_directory B>
void count_anew(open_state<B>& s, directory_table<B>& t, std::size_t size) noexcept {
  t.size = size;
  t.dead = 0;
  t.room = limit_of_table(s, t) - size;
}

// The table in an array of this many groups, without its dead slots.
template <with_directory B>
growth_result replace_groups(open_state<B>& s, directory_table<B>& t, std::size_t units) {
  if (units > most_units<B>()) return growth_result::too_large;
  const hashes_of<B> hashes(s, t.groups, t.size);
  if (!hashes.known()) return growth_result::no_memory;
  typename B::array fresh = allocate_array(s, units, B::model::slots_in(units));
  if (!fresh.exists()) return growth_result::no_memory;
  ++(units == t.groups.units() ? s.regrows : s.growths);
  s.units += units - t.groups.units();
  notify(s.policies.observe, events::growth_started{t.groups.units(), units});
  typename B::array old = t.groups;
  t.groups = fresh;
  count_anew(s, t, t.size);
  move_groups(s, old, hashes, [&fresh](std::uint64_t) -> const typename B::array& { return fresh; });
  return growth_result::done;
}

// The least array, from `units` on, that takes more than `entries`.
template <with_directory B>
std::size_t units_beyond(const open_state<B>& s, std::size_t units, std::size_t entries) noexcept {
  while (limit_for(s, units, B::model::slots_in(units)) <= entries) units *= 2;
  return units;
}

// May the directory double? It stays within 64 places a table. Good hashes keep it within a few.
template <with_directory B>
bool may_deepen(const open_state<B>& s) noexcept {
  return s.depth < deepest_directory && (std::size_t{2} << s.depth) <= 64 * (s.table_count + 1);
}

// The table at this place, in two tables of at least `units` groups, by the next of the upper bits. `anyway`:
// also where that leaves one of them empty.
template <with_directory B>
growth_result split_table(open_state<B>& s, std::size_t place, std::size_t units, bool anyway) {
  directory_table<B>& t = *s.tables[place];
  const hashes_of<B> hashes(s, t.groups, t.size);
  if (!hashes.known()) return growth_result::no_memory;
  const auto goes_up = [bit = 55 - t.depth](std::uint64_t hash) { return ((hash >> bit) & 1u) != 0; };
  std::size_t up = 0, n = 0;
  B::model::for_each_live(t.groups, [&](typename B::slot at) { up += goes_up(hashes(n++, at)) ? 1 : 0; });
  const bool deepens = t.depth == s.depth;
  if ((!anyway && (up == 0 || up == t.size)) || (deepens && !may_deepen(s))) {
    return replace_groups(s, t, 2 * t.groups.units());
  }

  const std::size_t low_units = units_beyond(s, units, t.size - up);
  directory_table<B>* const upper = allocate_table(s, units_beyond(s, units, up), t.depth + 1);
  typename B::array lower{};
  if (upper != nullptr) lower = allocate_array(s, low_units, B::model::slots_in(low_units));
  directory_table<B>** deeper = nullptr;
  if (lower.exists() && deepens) deeper = allocate_directory(s, 2 * places_of(s));
  if (!lower.exists() || (deepens && deeper == nullptr)) {
    deallocate_block(s, lower);
    deallocate_table(s, upper);
    return growth_result::no_memory;
  }

  if (deepens) {
    for (std::size_t i = 0; i < places_of(s); ++i) deeper[2 * i] = deeper[2 * i + 1] = s.tables[i];
    deallocate_directory(s, s.tables, places_of(s));
    s.tables = deeper;
    ++s.depth;
    place *= 2;
  }
  const std::size_t end = next_place(s, place), span = std::size_t{1} << (s.depth - t.depth);
  for (std::size_t i = end - span / 2; i < end; ++i) s.tables[i] = upper;
  ++s.growths;
  ++s.table_count;
  s.units += low_units + upper->groups.units() - t.groups.units();
  notify(s.policies.observe, events::growth_started{t.groups.units(), low_units + upper->groups.units()});
  typename B::array old = t.groups;
  ++t.depth;
  t.groups = lower;
  count_anew(s, t, t.size - up);
  count_anew(s, *upper, up);
  move_groups(s, old, hashes, [&](std::uint64_t hash) -> const typename B::array& {
    return goes_up(hash) ? upper->groups : t.groups;
  });
  return growth_result::done;
}

// From one group, or nothing, to a directory of one table.
template <with_directory B>
growth_result open_directory(open_state<B>& s, std::size_t units) {
  const hashes_of<B> hashes(s, s.current, s.size);
  if (!hashes.known()) return growth_result::no_memory;
  directory_table<B>** const tables = allocate_directory(s, 1);
  if (tables == nullptr) return growth_result::no_memory;
  directory_table<B>* const t = allocate_table(s, units, 0);
  if (t == nullptr) {
    deallocate_directory(s, tables, 1);
    return growth_result::no_memory;
  }
  typename B::array old = s.current;
  if (old.exists()) ++s.growths;
  notify(s.policies.observe, events::growth_started{old.units(), units});
  *tables = t;
  s.tables = tables;
  s.depth = 0;
  s.table_count = 1;
  s.units = units;
  s.current = B::model::empty_array();
  count_anew(s, *t, s.size);
  if (old.exists())
    move_groups(s, old, hashes, [t](std::uint64_t) -> const typename B::array& { return t->groups; });
  return growth_result::done;
}

template <with_directory B>
growth_result open_group(open_state<B>& s) noexcept {
  const auto fresh = allocate_array(s, 1, B::model::slots);
  if (!fresh.exists()) return growth_result::no_memory;
  s.current = fresh;
  s.units = 1;
  notify(s.policies.observe, events::growth_started{0, 1});
  return growth_result::done;
}

template <with_directory B>
load_state load_of_table(const open_state<B>& s, const directory_table<B>& t) noexcept {
  return {.live = t.size,
          .dead = t.dead,
          .dirty = 0,
          .units = t.groups.units(),
          .slots_per_unit = B::model::slots,
          .limit = limit_of_table(s, t),
          .overflow = 0,
          .acquired = 0,
          .chain_buckets = 0};
}

// An insert of this hash found no room: does what the growth policy says of its table. A table that it wants
// larger than the largest splits. Afterwards there is room, unless the result says why not.
template <with_directory B>
TOPHASH_NOINLINE growth_result make_room_slow(open_state<B>& s, std::uint64_t hash) {
  if (s.tables == nullptr) return !s.current.exists() ? open_group(s) : open_directory(s, 2);
  const std::size_t place = place_in_directory(s, hash);
  directory_table<B>& t = *s.tables[place];
  plan wanted = s.policies.growth.decide(load_of_table(s, t));
  // Open addressing cannot grow longer chains: a full table that is to be kept grows all the same.
  if (wanted.what == action::keep) wanted = plan::resize(2 * t.groups.units());
  if (wanted.what == action::regrow && t.size < limit_of_table(s, t))
    return replace_groups(s, t, t.groups.units());
  const std::size_t units = B::sizing::round_up(wanted.units);
  if (wanted.what == action::resize && units != 0 && units <= B::largest_units && units > t.groups.units())
    return replace_groups(s, t, units);
  return split_table(s, place, B::largest_units, false);
}

// ---- room that is asked for
// -----------------------------------------------------------------------------------

// Tables behind a directory of 2^depth places.
struct directory_shape {
  unsigned depth = 0;
  std::size_t units = 0;  // each table's; 0: more than there can be
};

// What Go makes for a hint: slots for so many entries at the load limit, shared out evenly, so that they fit
// on average.
template <with_directory B>
directory_shape shape_for(const open_state<B>& s, std::size_t entries) noexcept {
  constexpr load_facts load = B::facts.load;
  constexpr std::size_t slots = B::model::slots, most = std::numeric_limits<std::size_t>::max();
  if (entries > most_entries(s) || entries > most / (slots * load.denominator)) return {};
  const std::size_t wanted = entries * slots * load.denominator / load.numerator;
  const std::size_t largest = B::largest_units * slots;
  const std::size_t places = std::bit_ceil(wanted / largest + (wanted % largest != 0 ? 1 : 0));
  const std::size_t units = std::bit_ceil(wanted / places) / slots;
  return {.depth = static_cast<unsigned>(std::countr_zero(places)), .units = units < 2 ? 2 : units};
}

// Of a map without entries and tables. Its group goes.
template <with_directory B>
growth_result build_directory(open_state<B>& s, const directory_shape& shape) noexcept {
  if (shape.depth > deepest_directory) return growth_result::too_large;
  const std::size_t places = std::size_t{1} << shape.depth;
  directory_table<B>** const tables = allocate_directory(s, places);
  if (tables == nullptr) return growth_result::no_memory;
  for (std::size_t i = 0; i < places; ++i) {
    tables[i] = allocate_table(s, shape.units, shape.depth);
    if (tables[i] == nullptr) {
      while (i != 0) deallocate_table(s, tables[--i]);
      deallocate_directory(s, tables, places);
      return growth_result::no_memory;
    }
  }
  const std::size_t units_before = s.current.units();
  deallocate_block(s, s.current);
  s.current = B::model::empty_array();
  s.tables = tables;
  s.depth = shape.depth;
  s.table_count = places;
  s.units = places * shape.units;
  notify(s.policies.observe, events::growth_started{units_before, s.units});
  if (units_before != 0) notify(s.policies.observe, events::growth_finished{units_before});
  return growth_result::done;
}

// Each table gets room for its share of `entries`, as its depth says.
template <with_directory B>
growth_result widen_tables(open_state<B>& s, std::size_t entries) {
  for (std::size_t place = 0; place < places_of(s);) {
    directory_table<B>& t = *s.tables[place];
    const std::size_t share = entries >> t.depth;
    if (t.size + t.room >= share) {
      place = next_place(s, place);
      continue;
    }
    const std::size_t units = share == 0 ? 2 : units_beyond(s, 2, share - 1), depth = s.depth;
    const growth_result r = units <= B::largest_units || t.groups.units() > B::largest_units
                                ? replace_groups(s, t, units > t.groups.units() ? units : t.groups.units())
                                : split_table(s, place, B::largest_units, true);
    if (r != growth_result::done) return r;
    place <<= s.depth - depth;
  }
  return growth_result::done;
}

// Room for `entries` in all, on average: how many of them a table gets is the hashes' business, and one that
// gets more grows.
template <with_directory B>
growth_result reserve_slow(open_state<B>& s, std::size_t entries) {
  const directory_shape shape = shape_for(s, entries);
  if (shape.units == 0) return growth_result::too_large;
  if (s.tables == nullptr) {
    if (entries <= B::model::slots) return s.current.exists() ? growth_result::done : open_group(s);
    if (s.size == 0) return build_directory(s, shape);
    const growth_result r = open_directory(s, shape.depth == 0 ? shape.units : B::largest_units);
    if (r != growth_result::done) return r;
  }
  return widen_tables(s, entries);
}

// At least `groups` groups.
template <with_directory B>
growth_result rehash_slow(open_state<B>& s, std::size_t groups) {
  if (groups <= s.units) return growth_result::done;
  if (groups > most_units<B>() / B::model::slots) return growth_result::too_large;
  return reserve_slow(s, groups * B::model::slots);
}

}  // namespace tophash::inline v1::table

#endif
