// SPDX-License-Identifier: Apache-2.0
#include "lab/attribution.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "lab/catalogue.hpp"
#include "lab/findings.hpp"
#include "lab/manifest.hpp"
#include "lab/result.hpp"
#include "lab/variant_source.hpp"

namespace tophash::lab {

namespace {

// Of the variants in a comparison 0 is A, 1 is B; nothing: refused.
struct attribution_plan {
  std::vector<attributed_axis> axes;
  std::vector<std::optional<std::size_t>> from_a, from_b;
  std::vector<std::string> variants;
};

spec_description spec_to_explain(const std::string& text) {
  try {
    return with_option(parse_spec(text), "allocation=system");  // the lab's affair: --allocator
  } catch (const spec_error& error) {
    throw command_error(
        exit_usage, "'" + text + "' is no SPEC, and only compositions have axes to walk: " + error.what());
  }
}

// Options that are changed together.
using axis_group = std::vector<std::size_t>;

class attribution_planner {
 public:
  attribution_planner(const spec_description& a, const spec_description& b) : a_(a), b_(b) {
    out_.variants = {canonical(a), canonical(b)};
  }

  attribution_plan plan() {
    for (const axis_group& group : groups()) {
      attributed_axis one{.axis = {}, .a = {}, .b = {}, .refused_from_a = {}, .refused_from_b = {}};
      for (const std::size_t axis : group) {
        const char* const and_then = one.axis.empty() ? "" : "+";
        one.axis += and_then + std::string{axis_names[axis]};
        one.a += and_then + text_of(a_.options[axis]);
        one.b += and_then + text_of(b_.options[axis]);
      }
      out_.from_a.push_back(step(a_, b_, group, one.refused_from_a));
      out_.from_b.push_back(step(b_, a_, group, one.refused_from_b));
      out_.axes.push_back(std::move(one));
    }
    return std::move(out_);
  }

 private:
  static spec_description stepped(const spec_description& from, const spec_description& to,
                                  const axis_group& group) {
    spec_description out = from;
    for (const std::size_t axis : group) out.options[axis] = to.options[axis];
    return out;
  }

  // At how many of the two ends the rules allow it.
  int ends_allowed(const axis_group& group) const {
    return (check_rules(stepped(a_, b_, group), nullptr) ? 0 : 1) +
           (check_rules(stepped(b_, a_, group), nullptr) ? 0 : 1);
  }

  // A load limit counts entries to a bucket or to a group: it belongs to the layout. What no rule allows
  // alone, such as open addressing with a source of overflow buckets, is joined with what makes it legal.
  std::vector<axis_group> groups() const {
    std::vector<axis_group> out;
    for (const std::size_t axis : differing_axes(a_, b_)) {
      const bool follows =
          axis == axes::load::index && !out.empty() && out.front().front() == axes::layout::index;
      if (follows)
        out.front().push_back(axis);
      else
        out.push_back({axis});
    }
    for (std::size_t i = 0; i < out.size();) {
      const std::optional<std::size_t> other = ends_allowed(out[i]) == 0 ? partner_of(out, i) : std::nullopt;
      if (!other) {
        ++i;
        continue;
      }
      out[std::min(i, *other)] = joined_groups(out[i], out[*other]);
      out.erase(out.begin() + static_cast<std::ptrdiff_t>(std::max(i, *other)));
      i = 0;
    }
    return out;
  }

  std::optional<std::size_t> partner_of(const std::vector<axis_group>& all, std::size_t of) const {
    std::optional<std::size_t> best;
    int most = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const int ends = i == of ? 0 : ends_allowed(joined_groups(all[of], all[i]));
      if (ends > most) most = ends, best = i;
    }
    return best;
  }

  static axis_group joined_groups(axis_group a, const axis_group& b) {
    a.insert(a.end(), b.begin(), b.end());
    std::sort(a.begin(), a.end());
    return a;
  }

  std::optional<std::size_t> step(const spec_description& from, const spec_description& to,
                                  const axis_group& group, std::string& refused) {
    const spec_description spec = stepped(from, to, group);
    if (const std::optional<violation> broken = check_rules(spec, nullptr)) {
      refused = broken->message();
      return std::nullopt;
    }
    const std::string text = canonical(spec);
    const auto same = std::find(out_.variants.begin(), out_.variants.end(), text);
    const auto index = static_cast<std::size_t>(same - out_.variants.begin());
    if (same == out_.variants.end()) out_.variants.push_back(text);
    return index;
  }

