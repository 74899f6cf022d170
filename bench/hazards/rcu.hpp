// SPDX-License-Identifier: Apache-2.0
// Reclaiming by read-copy-update (liburcu, its flavour with sys_membarrier): a reader says where it begins
// and ends, without a locked instruction; call_rcu frees a node in a thread of the library's own once every
// reader of the time has ended. Linked, not included as LGPL source: its functions are called.
#ifndef TOPHASH_BENCH_HAZARDS_RCU_HPP
#define TOPHASH_BENCH_HAZARDS_RCU_HPP

#include <atomic>
#include <cstddef>
#include <mutex>
#include <string_view>
#include <vector>

#include <urcu/urcu-memb.h>

#include "hazards/nodes.hpp"
#include "hazards/reclaim.hpp"

namespace tophash::hazards {

class rcu {
 public:
  static constexpr std::string_view name = "RCU";
  static constexpr bool counts_changes = false;
  struct node_part {
    rcu_head head;
    rcu* owner;
  };
  using node = basic_node<node_part>;

  rcu() = default;
  rcu(const rcu&) = delete;
  rcu& operator=(const rcu&) = delete;
  ~rcu() { settle(); }

  class participant {
   public:
    explicit participant(rcu& of) : of_(of), free_(of.pool_) { urcu_memb_register_thread(); }
    participant(const participant&) = delete;
    participant& operator=(const participant&) = delete;
    ~participant() { urcu_memb_unregister_thread(); }
    word protect(unsigned, const std::atomic<word>& from) noexcept { return from.load(); }
    void keep(unsigned, unsigned) noexcept {}
    node* take() {
      if (free_.empty()) {
        const std::lock_guard held(of_.mutex_);
        for (node* const n : of_.returned_) free_.give(n);
        of_.returned_.clear();
      }
      return free_.take();
    }
    void give(node* n) { free_.give(n); }
    void retire(node* n) {
      n->owner = &of_;
      of_.waiting_.fetch_add(1, std::memory_order_relaxed);
      urcu_memb_call_rcu(&n->head, [](rcu_head* head) { free_later(head); });
    }
    // To wait for a grace period is not for who may be waited for: the library's thread frees when it can.
    void flush() noexcept {}

   private:
    rcu& of_;
    free_nodes<node> free_;
  };
  class operation {
   public:
    explicit operation(participant&) noexcept { urcu_memb_read_lock(); }
    operation(const operation&) = delete;
    operation& operator=(const operation&) = delete;
    ~operation() { urcu_memb_read_unlock(); }
  };

  std::size_t waiting() const noexcept { return waiting_.load(); }
  // Every call made so far has been answered.
  void settle() { urcu_memb_barrier(); }

 private:
  static void free_later(rcu_head* head) {
    // The head is the first member of the first base.
    node* const n = static_cast<node*>(reinterpret_cast<node_part*>(head));
    rcu& of = *n->owner;
    const std::lock_guard held(of.mutex_);
    of.returned_.push_back(n);
    of.waiting_.fetch_sub(1, std::memory_order_relaxed);
  }

  node_pool<node> pool_;
  std::mutex mutex_;
  std::vector<node*> returned_;
  std::atomic<std::size_t> waiting_{0};
};

}  // namespace tophash::hazards

#endif
