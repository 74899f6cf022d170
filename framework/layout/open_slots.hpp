// SPDX-License-Identifier: Apache-2.0
// Open addressing as textbooks draw it: one entry a slot, one control byte a slot, and a search that steps
// from slot to slot until it finds its key or an empty slot. A layout to experiment with deletion and with
// steps on; layout::open_groups, which compares sixteen tags at once, is the fast one.
//
//   one block:  | entries: units x pair<const Key, T> | control: units x 1 byte | the end: 1 byte |
//
//   control   0        empty: never used, a search ends here
//             1        dead: what a tombstone or a swept dirty entry leaves; a search goes on
//             2        the end of the array, behind the last slot, so that iteration needs no bound
//             others   live: the hash's top byte, moved up past the states, compared before the key
//                      dirty deletion: 3..127 live, 128 | live: erased, unswept
//
//   steps from slot i, of n:
//     linear        i + 1                              neighbours: one cache line, but runs grow together
//     triangular    i + 1, + 2, + 3, ...               every slot of n = 2^k (Knuth 6.4, exercise 20)
//     perturbed     5 i + 1 + p, p = hash >> 5, ...    CPython's dictionaries: all bits of the hash, soon
//
// Counts as in CPython: `used` are live entries, `fill` those and the dead and the dirty; the array is full
// when fill reaches the load limit, two thirds of the slots unless another load is chosen, so that an empty
// slot always remains. A full array whose entries are at most half of the limit is rebuilt at its size,
// without the dead.
//
// Deletion. tombstone and dirty: the slot becomes dead (dirty: when it is swept), since searches lead over
// it. immediate, with linear steps alone: the entries behind the gap move back over it (Knuth 6.4, Algorithm
// R), no residue is left, and an erase invalidates every iterator but the one that it returns. Iteration then
// begins behind the array's first empty slot and goes round to it: no entry moves over an empty slot, so
// erasing while iterating meets each entry once.
//
// Cost at two thirds full: 2 slots for a hit with linear steps, 5 for a miss (Knuth); an erase looks at the
// run behind the slot and hashes what is in it.
#ifndef TOPHASH_FRAMEWORK_LAYOUT_OPEN_SLOTS_HPP
#define TOPHASH_FRAMEWORK_LAYOUT_OPEN_SLOTS_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/config.hpp>
#include <tophash/framework/core/trace_info.hpp>
#include <tophash/framework/layout/open_entries.hpp>

namespace tophash::inline v1 {

namespace layout {

using probe = probe_kind;

// What the table's functions for open addressing know as a group is one slot here.
template <class Key, class T, probe_kind Steps, deletion_facts Deletion, class Sizing>
struct open_slots_model : open_entries<Key, T, entry_home::in_slots> {
  using entries_type = open_entries<Key, T, entry_home::in_slots>;
  using entries_type::key;
  using typename entries_type::slot;
  using typename entries_type::unit;
  using mapper = typename Sizing::mapper;
  static constexpr bool power_of_two = [] {
    if constexpr (requires { Sizing::facts; }) {
      return Sizing::facts.power_of_two;
    } else {
      return false;
    }
  }();
  static_assert(Steps == probe_kind::linear || power_of_two, "these steps need 2^n slots");

  static constexpr bool dirty_kind = Deletion.kind == deletion_kind::dirty;
  static constexpr bool moves_on_vacate = Deletion.kind == deletion_kind::immediate;
  static constexpr bool searches_home_first = false;
  static_assert(Steps == probe_kind::linear || !moves_on_vacate, "only linear steps let entries move back");
  static constexpr bool leaves_dead = !moves_on_vacate;
  static constexpr bool counts_passed = false;
  static constexpr std::size_t width = 1, slots = 1;

  static constexpr std::uint8_t empty = 0, dead = 1, sentinel = 2, first_live = 3;
  static constexpr std::uint8_t dirty_bit = dirty_kind ? 0x80 : 0;

  // Control bytes slot by slot, which no collector's marking reads: it searches the block whole, or not at all.
  static constexpr trace_info trace{.entries_may_point = entries_type::entry_may_point};

  struct group {
    std::uint8_t tags[1];
  };

  using array = open_array<group, unit, mapper>;

  // What a map without an array searches: one empty slot that is never written, and an end.
  static array empty_array() noexcept {
    static constinit group none[2] = {{{empty}}, {{sentinel}}};
    return array::without_units(none);
  }

  // ---- control bytes
  // ----------------------------------------------------------------------------------------

  static std::uint8_t tag_of(std::uint64_t hash) noexcept {
    const auto bits = static_cast<unsigned>(hash >> (dirty_kind ? 57 : 56));
    return static_cast<std::uint8_t>(bits < first_live ? bits + 8 : bits);
  }
  static std::uint32_t tag_word_of(std::uint64_t hash) noexcept { return tag_of(hash); }

  static bool is_live(std::uint8_t tag) noexcept { return tag >= first_live && (!dirty_kind || tag < 0x80); }
  static bool is_dirty(std::uint8_t tag) noexcept { return dirty_kind && tag >= 0x80; }

