// SPDX-License-Identifier: Apache-2.0
// Chained buckets of up to eight slots, the shape of Go's classic map. An array of main buckets; a full bucket
// continues in an overflow bucket.
//
//   byte 0        8             16
//        +--------+-------------+------------------------------------------------------+
//        | link   | 8 tag bytes | paired: slots x pair<const Key, T>                   |
//        |        |             | split:  slots x Key, padding to T, slots x T         |
//        +--------+-------------+------------------------------------------------------+
//   u64 -> u64: 144 bytes. An entry over the inline limit is one pointer to a block of its own (split: key and
//   value separately, as in Go). The link comes first, where Go has it last: link and tags share a cache line,
//   so a miss touches one line a bucket; and a collector that writes a list link into the first word of a freed
//   block never writes it into tags.
//
//   tag      state
//   0        empty_rest: empty, and so is every later slot of the chain
//   1        empty_one:  empty (with tombstone_not_reusing: dead until a rehash)
//   2, 3, 4  moved to the lower, the upper half of the new array; was empty when its chain was evacuated
//   5        opening: an entry is being put into the slot; only where a collector reads the tags
//   6..255   live: the hash's top byte, moved up past the states      (deletion::dirty: 8..127 live,
//                                                                       128 | live: dirty)
// With group_bytes the main buckets lie in groups behind a directory, and a group exists from the first write into it
// until growth has evacuated it: no step allocates or gives back more than the directory or one group.
// Invariants, in every chain:
//   - once a slot is empty_rest, all later ones are, and the slot just before the first is not empty_one;
//   - unless deletion is a tombstone, every overflow bucket holds an occupied slot.
// Cost of a hit in the main bucket: one tag compare, one key compare. A miss without overflow: one tag compare
// and a test of the link.
#ifndef TOPHASH_FRAMEWORK_LAYOUT_BUCKET_CHAIN_HPP
#define TOPHASH_FRAMEWORK_LAYOUT_BUCKET_CHAIN_HPP

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/core/bits.hpp>
#include <tophash/framework/core/relocate.hpp>
#include <tophash/framework/core/text.hpp>
#include <tophash/framework/core/trace_info.hpp>
#include <tophash/framework/core/wipe.hpp>

namespace tophash::inline v1 {

namespace layout {

enum class arrangement : std::uint8_t {
  paired,  // pair<const Key, T> objects: references and structured bindings are real
  split,   // keys together, values together: no padding between them; iteration hands out proxies
};

struct bucket_options {
  std::size_t slots = 8;                  // 1..8
  std::size_t tag_bits = 8;               // 0..8 hash bits a tag holds (7 at most with deletion::dirty)
  arrangement arrange = arrangement::paired;
  std::size_t inline_limit_bytes = 128;   // larger entries (split: keys, values) live behind a pointer; Go's limit
  std::size_t group_bytes = 0;            // 0: one array; else groups of at most this size (one bucket at least)
};

// What a dereferenced iterator gives in the split arrangement.
template <class Key, class T>
struct pair_reference {
  const Key& first;
  T& second;

  template <class A, class B>
  explicit(false) operator std::pair<A, B>() const {
    return {first, second};
  }
  friend bool operator==(const pair_reference& a, const pair_reference& b) {
    return a.first == b.first && a.second == b.second;
  }
};

// Where a slot's bytes lie. Key parts and value parts are asked for apart, whatever the arrangement.
template <class Key, class T, bucket_options Options>
struct slot_bytes {
  static constexpr bool is_set = std::is_void_v<T>;
  static constexpr bool split = Options.arrange == arrangement::split && !is_set;
  using value_or_key = std::conditional_t<is_set, Key, T>;
  using pair_type = std::conditional_t<is_set, Key, std::pair<const Key, value_or_key>>;

  static constexpr bool pair_boxed = !split && sizeof(pair_type) > Options.inline_limit_bytes;
  static constexpr bool key_boxed = split && sizeof(Key) > Options.inline_limit_bytes;
  static constexpr bool value_boxed = split && sizeof(value_or_key) > Options.inline_limit_bytes;
  static constexpr bool boxed = pair_boxed || key_boxed || value_boxed;

