// SPDX-License-Identifier: Apache-2.0
// <tophash/std_api.hpp>: what only nodes can promise. Each test on std::unordered_map and on
// unordered_node_map.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "support/std_families.hpp"

using namespace tophash::testing;

#define NODE_FAMILIES standard_family, node_family

namespace {

// Neither copied nor moved, built from a number.
struct immovable {
  int number;
  explicit immovable(int of) : number(of) {}
  immovable(const immovable&) = delete;
  immovable& operator=(const immovable&) = delete;
  friend bool operator==(const immovable& a, const immovable& b) { return a.number == b.number; }
};
struct immovable_hash {
  std::size_t operator()(const immovable& key) const noexcept { return static_cast<std::size_t>(key.number); }
};

// Another number for each: with those of a row, one multiplication by a lucky seed fills all groups alike.
int scattered(int i) {
  auto x = static_cast<std::uint32_t>(i);
  for (const std::uint32_t odd : {0x7feb352du, 0x846ca68bu}) {
    x ^= x >> 16;
    x *= odd;
    x ^= x >> 15;
  }
  return static_cast<int>(x);
}

template <class Map>
Map filled(int n) {
  Map m;
  for (int i = 0; i < n; ++i) m.emplace(i, std::to_string(i));
  return m;
}

}  // namespace

TEMPLATE_TEST_CASE("std_api nodes: handles", "[std_api]", NODE_FAMILIES) {
  using map = typename TestType::template map<int, std::string>;
  using handle = typename map::node_type;
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<handle>);
  STATIC_REQUIRE(std::is_nothrow_default_constructible_v<handle>);
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<handle>);
  STATIC_REQUIRE(
      std::is_same_v<handle, typename TestType::template map<int, std::string, numbered_hash>::node_type>);
  map m = filled<map>(200);

  std::string* const value = &m.at(7);
  const int* const key = &m.find(7)->first;
  handle h = m.extract(7);
  CHECK(m.size() == 199);
  CHECK(m.count(7) == 0);
  CHECK((!h.empty() && static_cast<bool>(h)));
  CHECK(&h.mapped() == value);
  CHECK(&h.key() == key);
  CHECK(h.get_allocator() == m.get_allocator());
  h.key() = 7000;
  h.mapped() = "seven";
  auto r = m.insert(std::move(h));
  CHECK(r.inserted);
  CHECK(r.node.empty());
  CHECK(r.position->first == 7000);
  CHECK(&r.position->second == value);
  CHECK(h.empty());

  h = m.extract(m.find(8));
  m.emplace(8, "another");
  r = m.insert(std::move(h));
  CHECK_FALSE(r.inserted);
  CHECK(r.position->second == "another");
  CHECK(r.node.mapped() == "8");
  const auto there = m.insert(m.cbegin(), std::move(r.node));
  CHECK(there->second == "another");
  // By hint, what is not taken stays in the argument; libstdc++ 12 destroys it.
  if constexpr (!std::is_same_v<TestType, standard_family>) CHECK(r.node.mapped() == "8");

  CHECK(m.extract(-1).empty());
  CHECK_FALSE(m.insert(handle()).inserted);
  CHECK(m.insert(handle()).position == m.end());
  CHECK(m.insert(m.cend(), handle()) == m.end());

  handle a = m.extract(1), b = m.extract(2);
  a.swap(b);
  CHECK(a.key() == 2);
  swap(a, b);
  CHECK(a.key() == 1);
  a = std::move(b);
  CHECK(a.key() == 2);
  CHECK(b.empty());
  a = handle();
  CHECK(a.empty());
  CHECK(fault_of(m) == nullptr);

  // Between maps that hash differently.
  typename TestType::template map<int, std::string, numbered_hash> other(0, numbered_hash(77));
  while (!m.empty()) other.insert(m.extract(m.begin()));
  CHECK(other.size() == 198);
  CHECK(other.at(100) == "100");
  CHECK(fault_of(other) == nullptr);
  for (auto it = other.begin(); it != other.end();) it = other.erase(it);
  CHECK(other.empty());
  CHECK(fault_of(other) == nullptr);

  typename TestType::template set<std::string> s{"x", "y"};
  auto node = s.extract("x");
  node.value() = "z";
  CHECK(s.insert(std::move(node)).inserted);
  CHECK((s.contains("z") && !s.contains("x")));
}

