// SPDX-License-Identifier: Apache-2.0
// T-A5. A map made for eight entries, filled one by one: its buckets, and the address of its array, after
// each insert.
#include <cstdint>

#include <fmt/format.h>

#include <tophash/framework/core/bits.hpp>
#include <tophash/map.hpp>
#include <tophash/presets.hpp>

#include "lab/reproduce_measure.hpp"

namespace tophash::lab {

namespace addresses_parts {
namespace {

using number = std::uint64_t;

// The inside of a container is its own; a class derived from it may look.
struct looked_into : map<number, number, presets::go_like> {
  using base = map<number, number, presets::go_like>;
  using base::base;
  using inside = table::container<number, number, typename base::spec_type>;
  const void* array() const noexcept { return this->inside::s_.current.at(0); }
};

}  // namespace
}  // namespace addresses_parts

claim_measurement measure_addresses(const claim_request& request) {
  using namespace addresses_parts;
  static const std::vector<built_composition<int>> built = {{"go_like", 0}};
  static_cast<void>(chosen(*request.table, built));
  const std::size_t hint = whole_parameter(request, "hint"), entries = whole_parameter(request, "entries");
  const auto wanted = static_cast<double>(whole_parameter(request, "buckets_looked_for"));
  claim_measurement out;
  for (unsigned round = 0; round < request.rounds && !stop_measuring(); ++round) {
    begin_round(request, round, request.rounds);
    looked_into m(hint);
    m.insert_or_assign(number{0}, number{0});
    const auto add = [&out](const char* metric, const char* unit, double value) {
      note(out, metric, unit, true, value);
    };
    add("buckets.made", "buckets", static_cast<double>(m.stats().units));
    const void* array = m.array();
    double changes = 0, changes_below_limit = 0, reached_at = 0;
    std::size_t growths = 0;
    for (number n = 1; n < entries; ++n) {
      const auto before = m.stats();
      m.insert_or_assign(n, n);
      const auto after = m.stats();
      growths += after.growths + after.regrows - before.growths - before.regrows;
      if (reached_at == 0 && static_cast<double>(after.units) == wanted)
        reached_at = static_cast<double>(m.size());
      if (m.array() == array) continue;
      array = m.array();
      ++changes;
      if (before.size < before.limit) ++changes_below_limit;
    }
    add("entries.at_buckets", "entries", reached_at);
    add("address_changes", "x", changes);
    add("address_changes.between_growths", "x", changes_below_limit);
    add("growths", "x", static_cast<double>(growths));
    ++out.rounds;
  }
  if (out.rounds == 0) return out;
  out.setting = fmt::format("hint {}, {} inserts, looked at after each", hint, grouped(entries));
  const auto median = [&out](const char* metric) { return median_of(out, metric); };
  out.why.push_back(
      fmt::format("{} growths, {} new addresses, none between two growths; {} buckets come with entry {}",
                  median("growths"), median("address_changes"), wanted, median("entries.at_buckets")));
  return out;
}

}  // namespace tophash::lab
