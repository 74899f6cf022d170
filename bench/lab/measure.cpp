// SPDX-License-Identifier: Apache-2.0
// The passes. A child process is a fork: it has the program's records already, a heap of its own from there
// on, and sends its figures back through a pipe as one line of JSON; what kills it is reported, not caught.
#include "lab/measure.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <fstream>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <span>
#include <sstream>
#include <stdexcept>

#include <nlohmann/json.hpp>
#include <sys/mman.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "lab/child_process.hpp"
#include "lab/clock.hpp"
#include "lab/collectors.hpp"
#include "lab/map_watcher.hpp"
#include "lab/histogram.hpp"
#include "lab/perf_counters.hpp"
#include "lab/storages.hpp"

namespace tophash::lab {

namespace {

using nlohmann::json;

// ---- resident set -------------------------------------------------------------------------------

std::optional<std::uint64_t> status_kib(std::string_view field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.compare(0, field.size(), field) != 0) continue;
    std::istringstream number(line.substr(field.size() + 1));
    std::uint64_t kib = 0;
    if (number >> kib) return kib;
  }
  return std::nullopt;
}

// Peak resident set from here on, less what is resident now. The heap's free pages go back first: they would
// be used again unseen. Pages of files (code that this process runs for the first time) are no memory of the
// map's.
class resident_meter {
 public:
  resident_meter() {
#if defined(__GLIBC__)
    malloc_trim(0);
#endif
    std::ofstream reset("/proc/self/clear_refs");
    reset << "5\n";
    reset.flush();
    if (reset) before_kib_ = status_kib("VmRSS");
    files_before_kib_ = status_kib("RssFile").value_or(0);
  }

  std::optional<std::uint64_t> added_bytes() const {
    const std::optional<std::uint64_t> peak = status_kib("VmHWM"), files = status_kib("RssFile");
    if (!before_kib_ || !peak || !files) return std::nullopt;
    const std::uint64_t before = *before_kib_ + (*files > files_before_kib_ ? *files - files_before_kib_ : 0);
    return (*peak > before ? *peak - before : 0) * 1024;
  }

 private:
  std::optional<std::uint64_t> before_kib_;
  std::uint64_t files_before_kib_ = 0;
};

// ---- memory -------------------------------------------------------------------------------------

execution execute_on(const measured_task& task, bound_storage& storage, std::uint64_t seed,
                     latency_log* latencies) {
  return execute_once(
      task, {.storage = storage.handle(), .map_seed = seed, .latencies = latencies, .counters = nullptr});
}

json pauses_json(const gc::pause_summary& p) {
  return {{"count", p.count}, {"p50", p.p50_ns}, {"p99", p.p99_ns}, {"max", p.max_ns}, {"total", p.total_ns}};
}

gc::pause_summary pauses_from(const json& j) {
  gc::pause_summary out;
  out.count = j.at("count"), out.p50_ns = j.at("p50"), out.p99_ns = j.at("p99"), out.max_ns = j.at("max"),
  out.total_ns = j.at("total");
  return out;
}

json sample_json(const gc::gc_sample& s) {
  return {{"window_ns", s.window_ns},
          {"collections", s.collections},
          {"stop_the_world", pauses_json(s.stop_the_world)},
          {"stall", pauses_json(s.stall)},
          {"collector_cpu_ns", s.collector_cpu_ns},
          {"allocated_bytes", s.allocated_bytes},
          {"reclaimed_bytes", s.reclaimed_bytes},
          {"heap_bytes", s.heap_bytes},
          {"heap_peak_bytes", s.heap_peak_bytes},
          {"free_bytes", s.free_bytes},
          {"unmapped_bytes", s.unmapped_bytes}};
}

