// SPDX-License-Identifier: Apache-2.0
#include "lab/equal_memory.hpp"

#include <algorithm>
#include <charconv>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "lab/child_process.hpp"
#include "lab/collectors.hpp"
#include "lab/equal_memory_precise.hpp"
#include "lab/manifest.hpp"
#include "lab/storages.hpp"

namespace tophash::lab {

namespace {

using nlohmann::json;

template <class Key>
std::uint64_t most_entries(const program<Key>& p) {
  std::unordered_set<Key> alive;
  std::uint64_t most = 0;
  for (const segment& s : p.segments) {
    if (s.kind == segment_kind::clear) alive.clear();
    if (s.kind == segment_kind::cached) most = std::max<std::uint64_t>(most, s.amount);
    const bool writes = s.kind == segment_kind::sets || s.kind == segment_kind::erases;
    if (!writes && s.kind != segment_kind::mixed) continue;
    for (std::size_t i = s.begin; i < s.end; ++i) {
      const record<Key>& r = p.records[i];
      if (r.what == operation::set) alive.insert(key_of(r));
      if (r.what == operation::erase) alive.erase(key_of(r));
      most = std::max<std::uint64_t>(most, alive.size());
    }
  }
  return most;
}

// What the entries alive at one time take at most, with the blocks that they point to.
template <class Key>
std::uint64_t most_live_bytes(const program<Key>& p, const value_kind& value) {
  constexpr std::uint64_t least_block = 16;  // lab/values.hpp
  const bool inside = value.how == value_kind::where::inside;
  const std::uint64_t entry =
      inside ? sizeof(Key) + value.inline_bytes : sizeof(std::pair<Key, std::uint64_t>);
  if (!value.points()) return most_entries(p) * entry;
  std::unordered_map<Key, std::uint64_t> alive;
  std::uint64_t now = 0, most = 0;
  const auto drop = [&](const Key& key) {
    if (const auto found = alive.find(key); found != alive.end()) now -= found->second, alive.erase(found);
  };
  for (const segment& s : p.segments) {
    if (s.kind == segment_kind::clear) alive.clear(), now = 0;
    if (s.kind == segment_kind::cached) most = std::max(most, s.amount * (entry + least_block));
    const bool writes = s.kind == segment_kind::sets || s.kind == segment_kind::erases;
    if (!writes && s.kind != segment_kind::mixed) continue;
    for (std::size_t i = s.begin; i < s.end; ++i) {
      const record<Key>& r = p.records[i];
      if (r.what != operation::set && r.what != operation::erase) continue;
      drop(key_of(r));
      if (r.what == operation::erase) continue;
      const std::uint64_t bytes = entry + std::max<std::uint64_t>(r.size_bytes, least_block);
      alive.emplace(key_of(r), bytes);
      now += bytes;
      most = std::max(most, now);
    }
  }
  return most;
}

bool ran_out(const std::string& trouble) { return trouble.find("bad_alloc") != std::string::npos; }

// In a child. budget 0: none, through the same decorator all the same, so that what it costs (one indirect
// call and one atomic addition a block) cancels out.
json execute_precise(const measured_task& task, std::uint64_t budget, std::uint64_t seed) {
  const std::unique_ptr<bound_storage> nobody = bind_storage("system");
  const precise_execution p = execute_on_precise_heap(
      task.variant->spec, *task.program,
      {.storage = nobody->handle(), .map_seed = seed, .latencies = nullptr, .counters = nullptr}, budget);
  return {{"trouble", p.result.trouble},
          {"fits", budget == 0 || p.heap.heap_peak_bytes <= budget},
          {"checksum", p.result.checksum},
          {"cpu_ns", p.result.cpu_ns},
          {"operations", p.result.operations},
          {"collections", p.heap.collections},
          {"heap", p.heap.heap_peak_bytes}};
}

json execute_within(const measured_task& task, const memory_row& row, std::uint64_t budget,
                    std::uint64_t seed) {
  if (row.storage == precise_storage) return execute_precise(task, budget, seed);
  std::unique_ptr<bound_storage> storage;
  if (row.collected) {
    storage = row.frees ? bind_storage(task.storage) : bind_unfreed_storage(task.storage);
    storage->collector()->limit_heap(budget);
    storage->collector()->start_window();
  } else {
    const std::uint64_t bytes = budget == 0 ? std::uint64_t{1} << 62 : budget;
    storage = bind_storage("limited(" + std::to_string(bytes) + "," + task.storage + ")");
  }
  const execution e = execute_once(
      task, {.storage = storage->handle(), .map_seed = seed, .latencies = nullptr, .counters = nullptr});
  json out{{"trouble", ran_out(e.trouble) ? "" : e.trouble},
           {"fits", !ran_out(e.trouble)},
           {"checksum", e.checksum},
           {"cpu_ns", e.cpu_ns},
           {"operations", e.operations}};
  if (row.collected) {
    const gc::gc_sample s = storage->collector()->sample();
    out["collections"] = s.collections;
    out["heap"] = s.heap_peak_bytes;
  }
  return out;
}

// In a child.
json count_bytes(const measured_task& task, std::uint64_t seed) {
  const std::unique_ptr<bound_storage> storage = bind_storage("tracked(" + task.storage + ")");
  const execution e = execute_once(
      task, {.storage = storage->handle(), .map_seed = seed, .latencies = nullptr, .counters = nullptr});
  return {{"trouble", e.trouble}, {"needed", storage->counts()->total.peak_bytes}};
}

class frontier_run {
 public:
  frontier_run(memory_frontier& out, const std::vector<measured_task>& tasks) : out_(out) {
    for (const measured_task& task : tasks) {
      const storage_entry* const entry = find_storage(plain_storage(task.storage));
      const bool collected = entry != nullptr && entry->collected();
      if (!task.variant->any_storage) {
        out_.left_out.push_back(task.variant->name + ": its storage is fixed, and no budget holds it");
        continue;
      }
      const std::uint64_t live =
          std::visit([&](const auto& p) { return most_live_bytes(p, out_.request.value); }, *task.program);
      for (const bool frees : {true, false}) {
        if (!frees && collector_of(task.storage) != "boehm") continue;  // elsewhere nobody finds what is dropped
        memory_row row;
        row.variant = task.variant->name, row.storage = task.storage, row.n = task.n;
        row.collected = collected, row.frees = frees, row.live_bytes = live;
        row.cells.resize(out_.budgets.size());
        out_.rows.push_back(std::move(row));
        tasks_.push_back(task);
      }
    }
    add_precise();
  }

