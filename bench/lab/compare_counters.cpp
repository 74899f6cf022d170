// SPDX-License-Identifier: Apache-2.0
// What is no time in a comparison: exact figures, and which of them can be behind a difference in time.
// Counters of different things have one currency, events an operation: entries met beyond the first, chains
// moved, blocks allocated, cache lines of peak memory. No event's price is assumed; instead the sentence says
// what each would have to cost to explain the whole difference, and the reader sees which cannot.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "lab/compare.hpp"
#include "lab/operation_kinds.hpp"

namespace tophash::lab {

namespace {

using optional_figure = std::optional<double>;

template <class Integer>
optional_figure told(bool known, Integer value) {
  return known ? optional_figure(static_cast<double>(value)) : std::nullopt;
}

using figure_of_row = optional_figure (*)(const measured_row&);

struct exact_row {
  const char* name;
  figure_of_row of;
};

#define TOPHASH_COUNT(field)                                                                                 \
  [](const measured_row& r) { return told(r.result.counts.known, r.result.counts.field); }
#define TOPHASH_MEMORY(field)                                                                                \
  [](const measured_row& r) { return r.memory ? told(true, r.memory->field) : std::nullopt; }
#define TOPHASH_COLLECTOR(value, divisor)                                                                    \
  [](const measured_row& r) {                                                                                \
    return r.collector ? optional_figure(static_cast<double>(r.collector->sample.value) / (divisor))                \
                       : std::nullopt;                                                                       \
  }

constexpr double mib = 1024.0 * 1024.0;

const exact_row rows[] = {
    {"peak bytes", TOPHASH_MEMORY(peak_bytes)},
    {"end bytes",
     [](const measured_row& r) {
       return r.memory && r.memory->end_bytes != 0 ? told(true, r.memory->end_bytes) : std::nullopt;
     }},
    {"allocations", TOPHASH_MEMORY(allocations)},
    {"overflow requested", TOPHASH_COUNT(overflow_requested)},
    {"overflow recycled", TOPHASH_COUNT(overflow_recycled)},
    {"overflow in use", TOPHASH_COUNT(overflow_in_use)},
    {"overflow kept", TOPHASH_COUNT(overflow_kept)},
    {"hit probes", TOPHASH_COUNT(hit_probes)},
    {"miss probes", TOPHASH_COUNT(miss_probes)},
    {"longest chain", TOPHASH_COUNT(longest_chain_entries)},
    {"dirty slots", TOPHASH_COUNT(dirty)},
    {"dead slots", TOPHASH_COUNT(dead)},
    {"growths", TOPHASH_COUNT(growths)},
    {"regrows", TOPHASH_COUNT(regrows)},
    {"evacuated chains", TOPHASH_COUNT(evacuated_chains)},
    {"GC: collections", TOPHASH_COLLECTOR(collections, 1)},
    {"GC: stop-the-world ms", TOPHASH_COLLECTOR(stop_the_world.total_ns, 1e6)},
    {"GC: CPU ms", TOPHASH_COLLECTOR(collector_cpu_ns, 1e6)},
    {"GC: allocated MiB/s", TOPHASH_COLLECTOR(allocated_bytes_per_second(), mib)},
};

#undef TOPHASH_COUNT
#undef TOPHASH_MEMORY
#undef TOPHASH_COLLECTOR

// Operations of one map that found their key, and that did not.
struct lookups {
  double operations = 0, hits = 0, misses = 0;  // measured ones
};

lookups lookups_of(const any_program& p) {
  lookups out;
  for (const operation_kind kind : operation_kinds(p)) {
    switch (kind) {
    case operation_kind::get_hit:
    case operation_kind::assign:
    case operation_kind::erase:
    case operation_kind::modify:
    case operation_kind::cache_hit:
      ++out.hits;
      break;
    case operation_kind::get_miss:
    case operation_kind::insert:
    case operation_kind::erase_miss:
    case operation_kind::cache_miss:
      ++out.misses;
      break;
    }
    ++out.operations;
  }
  return out;
}

double repeats_of(const any_program& p) {
  return std::visit([](const auto& known) { return static_cast<double>(known.repeats); }, p);
}

class differences {
 public:
  void add(std::string name, double base, double other, double events_per_op) {
    if (base == other) return;
    out_.push_back({.name = std::move(name),
                    .base = base,
                    .other = other,
                    .events_per_op = (other - base) * events_per_op});
  }

  std::vector<counter_difference> ranked() {
    std::stable_sort(out_.begin(), out_.end(), [](const auto& a, const auto& b) {
      return std::abs(a.events_per_op) > std::abs(b.events_per_op);
    });
    return std::move(out_);
  }

