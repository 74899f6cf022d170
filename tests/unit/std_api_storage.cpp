// SPDX-License-Identifier: Apache-2.0
// <tophash/std_api.hpp>: memory resources, failures, and the bucket interface; each test on
// std::unordered_map and on the three drop-in maps.
#include <cstddef>
#include <map>
#include <memory>
#include <memory_resource>
#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include <catch2/catch.hpp>

#include "support/std_families.hpp"

using namespace tophash::testing;

#define ALL_FAMILIES standard_family, node_family, flat_family, bucket_family

namespace {

struct counting_resource : std::pmr::memory_resource {
  long blocks = 0, requests = 0;
  void* do_allocate(std::size_t bytes, std::size_t align) override {
    ++blocks, ++requests;
    return std::pmr::new_delete_resource()->allocate(bytes, align);
  }
  void do_deallocate(void* at, std::size_t bytes, std::size_t align) override {
    --blocks;
    std::pmr::new_delete_resource()->deallocate(at, bytes, align);
  }
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override { return this == &other; }
};

template <class Family, class K, class T>
using pmr_map = typename Family::template map<K, T, std::hash<K>, std::equal_to<K>,
                                              std::pmr::polymorphic_allocator<std::pair<const K, T>>>;

}  // namespace

TEMPLATE_TEST_CASE("std_api: on a memory resource, and so are its elements", "[std_api]", ALL_FAMILIES) {
  using map = pmr_map<TestType, std::pmr::string, std::pmr::string>;
  counting_resource one, two;
  std::pmr::set_default_resource(
      std::pmr::null_memory_resource());  // whoever forgets the resource gets bad_alloc
  const auto all_on = [](const map& m, std::pmr::memory_resource* r) {
    for (const auto& [key, value] : m) {
      if (key.get_allocator().resource() != r || value.get_allocator().resource() != r) return false;
    }
    return m.get_allocator().resource() == r;
  };
  {
    map m(&one);
    for (int i = 0; i < 100; ++i) {
      std::pmr::string key(std::to_string(i) + " is a key too long for the string itself", &two);
      m.try_emplace(std::move(key), "a value too long for the string itself");
    }
    m.emplace(std::pmr::string("a", &two), "b");
    m.emplace("another key that is built in its place", "c");
    m[std::pmr::string("a key for the subscript operator", &two)] = "d";
    CHECK(all_on(m, &one));
    const map copy(m, &two);
    CHECK(all_on(copy, &two));
    CHECK(copy == m);
    map moved(std::move(m), &two);
    CHECK(all_on(moved, &two));
    CHECK(moved == copy);
    map back(&one);
    back = std::move(moved);
    CHECK(all_on(back, &one));
    CHECK(back == copy);
    const map assigned = [&] {
      map to(&one);
      to = copy;
      return to;
    }();
    CHECK(all_on(assigned, &one));
    CHECK(assigned == copy);
  }
  CHECK(one.requests > 200);
  CHECK(one.blocks == 0);
  CHECK(two.blocks == 0);

  alignas(std::max_align_t) static unsigned char buffer[1 << 16];
  std::pmr::monotonic_buffer_resource stack(buffer, sizeof buffer, std::pmr::null_memory_resource());
  pmr_map<TestType, int, int> numbers(&stack);
  for (int i = 0; i < 200; ++i) numbers[i] = i;
  const void* const at = &numbers.at(7);
  CHECK((at >= buffer && at < buffer + sizeof buffer));
  const auto before = sorted_entries(numbers);
  CHECK_THROWS_AS(numbers.reserve(1'000'000), std::bad_alloc);
  CHECK(sorted_entries(numbers) == before);
  using number_map = pmr_map<TestType, int, int>;
  CHECK_THROWS_AS(number_map(numbers), std::bad_alloc);  // a copy is on the default resource
  std::pmr::set_default_resource(nullptr);
}