  void count() {
    for (std::size_t i = 0; i < out_.rows.size() && !stopped(); ++i) {
      if (out_.rows[i].collected || out_.rows[i].storage == precise_storage) continue;
      out_.request.progress("memory of " + out_.rows[i].variant + " on " + out_.rows[i].storage);
      const json answer = in_child([&] { return count_bytes(tasks_[i], out_.request.seed); });
      if (answer.contains("needed")) out_.rows[i].needed_bytes = answer.at("needed").get<std::uint64_t>();
    }
  }

  void rounds() {
    for (unsigned round = 0; round < out_.request.repeat && !stopped(); ++round) {
      for (std::size_t turn = 0; turn < out_.rows.size() && !stopped(); ++turn) {
        const std::size_t i = (turn + round) % out_.rows.size();
        out_.request.progress(fmt::format("round {}/{}, {} on {}", round + 1, out_.request.repeat,
                                          out_.rows[i].variant, out_.rows[i].storage));
        execute(i, out_.rows[i].unlimited, 0);
        for (std::size_t b = 0; b < out_.budgets.size() && !stopped(); ++b)
          execute(i, out_.rows[i].cells[b], budget_bytes(out_.rows[i], out_.budgets[b]));
      }
    }
  }

  void compare() {
    for (std::size_t i = 0; i < out_.rows.size(); ++i) {
      memory_row& row = out_.rows[i];
      const memory_row& base = base_of_row(i);
      const auto compare_cell = [&](memory_cell& cell, const std::string& where) {
        std::vector<double> ratios;
        const std::vector<double>& of = base.unlimited.cpu_ns_per_op;
        for (std::size_t r = 0; r < std::min(of.size(), cell.cpu_ns_per_op.size()); ++r)
          ratios.push_back(cell.cpu_ns_per_op[r] / of[r]);
        cell.ratio = summarise(ratios);
        if (!cell.cpu_ns_per_op.empty() && !of.empty() && cell.checksum != base.unlimited.checksum)
          out_.mismatches.push_back("unequal results: " + row.variant + " on " + row.storage + where +
                                    " and on " + base.storage);
      };
      compare_cell(row.unlimited, "");
      for (std::size_t b = 0; b < row.cells.size(); ++b)
        compare_cell(row.cells[b], fmt::format(" within {:g}x", out_.budgets[b]));
    }
  }

