// SPDX-License-Identifier: Apache-2.0
// A heap of mimalloc's for each map, or for a few. Its pages hold nothing else, so a map's blocks lie
// together, and a map whose entries need no destructor ends in one call (try_release_all): pages go back
// whole and no block is touched. The heap lives in a `mimalloc_heap_resource`, which the user owns and which
// outlives the maps; the handle is one pointer to it. There is no handle without a resource: a heap that all
// maps of a program share would be `mimalloc`.
//
//   allocators::mimalloc_heap_resource heap;
//   tophash::map<K, V, allocators::mimalloc_heap> m{allocators::mimalloc_heap(heap)};
//
// The heap belongs to the thread that first allocates from it, and mimalloc 2 lets no other thread allocate
// there (microsoft/mimalloc#813): one thread uses a resource and its maps. A map that other threads write to
// is refused (thread_bound); checked builds notice the rest. Destroying the resource gives everything back.
// Blocks of huge_bytes (16 MiB) and more are mapped one by one by mimalloc, and giving one back costs the
// system about 0.2 ms a MiB: most of what is left of a map's end. So the largest such block that a release of
// all meets is kept, and is the next map's (at most twice what it asks for); trim() or the resource gives it
// back. Measured for a map of 1,000,000 entries in nodes, whose array has 18 MiB: bench/micro/storage.cpp.
// A page of mimalloc's is 64 KiB for blocks up to 8 KiB, so each size in use costs up to a page: not for
// small maps. `owns` is left out, as in mimalloc.hpp.
#ifndef TOPHASH_ALLOCATORS_MIMALLOC_HEAP_HPP
#define TOPHASH_ALLOCATORS_MIMALLOC_HEAP_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include <mimalloc.h>

#include <tophash/allocators/wrong_block.hpp>
#include <tophash/framework/concepts/allocation.hpp>
#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/config.hpp>
#include <tophash/framework/core/checked.hpp>

namespace tophash::inline v1 {

namespace allocators {

class mimalloc_heap_resource {
 public:
  mimalloc_heap_resource() = default;
  mimalloc_heap_resource(const mimalloc_heap_resource&) = delete;
  mimalloc_heap_resource& operator=(const mimalloc_heap_resource&) = delete;
  ~mimalloc_heap_resource() {
    TOPHASH_CHECK(live_bytes_ == 0, "mimalloc_heap: the resource ends before a map that uses it");
    release_all();
    trim();
  }

  static constexpr std::size_t huge_bytes = std::size_t{16} << 20;

  void* allocate(const request& r) noexcept {
    if (r.bytes >= huge_bytes) [[unlikely]] {
      if (void* const p = allocate_huge_slow(r)) return p;
    }
    // mimalloc answers an impossible size with a message on stderr; null alone is what is wanted here.
    if (r.bytes > static_cast<std::size_t>(PTRDIFF_MAX) - r.align) return nullptr;
    if (heap_ == nullptr && !begin_heap()) return nullptr;
    TOPHASH_CHECK(owner_ == this_thread(), "mimalloc_heap: a thread allocates from another thread's heap");
    const std::size_t bytes = r.bytes < r.align ? r.align : r.bytes;
    void* const p = r.align <= alignof(std::max_align_t) ? ::mi_heap_malloc(heap_, bytes)
                                                         : allocate_over_aligned(bytes, r.align);
    if (p != nullptr) live_bytes_ += r.bytes;
    return p;
  }

  void deallocate(void* p, const request& r) noexcept {
    if (r.bytes >= huge_bytes) [[unlikely]] {
      if (deallocate_huge_slow(p, r)) return;
    }
    TOPHASH_CHECK_BLOCK(heap_ != nullptr && ::mi_heap_check_owned(heap_, p), "mimalloc_heap", r,
                        "no block of this heap");
    TOPHASH_CHECK_BLOCK(::mi_usable_size(p) >= r.bytes && live_bytes_ >= r.bytes, "mimalloc_heap", r,
                        "the block there is smaller");
    live_bytes_ -= r.bytes;
    ::mi_free_size_aligned(p, r.bytes, r.align);
  }

  // Not across huge_bytes: the size says how a block came.
  bool expand(void* p, const request& r, std::size_t n) noexcept {
    if ((r.bytes >= huge_bytes) != (n >= huge_bytes) || ::mi_expand(p, n) == nullptr) return false;
    live_bytes_ = live_bytes_ - r.bytes + n;
    return true;
  }

  // O(pages of the heap), whatever they hold.
  void release_all() noexcept {
    for (huge_block& h : huge_) {
      if (h.at == nullptr) continue;
      if (h.bytes > kept_.bytes) std::swap(h, kept_);
      ::mi_free(h.at);  // null does nothing
      h = {};
    }
    if (heap_ != nullptr) ::mi_heap_destroy(heap_);
    heap_ = nullptr;
    live_bytes_ = 0;
  }

