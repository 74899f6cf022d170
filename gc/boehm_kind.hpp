// SPDX-License-Identifier: Apache-2.0
// Marking that knows maps, on stock libgc: one kind of object and one mark procedure for the blocks of all maps.
//
//   a block:   | extent | trace_info* | [census] | buckets, or entries and groups, as the table laid them out |
//              byte 0   8             16 (or the first address behind it that is aligned as asked; of an array or a group,
//              whose census of 16 bytes comes first, 32)
//
// The procedure reads links and tags, pushes what the slots in use point to and nothing else: vacated, dead and
// dirty slots keep nothing alive. libgc takes about a dozen kinds and some fifty procedures, hence one of each; the
// trace_info tells bucket from bucket. libgc hands out cleared objects and keeps its own link in the first word of
// a free one, so a null trace_info is an object that is no block (yet).
// A large array is marked in pieces: before it works on one, the procedure pushes a descriptor that continues
// behind it, so what a piece pushed is done before the next and the mark stack stays short. One call for a whole
// array of 105 MB overflowed it and cost 145 ms where pieces took 55 (libgc 8.2.2). libgc has no function for that
// push; see may_continue.
// Incremental mode: supported for every shape. A page written to has the whole object marked again, so an array in
// groups (bucket_options::group_bytes) costs one group and a flat one all of itself.
// Dirty entries behind a pointer: their own block is kept, since a sweep will give it back, what it points to is
// not. After an overflow of the mark stack libgc searches every kept block: that once such a block retains.
// Bytes read here are links, tags, and the words of slots in use that may be pointers; and the tags of an array's
// overflow buckets once more before libgc calls for those, so that the array's census knows which hold nothing.
// The census is written into the block, which incremental mode would take for a write of the program: none there.
#ifndef TOPHASH_GC_BOEHM_KIND_HPP
#define TOPHASH_GC_BOEHM_KIND_HPP

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <gc.h>
#include <gc/gc_inline.h>
#include <gc/gc_mark.h>

#include <tophash/framework/config.hpp>
#include <tophash/framework/core/bits.hpp>
#include <tophash/framework/core/census.hpp>
#include <tophash/framework/core/trace_info.hpp>

namespace tophash::inline v1 {

namespace gc {

// What the mark procedure saw. Sums; a block that a collection reads twice (after an overflow of the mark stack, or
// in incremental mode) counts twice.
struct marking_counts {
  std::uint64_t calls = 0;         // of the procedure, pieces of large arrays included
  std::uint64_t pieces = 0;        // calls that went on with an array
  std::uint64_t uncontinued = 0;   // arrays that were too large for one call and were done in one all the same
  std::uint64_t units = 0;         // buckets or groups
  std::uint64_t live = 0;          // slots, from here on
  std::uint64_t opening = 0;       // being filled
  std::uint64_t dirty = 0;
  std::uint64_t dead = 0;
  std::uint64_t vacant = 0;
  std::uint64_t overflow_buckets = 0;
  std::uint64_t overflow_without_live = 0;  // overflow buckets that hold no live slot
  std::uint64_t control_bytes = 0;          // links and tags read
  std::uint64_t entry_bytes = 0;            // keys and values read

  std::uint64_t read_bytes() const noexcept { return control_bytes + entry_bytes; }
};

// One call of the procedure: a block, or a piece of a large one.
struct block_census {
  const void* block = nullptr;  // as the storage handed it out
  const trace_info* trace = nullptr;
  std::size_t first_unit = 0, units = 0;
  bool overflow = false;
  std::uint32_t live = 0, dirty = 0, dead = 0, vacant = 0;
};

// The census that marking takes in passing, since it reads every tag anyhow. One for the process. Off at first; on,
// it costs a few additions a bucket.
// on_census is called in the pause, from marker threads too if there are several: it may write into memory that it
// owns and nothing else. It allocates nothing, and touches no map: those find what it noted when the pause is over
// (a share of dirty slots that is worth a sweep, overflow buckets to unlink, an array to shrink).
class boehm_census {
 public:
  using hook = void (*)(void* context, const block_census&) noexcept;

  static void start() noexcept {
    for (auto& sum : sums()) sum.store(0, std::memory_order_relaxed);
    is_on().store(true, std::memory_order_release);
  }
  static void stop() noexcept { is_on().store(false, std::memory_order_release); }
  static bool running() noexcept { return is_on().load(std::memory_order_acquire); }

  // Not while a collection may run in another thread. Null: none.
  static void on_census(hook f, void* context) noexcept {
    told() = {f, context};
  }

