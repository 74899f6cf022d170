// SPDX-License-Identifier: Apache-2.0
// A monotonic arena over any backend: a block is the next bytes of a chunk, and giving it back frees nothing
// by itself. Memory goes back when all of it does: when the last live block is given back (the arena then
// begins again at its largest chunk), with try_release_all, release_all, or the resource. A map that grows
// leaves every array it outgrew behind: about as much again as the last one. For maps that are built, read
// and dropped.
//
//   allocators::arena_resource scratch{allocators::system{}};
//   tophash::map<K, V, allocators::arena<>> m{allocators::arena(scratch)};
//
// The resource is the user's and outlives the maps; the handle is one pointer. Not synchronised.
// The block given out last is taken back when it comes back first, and can grow in place to the end of its
// chunk. Cost: an addition, a mask and a comparison. Chunks double from first_chunk_bytes to chunk_max_bytes;
// a larger request gets a chunk of its own. A chunk begins with its header (next, end), 16 bytes.
#ifndef TOPHASH_ALLOCATORS_ARENA_HPP
#define TOPHASH_ALLOCATORS_ARENA_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <new>
#include <utility>

#include <tophash/allocators/system.hpp>
#include <tophash/allocators/wrong_block.hpp>
#include <tophash/framework/concepts/allocation.hpp>
#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/config.hpp>
#include <tophash/framework/core/checked.hpp>
#include <tophash/framework/core/text.hpp>

namespace tophash::inline v1 {

namespace allocators {

struct arena_options {
  std::size_t first_chunk_bytes = std::size_t{64} << 10;
  std::size_t chunk_max_bytes = std::size_t{16} << 20;
};

template <allocation_backend Upstream = system>
class arena_resource {
 public:
  arena_resource() = default;
  explicit arena_resource(Upstream upstream, const arena_options& options = {}) noexcept
      : upstream_(std::move(upstream)), options_(options), next_chunk_bytes_(options.first_chunk_bytes) {}
  explicit arena_resource(const arena_options& options) noexcept
      : options_(options), next_chunk_bytes_(options.first_chunk_bytes) {}
  arena_resource(const arena_resource&) = delete;
  arena_resource& operator=(const arena_resource&) = delete;
  ~arena_resource() {
    TOPHASH_CHECK(live_blocks_ == 0, "arena: the resource ends before a map that uses it");
    release_all();
  }

  TOPHASH_ALWAYS_INLINE void* allocate(const request& r) noexcept {
    const std::uintptr_t at = (next_ + (r.align - 1)) & ~(std::uintptr_t{r.align} - 1);
    if (at < next_ || at > end_ || r.bytes > end_ - at) [[unlikely]]
      return allocate_slow(r);
    return take(at, r);
  }

  void deallocate(void* p, const request& r) noexcept {
    const auto at = reinterpret_cast<std::uintptr_t>(p);
    TOPHASH_CHECK_BLOCK(owns(p) && owns(static_cast<const unsigned char*>(p) + (r.bytes - 1)), "arena", r,
                        "no block of this arena");
    TOPHASH_CHECK_BLOCK(live_blocks_ != 0 && live_bytes_ >= r.bytes, "arena", r,
                        "more came back than was given out");
    live_bytes_ -= r.bytes;
    --live_blocks_;
    if (at + r.bytes == next_) next_ = at;
    if (live_blocks_ == 0) begin_again();
  }

  bool expand(void* p, const request& r, std::size_t n) noexcept {
    const auto at = reinterpret_cast<std::uintptr_t>(p);
    if (n > r.bytes) {
      if (at + r.bytes != next_ || n - r.bytes > end_ - next_) return false;
      next_ += n - r.bytes;
    }
    live_bytes_ = live_bytes_ - r.bytes + n;
    return true;
  }

  // O(chunks): there are few.
  bool owns(const void* p) const noexcept {
    const std::less<const void*> before;
    for (const chunk* c = chunks_; c != nullptr; c = c->next) {
      const auto* const begin = reinterpret_cast<const unsigned char*>(c + 1);
      const auto* const end = reinterpret_cast<const unsigned char*>(c) + c->bytes;
      if (!before(p, begin) && before(p, end)) return true;
    }
    return false;
  }

  // Chunks go back to the upstream backend, the last one too.
  void release_all() noexcept {
    drop_chunks_after(nullptr);
    next_ = end_ = 0;
    live_bytes_ = live_blocks_ = 0;
    next_chunk_bytes_ = options_.first_chunk_bytes;
  }

  bool try_release_all(std::size_t bytes) noexcept {
    if (bytes != live_bytes_) return false;
    release_all();
    return true;
  }

