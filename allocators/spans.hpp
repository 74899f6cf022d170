// SPDX-License-Identifier: Apache-2.0
// A size-class allocator in the manner of Go's runtime (mcache, mcentral, mheap; malloc.go, mcentral.go): a
// span is a run of 8-KiB pages cut into slots of one size; each class allocates from a current span, then
// from partly used ones, then from fresh pages; a span with no slot in use goes back to the page heap at
// once, where any class may take its pages. Nothing ever moves a slot, so one small block keeps its span:
// this backend is for seeing that, and for collectors that need to find, walk and sweep the objects of a
// span.
//
//   allocators::spans_resource heap;
//   tophash::map<K, V, allocators::spans> m{allocators::spans(heap)};
//   heap.for_each_span([](const allocators::span_view& s) { ... s.used, s.slots ... });
//   heap.scavenge();                                                    // free pages back to the system
//
// Differences from Go: one heap instead of one current span a processor; an explicit deallocate, which frees
// its slot at once; no tiny allocator; the smallest fitting run of pages instead of the lowest.
// Sizes: the 67 classes of span_classes.hpp up to 32 KiB; above, a span of its own of whole pages. A slot is
// aligned to the largest power of two that divides its size, so a stricter request takes the next class that
// is; above 8 KiB of alignment a span of its own.
// Fast path: a find-first-bit in a cached word of the current span's bitmap, as Go's nextFreeFast, and no
// touch of the span itself: 16 instructions with one branch, not taken (g++ 12 -O2, size known when
// compiling). deallocate: two table reads and a multiplication. The resource is the user's and outlives the
// maps; the handle is two words, resource and contents. Not synchronised. Blocks for pointer-free contents
// have spans of their own, so that a collector need not look into them.
//
// For a collector: object_at(p) finds the slot of an interior address in O(1); span_view::number indexes
// tables beside the spans (mark bits, colours), stable while the span lives; allocated() is the bitmap.
// start_sweep(sweeper) makes every span unswept; each is swept when its class next needs one (lazily, before
// a fresh span is cut), by sweep_some(n), or by finish_sweep(): the sweeper clears the bits of slots that are
// dead. Slots given out after start_sweep are not swept in that round.
// For one who relocates survivors: set_aside(percent) takes sparse spans out of allocation, is_set_aside(p)
// says what to move, and each span goes back as its last slot does; end_aside() ends it.
#ifndef TOPHASH_ALLOCATORS_SPANS_HPP
#define TOPHASH_ALLOCATORS_SPANS_HPP

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include <tophash/allocators/span_classes.hpp>
#include <tophash/allocators/spans_page_heap.hpp>
#include <tophash/allocators/wrong_block.hpp>
#include <tophash/framework/concepts/allocation.hpp>
#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/config.hpp>
#include <tophash/framework/core/checked.hpp>

namespace tophash::inline v1 {

namespace allocators {

// When free pages go back to the system.
enum class scavenging : std::uint8_t { never, on_request, at_once };

struct spans_options {
  std::size_t reserved_bytes = std::size_t{64} << 30;  // of addresses; at least 64 MiB
  scavenging when = scavenging::on_request;
  give_back how = give_back::at_once;
  bool large_pages =
      false;  // may the system back the heap by 2 MiB pages? Then a free page may stay resident
};

// One span as it was when it was looked at.
struct span_view {
  const unsigned char* base = nullptr;
  std::size_t bytes = 0;
  std::size_t slot_bytes = 0;  // of a large span: bytes
  std::size_t slots = 0;
  std::size_t used = 0;
  std::uint32_t number = 0;  // 1 and up, no other live span has it
  bool large = false;        // one block, larger than any class
  bool pointer_free = false;
  bool aside = false;
  std::array<std::uint64_t, span_slots_max / 64> allocated{};  // bit i: slot i is in use

