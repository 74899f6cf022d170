// SPDX-License-Identifier: Apache-2.0
#include "lab/compare_statistics.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace tophash::lab {

namespace {

constexpr std::size_t first_look = 16;

double at_rank(std::span<const double> sorted, std::size_t rank) { return std::exp(sorted[rank]) - 1; }

double middle(std::span<const double> sorted) {
  const std::size_t n = sorted.size();
  return std::exp((sorted[(n - 1) / 2] + sorted[n / 2]) / 2) - 1;
}

std::optional<estimate> interval(std::span<const double> sorted, std::optional<std::size_t> inset,
                                 double level) {
  if (!inset) return std::nullopt;
  return estimate{.median = middle(sorted),
                  .low = at_rank(sorted, *inset),
                  .high = at_rank(sorted, sorted.size() - 1 - *inset),
                  .coverage = level};
}

judgement judged(const std::optional<estimate>& interval, double resolution) {
  if (!interval) return judgement::open;
  if (-resolution <= interval->low && interval->high <= resolution) return judgement::same;
  const bool excludes_zero = interval->low > 0 || interval->high < 0;
  return excludes_zero && std::abs(interval->median) > resolution ? judgement::different : judgement::open;
}

// The walk of the number of values below the median, of those that no look has stopped yet.
class binomial_walk {
 public:
  void walk_to(std::size_t steps) {
    while (below_.size() - 1 < steps) {
      below_.push_back(0);
      for (std::size_t i = below_.size() - 1; i > 0; --i) below_[i] = (below_[i] + below_[i - 1]) / 2;
      below_[0] /= 2;
    }
  }

  // Takes out the ends while that costs at most `budget`; what it cost. The coin is fair: both ends are
  // alike.
  double stop_ends(double budget, std::optional<std::size_t>& inset) {
    double cost = 0;
    const std::size_t steps = below_.size() - 1;
    for (std::size_t i = 0; 2 * i < steps; ++i) {
      const double both = below_[i] + below_[steps - i];
      if (cost + both > budget) break;
      cost += both;
      below_[i] = below_[steps - i] = 0;
      inset = i;
    }
    return cost;
  }

 private:
  std::vector<double> below_ = {1.0};
};

}  // namespace

std::vector<std::size_t> looks_up_to(std::size_t most) {
  std::vector<std::size_t> out;
  for (std::size_t at = first_look; at < most; at += (2 * at + 4) / 5) out.push_back(at);
  // A last stretch of a few rounds is not worth a look of its own.
  if (out.size() > 1 && most - out.back() < out.back() / 5) out.pop_back();
  out.push_back(most);
  return out;
}

std::vector<std::optional<std::size_t>> repeated_insets(std::span<const std::size_t> looks, double miss) {
  if (!(miss > 0 && miss < 1)) throw std::invalid_argument("a chance to miss lies between 0 and 1");
  std::vector<std::optional<std::size_t>> out;
  binomial_walk walk;
  double spent = 0;
  std::size_t before = 0;
  for (const std::size_t look : looks) {
    if (look <= before) throw std::invalid_argument("looks must rise");
    before = look;
    walk.walk_to(look);
    const double allowed = miss * static_cast<double>(look) / static_cast<double>(looks.back());
    std::optional<std::size_t> inset;
    spent += walk.stop_ends(allowed - spent, inset);
    out.push_back(inset);
  }
  return out;
}

const char* judgement_name(judgement j) noexcept {
  switch (j) {
  case judgement::same:
    return "same";
  case judgement::different:
    return "different";
  case judgement::open:
    break;
  }
  return "not resolvable";
}

paired_judge::paired_judge(std::size_t most_rounds, std::size_t figures, double resolution)
    : looks_(looks_up_to(most_rounds)), resolution_(resolution) {
  const double each = deciding_miss / static_cast<double>(std::max<std::size_t>(figures, 1));
  shown_ = repeated_insets(looks_, shown_miss);
  deciding_ = repeated_insets(looks_, each);
  shown_level_ = 1 - shown_miss;
  deciding_level_ = 1 - each;
}

bool paired_judge::is_look(std::size_t rounds) const noexcept {
  return std::binary_search(looks_.begin(), looks_.end(), rounds);
}

paired_difference paired_judge::judge(std::span<const double> base, std::span<const double> other) const {
  std::size_t rounds = std::min(base.size(), other.size());
  const auto past = std::upper_bound(looks_.begin(), looks_.end(), rounds);
  const auto look = static_cast<std::size_t>(past - looks_.begin());
  if (look != 0) rounds = looks_[look - 1];
  if (rounds == 0) return {};
  std::vector<double> logs;
  for (std::size_t i = 0; i < rounds; ++i) {
    if (!(base[i] > 0 && other[i] > 0)) throw std::invalid_argument("a figure of time is above 0");
    logs.push_back(std::log(other[i] / base[i]));
  }
  std::sort(logs.begin(), logs.end());
  paired_difference out{.rounds = rounds, .median = middle(logs), .shown = {}, .deciding = {}};
  if (look == 0) return out;
  out.shown = interval(logs, shown_[look - 1], shown_level_);
  out.deciding = interval(logs, deciding_[look - 1], deciding_level_);
  out.verdict = judged(out.deciding, resolution_);
  return out;
}

}  // namespace tophash::lab
