// SPDX-License-Identifier: Apache-2.0
// Fills a map from empty and says what the longest single insert cost, how much memory it took at most, and
// what a lookup costs afterwards. Each insert is timed by the thread's CPU clock; the runs are identical
// (same keys, same seed, same order), so for every insert the least of its times over all runs is what it
// costs by itself, and the rest is the machine. Memory is touched before the first run and kept by malloc, so
// that no insert pays a page fault; the wall-clock percentile with page faults is that of a first run in
// fresh memory.
//   tophash_growing [ENTRIES [RUNS]]
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include <malloc.h>
#include <time.h>

#include <tophash/map.hpp>
#include <tophash/presets.hpp>

namespace {

using namespace tophash;
using U = std::uint64_t;

std::uint64_t clock_ns(clockid_t clock) noexcept {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
}

struct key_of {
  std::uint64_t operator()(std::uint64_t i) const noexcept { return mix(i + 1); }
};

// What one map did, for the ratios at the end.
struct figures {
  double longest_ns = 0;
  double hit_ns = 0;
};

template <class Map>
figures report(const char* name, std::uint64_t entries, unsigned runs) {
  const key_of key;
  std::vector<std::uint32_t> least(entries, std::numeric_limits<std::uint32_t>::max()), wall(entries);
  std::size_t peak = 0, full = 0;
  figures out;
  out.hit_ns = std::numeric_limits<double>::max();
  U sum = 0;
  for (unsigned run = 0; run <= runs; ++run) {
    const bool first = run == 0;  // in memory that is fresh to the process
    if (first) malloc_trim(0);
    auto map = std::make_unique<Map>(typename Map::spec_type::hashing{42});
    for (std::uint64_t i = 0; i < entries; ++i) {
      const U k = key(i);
      const std::uint64_t from = clock_ns(first ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID);
      map->try_emplace(k, i);
      const auto took =
          static_cast<std::uint32_t>(clock_ns(first ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID) - from);
      if (first) {
        wall[i] = took;
      } else {
        least[i] = std::min(least[i], took);
      }
      if (first && (i & 1023u) == 0) peak = std::max(peak, map->memory_report().total_bytes());
    }
    full = map->memory_report().total_bytes();
    peak = std::max(peak, full);
    const std::uint64_t from = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    for (std::uint64_t i = 0; i < entries; ++i) sum += map->find(key(i * 0x9e3779b1u % entries))->second;
    out.hit_ns = std::min(out.hit_ns, static_cast<double>(clock_ns(CLOCK_THREAD_CPUTIME_ID) - from) /
                                          static_cast<double>(entries));
  }
  const auto longest = std::max_element(least.begin(), least.end());
  out.longest_ns = *longest;
  std::sort(wall.begin(), wall.end());
  std::printf(
      "%-34s longest insert %9.1f us CPU (at %9td)  wall p99.99 with page faults %8.1f us  memory at most "
      "%.2f of the final %.0f MiB  hit %.1f ns  (sum %llu)\n",
      name, out.longest_ns / 1000, longest - least.begin(),
      static_cast<double>(wall[static_cast<std::size_t>(static_cast<double>(entries) * 0.9999)]) / 1000,
      static_cast<double>(peak) / static_cast<double>(full), static_cast<double>(full) / (1 << 20),
      out.hit_ns, static_cast<unsigned long long>(sum));
  std::fflush(stdout);
  return out;
}

bool parsed(const char* text, auto& out) {
  const char* const end = text + std::strlen(text);
  const auto [stopped, error] = std::from_chars(text, end, out);
  return error == std::errc{} && stopped == end && out != 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t entries = 10'000'000;
  unsigned runs = 5;
  if (argc > 3 || (argc > 1 && !parsed(argv[1], entries)) || (argc > 2 && !parsed(argv[2], runs))) {
    std::fputs("usage: tophash_growing [ENTRIES [RUNS]]\n", stderr);
    return 64;
  }
  mallopt(M_MMAP_THRESHOLD, std::numeric_limits<int>::max());
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  mallopt(M_TOP_PAD, 64 << 20);
  const figures bounded = report<map<U, U, presets::low_latency>>("low_latency", entries, runs);
  const figures at_once = report<map<U, U>>("defaults: doubling in one step", entries, runs);
  const figures stepped =
      report<map<U, U, growth::incremental<2>>>("incremental(2), one array", entries, runs);
  std::printf("doubling in one step takes %.0f times as long as the longest insert of low_latency, "
              "incremental(2) %.1f "
              "times; a hit in groups costs %.3f of one in one array\n",
              at_once.longest_ns / bounded.longest_ns, stepped.longest_ns / bounded.longest_ns,
              bounded.hit_ns / at_once.hit_ns);
  return 0;
}
