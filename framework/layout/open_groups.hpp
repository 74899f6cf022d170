// SPDX-License-Identifier: Apache-2.0
// Open addressing in groups: the entries in one array, their tags in another, sixteen (or eight) tag bytes
// compared at once. After Boost's unordered_flat_map and Abseil's Swiss tables.
//
//   one block:  | entries: units x slots of pair<const Key, T> | groups: units x W bytes |
//
//   a group, immediate and dirty deletion (W - 1 slots):      a group, tombstones (W slots):
//   byte 0         14        15                               byte 0                15
//        +---------+---------+--------+                            +------------------+
//        | a tag for each slot | filter |                          | a tag for each slot |
//        +---------+---------+--------+                            +------------------+
//   filter: bit (hash >> 61) is set when an entry of such a hash     ends a probe: an empty slot
//           passed this group because it was full; a probe that
//           finds its bit clear ends here
//
//   tag       immediate          tombstone                 dirty
//   0         empty              empty                     empty
//   1         end of the array   dead: erased              end of the array
//   2                            end of the array
//   next      opening: an entry is being put into the slot, which was empty (tombstone, the one after: dead);
//             only where a collector reads the tags
//   others    live: the hash's top byte, moved up past the states; dirty: 3..127 live, 128 | live: erased,
//   unswept
//
// The last slot of the last group is no slot: its tag says where the array ends, so that iteration needs no
// bound. A single group may be smaller than W: 4 entries take 80 bytes. Entries lie before the groups, which
// are aligned to W. Probing (power_of_two): the home group, the one before it, then such pairs far
// apart; else one group after the other; at most all of them. Before it, because keys that arrive in the order
// of another table are done with that one, and will need the one behind. Far apart, because such keys fill one
// end of a smaller table first, where neighbours are full together: with triangular steps 300,000 such inserts
// took 4.3 times as long (docs/hash-defence.md). Pairs from the home group on, wherever it lies: those that
// begin at even groups fill up by themselves, and at 0.81 of the slots a miss looks at 0.16 groups behind its
// home, not at 0.11. Cost of a hit in the home group: one tag compare, one key compare. A miss: one tag compare
// and a test of the filter. Filter bits are never cleared, so each erase from a group that has any takes one
// from the room left: after enough of them the table is rebuilt (Boost's rule), at an amortised cost below one
// move an erase.
#ifndef TOPHASH_FRAMEWORK_LAYOUT_OPEN_GROUPS_HPP
#define TOPHASH_FRAMEWORK_LAYOUT_OPEN_GROUPS_HPP

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/config.hpp>
#include <tophash/framework/core/bits.hpp>
#include <tophash/framework/core/checked.hpp>
#include <tophash/framework/core/text.hpp>
#include <tophash/framework/core/trace_info.hpp>
#include <tophash/framework/layout/open_entries.hpp>

namespace tophash::inline v1 {

namespace layout {

template <class Key, class T, std::size_t Width, deletion_facts Deletion, class Sizing,
          entry_home Home = entry_home::in_slots>
struct open_groups_model : open_entries<Key, T, Home> {
  static_assert(Width == 8 || Width == 16, "a group has 8 or 16 tags");
  using entries_type = open_entries<Key, T, Home>;
  using entries_type::boxed;
  using entries_type::entry_may_point;
  using entries_type::is_set;
  using entries_type::key;
  using typename entries_type::mapped_type;
  using typename entries_type::slot;
  using typename entries_type::unit;
  using typename entries_type::value_type;
  using mapper = typename Sizing::mapper;
  static constexpr bool power_of_two = [] {
    if constexpr (requires { Sizing::facts; }) {
      return Sizing::facts.power_of_two;
    } else {
      return false;
    }
  }();

  static constexpr bool dirty_kind = Deletion.kind == deletion_kind::dirty;
  static constexpr bool classic = Deletion.kind == deletion_kind::tombstone;  // an empty slot ends a probe
  static constexpr bool counts_passed =
      boxed;  // the filter byte is a counter: an erase takes back what it added
  static constexpr bool leaves_dead = classic;
  static constexpr bool moves_on_vacate = false;
  // Not of nodes: where the two ways to an entry meet, its pointer would be loaded again.
  static constexpr bool searches_home_first = !boxed;
  static constexpr std::size_t width = Width;
  static constexpr std::size_t slots = classic ? Width : Width - 1;
  static constexpr unsigned slot_mask = (1u << slots) - 1u;