  const spec_description &a_, &b_;
  attribution_plan out_;
};

attribution_plan plan_attribution(const std::string& a_text, const std::string& b_text) {
  const spec_description a = spec_to_explain(a_text), b = spec_to_explain(b_text);
  for (const spec_description* s : {&a, &b}) {
    if (const std::optional<violation> broken = check_rules(*s, nullptr))
      throw command_error(exit_usage, broken->message());
  }
  if (differing_axes(a, b).empty())
    throw command_error(exit_usage,
                        "the two SPECs mean the same composition; storages are compared with --allocator");
  return attribution_planner(a, b).plan();
}

// The interval is of the rounds; where medians are added up, it is made to hold what they add up to.
estimate around(estimate e, double median) {
  e.median = median;
  e.low = std::min(e.low, median), e.high = std::max(e.high, median);
  return e;
}

// values[variant][round]: differences are taken within a round.
attributed_figure attribute(const attribution_plan& plan, const std::vector<std::vector<double>>& values) {
  attributed_figure out;
  out.a = summarise(values[0]).median, out.b = summarise(values[1]).median;
  const std::size_t rounds = values[0].size();
  const auto per_round = [rounds](const auto& of_round) {
    std::vector<double> all;
    for (std::size_t r = 0; r < rounds; ++r) all.push_back(of_round(r));
    return all;
  };
  out.gap = summarise(per_round([&](std::size_t r) { return values[1][r] - values[0][r]; }));
  double left = out.gap.median;
  std::vector<double> rest = per_round([&](std::size_t r) { return values[1][r] - values[0][r]; });
  for (std::size_t i = 0; i < plan.axes.size(); ++i) {
    axis_share share;
    std::vector<double> a, b;
    if (plan.from_a[i])
      a = per_round([&](std::size_t r) { return values[*plan.from_a[i]][r] - values[0][r]; });
    if (plan.from_b[i])
      b = per_round([&](std::size_t r) { return values[1][r] - values[*plan.from_b[i]][r]; });
    if (!a.empty()) share.from_a = summarise(a);
    if (!b.empty()) share.from_b = summarise(b);
    if (!a.empty() || !b.empty()) {
      const std::vector<double> both = per_round([&](std::size_t r) {
        return a.empty() ? b[r] : b.empty() ? a[r] : (a[r] + b[r]) / 2;
      });
      const double mean = !share.from_a   ? share.from_b->median
                          : !share.from_b ? share.from_a->median
                                          : (share.from_a->median + share.from_b->median) / 2;
      share.share = around(summarise(both), mean);
      left -= mean;
      for (std::size_t r = 0; r < rounds; ++r) rest[r] -= both[r];
    }
    out.shares.push_back(std::move(share));
  }
  out.rest = around(summarise(rest), left);
  return out;
}

bool is_counted_once(const std::string& name) { return name.compare(0, 3, "GC:") == 0; }

std::string share_number(const attributed_figure& f, double value) {
  if (!f.exact) return fmt::format("{:+.2f}", value);
  return value == std::floor(value) ? fmt::format("{:+}", static_cast<long long>(value))
                                    : fmt::format("{:+.2f}", value);
}

std::string share_text(const attributed_figure& f, const std::optional<estimate>& e) {
  return e ? share_number(f, e->median) : "refused";
}

std::string figure_head(const attributed_figure& f) {
  const auto plain = [&f](double v) {
    return f.exact ? share_number(f, v).substr(v < 0 ? 0 : 1) : fmt::format("{:.2f}", v);
  };
  return fmt::format("\n{}: {} -> {}{}, a gap of {}", f.name, plain(f.a), plain(f.b),
                     f.unit.empty() ? "" : " " + f.unit, share_number(f, f.gap.median));
}

std::string attribution_table(const attribution& a, const attributed_figure& f, std::size_t width) {
  std::string out = figure_head(f) + "\n";
  out += fmt::format("{:<{}}  {:>9}  {:>9}  {:>9}  {:>18}  {:>6}\n", "", width, "from A", "from B", "share",
                     f.exact ? "exact" : "interval", "of gap");
  const auto line = [&](const std::string& name, const std::string& from_a, const std::string& from_b,
                        const std::optional<estimate>& share) {
    std::string interval, of_gap;
    if (share && !f.exact) interval = fmt::format("{:+.2f}..{:+.2f}", share->low, share->high);
    if (share && f.gap.median != 0)  // + 0.0: no -0 %
      of_gap = fmt::format("{:+.0f} %", 100 * share->median / f.gap.median + 0.0);
    out += fmt::format("{:<{}}  {:>9}  {:>9}  {:>9}  {:>18}  {:>6}\n", name, width, from_a, from_b,
                       share_text(f, share), interval, of_gap);
  };
  for (std::size_t i = 0; i < a.axes.size(); ++i)
    line(a.axes[i].axis, share_text(f, f.shares[i].from_a), share_text(f, f.shares[i].from_b),
         f.shares[i].share);
  line("rest: interaction", "", "", f.rest);
  return out;
}

// "erase p50: 39.3 -> 35.2 ns, a gap of -4.1: deletion -2.0, rest -2.1"
std::string attribution_line(const attribution& a, const attributed_figure& f) {
  std::string out = figure_head(f);
  const char* before = ": ";
  for (std::size_t i = 0; i < a.axes.size(); ++i) {
    if (!f.shares[i].share || (f.exact && f.shares[i].share->median == 0)) continue;
    out += before + a.axes[i].axis + " " + share_number(f, f.shares[i].share->median);
    before = ", ";
  }
  if (!f.exact || f.rest.median != 0) out += before + std::string{"rest "} + share_number(f, f.rest.median);
  return out;
}

nlohmann::json optional_interval(const std::optional<estimate>& e) {
  return e ? interval_json(*e) : nlohmann::json(nullptr);
}

}  // namespace

