// SPDX-License-Identifier: Apache-2.0
// T-B6. Two services on a collected heap (gc::precise_heap, which paces itself as Go's collector does), each
// entry an object of the heap beside its key:
//   writes  so many new keys and so many deletes of any live one a second, for so many seconds
//   cache   a full cache from which so many keys an hour are deleted, in one reading for new ones, in another
//           without any
// Nothing in the articles says what Go 1.10 did that 1.19 does not; its words ("false deletion", slots that
// are not used again before a rehash) are the composition with tombstones that no insert reuses.
// The counts of the article are kept, its minutes and hours are not waited for. Bytes are exact; pauses are
// the collector's stays, in CPU time.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <tophash/framework/core/bits.hpp>
#include <tophash/gc/precise_heap.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/deletion/tombstone.hpp>
#include <tophash/presets.hpp>

#include "lab/clock.hpp"
#include "lab/reproduce_measure.hpp"
#include "workloads/random.hpp"

namespace tophash::lab {

struct service_entry {
  std::uint64_t fields[4];
};

}  // namespace tophash::lab

template <>
struct tophash::gc_traits<tophash::lab::service_entry> : tophash::gc::holds_no_pointers {};

namespace tophash::lab {

namespace service_parts {
namespace {

using number = std::uint64_t;

struct service_load {
  std::size_t writes, deletes;  // in all
  std::size_t keys, replaced;   // of the cache
};

struct service_outcome {
  double peak_mb = 0, left_mb = 0, longest_ms = 0, whole_ms = 0;
  number live = 0, cycles = 0;
  double range_ns = 0, fresh_range_ns = 0;
};

template <class Map>
class service {
 public:
  explicit service(number seed)
      : random_(seed), map_(gc::precise(heap_), typename Map::spec_type::hashing{seed}) {}

  void write() {
    const number key = random_.next();
    map_.insert_or_assign(key, heap_.template make<service_entry>(service_entry{{key, 0, 0, 0}}).get());
    live_.push_back(key);
    peak_ = std::max(peak_, heap_.in_use_bytes());
  }
  void remove() {
    if (live_.empty()) return;
    const auto at = static_cast<std::size_t>(random_.below(live_.size()));
    map_.erase(live_[at]);
    live_[at] = live_.back();
    live_.pop_back();
  }
  void start() { heap_.start_window(); }
  service_outcome finish() {
    service_outcome out;
    out.longest_ms = static_cast<double>(heap_.longest_entry_cpu_ns()) / 1e6;
    out.cycles = heap_.cycles();
    out.peak_mb = static_cast<double>(peak_) / 1e6;
    const number from = thread_cpu_ns();
    heap_.collect();
    out.whole_ms = static_cast<double>(thread_cpu_ns() - from) / 1e6;
    out.left_mb = static_cast<double>(heap_.in_use_bytes()) / 1e6;
    out.live = map_.size();
    if (map_.size() != live_.size()) throw claim_error("T-B6: the map lost an entry");
    number here = 0, there = 0;
    out.range_ns = range_ns(map_, here);
    Map fresh(gc::precise(heap_), typename Map::spec_type::hashing{1});
    for (const auto& [key, entry] : map_) fresh.insert_or_assign(key, entry);
    out.fresh_range_ns = range_ns(fresh, there);
    if (here != there) throw claim_error("T-B6: ranging met other entries than there are");
    return out;
  }

 private:
  // The least of three passes: what else runs here can only add.
  static double range_ns(Map& m, number& sum) {
    number least = ~number{0};
    for (int pass = 0; pass < 3; ++pass) {
      const number from = thread_cpu_ns();
      for (const auto& [key, entry] : m) sum ^= key;
      least = std::min<number>(least, thread_cpu_ns() - from);
    }
    return m.empty() ? 0 : static_cast<double>(least) / static_cast<double>(m.size());
  }