  static constexpr std::uint8_t empty = 0, dead = 1;
  static constexpr std::uint8_t sentinel = classic ? 2 : 1;
  static constexpr std::uint8_t opening = sentinel + 1, opening_dead = classic ? opening + 1 : opening;
  static constexpr std::uint8_t first_live = opening_dead + 1;
  static constexpr std::uint8_t dirty_bit = dirty_kind ? 0x80 : 0;

  struct alignas(Width) group {
    std::uint8_t tags[Width];
  };

  static constexpr std::size_t value_in_entry =
      is_set ? 0 : (sizeof(Key) + alignof(mapped_type) - 1) / alignof(mapped_type) * alignof(mapped_type);
  static constexpr std::size_t in_node_bytes =
      boxed ? (sizeof(std::uint64_t) + alignof(value_type) - 1) / alignof(value_type) * alignof(value_type)
            : 0;
  static constexpr trace_info trace{
      .bucket_bytes = static_cast<std::uint32_t>(Width),
      .slots = static_cast<std::uint32_t>(slots),
      .keys_offset_bytes = 0,
      .key_stride_bytes = static_cast<std::uint32_t>(sizeof(unit)),
      .values_offset_bytes = static_cast<std::uint32_t>(boxed ? 0 : value_in_entry),
      .value_stride_bytes = static_cast<std::uint32_t>(sizeof(unit)),
      .first_live_tag = first_live,
      .dirty_bit = dirty_bit,
      .entries_may_point = boxed || entry_may_point,
      .shape = trace_shape::open_groups,
      .links = false,
      .dead_tag = classic ? dead : std::uint8_t{0},
      .opening_tags = first_live - opening,
      .key_bytes = static_cast<std::uint32_t>(boxed                                  ? sizeof(unit)
                                              : gc_traits<Key>::may_contain_pointers ? sizeof(Key)
                                                                                     : 0),
      .value_bytes = static_cast<std::uint32_t>(
          !boxed && !is_set && gc_traits<mapped_type>::may_contain_pointers ? sizeof(mapped_type) : 0),
      .key_boxed = boxed,
      .entry_boxed = boxed,
      .key_in_entry_bytes = static_cast<std::uint32_t>(in_node_bytes),
      .value_in_entry_bytes =
          boxed ? static_cast<std::uint32_t>(in_node_bytes) + second_offset_bytes<Key, mapped_type> : 0,
      .key_is_pointer = std::is_pointer_v<Key>,
      .value_is_pointer = std::is_pointer_v<T>,
      .trace_key = trace_function_of<Key>(),
      .trace_value = trace_function_of<T>(),
      .traced = has_trace_function<Key> || has_trace_function<T>,
  };

  using array = open_array<group, unit, mapper>;

  // What a map without an array searches: one group that is never written.
  static array empty_array() noexcept {
    static constinit group none = [] {
      group g{};
      for (std::size_t i = 0; i < slots; ++i) g.tags[i] = sentinel;
      return g;
    }();
    // In classic groups a probe ends at an empty slot or after the last group: this one is the last.
    return array::without_units(&none);
  }

  // ---- tags
  // -------------------------------------------------------------------------------------------------

  // The tag of each top byte of a hash, four times (see match_four_16). A load from this table and one
  // shuffle make a hit 1.2 times as fast as arithmetic and three shuffles do, both with the prefetch in find.
  static constexpr std::array<std::uint32_t, 256> tag_words = [] {
    std::array<std::uint32_t, 256> out{};
    for (unsigned top = 0; top < 256; ++top) {
      const unsigned bits = dirty_kind ? top >> 1 : top;
      out[top] = 0x01010101u * (bits < first_live ? bits + 8 : bits);
    }
    return out;
  }();
  static std::uint32_t tag_word_of(std::uint64_t hash) noexcept { return tag_words[hash >> 56]; }
  static std::uint8_t tag_of(std::uint64_t hash) noexcept {
    return static_cast<std::uint8_t>(tag_word_of(hash));
  }
  static std::uint8_t filter_bit(std::uint64_t hash) noexcept {
    return static_cast<std::uint8_t>(1u << static_cast<unsigned>(hash >> 61));
  }