gc::gc_sample sample_from(const json& j) {
  gc::gc_sample s;
  s.window_ns = j.at("window_ns"), s.collections = j.at("collections");
  s.stop_the_world = pauses_from(j.at("stop_the_world")), s.stall = pauses_from(j.at("stall"));
  s.collector_cpu_ns = j.at("collector_cpu_ns"), s.allocated_bytes = j.at("allocated_bytes");
  s.reclaimed_bytes = j.at("reclaimed_bytes"), s.heap_bytes = j.at("heap_bytes");
  s.heap_peak_bytes = j.at("heap_peak_bytes"), s.free_bytes = j.at("free_bytes"),
  s.unmapped_bytes = j.at("unmapped_bytes");
  return s;
}

// Counts what the collector has to do with the map's blocks: what there is of them when a collection has passed is
// taken for what that one read.
class counted_heap final : public map_watcher {
 public:
  counted_heap(allocators::erased inner, heap_collector& collector, std::size_t garbage_bytes) noexcept
      : inner_(inner), collector_(collector), garbage_bytes_(garbage_bytes), seen_(collector.clock().load()) {}

  // The handle that the map gets.
  class handle {
   public:
    using axis = axes::allocation;
    static constexpr std::string_view name = "counted";
    explicit handle(counted_heap& heap) noexcept : heap_(&heap) {}
    void* try_allocate(const request& r) const noexcept {
      void* const block = heap_->inner_.try_allocate(r);
      if (block != nullptr) heap_->add(r, 1);
      return block;
    }
    void deallocate(void* block, const request& r) const noexcept {
      heap_->add(r, -1);
      heap_->inner_.deallocate(block, r);
    }
    tophash::visibility visibility_now() const noexcept { return heap_->inner_.visibility_now(); }
    friend bool operator==(handle, handle) = default;

   private:
    counted_heap* heap_;
  };

  void new_map() override {}
  std::size_t until_due() const noexcept override { return operations_between_; }
  bool ran(std::size_t operations, std::uint64_t) override {
    if (garbage_bytes_ != 0 && operations != 0) {
      collector_.allocate_garbage(operations * garbage_bytes_);
      counts_.garbage_bytes += operations * garbage_bytes_;
    }
    note_collections();
    return false;
  }
  void look(const map_sample&) override {}

  const heap_counts& counts() const noexcept { return counts_; }

 private:
  static constexpr std::size_t operations_between_ = 256;

  void add(const request& r, std::int64_t sign) noexcept {
    note_collections();
    const tophash::visibility sees = inner_.visibility_now();
    const auto bytes = static_cast<std::int64_t>(r.bytes);
    if (sign > 0) counts_.allocated_bytes += r.bytes, ++counts_.allocated_blocks;
    live_bytes_ += sign * bytes;
    searched_bytes_ += sign * static_cast<std::int64_t>(searched_bytes(r, sees));
    if (visits_block(sees)) blocks_ += sign;
  }
  void note_collections() noexcept {
    const std::uint64_t now = collector_.clock().load(std::memory_order_relaxed), passed = now - seen_;
    counts_.collections += passed;
    counts_.scanned_bytes += passed * static_cast<std::uint64_t>(searched_bytes_);
    counts_.visited_blocks += passed * static_cast<std::uint64_t>(blocks_);
    seen_ = now;
  }

  allocators::erased inner_;
  heap_collector& collector_;
  std::size_t garbage_bytes_;
  std::uint64_t seen_;
  heap_counts counts_;
  std::int64_t live_bytes_ = 0, searched_bytes_ = 0, blocks_ = 0;
};

json work_json(const heap_counts& w) {
  return {w.allocated_bytes, w.allocated_blocks, w.garbage_bytes, w.collections, w.scanned_bytes, w.visited_blocks};
}
heap_counts work_from(const json& j) {
  return {.allocated_bytes = j.at(0), .allocated_blocks = j.at(1), .garbage_bytes = j.at(2), .collections = j.at(3),
          .scanned_bytes = j.at(4), .visited_blocks = j.at(5)};
}

