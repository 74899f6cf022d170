// SPDX-License-Identifier: Apache-2.0
// The interface that C++20's std::unordered_map has, as a typed list: each test runs on the standard's map
// and on tophash's, so that what the test expects is what the standard does. Node handles and the bucket
// interface are left out on both.
#include <array>
#include <forward_list>
#include <initializer_list>
#include <iterator>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <tophash/allocators/std_adaptor.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/deletion/tombstone.hpp>
#include <tophash/policies/growth/incremental.hpp>
#include <tophash/policies/hashing/hash_with.hpp>
#include <tophash/policies/hashing/std_hash.hpp>
#include <tophash/policies/overflow/local_list.hpp>
#include <tophash/presets.hpp>
#include <tophash/set.hpp>

#include "support/elements.hpp"
#include "support/hostile.hpp"

using namespace tophash;

namespace {

using standard = std::unordered_map<int, std::string>;
using defaults = tophash::map<int, std::string>;
using late = tophash::map<int, std::string, deletion::dirty, growth::incremental<1>, overflow::local_list>;
using boxed =
    tophash::map<int, std::string, layout::bucket_chain<bucket_options{.slots = 3, .inline_limit_bytes = 0}>>;
using go_shape = tophash::map<int, std::string, presets::go_like>;

// With iteration::mutation_safe each begin() begins elsewhere.
template <class Map>
constexpr bool begins_anew = [] {
  if constexpr (requires { typename Map::found_iterator; }) {
    return !std::is_same_v<typename Map::iterator, typename Map::found_iterator>;
  } else {
    return false;
  }
}();

template <class Map>
std::map<int, std::string> sorted(const Map& m) {
  std::map<int, std::string> out;
  for (const auto& [key, value] : m) {
    const bool first = out.emplace(key, value).second;
    CHECK(first);
  }
  CHECK(out.size() == m.size());
  return out;
}

template <class Map>
void check_sound(const Map& m) {
  if constexpr (requires { m.check_invariants(); }) {
    const char* wrong = m.check_invariants();
    CHECK(std::string(wrong != nullptr ? wrong : "") == "");
  }
}

template <class Map>
Map filled(int n) {
  Map m;
  for (int i = 0; i < n; ++i) m.emplace(i, std::to_string(i * i));
  return m;
}

using contents = std::map<int, std::string>;

}  // namespace

#if TOPHASH_TESTS_CORE
#define EVERY_MAP defaults, boxed, go_shape
#else
#define EVERY_MAP standard, defaults, late, boxed, go_shape
#endif

TEMPLATE_TEST_CASE("map: member types", "[map]", EVERY_MAP) {
  STATIC_REQUIRE(std::is_same_v<typename TestType::key_type, int>);
  STATIC_REQUIRE(std::is_same_v<typename TestType::mapped_type, std::string>);
  STATIC_REQUIRE(std::is_same_v<typename TestType::value_type, std::pair<const int, std::string>>);
  STATIC_REQUIRE(std::is_unsigned_v<typename TestType::size_type>);
  STATIC_REQUIRE(std::is_signed_v<typename TestType::difference_type>);
  STATIC_REQUIRE(std::is_convertible_v<typename TestType::iterator, typename TestType::const_iterator>);
  STATIC_REQUIRE(!std::is_convertible_v<typename TestType::const_iterator, typename TestType::iterator>);
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<TestType>);
  STATIC_REQUIRE(std::is_nothrow_swappable_v<TestType>);
  STATIC_REQUIRE(std::is_default_constructible_v<typename TestType::iterator>);
  STATIC_REQUIRE(std::is_nothrow_destructible_v<TestType>);
}

TEMPLATE_TEST_CASE("map: iterators are forward iterators", "[map]", standard, defaults, late, boxed) {
  STATIC_REQUIRE(std::forward_iterator<typename TestType::iterator>);
  STATIC_REQUIRE(std::forward_iterator<typename TestType::const_iterator>);
  STATIC_REQUIRE(std::is_same_v<typename TestType::reference, typename TestType::value_type&>);
  STATIC_REQUIRE(
      std::is_same_v<decltype(*std::declval<typename TestType::iterator>()), typename TestType::value_type&>);
  STATIC_REQUIRE(std::is_same_v<decltype(*std::declval<typename TestType::const_iterator>()),
                                const typename TestType::value_type&>);
  STATIC_REQUIRE(
      std::is_base_of_v<std::forward_iterator_tag,
                        typename std::iterator_traits<typename TestType::iterator>::iterator_category>);
}