  // Slots with the tag that the word repeats.
  static unsigned match_word(const group* g, std::uint32_t word) noexcept {
    if constexpr (Width == 16) {
      return match_four_16(g->tags, word) & slot_mask;
    } else {
      return match_byte(g->tags, static_cast<std::uint8_t>(word)) & slot_mask;
    }
  }
  static unsigned match(const group* g, std::uint8_t tag) noexcept {
    if constexpr (Width == 16) {
      return match_byte_16(g->tags, tag) & slot_mask;
    } else {
      return match_byte(g->tags, tag) & slot_mask;
    }
  }
  static unsigned at_least_tag(const group* g, std::uint8_t least) noexcept {
    if constexpr (Width == 16) {
      return at_least_16(g->tags, least) & slot_mask;
    } else {
      return at_least(g->tags, least) & slot_mask;
    }
  }
  static unsigned dirty(const group* g) noexcept {
    if constexpr (dirty_kind) {
      return at_least_tag(g, 0x80);
    } else {
      return 0;
    }
  }
  // Live entries, and the end of the array.
  static unsigned live_or_end(const group* g) noexcept {
    if constexpr (!classic && !dirty_kind) {
      return ~match(g, empty) & slot_mask;
    } else {
      return at_least_tag(g, sentinel) & ~dirty(g);
    }
  }
  static unsigned occupied(const group* g) noexcept { return at_least_tag(g, first_live); }
  static unsigned live(const group* g) noexcept { return occupied(g) & ~dirty(g); }
  // Slots that an insert may take.
  static unsigned vacant(const group* g) noexcept {
    unsigned free = match(g, empty);
    if constexpr (classic && Deletion.reusing) free |= match(g, dead);
    return free;
  }

  static bool is_live(std::uint8_t tag) noexcept { return tag >= first_live && (!dirty_kind || tag < 0x80); }
  static bool is_dirty(std::uint8_t tag) noexcept { return dirty_kind && tag >= 0x80; }

  static group* group_of(std::uint8_t* tag) noexcept {
    return reinterpret_cast<group*>(tag - slot_index(tag));
  }
  static std::size_t slot_index(const std::uint8_t* tag) noexcept {
    return static_cast<std::size_t>(reinterpret_cast<std::uintptr_t>(tag) & (Width - 1));
  }
  static std::size_t group_index(const array& a, const std::uint8_t* tag) noexcept {
    return static_cast<std::size_t>(tag - a.groups->tags) / Width;
  }
  static bool holds(const array& a, slot s) noexcept {
    return a.exists() && s.entry >= a.entries && s.entry < a.entries + a.units() * slots;
  }

  // Slots of an array of several groups, and how many of them entries may take: one a home stays free for the
  // inserts of a growth.
  static constexpr std::size_t least_units = 1;
  static constexpr std::size_t slots_in(std::size_t units) noexcept { return units * slots - 1; }
  static constexpr std::size_t most_entries(std::size_t units, std::size_t capacity) noexcept {
    return capacity - units;
  }
  // Slots that an array has: W - 2 at most in a single group, which may have fewer.
  static std::size_t capacity(const array& a) noexcept {
    if (!a.exists()) return 0;
    if (a.units() == 1) return lowest_bit(match(a.groups, sentinel));
    return a.units() * slots - 1;
  }

  // ---- where in its group an entry lies
  // --------------------------------------------------------------------------

  // In the first vacant slot, but in an array too large for caches. There the hash names a slot, by the bits that the
  // tag begins with, and the entry takes the first vacant one from the beginning of that slot's cache line on. A
  // search asks for this line, and does so before it has seen the tags where the processor foresees a hit: two waits
  // for memory become one. With 10,000,000 entries of u64, 0.64 of the slots, nearly nine of ten lie in the line that
  // is asked for (of entries in the first vacant slot 0.23, or 0.27 in their group's first line); hits and erases take
  // 0.86 of the time, inserts 1.09 to 1.18, as fewer of them meet in a line that was just written. In caches that
  // outweighs the rest: in an array of 16 MiB hits lose a tenth. A group of eight has two lines, which is not worth a
  // choice.
  static constexpr std::size_t line_bytes = 64;
  static constexpr std::size_t place_by_hash_from_bytes = std::size_t{64} << 20;
  static constexpr std::size_t place_by_hash_from_units = place_by_hash_from_bytes / (slots * sizeof(unit));
  static bool places_by_hash(const array& a) noexcept {
    return Width == 16 && a.last_unit() >= place_by_hash_from_units;
  }