json collector_json(const heap_collector& collector, const heap_counts& work, const execution& result) {
  std::uint64_t map_bytes = 0;
  for (const purpose_bytes& part : result.end_memory) map_bytes += part.bytes;
  return {{"name", collector.name()},         {"sample", sample_json(collector.sample())},
          {"stays", stays_json(collector.stays())}, {"work", work_json(work)},
          {"operations", result.operations},  {"entries", result.end_size},
          {"live_bytes", map_bytes}};
}

collector_figures figures_from(const json& j) {
  collector_figures out;
  out.collector = j.at("name"), out.sample = sample_from(j.at("sample")), out.stays = stays_from(j.at("stays"));
  out.work = work_from(j.at("work"));
  out.operations = j.at("operations"), out.entries = j.at("entries"), out.live_bytes = j.at("live_bytes");
  out.left.objects = j.at("left").at(0), out.left.bytes = j.at("left").at(1), out.left.blocks = j.at("left").at(2);
  return out;
}

// In the child. A map's end is what it reports itself (it is destroyed when the execution returns), a foreign
// map's end is not known: tracked counts are those after its destruction.
json memory_pass(const measured_task& task, std::uint64_t seed, std::size_t garbage_bytes) {
  const std::unique_ptr<bound_storage> storage = bind_storage("tracked(" + task.storage + ")");
  heap_collector* const collector = storage->collector();
  const resident_meter resident;
  json out;
  execution result;
  if (collector != nullptr) {
    counted_heap heap(storage->handle(), *collector, garbage_bytes);
    allocators::erased_resource<counted_heap::handle> resource{counted_heap::handle(heap)};
    collector->start_window();
    result = execute_once(task, {.storage = allocators::erased(resource),
                                 .map_seed = seed,
                                 .latencies = nullptr,
                                 .counters = nullptr,
                                 .watcher = &heap});
    out["collector"] = collector_json(*collector, heap.counts(), result);
    collector->collect();
    const gc::heap_occupancy left = collector->occupancy();
    out["collector"]["left"] = {left.objects, left.bytes, left.blocks};
  } else {
    result = execute_on(task, *storage, seed, nullptr);
  }
  out["trouble"] = result.trouble, out["checksum"] = result.checksum;
  if (const auto rss = resident.added_bytes()) out["rss"] = *rss;
  const std::optional<tracked_counts> counts = storage->counts();
  out["peak"] = counts->total.peak_bytes;
  out["allocations"] = counts->total.allocations;
  out["deallocations"] = counts->total.deallocations;
  for (std::size_t i = 0; i < purpose_count; ++i) {
    out["peaks"].push_back(counts->by_purpose[i].peak_bytes);
    out["blocks"].push_back(counts->by_purpose[i].allocations);
    out["requested"].push_back(storage->requested_bytes(static_cast<purpose>(i)).value_or(0));
  }
  return out;
}

memory_figures memory_from(const json& j, const execution& result) {
  memory_figures out;
  out.peak_bytes = j.at("peak");
  out.allocations = j.at("allocations"), out.deallocations = j.at("deallocations");
  if (j.contains("rss")) out.rss_bytes = j.at("rss").get<std::uint64_t>();
  for (std::size_t i = 0; i < purpose_count; ++i) {
    const auto use = static_cast<purpose>(i);
    if (const std::size_t peak = j.at("peaks").at(i); peak != 0) out.peak_by_purpose.push_back({use, peak});
    if (const std::uint64_t blocks = j.at("blocks").at(i); blocks != 0) {
      out.allocations_by_purpose.emplace_back(purpose_name(use), blocks);
      out.traffic.push_back({.use = use,
                             .allocations = blocks,
                             .requested_bytes = j.at("requested").at(i),
                             .peak_bytes = j.at("peaks").at(i)});
    }
  }
  for (const purpose_bytes& part : result.end_memory) {
    out.end_bytes += part.bytes;
    const auto same = std::find_if(out.end_by_purpose.begin(), out.end_by_purpose.end(),
                                   [&part](const purpose_bytes& p) { return p.use == part.use; });
    if (same == out.end_by_purpose.end())
      out.end_by_purpose.push_back(part);
    else
      same->bytes += part.bytes;
  }
  return out;
}

