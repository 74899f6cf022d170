// SPDX-License-Identifier: Apache-2.0
// Memory by purpose, and overflow buckets requested and recycled.
#include <algorithm>

#include "lab/report/parts.hpp"
#include "lab/report/text.hpp"

namespace tophash::lab::report {

namespace {

bool has_memory(const row& r) { return r.memory.has_value() || r.allocations.has_value(); }

// Which bytes by purpose the rows of an experiment can be compared by: their peaks if every row has them (a
// map of another make reports nothing at the end), else those at the end.
using purpose_figures = bytes_by_purpose memory_figures::*;

purpose_figures purpose_basis(const experiment_view& e) {
  const bool peaks = std::all_of(e.rows.begin(), e.rows.end(), [](const row_view& r) {
    return !r.figures->memory || r.figures->memory->by_purpose.empty() ||
           !r.figures->memory->peak_by_purpose.empty();
  });
  return peaks && any_row(e, [](const row& r) { return r.memory && !r.memory->peak_by_purpose.empty(); })
             ? &memory_figures::peak_by_purpose
             : &memory_figures::by_purpose;
}

// The purposes that rows name, in the framework's order, then others as they come.
std::vector<std::string> purposes_of(const experiment_view& e, purpose_figures basis) {
  std::vector<std::string> purposes = {"slots", "overflow", "node", "directory", "side"}, named;
  for (const row_view& r : e.rows) {
    if (!r.figures->memory) continue;
    for (const auto& [purpose, bytes] : (*r.figures->memory).*basis) {
      if (bytes == 0) continue;
      named.push_back(purpose);
      if (std::find(purposes.begin(), purposes.end(), purpose) == purposes.end()) purposes.push_back(purpose);
    }
  }
  std::erase_if(purposes, [&](const std::string& p) {
    return std::find(named.begin(), named.end(), p) == named.end();
  });
  return purposes;
}

std::optional<double> purpose_bytes(const row& r, purpose_figures basis, const std::string& purpose) {
  if (!r.memory) return std::nullopt;
  for (const auto& [name, bytes] : (*r.memory).*basis) {
    if (name == purpose) return bytes;
  }
  return std::nullopt;
}

std::string memory_key(const std::vector<std::string>& purposes) {
  std::string key;
  for (std::size_t i = 0; i < purposes.size(); ++i) {
    key += (i == 0 ? "" : " ") +
           key_entry("var(--p" + std::to_string(std::min(i, purpose_colors - 1)) + ")", purposes[i]);
  }
  return key;
}

chart_plan memory_plan(const std::vector<std::string>& purposes, purpose_figures basis) {
  chart_plan plan{"Memory by purpose", "MiB", {.from_zero = true}, tick_figure, {}};
  plan.fill = [purposes, basis](const row_view& r, chart_line& line, std::vector<double>& values) {
    if (!r.figures->memory) return;
    double from = 0;
    for (std::size_t i = 0; i < purposes.size(); ++i) {
      const double mib = purpose_bytes(*r.figures, basis, purposes[i]).value_or(0) / bytes_per_mib;
      if (mib <= 0) continue;
      line.bars.push_back({from, from + mib, purpose_color_token(i)});
      from += mib;
    }
    if (from > 0) values.push_back(from);
    if (!r.figures->memory->peak_bytes) return;
    values.push_back(*r.figures->memory->peak_bytes / bytes_per_mib);
    line.segments.push_back({values.back(), values.back(), color_token(r.appearance), true});
  };
  return plan;
}

}  // namespace

std::string memory_part(const experiment_view& e, drawing& plots) {
  if (!any_row(e, has_memory)) return {};
  const purpose_figures basis = purpose_basis(e);
  const bool peaks = basis == &memory_figures::peak_by_purpose;
  const std::vector<std::string> purposes = purposes_of(e, basis);
  std::vector<column> columns = {{"peak MiB"}, {"end MiB"}, {"RSS MiB"}};
  for (const std::string& purpose : purposes)
    columns.push_back({purpose + (peaks ? " peak MiB" : " end MiB")});
  columns.push_back({"allocations"});
  const auto cells = [&](const row& r) {
    const memory_figures memory = r.memory.value_or(memory_figures{});
    std::vector<cell> all = {fixed_cell(scaled(memory.peak_bytes, bytes_per_mib), 2),
                             fixed_cell(scaled(memory.end_bytes, bytes_per_mib), 2),
                             fixed_cell(scaled(memory.rss_bytes, bytes_per_mib), 1)};
    for (const std::string& purpose : purposes)
      all.push_back(fixed_cell(scaled(purpose_bytes(r, basis, purpose), bytes_per_mib), 2));
    all.push_back(count_cell(r.allocations));
    return all;
  };
  const std::string caption =
      std::string(peaks ? "Bars: the most bytes that the map held for each purpose (not all at one moment): "
                        : "Bars: bytes that the map held at the end, by purpose: ") +
      memory_key(purposes) + ". Upright line: peak of the run, in the variant's colour.";
  return part(
      "Memory by purpose", row_figures(e, plots, memory_plan(purposes, basis), caption),
      table_of(e, "memory in MiB, by purpose, and number of allocations", columns, has_memory, cells));
}

// ---- overflow buckets

namespace {

bool has_overflow(const row& r) { return r.overflow.has_value(); }

}  // namespace

std::string overflow_part(const experiment_view& e, drawing& plots) {
  if (!any_row(e, has_overflow)) return {};
  chart_plan plan{"Overflow buckets", "buckets", {.from_zero = true}, tick_figure, {}};
  plan.fill = [](const row_view& r, chart_line& line, std::vector<double>& values) {
    if (!r.figures->overflow) return;
    const double requested = r.figures->overflow->requested.value_or(0);
    const double recycled = std::min(r.figures->overflow->recycled.value_or(0), requested);
    values.push_back(requested);
    line.bars.push_back({0, recycled, purpose_color_token(3)});
    line.bars.push_back({recycled, requested, purpose_color_token(1)});
  };
  const auto cells = [](const row& r) {
    std::optional<double> share;
    if (r.overflow->requested.value_or(0) > 0 && r.overflow->recycled) {
      share = 100 * *r.overflow->recycled / *r.overflow->requested;
    }
    return std::vector<cell>{count_cell(r.overflow->requested), count_cell(r.overflow->recycled),
                             fixed_cell(share, 1)};
  };
  const std::string caption =
      "Overflow buckets requested in the run: " + key_entry("var(--p3)", "recycled from the source") + " " +
      key_entry("var(--p1)", "newly allocated");
  return part("Overflow buckets", row_figures(e, plots, plan, caption),
              table_of(e, "overflow buckets requested, and how many of them were recycled",
                       {{"requested"}, {"recycled"}, {"recycled %"}}, has_overflow, cells));
}

}  // namespace tophash::lab::report