namespace {

struct clean_heap {
  clean_heap() { heap_ledger::one() = {}; }
  ~clean_heap() {
    CHECK_FALSE(heap_ledger::one().wrong);
    CHECK(heap_ledger::one().blocks.empty());
  }
};

// The n-th hash, comparison or copy of a key or value throws.
struct trap {
  static inline long left = -1;
  static void step() {
    if (left == 0) throw std::runtime_error("trap");
    if (left > 0) --left;
  }
};
struct trapped {
  int number;
  explicit trapped(int of) : number(of) { trap::step(); }
  trapped(const trapped& other) : number(other.number) { trap::step(); }
  trapped& operator=(const trapped&) = default;
};
struct trapped_hash {
  std::size_t operator()(const trapped& key) const {
    trap::step();
    return static_cast<std::size_t>(key.number);
  }
};
struct trapped_equal {
  bool operator()(const trapped& a, const trapped& b) const {
    trap::step();
    return a.number == b.number;
  }
};

template <class Map, class Operation>
void check_strong(Operation operation) {
  for (const int entries : {0, 3, 4, 13, 14, 24, 27, 100}) {
    for (long point = 0;; ++point) {
      REQUIRE(point < 2000);
      Map m;
      for (int i = 0; i < entries; ++i) m.emplace(i, i);
      bool threw = false;
      trap::left = point % 2 == 0 ? point / 2 : -1;
      heap_ledger::one().fail_after = point % 2 == 0 ? -1 : point / 2;
      try {
        operation(m);
      } catch (const std::runtime_error&) {
        threw = true;
      } catch (const std::bad_alloc&) {
        threw = true;
      }
      const bool reached_end = trap::left > 0 || heap_ledger::one().fail_after > 0;
      trap::left = heap_ledger::one().fail_after = -1;
      if (fault_of(m) != nullptr) FAIL(fault_of(m));
      if (threw) {
        bool same = m.size() == static_cast<std::size_t>(entries);
        for (int i = 0; i < entries; ++i) same = same && m.count(trapped(i)) == 1;
        if (!same) FAIL("changed by what failed: " << entries << " entries, point " << point);
      } else if (reached_end) {
        break;
      }
    }
  }
}

}  // namespace

TEMPLATE_TEST_CASE("std_api: what throws changes nothing", "[std_api]", ALL_FAMILIES) {
  const clean_heap clean;
  using map = typename TestType::template map<trapped, trapped, trapped_hash, trapped_equal,
                                              numbered_heap<std::pair<const trapped, trapped>>>;
  check_strong<map>([](map& m) { m.emplace(1000, 1); });
  check_strong<map>([](map& m) { m.try_emplace(trapped(1000), 1); });
  check_strong<map>([](map& m) { m.insert({trapped(1000), trapped(1)}); });
  check_strong<map>([](map& m) { m = map(m); });
  check_strong<map>([](map& m) { m.reserve(500); });
}

TEMPLATE_TEST_CASE("std_api: buckets", "[std_api]", ALL_FAMILIES) {
  const auto check_laws = [](auto& c, auto key_of) {
    const auto& constant = c;
    std::size_t sum = 0;
    for (std::size_t n = 0; n < c.bucket_count(); ++n) {
      sum += c.bucket_size(n);
      std::size_t seen = 0;
      for (auto it = c.begin(n); it != c.end(n); ++it, ++seen) {
        if (c.bucket(key_of(*it)) != n) FAIL("an entry of another bucket");
      }
      for (typename std::remove_reference_t<decltype(c)>::const_local_iterator it = constant.begin(n);
           it != constant.cend(n); it++) {
        if (constant.find(key_of(*it)) == constant.end()) FAIL("no such entry");
        --seen;
      }
      if (seen != 0) FAIL("bucket_size differs from a walk");
    }
    CHECK(sum == c.size());
    for (const auto& entry : constant) {
      const std::size_t n = constant.bucket(key_of(entry));
      if (n >= c.bucket_count() || c.bucket_size(n) == 0) FAIL("no such bucket");
    }
    CHECK(c.load_factor() <= c.max_load_factor());
    CHECK(c.max_bucket_count() >= c.bucket_count());
  };
  typename TestType::template map<int, int> m;
  for (int i = 0; i < 3000; ++i) {
    m.emplace(i * 64, i);
    if (i < 40 || i % 500 == 0) check_laws(m, [](const auto& entry) { return entry.first; });
  }
  for (int i = 0; i < 3000; i += 2) m.erase(i * 64);
  check_laws(m, [](const auto& entry) { return entry.first; });
  // A local iterator gives access to the value.
  const std::size_t n = m.bucket(64);
  for (auto it = m.begin(n); it != m.end(n); ++it) it->second = -1;
  CHECK(m.at(64) == -1);

  typename TestType::template set<std::string> s;
  for (int i = 0; i < 300; ++i) s.insert(std::to_string(i));
  check_laws(s, [](const std::string& key) { return key; });
  m.rehash(10'000);
  CHECK(m.bucket_count() >= 10'000);
  check_laws(m, [](const auto& entry) { return entry.first; });
  m.rehash(0);
  CHECK(static_cast<float>(m.bucket_count()) * m.max_load_factor() >= static_cast<float>(m.size()));
  check_laws(m, [](const auto& entry) { return entry.first; });
  CHECK(fault_of(m) == nullptr);
  m.clear();
  m.rehash(0);
  CHECK(m.emplace(1, 1).second);
  m.reserve(5000);
  const std::size_t buckets = m.bucket_count();
  for (int i = 0; i < 5000; ++i) m[i] = i;
  CHECK(m.bucket_count() == buckets);
}
