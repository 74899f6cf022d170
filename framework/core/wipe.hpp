// SPDX-License-Identifier: Apache-2.0
// Bytes that an erased entry leaves, and taking them away.
#ifndef TOPHASH_FRAMEWORK_CORE_WIPE_HPP
#define TOPHASH_FRAMEWORK_CORE_WIPE_HPP

#include <atomic>
#include <cstddef>
#include <cstring>
#include <type_traits>

#include <tophash/framework/core/trace_info.hpp>

namespace tophash::inline v1 {

// May the bytes of a T that is gone still be an address: of collected memory, or of what its destructor
// freed?
template <class T>
inline constexpr bool may_leave_address = gc_traits<T>::may_contain_pointers ||
                                          (!std::is_void_v<T> && !std::is_trivially_copyable_v<T>);

// Zeroes bytes that nobody reads again. The fence keeps the stores: before a deallocation they would be dead.
inline void wipe_bytes(void* at, std::size_t bytes) noexcept {
  std::memset(at, 0, bytes);
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

}  // namespace tophash::inline v1

#endif
