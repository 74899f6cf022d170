// SPDX-License-Identifier: Apache-2.0
// Storage from the Boehm-Demers-Weiser collector (libgc 8): reclaimed when nothing points to it.
//   boehm_scanned        every word is searched for pointers; for any Key and T; zeroed
//   boehm_pointer_free   slots, overflow and nodes are never searched, so a collection costs nothing for
//                        them, but what only they point to is freed. directory and side are searched: the map
//                        keeps its overflow buckets alive through a side list, as Go does
// A prototype of 8-slot buckets with 4 M u64 -> u64 took the collector 45 ms of CPU scanned and 0.43 ms
// pointer-free (libgc 8.2.2). Capacity is what was requested: libgc does not search the last word of a block
// past that. deallocate gives a block back at once, which is worth it for an old array and an overflow
// bucket, and never needed. The holder keeps a pointer to the first 256 bytes of a block. Threads that touch
// a block must be registered with libgc.
#ifndef TOPHASH_GC_BOEHM_HPP
#define TOPHASH_GC_BOEHM_HPP

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <gc.h>

#include <tophash/framework/concepts/allocation.hpp>
#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/config.hpp>
#include <tophash/framework/core/checked.hpp>
#include <tophash/framework/core/trace_info.hpp>
#include <tophash/gc/facts.hpp>

namespace tophash::inline v1 {

namespace gc {

// libgc's calls for both kinds of block. libgc initialises itself at the first of them.
namespace boehm_heap {

// libgc hands out granules of two words, and whole 4 KiB pages for blocks from half of one. GC_memalign stops
// at a page too.
inline constexpr std::size_t natural_align_bytes = 2 * sizeof(void*);
inline constexpr std::size_t align_max_bytes = 4096;
inline constexpr std::size_t page_aligned_bytes = 2048;
// From here gc.h recommends the form that disregards pointers far inside: a stray integer is then unlikely to
// keep the array alive, and libgc need not search for an address that no integer hits.
inline constexpr std::size_t first_page_only_bytes = 100'000;

inline void* allocate_once(std::size_t bytes, bool scanned) noexcept {
  if (bytes >= first_page_only_bytes) {
    return scanned ? GC_malloc_ignore_off_page(bytes) : GC_malloc_atomic_ignore_off_page(bytes);
  }
  return scanned ? GC_malloc(bytes) : GC_malloc_atomic(bytes);
}

// Right after a limit was hit a request can fail although everything is garbage, and succeed after an
// explicit collection: collect, retry, then report.
inline void* allocate(std::size_t bytes, bool scanned) noexcept {
  if (void* const p = allocate_once(bytes, scanned)) return p;
  GC_gcollect();
  return allocate_once(bytes, scanned);
}

// As GC_memalign, which has no pointer-free form. The block may begin before the address that is returned.
TOPHASH_NOINLINE inline void* allocate_over_aligned(std::size_t bytes, std::size_t align,
                                                    bool scanned) noexcept {
  if (align > align_max_bytes) return nullptr;
  if (bytes >= page_aligned_bytes || align >= page_aligned_bytes) {
    void* const whole = allocate(bytes < align ? align : bytes, scanned);
    if (reinterpret_cast<std::uintptr_t>(whole) % align == 0) return whole;
    GC_free(whole);
  }
  auto* const block = static_cast<unsigned char*>(allocate(bytes + align - 1, scanned));
  const std::size_t past = reinterpret_cast<std::uintptr_t>(block) % align;
  if (block == nullptr || past == 0) return block;
  // With interior pointers switched off, libgc recognises only the offsets it was told of.
  if (GC_get_all_interior_pointers() == 0) GC_register_displacement(align - past);
  return block + (align - past);
}

inline void* allocate(const request& r, bool scanned) noexcept {
  if (r.bytes > static_cast<std::size_t>(PTRDIFF_MAX) - r.align) return nullptr;
  const std::size_t bytes = r.bytes == 0 ? 1 : r.bytes;
  if (r.align > natural_align_bytes) return allocate_over_aligned(bytes, r.align, scanned);
  return allocate(bytes, scanned);
}

// GC_free takes the start of a block and does not look: an address inside it would corrupt a free list.
inline void deallocate(void* p, const request& r) noexcept {
  GC_free(r.align > natural_align_bytes ? GC_base(p) : p);
}

// Before its first allocation libgc has no table to look into.
inline bool owns(const void* p) noexcept { return GC_is_init_called() != 0 && GC_is_heap_ptr(p) != 0; }

}  // namespace boehm_heap

struct boehm_scanned {
  using axis = axes::allocation;
  static constexpr std::string_view name = "boehm_scanned";
  static constexpr tophash::visibility visibility = tophash::visibility::scanned;
  static constexpr bool zeroed = true;

  void* try_allocate(const request& r) const noexcept { return boehm_heap::allocate(r, true); }
  void deallocate(void* p, const request& r) const noexcept { boehm_heap::deallocate(p, r); }
  bool owns(const void* p) const noexcept { return boehm_heap::owns(p); }

  friend constexpr bool operator==(boehm_scanned, boehm_scanned) noexcept { return true; }
};

struct boehm_pointer_free {
  using axis = axes::allocation;
  static constexpr std::string_view name = "boehm_pointer_free";
  static constexpr tophash::visibility visibility = tophash::visibility::pointer_free;

  static constexpr bool scans(purpose use) noexcept {
    return use == purpose::directory || use == purpose::side;
  }

  void* try_allocate(const request& r) const noexcept {
    TOPHASH_CHECK(scans(r.use) || r.trace == nullptr || !r.trace->entries_may_point,
                  "boehm_pointer_free: asked to hold entries that may point to collected memory");
    return boehm_heap::allocate(r, scans(r.use));
  }
  void deallocate(void* p, const request& r) const noexcept { boehm_heap::deallocate(p, r); }
  bool owns(const void* p) const noexcept { return boehm_heap::owns(p); }

  friend constexpr bool operator==(boehm_pointer_free, boehm_pointer_free) noexcept { return true; }
};

// The same, but emptied overflow buckets are left for the collector to find. Given back one by one they are handed out
// one by one: what a growth emptied all over the heap serves the new table, and each of its overflow buckets pins a
// 4 KiB block that every collection visits (4,000,000 u64 entries: 4,400 blocks where 690 would do). The price: they
// are garbage until the next collection.
struct boehm_overflow_left : boehm_pointer_free {
  static constexpr std::string_view name = "boehm_overflow_left";

  void deallocate(void* p, const request& r) const noexcept {
    if (r.use != purpose::overflow) boehm_pointer_free::deallocate(p, r);
  }
};

static_assert(allocation_backend<boehm_scanned> && allocation_backend<boehm_pointer_free> &&
              allocation_backend<boehm_overflow_left>);

}  // namespace gc

}  // namespace tophash::inline v1

#endif
