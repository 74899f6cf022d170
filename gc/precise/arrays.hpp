// SPDX-License-Identifier: Apache-2.0
// Arrays of maps that hold pointers, as a precise_heap knows them: a header before each block that a map
// asked for with purpose::slots and a trace_info that names pointers. Maps own their blocks, so nothing here
// decides what lives; it is known which arrays are still to be traced in this cycle.
//
//   | header, 64 bytes (more where the block is aligned more strictly) | the map's block |
#ifndef TOPHASH_GC_PRECISE_ARRAYS_HPP
#define TOPHASH_GC_PRECISE_ARRAYS_HPP

#include <cstddef>
#include <cstdint>

#include <tophash/framework/core/census.hpp>
#include <tophash/framework/core/purpose.hpp>
#include <tophash/framework/core/trace_info.hpp>

namespace tophash::inline v1 {

namespace gc {

// Where a map lies whose storage a heap supplies, and how its entries are held.
enum class map_place : std::uint8_t {
  outside,      // on the stack, in static storage or in other memory: its entries are roots
  in_object,    // inside an object of the same heap, whose gc_traits::trace passes it on: it lives as that
                // object does
  ephemerons,   // outside, in a weak_table: an entry lives while its key is reached, and only then holds its
                // value
  weak_keys,    // outside, in a weak_table: an entry lives while its key is reached; it holds its value anyhow
  weak_values,  // outside, in a weak_table: an entry lives while its value is reached
};

struct map_array {
  map_array* previous = this;
  map_array* next = this;
  const trace_info* trace = nullptr;
  std::size_t bytes = 0;  // of the block
  std::size_t at_unit = 0;      // where tracing goes on
  std::uint32_t traced_in = 0;  // the last cycle that has traced it, or is about to
  map_place place{};
  bool is_counted = false;      // `census` is of the last cycle that traced it, whole when at_unit is 0
  slot_census census;

  static constexpr std::size_t header_bytes = 64;
  static constexpr std::size_t offset_for(std::size_t align) noexcept {
    return align > header_bytes ? align : header_bytes;
  }
  static bool is_one(const request& r) noexcept {
    return r.use == purpose::slots && r.trace != nullptr && r.trace->is_traced();
  }
  // What is asked of the spans: the block and its header.
  static request with_header(const request& r) noexcept {
    request all = r;
    all.align = r.align < alignof(map_array) ? alignof(map_array) : r.align;
    all.bytes = r.bytes + offset_for(r.align);
    return all;
  }
  static map_array* of(const void* block) noexcept {
    return reinterpret_cast<map_array*>(static_cast<unsigned char*>(const_cast<void*>(block)) - header_bytes);
  }

  const unsigned char* block() const noexcept { return reinterpret_cast<const unsigned char*>(this) + header_bytes; }

  bool is_alone() const noexcept { return next == this; }
  void join(map_array& ring) noexcept {
    previous = &ring;
    next = ring.next;
    next->previous = this;
    ring.next = this;
  }
  void leave() noexcept {
    previous->next = next;
    next->previous = previous;
    previous = next = this;
  }
  // All of `from`, in O(1). This ring must be empty.
  void take_ring(map_array& from) noexcept {
    if (from.is_alone()) return;
    next = from.next;
    previous = from.previous;
    next->previous = this;
    previous->next = this;
    from.previous = from.next = &from;
  }
};

static_assert(sizeof(map_array) <= map_array::header_bytes);

}  // namespace gc

}  // namespace tophash::inline v1

#endif