  using pair_unit = std::conditional_t<pair_boxed, pair_type*, pair_type>;
  using key_unit = std::conditional_t<key_boxed, Key*, Key>;
  using value_unit = std::conditional_t<value_boxed, value_or_key*, value_or_key>;

  static constexpr std::size_t align =
      split ? std::max(alignof(key_unit), alignof(value_unit)) : alignof(pair_unit);
  static constexpr std::size_t values_offset =
      split ? (Options.slots * sizeof(key_unit) + alignof(value_unit) - 1) / alignof(value_unit) * alignof(value_unit)
            : 0;
  static constexpr std::size_t total =
      split ? values_offset + Options.slots * sizeof(value_unit) : Options.slots * sizeof(pair_unit);
};

template <class Key, class T, bucket_options Options, deletion_facts Deletion, class Mapper>
struct bucket_chain_model {
  using bytes = slot_bytes<Key, T, Options>;
  using key_type = Key;
  using mapper = Mapper;
  static constexpr bool is_set = bytes::is_set;
  static constexpr bool split = bytes::split;
  static constexpr bool boxed = bytes::boxed;
  static constexpr std::size_t slots = Options.slots;
  static constexpr std::size_t last_slot = slots - 1;
  static constexpr unsigned slot_mask = (1u << slots) - 1u;

  using value_type = typename bytes::pair_type;
  using mapped_type = typename bytes::value_or_key;

  static constexpr std::uint8_t empty_rest = 0, empty_one = 1, moved_low = 2, moved_high = 3, moved_empty = 4;
  static constexpr bool dirty_kind = Deletion.kind == deletion_kind::dirty;
  static constexpr bool unlinks = Deletion.kind != deletion_kind::tombstone;
  static constexpr bool collapses = Deletion.reusing;
  static constexpr std::uint8_t first_live = dirty_kind ? 8 : 6;
  static constexpr std::uint8_t opening = first_live - 1;
  static constexpr std::uint8_t dirty_bit = dirty_kind ? 0x80 : 0;
  static constexpr std::size_t tag_bits = dirty_kind && Options.tag_bits > 7 ? 7 : Options.tag_bits;

  struct alignas(std::max(bytes::align, alignof(void*))) bucket {
    bucket* link;
    std::uint8_t tags[8];
    alignas(bytes::align) unsigned char entries[bytes::total];
  };

  struct slot {
    bucket* in = nullptr;
    std::size_t index = 0;  // a full word: 32-bit indices cost erase 6 % more instructions
    explicit operator bool() const noexcept { return in != nullptr; }
    friend bool operator==(slot, slot) = default;
  };

  struct flat_array {
    bucket* buckets = nullptr;
    mapper map{};
    std::size_t units = 0;

    bucket* at(std::size_t index) const noexcept { return buckets + index; }
    bucket* home(std::uint64_t hash) const noexcept { return at(map.index(hash)); }
    // Calls f(main bucket) for all of them.
    template <class F>
    void for_each_home(F&& f) const {
      for (std::size_t i = 0; i < units; ++i) f(buckets + i);
    }
  };

  // Blocks of group_buckets buckets behind a directory. A block that nothing was written to does not exist: its
  // place is null and its buckets read as absent_bucket(). Cost against a flat array: one load and one test a
  // lookup.
  struct grouped_array {
    bucket** groups = nullptr;
    mapper map{};
    std::size_t units = 0;

    std::size_t group_count() const noexcept { return (units + group_buckets - 1) / group_buckets; }
    std::size_t units_per_group() const noexcept { return units < group_buckets ? units : group_buckets; }
    bucket* at(std::size_t index) const noexcept {
      bucket* const group = groups[index / group_buckets];
      return group == nullptr ? absent_bucket() : group + index % group_buckets;
    }
    bucket* home(std::uint64_t hash) const noexcept { return at(map.index(hash)); }
    template <class F>
    void for_each_home(F&& f) const {
      for (std::size_t g = 0; g < group_count(); ++g) {
        if (groups[g] == nullptr) continue;
        for (std::size_t i = 0; i < units_per_group(); ++i) f(groups[g] + i);
      }
    }
  };

