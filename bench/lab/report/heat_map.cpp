// SPDX-License-Identifier: Apache-2.0
#include "lab/report/heat_map.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include <nlohmann/json.hpp>

#include "lab/report/text.hpp"

namespace tophash::lab::report {
namespace {

using nlohmann::json;

constexpr std::size_t squares_a_row = 32;
constexpr double square_pitch = 8.5, square_size = 7.5;

std::vector<std::size_t> entries_of(const json& map) {
  return map.at("entries").get<std::vector<std::size_t>>();
}

std::string heat_grid(const std::string& title, const std::vector<std::size_t>& entries, std::size_t most) {
  const std::size_t rows = (entries.size() + squares_a_row - 1) / squares_a_row;
  const double across = square_pitch * static_cast<double>(squares_a_row), down = square_pitch * static_cast<double>(rows);
  std::string out = "<svg viewBox=\"0 0 " + coordinate(across) + " " + coordinate(down) +
                    "\" role=\"img\" style=\"max-width:" + coordinate(across) + "px\"><title>" + escape(title) +
                    "</title>";
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const double share =
        most == 0 ? 0 : std::log1p(static_cast<double>(entries[i])) / std::log1p(static_cast<double>(most));
    out += "<rect x=\"" + coordinate(square_pitch * static_cast<double>(i % squares_a_row)) + "\" y=\"" +
           coordinate(square_pitch * static_cast<double>(i / squares_a_row)) + "\" width=\"" + coordinate(square_size) +
           "\" height=\"" + coordinate(square_size) + "\" fill=\"var(--published)\" fill-opacity=\"" +
           fixed(0.04 + 0.96 * share, 2) + "\"><title>bucket " + std::to_string(i) + ": " +
           std::to_string(entries[i]) + "</title></rect>";
  }
  return out + "</svg>";
}

}  // namespace

std::string heat_maps(const nlohmann::json& maps) {
  std::size_t most = 0;
  for (const json& map : maps) {
    for (const std::size_t n : entries_of(map)) most = std::max(most, n);
  }
  std::string out;
  for (const json& map : maps) {
    const std::string title = map.at("title").get<std::string>();
    const std::vector<std::size_t> entries = entries_of(map);
    if (entries.empty()) continue;
    const std::size_t longest = *std::max_element(entries.begin(), entries.end());
    out += "<figure style=\"flex:0 1 280px\"><h3>" + escape(title) + "</h3>" + heat_grid(title, entries, most) +
           "<figcaption>" + std::to_string(entries.size()) + " buckets; " + std::to_string(longest) +
           " entries in the fullest.</figcaption></figure>\n";
  }
  return out.empty() ? out : "<div class=\"plots\">" + out + "</div>\n";
}

}  // namespace tophash::lab::report
