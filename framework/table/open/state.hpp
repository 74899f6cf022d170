// SPDX-License-Identifier: Apache-2.0
// The data of one open-addressing table, and how it gets and gives back memory.
//
// Invariants:
//   - an insert compares `size` with `grow_at` and nothing else. grow_at is the limit of the current array
//   less its
//     residue: dead and dirty slots, and erases from groups whose filter they leave set; or 0 while the
//     growth policy is to be asked for another reason (ask_due). size plus residue never exceeds the limit;
//   - `current` always names a searchable array: without memory, one group that holds nothing, with grow_at
//   0;
//   - while a growth is under way (only where it may stop half way: see may_stay_growing), the entries whose
//   home in
//     the old array is `progress` or more are in the old array, the others in the current one; after an
//     exception the entries of home `progress` may be in either.
#ifndef TOPHASH_FRAMEWORK_TABLE_OPEN_STATE_HPP
#define TOPHASH_FRAMEWORK_TABLE_OPEN_STATE_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <type_traits>
#include <utility>

#include <tophash/framework/compose/pack.hpp>
#include <tophash/framework/compose/rules.hpp>
#include <tophash/framework/concepts/allocation.hpp>
#include <tophash/framework/concepts/observe.hpp>
#include <tophash/framework/config.hpp>
#include <tophash/framework/core/checked.hpp>
#include <tophash/framework/core/load.hpp>
#include <tophash/framework/core/poison.hpp>
#include <tophash/framework/core/purpose.hpp>
#include <tophash/framework/core/step.hpp>
#include <tophash/framework/core/trace_info.hpp>
#include <tophash/framework/core/wipe.hpp>
#include <tophash/framework/table/access.hpp>
#include <tophash/framework/table/binding.hpp>
#include <tophash/framework/table/opening.hpp>

namespace tophash::inline v1::table {

template <class B, bool Const>
class open_iterator;
template <class B>
struct open_cursor;
template <class B>
struct open_state;
template <class B>
struct owned_open_state;

template <class Key, class T, class Spec>
struct open_binding {
  using key_type = Key;
  using mapped = T;
  using spec = Spec;
  static constexpr spec_facts facts = facts_of<Spec>();
  using sizing = typename Spec::sizing;
  using model = typename Spec::layout::template model<Key, T, facts.deletion, sizing>;
  using slot = typename model::slot;
  using array = typename model::array;
  using allocation = typename Spec::allocation;
  using state_type = open_state<open_binding>;
  using owned_state_type = owned_open_state<open_binding>;
  using cursor_type = open_cursor<open_binding>;
  template <bool Const>
  using iterator_type = open_iterator<open_binding, Const>;

  static constexpr bool has_directory = false;  // all entries are in one array, or in two while it grows
  static constexpr bool dirty_kind = model::dirty_kind;
  static constexpr bool leaves_dead = model::leaves_dead;
  static constexpr bool counts_residue = leaves_dead || dirty_kind;
  static constexpr std::size_t quantum = facts.growth.quantum;
  static constexpr bool may_be_scanned =
      static_visibility<allocation>() == visibility::scanned || decides_visibility_at_run_time<allocation>();
  // As for chained buckets.
  static constexpr bool opens_slots = may_be_traced<allocation>() && model::trace.entries_may_point && model::trace.slots != 0;
  static constexpr bool resurrects =
      dirty_kind && !(may_be_traced<allocation>() && gc_traits<Key>::may_contain_pointers);

  // No collector reads tags while the map runs, or marks entries in them: a tag may be written together with its
  // neighbours.
  static constexpr bool tags_unwatched = !opens_slots && !dirty_kind;