  std::size_t words() const noexcept { return (slots + 63) / 64; }
};

// A slot that is in use.
struct span_object {
  unsigned char* begin = nullptr;  // null: no slot in use there
  std::size_t bytes = 0;
  std::uint32_t span = 0;
  std::uint32_t slot = 0;
};

// Told of each span that is swept: `live` has the bits of the slots in use, view.words() words; those of dead
// slots are to be cleared. It must not allocate or deallocate here.
struct span_sweeper {
  void (*sweep)(void* context, const span_view& span, std::uint64_t* live) noexcept = nullptr;
  void* context = nullptr;
};

// Told of each span when it begins, before a slot of it is given out: for tables beside the spans, by span_view::number.
// It must not allocate or deallocate here.
struct span_watcher {
  void (*began)(void* context, const span_view& span) noexcept = nullptr;
  void* context = nullptr;
};

// Exact at any time.
struct span_counts {
  std::size_t spans = 0;       // in use: at least one slot was taken from it
  std::size_t span_bytes = 0;  // their pages
  std::size_t slots = 0;       // of small spans; a large span is one
  std::size_t used_slots = 0;
  std::size_t used_bytes = 0;       // used slots, at their size: what was granted
  std::size_t requested_bytes = 0;  // ... and what was asked for (until a sweep: a sweeper does not tell)
  std::size_t free_bytes = 0;       // pages in no span
  std::size_t resident_bytes = 0;   // pages that may be backed by memory, in use or free

  // In spans in use, and of no use to any other size or to the system.
  std::size_t trapped_bytes() const noexcept { return span_bytes - used_bytes; }
  double trapped_share() const noexcept {
    return span_bytes == 0 ? 0 : static_cast<double>(trapped_bytes()) / static_cast<double>(span_bytes);
  }
};

struct aside_counts {
  std::size_t spans = 0;
  std::size_t span_bytes = 0;
  std::size_t used_bytes = 0;  // what would have to move for all of them to go
};

class spans_resource {
 public:
  explicit spans_resource(const spans_options& options = {}) noexcept
      : options_(options), pages_(options.reserved_bytes, options.large_pages) {}
  spans_resource(const spans_resource&) = delete;
  spans_resource& operator=(const spans_resource&) = delete;
  ~spans_resource() {
    TOPHASH_CHECK(swept_ || requested_bytes_ == 0, "spans: the resource ends before a map that uses it");
  }

  TOPHASH_ALWAYS_INLINE void* allocate(const request& r, bool pointer_free) noexcept {
    const std::size_t kind = kind_for(r, pointer_free);
    if (kind == no_kind) [[unlikely]]
      return allocate_large_slow(r, pointer_free);
    current_span& c = current_[kind];
    if (c.free == 0) [[unlikely]] {
      if (!refill_slow(kind)) return nullptr;
    }
    const auto bit = static_cast<std::size_t>(std::countr_zero(c.free));
    c.free &= c.free - 1;
    requested_bytes_ += r.bytes;
    return c.word_base + bit * c.slot_bytes;
  }

  void deallocate(void* p, const request& r) noexcept {
    TOPHASH_CHECK_BLOCK(pages_.record_at(p) != 0, "spans", r, "no block of this heap");
    const std::uint32_t n = pages_.record_of(p);
    span_record& s = pages_[n];
    requested_bytes_ -= r.bytes;
    if (s.state == span_state::large) [[unlikely]]
      return deallocate_large(n, p, r);
    const span_class& shape = span_classes[s.kind / 2];
    const auto offset =
        static_cast<std::uint64_t>(static_cast<unsigned char*>(p) - pages_.address(s.first_page));
    const auto slot = static_cast<std::uint32_t>(offset * shape.reciprocal >> 32);
    const std::uint32_t word = slot / 64;
    const std::uint64_t bit = std::uint64_t{1} << (slot % 64);
    TOPHASH_CHECK_BLOCK(offset == std::uint64_t{slot} * shape.slot_bytes, "spans", r,
                        "it begins inside a block");
    TOPHASH_CHECK_BLOCK(kind_for(r, (s.kind & 1) != 0) == s.kind, "spans", r,
                        "the block there has another size");
    TOPHASH_CHECK_BLOCK(is_taken(n, s, word, bit), "spans", r, "the block has come back already");
    if (s.place == span_place::current) {
      current_span& c = current_[s.kind];
      if (c.word == word) {
        c.free |= bit;
        return;
      }
    }
    s.taken[word] &= ~bit;
    --s.used;
    if (s.place != span_place::current) after_free(n);
  }