 private:
  static std::uint64_t budget_bytes(const memory_row& row, double budget) {
    const double bytes = static_cast<double>(row.live_bytes) * budget;
    return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(bytes));
  }

  bool stopped() {
    out_.interrupted = out_.interrupted || interrupt_requested.load(std::memory_order_relaxed);
    return out_.interrupted;
  }

  // The exact heap, once for each map and input that is compared with a collector and is compiled for it.
  void add_precise() {
    const std::size_t others = out_.rows.size();
    for (std::size_t i = 0; i < others; ++i) {
      const measured_task task = tasks_[i];
      if (!out_.rows[i].collected || !out_.request.value.usual()) continue;
      const auto same = [&task](const measured_task& t) {
        return t.variant == task.variant && t.program == task.program;
      };
      const auto mine = tasks_.begin() + static_cast<std::ptrdiff_t>(others);
      const bool added = std::any_of(mine, tasks_.end(), same);
      if (added || !has_precise_map(task.variant->spec, kind_of(*task.program))) continue;
      memory_row row = out_.rows[i];
      row.storage = precise_storage, row.collected = false, row.frees = true;  // blocks are their map's
      out_.rows.push_back(std::move(row));
      tasks_.push_back(task);
    }
  }

  // The same map and input on the first storage.
  const memory_row& base_of_row(std::size_t i) const {
    for (std::size_t j = 0; j < i; ++j) {
      if (out_.rows[j].variant == out_.rows[i].variant && tasks_[j].program == tasks_[i].program)
        return out_.rows[j];
    }
    return out_.rows[i];
  }

  void execute(std::size_t i, memory_cell& cell, std::uint64_t budget) {
    if (!cell.fits || !cell.trouble.empty()) return;
    memory_row& row = out_.rows[i];
    const json answer = in_child([&] { return execute_within(tasks_[i], row, budget, out_.request.seed); });
    if (stopped()) return;
    cell.trouble = answer.value("trouble", "");
    if (!cell.trouble.empty()) return;
    cell.fits = answer.at("fits");
    cell.collections = answer.value("collections", std::uint64_t{0});
    cell.peak_heap_bytes = answer.value("heap", std::uint64_t{0});
    if (!cell.fits) return;
    cell.checksum = answer.at("checksum");
    cell.cpu_ns_per_op.push_back(answer.at("cpu_ns").get<double>() /
                                 std::max(1.0, answer.at("operations").get<double>()));
  }

  memory_frontier& out_;
  std::vector<measured_task> tasks_;  // of each row
};

const char* who_frees(const memory_row& row) {
  return !row.collected ? "map" : row.frees ? "map, collector" : "collector";
}

json cell_json(const memory_cell& c) {
  if (!c.trouble.empty()) return {{"trouble", c.trouble}};
  json out{{"fits", c.fits}};
  if (c.fits) {
    out["cpu_ns_per_op"] = c.cpu_ns_per_op;
    out["ratio"] = {{"median", c.ratio.median}, {"low", c.ratio.low}, {"high", c.ratio.high}};
  }
  if (c.peak_heap_bytes != 0) {
    out["collections"] = c.collections;
    out["peak_heap_bytes"] = c.peak_heap_bytes;
  }
  return out;
}

std::string cell_text(const memory_cell& c) {
  if (!c.trouble.empty()) return "failed";
  if (!c.fits) return "did not fit";
  if (c.cpu_ns_per_op.empty()) return "-";
  return fmt::format("{:.2f}", c.ratio.median);
}

}  // namespace

std::vector<double> parse_budgets(const std::string& text) {
  std::vector<double> out;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string part = text.substr(begin, end - begin);
    double ratio = 0;
    const auto [stop, error] = std::from_chars(part.data(), part.data() + part.size(), ratio);
    const bool whole = stop == part.data() + part.size() || std::string_view(stop) == "x";
    if (error != std::errc{} || !whole || !(ratio >= 1) || ratio > 1000)
      throw command_error(exit_usage,
                          "--memory: '" + part + "' is no multiple of the live size from 1x to 1000x");
    if (!out.empty() && ratio <= out.back())
      throw command_error(exit_usage, "--memory: budgets ascend, and " + part + " does not");
    out.push_back(ratio);
    begin = end + 1;
  }
  return out;
}