attribution run_attribution(const experiment_request& request) {
  attribution out;
  const attribution_plan plan = plan_attribution(request.variants.at(0), request.variants.at(1));
  const std::vector<std::string> storages = split_storages(request.allocators);
  if (storages.size() > 1 || std::find(storages.begin(), storages.end(), "all") != storages.end())
    throw command_error(exit_usage, "explain with two SPECs takes one allocator: a gap is of one storage");
  experiment_request r = request;
  r.variants = plan.variants;
  out.axes = plan.axes;
  out.measured = run_comparison(r);
  if (out.measured.rounds == 0 || out.measured.measured.measured.rows.size() != plan.variants.size())
    return out;
  for (const timed_figure& t : out.measured.timed) {
    attributed_figure f = attribute(plan, t.rounds);
    f.name = t.name, f.unit = t.name == "CPU" ? "ns/op" : "ns";
    out.figures.push_back(std::move(f));
  }
  for (const exact_figure& e : out.measured.exact) {
    std::vector<std::vector<double>> values;
    for (const std::optional<double>& v : e.values) {
      if (v) values.push_back({*v});
    }
    if (values.size() != plan.variants.size() || is_counted_once(e.name)) continue;
    attributed_figure f = attribute(plan, values);
    if (f.gap.median == 0) continue;
    f.name = e.name, f.exact = true;
    out.figures.push_back(std::move(f));
  }
  return out;
}

int exit_code_of(const attribution& a) { return exit_code_of(a.measured); }

nlohmann::json attribution_json(const attribution& a) {
  const experiment_request& r = a.measured.measured.request;
  nlohmann::json out{{"schema", "tophash-attribution-1"},
                     {"manifest", manifest()},
                     {"rounds", a.measured.rounds},
                     {"experiment", {{"command", "explain"}, {"argv", r.argv}, {"seed", r.seed}}}};
  out["manifest"]["seed"] = r.seed;
  out["manifest"]["input"] = a.measured.measured.input_text;
  out["manifest"]["input_sha256"] = a.measured.measured.input_sha256;
  out["variants"] = r.variants;
  for (const attributed_axis& x : a.axes) {
    nlohmann::json one{{"axis", x.axis}, {"a", x.a}, {"b", x.b}};
    if (!x.refused_from_a.empty()) one["refused_from_a"] = x.refused_from_a;
    if (!x.refused_from_b.empty()) one["refused_from_b"] = x.refused_from_b;
    out["axes"].push_back(std::move(one));
  }
  out["figures"] = nlohmann::json::array();
  for (const attributed_figure& f : a.figures) {
    nlohmann::json one{{"name", f.name},
                       {"unit", f.unit},
                       {"exact", f.exact},
                       {"a", f.a},
                       {"b", f.b},
                       {"gap", interval_json(f.gap)},
                       {"rest", interval_json(f.rest)}};
    for (const axis_share& s : f.shares)
      one["shares"].push_back({{"from_a", optional_interval(s.from_a)},
                               {"from_b", optional_interval(s.from_b)},
                               {"share", optional_interval(s.share)}});
    out["figures"].push_back(std::move(one));
  }
  if (!a.measured.measured.measured.mismatches.empty())
    out["mismatches"] = a.measured.measured.measured.mismatches;
  if (a.measured.interrupted) out["interrupted"] = true;
  return out;
}

std::string attribution_text(const attribution& a) {
  std::string out = a.measured.measured.input_text + "\n";
  const std::vector<std::string>& names = a.measured.measured.request.variants;
  for (std::size_t i = 0; i < 2 && i < names.size(); ++i)
    out += std::string{i == 0 ? "A: " : "B: "} + short_text(parse_spec(names[i])) + "\n";
  std::size_t width = 18;
  for (const attributed_axis& x : a.axes) {
    width = std::max(width, x.axis.size());
    out += "   " + x.axis + ": " + x.a + " -> " + x.b + "\n";
  }
  for (const attributed_figure& f : a.figures) {
    if (f.name == "CPU" || f.name == "peak bytes") out += attribution_table(a, f, width);
  }
  for (const attributed_figure& f : a.figures) {
    const bool told = f.exact || f.gap.low > 0 || f.gap.high < 0;
    if (f.name != "CPU" && f.name != "peak bytes" && told) out += attribution_line(a, f);
  }
  for (const attributed_axis& x : a.axes) {
    if (!x.refused_from_a.empty()) out += "\n" + x.axis + " not from A: " + x.refused_from_a;
    if (!x.refused_from_b.empty()) out += "\n" + x.axis + " not from B: " + x.refused_from_b;
  }
  if (!a.figures.empty() && !a.figures.front().exact)
    out += fmt::format("\n{} rounds; an interval of one figure holds its median with a chance of {:.0f} %\n",
                       a.measured.rounds, 100 * a.figures.front().gap.coverage);
  if (a.measured.interrupted) out += "interrupted: these are the results so far\n";
  return out;
}

}  // namespace tophash::lab