  // Masks of one slot.
  static unsigned match(const group* g, std::uint8_t tag) noexcept { return g->tags[0] == tag ? 1u : 0u; }
  static unsigned match_word(const group* g, std::uint32_t word) noexcept {
    return match(g, static_cast<std::uint8_t>(word));
  }
  static unsigned occupied(const group* g) noexcept { return g->tags[0] >= first_live ? 1u : 0u; }
  static unsigned dirty(const group* g) noexcept { return is_dirty(g->tags[0]) ? 1u : 0u; }
  static unsigned live(const group* g) noexcept { return is_live(g->tags[0]) ? 1u : 0u; }
  static bool is_vacant(std::uint8_t tag) noexcept {
    return tag == empty || (leaves_dead && Deletion.reusing && tag == dead);
  }

  static group* group_of(std::uint8_t* tag) noexcept { return reinterpret_cast<group*>(tag); }
  static std::size_t slot_index(const std::uint8_t*) noexcept { return 0; }
  static std::size_t group_index(const array& a, const std::uint8_t* tag) noexcept {
    return static_cast<std::size_t>(tag - a.groups->tags);
  }
  static bool holds(const array& a, slot s) noexcept {
    return a.exists() && s.entry >= a.entries && s.entry < a.entries + a.units();
  }

  // CPython's smallest table. One slot at least stays empty; the inserts of a growth that stops half way are
  // the rule slots_quantum's.
  static constexpr std::size_t least_units = 8;
  static constexpr std::size_t slots_in(std::size_t units) noexcept { return units; }
  static constexpr std::size_t most_entries(std::size_t units, std::size_t) noexcept { return units - 1; }
  static std::size_t capacity(const array& a) noexcept { return a.units(); }

  static constexpr bool places_by_hash(const array&) noexcept { return false; }
  static constexpr unsigned placed_by_hash(unsigned vacant, const unit*, std::uint64_t) noexcept { return vacant; }

  // ---- the hot path
  // -----------------------------------------------------------------------------------------

  struct probe {
    std::size_t at;
    std::size_t step = 0;
    [[no_unique_address]] std::conditional_t<Steps == probe_kind::perturbed, std::uint64_t,
                                             std::integral_constant<int, 0>>
        perturbation{};

    probe(const array& a, std::uint64_t hash) noexcept : at(a.map.index(hash)) {
      if constexpr (Steps == probe_kind::perturbed) perturbation = hash;
    }
    explicit probe(std::size_t home) noexcept requires(Steps != probe_kind::perturbed) : at(home) {}
    // The next slot; false when all of them were seen. Perturbed: after 13 shifts of a 64-bit hash the steps
    // are those of a generator whose period is 2^n, whatever came before.
    bool next(const array& a) noexcept {
      ++step;
      if constexpr (Steps == probe_kind::linear) {
        at = at == a.last_unit() ? 0 : at + 1;
        return step <= a.last_unit();
      } else if constexpr (Steps == probe_kind::triangular) {
        at = (at + step) & a.last_unit();
        return step <= a.last_unit();
      } else {
        perturbation >>= 5;
        at = (5 * at + 1 + static_cast<std::size_t>(perturbation)) & a.last_unit();
        return step <= a.last_unit() + 13;
      }
    }
  };

  // Linear steps from one slot to another.
  static std::size_t steps_between(const array& a, std::size_t from, std::size_t to) noexcept {
    return to >= from ? to - from : to + a.units() - from;
  }

  static slot slot_before(const array& a, slot s) noexcept {
    const std::size_t i = s.entry == a.entries ? a.units() - 1 : group_index(a, s.tag) - 1;
    return {a.entries + i, a.groups[i].tags};
  }

  static bool ends(const group* g, std::uint64_t) noexcept { return g->tags[0] == empty; }
  static bool ends_for_all(const group* g) noexcept { return g->tags[0] == empty; }

  // The live entry of an equal key (WithDirty: or the dirty one), or none.
  template <bool WithDirty = false, class Eq>
  TOPHASH_ALWAYS_INLINE static slot find(const array& a, std::uint64_t hash, Eq&& eq) {
    const std::uint8_t tag = tag_of(hash);
    probe p(a, hash);
    do {
      std::uint8_t* const control = a.groups[p.at].tags;
      std::uint8_t seen = *control;
      if constexpr (dirty_kind && WithDirty) seen &= static_cast<std::uint8_t>(~dirty_bit);
      if (seen == tag) {
        const slot s{a.entries + p.at, control};
        if (eq(key(s))) [[likely]]
          return s;
      } else if (*control == empty) {
        return {};
      }
    } while (p.next(a));
    return {};
  }

  // Where an entry known to be absent goes; none if every slot is taken.
  static slot find_vacancy(const array& a, std::uint64_t hash) noexcept {
    probe p(a, hash);
    do {
      std::uint8_t* const control = a.groups[p.at].tags;
      if (is_vacant(*control)) return {a.entries + p.at, control};
    } while (p.next(a));
    return {};
  }

