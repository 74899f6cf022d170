// SPDX-License-Identifier: Apache-2.0
#include "lab/sweep.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "lab/catalogue.hpp"
#include "lab/findings.hpp"
#include "lab/goals.hpp"
#include "lab/manifest.hpp"
#include "lab/nearest.hpp"
#include "lab/result.hpp"
#include "lab/sha256.hpp"

namespace tophash::lab {

namespace {

constexpr std::size_t most_points = 100'000;
constexpr const char* sweep_schema = "tophash-sweep-1";

[[noreturn]] void refuse_sweep(const std::string& sentence) { throw command_error(exit_usage, sentence); }

// ---- values ----------------------------------------------------------------------------------------

bool small_number(std::string_view text, long& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty() && out >= 0;
}

std::vector<std::string> split_at(std::string_view text, std::string_view separator) {
  std::vector<std::string> out;
  for (;;) {
    const std::size_t end = text.find(separator);
    out.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + separator.size());
  }
}

// `3..12`, `1..64..8`; nothing: no range.
std::vector<std::string> range_of(const std::string& text, const std::string& whole) {
  const std::vector<std::string> parts = split_at(text, "..");
  if (parts.size() == 1) return {};
  long from = 0, to = 0, step = 1;
  if (parts.size() > 3 || !small_number(parts[0], from) || !small_number(parts[1], to) ||
      (parts.size() == 3 && !small_number(parts[2], step)) || step == 0 || to < from)
    refuse_sweep("--vary " + whole + ": '" + text + "' is no range; write 3..12, or 0..64..8 with a step");
  std::vector<std::string> out;
  for (long v = from; v <= to; v += step) {
    if (out.size() == most_points) refuse_sweep("--vary " + whole + ": '" + text + "' has too many values");
    out.push_back(std::to_string(v));
  }
  return out;
}

// Every text that the sets in it stand for, the first set slowest.
std::vector<std::string> expanded(const std::string& text, const std::string& whole) {
  const std::size_t open = text.find('{');
  if (open == std::string::npos) {
    if (text.find('}') != std::string::npos) refuse_sweep("--vary " + whole + ": a '}' without its '{'");
    return {text};
  }
  const std::size_t close = text.find('}', open);
  if (close == std::string::npos) refuse_sweep("--vary " + whole + ": a '{' without its '}'");
  const std::string inside = text.substr(open + 1, close - open - 1);
  std::vector<std::string> values = range_of(inside, whole);
  if (values.empty()) values = split_at(inside, ",");
  std::vector<std::string> out;
  for (const std::string& behind : expanded(text.substr(close + 1), whole)) {
    for (const std::string& v : values) {
      if (v.empty()) refuse_sweep("--vary " + whole + ": an empty value in {" + inside + "}");
      out.push_back(text.substr(0, open) + v + behind);
    }
  }
  return out;
}

// `3..12` or `13/2..15/2` of an axis whose one option has its name.
std::vector<std::string> loads_of(const std::string& text, const std::string& whole) {
  std::string divisor, numbers;
  for (const std::string& part : split_at(text, "..")) {
    const std::size_t slash = part.find('/');
    const std::string below = slash == std::string::npos ? "" : part.substr(slash + 1);
    if (!numbers.empty() && below != divisor && !below.empty())
      refuse_sweep("--vary " + whole + ": '" + text + "' has two divisors");
    if (numbers.empty()) divisor = below;
    numbers += (numbers.empty() ? "" : "..") + part.substr(0, slash);
  }
  std::vector<std::string> out = range_of(numbers, whole);
  if (out.empty()) out = {numbers};
  for (std::string& v : out) v = "load(" + v + (divisor.empty() ? "" : "," + divisor) + ")";
  return out;
}

struct varied_axis {
  std::size_t axis;
  std::vector<std::string> values;  // canonical
};

varied_axis varied_of(const std::string& text, const spec_description& base) {
  const auto [name, values] = parse_vary(text);
  varied_axis out{
      static_cast<std::size_t>(std::find(axis_names.begin(), axis_names.end(), name) - axis_names.begin()),
      {}};
  for (const std::string& value : values) {
    try {
      const spec_description s = with_option(base, name + "=" + value);
      const std::string canonical_value = text_of(s.options[out.axis]);
      if (std::find(out.values.begin(), out.values.end(), canonical_value) == out.values.end())
        out.values.push_back(canonical_value);
    } catch (const spec_error& error) {
      refuse_sweep("--vary " + text + ": " + name + "=" + value + ": " + error.what());
    }
  }
  return out;
}

// ---- the grid --------------------------------------------------------------------------------------

struct sweep_point {
  std::size_t index = 0;
  std::vector<std::string> values;  // by varied axis
  std::string spec, refused;        // the rule's sentence; empty: legal
  std::size_t n = 0;                // 0: a trace
  std::string storage;
};

struct sweep_grid {
  spec_description base;
  std::vector<varied_axis> varied;
  std::vector<std::size_t> sizes;
  std::vector<std::string> storages;

