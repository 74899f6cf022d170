// SPDX-License-Identifier: Apache-2.0
// From the request to cells, and one cell executed. The clock of collections is libgc's own; what starts them
// is the paced heap.
#include "lab/overflow_reuse.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <numeric>
#include <utility>

#include <nlohmann/json.hpp>

#include "lab/catalogue.hpp"
#include "lab/child_process.hpp"
#include "lab/clock.hpp"
#include "lab/collector_costs.hpp"
#include "lab/collectors.hpp"
#include "lab/map_watcher.hpp"
#include "lab/nearest.hpp"
#include "lab/on_demand.hpp"
#include "lab/statistics.hpp"
#include "lab/storages.hpp"
#include "workloads/random.hpp"
#include "workloads/workloads.hpp"

namespace tophash::lab {

namespace {

using nlohmann::json;

constexpr std::size_t usual_entries = 26'000;       // 2^12 buckets at 6.35 of the 6.5 entries that one takes
constexpr std::size_t step_operations = 256;  // between two looks at the clock
constexpr std::size_t samples_per_window = 64;

const std::vector<std::string> pattern_names = {"printed", "same_keys", "new_keys", "adversary"};
const std::vector<std::string> pool_names = {"drained", "kept"};

// ---- one execution ------------------------------------------------------------------------------

// Follows the map through the program: the warm-up ends, the window begins, the window ends.
class window final : public map_watcher {
 public:
  window(paced_heap& heap, overflow_ledger* ledger, heap_collector* collector, std::size_t begin, std::size_t end,
         std::size_t garbage_bytes)
      : heap_(heap),
        ledger_(ledger),
        collector_(collector),
        begin_(begin),
        end_(end),
        every_(std::max(step_operations,
                        (end - begin) / samples_per_window / step_operations * step_operations)),
        garbage_bytes_(garbage_bytes) {}

  void new_map() override {}
  std::size_t until_due() const noexcept override {
    const std::size_t stop = done_ < begin_ ? begin_ : std::max(end_, done_ + 1);
    return std::min(step_operations, stop - done_);
  }

  bool ran(std::size_t operations, std::uint64_t cpu_ns) override {
    done_ += operations;
    if (done_ > begin_) cpu_ns_ += cpu_ns;
    heap_.allocate_beside(operations * garbage_bytes_);
    const bool edge = done_ == begin_ || done_ == end_;
    return edge || (done_ > begin_ && (done_ - begin_) % every_ == 0);
  }

  void look(const map_sample& state) override {
    if (done_ < begin_ || ended_) return;
    if (!begun_) begin_window(state);
    in_use_peak_ = std::max(in_use_peak_, state.overflow_in_use);
    if (done_ == end_) end_window(state);
  }

  bool ended() const noexcept { return ended_; }

  reuse_counts counts() const {
    reuse_counts c;
    c.operations = end_ - begin_;
    c.requested = last_.overflow_requested - first_.overflow_requested;
    c.recycled = last_.overflow_recycled - first_.overflow_recycled;
    c.released = last_.overflow_released - first_.overflow_released;
    c.in_use = last_.overflow_in_use;
    c.in_use_peak = in_use_peak_;
    c.entries = last_.live, c.buckets = last_.buckets;
    c.dead = last_.dead, c.dirty = last_.dirty;
    c.growths = last_.growths - first_.growths, c.regrows = last_.regrows - first_.regrows;
    c.reachable_bytes = reachable_bytes_;
    c.heap = heap_counts_;
    return c;
  }

  json times() const {
    const double operations = static_cast<double>(end_ - begin_);
    json out{
        {"mutator", static_cast<double>(cpu_ns_ - std::min(cpu_ns_, collecting_in_map_ns_)) / operations}};
    if (collector_ == nullptr) return out;
    out["stays"] = stays_json(stays_);
    out["collector"] = static_cast<double>(sample_.collector_cpu_ns) / operations;
    out["stop"] = {sample_.stop_the_world.p50_ns, sample_.stop_the_world.p99_ns,
                   sample_.stop_the_world.max_ns};
    out["heap"] = sample_.heap_bytes, out["heap_peak"] = sample_.heap_peak_bytes,
    out["free"] = sample_.free_bytes;
    out["occupied"] = occupancy_.blocks * gc::heap_occupancy::block_bytes, out["objects"] = occupancy_.bytes;
    out["fragmentation"] = occupancy_.fragmentation();
    return out;
  }

  const reuse_drag& drag() const noexcept { return drag_; }

