// SPDX-License-Identifier: Apache-2.0
// Chained buckets of up to eight slots, the shape of Go's classic map. An array of main buckets; a full bucket
// continues in an overflow bucket.
//
//   byte 0        8             16
//        +--------+-------------+------------------------------------------------------+
//        | link   | 8 tag bytes | paired: slots x pair<const Key, T>                   |
//        |        |             | split:  slots x Key, padding to T, slots x T         |
//        +--------+-------------+------------------------------------------------------+
//   u64 -> u64: 144 bytes. With filter_bits the filter follows the tags, with link=index32 the link has four bytes:
//
//   byte 0      4             12                     byte 0        8             16       17
//        +------+-------------+----------+----       +--------+-------------+--------+--------
//        | link | 8 tag bytes | filter   |           | link   | 8 tag bytes | filter |
//        +------+-------------+----------+----       +--------+-------------+--------+--------
//        index32, filter_bits=32: 16 bytes           pointer, filter_bits=8: 24 where entries are aligned to 8
//
//   An entry over the inline limit is one pointer to a block of its own (split: key and
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
// With tombstone(hinted) 5, 6 and 7 are dead2, dead4 and dead8, in every slot of an aligned run of so many dead ones, 8 is
// opening, and 9..255 live; a dead slot of no such run is empty_one. An overflow bucket that is one run leaves the chain.
// With group_bytes the main buckets lie in groups behind a directory, and a group exists from the first write into it
// until growth has evacuated it: no step allocates or gives back more than the directory or one group.
// Invariants, in every chain:
//   - once a slot is empty_rest, all later ones are, and the slot just before the first is not empty_one;
//   - unless deletion is a tombstone, every overflow bucket holds an occupied slot; with hinted ones, a slot that is
//     occupied or free;
//   - a main bucket's filter has the bit of each tag that is occupied in its overflow buckets, and is zero without any.
// Cost of a hit in the main bucket: one tag compare, one key compare. A miss without overflow: one tag compare
// and a test of the link; with a filter, one of the filter instead.
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
#include <tophash/framework/concepts/overflow.hpp>
#include <tophash/framework/config.hpp>
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

enum class link_kind : std::uint8_t {
  pointer,
  index32,  // the number of a block of an overflow source that numbers its blocks (overflow::slabs): four bytes
};

struct bucket_options {
  std::size_t slots = 8;                  // 1..8
  std::size_t tag_bits = 8;               // 0..8 hash bits a tag holds (7 at most with deletion::dirty)
  arrangement arrange = arrangement::paired;
  std::size_t inline_limit_bytes = 128;   // larger entries (split: keys, values) live behind a pointer; Go's limit
  // 0: one array; else groups of at most this size (one bucket at least), which begin at a cache line where buckets are
  // whole lines and the storage can.
  std::size_t group_bytes = 0;
  // A miss does not follow a chain whose overflow buckets hold no entry with the same low bits of the tag: 0 (no
  // filter), 8, 16 or 32 bits in each bucket. Those that an erase frees are cleared by looking at the chain again.
  std::size_t filter_bits = 0;
  link_kind link = link_kind::pointer;
  std::size_t align_bytes = 0;            // of a bucket, where its entries ask for less; a power of two
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
  static constexpr bool hinted = Deletion.hinted;
  static constexpr std::uint8_t first_dead_run = 5;  // of two slots; of four and of eight follow
  static constexpr std::uint8_t first_live = hinted ? 9 : dirty_kind ? 8 : 6;
  static constexpr std::uint8_t opening = first_live - 1;
  static constexpr std::uint8_t dirty_bit = dirty_kind ? 0x80 : 0;
  static constexpr std::size_t tag_bits = dirty_kind && Options.tag_bits > 7 ? 7 : Options.tag_bits;

  static constexpr bool indexed = Options.link == link_kind::index32;
  static constexpr bool filters = Options.filter_bits != 0;
  struct bucket;
  using link_type = std::conditional_t<indexed, std::uint32_t, bucket*>;
  struct no_filter {};
  using filter_word = std::conditional_t<
      !filters, no_filter,
      std::conditional_t<Options.filter_bits == 8, std::uint8_t,
                         std::conditional_t<Options.filter_bits == 16, std::uint16_t, std::uint32_t>>>;

