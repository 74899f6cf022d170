// SPDX-License-Identifier: Apache-2.0
// go_sync_map against the checklist of Go's own tests of sync.Map: random call lists against two models, the
// states of an entry by hand, ranges among writers, memory; then what C++ adds: exceptions and failed
// allocations at every point, values that are visited while they are replaced, and when retired memory goes.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <tophash/allocators/decorators/failing.hpp>
#include <tophash/allocators/decorators/tracked.hpp>
#include <tophash/allocators/system.hpp>
#include <tophash/go_sync_map.hpp>
#include <tophash/policies/hashing/hash_with.hpp>
#include <tophash/presets.hpp>

#include "support/elements.hpp"
#include "support/faults.hpp"
#include "support/hashes.hpp"
#include "support/history.hpp"

using namespace tophash;
using namespace tophash::testing;

namespace {

using shared::entry_state;
using counted_map = go_sync_map<int, int, observe::sync_counters>;
using key_state = counted_map::key_state;

constexpr entry_state absent = entry_state::absent, value = entry_state::value,
                      deleted = entry_state::deleted, expunged = entry_state::expunged;

// ---- models: Go's two references
// ----------------------------------------------------------------------------------

using letters = std::string;

struct locked_model {
  std::optional<letters> load(const letters& k) {
    const std::shared_lock lock(mutex);
    return find(k);
  }
  void store(const letters& k, const letters& v) {
    const std::unique_lock lock(mutex);
    map[k] = v;
  }
  std::optional<letters> swap(const letters& k, const letters& v) {
    const std::unique_lock lock(mutex);
    auto before = find(k);
    map[k] = v;
    return before;
  }
  std::pair<letters, bool> load_or_store(const letters& k, const letters& v) {
    const std::unique_lock lock(mutex);
    const auto [at, fresh] = map.try_emplace(k, v);
    return {at->second, !fresh};
  }
  std::optional<letters> load_and_delete(const letters& k) {
    const std::unique_lock lock(mutex);
    auto before = find(k);
    map.erase(k);
    return before;
  }
  bool erase(const letters& k) { return load_and_delete(k).has_value(); }
  bool compare_and_swap(const letters& k, const letters& old, const letters& v) {
    const std::unique_lock lock(mutex);
    if (find(k) != old) return false;
    map[k] = v;
    return true;
  }
  bool compare_and_delete(const letters& k, const letters& old) {
    const std::unique_lock lock(mutex);
    return find(k) == old && map.erase(k) != 0;
  }
  void clear() {
    const std::unique_lock lock(mutex);
    map.clear();
  }
  std::map<letters, letters> contents() { return map; }
  std::optional<letters> find(const letters& k) const {
    const auto at = map.find(k);
    return at == map.end() ? std::nullopt : std::optional(at->second);
  }
  std::shared_mutex mutex;
  std::map<letters, letters> map;
};

// Every write makes a copy of everything and replaces the old one as a whole.
struct deep_copy_model {
  std::optional<letters> load(const letters& k) {
    const auto now = clean.load();
    const auto at = now->find(k);
    return at == now->end() ? std::nullopt : std::optional(at->second);
  }
  void store(const letters& k, const letters& v) {
    write([&](auto& m) { m[k] = v; });
  }
  std::optional<letters> swap(const letters& k, const letters& v) {
    auto before = load(k);
    store(k, v);
    return before;
  }
  std::pair<letters, bool> load_or_store(const letters& k, const letters& v) {
    if (auto there = load(k)) return {*there, true};
    store(k, v);
    return {v, false};
  }
  std::optional<letters> load_and_delete(const letters& k) {
    auto before = load(k);
    write([&](auto& m) { m.erase(k); });
    return before;
  }
  bool erase(const letters& k) { return load_and_delete(k).has_value(); }
  bool compare_and_swap(const letters& k, const letters& old, const letters& v) {
    if (load(k) != old) return false;
    store(k, v);
    return true;
  }
  bool compare_and_delete(const letters& k, const letters& old) {
    if (load(k) != old) return false;
    return erase(k);
  }
  void clear() {
    write([](auto& m) { m.clear(); });
  }
  std::map<letters, letters> contents() { return *clean.load(); }
  template <class F>
  void write(F&& f) {
    auto fresh = std::make_shared<std::map<letters, letters>>(*clean.load());
    f(*fresh);
    clean.store(std::move(fresh));
  }
  std::atomic<std::shared_ptr<const std::map<letters, letters>>> clean =
      std::make_shared<const std::map<letters, letters>>();
};

struct sync_map {
  std::optional<letters> load(const letters& k) { return map.load(k); }
  void store(const letters& k, const letters& v) { map.store(k, v); }
  std::optional<letters> swap(const letters& k, const letters& v) { return map.swap(k, v); }
  std::pair<letters, bool> load_or_store(const letters& k, const letters& v) {
    auto r = map.load_or_store(k, v);
    return {r.value, r.loaded};
  }
  std::optional<letters> load_and_delete(const letters& k) { return map.load_and_delete(k); }
  bool erase(const letters& k) { return map.erase(k); }
  bool compare_and_swap(const letters& k, const letters& old, const letters& v) {
    return map.compare_and_swap(k, old, v);
  }
  bool compare_and_delete(const letters& k, const letters& old) { return map.compare_and_delete(k, old); }
  void clear() { map.clear(); }
  std::map<letters, letters> contents() {
    std::map<letters, letters> out;
    map.range([&out](const letters& k, const letters& v) { CHECK(out.emplace(k, v).second); });
    return out;
  }
  go_sync_map<letters, letters> map;
};

// Words of 0 to 3 letters, so that calls meet.
letters word(dice& throws) {
  letters out;
  for (std::uint32_t n = throws(4); n != 0; --n) out += static_cast<char>('a' + throws(4));
  return out;
}

template <class Map>
std::pair<std::vector<letters>, std::map<letters, letters>> results_of(std::uint64_t seed,
                                                                       std::size_t length) {
  dice throws(seed);
  Map m;
  std::vector<letters> results;
  const auto note = [&results](const std::optional<letters>& r) { results.push_back(r ? "+" + *r : "-"); };
  for (std::size_t i = 0; i < length; ++i) {
    const letters k = word(throws), v = word(throws), old = word(throws);
    switch (throws(24)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
      note(m.load(k));
      break;
    case 7:
    case 8:
    case 9:
    case 10:
      m.store(k, v);
      break;
    case 11:
    case 12:
      note(m.swap(k, v));
      break;
    case 13:
    case 14:
    case 15: {
      const auto [there, loaded] = m.load_or_store(k, v);
      results.push_back((loaded ? "loaded " : "stored ") + there);
      break;
    }
    case 16:
    case 17:
      note(m.load_and_delete(k));
      break;
    case 18:
    case 19:
      results.push_back(m.erase(k) ? "erased" : "absent");
      break;
    case 20:
    case 21:
      results.push_back(m.compare_and_swap(k, m.load(k).value_or(old), v) ? "swapped" : "kept");
      break;
    case 22:
      results.push_back(m.compare_and_delete(k, throws(2) == 0 ? old : m.load(k).value_or(old)) ? "gone"
                                                                                                : "kept");
      break;
    default:
      if (throws(20) == 0) m.clear();
    }
  }
  return {results, m.contents()};
}

// ---- elements that fail
// -----------------------------------------------------------------------------------------

using element = counted<71>;
using other_element = counted<72>;
using failing_storage = allocators::failing<allocators::tracked<allocators::system>>;

}  // namespace

