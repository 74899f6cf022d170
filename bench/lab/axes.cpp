// SPDX-License-Identifier: Apache-2.0
#include "lab/axes.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <limits>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "lab/advise.hpp"
#include "lab/assembly.hpp"
#include "lab/catalogue.hpp"
#include "lab/compare.hpp"
#include "lab/experiment.hpp"
#include "lab/findings.hpp"
#include "lab/manifest.hpp"
#include "lab/map_watcher.hpp"
#include "lab/nearest.hpp"
#include "lab/on_demand.hpp"
#include "lab/registry.hpp"
#include "lab/result.hpp"
#include "lab/storages.hpp"
#include "lab/trace.hpp"

#ifndef TOPHASH_LAB_TRACES
#define TOPHASH_LAB_TRACES "bench/traces"
#endif

namespace tophash::lab {

namespace {

namespace fs = std::filesystem;

// ---- what is tried ---------------------------------------------------------------------------------

enum class shipped : unsigned char { allocations, symbols };
// The first half of the rows ends while the maps are full; at its end the allocation trace has freed nearly
// all.
enum class trace_part : unsigned char { first_half, whole, loops };

struct axis_experiment {
  const char* axis;
  const char* in;  // options of both sides, empty: the defaults
  const char *a, *b;
  shipped trace;
  trace_part rows;
  axis_evidence evidence;
  const char *metric, *counter, *why;
};

constexpr auto by_count = axis_evidence::exact;
constexpr auto by_machine = axis_evidence::machine;
constexpr auto by_clock = axis_evidence::time;
constexpr const char* moved_by_a_write = "buckets moved by one write, at most";
constexpr const char* searched_bytes_name = "bytes searched in a collection, for an entry";
constexpr const char* resident_name = "resident bytes";
constexpr const char* requested_name = "bytes requested in all";
constexpr const char* cpu_name = "CPU ns an operation";
constexpr const char* loop_name = "CPU ns a visited entry";
constexpr const char* find_instructions = "instructions of find";
constexpr const char* insert_calls = "calls in insert";
constexpr const char* insert_instructions = "instructions of insert";

// In the order of the axes; those that nothing of an axis is expected to move are here too.
constexpr axis_experiment axis_experiments[] = {
    {"layout", "fastest", "open_groups", "nodes", shipped::symbols, trace_part::whole, by_count,
     "allocations", requested_name, "nodes has a block for every entry, the groups are one array"},
    {"hashing", "", "seeded(wyhash)", "identity", shipped::allocations, trace_part::first_half, by_count,
     "hit probes", "longest chain",
     "addresses are multiples of 16: unmixed, they share a sixteenth of the buckets"},
    {"sizing", "hashing=identity", "power_of_two", "prime", shipped::allocations, trace_part::first_half,
     by_count, "hit probes", "longest chain",
     "a remainder by a prime uses all bits of a key that nobody mixed"},
    {"deletion", "", "immediate", "tombstone(not_reusing)", shipped::allocations, trace_part::first_half,
     by_count, "overflow requested", "dead slots",
     "a slot that is not used again makes the next insert ask for a bucket"},
    {"load", "", "load(13,2)", "load(3,1)", shipped::symbols, trace_part::whole, by_count,
     "overflow requested", "peak bytes",
     "a bucket overflows when nine keys meet in it: seldom where three are allowed on average"},
    {"growth", "", "eager", "incremental(2)", shipped::symbols, trace_part::whole, by_count, moved_by_a_write,
     "growths", "as many growths, but a write moves a few chains of each instead of all"},
    {"growth", "", "eager", "shrinking(eager)", shipped::allocations, trace_part::whole, by_count,
     "end bytes", "growths",
     "the program frees nearly all it had; who does not shrink keeps the array of its peak"},
    {"overflow", "", "fresh", "local_list", shipped::allocations, trace_part::first_half, by_count,
     "allocations", "overflow recycled",
     "an emptied overflow bucket is used again instead of going through the allocator"},
    {"allocation", "layout=nodes", "system", "arena", shipped::allocations, trace_part::whole, by_machine,
     resident_name, requested_name,
     "an arena gives nothing back before its end: all that was ever requested stays"},
    {"collector", "", "boehm_scanned", "boehm_pointer_free", shipped::symbols, trace_part::whole, by_machine,
     searched_bytes_name, "end bytes", "slots that are declared free of pointers are not searched"},
    {"iteration", "", "plain", "mutation_safe", shipped::symbols, trace_part::whole, by_count, "peak bytes",
     "allocations", "a loop that survives writes costs the loop, not the map"},
    {"iteration", "", "plain", "mutation_safe", shipped::symbols, trace_part::loops, by_clock, loop_name,
     find_instructions, "a step looks where its entry is now, and takes no part in a lookup"},
    {"sync", "fastest", "none", "striped(64)", shipped::symbols, trace_part::whole, by_count, "allocations",
     requested_name, "64 tables, each with an array of its own that grows for itself"},
    {"sync", "", "none", "shared_mutex", shipped::allocations, trace_part::first_half, by_clock, cpu_name,
     insert_calls, "a lock taken and released around each operation"},
    {"observe", "", "nothing", "counters", shipped::allocations, trace_part::first_half, by_count,
     "peak bytes", "allocations", "an observer allocates nothing"},
    {"observe", "", "nothing", "event_log(64)", shipped::allocations, trace_part::first_half, by_clock,
     cpu_name, insert_instructions, "each write reads the clock and stores an event"},
};

const char* trace_name(shipped t) {
  return t == shipped::allocations ? "alloc_python_ast" : "pystdlib_symbols";
}
const char* part_name(trace_part p) {
  return p == trace_part::first_half ? "first half" : p == trace_part::whole ? "all" : "loops";
}
bool on_storages(const axis_experiment& e) {
  return std::string_view{e.axis} == "allocation" || std::string_view{e.axis} == "collector";
}

std::string spec_of(const axis_experiment& e, const char* side) {
  const std::string rest = *e.in == 0 ? "defaults" : e.in;
  if (on_storages(e)) return canonical(parse_spec(rest));
  return canonical(with_option(parse_spec(rest), std::string{e.axis} + "=" + side));
}
std::string storage_of(const axis_experiment& e, const char* side) {
  return on_storages(e) ? side : "system";
}

bool axis_wanted(const axes_request& r, const axis_experiment& e) {
  if (!r.times && e.evidence == axis_evidence::time) return false;
  return r.axes.empty() || std::find(r.axes.begin(), r.axes.end(), e.axis) != r.axes.end();
}

// ---- programs --------------------------------------------------------------------------------------

// The trace unmeasured, then loops over what it left.
template <class Key>
program<Key> with_loops(program<Key> p) {
  constexpr std::uint32_t loops = 20;
  for (segment& s : p.segments) s.measured = false;
  p.segments.push_back({.kind = segment_kind::iterate, .begin = 0, .end = 0, .amount = 0, .passes = loops});
  return p;
}

class program_store {
 public:
  const any_program& get(shipped t, trace_part p) {
    const auto known = programs_.find({t, p});
    if (known != programs_.end()) return known->second;
    if (p == trace_part::whole) {
      const std::string name = std::string{trace_name(t)} + ".csv.zst";
      const fs::path here = fs::path("bench/traces") / name;
      try {
        trace read = load_trace(fs::exists(here) ? here : fs::path(TOPHASH_LAB_TRACES) / name);
        return programs_[{t, p}] = std::move(read.operations);
      } catch (const trace_error& error) {
        throw command_error(exit_check_failed, error.what());
      }
    }
    const any_program& all = get(t, trace_part::whole);
    if (p == trace_part::loops)
      return programs_[{t, p}] =
                 std::visit([](const auto& known_kind) { return any_program{with_loops(known_kind)}; }, all);
    const std::size_t rows =
        std::visit([](const auto& known_kind) { return known_kind.records.size(); }, all);
    return programs_[{t, p}] = part_of(all, 0, rows / 2);
  }