  // Within the slot, or the span of a large block.
  bool expand(void* p, const request& r, std::size_t n) noexcept {
    request wanted = r;
    wanted.bytes = n;
    const span_record& s = pages_[pages_.record_of(p)];
    const bool fits = s.state == span_state::large
                          ? kind_for(wanted, false) == no_kind && large_pages_for(wanted) == s.pages
                          : n != 0 && kind_for(wanted, (s.kind & 1) != 0) == s.kind;
    if (!fits) return false;
    requested_bytes_ = requested_bytes_ - r.bytes + n;
    return true;
  }

  static std::size_t good_size(const request& r) noexcept {
    const std::size_t kind = kind_for(r, false);
    if (kind != no_kind) return span_classes[kind / 2].slot_bytes;
    return is_impossible(r) ? r.bytes : large_pages_for(r) * span_page_bytes;
  }

  bool owns(const void* p) const noexcept { return object_at(p).begin != nullptr; }

  // The slot in use that holds the address. O(1).
  span_object object_at(const void* p) const noexcept {
    const std::uint32_t n = pages_.record_at(p);
    if (n == 0) return {};
    const span_record& s = pages_[n];
    unsigned char* const base = pages_.address(s.first_page);
    if (s.state == span_state::large) return {base, s.pages * span_page_bytes, n, 0};
    const span_class& shape = span_classes[s.kind / 2];
    const auto offset = static_cast<std::uint64_t>(static_cast<const unsigned char*>(p) - base);
    const auto slot = static_cast<std::uint32_t>(offset * shape.reciprocal >> 32);
    if (slot >= s.slots || !is_taken(n, s, slot / 64, std::uint64_t{1} << (slot % 64))) return {};
    return {base + std::size_t{slot} * shape.slot_bytes, shape.slot_bytes, n, slot};
  }

  // ---- walking

  span_view view(std::uint32_t n) const noexcept {
    const span_record& s = pages_[n];
    span_view v{.base = pages_.address(s.first_page),
                .bytes = s.pages * span_page_bytes,
                .slot_bytes = s.pages * span_page_bytes,
                .slots = s.slots,
                .used = s.used,
                .number = n,
                .large = s.state == span_state::large,
                .pointer_free = (s.kind & 1) != 0,
                .aside = s.place == span_place::aside,
                .allocated = s.taken};
    if (!v.large) v.slot_bytes = span_classes[s.kind / 2].slot_bytes;
    if (s.place == span_place::current) {
      const current_span& c = current_[s.kind];
      v.allocated[c.word] &= ~c.free;
      v.used -= static_cast<std::size_t>(std::popcount(c.free));
    }
    return v;
  }

  // f(const span_view&) for every span in use, in the order of their numbers. f must not allocate here.
  template <class F>
  void for_each_span(F f) const {
    for (std::uint32_t n = 1; n < pages_.record_end(); ++n) {
      const span_state state = pages_[n].state;
      if (state == span_state::small || state == span_state::large) f(view(n));
    }
  }

  // O(spans).
  span_counts counts() const noexcept {
    span_counts sum;
    for_each_span([&sum](const span_view& v) {
      ++sum.spans;
      sum.span_bytes += v.bytes;
      sum.slots += v.slots;
      sum.used_slots += v.used;
      sum.used_bytes += v.used * v.slot_bytes;
    });
    sum.requested_bytes = requested_bytes_;
    sum.free_bytes = pages_.free_bytes();
    sum.resident_bytes = pages_.resident_bytes();
    return sum;
  }

  std::size_t live_bytes() const noexcept { return requested_bytes_; }
  std::size_t reserved_bytes() const noexcept { return pages_.reserved_bytes(); }
  const spans_options& options() const noexcept { return options_; }

