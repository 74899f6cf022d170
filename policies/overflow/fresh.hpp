// SPDX-License-Identifier: Apache-2.0
// Every overflow bucket comes from storage and goes straight back to it. Keeps nothing; counts exactly.
// A copy starts with zero counts; a move takes them along. Assigning a copy leaves the target's counts alone:
// they belong to the map that acquired.
#ifndef TOPHASH_POLICIES_OVERFLOW_FRESH_HPP
#define TOPHASH_POLICIES_OVERFLOW_FRESH_HPP

#include <string_view>
#include <utility>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/concepts/overflow.hpp>
#include <tophash/framework/core/purpose.hpp>

namespace tophash::inline v1 {

namespace overflow {

class fresh {
 public:
  using axis = axes::overflow;
  static constexpr std::string_view name = "fresh";
  static constexpr overflow_facts facts{.recycles = false};

  constexpr fresh() noexcept = default;
  constexpr fresh(const fresh&) noexcept {}
  constexpr fresh(fresh&& other) noexcept : counts_(std::exchange(other.counts_, {})) {}
  constexpr fresh& operator=(const fresh&) noexcept { return *this; }
  constexpr fresh& operator=(fresh&& other) noexcept {
    const overflow_counts taken = std::exchange(other.counts_, {});
    counts_ = taken;
    return *this;
  }
  ~fresh() = default;

  template <class Storage>
  void* acquire(Storage& storage, const request& wanted) noexcept {
    void* block = storage.try_allocate(wanted);
    if (block != nullptr) ++counts_.requested;
    return block;
  }

  template <class Storage>
  void release(Storage& storage, void* block, const request& was) noexcept {
    ++counts_.released;
    storage.deallocate(block, was);
  }

  template <class Storage>
  void drain(Storage&, const request&) noexcept {}

  constexpr void forget() noexcept { counts_.released = counts_.requested; }

  constexpr overflow_counts counts() const noexcept { return counts_; }

 private:
  overflow_counts counts_;
};

}  // namespace overflow

}  // namespace tophash::inline v1

#endif
