// SPDX-License-Identifier: Apache-2.0
// The contract of every composition. The rows are in compositions_*.cpp, what is asked of them in
// support/battery.cpp. One test case an aspect; the section names the composition.
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
