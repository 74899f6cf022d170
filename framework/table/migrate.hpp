// SPDX-License-Identifier: Apache-2.0
// Growth: a new array beside the old one, and the evacuation of the old one chain by chain. After Go's
// growWork and evacuate (go-map: two chains a write), with two differences that C++ needs: a chain's overflow
// buckets are released as soon as it is evacuated, and a throwing hash or move stops an evacuation at a slot
// boundary, from where the next write goes on.
#ifndef TOPHASH_FRAMEWORK_TABLE_MIGRATE_HPP
#define TOPHASH_FRAMEWORK_TABLE_MIGRATE_HPP

#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <tophash/framework/table/find.hpp>
#include <tophash/framework/table/pins.hpp>
#include <tophash/framework/table/state.hpp>

namespace tophash::inline v1::table {

// Leaves the counts true and sets `partial` unless the chain was evacuated to its end.
template <class B>
struct evacuation_guard {
  state<B>& s;
  typename B::bucket* home;
  bool done = false;
  ~evacuation_guard() {
    if (done) return;
    if (B::model::is_moved(home->tags[0])) s.partial = true;
    refresh_grow_at(s);
  }
};

// A chain got an overflow bucket: has the growth policy a reason to act at the next insert?
template <class B>
void ask_about_overflow_slow(state<B>& s, const typename B::bucket* home) noexcept {
  if (s.growing()) return;
  load_state load = load_of(s);
  for (; home != nullptr; home = s.current.links.next(home)) ++load.chain_buckets;
  if (s.policies.growth.decide(load).what == action::keep) return;
  s.regrow_wanted = true;
  refresh_grow_at(s);
}

// Does a new entry of this hash go to the old array? Where chains are evacuated in their order alone, until the turn of
// its chain comes.
template <class B>
bool belongs_to_old(const state<B>& s, std::uint64_t hash) noexcept {
  if constexpr (B::facts.growth.in_order) {
    return s.growing() && progress_of(s, s.old.home(hash)) == chain_progress::untouched;
  } else {
    return static_cast<void>(s), static_cast<void>(hash), false;
  }
}

// Room for an entry known to be absent, in the old array if `in_old`. `in` is null when memory ran out.
template <class B>
typename B::slot vacancy_for(state<B>& s, std::uint64_t hash, bool in_old) noexcept {
  using model = typename B::model;
  const typename B::array& a = B::facts.growth.in_order && in_old ? s.old : s.current;
  auto v = model::find_vacancy(a, hash);
  if constexpr (model::grouped) {
    if (model::is_absent(v.tail)) {
      if (!make_group_slow(s, s.current.map.index(hash))) return {};
      v = model::find_vacancy(a, hash);
    }
  }
  if (v.at) return v.at;
  auto* const fresh = acquire_overflow_slow(s);
  if (fresh == nullptr) return {};
  // The allocation may have run a collector, and that the map: locate again.
  v = model::find_vacancy(a, hash);
  if (!v.at) a.links.append(v.tail, fresh);
  notify_with<events::overflow_acquired>(s.policies.observe, [&a, hash, fresh] {
    std::size_t buckets = 1;
    for (const auto* b = a.links.next(a.home(hash)); b != nullptr; b = a.links.next(b)) ++buckets;
    return events::overflow_acquired{a.map.index(hash), events::identity_of(fresh), buckets};
  });
  if (v.at) {
    release_overflow_slow(s, fresh);
    return v.at;
  }
  if constexpr (B::facts.growth.asks_overflow) ask_about_overflow_slow(s, a.home(hash));
  return {fresh, 0};
}

// An entry was not put into `at` after all: an overflow bucket linked for it must not stay empty.
template <class B>
void abandon_vacancy(state<B>& s, std::uint64_t hash, typename B::slot at, bool in_old) noexcept {
  using model = typename B::model;
  if constexpr (model::unlinks) {
    auto* const home = (in_old ? s.old : s.current).home(hash);
    if (at.in != home && model::occupied(at.in) == 0) release_overflow_slow(s, model::unlink(s.current.links, home, at.in));
  }
}

template <class B>
struct vacancy_guard {
  state<B>& s;
  std::uint64_t hash;
  typename B::slot at;
  bool in_old = false;
  bool taken = false;
  ~vacancy_guard() {
    if (!taken) abandon_vacancy(s, hash, at, in_old);
  }
};

// A place that a step is to follow when it moves the entry there. Named so that null can be passed.
template <class B>
using tracked_place = std::type_identity_t<place<B>>;

// A hash for an entry of chain `index` of the old array whose own cannot be had again. It stays in the part of the table
// that the chain becomes, where iterators expect it: when the array doubles, its tag's lowest bit decides the half, as in
// Go. The tag is drawn anew, so that the next growth does not decide alike for those that were together so far.
template <class B>
std::uint64_t scattered_hash(const state<B>& s, typename B::slot from, std::size_t index) noexcept {
  std::uint64_t drawn = s.draw();
  if constexpr (B::facts.sizing.power_of_two) {
    const std::size_t now = s.current.units, before = s.old.units;
    std::uint64_t home = index;
    if constexpr (B::facts.sizing.from_high_end) {
      const int ratio = std::countr_zero(now) - std::countr_zero(before);
      const std::uint64_t part = ((drawn >> 8 & ~std::uint64_t{1}) | (from.in->tags[from.index] & 1u)) &
                                 ((std::uint64_t{1} << (ratio > 0 ? ratio : 0)) - 1);
      home = ratio >= 0 ? (home << ratio) | part : home >> -ratio;
      const int shift = B::spec::sizing::index_bits - std::countr_zero(now);
      drawn = (drawn & ~((std::uint64_t{now} - 1) << shift)) | home << shift;
    } else {
      const std::uint64_t part = (drawn >> 8 & ~std::uint64_t{1}) | (from.in->tags[from.index] & 1u);
      home = (home + part * before) & (now - 1);
      drawn = (drawn & ~(std::uint64_t{now} - 1)) | home;
    }
  } else {
    static_cast<void>(from), static_cast<void>(index);
  }
  return drawn;
}

// Where the array keeps its size an entry keeps its chain and its tag, and its key need not be hashed: no
// line of a string is read, and one that no hash leads to is no exception. As in Go. (An observer of moves is
// told the hash.)
template <class B>
inline constexpr bool keeps_places =
    B::facts.sizing.power_of_two && !takes_event<typename B::spec::observe, events::moved>;

// A hash that leads to chain `index` of the current array under the tag of `from`.
template <class B>
std::uint64_t hash_of_place(const state<B>& s, typename B::slot from, std::size_t index) noexcept {
  std::uint64_t home = index;
  if constexpr (B::facts.sizing.from_high_end) {
    home <<= B::spec::sizing::index_bits - std::countr_zero(s.current.units);
  } else {
    static_cast<void>(s);
  }
  return B::model::top_bits_of(from.in->tags[from.index]) | home;
}

template <class B>
std::uint64_t hash_to_evacuate(const state<B>& s, typename B::slot from, std::size_t index) {
  if constexpr (keeps_places<B>) {
    if (s.old.units == s.current.units) return hash_of_place(s, from, index);
  }
  const auto& key = B::model::key(from);
  const std::uint64_t hash = table::hash_of(s, key);
  if constexpr (B::scatters) {
    if (!is_found_by_hash(s, key)) return scattered_hash(s, from, index);
  } else {
    static_cast<void>(index);
  }
  return hash;
}

// Moves one entry of chain `index` of the old array to the current one. False: memory ran out, nothing
// happened.
template <class B>
bool evacuate_entry(state<B>& s, typename B::slot from, std::size_t index, tracked_place<B>* tracked) {
  using model = typename B::model;
  const std::uint64_t hash = hash_to_evacuate(s, from, index);
  const typename B::slot to = vacancy_for(s, hash, false);
  if (!to) return false;
  {
    vacancy_guard<B> guard{s, hash, to};
    const opened_slot<B> opened(to);
    model::relocate_entry(to, from);
    guard.taken = true;
    model::claim(s.current, to, hash);
  }
  order_stores<B>();
  tell_storage(s, to);
  model::mark_moved(from, s.current.map.index(hash) >= s.old.units);
  notify_with<events::moved>(s.policies.observe, [&s, hash, from, to] {
    return events::moved{told_place(s, hash, {from, true}), told_place(s, hash, {to, false}), hash};
  });
  tell_pins_moved(s, from, to);
  if (tracked != nullptr && tracked->in_old && tracked->at == from) *tracked = {to, false};
  return true;
}

template <class B>
void release_chain(state<B>& s, typename B::bucket* home) noexcept {
  using model = typename B::model;
  model::forget_beyond(home);
  if constexpr (model::indexed) {
    while (auto* const b = s.current.links.next(home)) {
      s.current.links.take_out(home, b);
      release_overflow_slow(s, b);
    }
  } else {
    auto* b = home->link;
    home->link = nullptr;
    while (b != nullptr) {
      auto* const next = b->link;
      release_overflow_slow(s, b);
      b = next;
    }
  }
}

template <class B>
bool evacuate_chain(state<B>& s, std::size_t index, tracked_place<B>* tracked) {
  using model = typename B::model;
  auto* const home = s.old.at(index);
  if (progress_of(s, home) == chain_progress::evacuated) return true;
  const auto told = [index](typename B::slot at) {
    return events::slot_place{
        .chain = index, .bucket = events::identity_of(at.in), .slot = at.index, .in_old = true};
  };
  evacuation_guard<B> guard{s, home};
  std::size_t moved = 0;
  for (auto* b = home; b != nullptr; b = s.current.links.next(b)) {
    for (unsigned i = 0; i < model::slots; ++i) {
      const typename B::slot from{b, i};
      const std::uint8_t tag = b->tags[i];
      if (model::is_moved(tag)) continue;
      if (model::is_live(tag)) {
        if (!evacuate_entry(s, from, index, tracked)) return false;
        ++moved;
      } else {
        if (model::is_dirty(tag)) {
          destroy_entry(s, from);
          --s.dirty;
          notify_with<events::swept>(s.policies.observe, [&] { return events::swept{told(from)}; });
        } else {
          if (B::leaves_dead && model::is_dead(tag)) --s.dead;
          notify_with<events::retired>(s.policies.observe, [&] { return events::retired{told(from)}; });
        }
        model::mark_moved_empty(from);
      }
    }
  }
  guard.done = true;
  release_chain(s, home);
  ++s.evacuated_chains;
  notify(s.policies.observe, events::evacuated{moved, index});
  return true;
}

// Below this many entries an erase by key asks the growth policy; 0: never.
template <class B>
void refresh_shrink_at(state<B>& s) noexcept {
  if constexpr (B::facts.growth.shrink_percent != 0) {
    s.shrink_at = s.current.units > 1 ? share_of(s.limit, B::facts.growth.shrink_percent) : 0;
  }
}

template <class B>
void end_growth(state<B>& s) noexcept {
  const std::size_t units = s.old.units;
  deallocate_array(s, s.old);
  if constexpr (B::facts.overflow.in_array) s.policies.overflow.retire_old();
  s.progress = 0;
  s.sweep_at = 0;
  s.acquired = 0;
  s.partial = false;
  if constexpr (B::facts.growth.counts_overflow) {
    // The new array's own overflow buckets may already be a reason: Go asks at every insertion.
    s.regrow_wanted = s.policies.growth.decide(load_of(s)).what == action::regrow;
  }
  refresh_grow_at(s);
  refresh_shrink_at(s);
  notify(s.policies.observe, events::growth_finished{units});
}

// Past this many already evacuated chains one step does not look further: Go's bound on a write's work.
inline constexpr std::size_t skip_at_most = 1024;

template <class B>
void advance_progress(state<B>& s) noexcept {
  for (std::size_t seen = 0; seen < skip_at_most && s.progress < s.old.units; ++seen) {
    if (progress_of(s, s.old.at(s.progress)) != chain_progress::evacuated) return;
    ++s.progress;
    if constexpr (B::model::grouped) {
      if (s.progress % B::model::group_buckets == 0) release_group(s, s.old, s.progress / B::model::group_buckets - 1);
    }
  }
  if (s.progress == s.old.units) end_growth(s);
}

// Evacuates up to `chains` chains in order. False: memory ran out.
template <class B>
bool evacuate_in_order(state<B>& s, std::size_t chains, tracked_place<B>* tracked) {
  for (; chains != 0 && s.growing(); --chains) {
    if (s.progress < s.old.units && !evacuate_chain(s, s.progress, tracked)) return false;
    advance_progress(s);
  }
  refresh_grow_at(s);
  return true;
}

// Tells observers of a step: begin, and end however it ends.
template <class B>
struct told_step {
  state<B>& s;
  std::uint64_t chains_before = s.evacuated_chains;