  struct alignas(std::max({bytes::align, alignof(link_type), Options.align_bytes})) bucket {
    link_type link;
    std::uint8_t tags[8];
    [[no_unique_address]] filter_word filter;
    alignas(bytes::align) unsigned char entries[bytes::total];
  };

  struct slot {
    bucket* in = nullptr;
    std::size_t index = 0;  // a full word: 32-bit indices cost erase 6 % more instructions
    explicit operator bool() const noexcept { return in != nullptr; }
    friend bool operator==(slot, slot) = default;
  };

  // Leads from a bucket to the next one of its chain; null: there is none.
  struct pointer_links {
    static bucket* next(const bucket* b) noexcept { return b->link; }
    static void append(bucket* tail, bucket* fresh) noexcept { tail->link = fresh; }
    static void take_out(bucket* before, const bucket* b) noexcept { before->link = b->link; }
  };
  // A bucket in no chain has its own number for a link.
  struct indexed_links {
    void* const* places = nullptr;  // of the overflow source: the block of every blocks_a_place numbers

    bucket* next(const bucket* b) const noexcept {
      if (b->link == 0) return nullptr;
      return static_cast<bucket*>(places[b->link / blocks_a_place]) + b->link % blocks_a_place;
    }
    static void append(bucket* tail, bucket* fresh) noexcept { tail->link = std::exchange(fresh->link, 0u); }
    static void take_out(bucket* before, bucket* b) noexcept { std::swap(before->link, b->link); }
  };
  using chain_links = std::conditional_t<indexed, indexed_links, pointer_links>;

  struct flat_array {
    bucket* buckets = nullptr;
    mapper map{};
    std::size_t units = 0;
    [[no_unique_address]] chain_links links{};

    bucket* at(std::size_t index) const noexcept { return buckets + index; }
    bucket* home(std::uint64_t hash) const noexcept {
      return reinterpret_cast<bucket*>(reinterpret_cast<unsigned char*>(buckets) +
                                       byte_offset<sizeof(bucket)>(map.index(hash)));
    }
    // Calls f(main bucket) for all of them.
    template <class F>
    void for_each_home(F&& f) const {
      for (std::size_t i = 0; i < units; ++i) f(buckets + i);
    }
  };

  // Blocks of group_buckets buckets behind a directory. A block that nothing was written to does not exist: its
  // place names absent_group(), whose buckets read as what stands for one that is not there. Cost against a flat array:
  // one load a lookup, and what it takes to divide the index. A test for null instead made a hit in 10,000,000 entries
  // 1.26 times as slow as in one array, without it 1.19: what bounds lookups that miss the cache is how many of
  // them the processor has under way, and so their instructions.
  struct grouped_array {
    bucket** groups = nullptr;
    mapper map{};
    std::size_t units = 0;
    [[no_unique_address]] chain_links links{};

    std::size_t group_count() const noexcept { return (units + group_buckets - 1) / group_buckets; }
    std::size_t units_per_group() const noexcept { return units < group_buckets ? units : group_buckets; }
    bucket* at(std::size_t index) const noexcept {
      return groups[index / group_buckets] + index % group_buckets;
    }
    // The line in the middle of the entries is asked for before the tags are known, as most entries do not lie in the
    // line of their tags: 1.06 to 1.16 times as long as in one array, without that 1.19 (10,000,000 entries, eight slots;
    // at 1,000,000 0.91 to 0.97 for 1.00). A miss reads that line in vain: there it is 1.18 (1,000,000). Buckets of
    // seven slots, which fill two lines, and lookups that are inlined: 1.03, of eight slots by a call 1.20 to 1.26.
    bucket* home(std::uint64_t hash) const noexcept {
      bucket* const b = at(map.index(hash));
      TOPHASH_PREFETCH(b->entries + sizeof(b->entries) / 2);
      return b;
    }
    template <class F>
    void for_each_home(F&& f) const {
      for (std::size_t g = 0; g < group_count(); ++g) {
        if (is_absent(groups[g])) continue;
        for (std::size_t i = 0; i < units_per_group(); ++i) f(groups[g] + i);
      }
    }
  };

