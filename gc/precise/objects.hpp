// SPDX-License-Identifier: Apache-2.0
// Objects of a precise_heap. One that may hold pointers, or has a destructor, has a header of one word;
// others have none, lie in pointer-free spans, and are never touched by the collector.
//
//   | type | object                    an object
//   | type | count | elements          an array
// The type is null while a constructor runs: such an object is kept and not traced.
#ifndef TOPHASH_GC_PRECISE_OBJECTS_HPP
#define TOPHASH_GC_PRECISE_OBJECTS_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>

#include <tophash/framework/core/trace_info.hpp>

namespace tophash::inline v1 {

namespace gc {

struct object_type {
  std::size_t header_bytes = 0;
  std::size_t element_bytes = 0;                                                    // 0: no array
  void (*trace)(pointer_visitor&, const void* first, std::size_t count) = nullptr;  // null: holds no pointers
  void (*destroy)(void* first, std::size_t count) noexcept = nullptr;
};

template <class T>
inline constexpr bool has_header = gc_traits<T>::may_contain_pointers || !std::is_trivially_destructible_v<T>;

template <class T, bool Array>
constexpr object_type make_object_type() noexcept {
  object_type t;
  const std::size_t words = (Array ? 2 : 1) * sizeof(void*);
  t.header_bytes = words > alignof(T) ? (words + alignof(T) - 1) / alignof(T) * alignof(T) : alignof(T);
  t.element_bytes = Array ? sizeof(T) : 0;
  if constexpr (gc_traits<T>::may_contain_pointers) {
    t.trace = [](pointer_visitor& visit, const void* first, std::size_t count) {
      for (std::size_t i = 0; i < count; ++i) trace_pointers(visit, static_cast<const T*>(first)[i]);
    };
  }
  if constexpr (!std::is_trivially_destructible_v<T>) {
    t.destroy = [](void* first, std::size_t count) noexcept {
      std::destroy_n(static_cast<T*>(first), count);
    };
  }
  return t;
}

template <class T, bool Array>
inline constexpr object_type object_type_of = make_object_type<T, Array>();

// A slot of a span that is not pointer-free.
struct headed_slot {
  unsigned char* begin;

  const object_type* type() const noexcept {
    const object_type* t;
    std::memcpy(&t, begin, sizeof t);
    return t;
  }
  void set_type(const object_type* t) const noexcept { std::memcpy(begin, &t, sizeof t); }
  std::size_t count() const noexcept {
    std::size_t n;
    std::memcpy(&n, begin + sizeof(void*), sizeof n);
    return n;
  }
  void set_count(std::size_t n) const noexcept { std::memcpy(begin + sizeof(void*), &n, sizeof n); }
};

// Traces this many elements of an array at a time.
inline constexpr std::size_t elements_in_one_go = 512;

}  // namespace gc

}  // namespace tophash::inline v1

#endif