 private:
  void begin_window(const map_sample& state) {
    begun_ = true;
    first_ = state;
    heap_.reset_counts();
    if (ledger_ != nullptr) ledger_->reset();
    if (collector_ != nullptr) collector_->start_window();
  }

  void end_window(const map_sample& state) {
    ended_ = true;
    last_ = state;
    heap_counts_ = heap_.counts();
    reachable_bytes_ = heap_.reachable_bytes();
    collecting_in_map_ns_ = heap_.collecting_in_map_ns();
    if (ledger_ != nullptr) drag_ = ledger_->drag();
    if (collector_ == nullptr) return;
    sample_ = collector_->sample();
    stays_ = collector_->stays();
    collector_->collect();
    occupancy_ = collector_->occupancy();
  }

  paced_heap& heap_;
  overflow_ledger* ledger_;
  heap_collector* collector_;
  std::size_t begin_, end_, every_, garbage_bytes_, done_ = 0;
  bool begun_ = false, ended_ = false;
  std::uint64_t cpu_ns_ = 0, in_use_peak_ = 0, reachable_bytes_ = 0, collecting_in_map_ns_ = 0;
  map_sample first_, last_;
  heap_counts heap_counts_;
  reuse_drag drag_;
  gc::gc_sample sample_;
  gc::heap_occupancy occupancy_;
  std::vector<collector_stay> stays_;
};

struct cell_task {
  const variant_row* variant = nullptr;
  const program<std::uint64_t>* records = nullptr;
  bool collected = false, by_collector = false, drained = false;
  std::string storage;
  std::uint64_t seed = 1;
  heap_pacing pacing;
  std::size_t garbage_bytes = 0;
};

struct cell_in_work {
  reuse_cell cell;
  cell_task task;
  std::vector<double> stops_p50, stops_p99;  // of each round
};

json drag_json(const drag_counts& d) { return {d.count, d.sum_cycles, d.max_cycles}; }
drag_counts drag_from(const json& j) { return {j.at(0), j.at(1), j.at(2)}; }

json counts_json(const reuse_counts& c) {
  return {std::to_string(c.checksum),
          c.operations,
          c.requested,
          c.recycled,
          c.released,
          c.in_use,
          c.kept,
          c.in_use_peak,
          c.entries,
          c.buckets,
          c.longest_chain_entries,
          c.dead,
          c.dirty,
          c.growths,
          c.regrows,
          c.map_bytes,
          c.reachable_bytes,
          c.heap.allocated_bytes,
          c.heap.allocated_blocks,
          c.heap.garbage_bytes,
          c.heap.collections,
          c.heap.scanned_bytes,
          c.heap.visited_blocks};
}

reuse_counts counts_from(const json& j) {
  reuse_counts c;
  c.checksum = std::stoull(j.at(0).get<std::string>());
  std::size_t at = 0;
  for (std::uint64_t* const to : {&c.operations,
                                  &c.requested,
                                  &c.recycled,
                                  &c.released,
                                  &c.in_use,
                                  &c.kept,
                                  &c.in_use_peak,
                                  &c.entries,
                                  &c.buckets,
                                  &c.longest_chain_entries,
                                  &c.dead,
                                  &c.dirty,
                                  &c.growths,
                                  &c.regrows,
                                  &c.map_bytes,
                                  &c.reachable_bytes,
                                  &c.heap.allocated_bytes,
                                  &c.heap.allocated_blocks,
                                  &c.heap.garbage_bytes,
                                  &c.heap.collections,
                                  &c.heap.scanned_bytes,
                                  &c.heap.visited_blocks})
    *to = j.at(++at);
  return c;
}

// In the child. Not inlined: what its frame leaves behind is no map's.
json execute_cell(const cell_task& task, bool listening) {
  const std::unique_ptr<bound_storage> bound = bind_storage(task.storage);
  heap_collector* const collector = bound->collector();
  overflow_ledger ledger(collector);
  overflow_ledger* const listener = listening ? &ledger : nullptr;
  paced_heap heap(bound->handle(), collector, task.by_collector, task.pacing, listener);
  allocators::erased_resource<paced_storage> resource{paced_storage(heap)};
  std::size_t begin = 0;
  for (const segment& s : task.records->segments) {
    if (!s.measured) begin = s.end;
  }
  window watch(heap, listener, collector, begin, task.records->records.size(), task.garbage_bytes);
  if (collector != nullptr) collector->collect_by_itself(false);
  execution out;
  task.variant->run_u64(*task.records,
                        {.storage = allocators::erased(resource),
                         .map_seed = task.seed,
                         .latencies = nullptr,
                         .counters = nullptr,
                         .watcher = &watch,
                         .meter = listener,
                         .pool_clock = collector != nullptr && task.drained ? &collector->clock() : nullptr},
                        out);
  if (!out.trouble.empty()) return {{"trouble", out.trouble}};
  if (!watch.ended()) return {{"trouble", "the program ended before its window did"}};
  reuse_counts counts = watch.counts();
  counts.checksum = out.checksum;
  counts.kept = out.counts.overflow_kept;  // a watcher does not see the pool
  counts.longest_chain_entries = out.counts.longest_chain_entries;
  for (const purpose_bytes& part : out.end_memory) counts.map_bytes += part.bytes;
  const reuse_drag& d = watch.drag();
  return {{"counts", counts_json(counts)},
          {"drag", {drag_json(d.reused), drag_json(d.reclaimed), drag_json(d.freed), drag_json(d.open)}},
          {"times", watch.times()}};
}

// ---- the matrix ---------------------------------------------------------------------------------

std::vector<std::string> chosen_names(const std::vector<std::string>& asked,
                                      const std::vector<std::string>& known, const char* what) {
  for (const std::string& name : asked) {
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw command_error(exit_usage, "'" + name + "' is no " + what + nearest_hint(name, known));
  }
  return asked.empty() ? known : asked;
}

std::string chosen_storage(const experiment_request& r) {
  const std::vector<std::string> known = [] {
    std::vector<std::string> out;
    for (const collector_entry& c : collectors()) out.push_back(c.name);
    return out;
  }();
  if (!r.collector.empty() && std::find(known.begin(), known.end(), r.collector) == known.end())
    throw command_error(exit_usage,
                        "'" + r.collector + "' is no collector" + nearest_hint(r.collector, known));
  if (r.allocators.size() > 1) throw command_error(exit_usage, "overflow_reuse takes one --allocator");
  const std::string storage = !r.allocators.empty()    ? r.allocators.front()
                              : r.collector == "boehm" ? "boehm_scanned"
                              : r.collector == "precise" ? "precise"
                                                         : "system";
  const storage_entry* const entry = find_storage(storage);
  if (entry != nullptr && !entry->here)
    throw command_error(exit_not_here, storage + " is not built in: it needs " + entry->missing);
  try {
    static_cast<void>(bind_storage(storage));
  } catch (const std::invalid_argument& error) {
    throw command_error(exit_usage, error.what());
  }
  const storage_entry* const plain = find_storage(plain_storage(storage));
  if (plain != nullptr && plain->sees == visibility::pointer_free)
    throw command_error(exit_usage, "overflow_reuse needs its overflow buckets found by the collector, and " + storage +
                                        " hides them; boehm_map_aware reads no entries either");
  if (!r.collector.empty() && collector_of(storage) != r.collector)
    throw command_error(exit_usage,
                        "--collector " + r.collector + " and --allocator " + storage + " do not go together");
  return storage;
}

class matrix {
 public:
  explicit matrix(const reuse_request& request) : request_(request) {
    const experiment_request& base = request.base;
    if (base.key != "u64")
      throw command_error(exit_usage, "overflow_reuse measures u64 keys, not --key " + base.key);
    if (base.n.size() > 1) throw command_error(exit_usage, "overflow_reuse takes one --n");
    if (base.repeat == 0) throw command_error(exit_usage, "--repeat must be at least 1");
    if (!base.load.empty() || base.bind || base.check_only)
      throw command_error(exit_usage, "--load, --bind and --check have no meaning for overflow_reuse");
    if (!(request.heap_ratio > 1 && request.heap_ratio <= 100))
      throw command_error(exit_usage, "--heap-ratio must be above 1 and at most 100");
    out_.request = request;
    out_.n = base.n.empty() ? usual_entries : base.n.front();
    if (out_.n < 64) throw command_error(exit_usage, "overflow_reuse needs --n of at least 64");
    out_.storage = chosen_storage(base);
    out_.collected = is_collected(out_.storage);
    check_timeline(base, out_.collected);
    const std::vector<std::string> reclaims = {"collector", "owner"};
    static_cast<void>(
        chosen_names({request.reclaim.empty() ? "owner" : request.reclaim}, reclaims, "way to reclaim"));
    if (request.reclaim == "collector" && !out_.collected)
      throw command_error(exit_usage, "--reclaim collector needs --collector boehm");
    const bool finds = collector_of(out_.storage) == "boehm";
    if (request.reclaim == "collector" && !finds)
      throw command_error(exit_usage, "--reclaim collector needs --collector boehm: on a precise heap blocks belong "
                                      "to their map, which gives them back itself");
    out_.by_collector = finds && request.reclaim != "owner";
    patterns_ = chosen_names(request.patterns, pattern_names, "pattern");
    pools_ = chosen_names(request.pools, pool_names, "kind of pool");
    if (!out_.collected) pools_ = {"kept"};  // nothing is collected, so nothing drains it
  }

