// SPDX-License-Identifier: Apache-2.0
// Between std::pmr and backends, both ways.
//   from_resource     a backend on a std::pmr::memory_resource, which the user owns. Bytes are rounded up to a
//                     multiple of their alignment: libstdc++'s pools (12.2) align a block no more strictly
//                     than the size of its pool happens to be (106 bytes at 32 come 16 past). Entries know
//                     nothing of it; for elements that are to use the resource too, wrap the allocator
//                     instead: from_std<std::pmr::polymorphic_allocator<std::byte>>
//   as_resource<B>    a std::pmr::memory_resource on a backend B, so that every pmr container runs on it; all
//                     of its requests have one purpose
// No rule sees whether a memory_resource is synchronised: under sync::striped it must be, such as
// std::pmr::synchronized_pool_resource.
// A resource throws, a backend answers null: each side is translated.
#ifndef TOPHASH_ALLOCATORS_PMR_HPP
#define TOPHASH_ALLOCATORS_PMR_HPP

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <string_view>
#include <utility>

#include <tophash/framework/concepts/allocation.hpp>
#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/config.hpp>

namespace tophash::inline v1 {

namespace allocators {

class from_resource {
 public:
  using axis = axes::allocation;
  static constexpr std::string_view name = "from_resource";
  static constexpr tophash::visibility visibility = tophash::visibility::opaque;

  from_resource() noexcept : resource_(std::pmr::get_default_resource()) {}
  explicit from_resource(std::pmr::memory_resource& resource) noexcept : resource_(&resource) {}

  void* try_allocate(const request& r) const noexcept {
    // Not every resource notices a size that wraps when it is rounded up.
    if (r.bytes > static_cast<std::size_t>(PTRDIFF_MAX) - r.align) return nullptr;
    TOPHASH_TRY { return resource_->allocate(rounded(r), r.align); }
    TOPHASH_CATCH_ALL { return nullptr; }
  }
  void deallocate(void* p, const request& r) const noexcept { resource_->deallocate(p, rounded(r), r.align); }

  std::pmr::memory_resource& resource() const noexcept { return *resource_; }

  friend bool operator==(from_resource a, from_resource b) noexcept { return *a.resource_ == *b.resource_; }

 private:
  static constexpr std::size_t rounded(const request& r) noexcept {
    return (r.bytes + r.align - 1) / r.align * r.align;
  }

  std::pmr::memory_resource* resource_;
};

static_assert(allocation_backend<from_resource>);

template <allocation_backend Backend>
class as_resource final : public std::pmr::memory_resource {
 public:
  explicit as_resource(Backend backend, purpose use = purpose::node) noexcept
      : backend_(std::move(backend)), use_(use) {}

  const Backend& backend() const noexcept { return backend_; }

 private:
  request request_for(std::size_t bytes, std::size_t align) const noexcept {
    // A resource may be asked for no bytes, a backend is not.
    return {.bytes = bytes == 0 ? 1 : bytes, .align = align, .use = use_, .trace = nullptr};
  }
  void* do_allocate(std::size_t bytes, std::size_t align) override {
    void* const p = backend_.try_allocate(request_for(bytes, align));
    if (p == nullptr) throw_bad_alloc();
    return p;
  }
  void do_deallocate(void* p, std::size_t bytes, std::size_t align) override {
    backend_.deallocate(p, request_for(bytes, align));
  }
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
    const auto* const same = dynamic_cast<const as_resource*>(&other);
    return same != nullptr && same->use_ == use_ && same->backend_ == backend_;
  }

  [[no_unique_address]] Backend backend_;
  purpose use_;
};

}  // namespace allocators

}  // namespace tophash::inline v1

#endif
