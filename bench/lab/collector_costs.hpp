// SPDX-License-Identifier: Apache-2.0
// GC pressure as the lab predicts it: what the collector's work would cost, from counts of a run and from what a
// collection costs on this machine. bench/micro/gc_pressure.cpp says how well such a formula does.
#ifndef TOPHASH_BENCH_LAB_COLLECTOR_COSTS_HPP
#define TOPHASH_BENCH_LAB_COLLECTOR_COSTS_HPP

#include <cstdint>
#include <string>

#include <tophash/framework/core/purpose.hpp>

namespace tophash::lab {

struct heap_counts {
  std::uint64_t allocated_bytes = 0, allocated_blocks = 0;  // by the map
  std::uint64_t garbage_bytes = 0;                          // by the mutator beside it
  std::uint64_t collections = 0;
  // Summed over the collections: what is reachable at each. In traced storage whose entries may point, scanned
  // is an upper bound: of the slots those in use are read.
  std::uint64_t scanned_bytes = 0, visited_blocks = 0;
  friend bool operator==(const heap_counts&, const heap_counts&) = default;
};

// What a collection costs on this machine: of itself (roots), for a byte that was allocated since the last
// one (its sweep), for a byte that is searched, for a block that is visited.
struct collector_costs {
  double cycle_ns = 0, allocated_byte_ns = 0, byte_ns = 0, block_ns = 0;
};

// Of the collector whose storage it is, from a few heaps in child processes. Throws command_error.
collector_costs calibrated_costs(const std::string& collected_storage);

double predicted_ns_per_op(const heap_counts& counts, std::uint64_t operations, const collector_costs& costs);

// Bytes of a block that the collector reads in each collection; does it look at the block by itself? On a precise
// heap maps' blocks are no objects: they are read as the map's entries need it, and numbers need nothing.
std::uint64_t searched_bytes(const request& r, visibility sees) noexcept;
inline bool visits_block(visibility sees) noexcept { return sees != visibility::typed; }

}  // namespace tophash::lab

#endif
