// SPDX-License-Identifier: Apache-2.0
// The seam between the program and the maps: each map is a row of function pointers, one a workload, compiled
// in a translation unit of its own with the loop inside, so that no call through a pointer is measured.
#ifndef TOPHASH_BENCH_MICRO_PEERS_CONTESTANT_HPP
#define TOPHASH_BENCH_MICRO_PEERS_CONTESTANT_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "micro/peers/inputs.hpp"

namespace tophash::peers {

enum class workload : std::uint8_t {
  insert_grow,
  insert_reserve,
  insert_sequential,
  insert_foreign,
  insert_present,
  find_hit,
  find_hit_in_order,
  find_miss,
  find_half,
  find_few,
  find_sequential,
  erase_hit,
  erase_miss,
  erase_refill,
  churn_fifo,
  churn_random,
  hit_after_churn,
  miss_after_churn,
  iterate,
  iterate_sparse,
  copy,
  clear_refill,
  destroy,
  count_skewed,
  assign_present,
  small_4_build,
  small_4_find,
  small_4_move,
  small_4_destroy,
  small_12_build,
  small_12_find,
  small_12_destroy,
  tiny_find,
  tiny_build_drop,
};
inline constexpr std::size_t workload_count = static_cast<std::size_t>(workload::tiny_build_drop) + 1;

struct workload_row {
  workload id;
  std::string_view name;
  std::string_view what;   // one operation of it
  std::string_view group;  // summed up at the end: insert, hit, miss, or nothing
  bool for_strings;
  bool for_large_values;
  bool for_ten_million;
  bool many_small_maps;
};
std::span<const workload_row> workload_rows() noexcept;

struct measurement {
  double ns = 0;
  std::uint64_t operations = 0;
  std::uint64_t checksum = 0;  // the same for every map, or one of them is wrong
};
using workload_function = measurement (*)(const input_base&);

// One map grows by inserts; at every n of `sizes` (ascending) its heap bytes and sizeof are noted.
using bytes_function = std::vector<double> (*)(const input_base&, std::span<const std::size_t> sizes);

struct element_row {
  std::array<workload_function, workload_count> run{};  // null: the map has no such operation
  bytes_function bytes = nullptr;
};

struct contestant {
  std::string_view name;
  std::string_view code;  // at most four characters, for the head of a column
  std::string_view type;
  bool ours = false;
  std::array<element_row, element_count> elements{};

  const element_row& row(kind k) const noexcept { return elements[static_cast<std::size_t>(element_of(k))]; }
};

// Each is defined in the translation unit of its family, once for the shared hash and once for every map's
// own.
#define TOPHASH_PEERS_FAMILY(name)                                                                           \
  namespace shared_hashing {                                                                                 \
  void add_##name(std::vector<contestant>& to);                                                              \
  }                                                                                                          \
  namespace native_hashing {                                                                                 \
  void add_##name(std::vector<contestant>& to);                                                              \
  }
TOPHASH_PEERS_FAMILY(tophash)
TOPHASH_PEERS_FAMILY(absl)
TOPHASH_PEERS_FAMILY(boost)
TOPHASH_PEERS_FAMILY(tsl_robin)
TOPHASH_PEERS_FAMILY(tsl_hopscotch)
TOPHASH_PEERS_FAMILY(sparsehash)
TOPHASH_PEERS_FAMILY(std)
TOPHASH_PEERS_FAMILY(pbds)
#undef TOPHASH_PEERS_FAMILY

// A direct table t[h(k) >> s] whose keys do not collide, at most 0.72 full: what a lookup with this hash and
// this access pattern costs before any map's own work. Lookups only, of u64.
contestant collision_free_floor();

}  // namespace tophash::peers

#endif
