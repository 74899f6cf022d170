// SPDX-License-Identifier: Apache-2.0
// Many keys at once against one after the other: find_many for hits and for misses, insert_many into a
// reserved map and into one that grows, over open groups (fast_map) and over chained buckets (the default).
// Both ways run in each round, in turns, three times each, of which the fastest counts; printed are the
// medians and the interval of the paired ratio single / bulk (above 1: bulk is faster). Equal checksums are
// checked.
//   tophash_bulk [ROUNDS [ENTRIES...]]
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <limits>
#include <random>
#include <system_error>
#include <utility>
#include <vector>

#include <malloc.h>

#include <tophash/fast_map.hpp>
#include <tophash/map.hpp>

#include "lab/statistics.hpp"
#include "micro/peers/clock.hpp"

namespace {

using namespace tophash;
using U = std::uint64_t;
using peers::stopwatch;

constexpr int tries = 3;
constexpr std::size_t least_asked = std::size_t{1} << 17;  // keys a timed loop is fed, however small the map

struct inputs {
  std::vector<std::pair<U, U>> entries;
  std::vector<U> hits, misses;
};

inputs make_inputs(std::size_t n) {
  inputs in;
  const std::size_t passes = std::max<std::size_t>(1, least_asked / n);
  for (U i = 0; i < n; ++i) in.entries.emplace_back(mix(2 * i + 1), i);
  std::mt19937_64 random(n);
  for (std::size_t pass = 0; pass < passes; ++pass) {
    for (const auto& [key, value] : in.entries) in.hits.push_back(key);
    for (U i = 0; i < n; ++i) in.misses.push_back(mix(2 * (pass * n + i)));
  }
  std::shuffle(in.hits.begin(), in.hits.end(), random);
  return in;
}

struct timed {
  double ns = 0;
  U checksum = 0;
};

// Takes iterators, keeps a sum of what they lead to.
template <class Map>
struct summed {
  using difference_type = std::ptrdiff_t;
  const Map* map;
  U* sum;
  summed& operator*() noexcept { return *this; }
  summed& operator++() noexcept { return *this; }
  summed operator++(int) noexcept { return *this; }
  void operator=(const typename Map::const_iterator& at) const noexcept {
    *sum += at == map->end() ? 1 : at->second + 2;
  }
};

template <class Map>
timed find_single(const Map& map, const std::vector<U>& keys) {
  U sum = 0;
  const summed<Map> out{&map, &sum};
  stopwatch clock;
  clock.start();
  for (const U k : keys) out = map.find(k);
  clock.stop(sum);
  return {clock.ns(), sum};
}

template <class Map>
timed find_bulk(const Map& map, const std::vector<U>& keys) {
  U sum = 0;
  stopwatch clock;
  clock.start();
  map.find_many(keys.begin(), keys.end(), summed<Map>{&map, &sum});
  clock.stop(sum);
  return {clock.ns(), sum};
}

template <class Map>
U sum_of(const Map& map) {
  U sum = map.size();
  for (const auto& [key, value] : map) sum += mix(key) ^ value;
  return sum;
}

// As many maps as are filled with `least_asked` entries. `insert` fills one.
template <class Map, class Insert>
timed insert_into(const inputs& in, bool reserve, Insert&& insert) {
  const std::size_t maps = std::max<std::size_t>(1, least_asked / in.entries.size());
  stopwatch clock;
  U sum = 0;
  for (std::size_t i = 0; i < maps; ++i) {
    Map map(typename Map::spec_type::hashing{42});
    if (reserve) map.reserve(in.entries.size());
    clock.start();
    insert(map);
    clock.stop();
    if (i == 0) sum = sum_of(map);
  }
  return {clock.ns(), sum};
}

class comparison {
 public:
  comparison(const char* map, const char* what, std::size_t n, std::size_t operations, unsigned rounds)
      : map_(map), what_(what), n_(n), operations_(static_cast<double>(operations)), rounds_(rounds) {}