  gc::precise_heap heap_;
  random_stream random_;
  Map map_;
  std::vector<number> live_;
  std::size_t peak_ = 0;
};

template <class Map>
service_outcome writing(const service_load& load, number seed) {
  service<Map> s(seed);
  s.start();
  std::size_t deleted = 0;
  for (std::size_t i = 0; i < load.writes; ++i) {
    s.write();
    // So many deletes for so many writes, evenly.
    for (; deleted < (i + 1) * load.deletes / load.writes; ++deleted) s.remove();
  }
  return s.finish();
}

template <class Map>
service_outcome caching(const service_load& load, number seed, bool replacing) {
  service<Map> s(seed);
  for (std::size_t i = 0; i < load.keys; ++i) s.write();
  s.start();
  for (std::size_t i = 0; i < load.replaced; ++i) {
    s.remove();
    if (replacing) s.write();
  }
  return s.finish();
}

struct services {
  service_outcome (*writing)(const service_load&, number);
  service_outcome (*caching)(const service_load&, number, bool);
};

template <class... Options>
using service_map = map<number, service_entry*, presets::go_like, gc::precise, Options...>;
template <class... Options>
constexpr services services_of = {&writing<service_map<Options...>>, &caching<service_map<Options...>>};

const std::vector<built_composition<services>>& built() {
  static const std::vector<built_composition<services>> all = {
      {"go_like", services_of<>},
      {"go_like,deletion=tombstone(not_reusing)", services_of<deletion::tombstone_not_reusing>}};
  return all;
}

void note_outcome(const service_outcome& o, const char* name, std::string_view spec, bool judged,
                  claim_measurement& out) {
  const auto add = [&](const char* metric, const char* unit, bool exact, double value) {
    note(out, metric_of(fmt::format("{}.{}", metric, name), spec, judged), unit, exact, value);
  };
  add("peak_gb", "GB", true, o.peak_mb / 1e3);
  add("left_gb", "GB", true, o.left_mb / 1e3);
  add("pause_ms.longest", "ms", false, o.longest_ms);
  add("pause_ms.whole_collection", "ms", false, o.whole_ms);
  add("live", "entries", true, static_cast<double>(o.live));
  add("range_ns", "ns", false, o.range_ns);
  add("fresh_range_ns", "ns", false, o.fresh_range_ns);
}

}  // namespace
}  // namespace service_parts

claim_measurement measure_service(const claim_request& request) {
  using namespace service_parts;
  const std::size_t seconds = whole_parameter(request, "seconds"), hours = whole_parameter(request, "hours");
  const service_load load{.writes = seconds * whole_parameter(request, "writes_a_second"),
                          .deletes = seconds * whole_parameter(request, "deletes_a_second"),
                          .keys = whole_parameter(request, "cache_keys"),
                          .replaced = hours * whole_parameter(request, "deletes_an_hour")};
  const auto variants = chosen(*request.table, built());
  claim_measurement out;
  // The counts decide the verdicts, so --quick spares rounds.
  const unsigned rounds =
      request.quick ? std::min(request.rounds, unsigned{fewest_timed_rounds}) : request.rounds;
  for (unsigned round = 0; round < rounds && !stop_measuring(); ++round) {
    begin_round(request, round, rounds);
    const number seed = next_seed(request.seed + round);
    for (std::size_t v = 0; v < variants.size(); ++v) {
      const auto& variant = variants[(v + round) % variants.size()];
      const bool judged = &variant == &variants.front();
      note_outcome(variant.run.writing(load, seed), "writes", variant.spec, judged, out);
      note_outcome(variant.run.caching(load, seed, true), "cache_replacing", variant.spec, judged, out);
      note_outcome(variant.run.caching(load, seed, false), "cache_emptying", variant.spec, judged, out);
    }
    ++out.rounds;
  }
  if (out.rounds == 0) return out;
  out.setting =
      fmt::format("{} writes and {} deletes; a cache of {} keys and {} deletes; objects of 32 B on a precise "
                  "heap",
                  grouped(load.writes), grouped(load.deletes), grouped(load.keys), grouped(load.replaced));
  for (const auto& variant : variants) {
    const bool judged = &variant == &variants.front();
    const auto median = [&](const char* metric, const char* name) {
      return median_of(out, metric_of(fmt::format("{}.{}", metric, name), variant.spec, judged));
    };
    for (const char* name : {"writes", "cache_replacing", "cache_emptying"}) {
      out.why.push_back(fmt::format("{}, {}: {} live entries, {:.0f} MB at the peak, {:.0f} MB after a "
                                    "collection; the collector's longest stay "
                                    "{:.2f} ms, a whole collection at once {:.1f} ms; ranging {:.1f} ns an "
                                    "entry, over a fresh map {:.1f}",
                                    variant.spec, name, grouped(static_cast<number>(median("live", name))),
                                    1e3 * median("peak_gb", name), 1e3 * median("left_gb", name),
                                    median("pause_ms.longest", name),
                                    median("pause_ms.whole_collection", name), median("range_ns", name),
                                    median("fresh_range_ns", name)));
    }
  }
  const double live = median_of(out, "live.writes");
  if (live > 0)
    out.why.push_back(fmt::format("the published 1.3 GB would be {:.0f} bytes for each of the {} entries",
                                  1.3e9 / live, grouped(static_cast<number>(live))));
  return out;
}

}  // namespace tophash::lab
