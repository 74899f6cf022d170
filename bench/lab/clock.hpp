// SPDX-License-Identifier: Apache-2.0
// The lab's clocks. CPU time of the calling thread for throughput (another process on the core costs
// nothing), wall time beside it, and a tick counter for single operations: the processor's time-stamp counter
// where there is one (about 10 ns to read twice), else the steady clock. `tick_rate` calibrates ticks against
// wall time.
#ifndef TOPHASH_BENCH_LAB_CLOCK_HPP
#define TOPHASH_BENCH_LAB_CLOCK_HPP

#include <cstdint>
#include <ctime>

#if defined(__x86_64__) || defined(__i386__)
#include <x86intrin.h>
#endif

namespace tophash::lab {

inline std::uint64_t clock_ns(clockid_t clock) noexcept {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
}

inline std::uint64_t thread_cpu_ns() noexcept { return clock_ns(CLOCK_THREAD_CPUTIME_ID); }
inline std::uint64_t wall_ns() noexcept { return clock_ns(CLOCK_MONOTONIC); }

inline std::uint64_t ticks_now() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  return __rdtsc();
#else
  return wall_ns();
#endif
}

struct tick_rate {
  double ns_per_tick = 1;
  double overhead_ns = 0;  // of one empty timed operation; the median of many, not subtracted anywhere
};

// Takes about 20 ms, once a process.
const tick_rate& calibrated_ticks();

}  // namespace tophash::lab

#endif
