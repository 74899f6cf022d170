// SPDX-License-Identifier: Apache-2.0
// T-D6. Buckets and bytes of a map on a collected heap: with its first entry, full, emptied, and after each
// of three full collections while it is reachable. The article's figures are of a Java HashMap.
#include <cstdint>

#include <fmt/format.h>

#include <tophash/framework/core/bits.hpp>
#include <tophash/gc/precise_heap.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/deletion/immediate.hpp>
#include <tophash/policies/growth/incremental.hpp>
#include <tophash/policies/growth/shrinking.hpp>
#include <tophash/presets.hpp>

#include "lab/reproduce_measure.hpp"

namespace tophash::lab {

namespace kept_buckets_parts {
namespace {

constexpr unsigned collections = 3;

struct kept_buckets {
  double first = 0, first_bytes = 0, full = 0, emptied = 0;
  double collected[collections] = {};
};

template <class Map>
kept_buckets emptied_and_collected(std::size_t entries, std::uint64_t seed) {
  gc::precise_heap heap({.automatic = false});
  Map m{gc::precise(heap), typename Map::spec_type::hashing{seed}};
  const auto buckets = [&m] {
    const auto s = m.stats();
    return static_cast<double>(s.units + s.overflow_in_use);
  };
  m.insert_or_assign(std::uint64_t{0}, std::uint64_t{0});
  kept_buckets out{.first = buckets(), .first_bytes = static_cast<double>(m.memory_report().total_bytes())};
  for (std::uint64_t key = 1; key < entries; ++key) m.insert_or_assign(key, key);
  while (m.stats().growing) m.erase(entries);
  out.full = buckets();
  for (std::uint64_t key = 0; key < entries; ++key) m.erase(key);
  out.emptied = buckets();
  for (double& after : out.collected) {
    heap.collect();
    after = buckets();
  }
  return out;
}

using number = std::uint64_t;
template <class... Options>
using collected_map = map<number, number, presets::go_like, gc::precise, Options...>;
using emptied_function = kept_buckets (*)(std::size_t, std::uint64_t seed);

const std::vector<built_composition<emptied_function>>& built() {
  static const std::vector<built_composition<emptied_function>> all = {
      {"go_like", &emptied_and_collected<collected_map<>>},
      {"go_like,deletion=immediate", &emptied_and_collected<collected_map<deletion::immediate>>},
      {"go_like,deletion=dirty", &emptied_and_collected<collected_map<deletion::dirty>>},
      {"go_like,growth=shrinking(incremental(2),25)",
       &emptied_and_collected<collected_map<growth::shrinking<growth::incremental<2>, 25>>>},
  };
  return all;
}

}  // namespace
}  // namespace kept_buckets_parts

claim_measurement measure_kept_buckets(const claim_request& request) {
  using namespace kept_buckets_parts;
  const std::size_t entries = whole_parameter(request, "entries");
  const auto variants = chosen(*request.table, built());
  claim_measurement out;
  for (unsigned round = 0; round < request.rounds && !stop_measuring(); ++round) {
    begin_round(request, round, request.rounds);
    for (std::size_t v = 0; v < variants.size(); ++v) {
      const kept_buckets k = variants[v].run(entries, next_seed(request.seed + round));
      const auto add = [&](const std::string& metric, const char* unit, double value) {
        note(out, metric_of(metric, variants[v].spec, v == 0), unit, true, value);
      };
      add("buckets.first", "buckets", k.first);
      add("mb.first", "MB", k.first_bytes / 1e6);
      add("buckets.full", "buckets", k.full);
      add("kept_percent.emptied", "%", 100 * k.emptied / k.full);
      for (unsigned c = 0; c < collections; ++c)
        add(fmt::format("kept_percent.collected.{}", c + 1), "%", 100 * k.collected[c] / k.full);
    }
    ++out.rounds;
  }
  if (out.rounds == 0) return out;
  out.setting = fmt::format("{} numbers stored and erased on a precise heap", grouped(entries));
  for (std::size_t v = 0; v < variants.size(); ++v) {
    const auto median = [&](const char* metric) {
      return median_of(out, metric_of(metric, variants[v].spec, v == 0));
    };
    out.why.push_back(fmt::format(
        "{}: of {:.0f} buckets {:.1f} % stay when all is erased, {:.1f} % after three collections",
        variants[v].spec, median("buckets.full"), median("kept_percent.emptied"),
        median("kept_percent.collected.3")));
  }
  return out;
}

}  // namespace tophash::lab