  // Can a growth stop between two operations? Where all is moved at once and nothing of it throws, no: then
  // there is never an old array, and neither the state nor the fast paths know of one.
  static constexpr bool hash_never_throws =
      model::boxed ||
      noexcept(std::declval<const typename Spec::hashing&>().hash(std::declval<const Key&>()));
  static constexpr bool may_stay_growing =
      quantum != whole_table || !model::nothrow_relocation || !hash_never_throws;
  // With the question for a growth a find is just too long for the compiler to inline; what it calls is out of line.
  static constexpr bool finds_inlined = may_stay_growing;
  // An iterator finds the way on from its slot alone, unless there may be another array or the walk goes
  // round; and one that asks whether the table is being written must know it.
  static constexpr bool walks_with_state = may_stay_growing || model::moves_on_vacate || facts.sync.checked;
};

template <class Key, class T, class Spec>
struct binding_of<Key, T, Spec, layout_kind::open_groups> {
  using type = open_binding<Key, T, Spec>;
};
template <class Key, class T, class Spec>
struct binding_of<Key, T, Spec, layout_kind::nodes> {
  using type = open_binding<Key, T, Spec>;
};
template <class Key, class T, class Spec>
struct binding_of<Key, T, Spec, layout_kind::open_slots> {
  using type = open_binding<Key, T, Spec>;
};

// The array that a growth is emptying.
template <class B, bool Needed>
struct old_generation {
  static constexpr bool growing() noexcept { return false; }
};

template <class B>
struct old_generation<B, true> {
  typename B::array old{};
  std::size_t progress = 0;  // old homes below it are evacuated
  bool partial = false;      // an exception stopped the evacuation of home `progress` half way
  bool growing() const noexcept { return old.exists(); }
};

// What tombstone and dirty deletion leave. Immediate deletion counts its residue in grow_at alone.
template <bool Needed>
struct residue_counts {
  static constexpr std::size_t dead = 0, dirty = 0;
  static constexpr bool ask_due = false;
};

template <>
struct residue_counts<true> {
  std::size_t limit = 0;  // of the current array
  std::size_t dead = 0;   // in the current array
  std::size_t dirty = 0;  // in both
  std::size_t dirty_in_old = 0;
  std::size_t passed = 0;  // slots of swept entries whose group's filter stays set
  std::size_t sweep_at = 0;
  bool ask_due = false;  // the growth policy has a reason to act at the next insert, or a purge waits for it
};

template <bool Needed>
struct shrink_threshold {};

template <>
struct shrink_threshold<true> {
  std::size_t shrink_at = 0;  // an erase by key that leaves fewer entries asks the growth policy
};

// How often in a row a check found a batch of residue (deletion_facts).
template <bool Needed>
struct batch_checks {};

template <>
struct batch_checks<true> {
  std::size_t erases = 0;   // since the last check
  std::size_t batches = 0;  // checks in a row that found one
};

// Arrays and counts, policies excepted: what a move takes over and a swap exchanges, as one value.
template <class B>
struct open_arrays_and_counts {
  typename B::array current = B::model::empty_array();
  std::size_t size = 0;
  std::size_t grow_at = 0;
  std::uint32_t growths = 0;
  std::uint32_t regrows = 0;
  [[no_unique_address]] old_generation<B, B::may_stay_growing> generation{};
  [[no_unique_address]] residue_counts<B::counts_residue> residue{};
  [[no_unique_address]] shrink_threshold<B::facts.growth.shrink_percent != 0> shrink{};
  [[no_unique_address]] batch_checks<B::facts.deletion.purge_batch_slots != 0> purge{};
};

template <class B>
struct open_state : open_arrays_and_counts<B> {
  using binding_type = B;
  [[no_unique_address]] access_flag<B::facts.sync.checked> access{};
  [[no_unique_address]] policy_values<typename B::spec> policies;

  explicit open_state(policy_values<typename B::spec> given) noexcept(
      std::is_nothrow_move_constructible_v<policy_values<typename B::spec>>)
      : policies(std::move(given)) {}
  // Takes over the arrays of `from`: constructed from them, where an array of its own would be written first.
  open_state(policy_values<typename B::spec> given, open_state& from) noexcept
      : open_arrays_and_counts<B>(from), policies(std::move(given)) {
    from.arrays() = {};
  }

