// SPDX-License-Identifier: Apache-2.0
// Between the standard's allocators and backends, both ways.
//   from_std<A>    a backend that takes its bytes from a standard allocator A (std::allocator, pmr, a user's)
//   as_std<T, B>   a standard allocator that takes its bytes from a backend B, so that std::unordered_map and
//                  every other container runs on any backend, with a purpose on each request
// A standard allocator throws, a backend answers null: each side is translated. as_std adds nothing to a
// block; from_std rounds it up to a multiple of its alignment, at least 8 bytes.
#ifndef TOPHASH_ALLOCATORS_STD_ADAPTOR_HPP
#define TOPHASH_ALLOCATORS_STD_ADAPTOR_HPP

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include <tophash/framework/concepts/allocation.hpp>
#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/config.hpp>
#include <tophash/framework/core/checked.hpp>
#include <tophash/framework/core/trace_info.hpp>

namespace tophash::inline v1 {

namespace allocators {

// A standard allocator allocates objects, so bytes of an alignment are objects of a type of that alignment.
template <std::size_t Align>
struct alignas(Align) storage_unit {
  unsigned char bytes[Align];
};

// Sees: who looks inside the blocks; no standard allocator can tell. For gc_allocator it is `scanned`.
// It has no name of its own: the allocator may be a user's, so a spec prints it and cannot read it back.
template <class StdAllocator, visibility Sees = visibility::opaque>
class from_std {
  using traits = std::allocator_traits<StdAllocator>;

  static_assert(std::is_pointer_v<typename traits::pointer>,
                "tophash[allocation]: from_std<A> was given an allocator whose `pointer` is a class; a map "
                "links its buckets by plain pointers; use an allocator whose pointer type is T*.");
  static_assert(sizeof(StdAllocator) <= 2 * sizeof(void*),
                "tophash[allocation]: from_std<A> was given an allocator larger than two words; every map "
                "holds a copy of it; keep its state in a resource and make the allocator a pointer to that.");

 public:
  using axis = axes::allocation;
  static constexpr tophash::visibility visibility = Sees;
  static constexpr bool propagate_on_copy = traits::propagate_on_container_copy_assignment::value;
  static constexpr bool propagate_on_move = traits::propagate_on_container_move_assignment::value;
  static constexpr bool propagate_on_swap = traits::propagate_on_container_swap::value;
  // A stricter alignment is answered with null: one more instantiation for each power of two has to end.
  static constexpr std::size_t align_max_bytes = 4096;

  from_std() noexcept
    requires std::default_initializable<StdAllocator>
      : allocator_() {}
  explicit(false) from_std(const StdAllocator& allocator) noexcept : allocator_(allocator) {}
  // The standard forbids these to throw, yet not every allocator writes noexcept: said here for it.
  from_std(const from_std& other) noexcept : allocator_(other.allocator_) {}
  from_std& operator=(const from_std& other) noexcept
    requires std::is_copy_assignable_v<StdAllocator>
  {
    allocator_ = other.allocator_;
    return *this;
  }

  void* try_allocate(const request& r) noexcept { return allocate_units<smallest_unit>(r); }
  void deallocate(void* p, const request& r) noexcept { deallocate_units<smallest_unit>(p, r); }

  const StdAllocator& allocator() const noexcept { return allocator_; }

  // Where the allocator has them: pmr's hands itself to an element that takes an allocator.
  template <class T, class... Args>
    requires requires(StdAllocator& a, T* p, Args&&... args) { a.construct(p, std::forward<Args>(args)...); }
  void construct(T* p, Args&&... args) {
    allocator_.construct(p, std::forward<Args>(args)...);
  }
// pmr's own is deprecated, and nothing but a destructor call.
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#endif
  template <class T>
    requires requires(StdAllocator& a, T* p) { a.destroy(p); }
  void destroy(T* p) noexcept {
    traits::destroy(allocator_, p);
  }
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

  friend bool operator==(const from_std& a, const from_std& b) noexcept {
    if constexpr (traits::is_always_equal::value) {
      return true;
    } else {
      return a.allocator_ == b.allocator_;
    }
  }

 private:
  static constexpr std::size_t smallest_unit = 8;

  template <std::size_t Align>
  using unit_traits = typename traits::template rebind_traits<storage_unit<Align>>;

  template <std::size_t Align>
  static constexpr std::size_t units(std::size_t bytes) noexcept {
    return bytes / Align + (bytes % Align != 0 || bytes == 0 ? 1 : 0);
  }

