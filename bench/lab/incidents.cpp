// SPDX-License-Identifier: Apache-2.0
#include "lab/incidents.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "lab/findings.hpp"
#include "lab/result.hpp"

namespace tophash::lab {

namespace {

using nlohmann::json;

std::string cures_text(const std::vector<const incident_row*>& rows) {
  std::string out;
  for (const incident_row* r : rows) {
    if (!out.empty()) out += "; ";
    out += fmt::format("{} ends with {} ({:.2f} times its reference", r->variant,
                       bytes_text(static_cast<double>(r->end_bytes)), r->times_reference());
    if (r->overflow_in_use != 0) out += fmt::format(", {} overflow buckets", r->overflow_in_use);
    out += ")";
    // The first variant's time over itself is no price.
    if (!r->time_ratio || (r->time_ratio->low == 1 && r->time_ratio->high == 1)) continue;
    out += resolvable(*r->time_ratio)
               ? fmt::format(" at {:.2f} times the time ({:.2f}..{:.2f})", r->time_ratio->median,
                             r->time_ratio->low, r->time_ratio->high)
               : fmt::format(", no difference in time resolvable ({:.2f}..{:.2f})", r->time_ratio->low,
                             r->time_ratio->high);
  }
  return out;
}

}  // namespace

const std::vector<incident>& incidents() {
  static const std::vector<incident> all = {
      {.workload = "go-20135",
       .issue = "golang/go#20135",
       .symptom = "a map that was emptied keeps its memory",
       .variants = {"go_like", "go_like,deletion=immediate", "go_like,growth=shrinking(incremental(2),25)",
                    "fastest", "go_swiss_like"},
       // An array that doubled just before or just after differs by a factor of 2 from what would do.
       .cured_at_most = 2.5},
      {.workload = "go-16070",
       .issue = "golang/go#16070",
       .symptom = "a map of constant size takes more and more",
       .variants = {"go_like,growth=incremental(2)", "go_like",
                    "go_like,growth=incremental(2),deletion=immediate",
                    "go_like,deletion=tombstone(not_reusing)", "fastest"},
       .cured_at_most = 1.5}};
  return all;
}

const incident* find_incident(std::string_view workload) noexcept {
  for (const incident& i : incidents()) {
    if (i.workload == workload) return &i;
  }
  return nullptr;
}

std::vector<incident_row> incident_rows(const experiment& run, const experiment& references) {
  std::vector<incident_row> out;
  for (std::size_t i = 0; i < run.measured.rows.size(); ++i) {
    const measured_row& r = run.measured.rows[i];
    incident_row row;
    row.variant = r.task.variant->name, row.storage = r.task.storage, row.n = r.task.n;
    row.trouble = r.trouble;
    const auto& all = references.measured.rows;
    const auto reference = std::find_if(all.begin(), all.end(), [&](const measured_row& other) {
      return other.task.variant == r.task.variant && other.task.storage == r.task.storage &&
             other.task.n == r.task.n;
    });
    if (row.trouble.empty() && reference == all.end()) row.trouble = "its reference was not measured";
    if (row.trouble.empty()) row.trouble = reference->trouble;
    if (row.trouble.empty() &&
        (!r.memory || r.memory->end_bytes == 0 || !reference->memory || reference->memory->end_bytes == 0))
      row.trouble = "what it holds at its end is not counted";
    if (!r.cpu_ns_per_op.empty()) row.time_ratio = paired_ratio(r, base_of(run, r));
    if (r.latency) row.worst_ns = r.latency->max;
    row.overflow_in_use = r.result.counts.overflow_in_use;
    row.growths = r.result.counts.growths, row.regrows = r.result.counts.regrows;
    if (row.trouble.empty()) {
      row.peak_bytes = r.memory->peak_bytes, row.end_bytes = r.memory->end_bytes;
      row.reference_bytes = reference->memory->end_bytes;
    }
    out.push_back(std::move(row));
  }
  return out;
}

std::vector<std::string> incident_findings(const incident& of, const std::vector<incident_row>& rows) {
  std::vector<const incident_row*> cured, ill;
  for (const incident_row& r : rows) {
    if (r.trouble.empty()) (r.cured(of) ? cured : ill).push_back(&r);
  }
  std::vector<std::string> out;
  if (!ill.empty()) out.push_back(fmt::format("{}, {}: {}.", of.issue, of.symptom, cures_text(ill)));
  if (!cured.empty())
    out.push_back(fmt::format("not so, at most {:g} times what the same map holds without the incident: {}.",
                              of.cured_at_most, cures_text(cured)));
  else if (!ill.empty())
    out.push_back("none of these variants is cured.");
  if (ill.empty() && !cured.empty()) out.push_back("none of these variants has the disease at this size.");
  for (const incident_row& r : rows) {
    if (!r.trouble.empty()) out.push_back(fmt::format("{}: no verdict: {}.", r.variant, r.trouble));
  }
  return out;
}

incident_result run_incident(experiment_request request) {
  incident_result out;
  out.of = find_incident(request.workload);
  if (request.variants == std::vector<std::string>{"all"}) request.variants = out.of->variants;
  // Before the long part: nothing of it is timed.
  experiment_request reference = request;
  reference.workload += ".reference";
  reference.repeat = 1;
  reference.latency = false;
  reference.memory = true;
  const experiment references = run_experiment(reference);
  request.memory = true;
  out.run = run_experiment(request);
  out.rows = incident_rows(out.run, references);
  return out;
}

json incident_json(const incident_result& r) {
  json out = result_json(r.run);
  json& at = out["incident"] = {{"issue", r.of->issue},
                                {"symptom", r.of->symptom},
                                {"cured_at_most_times_reference", r.of->cured_at_most},
                                {"rows", json::array()}};
  for (const incident_row& row : r.rows) {
    json one{{"variant", row.variant}, {"allocator", row.storage}, {"n", row.n}};
    if (!row.trouble.empty()) {
      one["trouble"] = row.trouble;
    } else {
      one["cured"] = row.cured(*r.of);
      one["peak_bytes"] = row.peak_bytes;
      one["end_bytes"] = row.end_bytes;
      one["reference_bytes"] = row.reference_bytes;
      one["times_reference"] = row.times_reference();
      one["overflow_in_use"] = row.overflow_in_use;
      one["growths"] = row.growths;
      one["regrows"] = row.regrows;
    }
    at["rows"].push_back(std::move(one));
  }
  json sentences = incident_findings(*r.of, r.rows);
  for (const json& sentence : out["findings"]) sentences.push_back(sentence);
  out["findings"] = std::move(sentences);
  return out;
}

std::string incident_text(const incident_result& r) {
  std::size_t width = 7;
  for (const incident_row& row : r.rows) width = std::max(width, row.variant.size());
  std::string out = fmt::format("{}: {}\n\n", r.of->issue, r.of->symptom);
  out += fmt::format("{:<{}} {:>9} {:>10} {:>10} {:>10} {:>7} {:>9} {:>7} {:>7} {:>7} {:>8} {:>6}\n",
                     "variant", width, "n", "peak", "at the end", "reference", "times", "overflow", "growths",
                     "regrows", "time", "longest", "cured");
  for (const incident_row& row : r.rows) {
    out += fmt::format("{:<{}} {:>9} ", row.variant, width, row.n);
    if (!row.trouble.empty()) {
      out += " no verdict: " + row.trouble + "\n";
      continue;
    }
    out += fmt::format(
        "{:>10} {:>10} {:>10} {:>7.2f} {:>9} {:>7} {:>7} {:>7} {:>8} {:>6}\n",
        bytes_text(static_cast<double>(row.peak_bytes)), bytes_text(static_cast<double>(row.end_bytes)),
        bytes_text(static_cast<double>(row.reference_bytes)), row.times_reference(), row.overflow_in_use,
        row.growths, row.regrows, row.time_ratio ? fmt::format("{:.2f}", row.time_ratio->median) : "-",
        row.worst_ns > 0 ? time_text(row.worst_ns) : "-", row.cured(*r.of) ? "yes" : "no");
  }
  out += "\n";
  for (const std::string& sentence : incident_findings(*r.of, r.rows)) out += sentence + "\n";
  return out + "\n" + result_table(r.run);
}

}  // namespace tophash::lab
