// SPDX-License-Identifier: Apache-2.0
// Allocation backend: a copyable handle, at most two words, that supplies bytes by purpose. The resource
// behind it (a heap, a pool, a counter) is separate and outlives every map that holds a handle.
//
//   expression                 type        throws  meaning
//   a.try_allocate(r)          void*       never   r.bytes bytes aligned to r.align, or null with no effect
//   a.deallocate(p, r)         void        never   gives back p, which try_allocate(r) of an equal handle gave
//   a == b                     bool        never   may one give back what the other allocated?
// By presence (an operation that a backend lacks is absent, never a failing stub):
//   A::visibility              visibility          who looks inside; opaque when absent
//   a.visibility_now()         visibility  never   the same where only run time knows (a type-erased handle)
//   a.good_size(r)             size_t      never   bytes that r would really occupy
//   a.try_expand(p, r, n)      bool        never   the block now has n bytes, in place
//   a.owns(p)                  bool        never   did this resource allocate p?
//   a.release_all()            void        never   every block at once
//   a.try_release_all(n)       bool        never   every block at once, if blocks of n requested bytes in all are the
//                                                  only ones in use; otherwise false and no effect. A table whose
//                                                  entries need no destructor ends by it
//   A::zeroed                  bool                try_allocate returns zeroed bytes
//   A::align_max_bytes         size_t              a stricter alignment is always refused
//   A::thread_bound            bool                only the thread that made the resource may allocate
//   A::unsynchronised          bool                equal handles must not be called by two threads at once
//   A::hoards                  bool                it keeps blocks, or what leads to them, where no collector looks
//   A::composition_fault       storage_fault       a combination of backends that cannot work, and why
//   A::propagate_on_copy / propagate_on_move / propagate_on_swap   bool, false when absent, as in std
//   a.construct(p, args...), a.destroy(p)                          how entries begin and end (a standard allocator's own)
//   a.entry_stored(t, k, v)    void        never   an insertion barrier: an entry with this key and value (null in a
//                                                  set) was put into a slot, or moved there, or assigned to; t is the
//                                                  layout's trace_info. Writes through references are not told
//   a.array_taken_over(p)      void        never   another map now holds the array that begins at p
//   a.census_of(p, r, out)     bool        never   what the last collection counted in block p of request r, an array or
//                                                  a group; false: none has marked it since it was made
//   a.census_number()          uint64_t    never   of collections that counted so far
// Capacity is what was requested: bytes past r.bytes belong to the backend even where good_size is larger
// (a collector need not scan them). Laws: tests/laws/allocation.hpp. The smallest conforming type is below.
#ifndef TOPHASH_FRAMEWORK_CONCEPTS_ALLOCATION_HPP
#define TOPHASH_FRAMEWORK_CONCEPTS_ALLOCATION_HPP

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include <tophash/framework/config.hpp>
#include <tophash/framework/core/census.hpp>
#include <tophash/framework/core/purpose.hpp>

