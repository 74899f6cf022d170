// SPDX-License-Identifier: Apache-2.0
// T-D3 and T-D4, on a size-class allocator in the manner of Go's (allocators::spans). Programs run in a time
// of their own, a millisecond a step: maps are made at a rate, filled, and live for times that are
// exponentially distributed. What is dead is freed
//   at_once    as it dies
//   collected  together, when the heap has reached twice what the last such time left, and at least 4 MiB, as
//              a collector would
// Counts are exact. T-D3: of the slots in spans in use, how many are free. T-D4: what is allocated with the
// right hint and without one, and what free pages give back to the system.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <tophash/allocators/decorators/tracked.hpp>
#include <tophash/allocators/spans.hpp>
#include <tophash/framework/core/bits.hpp>
#include <tophash/map.hpp>
#include <tophash/presets.hpp>

#include "lab/reproduce_measure.hpp"
#include "workloads/random.hpp"

namespace tophash::lab {

namespace spans_parts {
namespace {

using number = std::uint64_t;
using allocators::spans_resource;
using counted_spans = allocators::tracked<allocators::spans>;
using counted_resource = allocators::tracking_resource<allocators::spans>;
using small_map = map<std::string_view, std::int64_t, presets::go_like, counted_spans>;

constexpr std::size_t least_heap_bytes = std::size_t{4} << 20;  // Go's
enum class freeing : std::uint8_t { at_once, collected };

// One value, gathered where the spans are looked at.
class mean_of {
 public:
  void add(double value) noexcept { sum_ += value, ++count_; }
  double value() const noexcept { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }

 private:
  double sum_ = 0;
  std::size_t count_ = 0;
};

struct occupancy {
  mean_of free_percent, partial_spans, spans;
  number looks = 0;

  void look(const spans_resource& heap) {
    std::size_t partial = 0, all = 0, slots = 0, used = 0;
    heap.for_each_span([&](const allocators::span_view& s) {
      if (s.large) return;
      ++all, slots += s.slots, used += s.used;
      partial += s.used < s.slots ? 1u : 0u;
    });
    if (slots == 0) return;
    free_percent.add(100 * static_cast<double>(slots - used) / static_cast<double>(slots));
    partial_spans.add(static_cast<double>(partial));
    spans.add(static_cast<double>(all));
    ++looks;
  }
};

// Maps with the time of their death.
class living_maps {
 public:
  living_maps(counted_resource& heap, number seed) : heap_(heap), random_(seed) {}

  void make(const std::vector<std::string>& texts, std::size_t entries, std::size_t hint, double dies) {
    auto m = std::make_unique<small_map>(hint, small_map::spec_type::hashing{random_.next()},
                                         counted_spans{heap_});
    for (std::size_t i = 0; i < entries; ++i)
      m->insert_or_assign(std::string_view{texts[i]}, static_cast<std::int64_t>(i));
    living_.push_back({dies, std::move(m)});
    std::push_heap(living_.begin(), living_.end(), later);
  }
  // Frees all that died by then.
  void free_dead(double now) {
    while (!living_.empty() && living_.front().dies <= now) {
      std::pop_heap(living_.begin(), living_.end(), later);
      living_.pop_back();
    }
  }
  std::size_t size() const noexcept { return living_.size(); }
  random_stream& random() noexcept { return random_; }

 private:
  struct one {
    double dies;
    std::unique_ptr<small_map> map;
  };
  static bool later(const one& a, const one& b) noexcept { return a.dies > b.dies; }

  counted_resource& heap_;
  random_stream random_;
  std::vector<one> living_;
};

struct scene {
  std::string_view name;
  double life_ms, per_ms;
};

std::vector<std::string> make_texts(std::size_t count) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back("field_" + std::to_string(i));
  return out;
}

occupancy play(const scene& s, freeing how, std::size_t maps, number seed) {
  constexpr std::size_t entries_max = 16;
  static const std::vector<std::string> texts = make_texts(entries_max);
  spans_resource spans;
  counted_resource heap{allocators::spans(spans)};
  living_maps living(heap, seed);
  occupancy out;
  std::size_t goal = least_heap_bytes, made = 0;
  double next_look = s.life_ms, now = 0;
  // The first lives fill the heap, and are not looked at.
  for (; made < maps; now = static_cast<double>(++made) / s.per_ms) {
    const auto entries = static_cast<std::size_t>(1 + living.random().below(entries_max));
    const double life = -s.life_ms * std::log(1 - living.random().unit());
    living.make(texts, entries, 0, now + life);
    if (how == freeing::at_once) {
      living.free_dead(now);
      if (now < next_look) continue;
      next_look += s.life_ms / 4;
    } else {
      if (heap.total().live_bytes < goal) continue;
      living.free_dead(now);
      goal = std::max<std::size_t>(least_heap_bytes, 2 * heap.total().live_bytes);
    }
    if (now >= s.life_ms) out.look(spans);
  }
  return out;
}

constexpr std::array<const char*, 2> freeing_names = {"at_once", "collected"};

}  // namespace
}  // namespace spans_parts