  // Since start().
  static marking_counts counts() noexcept {
    marking_counts out;
    for (std::size_t i = 0; i < fields; ++i) out.*members[i] = sums()[i].load(std::memory_order_relaxed);
    return out;
  }

  // The procedure's side.
  static void add(const marking_counts& seen) noexcept {
    for (std::size_t i = 0; i < fields; ++i) {
      if (const std::uint64_t n = seen.*members[i]; n != 0) sums()[i].fetch_add(n, std::memory_order_relaxed);
    }
  }
  static void tell(const block_census& seen) noexcept {
    if (const listener to = told(); to.f != nullptr) to.f(to.context, seen);
  }

 private:
  struct listener {
    hook f = nullptr;
    void* context = nullptr;
  };
  using member = std::uint64_t marking_counts::*;
  static constexpr member members[] = {
      &marking_counts::calls,       &marking_counts::pieces,           &marking_counts::uncontinued,
      &marking_counts::units,       &marking_counts::live,             &marking_counts::opening,
      &marking_counts::dirty,       &marking_counts::dead,             &marking_counts::vacant,
      &marking_counts::overflow_buckets, &marking_counts::overflow_without_live,
      &marking_counts::control_bytes,    &marking_counts::entry_bytes};
  static constexpr std::size_t fields = sizeof members / sizeof *members;

  using sum_array = std::atomic<std::uint64_t>[fields];
  static sum_array& sums() noexcept {
    static constinit sum_array all{};
    return all;
  }
  static std::atomic<bool>& is_on() noexcept {
    static constinit std::atomic<bool> on{false};
    return on;
  }
  static listener& told() noexcept {
    static constinit listener l{};
    return l;
  }
};

namespace boehm_kind {

// Between header and payload of an array or a group; the marker's alone to write, and to read when no collection runs.
struct array_census {
  std::atomic<std::uint32_t> live_and_one{0};  // 0: no collection has counted the block
  std::atomic<std::uint32_t> residue{0}, overflow{0}, overflow_empty{0};

  // Of a block that is marked in one call, all of it. Locked additions here and calls of popcount for all made the census
  // 9 % of a group's marking; without them it is 2 % (1,000,000 entries, on and off in turn).
  void set(const slot_census& seen) noexcept {
    live_and_one.store(seen.live + 1, std::memory_order_relaxed);
    residue.store(seen.residue, std::memory_order_relaxed);
    overflow.store(seen.overflow, std::memory_order_relaxed);
    overflow_empty.store(seen.overflow_empty, std::memory_order_relaxed);
  }
  // Pieces of an array may be marked by several markers.
  void add(const slot_census& seen) noexcept {
    live_and_one.fetch_add(seen.live, std::memory_order_relaxed);
    if (seen.residue != 0) residue.fetch_add(seen.residue, std::memory_order_relaxed);
    if (seen.overflow != 0) overflow.fetch_add(seen.overflow, std::memory_order_relaxed);
    if (seen.overflow_empty != 0) overflow_empty.fetch_add(seen.overflow_empty, std::memory_order_relaxed);
  }
  bool read(slot_census& out) const noexcept {
    const std::uint32_t live = live_and_one.load(std::memory_order_relaxed);
    if (live == 0) return false;
    out = {.live = live - 1,
           .residue = residue.load(std::memory_order_relaxed),
           .overflow = overflow.load(std::memory_order_relaxed),
           .overflow_empty = overflow_empty.load(std::memory_order_relaxed)};
    return true;
  }
};

// The two words before a block's payload. `extent` is no address, and libgc may write a link over it in a free
// object.
struct header {
  static constexpr unsigned offset_bits = 13, bytes_shift = offset_bits + 1;
  std::uintptr_t extent;
  const trace_info* trace;

