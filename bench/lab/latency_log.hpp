// SPDX-License-Identifier: Apache-2.0
// Ticks of every measured operation, kept apart by position in the program: executions of the same program
// fill the same log, and each position keeps its least. What another program on the core added to an
// operation (a preemption is a million times a lookup) thus drops out, and what the map itself does stays.
#ifndef TOPHASH_BENCH_LAB_LATENCY_LOG_HPP
#define TOPHASH_BENCH_LAB_LATENCY_LOG_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace tophash::lab {

class latency_log {
 public:
  static constexpr std::uint32_t unset = std::numeric_limits<std::uint32_t>::max();  // about 1.7 s of ticks

  // The slots, `unset` before the first execution, belong to the caller.
  explicit latency_log(std::span<std::uint32_t> slots) noexcept : slots_(slots) {}

  void record(std::uint64_t ticks) noexcept {
    if (next_ < slots_.size()) {
      slots_[next_] =
          std::min(slots_[next_], static_cast<std::uint32_t>(std::min<std::uint64_t>(ticks, unset - 1)));
    }
    ++next_;
  }

  std::size_t recorded() const noexcept { return std::min(next_, slots_.size()); }

 private:
  std::span<std::uint32_t> slots_;
  std::size_t next_ = 0;
};

}  // namespace tophash::lab

#endif
