// SPDX-License-Identifier: Apache-2.0
// The contract of every composition. The rows are in compositions_*.cpp, what is asked of them in
// support/battery.cpp. One test case an aspect; the section names the composition.
#include <algorithm>

#include <catch2/catch.hpp>

#include "support/battery.hpp"

using namespace tophash::testing;

namespace {

template <class Check>
void for_each_composition(Check check) {
  REQUIRE(compositions().size() >= 25);
  for (const composition& tested : compositions()) {
    DYNAMIC_SECTION(tested.name) { CHECK(check(tested) == ""); }
  }
}

}  // namespace

TEST_CASE("contract: random streams equal the model", "[contract]") {
  for_each_composition([](const composition& tested) { return random_streams(tested, 60); });
}

TEST_CASE("contract: a long stream equals the model", "[contract]") {
  for_each_composition([](const composition& tested) { return long_stream(tested, 6000, 7); });
}

TEST_CASE("contract: every operation at every point of a growth", "[contract]") {
  for_each_composition([](const composition& tested) { return growth_walk(tested); });
}

TEST_CASE("contract: user code that throws loses nothing", "[contract]") {
  int walked = 0;
  for (const composition& tested : compositions()) walked += tested.promised.counted ? 1 : 0;
  REQUIRE(walked >= 8);
  for_each_composition([](const composition& tested) {
    return tested.promised.counted ? fault_walk(tested, fault_source::user_code) : std::string{};
  });
}

TEST_CASE("contract: an allocation that fails loses nothing", "[contract]") {
  int walked = 0;
  for (const composition& tested : compositions()) walked += tested.promised.recorded ? 1 : 0;
  REQUIRE(walked >= 8);
  for_each_composition([](const composition& tested) {
    return tested.promised.recorded ? fault_walk(tested, fault_source::allocation) : std::string{};
  });
}

TEST_CASE("contract: the compositions cover every pair of choices", "[contract]") {
  const std::vector<std::string> missing = uncovered_pairs(compositions());
  std::string all;
#if TOPHASH_WITH_MIMALLOC
  for (const std::string& pair : missing) all += pair + "\n";
#else
  WARN("without mimalloc the pairs with its storage are not made; only the others are checked");
  for (const std::string& pair : missing) {
    if (pair.find("storage=") == std::string::npos) all += pair + "\n";
  }
#endif
  CHECK(all == "");
}

#if !TOPHASH_TESTS_CORE
TEST_CASE("contract: open groups meet every deletion and growth", "[contract]") {
  const std::vector<std::string> layouts = {"open_groups,", "open_groups(8),"};
  const std::vector<std::string> deletions = {
      "immediate,", "tombstone,",     "tombstone(not_reusing),",
      "dirty,",     "purging(dirty,", "purging(tombstone(not_reusing),"};
  const std::vector<std::string> growths = {"eager,",          "incremental(1),",
                                            "incremental(2),", "incremental(2,every_write),",
                                            "shrinking(",      "regrowing("};
  const auto require_made = [](const std::string& one, const std::string& other) {
    INFO(one << " with " << other);
    CHECK(std::any_of(compositions().begin(), compositions().end(), [&](const composition& c) {
      return c.promised.open_width != 0 && c.name.find(one) != std::string::npos &&
             c.name.find(other) != std::string::npos;
    }));
  };
  for (const std::string& deletion : deletions) {
    for (const std::string& layout : layouts) require_made("layout=" + layout, "deletion=" + deletion);
    for (const std::string& growth : growths) {
      // The rule growth_dead_share: these two leave nothing that a regrow is counted by.
      const bool legal = growth != "regrowing(" || (deletion != "immediate," && deletion != "tombstone,");
      if (legal) require_made("deletion=" + deletion, "growth=" + growth);
    }
  }
  for (const std::string& growth : growths) {
    for (const std::string& layout : layouts) require_made("layout=" + layout, "growth=" + growth);
  }
}
#endif