  static constexpr bool grouped = Options.group_bytes != 0;
  static constexpr std::size_t group_buckets =
      std::bit_floor(std::max<std::size_t>(Options.group_bytes / sizeof(bucket), 1));
  using array = std::conditional_t<grouped, grouped_array, flat_array>;

  // What a collector searches of a slot. The pointer to a boxed pair counts as its key.
  static constexpr std::size_t value_in_pair =
      is_set || bytes::pair_boxed ? 0 : (sizeof(Key) + alignof(mapped_type) - 1) / alignof(mapped_type) * alignof(mapped_type);
  static constexpr bool has_value_part = !is_set && !bytes::pair_boxed;
  static constexpr std::size_t key_part_bytes =
      split ? sizeof(typename bytes::key_unit) : bytes::pair_boxed ? sizeof(void*) : sizeof(Key);
  static constexpr std::size_t value_part_bytes = split ? sizeof(typename bytes::value_unit) : sizeof(mapped_type);
  static constexpr bool key_part_points =
      bytes::pair_boxed || bytes::key_boxed || gc_traits<Key>::may_contain_pointers;
  static constexpr bool value_part_points =
      has_value_part && (bytes::value_boxed || gc_traits<mapped_type>::may_contain_pointers);

  static constexpr trace_info trace{
      .bucket_bytes = static_cast<std::uint32_t>(sizeof(bucket)),
      .link_offset_bytes = 0,
      .tags_offset_bytes = sizeof(void*),
      .slots = static_cast<std::uint32_t>(slots),
      .keys_offset_bytes = static_cast<std::uint32_t>(sizeof(bucket) - sizeof(bucket::entries)),
      .key_stride_bytes = static_cast<std::uint32_t>(split ? sizeof(typename bytes::key_unit) : sizeof(typename bytes::pair_unit)),
      .values_offset_bytes = static_cast<std::uint32_t>(sizeof(bucket) - sizeof(bucket::entries) +
                                                        (split ? bytes::values_offset : value_in_pair)),
      .value_stride_bytes = static_cast<std::uint32_t>(split ? sizeof(typename bytes::value_unit) : sizeof(typename bytes::pair_unit)),
      .first_live_tag = first_live,
      .dirty_bit = dirty_bit,
      .entries_may_point = boxed || gc_traits<Key>::may_contain_pointers || gc_traits<T>::may_contain_pointers,
      .dead_tag = Deletion.kind == deletion_kind::tombstone && !Deletion.reusing ? empty_one : std::uint8_t{0},
      .opening_tags = 1,
      .key_bytes = key_part_points ? static_cast<std::uint32_t>(key_part_bytes) : 0,
      .value_bytes = value_part_points ? static_cast<std::uint32_t>(value_part_bytes) : 0,
      .key_boxed = bytes::pair_boxed || bytes::key_boxed,
      .value_boxed = bytes::value_boxed,
      .entry_boxed = bytes::pair_boxed,
      .value_in_entry_bytes = bytes::pair_boxed ? second_offset_bytes<Key, mapped_type> : 0,
      .key_is_pointer = std::is_pointer_v<Key>,
      .value_is_pointer = std::is_pointer_v<T>,
      .trace_key = trace_function_of<Key>(),
      .trace_value = trace_function_of<T>(),
      .traced = has_trace_function<Key> || has_trace_function<T>,
  };

