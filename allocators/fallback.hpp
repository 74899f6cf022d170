// SPDX-License-Identifier: Apache-2.0
// What the first backend refuses comes from the second: an arena or spans of a fixed reservation, then
// malloc. The first must say whose a block is (owns), since nothing else tells when it comes back; without
// that the composition is refused by a rule. The handle holds both handles, two words in all. Equal when both
// parts are. Cost: a test of the result on the way out, owns() of the first on the way back.
#ifndef TOPHASH_ALLOCATORS_FALLBACK_HPP
#define TOPHASH_ALLOCATORS_FALLBACK_HPP

#include <concepts>
#include <cstddef>
#include <utility>

#include <tophash/allocators/combined.hpp>
#include <tophash/framework/concepts/allocation.hpp>
#include <tophash/framework/core/checked.hpp>
#include <tophash/framework/core/text.hpp>

namespace tophash::inline v1 {

namespace allocators {

template <allocation_backend First, allocation_backend Second>
class fallback : public combined<First, Second> {
 public:
  static constexpr storage_fault composition_fault =
      tells_owner<First> ? fault_of_parts<First, Second>() : storage_fault::unknown_owner;
  // A block that the first cannot align comes from the second.
  static constexpr std::size_t align_max_bytes = strictest_align_bytes<Second>();

  static constexpr option_text name() {
    option_text out;
    out.append("fallback(").append(option_name<First>().view()).append(",");
    return out.append(option_name<Second>().view()).append(")");
  }

  fallback() noexcept
      requires(std::default_initializable<First>&& std::default_initializable<Second>) = default;
  fallback(First first, Second second) noexcept : first_(std::move(first)), second_(std::move(second)) {}

  void* try_allocate(const request& r) noexcept {
    void* const p = first_.try_allocate(r);
    return p != nullptr ? p : second_.try_allocate(r);
  }
  void deallocate(void* p, const request& r) noexcept {
    is_first(p) ? first_.deallocate(p, r) : second_.deallocate(p, r);
  }
  bool try_expand(void* p, const request& r, std::size_t n) noexcept
      requires(expands<First>&& expands<Second>) {
    return is_first(p) ? first_.try_expand(p, r, n) : second_.try_expand(p, r, n);
  }
  bool owns(const void* p) noexcept requires(tells_owner<First>&& tells_owner<Second>) {
    return first_.owns(p) || second_.owns(p);
  }
  void release_all() noexcept requires(releases<First>&& releases<Second>) {
    first_.release_all();
    second_.release_all();
  }
  tophash::visibility visibility_now() const noexcept
      requires(decides_visibility_at_run_time<First>() || decides_visibility_at_run_time<Second>()) {
    TOPHASH_CHECK(visibility_of(first_) == visibility_of(second_),
                  "fallback: its parts are not seen alike by a collector");
    return visibility_of(first_);
  }

  friend bool operator==(const fallback& a, const fallback& b) noexcept {
    return a.first_ == b.first_ && a.second_ == b.second_;
  }

 private:
  // Never asked in a composition that the rules accept without owns().
  bool is_first([[maybe_unused]] void* p) noexcept {
    if constexpr (tells_owner<First>) {
      return first_.owns(p);
    } else {
      return false;
    }
  }

  [[no_unique_address]] First first_;
  [[no_unique_address]] Second second_;
};

}  // namespace allocators

}  // namespace tophash::inline v1

#endif
