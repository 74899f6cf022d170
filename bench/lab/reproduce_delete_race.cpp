// SPDX-License-Identifier: Apache-2.0
// T-C2. Loads of a sync.Map beside a delete of the same key in another thread:
//   racing   the load begins when the delete may; nothing orders the two
//   joined   the load begins when the delete has ended
#include <fmt/format.h>

#include "hazards/delete_race.hpp"
#include "lab/reproduce_measure.hpp"

namespace tophash::lab {

claim_measurement measure_delete_race(const claim_request& request) {
  using namespace tophash::hazards;
  const std::size_t races =
      (whole_parameter(request, "races") + keys_at_once - 1) / keys_at_once * keys_at_once;
  static_cast<void>(chosen(*request.table, std::vector<built_composition<int>>{{"fastest", 0}}));
  claim_measurement out;
  for (unsigned round = 0; round < request.rounds && !stop_measuring(); ++round) {
    begin_round(request, round, request.rounds);
    const auto percent = [races](std::size_t absent) {
      return 100 * static_cast<double>(absent) / static_cast<double>(races);
    };
    note(out, "absent_percent.racing", "%", false, percent(loads_without_the_key(races, joining::no)));
    note(out, "absent_percent.joined", "%", false, percent(loads_without_the_key(races, joining::yes)));
    ++out.rounds;
  }
  if (out.rounds == 0) return out;
  out.setting = fmt::format("{} loads, each beside a delete of its key", grouped(races));
  out.why.push_back(
      fmt::format("nothing orders a load and a delete that are under way at once: {:.2f} % of the "
                  "loads found no key; of those that began after the delete, {:.2f} %",
                  median_of(out, "absent_percent.racing"), median_of(out, "absent_percent.joined")));
  return out;
}

}  // namespace tophash::lab
