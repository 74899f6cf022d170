// SPDX-License-Identifier: Apache-2.0
// Real incidents as workloads: which composition cures each, and at what price.
//   go-20135  a map never shrinks: n entries, nearly all erased, and the memory stays
//   go-16070  a map grows at constant size: erases and new keys fill overflow buckets that nothing gives back
// Each variant runs beside its reference, the same map without the incident (of 20135: one that never held
// more than what is left; of 16070: one that saw no erase). A variant is cured if it ends with at most so
// many times what its reference holds (`cured_at_most`). Bytes are exact; the price is time an operation,
// over the first variant's, the longest operation and the peak. A variant may grow by a larger array in place
// of overflow buckets: the table shows how many growths and regrows there were.
#ifndef TOPHASH_BENCH_LAB_INCIDENTS_HPP
#define TOPHASH_BENCH_LAB_INCIDENTS_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "lab/experiment.hpp"
#include "lab/statistics.hpp"

namespace tophash::lab {

struct incident {
  std::string_view workload, issue, symptom;
  std::vector<std::string> variants;  // without --variant: the first has the disease
  double cured_at_most;               // times the reference
};
const std::vector<incident>& incidents();
const incident* find_incident(std::string_view workload) noexcept;

struct incident_row {
  std::string variant, storage;
  std::size_t n = 0;
  std::string trouble;  // not empty: no verdict, and why
  std::uint64_t peak_bytes = 0, end_bytes = 0, reference_bytes = 0;
  std::optional<estimate> time_ratio;  // over the first variant of that n and storage
  double worst_ns = 0;                 // the longest single operation
  std::uint64_t overflow_in_use = 0, growths = 0, regrows = 0;

  double times_reference() const noexcept {
    return reference_bytes == 0 ? 0 : static_cast<double>(end_bytes) / static_cast<double>(reference_bytes);
  }
  bool cured(const incident& of) const noexcept {
    return trouble.empty() && times_reference() <= of.cured_at_most;
  }
};

struct incident_result {
  const incident* of = nullptr;
  experiment run;
  std::vector<incident_row> rows;
};

// Throws command_error, as run_experiment does.
incident_result run_incident(experiment_request request);

// Computed from an experiment and that of its references, which have the same rows.
std::vector<incident_row> incident_rows(const experiment& run, const experiment& references);
std::vector<std::string> incident_findings(const incident& of, const std::vector<incident_row>& rows);

nlohmann::json incident_json(const incident_result& r);  // result_json, and the member "incident"
std::string incident_text(const incident_result& r);

}  // namespace tophash::lab

#endif
