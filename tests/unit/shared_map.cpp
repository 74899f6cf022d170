// SPDX-License-Identifier: Apache-2.0
// Maps and sets that threads share: what is visited under which lock, what is atomic, what a throwing visitor
// leaves, try_ forms, bulk visits, whole-map operations; the lock itself; where keys fall and how far stripes
// lie apart.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <tophash/allocators/decorators/failing.hpp>
#include <tophash/allocators/decorators/tracked.hpp>
#include <tophash/allocators/system.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/observe/counters.hpp>
#include <tophash/presets.hpp>
#include <tophash/shared_map.hpp>

using namespace tophash;

namespace {

using text_map = map<std::string, int, sync::striped<8>>;
using locked_map = map<std::string, int, presets::fastest, sync::shared_mutex>;

template <class M>
int value_at(const M& m, const typename M::key_type& key) {
  int out = -1;
  m.cvisit(key, [&out](const auto& e) { out = e.second; });
  return out;
}

// Runs `work(thread)` in so many threads at once.
template <class F>
void in_threads(std::size_t count, const F& work) {
  std::vector<std::thread> others;
  for (std::size_t t = 1; t < count; ++t) others.emplace_back(work, t);
  work(0);
  for (std::thread& t : others) t.join();
}

// Is the lock of this key's stripe held by somebody? Asked from another thread.
template <class M>
std::pair<bool, bool> free_to_read_and_write(M& m, const typename M::key_type& key) {
  std::pair<bool, bool> out;
  std::thread asking([&] {
    out.first = m.try_cvisit(key, [](const auto&) {}).locked;
    out.second = m.try_visit(key, [](auto&) {}).locked;
  });
  asking.join();
  return out;
}

template <class M>
void check_interface() {
  M m;
  CHECK(m.empty());
  CHECK(m.insert({"a", 1}));
  CHECK_FALSE(m.insert({"a", 2}));
  CHECK(m.try_emplace("b", 2));
  CHECK_FALSE(m.insert_or_assign("b", 3));
  CHECK(m.insert_or_assign("c", 4));
  CHECK(m.insert({{"c", 9}, {"d", 5}}) == 1);
  CHECK(m.size() == 4);
  CHECK(value_at(m, "a") == 1);
  CHECK(value_at(m, "b") == 3);
  CHECK(m.contains("d"));
  CHECK(m.count("e") == 0);

  CHECK(m.visit("a", [](auto& e) { e.second += 10; }) == 1);
  CHECK(m.visit("e", [](auto&) { FAIL("visited"); }) == 0);
  CHECK_FALSE(m.insert_or_visit({"a", 0}, [](auto& e) { ++e.second; }));
  CHECK(value_at(m, "a") == 12);
  CHECK(m.insert_or_cvisit({"e", 6}, [](const auto&) { FAIL("visited"); }));
  CHECK_FALSE(m.try_emplace_or_visit("e", 0, [](auto& e) { e.second = 7; }));
  int seen = 0;
  CHECK_FALSE(m.try_emplace_or_cvisit("e", 0, [&seen](const auto& e) { seen = e.second; }));
  CHECK(seen == 7);
  CHECK(m.try_emplace_or_visit("f", 8, [](auto&) { FAIL("visited"); }));

  int sum = 0;
  CHECK(m.cvisit_all([&sum](const auto& e) { sum += e.second; }) == 6);
  CHECK(sum == 12 + 3 + 4 + 5 + 7 + 8);
  CHECK(m.visit_all([](auto& e) { e.second = 1; }) == 6);
  int left = 3;
  CHECK_FALSE(m.cvisit_while([&left](const auto&) { return --left > 0; }));
  CHECK(m.visit_while([](auto& e) { return ++e.second == 2; }));

  CHECK(m.erase_if("a", [](const auto& e) { return e.second == 99; }) == 0);
  CHECK(m.erase_if("a", [](const auto& e) { return e.second == 2; }) == 1);
  CHECK(m.erase("a") == 0);
  CHECK(m.erase("b") == 1);
  CHECK(erase_if(m, [](const auto& e) { return e.first < "e"; }) == 2);
  CHECK(m.size() == 2);

  M copy(m);
  CHECK(copy == m);
  copy.insert_or_assign("e", 100);
  CHECK_FALSE(copy == m);
  M moved(std::move(copy));
  CHECK(value_at(moved, "e") == 100);
  swap(moved, m);
  CHECK(value_at(m, "e") == 100);
  m = moved;
  CHECK(m == moved);
  m = M{};
  CHECK(m.empty());
  moved.clear();
  CHECK(moved.empty());
  moved.reserve(1000);
  CHECK(moved.try_reserve(2000));
  CHECK(moved.check_invariants() == nullptr);

  // Nothing that refers to an entry comes out.
  static_assert(std::is_same_v<decltype(m.insert({"a", 1})), bool>);
  static_assert(
      std::is_same_v<decltype(m.visit("a", [](auto& e) -> int& { return e.second; })), std::size_t>);
  static_assert(
      !requires { m.begin(); } && !requires { m.find("a"); } && !requires { m["a"]; } &&
      !requires { m.at("a"); });
}

struct broken {};

// Whoever copies it lets others run.
struct slow_to_copy {
  explicit slow_to_copy(int n) noexcept : number(n) {}
  slow_to_copy(const slow_to_copy& other) noexcept : number(other.number) { std::this_thread::yield(); }
  slow_to_copy& operator=(const slow_to_copy&) noexcept = default;
  int number;
};

}  // namespace

