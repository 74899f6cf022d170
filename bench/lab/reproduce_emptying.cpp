// SPDX-License-Identifier: Apache-2.0
// T-A1. string -> int as Go has it: the key is a pointer and a length into text that the map does not own
// (std::string_view), so a bucket of go_like is Go's 208 bytes. Every way of emptying starts from a map
// filled afresh outside the clock; the ways take turns within a round. Time is the thread's CPU time; memory
// is exact: bytes requested of storage, the peak during the way less what was live before it.
#include <array>
#include <bit>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <tophash/allocators/decorators/tracked.hpp>
#include <tophash/allocators/system.hpp>
#include <tophash/framework/core/bits.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/deletion/immediate.hpp>
#include <tophash/policies/overflow/preallocated.hpp>
#include <tophash/presets.hpp>

#include "lab/reproduce_measure.hpp"
#if TOPHASH_WITH_BOEHM
#include <tophash/gc/boehm.hpp>

#include "lab/collectors.hpp"
#endif

#include "lab/clock.hpp"

namespace tophash::lab {

namespace emptying_parts {
namespace {

using tracked_system = allocators::tracked<allocators::system>;
using resource = allocators::tracking_resource<allocators::system>;
using keys = std::vector<std::string_view>;

constexpr double mb(std::uint64_t bytes) { return static_cast<double>(bytes) / 1e6; }

template <class Action>
double cpu_ms(const Action& action) {
  const std::uint64_t started = thread_cpu_ns();
  action();
  return static_cast<double>(thread_cpu_ns() - started) / 1e6;
}

struct way_result {
  double ms = 0;
  double added_mb = 0;
  double left_mb = 0;  // held by the map afterwards
};

template <class Map>
class emptied_map {
 public:
  emptied_map(const keys& all, std::uint64_t seed) : all_(all) {
    map_.emplace(hashing_type{seed}, tracked_system{resource_});
    std::int64_t value = 0;
    for (const std::string_view key : all_) map_->insert_or_assign(key, value++);
  }

  way_result erase_by_key() {
    return timed([this] {
      for (const std::string_view key : all_) map_->erase(key);
    });
  }
  way_result erase_ranging() {
    return timed([this] {
      for (auto it = map_->begin(); it != map_->end();) it = map_->erase(it);
    });
  }
  way_result clear() {
    return timed([this] { map_->clear(); });
  }
  way_result drop() {
    return timed([this] { map_.reset(); });
  }
  // Beside the full map, as `make(map, len(m))` is; the old map's end is not part of it.
  way_result make() {
    std::optional<Map> fresh;
    return timed([this, &fresh] { fresh.emplace(all_.size(), hashing_type{1}, tracked_system{resource_}); });
  }

  map_stats stats() const { return map_->stats(); }
  std::uint64_t live_bytes() const { return resource_.total().live_bytes; }
  std::uint64_t array_bytes() const { return resource_.counts(purpose::slots).live_bytes; }

 private:
  using hashing_type = typename Map::spec_type::hashing;

  template <class Action>
  way_result timed(const Action& action) {
    resource_.restart_peaks();
    const std::uint64_t before = resource_.total().live_bytes;
    way_result out;
    out.ms = cpu_ms(action);
    out.added_mb = mb(resource_.total().peak_bytes - before);
    out.left_mb = mb(resource_.total().live_bytes);
    return out;
  }

