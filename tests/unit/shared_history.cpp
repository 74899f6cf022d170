// SPDX-License-Identifier: Apache-2.0
// Random concurrent histories of go_sync_map and of shared maps, judged key by key against a map in one
// thread (support/history.hpp); and the judge itself, which must reject what no map can do. 100,000 calls of
// each subject; with TOPHASH_WALK_EVERY_POINT (test.sh --long) 1,000,000.
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <tophash/framework/core/checked.hpp>

#include "support/history.hpp"
#include "support/shared_subjects.hpp"

using namespace tophash;
using namespace tophash::testing;

namespace {

// The control: one lock around the standard's map. `Torn` lets go of it in the middle of what should be one
// step.
template <bool Torn>
struct standard_subject {
  u32 load(u32 k) {
    const std::lock_guard lock(mutex);
    return find(k);
  }
  void store(u32 k, u32 v) {
    const std::lock_guard lock(mutex);
    map[k] = v;
  }
  u32 swap(u32 k, u32 v) {
    return step(k, [&](u32 old) {
      map[k] = v;
      return old;
    });
  }
  u32 load_or_store(u32 k, u32 v) {
    return step(k, [&](u32 old) {
      if (old == 0) map[k] = v;
      return old == 0 ? v : old;
    });
  }
  u32 load_and_delete(u32 k) {
    return step(k, [&](u32 old) {
      map.erase(k);
      return old;
    });
  }
  bool erase(u32 k) { return load_and_delete(k) != 0; }
  bool compare_and_swap(u32 k, u32 old, u32 v) {
    return step(k, [&](u32 now) {
             if (now == old && now != 0) map[k] = v;
             return now == old && now != 0 ? 1u : 0u;
           }) != 0;
  }
  bool compare_and_delete(u32 k, u32 old) {
    return step(k, [&](u32 now) { return now == old && now != 0 ? static_cast<u32>(map.erase(k)) : 0u; }) !=
           0;
  }
  template <class F>
  void range(F&& f) {
    const std::lock_guard lock(mutex);
    for (const auto& [k, v] : map) f(k, v);
  }
  void clear() {
    const std::lock_guard lock(mutex);
    map.clear();
  }
  u32 find(u32 k) const {
    const auto it = map.find(k);
    return it == map.end() ? 0 : it->second;
  }
  template <class F>
  u32 step(u32 k, F&& f) {
    std::unique_lock lock(mutex);
    const u32 old = find(k);
    if (Torn) {
      lock.unlock();
      std::this_thread::yield();
      lock.lock();
    }
    return f(old);
  }
  std::mutex mutex;
  std::unordered_map<u32, u32> map;
};

std::size_t wanted_calls() {
  if (std::getenv("TOPHASH_WALK_EVERY_POINT") != nullptr) return 1'000'000;
  return 100'000;
}

// Fresh subjects in turn under the profiles until there are enough calls. `afterwards` looks at each.
template <class Make, class Afterwards>
void check_histories(const Make& make, const Afterwards& afterwards, std::size_t wanted = wanted_calls()) {
  cell::damaged = false;
  std::size_t done = 0;
  for (std::uint64_t round = 0; done < wanted; ++round) {
    const load_profile& profile = profiles[round % std::size(profiles)];
    auto subject = make();
    const auto history = run_history(*subject, profile, round + 1);
    done += profile.threads * profile.calls_each;
    const std::string wrong = judge(history);
    INFO("round " << round << ": " << wrong);
    REQUIRE(wrong.empty());
    REQUIRE_FALSE(cell::damaged);
    afterwards(*subject);
  }
}

recorded_call made(call what, u32 argument, u32 result, std::uint64_t from, std::uint64_t to,
                   u32 expected = 0) {
  return {what, 1, argument, expected, result, from, to};
}

}  // namespace

