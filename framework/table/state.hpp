// SPDX-License-Identifier: Apache-2.0
// The data of one table, and how it gets and gives back memory. The operations are free functions in the
// headers beside this one: find, insert, erase, migrate, sweep, iterator, memory_report.
//
// Invariants:
//   - every entry lives in exactly one place: in the old array if its chain there is not evacuated yet,
//     otherwise in the current one (a write evacuates its own chain first, but with growth::in_order);
//   - an insert compares `size` with `grow_at` and nothing else. grow_at is limit - dead - dirty, at least 0; while a
//     growth is under way, when the residue lies in the old array, it is limit; and 0 while the growth policy is to
//     be asked for another reason (asked_early);
//   - with iteration::mutation_safe, what an open iterator has noted is live: see pins.hpp;
//   - `current` always names a searchable array: without memory, the shared empty bucket with grow_at 0.
#ifndef TOPHASH_FRAMEWORK_TABLE_STATE_HPP
#define TOPHASH_FRAMEWORK_TABLE_STATE_HPP

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <type_traits>
#include <utility>

#include <tophash/framework/concepts/allocation.hpp>
#include <tophash/framework/concepts/observe.hpp>
#include <tophash/framework/concepts/overflow.hpp>
#include <tophash/framework/compose/pack.hpp>
#include <tophash/framework/compose/rules.hpp>
#include <tophash/framework/config.hpp>
#include <tophash/framework/core/bits.hpp>
#include <tophash/framework/core/checked.hpp>
#include <tophash/framework/core/load.hpp>
#include <tophash/framework/core/purpose.hpp>
#include <tophash/framework/core/step.hpp>
#include <tophash/framework/core/trace_info.hpp>
#include <tophash/framework/core/wipe.hpp>
#include <tophash/framework/table/access.hpp>
#include <tophash/framework/table/binding.hpp>
#include <tophash/framework/table/opening.hpp>

namespace tophash::inline v1::table {

template <class B, bool Const>
class iterator;
template <class B, bool Const>
class pinned_iterator;
template <class B>
class pin;
template <class B>
struct cursor;
template <class B>
struct state;
template <class B>
struct owned_state;

template <class Key, class T, class Spec>
struct chain_binding {
  using key_type = Key;
  using mapped = T;
  using spec = Spec;
  static constexpr spec_facts facts = facts_of<Spec>();
  using mapper = typename Spec::sizing::mapper;
  using model = typename Spec::layout::template model<Key, T, facts.deletion, mapper>;
  using bucket = typename model::bucket;
  using slot = typename model::slot;
  using array = typename model::array;
  using allocation = typename Spec::allocation;
  using state_type = state<chain_binding>;
  using owned_state_type = owned_state<chain_binding>;
  using cursor_type = cursor<chain_binding>;
  template <bool Const>
  using iterator_type = iterator<chain_binding, Const>;
  // What begin() answers.
  static constexpr bool pinned = facts.iteration.survives_mutation;
  template <bool Const>
  using walk_type = std::conditional_t<pinned, pinned_iterator<chain_binding, Const>, iterator<chain_binding, Const>>;

