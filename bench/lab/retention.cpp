// SPDX-License-Identifier: Apache-2.0
#include "lab/retention.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <map>
#include <memory>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <tophash/allocators/erased.hpp>
#include <tophash/gc/trace_blocks.hpp>

#include "lab/collectors.hpp"
#include "lab/map_watcher.hpp"
#include "lab/measure.hpp"
#include "lab/storages.hpp"
#include "lab/values.hpp"

namespace tophash::lab {

namespace {

using nlohmann::json;

// Only what the control words say is asked for.
struct count_only {
  struct silent : pointer_visitor {
    silent() noexcept
        : pointer_visitor{[](pointer_visitor&, const void*) noexcept {},
                          [](pointer_visitor&, const void*) noexcept {}} {}
  } nobody;
  void pointer(const void*) noexcept {}
  pointer_visitor& visitor() noexcept { return nobody; }
  void has_read(std::size_t) noexcept {}
};

// The program's last look at its map comes after all others: those that reserving and clearing give rise to.
template <class Key>
std::size_t looks_of(const program<Key>& p) {
  std::size_t out = 0;
  for (const segment& s : p.segments) {
    if (s.kind == segment_kind::reserve || s.kind == segment_kind::clear) out += s.passes;
  }
  return out * p.repeats + 1;
}

class kept_meter final : public map_watcher {
 public:
  kept_meter(allocators::erased inner, heap_collector& collector, std::size_t garbage_bytes,
             std::size_t looks)
      : inner_(inner), collector_(collector), garbage_bytes_(garbage_bytes), looks_left_(looks) {
    collector_.collect();
    for (const heap_object& o : collector_.left_by_last()) others_.insert(o.begin);
  }

  // The handle that the map gets.
  class handle {
   public:
    using axis = axes::allocation;
    static constexpr std::string_view name = "kept_meter";
    explicit handle(kept_meter& meter) noexcept : meter_(&meter) {}
    void* try_allocate(const request& r) const noexcept {
      void* const block = meter_->inner_.try_allocate(r);
      if (block != nullptr)
        meter_->ledger_[reinterpret_cast<std::uintptr_t>(block)] = {.asked = r, .turn = ++meter_->turns_};
      return block;
    }
    void deallocate(void* block, const request& r) const noexcept {
      meter_->ledger_.erase(reinterpret_cast<std::uintptr_t>(block));
      meter_->inner_.deallocate(block, r);
    }
    tophash::visibility visibility_now() const noexcept { return meter_->inner_.visibility_now(); }
    friend bool operator==(handle, handle) = default;

   private:
    kept_meter* meter_;
  };

  void new_map() override {}
  std::size_t until_due() const noexcept override { return 256; }
  bool ran(std::size_t operations, std::uint64_t) override {
    if (garbage_bytes_ != 0 && operations != 0) collector_.allocate_garbage(operations * garbage_bytes_);
    return false;
  }
  void look(const map_sample& state) override {
    if (--looks_left_ != 0) return;
    collector_.collect();
    classify(state);
  }

  const kept_figures& figures() const noexcept { return out_; }
  const std::string& trouble() const noexcept { return trouble_; }

 private:
  // Blocks that were handed out and did not come back. Values that the collector owns never do: what it
  // reuses the place for, if not a block of ours, is then taken for the value, and has no holder in the map.
  struct entry {
    request asked;
    std::uint64_t turn = 0;
    bool is_left = false;
  };
  using ledger = std::map<std::uintptr_t, entry>;

  static std::uint64_t word_at(std::uintptr_t p) noexcept {
    std::uint64_t w;
    std::memcpy(&w, reinterpret_cast<const void*>(p), sizeof w);
    return w;
  }
  // Objects of up to 25 granules that lie on a thread's free list are marked by libgc: free, and not kept.
  static constexpr std::size_t cached_bytes_max = 400;
  static bool may_be_cached(std::uintptr_t p, const request& r) noexcept {
    if (r.use != purpose::side || r.bytes > cached_bytes_max) return false;
    for (std::size_t i = sizeof(void*); i + sizeof(void*) <= r.bytes; i += sizeof(void*)) {
      if (word_at(p + i) != 0) return false;
    }
    return true;
  }
  // A block made by value_block::make, which begins with the value and its size.
  static bool is_value(std::uintptr_t p, const request& r) noexcept {
    return r.use == purpose::side && r.trace == nullptr && r.bytes >= sizeof(value_block) &&
           word_at(p + offsetof(value_block, bytes)) == r.bytes;
  }
  static bool is_array(const request& r) noexcept {
    return r.use == purpose::slots && r.trace != nullptr && r.trace->slots != 0;
  }

  void classify(const map_sample& state) {
    for (const heap_object& o : collector_.left_by_last()) match(o);
    std::unordered_set<std::uintptr_t> values;
    for (auto& [at, e] : ledger_) {
      if (e.is_left && is_value(at, e.asked)) {
        values.insert(at);
      } else if (e.is_left) {
        if (!may_be_cached(at, e.asked)) out_.map_bytes += e.asked.bytes;
      } else if (e.asked.use != purpose::side) {
        trouble_ = "the collector freed a block of the map, of " + std::to_string(e.asked.bytes) +
                   " bytes for " + purpose_name(e.asked.use);
      }
    }
    out_.split = state.tells && (state.live == 0 || any_array());
    if (out_.split) count_slots(state, values);
    if (out_.split) count_holders(values);
    for (const std::uintptr_t p : values) note(out_.split ? out_.false_pointers : out_.live, p);
  }