  // What a map without an array searches: one bucket without entries, never written.
  static bucket* empty_bucket() noexcept {
    static constinit const bucket none{};
    return const_cast<bucket*>(&none);
  }
  // What stands for a bucket whose group does not exist: nothing is in it, nothing can be put into it, and, in an
  // array being evacuated, nothing is left in it.
  static bucket* absent_bucket() noexcept {
    static constinit const bucket none = [] {
      bucket b{};
      for (unsigned i = 0; i < slots; ++i) b.tags[i] = moved_empty;
      return b;
    }();
    return const_cast<bucket*>(&none);
  }
  static bool is_absent(const bucket* b) noexcept {
    if constexpr (grouped) {
      return b == absent_bucket();
    } else {
      return static_cast<void>(b), false;
    }
  }
  static array empty_array() noexcept {
    if constexpr (grouped) {
      static constinit bucket* none[1] = {nullptr};
      return {.groups = none, .map = mapper{}, .units = 0};
    } else {
      return {.buckets = empty_bucket(), .map = mapper{}, .units = 0};
    }
  }

  // ---- bytes of a slot --------------------------------------------------------------------------------------

  static typename bytes::pair_unit* pair_unit_at(slot s) noexcept {
    return reinterpret_cast<typename bytes::pair_unit*>(s.in->entries + s.index * sizeof(typename bytes::pair_unit));
  }
  static typename bytes::key_unit* key_unit_at(slot s) noexcept {
    return reinterpret_cast<typename bytes::key_unit*>(s.in->entries + s.index * sizeof(typename bytes::key_unit));
  }
  static typename bytes::value_unit* value_unit_at(slot s) noexcept {
    return reinterpret_cast<typename bytes::value_unit*>(s.in->entries + bytes::values_offset +
                                                        s.index * sizeof(typename bytes::value_unit));
  }
  static value_type* pair_at(slot s) noexcept {
    if constexpr (bytes::pair_boxed) {
      return *pair_unit_at(s);
    } else {
      return pair_unit_at(s);
    }
  }
  static Key* key_at(slot s) noexcept {
    if constexpr (bytes::key_boxed) {
      return *key_unit_at(s);
    } else if constexpr (split) {
      return key_unit_at(s);
    } else if constexpr (is_set) {
      return pair_at(s);
    } else {
      return const_cast<Key*>(std::addressof(pair_at(s)->first));
    }
  }
  static mapped_type* value_at(slot s) noexcept
    requires(!is_set)
  {
    if constexpr (bytes::value_boxed) {
      return *value_unit_at(s);
    } else if constexpr (split) {
      return value_unit_at(s);
    } else {
      return std::addressof(pair_at(s)->second);
    }
  }

  static const Key& key(slot s) noexcept { return *key_at(s); }

  // ---- tags -------------------------------------------------------------------------------------------------

  // The top bits of the hash, moved up past the states. Two instructions more than a plain byte.
  static constexpr std::uint8_t tag_of(std::uint64_t hash) noexcept {
    if constexpr (tag_bits == 0) {
      return first_live;
    } else {
      const unsigned top = static_cast<unsigned>(hash >> (64 - tag_bits));
      return static_cast<std::uint8_t>(top < first_live ? top + first_live : top);
    }
  }

  // The tag of each top byte of a hash, four times, for find (see match_four). Alone it is a load where tag_of is a
  // compare and a move, and a word spreads over a register with one shuffle, a byte with three.
  static constexpr bool has_tag_words = TOPHASH_HAS_SSE2 && tag_bits == 8;
  static constexpr std::array<std::uint32_t, has_tag_words ? 256 : 1> tag_words = [] {
    std::array<std::uint32_t, has_tag_words ? 256 : 1> words{};
    for (std::uint32_t top = 0; top < words.size(); ++top)
      words[top] = 0x01010101u * (top < first_live ? top + first_live : top);
    return words;
  }();
  // What find asks each bucket for.
  struct wanted_tag {
    std::uint32_t word;
    explicit wanted_tag(std::uint64_t hash) noexcept {
      if constexpr (has_tag_words) {
        word = tag_words[hash >> 56];
      } else {
        word = tag_of(hash);
      }
    }
    unsigned match(const bucket* b) const noexcept {
      if constexpr (has_tag_words) {
        return match_four(b->tags, word);
      } else {
        return match_nonzero_byte(b->tags, static_cast<std::uint8_t>(word));
      }
    }
  };