// ---- latency ------------------------------------------------------------------------------------

// Memory that parent and children share.
class shared_slots {
 public:
  explicit shared_slots(std::size_t count) : bytes_(count * sizeof(std::uint32_t)) {
    if (count == 0) return;
    void* const p = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) throw std::runtime_error(std::string{"mmap: "} + std::strerror(errno));
    slots_ = {static_cast<std::uint32_t*>(p), count};
    std::fill(slots_.begin(), slots_.end(), latency_log::unset);
  }
  shared_slots(const shared_slots&) = delete;
  shared_slots& operator=(const shared_slots&) = delete;
  ~shared_slots() {
    if (!slots_.empty()) ::munmap(slots_.data(), bytes_);
  }

  std::span<std::uint32_t> slots() const noexcept { return slots_; }

 private:
  std::size_t bytes_;
  std::span<std::uint32_t> slots_;
};

json latency_pass(const measured_task& task, std::uint64_t seed, std::span<std::uint32_t> slots) {
  const std::unique_ptr<bound_storage> storage = bind_storage(task.storage);
  latency_log log(slots);
  const execution result = execute_on(task, *storage, seed, &log);
  return {{"trouble", result.trouble}, {"checksum", result.checksum}, {"recorded", log.recorded()}};
}

latency_figures latency_of(std::span<const std::uint32_t> ticks) {
  const auto all = std::make_unique<histogram>();
  for (const std::uint32_t t : ticks) all->record(t);
  const double ns = calibrated_ticks().ns_per_tick;
  const auto at = [&all, ns](double q) { return static_cast<double>(all->quantile(q)) * ns; };
  return {.p50 = at(0.5),
          .p90 = at(0.9),
          .p99 = at(0.99),
          .p99_9 = at(0.999),
          .max = static_cast<double>(all->max()) * ns,
          .samples = all->count()};
}

std::size_t timed_operations_of(const any_program& p) {
  return std::visit([](const auto& known) { return timed_operations(known); }, p);
}

// ---- the three passes over all rows -------------------------------------------------------------

class session {
 public:
  session(const std::vector<measured_task>& tasks, const measure_options& options) : options_(options) {
    for (const measured_task& task : tasks) {
      measured_row row;
      row.task = task;
      const storage_entry* const entry = find_storage(plain_storage(task.storage));
      row.collected = entry != nullptr && entry->collected();
      out_.rows.push_back(std::move(row));
    }
  }

  measurement run() {
    keep_freed_memory(true);
    static_cast<void>(calibrated_ticks());  // before any child: all of them share one calibration
    if (options_.memory) each("memory", [this](measured_row& row) { memory(row); });
    if (options_.latency) each("latency", [this](measured_row& row) { latency(row); });
    if (options_.time) time_rounds();
    if (!options_.time) each("checksum", [this](measured_row& row) { run_here(row); });
    drop_unmeasured();
    compare_checksums();
    return std::move(out_);
  }

 private:
  bool stopped() {
    out_.interrupted = out_.interrupted || interrupt_requested.load(std::memory_order_relaxed);
    return out_.interrupted;
  }

  template <class Pass>
  void each(const char* what, const Pass& pass) {
    for (std::size_t i = 0; i < out_.rows.size() && !stopped(); ++i) {
      options_.progress(std::string{what} + " " + std::to_string(i + 1) + "/" +
                        std::to_string(out_.rows.size()) + " " + out_.rows[i].name());
      if (out_.rows[i].trouble.empty()) pass(out_.rows[i]);
    }
  }

  // Figures that can only be read once the row's own execution is known are kept until then.
  void memory(measured_row& row) {
    const json answer = in_child([&] { return memory_pass(row.task, options_.seed, options_.garbage_bytes); });
    if (!note(row, answer)) return;
    memory_answers_.resize(out_.rows.size());
    memory_answers_[index_of(row)] = answer;
    if (!answer.contains("collector")) return;
    row.collector = figures_from(answer.at("collector"));
    row.collector->predicted_ns_per_op =
        predicted_ns_per_op(row.collector->work, row.collector->operations, costs_of(row.collector->collector, row.task));
    const json kept = in_child([&] { return kept_pass(row.task, options_.seed, options_.garbage_bytes); });
    if (note(row, kept)) row.collector->kept = kept_from(kept);
  }

