// SPDX-License-Identifier: Apache-2.0
// The schema's writer. Checksums are texts: a reader's double would round them.
#include "lab/result.hpp"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "lab/catalogue.hpp"
#include "lab/findings.hpp"
#include "lab/manifest.hpp"
#include "lab/on_demand.hpp"
#include "lab/registry.hpp"
#include "lab/storages.hpp"

namespace tophash::lab {

namespace {

using nlohmann::json;

std::string shell_word(const std::string& text) {
  const bool plain =
      !text.empty() &&
      text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=,./:") ==
          std::string::npos;
  if (plain) return text;
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string{"'\\''"} : std::string{c};
  return out + "'";
}

std::string rerun_text(const experiment& e, const measured_row& row) {
  const experiment_request& r = e.request;
  std::string out = "tophash " + r.command + " ";
  if (r.command == "replay") {
    out += shell_word(r.trace);
    if (r.trace_keys != "detect") out += " --key " + r.trace_keys;
    if (r.capacity) out += " --capacity " + std::to_string(*r.capacity);
    if (r.row_limit) out += " --rows " + std::to_string(*r.row_limit);
  } else {
    out += "--workload " + r.workload + " --n " + std::to_string(row.task.n) + " --key " + r.key;
  }
  for (const std::string& file : r.load) out += " --load " + shell_word(file);
  const variant_row& v = *row.task.variant;
  const std::string name = v.bound_to.empty() ? v.name : short_text(parse_spec(v.spec));
  out += " --variant " + shell_word(name) + " --allocator " + shell_word(row.task.storage);
  if (!v.bound_to.empty()) out += " --bind";
  if (!r.value.usual()) out += " --value " + r.value.text();
  return out + " --seed " + std::to_string(r.seed) + " --repeat " + std::to_string(r.repeat);
}

json counters_json(const measured_row& row) {
  json out = json::object();
  const map_counts& c = row.result.counts;
  if (c.known) {
    out = {{"overflow_requested", c.overflow_requested},
           {"overflow_recycled", c.overflow_recycled},
           {"overflow_released", c.overflow_released},
           {"overflow_kept", c.overflow_kept},
           {"overflow_in_use", c.overflow_in_use},
           {"dead", c.dead},
           {"dirty", c.dirty},
           {"growths", c.growths},
           {"regrows", c.regrows},
           {"evacuated_chains", c.evacuated_chains},
           {"hit_probes", c.hit_probes},
           {"miss_probes", c.miss_probes},
           {"longest_chain_entries", c.longest_chain_entries}};
  }
  out["entries_at_end"] = row.result.end_size;
  if (row.result.cache_hits + row.result.cache_misses != 0) {
    out["cache_hits"] = row.result.cache_hits;
    out["cache_misses"] = row.result.cache_misses;
    out["cache_evictions"] = row.result.cache_evictions;
  }
  if (!row.wall_ns_per_op.empty()) out["wall_ns_per_op"] = summarise(row.wall_ns_per_op).median;
  for (const auto& [name, value] : row.hardware_per_op) out[name + "_per_op"] = value;
  return out;
}

json memory_json(const memory_figures& m) {
  json out = json::object();
  if (m.counted) out["peak_bytes"] = m.peak_bytes;  // not counted is not 0
  if (m.rss_bytes) out["rss_bytes"] = *m.rss_bytes;
  if (m.end_bytes != 0) out["end_bytes"] = m.end_bytes;
  json by_purpose = json::object(), peaks = json::object();
  for (const purpose_bytes& p : m.end_by_purpose) by_purpose[purpose_name(p.use)] = p.bytes;
  for (const purpose_bytes& p : m.peak_by_purpose) peaks[purpose_name(p.use)] = p.bytes;
  out["by_purpose"] =
      m.end_by_purpose.empty() ? peaks : by_purpose;  // a foreign map reports no end: its peaks
  out["peak_by_purpose"] = peaks;
  return out;
}

json allocations_json(const memory_figures& m) {
  json out{{"count", m.allocations}, {"deallocations", m.deallocations}};
  for (const auto& [use, blocks] : m.allocations_by_purpose) out[use] = blocks;
  return out;
}

json pauses_json(const gc::pause_summary& p) {
  return {{"p50", p.p50_ns}, {"p99", p.p99_ns}, {"max", p.max_ns}, {"count", p.count}, {"total", p.total_ns}};
}

// Metrics of GC pressure (docs/collectors.md). Of an incremental collector the program runs on between its stays.
json collector_json(const collector_figures& f, double mutator_ns_per_op) {
  const gc::gc_sample& s = f.sample;
  json out{{"collections", s.collections},
           {"heap_bytes", s.heap_bytes},
           {"heap_peak_bytes", s.heap_peak_bytes},
           {"free_bytes", s.free_bytes},
           {"allocated_bytes", s.allocated_bytes},
           {"allocation_rate_bytes_per_s", s.allocated_bytes_per_second()},
           {"collector_cpu_ns", s.collector_cpu_ns},
           {"window_ns", s.window_ns}};
  out["stop_the_world_ns"] = pauses_json(s.stop_the_world);
  out["stall_ns"] = pauses_json(s.stall);
  out["stall_ns"]["p99_9"] = stay_quantile_ns(f.stays, 0.999);
  for (const std::uint64_t wide_ms : {1, 10, 100})
    out["minimum_utilisation"][std::to_string(wide_ms) + "ms"] =
        minimum_utilisation(f.stays, s.window_ns, wide_ms * 1'000'000);
  const double collecting = f.collector_ns_per_op();
  out["allocated_bytes_per_op"] = f.per_op(f.work.allocated_bytes);
  out["allocated_blocks_per_op"] = f.per_op(f.work.allocated_blocks);
  out["garbage_bytes_per_op"] = f.per_op(f.work.garbage_bytes);
  out["read_bytes_per_entry"] = f.read_bytes_per_entry();
  out["visited_blocks"] = f.work.visited_blocks;
  out["scanned_bytes"] = f.work.scanned_bytes;
  out["live_bytes"] = f.live_bytes;
  if (f.live_bytes != 0)
    out["heap_ratio"] = static_cast<double>(s.heap_peak_bytes) / static_cast<double>(f.live_bytes);
  out["left_bytes"] = f.left.bytes;
  out["left_block_bytes"] = f.left.blocks * gc::heap_occupancy::block_bytes;
  out["kept"] = kept_json(f.kept);
  out["collector_ns_per_op"] = collecting;
  if (collecting + mutator_ns_per_op > 0) out["collector_share"] = collecting / (collecting + mutator_ns_per_op);
  out["predicted_ns_per_op"] = f.predicted_ns_per_op;
  return out;
}

json load_json(const load_point& p) {
  return {{"load", p.load},
          {"overflow_percent", p.overflow_percent},
          {"hit_probes", p.hit_probes},
          {"miss_probes", p.miss_probes},
          {"sampled_hit_probes", p.sampled_hit_probes},
          {"sampled_miss_probes", p.sampled_miss_probes},
          {"overhead_bytes_per_entry", p.overhead_bytes_per_entry},
          {"hit_ns", p.hit_ns},
          {"miss_ns", p.miss_ns}};
}

std::string spec_of_row(const measured_row& row) {
  if (row.task.variant->spec.empty()) return {};
  return canonical(with_option(parse_spec(row.task.variant->spec), "allocation=" + row.task.storage));
}

void add_time(const experiment& e, const measured_row& row, json& out) {
  out["ns_per_op"] = interval_json(summarise(row.cpu_ns_per_op));
  const measured_row& base = base_of(e, row);
  out["ratio"] = interval_json(paired_ratio(row, base));
  out["ratio"]["to"] = base.name();
}

json row_json(const experiment& e, const measured_row& row) {
  json out{{"variant", row.task.variant->name},
           {"allocator", row.task.storage},
           {"collector", collector_of(row.task.storage)},
           {"key", key_kind_name(kind_of(*row.task.program))}};
  if (const std::string spec = spec_of_row(row); !spec.empty()) out["spec"] = spec;
  if (!row.task.variant->bound_to.empty()) out["bound"] = true;
  if (row.task.n != 0) out["n"] = row.task.n;
  out["rerun"] = rerun_text(e, row);
  if (!row.trouble.empty()) {
    out["trouble"] = row.trouble;
    return out;
  }
  out["ops"] = row.result.operations;
  out["checksum"] = std::to_string(row.result.checksum);
  if (!e.request.check_only && !row.cpu_ns_per_op.empty()) add_time(e, row, out);
  if (row.latency) {
    const latency_figures& l = *row.latency;
    out["latency_ns"] = {{"p50", l.p50}, {"p90", l.p90}, {"p99", l.p99}, {"p99_9", l.p99_9}, {"max", l.max}};
  }
  if (row.memory) out["memory"] = memory_json(*row.memory);
  if (row.memory && row.memory->counted) out["allocations"] = allocations_json(*row.memory);
  out["counters"] = counters_json(row);
  if (row.collector)
    out["gc"] = collector_json(*row.collector, row.cpu_ns_per_op.empty() ? 0 : summarise(row.cpu_ns_per_op).median);
  for (const load_point& p : row.result.load_points) out["load_sweep"].push_back(load_json(p));
  return out;
}

json experiment_json(const experiment& e) {
  const experiment_request& r = e.request;
  json out{
      {"command", r.command}, {"repeat", r.check_only ? 1 : r.repeat}, {"seed", r.seed}, {"argv", r.argv}};
  if (r.command == "replay")
    out["trace"] = r.trace;
  else
    out["workload"] = r.workload;
  if (r.n.size() == 1)
    out["n"] = r.n.front();
  else if (!r.n.empty())
    out["n"] = r.n;
  if (r.capacity) out["capacity"] = *r.capacity;
  if (!r.value.usual()) out["value"] = r.value.text();
  out["input"] = e.input_text;
  return out;
}

}  // namespace

json interval_json(const estimate& e) { return {{"median", e.median}, {"low", e.low}, {"high", e.high}}; }

json result_json(const experiment& e) {
  json out;
  out["schema"] = "tophash-result-1";
  out["manifest"] = manifest();
  out["manifest"]["seed"] = e.request.seed;
  out["manifest"]["input"] = e.input_text;
  out["manifest"]["input_sha256"] = e.input_sha256;
  const estimate sample =
      e.measured.rows.empty() ? estimate{} : summarise(e.measured.rows.front().cpu_ns_per_op);
  out["manifest"]["intervals"] = fmt::format(
      "order statistics over {} rounds: [low, high] holds the median with {:.1f} %",
      e.measured.rows.empty() ? 0 : e.measured.rows.front().cpu_ns_per_op.size(), 100 * sample.coverage);
  if (const on_demand_summary& made = on_demand_so_far(); !made.compiler.empty()) {
    out["manifest"]["compiled_on_demand"] = {{"compiler", made.compiler},
                                             {"compiled", made.compiled},
                                             {"from_cache", made.from_cache},
                                             {"files", made.files},
                                             {"seconds", made.compile_seconds}};
  }
  out["experiment"] = experiment_json(e);
  out["rows"] = json::array();
  for (const measured_row& row : e.measured.rows) out["rows"].push_back(row_json(e, row));
  out["findings"] = e.request.check_only ? std::vector<std::string>{} : findings(e.measured);
  if (!e.left_out.empty()) out["left_out"] = e.left_out;
  if (!e.measured.mismatches.empty()) out["mismatches"] = e.measured.mismatches;
  if (e.measured.interrupted) out["interrupted"] = true;
  return out;
}

// ---- the terminal -------------------------------------------------------------------------------

namespace {

std::string row_line(const experiment& e, const measured_row& row, std::size_t width) {
  std::string out = fmt::format("{:<{}} ", row.name(), width);
  if (row.task.n != 0) out += fmt::format("{:>9} ", row.task.n);
  if (!row.trouble.empty()) return out + " not measured: " + row.trouble;
  if (e.request.check_only || row.cpu_ns_per_op.empty())
    return out + " checksum " + std::to_string(row.result.checksum);
  const estimate ns = summarise(row.cpu_ns_per_op), ratio = paired_ratio(row, base_of(e, row));
  out += fmt::format("{:>8.1f} {:>15} {:>6.2f} {:>11}", ns.median,
                     fmt::format("{:.1f}..{:.1f}", ns.low, ns.high), ratio.median,
                     fmt::format("{:.2f}..{:.2f}", ratio.low, ratio.high));
  if (row.latency)
    out += fmt::format(" {:>8} {:>8} {:>9}", time_text(row.latency->p50), time_text(row.latency->p99_9),
                       time_text(row.latency->max));
  if (row.memory && row.memory->counted)
    out += fmt::format(" {:>10} {:>8}", bytes_text(static_cast<double>(row.memory->peak_bytes)),
                       row.memory->allocations);
  else if (e.request.memory)
    out += fmt::format(" {:>10} {:>8}", "-", "-");
  if (row.collector)
    out += fmt::format("  {} GCs, {:.2f} ns/op (predicted {:.2f}), worst stall {}, 10 ms keep {:.0f} %",
                       row.collector->sample.collections, row.collector->collector_ns_per_op(),
                       row.collector->predicted_ns_per_op,
                       time_text(static_cast<double>(row.collector->sample.stall.max_ns)),
                       100 * minimum_utilisation(row.collector->stays, row.collector->sample.window_ns, 10'000'000));
  return out;
}

void append_load_points(const measured_row& row, std::string& out) {
  out += "  load   overflow %  hit probes (sampled)  miss probes (sampled)  bytes/entry   hit ns  miss ns\n";
  for (const load_point& p : row.result.load_points) {
    out += fmt::format(
        "  {:<5.2f} {:>11.2f} {:>11.2f} {:>9.2f} {:>12.2f} {:>9.2f} {:>13.2f} {:>8.1f} {:>8.1f}\n", p.load,
        p.overflow_percent, p.hit_probes, p.sampled_hit_probes, p.miss_probes, p.sampled_miss_probes,
        p.overhead_bytes_per_entry, p.hit_ns, p.miss_ns);
  }
}

std::string heading(const experiment& e, std::size_t width) {
  if (e.request.check_only || e.measured.rows.empty()) return {};
  const measured_row& first = e.measured.rows.front();
  std::string out = fmt::format("{:<{}} ", "variant on storage", width);
  if (first.task.n != 0) out += fmt::format("{:>9} ", "n");
  out += fmt::format("{:>8} {:>15} {:>6} {:>11}", "ns/op", "low..high", "ratio", "low..high");
  if (e.request.latency) out += fmt::format(" {:>8} {:>8} {:>9}", "p50", "p99.9", "max");
  if (e.request.memory) out += fmt::format(" {:>10} {:>8}", "peak", "allocs");
  return out + "\n";
}

}  // namespace

std::string result_table(const experiment& e) {
  std::string out =
      e.input_text + "\nfigures: CPU time of the thread; counters: " + counter_source() + "\n\n";
  std::size_t width = 18;
  for (const measured_row& row : e.measured.rows) width = std::max(width, row.name().size());
  out += heading(e, width);
  for (const measured_row& row : e.measured.rows) {
    out += row_line(e, row, width) + "\n";
    if (row.collector && row.trouble.empty()) out += "    " + kept_text(row.collector->kept) + "\n";
    if (!row.result.load_points.empty()) append_load_points(row, out);
  }
  if (!e.left_out.empty()) {
    out += "\nleft out:\n";
    for (const std::string& why : e.left_out) out += "  " + why + "\n";
  }
  if (e.request.check_only) {
    out += e.measured.mismatches.empty()
               ? fmt::format("\nequal checksums in all {} rows\n", e.measured.rows.size())
               : "";
  } else {
    out += "\nfindings:\n";
    for (const std::string& sentence : findings(e.measured)) out += "  " + sentence + "\n";
  }
  if (e.measured.interrupted) out += "\ninterrupted: these are the results so far\n";
  return out;
}

}  // namespace tophash::lab
