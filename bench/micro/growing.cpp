// SPDX-License-Identifier: Apache-2.0
// Fills a map from empty and says what the longest single insert cost, how much memory it took at most, and
// what a lookup costs afterwards.
//
// The runs are identical (same keys, same seed, same order), so for every insert the least of its times over
// all runs is what it costs by itself, and the rest is the machine. The clock is read once an insert, by the
// wall, which takes no system call: no CPU time is longer than that, so the figure is an upper bound of the
// CPU time, and ten million inserts take seconds. (Two readings of the thread's CPU clock took four times as
// long as the insert.) A stretch that the scheduler took from the same insert in every run would show; with
// five runs none does. Memory is touched before the timed runs and kept by malloc, so that no insert pays a
// page fault: how many there were all the same is printed. The wall-clock percentile with page faults is that
// of a first run in fresh memory.
//
// Lookups are timed by the thread's CPU clock, the maps in turn, all of them filled: the median of the ratios
// of all rounds. A round is short, some 10 ms a map: what else the machine does to the memory changes more
// slowly. (Nine rounds of 4,000,000 lookups gave medians of 1.23 and 1.38 for one program, with single rounds
// from 1.09 to 1.64.) And the maps are filled six times, each of them first, second and third: which pages a
// map gets decides about as much as how it looks into them (1.05 to 1.08 where the array came first, 1.11
// to 1.16 where the groups did).
//   tophash_growing [ENTRIES [RUNS]]
#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include <malloc.h>
#include <sys/resource.h>
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

long page_faults() noexcept {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return used.ru_minflt + used.ru_majflt;
}

template <class Map>
std::unique_ptr<Map> empty_map() {
  return std::make_unique<Map>(typename Map::spec_type::hashing{42});
}

// How long the longest insert took, in ns.
template <class Map>
double report(const char* name, std::uint64_t entries, unsigned runs) {
  const key_of key;
  std::vector<std::uint32_t> least(entries, std::numeric_limits<std::uint32_t>::max()), wall(entries);
  std::size_t peak = 0, full = 0;
  long faults = 0;
  std::unique_ptr<Map> filled;
  for (unsigned run = 0; run <= runs; ++run) {
    const bool first = run == 0;  // in memory that is fresh to the process
    filled.reset();
    if (first) malloc_trim(0);
    filled = empty_map<Map>();
    Map& map = *filled;
    const long faults_before = page_faults();
    std::uint64_t before = clock_ns(CLOCK_MONOTONIC);
    for (std::uint64_t i = 0; i < entries; ++i) {
      map.try_emplace(key(i), i);
      const std::uint64_t now = clock_ns(CLOCK_MONOTONIC);
      constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
      const auto took = static_cast<std::uint32_t>(std::min(now - before, most));
      before = now;
      if (!first) {
        least[i] = std::min(least[i], took);
        continue;
      }
      wall[i] = took;
      if ((i & 1023u) == 0) {
        peak = std::max(peak, map.memory_report().total_bytes());
        before = clock_ns(CLOCK_MONOTONIC);
      }
    }
    if (!first) faults += page_faults() - faults_before;
    full = map.memory_report().total_bytes();
    peak = std::max(peak, full);
  }
  const auto longest = std::max_element(least.begin(), least.end());
  std::sort(wall.begin(), wall.end());
  std::printf(
      "%-34s longest insert at most %9.1f us CPU (at %9td; %ld page faults in %u runs)  p99.99 with page "
      "faults %8.1f us by the wall  memory at most %.2f of the final %.0f MiB\n",
      name, static_cast<double>(*longest) / 1000, longest - least.begin(), faults, runs,
      static_cast<double>(wall[static_cast<std::size_t>(static_cast<double>(entries) * 0.9999)]) / 1000,
      static_cast<double>(peak) / static_cast<double>(full), static_cast<double>(full) / (1 << 20));
  std::fflush(stdout);
  return *longest;
}

template <class Map>
std::unique_ptr<Map> filled_map(std::uint64_t entries) {
  auto map = empty_map<Map>();
  for (std::uint64_t i = 0; i < entries; ++i) map->try_emplace(key_of{}(i), i);
  return map;
}

// ns a lookup of these keys, all of them present.
template <class Map>
double hit_ns(const Map& map, const std::vector<U>& asked, U& sum) {
  const std::uint64_t from = clock_ns(CLOCK_THREAD_CPUTIME_ID);
  for (const U k : asked) sum += map.find(k)->second;
  return static_cast<double>(clock_ns(CLOCK_THREAD_CPUTIME_ID) - from) / static_cast<double>(asked.size());
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
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
  using bounded = map<U, U, presets::low_latency>;
  using at_once = map<U, U>;
  using stepped = map<U, U, growth::incremental<2>>;
  const double bounded_ns = report<bounded>("low_latency", entries, runs);
  const double at_once_ns = report<at_once>("defaults: doubling in one step", entries, runs);
  const double stepped_ns = report<stepped>("incremental(2), one array", entries, runs);
  std::printf("doubling in one step takes %.0f times as long as the longest insert of low_latency, "
              "incremental(2) %.1f times\n",
              at_once_ns / bounded_ns, stepped_ns / bounded_ns);

  constexpr std::size_t asked_at_once = 200'000;
  constexpr unsigned fillings = 6, rounds = 60;
  std::vector<U> asked(static_cast<std::size_t>(std::min<std::uint64_t>(entries, asked_at_once)));
  std::vector<double> grouped, flat, to_defaults, to_stepped;
  U sums[3] = {};
  for (unsigned filling = 0; filling < fillings; ++filling) {
    std::unique_ptr<bounded> in_groups;
    std::unique_ptr<at_once> in_array;
    std::unique_ptr<stepped> in_steps;
    malloc_trim(0);
    for (unsigned turn = 0; turn < 3; ++turn) {
      switch ((filling + turn) % 3) {
      case 0:
        in_groups = filled_map<bounded>(entries);
        break;
      case 1:
        in_array = filled_map<at_once>(entries);
        break;
      default:
        in_steps = filled_map<stepped>(entries);
      }
    }
    for (unsigned round = 0; round <= rounds; ++round) {
      for (std::size_t i = 0; i < asked.size(); ++i)
        asked[i] = key_of{}(mix(i + (filling * rounds + round) * asked_at_once + 0x9e3779b9u) % entries);
      double ns[3] = {};
      for (unsigned turn = 0; turn < 3; ++turn) {
        const unsigned which = (round + turn) % 3;
        ns[which] = which == 0   ? hit_ns(*in_groups, asked, sums[0])
                    : which == 1 ? hit_ns(*in_array, asked, sums[1])
                                 : hit_ns(*in_steps, asked, sums[2]);
      }
      if (round == 0) continue;
      grouped.push_back(ns[0]);
      flat.push_back(ns[1]);
      to_defaults.push_back(ns[0] / ns[1]);
      to_stepped.push_back(ns[0] / ns[2]);
    }
  }
  std::sort(to_defaults.begin(), to_defaults.end());
  std::printf("a hit in groups costs %.3f [eight rounds in ten: %.3f .. %.3f] of one in one array (%.1f and "
              "%.1f ns; of one "
              "under incremental(2): %.3f)\n",
              median(to_defaults), to_defaults[to_defaults.size() / 10],
              to_defaults[to_defaults.size() * 9 / 10], median(grouped), median(flat), median(to_stepped));
  if (sums[0] != sums[1] || sums[0] != sums[2]) {
    std::fputs("tophash_growing: the maps found different entries\n", stderr);
    return 1;
  }
  return 0;
}
