// SPDX-License-Identifier: Apache-2.0
// Maps that threads share, side by side: one lock around fast_map, the sync options, go_sync_map, TBB's
// concurrent_hash_map and libcuckoo where they are installed.
//   1. mixed operations (90 % lookups, 5 % insertions, 5 % erasures, random keys) on two threads
//   2. the same on one thread: what each wrapper adds to the bare map
// Counters and races: tophash run --workload hazards.
// On two threads striped(64) is held against each of the others in pairs next to each other. Before and after
// a pair, two spinning threads say whether the machine runs them at once; where they scale less than 1.8, or
// where a thread waited for a core for a fiftieth of its time, the pair counts for nothing, and without enough
// pairs the answer is "not resolvable here" (exit status 2). On one thread all take turns within a round.
// Ratios are medians, in brackets the middle half.
//   tophash_shared [KEYS [ROUNDS]]
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#if TOPHASH_SHARED_WITH_TBB
#include <tbb/concurrent_hash_map.h>
#endif
#if TOPHASH_SHARED_WITH_CUCKOO
#include <libcuckoo/cuckoohash_map.hh>
#endif

#include <tophash/fast_map.hpp>
#include <tophash/go_sync_map.hpp>
#include <tophash/shared_map.hpp>

#include "hazards/two_threads.hpp"

namespace {

using namespace tophash;
using hazards::one_thread_ns, hazards::scales_enough, hazards::spin_scaling, hazards::two_threads_ns;
using U = std::uint64_t;

class dice {
 public:
  explicit dice(std::uint64_t seed) noexcept : state_(mix(seed + 1) | 1) {}
  std::uint64_t operator()() noexcept {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    return state_ ^= state_ << 17;
  }

 private:
  std::uint64_t state_;
};

// ---- contestants: find, put, take of a key
// -----------------------------------------------------------------------

struct hash_of_key {
  std::size_t operator()(U k) const noexcept { return static_cast<std::size_t>(hashing::wyhash{}.hash(k)); }
};

struct bare {
  bool find(U k) const { return map.contains(k); }
  void put(U k) { map.insert_or_assign(k, k); }
  void take(U k) { map.erase(k); }
  fast_map<U, U> map;
};

template <class Lock>
struct under_one_lock {
  bool find(U k) {
    const std::lock_guard held(lock);
    return map.contains(k);
  }
  void put(U k) {
    const std::lock_guard held(lock);
    map.insert_or_assign(k, k);
  }
  void take(U k) {
    const std::lock_guard held(lock);
    map.erase(k);
  }
  Lock lock;
  fast_map<U, U> map;
};

template <class Sync>
struct synchronised_fast {
  bool find(U k) const {
    U value = 0;
    return map.cvisit(k, [&value](const auto& e) { value = e.second; }) != 0 && value == k;
  }
  void put(U k) { map.insert_or_assign(k, k); }
  void take(U k) { map.erase(k); }
  fast_map<U, U, Sync> map;
};

struct go_sync {
  bool find(U k) const {
    U value = 0;
    return map.visit(k, [&value](U v) { value = v; }) && value == k;
  }
  void put(U k) { map.store(k, k); }
  void take(U k) { map.erase(k); }
  go_sync_map<U, U> map;
};

#if TOPHASH_SHARED_WITH_TBB
struct tbb_map {
  struct compare {
    static std::size_t hash(U k) noexcept { return hash_of_key{}(k); }
    static bool equal(U a, U b) noexcept { return a == b; }
  };
  using type = tbb::concurrent_hash_map<U, U, compare>;
  bool find(U k) const {
    type::const_accessor at;
    return map.find(at, k) && at->second == k;
  }
  void put(U k) {
    type::accessor at;
    map.insert(at, k);
    at->second = k;
  }
  void take(U k) { map.erase(k); }
  type map;
};
#endif

#if TOPHASH_SHARED_WITH_CUCKOO
struct cuckoo_map {
  bool find(U k) const {
    U value = 0;
    return map.find(k, value) && value == k;
  }
  void put(U k) { map.insert_or_assign(k, k); }
  void take(U k) { map.erase(k); }
  libcuckoo::cuckoohash_map<U, U, hash_of_key> map;
};
#endif

class contestant {
 public:
  explicit contestant(std::string_view name) : name_(name) {}
  virtual ~contestant() = default;
  // `calls` operations of one thread. The loop is inside, so that no virtual call is measured.
  virtual std::uint64_t mixed(U seed, U keys, std::size_t calls) = 0;
  std::string_view name() const { return name_; }