  // Top bits of a hash that has this live tag.
  static std::uint64_t top_bits_of(std::uint8_t tag) noexcept {
    if constexpr (tag_bits == 0) {
      return 0;
    } else {
      const std::uint64_t top = tag < 1u << tag_bits ? tag : tag - unsigned{first_live};
      return top << (64 - tag_bits);
    }
  }

  static bool is_live(std::uint8_t tag) noexcept { return tag >= first_live && (!dirty_kind || tag < 0x80); }
  static bool is_dirty(std::uint8_t tag) noexcept { return dirty_kind && tag >= 0x80; }
  static bool is_empty(std::uint8_t tag) noexcept { return tag <= empty_one; }
  static bool is_moved(std::uint8_t tag) noexcept { return tag >= moved_low && tag <= moved_empty; }

  static unsigned occupied(const bucket* b) noexcept { return at_least(b->tags, first_live); }
  static unsigned dirty(const bucket* b) noexcept {
    if constexpr (dirty_kind) {
      return at_least(b->tags, 0x80);
    } else {
      return 0;
    }
  }
  static unsigned live(const bucket* b) noexcept { return occupied(b) & ~dirty(b); }

  // Slots that an insert may take.
  static unsigned vacant(const bucket* b) noexcept {
    return at_most(b->tags, Deletion.reusing ? empty_one : empty_rest) & slot_mask;
  }

  static void wipe_tags(bucket* b) noexcept {
    b->link = nullptr;
    std::memset(b->tags, 0, sizeof b->tags);
  }

  // ---- the hot path -----------------------------------------------------------------------------------------

  // Nothing lies beyond b in its chain.
  static bool ends(const bucket* b) noexcept { return b->link == nullptr || b->tags[last_slot] == empty_rest; }

  // The first slot of the main bucket whose tag matches. Where that decides nothing, which is seldom (two equal tags, an
  // overflow bucket), rest(main bucket, the matches after the first) answers: as a call, so that the caller's loop keeps its
  // registers.
  template <class Eq, class Rest>
  TOPHASH_ALWAYS_INLINE static slot find_first(const array& a, std::uint64_t hash, Eq&& eq, Rest&& rest) {
    bucket* const home = a.home(hash);
    const unsigned match = wanted_tag(hash).match(home);
    if (match != 0) [[likely]] {
      const slot s{home, lowest_bit(match)};
      if (eq(key(s))) [[likely]] return s;
    } else if (ends(home)) [[likely]] {
      return {};
    }
    return rest(home, match & (match - 1));
  }
  // What lies after that: the other matches of `b`, and the buckets after it.
  template <class Eq>
  TOPHASH_ALWAYS_INLINE static slot find_rest(bucket* b, unsigned match, std::uint64_t hash, Eq&& eq) {
    const wanted_tag tag(hash);
    for (;;) {
      for (; match != 0; match &= match - 1) {
        const slot s{b, lowest_bit(match)};
        if (eq(key(s))) [[likely]] return s;
      }
      if (ends(b)) [[likely]] return {};
      b = b->link;
      match = tag.match(b);
    }
  }
  template <class Eq>
  TOPHASH_ALWAYS_INLINE static slot find(const array& a, std::uint64_t hash, Eq&& eq) {
    bucket* const home = a.home(hash);
    return find_rest(home, wanted_tag(hash).match(home), hash, eq);
  }

  struct vacancy {
    slot at;                 // found: the entry. Otherwise where to put one, if `at.in` is set
    bucket* tail = nullptr;  // no vacant slot: the chain's last bucket, to continue in an overflow bucket
    bool found = false;      // live, or dirty under an equal key
  };