  static constexpr bool grouped = Options.group_bytes != 0;
  static constexpr std::size_t group_buckets =
      std::bit_floor(std::max<std::size_t>(Options.group_bytes / sizeof(bucket), 1));
  using array = std::conditional_t<grouped, grouped_array, flat_array>;

  struct absent_buckets {
    bucket of_no_array;  // as empty_bucket()
    bucket buckets[grouped ? group_buckets : 1];
  };
  static inline constinit absent_buckets absent{};

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
      .tags_offset_bytes = offsetof(bucket, tags),
      .slots = static_cast<std::uint32_t>(slots),
      .keys_offset_bytes = static_cast<std::uint32_t>(offsetof(bucket, entries)),
      .key_stride_bytes = static_cast<std::uint32_t>(split ? sizeof(typename bytes::key_unit) : sizeof(typename bytes::pair_unit)),
      .values_offset_bytes = static_cast<std::uint32_t>(offsetof(bucket, entries) +
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
  // What stands for a group that does not exist: nothing is in its buckets, nothing can be put into them, and, in an
  // array being evacuated, nothing is left in them. Written before the first directory names it, and never again.
  static bucket* absent_group() noexcept {
    static bucket* const filled = [] {
      for (bucket& b : absent.buckets) {
        for (unsigned i = 0; i < slots; ++i) b.tags[i] = moved_empty;
      }
      return absent.buckets;
    }();
    return filled;
  }
  static bool is_absent(const bucket* b) noexcept {
    if constexpr (grouped) {
      const auto first = reinterpret_cast<std::uintptr_t>(absent.buckets);
      return reinterpret_cast<std::uintptr_t>(b) - first < sizeof absent.buckets;
    } else {
      return static_cast<void>(b), false;
    }
  }
  static array empty_array() noexcept {
    if constexpr (grouped) {
      static constinit bucket* none[1] = {&absent.of_no_array};
      return {.groups = none, .map = mapper{}, .units = 0, .links = {}};
    } else {
      return {.buckets = empty_bucket(), .map = mapper{}, .units = 0, .links = {}};
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
  // Of a slot that an erase left unusable until a rehash, where the deletion policy leaves such slots.
  static bool is_dead(std::uint8_t tag) noexcept {
    return tag == empty_one || (hinted && tag >= first_dead_run && tag < opening);
  }
  static std::uint8_t dead_tag_of(std::size_t run) noexcept {
    return run == 1 ? empty_one : static_cast<std::uint8_t>(first_dead_run - 1 + std::countr_zero(run));
  }
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
    b->link = link_type{};
    std::memset(b->tags, 0, sizeof b->tags);
    forget_beyond(b);
  }
  // An overflow bucket that is in no chain yet. Where links are numbers it has its own for one.
  static void wipe_tags_of_fresh(bucket* b) noexcept {
    if constexpr (indexed) {
      const link_type own = b->link;
      wipe_tags(b);
      b->link = own;
    } else {
      wipe_tags(b);
    }
  }

  // ---- the filter of a main bucket ----------------------------------------------------------------------------

  // By the tag's low bits, which are the hash's: with the tags at hand it can be made anew without hashing a key.
  static std::uint32_t filter_bit(std::uint8_t tag) noexcept {
    return std::uint32_t{1} << (tag & (Options.filter_bits - 1));
  }
  static void forget_beyond(bucket* home) noexcept {
    if constexpr (filters) home->filter = 0;
    static_cast<void>(home);
  }
  static void note_beyond(bucket* home, std::uint8_t tag) noexcept {
    if constexpr (filters) home->filter = static_cast<filter_word>(home->filter | filter_bit(tag));
    static_cast<void>(home), static_cast<void>(tag);
  }
  // Makes the filter anew when an entry has left an overflow bucket. O(chain).
  struct filter_refresh {
    chain_links links;
    bucket *home, *left;
    ~filter_refresh() {
      if (left != home) home->filter = static_cast<filter_word>(filter_over(links, home));
    }
  };
  struct no_refresh {
    constexpr no_refresh(chain_links, const bucket*, const bucket*) noexcept {}
  };
  using filter_guard = std::conditional_t<filters, filter_refresh, no_refresh>;
  static std::uint32_t filter_over(chain_links links, const bucket* home) noexcept {
    std::uint32_t bits = 0;
    for (const bucket* b = links.next(home); b != nullptr; b = links.next(b)) {
      for (unsigned mask = occupied(b); mask != 0; mask &= mask - 1) bits |= filter_bit(b->tags[std::countr_zero(mask)]);
    }
    return bits;
  }

  // ---- the hot path -----------------------------------------------------------------------------------------

  // Nothing lies beyond b in its chain.
  static bool ends(const bucket* b) noexcept { return b->link == link_type{} || b->tags[last_slot] == empty_rest; }
  // No entry of this tag lies beyond b.
  static bool ends_for(const bucket* home, const bucket* b, std::uint8_t tag) noexcept {
    if constexpr (filters) {
      if (b == home) return (home->filter & filter_bit(tag)) == 0;
    }
    static_cast<void>(home), static_cast<void>(tag);
    return ends(b);
  }

  // Split, an entry lies in two lines of its bucket, mostly not that of the tags: all are asked for while the
  // tags are on their way. In go_like erases from 1,000 maps of 1,000 entries took 0.7 to 0.75 of the time so, hits among
  // 1,000,000 u64 keys 0.85; but what the second-level cache holds is there soon enough, and hits there took 1.08 to
  // 1.13 times. So a read of buckets of more than three lines asks in large arrays alone; for two lines the question is
  // dearer than they are (u64 keys, 1,000 entries: 1.07). Misses ask in vain. Always inlined: g++ 12 takes a function
  // that does nothing else for one without effect, and drops its calls.
  TOPHASH_ALWAYS_INLINE static void ask_for_entries(const bucket* home) noexcept {
    if constexpr (split && !grouped) {
      constexpr std::size_t line_bytes = 64, most_lines = 4;
      constexpr std::size_t end = std::min(sizeof(bucket), most_lines * line_bytes);
      for (std::size_t at = line_bytes; at < end; at += line_bytes)
        TOPHASH_PREFETCH(reinterpret_cast<const unsigned char*>(home) + at);
    }
    static_cast<void>(home);
  }

  // Of a main array of 8 MiB; 0: always.
  static constexpr std::size_t reads_ask_from_units =
      sizeof(bucket) > 3 * 64 ? (std::size_t{8} << 20) / sizeof(bucket) : 0;

  // The first slot of the main bucket whose tag matches. Where that decides nothing, which is seldom (two equal tags, an
  // overflow bucket), rest(main bucket, the matches after the first) answers: as a call, so that the caller's loop keeps its
  // registers.
  template <bool ToRead, class Eq, class Rest>
  TOPHASH_ALWAYS_INLINE static slot find_first(const array& a, std::uint64_t hash, Eq&& eq, Rest&& rest) {
    bucket* const home = a.home(hash);
    if (!ToRead || reads_ask_from_units == 0 || a.units >= reads_ask_from_units) ask_for_entries(home);
    const unsigned match = wanted_tag(hash).match(home);
    if (match != 0) [[likely]] {
      const slot s{home, lowest_bit(match)};
      if (eq(key(s))) [[likely]] return s;
    } else if (ends_for(home, home, tag_of(hash))) [[likely]] {
      return {};
    }
    return rest(home, match & (match - 1));
  }
  // What lies after that: the other matches of `home`, and the buckets after it.
  template <class Eq>
  TOPHASH_ALWAYS_INLINE static slot find_rest(const array& a, bucket* home, unsigned match, std::uint64_t hash,
                                              Eq&& eq) {
    const wanted_tag tag(hash);
    bucket* b = home;
    for (;;) {
      // Said, since GCC otherwise arranges this differently from map to map (observe::nothing and another by 2 in 1,000).
      while (match != 0) [[unlikely]] {
        const slot s{b, lowest_bit(match)};
        if (eq(key(s))) [[likely]] return s;
        match &= match - 1;
      }
      if (ends_for(home, b, tag_of(hash))) [[likely]] return {};
      b = a.links.next(b);
      match = tag.match(b);
    }
  }
  template <class Eq>
  TOPHASH_ALWAYS_INLINE static slot find(const array& a, std::uint64_t hash, Eq&& eq) {
    bucket* const home = a.home(hash);
    return find_rest(a, home, wanted_tag(hash).match(home), hash, eq);
  }

  struct vacancy {
    slot at;                 // found: the entry. Otherwise where to put one, if `at.in` is set
    bucket* tail = nullptr;  // no vacant slot: the chain's last bucket, to continue in an overflow bucket
    bool found = false;      // live, or dirty under an equal key
  };

  template <bool WithDirty = dirty_kind, class Eq>
  TOPHASH_ALWAYS_INLINE static vacancy find_or_vacancy(const array& a, std::uint64_t hash, Eq&& eq) {
    bucket* const home = a.home(hash);
    bucket* b = home;
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
      // Without a vacancy so far the way goes on to the chain's tail.
      if constexpr (filters) {
        if (result.at.in != nullptr && ends_for(home, b, tag)) [[likely]] break;
      }
      if (ends(b)) [[likely]] break;
      b = a.links.next(b);
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
      b = a.links.next(b);
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

  // The entry in this slot of `a` becomes visible.
  static void claim(const array& a, slot s, std::uint64_t hash) noexcept {
    const std::uint8_t tag = tag_of(hash);
    s.in->tags[s.index] = tag;
    if constexpr (filters) {
      if (bucket* const home = a.home(hash); s.in != home) note_beyond(home, tag);
    }
    static_cast<void>(a);
  }

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

  static bucket* previous(chain_links links, bucket* home, const bucket* b) noexcept {
    for (;;) {
      bucket* const next = links.next(home);
      if (next == b) return home;
      home = next;
    }
  }

  // The slot holds no entry any more. Returns an overflow bucket that this emptied and unlinked, or null.
  // Cost: one store and one compare unless the slot was the last occupied one.
  static bucket* vacate(chain_links links, bucket* home, slot s) noexcept {
    const filter_guard filter{links, home, s.in};
    if constexpr (collapses && !unlinks) {
      vacate_by_word(links, home, s);
      return nullptr;
    } else if constexpr (hinted) {
      if (mark_dead(s) != slots || s.in == home) return nullptr;
      return unlink(links, home, s.in);
    } else {
      s.in->tags[s.index] = empty_one;
      if constexpr (collapses) {
        if (s.in != home && occupied(s.in) == 0) return unlink(links, home, s.in);
        collapse(links, home, s);
      }
      return nullptr;
    }
  }

  // As two runs of one length meet they become one. Returns how long the slot's is now. Cost: one compare unless the
  // neighbour is dead, seven and fourteen stores for the last slot of eight.
  static std::size_t mark_dead(slot s) noexcept {
    std::uint8_t* const tags = s.in->tags;
    tags[s.index] = empty_one;
    std::size_t run = 1;
    while (run < slots) {
      const std::size_t first = s.index & ~(2 * run - 1);
      const std::size_t neighbour = (s.index & ~(run - 1)) ^ run;
      if (tags[neighbour] != dead_tag_of(run)) break;
      run *= 2;
      std::memset(tags + first, dead_tag_of(run), run);
    }
    return run;
  }

  // The same with Go's tombstones, by shifts on the tag word: what the neighbours hold is as good as random,
  // and a branch on it is foretold wrongly often enough, each time before the next operation could ask for
  // its memory, that go_like's erase took 1.1 to 1.3 times as long at 1,000 u64 entries. Immediate deletion,
  // with more to do in overflow buckets, has it byte by byte: there the word executes 5 % more instructions,
  // and where dirty tags are a collector may write one at any time.
  static void vacate_by_word(chain_links links, bucket* home, slot s) noexcept {
    const std::uint64_t tags = with_byte(load_tags(s.in->tags), s.index, empty_one);
    const bucket* const next = links.next(s.in);
    // The next bucket's line is not touched unless this one's last slot leaves the question open.
    const bool ends_here =
        next == nullptr || (s.index == last_slot ? next->tags[0] : s.in->tags[last_slot]) == empty_rest;
    const std::uint64_t left = ends_here ? without_trailing_empties(tags) : tags;
    store_tags(s.in->tags, left);
    if (s.in != home && left == 0) [[unlikely]] collapse_before(links, home, s.in);
  }

  static bucket* unlink(chain_links links, bucket* home, bucket* b) noexcept {
    bucket* before = previous(links, home, b);
    links.take_out(before, b);
    if constexpr (!collapses) return b;
    if (before->link == link_type{} && before->tags[last_slot] == empty_one) {
      collapse(links, home, {before, last_slot});
    }
    return b;
  }

  // Go's rule: when nothing occupied follows, this slot and the run of empties before it become empty_rest.
  static void collapse(chain_links links, bucket* home, slot s) noexcept {
    if (s.index == last_slot) {
      if (const bucket* const next = links.next(s.in); next != nullptr && next->tags[0] != empty_rest) return;
    } else if (s.in->tags[s.index + 1] != empty_rest) {
      return;
    }
    for (;;) {
      s.in->tags[s.index] = empty_rest;
      if (s.index != 0) {
        --s.index;
      } else {
        if (s.in == home) return;
        s = {previous(links, home, s.in), last_slot};
      }
      if (s.in->tags[s.index] != empty_one) return;
    }
  }
  // The same for what lies before an overflow bucket that became empty_rest altogether.
  TOPHASH_NOINLINE static void collapse_before(chain_links links, bucket* home, bucket* b) noexcept {
    while (b != home) {
      b = previous(links, home, b);
      if (b->tags[last_slot] != empty_one) return;
      const std::uint64_t left = without_trailing_empties(load_tags(b->tags));
      store_tags(b->tags, left);
      if (left != 0) return;
    }
  }

  // ---- moving and wiping ------------------------------------------------------------------------------------

  // All of a bucket but its link, entries that may be copied as bytes.
  static void copy_bytes(bucket* to, const bucket* from) noexcept {
    const link_type own = to->link;
    std::memcpy(static_cast<void*>(to), static_cast<const void*>(from), sizeof(bucket));
    to->link = own;
  }

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

  // What the tag of a dead slot is to be.
  static std::uint8_t hint_of(const bucket* b, std::size_t index) noexcept {
    std::size_t run = 1;
    for (std::size_t wider = 2; wider <= slots; wider *= 2) {
      const std::size_t first = index & ~(wider - 1);
      for (std::size_t i = first; i < first + wider; ++i) {
        if (!is_dead(b->tags[i])) return dead_tag_of(run);
      }
      run = wider;
    }
    return dead_tag_of(run);
  }

  // ---- checks -----------------------------------------------------------------------------------------------

  // Null if the chain keeps its invariants; otherwise a sentence that names the broken one.
  static const char* check_chain(chain_links links, const bucket* home) noexcept {
    bool rest = false, after_empty_one = false;
    for (const bucket* b = home; b != nullptr; b = links.next(b)) {
      if (b != home && unlinks && occupied(b) == 0) return "an overflow bucket without entries is still linked";
      if (hinted && b != home && occupied(b) == 0 && vacant(b) == 0) return "an overflow bucket of dead slots is still linked";
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
        if (tag > moved_empty && tag < first_live && !is_dead(tag)) return "a tag is neither a state nor live";
        if (hinted && is_dead(tag) && tag != hint_of(b, i)) return "a dead slot tells of another run than it lies in";
        if (dirty_kind && tag >= 0x80 && tag < (0x80 | first_live)) return "a dirty tag without a live tag under it";
        after_empty_one = tag == empty_one;
      }
    }
    if constexpr (filters) {
      if (filter_over(links, home) != home->filter) return "a filter does not tell which tags its overflow buckets hold";
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
                                      .group_bytes = Options.group_bytes,
                                      .filter_bits = Options.filter_bits,
                                      .align_bytes = Options.align_bytes,
                                      .indexed = Options.link == link_kind::index32};

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
    if (Options.filter_bits != standard.filter_bits)
      begin("filter_bits"), out.append(std::uint64_t{Options.filter_bits});
    if (Options.link != standard.link) begin("link"), out.append("index32");
    if (Options.align_bytes != standard.align_bytes)
      begin("align_bytes"), out.append(std::uint64_t{Options.align_bytes});
    if (out.length != std::string_view{"bucket_chain"}.size()) out.append(")");
    return out;
  }
};

}  // namespace layout

using layout::arrangement;
using layout::bucket_options;
using layout::link_kind;

}  // namespace tophash::inline v1

#endif
