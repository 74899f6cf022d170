// SPDX-License-Identifier: Apache-2.0
#include "lab/report/view.hpp"

#include <algorithm>
#include <filesystem>

#include "lab/report/text.hpp"

namespace tophash::lab::report {
namespace {

// "bench/traces/alloc_python_ast.csv.zst" is the trace alloc_python_ast.
std::string subject_name(const std::string& subject) {
  std::string name = std::filesystem::path(subject).filename().string();
  for (const char* suffix : {".zst", ".csv"}) {
    if (name.ends_with(suffix)) name.resize(name.size() - std::char_traits<char>::length(suffix));
  }
  return name.empty() ? subject : name;
}

std::string title_of(const result& source) {
  const std::string command = source.command.empty() ? "experiment" : source.command;
  return source.subject.empty() ? command : command + " " + subject_name(source.subject);
}

}  // namespace

experiment_view make_view(const result& source, const palette& looks, std::size_t index) {
  experiment_view view{&source, title_of(source), "e" + std::to_string(index + 1), "", {}, {}};
  row_names names = name_rows(source.rows);
  view.shared = std::move(names.shared);
  for (std::size_t i = 0; i < source.rows.size(); ++i) {
    const row& r = source.rows[i];
    view.rows.push_back({&r, names.short_names[i], storage_of(r), looks.of(r), looks.marker_of(r)});
    auto it = std::find_if(view.groups.begin(), view.groups.end(), [&](const group& g) {
      return g.key == r.key && g.pattern == r.pattern && g.n == r.n;
    });
    if (it == view.groups.end()) it = view.groups.insert(view.groups.end(), {r.key, r.pattern, r.n, {}});
    it->rows.push_back(view.rows.back());
  }
  return view;
}

std::string group_title(const group& g) {
  std::string title = g.pattern;
  if (!g.key.empty()) title += (title.empty() ? "" : ", ") + g.key + " keys";
  if (g.n) title += (title.empty() ? "n = " : ", n = ") + fixed(*g.n, 0);
  return title;
}

std::string full_name(const row_view& r) { return r.storage.empty() ? r.name : r.name + ", " + r.storage; }

const std::string& spec_or_variant(const row& r) { return r.spec.empty() ? r.variant : r.spec; }

std::optional<double> memory_bytes(const row& r, memory_basis basis) {
  if (!r.memory) return std::nullopt;
  switch (basis) {
  case memory_basis::none:
    return std::nullopt;
  case memory_basis::peak:
    return r.memory->peak_bytes;
  case memory_basis::end:
    return r.memory->end_bytes;
  case memory_basis::purposes:
    break;
  }
  if (r.memory->by_purpose.empty()) return std::nullopt;
  double sum = 0;
  for (const auto& [purpose, bytes] : r.memory->by_purpose) sum += bytes;
  return sum;
}

memory_basis basis_of(const std::vector<row_view>& rows) {
  for (const memory_basis basis : {memory_basis::peak, memory_basis::end, memory_basis::purposes}) {
    const bool any = std::any_of(rows.begin(), rows.end(), [&](const row_view& r) {
      return r.figures->ns_per_op && memory_bytes(*r.figures, basis);
    });
    if (any) return basis;
  }
  return memory_basis::none;
}

const char* basis_text(memory_basis basis) {
  switch (basis) {
  case memory_basis::peak:
    return "peak memory of the map";
  case memory_basis::end:
    return "memory of the map at the end";
  case memory_basis::purposes:
    return "memory of the map, sum over purposes";
  case memory_basis::none:
    break;
  }
  return "";
}

std::vector<std::size_t> pareto(const std::vector<row_view>& rows, memory_basis basis) {
  const auto beats = [&](const row& a, const row& b) {
    const double memory_a = *memory_bytes(a, basis), memory_b = *memory_bytes(b, basis);
    const double time_a = a.ns_per_op->median, time_b = b.ns_per_op->median;
    return memory_a <= memory_b && time_a <= time_b && (memory_a < memory_b || time_a < time_b);
  };
  std::vector<std::size_t> measured, front;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].figures->ns_per_op && memory_bytes(*rows[i].figures, basis)) measured.push_back(i);
  }
  for (const std::size_t i : measured) {
    const bool beaten = std::any_of(measured.begin(), measured.end(),
                                    [&](std::size_t j) { return beats(*rows[j].figures, *rows[i].figures); });
    if (!beaten) front.push_back(i);
  }
  std::sort(front.begin(), front.end(), [&](std::size_t a, std::size_t b) {
    const double memory_a = *memory_bytes(*rows[a].figures, basis),
                 memory_b = *memory_bytes(*rows[b].figures, basis);
    return memory_a != memory_b ? memory_a < memory_b : a < b;
  });
  return front;
}

}  // namespace tophash::lab::report
