// SPDX-License-Identifier: Apache-2.0
// A timeline as a table and as JSON (schema tophash-watch-1).
#include <cmath>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "lab/manifest.hpp"
#include "lab/watch.hpp"

namespace tophash::lab {

namespace {

using nlohmann::json;

constexpr std::size_t most_lines = 200;  // on a terminal; JSON has all samples

std::string address_text(std::uint64_t address) { return address == 0 ? "-" : fmt::format("{:x}", address); }

std::string field_text(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e15)
    return fmt::format("{}", static_cast<long long>(value));
  return fmt::format("{:.1f}", value);
}

// The columns in which some sample has something to say.
std::vector<const watched_figure*> shown_figures(const timeline& t) {
  std::vector<const watched_figure*> out;
  for (const watched_figure& f : watched_figures()) {
    bool says = f.name == "operations" || f.name == "live";
    // A program with one map need not say so in every line.
    const double usual = f.name == "map" ? 1 : 0;
    for (const watch_sample& s : t.samples) says = says || f.of(s).value_or(usual) != usual;
    if (says) out.push_back(&f);
  }
  return out;
}

json sample_json(const watch_sample& s) {
  json out = json::object();
  for (const watched_figure& f : watched_figures()) {
    const std::optional<double> value = f.of(s);
    if (!value) continue;
    if (*value == std::floor(*value))
      out[std::string{f.name}] = static_cast<std::uint64_t>(*value);
    else
      out[std::string{f.name}] = *value;
  }
  if (s.storage_seen) {
    out["array"] = s.array == 0 ? json(nullptr) : json(fmt::format("0x{:x}", s.array));
    out["old_array"] = s.old_array == 0 ? json(nullptr) : json(fmt::format("0x{:x}", s.old_array));
  }
  return out;
}

std::string sample_sentence(const watch_sample& s) {
  std::string out;
  for (const watched_figure& f : watched_figures()) {
    const std::optional<double> value = f.of(s);
    if (value) out += fmt::format("{}{}={}", out.empty() ? "" : " ", f.name, field_text(*value));
  }
  return out;
}

}  // namespace

json timeline_json(const timeline& t) {
  const experiment_request& r = t.measured.request;
  json out{{"schema", "tophash-watch-1"}, {"manifest", manifest()}, {"every", t.every}};
  out["manifest"]["seed"] = r.seed;
  out["manifest"]["input"] = t.measured.input_text;
  out["manifest"]["input_sha256"] = t.measured.input_sha256;
  out["experiment"] = {{"command", "watch"}, {"argv", r.argv}, {"seed", r.seed}};
  for (const measured_row& row : t.measured.measured.rows) {
    out["variant"] = row.task.variant->name;
    out["allocator"] = row.task.storage;
    out["checksum"] = std::to_string(row.result.checksum);
    if (!row.task.variant->spec.empty()) out["spec"] = row.task.variant->spec;
  }
  for (const watched_figure& f : watched_figures()) out["figures"][std::string{f.name}] = f.description;
  out["samples"] = json::array();
  for (const watch_sample& s : t.samples) out["samples"].push_back(sample_json(s));
  out["alerts"] = json::array();
  for (const raised_alert& a : t.alerts)
    out["alerts"].push_back(
        {{"alert", a.text}, {"sample", a.sample}, {"figures", sample_json(t.samples[a.sample])}});
  if (t.cut) out["cut"] = true;
  if (t.measured.measured.interrupted) out["interrupted"] = true;
  return out;
}

std::string timeline_text(const timeline& t) {
  std::string out = t.measured.input_text + "\n";
  if (t.samples.empty()) return out + "no sample: interrupted\n";
  out += t.measured.measured.rows.front().name() + fmt::format(", a sample every {} operations\n\n", t.every);
  const std::vector<const watched_figure*> shown = shown_figures(t);
  std::vector<std::size_t> widths;
  for (const watched_figure* f : shown) {
    std::size_t width = f->name.size();
    for (const watch_sample& s : t.samples) {
      if (const std::optional<double> value = f->of(s)) width = std::max(width, field_text(*value).size());
    }
    widths.push_back(width);
    out += fmt::format("{:>{}}  ", f->name, width);
  }
  const bool addresses = t.samples.back().storage_seen;
  if (addresses) out += fmt::format("{:>12}  {:>12}", "array", "old array");
  out += "\n";
  const std::size_t step = (t.samples.size() + most_lines - 1) / most_lines;
  for (std::size_t i = 0; i < t.samples.size(); i += step) {
    const watch_sample& s = t.samples[i];
    for (std::size_t c = 0; c < shown.size(); ++c) {
      const std::optional<double> value = shown[c]->of(s);
      out += fmt::format("{:>{}}  ", value ? field_text(*value) : "?", widths[c]);
    }
    if (addresses) out += fmt::format("{:>12}  {:>12}", address_text(s.array), address_text(s.old_array));
    out += "\n";
  }
  if (step > 1) out += fmt::format("(every {}th sample; --json has all {})\n", step, t.samples.size());
  if (t.cut) out += fmt::format("more than {} samples: the rest is left out\n", most_samples);
  for (const raised_alert& a : t.alerts)
    out += "\nalert: " + a.text + " holds at\n  " + sample_sentence(t.samples[a.sample]) + "\n";
  return out;
}

}  // namespace tophash::lab