TEST_CASE("shared map: the interface, striped and behind one lock") {
  check_interface<text_map>();
  check_interface<locked_map>();
  check_interface<map<std::string, int, sync::striped<1, 64>>>();
}

TEST_CASE("shared map: a visit is exclusive, a cvisit shared, and either only of its stripe") {
  const auto check = [](auto& m) {
    m.insert({{"a", 1}, {"b", 2}});
    m.visit("a", [&m](auto&) { CHECK(free_to_read_and_write(m, "a") == std::pair(false, false)); });
    m.cvisit("a", [&m](const auto&) { CHECK(free_to_read_and_write(m, "a") == std::pair(true, false)); });
    std::as_const(m).visit("a", [&m](const auto& e) {
      static_assert(std::is_const_v<std::remove_reference_t<decltype(e)>>);
      CHECK(free_to_read_and_write(m, "a") == std::pair(true, false));
    });
    CHECK(free_to_read_and_write(m, "a") == std::pair(true, true));
  };
  text_map striped;
  check(striped);
  locked_map locked;
  check(locked);
  // Some other key is in another stripe, which is free.
  std::size_t free = 0;
  for (int i = 0; i < 100; ++i) striped.try_emplace(std::to_string(i), i);
  striped.visit("a", [&](auto&) {
    std::thread([&] {
      for (int i = 0; i < 100; ++i) free += striped.try_visit(std::to_string(i), [](auto&) {}).locked ? 1 : 0;
    }).join();
  });
  CHECK(free > 60);
  CHECK(free < 100);
}

TEST_CASE("shared map: a visitor may take auto& where entries are proxies, too") {
  map<int, int, layout::bucket_chain<layout::bucket_options{.arrange = layout::arrangement::split}>,
      sync::striped<2>>
      m;
  const auto add_one = [](auto& e) { ++e.second; };
  CHECK(m.try_emplace_or_visit(1, 10, add_one));
  CHECK_FALSE(m.try_emplace_or_visit(1, 10, add_one));
  CHECK(m.visit(1, add_one) == 1);
  CHECK(m.try_visit(1, add_one).done);
  const int keys[] = {1, 2};
  CHECK(m.visit(std::begin(keys), std::end(keys), add_one) == 1);
  CHECK(m.visit_all(add_one) == 1);
  int seen = 0;
  m.cvisit(1, [&seen](const auto& e) { seen = e.second; });
  CHECK(seen == 15);
}

