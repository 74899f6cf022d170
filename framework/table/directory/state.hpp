// SPDX-License-Identifier: Apache-2.0
// The data of a map behind a directory (layout::directory), and how its tables get and give back memory. The
// functions of open/ that need a map's policies alone (entries, blocks, nodes) serve here as they are; those
// that search or grow have their own form here, which `with_directory` chooses.
//
// Invariants:
//   - without a directory, `current` is the one group of a map of at most eight entries, or the empty array;
//     with one, it is the empty array, and every place of the directory names a table;
//   - in each table, size + dead + room is the limit of its array: `room` counts the inserts into empty slots
//     that it still takes. An insert into a dead slot needs no room;
//   - `size` is the sum of the tables' sizes, `units` that of their groups.
#ifndef TOPHASH_FRAMEWORK_TABLE_DIRECTORY_STATE_HPP
#define TOPHASH_FRAMEWORK_TABLE_DIRECTORY_STATE_HPP

#include <cstddef>
#include <cstdint>
#include <memory>

#include <tophash/framework/concepts/hashing.hpp>
#include <tophash/framework/core/purpose.hpp>
#include <tophash/framework/core/seed.hpp>
#include <tophash/framework/table/open/iterator.hpp>
#include <tophash/framework/table/open/state.hpp>

namespace tophash::inline v1::table {

template <class B>
concept with_directory = requires {
  requires B::has_directory;
};

template <class B>
struct directory_cursor;

template <class Key, class T, class Spec>
struct directory_binding : open_binding<Key, T, Spec> {
  using in_one_array = open_binding<Key, T, Spec>;
  using in_one_array::facts;
  using state_type = open_state<directory_binding>;
  using owned_state_type = owned_open_state<directory_binding>;
  using cursor_type = directory_cursor<directory_binding>;
  template <bool Const>
  using iterator_type = open_iterator<directory_binding, Const>;