  // ---- giving back

  // Memory of free pages back to the system, by spans_options::how, until so many bytes went. Returns how
  // many did. The current spans that hold nothing are given up first.
  std::size_t scavenge(std::size_t bytes = SIZE_MAX) noexcept {
    if (options_.when == scavenging::never) return 0;
    flush();
    return pages_.scavenge(bytes, options_.how);
  }

  void release_all() noexcept {
    pages_.reset();
    current_ = {};
    partial_ = full_ = unswept_partial_ = unswept_full_ = aside_ = {};
    large_ = unswept_large_ = 0;
    requested_bytes_ = 0;
    swept_ = false;
    if (options_.when == scavenging::at_once) pages_.scavenge(SIZE_MAX, options_.how);
  }

  bool try_release_all(std::size_t bytes) noexcept {
    if (swept_ || bytes != requested_bytes_) return false;
    release_all();
    return true;
  }

  // ---- a collector's own tables

  // Before the first allocation.
  void watch(const span_watcher& watcher) noexcept { watcher_ = watcher; }
  const span_page_heap& page_heap() const noexcept { return pages_; }

  // ---- sweeping

  // After marking. Ends the round before; if that was ended already, O(classes): lists change their names, and the spans
  // in them are known by the parity of their round.
  void start_sweep(const span_sweeper& sweeper) noexcept {
    finish_sweep();
    end_aside();
    flush();
    sweeper_ = sweeper;
    swept_ = true;
    round_ ^= 1;
    unswept_partial_ = std::exchange(partial_, {});
    unswept_full_ = std::exchange(full_, {});
    unswept_large_ = std::exchange(large_, 0);
  }

  // Sweeps up to so many spans. Returns how many it did: fewer, and nothing is left to sweep.
  std::size_t sweep_some(std::size_t spans) noexcept {
    std::size_t done = 0;
    for (; sweep_at_ < kinds && done < spans; ++sweep_at_) {
      for (; unswept(sweep_at_) != 0 && done < spans; ++done) file(sweep_one(unswept(sweep_at_)));
      if (unswept(sweep_at_) != 0) return done;
    }
    for (; unswept_large_ != 0 && done < spans; ++done) file(sweep_one(unswept_large_));
    if (done < spans) sweep_at_ = 0;
    return done;
  }
  void finish_sweep() noexcept {
    sweep_at_ = 0;
    while (sweep_some(SIZE_MAX - 1) != 0) {
    }
  }

  // ---- relocating

  // Spans with less than `percent` of their slots in use are allocated from no more.
  aside_counts set_aside(unsigned percent) noexcept {
    flush();
    aside_counts sum;
    for (std::size_t kind = 0; kind < kinds; ++kind) {
      for (std::uint32_t n = partial_[kind], next = 0; n != 0; n = next) {
        const span_record& s = pages_[n];
        next = s.next;
        if (s.used * 100 >= s.slots * percent) continue;
        unlink(partial_[kind], n);
        link(aside_[kind], n, span_place::aside);
        ++sum.spans;
        sum.span_bytes += s.pages * span_page_bytes;
        sum.used_bytes += std::size_t{s.used} * span_classes[kind / 2].slot_bytes;
      }
    }
    return sum;
  }
  bool is_set_aside(const void* p) const noexcept {
    const std::uint32_t n = pages_.record_at(p);
    return n != 0 && pages_[n].place == span_place::aside;
  }
  void end_aside() noexcept {
    for (std::size_t kind = 0; kind < kinds; ++kind)
      move_all(aside_[kind], partial_[kind], span_place::partial);
  }

 private:
  static constexpr std::size_t kinds = 2 * span_class_count;
  static constexpr std::size_t no_kind = SIZE_MAX;
  static constexpr unsigned sweeps_at_most = 100;
  using lists = std::array<std::uint32_t, kinds>;

