// SPDX-License-Identifier: Apache-2.0
// <tophash/std_api.hpp>, what holds for flat maps too: each test runs on std::unordered_map itself and on the
// three drop-in maps, with the same text.
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "support/std_families.hpp"

using namespace tophash::testing;

#define ALL_FAMILIES standard_family, node_family, flat_family, bucket_family

namespace {

using text_map = std::map<int, std::string>;

template <class Family, unsigned Traits>
using numbered_map = typename Family::template map<int, std::string, numbered_hash, numbered_equal,
                                                   numbered_heap<std::pair<const int, std::string>, Traits>>;

template <class Map>
void check_policies(const Map& m, int hash, int equal, int heap) {
  CHECK(m.hash_function().number == hash);
  CHECK(m.key_eq().number == equal);
  CHECK(m.get_allocator().number == heap);
}

struct clean_heap {
  clean_heap() { heap_ledger::one() = {}; }
  ~clean_heap() {
    CHECK_FALSE(heap_ledger::one().wrong);
    CHECK(heap_ledger::one().blocks.empty());
  }
};

}  // namespace

TEMPLATE_TEST_CASE("std_api: every constructor takes what it is given", "[std_api]", ALL_FAMILIES) {
  const clean_heap clean;
  using map = numbered_map<TestType, 0>;
  using heap = typename map::allocator_type;
  const numbered_hash h(1);
  const numbered_equal e(2);
  const heap a(3);
  const std::vector<std::pair<int, std::string>> from{{1, "one"}, {2, "two"}, {1, "not this"}};
  const std::initializer_list<std::pair<const int, std::string>> list{
      {1, "one"}, {2, "two"}, {1, "not this"}};
  const text_map expected{{1, "one"}, {2, "two"}};

  check_policies(map(), 0, 0, 0);
  check_policies(map(100), 0, 0, 0);
  check_policies(map(100, h), 1, 0, 0);
  check_policies(map(100, h, e), 1, 2, 0);
  check_policies(map(100, h, e, a), 1, 2, 3);
  check_policies(map(100, a), 0, 0, 3);
  check_policies(map(100, h, a), 1, 0, 3);
  check_policies(map(a), 0, 0, 3);
  CHECK(map(100).bucket_count() >= 100);
  CHECK(map(100, h, e, a).bucket_count() >= 100);

  const auto check_filled = [&](const map& m, int hash, int equal, int number) {
    check_policies(m, hash, equal, number);
    CHECK(sorted_entries(m) == expected);
  };
  check_filled(map(from.begin(), from.end()), 0, 0, 0);
  check_filled(map(from.begin(), from.end(), 10), 0, 0, 0);
  check_filled(map(from.begin(), from.end(), 10, h), 1, 0, 0);
  check_filled(map(from.begin(), from.end(), 10, h, e), 1, 2, 0);
  check_filled(map(from.begin(), from.end(), 10, h, e, a), 1, 2, 3);
  check_filled(map(from.begin(), from.end(), 10, a), 0, 0, 3);
  check_filled(map(from.begin(), from.end(), 10, h, a), 1, 0, 3);
  check_filled(map(list), 0, 0, 0);
  check_filled(map(list, 10), 0, 0, 0);
  check_filled(map(list, 10, h), 1, 0, 0);
  check_filled(map(list, 10, h, e), 1, 2, 0);
  check_filled(map(list, 10, h, e, a), 1, 2, 3);
  check_filled(map(list, 10, a), 0, 0, 3);
  check_filled(map(list, 10, h, a), 1, 0, 3);

  const map source(list, 10, h, e, a);
  check_filled(map(source), 1, 2, 3);
  check_filled(map(source, heap(4)), 1, 2, 4);
  map moved_from(source);
  check_filled(map(std::move(moved_from)), 1, 2, 3);
  for (const int number : {3, 4}) {
    map given(source);
    check_filled(map(std::move(given), heap(number)), 1, 2, number);
  }

  std::istringstream words("5 6 5");  // an input range, not a forward one
  typename TestType::template set<int> read{std::istream_iterator<int>(words), std::istream_iterator<int>()};
  CHECK(read.size() == 2);
}

