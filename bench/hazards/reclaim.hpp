// SPDX-License-Identifier: Apache-2.0
// When an unlinked node may be used again: four answers, and the one that is wrong on purpose. A reclaimer is
// one structure's; each thread that uses the structure has a participant of it, made in that thread.
//
//   unsafe    at once                                               a reader may stand on it, and ABA
//   tagged    at once; every change of a word is counted in it      until the count of 16 bits comes round
//   hazard    when no participant has published its address         (Michael, "Hazard pointers", 2004)
//   epoch     when every pin of the time is gone                    (framework/shared/epochs.hpp)
//   rcu       after a grace period                                  (rcu.hpp, by liburcu)
//
//   R::node_part, R::node, R::counts_changes       what it keeps in a node; whether words carry tags
//   participant(R&)
//   operation(participant&)                        around each operation of the structure
//   protect(slot, from) -> word                    reads `from`; the node it leads to is safe until the slot
//                                                  is used again, if `from` was part of the structure
//   keep(from_slot, to_slot)                       what was protected by one slot is by another; upwards only
//   take() -> node*                                a node nobody else knows
//   give(node*)                                    ... that was never in the structure
//   retire(node*)                                  the caller has unlinked it
//   flush()                                        outside of an operation: frees what can be freed now
//   R::waiting()                                   nodes that are retired and cannot be used yet
//   R::settle()                                    by presence: waits for the thread that frees
#ifndef TOPHASH_BENCH_HAZARDS_RECLAIM_HPP
#define TOPHASH_BENCH_HAZARDS_RECLAIM_HPP

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <tophash/framework/core/checked.hpp>
#include <tophash/framework/shared/epochs.hpp>

#include "hazards/nodes.hpp"

namespace tophash::hazards {

struct no_part {};

// A node is free as soon as it is unlinked.
template <bool CountsChanges>
class at_once {
 public:
  static constexpr std::string_view name = CountsChanges ? "tagged" : "unsafe";
  static constexpr bool counts_changes = CountsChanges;
  using node_part = no_part;
  using node = basic_node<node_part>;

  class participant {
   public:
    explicit participant(at_once& of) : free_(of.pool_) {}
    word protect(unsigned, const std::atomic<word>& from) noexcept { return from.load(); }
    void keep(unsigned, unsigned) noexcept {}
    node* take() { return free_.take(); }
    void give(node* n) { free_.give(n); }
    void retire(node* n) { free_.give(n); }
    void flush() noexcept {}

   private:
    // A tagged word is read by those who come too late, and must go on counting: it is left alone.
    free_nodes<node, CountsChanges> free_;
  };
  struct operation {
    explicit operation(participant&) noexcept {}
  };

  std::size_t waiting() const noexcept { return 0; }

 private:
  node_pool<node> pool_;
};
using unsafe = at_once<false>;
using tagged = at_once<true>;

class hazard {
 public:
  static constexpr std::string_view name = "hazard pointers";
  static constexpr bool counts_changes = false;
  static constexpr std::size_t participants_max = 8, slots = 3;
  static constexpr std::size_t scan_at = 64;  // retired nodes: several times what can be protected
  using node_part = no_part;
  using node = basic_node<node_part>;

 private:
  struct alignas(128) record {
    std::array<std::atomic<word>, slots> protects{};
    std::atomic<bool> taken{false};
  };

 public:
  class participant {
   public:
    explicit participant(hazard& of) : of_(of), free_(of.pool_) {
      for (record& r : of.records_) {
        if (!r.taken.exchange(true)) {
          mine_ = &r;
          break;
        }
      }
      TOPHASH_ALWAYS(mine_ != nullptr, "hazard: more than 8 participants");
    }
    participant(const participant&) = delete;
    participant& operator=(const participant&) = delete;
    // What it could not free yet stays the pool's.
    ~participant() {
      clear();
      mine_->taken.store(false);
    }