  static constexpr std::size_t named_slot(std::uint64_t hash) noexcept {
    return static_cast<std::size_t>(hash >> (64 - std::countr_zero(Width)));
  }
  static const void* named_place(const unit* entries, std::uint64_t hash) noexcept {
    return reinterpret_cast<const unsigned char*>(entries) + named_slot(hash) * sizeof(unit);
  }
  // With the table of tags, hits in caches are 1.25 times as fast when they ask before they know the slot.
  TOPHASH_ALWAYS_INLINE static void ask_for_entry(const array& a, const unit* entries,
                                                  std::uint64_t hash) noexcept {
    if (places_by_hash(a)) [[unlikely]] {
      TOPHASH_PREFETCH(named_place(entries, hash));
    } else {
      TOPHASH_PREFETCH(entries);
    }
  }

  // By where in a line a group's entries begin and by the slot that is named: the slots from the line's first on.
  static constexpr std::size_t step_bytes = sizeof(unit) % 16 == 0 ? 16 : 8;
  static constexpr auto slots_from_line = [] {
    std::array<std::array<std::uint16_t, Width>, line_bytes / step_bytes> out{};
    for (std::size_t step = 0; step < out.size(); ++step) {
      for (std::size_t named = 0; named < Width; ++named) {
        const std::size_t begin = step * step_bytes;
        const std::size_t line = (begin + named * sizeof(unit)) / line_bytes * line_bytes;
        const std::size_t first = line <= begin ? 0 : (line - begin + sizeof(unit) - 1) / sizeof(unit);
        out[step][named] = static_cast<std::uint16_t>(slot_mask & ~((1u << first) - 1u));
      }
    }
    return out;
  }();
  // Of some vacant slots of a group, those of which an entry of this hash takes the first.
  TOPHASH_ALWAYS_INLINE static unsigned placed_by_hash(unsigned vacant, const unit* entries,
                                                       std::uint64_t hash) noexcept {
    const std::size_t step = reinterpret_cast<std::uintptr_t>(entries) / step_bytes % slots_from_line.size();
    const unsigned from_line = vacant & slots_from_line[step][named_slot(hash)];
    return from_line != 0 ? from_line : vacant;
  }

  // ---- the hot path
  // -----------------------------------------------------------------------------------------

  // Odd, so that the pairs are all different, and 0.539 of their number: of all fractions of 128 among the best
  // for keys in another table's order. The slowest sixteenth of such inserts looks at 3.8 groups, averaged over
  // how full the other table is.
  static std::size_t far_stride(std::size_t units) noexcept { return units * 69 / 256 | 1; }

  struct probe {
    std::size_t at;
    std::size_t step = 0;
    probe(const array& a, std::uint64_t hash) noexcept : at(a.map.index(hash)) {}
    explicit probe(std::size_t home) noexcept : at(home) {}
    // The next group; false when all of them were seen.
    bool next(const array& a) noexcept {
      ++step;
      if constexpr (power_of_two) {
        at = (step % 2 != 0 ? at - 1 : at + 1 + step * far_stride(a.last_unit() + 1)) & a.last_unit();
      } else {
        at = at == a.last_unit() ? 0 : at + 1;
      }
      return step <= a.last_unit();
    }
  };

  // No entry of this hash lies beyond g.
  static bool ends(const group* g, std::uint64_t hash) noexcept {
    if constexpr (classic) {
      return static_cast<void>(hash), match(g, empty) != 0;
    } else if constexpr (counts_passed) {
      return static_cast<void>(hash), g->tags[Width - 1] == 0;
    } else {
      return ((static_cast<unsigned>(g->tags[Width - 1]) >> static_cast<unsigned>(hash >> 61)) & 1u) == 0;
    }
  }
  // The same for any hash of one home group.
  static bool ends_for_all(const group* g) noexcept {
    if constexpr (classic) {
      return match(g, empty) != 0;
    } else {
      return g->tags[Width - 1] == 0;
    }
  }

