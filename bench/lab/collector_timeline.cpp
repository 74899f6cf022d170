// SPDX-License-Identifier: Apache-2.0
#include "lab/collector_timeline.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace tophash::lab {

namespace {

using nlohmann::json;

// Stays before the i-th, in all.
std::vector<std::uint64_t> sums_of(const std::vector<collector_stay>& stays) {
  std::vector<std::uint64_t> out{0};
  for (const collector_stay& s : stays) out.push_back(out.back() + s.length_ns());
  return out;
}

double ms(std::uint64_t ns) { return static_cast<double>(ns) / 1e6; }
double megabytes(std::uint64_t bytes) { return static_cast<double>(bytes) / 1e6; }
double microseconds(std::uint64_t ns) { return static_cast<double>(ns) / 1e3; }

json span(std::string_view name, std::size_t row, std::uint64_t begin_ns, std::uint64_t end_ns) {
  return {{"name", name},
          {"cat", "gc"},
          {"ph", "X"},
          {"pid", row + 1},
          {"tid", 1},
          {"ts", microseconds(begin_ns)},
          {"dur", microseconds(end_ns - begin_ns)}};
}

}  // namespace

// A worst interval can be moved until it begins with a stay or ends with one.
double minimum_utilisation(const std::vector<collector_stay>& stays, std::uint64_t window_ns,
                           std::uint64_t wide_ns) {
  const std::uint64_t wide = std::min(wide_ns, window_ns);
  if (wide == 0) return 1;
  const std::vector<std::uint64_t> sums = sums_of(stays);
  // The collector's share of 0..at; stays are in order and do not overlap.
  std::size_t before = 0;  // stays that end by `at`
  const auto up_to = [&](std::uint64_t at) {
    while (before < stays.size() && stays[before].end_ns <= at) ++before;
    while (before > 0 && stays[before - 1].end_ns > at) --before;
    const bool inside = before < stays.size() && stays[before].begin_ns < at;
    return sums[before] + (inside ? at - stays[before].begin_ns : 0);
  };
  std::uint64_t most = 0;
  const auto look_at = [&](std::uint64_t begin) {
    begin = std::min(begin, window_ns - wide);
    const std::uint64_t first = up_to(begin);
    most = std::max(most, up_to(begin + wide) - first);
  };
  for (const collector_stay& s : stays) {
    look_at(s.begin_ns);
    look_at(s.end_ns > wide ? s.end_ns - wide : 0);
  }
  return 1 - static_cast<double>(std::min(most, wide)) / static_cast<double>(wide);
}

std::uint64_t stay_quantile_ns(const std::vector<collector_stay>& stays, double quantile) {
  if (stays.empty()) return 0;
  std::vector<std::uint64_t> lengths;
  for (const collector_stay& s : stays) lengths.push_back(s.length_ns());
  const double rank = std::ceil(quantile * static_cast<double>(lengths.size()));
  const std::size_t at = std::min(lengths.size() - 1, static_cast<std::size_t>(std::max(rank, 1.0)) - 1);
  std::nth_element(lengths.begin(), lengths.begin() + static_cast<std::ptrdiff_t>(at), lengths.end());
  return lengths[at];
}

std::string gctrace_text(std::string_view collector, const std::vector<collector_stay>& stays) {
  std::string out;
  std::uint64_t cpu_so_far = 0;
  for (std::size_t first = 0; first < stays.size();) {
    std::size_t end = first;
    std::uint64_t marking = 0, all = 0, cpu = 0, longest = 0;
    for (; end < stays.size() && stays[end].cycle == stays[first].cycle; ++end) {
      const collector_stay& s = stays[end];
      marking += s.mark_end_ns - s.mark_begin_ns;
      all += s.length_ns(), cpu += s.cpu_ns;
      longest = std::max(longest, s.length_ns());
    }
    cpu_so_far += cpu;
    const collector_stay& last = stays[end - 1];
    const double share = last.end_ns == 0 ? 0 : static_cast<double>(cpu_so_far) / static_cast<double>(last.end_ns);
    out += fmt::format("gc {} {} @{:.3f}s {:.0f}%: {:.2f}+{:.2f} ms marking+rest, {:.2f} ms cpu, {:.1f}->{:.1f} MB, "
                       "{} {}, longest {:.2f} ms\n",
                       collector, stays[first].cycle, static_cast<double>(stays[first].begin_ns) / 1e9, 100 * share,
                       ms(marking), ms(all - std::min(all, marking)), ms(cpu), megabytes(stays[first].bytes_before),
                       megabytes(last.bytes_after), end - first, end - first == 1 ? "stay" : "stays", ms(longest));
    first = end;
  }
  return out;
}

json chrome_trace_json(const std::vector<named_timeline>& rows) {
  json events = json::array();
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const named_timeline& t = rows[row];
    events.push_back({{"name", "process_name"},
                      {"ph", "M"},
                      {"pid", row + 1},
                      {"tid", 1},
                      {"args", {{"name", t.name}}}});
    for (const collector_stay& s : t.stays) {
      json stay = span(s.ends_cycle ? "collection" : "step", row, s.begin_ns, s.end_ns);
      stay["args"] = {{"collector", t.collector}, {"cycle", s.cycle}, {"cpu_ns", s.cpu_ns}};
      events.push_back(std::move(stay));
      if (s.mark_end_ns > s.mark_begin_ns) events.push_back(span("marking", row, s.mark_begin_ns, s.mark_end_ns));
      for (const auto& [at, bytes] : {std::pair{s.begin_ns, s.bytes_before}, std::pair{s.end_ns, s.bytes_after}}) {
        events.push_back({{"name", "heap"},
                          {"cat", "gc"},
                          {"ph", "C"},
                          {"pid", row + 1},
                          {"ts", microseconds(at)},
                          {"args", {{"bytes in use", bytes}}}});
      }
    }
  }
  return {{"traceEvents", std::move(events)}, {"displayTimeUnit", "ms"}};
}

json stays_json(const std::vector<collector_stay>& stays) {
  json out = json::array();
  for (const collector_stay& s : stays)
    out.push_back({s.begin_ns, s.end_ns, s.mark_begin_ns, s.mark_end_ns, s.cpu_ns, s.cycle, s.bytes_before,
                   s.bytes_after, s.ends_cycle});
  return out;
}

std::vector<collector_stay> stays_from(const json& j) {
  std::vector<collector_stay> out;
  for (const json& s : j)
    out.push_back({.begin_ns = s.at(0),
                   .end_ns = s.at(1),
                   .mark_begin_ns = s.at(2),
                   .mark_end_ns = s.at(3),
                   .cpu_ns = s.at(4),
                   .cycle = s.at(5),
                   .bytes_before = s.at(6),
                   .bytes_after = s.at(7),
                   .ends_cycle = s.at(8)});
  return out;
}

}  // namespace tophash::lab
