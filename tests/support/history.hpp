// SPDX-License-Identifier: Apache-2.0
// Concurrent histories of a map, and the judge of them: is there one order of the operations, each at a
// moment between its call and its return, in which a map used by one thread gives the same answers? Keys are
// independent, so each is judged alone (Herlihy and Wing's locality); a key is a register that can be absent.
// The search is Wing and Gong's with Lowe's memory of configurations seen; a history is cut where no
// operation is open, so a step is short.
//
// Times are those of the steady clock, which synchronises nothing: a shared counter would hide the races it
// times. Operations that share a tick are taken as overlapping, which can only excuse, never accuse.
#ifndef TOPHASH_TESTS_SUPPORT_HISTORY_HPP
#define TOPHASH_TESTS_SUPPORT_HISTORY_HPP

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <unordered_set>
#include <utility>
#include <vector>

namespace tophash::testing {

enum class call : std::uint8_t {
  load,                // result: the value, or 0
  store,               // argument
  swap,                // argument; result: the value before, or 0
  load_or_store,       // argument; result: the value now there
  load_and_delete,     // result: the value before, or 0
  erase,               // result: 1, or 0
  erase_whatever,      // a clear, seen by one key
  compare_and_swap,    // expected, argument; result: 1, or 0
  compare_and_delete,  // expected; result: 1, or 0
};
inline constexpr std::size_t calls = 9;

constexpr const char* name_of(call c) noexcept {
  constexpr const char* names[calls] = {"load",
                                        "store",
                                        "swap",
                                        "load_or_store",
                                        "load_and_delete",
                                        "erase",
                                        "erase_whatever",
                                        "compare_and_swap",
                                        "compare_and_delete"};
  return names[static_cast<std::size_t>(c)];
}

// Values are numbers from 1; 0 is absence.
struct recorded_call {
  call what = call::load;
  std::uint32_t key = 0, argument = 0, expected = 0, result = 0;
  std::uint64_t called_ns = 0, returned_ns = 0;
};

// The register after the call, or nothing if the call cannot have had that result.
inline std::optional<std::uint32_t> after(std::uint32_t now, const recorded_call& c) noexcept {
  const bool matches = now != 0 && now == c.expected;
  switch (c.what) {
  case call::load:
    return c.result == now ? std::optional(now) : std::nullopt;
  case call::store:
    return c.argument;
  case call::swap:
    return c.result == now ? std::optional(c.argument) : std::nullopt;
  case call::load_or_store:
    if (now != 0) return c.result == now ? std::optional(now) : std::nullopt;
    return c.result == c.argument ? std::optional(c.argument) : std::nullopt;
  case call::load_and_delete:
    return c.result == now ? std::optional(0u) : std::nullopt;
  case call::erase:
    return c.result == (now != 0 ? 1u : 0u) ? std::optional(0u) : std::nullopt;
  case call::erase_whatever:
    return 0u;
  case call::compare_and_swap:
    if (c.result != (matches ? 1u : 0u)) return std::nullopt;
    return matches ? c.argument : now;
  case call::compare_and_delete:
    if (c.result != (matches ? 1u : 0u)) return std::nullopt;
    return matches ? 0u : now;
  }
  return std::nullopt;
}

inline constexpr std::size_t most_threads = 5;

// The calls on one key, each thread's in its order.
using key_history = std::array<std::vector<recorded_call>, most_threads>;

class linearizability {
 public:
  // Empty: there is such an order, from a key that is absent. Otherwise the calls that fit in no order.
  static std::string judge(const key_history& all) {
    linearizability search(all);
    std::vector<std::uint32_t> states{0};
    while (search.next_segment()) {
      std::vector<std::uint32_t> ends;
      for (const std::uint32_t state : states) search.explore(state, ends);
      if (ends.empty()) return search.segment_text(states);
      std::sort(ends.begin(), ends.end());
      ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
      states = std::move(ends);
    }
    return {};
  }

 private:
  explicit linearizability(const key_history& all) : all_(all) {}

  struct configuration {
    std::array<std::uint32_t, most_threads> at{};
    std::uint32_t state = 0;
    friend bool operator==(const configuration&, const configuration&) = default;
  };
  struct configuration_hash {
    std::size_t operator()(const configuration& c) const noexcept {
      std::uint64_t h = c.state;
      for (const std::uint32_t a : c.at) h = (h ^ a) * 0x9e3779b97f4a7c15u, h ^= h >> 29;
      return static_cast<std::size_t>(h);
    }
  };

