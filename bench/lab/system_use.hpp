// SPDX-License-Identifier: Apache-2.0
// What the calling thread has cost the system: the counters that explain a storage's time and memory. A fault
// is a page that was not there: fresh memory, or memory that had been given back.
#ifndef TOPHASH_BENCH_LAB_SYSTEM_USE_HPP
#define TOPHASH_BENCH_LAB_SYSTEM_USE_HPP

#include <cstdint>

#include <sys/resource.h>

namespace tophash::lab {

struct system_use {
  std::uint64_t page_faults = 0;  // without a read from disk
  std::uint64_t kernel_ns = 0;    // CPU time

  friend system_use operator-(const system_use& a, const system_use& b) noexcept {
    return {a.page_faults - b.page_faults, a.kernel_ns - b.kernel_ns};
  }
};

// Zeros where the system does not tell.
inline system_use system_use_so_far() noexcept {
  rusage use{};
#if defined(RUSAGE_THREAD)
  constexpr int whose = RUSAGE_THREAD;
#else
  constexpr int whose = RUSAGE_SELF;
#endif
  if (getrusage(whose, &use) != 0) return {};
  return {static_cast<std::uint64_t>(use.ru_minflt),
          static_cast<std::uint64_t>(use.ru_stime.tv_sec) * 1'000'000'000u +
              static_cast<std::uint64_t>(use.ru_stime.tv_usec) * 1'000u};
}

}  // namespace tophash::lab

#endif
