// SPDX-License-Identifier: Apache-2.0
// Where a collector reads only the slots whose tags say that they are in use, an entry must not lie in a slot
// whose tag is still empty: a moved-in key may be in that slot and nowhere else while the constructor of its
// value allocates, or while another thread does. So the tag says `opening` first: traced, and seen by no search,
// since it is neither vacant nor live. Storage that is not read so pays nothing.
#ifndef TOPHASH_FRAMEWORK_TABLE_OPENING_HPP
#define TOPHASH_FRAMEWORK_TABLE_OPENING_HPP

#include <atomic>
#include <cstdint>

#include <tophash/framework/config.hpp>

namespace tophash::inline v1::table {

// A collector stops a thread between two of its stores: those before this are done, those behind are not.
// Processors need no more, as the stopped thread's stores are seen in its order.
template <class B>
TOPHASH_ALWAYS_INLINE void order_stores() noexcept {
  if constexpr (B::opens_slots) std::atomic_signal_fence(std::memory_order_seq_cst);
}

// The tag of a vacant slot while an entry is put into it. Claiming the slot settles it; otherwise, after an
// exception, the tag is put back.
template <class B, bool Needed = B::opens_slots>
class opened_slot {
 public:
  explicit opened_slot(typename B::slot) noexcept {}
};

template <class B>
class opened_slot<B, true> {
 public:
  explicit opened_slot(typename B::slot at) noexcept
      : tag_(B::model::tag_at(at)), before_(tag_), opening_(B::model::opening_over(before_)) {
    tag_ = opening_;
    order_stores<B>();
  }
  opened_slot(const opened_slot&) = delete;
  opened_slot& operator=(const opened_slot&) = delete;
  ~opened_slot() {
    if (tag_ == opening_) [[unlikely]]
      tag_ = before_;
  }

 private:
  std::uint8_t& tag_;
  const std::uint8_t before_, opening_;
};

}  // namespace tophash::inline v1::table

#endif
