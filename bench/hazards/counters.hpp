// SPDX-License-Identifier: Apache-2.0
// What a count costs that several threads may keep, beside a plain one (claim C28: that a version of Go's
// mapdelete counted atomically and the next did not; both count plainly). Kinds:
//   plain      one word. Volatile, so that each addition reaches memory, as a member of an object that
//              escapes would. No counter for two threads
//   stored     one atomic word, loaded and stored: no locked instruction, and additions get lost
//   atomic     one atomic word, fetch_add
//   sharded    a word a thread, 128 bytes apart, fetch_add; reading adds them up
#ifndef TOPHASH_BENCH_HAZARDS_COUNTERS_HPP
#define TOPHASH_BENCH_HAZARDS_COUNTERS_HPP

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tophash::hazards {

struct plain_counter {
  static constexpr std::string_view name = "plain";
  void add(std::size_t, std::uint64_t by) noexcept { n = n + by; }
  std::uint64_t sum() const noexcept { return n; }
  volatile std::uint64_t n = 0;
};

struct stored_counter {
  static constexpr std::string_view name = "relaxed, loaded and stored";
  void add(std::size_t, std::uint64_t by) noexcept {
    n.store(n.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  std::uint64_t sum() const noexcept { return n.load(); }
  std::atomic<std::uint64_t> n{0};
};

struct atomic_counter {
  static constexpr std::string_view name = "relaxed fetch_add";
  void add(std::size_t, std::uint64_t by) noexcept { n.fetch_add(by, std::memory_order_relaxed); }
  std::uint64_t sum() const noexcept { return n.load(); }
  std::atomic<std::uint64_t> n{0};
};

struct sharded_counter {
  static constexpr std::string_view name = "sharded fetch_add";
  struct alignas(128) shard {
    std::atomic<std::uint64_t> n{0};
  };
  void add(std::size_t thread, std::uint64_t by) noexcept {
    shards[thread % shards.size()].n.fetch_add(by, std::memory_order_relaxed);
  }
  std::uint64_t sum() const noexcept {
    std::uint64_t total = 0;
    for (const shard& s : shards) total += s.n.load();
    return total;
  }
  std::array<shard, 4> shards;
};

}  // namespace tophash::hazards

#endif
