// SPDX-License-Identifier: Apache-2.0
// Sentences from cells. What is compared are cells that differ in one thing; where they do not differ, the
// sentence says so. Counts are exact; a time differs only where the interval of its ratio over the rounds
// does not hold 1.
#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "lab/findings.hpp"
#include "lab/overflow_reuse.hpp"
#include "lab/statistics.hpp"

namespace tophash::lab {

namespace {

using cell_list = std::vector<const reuse_cell*>;

std::vector<std::string> distinct(const cell_list& cells, std::string reuse_cell::*what) {
  std::vector<std::string> out;
  for (const reuse_cell* c : cells) {
    if (std::find(out.begin(), out.end(), c->*what) == out.end()) out.push_back(c->*what);
  }
  return out;
}

cell_list with(const cell_list& cells, std::string reuse_cell::*what, const std::string& value) {
  cell_list out;
  std::copy_if(cells.begin(), cells.end(), std::back_inserter(out),
               [&](const reuse_cell* c) { return c->*what == value; });
  return out;
}

std::string number(double value) {
  return fmt::format("{:.{}f}", value, value != 0 && std::abs(value) < 10 ? 1 : 0);
}

// "3.1", or "3.1..9.4".
std::string range(const cell_list& cells, const std::function<double(const reuse_cell&)>& figure) {
  double low = 0, high = 0;
  for (const reuse_cell* c : cells) {
    const double value = figure(*c);
    low = c == cells.front() ? value : std::min(low, value);
    high = c == cells.front() ? value : std::max(high, value);
  }
  const std::string from = number(low), to = number(high);
  return from == to ? from : from + ".." + to;
}

std::string cells_text(std::size_t count) { return fmt::format("{} cell{}", count, count == 1 ? "" : "s"); }

// Of percentages: one decimal, since 99.8 is not 100.
std::string percent_range(const cell_list& cells, const std::function<double(const reuse_cell&)>& figure) {
  std::vector<double> values;
  for (const reuse_cell* c : cells) values.push_back(figure(*c));
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const std::string from = fmt::format("{:.1f}", *low), to = fmt::format("{:.1f}", *high);
  return from == to ? from : from + ".." + to;
}

double reuse_of(const reuse_cell& c) { return c.counts.reuse_percent().value_or(0); }

cell_list asking(const cell_list& cells) {
  cell_list out;
  std::copy_if(cells.begin(), cells.end(), std::back_inserter(out),
               [](const reuse_cell* c) { return c->counts.requested != 0; });
  return out;
}

// ---- what is reused -----------------------------------------------------------------------------

std::string reuse_sentence(const std::string& pattern, const cell_list& cells) {
  const cell_list asked = asking(cells);
  if (asked.empty())
    return fmt::format(
        "{}: none of {} asked for an overflow bucket ({} entries at the end in {} buckets): there is "
        "nothing to reuse, whatever the source.",
        pattern, cells_text(cells.size()),
        range(cells, [](const reuse_cell& c) { return static_cast<double>(c.counts.entries); }),
        range(cells, [](const reuse_cell& c) { return static_cast<double>(c.counts.buckets); }));
  std::string out = pattern + ": reused, of the overflow buckets asked for:";
  for (const std::string& source : distinct(asked, &reuse_cell::source)) {
    const cell_list of_source = with(asked, &reuse_cell::source, source);
    out +=
        fmt::format("{} {} {} %", out.back() == ':' ? "" : ",", source, percent_range(of_source, reuse_of));
  }
  out += fmt::format(" ({})", cells_text(asked.size()));
  if (asked.size() != cells.size())
    out += fmt::format("; {} asked for none", cells_text(cells.size() - asked.size()));
  const auto most =
      *std::max_element(asked.begin(), asked.end(), [](const reuse_cell* a, const reuse_cell* b) {
        return std::pair(reuse_of(*a), a->counts.recycled) < std::pair(reuse_of(*b), b->counts.recycled);
      });
  if (most->counts.recycled == 0) return out + "; nothing was reused in any.";
  return out + fmt::format("; most: {}, {:.1f} % of {}.", most->composition(), reuse_of(*most),
                           most->counts.requested);
}

std::string deletion_sentence(const std::string& pattern, const cell_list& cells) {
  if (asking(cells).empty()) return {};
  const auto rate_of = [](std::uint64_t reuse_counts::*what) {
    return [what](const reuse_cell& c) {
      return 1000 * static_cast<double>(c.counts.*what) / static_cast<double>(c.counts.operations);
    };
  };
  std::string out = pattern + ", overflow buckets asked for / given back in 1000 operations:", remarks;
  for (const std::string& deletion : distinct(cells, &reuse_cell::deletion)) {
    const cell_list of_deletion = with(cells, &reuse_cell::deletion, deletion);
    const auto none = [&of_deletion](std::uint64_t reuse_counts::*what) {
      return std::all_of(of_deletion.begin(), of_deletion.end(),
                         [what](const reuse_cell* c) { return c->counts.*what == 0; });
    };
    out += fmt::format("{} {} {} / {}", out.back() == ':' ? "" : ";", deletion,
                       range(of_deletion, rate_of(&reuse_counts::requested)),
                       range(of_deletion, rate_of(&reuse_counts::released)));
    if (none(&reuse_counts::released) && !none(&reuse_counts::requested))
      remarks += " " + deletion + " gives none back, so no source has any to hand out again.";
  }
  return out + "." + remarks;
}

// ---- pairs of cells that differ in one thing ----------------------------------------------------

struct cell_pair {
  const reuse_cell *base, *other;
};

std::vector<cell_pair> pairs(const cell_list& cells, std::string reuse_cell::*what, const std::string& base,
                             const std::string& other) {
  std::vector<cell_pair> out;
  const auto rest = [what](const reuse_cell& c) {
    std::vector<std::string> texts;
    for (std::string reuse_cell::*const part :
         {&reuse_cell::deletion, &reuse_cell::source, &reuse_cell::growth, &reuse_cell::pattern}) {
      if (part != what) texts.push_back(c.*part);
    }
    return texts;
  };
  for (const reuse_cell* a : with(cells, what, base)) {
    for (const reuse_cell* b : with(cells, what, other)) {
      if (rest(*a) == rest(*b)) out.push_back({a, b});
    }
  }
  return out;
}

double total(const std::vector<cell_pair>& all, const reuse_cell* cell_pair::*which,
             const std::function<double(const reuse_cell&)>& figure) {
  double out = 0;
  for (const cell_pair& p : all) out += figure(*(p.*which));
  return out;
}

std::string change(double base, double other) {
  if (base == other) return "equal";
  return base == 0 ? fmt::format("0 to {}", number(other))
                   : fmt::format("{:+.1f} %", 100 * (other / base - 1));
}

double collections_of(const reuse_cell& c) { return static_cast<double>(c.counts.heap.collections); }

// Collector CPU of all pairs together, round by round: what slows a round down is in both.
std::string collector_time_text(const std::vector<cell_pair>& all) {
  std::vector<double> ratios;
  for (std::size_t round = 0;; ++round) {
    double base = 0, other = 0;
    for (const cell_pair& p : all) {
      const std::vector<double>&a = p.base->times.collector_ns_per_op,
            &b = p.other->times.collector_ns_per_op;
      if (round >= std::min(a.size(), b.size())) {
        const estimate e = summarise(ratios);
        if (ratios.empty()) return "its CPU was not timed";
        const std::string interval = fmt::format("({:.2f}..{:.2f})", e.low, e.high);
        return resolvable(e) ? fmt::format("its CPU {:.2f} times {}", e.median, interval)
                             : "no difference resolvable in its CPU " + interval;
      }
      base += a[round], other += b[round];
    }
    if (base == 0) return "its CPU was not timed";
    ratios.push_back(other / base);
  }
}

// What another source than the first one does to the collector.
std::string source_sentence(const std::string& pattern, const cell_list& cells) {
  const std::vector<std::string> sources = distinct(cells, &reuse_cell::source);
  if (sources.size() < 2 || !cells.front()->collected) return {};
  std::string out = fmt::format("{}, the collector, against {}:", pattern, sources.front());
  bool any_difference = false;
  for (std::size_t i = 1; i < sources.size(); ++i) {
    const std::vector<cell_pair> all = pairs(cells, &reuse_cell::source, sources.front(), sources[i]);
    if (all.empty()) continue;
    const auto fewer = std::count_if(all.begin(), all.end(), [](const cell_pair& p) {
      return collections_of(*p.other) < collections_of(*p.base);
    });
    const auto more = std::count_if(all.begin(), all.end(), [](const cell_pair& p) {
      return collections_of(*p.other) > collections_of(*p.base);
    });
    const auto allocated = [](const reuse_cell& c) {
      return static_cast<double>(c.counts.heap.allocated_bytes);
    };
    const double bytes_before = total(all, &cell_pair::base, allocated),
                 bytes = total(all, &cell_pair::other, allocated);
    any_difference = any_difference || fewer + more != 0 || bytes != bytes_before;
    out += fmt::format("{} {}: map's bytes {}, collections fewer in {} of {} pairs, more in {}, {}",
                       out.back() == ':' ? "" : ";", sources[i], change(bytes_before, bytes), fewer,
                       all.size(), more, collector_time_text(all));
  }
  if (!any_difference)
    return fmt::format(
        "{}, the collector: no source differs from {} in what the map allocates or in the number of "
        "collections.",
        pattern, sources.front());
  return out + ".";
}

std::string growth_sentence(const cell_list& cells) {
  const std::vector<std::string> growths = distinct(cells, &reuse_cell::growth);
  std::string out;
  for (std::size_t i = 1; i < growths.size(); ++i) {
    const std::vector<cell_pair> all = pairs(cells, &reuse_cell::growth, growths.front(), growths[i]);
    std::vector<cell_pair> acted;
    std::copy_if(all.begin(), all.end(), std::back_inserter(acted), [](const cell_pair& p) {
      return p.base->counts.regrows != p.other->counts.regrows ||
             p.base->counts.growths != p.other->counts.growths;
    });
    if (all.empty()) continue;
    if (acted.empty()) {
      out += fmt::format("{} against {}: it changed no array in any of {} pairs.", growths[i],
                         growths.front(), all.size());
      continue;
    }
    const auto in_use = [](const reuse_cell& c) { return static_cast<double>(c.counts.in_use); };
    const auto requested = [](const reuse_cell& c) { return static_cast<double>(c.counts.requested); };
    const auto regrows = [](const reuse_cell& c) { return static_cast<double>(c.counts.regrows); };
    out += fmt::format(
        "{} against {}: same-size growths {:.0f} to {:.0f} in {} of {} pairs; there overflow buckets in use "
        "at the end "
        "{}, requests {}.",
        growths[i], growths.front(), total(acted, &cell_pair::base, regrows),
        total(acted, &cell_pair::other, regrows), acted.size(), all.size(),
        change(total(acted, &cell_pair::base, in_use), total(acted, &cell_pair::other, in_use)),
        change(total(acted, &cell_pair::base, requested), total(acted, &cell_pair::other, requested)));
  }
  return out;
}

std::string pool_sentence(const cell_list& cells) {
  const std::vector<cell_pair> all = pairs(cells, &reuse_cell::source, "shared_pool", "shared_pool drained");
  std::vector<cell_pair> asked;
  std::copy_if(all.begin(), all.end(), std::back_inserter(asked),
               [](const cell_pair& p) { return p.base->counts.requested != 0; });
  if (asked.empty()) return {};
  const auto recycled = [](const reuse_cell& c) { return static_cast<double>(c.counts.recycled); };
  const auto kept = [](const reuse_cell& c) { return static_cast<double>(c.counts.kept); };
  const double before = total(asked, &cell_pair::base, recycled),
               after = total(asked, &cell_pair::other, recycled);
  const double kept_before = total(asked, &cell_pair::base, kept),
               kept_after = total(asked, &cell_pair::other, kept);
  if (before == after && kept_before == kept_after)
    return fmt::format(
        "Draining the shared pool at collections changed neither what it reused nor what it keeps ({} "
        "pairs).",
        asked.size());
  return fmt::format(
      "Draining the shared pool at collections: buckets reused {} ({:.0f} to {:.0f}), kept at the end "
      "{:.0f} to {:.0f} ({} pairs).",
      change(before, after), before, after, kept_before, kept_after, asked.size());
}

// ---- drag, pressure, heap -----------------------------------------------------------------------

drag_counts merged(const cell_list& cells, drag_counts reuse_drag::*what) {
  drag_counts out;
  for (const reuse_cell* c : cells) {
    const drag_counts& d = c->drag.*what;
    out.count += d.count, out.sum_cycles += d.sum_cycles,
        out.max_cycles = std::max(out.max_cycles, d.max_cycles);
  }
  return out;
}

std::string drag_sentence(const cell_list& cells) {
  if (!cells.front()->collected) return {};
  std::string out = "Drag, collections between a bucket's release and what becomes of it (mean, longest):";
  for (const std::string& source : distinct(cells, &reuse_cell::source)) {
    const cell_list of_source = with(cells, &reuse_cell::source, source);
    std::string said;
    for (const auto& [what, name] :
         {std::pair{&reuse_drag::reused, "taken again"}, std::pair{&reuse_drag::reclaimed, "reclaimed"},
          std::pair{&reuse_drag::freed, "freed"}, std::pair{&reuse_drag::open, "waiting at the end"}}) {
      const drag_counts d = merged(of_source, what);
      if (d.count == 0) continue;
      said += fmt::format("{}{} {:.2f}, {} ({})", said.empty() ? "" : ", ", name, d.mean(), d.max_cycles,
                          d.count);
    }
    out +=
        fmt::format("{} {}: {}", out.back() == ':' ? "" : ";", source, said.empty() ? "none released" : said);
  }
  return out + ".";
}

double measured_pressure(const reuse_cell& c) { return summarise(c.times.collector_ns_per_op).median; }

// The model is worth its name where most cells agree with it, not where the errors cancel out.
std::string model_verdict(double median, double share_near) {
  if (std::abs(median - 1) > 0.25) return "the model does NOT hold here, do not use the scalar";
  return share_near >= 0.75 ? "the model holds here" : "the model holds in the middle, NOT cell by cell";
}

std::string pressure_sentence(const cell_list& cells) {
  std::vector<double> ratios;
  std::size_t near = 0;
  for (const reuse_cell* c : cells) {
    if (!c->collected || measured_pressure(*c) == 0) continue;
    ratios.push_back(c->predicted_collector_ns_per_op / measured_pressure(*c));
    near += std::abs(ratios.back() - 1) <= 0.25 ? 1 : 0;
  }
  if (ratios.empty()) return {};
  const auto [least, most] =
      std::minmax_element(cells.begin(), cells.end(), [](const auto* a, const auto* b) {
        return a->predicted_collector_ns_per_op < b->predicted_collector_ns_per_op;
      });
  const double median = summarise(ratios).median;
  const auto place = [](const reuse_cell& c) {
    return fmt::format("{:.1f} ns an operation ({} under {})", c.predicted_collector_ns_per_op,
                       c.composition(), c.pattern);
  };
  return fmt::format(
      "GC pressure: {} to {}; predicted / measured is {:.2f} in the median cell and within 25 % in "
      "{} of {}: {}.",
      place(**least), place(**most), median, near, cells_text(ratios.size()),
      model_verdict(median, static_cast<double>(near) / static_cast<double>(ratios.size())));
}

std::string heap_sentence(const cell_list& cells) {
  const cell_list asked = asking(cells);
  if (asked.empty() || !asked.front()->collected) return {};
  std::string out =
      "Fragmentation (dead or free share of the blocks in use), in the cells that ask for overflow buckets:";
  for (const std::string& source : distinct(asked, &reuse_cell::source)) {
    const cell_list of_source = with(asked, &reuse_cell::source, source);
    out += fmt::format(
        "{} {} {} %", out.back() == ':' ? "" : ",", source,
        percent_range(of_source, [](const reuse_cell& c) { return 100 * c.times.fragmentation; }));
  }
  return out + ".";
}

}  // namespace

std::vector<std::string> reuse_findings(const reuse_result& r) {
  cell_list cells;
  for (const reuse_cell& c : r.cells) {
    if (c.trouble.empty()) cells.push_back(&c);
  }
  std::vector<std::string> out;
  for (const std::string& mismatch : r.mismatches) out.push_back("CHECK FAILED: " + mismatch);
  if (cells.empty()) return out;
  const auto say = [&out](std::string sentence) {
    if (!sentence.empty()) out.push_back(std::move(sentence));
  };
  const std::vector<std::string> patterns = distinct(cells, &reuse_cell::pattern);
  for (const auto& about : {reuse_sentence, deletion_sentence, source_sentence}) {
    for (const std::string& pattern : patterns)
      say(about(pattern, with(cells, &reuse_cell::pattern, pattern)));
  }
  say(pool_sentence(cells));
  say(growth_sentence(cells));
  say(drag_sentence(cells));
  say(heap_sentence(cells));
  say(pressure_sentence(cells));
  return out;
}

}  // namespace tophash::lab
