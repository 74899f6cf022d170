// SPDX-License-Identifier: Apache-2.0
// <tophash/std_api.hpp>, what is known when compiling: explicit instantiations, deduction guides, the
// noexcept table, typedefs and constructors that disappear, each held against std::unordered_map's.
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <memory_resource>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include <tophash/std_api_fwd.hpp>  // first: a declaration is enough to name a map

template <class Key, class T>
int deduced(const tophash::unordered_flat_map<Key, T>&);
struct holder_of_undefined {
  tophash::unordered_node_map<int, std::string>* map = nullptr;
};

#include <catch2/catch.hpp>

#include "support/std_families.hpp"

using namespace tophash::testing;

// Every member of the class and of those it is derived from.
template class tophash::unordered_flat_map<int, std::string>;
template class tophash::unordered_node_map<int, std::string>;
template class tophash::unordered_bucket_map<int, std::string>;
template class tophash::unordered_flat_set<std::string>;
template class tophash::unordered_node_set<std::string>;
template class tophash::unordered_bucket_set<std::string>;
template class tophash::unordered_node_map<int, std::unique_ptr<int>>;
template class tophash::unordered_flat_map<std::unique_ptr<int>, std::unique_ptr<int>>;

template class tophash::standard::members<tophash::layout::open_groups<>, int, std::string, std::hash<int>,
                                          std::equal_to<int>, map_heap<int, std::string>>;
template class tophash::standard::members<tophash::layout::nodes, int, std::string, std::hash<int>,
                                          std::equal_to<int>, map_heap<int, std::string>>;
template class tophash::standard::members<tophash::layout::bucket_chain<>, int, std::string, std::hash<int>,
                                          std::equal_to<int>, map_heap<int, std::string>>;
template class tophash::standard::members<tophash::layout::nodes, int, void, std::hash<int>,
                                          std::equal_to<int>, std::allocator<int>>;
template class tophash::standard::members<tophash::layout::nodes, int, std::unique_ptr<int>, std::hash<int>,
                                          std::equal_to<int>, map_heap<int, std::unique_ptr<int>>>;
template class tophash::standard::members<tophash::layout::open_groups<>, std::unique_ptr<int>,
                                          std::unique_ptr<int>, std::hash<std::unique_ptr<int>>,
                                          std::equal_to<std::unique_ptr<int>>,
                                          map_heap<std::unique_ptr<int>, std::unique_ptr<int>>>;

template <class Key, class T>
int deduced(const tophash::unordered_flat_map<Key, T>& m) {
  return static_cast<int>(m.size());
}

namespace {

struct undefaulted_hash : numbered_hash {
  undefaulted_hash() = delete;
  using numbered_hash::numbered_hash;
};
struct throwing_hash {
  throwing_hash() noexcept(false) {}
  throwing_hash(const throwing_hash&) noexcept(false) {}
  throwing_hash& operator=(const throwing_hash&) noexcept(false) { return *this; }
  std::size_t operator()(int key) const noexcept { return static_cast<std::size_t>(key); }
};

// The container promises no less than the standard's does.
template <class Ours, class Standard>
void check_no_weaker() {
  STATIC_REQUIRE(std::is_default_constructible_v<Ours> == std::is_default_constructible_v<Standard>);
  STATIC_REQUIRE(std::is_nothrow_default_constructible_v<Ours> >=
                 std::is_nothrow_default_constructible_v<Standard>);
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<Ours> >=
                 std::is_nothrow_move_constructible_v<Standard>);
  STATIC_REQUIRE(std::is_nothrow_move_assignable_v<Ours> >= std::is_nothrow_move_assignable_v<Standard>);
  STATIC_REQUIRE(std::is_nothrow_swappable_v<Ours> >= std::is_nothrow_swappable_v<Standard>);
  STATIC_REQUIRE(noexcept(std::declval<Ours&>().clear()) >= noexcept(std::declval<Standard&>().clear()));
  STATIC_REQUIRE(noexcept(std::declval<Ours&>().begin()) >= noexcept(std::declval<Standard&>().begin()));
  STATIC_REQUIRE(noexcept(std::declval<const Ours&>().size()) >=
                 noexcept(std::declval<const Standard&>().size()));
  STATIC_REQUIRE(noexcept(std::declval<const Ours&>().get_allocator()) >=
                 noexcept(std::declval<const Standard&>().get_allocator()));
  STATIC_REQUIRE(std::is_convertible_v<std::size_t, Ours> == std::is_convertible_v<std::size_t, Standard>);
  using allocator = typename Ours::allocator_type;
  STATIC_REQUIRE(std::is_convertible_v<allocator, Ours> == std::is_convertible_v<allocator, Standard>);
  STATIC_REQUIRE(std::is_same_v<typename Ours::key_type, typename Standard::key_type>);
  STATIC_REQUIRE(std::is_same_v<typename Ours::value_type, typename Standard::value_type>);
  STATIC_REQUIRE(std::is_same_v<typename Ours::hasher, typename Standard::hasher>);
  STATIC_REQUIRE(std::is_same_v<typename Ours::key_equal, typename Standard::key_equal>);
  STATIC_REQUIRE(std::is_same_v<typename Ours::size_type, typename Standard::size_type>);
  STATIC_REQUIRE(std::is_same_v<typename Ours::difference_type, typename Standard::difference_type>);
  STATIC_REQUIRE(std::is_same_v<typename Ours::reference, typename Standard::reference>);
  STATIC_REQUIRE(std::is_same_v<typename Ours::const_reference, typename Standard::const_reference>);
  STATIC_REQUIRE(std::is_same_v<typename Ours::pointer, typename Standard::pointer>);
  STATIC_REQUIRE(std::is_same_v<typename Ours::const_pointer, typename Standard::const_pointer>);
  STATIC_REQUIRE(std::forward_iterator<typename Ours::iterator>);
  STATIC_REQUIRE(std::forward_iterator<typename Ours::const_local_iterator>);
  STATIC_REQUIRE(std::is_convertible_v<typename Ours::iterator, typename Ours::const_iterator>);
  STATIC_REQUIRE(std::is_convertible_v<typename Ours::local_iterator, typename Ours::const_local_iterator>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<typename Ours::const_iterator, typename Ours::iterator>);
}