TEMPLATE_TEST_CASE("map: constructors", "[map]", EVERY_MAP) {
  const contents three{{1, "a"}, {2, "b"}, {3, "c"}};
  SECTION("none") {
    const TestType m;
    CHECK(m.empty());
    CHECK(m.size() == 0);
    CHECK(m.begin() == m.end());
    CHECK(m.find(1) == m.end());
    CHECK(!m.contains(1));
    CHECK(m.count(1) == 0);
    check_sound(m);
  }
  SECTION("n") {
    TestType m(100);
    CHECK(m.empty());
    m.emplace(1, "a");
    CHECK(sorted(m) == contents{{1, "a"}});
  }
  SECTION("range, of forward and of input iterators") {
    const TestType m(three.begin(), three.end());
    CHECK(sorted(m) == three);
    const TestType hinted(three.begin(), three.end(), 50);
    CHECK(sorted(hinted) == three);
    const std::forward_list<std::pair<int, std::string>> list{{1, "a"}, {1, "z"}, {2, "b"}, {3, "c"}};
    const TestType first_wins(list.begin(), list.end());
    CHECK(sorted(first_wins) == three);
  }
  SECTION("initializer list") {
    const TestType m{{1, "a"}, {2, "b"}, {3, "c"}, {1, "again"}};
    CHECK(sorted(m) == three);
    const TestType hinted({{1, "a"}, {2, "b"}, {3, "c"}}, 50);
    CHECK(sorted(hinted) == three);
  }
  SECTION("copy and move") {
    TestType m(three.begin(), three.end());
    TestType copy(m);
    CHECK(sorted(copy) == three);
    CHECK(sorted(m) == three);
    copy[4] = "d";
    CHECK(!m.contains(4));
    const TestType moved(std::move(m));
    CHECK(sorted(moved) == three);
    CHECK(m.empty());
    m[9] = "nine";
    CHECK(sorted(m) == contents{{9, "nine"}});
    check_sound(m);
  }
}

TEMPLATE_TEST_CASE("map: assignment", "[map]", EVERY_MAP) {
  for (int target_size : {0, 3, 100}) {
    for (int source_size : {0, 3, 100}) {
      const TestType source = filled<TestType>(source_size);
      TestType target;
      for (int i = 0; i < target_size; ++i) target.emplace(1000 + i, "old");
      TestType other(target);
      target = source;
      CHECK(sorted(target) == sorted(source));
      check_sound(target);
      TestType to_move(source);
      other = std::move(to_move);
      CHECK(sorted(other) == sorted(source));
      check_sound(other);
      to_move = other;
      CHECK(sorted(to_move) == sorted(source));
    }
  }
  TestType m = filled<TestType>(60);
  m = {{7, "seven"}, {8, "eight"}, {7, "again"}};
  CHECK(sorted(m) == contents{{7, "seven"}, {8, "eight"}});
  m = std::initializer_list<typename TestType::value_type>{};
  CHECK(m.empty());
}

TEMPLATE_TEST_CASE("map: assignment to itself, swap with itself", "[map]", EVERY_MAP) {
  for (int n : {0, 1, 9, 14, 15, 100}) {
    TestType m = filled<TestType>(n);
    const contents before = sorted(m);
    TestType& same = m;
    m = same;
    CHECK(sorted(m) == before);
    m.swap(same);
    CHECK(sorted(m) == before);
    using std::swap;
    swap(m, same);
    CHECK(sorted(m) == before);
    check_sound(m);
  }
}