 private:
  std::map<std::pair<shipped, trace_part>, any_program> programs_;
};

// ---- figures ---------------------------------------------------------------------------------------

// The most buckets that left their array in one operation.
class most_moved final : public map_watcher {
 public:
  void new_map() override { last_ = {}; }
  std::size_t until_due() const noexcept override { return 1; }
  bool ran(std::size_t, std::uint64_t) override { return true; }
  void look(const map_sample& now) override {
    known_ = known_ || now.tells;
    const bool began = now.growths + now.regrows != last_.growths + last_.regrows;
    std::uint64_t moved = 0;
    if (began) {  // what was left of the last one, and of the new one what it has got through
      moved = last_.old_buckets == 0 ? 0 : last_.old_buckets - last_.evacuated;
      moved += now.old_buckets == 0 ? last_.buckets : now.evacuated;
    } else if (last_.old_buckets != 0) {
      moved = (now.old_buckets == 0 ? last_.old_buckets : now.evacuated) - last_.evacuated;
    }
    most_ = std::max(most_, moved);
    last_ = now;
  }
  std::optional<double> most() const {
    return known_ ? std::optional(static_cast<double>(most_)) : std::nullopt;
  }

 private:
  map_sample last_;
  std::uint64_t most_ = 0;
  bool known_ = false;
};

std::optional<double> most_moved_by(const measured_task& task, std::uint64_t seed) {
  const std::unique_ptr<bound_storage> storage = bind_storage(task.storage);
  most_moved watcher;
  const execution result = execute_once(task, {.storage = storage->handle(),
                                               .map_seed = seed,
                                               .latencies = nullptr,
                                               .counters = nullptr,
                                               .watcher = &watcher});
  return result.trouble.empty() ? watcher.most() : std::nullopt;
}

std::optional<double> requested_bytes_of(const measured_row& r) {
  if (!r.memory || !r.memory->counted) return std::nullopt;
  double sum = 0;
  for (const purpose_traffic& t : r.memory->traffic) sum += static_cast<double>(t.requested_bytes);
  return sum;
}

class axis_reader {
 public:
  explicit axis_reader(const axes_request& request) : request_(request) {}

