// SPDX-License-Identifier: Apache-2.0
// Interleavings that are chosen, not hoped for: a thread is let go as far as a named point of its code and
// stands there until it is let go again. One thread at a time runs, so a schedule has one outcome.
//
//   stopped_thread slow([&] { chain.erase(mine, 10); });
//   slow.run_to(point::before_unlink);   // it has marked node 10 and is about to unlink it
//   ...                                  // the calling thread does what it likes
//   slow.finish();
//
// Code that is to be stopped calls Stops::at(point): `stopping` looks whether the calling thread is such a
// thread, `never_stopping` is nothing, and what is measured is compiled with that.
#ifndef TOPHASH_BENCH_HAZARDS_STOPPING_HPP
#define TOPHASH_BENCH_HAZARDS_STOPPING_HPP

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

namespace tophash::hazards {

enum class point : std::uint8_t {
  at_node,        // a node was reached: its address is known, nothing of it was read
  before_mark,    // an erase has found its node
  before_unlink,  // ... has marked it, and holds what the compare-and-swap will expect
};

class stopped_thread {
 public:
  // Begins at the first run_to or finish.
  explicit stopped_thread(std::function<void()> work)
      : thread_([this, work = std::move(work)] {
          wait_for_turn();
          current = this;
          work();
          current = nullptr;
          const std::lock_guard held(mutex_);
          over_ = true;
          running_ = false;
          changed_.notify_all();
        }) {}
  stopped_thread(const stopped_thread&) = delete;
  stopped_thread& operator=(const stopped_thread&) = delete;
  ~stopped_thread() { finish(); }

  // Lets it go until it comes to `where` for the n-th time from here. False: it ended before that.
  bool run_to(point where, unsigned arrivals = 1) {
    std::unique_lock held(mutex_);
    if (over_) return false;
    stop_at_ = where;
    arrivals_ = arrivals;
    running_ = true;
    changed_.notify_all();
    changed_.wait(held, [this] { return !running_; });
    return !over_;
  }
  // Lets it go to its end. Once or more.
  void finish() {
    if (!thread_.joinable()) return;
    {
      const std::lock_guard held(mutex_);
      arrivals_ = 0;
      running_ = true;
      changed_.notify_all();
    }
    thread_.join();
  }

  // From the thread itself.
  void arrived(point where) {
    if (arrivals_ == 0 || where != stop_at_ || --arrivals_ != 0) return;
    {
      const std::lock_guard held(mutex_);
      running_ = false;
      changed_.notify_all();
    }
    wait_for_turn();
  }

  static inline thread_local stopped_thread* current = nullptr;

 private:
  void wait_for_turn() {
    std::unique_lock held(mutex_);
    changed_.wait(held, [this] { return running_; });
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool running_ = false, over_ = false;
  // Written while the thread stands still.
  point stop_at_ = point::at_node;
  unsigned arrivals_ = 0;  // 0: nowhere
  std::thread thread_;     // last: it uses the others
};

struct stopping {
  static void at(point where) {
    if (stopped_thread::current != nullptr) stopped_thread::current->arrived(where);
  }
};
struct never_stopping {
  static void at(point) noexcept {}
};

}  // namespace tophash::hazards

#endif