  static constexpr bool dirty_kind = facts.deletion.kind == deletion_kind::dirty;
  static constexpr bool leaves_dead = facts.deletion.kind == deletion_kind::tombstone && !facts.deletion.reusing;
  static constexpr std::size_t quantum = facts.growth.quantum;
  // Out of line, find's answer goes through memory, and the registers it saves with it: go_like's hit then took 1.4 times as
  // long (17-byte string_view keys, 1,000 and 1,000,000 entries). What find calls is out of line (find_while_growing).
  static constexpr bool finds_inlined = true;
  // Keys unequal to themselves have no hash that could be asked for again.
  static constexpr bool scatters = facts.hashing.scatters && !equality_is_identity<Key>;
  static constexpr bool updates_keys =
      facts.hashing.updates_keys && !equality_is_identity<Key> && model::split;
  // Pointer-free blocks are not searched, so overflow buckets are kept alive from a scanned list, as Go does.
  static constexpr bool may_need_keep_alive = static_visibility<allocation>() == visibility::pointer_free;
  static constexpr bool may_be_scanned =
      static_visibility<allocation>() == visibility::scanned || decides_visibility_at_run_time<allocation>();
  // Does a collector read the tags? Then a slot being filled says so, and the key of a dirty entry, which nothing
  // keeps alive, is not compared.
  static constexpr bool opens_slots = may_be_traced<allocation>() && model::trace.entries_may_point;
  static constexpr bool resurrects =
      dirty_kind && !(may_be_traced<allocation>() && gc_traits<Key>::may_contain_pointers);
};

template <class Key, class T, class Spec>
struct binding_of<Key, T, Spec, layout_kind::bucket_chain> {
  using type = chain_binding<Key, T, Spec>;
};

// Overflow buckets in pointer-free storage, by address, in a block that the collector scans. Each bucket's
// place in the list follows its bytes, so that leaving the list is one swap.
template <bool Needed>
struct keep_alive_list {
  static constexpr std::size_t trailer_bytes = 0;
};

template <>
struct keep_alive_list<true> {
  static constexpr std::size_t trailer_bytes = sizeof(std::size_t);
  static constexpr std::size_t least = 16;
  void** blocks = nullptr;
  std::size_t count = 0, capacity = 0;

  static request list_request(std::size_t capacity) noexcept {
    return {.bytes = capacity * sizeof(void*), .align = alignof(void*), .use = purpose::side, .trace = nullptr};
  }
  static std::size_t* place_of(void* block, const request& r) noexcept {
    return reinterpret_cast<std::size_t*>(static_cast<unsigned char*>(block) + r.bytes - trailer_bytes);
  }

  template <class Allocation>
  bool add(Allocation& from, void* block, const request& r) noexcept {
    if (count == capacity && !resize_slow(from, capacity == 0 ? least : 2 * capacity)) return false;
    std::construct_at(place_of(block, r), count);
    blocks[count++] = block;
    return true;
  }
  // Every collection searches the whole list: a growth that empties it gives most of it back.
  template <class Allocation>
  void remove(Allocation& from, void* block, const request& r) noexcept {
    const std::size_t at = *place_of(block, r);
    TOPHASH_CHECK(at < count && blocks[at] == block, "an overflow bucket is not on its keep-alive list");
    blocks[at] = blocks[--count];
    *place_of(blocks[at], r) = at;
    blocks[count] = nullptr;
    if (capacity > least && count <= capacity / 8) static_cast<void>(resize_slow(from, capacity / 4));
  }
  template <class Allocation>
  TOPHASH_NOINLINE bool resize_slow(Allocation& from, std::size_t places) noexcept {
    void* const fresh = from.try_allocate(list_request(places));
    if (fresh == nullptr) return false;
    std::memset(fresh, 0, places * sizeof(void*));
    if (count != 0) std::memcpy(fresh, blocks, count * sizeof(void*));
    free(from);
    blocks = static_cast<void**>(fresh);
    capacity = places;
    return true;
  }
  template <class Allocation>
  void free(Allocation& from) noexcept {
    if (blocks != nullptr) from.deallocate(blocks, list_request(capacity));
    blocks = nullptr;
    capacity = 0;
  }
};

// How often in a row a check found a batch of residue (deletion_facts).
template <bool Needed>
struct purge_checks {};

template <>
struct purge_checks<true> {
  std::size_t erases = 0;   // since the last check
  std::size_t batches = 0;  // checks in a row that found one
};

// How far a write has gone with what the last collection counted (census.hpp).
template <bool Needed>
struct census_work {};

template <>
struct census_work<true> {
  std::uint64_t seen = 0;  // the storage's census_number() when the list was begun
  std::size_t at = 0;      // the chain that is next
  bool pending = false;
};

// The iterators that are open over a table's arrays, and go where those go.
template <class B, bool Needed>
struct pin_list {};

template <class B>
struct pin_list<B, true> {
  mutable pin<B>* first = nullptr;
};

template <bool Needed>
struct pin_lock {};

template <>
struct pin_lock<true> {
  mutable std::atomic_flag pins_lock{};
};

// Where random numbers are drawn: the same ones under the same seed.
template <bool Needed>
struct drawn_numbers {};

template <>
struct drawn_numbers<true> {
  mutable std::uint64_t numbers_drawn = 0;
};

// Overflow buckets acquired since the last growth began, as Go counts them.
template <bool Needed>
struct overflow_sample {};

template <>
struct overflow_sample<true> {
  std::size_t buckets = 0;
};

// Arrays and counts, policies excepted: what a move takes over and a swap exchanges, as one value.
template <class B>
struct arrays_and_counts {
  // read by every lookup
  typename B::array current = B::model::empty_array();
  typename B::array old{};  // has units exactly while a growth is under way
  std::size_t size = 0;
  std::size_t grow_at = 0;
  // written by structural steps only
  std::size_t limit = 0;
  std::size_t shrink_at = 0;  // an erase by key that leaves fewer entries asks the growth policy
  std::size_t progress = 0;   // old chains below it are evacuated
  std::size_t dead = 0;
  std::size_t dirty = 0;
  std::size_t overflow_in_use = 0;
  std::size_t acquired = 0;  // overflow buckets since the last growth ended
  std::size_t sweep_at = 0;
  std::uint64_t evacuated_chains = 0;
  std::uint32_t growths = 0;
  std::uint32_t regrows = 0;
  bool partial = false;        // an exception stopped the evacuation of some chain half way
  bool regrow_wanted = false;  // the growth policy has a reason that an acquired overflow bucket gave
  bool purge_due = false;      // the deletion policy has one
  [[no_unique_address]] purge_checks<B::facts.deletion.purge_batch_slots != 0> purge{};
  [[no_unique_address]] census_work<B::facts.deletion.purge_census> work{};
  [[no_unique_address]] keep_alive_list<B::may_need_keep_alive> keep_alive{};
  [[no_unique_address]] overflow_sample<B::facts.growth.counts_overflow> counted_overflow{};
  [[no_unique_address]] pin_list<B, B::pinned> pins{};
};

template <class B>
inline constexpr bool draws_numbers = B::pinned || B::scatters || B::facts.growth.counts_overflow;

template <class B>
struct state : arrays_and_counts<B>, pin_lock<B::pinned>, drawn_numbers<draws_numbers<B>> {
  using binding_type = B;
  [[no_unique_address]] access_flag<B::facts.sync.checked> access{};
  policy_values<typename B::spec> policies;