  axis_reading read(const char* name, const measured_row& a, const measured_row& b) {
    return {.name = name, .a = one(name, a), .b = one(name, b)};
  }

 private:
  std::optional<double> one(std::string_view name, const measured_row& r) {
    if (name == moved_by_a_write) return most_moved_by(r.task, request_.seed);
    if (name == requested_name) return requested_bytes_of(r);
    if (name == resident_name)
      return r.memory && r.memory->rss_bytes ? std::optional(static_cast<double>(*r.memory->rss_bytes))
                                             : std::nullopt;
    if (name == searched_bytes_name)
      return r.collector ? std::optional(r.collector->read_bytes_per_entry()) : std::nullopt;
    if (name == cpu_name || name == loop_name)
      return r.cpu_ns_per_op.empty() ? std::nullopt : std::optional(summarise(r.cpu_ns_per_op).median);
    if (name == find_instructions || name == insert_calls || name == insert_instructions)
      return code_of(name, r.task.variant->spec);
    experiment alone;
    alone.measured.rows.push_back(r);
    for (const exact_figure& f : exact_figures(alone)) {
      if (f.name == name) return f.values.front();
    }
    return r.result.counts.known || r.memory ? std::optional<double>(0)
                                             : std::nullopt;  // not listed: all are 0
  }

  // Nothing without a compiler or objdump.
  std::optional<double> code_of(std::string_view name, const std::string& spec) {
    if (!request_.compile) return std::nullopt;
    try {
      const assembly a = assemble({.spec = spec,
                                   .operation = name == find_instructions ? "find" : "insert",
                                   .against = {},
                                   .progress = request_.progress});
      const instruction_counts& fast = a.operations.front().code.fast_counts;
      const instruction_counts& cold = a.operations.front().code.cold_counts;
      return static_cast<double>(name == insert_calls ? fast.calls + cold.calls
                                                      : fast.instructions + cold.instructions);
    } catch (const command_error& error) {
      if (error.code() == exit_interrupted) throw;
      return std::nullopt;
    }
  }

