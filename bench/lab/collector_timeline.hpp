// SPDX-License-Identifier: Apache-2.0
// What a collector did and when: stays of the thread in it, and what is made of them: the least share of a time
// that was left to the program, a line a cycle in the manner of Go's gctrace, a trace that browsers load
// (chrome://tracing, ui.perfetto.dev).
#ifndef TOPHASH_BENCH_LAB_COLLECTOR_TIMELINE_HPP
#define TOPHASH_BENCH_LAB_COLLECTOR_TIMELINE_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace tophash::lab {

// One pause of the thread that entered the collector. Times are wall time in ns since the window began, but for
// cpu_ns.
struct collector_stay {
  std::uint64_t begin_ns = 0, end_ns = 0;
  std::uint64_t mark_begin_ns = 0, mark_end_ns = 0;  // equal: nothing was marked
  std::uint64_t cpu_ns = 0;
  std::uint64_t cycle = 1;                           // the first of the window is 1
  std::uint64_t bytes_before = 0, bytes_after = 0;   // in use, as far as the collector knows
  bool ends_cycle = true;                            // its marking is done, and nothing of it is left to sweep now

  std::uint64_t length_ns() const noexcept { return end_ns - begin_ns; }
  friend bool operator==(const collector_stay&, const collector_stay&) = default;
};

// Stays past this many are counted, and not listed: 65,536 are an hour of one every 55 ms.
inline constexpr std::size_t stays_listed_max = 65'536;

// Of the worst interval of `wide_ns` within 0..window_ns, the share that was the program's: 1 is all of it. A window
// that is shorter is one interval. O(stays).
double minimum_utilisation(const std::vector<collector_stay>& stays, std::uint64_t window_ns, std::uint64_t wide_ns);

// Nearest rank over the stays' lengths; 0 without any.
std::uint64_t stay_quantile_ns(const std::vector<collector_stay>& stays, double quantile);

// gc precise 3 @0.125s 4%: 0.41+0.02 ms marking+rest, 0.43 ms cpu, 5.1->3.2 MB, 1 stay, longest 0.43 ms
// One line a cycle; the share is the collector's CPU of the time so far.
std::string gctrace_text(std::string_view collector, const std::vector<collector_stay>& stays);

struct named_timeline {
  std::string name;  // of the row
  std::string collector;
  std::uint64_t window_ns = 0;
  std::vector<collector_stay> stays;
};

// The trace event format: each row a process, each stay and its marking a span, the heap a counter.
nlohmann::json chrome_trace_json(const std::vector<named_timeline>& rows);

nlohmann::json stays_json(const std::vector<collector_stay>& stays);
std::vector<collector_stay> stays_from(const nlohmann::json& j);

}  // namespace tophash::lab

#endif