  // In one group: the live entry of an equal key (WithDirty: or the dirty one), or none. With a branch for where to ask
  // an erase is too long to be inlined, which is a tenth of its time in caches: it asks in the named line always
  // (1.05 of the time in caches, 0.92 at 10,000,000), of entries that are small.
  template <bool WithDirty = false, bool ForErase = false, class Eq>
  TOPHASH_ALWAYS_INLINE static slot find_in_group(const array& a, std::size_t at, std::uint64_t hash,
                                                  Eq&& eq) {
    group* const g = a.groups + at;
    const std::uint32_t word = tag_word_of(hash);
    unsigned equal = match_word(g, word);
    if constexpr (dirty_kind && WithDirty) equal |= match_word(g, word | 0x80808080u);
    if (equal != 0) {
      unit* const entries = entries_of(a, at);
      if constexpr (!ForErase) {
        ask_for_entry(a, entries, hash);
      } else {
        TOPHASH_PREFETCH(sizeof(unit) <= 32 ? named_place(entries, hash) : entries);
      }
      do {
        const auto i = lowest_bit(equal);
        const slot s{entries + i, g->tags + i};
        if (eq(key(s))) [[likely]]
          return s;
        equal &= equal - 1;
      } while (equal != 0);
    }
    return {};
  }

  // The same in the array. What lies beyond the home group is asked of `beyond`, which is find_beyond out of
  // line: the home group alone needs neither the step of a probe nor the word for a second compare in a
  // register.
  template <bool WithDirty = false, class Eq, class Beyond>
  TOPHASH_ALWAYS_INLINE static slot find_from_home(const array& a, std::uint64_t hash, Eq&& eq,
                                                   Beyond&& beyond) {
    const std::size_t home = a.map.index(hash);
    if (const slot s = find_in_group<WithDirty>(a, home, hash, eq)) return s;
    if (ends(a.groups + home, hash)) [[likely]]
      return {};
    return beyond();
  }
  template <bool WithDirty = false, class Eq>
  static slot find_beyond(const array& a, std::uint64_t hash, Eq&& eq) {
    for (probe p(a, hash); p.next(a);) {
      if (const slot s = find_in_group<WithDirty>(a, p.at, hash, eq)) return s;
      if (ends(a.groups + p.at, hash)) [[likely]]
        return {};
    }
    return {};
  }
  template <bool WithDirty = false, class Eq>
  TOPHASH_ALWAYS_INLINE static slot find(const array& a, std::uint64_t hash, Eq&& eq) {
    const std::uint32_t word = tag_word_of(hash);
    probe p(a, hash);
    do {
      group* const g = a.groups + p.at;
      unsigned equal = match_word(g, word);
      if constexpr (dirty_kind && WithDirty) equal |= match_word(g, word | 0x80808080u);
      if (equal != 0) {
        unit* const entries = entries_of(a, p.at);
        ask_for_entry(a, entries, hash);
        do {
          const auto i = lowest_bit(equal);
          const slot s{entries + i, g->tags + i};
          if (eq(key(s))) [[likely]]
            return s;
          equal &= equal - 1;
        } while (equal != 0);
      }
      if (ends(g, hash)) [[likely]]
        return {};
    } while (p.next(a));
    return {};
  }

