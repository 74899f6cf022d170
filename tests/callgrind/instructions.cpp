// SPDX-License-Identifier: Apache-2.0
// instructions SUBJECT OPERATION: one operation, many times, between two calls that callgrind collects. The
// subjects share keys and seed, so that all see the same chains. Built twice, for chains and (with
// TOPHASH_COUNTS_OPEN_ADDRESSING) for open addressing: in one unit of twice the size the compiler inlines less.
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <type_traits>
#include <vector>

#include <tophash/fast_map.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/observe/counters.hpp>
#include <tophash/policies/observe/tombstone_log.hpp>
#include <tophash/policies/sync/owner_checked.hpp>

#include "twin.hpp"
#include "twin_open.hpp"

namespace {

constexpr std::size_t entries = 20'000;
constexpr std::uint64_t seed = 42;

// An observer that takes no event, under another name than observe::nothing.
struct deaf {
  using axis = tophash::axes::observe;
};

using hashing = tophash::hashing::seeded<tophash::hashing::wyhash>;
template <class... Options>
using composed = tophash::map<std::uint64_t, std::uint64_t, Options...>;

std::vector<std::uint64_t> keys(std::uint64_t from) {
  std::vector<std::uint64_t> out;
  for (std::size_t i = 0; i < entries; ++i) out.push_back(from = tophash::next_seed(from));
  return out;
}

template <class Map>
std::uint64_t value_found(const Map& m, std::uint64_t key) {
  if constexpr (std::is_same_v<Map, twin> || std::is_same_v<Map, twin_open<false>> ||
                std::is_same_v<Map, twin_open<true>>) {
    const std::uint64_t* const value = m.find(key);
    return value == nullptr ? 1 : *value;
  } else {
    const auto it = m.find(key);
    return it == m.end() ? 1 : it->second;
  }
}

}  // namespace

// What is collected: names that callgrind's --toggle-collect matches.
template <class Map>
[[gnu::noinline]] std::uint64_t measured_find(const Map& m, const std::vector<std::uint64_t>& wanted) {
  std::uint64_t sum = 0;
  for (std::uint64_t key : wanted) sum += value_found(m, key);
  return sum;
}
template <class Map>
[[gnu::noinline]] std::uint64_t measured_insert(Map& m, const std::vector<std::uint64_t>& fresh) {
  for (std::uint64_t key : fresh) m[key] = key;
  return m.size();
}
template <class Map>
[[gnu::noinline]] std::uint64_t measured_erase(Map& m, const std::vector<std::uint64_t>& victims) {
  std::uint64_t sum = 0;
  for (std::uint64_t key : victims) sum += m.erase(key) ? 1u : 0u;
  return sum;
}

namespace {

template <class Map>
int run(Map& m, const char* operation) {
  const auto present = keys(1), absent = keys(2);
  m.reserve(entries);
  std::uint64_t check = 0;
  if (std::strcmp(operation, "insert") == 0) {
    check = measured_insert(m, present);
  } else {
    for (std::uint64_t key : present) m[key] = key;
    if (std::strcmp(operation, "find_hit") == 0) check = measured_find(m, present);
    if (std::strcmp(operation, "find_miss") == 0) check = measured_find(m, absent);
    if (std::strcmp(operation, "erase") == 0) check = measured_erase(m, present);
  }
  std::printf("%" PRIu64 "\n", check);
  return check == 0 ? 1 : 0;
}

template <class Twin>
int run_twin(const char* operation) {
  Twin m(seed);
  return run(m, operation);
}

template <class... Options>
int run_composed(const char* operation) {
  composed<Options...> m{hashing{seed}};
  return run(m, operation);
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) return 64;
  const char* const operation = arguments[2];
#if TOPHASH_COUNTS_OPEN_ADDRESSING
  if (std::strcmp(arguments[1], "open_twin") == 0) return run_twin<twin_open<false>>(operation);
  if (std::strcmp(arguments[1], "nodes_twin") == 0) return run_twin<twin_open<true>>(operation);
  if (std::strcmp(arguments[1], "open") == 0) return run_composed<tophash::layout::open_groups<>>(operation);
  if (std::strcmp(arguments[1], "nodes") == 0) return run_composed<tophash::layout::nodes>(operation);
#else
  if (std::strcmp(arguments[1], "twin") == 0) return run_twin<twin>(operation);
  if (std::strcmp(arguments[1], "composed") == 0) return run_composed<>(operation);
  if (std::strcmp(arguments[1], "deaf") == 0) return run_composed<deaf>(operation);
  if (std::strcmp(arguments[1], "counters") == 0) return run_composed<tophash::observe::counters>(operation);
  if (std::strcmp(arguments[1], "owner_checked") == 0)
    return run_composed<tophash::sync::owner_checked>(operation);
  if (std::strcmp(arguments[1], "switched_off") == 0) {
    composed<tophash::observe::tombstone_log<>> m{hashing{seed}, tophash::observe::tombstone_log<>(false)};
    return run(m, operation);
  }
#endif
  return 64;
}