TEMPLATE_TEST_CASE("map: swap", "[map]", EVERY_MAP) {
  TestType a = filled<TestType>(40), b = filled<TestType>(3), none;
  const contents was_a = sorted(a), was_b = sorted(b);
  a.swap(b);
  CHECK(sorted(a) == was_b);
  CHECK(sorted(b) == was_a);
  std::swap(a, b);
  CHECK(sorted(a) == was_a);
  swap(a, none);
  CHECK(a.empty());
  CHECK(sorted(none) == was_a);
  a[1] = "x", none[1000] = "y";
  check_sound(a), check_sound(none);
}

TEMPLATE_TEST_CASE("map: insert", "[map]", EVERY_MAP) {
  TestType m;
  const typename TestType::value_type one(1, "a");
  auto [it, inserted] = m.insert(one);
  CHECK(inserted);
  CHECK((*it).first == 1);
  CHECK((*it).second == "a");
  CHECK(!m.insert({1, "b"}).second);
  CHECK((*m.insert({1, "b"}).first).second == "a");
  CHECK(m.insert(typename TestType::value_type(2, "moved")).second);
  CHECK(m.insert(std::pair<short, const char*>(3, "converted")).second);
  CHECK(m.insert(std::make_pair(4, "pair")).second);
  CHECK((*m.insert(m.cbegin(), one)).second == "a");
  CHECK((*m.insert(m.cend(), typename TestType::value_type(5, "hinted"))).first == 5);
  CHECK((*m.insert(m.cend(), std::pair<short, const char*>(6, "converted hint"))).first == 6);
  m.insert({{7, "x"}, {8, "y"}, {1, "z"}});
  const std::vector<std::pair<const int, std::string>> more{{9, "v"}, {2, "w"}};
  m.insert(more.begin(), more.end());
  m.insert(more.begin(), more.begin());
  CHECK(sorted(m) == contents{{1, "a"},
                              {2, "moved"},
                              {3, "converted"},
                              {4, "pair"},
                              {5, "hinted"},
                              {6, "converted hint"},
                              {7, "x"},
                              {8, "y"},
                              {9, "v"}});
  check_sound(m);
}

TEMPLATE_TEST_CASE("map: emplace, emplace_hint and try_emplace", "[map]", EVERY_MAP) {
  TestType m;
  CHECK(m.emplace(1, "a").second);
  CHECK(!m.emplace(1, "b").second);
  CHECK(m.emplace(std::pair<int, std::string>(2, "pair")).second);
  CHECK(m.emplace(std::piecewise_construct, std::forward_as_tuple(3), std::forward_as_tuple(4u, 'c')).second);
  CHECK(m.emplace(std::piecewise_construct, std::forward_as_tuple(4), std::forward_as_tuple()).second);
  CHECK((*m.emplace_hint(m.cend(), 5, "hint")).second == "hint");
  CHECK((*m.emplace_hint(m.cbegin(), 5, "other")).second == "hint");
  CHECK(m.try_emplace(6, 3u, 'x').second);
  CHECK(m.try_emplace(7).second);
  CHECK(!m.try_emplace(6, "other").second);
  CHECK((*m.try_emplace(m.cend(), 8, "h")).first == 8);
  const int key = 9;
  CHECK(m.try_emplace(key, "nine").second);
  CHECK((*m.try_emplace(m.cend(), key, "again")).second == "nine");
  CHECK(sorted(m) == contents{{1, "a"},
                              {2, "pair"},
                              {3, "cccc"},
                              {4, ""},
                              {5, "hint"},
                              {6, "xxx"},
                              {7, ""},
                              {8, "h"},
                              {9, "nine"}});
}

TEMPLATE_TEST_CASE("map: try_emplace and insert_or_assign leave an argument alone that they do not use",
                   "[map]", EVERY_MAP) {
  for (int n = 1; n < 60; ++n) {
    TestType m = filled<TestType>(n);
    std::string value(50, 'v');
    CHECK(!m.try_emplace(n - 1, std::move(value)).second);
    CHECK(value == std::string(50, 'v'));
    CHECK(!m.insert_or_assign(n - 1, std::move(value)).second);
    CHECK(m.at(n - 1) == std::string(50, 'v'));
  }
}