  template <bool WithDirty = dirty_kind, class Eq>
  TOPHASH_ALWAYS_INLINE static vacancy find_or_vacancy(const array& a, std::uint64_t hash, Eq&& eq) {
    bucket* b = a.home(hash);
    const std::uint8_t tag = tag_of(hash);
    vacancy result;
    for (;;) {
      unsigned match = match_nonzero_byte(b->tags, tag);
      if constexpr (WithDirty) match |= match_nonzero_byte(b->tags, static_cast<std::uint8_t>(tag | dirty_bit));
      for (; match != 0; match &= match - 1) {
        const slot s{b, lowest_bit(match)};
        if (eq(key(s))) [[likely]] return {s, nullptr, true};
      }
      note_vacancy(result, b);
      if (ends(b)) [[likely]] break;
      b = b->link;
    }
    result.tail = b;
    return result;
  }

  // Where an entry known to be absent goes.
  static vacancy find_vacancy(const array& a, std::uint64_t hash) noexcept {
    vacancy result;
    bucket* b = a.home(hash);
    for (;;) {
      note_vacancy(result, b);
      if (result.at || ends(b)) break;
      b = b->link;
    }
    result.tail = b;
    return result;
  }

  static void note_vacancy(vacancy& v, bucket* b) noexcept {
    if (v.at.in == nullptr) {
      if (const unsigned free = vacant(b); free != 0) {
        v.at = {b, lowest_bit(free)};
      }
    }
  }

  static void claim(slot s, std::uint64_t hash) noexcept { s.in->tags[s.index] = tag_of(hash); }

  static std::uint8_t& tag_at(slot s) noexcept { return s.in->tags[s.index]; }
  // What the tag of a vacant slot becomes while an entry is put into it.
  static std::uint8_t opening_over(std::uint8_t) noexcept { return opening; }

  // ---- what an erase leaves ---------------------------------------------------------------------------------

  static void mark_dirty(slot s) noexcept { s.in->tags[s.index] |= dirty_bit; }
  static void mark_live(slot s) noexcept { s.in->tags[s.index] &= static_cast<std::uint8_t>(~dirty_bit); }
  static void mark_moved(slot s, bool upper_half) noexcept {
    s.in->tags[s.index] = upper_half ? moved_high : moved_low;
  }
  static void mark_moved_empty(slot s) noexcept { s.in->tags[s.index] = moved_empty; }

  static std::uint64_t with_byte(std::uint64_t tags, std::size_t index, std::uint8_t byte) noexcept {
    const std::size_t at = 8 * index;
    return (tags & ~(std::uint64_t{0xff} << at)) | std::uint64_t{byte} << at;
  }
  // What follows the last byte above empty_one becomes empty_rest. Without a branch: every bucket's last erase would
  // surprise it. A byte above 1 has at most six leading zeros, so one more than they are counts whole empty bytes, all eight
  // if there is no such byte.
  static std::uint64_t without_trailing_empties(std::uint64_t tags) noexcept {
    static_assert(empty_rest == 0 && empty_one == 1);
    const std::uint64_t others = (tags & 0xfefefefefefefefeu) | 1;
    const unsigned half_of_empty_bits = ((static_cast<unsigned>(std::countl_zero(others)) + 1) & ~7u) / 2;
    return tags & ~std::uint64_t{0} >> half_of_empty_bits >> half_of_empty_bits;  // a shift by 64 would be undefined
  }

  static bucket* previous(bucket* home, const bucket* b) noexcept {
    while (home->link != b) home = home->link;
    return home;
  }

  // The slot holds no entry any more. Returns an overflow bucket that this emptied and unlinked, or null.
  // Cost: one store and one compare unless the slot was the last occupied one.
  static bucket* vacate(bucket* home, slot s) noexcept {
    if constexpr (collapses && !unlinks) {
      vacate_by_word(home, s);
      return nullptr;
    } else {
      s.in->tags[s.index] = empty_one;
      if constexpr (collapses) {
        if (s.in != home && occupied(s.in) == 0) return unlink(home, s.in);
        collapse(home, s);
      }
      return nullptr;
    }
  }