  const axes_request& request_;
};

// ---- measuring -------------------------------------------------------------------------------------

class axes_run {
 public:
  explicit axes_run(const axes_request& request) { out_.request = request; }

  axes_result run() {
    check_names();
    for (const axis_experiment& e : axis_experiments) {
      if (!axis_wanted(out_.request, e)) continue;
      out_.request.progress(fmt::format("{}: {} and {}", e.axis, e.a, e.b));
      std::optional<axis_row> row = measured(e);
      if (out_.interrupted) break;
      if (row) out_.rows.push_back(std::move(*row));
    }
    return std::move(out_);
  }

 private:
  void check_names() const {
    std::vector<std::string> known;
    for (const axis_experiment& e : axis_experiments) {
      if (known.empty() || known.back() != e.axis) known.emplace_back(e.axis);
    }
    for (const std::string& name : out_.request.axes) {
      if (std::find(known.begin(), known.end(), name) == known.end())
        throw command_error(exit_usage,
                            "'" + name + "' is no axis that is measured" + nearest_hint(name, known));
    }
  }

  // Nothing: a side is not built in, and nothing is to be compiled.
  std::optional<axis_row> measured(const axis_experiment& e) {
    axis_row out{.axis = e.axis,
                 .a = e.a,
                 .b = e.b,
                 .in = *e.in == 0 ? "defaults" : e.in,
                 .trace = trace_name(e.trace),
                 .part = part_name(e.rows),
                 .evidence = e.evidence,
                 .metric = {e.metric, {}, {}},
                 .counter = {e.counter, {}, {}},
                 .ratio = {},
                 .why = e.why,
                 .trouble = {}};
    const any_program& program = programs_.get(e.trace, e.rows);
    std::vector<measured_task> tasks;
    try {
      for (const char* side : {e.a, e.b}) {
        const std::string storage = storage_of(e, side), spec = spec_of(e, side);
        static_cast<void>(bind_storage(storage));  // is it here?
        const std::vector<const variant_row*> rows = resolve_variants(
            {spec}, kind_of(program), {.compile = out_.request.compile, .progress = out_.request.progress});
        tasks.push_back({.variant = rows.front(), .storage = storage, .program = &program, .n = 0});
      }
    } catch (const std::invalid_argument& error) {
      out.trouble = error.what();
      return out;
    } catch (const command_error& error) {
      if (error.code() == exit_interrupted) throw;
      if (!out_.request.compile && error.code() == exit_not_here) return std::nullopt;
      out.trouble = error.what();
      return out;
    }
    const bool clock = e.evidence == axis_evidence::time;
    measurement m = measure(tasks, {.repeat = out_.request.rounds,
                                    .seed = out_.request.seed,
                                    .memory = !clock,
                                    .latency = false,
                                    .time = clock,
                                    .progress = out_.request.progress});
    if (m.interrupted) {
      out_.interrupted = true;
      return std::nullopt;
    }
    out_.mismatches.insert(out_.mismatches.end(), m.mismatches.begin(), m.mismatches.end());
    for (const measured_row& r : m.rows) {
      if (!r.trouble.empty() && out.trouble.empty()) out.trouble = r.name() + ": " + r.trouble;
    }
    if (!out.trouble.empty()) return out;
    axis_reader figures(out_.request);
    out.metric = figures.read(e.metric, m.rows[0], m.rows[1]);
    out.counter = figures.read(e.counter, m.rows[0], m.rows[1]);
    if (clock) out.ratio = paired_ratio(m.rows[1], m.rows[0]);
    return out;
  }