  bool growing() const noexcept { return this->generation.growing(); }
  open_arrays_and_counts<B>& arrays() noexcept { return *this; }
};

// ---- limits
// ---------------------------------------------------------------------------------------------------

// Slots of a first array: 4 entries with their tags fit 80 bytes; W - 2 fill one group and its end. A layout
// that begins with several units has no such arrays.
template <class B>
inline constexpr std::size_t smallest_capacity = B::model::least_units == 1 ? 4 : 0;
template <class B>
inline constexpr std::size_t one_group_capacity = B::model::least_units == 1 ? B::model::width - 2 : 0;

// Entries that an array of this many units and slots takes. A single group may be filled.
template <class B>
std::size_t limit_for(const open_state<B>& s, std::size_t units, std::size_t capacity) noexcept {
  if (units <= 1) return capacity;
  const std::size_t by_policy = s.policies.load.limit(units, B::model::slots);
  const std::size_t most = B::model::most_entries(units, capacity);
  return by_policy < most ? by_policy : most;
}

template <class B>
std::size_t limit_of(const open_state<B>& s) noexcept {
  return limit_for(s, s.current.units(), B::model::capacity(s.current));
}

template <class B>
std::size_t units_of(const open_state<B>& s) noexcept {
  return s.current.units();
}

// Slots of the current array that erases left unusable until it is replaced.
template <class B>
std::size_t residue_of(const open_state<B>& s) noexcept {
  if constexpr (B::counts_residue) {
    return s.residue.dead + s.residue.passed + s.residue.dirty - s.residue.dirty_in_old;
  } else {
    return limit_of(s) - s.grow_at;
  }
}

template <class B>
void refresh_room(open_state<B>& s) noexcept {
  if constexpr (B::counts_residue) s.grow_at = s.residue.ask_due ? 0 : s.residue.limit - residue_of(s);
}

template <class B>
constexpr std::size_t most_units() noexcept {
  constexpr std::size_t unit_bytes = B::model::slots * sizeof(typename B::model::unit) + B::model::width;
  return static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max()) / unit_bytes;
}

template <class B>
std::size_t most_entries(const open_state<B>&) noexcept {
  return most_units<B>() * B::model::slots;
}

// ---- arrays
// ---------------------------------------------------------------------------------------------------

template <class B>
request block_request(std::size_t units, std::size_t capacity) noexcept {
  return {.bytes = B::model::block_bytes(units, capacity),
          .align = B::model::block_align,
          .use = purpose::slots,
          .trace = &B::model::trace};
}

// The memory of an array of empty slots; null when it ran out.
template <class B>
TOPHASH_NOINLINE void* allocate_block_slow(open_state<B>& s, std::size_t units, std::size_t capacity) noexcept {
  const request r = block_request<B>(units, capacity);
  void* const block = s.policies.allocation.try_allocate(r);
  if (block == nullptr) return nullptr;
  if constexpr (!returns_zeroed<typename B::allocation>()) {
    if (is_scanned(s)) std::memset(block, 0, r.bytes);
  }
  const typename B::array fresh = B::model::array_in(block, units, capacity);
  B::model::wipe_tags(fresh, capacity);
  if (!is_scanned(s)) poison(fresh.entries, capacity * sizeof(typename B::model::unit));
  return block;
}

// An array of empty slots; without units when memory ran out. Put together by the caller, in registers: what is
// returned through memory is read sixteen bytes at once while stores of eight are still on their way.
template <class B>
TOPHASH_ALWAYS_INLINE typename B::array allocate_array(open_state<B>& s, std::size_t units,
                                                       std::size_t capacity) noexcept {
  void* const block = allocate_block_slow(s, units, capacity);
  if (block == nullptr) return {};
  return B::model::array_in(block, units, capacity);
}

template <class B>
void deallocate_block(open_state<B>& s, typename B::array& a) noexcept {
  if (!a.exists()) return;
  const request r = block_request<B>(a.units(), B::model::capacity(a));
  unpoison(B::model::block_of(a), r.bytes);
  s.policies.allocation.deallocate(B::model::block_of(a), r);
  a = {};
}

