// SPDX-License-Identifier: Apache-2.0
// The map keeps its emptied overflow buckets, linked through their first word, and hands them out again
// before it asks storage: what Go notes as to be done and does not do. Last released, first acquired: the
// block most likely still in cache. Counts exactly. Holds memory until drained; the owner drains before it
// destroys. A copy starts empty with zero counts. Assigning a copy leaves the target as it is, since its
// blocks are its own; a move takes list and counts along, into a target that has been drained.
#ifndef TOPHASH_POLICIES_OVERFLOW_LOCAL_LIST_HPP
#define TOPHASH_POLICIES_OVERFLOW_LOCAL_LIST_HPP

#include <cstring>
#include <string_view>
#include <utility>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/concepts/overflow.hpp>
#include <tophash/framework/core/checked.hpp>
#include <tophash/framework/core/purpose.hpp>

namespace tophash::inline v1 {

namespace overflow {

class local_list {
 public:
  using axis = axes::overflow;
  static constexpr std::string_view name = "local_list";
  static constexpr overflow_facts facts{.recycles = true};

  constexpr local_list() noexcept = default;
  constexpr local_list(const local_list&) noexcept {}
  constexpr local_list(local_list&& other) noexcept
      : first_(std::exchange(other.first_, nullptr)), counts_(std::exchange(other.counts_, {})) {}
  constexpr local_list& operator=(const local_list&) noexcept { return *this; }
  constexpr local_list& operator=(local_list&& other) noexcept {
    if (this == &other) return *this;
    TOPHASH_CHECK(first_ == nullptr, "a local_list that still keeps blocks is assigned to: drain it first");
    first_ = std::exchange(other.first_, nullptr);
    counts_ = std::exchange(other.counts_, {});
    return *this;
  }
  ~local_list() = default;

  friend constexpr void swap(local_list& a, local_list& b) noexcept {
    std::swap(a.first_, b.first_);
    std::swap(a.counts_, b.counts_);
  }

  template <class Storage>
  void* acquire(Storage& storage, const request& wanted) noexcept {
    if (first_ == nullptr) {
      void* block = storage.try_allocate(wanted);
      if (block != nullptr) ++counts_.requested;
      return block;
    }
    ++counts_.requested;
    ++counts_.recycled;
    return take_first();
  }

  template <class Storage>
  void release(Storage&, void* block, const request& was) noexcept {
    TOPHASH_CHECK(was.bytes >= sizeof(void*), "an overflow bucket without room for a link");
    static_cast<void>(was);
    std::memcpy(block, &first_, sizeof first_);
    first_ = block;
    ++counts_.released;
    ++counts_.kept;
  }

  template <class Storage>
  void drain(Storage& storage, const request& was) noexcept {
    while (first_ != nullptr) storage.deallocate(take_first(), was);
  }

  constexpr void forget() noexcept {
    first_ = nullptr;
    counts_.released = counts_.requested;
    counts_.kept = 0;
  }

  constexpr overflow_counts counts() const noexcept { return counts_; }

 private:
  // The link is wiped: in a block that a collector reads it would keep the next one alive.
  void* take_first() noexcept {
    void* block = first_;
    std::memcpy(&first_, block, sizeof first_);
    std::memset(block, 0, sizeof first_);
    --counts_.kept;
    return block;
  }

  void* first_ = nullptr;
  overflow_counts counts_;
};

}  // namespace overflow

}  // namespace tophash::inline v1

#endif
