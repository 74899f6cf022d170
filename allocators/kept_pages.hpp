// SPDX-License-Identifier: Apache-2.0
// Large blocks straight from the operating system, as `pages`, but a block that comes back is kept for the
// next request of its size, at most kept_blocks of them and kept_bytes in all, with its memory given back at
// once, lazily or not at all (pages_system.hpp). What it trades: `keep` and `lazily` spare the page faults of
// the next array, and hold what the map gave back; `at_once` spares only the system call that maps. Smaller
// blocks come from the C library.
//
//   allocators::kept_pages_resource kept{{.how = allocators::give_back::lazily}};
//   tophash::map<K, V, allocators::kept_pages> m{allocators::kept_pages(kept)};
//
// The resource is the user's and outlives the maps; the handle is one pointer. Not synchronised. Blocks are
// not zeroed: one that was kept has old contents. Cost: a search of the kept blocks, 32 at most, for each
// large one.
#ifndef TOPHASH_ALLOCATORS_KEPT_PAGES_HPP
#define TOPHASH_ALLOCATORS_KEPT_PAGES_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include <tophash/allocators/pages_system.hpp>
#include <tophash/allocators/system.hpp>
#include <tophash/allocators/wrong_block.hpp>
#include <tophash/framework/concepts/allocation.hpp>
#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/core/checked.hpp>

namespace tophash::inline v1 {

namespace allocators {

struct kept_pages_options {
  give_back how = give_back::at_once;
  std::size_t least_bytes = 32768;  // a smaller block comes from the C library
  std::size_t kept_bytes = std::size_t{256} << 20;
};

class kept_pages_resource {
 public:
  static constexpr std::size_t kept_blocks = 32;

  explicit kept_pages_resource(const kept_pages_options& options = {}) noexcept : options_(options) {}
  kept_pages_resource(const kept_pages_resource&) = delete;
  kept_pages_resource& operator=(const kept_pages_resource&) = delete;
  ~kept_pages_resource() {
    TOPHASH_CHECK(live_ == 0, "kept_pages: the resource ends before a map that uses it");
    drain();
  }

  void* allocate(const request& r) noexcept {
    if (!is_large(r)) return system{}.try_allocate(r);
    if (r.bytes > static_cast<std::size_t>(PTRDIFF_MAX) - system_page_bytes) return nullptr;
    const std::size_t bytes = taken_bytes(r.bytes);
    void* p = nullptr;
    for (block& b : blocks_) {
      if (b.at == nullptr || b.bytes != bytes) continue;
      p = std::exchange(b, {}).at;
      kept_bytes_ -= bytes;
      ++recycled_;
      break;
    }
    if (p == nullptr) p = take_system_pages(bytes);
    if (p != nullptr) ++live_;
    return p;
  }

  void deallocate(void* p, const request& r) noexcept {
    if (!is_large(r)) return system{}.deallocate(p, r);
    TOPHASH_CHECK_BLOCK(reinterpret_cast<std::uintptr_t>(p) % system_page_bytes == 0, "kept_pages", r,
                        "no block of whole pages begins there");
    TOPHASH_CHECK_BLOCK(live_ != 0, "kept_pages", r, "more came back than was given out");
    TOPHASH_CHECK_BLOCK(!is_kept(p), "kept_pages", r, "the block has come back already");
    --live_;
    const std::size_t bytes = taken_bytes(r.bytes);
    if (bytes <= options_.kept_bytes - kept_bytes_) {
      for (block& b : blocks_) {
        if (b.at != nullptr) continue;
        static_cast<void>(give_back_contents(p, bytes, options_.how));
        b = {.at = p, .bytes = bytes};
        kept_bytes_ += bytes;
        return;
      }
    }
    return_system_pages(p, bytes);
  }

  // Kept blocks back to the system, addresses included.
  void drain() noexcept {
    for (block& b : blocks_) {
      if (b.at != nullptr) return_system_pages(b.at, b.bytes);
      b = {};
    }
    kept_bytes_ = 0;
  }

  std::size_t good_size(const request& r) const noexcept {
    return is_large(r) ? taken_bytes(r.bytes) : r.bytes;
  }
  std::size_t kept_bytes() const noexcept { return kept_bytes_; }  // addresses; memory as `how` says
  std::uint64_t recycled() const noexcept { return recycled_; }

 private:
  struct block {
    void* at = nullptr;
    std::size_t bytes = 0;
  };

  bool is_kept(const void* p) const noexcept {
    for (const block& b : blocks_) {
      if (b.at == p) return true;
    }
    return false;
  }
  bool is_large(const request& r) const noexcept {
    return TOPHASH_PAGES_FROM_MMAP != 0 && r.bytes >= options_.least_bytes && r.bytes != 0 &&
           r.align <= system_page_bytes;
  }
  static constexpr std::size_t taken_bytes(std::size_t bytes) noexcept {
    return (bytes + system_page_bytes - 1) / system_page_bytes * system_page_bytes;
  }

  kept_pages_options options_;
  std::array<block, kept_blocks> blocks_{};
  std::size_t kept_bytes_ = 0, live_ = 0;
  std::uint64_t recycled_ = 0;
};

class kept_pages {
 public:
  using axis = axes::allocation;
  static constexpr std::string_view name = "kept_pages";
  static constexpr tophash::visibility visibility = tophash::visibility::opaque;
  static constexpr bool unsynchronised = true;

  explicit kept_pages(kept_pages_resource& resource) noexcept : resource_(&resource) {}

  void* try_allocate(const request& r) const noexcept { return resource_->allocate(r); }
  void deallocate(void* p, const request& r) const noexcept { resource_->deallocate(p, r); }
  std::size_t good_size(const request& r) const noexcept { return resource_->good_size(r); }

  kept_pages_resource& resource() const noexcept { return *resource_; }

  friend bool operator==(kept_pages a, kept_pages b) noexcept { return a.resource_ == b.resource_; }

 private:
  kept_pages_resource* resource_;
};

static_assert(allocation_backend<kept_pages>);

}  // namespace allocators

}  // namespace tophash::inline v1

#endif
