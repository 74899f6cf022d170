// SPDX-License-Identifier: Apache-2.0
// Keeps blocks of one size when they come back, and hands them out again before it asks the backend under it:
// for overflow buckets or nodes, all of one size. Last in, first out. Every other size, and an alignment
// above that of malloc, passes through unchanged.
//
//   allocators::bucket_pool_resource<144> spare{allocators::system{}};   // 8 slots, 8-byte keys and values
//   tophash::map<K, V, allocators::bucket_pool<144>> m{allocators::bucket_pool(spare)};
//
// The resource is the user's and outlives the maps; the handle is one pointer. What it keeps goes back with
// drain() or the resource; `keep_at_most` blocks are kept, the rest goes straight back. Not synchronised. One
// list for all maps of the resource: overflow::local_list keeps one for each map, and knows no other size.
// Cost: one comparison of sizes; a kept block costs a load and a store more.
#ifndef TOPHASH_ALLOCATORS_BUCKET_POOL_HPP
#define TOPHASH_ALLOCATORS_BUCKET_POOL_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include <tophash/allocators/system.hpp>
#include <tophash/allocators/wrong_block.hpp>
#include <tophash/framework/concepts/allocation.hpp>
#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/core/checked.hpp>
#include <tophash/framework/core/text.hpp>

namespace tophash::inline v1 {

namespace allocators {

// In the place of a size: the resource is told it when it is made.
inline constexpr std::size_t size_at_run_time = 0;

template <std::size_t Bytes, allocation_backend Upstream = system>
class bucket_pool_resource {
  static_assert(
      Bytes >= sizeof(void*) || Bytes == size_at_run_time,
      "tophash[allocation]: bucket_pool<Bytes> links the blocks it keeps through their first word, and "
      "Bytes is less than one; choose the size of a bucket or node");

 public:
  // A block serves any purpose and any small alignment, so it is asked for and given back under one request.
  request pooled() const noexcept {
    return {.bytes = bytes(), .align = alignof(std::max_align_t), .use = purpose::overflow, .trace = nullptr};
  }

  bucket_pool_resource() noexcept requires(Bytes != size_at_run_time) = default;
  explicit bucket_pool_resource(Upstream upstream, std::size_t keep_at_most = SIZE_MAX) noexcept
      requires(Bytes != size_at_run_time)
      : upstream_(std::move(upstream)), keep_at_most_(keep_at_most) {}
  // At least sizeof(void*).
  bucket_pool_resource(std::size_t block_bytes, Upstream upstream) noexcept
      requires(Bytes == size_at_run_time)
      : upstream_(std::move(upstream)), bytes_(block_bytes) {}
  bucket_pool_resource(const bucket_pool_resource&) = delete;
  bucket_pool_resource& operator=(const bucket_pool_resource&) = delete;
  ~bucket_pool_resource() {
    TOPHASH_CHECK(live_ == 0, "bucket_pool: the resource ends before a map that uses it");
    drain();
  }

  void* allocate(const request& r) noexcept {
    if (!is_pooled(r)) return upstream_.try_allocate(r);
    void* block = first_;
    if (block != nullptr) {
      std::memcpy(&first_, block, sizeof first_);
      --kept_;
      ++recycled_;
    } else {
      block = upstream_.try_allocate(pooled());
      if (block == nullptr) return nullptr;
    }
    ++live_;
    return block;
  }

  void deallocate(void* p, const request& r) noexcept {
    if (!is_pooled(r)) return upstream_.deallocate(p, r);
    TOPHASH_CHECK_BLOCK(live_ != 0, "bucket_pool", r, "more came back than was given out");
    TOPHASH_CHECK_BLOCK(p != first_, "bucket_pool", r, "the block has come back already");
    --live_;
    if (kept_ >= keep_at_most_) return upstream_.deallocate(p, pooled());
    std::memcpy(p, &first_, sizeof first_);
    first_ = p;
    ++kept_;
  }

  void drain() noexcept {
    while (first_ != nullptr) {
      void* const block = first_;
      std::memcpy(&first_, block, sizeof first_);
      upstream_.deallocate(block, pooled());
    }
    kept_ = 0;
  }

  bool is_pooled(const request& r) const noexcept {
    return r.bytes == bytes() && r.align <= alignof(std::max_align_t);
  }

  std::size_t bytes() const noexcept { return Bytes != size_at_run_time ? Bytes : bytes_; }
  std::size_t kept() const noexcept { return kept_; }            // blocks held now
  std::size_t live() const noexcept { return live_; }            // blocks of the size that are in use
  std::uint64_t recycled() const noexcept { return recycled_; }  // requests that were served from kept blocks
  Upstream& upstream() noexcept { return upstream_; }

 private:
  [[no_unique_address]] Upstream upstream_{};
  std::size_t keep_at_most_ = SIZE_MAX;
  std::size_t bytes_ = Bytes;
  void* first_ = nullptr;
  std::size_t kept_ = 0, live_ = 0;
  std::uint64_t recycled_ = 0;
};

template <std::size_t Bytes, allocation_backend Upstream = system>
class bucket_pool {
 public:
  using axis = axes::allocation;
  using resource_type = bucket_pool_resource<Bytes, Upstream>;
  static constexpr tophash::visibility visibility = static_visibility<Upstream>();
  static constexpr bool hoards = true;
  static constexpr bool thread_bound = is_thread_bound<Upstream>();
  static constexpr bool unsynchronised = true;

  static constexpr option_text name() {
    option_text out;
    out.append("bucket_pool(").append(Bytes);
    if constexpr (!std::is_same_v<Upstream, system>) out.append(",").append(option_name<Upstream>().view());
    return out.append(")");
  }

  explicit bucket_pool(resource_type& resource) noexcept : resource_(&resource) {}

  void* try_allocate(const request& r) const noexcept { return resource_->allocate(r); }
  void deallocate(void* p, const request& r) const noexcept { resource_->deallocate(p, r); }
  std::size_t good_size(const request& r) const noexcept requires requires(Upstream& a) { a.good_size(r); }
  { return resource_->upstream().good_size(resource_->is_pooled(r) ? resource_->pooled() : r); }

  tophash::visibility visibility_now() const noexcept
    requires(decides_visibility_at_run_time<Upstream>())
  {
    return visibility_of(resource_->upstream());
  }

  resource_type& resource() const noexcept { return *resource_; }

  friend bool operator==(bucket_pool a, bucket_pool b) noexcept { return a.resource_ == b.resource_; }

 private:
  resource_type* resource_;
};

static_assert(allocation_backend<bucket_pool<144>>);

}  // namespace allocators

}  // namespace tophash::inline v1

#endif
