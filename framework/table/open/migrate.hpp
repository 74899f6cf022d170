// SPDX-License-Identifier: Apache-2.0
// Growth of an open-addressing table: a new array beside the old one, and the evacuation of the old one.
// Where all is moved at once and nothing of it can throw, one pass over the groups moves every entry.
// Otherwise the unit is the home group: evacuating home h follows h's probe sequence and moves the entries
// whose home is h, in the order of homes; a throwing hash or move stops between two entries, and the next
// write goes on from there.
#ifndef TOPHASH_FRAMEWORK_TABLE_OPEN_MIGRATE_HPP
#define TOPHASH_FRAMEWORK_TABLE_OPEN_MIGRATE_HPP

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <tophash/framework/table/open/find.hpp>
#include <tophash/framework/table/open/state.hpp>

namespace tophash::inline v1::table {

template <class B>
load_state load_of(const open_state<B>& s) noexcept {
  std::size_t dead = 0;
  if constexpr (B::counts_residue) {
    dead = s.residue.dead + s.residue.passed;
  } else {
    dead = residue_of(s);
  }
  return {.live = s.size,
          .dead = dead,
          .dirty = s.residue.dirty,
          .units = s.current.units(),
          .slots_per_unit = B::model::slots,
          .limit = limit_of(s),
          .overflow = 0,
          .acquired = 0,
          .chain_buckets = 0};
}

// Moves the entry at `from`, whose key has this hash, to the current array, which has room.
template <class B>
typename B::slot move_entry(open_state<B>& s, typename B::slot from, std::uint64_t hash) {
  const typename B::slot to = B::model::find_vacancy(s.current, hash);
  TOPHASH_CHECK(to, "a growing table has no room for an entry of its old array");
  open_slot<B>(to);
  const opened_slot<B> opened(to);
  B::model::relocate_entry(to, from);
  claim_slot(s, to, hash, false);
  order_stores<B>();
  return to;
}

template <class B>
void refresh_shrink_at(open_state<B>& s) noexcept {
  if constexpr (B::facts.growth.shrink_percent != 0) {
    s.shrink.shrink_at = s.current.units() > 1 ? share_of(limit_of(s), B::facts.growth.shrink_percent) : 0;
  }
}

// Counts of a new, empty current array of this many slots. `dirty` of them are left behind in the old one.
template <class B>
void begin_counts(open_state<B>& s, std::size_t capacity) noexcept {
  s.grow_at = limit_for(s, s.current.units(), capacity);
  if constexpr (B::counts_residue) {
    s.residue.limit = s.grow_at;
    s.residue.dead = s.residue.passed = s.residue.sweep_at = 0;
    s.residue.dirty_in_old = s.residue.dirty;
    s.residue.ask_due = false;
  }
  if constexpr (B::facts.growth.shrink_percent != 0) s.shrink.shrink_at = 0;
}

// Where the next entries go in a group of a new array. What is known of its slots need not be read back from tags
// just written, which would stall: a load of sixteen bytes does not see a store of one on its way.
template <class B, bool ByHash>
struct filling_group;

// The occupied slots come first.
template <class B>
struct filling_group<B, false> {
  typename B::model::group* group;
  typename B::model::unit* entries;
  std::size_t next, end;
  filling_group(const typename B::array& a, std::size_t at) noexcept
      : group(a.groups + at), entries(a.entries + at * B::model::slots) {
    end = group->tags[B::model::slots - 1] == B::model::sentinel ? B::model::slots - 1 : B::model::slots;
    const unsigned vacant = B::model::match(group, B::model::empty);
    next = vacant == 0 ? end : lowest_bit(vacant);
  }
  bool has_room() const noexcept { return next != end; }
  typename B::slot take(std::uint64_t) noexcept {
    const std::size_t i = next++;
    return {entries + i, group->tags + i};
  }
  // An entry came otherwise, into the first vacant slot of its group.
  void note(typename B::slot taken) noexcept {
    if (B::model::group_of(taken.tag) == group) ++next;
  }
};

// In an array that places by hash: of any slots.
template <class B>
struct filling_group<B, true> {
  typename B::model::group* group;
  typename B::model::unit* entries;
  unsigned vacant;
  filling_group(const typename B::array& a, std::size_t at) noexcept
      : group(a.groups + at),
        entries(a.entries + at * B::model::slots),
        vacant(B::model::match(group, B::model::empty)) {}
  bool has_room() const noexcept { return vacant != 0; }
  typename B::slot take(std::uint64_t hash) noexcept {
    const unsigned from = B::model::placed_by_hash(vacant, entries, hash);
    const std::size_t i = lowest_bit(from);
    vacant ^= from & (0 - from);
    return {entries + i, group->tags + i};
  }
  void note(typename B::slot taken) noexcept {
    if (B::model::group_of(taken.tag) == group) vacant &= ~(1u << B::model::slot_index(taken.tag));
  }
};

// Nobody is told of single entries, and those that are gone leave nothing in their tags.
template <class B>
inline constexpr bool moves_groups_as_bytes =
    B::model::width == 16 && !B::model::leaves_dead && B::tags_unwatched && !TOPHASH_HAS_ASAN &&
    (B::model::boxed || B::model::trivial_relocation) && !hears_of_stores<typename B::allocation> &&
    !takes_event<typename B::spec::observe, events::moved>;

// Asks for the slots one group after these two, which the evacuation will read and write soon. Of entries larger than a
// cache line a group is up to a page long, and the processor's own prefetch begins anew in each: with this and the
// copies in pieces (copy_entry_bytes) 200,000 entries of 264 bytes are inserted into a growing map in 0.9 of the time.
// Smaller entries gain nothing.
template <class B>
TOPHASH_ALWAYS_INLINE void ask_for_next_group(typename B::slot from, typename B::slot to) noexcept {
  using unit = typename B::model::unit;
  constexpr std::size_t line_bytes = 64, group_bytes = B::model::slots * sizeof(unit);
  if constexpr (sizeof(unit) > line_bytes) {
    // Past the last group there is no entry to point to, so these are numbers.
    const auto next_from = reinterpret_cast<std::uintptr_t>(from.entry) + group_bytes,
               next_to = reinterpret_cast<std::uintptr_t>(to.entry) + group_bytes;
    for (std::size_t at = 0; at < sizeof(unit); at += line_bytes) {
      TOPHASH_PREFETCH(reinterpret_cast<const void*>(next_from + at));
      TOPHASH_PREFETCH_TO_WRITE(reinterpret_cast<const void*>(next_to + at));
    }
  } else {
    static_cast<void>(from), static_cast<void>(to);
  }
}

// From a group that is smaller than the new one: every entry keeps its place, and no hash is asked for.
template <class B>
void evacuate_one_group(open_state<B>& s, const typename B::array& old) noexcept {
  using model = typename B::model;
  if constexpr (moves_groups_as_bytes<B>) {
    const std::size_t slots = model::capacity(old);
    const auto copy = [&](std::size_t entries) {
      std::memcpy(static_cast<void*>(s.current.entries), static_cast<const void*>(old.entries),
                  entries * sizeof(typename model::unit));
    };
    if (slots == smallest_capacity<B>) [[likely]] {
      copy(smallest_capacity<B>);  // of a constant size: a few instructions
    } else {
      copy(slots);
    }
    take_first_bytes_16(s.current.groups->tags, old.groups->tags, slots);
    return;
  }
  for (unsigned mask = model::live(old.groups); mask != 0; mask &= mask - 1) {
    const std::size_t i = lowest_bit(mask);
    const typename B::slot from{old.entries + i, old.groups->tags + i},
        to{s.current.entries + i, s.current.groups->tags + i};
    open_slot<B>(to);
    const opened_slot<B> opened(to);
    model::relocate_entry(to, from);
    *to.tag = *from.tag;
    tell_storage(s, to);
    notify_with<events::moved>(s.policies.observe, [&] {
      return events::moved{told_slot<B>(old, from, true), told_slot<B>(s.current, to, false),
                           hash_at(s, to)};
    });
  }
}

// Group by group, in one pass. Nothing throws.
template <bool ByHash, class B>
void evacuate_groups(open_state<B>& s, const typename B::array& old) noexcept {
  using model = typename B::model;
  const std::size_t units = s.current.units(), old_units = old.units();
  // Doubling by the low bits: the entries of group u belong to groups u and u + old_units, but for those that
  // were passed on from another.
  const bool splits = model::power_of_two && units == 2 * old_units;
  for (std::size_t u = 0; u < old_units; ++u) {
    std::size_t moved = 0;
    typename model::group* const g = old.groups + u;
    // A shrunken array has no group u: then the halves are not used.
    const std::size_t first = u < units ? u : 0, second = splits ? u + old_units : first;
    filling_group<B, ByHash> halves[2] = {{s.current, first}, {s.current, second}};
    for (unsigned mask = model::occupied(g); mask != 0; mask &= mask - 1) {
      const auto i = lowest_bit(mask);
      const typename B::slot from{old.entries + u * model::slots + i, g->tags + i};
      if (model::is_dirty(*from.tag)) {
        if constexpr (B::dirty_kind) {
          end_entry(s, from.entry);
          --s.residue.dirty, --s.residue.dirty_in_old;
          notify_with<events::swept>(s.policies.observe,
                                     [&] { return events::swept{told_slot<B>(old, from, true)}; });
        }
        continue;
      }
      const std::uint64_t hash = hash_at(s, from);
      const std::size_t home = s.current.map.index(hash);
      filling_group<B, ByHash>& half = halves[home == u ? 0 : 1];
      typename B::slot to;
      if (splits && (home & (old_units - 1)) == u && half.has_room()) [[likely]] {
        to = half.take(hash);
        ask_for_next_group<B>(from, to);
        open_slot<B>(to);
        const opened_slot<B> opened(to);
        model::relocate_entry(to, from);
        model::claim(to, hash);
        tell_storage(s, to);
      } else {
        to = move_entry(s, from, hash);
        halves[0].note(to);
        halves[1].note(to);
      }
      ++moved;
      notify_with<events::moved>(s.policies.observe, [&] {
        return events::moved{told_slot<B>(old, from, true),
                             told_slot<B>(s.current, to, false), hash};
      });
    }
    notify(s.policies.observe, events::evacuated{moved, u});
  }
}

// All entries of `old` to the current array. Nothing throws.
template <class B>
void evacuate_at_once(open_state<B>& s, typename B::array& old) noexcept {
  using model = typename B::model;
  const bool one_group = old.has_one_unit() && s.current.has_one_unit() && s.residue.dirty == 0 &&
                         model::capacity(old) <= model::capacity(s.current);
  if (one_group) {
    evacuate_one_group(s, old);
    notify(s.policies.observe, events::evacuated{s.size, 0});
  } else if (model::places_by_hash(s.current)) {
    evacuate_groups<true>(s, old);
  } else {
    evacuate_groups<false>(s, old);
  }
  notify(s.policies.observe, events::growth_finished{old.units()});
  deallocate_block(s, old);
  refresh_room(s);
  refresh_shrink_at(s);
}

// ---- growth that may stop half way
// ------------------------------------------------------------------------------

template <class B>
struct evacuation_guard_of_home {
  open_state<B>& s;
  bool done = false;
  ~evacuation_guard_of_home() {
    if (!done) s.generation.partial = true;
    refresh_room(s);
  }
};

// `tracked` follows the entry it names.
template <class B>
void evacuate_home(open_state<B>& s, std::size_t home, std::type_identity_t<place<B>>* tracked) {
  using model = typename B::model;
  auto& old = s.generation.old;
  evacuation_guard_of_home<B> guard{s};
  std::size_t moved = 0;
  typename model::probe p(home);
  do {
    typename model::group* const g = old.groups + p.at;
    for (unsigned mask = model::occupied(g); mask != 0; mask &= mask - 1) {
      const auto i = lowest_bit(mask);
      const typename B::slot from{old.entries + p.at * model::slots + i, g->tags + i};
      // The key of a dirty entry may not be hashed where nothing kept alive what it points to: such an entry
      // goes with the first home whose search passes it.
      const bool is_dirty = model::is_dirty(*from.tag);
      const bool any_home = B::dirty_kind && !B::resurrects && !model::boxed && is_dirty;
      const std::uint64_t hash = any_home ? 0 : hash_at(s, from);
      if (!any_home && old.map.index(hash) != home) continue;
      if (is_dirty) {
        if constexpr (B::dirty_kind) {
          notify_with<events::swept>(s.policies.observe,
                                     [&] { return events::swept{told_slot<B>(old, from, true)}; });
          uncount_passed(s, from, true);
          destroy_entry(s, from);
          vacate_slot(s, from, true);
        }
        continue;
      }
      uncount_passed(s, from, true);
      const typename B::slot to = move_entry(s, from, hash);
      close_slot(s, from);
      *from.tag = model::leaves_dead ? model::dead : model::empty;
      ++moved;
      notify_with<events::moved>(s.policies.observe, [&] {
        return events::moved{told_slot<B>(old, from, true), told_slot<B>(s.current, to, false), hash};
      });
      if (tracked != nullptr && tracked->in_old && tracked->at == from) *tracked = {to, false};
    }
  } while (!model::ends_for_all(old.groups + p.at) && p.next(old));
  guard.done = true;
  s.generation.partial = false;
  notify(s.policies.observe, events::evacuated{moved, home});
}

template <class B>
void end_growth(open_state<B>& s) noexcept {
  const std::size_t units = s.generation.old.units();
  deallocate_block(s, s.generation.old);
  s.generation = {};
  refresh_room(s);
  refresh_shrink_at(s);
  notify(s.policies.observe, events::growth_finished{units});
}

// Evacuates up to `homes` homes in order.
template <class B>
void evacuate_homes(open_state<B>& s, std::size_t homes, std::type_identity_t<place<B>>* tracked) {
  for (; homes != 0 && s.growing(); --homes) {
    evacuate_home(s, s.generation.progress, tracked);
    if (++s.generation.progress == s.generation.old.units()) end_growth(s);
  }
}

// Tells observers of a step: begin, and end however it ends.
template <class B>
struct told_open_step {
  open_state<B>& s;
  std::size_t units = s.generation.old.units();
  std::size_t before = s.generation.progress;