std::uint64_t most_entries_of(const any_program& p) {
  return std::visit([](const auto& known) { return most_entries(known); }, p);
}

memory_frontier run_equal_memory(const experiment_request& request, const std::vector<double>& budgets) {
  memory_frontier out;
  out.request = request;
  out.budgets = budgets;
  experiment prepared;
  const std::vector<measured_task> tasks = prepare_experiment(request, prepared);
  out.input_text = prepared.input_text, out.input_sha256 = prepared.input_sha256;
  out.left_out = prepared.left_out;
  frontier_run run(out, tasks);
  run.count();
  run.rounds();
  run.compare();
  return out;
}

int exit_code_of(const memory_frontier& f) {
  if (f.interrupted) return exit_interrupted;
  const auto bad = [](const memory_cell& c) { return !c.trouble.empty(); };
  const bool failed = std::any_of(f.rows.begin(), f.rows.end(), [&](const memory_row& row) {
    return bad(row.unlimited) || std::any_of(row.cells.begin(), row.cells.end(), bad);
  });
  return failed || !f.mismatches.empty() ? exit_check_failed : exit_done;
}

json memory_frontier_json(const memory_frontier& f) {
  json out{{"schema", "tophash-equal-memory-1"},
           {"manifest", manifest()},
           {"budgets", f.budgets},
           {"left_out", f.left_out},
           {"mismatches", f.mismatches},
           {"interrupted", f.interrupted},
           {"rows", json::array()}};
  out["manifest"]["seed"] = f.request.seed;
  out["manifest"]["input"] = f.input_text;
  out["manifest"]["input_sha256"] = f.input_sha256;
  for (const memory_row& row : f.rows) {
    json one{{"variant", row.variant}, {"storage", row.storage},       {"n", row.n},
             {"frees", row.frees},     {"collected", row.collected},   {"live_bytes", row.live_bytes},
             {"cells", json::array()}, {"unlimited", cell_json(row.unlimited)}};
    if (row.needed_bytes) one["needed_bytes"] = *row.needed_bytes;
    for (const memory_cell& c : row.cells) one["cells"].push_back(cell_json(c));
    out["rows"].push_back(std::move(one));
  }
  return out;
}

std::string memory_frontier_text(const memory_frontier& f) {
  std::string out = fmt::format(
      "{}\ntime to that of the same map on the first storage without a budget, by memory as a multiple of "
      "the live entries\n\n",
      f.input_text);
  std::size_t map = 3, storage = 7;
  bool sizes = false;
  for (const memory_row& row : f.rows) {
    map = std::max(map, row.variant.size());
    storage = std::max(storage, row.storage.size());
    sizes = sizes || row.n != f.rows.front().n;
  }
  const std::string lead = fmt::format("{:<{}}  {:<{}}  {:<14}  {:>8}  {:>6}", "map", map, "storage", storage,
                                       "freed by", "ns/op", "needs");
  out += (sizes ? fmt::format("{:>9}  ", "n") : "") + lead;
  for (const double b : f.budgets) out += fmt::format("  {:>11}", fmt::format("{:g}x", b));
  out += fmt::format("  {:>9}\n", "unlimited");
  for (const memory_row& row : f.rows) {
    if (sizes) out += fmt::format("{:>9}  ", row.n);
    const double live = static_cast<double>(std::max<std::uint64_t>(row.live_bytes, 1));
    const std::string needs =
        row.needed_bytes ? fmt::format("{:.2f}x", static_cast<double>(*row.needed_bytes) / live) : "-";
    const std::vector<double>& times = row.unlimited.cpu_ns_per_op;
    const std::string ns = times.empty() ? "-" : fmt::format("{:.1f}", summarise(times).median);
    out += fmt::format("{:<{}}  {:<{}}  {:<14}  {:>8}  {:>6}", row.variant, map, row.storage, storage,
                       who_frees(row), ns, needs);
    for (const memory_cell& c : row.cells) out += fmt::format("  {:>11}", cell_text(c));
    out += fmt::format("  {:>9}\n", cell_text(row.unlimited));
  }
  for (const std::string& why : f.left_out) out += "left out: " + why + "\n";
  if (f.interrupted) out += "interrupted: the rounds so far\n";
  return out;
}

}  // namespace tophash::lab