  // Where an entry known to be absent goes; none if every slot is taken. Passed groups are marked; counters
  // are not touched before the entry exists (count_passed).
  TOPHASH_ALWAYS_INLINE static slot find_vacancy(const array& a, std::uint64_t hash) noexcept {
    const std::size_t home = a.map.index(hash);
    if (const slot at = vacancy_in_group(a, a.groups + home, home, hash)) [[likely]]
      return at;
    return find_vacancy_beyond(a, hash);
  }
  // The first slot of a group, by one multiplication where nothing else needs the group's number times sixteen.
  static unit* entries_of(const array& a, std::size_t at) noexcept {
    return reinterpret_cast<unit*>(reinterpret_cast<unsigned char*>(a.entries) +
                                   byte_offset<slots * sizeof(unit)>(at));
  }
  TOPHASH_ALWAYS_INLINE static slot vacancy_in_group(const array& a, group* g, std::size_t at,
                                                     std::uint64_t hash) noexcept {
    unsigned free = vacant(g);
    if (free == 0) [[unlikely]]
      return {};
    unit* const entries = entries_of(a, at);
    if (places_by_hash(a)) {
      TOPHASH_PREFETCH_TO_WRITE(named_place(entries, hash));
      free = placed_by_hash(free, entries, hash);
    }
    const auto i = lowest_bit(free);
    unit* const entry = entries + i;
    TOPHASH_ASSUME(entry != nullptr);
    return {entry, g->tags + i};
  }

  // The home group is full. Out of line: an insert, whose registers are then its own, executes 4 % fewer
  // instructions.
  TOPHASH_NOINLINE static slot find_vacancy_beyond(const array& a, std::uint64_t hash) noexcept {
    probe p(a, hash);
    for (;;) {
      if constexpr (!classic && !counts_passed) a.groups[p.at].tags[Width - 1] |= filter_bit(hash);
      if (!p.next(a)) return {};
      group* const g = a.groups + p.at;
      if (const unsigned free = vacant(g); free != 0) [[likely]] {
        const auto i = lowest_bit(free);
        return {a.entries + p.at * slots + i, g->tags + i};
      }
    }
  }

  static void claim(slot s, std::uint64_t hash) noexcept { *s.tag = tag_of(hash); }
  // The same where no collector reads or marks tags between two instructions of ours: the next search of the
  // group need not wait for the store (set_byte_16).
  static void claim_unwatched(slot s, std::uint64_t hash) noexcept {
    if constexpr (Width == 16) {
      set_byte_16(group_of(s.tag)->tags, slot_index(s.tag), tag_word_of(hash));
    } else {
      claim(s, hash);
    }
  }

  static std::uint8_t& tag_at(slot s) noexcept { return *s.tag; }
  // What the tag of a vacant slot becomes while an entry is put into it.
  static std::uint8_t opening_over(std::uint8_t tag) noexcept {
    return classic && tag == dead ? opening_dead : opening;
  }
  static bool was_dead(std::uint8_t tag) noexcept { return classic && (tag == dead || tag == opening_dead); }

  // Adds one to, or takes one from, the counters of the groups that an entry of this hash passed on the way
  // to its slot. A counter that reached its end stays there: probes then go on, until the array is replaced.
  static constexpr std::uint8_t full_counter = 0xff;
  static void count_passed(const array& a, slot s, std::uint64_t hash, bool comes) noexcept {
    const group* const last = group_of(s.tag);
    for (probe p(a, hash); a.groups + p.at != last;) {
      std::uint8_t& counter = a.groups[p.at].tags[Width - 1];
      TOPHASH_CHECK(comes || counter != 0, "an entry leaves a group that it was not counted to have passed");
      if (counter != full_counter) counter = static_cast<std::uint8_t>(comes ? counter + 1 : counter - 1);
      if (!p.next(a)) return;
    }
  }

  // A place in a walk over an array: where a window of 64 tags begins, and which of its slots were live when
  // they were looked at, from this place on; it is at the lowest of them. So a step takes one bit from a
  // mask, counts to the next and looks at one tag, as another erase may have emptied the slot: nothing waits
  // for a load, a compare and a move-mask, and the end of a mask, which no processor foresees, comes once in
  // 64 slots and not once a group. A slot that a search found is a window of its own, about which nothing
  // else is known.
  using walk_rest = std::uint64_t;
  struct walk {
    slot place{};
    walk_rest rest = 1;

    // By an unsigned count: std::countr_zero's int is extended by its sign, in an instruction of its own.
    std::size_t index() const noexcept {
      TOPHASH_ASSUME(rest != 0);
      return static_cast<std::size_t>(static_cast<unsigned>(std::countr_zero(rest)));
    }
    slot at() const noexcept { return {place.entry + entries_before(index()), place.tag + index()}; }
    explicit operator bool() const noexcept { return static_cast<bool>(place); }
  };

