// SPDX-License-Identifier: Apache-2.0
// Erasure, sweeping, clearing and the end of an open-addressing table. Erasing moves nothing; erasing by key
// does a growth step while a growth is under way. Cost of an erase in place: the destructors, one tag store,
// one test of the group's filter, one of the size; of the erase that empties the table, amortized over those before
// it, a store a group.
#ifndef TOPHASH_FRAMEWORK_TABLE_OPEN_ERASE_HPP
#define TOPHASH_FRAMEWORK_TABLE_OPEN_ERASE_HPP

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>

#include <tophash/framework/concepts/allocation.hpp>
#include <tophash/framework/table/open/find.hpp>
#include <tophash/framework/table/open/memory_report.hpp>
#include <tophash/framework/table/open/migrate.hpp>
#include <tophash/framework/table/open/state.hpp>

namespace tophash::inline v1::table {

// Where an erase leaves no more behind than its group's mark of what passed it.
template <class B>
inline constexpr bool leaves_marks_only = !B::counts_residue && !B::model::counts_passed &&
                                          !B::model::moves_on_vacate && !B::may_stay_growing && !B::has_directory;

// The last entry goes, and with it everything that marks of passed groups could stand for. Without this a map that is
// emptied by erases would grow when it is filled again, and again. No more groups are visited than sixteen for each
// erase that took from the room: an array of many groups in which one entry comes and goes pays a call and a second
// search (twice the instructions of that insert and erase), not a walk. One group alone has nothing to forget.
template <class B>
TOPHASH_NOINLINE void erase_last_slow(open_state<B>& s, typename B::slot at) noexcept {
  destroy_entry(s, at);
  vacate_slot(s, at, false);
  if (s.current.has_one_unit()) return;
  const std::size_t units = s.current.units(), limit = limit_of(s);
  if (limit - s.grow_at <= units / 16) return;
  for (std::size_t u = 0; u < units; ++u) B::model::forget_passed(s.current.groups + u);
  s.grow_at = limit;
}

// Observers were told. MayBeLast: it is not known that others are left.
template <bool MayBeLast = true, class B>
TOPHASH_ALWAYS_INLINE void erase_at(open_state<B>& s, typename B::slot at, bool in_old) noexcept {
  const std::size_t left = --s.size;
  if constexpr (B::dirty_kind) {
    B::model::mark_dirty(at);
    ++s.residue.dirty;
    if (in_old) ++s.residue.dirty_in_old;
    refresh_room(s);
    static_cast<void>(left);
  } else {
    if constexpr (MayBeLast && leaves_marks_only<B>) {
      if (left == 0) [[unlikely]]
        return erase_last_slow(s, at);
    }
    uncount_passed(s, at, in_old);
    destroy_entry(s, at);
    vacate_slot(s, at, in_old);
    static_cast<void>(left);
  }
}

// ---- deletion::dirty's other half
// -------------------------------------------------------------------------------

// The groups of both arrays as one sequence, current ones first; goes on where the last sweep stopped.
template <class B>
std::size_t sweep_dirty(open_state<B>& s, std::size_t budget) noexcept {
  using model = typename B::model;
  const bool begins = budget != 0 && s.residue.dirty != 0;
  if (begins) notify(s.policies.observe, events::sweep_started{});
  std::size_t swept = 0, old_units = 0;
  if constexpr (B::may_stay_growing) old_units = s.generation.old.units();
  const std::size_t groups = s.current.units() + old_units;
  for (std::size_t seen = 0; seen < groups && swept < budget && s.residue.dirty != 0; ++seen) {
    if (s.residue.sweep_at >= groups) s.residue.sweep_at = 0;
    const bool in_old = s.residue.sweep_at >= s.current.units();
    const std::size_t u = in_old ? s.residue.sweep_at - s.current.units() : s.residue.sweep_at;
    typename B::array a = s.current;
    if constexpr (B::may_stay_growing) {
      if (in_old) a = s.generation.old;
    }
    for (unsigned mask = model::dirty(a.groups + u); mask != 0 && swept < budget; mask &= mask - 1) {
      const auto i = lowest_bit(mask);
      const typename B::slot at{a.entries + u * model::slots + i, a.groups[u].tags + i};
      notify_with<events::swept>(s.policies.observe,
                                 [&] { return events::swept{told_slot<B>(a, at, in_old)}; });
      uncount_passed(s, at, in_old);
      destroy_entry(s, at);
      vacate_slot(s, at, in_old);
      ++swept;
    }
    if (swept < budget) ++s.residue.sweep_at;
  }
  if (begins) notify(s.policies.observe, events::sweep_finished{swept});
  return swept;
}

// ---- what an erase by key may set off
// ---------------------------------------------------------------------------

template <class B>
TOPHASH_NOINLINE void purge_slow(open_state<B>& s) noexcept {
  s.purge = {};
  if constexpr (B::dirty_kind) sweep_dirty(s, s.residue.dirty);
  if constexpr (B::leaves_dead) {
    s.residue.ask_due = true;  // a tombstone goes when the array is replaced: at the next insert
    refresh_room(s);
  }
}

template <class B>
bool is_purge_due(open_state<B>& s) noexcept {
  constexpr deletion_facts when = B::facts.deletion;
  const std::size_t residue = s.residue.dead + s.residue.dirty;
  if constexpr (when.purge_batch_slots != 0) {
    if (++s.purge.erases < when.purge_batch_slots) return false;
    s.purge.erases = 0;
    s.purge.batches = residue >= when.purge_batch_slots ? s.purge.batches + 1 : 0;
    return s.purge.batches >= when.purge_batches;
  } else {
    return residue >= share_of(s.residue.limit, when.purge_percent);
  }
}

// Moves to the smaller array that the growth policy wants. If memory for it is short, the table stays as it
// is until half as many entries are left. Where all is moved at once, what an exception stops is moved by
// later writes.
template <class B>
TOPHASH_NOINLINE void shrink_slow(open_state<B>& s) noexcept {
  if (s.growing()) return;
  const plan wanted = s.policies.growth.decide(load_of(s));
  const array_size size = wanted.what == action::resize ? size_of_units<B>(wanted.units) : array_size{};
  if (size.units == 0 || size.units >= s.current.units() || limit_for(s, size.units, size.capacity) <= s.size) {
    s.shrink.shrink_at = 0;
    return;
  }
  if (start_growth(s, size.units, size.capacity) != growth_result::done) {
    s.shrink.shrink_at /= 2;
    return;
  }
  if constexpr (B::may_stay_growing && B::quantum == whole_table) {
    TOPHASH_TRY { finish_growth(s); }
    TOPHASH_CATCH_ALL {}
  }
}

// Cost where the policies ask for nothing: none. Shrinking: one compare.
template <class B>
TOPHASH_ALWAYS_INLINE void after_erase_by_key(open_state<B>& s) noexcept {
  if constexpr (B::facts.deletion.purges()) {
    if (!s.growing() && is_purge_due(s)) [[unlikely]]
      purge_slow(s);
  }
  if constexpr (B::facts.growth.dead_percent != 0) {
    if (!s.growing() && s.residue.dead + s.residue.dirty >=
                            share_of(s.residue.limit, B::facts.growth.dead_percent)) [[unlikely]] {
      s.residue.ask_due = true;
      refresh_room(s);
    }
  }
  if constexpr (B::facts.growth.shrink_percent != 0) {
    if (s.size < s.shrink.shrink_at) [[unlikely]]
      shrink_slow(s);
  }
}

template <class B>
TOPHASH_ALWAYS_INLINE void tell_erased(open_state<B>& s, std::uint64_t hash, const place<B>& there) noexcept {
  notify_with<events::erased>(s.policies.observe, [&s, hash, &there] {
    return events::erased{told_place(s, there), hash, true};
  });
}

template <class K, class B>
TOPHASH_NOINLINE bool erase_while_growing(open_state<B>& s, std::uint64_t hash, key_argument<K> key) {
  place<B> there = find_while_growing<K>(s, hash, key);
  tell_probed(s, s.policies.observe, hash, there, events::search::erasure);
  if (there || B::facts.growth.every_write) step_slow(s, hash, &there);
  if (!there) return false;
  tell_erased(s, hash, there);
  erase_at(s, there.at, there.in_old);
  after_erase_by_key(s);
  return true;
}

// Of an entry that a search found, or did not.
template <bool MayBeLast = true, class B>
TOPHASH_ALWAYS_INLINE bool erase_found(open_state<B>& s, std::uint64_t hash, const place<B>& there) {
  tell_probed(s, s.policies.observe, hash, there, events::search::erasure);
  if (!there) return false;
  tell_erased(s, hash, there);
  erase_at<MayBeLast>(s, there.at, false);
  after_erase_by_key(s);
  return true;
}

// The home group does not decide: entries of such a hash went on, or the last entry goes.
template <class K, class B>
TOPHASH_NOINLINE bool erase_beyond_home(open_state<B>& s, std::uint64_t hash, key_argument<K> key) {
  if constexpr (leaves_marks_only<B>) {
    if (s.size == 1) return erase_found(s, hash, find_in_current(s, hash, key));
  }
  return erase_found(s, hash, place<B>{B::model::find_beyond(s.current, hash, equal_to(s, key)), false});
}

template <class B, class K>
TOPHASH_ALWAYS_INLINE bool erase_key(open_state<B>& s, std::uint64_t hash, const K& key) {
  if constexpr (B::may_stay_growing) {
    if (s.growing()) [[unlikely]]
      return erase_while_growing<K>(s, hash, key);
  }
  if constexpr (B::model::searches_home_first) {
    // As an insert: the rest is a call that nothing follows.
    using model = typename B::model;
    const std::size_t home = s.current.map.index(hash);
    const auto at = model::template find_in_group<false, true>(s.current, home, hash, equal_to(s, key));
    bool decides = !at && model::ends(s.current.groups + home, hash);
    if (at) decides = !leaves_marks_only<B> || s.size != 1;
    if (!decides) [[unlikely]]
      return erase_beyond_home<K>(s, hash, key);
    return erase_found<!leaves_marks_only<B>>(s, hash, place<B>{at, false});
  } else {
    return erase_found(s, hash, find_in_current(s, hash, key));
  }
}

// Destroys every entry of an array. Tags are not reset.
template <class B>
void destroy_entries(open_state<B>& s, const typename B::array& a) noexcept {
  using model = typename B::model;
  if constexpr (!trivially_destroyed<B>) {
    for (std::size_t u = 0; u < a.units(); ++u) {
      for (unsigned mask = model::occupied(a.groups + u); mask != 0; mask &= mask - 1) {
        end_entry(s, a.entries + u * model::slots + lowest_bit(mask));
      }
    }
  }
  static_cast<void>(s);
}

template <class B>
void drop_old_array(open_state<B>& s) noexcept {
  if constexpr (B::may_stay_growing) {
    if (!s.growing()) return;
    destroy_entries(s, s.generation.old);
    if constexpr (B::counts_residue) {
      s.residue.dirty -= s.residue.dirty_in_old;
      s.residue.dirty_in_old = 0;
    }
    end_growth(s);
  }
}

// Keeps the current array. O(groups), and the destructors.
template <class B>
void clear_entries(open_state<B>& s) noexcept {
  const std::size_t entries = s.size;
  drop_old_array(s);
  const std::size_t capacity = B::model::capacity(s.current);
  if (s.current.exists()) {
    destroy_entries(s, s.current);
    if (is_scanned(s)) {
      std::memset(static_cast<void*>(s.current.entries), 0, B::model::entries_bytes(capacity));
    } else {
      poison(s.current.entries, capacity * sizeof(typename B::model::unit));
    }
    B::model::wipe_tags(s.current, capacity);
  }
  s.size = 0;
  if constexpr (B::counts_residue) s.residue.dirty = 0;
  s.purge = {};
  begin_counts(s, capacity);
  refresh_shrink_at(s);
  notify(s.policies.observe, events::cleared{entries});
}

// No destructor has anything to do: the storage may take back all at once, nodes included.
template <class B>
inline constexpr bool groups_end_at_once =
    releases_at_once<typename B::allocation> && std::is_trivially_destructible_v<typename B::key_type> &&
    std::is_trivially_destructible_v<typename B::model::mapped_type> &&
    !destroys_objects<typename B::allocation, typename B::model::value_type>;

// False: the storage holds more than this table, so block by block.
template <class B>
bool release_at_once(open_state<B>& s) noexcept {
  if constexpr (groups_end_at_once<B>) {
    auto& storage = s.policies.allocation;
    if (!s.current.exists() || visibility_of(storage) != visibility::opaque) return false;
    // Before it is known whether they go at once: in either case they go.
    const auto unpoison_block = [](const typename B::array& a) {
      if (!a.exists()) return;
      unpoison(B::model::block_of(a), block_request<B>(a.units(), B::model::capacity(a)).bytes);
    };
    unpoison_block(s.current);
    std::size_t old_units = 0;
    if constexpr (B::may_stay_growing) {
      unpoison_block(s.generation.old);
      old_units = s.generation.old.units();
    }
    if (!storage.try_release_all(report_memory(s).total_bytes())) return false;
    if constexpr (B::may_stay_growing) {
      s.generation = {};
      if constexpr (B::counts_residue) s.residue.dirty_in_old = 0;
      if (old_units != 0) notify(s.policies.observe, events::growth_finished{old_units});
    }
    return true;
  } else {
    static_cast<void>(s);
    return false;
  }
}

// Gives back all memory. The state is then that of a map without an array.
template <class B>
void destroy_table(open_state<B>& s) noexcept {
  const events::discarded all{s.size, s.current.units()};
  if (!release_at_once(s)) {
    drop_old_array(s);
    destroy_entries(s, s.current);
    deallocate_block(s, s.current);
  }
  s.current = B::model::empty_array();
  s.size = 0;
  if constexpr (B::counts_residue) s.residue.dirty = 0;
  s.purge = {};
  begin_counts(s, 0);
  if (all.units != 0) notify(s.policies.observe, all);
}

}  // namespace tophash::inline v1::table

#endif