  axes_result out_;
  program_store programs_;
};

// ---- text ------------------------------------------------------------------------------------------

std::string axis_number(const std::optional<double>& value) {
  if (!value) return "not told";
  if (*value == std::floor(*value) && std::abs(*value) < 1e15)
    return fmt::format("{}", fmt::group_digits(static_cast<long long>(*value)));
  return fmt::format("{:.2f}", *value);
}

std::string sides_text(const axis_reading& r) { return axis_number(r.a) + " -> " + axis_number(r.b); }

std::string factor_text(const axis_row& r) {
  if (r.ratio) return fmt::format("{:.2f} ({:.2f}..{:.2f})", r.ratio->median, r.ratio->low, r.ratio->high);
  const std::optional<double> f = r.factor();
  if (!f) return "";
  return std::isinf(*f) ? "all or nothing" : fmt::format("{:.2f}", *f);
}

std::string verdict_text(const axis_row& r) {
  const std::optional<bool> moves = r.moves();
  if (!r.trouble.empty()) return "not measured";
  return !moves ? "not resolvable" : *moves ? "yes" : "no";
}

const char* evidence_name(axis_evidence e) {
  return e == axis_evidence::exact ? "exact" : e == axis_evidence::machine ? "machine" : "time";
}

// A cell of Markdown.
std::string markdown_cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2)
    text.replace(at, 1, "\\|");
  return text;
}

std::string document_line(const axis_row& r, bool with_figures) {
  const std::string in = r.in == "defaults" ? "" : " (" + r.in + ")";
  const std::string figures = with_figures ? " | " + sides_text(r.metric) + " | " + factor_text(r) : "";
  const std::string counter = with_figures ? r.counter.name + " " + sides_text(r.counter) : r.counter.name;
  return markdown_cell(fmt::format("{}", r.axis)) + " | " + "`" + markdown_cell(r.a) + "` -> `" +
         markdown_cell(r.b) + "`" + markdown_cell(in) + " | " + r.trace + ", " + r.part + " | " +
         r.metric.name + figures + " | " + verdict_text(r) + " | " + counter + ": " + markdown_cell(r.why);
}

std::vector<std::string> axes_that(const axes_result& r, bool move) {
  std::vector<std::string> moving, out;
  for (const axis_row& row : r.rows) {
    if (row.moves().value_or(false)) moving.push_back(row.axis);
  }
  for (const axis_row& row : r.rows) {
    const bool does = std::find(moving.begin(), moving.end(), row.axis) != moving.end();
    if (does == move && std::find(out.begin(), out.end(), row.axis) == out.end()) out.push_back(row.axis);
  }
  return out;
}

std::string listed_axes(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& w : words) out += (out.empty() ? "" : ", ") + w;
  return out.empty() ? "none" : out;
}

}  // namespace

std::optional<double> axis_row::factor() const {
  if (!metric.a || !metric.b) return std::nullopt;
  const double low = std::min(*metric.a, *metric.b), high = std::max(*metric.a, *metric.b);
  if (high == 0) return 1;
  return low == 0 ? std::numeric_limits<double>::infinity() : high / low;
}

std::optional<bool> axis_row::moves() const {
  if (ratio) {
    if (ratio->low >= axis_moves_at || ratio->high <= 1 / axis_moves_at) return true;
    if (ratio->high < axis_moves_at && ratio->low > 1 / axis_moves_at) return false;
    return std::nullopt;
  }
  const std::optional<double> f = factor();
  return f ? std::optional(*f >= axis_moves_at) : std::nullopt;
}

axes_result run_axes(const axes_request& request) { return axes_run(request).run(); }

int exit_code_of(const axes_result& r) {
  if (r.interrupted) return exit_interrupted;
  return r.mismatches.empty() ? exit_done : exit_check_failed;
}