TEMPLATE_TEST_CASE("map: insert_or_assign, index and at", "[map]", EVERY_MAP) {
  TestType m;
  CHECK(m.insert_or_assign(1, "a").second);
  auto [it, inserted] = m.insert_or_assign(1, "b");
  CHECK(!inserted);
  CHECK((*it).second == "b");
  const int two = 2;
  CHECK((*m.insert_or_assign(m.cend(), two, "c")).second == "c");
  CHECK((*m.insert_or_assign(m.cend(), 2, std::string("d"))).second == "d");
  CHECK(m.insert_or_assign(two, "e").second == false);
  m[3] = "three";
  m[two] += "+";
  CHECK(m[4].empty());
  CHECK(m.at(3) == "three");
  m.at(3) = "THREE";
  const TestType& view = m;
  CHECK(view.at(3) == "THREE");
  CHECK_THROWS_AS(view.at(99), std::out_of_range);
  CHECK_THROWS_AS(m.at(99), std::out_of_range);
  CHECK(sorted(m) == contents{{1, "b"}, {2, "e+"}, {3, "THREE"}, {4, ""}});
}

TEMPLATE_TEST_CASE("map: find, contains, count, equal_range", "[map]", EVERY_MAP) {
  TestType m = filled<TestType>(500);
  const TestType& view = m;
  for (int i = -10; i < 510; ++i) {
    const bool there = i >= 0 && i < 500;
    CHECK((m.find(i) != m.end()) == there);
    CHECK((view.find(i) != view.end()) == there);
    CHECK(view.contains(i) == there);
    CHECK(view.count(i) == (there ? 1u : 0u));
    const auto [first, last] = view.equal_range(i);
    CHECK(std::distance(first, last) == (there ? 1 : 0));
    const auto range = m.equal_range(i);
    if (there) {
      CHECK((*range.first).second == std::to_string(i * i));
      CHECK(std::next(range.first) == range.second);
    }
  }
  (*m.find(7)).second = "changed";
  CHECK(view.at(7) == "changed");
}

TEMPLATE_TEST_CASE("map: iterators", "[map]", EVERY_MAP) {
  TestType m = filled<TestType>(100);
  typename TestType::iterator it = m.begin();
  const typename TestType::iterator first = it;
  const typename TestType::const_iterator constant = it;
  CHECK(constant == it);
  CHECK(it == constant);
  const auto before = it++;
  CHECK(before == first);
  CHECK(it != first);
  CHECK(it == std::next(first));
  if (!begins_anew<TestType>) CHECK(first == m.begin());
  CHECK(it->first == (*it).first);
  CHECK(&it->second == &(*it).second);
  it->second = "through the arrow";
  CHECK(m.at(it->first) == "through the arrow");
  CHECK(std::distance(m.begin(), m.end()) == 100);
  CHECK(std::distance(m.cbegin(), m.cend()) == 100);
  const TestType& view = m;
  if (!begins_anew<TestType>) CHECK(view.begin() == view.cbegin());
  CHECK(view.end() == m.cend());
  for (auto&& [key, value] : m) value = std::to_string(key);
  for (const auto& [key, value] : view) CHECK(value == std::to_string(key));
  // Two walks of an unchanged map agree (multi-pass).
  auto a = view.begin(), b = a;
  for (; a != view.end(); ++a, ++b) CHECK((*a).first == (*b).first);
  CHECK(b == view.end());
  CHECK(typename TestType::iterator{} == typename TestType::iterator{});
}

TEMPLATE_TEST_CASE("map: erase by key, iterator and range", "[map]", EVERY_MAP) {
  TestType m = filled<TestType>(50);
  CHECK(m.erase(7) == 1);
  CHECK(m.erase(7) == 0);
  CHECK(m.erase(-1) == 0);
  const auto it = m.find(8);
  const auto next = std::next(it);
  CHECK(m.erase(it) == next);
  CHECK(!m.contains(8));
  typename TestType::const_iterator constant = m.find(9);
  m.erase(constant);
  CHECK(m.size() == 47);
  const auto first = m.begin();
  CHECK(m.erase(first, first) == first);
  const auto third = std::next(first, 3);
  CHECK(m.erase(first, third) == third);
  CHECK(m.size() == 44);
  CHECK(m.erase(m.begin(), m.end()) == m.end());
  CHECK(m.empty());
  CHECK(m.begin() == m.end());
  check_sound(m);
  m[1] = "again";
  CHECK(m.size() == 1);
}

