// SPDX-License-Identifier: Apache-2.0
// The synthetic workloads. Each is a function from (entries, key kind, seed) to a program: every key and
// every choice is made before a clock runs, and the same seed gives the same program on every machine.
#ifndef TOPHASH_BENCH_WORKLOADS_WORKLOADS_HPP
#define TOPHASH_BENCH_WORKLOADS_WORKLOADS_HPP

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "lab/program.hpp"

namespace tophash::lab {

struct workload_input {
  std::size_t n = 0;  // entries (load_sweep: buckets)
  key_kind key = key_kind::u64;
  std::uint64_t seed = 1;
  double load_limit = 6.5;  // load_sweep: entries a bucket that the variant takes without growing
};

struct workload_entry {
  std::string_view name;
  std::string_view description;
  any_program (*build)(const workload_input&);
};

std::span<const workload_entry> workloads() noexcept;
const workload_entry&
overflow_reuse_entry() noexcept;  // for lists: no program, but a matrix (lab/overflow_reuse.hpp)
const workload_entry* find_workload(std::string_view name) noexcept;

// Loads that load_sweep visits: Go's own table of them.
std::vector<double> sweep_loads(double limit);

}  // namespace tophash::lab

#endif
