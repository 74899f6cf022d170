// SPDX-License-Identifier: Apache-2.0
// Erasure, clearing and the end of a table. What an erase leaves in the slot is the deletion policy's choice:
// nothing (immediate; Go's collapse rule), a dead slot, or the entry itself under a dirty tag. Erasing at a
// place never moves anything; erasing by key does a growth step while a growth is under way.
#ifndef TOPHASH_FRAMEWORK_TABLE_ERASE_HPP
#define TOPHASH_FRAMEWORK_TABLE_ERASE_HPP

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <tophash/framework/concepts/allocation.hpp>
#include <tophash/framework/table/census.hpp>
#include <tophash/framework/table/find.hpp>
#include <tophash/framework/table/memory_report.hpp>
#include <tophash/framework/table/migrate.hpp>
#include <tophash/framework/table/state.hpp>
#include <tophash/framework/table/sweep.hpp>

namespace tophash::inline v1::table {

// Before erase_at: afterwards the bucket may be gone.
template <class B>
TOPHASH_ALWAYS_INLINE void tell_erased(state<B>& s, std::uint64_t hash, const place<B>& there) noexcept {
  notify_with<events::erased>(s.policies.observe, [&s, hash, &there] {
    return events::erased{told_place(s, hash, there), hash, true};
  });
}

template <class B>
TOPHASH_NOINLINE void reseed_slow(state<B>& s) noexcept {
  s.policies.hashing.reseed();
}

// No entry is left, so none has a place by the old seed. Unswept ones keep theirs until they are swept.
template <class B>
TOPHASH_ALWAYS_INLINE void reseed_if_empty(state<B>& s) noexcept {
  if constexpr (B::facts.hashing.reseeds) {
    if (s.size == 0) [[unlikely]] reseed_slow(s);
  } else {
    static_cast<void>(s);
  }
}

// A slot died; with tombstone(hinted) its whole bucket may have, and be out of the table.
template <class B>
TOPHASH_ALWAYS_INLINE void count_dead(state<B>& s, bool bucket_gone) noexcept {
  ++s.dead;
  if constexpr (B::model::hinted) {
    if (bucket_gone) [[unlikely]] s.dead -= B::model::slots;
  }
  refresh_grow_at(s);
}

// `home` is the main bucket of the chain that holds `at`; observers were told. Cost: the destructors, one
// tag store and one compare.
template <class B>
TOPHASH_ALWAYS_INLINE void erase_at_inlined(state<B>& s, typename B::bucket* home, typename B::slot at) noexcept {
  using model = typename B::model;
  --s.size;
  if constexpr (B::dirty_kind) {
    model::mark_dirty(at);
    ++s.dirty;
    refresh_grow_at(s);
  } else {
    destroy_entry(s, at);
    auto* const emptied = model::vacate(s.current.links, home, at);
    if (emptied != nullptr) release_overflow_slow(s, emptied);
    if constexpr (B::leaves_dead) count_dead(s, emptied != nullptr);
  }
  tell_pins_erased(s, at);
  reseed_if_empty(s);
}

template <class B>
void erase_at(state<B>& s, typename B::bucket* home, typename B::slot at) noexcept {
  erase_at_inlined(s, home, at);
}

// ---- what an erase by key may set off: a purge of residue, a smaller array ------------------------------------

template <class B>
TOPHASH_NOINLINE void purge_slow(state<B>& s) noexcept {
  s.purge = {};
  if constexpr (B::dirty_kind) {
    sweep_dirty(s, s.dirty);
  } else {
    s.purge_due = true;  // a tombstone goes when the array is replaced: at the next insert
    refresh_grow_at(s);
  }
}

template <class B>
bool is_purge_due(state<B>& s) noexcept {
  constexpr deletion_facts when = B::facts.deletion;
  const std::size_t residue = s.dead + s.dirty;
  if constexpr (when.purge_batch_slots != 0) {
    if (++s.purge.erases < when.purge_batch_slots) return false;
    s.purge.erases = 0;
    s.purge.batches = residue >= when.purge_batch_slots ? s.purge.batches + 1 : 0;
    return s.purge.batches >= when.purge_batches;
  } else {
    return residue >= share_of(s.limit, when.purge_percent);
  }
}

// Moves to the smaller array that the growth policy wants. If memory for its directory or block is short, the
// table stays as it is until half as many entries are left. Where all is moved at once, what an exception stops is
// moved by later writes.
template <class B>
TOPHASH_NOINLINE void shrink_slow(state<B>& s) noexcept {
  const plan wanted = s.policies.growth.decide(load_of(s));
  if (wanted.what != action::resize || wanted.units >= s.current.units) {
    s.shrink_at = 0;
    return;
  }
  if (start_growth(s, wanted.units) != growth_result::done) {
    s.shrink_at /= 2;
    return;
  }
  if constexpr (B::quantum == whole_table) {
    TOPHASH_TRY { static_cast<void>(finish_growth(s)); }
    TOPHASH_CATCH_ALL {}
  }
}

// Cost where the policies ask for nothing: none. Shrinking: one compare.
template <class B>
TOPHASH_ALWAYS_INLINE void after_erase_by_key(state<B>& s) noexcept {
  if constexpr (B::facts.deletion.purges()) {
    if (!s.growing() && is_purge_due(s)) [[unlikely]] purge_slow(s);
  }
  if constexpr (B::facts.deletion.purge_census) {
    if (has_census_work(s) && !s.growing()) [[unlikely]] tidy_slow(s, tidied_chains_at_once);
  }
  if constexpr (B::facts.growth.shrink_percent != 0) {
    if (s.size < s.shrink_at) [[unlikely]] shrink_slow(s);
  }
}

template <class K, class B>
TOPHASH_NOINLINE bool erase_while_growing(state<B>& s, std::uint64_t hash, key_argument<K> key) {
  place<B> there = find_while_growing<K>(s, hash, key);
  tell_probed(s, s.policies.observe, hash, there, events::search::erasure);
  if (there || B::facts.growth.every_write) static_cast<void>(step_slow(s, hash, &there));
  if (!there) return false;
  tell_erased(s, hash, there);
  erase_at(s, there.in_old ? s.old.home(hash) : s.current.home(hash), there.at);
  after_erase_by_key(s);
  return true;
}

template <class B, class K>
TOPHASH_ALWAYS_INLINE bool erase_key(state<B>& s, std::uint64_t hash, const K& key) {
  if (s.growing()) [[unlikely]] return erase_while_growing<K>(s, hash, key);
  typename B::slot at;
  if constexpr (B::pinned) {
    at = find_in_current(s, hash, key);
  } else {
    at = B::model::find(s.current, hash, equal_to(s, key));
  }
  tell_probed(s, s.policies.observe, hash, {at, false}, events::search::erasure);
  if (!at) return false;
  tell_erased(s, hash, {at, false});
  if constexpr (B::pinned) {
    // What it tells open iterators takes it past the compiler's bound for inlining: half as many instructions again.
    erase_at_inlined(s, s.current.home(hash), at);
  } else {
    erase_at(s, s.current.home(hash), at);
  }
  after_erase_by_key(s);
  return true;
}

// Destroys every entry of an array and releases its overflow buckets. Main buckets are left as they are, or, if
// `WipesHomes`, empty: of entries that nothing has to be done for no more than their bucket's header is touched, once.
template <bool WipesHomes, class B>
void empty_array(state<B>& s, const typename B::array& a) noexcept {
  using model = typename B::model;
  a.for_each_home([&s](typename B::bucket* home) {
    if constexpr (!trivial_entries<B>) {
      for (auto* b = home; b != nullptr; b = s.current.links.next(b)) {
        for (unsigned mask = model::occupied(b); mask != 0; mask &= mask - 1) {
          destroy_entry(s, typename B::slot{b, static_cast<std::size_t>(std::countr_zero(mask))});
        }
      }
    }
    if (home->link != typename model::link_type{}) release_chain(s, home);
    if constexpr (WipesHomes) {
      model::wipe_tags(home);
      if (is_scanned(s)) model::wipe_entries(home);
    }
  });
}

template <class B>
void reset_counts(state<B>& s) noexcept {
  s.size = s.dead = s.dirty = 0;
  s.sweep_at = 0;
  s.acquired = 0;
  if constexpr (B::facts.growth.counts_overflow) s.counted_overflow = {};
  s.purge_due = s.regrow_wanted = false;
  s.purge = {};
}

template <class B>
void drop_old_array(state<B>& s) noexcept {
  if (!s.growing()) return;
  empty_array<false>(s, s.old);
  end_growth(s);
}

// Keeps the current array; overflow buckets go back to their source.
template <class B>
void clear_entries(state<B>& s) noexcept {
  const std::size_t entries = s.size;
  tell_pins_cleared(s);
  drop_old_array(s);
  empty_array<true>(s, s.current);
  reset_counts(s);
  reseed_if_empty(s);
  refresh_grow_at(s);
  notify(s.policies.observe, events::cleared{entries});
}

// No destructor has anything to do and nobody hears of single blocks: the storage may take back all at once.
template <class B>
inline constexpr bool chains_end_at_once =
    releases_at_once<typename B::allocation> && std::is_trivially_destructible_v<typename B::key_type> &&
    std::is_trivially_destructible_v<typename B::model::mapped_type> &&
    !takes_event<typename B::spec::observe, events::overflow_released> &&
    requires(typename B::spec::overflow& o) { o.forget(); };

// False: the storage holds more than this table, so block by block.
template <class B>
bool release_at_once(state<B>& s) noexcept {
  if constexpr (chains_end_at_once<B>) {
    auto& storage = s.policies.allocation;
    if (s.current.units == 0 || visibility_of(storage) != visibility::opaque) return false;
    if (!storage.try_release_all(report_memory(s).total_bytes())) return false;
    const std::size_t old_units = s.old.units;
    s.current = s.old = {};
    s.policies.overflow.forget();
    s.overflow_in_use = 0;
    s.progress = 0;
    s.partial = false;
    if (old_units != 0) notify(s.policies.observe, events::growth_finished{old_units});
    return true;
  } else {
    static_cast<void>(s);
    return false;
  }
}

// Gives back all memory. The state is then that of a map without an array.
template <class B>
void destroy_table(state<B>& s) noexcept {
  const events::discarded all{s.size, s.current.units};
  detach_pins(s);
  if (!release_at_once(s)) {
    drop_old_array(s);
    empty_array<false>(s, s.current);
    deallocate_array(s, s.current);
    drain_overflow(s);
  }
  s.current = B::model::empty_array();
  s.limit = 0;
  s.shrink_at = 0;
  reset_counts(s);
  refresh_grow_at(s);
  if (all.units != 0) notify(s.policies.observe, all);
}

}  // namespace tophash::inline v1::table

#endif
