// SPDX-License-Identifier: Apache-2.0
// Executes the workload fragmentation: one child process a storage, and one more for the hint.
#include "lab/fragmentation.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <new>
#include <unordered_map>
#include <utility>

#if TOPHASH_LAB_WITH_ABSL
#include <absl/container/flat_hash_map.h>
#endif
#if TOPHASH_LAB_WITH_BOOST
#include <boost/unordered/unordered_flat_map.hpp>
#endif

#include <nlohmann/json.hpp>

#include <tophash/allocators/erased.hpp>
#include <tophash/allocators/std_adaptor.hpp>
#include <tophash/map.hpp>
#include <tophash/presets.hpp>

#include "lab/child_process.hpp"
#include "lab/clock.hpp"
#include "lab/measure.hpp"
#include "lab/nearest.hpp"
#include "lab/resident.hpp"
#include "lab/storages.hpp"
#include "lab/system_use.hpp"

namespace tophash::lab {

namespace {

using nlohmann::json;

constexpr std::size_t maps_usual = 50'000;
constexpr std::uint64_t entries_max = 64;
constexpr std::size_t samples = 16;  // of the timeline, for each of its halves
constexpr unsigned sparse_percent = 75;

using small_entry = std::pair<const std::uint64_t, std::uint64_t>;

using small_go_like = tophash::map<std::uint64_t, std::uint64_t, presets::go_like, allocators::erased>;
// The same shape in page-sized groups behind a directory, which growth and a collector take one by one.
constexpr bucket_options grouped{.arrange = arrangement::split, .group_bytes = 4080};
using small_grouped = tophash::map<std::uint64_t, std::uint64_t, presets::go_like, layout::bucket_chain<grouped>,
                                   overflow::fresh, allocators::erased>;
using small_std =
    std::unordered_map<std::uint64_t, std::uint64_t, std::hash<std::uint64_t>, std::equal_to<std::uint64_t>,
                       allocators::as_std<small_entry, allocators::erased>>;
#if TOPHASH_LAB_WITH_ABSL || TOPHASH_LAB_WITH_BOOST
using flat_allocator = allocators::as_std<small_entry, allocators::erased, purpose::slots>;
#endif
#if TOPHASH_LAB_WITH_ABSL
using small_absl =
    absl::flat_hash_map<std::uint64_t, std::uint64_t, absl::flat_hash_map<std::uint64_t, int>::hasher,
                        std::equal_to<std::uint64_t>, flat_allocator>;
#endif
#if TOPHASH_LAB_WITH_BOOST
using small_boost = boost::unordered_flat_map<std::uint64_t, std::uint64_t, boost::hash<std::uint64_t>,
                                              std::equal_to<std::uint64_t>, flat_allocator>;
#endif

class numbers {
 public:
  explicit numbers(std::uint64_t seed) noexcept : state_(seed) {}
  std::uint64_t below(std::uint64_t bound) noexcept {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return (state_ >> 33) % bound;
  }

 private:
  std::uint64_t state_;
};

constexpr std::uint64_t scattered(std::uint64_t n) noexcept { return n * 0x9e3779b97f4a7c15u; }

template <class Map>
class scene {
 public:
  scene(const std::string& storage, std::size_t maps, std::uint64_t seed)
      : bound_(bind_storage("tracked(" + storage + ")")),
        handle_(bound_->handle()),
        maps_(maps),
        draw_(seed) {
    all_.reserve(maps);  // before the first look at resident memory: it is not the storage's
    for (std::size_t i = 0; i < maps; ++i) all_.push_back(nullptr);
    before_bytes_ = anonymous_resident_bytes();
  }
  scene(const scene&) = delete;
  scene& operator=(const scene&) = delete;
  ~scene() {
    for (Map* m : all_) {
      if (m != nullptr) drop(m);
    }
  }

  void build(bool hinted) {
    for (std::size_t i = 0; i < maps_; ++i) {
      Map* const m = make(i);
      all_[i] = m;
      const std::uint64_t wanted = 1 + draw_.below(entries_max);
      if (hinted) m->reserve(static_cast<std::size_t>(wanted));
      for (std::uint64_t n = 0; n < wanted; ++n) m->try_emplace(scattered(n), n ^ i);
      sample(i + 1, i + 1);
    }
  }
  void drop_nine_of_ten() {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < maps_; ++i) {
      if (draw_.below(10) == 0) {
        std::swap(all_[kept++], all_[i]);
      } else {
        drop(std::exchange(all_[i], nullptr));
      }
      sample(i + 1, maps_ - (i + 1) + kept);
    }
    all_.resize(kept);
  }
  // Returns how many bytes of pages free spans gave back; what other storage does shows in resident memory
  // alone.
  std::uint64_t give_back() { return return_free_memory(*bound_); }