TEST_CASE("history: the judge accepts what some order explains, and nothing else") {
  const auto verdict = [](std::vector<recorded_call> a, std::vector<recorded_call> b = {},
                          std::vector<recorded_call> c = {}) {
    key_history h;
    h[0] = std::move(a);
    h[1] = std::move(b);
    h[2] = std::move(c);
    return linearizability::judge(h).empty();
  };
  CHECK(verdict({made(call::store, 7, 0, 1, 2), made(call::load, 0, 7, 3, 4)}));
  CHECK_FALSE(verdict({made(call::store, 7, 0, 1, 2), made(call::load, 0, 0, 3, 4)}));
  // A load that overlaps a store may see either; two that follow each other may not go back.
  CHECK(
      verdict({made(call::store, 7, 0, 1, 9)}, {made(call::load, 0, 0, 2, 3), made(call::load, 0, 7, 4, 5)}));
  CHECK_FALSE(
      verdict({made(call::store, 7, 0, 1, 9)}, {made(call::load, 0, 7, 2, 3), made(call::load, 0, 0, 4, 5)}));
  // Of two load_or_stores one is first.
  CHECK(verdict({made(call::load_or_store, 7, 8, 1, 9)}, {made(call::load_or_store, 8, 8, 2, 8)}));
  CHECK_FALSE(verdict({made(call::load_or_store, 7, 7, 1, 9)}, {made(call::load_or_store, 8, 8, 2, 8)}));
  // One value is swapped out once, deleted once, compared once.
  CHECK_FALSE(verdict({made(call::store, 7, 0, 1, 2)}, {made(call::swap, 8, 7, 3, 9)},
                      {made(call::swap, 9, 7, 3, 9)}));
  CHECK_FALSE(verdict({made(call::store, 7, 0, 1, 2)}, {made(call::erase, 0, 1, 3, 9)},
                      {made(call::erase, 0, 1, 3, 9)}));
  CHECK_FALSE(verdict({made(call::store, 7, 0, 1, 2)}, {made(call::compare_and_swap, 8, 1, 3, 9, 7)},
                      {made(call::compare_and_swap, 9, 1, 3, 9, 7)}));
  CHECK(verdict({made(call::store, 7, 0, 1, 2)}, {made(call::compare_and_swap, 8, 1, 3, 9, 7)},
                {made(call::compare_and_swap, 7, 1, 3, 9, 8)}));
  CHECK_FALSE(verdict({made(call::store, 7, 0, 1, 2)}, {made(call::compare_and_delete, 0, 0, 3, 9, 7)}));
  // What is over before another begins comes first, however long a third one takes.
  CHECK_FALSE(
      verdict({made(call::store, 7, 0, 1, 2), made(call::store, 8, 0, 3, 4), made(call::load, 0, 7, 5, 6)},
              {made(call::load, 0, 0, 1, 100)}));
}

TEST_CASE("history: a map that lets go of its lock between looking and acting is caught") {
  check_histories([] { return std::make_unique<standard_subject<false>>(); }, [](const auto&) {}, 20'000);
  std::size_t caught = 0;
  for (std::uint64_t round = 0; round < 20 && caught == 0; ++round) {
    standard_subject<true> torn;
    caught += judge(run_history(torn, everything, round + 1)).empty() ? 0 : 1;
  }
  CHECK(caught == 1);
}

TEST_CASE("history: go_sync_map is linearizable per key, in every state of its entries") {
  storage_resource memory;
  observe::sync_counter_values all;
  check_histories([&memory] { return std::make_unique<sync_map_subject>(memory); },
                  [&all](const sync_map_subject& s) {
                    const auto c = s.map.counts();
                    all.promotions += c.promotions;
                    all.copies += c.copies;
                    all.expunged += c.expunged;
                    all.restored += c.restored;
                    all.dropped += c.dropped;
                  });
  CHECK(all.promotions > 100);
  CHECK(all.copies > 100);
  CHECK(all.expunged > 100);
  CHECK(all.restored > 0);
  CHECK(all.dropped > 100);
  CHECK(memory.total().live_bytes == 0);
}

TEST_CASE("history: a striped map is linearizable per key, on chains that grow in steps") {
  storage_resource memory;
  using subject = visited_subject<
      map<u32, cell, sync::striped<4>, hashing::hash_with<jittering_hash>, storage, growth::incremental<1>>>;
  check_histories([&memory] { return std::make_unique<subject>(memory); },
                  [](const subject& s) { CHECK(s.map.check_invariants() == nullptr); });
  CHECK(memory.total().live_bytes == 0);
}

TEST_CASE("history: a map behind one shared_mutex is linearizable per key, on open groups") {
  storage_resource memory;
  using subject = locked_subject;
  check_histories([&memory] { return std::make_unique<subject>(memory); },
                  [](const subject& s) { CHECK(s.map.check_invariants() == nullptr); });
  CHECK(memory.total().live_bytes == 0);
}