 private:
  std::string_view name_;
};

// Every second key is there; an insertion and an erasure are as frequent, so it stays so.
template <class Map>
class contestant_of : public contestant {
 public:
  contestant_of(std::string_view name, U keys) : contestant(name) {
    // All have been there, so that go_sync_map has nothing more to learn: new keys are not what is compared.
    for (U k = 0; k < keys; ++k) map_->put(mix(k));
    for (U k = 1; k < keys; k += 2) map_->take(mix(k));
    if constexpr (requires { map_->map.range([](U, U) {}); }) map_->map.range([](U, U) {});
  }
  std::uint64_t mixed(U seed, U keys, std::size_t calls) override {
    dice throws(seed);
    std::uint64_t found = 0;
    for (std::size_t i = 0; i < calls; ++i) {
      const U r = throws();
      const U key = mix(multiply_high(r, keys));
      const U what = r % 20;
      if (what > 1) {
        found += map_->find(key) ? 1 : 0;
      } else if (what == 1) {
        map_->put(key);
      } else {
        map_->take(key);
      }
    }
    return found;
  }

 private:
  std::unique_ptr<Map> map_ = std::make_unique<Map>();
};

// ---- medians
// -----------------------------------------------------------------------------------------------------

struct spread {
  double low, middle, high;
};

spread spread_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto at = [&values](double share) {
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + 0.5)];
  };
  return {at(0.25), at(0.5), at(0.75)};
}

using rows = std::vector<std::vector<double>>;  // by contestant, by round

// Each contestant's nanoseconds a call, and its time over `base`'s in the same round.
void print_rows(const std::vector<std::unique_ptr<contestant>>& all, const rows& ns, std::size_t base,
                const char* unit) {
  for (std::size_t c = 0; c < all.size(); ++c) {
    if (ns[c].empty()) continue;
    std::vector<double> ratios;
    for (std::size_t r = 0; r < ns[c].size(); ++r) ratios.push_back(ns[c][r] / ns[base][r]);
    const spread time = spread_of(ns[c]), ratio = spread_of(ratios);
    std::printf("  %-34.*s %8.1f %s  %6.2f times %.*s (%.2f..%.2f)\n",
                static_cast<int>(all[c]->name().size()), all[c]->name().data(), time.middle, unit,
                ratio.middle, static_cast<int>(all[base]->name().size()), all[base]->name().data(), ratio.low,
                ratio.high);
  }
  std::fflush(stdout);
}

// ---- two threads
// -------------------------------------------------------------------------------------------------

// Of nine, the second smallest to the second largest hold the median with a chance of 96 %.
constexpr std::size_t least_pairs = 9;  // or all that were asked for

// How long this thread was ready and had no core, where the system says (Linux); else 0.
std::uint64_t waited_for_a_core_ns() {
  std::FILE* const file = std::fopen("/proc/thread-self/schedstat", "r");
  if (file == nullptr) return 0;
  unsigned long long ran = 0, waited = 0;
  const bool read = std::fscanf(file, "%llu %llu", &ran, &waited) == 2;
  std::fclose(file);
  return read ? waited : 0;
}

struct rival {
  std::vector<double> ns, ratios;  // of each counted pair: its time, and over that of the first contestant
};