  // The word of the bitmap that a class allocates from. Its slots count as taken in the span; `free` has
  // those that are not.
  struct current_span {
    std::uint64_t free = 0;
    unsigned char* word_base = nullptr;
    std::uint32_t slot_bytes = 0;
    std::uint32_t word = 0;
    std::uint32_t span = 0;  // 0: none
  };

  static constexpr bool is_impossible(const request& r) noexcept {
    return r.bytes > static_cast<std::size_t>(PTRDIFF_MAX) - r.align - span_page_bytes;
  }

  TOPHASH_ALWAYS_INLINE static std::size_t kind_for(const request& r, bool pointer_free) noexcept {
    if (r.bytes > span_slot_bytes_max || r.align > span_page_bytes) [[unlikely]]
      return no_kind;
    if (r.align <= 8) [[likely]]
      return 2 * span_class_for(r.bytes) + (pointer_free ? 1 : 0);
    return aligned_kind_for(r, pointer_free);
  }
  // From 32 bytes on every size is a multiple of 16.
  static std::size_t aligned_kind_for(const request& r, bool pointer_free) noexcept {
    const std::size_t bytes = (r.bytes + r.align - 1) / r.align * r.align;
    if (bytes > span_slot_bytes_max) return no_kind;
    std::size_t c = span_class_for(bytes);
    while (span_classes[c].slot_bytes % r.align != 0) ++c;  // ends at a power of two, at most 32 KiB
    return 2 * c + (pointer_free ? 1 : 0);
  }
  // A span begins on a page; a stricter alignment is found inside it.
  static std::size_t large_pages_for(const request& r) noexcept {
    const std::size_t more = r.align > span_page_bytes ? r.align - span_page_bytes : 0;
    return (r.bytes + more + span_page_bytes - 1) / span_page_bytes;
  }

  bool is_taken(std::uint32_t n, const span_record& s, std::size_t word, std::uint64_t bit) const noexcept {
    if ((s.taken[word] & bit) == 0) return false;
    const current_span& c = current_[s.kind];
    return s.place != span_place::current || c.span != n || c.word != word || (c.free & bit) == 0;
  }

  // ---- lists

  void link(std::uint32_t& head, std::uint32_t n, span_place place) noexcept {
    span_record& s = pages_[n];
    s.place = place;
    s.round = round_;
    s.previous = 0;
    s.next = head;
    if (head != 0) pages_[head].previous = n;
    head = n;
  }
  void unlink(std::uint32_t& head, std::uint32_t n) noexcept {
    span_record& s = pages_[n];
    if (s.previous != 0) {
      pages_[s.previous].next = s.next;
    } else {
      head = s.next;
    }
    if (s.next != 0) pages_[s.next].previous = s.previous;
    s.previous = s.next = 0;
    s.place = span_place::none;
  }
  void move_all(std::uint32_t& from, std::uint32_t& to, span_place place) noexcept {
    while (from != 0) {
      const std::uint32_t n = from;
      unlink(from, n);
      link(to, n, place);
    }
  }
  std::uint32_t& list_of(const span_record& s) noexcept {
    const bool swept = s.round == round_;
    if (s.state == span_state::large) return swept ? large_ : unswept_large_;
    lists& all = s.place == span_place::partial ? (swept ? partial_ : unswept_partial_)
                 : s.place == span_place::full  ? (swept ? full_ : unswept_full_)
                                                : aside_;
    return all[s.kind];
  }
  // The list to sweep next; 0 if nothing of the class is left.
  std::uint32_t& unswept(std::size_t kind) noexcept {
    return unswept_partial_[kind] != 0 ? unswept_partial_[kind] : unswept_full_[kind];
  }

  // A span in no list goes where it belongs by its use.
  void file(std::uint32_t n) noexcept {
    const span_record& s = pages_[n];
    if (s.used == 0) {
      drop_span(n);
    } else if (s.state == span_state::large) {
      link(large_, n, span_place::large);
    } else if (s.used == s.slots) {
      link(full_[s.kind], n, span_place::full);
    } else {
      link(partial_[s.kind], n, span_place::partial);
    }
  }
  void drop_span(std::uint32_t n) noexcept {
    if (options_.when == scavenging::at_once) {
      pages_.scavenge_pages(pages_[n].first_page, pages_[n].pages, options_.how);
    }
    pages_.give(n);
  }

