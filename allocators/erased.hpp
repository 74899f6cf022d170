// SPDX-License-Identifier: Apache-2.0
// A backend whose type is known at run time only: for the lab, which swaps storage under one compiled map.
// The handle is a table of functions and the resource that keeps the real handle; each call costs one
// indirect call. Its static visibility is the widest, so a map is ready for pointer-free blocks;
// visibility_now() decides. Absence cannot show in this type, so what a backend has by presence is left out,
// save try_expand and try_release_all, to which "no" is an ordinary answer.
#ifndef TOPHASH_ALLOCATORS_ERASED_HPP
#define TOPHASH_ALLOCATORS_ERASED_HPP

#include <cstddef>
#include <string_view>
#include <utility>

#include <tophash/framework/concepts/allocation.hpp>
#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/core/text.hpp>

namespace tophash::inline v1 {

namespace allocators {

// Keeps a backend's handle; the user owns it, and it outlives the maps.
template <allocation_backend A>
class erased_resource {
 public:
  erased_resource() = default;
  explicit erased_resource(A backend) noexcept : backend_(std::move(backend)) {}
  erased_resource(const erased_resource&) = delete;
  erased_resource& operator=(const erased_resource&) = delete;

  A& backend() noexcept { return backend_; }

 private:
  A backend_{};
};

struct erased_operations {
  void* (*try_allocate)(void*, const request&) noexcept;
  void (*deallocate)(void*, void*, const request&) noexcept;
  bool (*try_expand)(void*, void*, const request&, std::size_t) noexcept;
  bool (*try_release_all)(void*, std::size_t) noexcept;
  bool (*equal)(void*, void*) noexcept;
  tophash::visibility (*visibility_now)(void*) noexcept;
  std::string_view (*name)() noexcept;
};

class erased {
 public:
  using axis = axes::allocation;
  static constexpr std::string_view name = "erased";
  static constexpr tophash::visibility visibility = tophash::visibility::pointer_free;

  // No default constructor: there is no backend that a forgotten argument could mean.
  template <class A>
  explicit erased(erased_resource<A>& resource) noexcept
      : operations_(&operations_of<A>), resource_(&resource.backend()) {}

  void* try_allocate(const request& r) const noexcept { return operations_->try_allocate(resource_, r); }
  void deallocate(void* p, const request& r) const noexcept { operations_->deallocate(resource_, p, r); }
  bool try_expand(void* p, const request& r, std::size_t n) const noexcept {
    return operations_->try_expand(resource_, p, r, n);
  }
  bool try_release_all(std::size_t bytes) const noexcept {
    return operations_->try_release_all(resource_, bytes);
  }
  tophash::visibility visibility_now() const noexcept { return operations_->visibility_now(resource_); }
  std::string_view backend_name() const noexcept { return operations_->name(); }

  friend bool operator==(erased a, erased b) noexcept {
    return a.operations_ == b.operations_ && a.operations_->equal(a.resource_, b.resource_);
  }

 private:
  template <class A>
  static A& as(void* resource) noexcept {
    return *static_cast<A*>(resource);
  }

  template <class A>
  static bool expand(void* a, void* p, const request& r, std::size_t n) noexcept {
    if constexpr (requires { as<A>(a).try_expand(p, r, n); }) {
      return as<A>(a).try_expand(p, r, n);
    } else {
      return n <= r.bytes;
    }
  }

  template <class A>
  static bool release_all(void* a, std::size_t bytes) noexcept {
    if constexpr (releases_at_once<A>) {
      return as<A>(a).try_release_all(bytes);
    } else {
      static_cast<void>(a), static_cast<void>(bytes);
      return false;
    }
  }

  template <class A>
  static constexpr option_text name_of = option_name<A>();

  template <class A>
  static constexpr erased_operations operations_of = {
      .try_allocate = [](void* a, const request& r) noexcept { return as<A>(a).try_allocate(r); },
      .deallocate = [](void* a, void* p, const request& r) noexcept { as<A>(a).deallocate(p, r); },
      .try_expand = &expand<A>,
      .try_release_all = &release_all<A>,
      .equal = [](void* a, void* b) noexcept -> bool { return as<A>(a) == as<A>(b); },
      .visibility_now = [](void* a) noexcept { return visibility_of(as<A>(a)); },
      .name = []() noexcept { return name_of<A>.view(); },
  };

  const erased_operations* operations_;
  void* resource_;
};

static_assert(allocation_backend<erased>);

}  // namespace allocators

}  // namespace tophash::inline v1

#endif