  template <std::size_t Align>
  void* allocate_units(const request& r) noexcept {
    if (r.align > Align) {
      if constexpr (Align < align_max_bytes) {
        return allocate_units<2 * Align>(r);
      } else {
        return nullptr;
      }
    }
    // No object is larger, yet many an allocator, pmr's among them, says that its max_size() is.
    if (r.bytes > static_cast<std::size_t>(PTRDIFF_MAX) - Align) return nullptr;
    typename unit_traits<Align>::allocator_type rebound(allocator_);
    const std::size_t n = units<Align>(r.bytes);
    if (n > unit_traits<Align>::max_size(rebound)) return nullptr;
    void* p = nullptr;
    TOPHASH_TRY { p = unit_traits<Align>::allocate(rebound, n); }
    TOPHASH_CATCH_ALL { return nullptr; }
    if (reinterpret_cast<std::uintptr_t>(p) % r.align == 0) return p;
    TOPHASH_CHECK(false, "from_std: the standard allocator ignores the alignment of its value type");
    unit_traits<Align>::deallocate(rebound, static_cast<storage_unit<Align>*>(p), n);
    return nullptr;
  }

  template <std::size_t Align>
  void deallocate_units(void* p, const request& r) noexcept {
    if constexpr (Align < align_max_bytes) {
      if (r.align > Align) return deallocate_units<2 * Align>(p, r);
    }
    typename unit_traits<Align>::allocator_type rebound(allocator_);
    unit_traits<Align>::deallocate(rebound, static_cast<storage_unit<Align>*>(p), units<Align>(r.bytes));
  }

  [[no_unique_address]] StdAllocator allocator_;
};

// Node containers rebind their allocator to the node's type and to a pointer type for the array of buckets;
// the latter asks for `directory`, everything else for Use. Pointer-free storage is refused to types that may
// hold pointers to collected memory, which a container's node (a class, linked to the next) always may.
template <class T, allocation_backend Backend, purpose Use = purpose::node>
class as_std {
 public:
  using value_type = T;
  using size_type = std::size_t;
  using difference_type = std::ptrdiff_t;
  using propagate_on_container_copy_assignment = std::bool_constant<propagates_on_copy<Backend>()>;
  using propagate_on_container_move_assignment = std::bool_constant<propagates_on_move<Backend>()>;
  using propagate_on_container_swap = std::bool_constant<propagates_on_swap<Backend>()>;
  using is_always_equal = std::is_empty<Backend>;

  template <class U>
  struct rebind {
    using other = as_std<U, Backend, Use>;
  };

  static constexpr purpose use = Use == purpose::node && std::is_pointer_v<T> ? purpose::directory : Use;

  as_std() noexcept
    requires std::default_initializable<Backend>
  = default;
  explicit(false) as_std(const Backend& backend) noexcept : backend_(backend) {}
  template <class U>
  explicit(false) as_std(const as_std<U, Backend, Use>& other) noexcept : backend_(other.backend()) {}

  [[nodiscard]] T* allocate(std::size_t n) {
    refuse_unseen_pointers();
    if (n > max_size()) throw_bad_alloc();
    void* const p = backend_.try_allocate(request_for(n));
    if (p == nullptr) throw_bad_alloc();
    return static_cast<T*>(p);
  }

  void deallocate(T* p, std::size_t n) noexcept { backend_.deallocate(p, request_for(n)); }

  static constexpr std::size_t max_size() noexcept {
    return static_cast<std::size_t>(PTRDIFF_MAX) / sizeof(T);
  }

  const Backend& backend() const noexcept { return backend_; }

  template <class U>
  friend bool operator==(const as_std& a, const as_std<U, Backend, Use>& b) noexcept {
    return a.backend() == b.backend();
  }

 private:
  static constexpr request request_for(std::size_t n) noexcept {
    return {.bytes = n * sizeof(T), .align = alignof(T), .use = use, .trace = nullptr};
  }

  void refuse_unseen_pointers() const {
    if constexpr (gc_traits<T>::may_contain_pointers &&
                  static_visibility<Backend>() == visibility::pointer_free) {
      static_assert(decides_visibility_at_run_time<Backend>(),
                    "tophash[allocation x types]: a standard container's node or element that may hold "
                    "pointers to collected memory was given pointer-free storage; that is never searched; "
                    "use gc::boehm_scanned.");
      if (visibility_of(backend_) == visibility::pointer_free) {
        throw_invalid_argument("as_std: pointer-free storage for a type that may hold pointers");
      }
    }
  }

  [[no_unique_address]] Backend backend_;
};

}  // namespace allocators

}  // namespace tophash::inline v1

#endif