  // False: the two computed different things.
  template <class Single, class Bulk>
  bool run(Single&& single, Bulk&& bulk) {
    std::vector<double> singles, bulks, ratios;
    U wanted = 0;
    for (unsigned round = 0; round <= rounds_; ++round) {
      double least[2] = {0, 0};
      for (int turn = 0; turn < 2 * tries; ++turn) {
        const bool in_bulk = ((static_cast<unsigned>(turn) + round) & 1u) != 0;
        const timed t = in_bulk ? bulk() : single();
        if (round == 0 && turn == 0) wanted = t.checksum;
        if (t.checksum != wanted) {
          std::fprintf(stderr, "tophash_bulk: %s, %s, %zu entries: %s computed something else\n", map_, what_,
                       n_, in_bulk ? "bulk" : "single");
          return false;
        }
        double& l = least[in_bulk ? 1 : 0];
        l = l == 0 ? t.ns : std::min(l, t.ns);
      }
      if (round == 0) continue;  // warms caches and heap
      singles.push_back(least[0] / operations_);
      bulks.push_back(least[1] / operations_);
      ratios.push_back(least[0] / least[1]);
    }
    const lab::estimate ratio = lab::summarise(ratios);
    std::printf("%-14s %-16s %10zu %9.2f %9.2f   %.3f [%.3f .. %.3f]\n", map_, what_, n_,
                lab::summarise(singles).median, lab::summarise(bulks).median, ratio.median, ratio.low,
                ratio.high);
    std::fflush(stdout);
    return true;
  }

 private:
  const char *map_, *what_;
  std::size_t n_;
  double operations_;
  unsigned rounds_;
};

template <class Map>
bool compare(const char* name, const inputs& in, unsigned rounds) {
  const std::size_t n = in.entries.size();
  bool same = true;
  {
    Map map(typename Map::spec_type::hashing{42});
    map.reserve(n);
    map.insert_many(in.entries.begin(), in.entries.end());
    for (const auto& [what, keys] :
         {std::pair{"find hits", &in.hits}, std::pair{"find misses", &in.misses}}) {
      const std::vector<U>& asked = *keys;
      same = comparison(name, what, n, asked.size(), rounds)
                 .run([&] { return find_single(map, asked); }, [&] { return find_bulk(map, asked); }) &&
             same;
    }
  }
  const std::size_t inserted = n * std::max<std::size_t>(1, least_asked / n);
  for (const bool reserve : {true, false}) {
    const auto single = [&in](Map& m) {
      for (const auto& e : in.entries) m.insert(e);
    };
    const auto bulk = [&in](Map& m) { m.insert_many(in.entries.begin(), in.entries.end()); };
    same = comparison(name, reserve ? "insert, reserved" : "insert, growing", n, inserted, rounds)
               .run([&] { return insert_into<Map>(in, reserve, single); },
                    [&] { return insert_into<Map>(in, reserve, bulk); }) &&
           same;
  }
  return same;
}

bool parsed(const char* text, auto& out) {
  const char* const end = text + std::strlen(text);
  const auto [stopped, error] = std::from_chars(text, end, out);
  return error == std::errc{} && stopped == end && out != 0;
}

}  // namespace

int main(int argc, char** argv) {
  unsigned rounds = 7;
  std::vector<std::size_t> sizes;
  bool understood = argc < 2 || parsed(argv[1], rounds);
  for (int i = 2; i < argc; ++i) {
    std::size_t n = 0;
    understood = understood && parsed(argv[i], n) && n <= 100'000'000;
    sizes.push_back(n);
  }
  if (!understood) {
    std::fputs("usage: tophash_bulk [ROUNDS [ENTRIES...]]\n", stderr);
    return 64;
  }
  if (sizes.empty()) sizes = {2'000, 200'000, 1'000'000, 10'000'000};
  mallopt(M_MMAP_THRESHOLD, std::numeric_limits<int>::max());
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  mallopt(M_TOP_PAD, 64 << 20);
  std::printf("%-14s %-16s %10s %9s %9s   single / bulk\n", "map", "", "entries", "single ns", "bulk ns");
  bool same = true;
  for (const std::size_t n : sizes) {
    const inputs in = make_inputs(n);
    same = compare<fast_map<U, U>>("fast_map", in, rounds) && same;
    same = compare<map<U, U>>("bucket_chain", in, rounds) && same;
  }
  return same ? 0 : 1;
}