nlohmann::json axes_json(const axes_result& r) {
  nlohmann::json out{{"schema", "tophash-axes-1"}, {"manifest", manifest()}, {"limit", axis_moves_at}};
  out["manifest"]["seed"] = r.request.seed;
  out["experiment"] = {{"command", "axes"}, {"argv", r.request.argv}, {"seed", r.request.seed}};
  out["rows"] = nlohmann::json::array();
  const auto number = [](const std::optional<double>& v) {
    return v ? nlohmann::json(*v) : nlohmann::json(nullptr);
  };
  for (const axis_row& row : r.rows) {
    nlohmann::json one{{"axis", row.axis},   {"a", row.a},
                       {"b", row.b},         {"in", row.in},
                       {"trace", row.trace}, {"part", row.part},
                       {"why", row.why},     {"evidence", evidence_name(row.evidence)}};
    if (!row.trouble.empty()) {
      one["trouble"] = row.trouble;
    } else {
      one["metric"] = {{"name", row.metric.name}, {"a", number(row.metric.a)}, {"b", number(row.metric.b)}};
      one["counter"] = {
          {"name", row.counter.name}, {"a", number(row.counter.a)}, {"b", number(row.counter.b)}};
      if (row.ratio) one["ratio"] = interval_json(*row.ratio);
      if (const std::optional<double> f = row.factor(); f && !std::isinf(*f)) one["factor"] = *f;
      const std::optional<bool> moves = row.moves();
      one["moves"] = moves ? nlohmann::json(*moves) : nlohmann::json(nullptr);
      one["line"] = document_line(row, row.evidence == axis_evidence::exact);
    }
    out["rows"].push_back(std::move(one));
  }
  out["moving"] = axes_that(r, true), out["not_moving"] = axes_that(r, false);
  if (!r.mismatches.empty()) out["mismatches"] = r.mismatches;
  if (r.interrupted) out["interrupted"] = true;
  return out;
}

std::string axes_text(const axes_result& r) {
  std::string out;
  for (const axis_row& row : r.rows) {
    out += fmt::format("{:<10}  {} -> {}{}, {} ({})\n", row.axis, row.a, row.b,
                       row.in == "defaults" ? "" : " in " + row.in, row.trace, row.part);
    if (!row.trouble.empty()) {
      out += "            not measured: " + row.trouble + "\n";
      continue;
    }
    out += fmt::format("            {}: {}; {}; twice: {}\n", row.metric.name, sides_text(row.metric),
                       factor_text(row), verdict_text(row));
    out += fmt::format("            {}: {}; {}\n", row.counter.name, sides_text(row.counter), row.why);
  }
  out += fmt::format("\naxes that move a metric {} times: {}\nthat do not: {}\n", axis_moves_at,
                     listed_axes(axes_that(r, true)), listed_axes(axes_that(r, false)));
  if (r.interrupted) out += "interrupted: these are the results so far\n";
  return out;
}

std::string axes_document(const axes_result& r) {
  std::string out = "# What each axis moves\n\n"
                    "Written by `tophash axes --document docs/axes.md`; a test holds the first table against "
                    "a run. Two compositions\n"
                    "that differ on one axis alone replay a shipped trace "
                    "([bench/traces](../bench/traces/README.md)), or a part of "
                    "it.\nAn axis moves its metric if one side has at least twice what the other has; the "
                    "last column has the counter "
                    "that\nexplains it, and why.\n\n";
  out += "- Twice or more: " + listed_axes(axes_that(r, true)) + ".\n";
  out += "- Not, by what was tried here: " + listed_axes(axes_that(r, false)) + ".\n";
  const auto table = [&out, &r](const char* heading, const char* says, const auto& takes) {
    out += std::string{"\n## "} + heading + "\n\n" + says + "\n\n" +
           "| axis | from -> to | trace | metric | figures | times | twice | by "
           "|\n|---|---|---|---|---|---|---|---|\n";
    for (const axis_row& row : r.rows) {
      if (!takes(row)) continue;
      out += row.trouble.empty()
                 ? "| " + document_line(row, true) + " |\n"
                 : "| " + row.axis + " | | | | | | not measured | " + markdown_cell(row.trouble) + " |\n";
    }
  };
  table("What is counted", "Decided by the trace and the seed: the same on every machine.",
        [](const axis_row& row) { return row.evidence == axis_evidence::exact; });
  table("What the machine decides",
        "Resident memory and collections, of one run; times as the ratio of both sides in interleaved "
        "rounds, with the\n"
        "interval that holds its median. Instructions and calls are those of the compiled function, not of a "
        "run.",
        [](const axis_row& row) { return row.evidence != axis_evidence::exact; });
  return out;
}

}  // namespace tophash::lab
