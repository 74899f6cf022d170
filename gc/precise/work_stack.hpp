// SPDX-License-Identifier: Apache-2.0
// A stack of trivial values in malloc memory that never throws: push answers false when it is full, or when
// memory ran out, and the value is then not in it.
#ifndef TOPHASH_GC_PRECISE_WORK_STACK_HPP
#define TOPHASH_GC_PRECISE_WORK_STACK_HPP

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <type_traits>

#include <tophash/framework/config.hpp>

namespace tophash::inline v1 {

namespace gc {

// For tests: which of the allocations of a heap find no memory, counted from when it is armed.
struct allocation_refusals {
  std::uint64_t first = 0, count = 0;  // 0: none
  std::uint64_t asked = 0;

  bool admits() noexcept { return ++asked < first || asked - first >= count; }
};

template <class T>
class work_stack {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  work_stack() noexcept = default;
  work_stack(const work_stack&) = delete;
  work_stack& operator=(const work_stack&) = delete;
  ~work_stack() { std::free(values_); }

  void limit(std::size_t most) noexcept { most_ = most; }
  void refuse_by(allocation_refusals* refusals) noexcept { refusals_ = refusals; }
  bool empty() const noexcept { return count_ == 0; }
  std::size_t size() const noexcept { return count_; }

  TOPHASH_ALWAYS_INLINE bool push(const T& value) noexcept {
    if (count_ == capacity_) [[unlikely]] {
      if (!widen_slow()) return false;
    }
    values_[count_++] = value;
    return true;
  }
  const T& operator[](std::size_t i) const noexcept { return values_[i]; }
  void clear() noexcept { count_ = 0; }
  TOPHASH_ALWAYS_INLINE T pop() noexcept { return values_[--count_]; }

 private:
  TOPHASH_NOINLINE bool widen_slow() noexcept {
    std::size_t wider = capacity_ == 0 ? 256 : 2 * capacity_;
    if (wider > most_) wider = most_;
    if (wider <= capacity_ || wider > std::numeric_limits<std::size_t>::max() / sizeof(T)) return false;
    if (refusals_ != nullptr && !refusals_->admits()) return false;
    void* const fresh = std::realloc(static_cast<void*>(values_), wider * sizeof(T));
    if (fresh == nullptr) return false;
    values_ = static_cast<T*>(fresh);
    capacity_ = wider;
    return true;
  }

  T* values_ = nullptr;
  std::size_t count_ = 0, capacity_ = 0;
  std::size_t most_ = std::numeric_limits<std::size_t>::max();
  allocation_refusals* refusals_ = nullptr;
};

}  // namespace gc

}  // namespace tophash::inline v1

#endif