  // Calibrated once for a collector.
  const collector_costs& costs_of(const std::string& collector, const measured_task& task) {
    const auto known = costs_.find(collector);
    if (known != costs_.end()) return known->second;
    return costs_.emplace(collector, calibrated_costs(task.storage)).first->second;
  }

  void latency(measured_row& row) {
    const shared_slots shared(timed_operations_of(*row.task.program));
    std::size_t recorded = 0;
    for (unsigned i = 0; i < options_.latency_executions; ++i) {
      const json answer = in_child([&] { return latency_pass(row.task, options_.seed, shared.slots()); });
      if (!note(row, answer)) return;
      recorded = answer.at("recorded");
    }
    if (recorded != 0) row.latency = latency_of(shared.slots().first(recorded));
  }

  // Trouble ends the row; the passes of one row must agree on the checksum too.
  bool note(measured_row& row, const json& answer) {
    if (interrupt_requested.load(std::memory_order_relaxed)) return false;
    if (const std::string trouble = answer.value("trouble", ""); !trouble.empty()) {
      row.trouble = trouble;
      return false;
    }
    note_checksum(row, answer.at("checksum"));
    return true;
  }

  void note_checksum(const measured_row& row, std::uint64_t checksum) {
    checksums_.resize(out_.rows.size());
    std::optional<std::uint64_t>& known = checksums_[index_of(row)];
    if (known && *known != checksum)
      out_.mismatches.push_back(row.name() + " gave two checksums in two executions");
    known = checksum;
  }

  std::size_t index_of(const measured_row& row) const {
    return static_cast<std::size_t>(&row - out_.rows.data());
  }

  void time_rounds() {
    const std::size_t count = out_.rows.size();
    // Drawn anew each round: what runs after a map of the same size finds its pages in the caches, and in a rotation that
    // would be the same variant every time but one.
    std::mt19937_64 random(options_.seed);
    std::vector<std::size_t> order(count);
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (unsigned round = 0; round < options_.repeat && !stopped(); ++round) {
      std::shuffle(order.begin(), order.end(), random);
      for (std::size_t turn = 0; turn < count && !stopped(); ++turn) {
        measured_row& row = out_.rows[order[turn]];
        options_.progress("time, round " + std::to_string(round + 1) + "/" + std::to_string(options_.repeat) +
                          ", " + std::to_string(turn + 1) + "/" + std::to_string(count) + " " + row.name());
        if (!row.trouble.empty()) continue;
        run_here(row);
      }
    }
  }

  void run_here(measured_row& row) {
    execution result;
    try {
      const std::unique_ptr<bound_storage> storage = bind_storage(row.task.storage);
      // Another row's garbage is not this one's to mark.
      if (heap_collector* const c = storage->collector()) c->collect();
      if (counters_.works()) counters_.reset();
      result = execute_once(row.task, {.storage = storage->handle(),
                                       .map_seed = options_.seed,
                                       .latencies = nullptr,
                                       .counters = counters_.works() ? &counters_ : nullptr});
    } catch (const std::exception& error) {
      result.trouble = error.what();
    }
    if (!result.trouble.empty()) {
      row.trouble = result.trouble;
      return;
    }
    note_checksum(row, result.checksum);
    const double operations = static_cast<double>(std::max<std::uint64_t>(result.operations, 1));
    row.cpu_ns_per_op.push_back(static_cast<double>(result.cpu_ns) / operations);
    row.wall_ns_per_op.push_back(static_cast<double>(result.wall_ns) / operations);
    row.hardware_per_op.clear();
    for (const auto& [name, value] : counters_.read())
      row.hardware_per_op.emplace_back(name, static_cast<double>(value) / operations);
    keep_fastest_points(row, result);
    row.result = std::move(result);
  }