  reuse_result run() {
    plan();
    compile();
    if (out_.collected) {
      request_.base.progress("what a collection costs here");
      out_.costs = calibrated_costs(out_.storage);
    }
    for (const std::string& pattern : patterns_) measure_pattern(pattern);
    compare_checksums();
    return std::move(out_);
  }

 private:
  void plan() {
    const bool all = request_.base.variants == std::vector<std::string>{"all"};
    for (const std::string& text : all ? overflow_reuse_specs() : request_.base.variants) {
      spec_description spec;
      try {
        spec = with_option(parse_spec(text), "allocation=" + out_.storage);
      } catch (const spec_error& error) {
        throw command_error(exit_usage, "--variant " + text + ": " + error.what());
      }
      const type_facts types = type_facts_for(spec, *find_type("u64"), *find_type("u64"));
      if (const auto broken = check_rules(spec, &types)) {
        out_.left_out.push_back(text + ": " + broken->message());
        continue;
      }
      const bool default_hash = text_of(spec.options[axes::hashing::index]) ==
                                text_of(default_spec().options[axes::hashing::index]);
      if (!default_hash)
        throw command_error(exit_usage, text + ": the adversary's keys are made for the default hashing");
      specs_.push_back(spec);
      texts_.push_back(text);
    }
    if (specs_.empty()) {
      std::string sentence = "nothing is left to measure:";
      for (const std::string& why : out_.left_out) sentence += "\n  " + why;
      throw command_error(exit_usage, sentence);
    }
    std::size_t a_pattern = 0;
    for (const spec_description& spec : specs_) a_pattern += kinds_of(spec).size();
    out_.planned = a_pattern * patterns_.size();
  }

