// SPDX-License-Identifier: Apache-2.0
// The matrix as JSON (schema tophash-result-1, so that `report` reads it; a row also names its pattern) and
// as a table.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "lab/findings.hpp"
#include "lab/manifest.hpp"
#include "lab/on_demand.hpp"
#include "lab/overflow_reuse.hpp"
#include "lab/result.hpp"
#include "lab/sha256.hpp"
#include "lab/statistics.hpp"
#include "lab/storages.hpp"

namespace tophash::lab {

namespace {

using nlohmann::json;

std::string input_text(const reuse_result& r) {
  std::string out =
      fmt::format("workload=overflow_reuse n={} seed={} storage={}", r.n, r.request.base.seed, r.storage);
  if (r.collected)
    out += fmt::format(" heap_ratio={} garbage_bytes={} reclaim={}", r.request.heap_ratio,
                       r.request.garbage_bytes, r.by_collector ? "collector" : "owner");
  return out;
}

// The command that makes the cell again.
std::string rerun_text(const reuse_result& r, const reuse_cell& c) {
  std::string out =
      fmt::format("tophash run --workload overflow_reuse --n {} --variant '{}' --pattern {} --allocator {} "
                  "--seed {} --repeat {}",
                  r.n, c.spec, c.pattern, c.storage, r.request.base.seed, r.request.base.repeat);
  if (!r.collected) return out;
  if (c.source.find("shared_pool") != std::string::npos)
    out += c.drained ? " --pool drained" : " --pool kept";
  return out + fmt::format(" --heap-ratio {} --garbage {} --reclaim {}", r.request.heap_ratio,
                           r.request.garbage_bytes, r.by_collector ? "collector" : "owner");
}

json drag_json(const drag_counts& d) {
  return {{"buckets", d.count}, {"mean_cycles", d.mean()}, {"max_cycles", d.max_cycles}};
}

json counters_json(const reuse_cell& c) {
  const reuse_counts& k = c.counts;
  json out{{"overflow_requested", k.requested},
           {"overflow_recycled", k.recycled},
           {"overflow_released", k.released},
           {"overflow_in_use", k.in_use},
           {"overflow_in_use_peak", k.in_use_peak},
           {"overflow_kept", k.kept},
           {"mean_chain_buckets", k.mean_chain_buckets()},
           {"longest_chain_entries", k.longest_chain_entries},
           {"entries_at_end", k.entries},
           {"buckets", k.buckets},
           {"dead", k.dead},
           {"dirty", k.dirty},
           {"growths", k.growths},
           {"regrows", k.regrows},
           {"reachable_bytes", k.reachable_bytes}};
  if (const auto percent = k.reuse_percent()) out["reuse_percent"] = *percent;
  if (!c.collected) return out;
  out["drag"] = {{"reused", drag_json(c.drag.reused)},
                 {"reclaimed", drag_json(c.drag.reclaimed)},
                 {"freed", drag_json(c.drag.freed)},
                 {"open", drag_json(c.drag.open)}};
  return out;
}

json gc_json(const reuse_cell& c) {
  const reuse_times& t = c.times;
  const double operations = static_cast<double>(c.counts.operations);
  return {{"collections", c.counts.heap.collections},
          {"allocated_bytes", c.counts.heap.allocated_bytes},
          {"garbage_bytes", c.counts.heap.garbage_bytes},
          {"collector_cpu_ns", summarise(t.collector_ns_per_op).median * operations},
          {"collector_ns_per_op", interval_json(summarise(t.collector_ns_per_op))},
          {"predicted_ns_per_op", c.predicted_collector_ns_per_op},
          {"scanned_bytes", c.counts.heap.scanned_bytes},
          {"visited_blocks", c.counts.heap.visited_blocks},
          {"stop_the_world_ns", {{"p50", t.stop_p50_ns}, {"p99", t.stop_p99_ns}, {"max", t.stop_max_ns}}},
          {"heap_bytes", t.heap_bytes},
          {"heap_peak_bytes", t.heap_peak_bytes},
          {"free_bytes", t.free_bytes},
          {"object_bytes", t.object_bytes},
          {"occupied_bytes", t.occupied_bytes},
          {"fragmentation", t.fragmentation}};
}

json row_json(const reuse_result& r, const reuse_cell& c) {
  json out{{"variant", c.spec},
           {"spec", c.canonical},
           {"allocator", c.storage},
           {"collector", collector_of(c.storage)},
           {"key", "u64"},
           {"n", r.n},
           {"pattern", c.pattern},
           {"deletion", c.deletion},
           {"source", c.source},
           {"growth", c.growth},
           {"rerun", rerun_text(r, c)}};
  if (!c.trouble.empty()) {
    out["trouble"] = c.trouble;
    return out;
  }
  out["ops"] = c.counts.operations;
  out["checksum"] = std::to_string(c.counts.checksum);
  out["ns_per_op"] = interval_json(summarise(c.times.mutator_ns_per_op));
  out["memory"] = {{"end_bytes", c.counts.map_bytes}};
  out["counters"] = counters_json(c);
  if (c.collected) out["gc"] = gc_json(c);
  return out;
}

// ---- the table ----------------------------------------------------------------------------------

std::string heading(const reuse_result& r, std::size_t width) {
  std::string out =
      fmt::format("  {:<{}} {:>7} {:>9} {:>8} {:>7} {:>7} {:>6} {:>7} {:>7}", "deletion, source, growth",
                  width, "reuse %", "asked", "released", "in use", "kept", "chain", "longest", "ns/op");
  if (r.collected)
    out += fmt::format(" {:>4} {:>7} {:>8} {:>8} {:>8} {:>8} {:>6} {:>6} {:>6}", "GCs", "gc/op", "pressure",
                       "stop50", "stop99", "heap KiB", "frag %", "reused", "gone");
  return out + "\n";
}

std::string drag_text(const drag_counts& d) { return d.count == 0 ? "-" : fmt::format("{:.2f}", d.mean()); }

std::string line(const reuse_cell& c, std::size_t width) {
  std::string out = fmt::format("  {:<{}} ", c.composition(), width);
  if (!c.trouble.empty()) return out + "not measured: " + c.trouble + "\n";
  const reuse_counts& k = c.counts;
  const auto percent = k.reuse_percent();
  out += fmt::format("{:>7} {:>9} {:>8} {:>7} {:>7} {:>6.3f} {:>7} {:>7.1f}",
                     percent ? fmt::format("{:.1f}", *percent) : "-", k.requested, k.released, k.in_use,
                     k.kept, k.mean_chain_buckets(), k.longest_chain_entries,
                     summarise(c.times.mutator_ns_per_op).median);
  if (!c.collected) return out + "\n";
  drag_counts gone = c.drag.reclaimed;
  gone.count += c.drag.freed.count, gone.sum_cycles += c.drag.freed.sum_cycles;
  out +=
      fmt::format(" {:>4} {:>7.1f} {:>8.1f} {:>8} {:>8} {:>8} {:>6.1f} {:>6} {:>6}", k.heap.collections,
                  summarise(c.times.collector_ns_per_op).median, c.predicted_collector_ns_per_op,
                  time_text(c.times.stop_p50_ns), time_text(c.times.stop_p99_ns), c.times.heap_bytes / 1024,
                  100 * c.times.fragmentation, drag_text(c.drag.reused), drag_text(gone));
  return out + "\n";
}

}  // namespace

json reuse_json(const reuse_result& r) {
  json out;
  out["schema"] = "tophash-result-1";
  out["manifest"] = manifest();
  out["manifest"]["seed"] = r.request.base.seed;
  out["manifest"]["input"] = input_text(r);
  out["manifest"]["input_sha256"] = sha256_of(input_text(r));
  if (const on_demand_summary& made = on_demand_so_far(); !made.compiler.empty()) {
    out["manifest"]["compiled_on_demand"] = {{"compiler", made.compiler},
                                             {"compiled", made.compiled},
                                             {"from_cache", made.from_cache},
                                             {"files", made.files},
                                             {"seconds", made.compile_seconds}};
  }
  out["experiment"] = {{"command", "run"},
                       {"workload", "overflow_reuse"},
                       {"n", r.n},
                       {"repeat", r.request.base.repeat},
                       {"seed", r.request.base.seed},
                       {"argv", r.request.base.argv},
                       {"input", input_text(r)},
                       {"cells_planned", r.planned}};
  if (r.collected)
    out["experiment"]["collector_costs_ns"] = {{"cycle", r.costs.cycle_ns},
                                               {"allocated_byte", r.costs.allocated_byte_ns},
                                               {"byte", r.costs.byte_ns},
                                               {"block", r.costs.block_ns}};
  out["rows"] = json::array();
  for (const reuse_cell& c : r.cells) out["rows"].push_back(row_json(r, c));
  out["findings"] = reuse_findings(r);
  if (!r.left_out.empty()) out["left_out"] = r.left_out;
  if (!r.mismatches.empty()) out["mismatches"] = r.mismatches;
  if (r.interrupted) out["interrupted"] = true;
  return out;
}

std::string reuse_text(const reuse_result& r) {
  std::string out = input_text(r) + "\n";
  if (r.collected)
    out += fmt::format(
        "a collection costs {} itself, {:.3f} ns a byte allocated, {:.3f} ns a byte searched, {:.0f} ns a "
        "block\n",
        time_text(r.costs.cycle_ns), r.costs.allocated_byte_ns, r.costs.byte_ns, r.costs.block_ns);
  std::size_t width = 24;
  for (const reuse_cell& c : r.cells) width = std::max(width, c.composition().size());
  std::string pattern;
  for (const reuse_cell& c : r.cells) {
    if (c.pattern != pattern) out += "\n" + c.pattern + "\n" + heading(r, width);
    pattern = c.pattern;
    out += line(c, width);
  }
  if (!r.left_out.empty()) {
    out += "\nleft out:\n";
    for (const std::string& why : r.left_out) out += "  " + why + "\n";
  }
  out += "\nfindings:\n";
  for (const std::string& sentence : reuse_findings(r)) out += "  " + sentence + "\n";
  if (r.interrupted)
    out += fmt::format("\ninterrupted: these are {} of {} cells\n", r.cells.size(), r.planned);
  return out;
}

}  // namespace tophash::lab
