// SPDX-License-Identifier: Apache-2.0
#include "lab/report/findings.hpp"

#include <algorithm>

#include "lab/report/text.hpp"

namespace tophash::lab::report {
namespace {

constexpr std::size_t findings_wanted = 3;

struct finding {
  const experiment_view* from;
  std::string sentence;
};

// "growth: incremental(2) ..." and "growth, against eager: ..." are about growth; a sentence that begins
// otherwise is a topic of its own.
std::string topic_of(const std::string& sentence) {
  const std::size_t end = sentence.find_first_of(" ,:");
  return end == std::string::npos || sentence[end] == ' ' ? sentence : sentence.substr(0, end);
}

// One finding a topic, the result with the most rows first; then the rest in the same order.
std::vector<finding> given_findings(std::span<const experiment_view> views) {
  std::vector<const experiment_view*> by_rows;
  for (const experiment_view& view : views) by_rows.push_back(&view);
  std::stable_sort(by_rows.begin(), by_rows.end(), [](const experiment_view* a, const experiment_view* b) {
    return a->rows.size() > b->rows.size();
  });
  std::vector<finding> chosen, repeated;
  std::vector<std::string> topics;
  for (const experiment_view* view : by_rows) {
    for (const std::string& sentence : view->source->findings) {
      const std::string topic = topic_of(sentence);
      const bool seen = std::find(topics.begin(), topics.end(), topic) != topics.end();
      (seen ? repeated : chosen).push_back({view, sentence});
      if (!seen) topics.push_back(topic);
    }
  }
  chosen.insert(chosen.end(), repeated.begin(), repeated.end());
  if (chosen.size() > findings_wanted) chosen.resize(findings_wanted);
  return chosen;
}

std::vector<const row_view*> by_time(const group& g) {
  std::vector<const row_view*> rows;
  for (const row_view& r : g.rows) {
    if (r.figures->ns_per_op) rows.push_back(&r);
  }
  std::stable_sort(rows.begin(), rows.end(), [](const row_view* a, const row_view* b) {
    return a->figures->ns_per_op->median < b->figures->ns_per_op->median;
  });
  return rows;
}

std::string time_finding(const row_view& first, const row_view& second) {
  const interval& a = *first.figures->ns_per_op;
  const interval& b = *second.figures->ns_per_op;
  const bool apart = a.high && b.low && *a.high < *b.low;
  const std::string sentence = "Fastest: " + full_name(first) + " at " + figure(a.median) + " ns/op";
  if (apart) return sentence + "; next is " + full_name(second) + " at " + figure(b.median) + " ns/op.";
  return sentence + "; no difference resolvable to the next, " + full_name(second) + " at " +
         figure(b.median) + " ns/op.";
}

}  // namespace

std::vector<std::string> derived_findings(const group& g) {
  std::vector<std::string> sentences;
  const std::vector<const row_view*> timed = by_time(g);
  if (timed.size() > 1) sentences.push_back(time_finding(*timed[0], *timed[1]));
  const memory_basis basis = basis_of(g.rows);
  const std::vector<std::size_t> front = pareto(g.rows, basis);
  if (front.empty() || g.rows.size() < 2) return sentences;
  const row_view& smallest = g.rows[front.front()];
  sentences.push_back("Smallest: " + full_name(smallest) + " with " +
                      bytes(*memory_bytes(*smallest.figures, basis)) + " " + basis_text(basis) + ", at " +
                      figure(smallest.figures->ns_per_op->median) + " ns/op.");
  sentences.push_back(std::to_string(front.size()) + " of " + std::to_string(g.rows.size()) +
                      " rows are worth considering: each of the others is beaten by one that is at least as "
                      "fast and as small.");
  return sentences;
}

std::string first_findings(std::span<const experiment_view> views) {
  std::vector<finding> chosen = given_findings(views);
  for (const experiment_view& view : views) {
    for (const group& g : view.groups) {
      for (std::string& sentence : derived_findings(g)) {
        if (chosen.size() < findings_wanted) chosen.push_back({&view, std::move(sentence)});
      }
    }
  }
  if (chosen.empty()) return "<p class=\"muted\">The results state no findings.</p>";
  std::string out = "<ol class=\"findings\">";
  for (const finding& f : chosen) {
    out += "<li>" + escape(f.sentence);
    if (views.size() > 1) out += "<small>" + escape(f.from->title) + "</small>";
    out += "</li>";
  }
  return out + "</ol>";
}

}  // namespace tophash::lab::report
