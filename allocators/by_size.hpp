// SPDX-License-Identifier: Apache-2.0
// Requests of at most Limit bytes from one backend, larger ones from another: small blocks from spans, arrays
// from pages. In a spec: by_size(1024,small=spans,large=pages(32768)).
// The handle holds both handles, two words in all. The size says whose a block is, so a block expands only as
// long as it stays on its side. Equal when both parts are. Cost: one comparison.
#ifndef TOPHASH_ALLOCATORS_BY_SIZE_HPP
#define TOPHASH_ALLOCATORS_BY_SIZE_HPP

#include <concepts>
#include <cstddef>
#include <utility>

#include <tophash/allocators/combined.hpp>
#include <tophash/framework/concepts/allocation.hpp>
#include <tophash/framework/core/checked.hpp>
#include <tophash/framework/core/text.hpp>

namespace tophash::inline v1 {

namespace allocators {

template <std::size_t Limit, allocation_backend Small, allocation_backend Large>
class by_size : public combined<Small, Large> {
 public:
  static constexpr storage_fault composition_fault = fault_of_parts<Small, Large>();

  static constexpr option_text name() {
    option_text out;
    out.append("by_size(").append(Limit).append(",small=").append(option_name<Small>().view());
    return out.append(",large=").append(option_name<Large>().view()).append(")");
  }

  by_size() noexcept
      requires(std::default_initializable<Small>&& std::default_initializable<Large>) = default;
  by_size(Small small, Large large) noexcept : small_(std::move(small)), large_(std::move(large)) {}

  void* try_allocate(const request& r) noexcept {
    return is_small(r.bytes) ? small_.try_allocate(r) : large_.try_allocate(r);
  }
  void deallocate(void* p, const request& r) noexcept {
    is_small(r.bytes) ? small_.deallocate(p, r) : large_.deallocate(p, r);
  }
  std::size_t good_size(const request& r) noexcept requires(tells_good_size<Small>&& tells_good_size<Large>) {
    return is_small(r.bytes) ? small_.good_size(r) : large_.good_size(r);
  }
  bool try_expand(void* p, const request& r, std::size_t n) noexcept
      requires(expands<Small>&& expands<Large>) {
    if (is_small(r.bytes) != is_small(n)) return false;
    return is_small(n) ? small_.try_expand(p, r, n) : large_.try_expand(p, r, n);
  }
  bool owns(const void* p) noexcept requires(tells_owner<Small>&& tells_owner<Large>) {
    return small_.owns(p) || large_.owns(p);
  }
  void release_all() noexcept requires(releases<Small>&& releases<Large>) {
    small_.release_all();
    large_.release_all();
  }
  tophash::visibility visibility_now() const noexcept
      requires(decides_visibility_at_run_time<Small>() || decides_visibility_at_run_time<Large>()) {
    TOPHASH_CHECK(visibility_of(small_) == visibility_of(large_),
                  "by_size: its parts are not seen alike by a collector");
    return visibility_of(small_);
  }

  friend bool operator==(const by_size& a, const by_size& b) noexcept {
    return a.small_ == b.small_ && a.large_ == b.large_;
  }

 private:
  static constexpr bool is_small(std::size_t bytes) noexcept { return bytes <= Limit; }

  [[no_unique_address]] Small small_;
  [[no_unique_address]] Large large_;
};

}  // namespace allocators

}  // namespace tophash::inline v1

#endif