TEST_CASE("TestMapMatchesRWMutex: random call lists give a locked map's results and contents") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    REQUIRE(results_of<sync_map>(seed, 300) == results_of<locked_model>(seed, 300));
  }
}

TEST_CASE("TestMapMatchesDeepCopy: random call lists give those of a deep copy replaced as a whole") {
  for (std::uint64_t seed = 101; seed <= 120; ++seed) {
    INFO("seed " << seed);
    REQUIRE(results_of<sync_map>(seed, 300) == results_of<deep_copy_model>(seed, 300));
  }
}

TEST_CASE("TestConcurrentRange: among stores of multiples and loads each key is met once, and only multiples") {
  constexpr int keys = 1024;
  go_sync_map<int, long> m;
  for (int k = 1; k <= keys; ++k) m.store(k, k);
  std::atomic<bool> done{false};
  const auto writer = [&](std::uint64_t seed) {
    dice throws(seed);
    for (long g = 1; !done; ++g) {
      const int k = static_cast<int>(throws(keys)) + 1;
      m.store(k, k * g);
      static_cast<void>(m.load(static_cast<int>(throws(keys)) + 1));
    }
  };
  std::thread one(writer, 1), two(writer, 2);
  for (int round = 0; round < 16; ++round) {
    std::vector<int> seen(keys + 1, 0);
    bool multiples = true;
    m.range([&](int k, long v) {
      ++seen[static_cast<std::size_t>(k)];
      multiples = multiples && v % k == 0 && v != 0;
    });
    CHECK(multiples);
    CHECK(std::count(seen.begin(), seen.end(), 1) == keys);
  }
  done = true;
  one.join();
  two.join();
}

