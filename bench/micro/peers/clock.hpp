// SPDX-License-Identifier: Apache-2.0
// The CPU time of the calling thread: what another process takes of the core is not in it. Reading it is a
// system call of some 100 ns, which `stopwatch` measures once and subtracts.
#ifndef TOPHASH_BENCH_MICRO_PEERS_CLOCK_HPP
#define TOPHASH_BENCH_MICRO_PEERS_CLOCK_HPP

#include <algorithm>
#include <array>
#include <cstdint>

#include <time.h>

namespace tophash::peers {

inline std::int64_t thread_cpu_ns() noexcept {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

// What two readings with nothing between them are apart: the median of 1,001.
inline std::int64_t clock_cost_ns() noexcept {
  static const std::int64_t cost_ns = [] {
    std::array<std::int64_t, 1001> apart{};
    for (std::int64_t& a : apart) {
      const std::int64_t from = thread_cpu_ns();
      a = thread_cpu_ns() - from;
    }
    std::nth_element(apart.begin(), apart.begin() + apart.size() / 2, apart.end());
    return apart[apart.size() / 2];
  }();
  return cost_ns;
}

// After it the compiler knows nothing of what `object` holds: a loop over it is not hoisted out of the loop
// over passes.
template <class T>
inline void forget(const T& object) noexcept {
  asm volatile("" : : "g"(&object) : "memory");
}

// The keys that a loop goes through are asked for half a kilobyte ahead. Left to the processor, whose own prefetch has a
// map's scattered accesses between two of them, it depended on how the loop was compiled whether they came in time: the
// same lookups took 6 ns in one function and 13 in another, and the floor up to 1.5 times as long.
template <class Key>
inline void ask_ahead(const Key& key) noexcept {
  constexpr std::uintptr_t ahead_bytes = 512;
  __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(&key) + ahead_bytes));
}

// Adds up the time of any number of stretches.
class stopwatch {
 public:
  void start() noexcept { from_ns_ = thread_cpu_ns(); }
  // `result` is computed by then, not after.
  void stop(std::uint64_t result) noexcept {
    asm volatile("" : : "r"(result) : "memory");
    stop();
  }
  void stop() noexcept { total_ns_ += std::max<std::int64_t>(0, thread_cpu_ns() - from_ns_ - cost_ns_); }
  double ns() const noexcept { return static_cast<double>(total_ns_); }

 private:
  std::int64_t cost_ns_ = clock_cost_ns();
  std::int64_t from_ns_ = 0;
  std::int64_t total_ns_ = 0;
};

}  // namespace tophash::peers

#endif
