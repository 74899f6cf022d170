// SPDX-License-Identifier: Apache-2.0
#include "lab/reproduce_counted.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace tophash::lab {

const std::vector<double>& rounds_of(const counted_result& counted, const std::string& section,
                                     const std::string& event) {
  static const std::vector<double> none;
  const auto found = counted.sections.find(section);
  if (found == counted.sections.end()) return none;
  const auto rounds = found->second.find(event);
  return rounds == found->second.end() ? none : rounds->second;
}

void note_counted(claim_measurement& out, const counted_result& counted, const std::string& metric,
                  const std::string& unit, const std::vector<counted_term>& terms,
                  const std::function<double(const std::vector<double>&)>& value) {
  std::size_t rounds = out.rounds;
  for (const counted_term& t : terms) {
    const std::size_t here = rounds_of(counted, t.section, t.event).size();
    if (here == 0) {
      out.missing[metric] = !counted.trouble.empty()
                                ? counted.trouble
                                : fmt::format("{} does not count {}{}", counted.source, t.event,
                                              counted.no_hardware.empty() ? "" : ": " + counted.no_hardware);
      return;
    }
    rounds = std::min(rounds, here);
  }
  // What callgrind counts is the same in every run; a processor's counters are not.
  const bool exact = counted.source == "callgrind";
  for (std::size_t i = 0; i < rounds; ++i) {
    std::vector<double> values;
    for (const counted_term& t : terms) values.push_back(rounds_of(counted, t.section, t.event)[i]);
    note(out, metric, unit, exact, value(values));
  }
}

std::string counted_by(const counted_result& counted) {
  if (counted.source == "perf") return "counted by the processor (perf_event_open), one thread";
  if (counted.source.empty()) return "nothing was counted: " + counted.trouble;
  return "counted by callgrind with a simulated first-level cache of 32 KiB and a simulated branch "
         "predictor, one "
         "thread: " +
         counted.no_hardware;
}

}  // namespace tophash::lab
