// SPDX-License-Identifier: Apache-2.0
// find_many and insert_many answer what as many single operations answer: below and above the size from which
// memory is asked for ahead, while a growth is under way, over lists that can be walked once only.
#include <cstddef>
#include <cstdint>
#include <forward_list>
#include <iterator>
#include <sstream>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <tophash/fast_map.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/growth/incremental.hpp>
#include <tophash/presets.hpp>
#include <tophash/set.hpp>

using namespace tophash;

namespace {

using u64 = std::uint64_t;

// Room decides, not entries, whether memory is asked for ahead: inserts do from 4 MiB on, finds from 16.
template <class Map>
void check_many(std::size_t entries, std::size_t room) {
  Map m;
  m.reserve(room);
  std::unordered_map<u64, u64> model;
  std::vector<std::pair<u64, u64>> pairs;
  for (u64 i = 0; i < entries; ++i) pairs.emplace_back(mix(i % (entries - entries / 8)), i);
  const std::size_t expected = entries - entries / 8;
  CHECK(m.insert_many(pairs.begin(), pairs.end()) == expected);
  model.insert(pairs.begin(), pairs.end());
  REQUIRE(m.size() == model.size());

  std::vector<u64> keys;
  for (u64 i = 0; i < entries + 5; ++i) keys.push_back(mix(i * 3));
  std::vector<typename Map::iterator> found;
  m.find_many(keys.begin(), keys.end(), std::back_inserter(found));
  std::vector<typename Map::const_iterator> found_const;
  std::as_const(m).find_many(keys.begin(), keys.end(), std::back_inserter(found_const));
  REQUIRE(found.size() == keys.size());
  REQUIRE(found_const.size() == keys.size());
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto there = model.find(keys[i]);
    wrong += (found[i] == m.end()) != (there == model.end()) ? 1u : 0u;
    wrong += typename Map::const_iterator(found[i]) == found_const[i] ? 0u : 1u;
    if (there != model.end() && found[i] != m.end()) wrong += (*found[i]).second != there->second ? 1u : 0u;
  }
  CHECK(wrong == 0);
  m.prefetch(keys.front());
  CHECK(m.check_invariants() == nullptr);
}

}  // namespace

TEMPLATE_TEST_CASE("batch: many keys at once answer as each alone", "[batch]", (fast_map<u64, u64>),
                   (map<u64, u64>), (map<u64, u64, layout::nodes>), (map<u64, u64, presets::go_like>),
                   (map<u64, u64, layout::open_groups<>, growth::incremental<1>>),
                   (map<u64, u64, layout::open_groups<>, deletion::dirty>)) {
  check_many<TestType>(1'000, 0);
  check_many<TestType>(20'000, 1'000'000);
  check_many<TestType>(150'000, 0);
}

TEST_CASE("batch: a list that can be walked once only", "[batch]") {
  std::istringstream text("3 1 4 1 5 9 2 6");
  fast_map<int, int> m{{1, 10}, {5, 50}, {9, 90}};
  std::vector<fast_map<int, int>::iterator> found;
  m.find_many(std::istream_iterator<int>(text), std::istream_iterator<int>(), std::back_inserter(found));
  REQUIRE(found.size() == 8);
  int sum = 0;
  for (const auto& at : found) sum += at == m.end() ? 0 : at->second;
  CHECK(sum == 10 + 10 + 50 + 90);

  const std::forward_list<std::pair<const char*, int>> words{{"one", 1}, {"two", 2}, {"one", 3}};
  fast_map<std::string, int> by_name;
  CHECK(by_name.insert_many(words.begin(), words.end()) == 2);
  CHECK(by_name.at("one") == 1);
}

TEST_CASE("batch: keys found in a set", "[batch]") {
  fast_set<int> s{1, 2, 3};
  const std::vector<int> keys{3, 4, 1};
  std::vector<fast_set<int>::const_iterator> found;
  std::as_const(s).find_many(keys.begin(), keys.end(), std::back_inserter(found));
  REQUIRE(found.size() == 3);
  CHECK(*found[0] == 3);
  CHECK(found[1] == s.end());
  CHECK(*found[2] == 1);
}