  static std::uintptr_t extent_of(std::size_t bytes, std::size_t offset, bool overflow) noexcept {
    return bytes << bytes_shift | (overflow ? std::uintptr_t{1} << offset_bits : 0) | offset;
  }
  std::size_t bytes() const noexcept { return extent >> bytes_shift; }
  bool overflow() const noexcept { return (extent >> offset_bits & 1) != 0; }
  array_census* census() noexcept { return reinterpret_cast<array_census*>(this + 1); }  // none of an overflow bucket
  const unsigned char* payload() const noexcept {
    return reinterpret_cast<const unsigned char*>(this) + (extent & ((std::size_t{1} << offset_bits) - 1));
  }
};
static_assert(sizeof(header) == 2 * sizeof(void*));
static_assert(sizeof(array_census) == 16 && std::atomic<std::uint32_t>::is_always_lock_free);

// Before the payload of a block that is naturally aligned.
inline constexpr std::size_t array_head_bytes = sizeof(header) + sizeof(array_census);

// About so many possible pointers a call: some fifty of libgc's own steps over a raw block, and an eighth of the
// smallest mark stack.
inline constexpr std::size_t words_per_piece = 512;

using mark_entry = GC_ms_entry;

#if TOPHASH_HAS_ASAN
// Another thread may be stopped between an entry's tag and the poison of its bytes. What is read then keeps an object for
// one cycle more, and is no mistake.
__attribute__((no_sanitize("address"), noinline)) inline const void* word_at(const unsigned char* at) noexcept {
  return *reinterpret_cast<void* const*>(at);
}
#else
TOPHASH_ALWAYS_INLINE const void* word_at(const unsigned char* at) noexcept {
  const void* word;
  std::memcpy(&word, at, sizeof word);
  return word;
}
#endif

TOPHASH_ALWAYS_INLINE mark_entry* push(const unsigned char* at, mark_entry* top, mark_entry* limit) noexcept {
  void* const word = const_cast<void*>(word_at(at));
  return GC_MARK_AND_PUSH(word, top, limit, reinterpret_cast<void**>(const_cast<unsigned char*>(at)));
}

// Every aligned word of a key or value.
TOPHASH_ALWAYS_INLINE mark_entry* push_part(const unsigned char* part, std::size_t bytes, mark_entry* top,
                                            mark_entry* limit) noexcept {
  constexpr std::uintptr_t word = sizeof(void*);
  const std::uintptr_t skip = (word - reinterpret_cast<std::uintptr_t>(part) % word) % word;
  for (std::size_t at = skip; at + word <= bytes; at += word) top = push(part + at, top, limit);
  return top;
}

// The block of a dirty entry's key or value outlives the collection; nothing is searched.
inline void keep_unsearched(const unsigned char* boxed_part) noexcept {
  void* const block = GC_base(const_cast<void*>(word_at(boxed_part)));
  if (block != nullptr) GC_set_mark_bit(block);
}

// Buckets or groups of a block.
inline std::size_t units_in(const trace_info& t, std::size_t bytes) noexcept {
  if (t.shape == trace_shape::chains) return bytes / t.bucket_bytes;
  // A block of n groups has n * slots - 1 entries, rounded up to a group's alignment; a single one may have fewer.
  const std::size_t n = (bytes + t.key_stride_bytes) / (t.slots * t.key_stride_bytes + t.bucket_bytes);
  return n == 0 ? 1 : n;
}

// What the procedure needs of one bucket or group, wherever its shape puts it.
struct unit_view {
  const unsigned char* tags;
  const unsigned char* keys;  // of slot 0
  const unsigned char* values;
  const unsigned char* link;  // null: none
};

class block_reader {
 public:
  block_reader(const trace_info& t, const unsigned char* payload, std::size_t bytes, std::size_t units) noexcept
      : trace_(t), payload_(payload), bytes_(bytes), groups_(payload + bytes - units * t.bucket_bytes) {}

  bool holds(const unsigned char* p) const noexcept {
    return reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(payload_) < bytes_;
  }

  unit_view unit(std::size_t i) const noexcept {
    if (trace_.shape == trace_shape::chains) {
      const unsigned char* const b = payload_ + i * trace_.bucket_bytes;
      return {b + trace_.tags_offset_bytes, b + trace_.keys_offset_bytes, b + trace_.values_offset_bytes,
              trace_.links ? b + trace_.link_offset_bytes : nullptr};
    }
    const unsigned char* const first = payload_ + i * trace_.slots * trace_.key_stride_bytes;
    return {groups_ + i * trace_.bucket_bytes, first + trace_.keys_offset_bytes, first + trace_.values_offset_bytes,
            nullptr};
  }

