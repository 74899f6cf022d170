// SPDX-License-Identifier: Apache-2.0
// Large blocks straight from the operating system, small ones from the C library's heap. A block of
// LeastBytes or more is whole pages of its own, zeroed by the system when first touched, and goes back the
// moment it is deallocated, at a cost that depends on its size alone. Under malloc the same free can trim the
// whole heap: emptying a map of 1,000,000 entries by groups of 64 KiB, single frees took up to 4.3 ms there
// (bench/micro/emptying.cpp). Every block is zeroed, so a table does not touch the buckets of an array it
// allocates. Stateless. Rounding: a large block occupies whole pages; LeastBytes should be several of them (4
// KiB on most machines). Cost: a system call for each large block, and a page fault for each page touched for
// the first time. Where mmap is missing, every block comes from the C library.
// page_size::large asks the system to back a block of large_page_bytes (2 MiB) or more by pages of that size,
// and places it on such a boundary: one entry of the translation cache for 512 pages, and one fault. The last
// page is backed whole, so up to 2 MiB a block are resident beyond what was asked; good_size says so.
#ifndef TOPHASH_ALLOCATORS_PAGES_HPP
#define TOPHASH_ALLOCATORS_PAGES_HPP

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include <tophash/allocators/pages_system.hpp>
#include <tophash/allocators/system.hpp>
#include <tophash/allocators/wrong_block.hpp>
#include <tophash/framework/concepts/allocation.hpp>
#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/core/text.hpp>

namespace tophash::inline v1 {

namespace allocators {

enum class page_size : std::uint8_t { usual, large };

template <std::size_t LeastBytes = 32768, page_size Size = page_size::usual>
struct pages {
  using axis = axes::allocation;
  static constexpr tophash::visibility visibility = tophash::visibility::opaque;
  static constexpr bool zeroed = true;

  static constexpr option_text name() {
    option_text out;
    out.append(Size == page_size::large ? "large_pages(" : "pages(").append(LeastBytes).append(")");
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
      TOPHASH_CHECK_BLOCK(reinterpret_cast<std::uintptr_t>(p) % system_page_bytes == 0, "pages", r,
                          "no block of whole pages begins there");
      return_system_pages(p, taken_bytes(r.bytes));
    } else {
      system{}.deallocate(p, r);
    }
  }

  // Whole pages for a large block; a small one is the C library's, which does not tell.
  std::size_t good_size(const request& r) const noexcept {
    return is_large(r) ? taken_bytes(r.bytes) : r.bytes;
  }

  friend constexpr bool operator==(pages, pages) noexcept { return true; }

 private:
  // More than a page of alignment is left to the C library.
  static constexpr bool is_large(const request& r) noexcept {
    return TOPHASH_PAGES_FROM_MMAP != 0 && r.bytes >= LeastBytes && r.bytes != 0 &&
           r.align <= system_page_bytes;
  }

  static constexpr bool is_backed_by_large(std::size_t bytes) noexcept {
    return Size == page_size::large && bytes >= large_page_bytes;
  }
  // What the block occupies, so that the end of a large page is never another block's.
  static constexpr std::size_t taken_bytes(std::size_t bytes) noexcept {
    if (!is_backed_by_large(bytes))
      return (bytes + system_page_bytes - 1) / system_page_bytes * system_page_bytes;
    return (bytes + large_page_bytes - 1) / large_page_bytes * large_page_bytes;
  }

  static void* map_pages(std::size_t bytes) noexcept {
    if (bytes > static_cast<std::size_t>(PTRDIFF_MAX) - large_page_bytes) return nullptr;
    if (!is_backed_by_large(bytes)) return take_system_pages(bytes);
    void* const block = take_system_pages_aligned(taken_bytes(bytes), large_page_bytes);
    if (block != nullptr) wish_large_pages(block, taken_bytes(bytes), true);
    return block;
  }
};

static_assert(allocation_backend<pages<>>);

template <std::size_t LeastBytes = 32768>
using large_pages = pages<LeastBytes, page_size::large>;

}  // namespace allocators

}  // namespace tophash::inline v1

#endif