TEMPLATE_TEST_CASE("std_api: allocators propagate as their traits say", "[std_api]", ALL_FAMILIES) {
  const clean_heap clean;
  const auto walk = [&]<unsigned Traits>(std::integral_constant<unsigned, Traits>) {
    using map = numbered_map<TestType, Traits>;
    using heap = typename map::allocator_type;
    const auto filled = [](int number, int first) {
      map m(0, numbered_hash(number), numbered_equal(number), heap(number));
      for (int i = first; i < first + 40; ++i)
        m[i] = "a value too long for the string itself " + std::to_string(i);
      return m;
    };
    const text_map low = sorted_entries(filled(1, 0)), high = sorted_entries(filled(2, 1000));
    {
      map a = filled(1, 0), b = filled(2, 1000);
      a = b;
      check_policies(a, 2, 2, (Traits & on_copy) != 0 ? 2 : 1);
      CHECK(sorted_entries(a) == high);
      CHECK(sorted_entries(b) == high);
      a[7] = "seven";
      CHECK(a.size() == high.size() + 1);
    }
    {
      map a = filled(1, 0), b = filled(2, 1000);
      a = std::move(b);
      check_policies(a, 2, 2, (Traits & on_move) != 0 ? 2 : 1);
      CHECK(sorted_entries(a) == high);
      CHECK(fault_of(a) == nullptr);
      b.clear();
      b = filled(1, 0);
      CHECK(sorted_entries(b) == low);
    }
    {
      map a = filled(1, 0), b = filled(1, 1000);
      const std::string* const kept = &b.find(1000)->second;
      a = std::move(b);  // equal allocators: the memory itself moves
      CHECK(&a.find(1000)->second == kept);
    }
    {
      map a = filled(1, 0), b = filled((Traits & on_swap) != 0 ? 2 : 1, 1000);
      const int other = b.get_allocator().number;
      using std::swap;
      swap(a, b);
      check_policies(a, other, other, other);
      check_policies(b, 1, 1, 1);
      CHECK(sorted_entries(a) == high);
      CHECK(sorted_entries(b) == low);
    }
    {
      const map a = filled(1, 0);
      const map b(a);
      CHECK(b.get_allocator().number == ((Traits & on_select) != 0 ? 100 : 1));
      CHECK(b == a);
    }
  };
  walk(std::integral_constant<unsigned, 0>());
  walk(std::integral_constant<unsigned, on_copy | on_move | on_swap | on_select>());
}

TEMPLATE_TEST_CASE("std_api: modifiers and lookup", "[std_api]", ALL_FAMILIES) {
  using map = typename TestType::template map<int, std::string>;
  map m;
  CHECK(m.insert({1, "one"}).second);
  CHECK_FALSE(m.insert(std::pair<const int, std::string>(1, "no")).second);
  CHECK(m.insert(m.cbegin(), std::pair<short, const char*>(2, "two"))->second == "two");
  CHECK(m.emplace(3, "three").second);
  CHECK_FALSE(m.emplace(3, "no").second);
  CHECK(m.emplace(std::piecewise_construct, std::forward_as_tuple(4), std::forward_as_tuple(2u, 'x')).second);
  CHECK(m.emplace_hint(m.cend(), 5, "five")->first == 5);
  CHECK(m.try_emplace(6, 3u, 'y').first->second == "yyy");
  CHECK(m.try_emplace(m.cend(), 6, "no")->second == "yyy");
  CHECK_FALSE(m.insert_or_assign(6, "six").second);
  CHECK(m.insert_or_assign(m.cend(), 7, "seven")->second == "seven");
  CHECK(m.emplace().first->first == 0);
  m.insert({{8, "eight"}, {1, "no"}});
  CHECK(m.at(8) == "eight");
  CHECK_THROWS_AS(m.at(9), std::out_of_range);
  CHECK_THROWS_AS(std::as_const(m).at(9), std::out_of_range);
  CHECK(m[9].empty());
  CHECK(m.count(9) == 1);
  const auto [first, last] = std::as_const(m).equal_range(8);
  CHECK(std::distance(first, last) == 1);
  CHECK_FALSE(m.insert({0, "no"}).second);
  CHECK(m.erase(9) == 1);
  CHECK(m.erase(9) == 0);
  m.erase(m.find(8));
  m.erase(m.cbegin());
  CHECK(m.size() == 7);
  CHECK(erase_if(m, [](const auto& entry) { return entry.first % 2 == 0; }) + m.size() == 7);
  m.max_load_factor(0.5f);
  CHECK(m.max_load_factor() > 0.0f);
  map copy = m;
  CHECK(copy == m);
  copy.begin()->second += "!";
  CHECK(copy != m);
  copy = {{1, "one"}};
  CHECK(copy.size() == 1);
  copy.erase(copy.begin(), copy.end());
  CHECK(copy.empty());
  copy = {};
  CHECK(copy == map());
  CHECK(copy.max_size() > 1000);
}

