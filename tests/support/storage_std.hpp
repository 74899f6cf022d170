// SPDX-License-Identifier: Apache-2.0
// The battery's recording resource under a standard map. A header of its own: it throws, as a standard allocator
// must, and storage.hpp is compiled without exceptions too.
#ifndef TOPHASH_TESTS_SUPPORT_STORAGE_STD_HPP
#define TOPHASH_TESTS_SUPPORT_STORAGE_STD_HPP

#include <cstddef>
#include <new>

#include "support/storage.hpp"

namespace tophash::testing {

// The same resource under a standard map: the control that shows what the harness asks is possible.
template <class T>
class recording_std {
 public:
  using value_type = T;

  explicit recording_std(recording_resource& resource) noexcept : resource_(&resource) {}
  template <class Other>
  explicit(false) recording_std(const recording_std<Other>& other) noexcept : resource_(other.resource_) {}

  T* allocate(std::size_t n) {
    const request asked{.bytes = n * sizeof(T), .align = alignof(T), .use = purpose::node, .trace = nullptr};
    void* block = resource_->try_allocate(asked);
    if (block == nullptr) throw std::bad_alloc{};
    return static_cast<T*>(block);
  }
  void deallocate(T* block, std::size_t n) noexcept {
    resource_->deallocate(
        block, {.bytes = n * sizeof(T), .align = alignof(T), .use = purpose::node, .trace = nullptr});
  }
  template <class Other>
  bool operator==(const recording_std<Other>& other) const noexcept {
    return resource_ == other.resource_;
  }

  recording_resource* resource_;
};

}  // namespace tophash::testing

#endif
