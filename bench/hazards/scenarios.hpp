// SPDX-License-Identifier: Apache-2.0
// The hazards of unlinking, each as one schedule of a slow thread and a fast one: the same for every
// reclaimer, with one outcome each.
//   aba         slow is about to unlink node 10 (head: 10 -> 20 -> 30); fast unlinks 10 and 20, and inserts
//               40 and 5, in the nodes that were 20's and 10's. The head holds the old bits again. If slow's
//               compare-and-swap succeeds, keys 5 and 30 are gone that nobody erased
//   tag_round   the same with 65,536 changes of the head in between: a tag of 16 bits is the old one again
//   freed_step  slow has reached node 20 and read nothing of it; fast erases 20
//   stalled     slow stands on a node; fast erases and inserts. How many nodes wait for slow?
#ifndef TOPHASH_BENCH_HAZARDS_SCENARIOS_HPP
#define TOPHASH_BENCH_HAZARDS_SCENARIOS_HPP

#include <cstddef>
#include <cstdint>
#include <vector>

#include "hazards/chain.hpp"
#include "hazards/stopping.hpp"

namespace tophash::hazards {

struct aba_outcome {
  std::vector<std::uint64_t> left;      // as a walk finds them
  std::vector<std::uint64_t> expected;  // those inserted and not erased
  bool survived() const { return left == expected; }
};

// What fast does once slow stands before its unlinking. Afterwards the chain is 5 -> 30 -> 40, with nodes
// used again 5 in 10's and 40 in 20's.
template <class Table>
void reuse_the_first_two(Table& t, typename Table::participant& fast) {
  t.erase(fast, 20);  // on its way it unlinks 10, which is marked
  fast.flush();
  t.insert(fast, 40, 40);
  t.insert(fast, 5, 5);
}

template <class Reclaim>
aba_outcome aba(std::size_t further_changes_of_head = 0) {
  using table = chain_table<Reclaim, stopping>;
  table t(1);
  typename table::participant fast(t);
  for (const std::uint64_t key : {30u, 20u, 10u}) t.insert(fast, key, key);
  stopped_thread slow([&t] {
    typename table::participant me(t);
    t.erase(me, 10);
  });
  slow.run_to(point::before_unlink);
  reuse_the_first_two(t, fast);
  aba_outcome out{.left = {}, .expected = {5, 30, 40}};
  if (further_changes_of_head != 0) {
    // Three changes of the head, after which 5 is in the same node; 50 has that of 30. An odd number: with
    // the three before, and pairs, every even number can be had.
    t.erase(fast, 5);
    t.erase(fast, 30);
    fast.flush();
    t.insert(fast, 50, 50);
    t.insert(fast, 5, 5);
    out.expected = {5, 40, 50};
    for (std::size_t changes = 6; changes + 2 <= further_changes_of_head; changes += 2) {
      t.erase(fast, 5);
      t.insert(fast, 5, 5);
    }
  }
  slow.finish();
  out.left = t.contents(100);
  return out;
}

inline constexpr std::size_t changes_of_a_whole_tag = std::size_t{1} << 16;
template <class Reclaim>
aba_outcome tag_round() {
  return aba<Reclaim>(changes_of_a_whole_tag);
}

struct step_outcome {
  bool found = false;              // slow looked for 30, which stays
  std::size_t steps_on_freed = 0;  // nodes that slow read after they were freed
  bool survived() const { return found && steps_on_freed == 0; }
};

template <class Reclaim>
step_outcome freed_step() {
  using table = chain_table<Reclaim, stopping>;
  table t(1);
  typename table::participant fast(t);
  for (const std::uint64_t key : {30u, 20u, 10u}) t.insert(fast, key, key);
  step_outcome out;
  stopped_thread slow([&t, &out] {
    typename table::participant me(t);
    out.found = t.find(me, 30) == std::uint64_t{30};
    out.steps_on_freed = me.steps_on_freed;
  });
  slow.run_to(point::at_node, 2);
  t.erase(fast, 20);
  fast.flush();
  slow.finish();
  return out;
}

struct stall_outcome {
  std::size_t waiting = 0;  // nodes that could not be used again while slow stood
  std::size_t after = 0;    // once it has gone and fast has erased `settling` further keys
};

inline constexpr std::size_t settling = 128;  // twice the batch of hazard pointers and epochs

template <class Reclaim>
stall_outcome stalled(std::size_t erased) {
  using table = chain_table<Reclaim, stopping>;
  table t(1);
  typename table::participant fast(t);
  for (const std::uint64_t key : {20u, 10u}) t.insert(fast, key, key);
  stopped_thread slow([&t] {
    typename table::participant me(t);
    t.find(me, 20);
  });
  slow.run_to(point::at_node, 2);
  const auto pairs = [&](std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
      t.insert(fast, 5, i);
      t.erase(fast, 5);
    }
  };
  pairs(erased);
  stall_outcome out{.waiting = t.waiting()};
  slow.finish();
  pairs(settling);
  t.settle();
  out.after = t.waiting();
  return out;
}

}  // namespace tophash::hazards

#endif