template <class Family, class Key, class T, class... Rest>
void check_against_standard() {
  check_no_weaker<typename Family::template map<Key, T, Rest...>, std::unordered_map<Key, T, Rest...>>();
}

template <class Container>
concept has_handles = requires {
  typename Container::node_type;
};

}  // namespace

TEMPLATE_TEST_CASE("std_api types: no promise is weaker than the standard's", "[std_api]", node_family,
                   flat_family, bucket_family) {
  using equal = std::equal_to<int>;
  check_against_standard<TestType, int, std::string>();
  check_against_standard<TestType, int, int, undefaulted_hash>();
  check_against_standard<TestType, int, int, throwing_hash>();
  check_against_standard<TestType, int, int, numbered_hash, numbered_equal>();
  check_against_standard<TestType, int, int, std::hash<int>, equal,
                         numbered_heap<std::pair<const int, int>>>();
  check_against_standard<TestType, int, int, std::hash<int>, equal,
                         numbered_heap<std::pair<const int, int>, on_move | on_swap>>();
  check_against_standard<TestType, int, int, std::hash<int>, equal,
                         std::pmr::polymorphic_allocator<std::pair<const int, int>>>();
  check_no_weaker<typename TestType::template set<int>, std::unordered_set<int>>();

  using undefaulted = typename TestType::template map<int, int, undefaulted_hash>;
  STATIC_REQUIRE_FALSE(std::is_default_constructible_v<undefaulted>);
  STATIC_REQUIRE_FALSE(
      std::is_constructible_v<undefaulted, std::initializer_list<std::pair<const int, int>>>);
  undefaulted m(10, undefaulted_hash(3));
  m[1] = 2;
  CHECK(undefaulted(m).hash_function().number == 3);
  typename TestType::template map<int, int, throwing_hash> throwing, other;
  throwing[1] = 1;
  throwing.swap(other);
  throwing = std::move(other);
  CHECK(throwing.at(1) == 1);
  typename TestType::template map<int, std::string, std::size_t (*)(int), bool (*)(int, int)> by_pointer(
      0, [](int key) { return static_cast<std::size_t>(key); }, [](int a, int b) { return a == b; });
  by_pointer[5] = "five";
  CHECK(by_pointer.at(5) == "five");

  using movers = typename TestType::template map<int, std::unique_ptr<int>>;
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<movers>);
  movers pointers;
  pointers[1] = std::make_unique<int>(5);
  std::vector<movers> moved;
  moved.push_back(std::move(pointers));
  moved.reserve(100);
  CHECK(*moved[0].at(1) == 5);
}

TEST_CASE("std_api types: node handles where there are nodes", "[std_api]") {
  STATIC_REQUIRE(has_handles<tophash::unordered_node_map<int, int>>);
  STATIC_REQUIRE(has_handles<tophash::unordered_node_set<int>>);
  STATIC_REQUIRE_FALSE(has_handles<tophash::unordered_flat_map<int, int>>);
  STATIC_REQUIRE_FALSE(has_handles<tophash::unordered_bucket_set<int>>);
  CHECK(holder_of_undefined().map == nullptr);
  tophash::unordered_flat_map<int, int> m{{1, 2}};
  CHECK(deduced(m) == 1);
}

