// SPDX-License-Identifier: Apache-2.0
// What a collector of one's own needs besides its marking and its sweeping, so that an adapter is short
// (examples/14) and maps are read as ours read them, live slots alone:
//   precise/roots.hpp     root<T>: handles, in a ring whose head the collector has
//   precise/objects.hpp   object_type_of<T, Array>: how an object, or an array, is traced and ended
//   listed<Backend>       storage of maps in any backend's memory; arrays that may lead to objects are listed
//   pointer_reader<F>     tells f(pointer) of each pointer that an object, or a live slot, holds
// Maps own their blocks and give them back; their entries are roots while the map lives, so a map with such
// storage must not lie inside an object of the collector (map_place::in_object has no counterpart here).
// No barrier: for collectors that mark in one go, with one thread. Others need entry_stored
// (framework/concepts/allocation.hpp), as gc::precise has it.
#ifndef TOPHASH_GC_ADAPTER_HPP
#define TOPHASH_GC_ADAPTER_HPP

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>
#include <utility>

#include <tophash/allocators/system.hpp>
#include <tophash/framework/concepts/allocation.hpp>
#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/core/trace_info.hpp>
#include <tophash/gc/precise/arrays.hpp>
#include <tophash/gc/precise/objects.hpp>
#include <tophash/gc/precise/roots.hpp>
#include <tophash/gc/trace_blocks.hpp>

namespace tophash::inline v1 {

namespace gc {

// Both a visitor, for objects, and a sink, for arrays. F is called with null and foreign pointers, too, and
// must not throw.
template <std::invocable<const void*> F>
class pointer_reader : public pointer_visitor {
 public:
  explicit pointer_reader(F f) noexcept
      : pointer_visitor{&tell, [](pointer_visitor&, const void*) noexcept {}}, found_(std::move(f)) {}

  void pointer(const void* p) noexcept { found_(p); }
  pointer_visitor& visitor() noexcept { return *this; }
  void has_read(std::size_t) noexcept {}

 private:
  static void tell(pointer_visitor& self, const void* p) noexcept {
    static_cast<pointer_reader&>(self).pointer(p);
  }

  F found_;
};

// The arrays of all maps in `listed` storage that may lead to objects. It outlives them.
class map_arrays {
 public:
  map_arrays() = default;
  map_arrays(const map_arrays&) = delete;
  map_arrays& operator=(const map_arrays&) = delete;

  // Tells the sink of what live slots hold (trace_blocks.hpp); nothing of a dead one is read. O(slots of all
  // maps). Between two operations of a map only.
  template <class Sink>
  void trace(Sink& sink) const noexcept {
    for (const map_array* a = ring_.next; a != &ring_; a = a->next) {
      const std::size_t units = units_of(*a->trace, a->bytes);
      static_cast<void>(trace_units(*a->trace, a->block(), a->bytes, units, 0, units, sink));
    }
  }

 private:
  template <class>
  friend class listed;
  map_array ring_;
};

// Allocation option. A listed array has a header of 64 bytes, and is zeroed: its tags are read from then on.
template <class Backend = allocators::system>
class listed {
 public:
  using axis = axes::allocation;
  static constexpr std::string_view name = "listed";
  static constexpr tophash::visibility visibility = tophash::visibility::typed;

  explicit listed(map_arrays& arrays, Backend backend = {}) noexcept
      : arrays_(&arrays), backend_(std::move(backend)) {}

  void* try_allocate(const request& r) const noexcept {
    if (!map_array::is_one(r)) return backend_.try_allocate(r);
    if (r.bytes > static_cast<std::size_t>(PTRDIFF_MAX) / 2) return nullptr;
    auto* const all = static_cast<unsigned char*>(backend_.try_allocate(map_array::with_header(r)));
    if (all == nullptr) return nullptr;
    unsigned char* const block = all + map_array::offset_for(r.align);
    std::memset(block, 0, r.bytes);
    auto* const header = ::new (static_cast<void*>(map_array::of(block))) map_array;
    header->trace = r.trace, header->bytes = r.bytes;
    header->join(arrays_->ring_);
    return block;
  }
  void deallocate(void* p, const request& r) const noexcept {
    if (!map_array::is_one(r)) return backend_.deallocate(p, r);
    map_array* const header = map_array::of(p);
    header->leave();
    std::destroy_at(header);
    auto* const all = static_cast<unsigned char*>(p) - map_array::offset_for(r.align);
    backend_.deallocate(all, map_array::with_header(r));
  }

  friend bool operator==(const listed& a, const listed& b) noexcept {
    return a.arrays_ == b.arrays_ && a.backend_ == b.backend_;
  }

 private:
  map_arrays* arrays_;
  [[no_unique_address]] mutable Backend backend_;
};

static_assert(allocation_backend<listed<>>);

}  // namespace gc

}  // namespace tophash::inline v1

#endif
