// SPDX-License-Identifier: Apache-2.0
// `tophash watch`: one execution of a program by one variant as a timeline. Every so many operations the map
// is asked for its figures and the storage for what it gave out; between two samples the map runs
// undisturbed. The execution's results are checked against an unwatched one.
#ifndef TOPHASH_BENCH_LAB_WATCH_HPP
#define TOPHASH_BENCH_LAB_WATCH_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "lab/experiment.hpp"
#include "lab/map_watcher.hpp"

namespace tophash::lab {

inline constexpr std::size_t watch_samples = 40;        // unless --every says otherwise
inline constexpr std::size_t most_samples = 1'000'000;  // then the timeline ends, and says so

struct watch_sample {
  std::uint64_t map = 0;         // from 1; a program may make several, one after the other
  std::uint64_t operations = 0;  // since the program began
  double ns_per_op = 0;          // CPU, since the sample before
  map_sample state;
  bool storage_seen = false;  // the rest is known: the variant takes the storage that the lab gives it
  std::array<std::uint64_t, purpose_count> bytes{};  // live blocks as requested
  std::uint64_t array = 0, old_array = 0;            // addresses; 0: there is none
};

// One figure of a sample, by the name that --alert, JSON and the table give it.
struct watched_figure {
  std::string_view name;
  std::string_view description;
  std::optional<double> (*of)(const watch_sample&);
};
std::span<const watched_figure> watched_figures() noexcept;

struct watch_request {
  experiment_request input;  // with one variant and one storage
  std::size_t every = 0;     // operations; 0: as many as give about `watch_samples` samples
  std::vector<std::string> alerts;
};

struct raised_alert {
  std::string text;
  std::size_t sample = 0;  // the first at which it holds
};

struct timeline {
  experiment measured;
  std::size_t every = 0;
  std::vector<watch_sample> samples;
  std::vector<raised_alert> alerts;
  bool cut = false;  // there were more than most_samples
};

// Throws command_error.
timeline watch(const watch_request& request);

nlohmann::json timeline_json(const timeline& t);
std::string timeline_text(const timeline& t);

}  // namespace tophash::lab

#endif