TEST_CASE("shared map: try_ forms do not wait and do not throw for memory") {
  allocators::failing_resource<allocators::system> resource;
  using storage = allocators::failing<allocators::system>;
  map<int, int, sync::striped<2>, storage> m(storage{resource});
  CHECK(m.try_insert({1, 10}) == attempt{.locked = true, .done = true});
  CHECK(m.try_insert({1, 11}) == attempt{.locked = true, .done = false});
  CHECK(m.try_insert_or_assign(1, 12) == attempt{.locked = true, .done = true});
  CHECK(m.try_visit(2, [](auto&) {}) == attempt{.locked = true, .done = false});
  CHECK(m.try_erase(1) == attempt{.locked = true, .done = true});
  m.insert({1, 13});
  m.visit(1, [&m](auto&) {
    std::thread([&m] {
      CHECK(m.try_insert({1, 14}) == attempt{});
      CHECK(m.try_insert_or_assign(1, 14) == attempt{});
      CHECK(m.try_erase(1) == attempt{});
      CHECK(m.try_cvisit(1, [](const auto&) {}) == attempt{});
    }).join();
  });
  resource.arm({.requests = 0});
  bool refused = false;
  for (int i = 0; i < 200 && !refused; ++i) {
    const std::size_t before = m.size();
    const attempt a = m.try_insert({i + 100, 1});
    CHECK(a.locked);
    refused = !a.allocated;
    if (refused) CHECK(m.size() == before);
  }
  CHECK(refused);
  CHECK_FALSE(m.try_reserve(10'000));
  resource.disarm();
  int there = 0;
  m.cvisit(1, [&there](const auto& e) { there = e.second; });
  CHECK(there == 13);
}

TEST_CASE("shared map: a visitor that throws gives the lock back, and what was done before stays") {
  const auto check = [](auto& m) {
    m.insert({{"a", 1}, {"b", 2}, {"c", 3}});
    const auto fail = [](const auto&) { throw broken{}; };
    const auto fail_if = [](const auto&) -> bool { throw broken{}; };
    CHECK_THROWS_AS(m.visit("a", fail), broken);
    CHECK_THROWS_AS(m.cvisit("a", fail), broken);
    CHECK_THROWS_AS(m.try_visit("a", fail), broken);
    CHECK_THROWS_AS(m.visit_all(fail), broken);
    CHECK_THROWS_AS(m.erase_if("a", fail_if), broken);
    CHECK_THROWS_AS(m.erase_if(fail_if), broken);
    CHECK_THROWS_AS(m.insert_or_visit({"a", 0}, fail), broken);
    const std::string keys[] = {"a", "b", "c"};
    CHECK_THROWS_AS(m.visit(std::begin(keys), std::end(keys), fail), broken);
    for (const std::string& k : keys) CHECK(free_to_read_and_write(m, k) == std::pair(true, true));
    CHECK(m.size() == 3);
    CHECK(m.check_invariants() == nullptr);
  };
  text_map striped;
  check(striped);
  locked_map locked;
  check(locked);
}

TEST_CASE("shared map: bulk visits find what single visits find, over forward and input iterators") {
  const auto check = [](auto m) {
    using U = std::uint64_t;
    std::vector<U> keys;
    for (U i = 0; i < 1000; ++i) {
      if (i % 3 != 0) m.try_emplace(i, i);
      keys.push_back(i * 7 % 1000);
    }
    std::vector<U> found;
    const std::size_t n =
        m.cvisit(keys.begin(), keys.end(), [&found](const auto& e) { found.push_back(e.first); });
    CHECK(n == 666);
    std::sort(found.begin(), found.end());
    CHECK(found.size() == 666);
    CHECK(std::adjacent_find(found.begin(), found.end()) == found.end());
    CHECK(std::all_of(found.begin(), found.end(), [](U k) { return k % 3 != 0; }));
    CHECK(m.visit(keys.begin(), keys.end(), [](auto& e) { e.second += 1; }) == 666);
    CHECK(m.cvisit_while([](const auto& e) { return e.second == e.first + 1; }));
    std::istringstream words("1 2 3 4 5");
    CHECK(m.visit(std::istream_iterator<U>(words), std::istream_iterator<U>(), [](auto&) {}) == 4);
    CHECK(m.visit(keys.begin(), keys.begin(), [](auto&) {}) == 0);
  };
  check(map<std::uint64_t, std::uint64_t, sync::striped<4>>{});
  check(map<std::uint64_t, std::uint64_t, sync::striped<256, 64>, presets::fastest>{});
  check(map<std::uint64_t, std::uint64_t, sync::shared_mutex>{});
}

TEST_CASE("shared map: increments by several threads are all there") {
  const auto check = [](auto& m) {
    constexpr int each = 4000;
    in_threads(3, [&m](std::size_t t) {
      for (int i = 0; i < each; ++i) {
        const auto key = std::to_string((static_cast<std::size_t>(i) * 7 + t) % 50);
        m.try_emplace_or_visit(key, 1, [](auto& e) { ++e.second; });
        if (i % 16 == 0) static_cast<void>(m.cvisit_all([](const auto&) {}));
      }
    });
    int sum = 0;
    CHECK(m.cvisit_all([&sum](const auto& e) { sum += e.second; }) == 50);
    CHECK(sum == 3 * each);
    CHECK(m.size() == 50);
  };
  text_map striped;
  check(striped);
  locked_map locked;
  check(locked);
}

TEST_CASE("shared map: a copy is of one moment, while others write") {
  // A writer keeps two keys of different stripes equal but for the time between its two assignments, first a,
  // then b.
  map<int, slow_to_copy, sync::striped<16>> m;
  for (int k = 0; k < 64; ++k) m.try_emplace(k, 0);
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int i = 1; !done; ++i) {
      for (int k = 0; k < 64; ++k) m.insert_or_assign(k, slow_to_copy(i));
    }
  });
  for (int round = 0; round < 3; ++round) {
    const auto copy = m;
    std::vector<int> values(64, -1);
    copy.cvisit_all(
        [&values](const auto& e) { values[static_cast<std::size_t>(e.first)] = e.second.number; });
    // In the order of writing no key is ahead of one before it, nor behind by more than one step.
    CHECK(std::is_sorted(values.rbegin(), values.rend()));
    CHECK(values.front() - values.back() <= 1);
  }
  done = true;
  writer.join();
  m.clear();
  CHECK(m.empty());
}

