// SPDX-License-Identifier: Apache-2.0
// Edit distance by three rows of the usual table: the one above gives a deletion, the two above a swap.
#include "lab/nearest.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace tophash::lab {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  std::iota(above.begin(), above.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, substituted});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[b.size()];
}

std::vector<std::string> nearest_words(std::string_view word, std::span<const std::string> known,
                                       std::size_t count) {
  std::vector<std::pair<std::size_t, std::string>> ranked;
  for (const std::string& candidate : known) {
    std::size_t distance = edit_distance(word, candidate);
    const bool part = word.size() > 2 && candidate.find(word) != std::string::npos;
    if (part) distance = std::min(distance, std::size_t{2});
    if (distance <= std::max<std::size_t>(2, candidate.size() / 2)) ranked.emplace_back(distance, candidate);
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> out;
  for (auto& [distance, candidate] : ranked) {
    if (out.size() < count && std::find(out.begin(), out.end(), candidate) == out.end())
      out.push_back(candidate);
  }
  return out;
}

std::string nearest_hint(std::string_view word, std::span<const std::string> known) {
  const std::vector<std::string> words = nearest_words(word, known);
  std::string out;
  for (const std::string& candidate : words) out += (out.empty() ? "; nearest: " : ", ") + candidate;
  return out;
}

}  // namespace tophash::lab
