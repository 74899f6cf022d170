// SPDX-License-Identifier: Apache-2.0
// The C library's heap: malloc, aligned_alloc and free. Stateless, so every handle is equal to every other.
// Not operator new: a program may replace that, and this backend is the baseline that others are compared
// with. Both ways of allocating end in the same free, so deallocation has no branch on the alignment.
// It has no good_size: malloc_usable_size asks about a block that exists, and nobody answers for one that
// does not. A library that interposes malloc (Debian's libmimalloc.so does, when merely linked) becomes this
// backend.
#ifndef TOPHASH_ALLOCATORS_SYSTEM_HPP
#define TOPHASH_ALLOCATORS_SYSTEM_HPP

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <tophash/framework/concepts/allocation.hpp>
#include <tophash/framework/concepts/axes.hpp>

namespace tophash::inline v1 {

namespace allocators {

struct system {
  using axis = axes::allocation;
  static constexpr std::string_view name = "system";
  static constexpr tophash::visibility visibility = tophash::visibility::opaque;

  void* try_allocate(const request& r) const noexcept {
    // An object cannot be larger than the difference of two pointers can say; past it, rounding could wrap.
    if (r.bytes > static_cast<std::size_t>(PTRDIFF_MAX) - r.align) return nullptr;
    // A block smaller than its alignment need not get it from malloc (mimalloc's gives 8 bytes 8-byte
    // alignment), and malloc(0) may be null, which would read as a failure.
    const std::size_t bytes = r.bytes < r.align ? r.align : r.bytes;
    if (r.align <= alignof(std::max_align_t)) return std::malloc(bytes);
    return std::aligned_alloc(r.align, (bytes + r.align - 1) / r.align * r.align);
  }

  void deallocate(void* p, const request&) const noexcept { std::free(p); }

  friend constexpr bool operator==(system, system) noexcept { return true; }
};

static_assert(allocation_backend<system>);

}  // namespace allocators

}  // namespace tophash::inline v1

#endif