TEMPLATE_TEST_CASE("map: erasing while iterating visits each entry once", "[map]", EVERY_MAP) {
  for (int n : {1, 8, 9, 27, 60, 300}) {
    for (int keep : {1, 2, 3, 1000}) {
      TestType m = filled<TestType>(n);
      std::unordered_set<int> seen;
      for (auto it = m.begin(); it != m.end();) {
        CHECK(seen.insert((*it).first).second);
        if ((*it).first % keep == 0)
          it = m.erase(it);
        else
          ++it;
      }
      CHECK(seen.size() == static_cast<std::size_t>(n));
      for (int i = 0; i < n; ++i) CHECK(m.contains(i) == (i % keep != 0));
      check_sound(m);
    }
  }
}

TEMPLATE_TEST_CASE("map: clear", "[map]", EVERY_MAP) {
  TestType m;
  m.clear();
  CHECK(m.empty());
  for (int n : {1, 9, 200}) {
    for (int i = 0; i < n; ++i) m[i] = "x";
    m.clear();
    CHECK(m.empty());
    CHECK(m.begin() == m.end());
    CHECK(!m.contains(0));
    check_sound(m);
    m[5] = "five";
    CHECK(sorted(m) == contents{{5, "five"}});
  }
  STATIC_REQUIRE(noexcept(m.clear()));
}

TEMPLATE_TEST_CASE("map: comparison", "[map]", EVERY_MAP) {
  TestType a, b;
  CHECK(a == b);
  for (int i = 0; i < 200; ++i) a.emplace(i, "v");
  for (int i = 199; i >= 0; --i) b.emplace(i, "v");
  CHECK(a == b);
  CHECK(!(a != b));
  b[7] = "w";
  CHECK(a != b);
  b[7] = "v";
  b.erase(8);
  CHECK(a != b);
  b[1000] = "v";
  CHECK(a != b);
  CHECK(a == a);
}

TEMPLATE_TEST_CASE("map: erase_if", "[map]", EVERY_MAP) {
  TestType m = filled<TestType>(100);
  CHECK(erase_if(m, [](const auto& entry) { return entry.first % 10 == 3; }) == 10);
  CHECK(m.size() == 90);
  CHECK(erase_if(m, [](const auto&) { return false; }) == 0);
  CHECK(erase_if(m, [](const auto& entry) { return !entry.second.empty(); }) == 90);
  CHECK(m.empty());
  CHECK(erase_if(m, [](const auto&) { return true; }) == 0);
}

TEMPLATE_TEST_CASE("map: reserve, rehash and loads", "[map]", EVERY_MAP) {
  TestType m;
  CHECK(m.load_factor() == 0.0f);
  CHECK(m.max_load_factor() > 0.0f);
  CHECK(m.max_size() > 1000000u);
  m.reserve(1000);
  for (int i = 0; i < 1000; ++i) {
    m.emplace(i, "v");
    CHECK(m.load_factor() > 0.0f);
    CHECK(m.load_factor() <= m.max_load_factor());
  }
  const contents before = sorted(m);
  m.rehash(0);
  CHECK(sorted(m) == before);
  m.rehash(5000);
  CHECK(sorted(m) == before);
  m.reserve(0);
  CHECK(sorted(m) == before);
  check_sound(m);
}

TEMPLATE_TEST_CASE("map: inserting from itself", "[map]", EVERY_MAP) {
  for (int n = 1; n < 120; ++n) {
    TestType m = filled<TestType>(n);
    const std::string last = std::to_string((n - 1) * (n - 1));
    m.try_emplace(10000, m.find(n - 1)->second);
    m.insert(*m.begin());
    m.emplace(10001, m.at(n - 1));
    m.insert_or_assign(10002, m.at(10001));
    m.insert({10003, m.at(10002)});
    m[10004] = std::string(m.at(n - 1));  // a copy: the right side comes first, and the insertion may move it
    m.insert_or_assign(10004, m.at(10003));
    m[n - 1] = m[10004];
    for (int key = 10000; key < 10005; ++key) CHECK(m.at(key) == last);
    CHECK(m.at(n - 1) == last);
    CHECK(m.size() == static_cast<std::size_t>(n) + 5);
    const std::size_t size = m.size();
    CHECK(m.erase(m.begin()->first) == 1);
    CHECK(m.size() == size - 1);
    check_sound(m);
  }
}