  // The ledger's block that lies in an object of the collector's heap; headers may stand before it.
  void match(const heap_object& o) {
    const auto at = ledger_.lower_bound(o.begin);
    if (at != ledger_.end() && at->first < o.begin + o.bytes) {
      at->second.is_left = true;
    } else if (o.bytes > cached_bytes_max && others_.count(o.begin) == 0) {
      ++out_.false_pointers.count;
      out_.false_pointers.bytes += o.bytes;
    }
  }
  bool any_array() const {
    return std::any_of(ledger_.begin(), ledger_.end(),
                       [](const auto& e) { return is_array(e.second.asked); });
  }
  void note(kept_blocks& to, std::uintptr_t value) {
    ++to.count;
    to.bytes += ledger_.at(value).asked.bytes;
  }

  // Slots of the map's arrays, overflow buckets included; live values leave the set.
  void count_slots(const map_sample& state, std::unordered_set<std::uintptr_t>& values) {
    const std::unordered_set<std::uintptr_t> old = old_arrays(state);
    std::uint64_t live = 0, linked = 0, overflow = 0, overflow_bytes = 0;
    for (const auto& [at, e] : ledger_) {
      if (e.asked.use == purpose::overflow) ++overflow, overflow_bytes = e.asked.bytes;
      if (!is_array(e.asked)) continue;
      const trace_info& t = *e.asked.trace;
      const auto* const block = reinterpret_cast<const unsigned char*>(at);
      const std::size_t units = gc::units_of(t, e.asked.bytes);
      count_only nobody;
      const slot_census seen = gc::trace_units(t, block, e.asked.bytes, units, 0, units, nobody);
      const std::uint64_t slot_bytes = gc::slot_read_bytes(t);
      live += seen.live, linked += seen.overflow;
      out_.live_slot_bytes += seen.live * slot_bytes;
      out_.dead_slot_bytes += seen.residue * slot_bytes;
      out_.empty_overflow_bytes += std::uint64_t{seen.overflow_empty} * t.bucket_bytes;
      // Its overflow buckets are no part of the block.
      if (old.count(at) != 0)
        out_.old_array_bytes += vacant_bytes(t, block, e.asked.bytes, units, slot_bytes);
      gc::for_each_live_entry(t, block, e.asked.bytes, [&](const unsigned char*, const unsigned char* value) {
        const auto to = static_cast<std::uintptr_t>(word_at(reinterpret_cast<std::uintptr_t>(value)));
        if (values.erase(to) != 0) note(out_.live, to);
      });
    }
    // Those of an array's tail are linked and no blocks of their own; a source that has such keeps none.
    out_.empty_overflow_bytes += (overflow - std::min(overflow, linked)) * overflow_bytes;
    if (live != state.live)
      trouble_ = fmt::format("marking sees {} live slots, and the map has {} entries", live, state.live);
  }
  // Of main buckets: what holds neither an entry nor the rest of one.
  static std::uint64_t vacant_bytes(const trace_info& t, const unsigned char* block, std::size_t bytes,
                                    std::size_t units, std::uint64_t slot_bytes) {
    std::uint64_t in_use = 0;
    if (t.shape == trace_shape::open_groups) {
      count_only nobody;
      const slot_census seen = gc::trace_units(t, block, bytes, units, 0, units, nobody);
      in_use = seen.live + seen.residue;
    } else {
      for (std::size_t u = 0; u < units; ++u) {
        const auto* const tags =
            reinterpret_cast<const std::uint8_t*>(block + u * t.bucket_bytes + t.tags_offset_bytes);
        in_use += gc::count_slots(at_least(tags, t.first_live_tag));
        if (t.dead_tag != 0) in_use += gc::count_slots(gc::dead_slots(t, tags));
      }
    }
    return bytes - std::min<std::uint64_t>(bytes, in_use * slot_bytes);
  }
  // The array that a growth is emptying, or its groups: what was allocated first, or what the older directory
  // names.
  std::unordered_set<std::uintptr_t> old_arrays(const map_sample& state) const {
    std::unordered_set<std::uintptr_t> out;
    if (state.old_buckets == 0) return out;
    const ledger::value_type *oldest = nullptr, *oldest_directory = nullptr;
    const auto earlier = [](const ledger::value_type* a, const ledger::value_type& b) {
      return a == nullptr || b.second.turn < a->second.turn;
    };
    for (const auto& e : ledger_) {
      if (is_array(e.second.asked) && earlier(oldest, e)) oldest = &e;
      if (e.second.asked.use == purpose::directory && earlier(oldest_directory, e)) oldest_directory = &e;
    }
    if (oldest_directory == nullptr) {
      if (oldest != nullptr) out.insert(oldest->first);
      return out;
    }
    for (std::size_t i = 0; i + sizeof(void*) <= oldest_directory->second.asked.bytes; i += sizeof(void*)) {
      const auto at = ledger_.find(word_at(oldest_directory->first + i));
      if (at != ledger_.end() && is_array(at->second.asked)) out.insert(at->first);
    }
    return out;
  }

