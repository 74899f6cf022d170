// SPDX-License-Identifier: Apache-2.0
// When memory that other threads may still be reading can be given back, without a collector: epochs (Fraser,
// "Practical lock-freedom", 2004).
//
// A thread that reads shared structures holds a `pin`. What a writer unlinks it retires; it is disposed of
// once every pin that was there at the unlinking is gone. The process has one epoch counter and one record a
// thread:
//
//   record.pinned_at   0: outside; otherwise the epoch the thread saw when it went in
//   the counter goes from e to e + 1 only when every pinned record says e; so while a thread is pinned at e
//   the counter is at most e + 1, and what was retired at e is unreachable for everybody once the counter is
//   e + 2
//
// All of it is sequentially consistent, loads of what a pin protects included: then either the reader's
// record comes before the writer's look at it, and is seen, or the reader's loads come after the unlinking,
// and miss it. (No fences: the thread sanitizer does not know them. On x86-64 such a load is a plain one.)
//
// Cost of a pin: one exchange of a word that only this thread writes, and one store; a pin inside a pin, an
// addition. A thread that stays pinned (a long visit) keeps everything from being disposed of that is retired
// meanwhile, in all structures: memory waits, no thread does.
#ifndef TOPHASH_FRAMEWORK_SHARED_EPOCHS_HPP
#define TOPHASH_FRAMEWORK_SHARED_EPOCHS_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

#include <tophash/framework/config.hpp>

namespace tophash::inline v1::shared {

class epochs {
  // Its own pair of cache lines: its thread writes it at every operation.
  struct alignas(128) record {
    std::atomic<std::uint64_t> pinned_at{0};
    std::atomic<bool> taken{true};
    record* next = nullptr;  // fixed once the record is in the list
    std::size_t depth = 0;   // pins of this thread, nested; nobody else's business
  };

 public:
  class pin {
   public:
    pin() : mine_(of_this_thread()) {
      if (mine_->depth++ == 0) mine_->pinned_at.store(now_.load());
    }
    pin(const pin&) = delete;
    pin& operator=(const pin&) = delete;
    ~pin() {
      if (mine_ != nullptr) leave();
    }
    // Before its end; once.
    void leave() noexcept {
      if (--mine_->depth == 0) mine_->pinned_at.store(0, std::memory_order_release);
      mine_ = nullptr;
    }

   private:
    record* mine_;
  };

  static std::uint64_t now() noexcept { return now_.load(); }

  // One step further if no pin stands in the way; the epoch after that.
  static std::uint64_t advance() noexcept {
    std::uint64_t e = now_.load();
    for (const record* r = records_.load(); r != nullptr; r = r->next) {
      const std::uint64_t at = r->pinned_at.load();
      if (at != 0 && at != e) return e;
    }
    if (now_.compare_exchange_strong(e, e + 1)) return e + 1;
    return e;
  }

 private:
  // Gives the thread's record back to the next thread that needs one. Records are never freed.
  struct lease {
    record* held = nullptr;
    ~lease() {
      if (held == nullptr) return;
      current_ = nullptr;
      held->taken.store(false, std::memory_order_release);
    }
  };

  TOPHASH_ALWAYS_INLINE static record* of_this_thread() {
    if (current_ == nullptr) [[unlikely]]
      register_thread_slow();
    return current_;
  }

  TOPHASH_NOINLINE static void register_thread_slow() {
    static thread_local lease this_threads;
    record* r = records_.load();
    while (r != nullptr && (r->taken.load(std::memory_order_relaxed) || r->taken.exchange(true))) r = r->next;
    if (r == nullptr) {
      r = new (std::nothrow) record;
      if (r == nullptr) throw_bad_alloc();
      r->next = records_.load();
      while (!records_.compare_exchange_weak(r->next, r)) {
      }
    }
    this_threads.held = r;
    current_ = r;
  }

  alignas(128) static inline std::atomic<std::uint64_t> now_{1};
  alignas(128) static inline std::atomic<record*> records_{nullptr};
  static inline constinit thread_local record* current_ = nullptr;
};

// What waits to be disposed of. The link is the first member of a retired object.
struct retired_link {
  retired_link* next_retired = nullptr;
};

// The retired objects of one structure, of `Kinds` kinds. Disposing is the owner's: `dispose(kind, link)`,
// noexcept. retire() is lock-free: one compare-and-swap a try on a line that the structure's writers share.
template <std::size_t Kinds>
class limbo {
 public:
  // What a call of collect() is worth: after so many retirings.
  static constexpr std::uint32_t batch = 64;

  // In a pin that began before the unlinking. True: collect() now pays.
  bool retire(std::size_t kind, retired_link* what) noexcept {
    retired_link* top = heads_[kind].load(std::memory_order_relaxed);
    do {
      what->next_retired = top;
    } while (
        !heads_[kind].compare_exchange_weak(top, what, std::memory_order_release, std::memory_order_relaxed));
    // Loaded and stored: a lost count is made up for by the next ones.
    const std::uint32_t n = waiting_.load(std::memory_order_relaxed) + 1;
    waiting_.store(n, std::memory_order_relaxed);
    return n >= batch;
  }

  // Disposes of what nobody can see any more. Outside of a pin of this thread everything goes that was
  // retired before, unless another thread is pinned. Returns how many objects; 0 also while another thread
  // does it.
  template <class Dispose>
  std::size_t collect(const Dispose& dispose) noexcept {
    if (collecting_.exchange(true, std::memory_order_acquire)) return 0;
    waiting_.store(0, std::memory_order_relaxed);
    std::size_t gone = 0;
    // Two rounds for what is sealed, two more for what is sealed on the way.
    for (int round = 0; round < 4; ++round) {
      if (sealed_any_ && epochs::now() >= sealed_at_ + 2) gone += dispose_sealed(dispose);
      if (!sealed_any_ && !seal()) break;
      epochs::advance();
    }
    if (sealed_any_ && epochs::now() >= sealed_at_ + 2) gone += dispose_sealed(dispose);
    collecting_.store(false, std::memory_order_release);
    return gone;
  }

  // Everything, at once: no thread uses the structure.
  template <class Dispose>
  void dispose_all(const Dispose& dispose) noexcept {
    do {
      if (sealed_any_) dispose_sealed(dispose);
    } while (seal());
  }

 private:
  // Sealed after the last of them was unlinked, so this epoch is at least each one's.
  bool seal() noexcept {
    for (std::size_t kind = 0; kind < Kinds; ++kind) {
      sealed_[kind] = heads_[kind].exchange(nullptr);
      sealed_any_ = sealed_any_ || sealed_[kind] != nullptr;
    }
    sealed_at_ = epochs::now();
    return sealed_any_;
  }

  template <class Dispose>
  std::size_t dispose_sealed(const Dispose& dispose) noexcept {
    std::size_t gone = 0;
    sealed_any_ = false;
    for (std::size_t kind = 0; kind < Kinds; ++kind) {
      retired_link* next = sealed_[kind];
      sealed_[kind] = nullptr;
      while (next != nullptr) {
        retired_link* const what = next;
        next = what->next_retired;
        dispose(kind, what);
        ++gone;
      }
    }
    return gone;
  }

  alignas(64) std::atomic<retired_link*> heads_[Kinds] = {};
  std::atomic<std::uint32_t> waiting_{0};
  std::atomic<bool> collecting_{false};
  // Of whoever collects.
  bool sealed_any_ = false;
  std::uint64_t sealed_at_ = 0;
  retired_link* sealed_[Kinds] = {};
};

}  // namespace tophash::inline v1::shared

#endif
