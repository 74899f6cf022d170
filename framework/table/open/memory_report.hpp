// SPDX-License-Identifier: Apache-2.0
// What an open-addressing table holds, seen from outside; and its check of itself.
#ifndef TOPHASH_FRAMEWORK_TABLE_OPEN_MEMORY_REPORT_HPP
#define TOPHASH_FRAMEWORK_TABLE_OPEN_MEMORY_REPORT_HPP

#include <bit>
#include <cstddef>
#include <cstdint>

#include <tophash/framework/table/open/find.hpp>
#include <tophash/framework/table/open/migrate.hpp>
#include <tophash/framework/table/open/state.hpp>
#include <tophash/framework/table/report.hpp>

namespace tophash::inline v1::table {

template <class B>
memory_report report_memory(const open_state<B>& s) noexcept {
  memory_report r;
  const auto add = [&r](const typename B::array& a) {
    if (a.exists()) r.add(purpose::slots, block_request<B>(a.units(), B::model::capacity(a)).bytes, 1);
  };
  add(s.current);
  if constexpr (B::may_stay_growing) add(s.generation.old);
  if constexpr (B::model::boxed)
    r.add(purpose::node, entry_node_request<B>().bytes, s.size + s.residue.dirty);
  return r;
}

template <class B>
map_stats stats_of(const open_state<B>& s) noexcept {
  map_stats out{.size = s.size,
                .units = s.current.units(),
                .old_units = 0,
                .old_evacuated = 0,
                .limit = limit_of(s),
                .dead = s.residue.dead,
                .dirty = s.residue.dirty,
                .overflow_in_use = 0,
                .growths = s.growths,
                .regrows = s.regrows,
                .evacuated_chains = 0,
                .growing = s.growing(),
                .overflow = {}};
  if constexpr (B::may_stay_growing) {
    out.old_units = s.generation.old.units();
    out.old_evacuated = s.growing() ? s.generation.progress : 0;
  }
  return out;
}

// What marking counted in the arrays (core/census.hpp); nothing is purged by it, and there are no overflow buckets.
template <class B>
map_census census_of(const open_state<B>& s) noexcept {
  map_census out;
  const auto add = [&out, &s](const typename B::array& a) {
    if (!a.exists()) return;
    add_block_of(out, s.policies.allocation, B::model::block_of(a), block_request<B>(a.units(), B::model::capacity(a)),
                 B::dirty_kind);
  };
  add(s.current);
  if constexpr (B::may_stay_growing) add(s.generation.old);
  return finished(out, s.policies.allocation);
}

// A probe sequence read as a chain: a group that entries passed has overflow, an entry's place is the number
// of groups that a search for it looks at, and the longest chain is the longest of these, in slots.
template <class B>
chain_shape shape_of(const open_state<B>& s) noexcept {
  using model = typename B::model;
  chain_shape shape;
  std::size_t longest = 0;
  const auto add = [&](const typename B::array& a, bool in_old) {
    shape.units += a.units();
    for (std::size_t u = 0; u < a.units(); ++u) {
      shape.units_with_overflow += model::ends_for_all(a.groups + u) ? 0 : 1;
    }
    model::for_each_live(a, [&](typename B::slot at) {
      const std::size_t groups = groups_searched(s, table::hash_of(s, model::key(at)), {at, in_old});
      shape.hit_probes += groups;
      longest = groups > longest ? groups : longest;
      ++shape.entries;
    });
  };
  if (s.size != 0) add(s.current, false);
  if constexpr (B::may_stay_growing) {
    if (s.growing()) add(s.generation.old, true);
  }
  shape.longest_chain_entries = longest * model::slots;
  return shape;
}

template <class B>
const char* check_open_array(const open_state<B>& s, const typename B::array& a, bool in_old,
                             recount& sum) noexcept {
  using model = typename B::model;
  std::size_t passes = 0, counted = 0;
  bool exact = true;
  for (std::size_t u = 0; u < a.units(); ++u) {
    if constexpr (model::counts_passed) {
      const std::uint8_t counter = a.groups[u].tags[model::width - 1];
      exact = exact && counter != model::full_counter;
      counted += counter;
    }
    for (std::size_t i = 0; i < model::slots; ++i) {
      const std::uint8_t tag = a.groups[u].tags[i];
      const bool past_end = u + 1 == a.units() && i >= model::capacity(a) - u * model::slots;
      if ((tag == model::sentinel) != past_end) return "the end of the array is not where it belongs";
      if (past_end || tag == model::empty) continue;
      if (model::leaves_dead && tag == model::dead) {
        if (!in_old) ++sum.dead;
        continue;
      }
      sum.dirty += model::is_dirty(tag) ? 1 : 0;
      if (model::is_dirty(tag) && tag < (0x80 | model::first_live))
        return "a dirty tag without a live tag under it";
      sum.live += model::is_live(tag) ? 1 : 0;
      const typename B::slot at{a.entries + u * model::slots + i, a.groups[u].tags + i};
      const std::uint64_t hash = table::hash_of(s, model::key(at));
      if ((model::is_dirty(tag) ? tag & 0x7f : tag) != model::tag_of(hash))
        return "a tag does not belong to its key's hash";
      typename model::probe p(a, hash);
      while (p.at != u) {
        if constexpr (model::counts_passed) ++passes;
        if (model::ends(a.groups + p.at, hash)) return "an entry lies where a search for it does not come";
        if (!p.next(a)) return "an entry lies in no group of its probe sequence";
      }
      if constexpr (B::may_stay_growing) {
        const auto& g = s.generation;
        if (s.growing() && in_old && g.old.map.index(hash) < g.progress)
          return "an entry is left behind in an evacuated home";
        if (s.growing() && !in_old && g.old.map.index(hash) > g.progress)
          return "an entry is in the new array before its turn";
      }
    }
  }
  if (exact && counted != passes) return "the counters of passed groups do not add up";
  return nullptr;
}

// Null if every invariant holds, otherwise a sentence naming the first that does not. O(groups + entries).
template <class B>
const char* check_table(const open_state<B>& s) noexcept {
  recount sum;
  if (const char* broken = check_open_array(s, s.current, false, sum)) return broken;
  if constexpr (B::may_stay_growing) {
    if (const char* broken = check_open_array(s, s.generation.old, true, sum)) return broken;
  }
  if (sum.live != s.size) return "the number of live slots is not size()";
  if (sum.dirty != s.residue.dirty) return "the number of dirty slots is not what the table counts";
  if (sum.dead != s.residue.dead) return "the number of dead slots is not what the table counts";
  if constexpr (B::counts_residue) {
    if (s.residue.limit != limit_of(s)) return "the limit is not that of the current array";
    if (!s.residue.ask_due && s.grow_at != s.residue.limit - residue_of(s))
      return "grow_at is not limit less residue";
    if (!s.growing() && s.size + residue_of(s) > s.residue.limit)
      return "more slots are taken than the limit allows";
  } else {
    if (s.grow_at > limit_of(s)) return "grow_at is above the limit";
    if (!s.growing() && s.size > s.grow_at) return "more entries than grow_at";
  }
  if (!s.current.exists() && s.size != 0) return "a table without an array has entries";
  return nullptr;
}

}  // namespace tophash::inline v1::table

#endif