  // Gives back what a release kept.
  void trim() noexcept {
    ::mi_free(kept_.at);
    kept_ = {};
  }

  bool try_release_all(std::size_t bytes) noexcept {
    if (bytes != live_bytes_ || owner_ != this_thread()) return false;
    release_all();
    return true;
  }

  std::size_t live_bytes() const noexcept { return live_bytes_; }  // requested
  std::size_t kept_bytes() const noexcept { return kept_.bytes; }

 private:
  struct huge_block {
    void* at = nullptr;
    std::size_t bytes = 0;
  };

  // Null: as any other block, since there is no room to remember it.
  TOPHASH_NOINLINE void* allocate_huge_slow(const request& r) noexcept {
    if (r.bytes > static_cast<std::size_t>(PTRDIFF_MAX) - r.align) return nullptr;
    for (huge_block& h : huge_) {
      if (h.at != nullptr) continue;
      const bool fits = kept_.bytes >= r.bytes && kept_.bytes / 2 <= r.bytes &&
                        reinterpret_cast<std::uintptr_t>(kept_.at) % r.align == 0;
      if (fits) {
        h = std::exchange(kept_, {});
      } else {
        h = {.at = ::mi_malloc_aligned(r.bytes, r.align), .bytes = r.bytes};
      }
      if (h.at == nullptr) return h = {}, nullptr;
      live_bytes_ += r.bytes;
      return h.at;
    }
    return nullptr;
  }
  TOPHASH_NOINLINE bool deallocate_huge_slow(void* p, const request& r) noexcept {
    for (huge_block& h : huge_) {
      if (h.at != p) continue;
      TOPHASH_CHECK_BLOCK(h.bytes >= r.bytes && live_bytes_ >= r.bytes, "mimalloc_heap", r,
                          "the block there is smaller");
      live_bytes_ -= r.bytes;
      ::mi_free(p);
      h = {};
      return true;
    }
    return false;
  }

  // As in mimalloc.hpp, where the two traps of 2.0.9 are told.
  static constexpr std::size_t plain_first_bytes = 4096;
  void* allocate_over_aligned(std::size_t bytes, std::size_t align) noexcept {
    void* const p = bytes < plain_first_bytes ? ::mi_heap_malloc_aligned(heap_, bytes, align)
                                              : ::mi_heap_malloc(heap_, bytes);
    if (reinterpret_cast<std::uintptr_t>(p) % align == 0) return p;
    ::mi_free(p);
    return ::mi_heap_malloc_aligned(heap_, bytes + 1, align);
  }

  TOPHASH_NOINLINE bool begin_heap() noexcept {
    heap_ = ::mi_heap_new();
    owner_ = this_thread();
    return heap_ != nullptr;
  }

  // An address that no other thread has.
  static const void* this_thread() noexcept {
    static thread_local const char here = 0;
    return &here;
  }

  ::mi_heap_t* heap_ = nullptr;
  std::array<huge_block, 4> huge_{};  // in use: a growing map has two
  huge_block kept_{};
  std::size_t live_bytes_ = 0;
  const void* owner_ = nullptr;
};

class mimalloc_heap {
 public:
  using axis = axes::allocation;
  static constexpr std::string_view name = "mimalloc_heap";
  static constexpr tophash::visibility visibility = tophash::visibility::opaque;
  static constexpr bool thread_bound = true;

  explicit mimalloc_heap(mimalloc_heap_resource& resource) noexcept : resource_(&resource) {}

  void* try_allocate(const request& r) const noexcept { return resource_->allocate(r); }
  void deallocate(void* p, const request& r) const noexcept { resource_->deallocate(p, r); }
  // As mimalloc's own.
  std::size_t good_size(const request& r) const noexcept {
    return ::mi_good_size(r.bytes < r.align ? r.align : r.bytes);
  }
  bool try_expand(void* p, const request& r, std::size_t n) const noexcept {
    return resource_->expand(p, r, n);
  }
  void release_all() const noexcept { resource_->release_all(); }
  bool try_release_all(std::size_t bytes) const noexcept { return resource_->try_release_all(bytes); }

  mimalloc_heap_resource& resource() const noexcept { return *resource_; }

  friend bool operator==(mimalloc_heap a, mimalloc_heap b) noexcept { return a.resource_ == b.resource_; }

 private:
  mimalloc_heap_resource* resource_;
};

static_assert(allocation_backend<mimalloc_heap>);

}  // namespace allocators

}  // namespace tophash::inline v1

#endif
