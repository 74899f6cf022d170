// SPDX-License-Identifier: Apache-2.0
// What a map behind a directory holds, seen from outside; and its check of itself.
#ifndef TOPHASH_FRAMEWORK_TABLE_DIRECTORY_MEMORY_REPORT_HPP
#define TOPHASH_FRAMEWORK_TABLE_DIRECTORY_MEMORY_REPORT_HPP

#include <bit>
#include <cstddef>
#include <cstdint>

#include <tophash/framework/table/directory/find.hpp>
#include <tophash/framework/table/directory/state.hpp>
#include <tophash/framework/table/open/memory_report.hpp>
#include <tophash/framework/table/report.hpp>

namespace tophash::inline v1::table {

// O(tables).
template <with_directory B>
memory_report report_memory(const open_state<B>& s) noexcept {
  memory_report r;
  const auto add = [&r](const typename B::array& a) {
    if (a.exists()) r.add(purpose::slots, block_request<B>(a.units(), B::model::capacity(a)).bytes, 1);
  };
  add(s.current);
  for_each_table(s, [&](const directory_table<B>& t) {
    add(t.groups);
    r.add(purpose::directory, table_request<B>().bytes, 1);
  });
  r.add(purpose::directory, directory_request<B>(places_of(s)).bytes, 1);
  if constexpr (B::model::boxed) r.add(purpose::node, entry_node_request<B>().bytes, s.size);
  return r;
}

// O(tables).
template <with_directory B>
map_stats stats_of(const open_state<B>& s) noexcept {
  map_stats out;
  out.size = s.size;
  out.units = s.units;
  out.limit = limit_of(s);
  out.growths = s.growths;
  out.regrows = s.regrows;
  out.tables = s.table_count;
  out.directory_depth = s.depth;
  for_each_table(s, [&out](const directory_table<B>& t) { out.dead += t.dead; });
  return out;
}

// As for one array: see open/memory_report.hpp.
template <with_directory B>
chain_shape shape_of(const open_state<B>& s) noexcept {
  using model = typename B::model;
  chain_shape shape;
  std::size_t longest = 0;
  const auto add = [&](const typename B::array& a) {
    shape.units += a.units();
    for (std::size_t u = 0; u < a.units(); ++u) {
      shape.units_with_overflow += model::ends_for_all(a.groups + u) ? 0 : 1;
    }
    model::for_each_live(a, [&](typename B::slot at) {
      if (B::scatters && !s.policies.hashing.equal(model::key(at), model::key(at))) return;
      const std::size_t groups = groups_searched(s, table::hash_of(s, model::key(at)), {at, false});
      shape.hit_probes += groups;
      longest = groups > longest ? groups : longest;
      ++shape.entries;
    });
  };
  add(s.current);
  for_each_table(s, [&add](const directory_table<B>& t) { add(t.groups); });
  shape.longest_chain_entries = longest * model::slots;
  return shape;
}

template <with_directory B>
const char* check_groups(const open_state<B>& s, const typename B::array& a, recount& sum) noexcept {
  using model = typename B::model;
  if (!a.exists()) return nullptr;
  for (std::size_t i = 0; i < model::slots; ++i) {
    if (a.groups[a.units()].tags[i] != model::sentinel) return "the end of the array is not where it belongs";
  }
  for (std::size_t u = 0; u < a.units(); ++u) {
    for (std::size_t i = 0; i < model::slots; ++i) {
      const std::uint8_t tag = a.groups[u].tags[i];
      if (tag == model::sentinel) return "the end of the array is within it";
      sum.dead += tag == model::dead ? 1 : 0;
      if (!model::is_live(tag)) continue;
      ++sum.live;
      const auto& key = model::key({a.entries + u * model::slots + i, a.groups[u].tags + i});
      if (B::scatters && !s.policies.hashing.equal(key, key)) continue;
      const std::uint64_t hash = table::hash_of(s, key);
      if (tag != model::tag_of(hash)) return "a tag does not belong to its key's hash";
      if (array_for(s, hash).groups != a.groups) return "an entry lies in another table than its hash says";
      for (typename model::probe p(a, hash); p.at != u;) {
        if (model::ends(a.groups + p.at, hash)) return "an entry lies where a search for it does not come";
        if (!p.next(a)) return "an entry lies in no group of its probe sequence";
      }
    }
  }
  return nullptr;
}

// Null if every invariant holds, otherwise a sentence naming the first that does not. O(groups + entries).
template <with_directory B>
const char* check_table(const open_state<B>& s) noexcept {
  recount all;
  if (const char* broken = check_groups(s, s.current, all)) return broken;
  if (all.dead != 0) return "the one group of a small map has a dead slot";
  if (s.tables != nullptr && s.current.exists()) return "a map with a directory has a group beside it";
  std::size_t units = s.current.units(), tables = 0;
  for (std::size_t place = 0; place < places_of(s); place = next_place(s, place)) {
    const directory_table<B>& t = *s.tables[place];
    if (t.depth > s.depth) return "a table is deeper than the directory";
    const std::size_t span = std::size_t{1} << (s.depth - t.depth);
    if (place % span != 0) return "the places of a table do not begin where its depth says";
    for (std::size_t i = place; i < place + span; ++i) {
      if (s.tables[i] != &t) return "the places of a table name another one";
    }
    recount sum;
    if (const char* broken = check_groups(s, t.groups, sum)) return broken;
    if (sum.live != t.size) return "the number of live slots of a table is not its size";
    if (sum.dead != t.dead) return "the number of dead slots of a table is not what it counts";
    if (t.size + t.dead + t.room != limit_of_table(s, t))
      return "a table's room is not what its limit leaves";
    all.live += sum.live;
    units += t.groups.units();
    ++tables;
  }
  if (all.live != s.size) return "the number of live slots is not size()";
  if (units != s.units) return "the number of groups is not what the map counts";
  if (tables != s.table_count) return "the number of tables is not what the map counts";
  return nullptr;
}

}  // namespace tophash::inline v1::table

#endif
