// SPDX-License-Identifier: Apache-2.0
// mimalloc through its C API, with the thread's default heap. Stateless: mimalloc frees a block on any
// thread. Needs <mimalloc.h> and the library (CMake target tophash::mimalloc).
// Linking a shared libmimalloc that was built to override malloc, as Debian's is, replaces the whole
// program's malloc unless the C library precedes it in the link; mimalloc_replaces_malloc() tells, for a
// run's manifest. It has no `owns`: mi_is_in_heap_region (2.0.9) knows only addresses below 20 TiB, and
// mi_check_owned only the calling thread's blocks.
#ifndef TOPHASH_ALLOCATORS_MIMALLOC_HPP
#define TOPHASH_ALLOCATORS_MIMALLOC_HPP

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <mimalloc.h>

#include <tophash/allocators/wrong_block.hpp>
#include <tophash/framework/concepts/allocation.hpp>
#include <tophash/framework/concepts/axes.hpp>

namespace tophash::inline v1 {

namespace allocators {

struct mimalloc {
  using axis = axes::allocation;
  static constexpr std::string_view name = "mimalloc";
  static constexpr tophash::visibility visibility = tophash::visibility::opaque;

  void* try_allocate(const request& r) const noexcept {
    // mimalloc answers an impossible size with a message on stderr; null alone is what is wanted here.
    if (r.bytes > static_cast<std::size_t>(PTRDIFF_MAX) - r.align) return nullptr;
    // A block smaller than its alignment need not get it: mimalloc gives 8 bytes 8-byte alignment.
    const std::size_t bytes = r.bytes < r.align ? r.align : r.bytes;
    return r.align <= alignof(std::max_align_t) ? ::mi_malloc(bytes) : allocate_over_aligned(bytes, r.align);
  }

  // A checked build notices a size that is too large. Of a foreign block mimalloc cannot tell: tracked does.
  void deallocate(void* p, const request& r) const noexcept {
    TOPHASH_CHECK_BLOCK(::mi_usable_size(p) >= r.bytes, "mimalloc", r, "the block there is smaller");
    ::mi_free_size_aligned(p, r.bytes, r.align);
  }

  // The size class of r: exact for natural alignment to 128 KiB (checked against mi_usable_size of 2.0.9),
  // above that and for over-aligned blocks a lower bound.
  std::size_t good_size(const request& r) const noexcept {
    return ::mi_good_size(r.bytes < r.align ? r.align : r.bytes);
  }

  // Within the slack of the block's size class; it never moves. Give the block back with n as its size.
  bool try_expand(void* p, const request&, std::size_t n) const noexcept {
    return ::mi_expand(p, n) != nullptr;
  }

  friend constexpr bool operator==(mimalloc, mimalloc) noexcept { return true; }

 private:
  // Two traps of 2.0.9 (microsoft/mimalloc#700, #889). mi_malloc_aligned adds align - 1 bytes before it
  // rounds up to a size class (1 MiB at 64 occupies 1.5 MiB), although large blocks are nearly always aligned
  // by themselves: those are asked for plainly. And it takes small blocks of a power of two for aligned to
  // their size, which ends at 128 (256 bytes at 256 come 128 past): any other size goes the right way.
  static constexpr std::size_t plain_first_bytes = 4096;

  static void* allocate_over_aligned(std::size_t bytes, std::size_t align) noexcept {
    void* const p = bytes < plain_first_bytes ? ::mi_malloc_aligned(bytes, align) : ::mi_malloc(bytes);
    if (reinterpret_cast<std::uintptr_t>(p) % align == 0) return p;
    ::mi_free(p);
    return ::mi_malloc_aligned(bytes + 1, align);
  }
};

static_assert(allocation_backend<mimalloc>);

// Does plain malloc end in mimalloc in this program? Then `system` and `mimalloc` are one allocator, and a
// comparison of the two says nothing.
inline bool mimalloc_replaces_malloc() noexcept {
  void* const volatile probe = std::malloc(64);
  const bool replaced = probe != nullptr && ::mi_check_owned(probe);
  std::free(probe);
  return replaced;
}

}  // namespace allocators

}  // namespace tophash::inline v1

#endif
