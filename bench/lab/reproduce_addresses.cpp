// SPDX-License-Identifier: Apache-2.0
// T-A5. A map made for eight entries, filled one by one: its buckets, and the address of its array, after
// each insert. Then a growth that only lookups follow, in go_like, where they move nothing, and where they do.
#include <cstdint>

#include <fmt/format.h>

#include <tophash/framework/core/bits.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/growth/incremental.hpp>
#include <tophash/policies/growth/on_read.hpp>
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

// Lookups of random entries from the insert that began a growth: how many until the old buckets are gone, and how many
// of those each moved. It stops at so many lookups for each entry.
constexpr number most_lookups_an_entry = 16;

struct reading_outcome {
  double old_buckets = 0, lookups = 0, moved = 0;
  bool ended = false;
};

template <class... Options>
reading_outcome read_after_growth(std::size_t entries, number seed) {
  using subject = map<number, number, presets::go_like, Options...>;
  subject m(typename subject::spec_type::hashing{seed});
  number next = 0;
  while (m.size() < entries || !m.stats().growing) m.insert_or_assign(next, next), ++next;
  reading_outcome out;
  const auto before = m.stats();
  out.old_buckets = static_cast<double>(before.old_units);
  const number most = most_lookups_an_entry * next;
  number looked_up = 0;
  for (; looked_up < most && m.stats().growing; ++looked_up) {
    seed = next_seed(seed);
    if (!m.contains(seed % next)) throw claim_error("T-A5: the growing map lost an entry");
  }
  out.lookups = static_cast<double>(looked_up);
  out.moved = static_cast<double>(m.stats().evacuated_chains - before.evacuated_chains);
  out.ended = !m.stats().growing;
  return out;
}

using reading = reading_outcome (*)(std::size_t, number);

const std::vector<built_composition<reading>>& built() {
  static const std::vector<built_composition<reading>> all = {
      {"go_like", &read_after_growth<>},
      {"go_like,growth=on_read(incremental(1))", &read_after_growth<growth::on_read<growth::incremental<1>>>},
      {"go_like,growth=on_read(incremental(2))", &read_after_growth<growth::on_read<growth::incremental<2>>>}};
  return all;
}

}  // namespace
}  // namespace addresses_parts

claim_measurement measure_addresses(const claim_request& request) {
  using namespace addresses_parts;
  const auto variants = chosen(*request.table, built());
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
    for (std::size_t v = 0; v < variants.size(); ++v) {
      const reading_outcome read = variants[v].run(entries, next_seed(request.seed + round));
      const auto add_of = [&](const char* metric, const char* unit, double value) {
        note(out, metric_of(metric, variants[v].spec, v == 0), unit, true, value);
      };
      add_of("reading.old_buckets", "buckets", read.old_buckets);
      add_of("reading.lookups", "lookups", read.lookups);
      add_of("reading.moved", "buckets", read.moved);
      add_of("reading.ended", "growths", read.ended ? 1 : 0);
    }
    ++out.rounds;
  }
  if (out.rounds == 0) return out;
  out.setting = fmt::format("hint {}, {} inserts, looked at after each", hint, grouped(entries));
  const auto median = [&out](const char* metric) { return median_of(out, metric); };
  out.why.push_back(
      fmt::format("{} growths, {} new addresses, none between two growths; {} buckets come with entry {}",
                  median("growths"), median("address_changes"), wanted, median("entries.at_buckets")));
  for (std::size_t v = 0; v < variants.size(); ++v) {
    const auto read = [&](const char* metric) {
      return median_of(out, metric_of(metric, variants[v].spec, v == 0));
    };
    out.why.push_back(fmt::format("{}: {} lookups beside a growth moved {} of {} old buckets, {}", variants[v].spec,
                                  grouped(static_cast<number>(read("reading.lookups"))), read("reading.moved"),
                                  read("reading.old_buckets"),
                                  read("reading.ended") > 0 ? "which ended it" : "and both arrays stay"));
  }
  return out;
}

}  // namespace tophash::lab