  explicit told_step(state<B>& of) noexcept : s(of) { notify(s.policies.observe, events::step_started{}); }
  told_step(const told_step&) = delete;
  told_step& operator=(const told_step&) = delete;
  ~told_step() {
    notify_with<events::step_finished>(s.policies.observe, [this] {
      return events::step_finished{static_cast<std::size_t>(s.evacuated_chains - chains_before)};
    });
  }
};

// The share of a growth that one write of `hash` does: its own chain, then others in order, `quantum` in all.
template <class B>
TOPHASH_NOINLINE bool step_slow(state<B>& s, std::uint64_t hash, tracked_place<B>* tracked) {
  const told_step<B> told(s);
  if constexpr (B::quantum == whole_table) {
    while (s.growing()) {
      if (!evacuate_in_order(s, s.old.units, tracked)) return false;
    }
    return true;
  } else if constexpr (B::facts.growth.in_order) {
    return evacuate_in_order(s, B::quantum, tracked);
  } else {
    const std::size_t own = s.old.map.index(hash);
    const bool was_done = progress_of(s, s.old.at(own)) == chain_progress::evacuated;
    if (!was_done) {
      if (!evacuate_chain(s, own, tracked)) return false;
      if (own == s.progress) advance_progress(s);
    }
    const bool counts = !was_done || B::quantum > 1;
    const std::size_t rest = B::quantum - (counts ? 1 : 0);
    if (s.growing()) return evacuate_in_order(s, rest, tracked);
    refresh_grow_at(s);
    return true;
  }
}

template <class B>
bool finish_growth(state<B>& s, tracked_place<B>* tracked = nullptr) {
  if (!s.growing()) return true;
  const told_step<B> told(s);
  while (s.growing()) {
    if (!evacuate_in_order(s, s.old.units + 1, tracked)) return false;
  }
  return true;
}

// Puts a new array of `units` in front of the current one. Moves nothing yet.
template <class B>
growth_result start_growth(state<B>& s, std::size_t units) noexcept {
  const std::size_t rounded = B::spec::sizing::round_up(units);
  if (rounded == 0 || rounded > max_units<B>()) return growth_result::too_large;
  const auto fresh = allocate_array_slow(s, rounded);
  if (fresh.units == 0) return growth_result::no_memory;
  const std::size_t before = s.current.units;
  if (before != 0) {
    s.old = s.current;
    s.progress = 0;
    s.partial = false;
    ++(rounded == before ? s.regrows : s.growths);
  }
  s.sweep_at = 0;
  if constexpr (B::facts.growth.counts_overflow) s.counted_overflow = {};
  s.current = fresh;
  s.limit = s.policies.load.limit(rounded, B::model::slots);
  s.shrink_at = 0;  // end_growth sets it again
  s.regrow_wanted = s.purge_due = false;
  refresh_grow_at(s);
  notify(s.policies.observe, events::growth_started{before, rounded});
  return growth_result::done;
}

template <class B>
growth_result allocate_first(state<B>& s, std::size_t entries) noexcept {
  const std::size_t units = s.policies.load.units_for(entries == 0 ? 1 : entries, B::model::slots);
  return units == 0 ? growth_result::too_large : start_growth(s, units);
}

// An insert found the table full: does what the growth policy says. The only place where it is asked.
template <class B>
TOPHASH_NOINLINE growth_result grow_slow(state<B>& s) {
  if (s.current.units == 0) return allocate_first(s, 1);
  if (s.growing() && !finish_growth(s)) return growth_result::no_memory;
  if (s.size < s.grow_at) return growth_result::done;
  const bool full = s.size + s.dead + s.dirty >= s.limit;
  plan wanted = s.policies.growth.decide(load_of(s));
  if (wanted.what == action::keep && (s.purge_due || s.regrow_wanted)) wanted = plan::regrow();
  switch (wanted.what) {
    case action::resize: {
      // A policy knows no load limit: at a low one the size it asks for may hold no more than this one.
      const std::size_t least = s.policies.load.units_for(s.size + 1, B::model::slots);
      return start_growth(s, wanted.units > least ? wanted.units : least);
    }
    case action::regrow:
      return start_growth(s, s.current.units);
    case action::keep:
      break;
  }
  if (!full) {
    // Asked for another reason, and there is none: not again before something is erased or acquired.
    s.grow_at = s.limit - s.dead - s.dirty;
    return growth_result::done;
  }
  // Chains may grow longer: ask again when an eighth more is in.
  s.limit = s.size + s.dead + s.dirty + s.size / 8 + 1;
  refresh_grow_at(s);
  return growth_result::done;
}

// Makes room for `entries` in all, and ends a growth under way, so that inserts up to there move nothing.
template <class B>
growth_result reserve_slow(state<B>& s, std::size_t entries) {
  const std::size_t units = s.policies.load.units_for(entries == 0 ? 1 : entries, B::model::slots);
  if (units == 0) return growth_result::too_large;
  const std::size_t rounded = B::spec::sizing::round_up(units);
  if (rounded == 0 || rounded > max_units<B>()) return growth_result::too_large;
  if (s.growing() && !finish_growth(s)) return growth_result::no_memory;
  if (rounded <= s.current.units && (s.dead + s.dirty == 0 || entries < s.grow_at)) return growth_result::done;
  const std::size_t target = rounded > s.current.units ? rounded : s.current.units;
  const growth_result started = start_growth(s, target);
  if (started != growth_result::done) return started;
  if (!finish_growth(s)) return growth_result::no_memory;
  s.shrink_at = 0;  // room that was asked for stays until the next growth
  return growth_result::done;
}

// At least `buckets` main buckets.
template <class B>
growth_result rehash_slow(state<B>& s, std::size_t buckets) {
  if (s.growing() && !finish_growth(s)) return growth_result::no_memory;
  const std::size_t units = B::spec::sizing::round_up(buckets == 0 ? 1 : buckets);
  if (units == 0) return growth_result::too_large;
  if (buckets == 0 || (s.current.units != 0 && units <= s.current.units)) return growth_result::done;
  if (const growth_result r = start_growth(s, units); r != growth_result::done) return r;
  if (!finish_growth(s)) return growth_result::no_memory;
  s.shrink_at = 0;
  return growth_result::done;
}

}  // namespace tophash::inline v1::table

#endif