  static constexpr std::size_t window_groups = 64 / Width;
  // Entries before the slot of this tag of a window.
  static std::size_t entries_before(std::size_t tags) noexcept {
    return tags - tags / Width * (Width - slots);
  }

  // Of the W tags of a group, those that a walk passes over; whether the filter is one of them is left open.
  static std::uint64_t passed_over(const group* g) noexcept {
    constexpr unsigned all = (1u << Width) - 1u;
    if constexpr (classic || dirty_kind) {
      return ~live_or_end(g) & all;
    } else if constexpr (Width == 16) {
      return match_byte_16(g->tags, empty);
    } else {
      return match_byte(g->tags, empty);
    }
  }
  // Of a window from its group number Group on. Behind the array's end there is nothing to read.
  template <std::size_t Group = 0>
  TOPHASH_ALWAYS_INLINE static std::uint64_t passed_over_in_window(const group* g) noexcept {
    const std::uint64_t passed = passed_over(g) << (Group * Width);
    if constexpr (Group + 1 == window_groups) {
      return passed;
    } else {
      if (g->tags[slots - 1] == sentinel) [[unlikely]]
        return passed | ~std::uint64_t{0} << ((Group + 1) * Width);
      return passed | passed_over_in_window<Group + 1>(g + 1);
    }
  }
  // Slots of the 64 tags from here on that are live, or the end.
  TOPHASH_ALWAYS_INLINE static std::uint64_t live_or_end_window(const std::uint8_t* tags) noexcept {
    constexpr std::uint64_t all_slots = ~std::uint64_t{0} / ((std::uint64_t{1} << Width) - 1) * slot_mask;
    return ~passed_over_in_window(reinterpret_cast<const group*>(tags)) & all_slots;
  }

  // To this window, or the first behind it in which one of the slots is left that `keep` lets through in the
  // first.
  TOPHASH_ALWAYS_INLINE static void seek_window(walk& w, std::uint64_t keep) noexcept {
    for (;;) {
      w.rest = live_or_end_window(w.place.tag) & keep;
      if (w.rest != 0) [[likely]]
        return;
      w.place.tag += 64;
      w.place.entry += window_groups * slots;
      keep = ~std::uint64_t{0};
    }
  }

  // To the next live entry of the array, or to none behind the last.
  TOPHASH_ALWAYS_INLINE static void advance(walk& w) noexcept {
    for (;;) {
      if (const walk_rest rest = w.rest & (w.rest - 1); rest != 0) [[likely]] {
        w.rest = rest;
      } else {
        std::uint64_t keep = ~std::uint64_t{0};
        if (w.rest == 1) {  // the first slot and no other: a slot that a search found, as a rule
          const std::size_t index = slot_index(w.place.tag);
          w.place.tag -= index;
          w.place.entry -= index;
          keep <<= index + 1;
        } else {
          w.place.tag += 64;
          w.place.entry += window_groups * slots;
        }
        seek_window(w, keep);
      }
      const std::uint8_t tag = w.place.tag[w.index()];
      if (is_live(tag)) [[likely]] {
        TOPHASH_ASSUME(w.place.entry != nullptr);  // so that a loop need not ask whether this is the end
        return;
      }
      if (tag == sentinel) {
        w = {};
        return;
      }
    }
  }

  static walk first_walk(const array& a) noexcept {
    if (!a.exists()) return {};
    walk w{.place = {a.entries, a.groups->tags}};
    seek_window(w, ~std::uint64_t{0});
    const std::uint8_t tag = *w.at().tag;
    if (tag == sentinel) return {};
    if (!is_live(tag)) advance(w);
    return w;
  }

  // Calls f(slot) for every live entry in the order of iteration; f may erase it, or throw.
  template <class F>
  static void for_each_live(const array& a, F&& f) {
    for (std::size_t u = 0; u < a.units(); ++u) {
      for (unsigned mask = live(a.groups + u); mask != 0; mask &= mask - 1) {
        const auto i = lowest_bit(mask);
        f(slot{a.entries + u * slots + i, a.groups[u].tags + i});
      }
    }
  }

  // ---- what an erase leaves
  // ---------------------------------------------------------------------------------

  static void mark_dirty(slot s) noexcept { *s.tag |= dirty_bit; }
  static void mark_live(slot s) noexcept { *s.tag &= static_cast<std::uint8_t>(~dirty_bit); }