  const keys& all_;
  resource resource_;
  std::optional<Map> map_;
};

struct shape {
  std::size_t units = 0, overflow = 0;
  std::uint64_t array_bytes = 0, live_bytes = 0;
};

using emptying_round = shape (*)(const keys&, std::uint64_t seed, unsigned turn, std::string_view spec,
                                 bool judged, claim_measurement& out);

template <class Map>
shape one_round(const keys& all, std::uint64_t seed, unsigned turn, std::string_view spec, bool judged,
                claim_measurement& out) {
  struct way {
    std::string_view name;
    way_result (emptied_map<Map>::*run)();
  };
  static constexpr std::array<way, 5> ways = {{{"erase_by_key", &emptied_map<Map>::erase_by_key},
                                               {"erase_ranging", &emptied_map<Map>::erase_ranging},
                                               {"clear", &emptied_map<Map>::clear},
                                               {"drop", &emptied_map<Map>::drop},
                                               {"make", &emptied_map<Map>::make}}};
  shape full;
  for (std::size_t i = 0; i < ways.size() && !stop_measuring(); ++i) {
    const way& w = ways[(i + turn) % ways.size()];
    emptied_map<Map> m(all, seed);
    full = {m.stats().units, m.stats().overflow_in_use, m.array_bytes(), m.live_bytes()};
    const way_result r = (m.*w.run)();
    const std::string name{w.name};
    note(out, metric_of(name + "_ms", spec, judged), "ms", false, r.ms);
    note(out, metric_of(name + "_added_mb", spec, judged), "MB", true, r.added_mb);
    note(out, metric_of(name + "_left_mb", spec, judged), "MB", true, r.left_mb);
  }
  return full;
}

template <class... Options>
constexpr emptying_round round_of =
    &one_round<map<std::string_view, std::int64_t, presets::go_like, Options..., tracked_system>>;

const std::vector<built_composition<emptying_round>>& built() {
  static const std::vector<built_composition<emptying_round>> all = {
      {"go_like", round_of<>},
      {"go_like,deletion=immediate", round_of<deletion::immediate>},
      {"go_like,deletion=dirty", round_of<deletion::dirty>},
  };
  return all;
}

#if TOPHASH_WITH_BOEHM

using collected_map = map<std::string_view, std::int64_t, presets::go_like, gc::boehm_scanned>;

// The map itself lives in scanned memory: nothing but `reference` leads to it.
TOPHASH_NOINLINE double forget_ms(const keys& all, std::uint64_t seed) {
  collected_map* volatile reference =
      ::new (GC_malloc(sizeof(collected_map))) collected_map(collected_map::spec_type::hashing{seed});
  std::int64_t value = 0;
  for (const std::string_view key : all) reference->insert_or_assign(key, value++);
  // The clock of CPU time is a system call and takes longer than the store.
  const std::uint64_t started = ticks_now();
  reference = nullptr;
  return static_cast<double>(ticks_now() - started) * calibrated_ticks().ns_per_tick / 1e6;
}

// `= nil` under a collector is a store; what the map held comes back at a collection.
void forget_round(const keys& all, std::uint64_t seed, claim_measurement& out) {
  note(out, "forget_ms", "ms", false, forget_ms(all, seed));
  note(out, "collect_ms", "ms", false, cpu_ms([] { boehm_heap()->collect(); }));
}

#else

void forget_round(const keys&, std::uint64_t, claim_measurement& out) {
  out.missing["forget_ms"] = "no collector is built in (package libgc-dev)";
}

#endif

std::vector<std::string> make_texts(std::size_t count) {
  std::vector<std::string> out;
  out.reserve(count);
  for (std::size_t i = 0; i < count; ++i) out.push_back("key_" + std::to_string(i));
  return out;
}

void explain(const shape& full, std::size_t entries, claim_measurement& out) {
  const double n = static_cast<double>(entries);
  const double by_key_ns = median_of(out, "erase_by_key_ms") * 1e6 / n;
  const double ranging_ns = median_of(out, "erase_ranging_ms") * 1e6 / n;
  out.why.push_back(fmt::format("the bucket array alone is 2^{} buckets x {} B and its tail = {:.1f} MB of the map's "
                                "{:.1f} MB, {} overflow buckets the rest",
                                std::countr_zero(full.units),
                                full.array_bytes / (full.units + overflow::preallocated::tail_units(full.units)),
                                mb(full.array_bytes), mb(full.live_bytes), grouped(full.overflow)));
  out.why.push_back(fmt::format(
      "by key every erase finds another chain: {:.0f} ns each; ranging, the chains come in order: {:.0f} ns; "
      "clear writes the array once",
      by_key_ns, ranging_ns));
  out.why.push_back(
      fmt::format("emptied key by key the map still holds {:.1f} MB; a new one beside it adds {:.1f} MB",
                  median_of(out, "erase_by_key_left_mb"), median_of(out, "make_added_mb")));
  if (out.sample.count("collect_ms") != 0)
    out.why.push_back(fmt::format("forgetting is a store; the collection that finds it takes {:.1f} ms",
                                  median_of(out, "collect_ms")));
}

}  // namespace
}  // namespace emptying_parts

claim_measurement measure_emptying(const claim_request& request) {
  using namespace emptying_parts;
  const std::size_t entries = whole_parameter(request, "entries");
  auto variants = chosen(*request.table, built());
  if (request.quick) variants.resize(1);
  const std::vector<std::string> texts = make_texts(entries);
  const keys all(texts.begin(), texts.end());
  claim_measurement out;
  shape full;
  for (unsigned round = 0; round < request.rounds && !stop_measuring(); ++round) {
    begin_round(request, round, request.rounds);
    const std::uint64_t seed = next_seed(request.seed + round);
    for (std::size_t v = 0; v < variants.size(); ++v) {
      const shape s = variants[v].run(all, seed, round, variants[v].spec, v == 0, out);
      if (v == 0) full = s;
    }
    forget_round(all, seed, out);
    if (!stop_measuring()) ++out.rounds;
  }
  if (out.rounds == 0) return out;
  out.setting = grouped(entries) + " string keys -> int";
  explain(full, entries, out);
  for (std::size_t v = 1; v < variants.size(); ++v) {
    const auto ms = [&](std::string_view metric) {
      return median_of(out, metric_of(metric, variants[v].spec, false));
    };
    out.why.push_back(fmt::format("{}: by key {:.0f} ms, ranging {:.1f} ms, clear {:.1f} ms, drop {:.1f} ms",
                                  variants[v].spec, ms("erase_by_key_ms"), ms("erase_ranging_ms"),
                                  ms("clear_ms"), ms("drop_ms")));
  }
  return out;
}

}  // namespace tophash::lab
