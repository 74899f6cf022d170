// SPDX-License-Identifier: Apache-2.0
// Large blocks straight from the operating system, small ones from the C library's heap. A block of LeastBytes or
// more is whole pages of its own, zeroed by the system when first touched, and goes back the moment it is
// deallocated, at a cost that depends on its size alone. Under malloc the same free can trim the whole heap: emptying
// a map of 1,000,000 entries by groups of 64 KiB, single frees took up to 4.3 ms there (bench/micro/emptying.cpp).
// Every block is zeroed, so a table does not touch the buckets of an array it allocates. Stateless.
// Rounding: a large block occupies whole pages; LeastBytes should be several of them (4 KiB on most machines).
// Cost: a system call for each large block, and a page fault for each page touched for the first time. Where mmap is
// missing, every block comes from the C library.
#ifndef TOPHASH_ALLOCATORS_PAGES_HPP
#define TOPHASH_ALLOCATORS_PAGES_HPP

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#if __has_include(<sys/mman.h>)
#include <sys/mman.h>
#define TOPHASH_PAGES_FROM_MMAP 1
#else
#define TOPHASH_PAGES_FROM_MMAP 0
#endif

#include <tophash/allocators/system.hpp>
#include <tophash/framework/concepts/allocation.hpp>
#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/core/text.hpp>

namespace tophash::inline v1 {

namespace allocators {

template <std::size_t LeastBytes = 32768>
struct pages {
  using axis = axes::allocation;
  static constexpr tophash::visibility visibility = tophash::visibility::opaque;
  static constexpr bool zeroed = true;

  static constexpr option_text name() {
    option_text out;
    out.append("pages(").append(LeastBytes).append(")");
    return out;
  }

  void* try_allocate(const request& r) const noexcept {
    if (is_large(r)) return map_pages(r.bytes);
    // calloc promises the alignment of malloc only.
    if (r.align <= alignof(std::max_align_t) && r.bytes >= r.align) return std::calloc(1, r.bytes);
    void* const block = system{}.try_allocate(r);
    if (block != nullptr) std::memset(block, 0, r.bytes);
    return block;
  }

  void deallocate(void* p, const request& r) const noexcept {
    if (is_large(r)) {
      unmap_pages(p, r.bytes);
    } else {
      system{}.deallocate(p, r);
    }
  }

  friend constexpr bool operator==(pages, pages) noexcept { return true; }

 private:
  // More than a page of alignment is left to the C library.
  static constexpr bool is_large(const request& r) noexcept {
    return TOPHASH_PAGES_FROM_MMAP != 0 && r.bytes >= LeastBytes && r.bytes != 0 && r.align <= 4096;
  }

#if TOPHASH_PAGES_FROM_MMAP
  static void* map_pages(std::size_t bytes) noexcept {
    if (bytes > static_cast<std::size_t>(PTRDIFF_MAX)) return nullptr;
    void* const block = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return block == MAP_FAILED ? nullptr : block;
  }
  static void unmap_pages(void* p, std::size_t bytes) noexcept { ::munmap(p, bytes); }
#else
  static void* map_pages(std::size_t) noexcept { return nullptr; }
  static void unmap_pages(void*, std::size_t) noexcept {}
#endif
};

static_assert(allocation_backend<pages<>>);

}  // namespace allocators

}  // namespace tophash::inline v1

#endif