// What follows is written for the class template `name`, and expects what std::unordered_map deduces.
#define CHECK_MAP_GUIDES(name)                                                                               \
  do {                                                                                                       \
    using pair = std::pair<const int, long>;                                                                 \
    using heap = numbered_heap<pair>;                                                                        \
    using on_heap = name<int, long, std::hash<int>, std::equal_to<int>, heap>;                               \
    const std::vector<std::pair<int, long>> v{{1, 2}, {3, 4}};                                               \
    const auto b = v.begin(), e = v.end();                                                                   \
    const numbered_hash h;                                                                                   \
    const numbered_equal q;                                                                                  \
    const heap a(1);                                                                                         \
    STATIC_REQUIRE(std::is_same_v<decltype(name(b, e)), name<int, long>>);                                   \
    STATIC_REQUIRE(std::is_same_v<decltype(name(b, e, 5)), name<int, long>>);                                \
    STATIC_REQUIRE(std::is_same_v<decltype(name(b, e, 5, h)), name<int, long, numbered_hash>>);              \
    STATIC_REQUIRE(                                                                                          \
        std::is_same_v<decltype(name(b, e, 5, h, q)), name<int, long, numbered_hash, numbered_equal>>);      \
    STATIC_REQUIRE(std::is_same_v<decltype(name(b, e, 5, h, q, a)),                                          \
                                  name<int, long, numbered_hash, numbered_equal, heap>>);                    \
    STATIC_REQUIRE(std::is_same_v<decltype(name(b, e, 5, a)), on_heap>);                                     \
    STATIC_REQUIRE(std::is_same_v<decltype(name(b, e, 5, h, a)),                                             \
                                  name<int, long, numbered_hash, std::equal_to<int>, heap>>);                \
    const name braced{std::pair{1, 2L}, std::pair{3, 4L}};                                                   \
    STATIC_REQUIRE(std::is_same_v<decltype(braced), const name<int, long>>);                                 \
    const name listed({std::pair{1, 2L}}, 5, h);                                                             \
    STATIC_REQUIRE(std::is_same_v<decltype(listed), const name<int, long, numbered_hash>>);                  \
    const name allocated({std::pair{1, 2L}}, 5, a);                                                          \
    STATIC_REQUIRE(std::is_same_v<decltype(allocated), const on_heap>);                                      \
    const name copied(braced);                                                                               \
    STATIC_REQUIRE(std::is_same_v<decltype(copied), const name<int, long>>);                                 \
    const name elsewhere(allocated, heap(2));                                                                \
    STATIC_REQUIRE(std::is_same_v<decltype(elsewhere), const on_heap>);                                      \
    CHECK(braced.size() + listed.size() + allocated.size() + copied.size() + elsewhere.size() == 7);         \
  } while (false)

#define CHECK_SET_GUIDES(name)                                                                               \
  do {                                                                                                       \
    const std::vector<int> v{1, 2};                                                                          \
    const numbered_heap<int> a(1);                                                                           \
    using on_heap = name<int, std::hash<int>, std::equal_to<int>, numbered_heap<int>>;                       \
    STATIC_REQUIRE(std::is_same_v<decltype(name(v.begin(), v.end())), name<int>>);                           \
    STATIC_REQUIRE(                                                                                          \
        std::is_same_v<decltype(name(v.begin(), v.end(), 5, numbered_hash())), name<int, numbered_hash>>);   \
    STATIC_REQUIRE(std::is_same_v<decltype(name(v.begin(), v.end(), 5, a)), on_heap>);                       \
    const name braced{1, 2, 3};                                                                              \
    STATIC_REQUIRE(std::is_same_v<decltype(braced), const name<int>>);                                       \
    const name allocated({1, 2}, 5, a);                                                                      \
    STATIC_REQUIRE(std::is_same_v<decltype(allocated), const on_heap>);                                      \
    CHECK(braced.size() + allocated.size() == 5);                                                            \
  } while (false)

TEST_CASE("std_api types: deduction guides", "[std_api]") {
  CHECK_MAP_GUIDES(std::unordered_map);
  CHECK_MAP_GUIDES(tophash::unordered_flat_map);
  CHECK_MAP_GUIDES(tophash::unordered_node_map);
  CHECK_MAP_GUIDES(tophash::unordered_bucket_map);
  // C++23's, which libstdc++ 12 has not.
  const std::vector<std::pair<int, long>> pairs{{1, 2}};
  const tophash::unordered_flat_map m(pairs.begin(), pairs.end(),
                                      numbered_heap<std::pair<const int, long>>(1));
  CHECK(m.get_allocator().number == 1);
  CHECK_SET_GUIDES(std::unordered_set);
  CHECK_SET_GUIDES(tophash::unordered_flat_set);
  CHECK_SET_GUIDES(tophash::unordered_node_set);
  CHECK_SET_GUIDES(tophash::unordered_bucket_set);
}
