// SPDX-License-Identifier: Apache-2.0
// What the layouts of open addressing share: a slot is a place for an entry and a tag byte somewhere else;
// entries lie in the slots' array or in nodes of their own.
#ifndef TOPHASH_FRAMEWORK_LAYOUT_OPEN_ENTRIES_HPP
#define TOPHASH_FRAMEWORK_LAYOUT_OPEN_ENTRIES_HPP

#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>

#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/config.hpp>
#include <tophash/framework/core/relocate.hpp>
#include <tophash/framework/core/trace_info.hpp>
#include <tophash/framework/core/wipe.hpp>

namespace tophash::inline v1 {

namespace layout {

// Where the entries of an open-addressing table lie.
enum class entry_home : std::uint8_t {
  in_slots,  // in the array: they move when it grows
  in_nodes,  // each in a block of its own, with its hash; the array holds pointers (layout::nodes)
};

// Where a mapper keeps a mask, that is one less than the units, and they are not kept beside it: a word less to move
// with a map of four entries, which took 1.7 times as long as Abseil's 32 bytes with it. (Not an empty member: that
// kept g++ 12 from holding the array in registers.)
template <class Group, class Unit, class Mapper>
struct open_array_parts {
  Group* groups = nullptr;
  Unit* entries = nullptr;  // null: no array
  Mapper map{};
  std::size_t last = 0;  // unit
};
template <class Group, class Unit, class Mapper>
  requires requires(const Mapper& m) { m.mask; }
struct open_array_parts<Group, Unit, Mapper> {
  Group* groups = nullptr;
  Unit* entries = nullptr;
  Mapper map{};
};

// An array of an open-addressing table.
template <class Group, class Unit, class Mapper>
struct open_array : open_array_parts<Group, Unit, Mapper> {
  static constexpr bool mask_tells = requires(const Mapper& m) { m.mask; };

  static open_array of(Group* groups, Unit* entries, std::size_t units) noexcept {
    if constexpr (mask_tells) {
      return {{groups, entries, Mapper{units}}};
    } else {
      return {{groups, entries, Mapper{units}, units - 1}};
    }
  }
  // What a map without an array searches.
  static open_array without_units(Group* groups) noexcept {
    open_array out;
    out.groups = groups;
    return out;
  }

  bool exists() const noexcept { return this->entries != nullptr; }
  std::size_t units() const noexcept { return exists() ? last_unit() + 1 : 0; }
  // The number of the last one; where there are none, 0.
  std::size_t last_unit() const noexcept {
    if constexpr (mask_tells) {
      return this->map.mask;
    } else {
      return this->last;
    }
  }
  // Only if it has any.
  bool has_one_unit() const noexcept { return last_unit() == 0; }
};

template <class Key, class T, entry_home Home>
struct open_entries {
  using key_type = Key;
  static constexpr bool is_set = std::is_void_v<T>;
  static constexpr bool split = false;
  static constexpr bool boxed = Home == entry_home::in_nodes;
  using mapped_type = std::conditional_t<is_set, Key, T>;
  using value_type = std::conditional_t<is_set, Key, std::pair<const Key, mapped_type>>;

  // The hash is kept so that growth and erasure need not compute it again: neither can throw.
  struct node {
    std::uint64_t hash;
    union {
      value_type value;
    };
    explicit node(std::uint64_t of) noexcept : hash(of) {}
    node(const node&) = delete;
    node& operator=(const node&) = delete;
    ~node() {}  // the table ends the value
  };
  using unit = std::conditional_t<boxed, node*, value_type>;

  struct slot {
    unit* entry = nullptr;
    std::uint8_t* tag = nullptr;
    explicit operator bool() const noexcept { return entry != nullptr; }
    friend bool operator==(slot a, slot b) noexcept { return a.entry == b.entry; }
  };

  static value_type* pair_at(slot s) noexcept {
    if constexpr (boxed) {
      return std::addressof((*s.entry)->value);
    } else {
      return s.entry;
    }
  }
  static Key* key_at(slot s) noexcept {
    if constexpr (is_set) {
      return pair_at(s);
    } else {
      return const_cast<Key*>(std::addressof(pair_at(s)->first));
    }
  }
  static mapped_type* value_at(slot s) noexcept requires(!is_set) {
    return std::addressof(pair_at(s)->second);
  }
  static const Key& key(slot s) noexcept { return *key_at(s); }

  static constexpr bool nothrow_relocation =
      boxed || (nothrow_relocatable<Key> && (is_set || nothrow_relocatable<mapped_type>));
  static constexpr bool trivial_relocation =
      trivially_relocatable<Key> && (is_set || trivially_relocatable<mapped_type>);

  static void relocate_entry(slot to, slot from) noexcept(nothrow_relocation) {
    if constexpr (boxed) {
      *to.entry = *from.entry;
    } else if constexpr (trivial_relocation) {
      copy_entry_bytes<sizeof(value_type)>(static_cast<void*>(to.entry), static_cast<const void*>(from.entry));
    } else if constexpr (is_set) {
      relocate(key_at(to), key_at(from));
    } else {
      relocate_parts(key_at(to), value_at(to), key_at(from), value_at(from));
    }
  }

  // What a deletion policy wants zeroed of a slot whose entry is gone.
  template <wipe Wiped>
  static void wipe_erased_as(slot s) noexcept {
    if constexpr (Wiped == wipe::all || (Wiped == wipe::pointers && boxed)) {
      std::memset(static_cast<void*>(s.entry), 0, sizeof *s.entry);
    } else if constexpr (Wiped == wipe::pointers) {
      if constexpr (may_leave_address<Key>) std::memset(static_cast<void*>(key_at(s)), 0, sizeof(Key));
      if constexpr (may_leave_address<T>)
        std::memset(static_cast<void*>(value_at(s)), 0, sizeof(mapped_type));
    }
    static_cast<void>(s);
  }

  // A node's own block, and the entries of an array.
  static constexpr bool entry_may_point =
      gc_traits<Key>::may_contain_pointers || gc_traits<T>::may_contain_pointers;
  static constexpr trace_info node_trace{.entries_may_point = entry_may_point};
};

}  // namespace layout

}  // namespace tophash::inline v1

#endif