  // The same with Go's tombstones, by shifts on the tag word: what the neighbours hold is as good as random,
  // and a branch on it is foretold wrongly often enough, each time before the next operation could ask for
  // its memory, that go_like's erase took 1.1 to 1.3 times as long at 1,000 u64 entries. Immediate deletion,
  // with more to do in overflow buckets, has it byte by byte: there the word executes 5 % more instructions,
  // and where dirty tags are a collector may write one at any time.
  static void vacate_by_word(bucket* home, slot s) noexcept {
    const std::uint64_t tags = with_byte(load_tags(s.in->tags), s.index, empty_one);
    const bucket* const next = s.in->link;
    // The next bucket's line is not touched unless this one's last slot leaves the question open.
    const bool ends_here =
        next == nullptr || (s.index == last_slot ? next->tags[0] : s.in->tags[last_slot]) == empty_rest;
    const std::uint64_t left = ends_here ? without_trailing_empties(tags) : tags;
    store_tags(s.in->tags, left);
    if (s.in != home && left == 0) [[unlikely]] collapse_before(home, s.in);
  }

  static bucket* unlink(bucket* home, bucket* b) noexcept {
    bucket* before = previous(home, b);
    before->link = b->link;
    if (before->link == nullptr && before->tags[last_slot] == empty_one) collapse(home, {before, last_slot});
    return b;
  }

  // Go's rule: when nothing occupied follows, this slot and the run of empties before it become empty_rest.
  static void collapse(bucket* home, slot s) noexcept {
    if (s.index == last_slot) {
      if (s.in->link != nullptr && s.in->link->tags[0] != empty_rest) return;
    } else if (s.in->tags[s.index + 1] != empty_rest) {
      return;
    }
    for (;;) {
      s.in->tags[s.index] = empty_rest;
      if (s.index != 0) {
        --s.index;
      } else {
        if (s.in == home) return;
        s = {previous(home, s.in), last_slot};
      }
      if (s.in->tags[s.index] != empty_one) return;
    }
  }
  // The same for what lies before an overflow bucket that became empty_rest altogether.
  TOPHASH_NOINLINE static void collapse_before(bucket* home, bucket* b) noexcept {
    while (b != home) {
      b = previous(home, b);
      if (b->tags[last_slot] != empty_one) return;
      const std::uint64_t left = without_trailing_empties(load_tags(b->tags));
      store_tags(b->tags, left);
      if (left != 0) return;
    }
  }

  // ---- moving and wiping ------------------------------------------------------------------------------------

  static constexpr bool nothrow_relocation =
      boxed || (nothrow_relocatable<Key> && (is_set || nothrow_relocatable<mapped_type>));

  // Moves the bytes or objects of one slot to another; tags are the caller's business.
  static void relocate_entry(slot to, slot from) noexcept(nothrow_relocation) {
    if constexpr (bytes::pair_boxed) {
      *pair_unit_at(to) = *pair_unit_at(from);
    } else if constexpr (is_set) {
      relocate(key_at(to), key_at(from));
    } else if constexpr (split) {
      relocate_parts(key_unit_at(to), value_unit_at(to), key_unit_at(from), value_unit_at(from));
    } else if constexpr (trivially_relocatable<Key> && trivially_relocatable<mapped_type>) {
      std::memcpy(static_cast<void*>(pair_unit_at(to)), static_cast<const void*>(pair_unit_at(from)),
                  sizeof(value_type));
    } else {
      relocate_parts(key_at(to), value_at(to), key_at(from), value_at(from));
    }
  }