TEST_CASE("map: an insertion from itself across a growth, keys and values with memory", "[map]") {
  const auto check = []<class Map>(Map) {
    for (int n = 1; n < 120; ++n) {
      Map m;
      for (int i = 0; i < n; ++i) m.emplace(std::string(30, 'k') + std::to_string(i), std::string(30, 'v'));
      // Both references point into the map that the insertion may grow.
      const auto& entry = *m.begin();
      m.try_emplace(entry.second, entry.first);
      CHECK(m.size() == static_cast<std::size_t>(n) + 1);
      CHECK(m.at(std::string(30, 'v')).starts_with(std::string(30, 'k')));
      CHECK(std::string(m.check_invariants() != nullptr ? m.check_invariants() : "") == "");
    }
  };
  check(tophash::map<std::string, std::string>{});
  check(tophash::map<std::string, std::string, growth::incremental<2>, deletion::tombstone>{});
  check(tophash::map<std::string, std::string, growth::incremental<1>, deletion::dirty>{});
}

TEMPLATE_TEST_CASE("map: move-only values", "[map]", (std::unordered_map<int, std::unique_ptr<int>>),
                   (tophash::map<int, std::unique_ptr<int>>),
                   (tophash::map<int, std::unique_ptr<int>, growth::incremental<2>, deletion::tombstone>),
                   (tophash::map<int, std::unique_ptr<int>,
                                 layout::bucket_chain<bucket_options{.arrange = arrangement::split}>>),
                   (tophash::map<int, std::unique_ptr<int>,
                                 layout::bucket_chain<bucket_options{.inline_limit_bytes = 0}>>)) {
  STATIC_REQUIRE(std::is_move_constructible_v<TestType>);
  TestType m;
  for (int i = 0; i < 300; ++i) {
    if (i % 3 == 0)
      m.emplace(i, std::make_unique<int>(i));
    else if (i % 3 == 1)
      m.try_emplace(i, std::make_unique<int>(i));
    else
      m[i] = std::make_unique<int>(i);
  }
  auto spare = std::make_unique<int>(-1);
  CHECK(!m.try_emplace(5, std::move(spare)).second);
  REQUIRE(spare != nullptr);
  m.insert_or_assign(5, std::move(spare));
  CHECK(*m.at(5) == -1);
  TestType moved(std::move(m));
  CHECK(moved.size() == 300);
  for (auto it = moved.begin(); it != moved.end();) {
    if (it->first % 2 == 0)
      it = moved.erase(it);
    else
      ++it;
  }
  for (int i = 7; i < 300; i += 2) CHECK(*moved.at(i) == i);
  m = std::move(moved);
  CHECK(m.size() == 150);
}

TEMPLATE_TEST_CASE("map: move-only keys", "[map]", (std::unordered_map<std::unique_ptr<int>, int>),
                   (tophash::map<std::unique_ptr<int>, int, hashing::std_hash>),
                   (tophash::map<std::unique_ptr<int>, int, hashing::std_hash, growth::incremental<2>>)) {
  TestType m;
  std::vector<int*> addresses;
  for (int i = 0; i < 200; ++i) {
    auto key = std::make_unique<int>(i);
    addresses.push_back(key.get());
    if (i % 2 == 0)
      m.try_emplace(std::move(key), i);
    else
      m.emplace(std::move(key), i);
  }
  CHECK(m.size() == 200);
  int sum = 0;
  for (const auto& [key, value] : m) {
    CHECK(*key == value);
    sum += value;
  }
  CHECK(sum == 199 * 100);
  std::unique_ptr<int> probe(addresses[20]);
  CHECK(m.find(probe)->second == 20);
  static_cast<void>(probe.release());
}