  static constexpr bool has_directory = true;
  static constexpr bool counts_residue = false;  // each table counts its own
  static constexpr bool may_stay_growing = false;
  static constexpr bool walks_with_state = true;
  static constexpr bool scatters = facts.hashing.scatters && !equality_is_identity<Key>;
  static constexpr std::size_t largest_units = facts.layout.table_slots / in_one_array::model::slots;
  static_assert(in_one_array::model::nothrow_relocation, "a growth of a table does not stop half way");
};

template <class Key, class T, class Spec>
struct binding_of<Key, T, Spec, layout_kind::directory> {
  using type = directory_binding<Key, T, Spec>;
};

template <class B>
struct directory_table {
  typename B::array groups = B::model::empty_array();
  std::size_t size = 0, dead = 0, room = 0;
  unsigned depth = 0;
};

template <with_directory B>
struct open_arrays_and_counts<B> {
  typename B::array current = B::model::empty_array();
  directory_table<B>** tables = nullptr;  // 2^depth places
  unsigned depth = 0;
  std::uint32_t growths = 0;  // tables that were replaced by one or two larger in all
  std::uint32_t regrows = 0;  // ... by one of the same size
  std::size_t size = 0;
  std::size_t units = 0;
  std::size_t table_count = 0;
  std::size_t scattered = 0;  // keys unequal to themselves that were given a hash
  [[no_unique_address]] old_generation<B, false> generation{};
};

template <with_directory B>
std::size_t units_of(const open_state<B>& s) noexcept {
  return s.units;
}

// ---- from a hash to its table
// --------------------------------------------------------------------------------

// Directories are smaller than 2^48 places: an index uses the bits below the tag.
inline constexpr unsigned deepest_directory = 40;

template <with_directory B>
TOPHASH_ALWAYS_INLINE std::size_t place_in_directory(const open_state<B>& s, std::uint64_t hash) noexcept {
  return static_cast<std::size_t>((hash << 8) >> 1 >> (63 - s.depth));
}

// Null: there is no directory.
template <with_directory B>
TOPHASH_ALWAYS_INLINE directory_table<B>* table_for(const open_state<B>& s, std::uint64_t hash) noexcept {
  return s.tables == nullptr ? nullptr : s.tables[place_in_directory(s, hash)];
}

template <with_directory B>
TOPHASH_ALWAYS_INLINE const typename B::array& array_for(const open_state<B>& s,
                                                         std::uint64_t hash) noexcept {
  const directory_table<B>* const t = table_for(s, hash);
  return t == nullptr ? s.current : t->groups;
}

template <with_directory B>
std::size_t places_of(const open_state<B>& s) noexcept {
  return s.tables == nullptr ? 0 : std::size_t{1} << s.depth;
}

// The first place behind those of the table that this place belongs to.
template <with_directory B>
std::size_t next_place(const open_state<B>& s, std::size_t place) noexcept {
  const std::size_t span = std::size_t{1} << (s.depth - s.tables[place]->depth);
  return (place & ~(span - 1)) + span;
}

// Calls f(table) for each in the order of the directory.
template <with_directory B, class F>
void for_each_table(const open_state<B>& s, F&& f) {
  for (std::size_t place = 0; place < places_of(s); place = next_place(s, place)) f(*s.tables[place]);
}

template <with_directory B, class F>
void for_each_array(const open_state<B>& s, F&& f) {
  if (s.current.exists()) f(static_cast<const void*>(B::model::block_of(s.current)));
  for_each_table(
      s, [&f](const directory_table<B>& t) { f(static_cast<const void*>(B::model::block_of(t.groups))); });
}

template <with_directory B>
std::size_t limit_of_table(const open_state<B>& s, const directory_table<B>& t) noexcept {
  return limit_for(s, t.groups.units(), B::model::capacity(t.groups));
}

template <with_directory B>
std::size_t limit_of(const open_state<B>& s) noexcept {
  std::size_t sum = B::model::capacity(s.current);
  for_each_table(s, [&](const directory_table<B>& t) { sum += limit_of_table(s, t); });
  return sum;
}

// ---- memory
// --------------------------------------------------------------------------------------------------

template <with_directory B>
request directory_request(std::size_t places) noexcept {
  return {.bytes = places * sizeof(directory_table<B>*),
          .align = alignof(directory_table<B>*),
          .use = purpose::directory,
          .trace = nullptr};
}

template <with_directory B>
request table_request() noexcept {
  return {.bytes = sizeof(directory_table<B>),
          .align = alignof(directory_table<B>),
          .use = purpose::directory,
          .trace = nullptr};
}

// Without places when memory ran out. They name no table yet.
template <with_directory B>
directory_table<B>** allocate_directory(open_state<B>& s, std::size_t places) noexcept {
  void* const block = s.policies.allocation.try_allocate(directory_request<B>(places));
  if (block == nullptr) return nullptr;
  auto** const out = static_cast<directory_table<B>**>(block);
  std::uninitialized_fill_n(out, places, nullptr);
  return out;
}

template <with_directory B>
void deallocate_directory(open_state<B>& s, directory_table<B>** tables, std::size_t places) noexcept {
  if (tables != nullptr) s.policies.allocation.deallocate(tables, directory_request<B>(places));
}

template <with_directory B>
void deallocate_table(open_state<B>& s, directory_table<B>* t) noexcept {
  if (t == nullptr) return;
  deallocate_block(s, t->groups);
  std::destroy_at(t);
  s.policies.allocation.deallocate(t, table_request<B>());
}

// A table of this many groups, or (0) without an array; null when memory ran out.
template <with_directory B>
directory_table<B>* allocate_table(open_state<B>& s, std::size_t units, unsigned depth) noexcept {
  void* const block = s.policies.allocation.try_allocate(table_request<B>());
  if (block == nullptr) return nullptr;
  auto* const t = ::new (block) directory_table<B>();
  t->depth = depth;
  if (units == 0) return t;
  const auto groups = allocate_array(s, units, B::model::slots_in(units));
  if (!groups.exists()) {
    deallocate_table(s, t);
    return nullptr;
  }
  t->groups = groups;
  t->room = limit_of_table(s, *t);
  return t;
}

// ---- slots
// ---------------------------------------------------------------------------------------------------

// Where an entry of this hash may go, known to be absent: none, if its table must grow first. No table: in
// the one group.
template <with_directory B>
TOPHASH_ALWAYS_INLINE typename B::slot vacancy_in(const open_state<B>& s, const directory_table<B>* t,
                                                  std::uint64_t hash) noexcept {
  if (t == nullptr) return B::model::find_vacancy(s.current, hash);
  const typename B::slot at = B::model::find_vacancy(t->groups, hash);
  if (t->room == 0 && !B::model::was_dead(*at.tag)) [[unlikely]]
    return {};
  return at;
}

// The slot that vacancy_in found now holds an entry.
template <with_directory B>
TOPHASH_ALWAYS_INLINE void claim_in(open_state<B>& s, directory_table<B>* t, typename B::slot at,
                                    std::uint64_t hash) noexcept {
  if (t != nullptr) {
    --(B::model::was_dead(*at.tag) ? t->dead : t->room);
    ++t->size;
  }
  ++s.size;
  B::model::claim(at, hash);
  tell_storage(s, at);
}

// The entry of the slot is gone.
template <with_directory B>
TOPHASH_ALWAYS_INLINE void vacate_in(open_state<B>& s, directory_table<B>* t, typename B::slot at) noexcept {
  --s.size;
  if (t == nullptr) {
    *at.tag = B::model::empty;
    return;
  }
  --t->size;
  ++(B::model::vacate(at) ? t->dead : t->room);
}

// ---- hashes
// --------------------------------------------------------------------------------------------------

// No entry is left, so none has a place by the old seed.
template <with_directory B>
TOPHASH_ALWAYS_INLINE void reseed_if_empty(open_state<B>& s) noexcept {
  if constexpr (B::facts.hashing.reseeds) {
    if (s.size == 0) [[unlikely]]
      s.policies.hashing.reseed();
  } else {
    static_cast<void>(s);
  }
}

// The hash that a new entry goes by, and one that a table grows by: another one each time for a key that
// nobody will find, where the hashing policy says so.
template <with_directory B, class K>
TOPHASH_ALWAYS_INLINE std::uint64_t insertion_hash(const open_state<B>& s, std::uint64_t hash, const K& key) {
  if constexpr (B::scatters) {
    if (!s.policies.hashing.equal(key, key)) [[unlikely]]
      return next_seed(hash ^ random_seed());
  } else {
    static_cast<void>(s), static_cast<void>(key);
  }
  return hash;
}

// ---- places for observers
// -------------------------------------------------------------------------------------

template <with_directory B>
events::slot_place told_in(const open_state<B>& s, const directory_table<B>* t,
                           typename B::slot at) noexcept {
  return told_slot<B>(t == nullptr ? s.current : t->groups, at, false);
}

}  // namespace tophash::inline v1::table

#endif
