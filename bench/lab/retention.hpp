// SPDX-License-Identifier: Apache-2.0
// What a full collection leaves while a row's map is alive, and why: every byte of the map's blocks, and of
// what its entries point to, has one cause. Taken in a process of its own, after the program's last
// operation, so that the ledger that it takes disturbs no figure of the row. No iterator is open there: those
// keep nothing.
#ifndef TOPHASH_BENCH_LAB_RETENTION_HPP
#define TOPHASH_BENCH_LAB_RETENTION_HPP

#include <cstddef>
#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace tophash::lab {

struct measured_task;

struct kept_blocks {
  std::uint64_t count = 0, bytes = 0;
  friend bool operator==(const kept_blocks&, const kept_blocks&) = default;
};

struct kept_figures {
  // Blocks that values lie in (--value gc, boxed), by the first of these that leads to one. Sizes as asked
  // for.
  kept_blocks live;           // an entry
  kept_blocks dead_slots;     // a slot that holds no entry, or the node of one
  kept_blocks dead_overflow;  // the same in an overflow bucket
  kept_blocks
      false_pointers;  // nothing of the map: a word that looks so, of a stack or of the map's keys. Other
                       // objects that are still there as well; their sizes as the collector rounds them
  // The map's own blocks.
  std::uint64_t map_bytes = 0;  // all of them, as asked for
  std::uint64_t live_slot_bytes = 0;
  std::uint64_t dead_slot_bytes = 0;  // of erased entries: dirty, or tombstones that cannot be used again
  std::uint64_t empty_overflow_bytes = 0;  // overflow buckets without an entry, in a chain or kept for later
  std::uint64_t old_array_bytes = 0;       // of the array under evacuation what is neither live nor dead
  bool split =
      false;  // false: a foreign map, whose slots nobody can tell apart; only map_bytes and false_pointers

  std::uint64_t needed_bytes() const noexcept { return live.bytes + live_slot_bytes; }
  std::uint64_t retained_bytes() const noexcept {
    return dead_slots.bytes + dead_overflow.bytes + false_pointers.bytes + dead_slot_bytes +
           empty_overflow_bytes + old_array_bytes;
  }
  // Retained by needed bytes; what is vacant in the map's arrays is its load, and counts for neither.
  double retention() const noexcept {
    return needed_bytes() == 0 ? 0
                               : static_cast<double>(retained_bytes()) / static_cast<double>(needed_bytes());
  }
  friend bool operator==(const kept_figures&, const kept_figures&) = default;
};

// In a child process. {"trouble": sentence} or the figures: kept_from().
nlohmann::json kept_pass(const measured_task& task, std::uint64_t seed, std::size_t garbage_bytes);
kept_figures kept_from(const nlohmann::json& j);

// As results have it, and for people.
nlohmann::json kept_json(const kept_figures& k);
std::string kept_text(const kept_figures& k);

}  // namespace tophash::lab

#endif