TEST_CASE("TestIssue40999: storing and deleting ever-new keys frees them") {
  allocators::tracking_resource<allocators::system> memory;
  {
    using storage = allocators::tracked<allocators::system>;
    go_sync_map<int, std::shared_ptr<int>, storage> m(storage{memory});
    m.store(-1, nullptr);  // so that there is something to promote
    std::vector<std::weak_ptr<int>> values;
    std::uint64_t most = 0;
    for (int i = 0; i < 5000; ++i) {
      auto v = std::make_shared<int>(i);
      values.emplace_back(v);
      m.store(i, std::move(v));
      m.erase(i);
      most = std::max(most, memory.total().live_bytes);
    }
    m.collect();
    for (const auto& v : values) REQUIRE(v.expired());
    CHECK(most < 20'000);  // 5000 entries would be 400,000
  }
  CHECK(memory.total().live_bytes == 0);
}

TEST_CASE("TestMapRangeNestedCall: a range may use the map: nested ranges, loads, stores, deletes") {
  go_sync_map<int, letters> m;
  for (int i = 0; i < 8; ++i) m.store(i, "x");
  m.range([&m](int outer, const letters&) {
    m.range([&m, outer](int inner, const letters& v) {
      if (const auto there = m.load(inner)) CHECK(*there == v);
      const auto r = m.load_or_store(42, "dummy");
      CHECK(r.value == "dummy");
      m.store(42, "dummy");
      CHECK(m.load_and_delete(42) == std::optional<letters>("dummy"));
      static_cast<void>(outer);
      return true;
    });
    m.erase(outer);
  });
  std::size_t left = 0;
  m.range([&left](int, const letters&) { ++left; });
  CHECK(left == 0);
}

TEST_CASE("sync.Map: a range ends when its visitor says so") {
  counted_map m;
  for (int i = 0; i < 10; ++i) m.store(i, i);
  int calls_made = 0;
  m.range([&calls_made](int, int) { return ++calls_made < 3; });
  CHECK(calls_made == 3);
}

TEST_CASE("sync.Map: the states of an entry, by hand") {
  counted_map m;
  CHECK(m.state() == shared::go_sync_state{});
  m.store(1, 10);
  m.store(2, 20);
  // New keys are in dirty_ alone, and read_ says so.
  CHECK(m.state() == shared::go_sync_state{.dirty_entries = 2, .amended = true, .has_dirty = true});
  CHECK(m.state_of(1) == key_state{absent, value});

  SECTION(
      "a miss is counted whether the key was found or not; promotion at misses = len(dirty), not before") {
    CHECK_FALSE(m.load(99));
    CHECK(m.state().misses == 1);
    CHECK(m.state().amended);
    CHECK(m.load(1) == 10);
    CHECK(m.state() == shared::go_sync_state{.read_entries = 2});
    CHECK(m.counts().promotions == 1);
    CHECK(m.counts().misses == 2);
    // Not amended: an absent key is no miss.
    CHECK_FALSE(m.load(99));
    CHECK(m.state().misses == 0);
  }
  SECTION("a range promotes at once") {
    m.range([](int, int) {});
    CHECK(m.state() == shared::go_sync_state{.read_entries = 2});
  }
  SECTION("value, deleted, expunged, restored under the mutex, value; dropped with a promotion") {
    m.range([](int, int) {});
    m.erase(1);
    m.erase(2);
    CHECK(m.state_of(1) == key_state{deleted, absent});
    CHECK(m.state().read_entries == 2);  // the keys keep their places
    m.store(3, 30);                      // builds dirty_
    CHECK(m.state_of(1) == key_state{expunged, absent});
    CHECK(m.state_of(2) == key_state{expunged, absent});
    CHECK(m.state() ==
          shared::go_sync_state{.read_entries = 2, .dirty_entries = 1, .amended = true, .has_dirty = true});
    CHECK(m.counts().expunged == 2);
    CHECK_FALSE(m.load(1));
    CHECK_FALSE(m.compare_and_swap(1, 10, 11));
    CHECK_FALSE(m.compare_and_delete(1, 10));
    CHECK_FALSE(m.erase(1));
    CHECK(m.state().misses == 0);  // all of that was answered by read_
    m.store(1, 12);
    CHECK(m.state_of(1) == key_state{value, value});
    CHECK(m.counts().restored == 1);
    CHECK(m.load(1) == 12);
    m.range([](int, int) {});
    CHECK(m.state_of(2) == key_state{absent, absent});
    CHECK(m.counts().dropped == 1);
    CHECK(m.load(1) == 12);
    CHECK(m.load(3) == 30);
    // The one that was restored is an ordinary entry again.
    m.erase(1);
    m.store(4, 40);
    CHECK(m.state_of(1) == key_state{expunged, absent});
    CHECK(m.load_or_store(1, 13).value == 13);
    CHECK(m.state_of(1) == key_state{value, value});
  }
  SECTION("a deleted key of read_ is stored again without the mutex") {
    m.range([](int, int) {});
    m.erase(1);
    m.store(1, 11);
    CHECK(m.state() == shared::go_sync_state{.read_entries = 2});
    CHECK(m.load(1) == 11);
  }
  SECTION("a key that only dirty_ has is erased at once; that is a miss") {
    CHECK(m.erase(1));
    CHECK(m.state_of(1) == key_state{absent, absent});
    CHECK(m.state() == shared::go_sync_state{.read_entries = 1});  // one miss, one entry: promoted
  }
  SECTION("dirty_ is built of what is not deleted, once") {
    m.range([](int, int) {});
    m.erase(1);
    m.store(3, 30);
    m.store(4, 40);
    CHECK(m.counts().copies == 2);  // the first from an empty read_
    CHECK(m.counts().copied_entries == 1);
    CHECK(m.state_of(2) == key_state{value, value});
  }
  SECTION("load_or_store of a key found in dirty_ is a miss, and so are the compare forms") {
    CHECK(m.load_or_store(1, 99).loaded);
    CHECK(m.state().misses == 1);
    m.store(3, 30);
    CHECK(m.compare_and_swap(1, 10, 11));
    CHECK(m.state().misses == 2);
    CHECK(m.compare_and_delete(99, 0) == false);
    CHECK(m.state() == shared::go_sync_state{.read_entries = 3});
    CHECK(m.load(1) == 11);
  }
  SECTION("compare_and_delete leaves a key of dirty_ there, deleted") {
    m.store(3, 30);
    CHECK(m.compare_and_delete(1, 10));
    CHECK(m.state_of(1) == key_state{absent, deleted});
    CHECK(m.state().dirty_entries == 3);
  }
  SECTION("clear empties both tables, whatever their state") {
    m.range([](int, int) {});
    m.erase(1);
    m.store(3, 30);
    m.clear();
    CHECK(m.state() == shared::go_sync_state{});
    CHECK_FALSE(m.load(2));
    m.store(2, 21);
    CHECK(m.load(2) == 21);
    m.clear();
    m.clear();
    CHECK(m.state() == shared::go_sync_state{});
  }
}

TEST_CASE("sync.Map: adversarial orders stay at a constant number of steps a call") {
  SECTION("AdversarialAlloc: a new key after each promotion copies no more than the calls in between") {
    counted_map m;
    constexpr std::uint64_t wanted = 4000;
    int stores = 0;
    for (std::uint64_t i = 0, until = 0; i < wanted; ++i) {
      m.load(static_cast<int>(i));
      if (i == until) {
        m.store(stores++, 1);
        until = i + static_cast<std::uint64_t>(stores);
      }
    }
    CHECK(m.counts().copied_entries <= 2 * wanted);
  }
  SECTION("AdversarialDelete: erasing and adding a key in turn, with a range now and then") {
    counted_map m;
    constexpr int mapped = 1024, wanted = 40'000;
    for (int i = 0; i < mapped; ++i) m.store(i, i);
    for (int i = 0; i < wanted; ++i) {
      m.load(i % mapped);
      if (i % mapped == 0) {
        m.range([&m](int k, int) {
          m.erase(k);
          return false;
        });
        m.store(wanted + i, i);
      }
    }
    CHECK(m.counts().copied_entries <= 4 * wanted);
  }
}

TEST_CASE("go_sync_map: a promotion takes the erased entries' memory along, and clear all of it") {
  using storage = allocators::tracked<allocators::system>;
  allocators::tracking_resource<allocators::system> memory;
  go_sync_map<int, int, storage> m(storage{memory});
  const auto empty = memory.total().live_bytes;
  for (int i = 0; i < 1000; ++i) m.store(i, i);
  m.range([](int, int) {});
  m.collect();
  const auto full = memory.total().live_bytes;
  for (int i = 0; i < 1000; ++i) m.erase(i);
  m.collect();
  const auto erased = memory.total().live_bytes;
  CHECK(full - erased >= 1000 * sizeof(int));          // the values are gone,
  CHECK(erased - empty >= 1000 * (sizeof(int) + 16));  // the keys and entries are not
  m.store(-1, 1);
  m.range([](int, int) {});
  m.collect();
  CHECK(memory.total().live_bytes <=
        erased - 990 * 16);  // but for a table as large as the last one was, as in Go
  m.store(-2, 1);
  m.range([](int, int) {});
  m.collect();
  CHECK(memory.total().live_bytes < empty + full / 20);
  for (int i = 0; i < 1000; ++i) m.store(i, i);
  m.clear();
  m.collect();
  CHECK(memory.total().live_bytes == empty);
}

TEST_CASE("go_sync_map: a value that is visited stays, whatever is stored, and goes afterwards") {
  go_sync_map<int, std::shared_ptr<int>> m;
  std::weak_ptr<int> first;
  {
    auto one = std::make_shared<int>(1);
    first = one;
    m.store(1, std::move(one));
  }
  m.visit(1, [&](const std::shared_ptr<int>& seen) {
    for (int i = 0; i < 500; ++i) m.store(1, std::make_shared<int>(i));
    m.clear();
    m.collect();
    CHECK_FALSE(first.expired());
    CHECK(*seen == 1);
  });
  m.collect();
  CHECK(first.expired());
}

TEST_CASE("go_sync_map: a thread that stays inside holds memory back, and nothing else") {
  using storage = allocators::tracked<allocators::system>;
  allocators::tracking_resource<allocators::system> memory;
  go_sync_map<int, int, storage> m(storage{memory});
  m.store(1, 1);
  m.range([](int, int) {});  // so that the reader itself has nothing to retire
  m.collect();
  std::atomic<int> stage{0};
  std::thread reader([&] {
    m.visit(1, [&](int) {
      stage = 1;
      while (stage != 2) std::this_thread::yield();
    });
    stage = 3;
  });
  while (stage != 1) std::this_thread::yield();
  const auto before = memory.total().live_bytes;
  for (int i = 0; i < 1000; ++i) m.store(1, i);
  CHECK(memory.total().live_bytes >= before + 1000 * sizeof(int));
  stage = 2;
  while (stage != 3) std::this_thread::yield();
  reader.join();
  CHECK(m.collect() >= 1000);
  CHECK(memory.total().live_bytes <= before);
}

TEST_CASE("go_sync_map: threads come and go, and their records are used again") {
  go_sync_map<int, int> m;
  m.store(1, 0);
  for (int round = 0; round < 50; ++round) {
    std::thread a([&] { m.store(1, round); }), b([&] { static_cast<void>(m.load(1)); });
    a.join();
    b.join();
  }
  CHECK(m.load(1) == 49);
}

TEST_CASE("go_sync_map: whatever throws, wherever, the map is as before and nothing is lost") {
  auto& keys = element::ledger();
  auto& values = other_element::ledger();
  {
    // Each call in each state of its key: in read_, deleted there, expunged, only in dirty_, absent with and
    // without dirty_.
    for (int state = 0; state < 6; ++state) {
      for (int what = 0; what < 6; ++what) {
        for (long n = 1;; ++n) {
          using map_type = go_sync_map<element, other_element, hashing::hash_with<faulty_hash>>;
          map_type m;
          const auto k = [](std::uint32_t i) { return element(i); };
          for (std::uint32_t i = 0; i < 4; ++i) m.store(k(i), other_element(i));
          m.range([](const element&, const other_element&) {});
          if (state == 1 || state == 2) m.erase(k(1));
          if (state >= 2 && state <= 4) m.store(k(9), other_element(9));
          const element key = k(state == 3 ? 9 : state >= 4 ? 50 : 1);
          const std::optional<other_element> before = m.load(key);
          const other_element fresh(77), old(before ? before->number() : 0);
          bool threw = false;
          arm_fault(n);
          try {
            switch (what) {
            case 0:
              m.store(key, fresh);
              break;
            case 1:
              static_cast<void>(m.load_or_store(key, fresh));
              break;
            case 2:
              static_cast<void>(m.compare_and_swap(key, old, fresh));
              break;
            case 3:
              static_cast<void>(m.compare_and_delete(key, old));
              break;
            case 4:
              static_cast<void>(m.erase(key));
              break;
            default:
              static_cast<void>(m.load(key));
              break;
            }
          } catch (const injected_fault&) {
            threw = true;
          }
          const bool fired = disarm_fault();
          INFO("state " << state << ", call " << what << ", fault " << n);
          if (threw && what != 1) {  // load_or_store may have stored, and failed to copy the value out
            const auto now = m.load(key);
            REQUIRE(now.has_value() == before.has_value());
            if (now) REQUIRE(now->number() == before->number());
          }
          for (std::uint32_t i = 2; i < 4; ++i) REQUIRE(m.load(k(i)).has_value());
          m.store(key, other_element(78));
          REQUIRE(m.load(key)->number() == 78);
          std::size_t entries = 0;
          m.range([&entries](const element&, const other_element&) { ++entries; });
          REQUIRE(entries >= 3);
          if (!fired) break;
        }
      }
    }
  }
  CHECK(keys.alive == 0);
  CHECK(values.alive == 0);
  CHECK(keys.error.empty());
  CHECK(values.error.empty());
}

TEST_CASE("go_sync_map: an allocation that fails leaves it as before, and try_store says so") {
  allocators::tracking_resource<allocators::system> memory;
  for (int state = 0; state < 4; ++state) {
    std::size_t failures = 0;
    for (std::uint64_t n = 1;; ++n) {
      allocators::failing_resource<allocators::tracked<allocators::system>> resource{
          allocators::tracked<allocators::system>{memory}};
      bool stored = false;
      {
        go_sync_map<int, int, failing_storage> m(failing_storage{resource});
        for (int i = 0; i < 40; ++i) m.store(i, i);
        m.range([](int, int) {});
        for (int i = 0; i < 20; ++i) m.erase(i);
        if (state >= 2) m.store(100, 100);
        const int key = state == 0   ? 30
                        : state == 1 ? 200
                        : state == 2 ? 3
                                     : 201;  // in read_, new, expunged, new in dirty_
        const auto before = m.state_of(key);
        resource.arm({.nth = n});
        stored = m.try_store(key, 7);
        resource.disarm();
        if (!stored) {
          ++failures;
          REQUIRE(m.state_of(key).in_read == before.in_read);
          REQUIRE(m.state_of(key).in_dirty == before.in_dirty);
          // A key that was left expunged by a copy that failed would be lost by this store.
          m.store(5, 55);
          m.range([](int, int) {});
          REQUIRE(m.load(5) == 55);
          m.store(key, 7);
        }
        REQUIRE(m.load(key) == 7);
        for (int i = 20; i < 40; ++i) REQUIRE(m.load(i) == (i == key ? 7 : i));
      }
      REQUIRE(memory.total().live_bytes == 0);
      if (stored) break;
    }
    // A box; and dirty_ with its table and an entry where those are needed.
    CHECK(failures >= (state == 0 ? 1u : state == 1 ? 3u : state == 2 ? 1u : 2u));
  }
}

TEST_CASE("go_sync_map: the options decide its tables") {
  shared::basic_go_sync_map<letters, int, compose<presets::go_like, allocators::tracked<allocators::system>>>
      chained;
  chained.store("a", 1);
  chained.range([](const letters&, int) {});
  chained.erase("a");
  chained.store("b", 2);
  CHECK(chained.load("b") == 2);
  CHECK_FALSE(chained.load("a"));
}