    word protect(unsigned slot, const std::atomic<word>& from) noexcept {
      word w = from.load();
      for (;;) {
        mine_->protects[slot].store(address_of(w));
        const word again = from.load();
        // Published before it was read again: whoever unlinks the node after this looks at the slot.
        if (again == w) return w;
        w = again;
      }
    }
    // Upwards, as flush() reads: it cannot miss an address on its way.
    void keep(unsigned from, unsigned to) noexcept {
      mine_->protects[to].store(mine_->protects[from].load(std::memory_order_relaxed),
                                std::memory_order_release);
    }
    void clear() noexcept {
      for (auto& p : mine_->protects) p.store(0, std::memory_order_release);
    }
    node* take() { return free_.take(); }
    void give(node* n) { free_.give(n); }
    void retire(node* n) {
      retired_.push_back(n);
      of_.waiting_.fetch_add(1, std::memory_order_relaxed);
      if (retired_.size() >= scan_at) flush();
    }
    void flush() {
      std::vector<word> protects;
      for (const record& r : of_.records_) {
        for (const auto& p : r.protects) protects.push_back(p.load());
      }
      std::sort(protects.begin(), protects.end());
      const auto still = std::partition(retired_.begin(), retired_.end(), [&](const node* n) {
        return std::binary_search(protects.begin(), protects.end(), word_of(n));
      });
      of_.waiting_.fetch_sub(static_cast<std::size_t>(retired_.end() - still), std::memory_order_relaxed);
      for (auto n = still; n != retired_.end(); ++n) free_.give(*n);
      retired_.erase(still, retired_.end());
    }

   private:
    hazard& of_;
    free_nodes<node> free_;
    record* mine_ = nullptr;
    std::vector<node*> retired_;
  };
  class operation {
   public:
    explicit operation(participant& p) noexcept : of_(p) {}
    operation(const operation&) = delete;
    operation& operator=(const operation&) = delete;
    ~operation() { of_.clear(); }

   private:
    participant& of_;
  };

  std::size_t waiting() const noexcept { return waiting_.load(); }

 private:
  std::array<record, participants_max> records_;
  std::atomic<std::size_t> waiting_{0};
  node_pool<node> pool_;
};

// As go_sync_map has them.
class epoch {
 public:
  static constexpr std::string_view name = "epochs";
  static constexpr bool counts_changes = false;
  using node_part = shared::retired_link;
  using node = basic_node<node_part>;

  class participant {
   public:
    explicit participant(epoch& of) : of_(of), free_(of.pool_) {}
    word protect(unsigned, const std::atomic<word>& from) noexcept { return from.load(); }
    void keep(unsigned, unsigned) noexcept {}
    node* take() { return free_.take(); }
    void give(node* n) { free_.give(n); }
    void retire(node* n) {
      of_.waiting_.fetch_add(1, std::memory_order_relaxed);
      due_ = of_.retired_.retire(0, n);
    }
    void flush() {
      due_ = false;
      const std::size_t gone = of_.retired_.collect(
          [this](std::size_t, shared::retired_link* n) { free_.give(static_cast<node*>(n)); });
      of_.waiting_.fetch_sub(gone, std::memory_order_relaxed);
    }
    bool due() const noexcept { return due_; }

   private:
    epoch& of_;
    free_nodes<node> free_;
    bool due_ = false;
  };
  class operation {
   public:
    explicit operation(participant& p) : of_(p) {}
    operation(const operation&) = delete;
    operation& operator=(const operation&) = delete;
    ~operation() {
      pin_.leave();
      if (of_.due()) of_.flush();
    }

   private:
    participant& of_;
    shared::epochs::pin pin_;
  };

  std::size_t waiting() const noexcept { return waiting_.load(); }

 private:
  node_pool<node> pool_;
  shared::limbo<1> retired_;
  std::atomic<std::size_t> waiting_{0};
};

}  // namespace tophash::hazards

#endif