claim_measurement measure_span_lives(const claim_request& request) {
  using namespace spans_parts;
  const std::size_t maps = whole_parameter(request, "maps");
  const std::array<scene, 2> scenes = {
      {{"low", static_cast<double>(whole_parameter(request, "low_life_ms")),
        static_cast<double>(whole_parameter(request, "low_maps_a_second")) / 1000},
       {"high", static_cast<double>(whole_parameter(request, "high_life_ms")),
        static_cast<double>(whole_parameter(request, "high_maps_a_second")) / 1000}}};
  static_cast<void>(chosen(*request.table, std::vector<built_composition<int>>{{"go_like", 0}}));
  claim_measurement out;
  for (unsigned round = 0; round < request.rounds && !stop_measuring(); ++round) {
    begin_round(request, round, request.rounds);
    for (const scene& s : scenes) {
      for (std::size_t how = 0; how < freeing_names.size(); ++how) {
        const occupancy o = play(s, static_cast<freeing>(how), maps, next_seed(request.seed + round));
        if (o.looks == 0)
          throw claim_error(
              fmt::format("{}: workload.parameters.maps: too few for the scene '{}' to be looked at",
                          request.table->file, s.name));
        const auto add = [&](const char* metric, const char* unit, double value) {
          note(out, fmt::format("{}.{}.{}", metric, s.name, freeing_names[how]), unit, true, value);
        };
        add("free_percent", "%", o.free_percent.value());
        add("partial_spans", "spans", o.partial_spans.value());
        add("spans", "spans", o.spans.value());
      }
    }
    ++out.rounds;
  }
  if (out.rounds == 0) return out;
  out.setting = fmt::format(
      "{} maps of 1 to 16 entries a scene: lives of {:.0f} ms at {:.0f} a second, of {:.0f} ms "
      "at {:.0f} a second",
      grouped(maps), scenes[0].life_ms, scenes[0].per_ms * 1000, scenes[1].life_ms, scenes[1].per_ms * 1000);
  for (const scene& s : scenes) {
    const auto median = [&](const char* metric, const char* how) {
      return median_of(out, fmt::format("{}.{}.{}", metric, s.name, how));
    };
    out.why.push_back(fmt::format("{}: freed as they die, {:.1f} % of the slots in {:.0f} spans are free; "
                                  "freed together, {:.1f} % in {:.0f}",
                                  s.name, median("free_percent", "at_once"), median("spans", "at_once"),
                                  median("free_percent", "collected"), median("spans", "collected")));
  }
  out.why.push_back(
      "what decides is how much of what a span holds dies between two collections, not how long a map lives");
  return out;
}

// ---- T-D4 ----------------------------------------------------------------------------------------------

namespace spans_parts {
namespace {

struct hint_outcome {
  double requests = 0, mb = 0, scavenged_mb = 0;
};

// Maps of `entries`, one after another, each dead when the next is made.
hint_outcome play_hint(bool hinted, std::size_t maps, std::size_t entries, number seed) {
  static std::vector<std::string> texts;
  if (texts.size() < entries) texts = make_texts(entries);
  spans_resource spans;
  counted_resource heap{allocators::spans(spans)};
  living_maps living(heap, seed);
  hint_outcome out;
  std::size_t goal = least_heap_bytes;
  const auto collect = [&](double now) {
    living.free_dead(now);
    goal = std::max<std::size_t>(least_heap_bytes, 2 * heap.total().live_bytes);
    out.scavenged_mb += static_cast<double>(spans.scavenge()) / 1e6;
  };
  for (std::size_t i = 0; i < maps; ++i) {
    const auto now = static_cast<double>(i);
    living.make(texts, entries, hinted ? entries : 0, now + 1);
    if (heap.total().live_bytes >= goal) collect(now);
  }
  collect(static_cast<double>(maps) + 1);
  for (std::size_t use = 0; use < purpose_count; ++use) {
    const auto traffic = heap.traffic(static_cast<purpose>(use));
    out.requests += static_cast<double>(traffic.allocations);
    out.mb += static_cast<double>(traffic.requested_bytes) / 1e6;
  }
  return out;
}

}  // namespace
}  // namespace spans_parts

claim_measurement measure_hint(const claim_request& request) {
  using namespace spans_parts;
  const std::size_t maps = whole_parameter(request, "maps"), entries = whole_parameter(request, "entries");
  static_cast<void>(chosen(*request.table, std::vector<built_composition<int>>{{"go_like", 0}}));
  claim_measurement out;
  for (unsigned round = 0; round < request.rounds && !stop_measuring(); ++round) {
    begin_round(request, round, request.rounds);
    const number seed = next_seed(request.seed + round);
    const hint_outcome with = play_hint(true, maps, entries, seed),
                       without = play_hint(false, maps, entries, seed);
    // An entry of the article's map is an object of its own, which both programs make.
    const double objects = static_cast<double>(maps * entries);
    const auto add = [&](const char* metric, const char* unit, double value) {
      note(out, metric, unit, true, value);
    };
    const auto change = [](double a, double b) { return 100 * (a / b - 1); };
    add("objects_change.map", "%", change(with.requests, without.requests));
    add("objects_change.map_and_entries", "%", change(with.requests + objects, without.requests + objects));
    add("bytes_change", "%", change(with.mb, without.mb));
    add("scavenged_mb.hinted", "MB", with.scavenged_mb);
    add("scavenged_mb.unhinted", "MB", without.scavenged_mb);
    add("requests.hinted", "requests", with.requests / static_cast<double>(maps));
    add("requests.unhinted", "requests", without.requests / static_cast<double>(maps));
    add("no_change", "%", 0);
    ++out.rounds;
  }
  if (out.rounds == 0) return out;
  out.setting =
      fmt::format("{} maps of {} entries, one after another, on spans", grouped(maps), grouped(entries));
  const auto median = [&](const char* metric) { return median_of(out, metric); };
  out.why.push_back(
      fmt::format("a map asks {:.1f} times with the hint, {:.1f} times without it; of the bytes asked for, "
                  "{:.0f} % fewer",
                  median("requests.hinted"), median("requests.unhinted"), -median("bytes_change")));
  out.why.push_back(
      fmt::format("free pages gave {:.1f} MB back to the system with the hint, {:.1f} MB without it: a map "
                  "that grows leaves every smaller array behind",
                  median("scavenged_mb.hinted"), median("scavenged_mb.unhinted")));
  return out;
}

}  // namespace tophash::lab