  std::size_t count() const {
    std::size_t out = sizes.size() * storages.size();
    for (const varied_axis& v : varied) {
      out *= v.values.size();
      if (out > most_points)
        refuse_sweep("the grid has more than " + std::to_string(most_points) + " points");
    }
    return out;
  }

  // Storage slowest, then size, then the axes as they were given, the last one fastest.
  sweep_point at(std::size_t index) const {
    sweep_point out{.index = index, .values = {}, .spec = {}, .refused = {}, .n = 0, .storage = {}};
    spec_description spec = base;
    out.values.resize(varied.size());
    for (std::size_t i = varied.size(); i-- > 0;) {
      const varied_axis& v = varied[i];
      out.values[i] = v.values[index % v.values.size()];
      index /= v.values.size();
      spec = with_option(spec, std::string{axis_names[v.axis]} + "=" + out.values[i]);
    }
    out.n = sizes[index % sizes.size()];
    out.storage = storages[index / sizes.size()];
    out.spec = canonical(spec);
    if (const std::optional<violation> broken = check_rules(spec, nullptr)) out.refused = broken->message();
    return out;
  }
};

std::pair<std::size_t, std::size_t> shard_of(const std::string& text) {
  long i = 0, n = 0;
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos || !small_number(std::string_view{text}.substr(0, slash), i) ||
      !small_number(std::string_view{text}.substr(slash + 1), n) || i < 1 || i > n || n > 10'000)
    refuse_sweep("--shard " + text + " is no i/n with 1 <= i <= n <= 10000");
  return {static_cast<std::size_t>(i), static_cast<std::size_t>(n)};
}

// ---- results ---------------------------------------------------------------------------------------

// What a seed decides.
nlohmann::json exact_part(const measured_row& r) {
  const map_counts& c = r.result.counts;
  nlohmann::json out{{"checksum", std::to_string(r.result.checksum)},
                     {"operations", r.result.operations},
                     {"entries", r.result.end_size}};
  if (r.memory && r.memory->counted) {
    out["peak_bytes"] = r.memory->peak_bytes, out["end_bytes"] = r.memory->end_bytes;
    out["allocations"] = r.memory->allocations;
  }
  if (c.known)
    out["counters"] = {{"dead", c.dead},
                       {"dirty", c.dirty},
                       {"growths", c.growths},
                       {"regrows", c.regrows},
                       {"evacuated_chains", c.evacuated_chains},
                       {"overflow_in_use", c.overflow_in_use},
                       {"overflow_requested", c.overflow_requested},
                       {"overflow_recycled", c.overflow_recycled},
                       {"hit_probes", c.hit_probes},
                       {"miss_probes", c.miss_probes},
                       {"longest_chain", c.longest_chain_entries}};
  return out;
}

// What the machine decides.
nlohmann::json varying_part(const measured_row& r, const measured_row* base) {
  nlohmann::json out{{"ns_per_op", interval_json(summarise(r.cpu_ns_per_op))}};
  if (base != nullptr) out["ratio"] = interval_json(paired_ratio(r, *base));
  for (const char* metric : {"p50", "p99", "p99.9", "max", "rss", "pause"}) {
    if (const std::optional<double> value = metric_of(metric, r)) out[metric] = *value;
  }
  return out;
}

std::string row_key(const std::string& spec, std::size_t n, const std::string& storage) {
  return spec + " on " + storage + " of " + std::to_string(n);
}

class sweep_run {
 public:
  explicit sweep_run(const sweep_request& request) : request_(request) {
    const std::string& text = request.base.variants.front();
    try {
      grid_.base = with_option(parse_spec(text), "allocation=system");
    } catch (const spec_error& error) {
      refuse_sweep("'" + text + "' is no SPEC: " + error.what());
    }
    if (const std::optional<violation> broken = check_rules(grid_.base, nullptr))
      refuse_sweep(broken->message());
    for (const std::string& v : request.vary) {
      grid_.varied.push_back(varied_of(v, grid_.base));
      for (std::size_t i = 0; i + 1 < grid_.varied.size(); ++i) {
        if (grid_.varied[i].axis == grid_.varied.back().axis)
          refuse_sweep("--vary names the axis " + std::string{axis_names[grid_.varied[i].axis]} +
                       " twice; values of one axis are separated by '|'");
      }
    }
    if (request.base.workload == "load_sweep")
      refuse_sweep(
          "load_sweep fills one map through every load by itself: `tophash run --workload load_sweep`");
    std::tie(shard_, shards_) = shard_of(request.shard);
  }