TEST_CASE("map: values that can be neither copied nor moved", "[map]") {
  struct pinned {
    explicit pinned(int n) : number(n) {}
    pinned(const pinned&) = delete;
    pinned& operator=(const pinned&) = delete;
    int number;
  };
  tophash::map<int, pinned, layout::bucket_chain<bucket_options{.inline_limit_bytes = 0}>> m;
  std::vector<const pinned*> at;
  for (int i = 0; i < 100; ++i) at.push_back(&m.try_emplace(i, i * 2).first->second);
  for (int i = 0; i < 100; ++i) {
    CHECK(&m.at(i) == at[static_cast<std::size_t>(i)]);  // behind a pointer, entries stay where they are
    CHECK(m.at(i).number == i * 2);
  }
}

#ifndef TOPHASH_TESTS_CORE
// Empty, with copies of their own: without optimisation g++ 12 cannot build one in place in a policy_values.
struct own_copies {
  own_copies() noexcept {}
  own_copies(const own_copies&) noexcept {}
  own_copies& operator=(const own_copies&) noexcept { return *this; }
};
struct copied_hash : own_copies {
  std::size_t operator()(int key) const noexcept { return static_cast<std::size_t>(key); }
};
template <class T>
struct copied_heap : own_copies {
  using value_type = T;
  copied_heap() = default;
  template <class U>
  copied_heap(const copied_heap<U>&) noexcept {}
  T* allocate(std::size_t n) { return std::allocator<T>{}.allocate(n); }
  void deallocate(T* p, std::size_t n) noexcept { std::allocator<T>{}.deallocate(p, n); }
  bool operator==(const copied_heap&) const noexcept { return true; }
};

TEST_CASE("map: a hash and an allocator that are empty and have copies of their own", "[map]") {
  using heap = allocators::from_std<copied_heap<int>>;
  using hash = hashing::hash_with<copied_hash, std::equal_to<>>;
  tophash::map<int, int, hash, heap> m, given(hash{}, heap{});
  m[1] = 2;
  auto copy = m;
  auto moved = std::move(m);
  given = moved;
  given.swap(copy);
  CHECK(given == copy);
  CHECK(moved.at(1) == 2);
}

TEMPLATE_TEST_CASE("map: types that take every unqualified call, with no address and no comma", "[map]",
                   (tophash::map<hostile::key, hostile::mapped>),
                   (tophash::map<hostile::key, hostile::mapped, layout::open_groups<>>),
                   (tophash::map<hostile::key, hostile::mapped, presets::go_like>)) {
  using hostile::key;
  using hostile::mapped;
  TestType m;
  for (int i = 0; i < 300; ++i) m.try_emplace(key(i), i);
  for (int i = 0; i < 300; i += 2) CHECK(m.erase(key(i)) == 1);
  m[key(3)] = mapped(7);
  m.insert_or_assign(key(5), mapped(8));
  m.insert({key(1000), mapped(1)});
  m.emplace(std::piecewise_construct, std::forward_as_tuple(1001), std::forward_as_tuple(5));
  CHECK(m.at(key(3)).value == 7);
  CHECK(m.find(key(5))->second.value == 8);
  TestType copy(m), other;
  CHECK((copy == m));
  other = m;
  other = std::move(copy);
  other.swap(m);
  int sum = 0;
  for (auto&& [k, v] : m) sum += k.value + v.value;
  CHECK(sum > 0);
  CHECK(erase_if(m, [](const auto& entry) { return entry.first.value % 3 == 0; }) > 0);
  m.erase(m.begin());
  m.insert(other.begin(), other.end());
  m.rehash(1000);
  m.clear();
  CHECK(m.empty());
}

TEST_CASE("map: an empty map is made without an exception", "[map]") {
  STATIC_REQUIRE(std::is_nothrow_default_constructible_v<tophash::map<int, std::string>>);
  STATIC_REQUIRE(std::is_nothrow_default_constructible_v<tophash::map<int, int, presets::go_like>>);
  STATIC_REQUIRE(std::is_nothrow_default_constructible_v<tophash::set<int>>);
  struct may_throw {
    may_throw() {}
    std::size_t operator()(int key) const { return static_cast<std::size_t>(key); }
  };
  STATIC_REQUIRE_FALSE(std::is_nothrow_default_constructible_v<
                       tophash::map<int, int, hashing::hash_with<may_throw, std::equal_to<>>>>);
}