namespace tophash::inline v1 {

template <class A>
concept allocation_backend =
    std::is_nothrow_copy_constructible_v<A> && std::equality_comparable<A> && (sizeof(A) <= 2 * sizeof(void*)) &&
    requires(A& a, void* p, const request& r) {
      { a.try_allocate(r) } noexcept -> std::same_as<void*>;
      { a.deallocate(p, r) } noexcept -> std::same_as<void>;
    };

// The most a backend's visibility can be, known when compiling. `pointer_free` from a handle that decides at
// run time (visibility_now) means: be ready for pointer-free blocks.
template <class A>
constexpr visibility static_visibility() noexcept {
  if constexpr (requires { A::visibility; }) {
    return A::visibility;
  } else {
    return visibility::opaque;
  }
}

template <class A>
constexpr visibility visibility_of(const A& a) noexcept {
  if constexpr (requires { a.visibility_now(); }) {
    return a.visibility_now();
  } else {
    return static_visibility<A>();
  }
}

template <class A>
constexpr bool decides_visibility_at_run_time() noexcept {
  return requires(const A& a) { a.visibility_now(); };
}

// Can its blocks be read slot by slot, as their tags say?
template <class A>
constexpr bool may_be_traced() noexcept {
  return static_visibility<A>() == visibility::traced || decides_visibility_at_run_time<A>();
}

template <class A>
constexpr bool returns_zeroed() noexcept {
  if constexpr (requires { A::zeroed; }) {
    return A::zeroed;
  } else {
    return false;
  }
}

// An object in storage of `a`: by its own construct where it has one, which may hand itself to the object.
template <class A, class T, class... Args>
TOPHASH_ALWAYS_INLINE void construct_object(A& a, T* to, Args&&... args) {
  if constexpr (requires { a.construct(to, std::forward<Args>(args)...); }) {
    a.construct(to, std::forward<Args>(args)...);
  } else {
    static_cast<void>(a);
    ::new (static_cast<void*>(to)) T(std::forward<Args>(args)...);
  }
}

template <class A, class T>
concept destroys_objects = requires(A& a, T* p) { a.destroy(p); };

template <class A, class T>
TOPHASH_ALWAYS_INLINE void destroy_object(A& a, T* p) noexcept {
  if constexpr (destroys_objects<A, T>) {
    a.destroy(p);
  } else {
    static_cast<void>(a);
    std::destroy_at(p);
  }
}

// Why a combination of backends cannot work; a rule of composition says it in words.
enum class storage_fault : std::uint8_t {
  none,
  mixed_visibility,  // its parts are not seen alike by a collector
  unknown_owner,     // a block that comes back cannot be told to belong to the first part or the second
};

template <class A>
constexpr storage_fault storage_fault_of() noexcept {
  if constexpr (requires { A::composition_fault; }) {
    return A::composition_fault;
  } else {
    return storage_fault::none;
  }
}

template <class A>
constexpr bool is_thread_bound() noexcept {
  if constexpr (requires { A::thread_bound; }) {
    return A::thread_bound;
  } else {
    return false;
  }
}

template <class A>
constexpr bool is_unsynchronised() noexcept {
  if constexpr (requires { A::unsynchronised; }) {
    return A::unsynchronised;
  } else {
    return false;
  }
}

template <class A>
constexpr bool hoards_blocks() noexcept {
  if constexpr (requires { A::hoards; }) {
    return A::hoards;
  } else {
    return false;
  }
}

inline constexpr std::size_t any_align_bytes = static_cast<std::size_t>(-1);

template <class A>
constexpr std::size_t strictest_align_bytes() noexcept {
  if constexpr (requires { A::align_max_bytes; }) {
    return A::align_max_bytes;
  } else {
    return any_align_bytes;
  }
}

template <class A>
concept releases_at_once = requires(A& a, std::size_t bytes) {
  { a.try_release_all(bytes) } noexcept -> std::same_as<bool>;
};

template <class A>
concept hears_of_stores = requires(const A& a, const trace_info& t, const void* part) {
  { a.entry_stored(t, part, part) } noexcept -> std::same_as<void>;
};

template <class A>
concept hears_of_arrays = requires(const A& a, const void* array) {
  { a.array_taken_over(array) } noexcept -> std::same_as<void>;
};

template <class A>
concept takes_census = requires(const A& a, const void* block, const request& r, slot_census& out) {
  { a.census_of(block, r, out) } noexcept -> std::same_as<bool>;
  { a.census_number() } noexcept -> std::same_as<std::uint64_t>;
};

template <class A>
constexpr bool propagates_on_copy() noexcept {
  if constexpr (requires { A::propagate_on_copy; }) {
    return A::propagate_on_copy;
  } else {
    return false;
  }
}

template <class A>
constexpr bool propagates_on_move() noexcept {
  if constexpr (requires { A::propagate_on_move; }) {
    return A::propagate_on_move;
  } else {
    return false;
  }
}

template <class A>
constexpr bool propagates_on_swap() noexcept {
  if constexpr (requires { A::propagate_on_swap; }) {
    return A::propagate_on_swap;
  } else {
    return false;
  }
}

}  // namespace tophash::inline v1

#endif