  // Storage that a collector scans must not keep what an erased entry pointed to.
  static void wipe_entry(slot s) noexcept {
    if constexpr (split) {
      std::memset(static_cast<void*>(key_unit_at(s)), 0, sizeof(typename bytes::key_unit));
      std::memset(static_cast<void*>(value_unit_at(s)), 0, sizeof(typename bytes::value_unit));
    } else {
      std::memset(static_cast<void*>(pair_unit_at(s)), 0, sizeof(typename bytes::pair_unit));
    }
  }
  // What the deletion policy wants zeroed of a slot whose entry is gone.
  static void wipe_erased(slot s) noexcept {
    constexpr bool key = bytes::key_boxed || may_leave_address<Key>;
    constexpr bool value = bytes::value_boxed || may_leave_address<T>;
    if constexpr (Deletion.wiped == wipe::all || (Deletion.wiped == wipe::pointers && bytes::pair_boxed)) {
      wipe_entry(s);
    } else if constexpr (Deletion.wiped == wipe::pointers && split) {
      if constexpr (key) std::memset(static_cast<void*>(key_unit_at(s)), 0, sizeof(typename bytes::key_unit));
      if constexpr (value)
        std::memset(static_cast<void*>(value_unit_at(s)), 0, sizeof(typename bytes::value_unit));
    } else if constexpr (Deletion.wiped == wipe::pointers) {
      if constexpr (key) std::memset(static_cast<void*>(key_at(s)), 0, sizeof(Key));
      if constexpr (value) std::memset(static_cast<void*>(value_at(s)), 0, sizeof(mapped_type));
    }
    static_cast<void>(s);
  }
  static void wipe_entries(bucket* b) noexcept { std::memset(b->entries, 0, sizeof b->entries); }

  // ---- checks -----------------------------------------------------------------------------------------------

  // Null if the chain keeps its invariants; otherwise a sentence that names the broken one.
  static const char* check_chain(const bucket* home) noexcept {
    bool rest = false, after_empty_one = false;
    for (const bucket* b = home; b != nullptr; b = b->link) {
      if (b != home && unlinks && occupied(b) == 0) return "an overflow bucket without entries is still linked";
      for (unsigned i = 0; i < 8; ++i) {
        const std::uint8_t tag = b->tags[i];
        if (i >= slots) {
          if (tag != 0) return "a tag past the last slot is not zero";
          continue;
        }
        if (rest && tag != empty_rest) return "a slot after empty_rest is not empty_rest";
        if (tag == empty_rest && !rest) {
          rest = true;
          if (collapses && after_empty_one) return "the slot before the first empty_rest is empty_one";
        }
        if (is_moved(tag)) return "a slot of an unevacuated chain is marked as moved";
        if (tag > moved_empty && tag < first_live) return "a tag is neither a state nor live";
        if (dirty_kind && tag >= 0x80 && tag < (0x80 | first_live)) return "a dirty tag without a live tag under it";
        after_empty_one = tag == empty_one;
      }
    }
    return collapses && !rest && after_empty_one ? "the last slot of a chain is empty_one" : nullptr;
  }
};

template <bucket_options Options = bucket_options{}>
struct bucket_chain {
  using axis = axes::layout;
  static constexpr layout_facts facts{.kind = layout_kind::bucket_chain,
                                      .slots = Options.slots,
                                      .tag_bits = Options.tag_bits,
                                      .inline_limit_bytes = Options.inline_limit_bytes,
                                      .split = Options.arrange == arrangement::split,
                                      .group_bytes = Options.group_bytes};

  template <class Key, class T, deletion_facts Deletion, class Mapper>
  using model = bucket_chain_model<Key, T, Options, Deletion, Mapper>;

  // Names only what differs from the defaults.
  static constexpr option_text name() {
    constexpr bucket_options standard{};
    option_text out{"bucket_chain"};
    auto begin = [&out, first = true](std::string_view field) mutable {
      out.append(first ? "(" : ",").append(field).append("=");
      first = false;
    };
    if (Options.slots != standard.slots) begin("slots"), out.append(std::uint64_t{Options.slots});
    if (Options.tag_bits != standard.tag_bits) begin("tag_bits"), out.append(std::uint64_t{Options.tag_bits});
    if (Options.arrange != standard.arrange) begin("arrange"), out.append("split");
    if (Options.inline_limit_bytes != standard.inline_limit_bytes)
      begin("inline_limit_bytes"), out.append(std::uint64_t{Options.inline_limit_bytes});
    if (Options.group_bytes != standard.group_bytes)
      begin("group_bytes"), out.append(std::uint64_t{Options.group_bytes});
    if (out.length != std::string_view{"bucket_chain"}.size()) out.append(")");
    return out;
  }
};

}  // namespace layout

using layout::arrangement;
using layout::bucket_options;

}  // namespace tophash::inline v1

#endif