  // Values that no live slot leads to, by what of the map still names them.
  void count_holders(std::unordered_set<std::uintptr_t>& values) {
    for (const bool overflow : {false, true}) {
      for (const auto& [at, e] : ledger_) {
        const purpose use = e.asked.use;
        const bool holds =
            overflow ? use == purpose::overflow : use == purpose::slots || use == purpose::node;
        if (values.empty() || !e.is_left || !holds) continue;
        for (std::size_t i = 0; i + sizeof(void*) <= e.asked.bytes; i += sizeof(void*)) {
          const auto to = static_cast<std::uintptr_t>(word_at(at + i));
          if (values.erase(to) != 0) note(overflow ? out_.dead_overflow : out_.dead_slots, to);
        }
      }
    }
  }

  allocators::erased inner_;
  heap_collector& collector_;
  std::size_t garbage_bytes_, looks_left_;
  std::unordered_set<std::uintptr_t> others_;  // that were there before
  ledger ledger_;
  std::uint64_t turns_ = 0;
  kept_figures out_;
  std::string trouble_;
};

json blocks_json(const kept_blocks& b) { return {{"count", b.count}, {"bytes", b.bytes}}; }
kept_blocks blocks_from(const json& j) { return {.count = j.at("count"), .bytes = j.at("bytes")}; }

std::string amount(std::uint64_t bytes) {
  return bytes < 10'000       ? fmt::format("{} B", bytes)
         : bytes < 10'000'000 ? fmt::format("{:.1f} KB", static_cast<double>(bytes) / 1e3)
                              : fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

}  // namespace

json kept_pass(const measured_task& task, std::uint64_t seed, std::size_t garbage_bytes) {
  const std::unique_ptr<bound_storage> storage = bind_storage(task.storage);
  const std::size_t looks = std::visit([](const auto& p) { return looks_of(p); }, *task.program);
  kept_meter meter(storage->handle(), *storage->collector(), garbage_bytes, looks);
  allocators::erased_resource<kept_meter::handle> resource{kept_meter::handle(meter)};
  const execution result = execute_once(task, {.storage = allocators::erased(resource),
                                               .map_seed = seed,
                                               .latencies = nullptr,
                                               .counters = nullptr,
                                               .watcher = &meter});
  if (!meter.trouble().empty()) return {{"trouble", meter.trouble()}};
  json out = kept_json(meter.figures());
  out["trouble"] = result.trouble, out["checksum"] = result.checksum;
  return out;
}

json kept_json(const kept_figures& k) {
  json out{
      {"map_bytes", k.map_bytes}, {"by_false_pointers", blocks_json(k.false_pointers)}, {"known", k.split}};
  out["live"] = blocks_json(k.live);
  if (!k.split) return out;
  out["by_dead_slots"] = blocks_json(k.dead_slots);
  out["by_dead_overflow_slots"] = blocks_json(k.dead_overflow);
  out["live_slot_bytes"] = k.live_slot_bytes, out["dead_slot_bytes"] = k.dead_slot_bytes;
  out["empty_overflow_bytes"] = k.empty_overflow_bytes, out["old_array_bytes"] = k.old_array_bytes;
  out["retention"] = k.retention();
  return out;
}

kept_figures kept_from(const json& j) {
  kept_figures k;
  k.map_bytes = j.at("map_bytes"), k.false_pointers = blocks_from(j.at("by_false_pointers"));
  k.live = blocks_from(j.at("live")), k.split = j.at("known");
  if (!k.split) return k;
  k.dead_slots = blocks_from(j.at("by_dead_slots")),
  k.dead_overflow = blocks_from(j.at("by_dead_overflow_slots"));
  k.live_slot_bytes = j.at("live_slot_bytes"), k.dead_slot_bytes = j.at("dead_slot_bytes");
  k.empty_overflow_bytes = j.at("empty_overflow_bytes"), k.old_array_bytes = j.at("old_array_bytes");
  return k;
}

std::string kept_text(const kept_figures& k) {
  if (!k.split)
    return fmt::format("kept: {} in blocks of the map, whose slots are not known; by false pointers {}",
                       amount(k.map_bytes), amount(k.false_pointers.bytes));
  std::string out = fmt::format("kept: live {}", amount(k.needed_bytes()));
  const std::pair<const char*, std::uint64_t> causes[] = {
      {"by dead slots", k.dead_slots.bytes + k.dead_slot_bytes},
      {"by overflow", k.dead_overflow.bytes + k.empty_overflow_bytes},
      {"by an old array", k.old_array_bytes},
      {"by false pointers", k.false_pointers.bytes}};
  for (const auto& [cause, bytes] : causes) out += fmt::format(", {} {}", cause, amount(bytes));
  return out + fmt::format("; retention {:.1f} %", 100 * k.retention());
}

}  // namespace tophash::lab
