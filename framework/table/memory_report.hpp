// SPDX-License-Identifier: Apache-2.0
// What a table holds, seen from outside: memory as classes (purpose, size, count), so that an allocator's
// rounding can be computed afterwards; the counts of a table; the shape of its chains; its invariants.
#ifndef TOPHASH_FRAMEWORK_TABLE_MEMORY_REPORT_HPP
#define TOPHASH_FRAMEWORK_TABLE_MEMORY_REPORT_HPP

#include <bit>
#include <cstddef>
#include <cstdint>

#include <tophash/framework/concepts/overflow.hpp>
#include <tophash/framework/core/purpose.hpp>
#include <tophash/framework/table/find.hpp>
#include <tophash/framework/table/pins.hpp>
#include <tophash/framework/table/report.hpp>
#include <tophash/framework/table/state.hpp>

namespace tophash::inline v1 {

namespace table {

template <class B>
void report_array(memory_report& r, const typename B::array& a) noexcept {
  if (a.units == 0) return;
  if constexpr (B::model::grouped) {
    std::size_t groups = 0;
    for (std::size_t g = 0; g < a.group_count(); ++g) groups += B::model::is_absent(a.groups[g]) ? 0 : 1;
    r.add(purpose::slots, buckets_request<B>(a.units_per_group()).bytes, groups);
    r.add(purpose::directory, directory_request<B>(a.group_count()).bytes, 1);
  } else {
    r.add(purpose::slots, buckets_request<B>(a.units).bytes, 1);
  }
}

// O(1); grouped: O(groups); with links by number: O(slabs).
template <class B>
memory_report report_memory(const state<B>& s) noexcept {
  using bytes = typename B::model::bytes;
  memory_report r;
  report_array<B>(r, s.current);
  report_array<B>(r, s.old);
  if constexpr (B::model::indexed) {
    s.policies.overflow.report(overflow_request<B>(), [&r](purpose use, std::size_t block_bytes, std::size_t count) {
      r.add(use, block_bytes, count);
    });
  } else {
    const overflow_counts counts = s.policies.overflow.counts();
    r.add(purpose::overflow, overflow_request<B>().bytes, s.overflow_in_use - counts.in_array + counts.kept);
  }
  const std::size_t entries = s.size + s.dirty;
  if constexpr (bytes::pair_boxed) r.add(purpose::node, sizeof(typename B::model::value_type), entries);
  if constexpr (bytes::key_boxed) r.add(purpose::node, sizeof(typename B::key_type), entries);
  if constexpr (bytes::value_boxed) r.add(purpose::node, sizeof(typename B::model::mapped_type), entries);
  if constexpr (B::may_need_keep_alive) {
    if (s.keep_alive.capacity != 0) r.add(purpose::side, s.keep_alive.list_request(s.keep_alive.capacity).bytes, 1);
  }
  return r;
}

template <class B>
map_stats stats_of(const state<B>& s) noexcept {
  return {.size = s.size,
          .units = s.current.units,
          .old_units = s.old.units,
          .old_evacuated = s.growing() ? s.progress : 0,
          .limit = s.limit,
          .dead = s.dead,
          .dirty = s.dirty,
          .overflow_in_use = s.overflow_in_use,
          .growths = s.growths,
          .regrows = s.regrows,
          .evacuated_chains = s.evacuated_chains,
          .growing = s.growing(),
          .overflow = s.policies.overflow.counts()};
}

template <class B>
void add_shape(chain_shape& shape, const state<B>& s, const typename B::array& a) noexcept {
  using model = typename B::model;
  a.for_each_home([&shape, &s](const typename B::bucket* home) {
    std::size_t entries = 0;
    for (const auto* b = home; b != nullptr; b = s.current.links.next(b)) {
      if (b != home) ++shape.overflow_buckets;
      const auto live = static_cast<std::size_t>(std::popcount(model::live(b)));
      for (std::size_t k = 1; k <= live; ++k) shape.hit_probes += entries + k;
      entries += live;
    }
    if (home->link != typename model::link_type{}) ++shape.units_with_overflow;
    if (entries > shape.longest_chain_entries) shape.longest_chain_entries = entries;
    shape.entries += entries;
  });
  shape.units += a.units;
}

template <class B>
chain_shape shape_of(const state<B>& s) noexcept {
  chain_shape shape;
  add_shape(shape, s, s.current);
  if (s.growing()) add_shape(shape, s, s.old);
  return shape;
}

template <class B>
const char* check_array(const state<B>& s, const typename B::array& a, bool is_old, recount& sum) noexcept {
  using model = typename B::model;
  for (std::size_t i = 0; i < a.units; ++i) {
    const auto* const home = a.at(i);
    if (!is_old && model::is_absent(home)) continue;
    const chain_progress done = is_old ? progress_of(s, home) : chain_progress::untouched;
    if (done == chain_progress::untouched) {
      if (const char* broken = model::check_chain(s.current.links, home)) return broken;
    } else if (done == chain_progress::evacuated && home->link != typename model::link_type{}) {
      return "an evacuated chain still has overflow buckets";
    }
    if (is_old && i < s.progress && done != chain_progress::evacuated) return "a chain below progress is not evacuated";
    for (auto* b = home; b != nullptr; b = s.current.links.next(b)) {
      sum.overflow += b != home ? 1 : 0;
      for (unsigned k = 0; k < model::slots; ++k) {
        const std::uint8_t tag = b->tags[k];
        sum.dirty += model::is_dirty(tag) ? 1 : 0;
        if (B::leaves_dead && model::is_dead(tag)) ++sum.dead;
        if (!model::is_live(tag)) continue;
        ++sum.live;
        const auto& key = model::key({const_cast<typename B::bucket*>(b), k});
        if (!is_found_by_hash(s, key)) continue;
        const std::uint64_t hash = table::hash_of(s, key);
        if (a.home(hash) != home) return "an entry is in a chain that its hash does not lead to";
        if (model::tag_of(hash) != tag) return "a tag does not belong to its key's hash";
        if (!is_old && s.growing() && progress_of(s, s.old.home(hash)) == chain_progress::untouched) {
          return "an entry is in the new array before its old chain was touched";
        }
      }
    }
  }
  return nullptr;
}

// Null if every invariant holds, otherwise a sentence naming the first that does not. O(buckets + entries).
template <class B>
const char* check_table(const state<B>& s) noexcept {
  recount sum;
  if (const char* broken = check_array(s, s.current, false, sum)) return broken;
  if (s.growing()) {
    if (const char* broken = check_array(s, s.old, true, sum)) return broken;
  }
  if (const char* broken = check_pins(s)) return broken;
  if (sum.live != s.size) return "the number of live slots is not size()";
  if (sum.dirty != s.dirty) return "the number of dirty slots is not what the table counts";
  if (sum.dead != s.dead) return "the number of dead slots is not what the table counts";
  if (sum.overflow != s.overflow_in_use) return "the number of linked overflow buckets is not what the table counts";
  const std::size_t residue = s.growing() ? 0 : s.dead + s.dirty;
  const std::size_t room = s.limit > residue ? s.limit - residue : 0;
  const bool asks_nothing = B::facts.growth.counts_overflow && s.growing();
  if (!asks_nothing && s.grow_at != room && !(s.grow_at == 0 && asked_early(s))) return "grow_at is not limit less residue";
  if (s.current.units == 0 && (s.size != 0 || s.limit != 0)) return "a table without an array has entries or room";
  const overflow_counts counts = s.policies.overflow.counts();
  if (counts.requested - counts.released != s.overflow_in_use) return "overflow buckets requested less released are not those in use";
  return nullptr;
}

}  // namespace table

}  // namespace tophash::inline v1

#endif
