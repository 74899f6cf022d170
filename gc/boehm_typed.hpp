// SPDX-License-Identifier: Apache-2.0
// Boehm storage with libgc's own type descriptors: of a bucket, the words that can be pointers are searched, in
// every slot, used or not. Keys and values that cannot point cost nothing; what a vacated slot still holds is kept,
// so for the map it is scanned storage, and slots are wiped. Between boehm_scanned and boehm_map_aware: public
// functions of libgc alone, and what "typed" storage does when the collector is not told of the map.
// One descriptor for each trace_info, made at its first block and never given back. Blocks aligned above 16 bytes,
// nodes, directories and side lists are as boehm_scanned's.
#ifndef TOPHASH_GC_BOEHM_TYPED_HPP
#define TOPHASH_GC_BOEHM_TYPED_HPP

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>

#include <gc.h>
#include <gc/gc_typed.h>

#include <tophash/framework/concepts/allocation.hpp>
#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/core/trace_info.hpp>
#include <tophash/gc/boehm.hpp>

namespace tophash::inline v1 {

namespace gc {

namespace boehm_types {

// The unit that a descriptor repeats over: a bucket, or one entry of open groups, whose tags behind the entries are
// then searched as if they were entries.
inline std::size_t unit_bytes(const trace_info& t) noexcept {
  return t.shape == trace_shape::chains ? t.bucket_bytes : t.key_stride_bytes;
}

inline constexpr std::size_t unit_words_max = 1024;

// The widest request that typing serves; anything else is searched whole.
inline bool can_describe(const request& r) noexcept {
  if (r.trace == nullptr || r.align > boehm_heap::natural_align_bytes) return false;
  if (r.use != purpose::slots && r.use != purpose::overflow) return false;
  const std::size_t unit = unit_bytes(*r.trace);
  return r.trace->slots != 0 && unit % sizeof(void*) == 0 && unit / sizeof(void*) <= unit_words_max;
}

struct known_type {
  const trace_info* trace;
  GC_descr descriptor;
  known_type* next;
};

inline GC_descr describe(const trace_info& t) noexcept {
  constexpr std::size_t word = sizeof(GC_word), word_bits = 8 * word;
  std::array<GC_word, unit_words_max / word_bits> bits{};
  const auto may_point = [&bits](std::size_t from, std::size_t bytes) {
    for (std::size_t at = (from + word - 1) / word; (at + 1) * word <= from + bytes; ++at) {
      bits[at / word_bits] |= GC_word{1} << at % word_bits;
    }
  };
  const std::size_t slots = t.shape == trace_shape::chains ? t.slots : 1;
  if (t.links) may_point(t.link_offset_bytes, sizeof(void*));
  for (std::size_t i = 0; t.entries_may_point && i < slots; ++i) {
    may_point(t.keys_offset_bytes + i * t.key_stride_bytes, t.key_bytes);
    may_point(t.values_offset_bytes + i * t.value_stride_bytes, t.value_bytes);
  }
  return GC_make_descriptor(bits.data(), unit_bytes(t) / word);
}

// Grows by one element a type of map; read without a lock. Two threads may describe one type twice.
inline GC_descr descriptor_of(const trace_info& t) noexcept {
  static constinit std::atomic<known_type*> first{nullptr};
  for (known_type* k = first.load(std::memory_order_acquire); k != nullptr; k = k->next) {
    if (k->trace == &t) return k->descriptor;
  }
  const GC_descr made = describe(t);
  if (void* const place = std::malloc(sizeof(known_type)); place != nullptr) {
    auto* const k = ::new (place) known_type{&t, made, first.load(std::memory_order_relaxed)};
    while (!first.compare_exchange_weak(k->next, k, std::memory_order_release, std::memory_order_relaxed)) {
    }
  }
  return made;
}

inline void* allocate_once(const request& r) noexcept {
  const std::size_t unit = unit_bytes(*r.trace), units = (r.bytes + unit - 1) / unit;
  const GC_descr d = descriptor_of(*r.trace);
  return units <= 1 ? GC_malloc_explicitly_typed(unit, d) : GC_calloc_explicitly_typed(units, unit, d);
}

}  // namespace boehm_types

struct boehm_typed {
  using axis = axes::allocation;
  static constexpr std::string_view name = "boehm_typed";
  static constexpr tophash::visibility visibility = tophash::visibility::scanned;
  static constexpr bool zeroed = true;

  void* try_allocate(const request& r) const noexcept {
    if (!boehm_types::can_describe(r)) return boehm_heap::allocate(r, true);
    if (r.bytes > static_cast<std::size_t>(PTRDIFF_MAX)) return nullptr;
    if (void* const p = boehm_types::allocate_once(r)) return p;
    GC_gcollect();
    return boehm_types::allocate_once(r);
  }
  void deallocate(void* p, const request& r) const noexcept { boehm_heap::deallocate(p, r); }
  bool owns(const void* p) const noexcept { return boehm_heap::owns(p); }

  friend constexpr bool operator==(boehm_typed, boehm_typed) noexcept { return true; }
};

static_assert(allocation_backend<boehm_typed>);

}  // namespace gc

}  // namespace tophash::inline v1

#endif