 private:
  const trace_info& trace_;
  const unsigned char* payload_;
  std::size_t bytes_;
  const unsigned char* groups_;
};

inline unsigned tags_from(const trace_info& t, const unsigned char* tags, std::uint8_t least) noexcept {
  const unsigned mask = t.shape == trace_shape::open_groups && t.bucket_bytes == 16 ? at_least_16(tags, least)
                                                                                    : at_least(tags, least);
  return mask & ((1u << t.slots) - 1u);
}

TOPHASH_NOINLINE inline void count_unit(const trace_info& t, const unit_view& u, unsigned traced, unsigned dirty,
                                        marking_counts& seen, block_census& told) noexcept {
  const unsigned live = tags_from(t, u.tags, t.first_live_tag) & ~dirty;
  unsigned dead = 0;
  for (unsigned i = 0; t.dead_tag != 0 && i < t.slots; ++i) dead += u.tags[i] == t.dead_tag ? 1 : 0;
  const auto n_live = static_cast<unsigned>(std::popcount(live)), n_dirty = static_cast<unsigned>(std::popcount(dirty));
  const auto n_traced = static_cast<unsigned>(std::popcount(traced));
  const unsigned vacant = t.slots - n_traced - n_dirty - dead;
  ++seen.units;
  seen.live += n_live;
  seen.opening += n_traced - n_live;
  seen.dirty += n_dirty;
  seen.dead += dead;
  seen.vacant += vacant;
  seen.control_bytes += (t.shape == trace_shape::chains ? sizeof(std::uint64_t) : t.bucket_bytes) +
                        (u.link != nullptr ? sizeof(void*) : 0);
  if (t.entries_may_point) seen.entry_bytes += n_traced * (t.key_bytes + t.value_bytes);
  if (told.overflow) {
    ++seen.overflow_buckets;
    seen.overflow_without_live += n_live == 0 ? 1 : 0;
  }
  told.live += n_live;
  told.dirty += n_dirty;
  told.dead += dead;
  told.vacant += vacant;
}

inline constexpr int overflow_walked_max = 64;  // a longer chain is counted so far

// What one bucket or group adds to its block's census, but for the live slots that mark_unit goes through. Slots of
// overflow buckets in the block itself are units of their own.
TOPHASH_ALWAYS_INLINE void take_census(const trace_info& t, const block_reader& block, const unit_view& u, unsigned traced,
                                       unsigned dirty, slot_census& seen) noexcept {
  const auto dead_in = [&t](const unsigned char* tags) {
    const unsigned dead = t.shape == trace_shape::open_groups && t.bucket_bytes == 16
                              ? match_byte_16(tags, t.dead_tag)
                              : match_nonzero_byte(tags, t.dead_tag);
    return static_cast<std::uint32_t>(std::popcount(dead & ((1u << t.slots) - 1u)));
  };
  if (!t.entries_may_point) seen.live += static_cast<std::uint32_t>(std::popcount(traced));
  if (dirty != 0) seen.residue += static_cast<std::uint32_t>(std::popcount(dirty));
  if (t.dead_tag != 0) seen.residue += dead_in(u.tags);
  if (u.link == nullptr) return;
  const auto* next = static_cast<const unsigned char*>(word_at(u.link));
  for (int i = 0; next != nullptr && i < overflow_walked_max; ++i) {
    const unsigned char* const tags = next + t.tags_offset_bytes;
    const unsigned occupied = tags_from(t, tags, t.first_live_tag);
    ++seen.overflow;
    seen.overflow_empty += occupied == 0 ? 1 : 0;
    if (!block.holds(next)) {
      const unsigned unswept = t.dirty_bit == 0 ? 0 : tags_from(t, tags, t.dirty_bit);
      seen.live += static_cast<std::uint32_t>(std::popcount(occupied & ~unswept));
      seen.residue += static_cast<std::uint32_t>(std::popcount(unswept));
      if (t.dead_tag != 0) seen.residue += dead_in(tags);
    }
    next = static_cast<const unsigned char*>(word_at(next + t.link_offset_bytes));
  }
}

TOPHASH_ALWAYS_INLINE mark_entry* mark_unit(const trace_info& t, const unit_view& u, unsigned traced, unsigned dirty,
                                            slot_census& seen, mark_entry* top, mark_entry* limit) noexcept {
  if (u.link != nullptr && word_at(u.link) != nullptr) top = push(u.link, top, limit);
  if (!t.entries_may_point) return top;
  for (; traced != 0; traced &= traced - 1) {
    const auto i = static_cast<std::size_t>(std::countr_zero(traced));
    ++seen.live;
    if (t.key_bytes != 0) top = push_part(u.keys + i * t.key_stride_bytes, t.key_bytes, top, limit);
    if (t.value_bytes != 0) top = push_part(u.values + i * t.value_stride_bytes, t.value_bytes, top, limit);
  }
  if (t.key_boxed || t.value_boxed) [[unlikely]] {
    for (; dirty != 0; dirty &= dirty - 1) {
      const auto i = static_cast<std::size_t>(std::countr_zero(dirty));
      if (t.key_boxed) keep_unsearched(u.keys + i * t.key_stride_bytes);
      if (t.value_boxed) keep_unsearched(u.values + i * t.value_stride_bytes);
    }
  }
  return top;
}

inline mark_entry* mark_block(GC_word* object, mark_entry* top, mark_entry* limit, GC_word from);

struct registered {
  unsigned procedure;
  unsigned kind;
};

inline GC_word descriptor(unsigned procedure, GC_word from) noexcept { return GC_MAKE_PROC(procedure, from); }

// The process's one kind and procedure. Initialises libgc.
inline const registered& ours() noexcept {
  static const registered made = [] {
    GC_INIT();
    const unsigned procedure = GC_new_proc(&mark_block);
    return registered{procedure, GC_new_kind(GC_new_free_list(), descriptor(procedure, 0), 0, 1)};
  }();
  return made;
}

// An entry of the mark stack, which libgc does not publish: address and descriptor, as in every libgc from 6 to 8.2.
struct published_entry {
  GC_word start;
  GC_word descriptor;
};

// libgc pops the entry that it calls a procedure for and leaves it in place, so each call shows whether entries are
// what we take them for. Where they are not, or none is left, an array is marked in one call.
inline bool may_continue(const GC_word* object, const mark_entry* top, const mark_entry* limit, GC_word from) noexcept {
  const auto* const popped = reinterpret_cast<const published_entry*>(top) + 1;
  return reinterpret_cast<const mark_entry*>(popped + 1) < limit &&
         popped->start == reinterpret_cast<GC_word>(object) && popped->descriptor == descriptor(ours().procedure, from);
}

inline mark_entry* continue_from(GC_word* object, mark_entry* top, std::size_t unit) noexcept {
  auto* const pushed = reinterpret_cast<published_entry*>(top) + 1;
  pushed->start = reinterpret_cast<GC_word>(object);
  pushed->descriptor = descriptor(ours().procedure, unit);
  return reinterpret_cast<mark_entry*>(pushed);
}

inline std::size_t piece_units(const trace_info& t) noexcept {
  const std::size_t words = 1 + (t.entries_may_point ? t.slots * (t.key_bytes + t.value_bytes) / sizeof(void*) : 0);
  return std::max<std::size_t>(words_per_piece / words, 1);
}

// Searches the units of a block from number `from` on. A piece may outlive its block in incremental mode, where the
// program runs between two steps: then the object has no trace_info or is of another kind.
inline mark_entry* mark_block(GC_word* object, mark_entry* top, mark_entry* limit, GC_word from) {
  if (from != 0 && GC_get_kind_and_size(object, nullptr) != static_cast<int>(ours().kind)) return top;
  header& h = *reinterpret_cast<header*>(object);
  if (h.trace == nullptr) return top;
  array_census* const census = h.overflow() || GC_is_incremental_mode() != 0 ? nullptr : h.census();
  const trace_info& t = *h.trace;
  const std::size_t units = units_in(t, h.bytes());
  std::size_t end = units;
  const std::size_t piece = piece_units(t);
  const bool too_large = end - std::min<std::size_t>(from, end) > piece;
  bool continued = false;
  if (census != nullptr && too_large && from == 0) census->set({});
  if (too_large && may_continue(object, top, limit, from)) {
    end = from + piece;
    top = continue_from(object, top, end);
    continued = true;
  }

  const block_reader block(t, h.payload(), h.bytes(), units);
  const bool counting = boehm_census::running();
  const auto first_traced = static_cast<std::uint8_t>(t.first_live_tag - t.opening_tags);
  marking_counts seen;
  slot_census noted;
  block_census told{.block = h.payload(), .trace = &t, .first_unit = from, .overflow = h.overflow()};
  for (std::size_t i = from; i < end; ++i) {
    const unit_view u = block.unit(i);
    const unsigned dirty = t.dirty_bit == 0 ? 0 : tags_from(t, u.tags, t.dirty_bit);
    const unsigned traced = tags_from(t, u.tags, first_traced) & ~dirty;
    if (counting) [[unlikely]]
      count_unit(t, u, traced, dirty, seen, told);
    if (census != nullptr) take_census(t, block, u, traced, dirty, noted);
    top = mark_unit(t, u, traced, dirty, noted, top, limit);
  }
  if (census != nullptr) {
    if (from == 0 && end == units) {
      census->set(noted);
    } else {
      census->add(noted);
    }
  }
  if (counting) [[unlikely]] {
    seen.calls = 1;
    seen.pieces = from != 0 ? 1 : 0;
    seen.uncontinued = too_large && !continued ? 1 : 0;
    told.units = end - std::min<std::size_t>(from, end);
    boehm_census::add(seen);
    boehm_census::tell(told);
  }
  return top;
}

}  // namespace boehm_kind

}  // namespace gc

}  // namespace tophash::inline v1

#endif