  // A slot of a listed span came back.
  void after_free(std::uint32_t n) noexcept {
    const span_record& s = pages_[n];
    if (s.used == 0) {
      unlink(list_of(s), n);
      drop_span(n);
    } else if (s.place == span_place::full && s.round == round_) {
      unlink(full_[s.kind], n);
      link(partial_[s.kind], n, span_place::partial);
    }
  }

  // ---- the current spans

  // The next word of the span that has a free slot becomes the cached one, from `first` on and around.
  bool use_word(current_span& c, std::uint32_t n, std::uint32_t first) noexcept {
    span_record& s = pages_[n];
    const std::uint32_t words = (s.slots + 63u) / 64;
    for (std::uint32_t i = 0; i < words; ++i) {
      const std::uint32_t word = (first + i) % words;
      const std::uint32_t here = word + 1 == words && s.slots % 64 != 0 ? s.slots % 64u : 64u;
      const std::uint64_t all = here == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << here) - 1;
      const std::uint64_t free = all & ~s.taken[word];
      if (free == 0) continue;
      s.taken[word] = all;
      s.used += static_cast<std::uint32_t>(std::popcount(free));
      s.place = span_place::current;
      const std::uint32_t slot_bytes = span_classes[s.kind / 2].slot_bytes;
      c = {.free = free,
           .word_base = pages_.address(s.first_page) + std::size_t{word} * 64 * slot_bytes,
           .slot_bytes = slot_bytes,
           .word = word,
           .span = n};
      return true;
    }
    return false;
  }

  // Only with an empty cached word. False: no pages are left.
  TOPHASH_NOINLINE bool refill_slow(std::size_t kind) noexcept {
    current_span& c = current_[kind];
    if (const std::uint32_t n = c.span; n != 0) {
      if (use_word(c, n, c.word + 1)) return true;
      c = {};
      link(full_[kind], n, span_place::full);
    }
    if (const std::uint32_t n = partial_[kind]; n != 0) {
      unlink(partial_[kind], n);
      return use_word(c, n, 0);
    }
    // Full spans are swept in vain: after so many in one allocation, fresh pages are cheaper (Go's bound).
    for (unsigned tried = 0; unswept(kind) != 0 && tried < sweeps_at_most; ++tried) {
      const std::uint32_t n = sweep_one(unswept(kind));
      const span_record& s = pages_[n];
      if (s.used < s.slots) return use_word(c, n, 0);  // an empty one too: its pages need not go and come
      link(full_[kind], n, span_place::full);
    }
    const span_class& shape = span_classes[kind / 2];
    const std::uint32_t n = pages_.take(shape.pages);
    if (n == 0) return false;
    span_record& s = pages_[n];
    s.state = span_state::small;
    s.kind = static_cast<std::uint8_t>(kind);
    s.slots = static_cast<std::uint16_t>(shape.slots);
    tell_began(n);
    return use_word(c, n, 0);
  }

  void tell_began(std::uint32_t n) const noexcept {
    if (watcher_.began != nullptr) watcher_.began(watcher_.context, view(n));
  }

  // Every class gives up its current span.
  void flush() noexcept {
    for (current_span& c : current_) {
      if (c.span == 0) continue;
      const std::uint32_t n = c.span;
      pages_[n].taken[c.word] &= ~c.free;
      pages_[n].used -= static_cast<std::uint32_t>(std::popcount(c.free));
      pages_[n].place = span_place::none;
      c = {};
      file(n);
    }
  }

  // ---- large blocks

