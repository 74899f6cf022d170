// SPDX-License-Identifier: Apache-2.0
// What go_sync_map did under its mutex: misses, promotions, copies, and what became of deleted keys. Plain
// numbers: they are told and read under that mutex (go_sync_map::counts()). Cost: one addition an event; an
// operation that needs no mutex tells nothing.
#ifndef TOPHASH_POLICIES_OBSERVE_SYNC_COUNTERS_HPP
#define TOPHASH_POLICIES_OBSERVE_SYNC_COUNTERS_HPP

#include <cstdint>
#include <string_view>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/concepts/sync.hpp>

namespace tophash::inline v1 {

namespace observe {

struct sync_counter_values {
  std::uint64_t misses = 0;
  std::uint64_t promotions = 0;
  std::uint64_t copies = 0;  // of the table that is read, to make the writers'
  std::uint64_t copied_entries = 0;
  std::uint64_t expunged = 0;
  std::uint64_t restored = 0;
  std::uint64_t dropped = 0;

  friend constexpr bool operator==(const sync_counter_values&, const sync_counter_values&) = default;
};

class sync_counters {
 public:
  using axis = axes::observe;
  static constexpr std::string_view name = "sync_counters";
  static constexpr observe_facts facts{.on_const_paths = false};

  void on(events::table_missed) noexcept { ++values_.misses; }
  void on(events::table_promoted) noexcept { ++values_.promotions; }
  void on(events::table_copied event) noexcept {
    ++values_.copies;
    values_.copied_entries += event.entries;
  }
  void on(events::entry_expunged) noexcept { ++values_.expunged; }
  void on(events::entry_restored) noexcept { ++values_.restored; }
  void on(events::entry_dropped) noexcept { ++values_.dropped; }

  const sync_counter_values& snapshot() const noexcept { return values_; }

 private:
  sync_counter_values values_;
};

}  // namespace observe

}  // namespace tophash::inline v1

#endif