// The first contestant against each other one, in pairs that stand next to each other, in turn first and second:
// counted where the probes before and after the pair both say that the machine runs two threads. False: too
// few of some pair.
bool report_two_threads(const std::vector<std::unique_ptr<contestant>>& all, std::size_t count, U keys,
                        std::size_t calls, unsigned rounds, std::uint64_t& found) {
  std::vector<rival> rivals(count);
  std::vector<double> scaling, own;
  U seed = 1;
  const auto probe = [&scaling] {
    scaling.push_back(spin_scaling());
    return scaling.back() >= scales_enough;
  };
  const auto timed = [&](std::size_t c) {
    std::array<std::uint64_t, 2> hits{}, waited{};
    const U from = seed += 2;
    const double took = two_threads_ns([&](std::size_t t) {
      waited[t] = waited_for_a_core_ns();
      hits[t] = all[c]->mixed(from + t, keys, calls);
      waited[t] = waited_for_a_core_ns() - waited[t];
    });
    found += hits[0] + hits[1];
    // Another program had a core meanwhile.
    if (static_cast<double>(std::max(waited[0], waited[1])) > took / 50) return 0.0;
    return took / static_cast<double>(2 * calls);
  };
  const auto paired = [&](std::size_t c, bool first) {
    if (!probe()) return;
    const double before = timed(first ? 0 : c), after = timed(first ? c : 0);
    if (before == 0 || after == 0 || !probe()) return;
    const double mine = first ? before : after, its = first ? after : before;
    own.push_back(mine);
    rivals[c].ns.push_back(its);
    rivals[c].ratios.push_back(its / mine);
  };
  for (unsigned attempt = 0; attempt < rounds * 8; ++attempt) {
    bool wanted = false;
    for (std::size_t c = 1; c < count; ++c) {
      if (rivals[c].ratios.size() >= rounds) continue;
      wanted = true;
      paired(c, attempt % 2 == 0);
    }
    if (!wanted) break;
  }
  std::printf("\n1. %llu keys, every second there, 90 %% lookups, two threads; two spinning threads scale %.2f "
              "(%zu probes)\n",
              static_cast<unsigned long long>(keys), spread_of(scaling).middle, scaling.size());
  if (!own.empty()) {
    std::printf("  %-34.*s %8.1f ns a call\n", static_cast<int>(all[0]->name().size()), all[0]->name().data(),
                spread_of(own).middle);
  }
  bool enough = true;
  for (std::size_t c = 1; c < count; ++c) {
    const rival& r = rivals[c];
    std::printf("  %-34.*s ", static_cast<int>(all[c]->name().size()), all[c]->name().data());
    if (r.ratios.size() < std::min<std::size_t>(rounds, least_pairs)) {
      enough = false;
      std::printf("not resolvable here: %zu pairs on two threads at once\n", r.ratios.size());
      continue;
    }
    const spread time = spread_of(r.ns), ratio = spread_of(r.ratios);
    std::printf("%8.1f ns a call  %6.2f times its time (%.2f..%.2f), %zu pairs\n", time.middle, ratio.middle,
                ratio.low, ratio.high, r.ratios.size());
  }
  return enough;
}

bool parsed(const char* text, auto& out) {
  const char* const end = text + std::strlen(text);
  const auto [stopped, error] = std::from_chars(text, end, out);
  return error == std::errc{} && stopped == end && out != 0;
}

}  // namespace

int main(int argc, char** argv) {
  U keys = 100'000;
  unsigned rounds = 15;
  if (argc > 3 || (argc > 1 && !parsed(argv[1], keys)) || (argc > 2 && !parsed(argv[2], rounds))) {
    std::fputs("usage: tophash_shared [KEYS [ROUNDS]]\n", stderr);
    return 64;
  }
  constexpr std::size_t calls = 20'000;

  std::vector<std::unique_ptr<contestant>> all;
  const auto enter = [&]<class Map>(std::type_identity<Map>, std::string_view name) {
    all.push_back(std::make_unique<contestant_of<Map>>(name, keys));
  };
  enter(std::type_identity<synchronised_fast<sync::striped<64>>>{}, "striped(64)");
  enter(std::type_identity<under_one_lock<std::mutex>>{}, "std::mutex around the map");
  enter(std::type_identity<synchronised_fast<sync::shared_mutex>>{}, "shared_mutex");
  enter(std::type_identity<synchronised_fast<sync::striped<1>>>{}, "striped(1): one spinning lock");
  enter(std::type_identity<synchronised_fast<sync::striped<1024>>>{}, "striped(1024)");
  enter(std::type_identity<go_sync>{}, "go_sync_map");
#if TOPHASH_SHARED_WITH_TBB
  enter(std::type_identity<tbb_map>{}, "tbb::concurrent_hash_map");
#else
  std::puts("tbb::concurrent_hash_map: not built in (libtbb-dev)");
#endif
#if TOPHASH_SHARED_WITH_CUCKOO
  enter(std::type_identity<cuckoo_map>{}, "libcuckoo::cuckoohash_map");
#else
  std::puts("libcuckoo::cuckoohash_map: not built in (libcuckoo-dev)");
#endif
  const std::size_t shared_contestants = all.size();
  enter(std::type_identity<bare>{}, "fast_map, no lock");

  rows one(all.size());
  std::uint64_t found = 0;
  const bool resolvable = report_two_threads(all, shared_contestants, keys, calls, rounds, found);

  // One thread.
  for (unsigned r = 0; r < rounds; ++r) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::size_t c = (i + r) % all.size();
      one[c].push_back(one_thread_ns([&](std::size_t) { found += all[c]->mixed(r, keys, calls); }) / calls);
    }
  }
  std::printf("\n2. the same on one thread, CPU time\n");
  print_rows(all, one, all.size() - 1, "ns a call");

  std::printf("  (found %llu)\n", static_cast<unsigned long long>(found));
  return resolvable ? 0 : 2;
}