  explicit state(policy_values<typename B::spec> given) noexcept(
      std::is_nothrow_move_constructible_v<policy_values<typename B::spec>>)
      : policies(std::move(given)) {}

  bool growing() const noexcept { return this->old.units != 0; }
  arrays_and_counts<B>& arrays() noexcept { return *this; }

  // The next of the numbers that the seed determines.
  std::uint64_t draw() const noexcept
    requires(draws_numbers<B>)
  {
    std::uint64_t seed = 0;
    if constexpr (B::facts.hashing.seeded) seed = policies.hashing.seed();
    this->numbers_drawn += golden_ratio_bits;
    return next_seed(seed ^ next_seed(this->numbers_drawn));
  }
};

// Residue that the growth policy wants to be asked about at the next insert, or that a purge waits to remove.
template <class B>
bool asked_early(const state<B>& s) noexcept {
  if (s.purge_due || s.regrow_wanted) return true;
  if constexpr (B::facts.growth.dead_percent != 0) {
    return s.dead + s.dirty >= share_of(s.limit, B::facts.growth.dead_percent);
  } else {
    return false;
  }
}

template <class B>
void refresh_grow_at(state<B>& s) noexcept {
  if (s.growing()) {
    // Go asks nothing while it grows: when a growth to the same size began at the limit, the load may pass it a little.
    s.grow_at = B::facts.growth.counts_overflow ? std::numeric_limits<std::size_t>::max() : s.limit;
    return;
  }
  const std::size_t residue = s.dead + s.dirty;
  s.grow_at = s.limit > residue && !asked_early(s) ? s.limit - residue : 0;
}

template <class B>
std::size_t counted_overflow_of(const state<B>& s) noexcept {
  if constexpr (B::facts.growth.counts_overflow) {
    return s.counted_overflow.buckets;
  } else {
    return static_cast<void>(s), 0;
  }
}

// After Go's incrnoverflow: every bucket below 2^16 units, one in 2^(B - 15) in a table of 2^B, so that 2^15 counted are
// about as many as there are units.
template <class B>
void count_overflow(state<B>& s) noexcept {
  if constexpr (B::facts.growth.counts_overflow) {
    constexpr int exact_below = 16;
    const int bits = static_cast<int>(std::bit_width(s.current.units)) - 1;
    const bool counts = bits < exact_below || (s.draw() >> (64 - (bits - (exact_below - 1)))) == 0;
    s.counted_overflow.buckets += counts ? 1 : 0;
  } else {
    static_cast<void>(s);
  }
}

template <class B>
load_state load_of(const state<B>& s) noexcept {
  return {.live = s.size,
          .dead = s.dead,
          .dirty = s.dirty,
          .units = s.current.units,
          .slots_per_unit = B::model::slots,
          .limit = s.limit,
          .overflow = s.overflow_in_use,
          .acquired = s.acquired,
          .chain_buckets = 0,
          .counted_overflow = counted_overflow_of(s)};
}

// ---- arrays ---------------------------------------------------------------------------------------------------

template <class B>
constexpr std::size_t max_units() noexcept {
  return static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max()) / sizeof(typename B::bucket);
}