  void compile() {
    rows_ = metered_variants(
        texts_,
        {.compile = request_.base.compile, .keep_duplicates = true, .progress = request_.base.progress});
  }

  // A shared pool is two cells: drained at collections, and not.
  std::vector<std::string> kinds_of(const spec_description& spec) const {
    return facts_of(spec).overflow.shared ? pools_ : std::vector<std::string>{""};
  }

  bool stopped() {
    out_.interrupted = out_.interrupted || interrupt_requested.load(std::memory_order_relaxed);
    return out_.interrupted;
  }

  // All cells once with a listener, then round by round: what slows a round down slows all of its cells.
  void measure_pattern(const std::string& pattern) {
    if (stopped()) return;
    const any_program made = find_workload("reuse_" + pattern)
                                 ->build({.n = out_.n, .key = key_kind::u64, .seed = request_.base.seed});
    std::vector<cell_in_work> cells;
    for (std::size_t i = 0; i < specs_.size(); ++i) {
      for (const std::string& pool : kinds_of(specs_[i])) {
        const bool drained = pool == "drained";
        cells.push_back({empty_cell(i, pattern, drained),
                         {.variant = rows_[i],
                          .records = &std::get<program<std::uint64_t>>(made),
                          .collected = out_.collected,
                          .by_collector = out_.by_collector,
                          .drained = drained,
                          .storage = out_.storage,
                          .seed = request_.base.seed,
                          .pacing = {.ratio = request_.heap_ratio},
                          .garbage_bytes = request_.garbage_bytes},
                         {},
                         {}});
      }
    }
    for (unsigned round = 0; round <= request_.base.repeat; ++round) {
      for (std::size_t i = 0; i < cells.size() && !stopped(); ++i) {
        note_progress(round, i, cells[i].cell);
        if (cells[i].cell.trouble.empty()) execute_round(cells[i], round == 0);
      }
    }
    for (cell_in_work& c : cells) finish(c);
  }

  void note_progress(unsigned round, std::size_t i, const reuse_cell& cell) const {
    const std::string what =
        round == 0 ? "counts"
                   : "time, round " + std::to_string(round) + "/" + std::to_string(request_.base.repeat);
    request_.base.progress(what + ", cell " + std::to_string(out_.cells.size() + i + 1) + "/" +
                           std::to_string(out_.planned) + " " + cell.pattern + ": " + cell.composition());
  }

