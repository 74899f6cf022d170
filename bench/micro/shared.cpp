// SPDX-License-Identifier: Apache-2.0
// Maps that threads share, side by side: one lock around fast_map, the sync options, go_sync_map, TBB's
// concurrent_hash_map and libcuckoo where they are installed.
//   1. mixed operations (90 % lookups, 5 % insertions, 5 % erasures, random keys) on two threads
//   2. the same on one thread: what each wrapper adds to the bare map
//   3. counters: plain, relaxed atomic, sharded, alone and on two threads; and what one adds to an erase
//   (claim C28)
//   4. 100,000 races of a delete and a load of one key, with and without waiting for the delete (claim C25)
// Contestants take turns within a round, and each is held against the others of its round: ratios are medians
// over rounds, in brackets the middle half. Before and after each measurement on two threads, two spinning
// threads say whether the machine runs them at once; where they scale less than 1.8 it counts for nothing,
// and without enough whole rounds the answer is "not resolvable here" (exit status 2).
//   tophash_shared [KEYS [ROUNDS]]
#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <time.h>

#if TOPHASH_SHARED_WITH_TBB
#include <tbb/concurrent_hash_map.h>
#endif
#if TOPHASH_SHARED_WITH_CUCKOO
#include <libcuckoo/cuckoohash_map.hh>
#endif

#include <tophash/fast_map.hpp>
#include <tophash/go_sync_map.hpp>
#include <tophash/shared_map.hpp>

namespace {

using namespace tophash;
using U = std::uint64_t;

std::uint64_t wall_ns() noexcept {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                        std::chrono::steady_clock::now().time_since_epoch())
                                        .count());
}

std::uint64_t thread_cpu_ns() noexcept {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
}

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

// Runs work(0) and work(1) at once; nanoseconds from the common start to the later end.
template <class F>
double two_threads_ns(const F& work) {
  std::atomic<int> ready{0};
  std::array<std::uint64_t, 2> from{}, to{};
  const auto run = [&](std::size_t t) {
    ready.fetch_add(1);
    for (int spins = 0; ready.load() < 2; ++spins)
      spins < 4000 ? shared::pause_spinning() : std::this_thread::yield();
    from[t] = wall_ns();
    work(t);
    to[t] = wall_ns();
  };
  std::thread other(run, 1);
  run(0);
  other.join();
  return static_cast<double>(std::max(to[0], to[1]) - std::min(from[0], from[1]));
}

template <class F>
double one_thread_ns(const F& work) {
  const std::uint64_t from = thread_cpu_ns();
  work(0);
  return static_cast<double>(thread_cpu_ns() - from);
}