// Buckets that the overflow source wants behind the main ones of an array.
template <class B>
constexpr std::size_t tail_units(std::size_t units) noexcept {
  if constexpr (B::facts.overflow.in_array) {
    return B::spec::overflow::tail_units(units);
  } else {
    return static_cast<void>(units), 0;
  }
}

// The layout's, and how much of an array is no home.
template <class B>
inline constexpr trace_info trace_of = [] {
  trace_info t = B::model::trace;
  if constexpr (B::facts.overflow.in_array) t.tail_units = &B::spec::overflow::tail_units;
  return t;
}();

// A group of buckets that fill whole cache lines begins at one, so that no bucket lies in a line more than it must,
// unless the storage cannot. (Of a flat array Options.align_bytes asks for that: its overflow buckets then lie so too.)
template <class B>
inline constexpr std::size_t buckets_align_bytes = [] {
  constexpr std::size_t line_bytes = 64;
  using bucket = typename B::bucket;
  if constexpr (B::model::grouped) {
    if (sizeof(bucket) % line_bytes == 0 && strictest_align_bytes<typename B::allocation>() >= line_bytes)
      return std::max(alignof(bucket), line_bytes);
  }
  return alignof(bucket);
}();

// The block of a flat array, or of one group.
template <class B>
request buckets_request(std::size_t units) noexcept {
  return {.bytes = (units + tail_units<B>(units)) * sizeof(typename B::bucket),
          .align = buckets_align_bytes<B>,
          .use = purpose::slots,
          .trace = &trace_of<B>};
}

template <class B>
std::size_t units_of(const state<B>& s) noexcept {
  return s.current.units;
}

template <class B>
request directory_request(std::size_t groups) noexcept {
  return {.bytes = groups * sizeof(typename B::bucket*),
          .align = alignof(typename B::bucket*),
          .use = purpose::directory,
          .trace = nullptr};
}

// A block of empty buckets, or null.
template <class B>
TOPHASH_NOINLINE typename B::bucket* allocate_buckets_slow(state<B>& s, std::size_t units) noexcept {
  const request r = buckets_request<B>(units);
  void* const block = s.policies.allocation.try_allocate(r);
  if (block == nullptr) return nullptr;
  auto* const buckets = static_cast<typename B::bucket*>(block);
  if constexpr (!returns_zeroed<typename B::allocation>()) {
    if (is_scanned(s)) {
      std::memset(block, 0, r.bytes);
    } else {
      for (std::size_t i = 0; i < units; ++i) B::model::wipe_tags(buckets + i);
    }
  }
  return buckets;
}