  void relocate(fragmentation_row& out) {
    allocators::spans_resource* const heap = bound_->spans_heap();
    if (heap != nullptr) out.spans_set_aside = heap->set_aside(sparse_percent).spans;
    for (Map*& m : all_) {
      const std::uint64_t before = live_bytes();
      Map* const fresh = ::new (block()) Map(std::as_const(*m));
      out.moved_bytes += live_bytes() - before;
      drop(std::exchange(m, fresh));
    }
    if (heap != nullptr) heap->end_aside();
  }

  fragmentation_state state() const {
    fragmentation_state s;
    const tracked_counts counts = *bound_->counts();
    s.live_bytes = counts.total.live_bytes;
    s.live_blocks = counts.total.live_blocks;
    s.allocations = counts.total.allocations;
    s.requested_bytes = *bound_->requested_bytes();
    if (allocators::spans_resource* const heap = bound_->spans_heap(); heap != nullptr) {
      const allocators::span_counts c = heap->counts();
      span_occupancy o{.spans = c.spans,
                       .span_bytes = c.span_bytes,
                       .used_bytes = c.used_bytes,
                       .free_bytes = c.free_bytes,
                       .held_bytes = c.resident_bytes};
      heap->for_each_span([&o](const allocators::span_view& v) {
        ++o.deciles[std::min<std::size_t>(v.used * 10 / v.slots, 9)];
      });
      s.spans = o;
    }
    s.resident_bytes = resident();
    return s;
  }

  std::uint64_t checksum() const {
    std::uint64_t sum = 0;
    for (const Map* m : all_) {
      for (const auto& [key, value] : *m) sum += key * 31 + value;
    }
    return sum;
  }
  std::size_t count() const noexcept { return all_.size(); }
  const std::vector<fragmentation_sample>& timeline() const noexcept { return timeline_; }

 private:
  static constexpr request object_request{
      .bytes = sizeof(Map), .align = alignof(Map), .use = purpose::side, .trace = nullptr};

  Map* make(std::uint64_t seed) {
    if constexpr (requires { typename Map::spec_type; }) {
      return ::new (block()) Map(typename Map::spec_type::hashing{seed}, handle_);
    } else {
      return ::new (block()) Map(typename Map::allocator_type(handle_));
    }
  }
  std::uint64_t live_bytes() const { return bound_->counts()->total.live_bytes; }

  void* block() {
    void* const p = handle_.try_allocate(object_request);
    if (p == nullptr) throw std::bad_alloc();
    return p;
  }
  void drop(Map* m) noexcept {
    m->~Map();
    handle_.deallocate(m, object_request);
  }
  std::uint64_t resident() const noexcept {
    const std::uint64_t now = anonymous_resident_bytes();
    return now > before_bytes_ ? now - before_bytes_ : 0;
  }
  void sample(std::size_t step, std::size_t alive) {
    if (step % std::max<std::size_t>(maps_ / samples, 1) != 0) return;
    timeline_.push_back(
        {.maps = alive, .live_bytes = live_bytes(), .resident_bytes = resident()});
  }

