// SPDX-License-Identifier: Apache-2.0
// Whole pages of the operating system, for the backends that deal in them (pages, spans): take, give back,
// and give back the memory of pages while the addresses stay. Lengths and addresses are multiples of
// system_page_bytes, or of large_page_bytes where a large alignment is asked for. Nothing here allocates or
// throws. Without mmap nothing can be taken.
// What giving back means:
//   keep        nothing is given back: the fastest to use again
//   lazily      MADV_FREE: the system takes the pages when it runs short; until then they count as resident,
//               and their contents may stay or be gone
//   at_once     MADV_DONTNEED: gone now, zero when touched again; costs a page fault each
#ifndef TOPHASH_ALLOCATORS_PAGES_SYSTEM_HPP
#define TOPHASH_ALLOCATORS_PAGES_SYSTEM_HPP

#include <cstddef>
#include <cstdint>
#include <string_view>

#if __has_include(<sys/mman.h>)
#include <sys/mman.h>
#define TOPHASH_PAGES_FROM_MMAP 1
#else
#define TOPHASH_PAGES_FROM_MMAP 0
#endif

#include <tophash/framework/config.hpp>

namespace tophash::inline v1 {

namespace allocators {

inline constexpr std::size_t system_page_bytes = 4096;
inline constexpr std::size_t large_page_bytes = std::size_t{2} << 20;

enum class give_back : std::uint8_t { keep, lazily, at_once };

constexpr std::string_view give_back_name(give_back how) noexcept {
  constexpr std::string_view names[] = {"keep", "lazily", "at_once"};
  return names[static_cast<std::size_t>(how)];
}

#if TOPHASH_PAGES_FROM_MMAP

// Zeroed pages. With `only_reserve` they count against no limit of the system before they are touched.
inline void* take_system_pages(std::size_t bytes, bool only_reserve = false) noexcept {
  if (bytes > static_cast<std::size_t>(PTRDIFF_MAX)) return nullptr;
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | (only_reserve ? MAP_NORESERVE : 0);
  void* const block = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
  return block == MAP_FAILED ? nullptr : block;
}

inline void return_system_pages(void* p, std::size_t bytes) noexcept { ::munmap(p, bytes); }

// The same on an address that is a multiple of `align`, a power of two.
inline void* take_system_pages_aligned(std::size_t bytes, std::size_t align,
                                       bool only_reserve = false) noexcept {
  if (align <= system_page_bytes) return take_system_pages(bytes, only_reserve);
  if (bytes > static_cast<std::size_t>(PTRDIFF_MAX) - align) return nullptr;
  auto* const block = static_cast<unsigned char*>(take_system_pages(bytes + align, only_reserve));
  if (block == nullptr) return nullptr;
  const std::size_t before = (align - reinterpret_cast<std::uintptr_t>(block) % align) % align;
  if (before != 0) return_system_pages(block, before);
  return_system_pages(block + before + bytes, align - before);
  return block + before;
}

// False: the system did not take it.
inline bool give_back_contents(void* p, std::size_t bytes, give_back how) noexcept {
  if (how == give_back::keep) return false;
#if defined(MADV_FREE)
  if (how == give_back::lazily) return ::madvise(p, bytes, MADV_FREE) == 0;
#endif
  return ::madvise(p, bytes, MADV_DONTNEED) == 0;
}

// Whether the system may, or must not, back the range by large pages. A wish: nothing is said where it is not
// heard.
inline void wish_large_pages(void* p, std::size_t bytes, bool wanted) noexcept {
#if defined(MADV_HUGEPAGE) && defined(MADV_NOHUGEPAGE)
  ::madvise(p, bytes, wanted ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
#else
  static_cast<void>(p), static_cast<void>(bytes), static_cast<void>(wanted);
#endif
}

#else

inline void* take_system_pages(std::size_t, bool = false) noexcept { return nullptr; }
inline void* take_system_pages_aligned(std::size_t, std::size_t, bool = false) noexcept { return nullptr; }
inline void return_system_pages(void*, std::size_t) noexcept {}
inline bool give_back_contents(void*, std::size_t, give_back) noexcept { return false; }
inline void wish_large_pages(void*, std::size_t, bool) noexcept {}

#endif

}  // namespace allocators

}  // namespace tophash::inline v1

#endif
