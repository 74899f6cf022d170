// SPDX-License-Identifier: Apache-2.0
// The watcher, and a storage that notes what is live on its way to the one asked for.
#include "lab/watch.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include <tophash/allocators/erased.hpp>

#include "lab/collectors.hpp"
#include "lab/storages.hpp"
#include "lab/watch_alert.hpp"

namespace tophash::lab {

namespace {

struct array_block {
  std::uint64_t address;
  std::size_t bytes;
};

struct noted_resource {
  allocators::erased inner;
  std::array<std::uint64_t, purpose_count> bytes{};  // of live blocks
  std::vector<array_block> arrays;                   // of purpose::slots, the newest last
};

// Notes what is live; everything else is the inner storage's.
class noting_storage {
 public:
  using axis = axes::allocation;
  static constexpr std::string_view name = "noting";

  explicit noting_storage(noted_resource& notes) noexcept : notes_(&notes) {}

  void* try_allocate(const request& r) noexcept {
    // Room first: a block that cannot be noted is not given out.
    if (r.use == purpose::slots && !has_room()) return nullptr;
    void* const block = notes_->inner.try_allocate(r);
    if (block == nullptr) return nullptr;
    notes_->bytes[static_cast<std::size_t>(r.use)] += r.bytes;
    if (r.use == purpose::slots) notes_->arrays.push_back({address_of(block), r.bytes});
    return block;
  }

  void deallocate(void* block, const request& r) noexcept {
    notes_->bytes[static_cast<std::size_t>(r.use)] -= r.bytes;
    if (r.use == purpose::slots)
      std::erase_if(notes_->arrays, [block](const array_block& a) { return a.address == address_of(block); });
    notes_->inner.deallocate(block, r);
  }

  tophash::visibility visibility_now() const noexcept { return notes_->inner.visibility_now(); }

  friend bool operator==(const noting_storage& a, const noting_storage& b) noexcept {
    return a.notes_ == b.notes_;
  }

 private:
  static std::uint64_t address_of(const void* block) noexcept {
    return reinterpret_cast<std::uintptr_t>(block);
  }

  bool has_room() const noexcept {
    try {
      notes_->arrays.reserve(notes_->arrays.size() + 1);
      return true;
    } catch (const std::exception&) {
      return false;
    }
  }

  noted_resource* notes_;
};

static_assert(allocation_backend<noting_storage>);

class sampler final : public map_watcher {
 public:
  sampler(timeline& out, const noted_resource* notes) : out_(out), notes_(notes), left_(out.every) {}

  void new_map() override { ++map_; }
  std::size_t until_due() const noexcept override { return left_; }

  bool ran(std::size_t operations, std::uint64_t cpu_ns) override {
    operations_ += operations;
    since_operations_ += operations;
    since_ns_ += cpu_ns;
    left_ -= operations;
    if (left_ != 0) return false;
    left_ = out_.every;
    return true;
  }

  void look(const map_sample& state) override {
    watch_sample s{.map = map_, .operations = operations_, .ns_per_op = 0, .state = state};
    if (notes_ != nullptr) note_storage(s);
    const bool again = since_operations_ == 0 && !out_.samples.empty() && out_.samples.back().map == map_ &&
                       out_.samples.back().state == state;
    if (again) return;
    if (since_operations_ != 0)
      s.ns_per_op = static_cast<double>(since_ns_) / static_cast<double>(since_operations_);
    since_operations_ = since_ns_ = 0;
    out_.cut = out_.samples.size() >= most_samples;
    if (!out_.cut) out_.samples.push_back(s);
  }

 private:
  void note_storage(watch_sample& s) const {
    s.storage_seen = true;
    s.bytes = notes_->bytes;
    const std::vector<array_block>& arrays = notes_->arrays;
    if (!arrays.empty()) s.array = arrays.back().address;
    if (arrays.size() > 1) s.old_array = arrays[arrays.size() - 2].address;
  }