  std::unique_ptr<bound_storage> bound_;
  allocators::erased handle_;
  std::size_t maps_;
  numbers draw_;
  std::vector<Map*> all_;
  std::vector<fragmentation_sample> timeline_;
  std::uint64_t before_bytes_ = 0;
};

json state_json(const fragmentation_state& s) {
  json out{{"live_bytes", s.live_bytes},         {"live_blocks", s.live_blocks},
           {"allocations", s.allocations},       {"requested_bytes", s.requested_bytes},
           {"resident_bytes", s.resident_bytes}, {"cpu_ns", s.cpu_ns},
           {"page_faults", s.page_faults},       {"kernel_ns", s.kernel_ns}};
  if (s.spans) {
    const span_occupancy& o = *s.spans;
    out["spans"] = {{"spans", o.spans},           {"span_bytes", o.span_bytes}, {"used_bytes", o.used_bytes},
                    {"free_bytes", o.free_bytes}, {"held_bytes", o.held_bytes}, {"deciles", o.deciles}};
  }
  return out;
}

fragmentation_state state_from(const json& j) {
  fragmentation_state s;
  s.live_bytes = j.at("live_bytes"), s.live_blocks = j.at("live_blocks"), s.allocations = j.at("allocations");
  s.requested_bytes = j.at("requested_bytes"), s.resident_bytes = j.at("resident_bytes"),
  s.cpu_ns = j.at("cpu_ns"), s.page_faults = j.at("page_faults"), s.kernel_ns = j.at("kernel_ns");
  if (j.contains("spans")) {
    const json& o = j.at("spans");
    span_occupancy back;
    back.spans = o.at("spans"), back.span_bytes = o.at("span_bytes"), back.used_bytes = o.at("used_bytes");
    back.free_bytes = o.at("free_bytes"), back.held_bytes = o.at("held_bytes"),
    back.deciles = o.at("deciles");
    s.spans = back;
  }
  return s;
}

// In a child.
template <class Map>
json play(const std::string& storage, std::size_t maps, std::uint64_t seed) {
  fragmentation_row out;
  scene<Map> s(storage, maps, seed);
  const auto phase = [&](fragmentation_phase p, const auto& body) {
    const system_use used = system_use_so_far();
    const std::uint64_t from = thread_cpu_ns();
    body();
    const std::uint64_t took = thread_cpu_ns() - from;
    const system_use use = system_use_so_far() - used;
    fragmentation_state& at = out.phases[static_cast<std::size_t>(p)];
    at = s.state();
    at.cpu_ns = took, at.page_faults = use.page_faults, at.kernel_ns = use.kernel_ns;
  };
  phase(fragmentation_phase::built, [&] { s.build(false); });
  phase(fragmentation_phase::dropped, [&] { s.drop_nine_of_ten(); });
  phase(fragmentation_phase::returned, [&] { out.spans_gave_back_bytes = s.give_back(); });
  phase(fragmentation_phase::relocated, [&] { s.relocate(out); });
  phase(fragmentation_phase::returned_again, [&] { static_cast<void>(s.give_back()); });
  json j{{"survivors", s.count()},
         {"moved_bytes", out.moved_bytes},
         {"spans_set_aside", out.spans_set_aside},
         {"spans_gave_back_bytes", out.spans_gave_back_bytes},
         {"checksum", s.checksum()},
         {"phases", json::array()},
         {"timeline", json::array()}};
  for (const fragmentation_state& one : out.phases) j["phases"].push_back(state_json(one));
  for (const fragmentation_sample& one : s.timeline())
    j["timeline"].push_back({one.maps, one.live_bytes, one.resident_bytes});
  return j;
}

template <class Map>
json play_hinted(const std::string& storage, std::size_t maps, std::uint64_t seed) {
  scene<Map> s(storage, maps, seed);
  s.build(true);
  return state_json(s.state());
}

struct small_maps {
  const char* name;
  json (*play)(const std::string& storage, std::size_t maps, std::uint64_t seed);
  json (*play_hinted)(const std::string& storage, std::size_t maps, std::uint64_t seed);
};

template <class Map>
constexpr small_maps maps_of(const char* name) {
  return {name, &play<Map>, &play_hinted<Map>};
}

constexpr small_maps maps_known[] = {
    maps_of<small_go_like>("go_like"),
    maps_of<small_grouped>("go_like,grouped"),
    maps_of<small_std>("std::unordered_map"),
#if TOPHASH_LAB_WITH_ABSL
    maps_of<small_absl>("absl::flat_hash_map"),
#endif
#if TOPHASH_LAB_WITH_BOOST
    maps_of<small_boost>("boost::unordered_flat_map"),
#endif
};

std::vector<const small_maps*> chosen_maps(const experiment_request& request) {
  std::vector<const small_maps*> out;
  for (const std::string& name : request.variants) {
    bool known = name == "all";
    for (const small_maps& s : maps_known) {
      if (name != "all" && name != s.name) continue;
      known = true;
      if (std::find(out.begin(), out.end(), &s) == out.end()) out.push_back(&s);
    }
    if (!known) {
      const std::vector<std::string> names = fragmentation_variants();
      throw command_error(exit_usage,
                          "fragmentation has no maps of '" + name + "'" + nearest_hint(name, names));
    }
  }
  return out;
}

void read_row(fragmentation_row& row, const json& answer, const json& hinted) {
  if (answer.contains("trouble") || hinted.contains("trouble")) {
    row.trouble = (answer.contains("trouble") ? answer : hinted).at("trouble");
    return;
  }
  row.survivors = answer.at("survivors"), row.moved_bytes = answer.at("moved_bytes");
  row.spans_set_aside = answer.at("spans_set_aside"), row.checksum = answer.at("checksum");
  row.spans_gave_back_bytes = answer.at("spans_gave_back_bytes");
  for (std::size_t i = 0; i < fragmentation_phase_count; ++i)
    row.phases[i] = state_from(answer.at("phases").at(i));
  for (const json& one : answer.at("timeline"))
    row.timeline.push_back({.maps = one.at(0), .live_bytes = one.at(1), .resident_bytes = one.at(2)});
  const fragmentation_state h = state_from(hinted);
  row.hinted_allocations = h.allocations, row.hinted_requested_bytes = h.requested_bytes;
  row.hinted_resident_bytes = h.resident_bytes;
}

std::vector<std::string> storages_of(const experiment_request& request) {
  std::vector<std::string> asked = request.allocators;
  if (asked.empty()) asked = {"all"};
  std::vector<std::string> out;
  const auto add = [&out](const std::string& storage) {
    if (std::find(out.begin(), out.end(), storage) == out.end()) out.push_back(storage);
  };
  for (const std::string& text : split_storages(asked)) {
    if (text != "all") {
      const std::string storage = checked_storage(text);
      if (const storage_entry* const entry = find_storage(plain_storage(storage));
          entry != nullptr && entry->collected())
        throw command_error(exit_usage, "fragmentation frees what it drops: --allocator " + storage +
                                            " is a collector's");
      add(storage);
      continue;
    }
    for (const storage_entry& s : storages()) {
      if (s.here && s.alone && !s.collected()) add(s.name);
    }
    for (const char* combined :
         {"by_purpose(overflow=bucket_pool(144),rest=system)", "by_size(1024,small=spans,large=pages(32768))",
          "fallback(arena(system),system)"})
      add(checked_storage(combined));
  }
  return out;
}

}  // namespace