  static void claim(slot s, std::uint64_t hash) noexcept { *s.tag = tag_of(hash); }
  static void claim_unwatched(slot s, std::uint64_t hash) noexcept { claim(s, hash); }
  static bool was_dead(std::uint8_t tag) noexcept { return tag == dead; }

  // ---- iteration
  // --------------------------------------------------------------------------------------------

  // Where a walk ends: behind the last slot, or (moves_on_vacate) at the slot that was the first empty one
  // when the walk set out; null: not looked for yet.
  struct end_of_array {};
  using walk_rest = std::conditional_t<moves_on_vacate, const std::uint8_t*, end_of_array>;
  struct walk {
    slot place{};
    [[no_unique_address]] walk_rest rest{};

    slot at() const noexcept { return place; }
    explicit operator bool() const noexcept { return static_cast<bool>(place); }
  };

  static void set_out(walk_rest& rest, const array& a) noexcept requires moves_on_vacate {
    if (rest != nullptr) return;
    rest = a.groups->tags;
    while (*rest != empty) ++rest;
  }

  static void advance(walk& w, const array& a) noexcept requires moves_on_vacate {
    set_out(w.rest, a);
    do {
      ++w.place.entry, ++w.place.tag;
      if (*w.place.tag == sentinel) w.place = {a.entries, a.groups->tags};
      if (w.place.tag == w.rest) {
        w = {};
        return;
      }
    } while (!is_live(*w.place.tag));
  }
  static void advance(walk& w) noexcept requires(!moves_on_vacate) {
    do {
      ++w.place.entry, ++w.place.tag;
      if (*w.place.tag == sentinel) {
        w = {};
        return;
      }
    } while (!is_live(*w.place.tag));
  }

  static walk first_walk(const array& a) noexcept {
    if (!a.exists()) return {};
    walk w{{a.entries, a.groups->tags}, {}};
    if constexpr (moves_on_vacate) {
      set_out(w.rest, a);
      const auto behind = w.rest - w.place.tag;
      w.place.entry += behind, w.place.tag += behind;
      advance(w, a);
    } else if (!is_live(*w.place.tag)) {
      advance(w);
    }
    return w;
  }

  // Calls f(slot) for every live entry; f may erase it where that moves none, or throw.
  template <class F>
  static void for_each_live(const array& a, F&& f) {
    for (std::size_t u = 0; u < a.units(); ++u) {
      if (is_live(a.groups[u].tags[0])) f(slot{a.entries + u, a.groups[u].tags});
    }
  }

  // ---- what an erase leaves
  // ---------------------------------------------------------------------------------

  static void mark_dirty(slot s) noexcept { *s.tag |= dirty_bit; }
  static void mark_live(slot s) noexcept { *s.tag &= static_cast<std::uint8_t>(~dirty_bit); }

  // The slot holds no entry any more; true: it is dead. Where entries move back, the table closes the gap.
  static bool vacate(slot s) noexcept requires leaves_dead {
    *s.tag = dead;
    return true;
  }
  static bool was_passed(slot) noexcept { return false; }

  static void wipe_erased(slot s) noexcept { entries_type::template wipe_erased_as<Deletion.wiped>(s); }

  // ---- blocks
  // -----------------------------------------------------------------------------------------------

  static constexpr std::size_t block_align = alignof(unit);
  static constexpr std::size_t entries_bytes(std::size_t capacity) noexcept {
    return capacity * sizeof(unit);
  }
  static constexpr std::size_t block_bytes(std::size_t units, std::size_t capacity) noexcept {
    return entries_bytes(capacity) + units + 1;
  }
  static array array_in(void* block, std::size_t units, std::size_t capacity) noexcept {
    auto* const bytes = static_cast<unsigned char*>(block);
    return array::of(reinterpret_cast<group*>(bytes + entries_bytes(capacity)),
                     reinterpret_cast<unit*>(bytes), units);
  }
  static void* block_of(const array& a) noexcept { return a.entries; }
  // Every slot empty, the end behind them.
  static void wipe_tags(const array& a, std::size_t capacity) noexcept {
    std::memset(static_cast<void*>(a.groups), empty, capacity);
    a.groups[capacity].tags[0] = sentinel;
  }
};

template <probe_kind Steps = probe_kind::linear>
struct open_slots {
  using axis = axes::layout;
  static constexpr layout_facts facts{.kind = layout_kind::open_slots,
                                      .slots = 1,
                                      .tag_bits = 8,
                                      .inline_limit_bytes = static_cast<std::size_t>(-1),
                                      .split = false,
                                      .group_bytes = 0,
                                      .steps = Steps};

  template <class Key, class T, deletion_facts Deletion, class Sizing>
  using model = open_slots_model<Key, T, Steps, Deletion, Sizing>;

  static constexpr std::string_view name = Steps == probe_kind::linear       ? "open_slots(linear)"
                                           : Steps == probe_kind::triangular ? "open_slots(triangular)"
                                                                             : "open_slots(perturbed)";
};

}  // namespace layout

}  // namespace tophash::inline v1

#endif