  // Takes calls in the order of their beginnings until one begins after all before have ended.
  bool next_segment() {
    from_ = to_;
    std::uint64_t open_until = 0;
    bool any = false;
    while (true) {
      std::size_t first = most_threads;
      for (std::size_t t = 0; t < most_threads; ++t) {
        if (to_[t] < all_[t].size() && (first == most_threads || begins(t) < begins(first))) first = t;
      }
      if (first == most_threads || (any && begins(first) > open_until)) return any;
      any = true;
      open_until = std::max(open_until, all_[first][to_[first]].returned_ns);
      ++to_[first];
    }
  }
  std::uint64_t begins(std::size_t t) const { return all_[t][to_[t]].called_ns; }

  void explore(std::uint32_t state, std::vector<std::uint32_t>& ends) const {
    std::unordered_set<configuration, configuration_hash> seen;
    std::vector<configuration> open{{from_, state}};
    seen.insert(open.back());
    while (!open.empty()) {
      const configuration now = open.back();
      open.pop_back();
      if (now.at == to_) {
        ends.push_back(now.state);
        continue;
      }
      // What ends before another open call begins must come first.
      std::uint64_t earliest_end = ~std::uint64_t{0};
      for (std::size_t t = 0; t < most_threads; ++t) {
        if (now.at[t] < to_[t]) earliest_end = std::min(earliest_end, all_[t][now.at[t]].returned_ns);
      }
      for (std::size_t t = 0; t < most_threads; ++t) {
        if (now.at[t] >= to_[t] || all_[t][now.at[t]].called_ns > earliest_end) continue;
        const auto then = after(now.state, all_[t][now.at[t]]);
        if (!then) continue;
        configuration next = now;
        ++next.at[t];
        next.state = *then;
        if (seen.insert(next).second) open.push_back(next);
      }
    }
  }

  std::string segment_text(const std::vector<std::uint32_t>& states) const {
    std::ostringstream out;
    out << "no order explains these calls, from state";
    for (const std::uint32_t s : states) out << ' ' << s;
    std::size_t lines = 0;
    for (std::size_t t = 0; t < most_threads; ++t) {
      for (std::size_t i = from_[t]; i < to_[t] && ++lines < 60; ++i) {
        const recorded_call& c = all_[t][i];
        out << "\n  thread " << t << ' ' << c.called_ns << ".." << c.returned_ns << ' ' << name_of(c.what)
            << "(key " << c.key << ", argument " << c.argument << ", expected " << c.expected
            << ") = " << c.result;
      }
    }
    return out.str();
  }

  const key_history& all_;
  std::array<std::uint32_t, most_threads> from_{}, to_{};
};

// ---- disturbance
// ------------------------------------------------------------------------------------------------

// A number of this thread's own sequence.
class dice {
 public:
  explicit dice(std::uint64_t seed) noexcept : state_(seed * 0x9e3779b97f4a7c15u + 1) {}
  std::uint32_t operator()(std::uint32_t below) noexcept {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<std::uint32_t>((state_ >> 32) * below >> 32);
  }

 private:
  std::uint64_t state_;
};

// Called by hashes, comparisons, copies and allocations of a test's types: other threads get to run in the
// middle of an operation, now and then.
inline void jitter() {
  static std::atomic<std::uint64_t> seeds{1};
  thread_local dice throws(seeds.fetch_add(1, std::memory_order_relaxed));
  const std::uint32_t n = throws(256);
  if (n == 0) std::this_thread::yield();
  if (n > 240) {
    for (std::uint32_t i = throws(64); i != 0; --i) std::atomic_signal_fence(std::memory_order_seq_cst);
  }
}

// ---- running
// ----------------------------------------------------------------------------------------------------

inline std::uint64_t clock_ns() noexcept {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                        std::chrono::steady_clock::now().time_since_epoch())
                                        .count());
}

// How often each call comes, and over which keys. Keys move on, so that new ones come and old ones are left
// behind.
struct load_profile {
  std::size_t threads = 3;
  std::size_t calls_each = 4000;
  std::uint32_t window = 8;            // keys in use at once
  std::uint32_t calls_a_new_key = 40;  // of one thread; 0: none
  std::array<std::uint32_t, calls> weights{};
  std::uint32_t ranges = 0, clears = 0;  // weights too
};