  std::size_t live_bytes() const noexcept { return live_bytes_; }  // requested and not given back
  std::size_t held_bytes() const noexcept {                        // taken from upstream
    std::size_t sum = 0;
    for (const chunk* c = chunks_; c != nullptr; c = c->next) sum += c->bytes;
    return sum;
  }
  const Upstream& upstream() const noexcept { return upstream_; }

 private:
  struct chunk {
    chunk* next;
    std::size_t bytes;  // the header's included
  };
  static_assert(sizeof(chunk) % alignof(std::max_align_t) == 0);

  static request chunk_request(std::size_t bytes) noexcept {
    return {.bytes = bytes, .align = alignof(std::max_align_t), .use = purpose::slots, .trace = nullptr};
  }

  TOPHASH_ALWAYS_INLINE void* take(std::uintptr_t at, const request& r) noexcept {
    next_ = at + r.bytes;
    live_bytes_ += r.bytes;
    ++live_blocks_;
    return reinterpret_cast<void*>(at);
  }

  TOPHASH_NOINLINE void* allocate_slow(const request& r) noexcept {
    if (r.bytes > static_cast<std::size_t>(PTRDIFF_MAX) - r.align - sizeof(chunk)) return nullptr;
    const std::size_t least = r.bytes + r.align + sizeof(chunk);
    std::size_t bytes = next_chunk_bytes_ > least ? next_chunk_bytes_ : least;
    void* block = upstream_.try_allocate(chunk_request(bytes));
    if (block == nullptr && bytes > least) {
      bytes = least;
      block = upstream_.try_allocate(chunk_request(bytes));
    }
    if (block == nullptr) return nullptr;
    chunks_ = ::new (block) chunk{chunks_, bytes};
    if (next_chunk_bytes_ < options_.chunk_max_bytes) next_chunk_bytes_ *= 2;
    use_chunk(chunks_);
    return take((next_ + (r.align - 1)) & ~(std::uintptr_t{r.align} - 1), r);
  }

  void use_chunk(const chunk* c) noexcept {
    next_ = reinterpret_cast<std::uintptr_t>(c + 1);
    end_ = reinterpret_cast<std::uintptr_t>(c) + c->bytes;
  }

  // No block is live: the largest chunk is enough to begin with.
  void begin_again() noexcept {
    if (chunks_ == nullptr) return;
    chunk* largest = chunks_;
    for (chunk* c = chunks_; c != nullptr; c = c->next) {
      if (c->bytes > largest->bytes) largest = c;
    }
    drop_chunks_after(largest);
    use_chunk(largest);
  }

  void drop_chunks_after(chunk* kept) noexcept {
    for (chunk* c = std::exchange(chunks_, nullptr); c != nullptr;) {
      chunk* const next = c->next;
      if (c != kept) upstream_.deallocate(c, chunk_request(c->bytes));
      c = next;
    }
    chunks_ = kept;
    if (kept != nullptr) kept->next = nullptr;
  }

  [[no_unique_address]] Upstream upstream_{};
  arena_options options_{};
  std::uintptr_t next_ = 0, end_ = 0;  // of the newest chunk
  chunk* chunks_ = nullptr;
  std::size_t next_chunk_bytes_ = arena_options{}.first_chunk_bytes;
  std::size_t live_bytes_ = 0, live_blocks_ = 0;
};

template <allocation_backend Upstream = system>
class arena {
 public:
  using axis = axes::allocation;
  using resource_type = arena_resource<Upstream>;
  static constexpr tophash::visibility visibility = static_visibility<Upstream>();
  static constexpr bool hoards = true;
  static constexpr bool thread_bound = is_thread_bound<Upstream>();
  static constexpr bool unsynchronised = true;

  static constexpr option_text name() {
    option_text out;
    return out.append("arena(").append(option_name<Upstream>().view()).append(")");
  }

  explicit arena(resource_type& resource) noexcept : resource_(&resource) {}

  void* try_allocate(const request& r) const noexcept { return resource_->allocate(r); }
  void deallocate(void* p, const request& r) const noexcept { resource_->deallocate(p, r); }
  bool try_expand(void* p, const request& r, std::size_t n) const noexcept {
    return resource_->expand(p, r, n);
  }
  bool owns(const void* p) const noexcept { return resource_->owns(p); }
  void release_all() const noexcept { resource_->release_all(); }
  bool try_release_all(std::size_t bytes) const noexcept { return resource_->try_release_all(bytes); }

  tophash::visibility visibility_now() const noexcept
    requires(decides_visibility_at_run_time<Upstream>())
  {
    return visibility_of(resource_->upstream());
  }

  resource_type& resource() const noexcept { return *resource_; }

  friend bool operator==(arena a, arena b) noexcept { return a.resource_ == b.resource_; }

 private:
  resource_type* resource_;
};

static_assert(allocation_backend<arena<>>);

}  // namespace allocators

}  // namespace tophash::inline v1

#endif
