// SPDX-License-Identifier: Apache-2.0
#include "lab/go_structure.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <span>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "lab/catalogue.hpp"
#include "lab/claims.hpp"
#include "lab/experiment.hpp"
#include "lab/manifest.hpp"
#include "lab/measure.hpp"
#include "lab/reproduce_go.hpp"
#include "lab/statistics.hpp"

namespace tophash::lab {

namespace {

using nlohmann::json;

// Fields that hang on hashes, by the beginning of their names: how far two means may lie apart, and how that
// was chosen. Deviations are of one round; with five, and two means that differ, less than one comparison in
// ten thousand of two equal maps lies outside.
struct tolerance_row {
  std::string_view begins;
  double tolerance;
  const char* why;
};

constexpr tolerance_row tolerances[] = {
    {"overflow_share.churn_", 1.5, "points; a deviation of 0.3 a round, and churn keeps a chain's history"},
    {"overflow_share.", 0.3, "points; a deviation of 0.11 a round"},
    {"hit_probe.churn_", 0.1, "slots"},
    {"hit_probe.", 0.03, "slots"},
    {"chain_buckets.churn_", 0.02, "buckets"},
    {"chain_buckets.", 0.005, "buckets"},
    {"longest_chain.", 4, "entries; an extreme"},
    {"first_same_size_growth.", 5, "% of the pairs; a deviation of 0.6 to 1.7 a round"},
    {"writes_to_evacuate", 1.5, "points"},
};

constexpr tolerance_row shown_alone[] = {{"insert_ns.", 0, "a time: not judged"}};

// Shares and probes by the mean, times by the median.
double value_of(const measured_metric& m) {
  if (m.unit == "ns") return summarise(m.rounds).median;
  return std::accumulate(m.rounds.begin(), m.rounds.end(), 0.0) / static_cast<double>(m.rounds.size());
}

const tolerance_row* row_for(std::span<const tolerance_row> rows, std::string_view name) {
  for (const tolerance_row& row : rows) {
    if (name.starts_with(row.begins)) return &row;
  }
  return nullptr;
}

void judge_field(structure_field& f, bool exact) {
  if (row_for(shown_alone, f.name) != nullptr) {
    f.is = agreement::shown;
    return;
  }
  const tolerance_row* const row = exact ? nullptr : row_for(tolerances, f.name);
  f.tolerance = row == nullptr ? 0 : row->tolerance;
  f.is = std::abs(f.ours - *f.go) <= f.tolerance ? agreement::same : agreement::different;
}

std::string_view agreement_name(agreement a) noexcept {
  constexpr std::array<std::string_view, 4> names = {"same", "different", "shown", "only ours"};
  return names[static_cast<std::size_t>(a)];
}

std::string number_text(double value, const std::string& unit) {
  if (unit == "states") return fmt::format("{:08.0f}", value);
  return value == std::floor(value) ? fmt::format("{:.0f}", value) : fmt::format("{:.3f}", value);
}

std::size_t count_of(const go_side& side, agreement a) {
  return static_cast<std::size_t>(std::count_if(side.fields.begin(), side.fields.end(),
                                                [a](const structure_field& f) { return f.is == a; }));
}

go_side ask_go(const std::string& program, const go_structure_request& request, const structure_sizes& sizes,
               const measured_sample& ours) {
  request.progress("building the Go program with " + program);
  const go_programs go(go_folder(), program);
  request.progress("Go's map");
  const go_result r = go.run("structure", request.rounds, request.seed,
                             {{"buckets", static_cast<double>(sizes.buckets)},
                              {"churn_buckets", static_cast<double>(sizes.churn_buckets)},
                              {"churn_pairs", static_cast<double>(sizes.churn_pairs)},
                              {"churn_pairs_after_growth", static_cast<double>(sizes.churn_pairs_after_growth)},
                              {"latency_entries", static_cast<double>(sizes.latency_entries)}});
  go_side out{.program = program, .version = r.version, .refused = {}, .fields = {}};
  if (const auto why = r.missing.find("structure"); why != r.missing.end()) {
    out.refused = why->second;
  } else {
    out.fields = compare_structures(ours, r.sample);
  }
  return out;
}

json field_json(const structure_field& f) {
  json out{{"name", f.name}, {"unit", f.unit}, {"ours", f.ours}, {"is", agreement_name(f.is)}};
  if (f.go) out["go"] = *f.go;
  if (f.tolerance != 0) out["tolerance"] = f.tolerance;
  if (!f.note.empty()) out["note"] = f.note;
  return out;
}

// States are many: on a terminal one line says that they are alike, and each that is not has its own.
bool has_a_line(const structure_field& f) {
  return f.unit != "states" || (f.is != agreement::same && f.is != agreement::only_ours);
}

void side_text(const go_side& side, std::string& out) {
  out += fmt::format("\n{:<36} {:>14} {:>14}\n", "", "go_like", side.version);
  std::size_t states = 0;
  for (const structure_field& f : side.fields) {
    states += f.unit == "states" && f.is == agreement::same ? 1 : 0;
    if (!has_a_line(f)) continue;
    out +=
        fmt::format("{:<36} {:>14} {:>14}  {}{}\n", f.name, number_text(f.ours, f.unit),
                    f.go ? number_text(*f.go, f.unit) : "-",
                    f.is == agreement::same ? "" : agreement_name(f.is), f.note.empty() ? "" : ": " + f.note);
  }
  if (states != 0)
    out +=
        fmt::format("{:<36} {:>29}\n", "states of buckets after each step", fmt::format("{} alike", states));
  out += fmt::format("{}: {} fields as in Go, {} different, {} times shown\n", side.version,
                     count_of(side, agreement::same), count_of(side, agreement::different),
                     count_of(side, agreement::shown));
}

void ours_text(const measured_sample& ours, std::string& out) {
  out += fmt::format("\n{:<36} {:>14}\n", "", "go_like");
  for (const auto& [name, metric] : ours)
    out += fmt::format("{:<36} {:>14} {}\n", name, number_text(value_of(metric), metric.unit),
                       metric.unit == "states" ? "" : metric.unit);
}

}  // namespace

std::vector<structure_field> compare_structures(const measured_sample& ours, const measured_sample& go) {
  std::vector<structure_field> out;
  for (const auto& [name, metric] : ours) {
    structure_field f{.name = name,
                      .unit = metric.unit,
                      .ours = value_of(metric),
                      .go = {},
                      .tolerance = 0,
                      .is = agreement::only_ours,
                      .note = {}};
    if (const auto there = go.find(name); there != go.end()) {
      f.go = value_of(there->second);
      judge_field(f, metric.exact);
    }
    out.push_back(std::move(f));
  }
  for (const auto& [name, metric] : go) {
    if (ours.count(name) != 0) continue;
    out.push_back({.name = name,
                   .unit = metric.unit,
                   .ours = 0,
                   .go = value_of(metric),
                   .tolerance = 0,
                   .is = agreement::different,
                   .note = "go_like gave no such field"});
  }
  return out;
}

go_structure_result run_go_structure(const go_structure_request& request, const structure_sizes& sizes) {
  if (!request.with_go && !request.go.empty()) throw command_error(exit_usage, "--go is for --with-go");
  go_structure_result out{.request = request, .ours = {}, .sides = {}, .no_go = {}};
  out.ours = measure_go_like(request.seed, request.rounds, sizes, request.progress);
  if (!request.with_go) return out;
  const std::vector<std::string> programs = request.go.empty() ? std::vector<std::string>{"go"} : request.go;
  for (const std::string& program : programs) {
    if (interrupt_requested.load(std::memory_order_relaxed))
      throw command_error(exit_interrupted, "go_structure: interrupted before " + program + ": nothing is compared");
    if (!go_installed(program)) {
      out.no_go = program == "go"
                      ? "the program 'go' is not installed (Debian package " + std::string{go_package} + ")"
                      : "'" + program + "' is no program";
      continue;
    }
    out.sides.push_back(ask_go(program, request, sizes, out.ours));
  }
  return out;
}

int exit_code_of(const go_structure_result& r) {
  for (const go_side& side : r.sides) {
    if (count_of(side, agreement::different) != 0 || count_of(side, agreement::only_ours) != 0)
      return exit_check_failed;
  }
  const bool refused =
      std::any_of(r.sides.begin(), r.sides.end(), [](const go_side& s) { return !s.refused.empty(); });
  return r.no_go.empty() && !refused ? exit_done : exit_not_here;
}

json go_structure_json(const go_structure_result& r) {
  json out{{"schema", "tophash-go-structure-1"}, {"manifest", manifest()}};
  out["manifest"]["seed"] = r.request.seed;
  out["manifest"]["argv"] = r.request.argv;
  out["spec"] = canonical(parse_spec("preset=go_like"));
  out["rounds"] = r.request.rounds;
  for (const auto& [name, metric] : r.ours)
    out["ours"][name] = {{"unit", metric.unit}, {"exact", metric.exact}, {"rounds", metric.rounds}};
  out["go"] = json::array();
  for (const go_side& side : r.sides) {
    json one{{"program", side.program}, {"version", side.version}, {"fields", json::array()}};
    if (!side.refused.empty()) one["refused"] = side.refused;
    for (const structure_field& f : side.fields) one["fields"].push_back(field_json(f));
    for (const agreement a : {agreement::same, agreement::different, agreement::only_ours})
      one["counts"][std::string{agreement_name(a)}] = count_of(side, a);
    out["go"].push_back(std::move(one));
  }
  if (!r.no_go.empty()) out["no_go"] = r.no_go;
  return out;
}

std::string go_structure_text(const go_structure_result& r) {
  std::string out =
      fmt::format("the structure of preset=go_like{}, {} rounds, seed {}\n",
                  r.request.with_go ? " beside Go's map" : "", r.request.rounds, r.request.seed);
  for (const go_side& side : r.sides) {
    if (side.refused.empty()) {
      side_text(side, out);
    } else {
      out += "\n" + side.program + " refused: " + side.refused + "\n";
    }
  }
  if (!r.no_go.empty()) out += "\nno go: " + r.no_go + "\n";
  if (std::none_of(r.sides.begin(), r.sides.end(), [](const go_side& s) { return s.refused.empty(); }))
    ours_text(r.ours, out);
  return out;
}

}  // namespace tophash::lab