// Calls f(block) for the array of each generation.
template <class B, class F>
void for_each_array(const open_state<B>& s, F&& f) {
  if (s.current.exists()) f(static_cast<const void*>(B::model::block_of(s.current)));
  if constexpr (B::may_stay_growing) {
    if (s.growing()) f(static_cast<const void*>(B::model::block_of(s.generation.old)));
  }
}

// ---- entries
// --------------------------------------------------------------------------------------------------

// A slot's bytes before an entry is constructed in them, and after it is gone.
template <class B>
TOPHASH_ALWAYS_INLINE void open_slot(typename B::slot at) noexcept {
  unpoison(at.entry, sizeof *at.entry);
}
template <class B>
TOPHASH_ALWAYS_INLINE void close_slot(const open_state<B>& s, typename B::slot at) noexcept {
  if (is_scanned(s)) {
    // Storage that a collector scans must not keep what an erased entry pointed to.
    std::memset(static_cast<void*>(at.entry), 0, sizeof *at.entry);
  } else {
    B::model::wipe_erased(at);
    poison(at.entry, sizeof *at.entry);
  }
}

template <class B>
constexpr request entry_node_request() noexcept {
  using node = typename B::model::node;
  return {.bytes = sizeof(node), .align = alignof(node), .use = purpose::node, .trace = &B::model::node_trace};
}

// Ends the entry and gives back its node. The slot's bytes and tag are the caller's.
template <class B>
void end_entry(open_state<B>& s, typename B::model::unit* at) noexcept {
  if constexpr (B::model::boxed) {
    auto* const node = *at;
    destroy_object(s.policies.allocation, std::addressof(node->value));
    std::destroy_at(node);
    if constexpr (B::facts.deletion.wiped == wipe::all) wipe_bytes(node, sizeof *node);
    s.policies.allocation.deallocate(node, entry_node_request<B>());
  } else {
    destroy_object(s.policies.allocation, at);
  }
}

template <class B>
void destroy_entry(open_state<B>& s, typename B::slot at) noexcept {
  end_entry(s, at.entry);
  close_slot(s, at);
}

template <class B>
inline constexpr bool trivially_destroyed =
    !B::model::boxed && !destroys_objects<typename B::allocation, typename B::model::value_type> &&
    std::is_trivially_destructible_v<typename B::key_type> &&
    std::is_trivially_destructible_v<typename B::model::mapped_type>;

// The hash of the entry in a slot.
template <class B>
std::uint64_t hash_at(const open_state<B>& s, typename B::slot at) noexcept(B::hash_never_throws) {
  if constexpr (B::model::boxed) {
    return static_cast<void>(s), (*at.entry)->hash;
  } else {
    return table::hash_of(s, B::model::key(at));
  }
}

template <class B>
const typename B::array& array_of(const open_state<B>& s, bool in_old) noexcept {
  if constexpr (B::may_stay_growing) {
    if (in_old) return s.generation.old;
  }
  return static_cast<void>(in_old), s.current;
}

// To copy an entry takes longer than to find its place.
template <class B>
inline constexpr bool has_large_entries = sizeof(typename B::model::unit) > 4 * sizeof(void*);

// The slot was found by find_vacancy and now holds an entry.
template <class B>
TOPHASH_ALWAYS_INLINE void claim_slot(open_state<B>& s, typename B::slot at, std::uint64_t hash,
                                      bool in_old) noexcept {
  if constexpr (B::leaves_dead) {
    if (!in_old && B::model::was_dead(*at.tag)) {
      --s.residue.dead;
      refresh_room(s);
    }
  } else {
    static_cast<void>(s), static_cast<void>(in_old);
  }
  if constexpr (B::model::counts_passed) B::model::count_passed(array_of(s, in_old), at, hash, true);
  // The next insert into a map of one group searches that group. Where groups are many only keys in another
  // table's order do, and their search waits until all of the entry before has reached the cache: 9 % of the time
  // where entries are a few words, and everybody would execute 9 % more instructions an insert; 43 and 27 % where
  // they have 72 and 264 bytes.
  if constexpr (B::tags_unwatched && B::model::least_units == 1) {
    if (has_large_entries<B> || s.current.has_one_unit()) {
      B::model::claim_unwatched(at, hash);
    } else {
      B::model::claim(at, hash);
    }
  } else {
    B::model::claim(at, hash);
  }
  tell_storage(s, at);
}

