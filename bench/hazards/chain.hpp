// SPDX-License-Identifier: Apache-2.0
// A lock-free table of sorted chains (Harris, "A pragmatic implementation of non-blocking linked-lists",
// 2001, as Michael has it in "High performance dynamic lock-free hash tables and list-based sets", 2002): an
// erase marks its node's next word, so that nothing can be put behind it, and then unlinks the node by one
// compare-and-swap of the word that leads to it. Whoever meets a marked node unlinks it first.
//
// What it shows is the unlinking. `expected` of that compare-and-swap was read a while ago: that the word
// holds the same bits again says that nothing happened only if the address cannot have been freed and used
// again, or if changes are counted. And whoever stands on a node that is freed reads what is not there. Who
// sees to that is the Reclaim (reclaim.hpp); Stops (stopping.hpp) lets a schedule choose the moment.
//
// Keys are 64-bit numbers, spread by their low bits; not ~0. Any thread may do anything, each as a
// participant of its own; contents() must be alone.
#ifndef TOPHASH_BENCH_HAZARDS_CHAIN_HPP
#define TOPHASH_BENCH_HAZARDS_CHAIN_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "hazards/nodes.hpp"
#include "hazards/reclaim.hpp"
#include "hazards/stopping.hpp"

namespace tophash::hazards {

template <class Reclaim, class Stops = never_stopping>
class chain_table {
 public:
  using node = typename Reclaim::node;
  using operation = typename Reclaim::operation;

  class participant : public Reclaim::participant {
   public:
    explicit participant(chain_table& t) : Reclaim::participant(t.reclaim_) {}
    std::size_t steps_on_freed = 0;  // nodes of `unsafe` that were read after they had been freed
  };

  // A power of two of chains.
  explicit chain_table(std::size_t chains)
      : heads_(std::make_unique<std::atomic<word>[]>(chains)), mask_(chains - 1) {}

  std::optional<std::uint64_t> find(participant& me, std::uint64_t key) {
    const operation now(me);
    for (;;) {
      const place at = seek(me, key);
      if (!at.found) return std::nullopt;
      const std::uint64_t value = node_at<node>(at.seen)->value.load();
      // A tagged node may have become another one since: not if the word that led to it has not changed.
      if (!Reclaim::counts_changes || at.link->load() == at.seen) return value;
    }
  }

  bool insert(participant& me, std::uint64_t key, std::uint64_t value) {
    const operation now(me);
    node* const fresh = me.take();
    fresh->key.store(key);
    fresh->value.store(value);
    for (;;) {
      const place at = seek(me, key);
      if (at.found) {
        me.give(fresh);
        return false;
      }
      fresh->next.store(next_tag(fresh->next.load()) | address_of(at.seen));
      word expected = at.seen;
      if (at.link->compare_exchange_strong(expected, next_tag(at.seen) | word_of(fresh))) return true;
    }
  }

  bool erase(participant& me, std::uint64_t key) {
    const operation now(me);
    for (;;) {
      const place at = seek(me, key);
      if (!at.found) return false;
      node* const n = node_at<node>(at.seen);
      Stops::at(point::before_mark);
      word next = at.next;
      if (!n->next.compare_exchange_strong(next, next_tag(next) | address_of(next) | deleted_bit)) continue;
      Stops::at(point::before_unlink);
      if (!unlink(me, at, next)) static_cast<void>(seek(me, key));
      return true;
    }
  }

  // Keys as a walk finds them. It ends at a freed node, or after `limit` nodes: a broken chain may be a ring.
  std::vector<std::uint64_t> contents(std::size_t limit = 1'000'000) const {
    std::vector<std::uint64_t> out;
    for (std::size_t c = 0; c <= mask_; ++c) {
      for (word w = heads_[c].load();
           address_of(w) != 0 && address_of(w) != freed_next && out.size() < limit;) {
        const node* const n = node_at<const node>(w);
        w = n->next.load();
        if (!is_deleted(w)) out.push_back(n->key.load());
      }
    }
    return out;
  }

  // Retired and not yet free.
  std::size_t waiting() const noexcept { return reclaim_.waiting(); }
  // Waits for a thread that frees, where there is one. Outside of any operation of this thread.
  void settle() {
    if constexpr (requires { reclaim_.settle(); }) reclaim_.settle();
  }

 private:
  struct place {
    std::atomic<word>* link = nullptr;  // leads to the node, or to where it would be
    word seen = 0;                      // what it held
    word next = 0;                      // what the node's own held
    bool found = false;
  };

  static constexpr word next_tag(word w) noexcept {
    return Reclaim::counts_changes ? tag_of(w + tag_step) : word{0};
  }

  // The first node whose key is not less. Unlinks what is deleted on the way.
  place seek(participant& me, std::uint64_t key) {
    for (;;) {
      place at{.link = &heads_[key & mask_]};
      at.seen = me.protect(1, *at.link);
      bool again = false;
      while (!again) {
        node* const n = node_at<node>(at.seen);
        if (n == nullptr) return at;
        Stops::at(point::at_node);
        at.next = me.protect(0, n->next);
        const std::uint64_t k = n->key.load();
        if constexpr (!Reclaim::counts_changes) {
          if (address_of(at.next) == freed_next) ++me.steps_on_freed;
        }
        // The word still leads here: what was read was this node's, and its successor is not freed either.
        if (at.link->load() != at.seen) {
          again = true;
        } else if (!is_deleted(at.next)) {
          if (k >= key) {
            at.found = k == key;
            return at;
          }
          at.link = &n->next;
          me.keep(1, 2);
          at.seen = at.next;
          me.keep(0, 1);
        } else if (unlink(me, at, at.next)) {
          at.seen = next_tag(at.seen) | address_of(at.next);
          me.keep(0, 1);
        } else {
          again = true;
        }
      }
    }
  }

  // The node at `at`, whose next word is `next`. False: the word that leads to it has changed.
  bool unlink(participant& me, const place& at, word next) {
    word expected = at.seen;
    if (!at.link->compare_exchange_strong(expected, next_tag(at.seen) | address_of(next))) return false;
    me.retire(node_at<node>(at.seen));
    return true;
  }

  std::unique_ptr<std::atomic<word>[]> heads_;
  std::size_t mask_;
  Reclaim reclaim_;
};

}  // namespace tophash::hazards

#endif
