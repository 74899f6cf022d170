// SPDX-License-Identifier: Apache-2.0
// A reader-writer lock of one word for short critical sections: a thread that must wait spins for a moment,
// then sleeps until the word changes. Writers go before readers, but a reader that has slept once waits for
// no writer that is itself waiting, so neither starves the other.
//
//   bit 31   a writer holds it        bit 29      a writer waits
//   bit 30   somebody may be asleep   bits 0-28   readers that hold it (or are about to give up)
//
// The standard's SharedMutex without timed forms. Not recursive. Cost where nobody waits: one locked
// instruction to take it and one to give it back, for readers and writers alike.
#ifndef TOPHASH_FRAMEWORK_SHARED_SPINNING_LOCK_HPP
#define TOPHASH_FRAMEWORK_SHARED_SPINNING_LOCK_HPP

#include <atomic>
#include <cstdint>

#include <tophash/framework/config.hpp>

namespace tophash::inline v1::shared {

// For a loop that waits for another core: lets go of the pipeline for a moment.
TOPHASH_ALWAYS_INLINE void pause_spinning() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("yield");
#endif
}

class spinning_lock {
 public:
  spinning_lock() noexcept = default;
  spinning_lock(const spinning_lock&) = delete;
  spinning_lock& operator=(const spinning_lock&) = delete;

  void lock() noexcept {
    std::uint32_t free = 0;
    if (!word_.compare_exchange_strong(free, writer, std::memory_order_acquire, std::memory_order_relaxed))
        [[unlikely]] {
      lock_slow();
    }
  }
  bool try_lock() noexcept {
    std::uint32_t seen = word_.load(std::memory_order_relaxed);
    return (seen & (writer | readers)) == 0 && take(seen);
  }
  void unlock() noexcept {
    const std::uint32_t before = word_.fetch_and(~(writer | asleep), std::memory_order_release);
    if ((before & asleep) != 0) [[unlikely]]
      word_.notify_all();
  }

  void lock_shared() noexcept {
    if ((word_.fetch_add(1, std::memory_order_acquire) & (writer | urgent)) != 0) [[unlikely]]
      lock_shared_slow();
  }
  bool try_lock_shared() noexcept {
    std::uint32_t seen = word_.load(std::memory_order_relaxed);
    while ((seen & (writer | urgent)) == 0) {
      if (word_.compare_exchange_weak(seen, seen + 1, std::memory_order_acquire, std::memory_order_relaxed))
        return true;
    }
    return false;
  }
  void unlock_shared() noexcept {
    const std::uint32_t before = word_.fetch_sub(1, std::memory_order_release);
    if ((before & (asleep | readers)) == (asleep | 1u)) [[unlikely]]
      wake_slow();
  }

 private:
  static constexpr std::uint32_t writer = 1u << 31, asleep = 1u << 30, urgent = 1u << 29,
                                 readers = urgent - 1;
  // Two to four microseconds, as long as two visits of a small table; beyond that the holder is probably not
  // running.
  static constexpr int spins = 128;

  // From free, keeping the flag of sleepers. Whoever else waits to write says so again.
  bool take(std::uint32_t& seen) noexcept {
    return word_.compare_exchange_strong(seen, (seen & asleep) | writer, std::memory_order_acquire,
                                         std::memory_order_relaxed);
  }

  TOPHASH_NOINLINE void lock_slow() noexcept {
    for (int round = 0;; ++round) {
      std::uint32_t seen = word_.load(std::memory_order_relaxed);
      if ((seen & (writer | readers)) == 0) {
        if (take(seen)) return;
      } else if (round < spins) {
        if ((seen & urgent) == 0) word_.fetch_or(urgent, std::memory_order_relaxed);
        pause_spinning();
      } else {
        sleep(seen, urgent);
      }
    }
  }

  TOPHASH_NOINLINE void lock_shared_slow() noexcept {
    std::uint32_t against = writer | urgent;
    unlock_shared();
    for (int round = 0;; ++round) {
      std::uint32_t seen = word_.load(std::memory_order_relaxed);
      if ((seen & against) == 0) {
        if (word_.compare_exchange_weak(seen, seen + 1, std::memory_order_acquire, std::memory_order_relaxed))
          return;
      } else if (round < spins) {
        pause_spinning();
      } else {
        sleep(seen, 0);
        against = writer;
      }
    }
  }

  // Until the word is no longer what it is now, with the flag of sleepers.
  void sleep(std::uint32_t seen, std::uint32_t also) noexcept {
    const std::uint32_t marked = seen | asleep | also;
    if (seen == marked || word_.compare_exchange_strong(seen, marked, std::memory_order_relaxed)) {
      word_.wait(marked, std::memory_order_relaxed);
    }
  }

  TOPHASH_NOINLINE void wake_slow() noexcept {
    word_.fetch_and(~asleep, std::memory_order_relaxed);
    word_.notify_all();
  }

  std::atomic<std::uint32_t> word_{0};
};

}  // namespace tophash::inline v1::shared

#endif