// As full as it gets, so that many an entry lies beyond its home group.
TEMPLATE_TEST_CASE("std_api nodes: full tables give and take nodes", "[std_api]", NODE_FAMILIES) {
  using map = typename TestType::template map<int, std::string>;
  using other_map = typename TestType::template map<int, std::string, numbered_hash>;
  map from;
  from.reserve(1500);
  const auto full = static_cast<int>(from.bucket_count());
  for (int i = 0; i < full; ++i) from.emplace(scattered(i), std::to_string(i));
  other_map to(0, numbered_hash(12345));
  for (int i = 0; i < full; i += 2) to.emplace(scattered(i), "here");
  if constexpr (requires { from.chain_statistics(); })
    CHECK(from.chain_statistics().units_with_overflow != 0);
  to.merge(from);
  CHECK(from.size() + to.size() == static_cast<std::size_t>(full + (full + 1) / 2));
  if (fault_of(from) != nullptr) FAIL(fault_of(from));
  if (fault_of(to) != nullptr) FAIL(fault_of(to));
  for (int i = 1; i < full; i += 2) {
    if (to.at(scattered(i)) != std::to_string(i)) FAIL("lost " << i);
  }
  while (!to.empty()) from.insert(to.extract(to.begin()));
  CHECK(from.size() == static_cast<std::size_t>(full));
  if (fault_of(from) != nullptr) FAIL(fault_of(from));
  if (fault_of(to) != nullptr) FAIL(fault_of(to));
  for (int i = 0; i < full; ++i) {
    if (from.extract(scattered(i)).empty()) FAIL("not there: " << i);
    if (i % 100 == 0 && fault_of(from) != nullptr) FAIL(fault_of(from));
  }
  CHECK(fault_of(from) == nullptr);
  // A counter that was taken down once too often reads as full: where one entry lies at home, none may be
  // set.
  if constexpr (requires { from.chain_statistics(); }) {
    from.emplace(1, "one");
    to.emplace(1, "one");
    CHECK(from.chain_statistics().units_with_overflow == 0);
    CHECK(to.chain_statistics().units_with_overflow == 0);
  }
}

