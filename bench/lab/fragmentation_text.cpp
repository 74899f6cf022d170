// SPDX-License-Identifier: Apache-2.0
// The workload fragmentation as JSON (what is exact apart from what was measured), as a table, and in
// sentences.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "lab/fragmentation.hpp"
#include "lab/manifest.hpp"
#include "lab/sha256.hpp"
#include "lab/units.hpp"

namespace tophash::lab {

namespace {

using nlohmann::json;
using phase = fragmentation_phase;

double percent(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(whole);
}

std::string input_text(const fragmentation_result& r) {
  return fmt::format("workload=fragmentation maps={} seed={}", r.maps, r.request.seed);
}

json occupancy_json(const span_occupancy& o) {
  return {{"spans", o.spans},
          {"span_bytes", o.span_bytes},
          {"used_bytes", o.used_bytes},
          {"trapped_bytes", o.span_bytes - o.used_bytes},
          {"trapped_share", o.trapped_share()},
          {"free_bytes", o.free_bytes},
          {"held_bytes", o.held_bytes},
          {"spans_by_occupancy_decile", o.deciles}};
}

json row_json(const fragmentation_row& row) {
  json out{{"variant", row.variant}, {"storage", row.storage}};
  if (!row.trouble.empty()) {
    out["trouble"] = row.trouble;
    return out;
  }
  json exact{
      {"survivors", row.survivors},
      {"moved_bytes", row.moved_bytes},
      {"spans_set_aside", row.spans_set_aside},
      {"spans_gave_back_bytes", row.spans_gave_back_bytes},
      {"checksum", std::to_string(row.checksum)},
      {"phases", json::object()},
      {"hinted", {{"allocations", row.hinted_allocations}, {"requested_bytes", row.hinted_requested_bytes}}}};
  json measured{{"phases", json::object()}, {"hinted", {{"resident_bytes", row.hinted_resident_bytes}}}};
  for (std::size_t i = 0; i < fragmentation_phase_count; ++i) {
    const fragmentation_state& s = row.phases[i];
    const char* const name = fragmentation_phase_name(static_cast<phase>(i));
    exact["phases"][name] = {{"live_bytes", s.live_bytes},
                             {"live_blocks", s.live_blocks},
                             {"allocations", s.allocations},
                             {"requested_bytes", s.requested_bytes}};
    if (s.spans) exact["phases"][name]["spans"] = occupancy_json(*s.spans);
    measured["phases"][name] = {{"resident_bytes", s.resident_bytes},
                                {"cpu_ns", s.cpu_ns},
                                {"page_faults", s.page_faults},
                                {"kernel_ns", s.kernel_ns}};
  }
  measured["timeline_fields"] = {"maps", "live_bytes", "resident_bytes"};
  measured["timeline"] = json::array();
  for (const fragmentation_sample& one : row.timeline)
    measured["timeline"].push_back({one.maps, one.live_bytes, one.resident_bytes});
  out["why"] = why_of(row);
  out["exact"] = std::move(exact);
  out["measured"] = std::move(measured);
  return out;
}

// RSS at each step of the timeline, as bars of eight heights: what the memory does while maps come and go.
std::string bars(const fragmentation_row& row) {
  std::uint64_t most = 1;
  for (const fragmentation_sample& s : row.timeline) most = std::max({most, s.resident_bytes, s.live_bytes});
  constexpr const char* heights[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  std::string out;
  for (const fragmentation_sample& s : row.timeline) out += heights[s.resident_bytes * 7 / most];
  return out;
}

std::string occupancy_line(const char* when, const span_occupancy& o) {
  std::string out = fmt::format(
      "  {:<15} {:>7} spans {:>8.1f} MiB, trapped {:>5.1f} %; by occupancy 0-10 % .. 90-100 %:", when,
      o.spans, in_mib(o.span_bytes), 100 * o.trapped_share());
  for (const std::uint64_t n : o.deciles) out += fmt::format(" {}", n);
  return out + "\n";
}

}  // namespace

std::string why_of(const fragmentation_row& row) {
  const fragmentation_state &built = row.at(phase::built), &dropped = row.at(phase::dropped),
                            &returned = row.at(phase::returned), &again = row.at(phase::returned_again);
  const auto kernel = [](const fragmentation_state& s) { return percent(s.kernel_ns, s.cpu_ns); };
  std::string out = fmt::format(
      "building asked for {} blocks of {:.0f} bytes on average and took {} page faults, {:.0f} % of its CPU "
      "time in the kernel",
      built.allocations,
      static_cast<double>(built.requested_bytes) /
          static_cast<double>(std::max<std::uint64_t>(built.allocations, 1)),
      built.page_faults, kernel(built));
  const std::uint64_t freed = built.live_bytes - std::min(dropped.live_bytes, built.live_bytes);
  const std::uint64_t at_once = built.resident_bytes - std::min(dropped.resident_bytes, built.resident_bytes);
  const std::uint64_t asked =
      dropped.resident_bytes - std::min(returned.resident_bytes, dropped.resident_bytes);
  out += fmt::format("; of {:.1f} MiB freed {:.0f} % went back by itself and {:.0f} % on request",
                     in_mib(freed), percent(at_once, freed), percent(asked, freed));
  const std::uint64_t still = again.resident_bytes - std::min(again.live_bytes, again.resident_bytes);
  out += fmt::format("; moving the survivors took {} page faults and left {:.1f} MiB beside what is live",
                     row.at(phase::relocated).page_faults, in_mib(still));
  return out;
}

std::vector<std::string> fragmentation_findings(const fragmentation_result& r) {
  std::vector<std::string> out;
  const fragmentation_row *least = nullptr, *most = nullptr;
  for (const fragmentation_row& row : r.rows) {
    if (!row.trouble.empty() || row.variant != r.rows.front().variant) continue;
    const auto held = [](const fragmentation_row& one) { return one.at(phase::returned).resident_bytes; };
    if (least == nullptr || held(row) < held(*least)) least = &row;
    if (most == nullptr || held(row) > held(*most)) most = &row;
    if (!row.at(phase::dropped).spans) continue;
    const span_occupancy &dropped = *row.at(phase::dropped).spans, &after = *row.at(phase::relocated).spans;
    const std::uint64_t trapped = dropped.span_bytes - dropped.used_bytes;
    const std::uint64_t still = std::min(after.span_bytes - after.used_bytes, trapped);
    out.push_back(fmt::format(
        "{}: with nine of ten maps dropped, {:.1f} % of the bytes in {} spans in use are free and "
        "can go to no other size; relocating {} survivors moved {:.1f} MiB and freed {:.1f} % of them",
        row.storage, 100 * dropped.trapped_share(), dropped.spans, row.survivors, in_mib(row.moved_bytes),
        percent(trapped - still, trapped)));
  }
  if (least != nullptr && least != most) {
    out.push_back(fmt::format(
        "after the drop and a request to give memory back, {} holds {:.1f} MiB for {:.1f} MiB live, "
        "{} {:.1f} MiB",
        least->storage, in_mib(least->at(phase::returned).resident_bytes),
        in_mib(least->at(phase::returned).live_bytes), most->storage,
        in_mib(most->at(phase::returned).resident_bytes)));
  }
  for (const fragmentation_row& row : r.rows) {
    if (!row.trouble.empty()) continue;
    const fragmentation_state& built = row.at(phase::built);
    out.push_back(
        fmt::format("with the right hint the maps take {:.0f} % fewer allocations and request {:.0f} % fewer "
                    "bytes ({} and {:.1f} MiB against {} and {:.1f} MiB)",
                    100 - percent(row.hinted_allocations, built.allocations),
                    100 - percent(row.hinted_requested_bytes, built.requested_bytes), row.hinted_allocations,
                    in_mib(row.hinted_requested_bytes), built.allocations, in_mib(built.requested_bytes)));
    break;  // the same on every storage
  }
  return out;
}

json fragmentation_json(const fragmentation_result& r) {
  json out{{"schema", "tophash-fragmentation-1"},
           {"manifest", manifest()},
           {"maps", r.maps},
           {"rows", json::array()}};
  out["manifest"]["seed"] = r.request.seed;
  out["manifest"]["input"] = input_text(r);
  out["manifest"]["input_sha256"] = sha256_of(input_text(r));
  out["interrupted"] = r.interrupted;
  out["findings"] = fragmentation_findings(r);
  out["mismatches"] = r.mismatches;
  for (const fragmentation_row& row : r.rows) out["rows"].push_back(row_json(row));
  return out;
}

std::string fragmentation_text(const fragmentation_result& r) {
  std::string out =
      fmt::format("fragmentation: {} maps of 1 to 64 entries, nine of ten dropped (MiB; resident beyond what "
                  "the process had)\n\n",
                  r.maps);
  std::size_t width = 7, first = 3;
  for (const fragmentation_row& row : r.rows) {
    width = std::max(width, row.storage.size());
    first = std::max(first, row.variant.size());
  }
  const auto lead = [first, width](const std::string& map, const std::string& storage) {
    return fmt::format("{:<{}}  {:<{}}", map, first, storage, width);
  };
  out += fmt::format("{}  {:>8} {:>8}  {:>8} {:>8} {:>8}  {:>8} {:>8} {:>8}  {}\n", lead("map", "storage"),
                     "live", "resident", "live", "resident", "returned", "moved", "resident", "returned",
                     "resident while built and dropped");
  out += fmt::format("{}  {:>17}  {:>26}  {:>26}\n", lead("", ""), "built", "nine of ten dropped",
                     "survivors relocated");
  for (const fragmentation_row& row : r.rows) {
    if (!row.trouble.empty()) {
      out += fmt::format("{}  {}\n", lead(row.variant, row.storage), row.trouble);
      continue;
    }
    out += fmt::format("{}  {:>8.1f} {:>8.1f}  {:>8.1f} {:>8.1f} {:>8.1f}  {:>8.1f} {:>8.1f} {:>8.1f}  {}\n",
                       lead(row.variant, row.storage), in_mib(row.at(phase::built).live_bytes),
                       in_mib(row.at(phase::built).resident_bytes), in_mib(row.at(phase::dropped).live_bytes),
                       in_mib(row.at(phase::dropped).resident_bytes),
                       in_mib(row.at(phase::returned).resident_bytes), in_mib(row.moved_bytes),
                       in_mib(row.at(phase::relocated).resident_bytes),
                       in_mib(row.at(phase::returned_again).resident_bytes), bars(row));
  }
  out += "\nwhy\n";
  for (const fragmentation_row& row : r.rows) {
    if (row.trouble.empty()) out += lead(row.variant, row.storage) + "  " + why_of(row) + "\n";
  }
  for (const fragmentation_row& row : r.rows) {
    if (!row.trouble.empty() || !row.at(phase::built).spans) continue;
    out += "\n" + row.variant + " on " + row.storage + "\n";
    for (const phase p : {phase::built, phase::dropped, phase::relocated})
      out += occupancy_line(fragmentation_phase_name(p), *row.at(p).spans);
    out +=
        fmt::format("  set aside for the survivors to leave: {} spans; given back on request: {:.1f} MiB\n",
                    row.spans_set_aside, in_mib(row.spans_gave_back_bytes));
  }
  out += "\n";
  for (const std::string& sentence : fragmentation_findings(r)) out += sentence + "\n";
  if (r.interrupted) out += "interrupted: the rows so far\n";
  return out;
}

}  // namespace tophash::lab
