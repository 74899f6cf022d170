// SPDX-License-Identifier: Apache-2.0
#include "lab/reproduce_measure.hpp"

#include <cmath>

#include <fmt/format.h>

#include "lab/measure.hpp"
#include "lab/nearest.hpp"

namespace tophash::lab {

std::size_t whole_parameter(const claim_request& request, const std::string& name) {
  const std::string where = request.table->file + ": workload.parameters." + name;
  const auto found = request.parameters.find(name);
  if (found == request.parameters.end()) {
    throw claim_error(where + ": missing; the measurement '" + request.table->workload + "' needs it");
  }
  if (found->second < 1 || found->second > 1e9 || found->second != std::floor(found->second)) {
    throw claim_error(
        fmt::format("{}: expected a whole number from 1 to 1e9, found {}", where, found->second));
  }
  return static_cast<std::size_t>(found->second);
}

void begin_round(const claim_request& request, unsigned round, unsigned rounds) {
  if (round != 0) request.between_rounds();
  request.progress(fmt::format("{}: round {} of {}", request.table->id, round + 1, rounds));
}

void note(claim_measurement& out, const std::string& metric, std::string_view unit, bool exact,
          double value) {
  measured_metric& m = out.sample[metric];
  m.unit = unit;
  m.exact = exact;
  m.rounds.push_back(value);
}

double median_of(const claim_measurement& m, const std::string& metric) {
  const auto found = m.sample.find(metric);
  return found == m.sample.end() ? 0 : summarise(found->second.rounds).median;
}

const std::vector<measurement_entry>& claim_measurements() {
  static const std::vector<measurement_entry> all = {
      {"addresses", measure_addresses},
      {"chain_or_nodes", measure_chain_or_nodes},
      {"cleaning", measure_cleaning},
      {"emptying", measure_emptying},
      {"iterators", measure_iterators},
      {"kept_buckets", measure_kept_buckets},
      {"load", measure_load},
      {"overflow_growth", measure_overflow_growth},
      {"overflow_sources", measure_overflow_sources},
      {"collisions", measure_collisions},
      {"offsets", measure_offsets},
      {"rotation", measure_rotation},
      {"sync_map", measure_sync_map},
      {"delete_race", measure_delete_race},
      {"heap_profile", measure_heap_profile},
      {"unlink_or_mark", measure_unlink_or_mark},
      {"dirty_check", measure_dirty_check},
      {"service", measure_service},
      {"reclaimers", measure_reclaimers},
      {"atomic_deletes", measure_atomic_deletes},
      {"span_lives", measure_span_lives},
      {"hint", measure_hint},
  };
  return all;
}

void refuse_variant(const claim_table& table, std::size_t index, const std::vector<std::string>& built) {
  const std::string& spec = table.variants[index];
  throw claim_error(fmt::format("{}: variants[{}]: '{}' is not built into the measurement '{}'{}", table.file,
                                index, spec, table.workload, nearest_hint(spec, built)));
}

std::string metric_of(std::string_view metric, std::string_view spec, bool judged) {
  return judged ? std::string{metric} : std::string{metric} + "@" + std::string{spec};
}

bool stop_measuring() noexcept { return interrupt_requested.load(std::memory_order_relaxed); }

std::string grouped(std::uint64_t number) {
  std::string out = std::to_string(number);
  for (std::size_t at = out.size(); at > 3; at -= 3) out.insert(at - 3, ",");
  return out;
}

}  // namespace tophash::lab
