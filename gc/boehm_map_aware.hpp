// SPDX-License-Identifier: Apache-2.0
// Boehm storage whose blocks are marked as maps (boehm_kind.hpp): for any Key and T.
//   boehm_map_aware   what a vacated, dead or dirty slot still holds keeps nothing alive, and nothing is wiped.
//                     16 bytes more a block than boehm_scanned, 32 of an array or a group: its census
//   boehm_for<K, T>   boehm_pointer_free where neither type can hold a pointer to collected memory, else this
// By request: an array, group or overflow bucket with entries or links to follow is a block of the map kind; an
// array that holds neither, and a node whose entry cannot point, are pointer-free; nodes, directories and side
// lists are searched whole, being all in use. A request's trace_info must outlive the block, garbage or not.
// Dirty deletion: an erased entry's destructor runs at the sweep, when what it points to in collected memory may
// be gone; it must not touch that (deferred_destruction<T> says so of a type), and an insert of the same key does
// not look at such keys but takes a slot of its own.
#ifndef TOPHASH_GC_BOEHM_MAP_AWARE_HPP
#define TOPHASH_GC_BOEHM_MAP_AWARE_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>
#include <type_traits>

#include <tophash/framework/concepts/allocation.hpp>
#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/config.hpp>
#include <tophash/framework/core/trace_info.hpp>
#include <tophash/gc/boehm.hpp>
#include <tophash/gc/boehm_kind.hpp>
#include <tophash/gc/facts.hpp>

namespace tophash::inline v1 {

namespace gc {

namespace boehm_heap {

// A pointer to the payload must lie in the first 256 bytes for libgc to disregard those far inside.
inline constexpr std::size_t first_page_align_max_bytes = 128;

inline void* allocate_kind_once(std::size_t bytes, std::size_t align) noexcept {
  const auto kind = static_cast<int>(boehm_kind::ours().kind);
  return bytes >= first_page_only_bytes && align <= first_page_align_max_bytes
             ? GC_generic_malloc_ignore_off_page(bytes, kind)
             : GC_malloc_kind(bytes, kind);
}

inline std::size_t head_bytes(const request& r) noexcept {
  return r.use == purpose::slots ? boehm_kind::array_head_bytes : sizeof(boehm_kind::header);
}
inline void* object_of_traced(void* payload, const request& r) noexcept {
  return r.align > natural_align_bytes ? GC_base(payload) : static_cast<unsigned char*>(payload) - head_bytes(r);
}

inline void* allocate_traced(const request& r) noexcept {
  using boehm_kind::header;
  if (r.bytes > (static_cast<std::size_t>(PTRDIFF_MAX) >> header::bytes_shift) || r.align > align_max_bytes)
    return nullptr;
  const bool over_aligned = r.align > natural_align_bytes;
  const std::size_t head = head_bytes(r);
  const std::size_t total = r.bytes + head + (over_aligned ? r.align : 0);
  void* object = allocate_kind_once(total, r.align);
  if (object == nullptr) {
    GC_gcollect();
    object = allocate_kind_once(total, r.align);
    if (object == nullptr) return nullptr;
  }
  const auto base = reinterpret_cast<std::uintptr_t>(object);
  const std::uintptr_t first = base + head;
  const std::uintptr_t payload = over_aligned ? (first + r.align - 1) / r.align * r.align : first;
  const std::size_t offset = payload - base;
  if (GC_get_all_interior_pointers() == 0) {
    // libgc then recognises only the offsets it was told of, and none past a page.
    if (offset >= align_max_bytes) {
      GC_free(object);
      return nullptr;
    }
    GC_register_displacement(offset);
  }
  auto* const h = static_cast<header*>(object);
  if (r.use == purpose::slots) ::new (static_cast<void*>(h->census())) boehm_kind::array_census;
  h->extent = header::extent_of(r.bytes, offset, r.use == purpose::overflow);
  std::atomic_signal_fence(std::memory_order_seq_cst);  // a collection that sees the trace sees the extent
  h->trace = r.trace;
  return reinterpret_cast<void*>(payload);
}

}  // namespace boehm_heap

struct boehm_map_aware {
  using axis = axes::allocation;
  static constexpr std::string_view name = "boehm_map_aware";
  static constexpr tophash::visibility visibility = tophash::visibility::traced;
  static constexpr bool zeroed = true;

  // How the collector reads the block of a request; the same for its deallocation.
  enum class reading : std::uint8_t { by_slots, whole, not_at_all };
  static constexpr reading read_as(const request& r) noexcept {
    const bool buckets = r.use == purpose::slots || r.use == purpose::overflow;
    if (r.trace == nullptr || (!buckets && r.use != purpose::node)) return reading::whole;
    if (!buckets) return r.trace->entries_may_point ? reading::whole : reading::not_at_all;
    // A block of unknown geometry.
    if (r.trace->slots == 0) return r.trace->entries_may_point ? reading::whole : reading::not_at_all;
    return r.trace->entries_may_point || r.trace->links ? reading::by_slots : reading::not_at_all;
  }

  void* try_allocate(const request& r) const noexcept {
    switch (read_as(r)) {
      case reading::by_slots: return boehm_heap::allocate_traced(r);
      case reading::whole: return boehm_heap::allocate(r, true);
      case reading::not_at_all: break;
    }
    void* const block = boehm_heap::allocate(r, false);
    if (block != nullptr) std::memset(block, 0, r.bytes);
    return block;
  }

  void deallocate(void* p, const request& r) const noexcept {
    if (read_as(r) != reading::by_slots) {
      boehm_heap::deallocate(p, r);
    } else {
      GC_free(boehm_heap::object_of_traced(p, r));
    }
  }

  bool census_of(const void* p, const request& r, slot_census& out) const noexcept {
    if (r.use != purpose::slots || read_as(r) != reading::by_slots) return false;
    void* const object = boehm_heap::object_of_traced(const_cast<void*>(p), r);
    return static_cast<boehm_kind::header*>(object)->census()->read(out);
  }
  // libgc counts collections in plain memory: what another thread's collection adds is seen at the latest by the next
  // write that follows it.
  std::uint64_t census_number() const noexcept { return GC_get_gc_no(); }

  bool owns(const void* p) const noexcept { return boehm_heap::owns(p); }

  friend constexpr bool operator==(boehm_map_aware, boehm_map_aware) noexcept { return true; }
};

static_assert(allocation_backend<boehm_map_aware> && takes_census<boehm_map_aware>);

template <class Key, class T>
using boehm_for = std::conditional_t<pointer_free_entry<Key, T>, boehm_pointer_free, boehm_map_aware>;

}  // namespace gc

}  // namespace tophash::inline v1

#endif