TEST_CASE("shared map: policies go to every stripe, observers are one a stripe") {
  allocators::tracking_resource<allocators::system> memory;
  using storage = allocators::tracked<allocators::system>;
  {
    map<int, int, sync::striped<4>, storage, deletion::dirty, observe::counters> m(storage{memory});
    for (int i = 0; i < 1000; ++i) m.try_emplace(i, i);
    for (int i = 0; i < 1000; i += 2) m.erase(i);
    CHECK(m.allocated_bytes() == memory.total().live_bytes);
    std::uint64_t inserted = 0;
    std::size_t tables = 0, smallest = 1000;
    m.visit_tables([&](const auto& t) {
      inserted += t.observer().snapshot().inserted;
      smallest = std::min(smallest, t.size());
      ++tables;
    });
    CHECK(inserted == 1000);
    CHECK(tables == 4);
    CHECK(smallest > 80);  // of 125: keys in a row fall on the stripes evenly
    CHECK(m.sweep() == 500);
  }
  CHECK(memory.total().live_bytes == 0);
}

TEST_CASE("shared map: stripes keep out of each other's cache lines") {
  using wide = map<int, int, sync::striped<16>>;
  using narrow = map<int, int, sync::striped<16, 64>>;
  static_assert(alignof(wide) == 128 && alignof(narrow) == 64);
  static_assert(sizeof(narrow) <= sizeof(wide));
  CHECK(wide::stripe_count() == 16);
  wide m;
  for (int i = 0; i < 100; ++i) m.try_emplace(i, i);
  std::vector<std::uintptr_t> at;
  m.visit_tables([&at](const auto& t) { at.push_back(reinterpret_cast<std::uintptr_t>(&t)); });
  for (std::size_t i = 1; i < at.size(); ++i) CHECK((at[i] - at[i - 1]) % 128 == 0);
}

TEST_CASE("shared set: the same, without values") {
  set<std::string, sync::striped<4>> s;
  CHECK(s.insert("a"));
  CHECK_FALSE(s.insert("a"));
  CHECK(s.insert({"a", "b", "c"}) == 2);
  int visited = 0;
  CHECK_FALSE(s.insert_or_visit("b", [&visited](const std::string&) { ++visited; }));
  CHECK(visited == 1);
  CHECK(s.contains("c"));
  CHECK(s.try_insert("d").done);
  CHECK(s.visit_all([](const std::string&) {}) == 4);
  CHECK(s.erase("a") == 1);
  CHECK(erase_if(s, [](const std::string& k) { return k < "d"; }) == 2);
  CHECK(s.size() == 1);
  set<int, presets::fastest, sync::shared_mutex> numbers;
  in_threads(2, [&numbers](std::size_t t) {
    for (int i = 0; i < 1000; ++i) numbers.insert(i * 2 + static_cast<int>(t));
  });
  CHECK(numbers.size() == 2000);
  CHECK(numbers.check_invariants() == nullptr);
}

TEST_CASE("spinning_lock: one writer or many readers, through spinning and sleeping") {
  shared::spinning_lock lock;
  CHECK(lock.try_lock_shared());
  CHECK(lock.try_lock_shared());
  CHECK_FALSE(lock.try_lock());
  lock.unlock_shared();
  lock.unlock_shared();
  CHECK(lock.try_lock());
  CHECK_FALSE(lock.try_lock_shared());
  CHECK_FALSE(lock.try_lock());
  lock.unlock();

  std::uint64_t plain = 0;  // what the lock guards; the thread sanitizer watches it
  std::atomic<int> readers{0}, writers{0}, wrong{0};
  in_threads(4, [&](std::size_t t) {
    for (int i = 0; i < 400; ++i) {
      if ((static_cast<std::size_t>(i) + t) % 3 == 0) {
        const std::unique_lock held(lock);
        if (writers.fetch_add(1) != 0 || readers.load() != 0) ++wrong;
        ++plain;
        // Long enough now and then that the others go to sleep.
        if (i % 50 == 0) std::this_thread::sleep_for(std::chrono::microseconds(200));
        writers.fetch_sub(1);
      } else {
        const std::shared_lock held(lock);
        readers.fetch_add(1);
        if (writers.load() != 0 || plain > 4 * 400) ++wrong;
        if (i % 64 == 0) std::this_thread::yield();
        readers.fetch_sub(1);
      }
    }
  });
  CHECK(wrong == 0);
  CHECK(plain >= 4 * 133);
  CHECK(lock.try_lock());  // nobody left anything behind
  lock.unlock();
}