// The entry of the slot is about to go: while its hash is there to be asked.
template <class B>
TOPHASH_ALWAYS_INLINE void uncount_passed(open_state<B>& s, typename B::slot at, bool in_old) noexcept {
  if constexpr (B::model::counts_passed)
    B::model::count_passed(array_of(s, in_old), at, hash_at(s, at), false);
}

template <class B>
bool lies_in_old(const open_state<B>& s, typename B::slot at) noexcept {
  if constexpr (B::may_stay_growing) {
    const auto& old = s.generation.old;
    const auto tag = reinterpret_cast<std::uintptr_t>(at.tag),
               first = reinterpret_cast<std::uintptr_t>(old.groups);
    return old.exists() && tag >= first && tag < first + old.units() * B::model::width;
  } else {
    return static_cast<void>(s), static_cast<void>(at), false;
  }
}

// ---- places for observers
// -------------------------------------------------------------------------------------

// The chain of a slot is the group that it lies in.
template <class B>
events::slot_place told_slot(const typename B::array& a, typename B::slot at, bool in_old) noexcept {
  return {.chain = B::model::group_index(a, at.tag),
          .bucket = events::identity_of(B::model::group_of(at.tag)),
          .slot = B::model::slot_index(at.tag),
          .in_old = in_old};
}

template <class B>
events::slot_place told_place(const open_state<B>& s, const place<B>& p) noexcept {
  return told_slot<B>(array_of(s, p.in_old), p.at, p.in_old);
}

// ---- slots left
// --------------------------------------------------------------------------------------------------

// The entries behind an emptied slot move back over it, as far as their homes allow: Knuth 6.4, Algorithm R.
// Every search ends at an empty slot, so one follows.
template <class B>
void close_gap(open_state<B>& s, typename B::slot hole) noexcept {
  using model = typename B::model;
  const typename B::array& a = s.current;
  const auto slot_at = [&a](std::size_t i) { return typename B::slot{a.entries + i, a.groups[i].tags}; };
  std::size_t to = model::group_index(a, hole.tag);
  for (typename model::probe p(to); p.next(a) && *a.groups[p.at].tags != model::empty;) {
    const typename B::slot from = slot_at(p.at);
    const std::uint64_t hash = hash_at(s, from);
    const std::size_t home = a.map.index(hash);
    if (model::steps_between(a, home, p.at) < model::steps_between(a, to, p.at)) continue;
    const typename B::slot target = slot_at(to);
    open_slot<B>(target);
    model::relocate_entry(target, from);
    *target.tag = *from.tag;
    close_slot(s, from);
    notify_with<events::moved>(s.policies.observe, [&] {
      return events::moved{told_slot<B>(a, from, false), told_slot<B>(a, target, false), hash};
    });
    to = p.at;
  }
  *a.groups[to].tags = model::empty;
}

// The entry of the slot is gone; where deletion is dirty, a dirty one.
template <class B>
TOPHASH_ALWAYS_INLINE void vacate_slot(open_state<B>& s, typename B::slot at, bool in_old) noexcept {
  if constexpr (B::model::moves_on_vacate) {
    static_cast<void>(in_old), close_gap(s, at);
  } else {
    const bool left_dead = B::model::vacate(at);
    if constexpr (B::dirty_kind) {
      --s.residue.dirty;
      if (in_old) {
        --s.residue.dirty_in_old;
      } else if (left_dead) {
        ++s.residue.dead;
      } else if (B::model::was_passed(at)) {
        ++s.residue.passed;
      }
      refresh_room(s);
    } else if constexpr (B::leaves_dead) {
      if (left_dead && !in_old) {
        ++s.residue.dead;
        refresh_room(s);
      }
    } else {
      // Without a branch: which of a fifth of the groups it is no processor foresees.
      if (!in_old) s.grow_at -= B::model::was_passed(at) ? 1 : 0;
    }
  }
}

}  // namespace tophash::inline v1::table

#endif