  explicit told_open_step(open_state<B>& of) noexcept : s(of) {
    notify(s.policies.observe, events::step_started{});
  }
  told_open_step(const told_open_step&) = delete;
  told_open_step& operator=(const told_open_step&) = delete;
  ~told_open_step() {
    notify_with<events::step_finished>(s.policies.observe, [this] {
      return events::step_finished{(s.growing() ? s.generation.progress : units) - before};
    });
  }
};

// The share of a growth that one write does. Never short of memory: true.
template <class B>
TOPHASH_NOINLINE bool step_slow(open_state<B>& s, std::uint64_t, std::type_identity_t<place<B>>* tracked) {
  if constexpr (B::may_stay_growing) {
    const told_open_step<B> told(s);
    evacuate_homes(s, B::quantum == whole_table ? s.generation.old.units() : B::quantum, tracked);
  } else {
    static_cast<void>(s), static_cast<void>(tracked);
  }
  return true;
}

template <class B>
void finish_growth(open_state<B>& s) {
  if constexpr (B::may_stay_growing) {
    if (!s.growing()) return;
    const told_open_step<B> told(s);
    evacuate_homes(s, s.generation.old.units(), nullptr);
  } else {
    static_cast<void>(s);
  }
}

// Replaces the array by one of this many units and slots. Where a growth may stop half way, it only begins;
// otherwise it is over. No growth is under way.
template <class B>
growth_result start_growth(open_state<B>& s, std::size_t units, std::size_t capacity) noexcept {
  if (units == 0 || units > most_units<B>()) return growth_result::too_large;
  const auto fresh = allocate_array(s, units, capacity);
  if (!fresh.exists()) return growth_result::no_memory;
  auto before = s.current;
  const std::size_t capacity_before = B::model::capacity(before);
  if (before.exists()) ++(capacity == capacity_before ? s.regrows : s.growths);
  s.current = fresh;
  begin_counts(s, capacity);
  notify(s.policies.observe, events::growth_started{before.units(), units});
  if (!before.exists()) {
    refresh_shrink_at(s);
  } else if constexpr (B::may_stay_growing) {
    s.generation.old = before;
    s.generation.progress = 0;
    s.generation.partial = false;
  } else {
    evacuate_at_once(s, before);
  }
  return growth_result::done;
}

// The least array that takes `entries`.
struct array_size {
  std::size_t units = 0;  // 0: none is large enough
  std::size_t capacity = 0;
};

template <class B>
array_size size_of_units(std::size_t units) noexcept {
  if (B::model::least_units == 1 && units <= 1) return {1, one_group_capacity<B>};
  const std::size_t rounded =
      B::sizing::round_up(units < B::model::least_units ? B::model::least_units : units);
  return {rounded, B::model::slots_in(rounded)};
}

template <class B>
array_size size_for(const open_state<B>& s, std::size_t entries) noexcept {
  if (entries <= smallest_capacity<B>) return {1, smallest_capacity<B>};
  if (entries <= one_group_capacity<B>) return {1, one_group_capacity<B>};
  std::size_t units = s.policies.load.units_for(entries, B::model::slots);
  if (units == 0 || units > most_units<B>()) return {};
  for (;;) {
    const array_size size = size_of_units<B>(units < 2 ? 2 : units);
    if (size.units == 0 || size.units > most_units<B>()) return {};
    if (limit_for(s, size.units, size.capacity) >= entries) return size;
    units = size.units + 1 + size.units / 16;
  }
}

// An insert found the table full: does what the growth policy says. The only place where it is asked.
// Afterwards there is room for one more entry, unless the result says why not.
template <class B>
TOPHASH_NOINLINE growth_result grow_slow(open_state<B>& s) {
  if (s.growing()) finish_growth(s);
  if (s.size < s.grow_at) return growth_result::done;
  if (!s.current.exists()) {
    const array_size first = size_for(s, 1);
    return start_growth(s, first.units, first.capacity);
  }
  if (s.current.units() == 1 && s.size == s.grow_at) {
    // Below one group no policy is asked: it knows whole groups only.
    const std::size_t capacity = B::model::capacity(s.current);
    if (capacity < one_group_capacity<B> && s.size == capacity)
      return start_growth(s, 1, one_group_capacity<B>);
  }
  const std::size_t limit = limit_of(s);
  const bool full = s.size + residue_of(s) >= limit;
  plan wanted = s.policies.growth.decide(load_of(s));
  if (wanted.what == action::keep && s.residue.ask_due) wanted = plan::regrow();
  const std::size_t capacity = B::model::capacity(s.current);
  if (wanted.what == action::keep && !full) {
    refresh_room(s);
    if (s.size < s.grow_at) return growth_result::done;
  }
  // Open addressing cannot grow longer chains: a full table that is to be kept grows all the same.
  if (wanted.what == action::keep) wanted = plan::resize(2 * s.current.units());
  array_size size =
      wanted.what == action::regrow ? array_size{s.current.units(), capacity} : size_of_units<B>(wanted.units);
  // A policy knows whole groups only: a part of one grows to one, whether entries or dead slots filled it.
  if (wanted.what == action::resize && capacity < one_group_capacity<B>) size = size_of_units<B>(1);
  if (size.units == 0) return growth_result::too_large;
  if (limit_for(s, size.units, size.capacity) <= s.size) size = size_for(s, s.size + 1);
  return start_growth(s, size.units, size.capacity);
}

// Makes room for `entries` in all, and ends a growth under way, so that inserts up to there move nothing.
template <class B>
growth_result reserve_slow(open_state<B>& s, std::size_t entries) {
  const array_size size = size_for(s, entries == 0 ? 1 : entries);
  if (size.units == 0) return growth_result::too_large;
  if (s.growing()) finish_growth(s);
  const std::size_t residue = residue_of(s);
  if (s.current.exists() && size.capacity <= B::model::capacity(s.current) &&
      (residue == 0 || entries <= s.grow_at)) {
    return growth_result::done;
  }
  const bool larger = size.capacity > B::model::capacity(s.current);
  const growth_result started = larger ? start_growth(s, size.units, size.capacity)
                                       : start_growth(s, s.current.units(), B::model::capacity(s.current));
  if (started != growth_result::done) return started;
  finish_growth(s);
  // Room that was asked for stays until the next growth.
  if constexpr (B::facts.growth.shrink_percent != 0) s.shrink.shrink_at = 0;
  return growth_result::done;
}

// At least `groups` groups.
template <class B>
growth_result rehash_slow(open_state<B>& s, std::size_t groups) {
  if (groups == 0) return growth_result::done;
  if (s.growing()) finish_growth(s);
  const array_size size = size_of_units<B>(groups);
  if (size.units == 0) return growth_result::too_large;
  if (s.current.exists() && size.capacity <= B::model::capacity(s.current)) return growth_result::done;
  if (const growth_result r = start_growth(s, size.units, size.capacity); r != growth_result::done) return r;
  finish_growth(s);
  if constexpr (B::facts.growth.shrink_percent != 0) s.shrink.shrink_at = 0;
  return growth_result::done;
}

}  // namespace tophash::inline v1::table

#endif