TEMPLATE_TEST_CASE("std_api: equality compares keys by ==, not by the container's", "[std_api]",
                   ALL_FAMILIES) {
  struct last_digit {
    std::size_t operator()(int key) const { return static_cast<std::size_t>(key % 10); }
    bool operator()(int a, int b) const { return a % 10 == b % 10; }
  };
  using map = typename TestType::template map<int, int, last_digit, last_digit>;
  using set = typename TestType::template set<int, last_digit, last_digit>;
  CHECK(map{{11, 1}} == map{{11, 1}});
  CHECK(map{{11, 1}} != map{{21, 1}});
  CHECK(set{11} == set{11});
  CHECK(set{11} != set{21});
}

TEMPLATE_TEST_CASE("std_api: lookup by other types if, and only if, both functors say so", "[std_api]",
                   ALL_FAMILIES) {
  using both = typename TestType::template map<std::string, int, text_hash, std::equal_to<>>;
  using only_hash = typename TestType::template map<std::string, int, text_hash, std::equal_to<std::string>>;
  using only_equal =
      typename TestType::template map<std::string, int, std::hash<std::string>, std::equal_to<>>;
  constexpr auto finds = []<class M>(std::type_identity<M>) {
    return requires(const M& m, std::string_view key) { m.find(key); };
  };
  STATIC_REQUIRE(finds(std::type_identity<both>()));
  STATIC_REQUIRE_FALSE(finds(std::type_identity<only_hash>()));
  STATIC_REQUIRE_FALSE(finds(std::type_identity<only_equal>()));
  const both m{{"one", 1}, {"two", 2}};
  CHECK(m.find(std::string_view("one"))->second == 1);
  CHECK(m.contains("two"));
  CHECK(m.count("three") == 0);
  CHECK(m.equal_range("one").first->second == 1);
}

TEMPLATE_TEST_CASE("std_api: merge", "[std_api]", ALL_FAMILIES) {
  using map = typename TestType::template map<int, std::string>;
  using other = typename TestType::template map<int, std::string, numbered_hash, numbered_equal>;
  map m{{1, "here"}, {2, "here"}};
  other from(0, numbered_hash(5), numbered_equal(6));
  for (int i = 2; i < 100; ++i) from[i] = "there";
  m.merge(from);
  CHECK(sorted_entries(from) == text_map{{2, "there"}});
  CHECK(m.size() == 100 - 1);
  CHECK(m.at(2) == "here");
  CHECK(m.at(50) == "there");
  CHECK(from.count(50) == 0);
  m.merge(other{{1, "no"}, {1000, "new"}});
  CHECK(m.at(1000) == "new");
  m.merge(m);
  CHECK(m.size() == 100);
  CHECK(fault_of(m) == nullptr);
  CHECK(fault_of(from) == nullptr);
  typename TestType::template set<std::string> a{"x"}, b{"x", "y"};
  a.merge(b);
  CHECK(a.size() == 2);
  CHECK(b.size() == 1);
}
