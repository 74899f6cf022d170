// SPDX-License-Identifier: Apache-2.0
// jemalloc through its own calls (mallocx and its kind), which take a size and an alignment on both ways.
// Stateless: any thread gives back any block. Needs <jemalloc/jemalloc.h> and the library (CMake target
// tophash::jemalloc). Debian's libjemalloc has no prefixed names: it defines malloc and free too, and a
// program that links it gets them instead of the C library's unless the C library comes first in the link.
// mallocx does not care: jemalloc's blocks and the C library's live side by side. jemalloc_replaces_malloc()
// tells which of the two malloc is. It has no `owns`: no call of the library asks whose a foreign address is.
#ifndef TOPHASH_ALLOCATORS_JEMALLOC_HPP
#define TOPHASH_ALLOCATORS_JEMALLOC_HPP

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <jemalloc/jemalloc.h>

#include <tophash/allocators/wrong_block.hpp>
#include <tophash/framework/concepts/allocation.hpp>
#include <tophash/framework/concepts/axes.hpp>

namespace tophash::inline v1 {

namespace allocators {

struct jemalloc {
  using axis = axes::allocation;
  static constexpr std::string_view name = "jemalloc";
  static constexpr tophash::visibility visibility = tophash::visibility::opaque;

  void* try_allocate(const request& r) const noexcept {
    if (is_impossible(r)) return nullptr;
    return ::mallocx(raised(r), MALLOCX_ALIGN(r.align));
  }

  void deallocate(void* p, const request& r) const noexcept {
    TOPHASH_CHECK_BLOCK(::sallocx(p, 0) >= raised(r), "jemalloc", r, "the block there is smaller");
    ::sdallocx(p, raised(r), MALLOCX_ALIGN(r.align));
  }

  // Exact: the size class that r belongs to.
  std::size_t good_size(const request& r) const noexcept {
    const std::size_t size = is_impossible(r) ? 0 : ::nallocx(raised(r), MALLOCX_ALIGN(r.align));
    return size == 0 ? r.bytes : size;
  }

  // Within the slack of its size class, or, where jemalloc can, by taking the pages behind a large block; it
  // never moves. Give the block back with n as its size.
  bool try_expand(void* p, const request& r, std::size_t n) const noexcept {
    if (n > static_cast<std::size_t>(PTRDIFF_MAX) / 2 || n == 0) return false;
    return ::xallocx(p, n < r.align ? r.align : n, 0, MALLOCX_ALIGN(r.align)) >= n;
  }

  friend constexpr bool operator==(jemalloc, jemalloc) noexcept { return true; }

 private:
  static constexpr bool is_impossible(const request& r) noexcept {
    return r.bytes > static_cast<std::size_t>(PTRDIFF_MAX) - r.align;
  }
  // mallocx(0) is undefined.
  static constexpr std::size_t raised(const request& r) noexcept {
    return r.bytes < r.align ? r.align : r.bytes;
  }
};

static_assert(allocation_backend<jemalloc>);

// Does plain malloc end in jemalloc in this program? Then `system` and `jemalloc` are one allocator.
inline bool jemalloc_replaces_malloc() noexcept {
  std::uint64_t* counter = nullptr;
  std::size_t bytes = sizeof counter;
  if (::mallctl("thread.allocatedp", &counter, &bytes, nullptr, 0) != 0 || counter == nullptr) return false;
  const volatile std::uint64_t* const allocated = counter;
  const std::uint64_t before = *allocated;
  void* const volatile probe = std::malloc(64);
  const bool replaced = *allocated != before;
  std::free(probe);
  return replaced;
}

}  // namespace allocators

}  // namespace tophash::inline v1

#endif