// Arithmetic that touches no memory: what two threads do of it, over what one does in the same time.
double spin_scaling() {
  static std::atomic<U> sink{0};
  const auto spin = [](std::size_t t) {
    dice throws(t);
    U sum = 0;
    for (int i = 0; i < 500'000; ++i) sum += throws();
    sink.fetch_add(sum, std::memory_order_relaxed);
  };
  const std::uint64_t from = wall_ns();
  spin(0);
  const double alone = static_cast<double>(wall_ns() - from);
  return 2 * alone / two_threads_ns(spin);
}

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

// ---- counters
// ----------------------------------------------------------------------------------------------------

struct alignas(128) padded_count {
  std::atomic<U> n{0};
};

struct counter_kinds {
  volatile U plain =
      0;  // volatile: each addition reaches memory, as a member of an object that escapes would
  std::atomic<U> relaxed{0};
  std::array<padded_count, 2> sharded;
};

void report_counters(unsigned rounds, bool two) {
  constexpr std::size_t additions = 2'000'000;
  counter_kinds c;
  const std::array<std::pair<const char*, std::function<void(std::size_t)>>, 4> kinds{{
      {"plain",
       [&c](std::size_t) {
         for (std::size_t i = 0; i < additions; ++i) c.plain = c.plain + 1;
       }},
      {"relaxed, loaded and stored",
       [&c](std::size_t) {
         for (std::size_t i = 0; i < additions; ++i) {
           c.relaxed.store(c.relaxed.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
         }
       }},
      {"relaxed fetch_add",
       [&c](std::size_t) {
         for (std::size_t i = 0; i < additions; ++i) c.relaxed.fetch_add(1, std::memory_order_relaxed);
       }},
      {"sharded fetch_add",
       [&c](std::size_t t) {
         for (std::size_t i = 0; i < additions; ++i) c.sharded[t].n.fetch_add(1, std::memory_order_relaxed);
       }},
  }};
  std::array<std::vector<double>, 4> alone, shared_by_two;
  for (unsigned r = 0; r < rounds; ++r) {
    const bool good = two && spin_scaling() >= 1.8;
    for (std::size_t k = 0; k < kinds.size(); ++k) {
      alone[k].push_back(one_thread_ns(kinds[k].second) / additions);
      if (good && k != 0) shared_by_two[k].push_back(two_threads_ns(kinds[k].second) / additions);
    }
  }
  std::printf("\n3. a counter, ns an addition (a plain one is no counter for two threads)\n");
  for (std::size_t k = 0; k < kinds.size(); ++k) {
    std::printf("  %-30s one thread %6.2f", kinds[k].first, spread_of(alone[k]).middle);
    if (!shared_by_two[k].empty())
      std::printf("   two threads %6.2f each", spread_of(shared_by_two[k]).middle);
    std::printf("\n");
  }

  // An erase and an insertion of the same key, with a second count of entries beside the map's own.
  constexpr U keys = 4096;
  fast_map<U, U> m;
  for (U k = 0; k < keys; ++k) m.try_emplace(mix(k), k);
  const auto pairs = [&](auto&& counted) {
    return one_thread_ns([&](std::size_t) {
             for (U k = 0; k < keys * 32; ++k) {
               const U key = mix(k % keys);
               m.erase(key);
               counted(-1);
               m.try_emplace(key, k);
               counted(1);
             }
           }) /
           (keys * 32);
  };
  std::vector<double> bare_ns, plain, locked;
  for (unsigned r = 0; r < rounds; ++r) {
    bare_ns.push_back(pairs([](int) {}));
    plain.push_back(pairs([&c](int by) { c.plain = c.plain + static_cast<U>(by); }) / bare_ns.back());
    locked.push_back(
        pairs([&c](int by) { c.relaxed.fetch_add(static_cast<U>(by), std::memory_order_relaxed); }) /
        bare_ns.back());
  }
  const spread p = spread_of(plain), l = spread_of(locked);
  std::printf(
      "  erase and insert a key: %.1f ns; with one more plain count %.2f (%.2f..%.2f) of it, with an atomic "
      "one %.2f (%.2f..%.2f)\n",
      spread_of(bare_ns).middle, p.middle, p.low, p.high, l.middle, l.low, l.high);
}

// ---- races
// -------------------------------------------------------------------------------------------------------

// Another thread deletes the key as this one loads it; the load waits for the delete, or does not.
std::size_t loads_that_saw_the_value(std::size_t races, bool joined) {
  go_sync_map<int, int> m;
  std::atomic<std::size_t> stored{0}, erased{0};
  const auto wait_for = [](const std::atomic<std::size_t>& count, std::size_t i) {
    for (int spins = 0; count.load() < i; ++spins)
      spins < 1000 ? shared::pause_spinning() : std::this_thread::yield();
  };
  std::thread eraser([&] {
    for (std::size_t i = 1; i <= races; ++i) {
      wait_for(stored, i);
      m.erase(1);
      erased.store(i);
    }
  });
  std::size_t seen = 0;
  for (std::size_t i = 1; i <= races; ++i) {
    m.store(1, 42);
    stored.store(i);
    if (joined) wait_for(erased, i);
    seen += m.contains(1) ? 1 : 0;
    wait_for(erased, i);
  }
  eraser.join();
  return seen;
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

  // Two threads.
  rows two(all.size()), one(all.size());
  std::vector<double> scaling;
  std::uint64_t found = 0;
  unsigned good = 0;
  for (unsigned attempts = 0; good < rounds && attempts < rounds * 4; ++attempts) {
    std::vector<double> ns(shared_contestants, 0);
    std::size_t done = 0;
    for (std::size_t i = 0; i < shared_contestants; ++i) {
      const std::size_t c = (i + attempts) % shared_contestants;
      // Between two probes that both say so; the machine may be taken away at any moment.
      for (unsigned tries = 0; tries < 12 && ns[c] == 0; ++tries) {
        scaling.push_back(spin_scaling());
        if (scaling.back() < 1.8) continue;
        std::array<std::uint64_t, 2> hits{};
        const double took = two_threads_ns(
            [&](std::size_t t) { hits[t] = all[c]->mixed(attempts * 64 + tries * 2 + t, keys, calls); });
        found += hits[0] + hits[1];
        if (spin_scaling() >= 1.8) ns[c] = took / (2 * calls);
      }
      if (ns[c] == 0) break;
      ++done;
    }
    if (done < shared_contestants) continue;
    ++good;
    for (std::size_t c = 0; c < shared_contestants; ++c) two[c].push_back(ns[c]);
  }
  std::printf(
      "\n1. %llu keys, every second there, 90 %% lookups, two threads; %u rounds; two spinning threads "
      "scale %.2f (%zu probes)\n",
      static_cast<unsigned long long>(keys), good, spread_of(scaling).middle, scaling.size());
  const bool resolvable = good * 2 >= rounds;
  if (resolvable) {
    print_rows(all, two, 0, "ns a call");
  } else {
    std::puts("  not resolvable here: two threads are not run at once");
  }

  // One thread.
  for (unsigned r = 0; r < rounds; ++r) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::size_t c = (i + r) % all.size();
      one[c].push_back(one_thread_ns([&](std::size_t) { found += all[c]->mixed(r, keys, calls); }) / calls);
    }
  }
  std::printf("\n2. the same on one thread, CPU time\n");
  print_rows(all, one, all.size() - 1, "ns a call");

  report_counters(rounds, resolvable);

  constexpr std::size_t races = 100'000;
  const std::size_t raced = loads_that_saw_the_value(races, false),
                    joined = loads_that_saw_the_value(races, true);
  std::printf("\n4. of %zu loads beside a delete %zu saw the value still; of as many after it, %zu\n   "
              "(found %llu)\n",
              races, raced, joined, static_cast<unsigned long long>(found));
  return resolvable && joined == 0 ? 0 : resolvable ? 1 : 2;
}
