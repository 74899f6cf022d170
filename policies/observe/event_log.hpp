// SPDX-License-Identifier: Apache-2.0
// The last `Entries` events of a map, oldest first, each with a sequence number and a time: what happened
// before this went wrong. All events of writes; not those of lookups (found, missed, probed), which would
// drown the others and come from several threads.
//
//   tophash::map<K, V, observe::event_log<4096>> m;
//   m.observer().write_json_lines(stderr);
//   {"sequence":12,"ns":8123,"event":"erased","chain":3,"bucket":"0x...","slot":1,"in_old":false,"hash":"0x..."}
//
// Memory: 120 bytes an entry, allocated at a map's first event (its first array) or by reserve(); if that
// fails, events are counted as lost and it is tried again. Cost: one reading of the clock and one store of an
// entry an event, O(1). ns: since the clock's own epoch; with no_clock it is left out.
// A copied map starts with an empty log, a move takes the log along.
#ifndef TOPHASH_POLICIES_OBSERVE_EVENT_LOG_HPP
#define TOPHASH_POLICIES_OBSERVE_EVENT_LOG_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <new>
#include <string_view>
#include <utility>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/concepts/observe.hpp>
#include <tophash/framework/core/text.hpp>
#include <tophash/policies/observe/clock.hpp>
#include <tophash/policies/observe/json_line.hpp>

namespace tophash::inline v1 {

namespace observe {

enum class event_kind : std::uint8_t {
  inserted, resurrected, erased, swept, moved, retired, growth_started, step_started, evacuated,
  step_finished, growth_finished, sweep_started, sweep_finished, overflow_acquired, overflow_released,
  cleared, discarded,
};

constexpr std::string_view name_of(event_kind kind) noexcept {
  constexpr std::string_view names[] = {
      "inserted", "resurrected", "erased", "swept", "moved", "retired", "growth_started", "step_started",
      "evacuated", "step_finished", "growth_finished", "sweep_started", "sweep_finished",
      "overflow_acquired", "overflow_released", "cleared", "discarded"};
  return names[static_cast<std::size_t>(kind)];
}

// One event, whatever its kind; a field that the kind does not have is 0.
struct logged_event {
  std::uint64_t sequence = 0;  // of all events that the log was told, from 0
  std::uint64_t ns = 0;
  event_kind kind{};
  bool hash_known = false;
  events::slot_place at{};    // moved: to; evacuated, overflow_acquired: the chain; overflow_*: the bucket
  events::slot_place from{};  // moved
  std::uint64_t hash = 0;
  std::uint64_t entries = 0;  // moved, swept, cleared, discarded
  std::uint64_t units = 0;  // growth_started: before; step_finished: chains; overflow_acquired: chain_buckets
  std::uint64_t units_after = 0;
};

template <std::size_t Entries = 1024, class Clock = std::chrono::steady_clock>
class event_log {
  static_assert(Entries > 0, "an event_log of no entries keeps nothing: give it at least 1");

 public:
  using axis = axes::observe;
  static constexpr observe_facts facts{.on_const_paths = false};

  static constexpr option_text name()
    requires(!clock_name<Clock>.empty())
  {
    option_text out{"event_log("};
    out.append(Entries);
    if (!has_clock<Clock>) out.append(",no_clock");
    return out.append(")");
  }

  event_log() noexcept = default;
  event_log(const event_log&) noexcept {}
  event_log(event_log&& other) noexcept { take(other); }
  event_log& operator=(const event_log&) noexcept { return *this; }
  event_log& operator=(event_log&& other) noexcept {
    if (this != &other) take(other);
    return *this;
  }
  ~event_log() = default;

  static constexpr std::size_t capacity() noexcept { return Entries; }
  std::size_t size() const noexcept { return size_; }
  // Events told in all: sequence of the next one. Those that are not here any more were overwritten or lost.
  std::uint64_t told() const noexcept { return told_; }
  std::uint64_t lost() const noexcept { return lost_; }
  // The i-th oldest, i < size().
  const logged_event& operator[](std::size_t i) const noexcept {
    const std::size_t oldest = size_ < Entries ? 0 : next_;
    return ring_[i < Entries - oldest ? oldest + i : i - (Entries - oldest)];
  }
  // Allocates now. False: no memory.
  bool reserve() noexcept {
    if (ring_ == nullptr) ring_.reset(new (std::nothrow) logged_event[Entries]);
    return ring_ != nullptr;
  }
  void reset() noexcept {
    size_ = next_ = 0;
    told_ = lost_ = 0;
  }

  // Calls write(std::string_view) for each line, its '\n' included.
  template <class Write>
  void write_json_lines(Write&& write) const
    requires requires { write(std::string_view{}); }
  {
    for (std::size_t i = 0; i < size_; ++i) {
      json_line line;
      describe(line, (*this)[i]);
      write(line.close());
      write(std::string_view{"\n"});
    }
  }
  void write_json_lines(std::FILE* to) const {
    write_json_lines([to](std::string_view s) { std::fwrite(s.data(), 1, s.size(), to); });
  }