// An array of empty buckets; without units when memory ran out. Grouped: the directory only.
template <class B>
TOPHASH_NOINLINE typename B::array allocate_array_slow(state<B>& s, std::size_t units) noexcept {
  typename B::array fresh{};
  if constexpr (B::model::grouped) {
    fresh.units = units;
    const request r = directory_request<B>(fresh.group_count());
    void* const block = s.policies.allocation.try_allocate(r);
    if (block == nullptr) return {};
    fresh.groups = static_cast<typename B::bucket**>(block);
    std::uninitialized_fill_n(fresh.groups, fresh.group_count(), B::model::absent_group());
  } else {
    fresh.buckets = allocate_buckets_slow(s, units);
    if (fresh.buckets == nullptr) return {};
    if constexpr (B::facts.overflow.in_array) {
      s.policies.overflow.adopt(fresh.buckets + units, tail_units<B>(units), sizeof(typename B::bucket));
    }
    fresh.units = units;
  }
  fresh.map = typename B::mapper{units};
  fresh.links = s.current.links;
  return fresh;
}

// Makes the group of one bucket, which is absent. False: memory ran out.
template <class B>
TOPHASH_NOINLINE bool make_group_slow(state<B>& s, std::size_t index) noexcept {
  auto* const made = allocate_buckets_slow(s, s.current.units_per_group());
  if (made == nullptr) return false;
  // The allocation may have run a collector, and that the map.
  auto*& place = s.current.groups[index / B::model::group_buckets];
  if (B::model::is_absent(place)) {
    place = made;
  } else {
    s.policies.allocation.deallocate(made, buckets_request<B>(s.current.units_per_group()));
  }
  return true;
}

template <class B>
void release_group(state<B>& s, typename B::array& a, std::size_t group) noexcept {
  if (B::model::is_absent(a.groups[group])) return;
  s.policies.allocation.deallocate(a.groups[group], buckets_request<B>(a.units_per_group()));
  a.groups[group] = B::model::absent_group();
}

// Gives back the blocks of an array that holds nothing any more.
template <class B>
void deallocate_array(state<B>& s, typename B::array& a) noexcept {
  if (a.units == 0) return;
  if constexpr (B::model::grouped) {
    for (std::size_t g = 0; g < a.group_count(); ++g) release_group(s, a, g);
    s.policies.allocation.deallocate(a.groups, directory_request<B>(a.group_count()));
  } else {
    s.policies.allocation.deallocate(a.buckets, buckets_request<B>(a.units));
  }
  a = {};
}

// Calls f(block) for each array, or each group of one, of both generations.
template <class B, class F>
void for_each_array(const state<B>& s, F&& f) {
  const auto blocks_of = [&f](const typename B::array& a) {
    if (a.units == 0) return;
    if constexpr (B::model::grouped) {
      for (std::size_t g = 0; g < a.group_count(); ++g) {
        if (!B::model::is_absent(a.groups[g])) f(static_cast<const void*>(a.groups[g]));
      }
    } else {
      f(static_cast<const void*>(a.buckets));
    }
  };
  blocks_of(s.current);
  blocks_of(s.old);
}

// ---- overflow buckets -----------------------------------------------------------------------------------------

// A block of numbered buckets is an array of them: no trailer. (In pointer-free storage there are none.)
template <class B>
request overflow_request() noexcept {
  constexpr std::size_t trailer_bytes = B::model::indexed ? 0 : decltype(state<B>::keep_alive)::trailer_bytes;
  return {.bytes = sizeof(typename B::bucket) + trailer_bytes,
          .align = alignof(typename B::bucket),
          .use = purpose::overflow,
          .trace = &trace_of<B>};
}

// What an overflow source allocates from: the map's storage, with the keep-alive list told of every block.
template <class B>
struct overflow_storage {
  state<B>* s;

  static bool needs_keep_alive(const typename B::allocation& from) noexcept {
    return visibility_of(from) == visibility::pointer_free;
  }

  void* try_allocate(const request& r) noexcept {
    auto& from = s->policies.allocation;
    void* const block = from.try_allocate(r);
    if constexpr (B::may_need_keep_alive) {
      if (block != nullptr && needs_keep_alive(from) && !s->keep_alive.add(from, block, r)) {
        from.deallocate(block, r);
        return nullptr;
      }
    }
    return block;
  }
  void deallocate(void* block, const request& r) noexcept {
    if constexpr (B::may_need_keep_alive) {
      if (needs_keep_alive(s->policies.allocation)) s->keep_alive.remove(s->policies.allocation, block, r);
    }
    s->policies.allocation.deallocate(block, r);
  }
};

