// SPDX-License-Identifier: Apache-2.0
#include "micro/peers/contestant.hpp"

namespace tophash::peers {

namespace {

using enum workload;

// id, name, one operation, group, strings, large values, 10,000,000, many small maps
constexpr workload_row rows[] = {
    {insert_grow, "insert_grow", "insert of a new random key, growing from empty", "insert", true, true, true,
     false},
    {insert_reserve, "insert_reserve", "the same after reserve(n)", "insert", true, true, true, false},
    {insert_sequential, "insert_sequential", "insert of 1, 2, 3 ...", "", false, false, false, false},
    {insert_foreign, "insert_foreign", "insert in the iteration order of a table of the same type", "", true,
     true, true, false},
    {insert_present, "insert_present", "insert of a key that is there", "", true, false, false, false},
    {find_hit, "find_hit", "find of a present key, random order", "hit", true, true, true, false},
    {find_hit_in_order, "find_hit_in_order", "find of a present key, in the order of insertion", "", false,
     false, false, false},
    {find_miss, "find_miss", "find of an absent key", "miss", true, true, true, false},
    {find_half, "find_half", "find, present or absent with equal chance", "", true, false, false, false},
    {find_few, "find_few", "contains, of a working set of n / 64 keys", "", false, false, false, false},
    {find_sequential, "find_sequential", "find of a random one of the keys 1 .. n", "", false, false, false,
     false},
    {erase_hit, "erase_hit", "erase of a present key until none is left", "", true, true, true, false},
    {erase_miss, "erase_miss", "erase of an absent key", "", true, false, false, false},
    {erase_refill, "erase_refill", "erase of all, then insert of n new keys; each counts", "", true, false,
     false, false},
    {churn_fifo, "churn_fifo", "insert of a new key, erase of the oldest; each counts", "", true, true, true,
     false},
    {churn_random, "churn_random", "erase of a random key, insert of a new one; each counts", "", true, true,
     false, false},
    {hit_after_churn, "hit_after_churn", "find_hit after a full turn of churn_fifo", "", true, false, false,
     false},
    {miss_after_churn, "miss_after_churn", "find_miss after a full turn of churn_fifo", "", true, false,
     false, false},
    {iterate, "iterate", "one entry of an iteration over all", "", true, true, true, false},
    {iterate_sparse, "iterate_sparse", "the same after 90 % were erased", "", false, false, false, false},
    {copy, "copy", "one entry of a copy of the map", "", true, true, true, false},
    {clear_refill, "clear_refill", "clear, then insert of n other keys", "", true, true, false, false},
    {destroy, "destroy", "one entry of the destructor", "", true, true, true, false},
    {count_skewed, "count_skewed", "++map[key] from empty, few keys often (counting words)", "", true, false,
     false, false},
    {assign_present, "assign_present", "insert_or_assign of a key that is there", "", true, false, false,
     false},
    {small_4_build, "small_4_build", "8,192 maps of 4 entries: one insert", "", false, false, false, true},
    {small_4_find, "small_4_find", "8,192 maps of 4 entries: one hit, map after map", "", false, false, false,
     true},
    {small_4_move, "small_4_move", "8,192 maps of 4 entries: one move construction", "", false, false, false,
     true},
    {small_4_destroy, "small_4_destroy", "8,192 maps of 4 entries: one entry of the destructors", "", false,
     false, false, true},
    {small_12_build, "small_12_build", "8,192 maps of 12 entries: one insert", "", false, false, false, true},
    {small_12_find, "small_12_find", "8,192 maps of 12 entries: one hit, map after map", "", false, false,
     false, true},
    {small_12_destroy, "small_12_destroy", "8,192 maps of 12 entries: one entry of the destructors", "",
     false, false, false, true},
    {tiny_find, "tiny_find", "8,192 maps of 1 to 16 entries: one hit, map after map", "", false, false, false,
     true},
    {tiny_build_drop, "tiny_build_drop", "maps of 1 to 16 entries built and dropped in turn: one insert", "",
     false, false, false, true},
};

consteval bool in_order_of_ids() {
  for (std::size_t i = 0; i < std::size(rows); ++i) {
    if (static_cast<std::size_t>(rows[i].id) != i) return false;
  }
  return std::size(rows) == workload_count;
}
static_assert(in_order_of_ids());

}  // namespace

std::span<const workload_row> workload_rows() noexcept { return rows; }

}  // namespace tophash::peers