  // The slot holds no entry any more. True: it is dead, and was the only one that could have ended a probe.
  static bool vacate(slot s) noexcept {
    if constexpr (classic) {
      const bool probes_end_here = match(group_of(s.tag), empty) != 0;
      *s.tag = probes_end_here ? empty : dead;
      return !probes_end_here;
    } else {
      *s.tag = empty;
      return false;
    }
  }
  // Has an entry of any hash passed the group of this slot?
  static bool was_passed(slot s) noexcept {
    if constexpr (classic || counts_passed) {
      return static_cast<void>(s), false;
    } else {
      return group_of(s.tag)->tags[Width - 1] != 0;
    }
  }

  // The array has no entry.
  static void forget_passed(group* g) noexcept { g->tags[Width - 1] = 0; }

  static void wipe_erased(slot s) noexcept { entries_type::template wipe_erased_as<Deletion.wiped>(s); }

  // ---- blocks
  // -----------------------------------------------------------------------------------------------

  static constexpr std::size_t block_align = alignof(unit) > Width ? alignof(unit) : Width;
  static constexpr std::size_t entries_bytes(std::size_t capacity) noexcept {
    return (capacity * sizeof(unit) + Width - 1) / Width * Width;
  }
  static constexpr std::size_t block_bytes(std::size_t units, std::size_t capacity) noexcept {
    return entries_bytes(capacity) + units * Width;
  }
  static array array_in(void* block, std::size_t units, std::size_t capacity) noexcept {
    auto* const bytes = static_cast<unsigned char*>(block);
    return array::of(reinterpret_cast<group*>(bytes + entries_bytes(capacity)),
                     reinterpret_cast<unit*>(bytes), units);
  }
  static void* block_of(const array& a) noexcept { return a.entries; }
  // A group by itself, by its slots.
  static constexpr std::array<group, slots> single_group = [] {
    std::array<group, slots> out{};
    for (std::size_t capacity = 0; capacity < slots; ++capacity) {
      for (std::size_t i = capacity; i < slots; ++i) out[capacity].tags[i] = sentinel;
    }
    return out;
  }();
  // Every slot empty, every filter clear, the end where it belongs.
  static void wipe_tags(const array& a, std::size_t capacity) noexcept {
    if (a.units() == 1) {
      *a.groups = single_group[capacity];
      return;
    }
    std::memset(static_cast<void*>(a.groups), 0, a.units() * Width);
    const std::size_t first = capacity - (a.units() - 1) * slots;
    std::memset(a.groups[a.units() - 1].tags + first, sentinel, slots - first);
  }
};

template <std::size_t Width = 16>
struct open_groups {
  using axis = axes::layout;
  static constexpr layout_facts facts{.kind = layout_kind::open_groups,
                                      .slots = Width,
                                      .tag_bits = 8,
                                      .inline_limit_bytes = static_cast<std::size_t>(-1),
                                      .split = false,
                                      .group_bytes = 0};

  template <class Key, class T, deletion_facts Deletion, class Sizing>
  using model = open_groups_model<Key, T, Width, Deletion, Sizing>;

  // Names only what differs from the default.
  static constexpr option_text name() {
    option_text out{"open_groups"};
    if (Width != 16) out.append("(").append(std::uint64_t{Width}).append(")");
    return out;
  }
};

// The same with each entry in a node of its own: references and pointers to entries stay valid until the
// entry is erased, and growth moves pointers. A lookup touches one line more; the filter is a counter, so
// that erases leave nothing behind and nothing is rebuilt before size() says so.
struct nodes {
  using axis = axes::layout;
  static constexpr std::string_view name = "nodes";
  static constexpr layout_facts facts{.kind = layout_kind::nodes,
                                      .slots = 16,
                                      .tag_bits = 8,
                                      .inline_limit_bytes = 0,
                                      .split = false,
                                      .group_bytes = 0};

  template <class Key, class T, deletion_facts Deletion, class Sizing>
  using model = open_groups_model<Key, T, 16, Deletion, Sizing, entry_home::in_nodes>;
};

}  // namespace layout

}  // namespace tophash::inline v1

#endif