// Runs `profile` over a subject, which has the calls as members (absence is 0) and range(f), clear(). Returns
// every key's history. A range is a load of each key that the profile can reach within its window, at the
// time of the range.
template <class Subject>
std::map<std::uint32_t, key_history> run_history(Subject& subject, const load_profile& profile,
                                                 std::uint64_t seed) {
  std::vector<std::vector<recorded_call>> logs(profile.threads);
  std::atomic<std::size_t> ready{0};
  std::uint32_t all = profile.ranges + profile.clears;
  for (const std::uint32_t w : profile.weights) all += w;
  const std::uint32_t last_base =
      profile.calls_a_new_key == 0 ? 0
                                   : static_cast<std::uint32_t>(profile.calls_each) / profile.calls_a_new_key;

  const auto work = [&](std::size_t thread) {
    dice throws(seed * 31 + thread);
    std::vector<recorded_call>& log = logs[thread];
    std::vector<std::uint32_t> last_seen(last_base + profile.window + 1, 0);
    ready.fetch_add(1);
    while (ready.load() < profile.threads) std::this_thread::yield();
    for (std::size_t i = 0; i < profile.calls_each; ++i) {
      const auto base =
          profile.calls_a_new_key == 0 ? 0u : static_cast<std::uint32_t>(i) / profile.calls_a_new_key;
      recorded_call c;
      c.key = base + throws(profile.window);
      c.argument = static_cast<std::uint32_t>(i * profile.threads + thread + 1);
      c.expected = last_seen[c.key];
      std::uint32_t pick = throws(all);
      std::size_t what = 0;
      while (what < calls && pick >= profile.weights[what]) pick -= profile.weights[what++];
      if (what == calls) {
        const bool ranges = pick < profile.ranges;
        std::vector<std::uint32_t> found(last_seen.size(), 0);
        const std::uint64_t called = clock_ns();
        if (ranges) {
          subject.range([&found](std::uint32_t key, std::uint32_t value) { found[key] = value; });
        } else {
          subject.clear();
        }
        const std::uint64_t returned = clock_ns();
        for (std::uint32_t key = 0; key < found.size(); ++key) {
          log.push_back(
              {ranges ? call::load : call::erase_whatever, key, 0, 0, found[key], called, returned});
        }
        continue;
      }
      c.what = static_cast<call>(what);
      c.called_ns = clock_ns();
      switch (c.what) {
      case call::load:
        c.result = subject.load(c.key);
        break;
      case call::store:
        subject.store(c.key, c.argument);
        break;
      case call::swap:
        c.result = subject.swap(c.key, c.argument);
        break;
      case call::load_or_store:
        c.result = subject.load_or_store(c.key, c.argument);
        break;
      case call::load_and_delete:
        c.result = subject.load_and_delete(c.key);
        break;
      case call::erase:
        c.result = subject.erase(c.key) ? 1 : 0;
        break;
      case call::erase_whatever:
        static_cast<void>(subject.erase(c.key));
        break;
      case call::compare_and_swap:
        c.result = subject.compare_and_swap(c.key, c.expected, c.argument) ? 1 : 0;
        break;
      case call::compare_and_delete:
        c.result = subject.compare_and_delete(c.key, c.expected) ? 1 : 0;
        break;
      }
      c.returned_ns = clock_ns();
      if (c.what == call::load || c.what == call::load_or_store) last_seen[c.key] = c.result;
      if (c.what == call::store || c.what == call::swap) last_seen[c.key] = c.argument;
      log.push_back(c);
    }
  };

  std::vector<std::thread> others;
  for (std::size_t t = 1; t < profile.threads; ++t) others.emplace_back(work, t);
  work(0);
  for (std::thread& t : others) t.join();

  std::map<std::uint32_t, key_history> out;
  for (std::size_t t = 0; t < profile.threads; ++t) {
    for (const recorded_call& c : logs[t]) out[c.key][t].push_back(c);
  }
  return out;
}

// Empty, or what is wrong with which key.
inline std::string judge(const std::map<std::uint32_t, key_history>& all) {
  for (const auto& [key, history] : all) {
    if (std::string wrong = linearizability::judge(history); !wrong.empty()) return wrong;
  }
  return {};
}

}  // namespace tophash::testing

#endif