// An empty bucket that is in no chain yet, or null. Observers are told by the caller, who knows the chain.
template <class B>
TOPHASH_NOINLINE typename B::bucket* acquire_overflow_slow(state<B>& s) noexcept {
  overflow_storage<B> storage{&s};
  auto* const fresh =
      static_cast<typename B::bucket*>(s.policies.overflow.acquire(storage, overflow_request<B>()));
  if (fresh == nullptr) return nullptr;
  B::model::wipe_tags_of_fresh(fresh);
  if constexpr (B::model::indexed) {
    s.current.links.places = s.policies.overflow.places();
    s.old.links = s.current.links;
  }
  if (is_scanned(s)) B::model::wipe_entries(fresh);
  ++s.overflow_in_use;
  ++s.acquired;
  count_overflow(s);
  return fresh;
}

// The bucket is in no chain any more and holds no entry.
template <class B>
TOPHASH_NOINLINE void release_overflow_slow(state<B>& s, typename B::bucket* emptied) noexcept {
  notify_with<events::overflow_released>(s.policies.observe, [emptied] {
    return events::overflow_released{events::identity_of(emptied), B::model::slots};
  });
  if (is_scanned(s)) B::model::wipe_entries(emptied);
  overflow_storage<B> storage{&s};
  s.policies.overflow.release(storage, emptied, overflow_request<B>());
  --s.overflow_in_use;
}

template <class B>
void drain_overflow(state<B>& s) noexcept {
  overflow_storage<B> storage{&s};
  s.policies.overflow.drain(storage, overflow_request<B>());
  if constexpr (B::may_need_keep_alive) s.keep_alive.free(s.policies.allocation);
}

// ---- entries --------------------------------------------------------------------------------------------------

template <class Unit>
inline constexpr trace_info node_trace{.entries_may_point = gc_traits<Unit>::may_contain_pointers};

template <class Unit>
constexpr request node_request() noexcept {
  return {.bytes = sizeof(Unit), .align = alignof(Unit), .use = purpose::node, .trace = &node_trace<Unit>};
}

// Gives back the block of a boxed entry, key or value, whose destructor has run.
template <class Unit, class B>
void release_node(state<B>& s, Unit* node) noexcept {
  if constexpr (B::facts.deletion.wiped == wipe::all)
    wipe_bytes(const_cast<std::remove_const_t<Unit>*>(node), sizeof(Unit));
  s.policies.allocation.deallocate(node, node_request<Unit>());
}

// The entry of the slot is gone, or has moved to another table: what may its bytes still tell?
template <class B>
void wipe_slot(const state<B>& s, typename B::slot at) noexcept {
  if (is_scanned(s)) {
    B::model::wipe_entry(at);
  } else {
    B::model::wipe_erased(at);
  }
}

// Runs the destructors of one entry and frees what it holds behind pointers. The tag is the caller's.
template <class B>
void destroy_entry(state<B>& s, typename B::slot at) noexcept {
  using model = typename B::model;
  using bytes = typename model::bytes;
  if constexpr (bytes::pair_boxed) {
    auto* const node = model::pair_at(at);
    std::destroy_at(node);
    release_node<typename model::value_type>(s, node);
  } else if constexpr (!model::split) {
    std::destroy_at(model::pair_at(at));
  } else {
    auto* const key = model::key_at(at);
    auto* const value = model::value_at(at);
    std::destroy_at(value);
    std::destroy_at(key);
    if constexpr (bytes::value_boxed) release_node<typename model::mapped_type>(s, value);
    if constexpr (bytes::key_boxed) release_node<typename B::key_type>(s, key);
  }
  wipe_slot(s, at);
}

template <class B>
inline constexpr bool trivial_entries =
    std::is_trivially_destructible_v<typename B::key_type> &&
    (B::model::is_set || std::is_trivially_destructible_v<typename B::model::mapped_type>) && !B::model::boxed;

}  // namespace tophash::inline v1::table

#endif