  reuse_cell empty_cell(std::size_t i, const std::string& pattern, bool drained) const {
    const spec_description& spec = specs_[i];
    reuse_cell cell;
    cell.deletion = text_of(spec.options[axes::deletion::index]);
    cell.source = text_of(spec.options[axes::overflow::index]);
    cell.drained = drained;
    if (drained) cell.source += " drained";
    cell.growth = text_of(spec.options[axes::growth::index]);
    cell.pattern = pattern;
    cell.spec = rows_[i]->name;
    cell.canonical = canonical(spec);
    cell.storage = out_.storage;
    cell.collected = out_.collected;
    return cell;
  }

  void execute_round(cell_in_work& c, bool listening) {
    const json answer = in_child([&c, listening] { return execute_cell(c.task, listening); });
    if (stopped()) return;  // a terminal's Ctrl-C ends the child, too
    if (answer.contains("trouble")) {
      c.cell.trouble = answer.at("trouble");
      return;
    }
    const reuse_counts counts = counts_from(answer.at("counts"));
    if (listening) {
      c.cell.counts = counts;
      const json& d = answer.at("drag");
      c.cell.drag = {drag_from(d.at(0)), drag_from(d.at(1)), drag_from(d.at(2)), drag_from(d.at(3))};
      return;
    }
    if (!(counts == c.cell.counts))
      out_.mismatches.push_back(c.cell.pattern + ", " + c.cell.composition() +
                                ": two executions gave unequal counts");
    note_times(answer.at("times"), c);
  }

  static void note_times(const json& t, cell_in_work& c) {
    reuse_times& times = c.cell.times;
    times.mutator_ns_per_op.push_back(t.at("mutator"));
    if (!c.cell.collected) return;
    times.collector_ns_per_op.push_back(t.at("collector"));
    c.stops_p50.push_back(t.at("stop").at(0));
    c.stops_p99.push_back(t.at("stop").at(1));
    times.stop_max_ns = std::max(times.stop_max_ns, t.at("stop").at(2).get<double>());
    times.heap_bytes = t.at("heap");
    times.heap_peak_bytes = t.at("heap_peak");
    times.free_bytes = t.at("free");
    times.occupied_bytes = t.at("occupied");
    times.object_bytes = t.at("objects");
    times.fragmentation = t.at("fragmentation");
    times.stays = stays_from(t.at("stays"));
  }

  // After an interruption: a cell without a timed round has nothing whole to say.
  void finish(cell_in_work& c) {
    if (c.cell.trouble.empty() && c.cell.times.mutator_ns_per_op.empty()) return;
    c.cell.times.stop_p50_ns = summarise(c.stops_p50).median;
    c.cell.times.stop_p99_ns = summarise(c.stops_p99).median;
    c.cell.predicted_collector_ns_per_op = predicted_ns_per_op(c.cell.counts.heap, c.cell.counts.operations, out_.costs);
    out_.cells.push_back(std::move(c.cell));
  }

  void compare_checksums() {
    for (const reuse_cell& a : out_.cells) {
      const auto base = std::find_if(out_.cells.begin(), out_.cells.end(), [&a](const reuse_cell& b) {
        return b.pattern == a.pattern && b.trouble.empty();
      });
      if (!a.trouble.empty() || base->counts.checksum == a.counts.checksum) continue;
      out_.mismatches.push_back("unequal results under " + a.pattern + ": " + a.composition() + " and " +
                                base->composition());
    }
  }

  const reuse_request& request_;
  reuse_result out_;
  std::vector<std::string> patterns_, pools_, texts_;
  std::vector<spec_description> specs_;
  std::vector<const variant_row*> rows_;
};

}  // namespace

std::optional<double> reuse_counts::reuse_percent() const {
  if (requested == 0) return std::nullopt;
  return 100 * static_cast<double>(recycled) / static_cast<double>(requested);
}

double reuse_counts::mean_chain_buckets() const {
  return buckets == 0 ? 0 : static_cast<double>(buckets + in_use) / static_cast<double>(buckets);
}

double reuse_counts::requests_per_1000_operations() const {
  return operations == 0 ? 0 : 1000 * static_cast<double>(requested) / static_cast<double>(operations);
}

std::vector<std::string> overflow_reuse_specs() {
  std::vector<std::string> out;
  for (const char* deletion :
       {"immediate", "tombstone", "tombstone(not_reusing)", "dirty", "purging(dirty,share=25)"}) {
    for (const char* growth : {"incremental(2)", "regrowing(incremental(2))"}) {
      for (const char* source : {"fresh", "local_list", "preallocated", "shared_pool"})
        out.push_back(std::string{deletion} + "," + growth + "," + source);
    }
  }
  return out;
}

reuse_result run_overflow_reuse(const reuse_request& request) { return matrix(request).run(); }

}  // namespace tophash::lab