  nlohmann::json run() {
    prepare();
    choose();
    nlohmann::json out{{"schema", sweep_schema}, {"grid", grid_json()}};
    std::vector<measured_task> tasks = tasks_of_shard();
    measurement m;
    if (!tasks.empty())
      m = measure(tasks, {.repeat = request_.base.repeat,
                          .seed = request_.base.seed,
                          .memory = request_.base.memory,
                          .latency = request_.base.latency,
                          .progress = request_.base.progress});
    for (const measured_row& r : m.rows) {
      if (r.trouble.empty())
        rows_[row_key(r.task.variant->spec, r.task.n, r.task.storage)] = &r;
      else
        troubles_[row_key(r.task.variant->spec, r.task.n, r.task.storage)] = r.trouble;
    }
    out["points"] = nlohmann::json::array();
    std::size_t lacking = 0;
    for (const sweep_point& p : points_) {
      nlohmann::json one = point_json(p);
      if (one.is_null())
        ++lacking;
      else
        out["points"].push_back(std::move(one));
    }
    out["shards"] = nlohmann::json::array({shard_json()});
    if (!m.mismatches.empty()) out["mismatches"] = m.mismatches;
    if (m.interrupted || lacking != 0) out["interrupted"] = true;
    return out;
  }

 private:
  // Reads the input and finds the storages; the variants come after, only those of this shard.
  void prepare() {
    experiment_request r = request_.base;
    r.variants = {canonical(grid_.base)};
    const std::vector<measured_task> tasks = prepare_experiment(r, prepared_);
    for (const measured_task& t : tasks) {
      if (std::find(grid_.sizes.begin(), grid_.sizes.end(), t.n) == grid_.sizes.end())
        grid_.sizes.push_back(t.n);
      if (std::find(grid_.storages.begin(), grid_.storages.end(), t.storage) == grid_.storages.end())
        grid_.storages.push_back(t.storage);
    }
    prepared_.programs.clear();
  }

  void choose() {
    const std::size_t count = grid_.count();
    for (std::size_t i = shard_ - 1; i < count; i += shards_) points_.push_back(grid_.at(i));
  }

  std::vector<measured_task> tasks_of_shard() {
    std::set<std::string> wanted, specs;
    for (const sweep_point& p : points_) {
      if (!p.refused.empty()) continue;
      specs.insert(p.spec);
      wanted.insert(row_key(p.spec, p.n, p.storage));
      wanted.insert(row_key(canonical(grid_.base), p.n, p.storage));
    }
    if (specs.empty()) return {};
    specs.insert(canonical(grid_.base));
    experiment_request r = request_.base;
    r.variants.assign(specs.begin(), specs.end());
    std::vector<measured_task> tasks = prepare_experiment(r, prepared_of_shard_);
    std::erase_if(tasks, [&wanted](const measured_task& t) {
      return wanted.count(row_key(t.variant->spec, t.n, t.storage)) == 0;
    });
    return tasks;
  }

  nlohmann::json grid_json() const {
    nlohmann::json out{{"base", canonical(grid_.base)},          {"input", prepared_.input_text},
                       {"input_sha256", prepared_.input_sha256}, {"n", grid_.sizes},
                       {"allocators", grid_.storages},           {"seed", request_.base.seed},
                       {"repeat", request_.base.repeat},         {"points", grid_.count()}};
    out["vary"] = nlohmann::json::array();
    for (const varied_axis& v : grid_.varied)
      out["vary"].push_back({{"axis", axis_names[v.axis]}, {"values", v.values}});
    out["sha256"] = sha256_of(out.dump());
    return out;
  }

