// SPDX-License-Identifier: Apache-2.0
// Two threads at once, and whether the machine runs them so: a figure of two threads counts for nothing where
// two spinning ones do not do nearly twice what one does.
#ifndef TOPHASH_BENCH_HAZARDS_TWO_THREADS_HPP
#define TOPHASH_BENCH_HAZARDS_TWO_THREADS_HPP

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <thread>

#include <time.h>

#include <tophash/framework/shared/spinning_lock.hpp>

namespace tophash::hazards {

// What two spinning threads must do together, of what one does, for the machine to be said to run two.
inline constexpr double scales_enough = 1.8;

inline std::uint64_t steady_ns() noexcept {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                        std::chrono::steady_clock::now().time_since_epoch())
                                        .count());
}

inline std::uint64_t this_thread_cpu_ns() noexcept {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
}

// Until the count has reached n. Spins for a moment, then sleeps until somebody notifies.
inline void wait_for(const std::atomic<std::size_t>& count, std::size_t n) noexcept {
  for (int spins = 0; spins < 1000; ++spins) {
    if (count.load() >= n) return;
    shared::pause_spinning();
  }
  for (std::size_t seen = count.load(); seen < n; seen = count.load()) count.wait(seen);
}

// Runs work(0) and work(1) at once; nanoseconds from the common start to the later end.
template <class F>
double two_threads_ns(const F& work) {
  std::atomic<std::size_t> ready{0};
  std::array<std::uint64_t, 2> from{}, to{};
  const auto run = [&](std::size_t t) {
    ready.fetch_add(1);
    ready.notify_one();
    wait_for(ready, 2);
    from[t] = steady_ns();
    work(t);
    to[t] = steady_ns();
  };
  std::thread other(run, 1);
  run(0);
  other.join();
  return static_cast<double>(std::max(to[0], to[1]) - std::min(from[0], from[1]));
}

// CPU time of work(0) in this thread.
template <class F>
double one_thread_ns(const F& work) {
  const std::uint64_t from = this_thread_cpu_ns();
  work(0);
  return static_cast<double>(this_thread_cpu_ns() - from);
}

// Arithmetic that touches no memory: what two threads do of it, over what one does in the same time.
inline double spin_scaling() {
  static std::atomic<std::uint64_t> sink{0};
  const auto spin = [](std::size_t t) {
    std::uint64_t state = t * 2 + 1, sum = 0;
    for (int i = 0; i < 500'000; ++i) {
      state ^= state << 13;
      state ^= state >> 7;
      sum += state ^= state << 17;
    }
    sink.fetch_add(sum, std::memory_order_relaxed);
  };
  const std::uint64_t from = steady_ns();
  spin(0);
  const auto alone = static_cast<double>(steady_ns() - from);
  return 2 * alone / two_threads_ns(spin);
}

}  // namespace tophash::hazards

#endif
