// SPDX-License-Identifier: Apache-2.0
// T-A3 and A46. Go's sync.Map against a map under a read-write lock, under three orders of as many stores and
// deletes:
//   pairs            store a key, delete it: the loop as it is printed
//   all_then_delete  store all, then delete all
//   range_between    the same, with a range after the stores
// One thread, as printed. The tables of both are go_like's; a key of the one is two words, as
// an interface, a key of the other an int64; a value is Go's struct{}. Bytes are exact: those
// requested of storage, held at the end (what was retired is disposed of first, as a collection would do) and
// in all.
#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <tophash/allocators/system.hpp>
#include <tophash/framework/core/bits.hpp>
#include <tophash/go_sync_map.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/hashing/hash_with.hpp>
#include <tophash/policies/hashing/seeded.hpp>
#include <tophash/presets.hpp>

#include "lab/clock.hpp"
#include "lab/reproduce_measure.hpp"

namespace tophash::lab {

namespace sync_map_parts {
namespace {

struct bytes_meter {
  std::uint64_t held = 0, in_all = 0;
};

struct metered {
  using axis = axes::allocation;
  static constexpr std::string_view name = "metered";
  static constexpr tophash::visibility visibility = tophash::visibility::opaque;
  explicit metered(bytes_meter& to) noexcept : meter(&to) {}
  void* try_allocate(const request& r) const noexcept {
    void* const p = allocators::system{}.try_allocate(r);
    if (p != nullptr) {
      meter->held += r.bytes;
      meter->in_all += r.bytes;
    }
    return p;
  }
  void deallocate(void* p, const request& r) const noexcept {
    meter->held -= r.bytes;
    allocators::system{}.deallocate(p, r);
  }
  friend bool operator==(metered a, metered b) noexcept { return a.meter == b.meter; }
  bytes_meter* meter;
};

// What sync.Map holds as a key is an interface: a word for the type beside the number's own (which Go boxes,
// 8 bytes a key that are not counted here).
struct interface_key {
  const void* type;
  std::int64_t number;
  friend bool operator==(interface_key, interface_key) = default;
};
struct hash_of_number {
  std::uint64_t operator()(interface_key k) const noexcept { return static_cast<std::uint64_t>(k.number); }
};

// Go's struct{}; in C++ nothing is smaller.
using nothing_at_all = unsigned char;

using go_tables = compose<presets::go_like, metered>;
using go_interface_tables =
    compose<presets::go_like, metered, hashing::seeded<hashing::hash_with<hash_of_number>>>;

struct sync_map_subject {
  static constexpr std::string_view name = "sync_map";
  sync_map_subject(bytes_meter& meter, std::uint64_t seed)
      : map(typename go_interface_tables::hashing{seed}, metered{meter}) {}
  static interface_key key_of(std::int64_t key) noexcept { return {&name, key}; }
  void store(std::int64_t key) { map.store(key_of(key), nothing_at_all{}); }
  void erase(std::int64_t key) { map.erase(key_of(key)); }
  void range() {
    map.range([](interface_key, nothing_at_all) {});
  }
  std::size_t keys_left() {
    map.collect();
    return map.state().read_entries + map.state().dirty_entries;
  }
  shared::basic_go_sync_map<interface_key, nothing_at_all, go_interface_tables> map;
};

struct locked_subject {
  static constexpr std::string_view name = "locked";
  locked_subject(bytes_meter& meter, std::uint64_t seed)
      : map(typename go_tables::hashing{seed}, metered{meter}) {}
  void store(std::int64_t key) {
    const std::unique_lock held(lock);
    map.insert_or_assign(key, nothing_at_all{});
  }
  void erase(std::int64_t key) {
    const std::unique_lock held(lock);
    map.erase(key);
  }
  void range() {
    const std::shared_lock held(lock);
    for (const auto& entry : map) static_cast<void>(entry);
  }
  std::size_t keys_left() const { return map.size(); }
  std::shared_mutex lock;
  basic_map<std::int64_t, nothing_at_all, go_tables> map;
};

enum class order { pairs, all_then_delete, range_between };
constexpr std::array<std::pair<order, std::string_view>, 3> orders = {
    {{order::pairs, "pairs"},
     {order::all_then_delete, "all_then_delete"},
     {order::range_between, "range_between"}}};

constexpr double mb(std::uint64_t bytes) { return static_cast<double>(bytes) / 1e6; }

template <class Subject>
double one_order(order what, std::string_view order_name, std::size_t keys, std::uint64_t seed,
                 claim_measurement& out) {
  bytes_meter meter;
  const auto subject = std::make_unique<Subject>(meter, seed);
  const bytes_meter before = meter;
  std::uint64_t erasing_ns = 0;
  const std::uint64_t started = thread_cpu_ns();
  const auto count = static_cast<std::int64_t>(keys);
  if (what == order::pairs) {
    for (std::int64_t k = 0; k < count; ++k) {
      subject->store(k);
      subject->erase(k);
    }
  } else {
    for (std::int64_t k = 0; k < count; ++k) subject->store(k);
    if (what == order::range_between) subject->range();
    const std::uint64_t erasing = thread_cpu_ns();
    for (std::int64_t k = 0; k < count; ++k) subject->erase(k);
    erasing_ns = thread_cpu_ns() - erasing;
  }
  const std::uint64_t took = thread_cpu_ns() - started;
  const std::size_t left = subject->keys_left();
  const auto at = [&](std::string_view metric) {
    return fmt::format("{}.{}.{}", metric, Subject::name, order_name);
  };
  const double retained = mb(meter.held - before.held);
  note(out, at("retained_mb"), "MB", true, retained);
  note(out, at("allocated_mb"), "MB", true, mb(meter.in_all - before.in_all));
  note(out, at("keys_left"), "keys", true, static_cast<double>(left));
  // Of a pair, where there are pairs: to time each delete alone would time the clock.
  note(out, at("delete_ns"), "ns", false,
       static_cast<double>(what == order::pairs ? took : erasing_ns) / static_cast<double>(keys));
  return retained;
}

}  // namespace
}  // namespace sync_map_parts

claim_measurement measure_sync_map(const claim_request& request) {
  using namespace sync_map_parts;
  const std::size_t operations = whole_parameter(request, "operations");
  const std::size_t keys = operations / 2;
  static_cast<void>(chosen(*request.table, std::vector<built_composition<int>>{{"go_like", 0}}));
  claim_measurement out;
  for (unsigned round = 0; round < request.rounds && !stop_measuring(); ++round) {
    begin_round(request, round, request.rounds);
    const std::uint64_t seed = next_seed(request.seed + round);
    for (const auto& [what, name] : orders) {
      const double ours = one_order<sync_map_subject>(what, name, keys, seed, out);
      const double locked = one_order<locked_subject>(what, name, keys, seed, out);
      // Of a loop that leaves next to nothing behind there is no ratio.
      if (what != order::pairs) note(out, fmt::format("times_locked.{}", name), "times", true, ours / locked);
    }
    if (!stop_measuring()) ++out.rounds;
  }
  if (out.rounds == 0) return out;
  out.setting = fmt::format("{} stores and as many deletes, int64 -> struct{{}}", grouped(keys));
  const auto median = [&out](const std::string& metric) { return median_of(out, metric); };
  out.why.push_back(fmt::format(
      "the printed loop's keys are in dirty alone and go at once: {:.3f} MB stay; but {:.0f} MB are "
      "allocated on the way, by the locked map {:.3f} MB",
      median("retained_mb.sync_map.pairs"), median("allocated_mb.sync_map.pairs"),
      median("allocated_mb.locked.pairs")));
  for (const auto& [what, name] : orders) {
    if (what == order::pairs) continue;
    out.why.push_back(fmt::format(
        "{}: {} deleted keys keep their places, {:.1f} MB; the locked map keeps its array, {:.1f} MB: {:.2f} "
        "times",
        name, grouped(static_cast<std::uint64_t>(median(fmt::format("keys_left.sync_map.{}", name)))),
        median(fmt::format("retained_mb.sync_map.{}", name)),
        median(fmt::format("retained_mb.locked.{}", name)), median(fmt::format("times_locked.{}", name))));
  }
  return out;
}

}  // namespace tophash::lab