  // Null: an interruption came before it.
  nlohmann::json point_json(const sweep_point& p) const {
    nlohmann::json out{{"index", p.index}, {"spec", p.spec}, {"n", p.n}, {"allocator", p.storage}};
    for (std::size_t i = 0; i < p.values.size(); ++i)
      out["values"][std::string{axis_names[grid_.varied[i].axis]}] = p.values[i];
    const std::string key = row_key(p.spec, p.n, p.storage);
    const auto found = rows_.find(key);
    if (!p.refused.empty()) {
      out["refused"] = p.refused;
    } else if (found != rows_.end() && !found->second->cpu_ns_per_op.empty()) {
      const auto base = rows_.find(row_key(canonical(grid_.base), p.n, p.storage));
      out["exact"] = exact_part(*found->second);
      out["varies"] = varying_part(*found->second, base == rows_.end() ? nullptr : base->second);
    } else if (const auto trouble = troubles_.find(key); trouble != troubles_.end()) {
      out["trouble"] = trouble->second;
    } else if (const std::string why = left_out(p); !why.empty()) {
      out["refused"] = why;
    } else {
      return nullptr;
    }
    return out;
  }

  // The storage or the kind of key is what refuses it.
  std::string left_out(const sweep_point& p) const {
    const std::string lead = short_text(parse_spec(p.spec)) + " on " + p.storage + ": ";
    for (const std::string& sentence : prepared_of_shard_.left_out) {
      if (sentence.compare(0, lead.size(), lead) == 0) return sentence.substr(lead.size());
    }
    return {};
  }

  nlohmann::json shard_json() const {
    nlohmann::json out{
        {"shard", shard_}, {"of", shards_}, {"argv", request_.base.argv}, {"manifest", manifest()}};
    out["bases"] = nlohmann::json::array();
    for (const std::string& storage : grid_.storages) {
      for (const std::size_t n : grid_.sizes) {
        const auto found = rows_.find(row_key(canonical(grid_.base), n, storage));
        if (found == rows_.end() || found->second->cpu_ns_per_op.empty()) continue;
        out["bases"].push_back({{"n", n},
                                {"allocator", storage},
                                {"exact", exact_part(*found->second)},
                                {"varies", varying_part(*found->second, nullptr)}});
      }
    }
    return out;
  }

  const sweep_request& request_;
  sweep_grid grid_;
  std::size_t shard_ = 1, shards_ = 1;
  experiment prepared_, prepared_of_shard_;
  std::vector<sweep_point> points_;
  std::map<std::string, const measured_row*> rows_;
  std::map<std::string, std::string> troubles_;
};

// ---- merging ---------------------------------------------------------------------------------------

[[noreturn]] void refuse_merge(const std::string& sentence) {
  throw command_error(exit_check_failed, sentence);
}

void check_same_grid(const std::string& first_name, const nlohmann::json& first, const std::string& name,
                     const nlohmann::json& grid) {
  if (first == grid) return;
  for (const auto& [key, value] : first.items()) {
    if (key != "sha256" && (!grid.contains(key) || grid.at(key) != value))
      refuse_merge(name + " is of another sweep than " + first_name + ": its " + key + " is " +
                   (grid.contains(key) ? grid.at(key).dump() : "not there") + ", not " + value.dump());
  }
  refuse_merge(name + " is of another sweep than " + first_name);
}

// Points of one size have one program: their results are equal.
std::vector<std::string> unequal_points(const nlohmann::json& points) {
  std::map<std::size_t, const nlohmann::json*> first;
  std::vector<std::string> out;
  for (const nlohmann::json& p : points) {
    if (!p.contains("exact")) continue;
    const auto [known, is_new] = first.emplace(p.at("n").get<std::size_t>(), &p);
    if (!is_new && known->second->at("exact").at("checksum") != p.at("exact").at("checksum"))
      out.push_back("unequal results: " + p.at("spec").get<std::string>() + " and " +
                    known->second->at("spec").get<std::string>());
  }
  return out;
}

std::string joined_text(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& p : parts) out += (out.empty() ? "" : ", ") + p;
  return out;
}

