// SPDX-License-Identifier: Apache-2.0
// Which kind each singly timed operation of a program is, hits and misses apart, in the order in which a
// latency_log has them. Known from the program alone: a reference map of the standard library executes it
// once, through the same driver as every variant.
#ifndef TOPHASH_BENCH_LAB_OPERATION_KINDS_HPP
#define TOPHASH_BENCH_LAB_OPERATION_KINDS_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "lab/program.hpp"

namespace tophash::lab {

enum class operation_kind : std::uint8_t {
  get_hit,
  get_miss,
  insert,
  assign,      // a set of a present key
  erase,       // of a present key
  erase_miss,  // of an absent one
  modify,
  cache_hit,  // one operation on a cache, whatever it does to the map
  cache_miss,
};
inline constexpr std::array<const char*, 9> operation_kind_names = {
    "get hit", "get miss", "insert", "assign", "erase", "erase miss", "modify", "cache hit", "cache miss"};

// As many as timed_operations(p). Takes as long as one execution on std::unordered_map.
std::vector<operation_kind> operation_kinds(const any_program& p);

}  // namespace tophash::lab

#endif