TEMPLATE_TEST_CASE("std_api nodes: references and iterators stay valid as promised", "[std_api]",
                   NODE_FAMILIES) {
  using map = typename TestType::template map<int, std::string>;
  map m;
  std::vector<std::string*> values;
  for (int i = 0; i < 5000; ++i) values.push_back(&m.emplace(i, std::to_string(i)).first->second);
  for (int i = 0; i < 5000; ++i) {
    if (&m.at(i) != values[static_cast<std::size_t>(i)]) FAIL("a reference did not survive growth");
  }

  // Erasing and inserting again, for long, as long as the load factor allows: no iterator may end.
  m.rehash(10'000);
  const std::size_t buckets = m.bucket_count();
  std::vector<typename map::iterator> kept;
  for (int i = 0; i < 1000; ++i) kept.push_back(m.find(i));
  const auto limit = static_cast<std::size_t>(m.max_load_factor() * static_cast<float>(buckets));
  int next = 100'000;
  for (int round = 0; round < 40'000; ++round) {
    if (m.size() < limit) m.emplace(next, "new");
    ++next;
    if (m.size() == limit || round % 3 == 0) m.erase(next - 1);
  }
  while (m.size() < limit) m.emplace(next++, "last");
  CHECK(m.bucket_count() == buckets);
  for (int i = 0; i < 1000; ++i) {
    const auto it = kept[static_cast<std::size_t>(i)];
    if (it != m.find(i) || it->first != i) FAIL("an iterator did not survive");
  }
  std::size_t walked = 0;
  for (auto it = kept[0]; it != m.end(); ++it) ++walked;
  CHECK(walked <= m.size());
  for (int i = 0; i < 1000; i += 2) m.erase(i);
  for (int i = 1; i < 1000; i += 2) {
    if (kept[static_cast<std::size_t>(i)]->first != i) FAIL("an erase ended another iterator");
  }

  // swap and move keep iterators to elements.
  const auto before = m.find(1);
  map other;
  other.swap(m);
  CHECK(before == other.find(1));
  map moved(std::move(other));
  CHECK(before == moved.find(1));
}

TEMPLATE_TEST_CASE("std_api nodes: elements that neither copy nor move", "[std_api]", NODE_FAMILIES) {
  typename TestType::template map<immovable, immovable, immovable_hash> m;
  for (int i = 0; i < 100; ++i) {
    CHECK(m.emplace(std::piecewise_construct, std::forward_as_tuple(i), std::forward_as_tuple(-i)).second);
  }
  CHECK(m.emplace(5, 6).second == false);
  CHECK(m.emplace(500, 6).second);
  CHECK(m.at(immovable(5)).number == -5);
  CHECK(m.erase(immovable(5)) == 1);
  auto h = m.extract(immovable(6));
  CHECK(h.mapped().number == -6);
  m.insert(std::move(h));
  decltype(m) other(std::move(m));
  CHECK(other.size() == 100);
  const std::vector<std::pair<int, int>> numbers{{1, 1}, {2, 2}};
  CHECK(decltype(m)(numbers.begin(), numbers.end()).size() == 2);
  typename TestType::template set<immovable, immovable_hash> s;
  s.emplace(1);
  CHECK_FALSE(s.emplace(1).second);
  CHECK(s.size() == 1);
}

namespace {

struct angry_hash {
  static inline bool throws = false;
  std::size_t operator()(int key) const {
    if (throws) throw std::runtime_error("hash");
    return static_cast<std::size_t>(key);
  }
};

}  // namespace

TEMPLATE_TEST_CASE("std_api nodes: a failure loses no node", "[std_api]", NODE_FAMILIES) {
  heap_ledger::one() = {};
  {
    using heap = numbered_heap<std::pair<const int, std::string>>;
    using map = typename TestType::template map<int, std::string, angry_hash, std::equal_to<int>, heap>;
    map m = filled<map>(4), from = filled<map>(300);
    m.reserve(50);
    auto h = from.extract(299);
    angry_hash::throws = true;
    CHECK_THROWS_AS(m.insert(std::move(h)), std::runtime_error);
    CHECK_THROWS_AS(m.emplace(1000, "never"), std::runtime_error);
    angry_hash::throws = false;
    CHECK(h.key() == 299);
    CHECK(from.size() == 299);
    CHECK(m.size() == 4);
    // libstdc++ 12 does not hash in a merge, and loses the node whose insertion cannot allocate.
    if constexpr (!std::is_same_v<TestType, standard_family>) {
      angry_hash::throws = true;
      CHECK_THROWS_AS(m.merge(from), std::runtime_error);
      angry_hash::throws = false;
      heap_ledger::one().fail_after = 0;
      CHECK_THROWS_AS(m.merge(from), std::bad_alloc);
      heap_ledger::one().fail_after = -1;
      CHECK(m.size() + from.size() == 303);
      CHECK(m.size() > 4);
      CHECK(fault_of(m) == nullptr);
      CHECK(fault_of(from) == nullptr);
    }
    m.merge(from);
    CHECK(m.size() == 299);
    CHECK(from.size() == 4);
    CHECK(m.insert(std::move(h)).inserted);
    // A handle that outlives its map gives its block back.
    h = from.extract(2);
  }
  CHECK(heap_ledger::one().blocks.empty());
  CHECK_FALSE(heap_ledger::one().wrong);
}