// Column by column as wide as its widest cell; the first `left` columns are text.
std::string table_text(const std::vector<std::vector<std::string>>& rows, std::size_t left) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += i == 0 ? "" : "  ";
      line += i < left ? fmt::format("{:<{}}", row[i], widths[i]) : fmt::format("{:>{}}", row[i], widths[i]);
    }
    out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return out;
}

}  // namespace

std::pair<std::string, std::vector<std::string>> parse_vary(const std::string& text) {
  const std::size_t sign = text.find('=');
  if (sign == std::string::npos || sign + 1 == text.size())
    refuse_sweep("--vary " + text +
                 " is no AXIS=VALUES, such as load=3..12 or 'growth=incremental({1,2,8})|eager'");
  const std::string axis = text.substr(0, sign);
  if (std::find(axis_names.begin(), axis_names.end(), axis) == axis_names.end()) {
    const std::vector<std::string> known(axis_names.begin(), axis_names.end());
    refuse_sweep("--vary " + text + ": '" + axis + "' is no axis" + nearest_hint(axis, known));
  }
  if (axis == "allocation") refuse_sweep("--vary " + text + ": storages are varied with --allocator A,B,...");
  std::vector<std::string> values;
  for (const std::string& one : split_at(std::string_view{text}.substr(sign + 1), "|")) {
    if (one.empty()) refuse_sweep("--vary " + text + ": an empty value");
    const bool bare = one.find_first_not_of("0123456789./") == std::string::npos;
    if (bare && axis != "load")
      refuse_sweep("--vary " + text + ": '" + one +
                   "' names no option; write it out, such as growth=incremental({1..8})");
    const std::vector<std::string> all = bare ? loads_of(one, text) : expanded(one, text);
    values.insert(values.end(), all.begin(), all.end());
  }
  return {axis, values};
}

nlohmann::json run_sweep(const sweep_request& request) { return sweep_run(request).run(); }

nlohmann::json merge_sweeps(const std::vector<std::pair<std::string, nlohmann::json>>& parts) {
  if (parts.empty()) refuse_sweep("merge needs results of `tophash sweep --shard i/n --json FILE`");
  const auto& [first_name, first] = parts.front();
  std::size_t of = 0;
  std::map<std::size_t, const std::pair<std::string, nlohmann::json>*> shards;
  for (const auto& part : parts) {
    const auto& [name, content] = part;
    const bool is_sweep = content.is_object() && content.value("schema", "") == sweep_schema &&
                          content.contains("grid") && content.contains("points") &&
                          content.contains("shards");
    if (!is_sweep) refuse_merge(name + " is no result of `tophash sweep`");
    if (content.at("shards").size() != 1) refuse_merge(name + " is merged already");
    check_same_grid(first_name, first.at("grid"), name, content.at("grid"));
    const nlohmann::json& shard = content.at("shards").at(0);
    const std::size_t i = shard.at("shard"), n = shard.at("of");
    if (of != 0 && n != of)
      refuse_merge(name + " is one of " + std::to_string(n) + " shards, " + first_name + " one of " +
                   std::to_string(of));
    of = n;
    const auto [known, is_new] = shards.emplace(i, &part);
    if (!is_new)
      refuse_merge(known->second->first + " and " + name + " are both shard " + std::to_string(i) + "/" +
                   std::to_string(n));
    std::size_t own = 0;
    for (std::size_t k = i - 1; k < content.at("grid").at("points").get<std::size_t>(); k += n) ++own;
    if (content.at("points").size() != own)
      refuse_merge(name + " was cut short: it has " + std::to_string(content.at("points").size()) +
                   " of its " + std::to_string(own) + " points");
  }
  std::vector<std::string> missing;
  for (std::size_t i = 1; i <= of; ++i) {
    if (shards.count(i) == 0) missing.push_back(std::to_string(i) + "/" + std::to_string(of));
  }
  if (!missing.empty()) refuse_merge("missing: shard " + joined_text(missing));

  nlohmann::json out{{"schema", sweep_schema}, {"grid", first.at("grid")}};
  std::map<std::size_t, const nlohmann::json*> points;
  std::vector<std::string> mismatches;
  out["shards"] = nlohmann::json::array();
  for (const auto& [i, part] : shards) {
    out["shards"].push_back(part->second.at("shards").at(0));
    for (const nlohmann::json& p : part->second.at("points")) {
      const auto [known, is_new] = points.emplace(p.at("index").get<std::size_t>(), &p);
      if (!is_new || known->first % of != i - 1)
        refuse_merge(part->first + ": point " + std::to_string(known->first) + " is not of shard " +
                     std::to_string(i) + "/" + std::to_string(of));
    }
    for (const nlohmann::json& sentence : part->second.value("mismatches", nlohmann::json::array()))
      mismatches.push_back(sentence.get<std::string>());
  }
  out["points"] = nlohmann::json::array();
  for (const auto& [index, p] : points) out["points"].push_back(*p);
  for (std::string& sentence : unequal_points(out.at("points"))) mismatches.push_back(std::move(sentence));
  if (!mismatches.empty()) out["mismatches"] = mismatches;
  return out;
}

