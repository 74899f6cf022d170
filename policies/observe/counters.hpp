// SPDX-License-Identifier: Apache-2.0
// How often each event happened. found and missed come from lookups, which may run in several threads at
// once: they are relaxed atomics, loaded and stored (no locked instruction), so concurrent readers may lose
// some counts but never tear one; with one thread, and for all other events, the counts are exact. A copied
// map starts from zero and counts its insertions; so does the target of a copy assignment, whose contents are
// such a copy. A move takes the counts along. Cost: one increment in memory an event.
#ifndef TOPHASH_POLICIES_OBSERVE_COUNTERS_HPP
#define TOPHASH_POLICIES_OBSERVE_COUNTERS_HPP

#include <atomic>
#include <cstdint>
#include <string_view>
#include <utility>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/concepts/observe.hpp>

namespace tophash::inline v1 {

namespace observe {

struct counter_values {
  std::uint64_t found = 0;
  std::uint64_t missed = 0;
  std::uint64_t inserted = 0;
  std::uint64_t resurrected = 0;
  std::uint64_t erased = 0;
  std::uint64_t swept = 0;
  std::uint64_t growths_started = 0;
  std::uint64_t growths_finished = 0;
  std::uint64_t evacuated_chains = 0;
  std::uint64_t evacuated_entries = 0;
  std::uint64_t overflow_acquired = 0;
  std::uint64_t overflow_released = 0;
  std::uint64_t cleared = 0;
  std::uint64_t cleared_entries = 0;

  friend constexpr bool operator==(const counter_values&, const counter_values&) = default;
};

class counters {
 public:
  using axis = axes::observe;
  static constexpr std::string_view name = "counters";
  static constexpr observe_facts facts{.on_const_paths = true};

  counters() noexcept = default;
  counters(const counters&) noexcept {}
  counters(counters&& other) noexcept { take(other); }
  counters& operator=(const counters&) noexcept { return *this; }
  counters& operator=(counters&& other) noexcept {
    if (this != &other) take(other);
    return *this;
  }
  ~counters() = default;

  void on(events::found) const noexcept { count(found_); }
  void on(events::missed) const noexcept { count(missed_); }
  void on(events::inserted) noexcept { ++written_.inserted; }
  void on(events::resurrected) noexcept { ++written_.resurrected; }
  void on(events::erased) noexcept { ++written_.erased; }
  void on(events::swept) noexcept { ++written_.swept; }
  void on(events::growth_started) noexcept { ++written_.growths_started; }
  void on(events::growth_finished) noexcept { ++written_.growths_finished; }
  void on(events::evacuated event) noexcept {
    ++written_.evacuated_chains;
    written_.evacuated_entries += event.entries;
  }
  void on(events::overflow_acquired) noexcept { ++written_.overflow_acquired; }
  void on(events::overflow_released) noexcept { ++written_.overflow_released; }
  void on(events::cleared event) noexcept {
    ++written_.cleared;
    written_.cleared_entries += event.entries;
  }

  counter_values snapshot() const noexcept {
    counter_values out = written_;
    out.found = found_.load(std::memory_order_relaxed);
    out.missed = missed_.load(std::memory_order_relaxed);
    return out;
  }

  void reset() noexcept { assign({}); }

 private:
  using read_count = std::atomic<std::uint64_t>;

  static void count(read_count& counter) noexcept {
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  void assign(const counter_values& values) noexcept {
    written_ = values;
    found_.store(values.found, std::memory_order_relaxed);
    missed_.store(values.missed, std::memory_order_relaxed);
  }

  void take(counters& other) noexcept {
    assign(other.snapshot());
    other.reset();
  }

  counter_values written_;  // found and missed of it are not used
  mutable read_count found_{0};
  mutable read_count missed_{0};
};

}  // namespace observe

}  // namespace tophash::inline v1

#endif
