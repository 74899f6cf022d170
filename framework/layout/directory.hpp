// SPDX-License-Identifier: Apache-2.0
// Go 1.24's map: tables of groups of eight slots, behind a directory that the hash's upper bits index
// (extendible hashing: Fagin and others, 1979). A table grows alone, by doubling; at its largest it splits in
// two. So no insert moves more than one table's entries, however large the map is.
//
//   hash     | 8 bits: tag | upper bits: directory index | ...                    | low bits: home group |
//
//   directory: 2^depth pointers (depth 2 here)      a table
//     | 00 | 01 | 10 | 11 |                           groups, entries   one block, as below
//        \    /    |    |                             size, dead        entries and dead slots in it
//        table   table table                          room              inserts that it still takes
//       depth 1     depth 2                           depth             upper bits that all in it share
//
//   one block of a table:  | entries: units x 8 pairs | groups: units x 8 tags | the end: 8 tags |
//
//   tag      0 empty, 1 dead, 2 the end of the array (all of the group behind the last), others live: the
//            hash's top byte, moved up past the states
//
// A map of at most eight entries is one group without a directory, all of whose slots are used and become
// empty when they are erased. In a table a slot is erased to `dead` if its group is full, as searches may
// lead over it, and else to empty. Dead slots count as load, until an insert finds one on its way or the
// table grows. Load: 7 of 8 slots in all but the single group, so that a search meets an empty slot.
//
// Invariants: 2^(depth - t.depth) neighbouring places of the directory point to table t; the upper t.depth
// bits of the hashes in t are those of its places.
//
// Entries are moved by growth alone, and moving them must not throw: those whose move might, and those over
// 256 bytes, lie in nodes of their own. If no upper bit parts a full table's entries, or the directory would
// become large beside its tables, as hashes of bad quality bring about, the table outgrows its
// largest size.
//
// Cost of a hit: a load from the directory, one from the table, then as open_groups.
#ifndef TOPHASH_FRAMEWORK_LAYOUT_DIRECTORY_HPP
#define TOPHASH_FRAMEWORK_LAYOUT_DIRECTORY_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/core/text.hpp>
#include <tophash/framework/layout/open_entries.hpp>
#include <tophash/framework/layout/open_groups.hpp>

namespace tophash::inline v1 {

namespace layout {

template <class Key, class T, std::size_t InlineLimitBytes>
constexpr entry_home home_in_directory() noexcept {
  using entries = open_entries<Key, T, entry_home::in_slots>;
  return entries::nothrow_relocation && sizeof(typename entries::value_type) <= InlineLimitBytes
             ? entry_home::in_slots
             : entry_home::in_nodes;
}

// The groups of one table: open_groups<8> with tombstones, but that the end of the array has a group of its
// own, so that no slot is lost to it.
template <class Key, class T, std::size_t InlineLimitBytes, deletion_facts Deletion, class Sizing>
struct directory_model
    : open_groups_model<Key, T, 8, Deletion, Sizing, home_in_directory<Key, T, InlineLimitBytes>()> {
  using groups_type =
      open_groups_model<Key, T, 8, Deletion, Sizing, home_in_directory<Key, T, InlineLimitBytes>()>;
  using groups_type::sentinel;
  using groups_type::slots;
  using groups_type::width;
  using typename groups_type::array;
  static_assert(groups_type::classic, "an empty slot ends a search");
  static constexpr bool counts_passed = false;  // the eighth tag is a slot's, also where entries lie in nodes

  static constexpr std::size_t slots_in(std::size_t units) noexcept { return units * slots; }
  // In one group a search that finds no empty slot ends all the same.
  static constexpr std::size_t most_entries(std::size_t units, std::size_t capacity) noexcept {
    return units <= 1 ? capacity : capacity - 1;
  }
  static std::size_t capacity(const array& a) noexcept { return a.units() * slots; }

  static constexpr std::size_t block_bytes(std::size_t units, std::size_t capacity) noexcept {
    return groups_type::block_bytes(units + 1, capacity);
  }
  static void wipe_tags(const array& a, std::size_t) noexcept {
    std::memset(static_cast<void*>(a.groups), groups_type::empty, a.units() * width);
    std::memset(static_cast<void*>(a.groups + a.units()), sentinel, width);
  }
};

// A table has at most TableSlots slots: 2^n, from 16 on.
template <std::size_t TableSlots = 1024>
struct directory {
  using axis = axes::layout;
  static constexpr layout_facts facts{.kind = layout_kind::directory,
                                      .slots = 8,
                                      .tag_bits = 8,
                                      .inline_limit_bytes = 256,
                                      .split = false,
                                      .group_bytes = 0,
                                      .table_slots = TableSlots};

  template <class Key, class T, deletion_facts Deletion, class Sizing>
  using model = directory_model<Key, T, facts.inline_limit_bytes, Deletion, Sizing>;

  // Names only what differs from the default.
  static constexpr option_text name() {
    option_text out{"directory"};
    if (TableSlots != 1024) out.append("(").append(std::uint64_t{TableSlots}).append(")");
    return out;
  }
};

}  // namespace layout

}  // namespace tophash::inline v1

#endif
