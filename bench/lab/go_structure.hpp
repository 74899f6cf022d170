// SPDX-License-Identifier: Apache-2.0
// `run --workload go_structure`: the structure of tophash's preset=go_like, and with --with-go that of real
// Go's map beside it, field by field. The Go half is bench/go/structure.go: the same steps, the same names of
// fields. docs/go-structure.md says what the fields are and where the two differ on purpose.
//
// A field is exact (thresholds, states, rules of progress: one round, both must agree to the last digit),
// statistical (hashes differ, so shares and probes agree within a tolerance, by means over the rounds), or
// shown alone (times).
#ifndef TOPHASH_BENCH_LAB_GO_STRUCTURE_HPP
#define TOPHASH_BENCH_LAB_GO_STRUCTURE_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "lab/claims_verdict.hpp"

namespace tophash::lab {

inline constexpr const char* go_structure_name = "go_structure";
inline constexpr unsigned go_structure_rounds = 5;

struct go_structure_request {
  bool with_go = false;
  std::vector<std::string> go;  // programs `go`; empty: the one in PATH
  unsigned rounds = go_structure_rounds;
  std::uint64_t seed = 1;
  std::vector<std::string> argv;
  std::function<void(const std::string&)> progress = [](const std::string&) {};
};

// Sizes of the measurement; the tests make it smaller.
struct structure_sizes {
  std::size_t buckets = std::size_t{1}
                        << 17;  // at each load: at 2^17 the share of a field has a deviation of 0.11 points
  std::size_t churn_buckets = std::size_t{1} << 14;
  std::size_t churn_pairs = 1'000'000;
  // New keys bring a growth to the same size, after which the chains fill again: shapes are compared at the same
  // distance from it.
  std::size_t churn_pairs_after_growth = 200'000;
  std::size_t latency_entries = 1'000'000;
};

measured_sample measure_go_like(std::uint64_t seed, unsigned rounds, const structure_sizes& sizes,
                                const std::function<void(const std::string&)>& progress);

enum class agreement : std::uint8_t {
  same,       // exact, and equal; statistical, and within the tolerance
  different,  // neither
  shown,      // a time: not judged
  only_ours,  // the Go program gave no such field
};

struct structure_field {
  std::string name, unit;
  double ours = 0;
  std::optional<double> go;
  double tolerance = 0;  // 0: exact
  agreement is = agreement::only_ours;
  std::string note;
};

struct go_side {
  std::string program;  // as asked for
  std::string version;  // go1.19.8
  std::string refused;  // why nothing can be read from its maps; empty: it can
  std::vector<structure_field> fields;
};

struct go_structure_result {
  go_structure_request request;
  measured_sample ours;
  std::vector<go_side> sides;
  std::string no_go;  // --with-go, and why there is no Go
};

std::vector<structure_field> compare_structures(const measured_sample& ours, const measured_sample& go);

// Throws command_error.
go_structure_result run_go_structure(const go_structure_request& request, const structure_sizes& sizes = {});

// A field that differs, and nobody said so; or a Go that was asked for and is not to be had (exit_not_here).
int exit_code_of(const go_structure_result& r);
nlohmann::json go_structure_json(const go_structure_result& r);
std::string go_structure_text(const go_structure_result& r);

}  // namespace tophash::lab

#endif
