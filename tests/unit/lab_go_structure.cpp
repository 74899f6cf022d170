// SPDX-License-Identifier: Apache-2.0
// go_structure without Go: what is the same, what is not; and that every field of go_like is there.
#include <cstddef>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "lab/go_structure.hpp"

using namespace tophash::lab;

namespace {

measured_metric one(double value, bool exact, std::string unit = "buckets") {
  return {.unit = std::move(unit), .exact = exact, .rounds = {value}};
}

structure_field judged(const std::string& name, const measured_metric& ours, const measured_metric& go) {
  const std::vector<structure_field> all = compare_structures({{name, ours}}, {{name, go}});
  REQUIRE(all.size() == 1);
  return all.front();
}

}  // namespace

TEST_CASE("go_structure: exact fields agree to the last digit, statistical ones within a tolerance",
          "[lab]") {
  CHECK(judged("grows_to.8", one(27, true), one(27, true)).is == agreement::same);
  CHECK(judged("grows_to.8", one(27, true), one(28, true)).is == agreement::different);
  CHECK(judged("states.x", one(55515551, true, "states"), one(55515550, true, "states")).is ==
        agreement::different);
  CHECK(judged("overflow_share.6.5", one(20.9, false), one(21.1, false)).is == agreement::same);
  CHECK(judged("overflow_share.6.5", one(20.9, false), one(21.3, false)).is == agreement::different);
  CHECK(judged("overflow_share.6.5", one(20.9, false), one(21.3, false)).tolerance == 0.3);
  // By the mean of the rounds, not by one of them.
  const measured_metric spread{.unit = "% of buckets", .exact = false, .rounds = {20.0, 21.8}};
  CHECK(judged("overflow_share.6.5", spread, one(20.9, false)).is == agreement::same);
  CHECK(judged("a_share_of_no_tolerance", one(1.0, false), one(1.001, false)).is == agreement::different);
  CHECK(judged("insert_ns.p50", one(10, false, "ns"), one(900, false, "ns")).is == agreement::shown);
}

TEST_CASE("go_structure: nothing that differs or is missing is excused", "[lab]") {
  const structure_field share = judged("overflow_share.churn_new_keys", one(33, false), one(33.5, false));
  CHECK(share.is == agreement::same);
  CHECK(judged("overflow_share.churn_new_keys", one(98, false), one(33, false)).is == agreement::different);
  CHECK(judged("overflow_share.churn_rotation", one(98, false), one(33, false)).is == agreement::different);
  CHECK(compare_structures({{"grows_to.2", one(9, true)}}, {}).front().is == agreement::only_ours);
  CHECK(compare_structures({}, {{"grows_to.2", one(9, true)}}).front().is == agreement::different);

  go_structure_result r{.request = {}, .ours = {}, .sides = {{}}, .no_go = {}};
  CHECK(exit_code_of(r) == 0);
  r.sides.front().fields = {share};
  CHECK(exit_code_of(r) == 0);
  r.sides.front().fields.push_back(judged("grows_to.8", one(27, true), one(28, true)));
  CHECK(exit_code_of(r) == 1);
  r.sides.front().fields.pop_back();
  r.sides.front().refused = "go1.24: another map";
  CHECK(exit_code_of(r) == 2);
}

TEST_CASE("go_structure: go_like gives what go-map.md says of Go's map", "[lab]") {
  const structure_sizes small{
      .buckets = 64, .churn_buckets = 64, .churn_pairs = 2000, .churn_pairs_after_growth = 500, .latency_entries = 1000};
  const measured_sample m = measure_go_like(1, 2, small, [](const std::string&) {});
  const auto value = [&m](const std::string& name) {
    INFO(name);
    REQUIRE(m.count(name) == 1);
    REQUIRE_FALSE(m.at(name).rounds.empty());
    return m.at(name).rounds.front();
  };
  // Section 7: 9, 14, 27, 53, ... = 6.5 x 2^B + 1.
  CHECK(value("grows_to.2") == 9);
  for (std::size_t units = 4, at = 14; units <= 16'384; units *= 2, at = 2 * at - 1)
    CHECK(value("grows_to." + std::to_string(units)) == static_cast<double>(at));
  CHECK(value("buckets_for_hint.1000000") == 262'144);
  // Section 2.
  CHECK(value("bucket_bytes.u64_u64") == 144);
  CHECK(value("bucket_bytes.u64_129_bytes") == 144);
  // Section 4: the collapse rule across overflow buckets; section 6: the first empty slot of the chain.
  CHECK(value("states.chain.03.bucket0") == 55'555'551);
  CHECK(value("states.chain.10.bucket1") == 50'000'000);
  CHECK(value("states.chain.11.bucket0") == 55'555'550);
  CHECK(value("states.chain.11.bucket1") == 0);
  CHECK(value("reused_place.1") == 10);
  CHECK(value("emptied.tombstones") == 0);
  // Section 9.
  CHECK(value("evacuated_by.erase_absent.most") == 2);
  CHECK(value("evacuated_by.look_up.most") == 0);
  CHECK(m.at("hit_probe.6.5").rounds.size() == 2);
  CHECK(value("same_size_growths.churn_same_keys") == 0);
  CHECK(value("same_size_growths.churn_new_keys") == 1);
  CHECK(value("first_same_size_growth.churn_new_keys") > 0);
}
