// SPDX-License-Identifier: Apache-2.0
// T-B8. One lock-free chain under the schedules of bench/hazards/scenarios.hpp, with each way to reclaim its
// nodes: whether keys are lost under ABA, once and after 65,536 changes of the head, what a node takes, and
// how many nodes wait beside a reader that stands still. Exact: one schedule, one outcome.
#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hazards/chain.hpp"
#include "hazards/scenarios.hpp"
#include "lab/child_process.hpp"
#include "lab/reproduce_measure.hpp"
#if TOPHASH_LAB_WITH_URCU
#include "hazards/rcu.hpp"
#endif

namespace tophash::lab {

namespace reclaimers_parts {
namespace {

using nlohmann::json;
using namespace tophash::hazards;

// In a child: built with the address sanitizer, the unsafe one ends its process there.
template <class Reclaim>
json outcome_of(std::size_t pairs) {
  return {{"survives", aba<Reclaim>().survived()},
          {"survives_a_round", tag_round<Reclaim>().survived()},
          {"waiting", stalled<Reclaim>(pairs).waiting},
          {"node_bytes", sizeof(typename Reclaim::node)}};
}

void note_missing(const std::string& name, const std::string& why, claim_measurement& out) {
  for (const char* metric : {"survives", "survives_a_round", "waiting", "node_bytes", "bytes_more"})
    out.missing[fmt::format("{}.{}", metric, name)] = why;
}

template <class Reclaim>
void note_outcome(const std::string& name, std::size_t pairs, claim_measurement& out) {
  const json answer = in_child([pairs] { return outcome_of<Reclaim>(pairs); });
  if (answer.contains("trouble")) {
    note_missing(name, answer.at("trouble").get<std::string>(), out);
    return;
  }
  const auto add = [&](const char* metric, const char* unit, double value) {
    note(out, fmt::format("{}.{}", metric, name), unit, true, value);
  };
  const auto bytes = answer.at("node_bytes").get<double>();
  add("survives", "of 1", answer.at("survives").get<bool>() ? 1 : 0);
  add("survives_a_round", "of 1", answer.at("survives_a_round").get<bool>() ? 1 : 0);
  add("waiting", "nodes", answer.at("waiting").get<double>());
  add("node_bytes", "B", bytes);
  add("bytes_more", "B", bytes - static_cast<double>(sizeof(typename unsafe::node)));
}

constexpr const char* names[] = {"plain", "versioned", "hazard", "epoch", "rcu"};

}  // namespace
}  // namespace reclaimers_parts

claim_measurement measure_reclaimers(const claim_request& request) {
  using namespace reclaimers_parts;
  const std::size_t pairs = whole_parameter(request, "stalled_pairs");
  static_cast<void>(chosen(*request.table, std::vector<built_composition<int>>{{"go_like", 0}}));
  claim_measurement out;
  for (unsigned round = 0; round < request.rounds && !stop_measuring(); ++round) {
    begin_round(request, round, request.rounds);
    note_outcome<unsafe>("plain", pairs, out);
    note_outcome<tagged>("versioned", pairs, out);
    note_outcome<hazard>("hazard", pairs, out);
    note_outcome<epoch>("epoch", pairs, out);
#if TOPHASH_LAB_WITH_URCU
    note_outcome<rcu>("rcu", pairs, out);
#else
    note_missing("rcu", "RCU is not built in (package liburcu-dev)", out);
#endif
    ++out.rounds;
  }
  if (out.rounds == 0) return out;
  out.setting = fmt::format(
      "a lock-free chain under one schedule; {} pairs beside a reader that stands still", grouped(pairs));
  for (const char* name : names) {
    const auto median = [&](const char* metric) {
      return median_of(out, fmt::format("{}.{}", metric, name));
    };
    if (out.sample.count(fmt::format("survives.{}", name)) == 0) continue;
    out.why.push_back(fmt::format(
        "{}: keys are {} under ABA, {} after 65,536 changes of the head; {:.0f} B a node, "
        "{:.0f} nodes wait for the reader",
        name, median("survives") != 0 ? "kept" : "lost", median("survives_a_round") != 0 ? "kept" : "lost",
        median("node_bytes"), median("waiting")));
  }
  return out;
}

}  // namespace tophash::lab
