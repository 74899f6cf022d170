// SPDX-License-Identifier: Apache-2.0
// What a collector counted in a map while marking it, and the work that follows from it. Nothing is done in
// the pause: with deletion::purging<D, census> the first write after a collection begins to go through the
// blocks that were counted with work, and every write does a few chains of it:
//   deletion::dirty       its entries are swept
//   deletion::tombstone   overflow buckets that hold nothing go back to their source, which Go's map never
//   does growth::shrinking     at the end of the list, a smaller array if so few entries are left
// Blocks without work are passed over by their count, so a purge costs what there is to purge, not the table.
// A growth ends the list: evacuation leaves no residue. Chains only: rule census_reader.
#ifndef TOPHASH_FRAMEWORK_TABLE_CENSUS_HPP
#define TOPHASH_FRAMEWORK_TABLE_CENSUS_HPP

#include <cstddef>
#include <cstdint>
#include <limits>

#include <tophash/framework/concepts/allocation.hpp>
#include <tophash/framework/core/census.hpp>
#include <tophash/framework/core/load.hpp>
#include <tophash/framework/core/step.hpp>
#include <tophash/framework/table/report.hpp>
#include <tophash/framework/table/state.hpp>
#include <tophash/framework/table/sweep.hpp>

namespace tophash::inline v1::table {

inline constexpr std::size_t tidied_chains_at_once = 16;  // of a write; and blocks that are passed over

// Both generations of the array. O(groups).
template <class B>
map_census census_of(const state<B>& s) noexcept {
  map_census out;
  for (const typename B::array* a : {&s.current, &s.old}) {
    if (a->units == 0) continue;
    if constexpr (B::model::grouped) {
      const request r = buckets_request<B>(a->units_per_group());
      for (std::size_t g = 0; g < a->group_count(); ++g) {
        auto* const group = a->groups[g];
        if (!B::model::is_absent(group)) add_block_of(out, s.policies.allocation, group, r, B::dirty_kind);
      }
    } else {
      add_block_of(out, s.policies.allocation, a->buckets, buckets_request<B>(a->units), B::dirty_kind);
    }
  }
  return finished(out, s.policies.allocation);
}

// ---- the work list

// Takes overflow buckets without entries out of a tombstone's chain. Open iterators note entries, never such
// a bucket.
template <class B>
void unlink_emptied(state<B>& s, typename B::bucket* home) noexcept {
  const auto links = s.current.links;
  for (auto* b = links.next(home); b != nullptr;) {
    auto* const next = links.next(b);
    if (B::model::occupied(b) == 0) release_overflow_slow(s, B::model::unlink(links, home, b));
    b = next;
  }
}

template <class B>
void tidy_chain(state<B>& s, std::size_t index) noexcept {
  auto* const home = s.current.at(index);
  if (B::model::is_absent(home)) return;
  if constexpr (B::dirty_kind) {
    sweep_chain(s, home, std::numeric_limits<std::size_t>::max(), index, false);
  } else {
    unlink_emptied(s, home);
  }
}

// Where the block ends that chain `at` lies in, if the census found no work there; otherwise `at`.
template <class B>
std::size_t past_idle_block(const state<B>& s, std::size_t at) noexcept {
  const auto& from = s.policies.allocation;
  slot_census seen;
  if constexpr (B::model::grouped) {
    const std::size_t each = s.current.units_per_group(), end = (at / B::model::group_buckets + 1) * each;
    auto* const group = s.current.groups[at / B::model::group_buckets];
    if (B::model::is_absent(group)) return end;
    return from.census_of(group, buckets_request<B>(each), seen) && seen.has_work() ? at : end;
  } else {
    return from.census_of(s.current.buckets, buckets_request<B>(s.current.units), seen) && seen.has_work()
               ? at
               : s.current.units;
  }
}

// True: the list is done.
template <class B>
bool tidy_some(state<B>& s, std::size_t chains) noexcept {
  std::size_t passed = 0;
  while (chains != 0 && passed < tidied_chains_at_once) {
    if (s.work.at >= s.current.units) return true;
    const std::size_t begins = s.work.at % (B::model::grouped ? B::model::group_buckets : s.current.units);
    if (begins == 0) {
      const std::size_t to = past_idle_block(s, s.work.at);
      if (to != s.work.at) {
        s.work.at = to;
        ++passed;
        continue;
      }
    }
    tidy_chain(s, s.work.at++);
    --chains;
  }
  return s.work.at >= s.current.units;
}

// A collection has counted since the last write, or its list is not done. Only while no growth is under way.
template <class B>
TOPHASH_NOINLINE bool tidy_slow(state<B>& s, std::size_t chains) noexcept {
  const std::uint64_t now = s.policies.allocation.census_number();
  if (s.work.seen != now) {
    s.work.seen = now;
    s.work.at = 0;
    s.work.pending = true;
  }
  if (s.work.pending && tidy_some(s, chains)) s.work.pending = false;
  if constexpr (B::facts.growth.shrink_percent != 0) {
    // erase(iterator) and collectors leave a table too large without asking: the next insertion asks.
    if (!s.work.pending && s.size < s.shrink_at) {
      const plan wanted = s.policies.growth.decide(load_of(s));
      if (wanted.what == action::resize && wanted.units < s.current.units) s.regrow_wanted = true;
    }
  }
  refresh_grow_at(s);
  return !s.work.pending;
}

template <class B>
bool has_census_work(const state<B>& s) noexcept {
  return s.work.pending || s.work.seen != s.policies.allocation.census_number();
}

// Before an insertion looks for its place. It gives back overflow buckets and may move nothing.
template <class B>
TOPHASH_ALWAYS_INLINE void tidy_before_insert(state<B>& s) noexcept {
  if constexpr (B::facts.deletion.purge_census) {
    if (has_census_work(s) && !s.growing()) [[unlikely]]
      tidy_slow(s, tidied_chains_at_once);
  }
}

}  // namespace tophash::inline v1::table

#endif