 private:
  std::vector<counter_difference> out_;
};

std::string count_text(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e15)
    return fmt::format("{}", fmt::group_digits(static_cast<long long>(value)));
  return fmt::format("{:.2f}", value);
}

// "dirty slots unswept 0 -> 18,204 (+0.0182 an operation; 31 ns each would explain all)"
std::string sentence(const counter_difference& d, double slower_ns) {
  std::string out = fmt::format("{} {} -> {} ({:+.3g} an operation", d.name, count_text(d.base),
                                count_text(d.other), d.events_per_op);
  if (slower_ns != 0 && slower_ns * d.events_per_op > 0)
    out += fmt::format("; {:.3g} ns each would explain all of it", slower_ns / d.events_per_op);
  return out + ")";
}

std::string joined(const std::vector<std::string>& sentences) {
  std::string out;
  for (const std::string& s : sentences) out += (out.empty() ? "" : "; ") + s;
  return out;
}

double instructions_of(const measured_row& row) {
  for (const auto& [name, value] : row.hardware_per_op) {
    if (name == "instructions") return value;
  }
  return 0;
}

std::string instructions_text(const measured_row& base, const measured_row& other) {
  const double a = instructions_of(base), b = instructions_of(other);
  if (a == 0 || b == 0) return " (which this machine does not count)";
  return fmt::format(" ({:.1f} -> {:.1f})", a, b);
}

}  // namespace

std::vector<exact_figure> exact_figures(const experiment& e) {
  std::vector<exact_figure> out;
  for (const exact_row& row : rows) {
    exact_figure figure{.name = row.name, .values = {}};
    for (const measured_row& r : e.measured.rows) figure.values.push_back(row.of(r));
    const bool anything = std::any_of(figure.values.begin(), figure.values.end(),
                                      [](const optional_figure& v) { return v && *v != 0; });
    if (anything) out.push_back(std::move(figure));
  }
  return out;
}

std::vector<counter_difference> counter_differences(const measured_row& base, const measured_row& other) {
  const any_program& p = *base.task.program;
  const lookups all = lookups_of(p);
  const double operations = std::max(all.operations, 1.0);
  const double of_one_map = repeats_of(p) / operations;  // the map counts are those of the last of the maps
  differences out;
  const map_counts &a = base.result.counts, &b = other.result.counts;
  if (a.known && b.known) {
    const auto add = [&](const char* name, auto before, auto after, double weight) {
      out.add(name, static_cast<double>(before), static_cast<double>(after), weight);
    };
    add("entries a hit meets", a.hit_probes, b.hit_probes, all.hits / operations);
    add("entries a miss meets", a.miss_probes, b.miss_probes, all.misses / operations);
    add("dirty slots unswept", a.dirty, b.dirty, of_one_map);
    add("dead slots", a.dead, b.dead, of_one_map);
    add("overflow buckets requested", a.overflow_requested, b.overflow_requested, of_one_map);
    add("overflow buckets not recycled", a.overflow_requested - a.overflow_recycled,
        b.overflow_requested - b.overflow_recycled, of_one_map);
    add("growths", a.growths, b.growths, of_one_map);
    add("regrows", a.regrows, b.regrows, of_one_map);
    add("chains evacuated", a.evacuated_chains, b.evacuated_chains, of_one_map);
  }
  if (base.memory && other.memory) {
    constexpr double line_bytes = 64;
    out.add("allocations", static_cast<double>(base.memory->allocations),
            static_cast<double>(other.memory->allocations), 1 / operations);
    out.add("peak bytes", static_cast<double>(base.memory->peak_bytes),
            static_cast<double>(other.memory->peak_bytes), of_one_map / line_bytes);
  }
  return out.ranked();
}

std::string why_text(const measured_row& base, const measured_row& other,
                     const std::vector<counter_difference>& counters, double slower_ns, bool different) {
  constexpr std::size_t most = 3;
  std::string silent;
  for (const measured_row* row : {&base, &other}) {
    if (!row->result.counts.known) silent += (silent.empty() ? "" : " and ") + row->task.variant->name;
  }
  if (!silent.empty()) silent = "; " + silent + " tells no counters of its own";
  if (counters.empty()) {
    if (!different) return "no counter differs" + silent;
    return "no counter differs: the difference is in instructions an operation" +
           instructions_text(base, other) + " or what they wait for" + silent;
  }
  std::vector<std::string> can, cannot;
  for (const counter_difference& d : counters) {
    const bool agrees = slower_ns == 0 || d.events_per_op * slower_ns > 0;
    std::vector<std::string>& to = agrees ? can : cannot;
    if (to.size() < most) to.push_back(sentence(d, slower_ns));
  }
  if (slower_ns == 0) {
    const char* const effect =
        different ? "no effect on CPU time that shows" : "no effect on time that shows";
    return std::string{"counters differ, to "} + effect + ": " + joined(can) + silent;
  }
  if (can.empty())
    return "no counter explains it, so instructions an operation" + instructions_text(base, other) +
           "; to the contrary: " + joined(cannot) + silent;
  return joined(can) + (cannot.empty() ? "" : "; to the contrary: " + joined(cannot)) + silent;
}

}  // namespace tophash::lab