std::string sweep_text(const nlohmann::json& sweep) {
  const nlohmann::json& grid = sweep.at("grid");
  std::string out = grid.at("input").get<std::string>() +
                    "\nbase: " + short_text(parse_spec(grid.at("base").get<std::string>())) + "\n\n";
  std::vector<std::string> axes_shown;
  for (const nlohmann::json& v : grid.at("vary")) axes_shown.push_back(v.at("axis"));
  const bool sizes = grid.at("n").size() > 1, storages = grid.at("allocators").size() > 1;
  std::vector<std::string> head = axes_shown;
  if (sizes) head.emplace_back("n");
  if (storages) head.emplace_back("allocator");
  const std::size_t left = head.size();
  for (const char* name : {"CPU ns/op", "to base", "p99.9", "worst", "peak", "hit probes", "miss probes"})
    head.emplace_back(name);
  std::vector<std::vector<std::string>> rows = {head};
  std::vector<std::string> refused;
  for (const nlohmann::json& p : sweep.at("points")) {
    std::vector<std::string> row;
    for (const std::string& axis : axes_shown) row.push_back(p.at("values").at(axis));
    if (sizes) row.push_back(std::to_string(p.at("n").get<std::size_t>()));
    if (storages) row.push_back(p.at("allocator"));
    if (!p.contains("varies")) {
      refused.push_back(joined_text(row) + ": " + p.value("refused", p.value("trouble", "")));
      continue;
    }
    const nlohmann::json &v = p.at("varies"), &e = p.at("exact");
    row.push_back(fmt::format("{:.1f}", v.at("ns_per_op").at("median").get<double>()));
    row.push_back(v.contains("ratio")
                      ? fmt::format("{:+.1f} %", 100 * (v.at("ratio").at("median").get<double>() - 1))
                      : "");
    for (const char* name : {"p99.9", "max"}) row.push_back(v.contains(name) ? time_text(v.at(name)) : "");
    row.push_back(e.contains("peak_bytes") ? bytes_text(e.at("peak_bytes")) : "");
    for (const char* name : {"hit_probes", "miss_probes"})
      row.push_back(e.contains("counters") ? fmt::format("{:.2f}", e.at("counters").at(name).get<double>())
                                           : "");
    rows.push_back(std::move(row));
  }
  out += table_text(rows, left);
  if (!refused.empty())
    out += fmt::format("\n{} of {} points are refused:\n", refused.size(), sweep.at("points").size());
  for (std::size_t i = 0; i < std::min<std::size_t>(refused.size(), 10); ++i) out += "  " + refused[i] + "\n";
  const nlohmann::json& shard = sweep.at("shards").at(0);
  if (sweep.at("shards").size() != shard.at("of").get<std::size_t>())
    out += fmt::format("\nshard {}/{}: {} of {} points\n", shard.at("shard").get<std::size_t>(),
                       shard.at("of").get<std::size_t>(), sweep.at("points").size(),
                       grid.at("points").get<std::size_t>());
  if (sweep.contains("interrupted")) out += "interrupted: these are the results so far\n";
  return out;
}

int exit_code_of_sweep(const nlohmann::json& sweep) {
  if (sweep.value("interrupted", false)) return exit_interrupted;
  bool failed = sweep.contains("mismatches");
  for (const nlohmann::json& p : sweep.at("points")) failed = failed || p.contains("trouble");
  return failed ? exit_check_failed : exit_done;
}

}  // namespace tophash::lab