  // Times of load points are the least of the rounds; what is counted is the same in each.
  static void keep_fastest_points(const measured_row& row, execution& result) {
    for (std::size_t i = 0; i < result.load_points.size() && i < row.result.load_points.size(); ++i) {
      result.load_points[i].hit_ns = std::min(result.load_points[i].hit_ns, row.result.load_points[i].hit_ns);
      result.load_points[i].miss_ns =
          std::min(result.load_points[i].miss_ns, row.result.load_points[i].miss_ns);
    }
  }

  // After an interruption: rows that no execution in this process reached have nothing to say.
  void drop_unmeasured() {
    for (std::size_t i = 0; i < out_.rows.size(); ++i) {
      measured_row& row = out_.rows[i];
      if (i >= memory_answers_.size() || !memory_answers_[i].is_object()) continue;
      row.memory = memory_from(memory_answers_[i], row.result);
      row.memory->counted = row.task.variant->any_storage;
    }
    if (!out_.interrupted) return;
    std::erase_if(out_.rows,
                  [](const measured_row& r) { return r.cpu_ns_per_op.empty() && r.trouble.empty(); });
  }

  // Rows of one program must agree; load points agree where both visited the load.
  void compare_checksums() {
    for (const measured_row& row : out_.rows) {
      if (!row.trouble.empty() || row.cpu_ns_per_op.empty()) continue;
      for (const measured_row& base : out_.rows) {
        if (&base == &row) break;
        if (!base.trouble.empty() || base.cpu_ns_per_op.empty()) continue;
        if (!comparable(base, row) || agree(base.result, row.result)) continue;
        out_.mismatches.push_back("unequal results: " + row.name() + " gave checksum " +
                                  std::to_string(row.result.checksum) + ", " + base.name() + " gave " +
                                  std::to_string(base.result.checksum));
        break;
      }
    }
  }

  static bool comparable(const measured_row& a, const measured_row& b) {
    return a.task.program == b.task.program ||
           (!a.result.load_points.empty() && !b.result.load_points.empty() && a.task.n == b.task.n);
  }

  static bool agree(const execution& a, const execution& b) {
    if (a.load_points.empty() || b.load_points.empty()) return a.checksum == b.checksum;
    for (const load_point& p : a.load_points) {
      for (const load_point& q : b.load_points) {
        if (p.load == q.load && p.checksum != q.checksum) return false;
      }
    }
    return true;
  }

  measure_options options_;
  std::map<std::string, collector_costs> costs_;
  measurement out_;
  std::vector<json> memory_answers_;
  std::vector<std::optional<std::uint64_t>> checksums_;
  perf_counters counters_;
};

}  // namespace

execution execute_once(const measured_task& task, const execution_input& input) {
  execution out;
  const variant_row& variant = *task.variant;
  if (const auto* numbers = std::get_if<program<std::uint64_t>>(task.program)) {
    if (variant.run_u64 != nullptr)
      variant.run_u64(*numbers, input, out);
    else
      out.trouble = "not built for u64 keys";
  } else {
    if (variant.run_string != nullptr)
      variant.run_string(std::get<program<std::string>>(*task.program), input, out);
    else
      out.trouble = "not built for string keys";
  }
  return out;
}

estimate paired_ratio(const measured_row& row, const measured_row& base) {
  std::vector<double> ratios;
  const std::size_t rounds = std::min(row.cpu_ns_per_op.size(), base.cpu_ns_per_op.size());
  for (std::size_t i = 0; i < rounds; ++i) {
    if (base.cpu_ns_per_op[i] > 0) ratios.push_back(row.cpu_ns_per_op[i] / base.cpu_ns_per_op[i]);
  }
  return summarise(ratios);
}

measurement measure(const std::vector<measured_task>& tasks, const measure_options& options) {
  return session(tasks, options).run();
}

}  // namespace tophash::lab
