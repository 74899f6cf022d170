// SPDX-License-Identifier: Apache-2.0
// A tail of overflow buckets behind the main ones, allocated with the array, as in Go's map (makeBucketArray): one
// for every 16 main buckets, from 16 main buckets on. A chain takes the next one of the tail, then comes storage. An
// emptied bucket of the tail is kept and taken again first (Go never empties one); others go back to storage. The
// tail lives and ends with its array, so during a growth there are two, and only the new one is taken from.
// Counts: recycled are buckets of the tail that were released before; in_array those of a tail in use.
// A copy starts empty; a move takes tails and counts along with the arrays.
#ifndef TOPHASH_POLICIES_OVERFLOW_PREALLOCATED_HPP
#define TOPHASH_POLICIES_OVERFLOW_PREALLOCATED_HPP

#include <cstddef>
#include <cstring>
#include <functional>
#include <string_view>
#include <utility>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/concepts/overflow.hpp>
#include <tophash/framework/core/checked.hpp>
#include <tophash/framework/core/purpose.hpp>

namespace tophash::inline v1 {

namespace overflow {

class preallocated {
 public:
  using axis = axes::overflow;
  static constexpr std::string_view name = "preallocated";
  static constexpr overflow_facts facts{.recycles = true, .shared = false, .in_array = true};

  constexpr preallocated() noexcept = default;
  constexpr preallocated(const preallocated&) noexcept {}
  constexpr preallocated(preallocated&& other) noexcept { take(other); }
  constexpr preallocated& operator=(const preallocated&) noexcept { return *this; }
  constexpr preallocated& operator=(preallocated&& other) noexcept {
    if (this != &other) take(other);
    return *this;
  }
  ~preallocated() = default;

  static constexpr std::size_t tail_units(std::size_t units) noexcept { return units < 16 ? 0 : units / 16; }

  void adopt(void* first, std::size_t count, std::size_t bytes) noexcept {
    old_ = current_;
    auto* const begin = static_cast<unsigned char*>(first);
    current_ = {.begin = begin, .next = begin, .end = begin + count * bytes, .bucket_bytes = bytes, .emptied = nullptr};
  }
  void retire_old() noexcept { old_ = {}; }

  template <class Storage>
  void* acquire(Storage& storage, const request& wanted) noexcept {
    if (current_.emptied != nullptr) {
      void* const block = current_.emptied;
      std::memcpy(&current_.emptied, block, sizeof(void*));
      ++counts_.requested;
      ++counts_.recycled;
      ++counts_.in_array;
      return block;
    }
    if (current_.next != current_.end) {
      void* const block = current_.next;
      current_.next += current_.bucket_bytes;
      ++counts_.requested;
      ++counts_.in_array;
      return block;
    }
    void* const block = storage.try_allocate(wanted);
    if (block != nullptr) ++counts_.requested;
    return block;
  }

  template <class Storage>
  void release(Storage& storage, void* block, const request& was) noexcept {
    ++counts_.released;
    if (current_.holds(block)) {
      --counts_.in_array;
      std::memcpy(block, &current_.emptied, sizeof(void*));
      current_.emptied = block;
    } else if (old_.holds(block)) {
      --counts_.in_array;  // its array is being evacuated: nobody takes from it again
    } else {
      storage.deallocate(block, was);
    }
  }

  // The table is about to give back its arrays.
  template <class Storage>
  void drain(Storage&, const request&) noexcept {
    current_ = {};
    old_ = {};
  }

  constexpr void forget() noexcept {
    current_ = {};
    old_ = {};
    counts_.released = counts_.requested;
    counts_.in_array = 0;
  }

  constexpr overflow_counts counts() const noexcept { return counts_; }

 private:
  struct tail {
    unsigned char* begin = nullptr;
    unsigned char* next = nullptr;  // never taken from here on
    unsigned char* end = nullptr;
    std::size_t bucket_bytes = 0;
    void* emptied = nullptr;        // a list, linked through the first word

    bool holds(const void* block) const noexcept {
      const std::less<const void*> before;
      return !before(block, begin) && before(block, end);
    }
  };

  constexpr void take(preallocated& other) noexcept {
    current_ = std::exchange(other.current_, {});
    old_ = std::exchange(other.old_, {});
    counts_ = std::exchange(other.counts_, {});
  }

  tail current_, old_;
  overflow_counts counts_;
};

}  // namespace overflow

}  // namespace tophash::inline v1

#endif