#endif  // TOPHASH_TESTS_CORE

TEST_CASE("map: the least that elements must offer", "[map]") {
  using namespace tophash::testing;
  const auto check = []<class Map>(Map) {
    Map m;
    for (std::uint32_t i = 0; i < 100; ++i) CHECK(m.try_emplace(minimal_key(i), i).second);
    CHECK(m.emplace(minimal_key(1000), minimal_value(1)).second);
    CHECK(m.find(minimal_key(50))->second.number() == 50);
    CHECK(m.at(minimal_key(50)).number() == 50);
    CHECK(m.contains(minimal_key(99)));
    CHECK(m.erase(minimal_key(99)) == 1);
    m.erase(m.begin());
    m.reserve(1000);
    Map moved(std::move(m));
    CHECK(moved.size() == 99);
    m = std::move(moved);
    swap(m, moved);
    CHECK(moved.size() == 99);
    moved.clear();
  };
  using hash = hashing::hash_with<minimal_hash, minimal_equal>;
  check(tophash::map<minimal_key, minimal_value, hash>{});
  check(tophash::map<minimal_key, minimal_value, hash, growth::incremental<2>, deletion::tombstone>{});
  check(tophash::map<minimal_key, minimal_value, hash, deletion::dirty, growth::incremental<1>>{});
  check(tophash::map<minimal_key, minimal_value, hash,
                     layout::bucket_chain<bucket_options{.arrange = arrangement::split}>>{});
  check(tophash::map<minimal_key, minimal_value, hash,
                     layout::bucket_chain<bucket_options{.slots = 1, .inline_limit_bytes = 0}>>{});
}

// ---- set

namespace {
using standard_set = std::unordered_set<std::string>;
using plain_set = tophash::set<std::string>;
using stepwise_set = tophash::set<std::string, deletion::tombstone, growth::incremental<2>>;
using late_set = tophash::set<std::string, deletion::dirty, overflow::local_list>;
using boxed_set = tophash::set<std::string, layout::bucket_chain<bucket_options{.inline_limit_bytes = 0}>>;
}  // namespace

TEMPLATE_TEST_CASE("set: the standard's operations", "[map][set]", standard_set, plain_set, stepwise_set,
                   late_set, boxed_set) {
  STATIC_REQUIRE(std::is_same_v<typename TestType::key_type, std::string>);
  STATIC_REQUIRE(std::is_same_v<typename TestType::value_type, std::string>);
  STATIC_REQUIRE(std::forward_iterator<typename TestType::iterator>);
  STATIC_REQUIRE(std::is_same_v<decltype(*std::declval<typename TestType::iterator>()), const std::string&>);
  TestType s{"a", "b", "a"};
  CHECK(s.size() == 2);
  CHECK(s.insert("c").second);
  CHECK(!s.insert(std::string("c")).second);
  CHECK(*s.emplace(3u, 'x').first == "xxx");
  CHECK(*s.emplace_hint(s.end(), "h") == "h");
  s.insert({"i", "j"});
  const std::array<std::string, 3> more{"j", "k", "l"};
  s.insert(more.begin(), more.end());
  CHECK(s.size() == 9);
  CHECK(s.contains("k"));
  CHECK(s.count("nobody") == 0);
  CHECK(s.find("l") != s.end());
  CHECK(s.erase("l") == 1);
  CHECK(s.erase(s.find("k")) != s.begin());
  for (int i = 0; i < 200; ++i) s.insert(std::to_string(i));
  CHECK(s.size() == 207);
  TestType copy(s);
  CHECK(copy == s);
  CHECK(erase_if(copy, [](const std::string& key) { return key.size() == 3; }) == 101);
  CHECK(copy != s);
  std::size_t visited = 0;
  for (const std::string& key : s) visited += s.contains(key) ? 1u : 0u;
  CHECK(visited == s.size());
  swap(copy, s);
  CHECK(copy.size() == 207);
  TestType moved(std::move(copy));
  CHECK(moved.size() == 207);
  moved.clear();
  CHECK(moved.empty());
  check_sound(moved), check_sound(s);
}