  TOPHASH_NOINLINE void* allocate_large_slow(const request& r, bool pointer_free) noexcept {
    if (is_impossible(r)) return nullptr;
    const std::uint32_t n = pages_.take(large_pages_for(r));
    if (n == 0) return nullptr;
    span_record& s = pages_[n];
    s.state = span_state::large;
    s.kind = pointer_free ? 1 : 0;
    s.slots = 1;
    s.used = 1;
    s.taken[0] = 1;
    link(large_, n, span_place::large);
    tell_began(n);
    requested_bytes_ += r.bytes;
    const auto base = reinterpret_cast<std::uintptr_t>(pages_.address(s.first_page));
    return reinterpret_cast<void*>((base + r.align - 1) / r.align * r.align);
  }

  TOPHASH_NOINLINE void deallocate_large(std::uint32_t n, [[maybe_unused]] void* p,
                                         [[maybe_unused]] const request& r) noexcept {
    const span_record& s = pages_[n];
    TOPHASH_CHECK_BLOCK(kind_for(r, false) == no_kind && !is_impossible(r) && large_pages_for(r) == s.pages,
                        "spans", r, "the block there has another size");
    TOPHASH_CHECK_BLOCK((reinterpret_cast<std::uintptr_t>(pages_.address(s.first_page)) + r.align - 1) /
                                r.align * r.align ==
                            reinterpret_cast<std::uintptr_t>(p),
                        "spans", r, "it begins inside a block");
    unlink(list_of(s), n);
    drop_span(n);
  }

  // Takes the first of a list of unswept spans out of it and sweeps it.
  std::uint32_t sweep_one(std::uint32_t& head) noexcept {
    const std::uint32_t n = head;
    unlink(head, n);
    span_record& s = pages_[n];
    const span_view before = view(n);
    std::array<std::uint64_t, span_slots_max / 64> live = before.allocated;
    sweeper_.sweep(sweeper_.context, before, live.data());
    s.used = 0;
    for (std::size_t w = 0; w < before.words(); ++w) {
      s.taken[w] &= live[w];
      s.used += static_cast<std::uint32_t>(std::popcount(s.taken[w]));
    }
    return n;
  }

  spans_options options_;
  span_page_heap pages_;
  std::array<current_span, kinds> current_{};
  lists partial_{}, full_{}, unswept_partial_{}, unswept_full_{}, aside_{};
  std::uint32_t large_ = 0, unswept_large_ = 0;
  std::size_t requested_bytes_ = 0;
  span_sweeper sweeper_{};
  span_watcher watcher_{};
  std::size_t sweep_at_ = 0;  // the kind that sweep_some() goes on with
  bool swept_ = false;        // a sweep freed slots of unknown requests
  std::uint8_t round_ = 0;    // parity of the last start_sweep
};

enum class span_contents : std::uint8_t { any, pointer_free };

class spans {
 public:
  using axis = axes::allocation;
  static constexpr std::string_view name = "spans";
  static constexpr bool unsynchronised = true;
  static constexpr tophash::visibility visibility = tophash::visibility::opaque;

  explicit spans(spans_resource& resource, span_contents contents = span_contents::any) noexcept
      : resource_(&resource), contents_(contents) {}

  void* try_allocate(const request& r) const noexcept {
    return resource_->allocate(r, contents_ == span_contents::pointer_free);
  }
  void deallocate(void* p, const request& r) const noexcept { resource_->deallocate(p, r); }
  std::size_t good_size(const request& r) const noexcept { return spans_resource::good_size(r); }
  bool try_expand(void* p, const request& r, std::size_t n) const noexcept {
    return resource_->expand(p, r, n);
  }
  bool owns(const void* p) const noexcept { return resource_->owns(p); }
  void release_all() const noexcept { resource_->release_all(); }
  bool try_release_all(std::size_t bytes) const noexcept { return resource_->try_release_all(bytes); }

  spans_resource& resource() const noexcept { return *resource_; }
  span_contents contents() const noexcept { return contents_; }

  friend bool operator==(spans a, spans b) noexcept { return a.resource_ == b.resource_; }

 private:
  spans_resource* resource_;
  span_contents contents_;
};

static_assert(allocation_backend<spans>);

}  // namespace allocators

}  // namespace tophash::inline v1

#endif