  timeline& out_;
  const noted_resource* notes_;
  std::size_t left_;
  std::uint64_t map_ = 0, operations_ = 0, since_operations_ = 0, since_ns_ = 0;
};

// ---- the figures --------------------------------------------------------------------------------

#define TOPHASH_OF_MAP(expression)                                                                           \
  [](const watch_sample& s) {                                                                                \
    return s.state.tells ? std::optional(static_cast<double>(expression)) : std::nullopt;                    \
  }
#define TOPHASH_OF_TOMBSTONES(expression)                                                                    \
  [](const watch_sample& s) {                                                                                \
    return s.state.tells_tombstones ? std::optional(static_cast<double>(expression)) : std::nullopt;         \
  }
#define TOPHASH_OF_STORAGE(expression)                                                                       \
  [](const watch_sample& s) {                                                                                \
    return s.storage_seen ? std::optional(static_cast<double>(expression)) : std::nullopt;                   \
  }
#define TOPHASH_OF_ANY(expression)                                                                           \
  [](const watch_sample& s) { return std::optional(static_cast<double>(expression)); }

std::uint64_t bytes_of(const watch_sample& s, purpose use) { return s.bytes[static_cast<std::size_t>(use)]; }

std::uint64_t total_bytes(const watch_sample& s) {
  std::uint64_t out = 0;
  for (const std::uint64_t part : s.bytes) out += part;
  return out;
}

constexpr watched_figure figures[] = {
    {"operations", "executed so far", TOPHASH_OF_ANY(s.operations)},
    {"map", "the number of the map, from 1", TOPHASH_OF_ANY(s.map)},
    {"live", "entries", TOPHASH_OF_ANY(s.state.live)},
    {"allocated", "entries that all buckets, or groups, together have room for",
     TOPHASH_OF_MAP(s.state.allocated())},
    {"limit", "entries at which growth is asked", TOPHASH_OF_MAP(s.state.limit)},
    {"buckets", "of the array; open groups: its groups", TOPHASH_OF_MAP(s.state.buckets)},
    {"old_buckets", "of the array that is being evacuated", TOPHASH_OF_MAP(s.state.old_buckets)},
    {"evacuated", "of the old buckets, those that are done", TOPHASH_OF_MAP(s.state.evacuated)},
    {"dead", "slots that only growth makes usable again", TOPHASH_OF_MAP(s.state.dead)},
    {"dirty", "erased entries that no sweep has met", TOPHASH_OF_MAP(s.state.dirty)},
    {"overflow_in_use", "overflow buckets in chains", TOPHASH_OF_MAP(s.state.overflow_in_use)},
    {"overflow_kept", "overflow buckets waiting for use", TOPHASH_OF_MAP(s.state.overflow_kept)},
    {"overflow_requested", "so far, of this map", TOPHASH_OF_MAP(s.state.overflow_requested)},
    {"overflow_recycled", "of the requested ones", TOPHASH_OF_MAP(s.state.overflow_recycled)},
    {"growths", "so far, of this map", TOPHASH_OF_MAP(s.state.growths)},
    {"regrows", "to the same size, so far", TOPHASH_OF_MAP(s.state.regrows)},
    {"tombstones", "erased slots that wait, of those observe::tombstone_log follows",
     TOPHASH_OF_TOMBSTONES(s.state.tombstones)},
    {"tombstone_age", "their mean age, in writes", TOPHASH_OF_TOMBSTONES(s.state.tombstone_age)},
    {"oldest_tombstone", "the greatest, in writes", TOPHASH_OF_TOMBSTONES(s.state.oldest_tombstone)},
    {"reused", "erased slots that another entry took, so far", TOPHASH_OF_TOMBSTONES(s.state.reused)},
    {"reuse_age", "their mean age when it did, in writes", TOPHASH_OF_TOMBSTONES(s.state.reuse_age)},
    {"not_followed", "erases for which the tombstone_log had no room, so far",
     TOPHASH_OF_TOMBSTONES(s.state.not_followed)},
    {"bytes", "allocated, of all purposes", TOPHASH_OF_STORAGE(total_bytes(s))},
    {"slots_bytes", "arrays of buckets or groups", TOPHASH_OF_STORAGE(bytes_of(s, purpose::slots))},
    {"overflow_bytes", "overflow buckets", TOPHASH_OF_STORAGE(bytes_of(s, purpose::overflow))},
    {"node_bytes", "entries behind pointers", TOPHASH_OF_STORAGE(bytes_of(s, purpose::node))},
    {"directory_bytes", "arrays of pointers to groups", TOPHASH_OF_STORAGE(bytes_of(s, purpose::directory))},
    {"side_bytes", "bookkeeping beside the table", TOPHASH_OF_STORAGE(bytes_of(s, purpose::side))},
    {"ns_per_op", "CPU, since the sample before", TOPHASH_OF_ANY(s.ns_per_op)},
};

#undef TOPHASH_OF_MAP
#undef TOPHASH_OF_TOMBSTONES
#undef TOPHASH_OF_STORAGE
#undef TOPHASH_OF_ANY

// ---- alerts -------------------------------------------------------------------------------------

std::vector<alert> parsed(const std::vector<std::string>& texts) {
  std::vector<std::string_view> names;
  for (const watched_figure& f : figures) names.push_back(f.name);
  std::vector<alert> out;
  for (const std::string& text : texts) {
    try {
      out.emplace_back(text, names);
    } catch (const alert_error& error) {
      throw command_error(exit_usage, std::string{"--alert, "} + error.what());
    }
  }
  return out;
}

void check_told(const alert& a, const timeline& t) {
  for (const std::size_t name : a.names_used()) {
    if (t.samples.empty() || figures[name].of(t.samples.front())) continue;
    throw command_error(exit_usage, "--alert '" + a.text() +
                                        "': " + t.measured.measured.rows.front().task.variant->name +
                                        " does not tell '" + std::string{figures[name].name} + "'");
  }
}

void raise(const alert& a, timeline& t) {
  std::vector<double> values(std::size(figures));
  for (std::size_t i = 0; i < t.samples.size(); ++i) {
    for (std::size_t f = 0; f < std::size(figures); ++f) values[f] = figures[f].of(t.samples[i]).value_or(0);
    if (!a.holds(values)) continue;
    t.alerts.push_back({.text = a.text(), .sample = i});
    return;
  }
}

// ---- the execution ------------------------------------------------------------------------------

std::uint64_t operations_in(const any_program& p) {
  return std::visit(
      [](const auto& known) {
        std::uint64_t out = 0;
        for (const segment& s : known.segments) {
          if (s.kind <= segment_kind::cached) out += (s.end - s.begin) * s.passes;
        }
        return out * known.repeats;
      },
      p);
}

void execute_watched(timeline& t) {
  measured_row& row = t.measured.measured.rows.front();
  const std::unique_ptr<bound_storage> storage = bind_storage(row.task.storage);
  noted_resource notes{.inner = storage->handle(), .bytes = {}, .arrays = {}};
  allocators::erased_resource<noting_storage> noting{noting_storage(notes)};
  sampler samples(t, row.task.variant->any_storage ? &notes : nullptr);
  const execution result = execute_once(row.task, {.storage = allocators::erased(noting),
                                                   .map_seed = t.measured.request.seed,
                                                   .latencies = nullptr,
                                                   .counters = nullptr,
                                                   .watcher = &samples});
  if (!result.trouble.empty()) throw command_error(exit_check_failed, row.name() + ": " + result.trouble);
  if (result.checksum != row.result.checksum)
    throw command_error(exit_check_failed, row.name() + " gave other results when it was watched");
}

}  // namespace

std::span<const watched_figure> watched_figures() noexcept { return figures; }

timeline watch(const watch_request& request) {
  const std::vector<alert> alerts = parsed(request.alerts);
  timeline out;
  experiment_request once = request.input;
  once.check_only = true;
  if (once.n.size() > 1) throw command_error(exit_usage, "watch takes one --n");
  out.measured = run_experiment(once);
  std::vector<measured_row>& rows = out.measured.measured.rows;
  if (rows.size() > 1)
    throw command_error(exit_usage,
                        "watch follows one variant on one storage, not " + std::to_string(rows.size()));
  if (rows.empty()) return out;  // interrupted
  if (!rows.front().trouble.empty())
    throw command_error(exit_check_failed, rows.front().name() + ": " + rows.front().trouble);
  const std::uint64_t operations = operations_in(*rows.front().task.program);
  out.every = request.every != 0 ? request.every : std::max<std::uint64_t>(operations / watch_samples, 1);
  execute_watched(out);
  for (const alert& a : alerts) check_told(a, out), raise(a, out);
  return out;
}

}  // namespace tophash::lab
