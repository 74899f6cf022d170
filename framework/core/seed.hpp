// SPDX-License-Identifier: Apache-2.0
// Random seeds without <random>: unpredictable from outside the process, different for every map. The start
// comes from the address-space layout and the clock; each thread steps a sequence of its own. Not a source of
// secrets: it keeps hostile keys from being prepared in advance, as Go's per-map seed does.
#ifndef TOPHASH_FRAMEWORK_CORE_SEED_HPP
#define TOPHASH_FRAMEWORK_CORE_SEED_HPP

#include <atomic>
#include <cstdint>
#include <ctime>

#include <tophash/framework/config.hpp>
#include <tophash/framework/core/bits.hpp>

namespace tophash::inline v1 {

namespace seeds {

inline std::uint64_t process_start() noexcept {
  static const std::uint64_t value = [] {
    int on_stack = 0;
    std::uint64_t z = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(&on_stack));
    z = next_seed(z ^ static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(&process_start)));
    std::timespec now{};
    static_cast<void>(std::timespec_get(&now, TIME_UTC));
    z = next_seed(z ^ static_cast<std::uint64_t>(now.tv_nsec));
    return next_seed(z ^ static_cast<std::uint64_t>(now.tv_sec));
  }();
  return value;
}

inline std::atomic<std::uint64_t> threads{0};

// Of this thread; 0: not begun. A counter of the whole process would cost each new map a locked instruction.
inline constinit thread_local std::uint64_t last = 0;

TOPHASH_NOINLINE inline void begin_thread_slow() noexcept {
  last = next_seed(process_start() + threads.fetch_add(1, std::memory_order_relaxed) * golden_ratio_bits) | 1u;
}

}  // namespace seeds

inline std::uint64_t random_seed() noexcept {
  if (seeds::last == 0) [[unlikely]] seeds::begin_thread_slow();
  seeds::last += golden_ratio_bits;
  return next_seed(seeds::last);
}

}  // namespace tophash::inline v1

#endif