const char* fragmentation_phase_name(fragmentation_phase p) noexcept {
  constexpr const char* names[fragmentation_phase_count] = {"built", "dropped", "returned", "relocated",
                                                            "returned_again"};
  return names[static_cast<std::size_t>(p)];
}

std::vector<std::string> fragmentation_variants() {
  std::vector<std::string> out;
  for (const small_maps& s : maps_known) out.emplace_back(s.name);
  return out;
}

fragmentation_result run_fragmentation(const experiment_request& request) {
  if (request.n.size() > 1)
    throw command_error(exit_usage, "fragmentation takes one --n, the number of maps");
  if (!request.collector.empty() && request.collector != "none")
    throw command_error(exit_usage, "fragmentation frees what it drops: it takes no collector");
  fragmentation_result out;
  out.request = request;
  out.maps = request.n.empty() ? maps_usual : request.n.front();
  if (out.maps < 100) throw command_error(exit_usage, "fragmentation needs at least 100 maps");
  const std::vector<const small_maps*> chosen = chosen_maps(request);
  const std::size_t maps = out.maps;
  for (const std::string& storage : storages_of(request)) {
    for (const small_maps* const one : chosen) {
      out.interrupted = out.interrupted || interrupt_requested.load(std::memory_order_relaxed);
      if (out.interrupted) break;
      request.progress(std::string{"fragmentation: "} + one->name + " on " + storage);
      fragmentation_row row;
      row.variant = one->name;
      row.storage = storage;
      const json answer = in_child([&] { return one->play(storage, maps, request.seed); });
      const json hinted = in_child([&] { return one->play_hinted(storage, maps, request.seed); });
      out.interrupted = interrupt_requested.load(std::memory_order_relaxed);
      if (out.interrupted) break;
      read_row(row, answer, hinted);
      out.rows.push_back(std::move(row));
    }
  }
  for (const fragmentation_row& row : out.rows) {
    const fragmentation_row& first = out.rows.front();
    if (!row.trouble.empty() || !first.trouble.empty()) continue;
    if (row.checksum != first.checksum || row.survivors != first.survivors)
      out.mismatches.push_back("fragmentation: the survivors of " + row.variant + " on " + row.storage +
                               " do not hold what those of " + first.variant + " on " + first.storage +
                               " do");
  }
  return out;
}

}  // namespace tophash::lab