  void on(const events::inserted& e) noexcept {
    log({.hash_known = true, .at = e.at, .hash = e.hash}, event_kind::inserted);
  }
  void on(const events::resurrected& e) noexcept {
    log({.hash_known = true, .at = e.at, .hash = e.hash}, event_kind::resurrected);
  }
  void on(const events::erased& e) noexcept {
    log({.hash_known = e.hash_known, .at = e.at, .hash = e.hash}, event_kind::erased);
  }
  void on(const events::swept& e) noexcept { log({.at = e.at}, event_kind::swept); }
  void on(const events::moved& e) noexcept {
    log({.hash_known = true, .at = e.to, .from = e.from, .hash = e.hash}, event_kind::moved);
  }
  void on(const events::retired& e) noexcept { log({.at = e.at}, event_kind::retired); }
  void on(const events::growth_started& e) noexcept {
    log({.units = e.units_before, .units_after = e.units_after}, event_kind::growth_started);
  }
  void on(const events::step_started&) noexcept { log({}, event_kind::step_started); }
  void on(const events::evacuated& e) noexcept {
    log({.at = {.chain = e.chain, .in_old = true}, .entries = e.entries}, event_kind::evacuated);
  }
  void on(const events::step_finished& e) noexcept { log({.units = e.chains}, event_kind::step_finished); }
  void on(const events::growth_finished& e) noexcept { log({.units = e.units}, event_kind::growth_finished); }
  void on(const events::sweep_started&) noexcept { log({}, event_kind::sweep_started); }
  void on(const events::sweep_finished& e) noexcept {
    log({.entries = e.entries}, event_kind::sweep_finished);
  }
  void on(const events::overflow_acquired& e) noexcept {
    log({.at = {.chain = e.chain, .bucket = e.bucket}, .units = e.chain_buckets},
        event_kind::overflow_acquired);
  }
  void on(const events::overflow_released& e) noexcept {
    log({.at = {.bucket = e.bucket}}, event_kind::overflow_released);
  }
  void on(const events::cleared& e) noexcept { log({.entries = e.entries}, event_kind::cleared); }
  void on(const events::discarded& e) noexcept {
    log({.entries = e.entries, .units = e.units}, event_kind::discarded);
  }

 private:
  void log(const logged_event& fields, event_kind kind) noexcept {
    const std::uint64_t sequence = told_++;
    if (!reserve()) {
      ++lost_;
      return;
    }
    logged_event& to = ring_[next_];
    to = fields;
    to.sequence = sequence;
    to.ns = clock_ns<Clock>();
    to.kind = kind;
    if (++next_ == Entries) next_ = 0;
    if (size_ < Entries) ++size_;
  }

  static void describe(json_line& line, const logged_event& e) {
    line.number("sequence", e.sequence);
    if constexpr (has_clock<Clock>) line.number("ns", e.ns);
    line.word("event", name_of(e.kind));
    switch (e.kind) {
      case event_kind::moved:
        line.place(e.at);
        line.begin("from").place(e.from).end();
        break;
      case event_kind::inserted:
      case event_kind::resurrected:
      case event_kind::erased:
      case event_kind::swept:
      case event_kind::retired:
        line.place(e.at);
        break;
      case event_kind::growth_started:
        line.number("units_before", e.units).number("units_after", e.units_after);
        break;
      case event_kind::evacuated:
        line.number("chain", e.at.chain).number("entries", e.entries);
        break;
      case event_kind::step_finished:
        line.number("chains", e.units);
        break;
      case event_kind::growth_finished:
        line.number("units", e.units);
        break;
      case event_kind::overflow_acquired:
        line.number("chain", e.at.chain).hex("bucket", e.at.bucket).number("chain_buckets", e.units);
        break;
      case event_kind::overflow_released:
        line.hex("bucket", e.at.bucket);
        break;
      case event_kind::sweep_finished:
      case event_kind::cleared:
        line.number("entries", e.entries);
        break;
      case event_kind::discarded:
        line.number("entries", e.entries).number("units", e.units);
        break;
      case event_kind::step_started:
      case event_kind::sweep_started:
        break;
    }
    if (e.hash_known) line.hex("hash", e.hash);
  }

  void take(event_log& other) noexcept {
    ring_ = std::move(other.ring_);
    size_ = std::exchange(other.size_, 0);
    next_ = std::exchange(other.next_, 0);
    told_ = std::exchange(other.told_, 0);
    lost_ = std::exchange(other.lost_, 0);
  }

  std::unique_ptr<logged_event[]> ring_;
  std::size_t size_ = 0;
  std::size_t next_ = 0;
  std::uint64_t told_ = 0;
  std::uint64_t lost_ = 0;
};

}  // namespace observe

}  // namespace tophash::inline v1

#endif
