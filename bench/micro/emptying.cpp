// SPDX-License-Identifier: Apache-2.0
// Empties a map of 1,000,000 entries by key and says what the longest single erase cost and how much memory came
// back. Each erase is timed by the thread's CPU clock; the runs are identical (same keys, same seed, same order), so
// for every erase the least of its times over all runs is what it costs by itself, and the rest is the machine.
//   tophash_emptying [RUNS]
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string_view>
#include <vector>

#include <time.h>

#include <tophash/allocators/pages.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/growth/incremental.hpp>
#include <tophash/policies/growth/shrinking.hpp>

namespace {

using namespace tophash;

constexpr std::uint64_t entries = 1'000'000;

std::uint64_t thread_cpu_ns() noexcept {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
}

template <class Map>
void report(const char* name, unsigned runs) {
  std::vector<std::uint32_t> least(entries, std::numeric_limits<std::uint32_t>::max());
  std::size_t full = 0, left = 0;
  for (unsigned run = 0; run < runs; ++run) {
    Map map{typename Map::spec_type::hashing{42}};
    for (std::uint64_t key = 0; key < entries; ++key) map.try_emplace(key, key);
    full = map.memory_report().total_bytes();
    for (std::uint64_t key = 0; key < entries; ++key) {
      const std::uint64_t from = thread_cpu_ns();
      map.erase(key);
      const auto took = static_cast<std::uint32_t>(thread_cpu_ns() - from);
      least[key] = std::min(least[key], took);
    }
    left = map.memory_report().total_bytes();
  }
  const auto longest = std::max_element(least.begin(), least.end());
  std::vector<std::uint32_t> sorted = least;
  std::sort(sorted.begin(), sorted.end());
  std::printf("%-42s %9.1f MiB full  %5.2f %% given back  erase p50 %5u ns  p99.9 %6u ns  longest %8u ns (at %td)\n",
              name, static_cast<double>(full) / (1 << 20),
              100.0 * (1.0 - static_cast<double>(left) / static_cast<double>(full)), sorted[entries / 2],
              sorted[entries / 1000 * 999], *longest, longest - least.begin());
}

}  // namespace

int main(int argc, char** argv) {
  unsigned runs = 7;
  if (argc > 2 || (argc == 2 && (std::from_chars(argv[1], argv[1] + std::strlen(argv[1]), runs).ec != std::errc{} ||
                                 runs == 0))) {
    std::fputs("usage: tophash_emptying [RUNS]\n", stderr);
    return 64;
  }
  using U = std::uint64_t;
  using in_groups = layout::bucket_chain<bucket_options{.group_bytes = 65536}>;
  report<map<U, U, growth::incremental<2>>>("incremental(2)", runs);
  report<map<U, U, growth::shrinking<growth::incremental<2>>>>("shrinking(incremental(2))", runs);
  report<map<U, U, in_groups, growth::shrinking<growth::incremental<2>>>>("shrinking(incremental(2)), grouped", runs);
  report<map<U, U, in_groups, growth::shrinking<growth::incremental<2>>, allocators::pages<>>>(
      "shrinking(incremental(2)), grouped, pages", runs);
  return 0;
}
