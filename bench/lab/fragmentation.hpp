// SPDX-License-Identifier: Apache-2.0
// The workload fragmentation: many small maps on each storage, nine of ten of them dropped, and what is left.
// Phases:
//   built      n maps of 1 to 64 entries, their objects in the storage too
//   dropped    nine of ten are destroyed, chosen by the seed
//   returned   the storage is asked to give free memory back to the system
//   relocated  each survivor is made again in fresh memory; on `spans`, sparse spans are set aside before, so
//              that none of them is allocated from
//   returned again
// Beside it, in a run of its own, the maps are built with the right hint (reserve), for what that saves.
// The maps are go_like (Go's classic layout), and beside it standard containers: std::unordered_map, and
// Abseil's and Boost's flat maps where they are there. Each map on each storage runs in a child process of
// its own. Bytes live, blocks, allocations and everything said of
// spans are exact: the same in every run of one seed. Resident memory and times are measured.
#ifndef TOPHASH_BENCH_LAB_FRAGMENTATION_HPP
#define TOPHASH_BENCH_LAB_FRAGMENTATION_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "lab/experiment.hpp"

namespace tophash::lab {

inline constexpr const char* fragmentation_name = "fragmentation";

enum class fragmentation_phase : std::uint8_t { built, dropped, returned, relocated, returned_again };
inline constexpr std::size_t fragmentation_phase_count = 5;
const char* fragmentation_phase_name(fragmentation_phase p) noexcept;

struct span_occupancy {
  std::uint64_t spans = 0, span_bytes = 0, used_bytes = 0, free_bytes = 0, held_bytes = 0;
  std::array<std::uint64_t, 10> deciles{};  // spans by the share of their slots in use

  double trapped_share() const noexcept {
    return span_bytes == 0 ? 0 : 1 - static_cast<double>(used_bytes) / static_cast<double>(span_bytes);
  }
};

struct fragmentation_state {
  std::uint64_t live_bytes = 0, live_blocks = 0, allocations = 0, requested_bytes = 0;  // exact
  std::optional<span_occupancy> spans;                                                  // exact
  std::uint64_t resident_bytes = 0;  // of the process, less what it had before
  std::uint64_t cpu_ns = 0;          // of the phase
  std::uint64_t page_faults = 0, kernel_ns = 0;  // of the phase: what the CPU time went to, if not to the map
};

struct fragmentation_sample {
  std::uint64_t maps = 0;  // alive
  std::uint64_t live_bytes = 0, resident_bytes = 0;
};

struct fragmentation_row {
  std::string variant;
  std::string storage;
  std::string trouble;  // not empty: no figures, and why
  std::array<fragmentation_state, fragmentation_phase_count> phases{};
  std::vector<fragmentation_sample> timeline;  // while the maps are built, then while they are dropped
  std::uint64_t survivors = 0, moved_bytes = 0, spans_set_aside = 0, spans_gave_back_bytes = 0;
  std::uint64_t checksum = 0;  // of what the survivors hold
  std::uint64_t hinted_allocations = 0, hinted_requested_bytes = 0, hinted_resident_bytes = 0;

  const fragmentation_state& at(fragmentation_phase p) const noexcept {
    return phases[static_cast<std::size_t>(p)];
  }
};

struct fragmentation_result {
  experiment_request request;
  std::size_t maps = 0;
  std::vector<fragmentation_row> rows;
  std::vector<std::string> mismatches;  // sentences: survivors that do not hold the same everywhere
  bool interrupted = false;
};

// What --variant takes here; the first is ours.
std::vector<std::string> fragmentation_variants();

// Throws command_error. Without allocators named: every storage that is here and belongs to no collector, and
// a few combinations.
fragmentation_result run_fragmentation(const experiment_request& request);

// Sentences from comparing rows; none is written beforehand.
std::vector<std::string> fragmentation_findings(const fragmentation_result& r);

nlohmann::json fragmentation_json(const fragmentation_result& r);
std::string fragmentation_text(const fragmentation_result& r);

// A row explained by its counters, in one sentence.
std::string why_of(const fragmentation_row& row);

}  // namespace tophash::lab

#endif
