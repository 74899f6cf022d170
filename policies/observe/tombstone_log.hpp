// SPDX-License-Identifier: Apache-2.0
// What became of each erased slot, and when: chain, hash and time of every erase, and how old the slot was
// when something ended its wait. For any deletion: with immediate and tombstone a slot waits until an insertion
// takes it, with dirty until it is swept or resurrected, with tombstone_not_reusing until a growth passes it.
//
//   tophash::map<K, V, deletion::tombstone, observe::tombstone_log<>> m;
//   m.observer().open()                                how many erased slots wait now
//   m.observer().ages(observe::ending::reused)         ages of slots that an insertion took
//   m.observer().for_each_open([](const observe::tombstone& t, std::uint64_t age) { ... });
//
// Ages are in writes: insertions of new keys, resurrections and erases that this map did in between. With a
// clock, which must be steady, also in nanoseconds.
// Memory is bounded: `Slots` erased slots are followed at once, in a table of 2 Slots places, rounded up to a
// power of two, of 64 bytes, allocated at the map's first event (its first array); an erase beyond that is
// counted as not followed. Cost: O(1) an event, one search of that table; while switched off, one test.
// Switching off forgets the slots that wait, since their end would go unseen.
// A copied map starts with an empty log, a move takes the log along; the switch is copied.
#ifndef TOPHASH_POLICIES_OBSERVE_TOMBSTONE_LOG_HPP
#define TOPHASH_POLICIES_OBSERVE_TOMBSTONE_LOG_HPP

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string_view>
#include <utility>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/concepts/observe.hpp>
#include <tophash/framework/core/text.hpp>
#include <tophash/policies/observe/clock.hpp>
#include <tophash/policies/observe/log2_histogram.hpp>

namespace tophash::inline v1 {

namespace observe {

// What ended the wait of an erased slot.
enum class ending : std::uint8_t {
  reused,       // an insertion of another entry took it
  moved_into,   // a growth step put an entry of the old array into it
  resurrected,  // dirty: the same key was inserted again
  swept,        // dirty: the entry was destroyed
  retired,      // a growth step passed it: its array is on the way out
  released,     // its overflow bucket was given back: emptied, or the map was cleared
  cleared,      // clear(), or the map gave back all memory
};
inline constexpr std::size_t endings = 7;

constexpr std::string_view name_of(ending e) noexcept {
  constexpr std::string_view names[] = {"reused",  "moved_into", "resurrected", "swept",
                                        "retired", "released",   "cleared"};
  return names[static_cast<std::size_t>(e)];
}

struct tombstone {
  events::slot_place at{};
  std::uint64_t hash = 0;
  std::uint64_t erased_at_write = 0;  // number of the erase among the map's writes, from 1
  std::uint64_t erased_ns = 0;        // the clock's; 0 without one
  bool hash_known = false;            // not of an erase through an iterator that was not just found
};

template <std::size_t Slots = 4096, class Clock = no_clock>
class tombstone_log {
  static_assert(Slots > 0, "a tombstone_log that follows no slot tells nothing: give it at least 1");

 public:
  using axis = axes::observe;
  static constexpr observe_facts facts{.on_const_paths = false};

  static constexpr option_text name()
    requires(!clock_name<Clock>.empty())
  {
    option_text out{"tombstone_log("};
    out.append(Slots);
    if (has_clock<Clock>) out.append(",").append(clock_name<Clock>);
    return out.append(")");
  }

  tombstone_log() noexcept = default;
  explicit tombstone_log(bool enabled) noexcept : enabled_(enabled) {}
  tombstone_log(const tombstone_log& other) noexcept : enabled_(other.enabled_) {}
  tombstone_log(tombstone_log&& other) noexcept { take(other); }
  tombstone_log& operator=(const tombstone_log&) noexcept { return *this; }
  tombstone_log& operator=(tombstone_log&& other) noexcept {
    if (this != &other) take(other);
    return *this;
  }
  ~tombstone_log() = default;

  bool enabled() const noexcept { return enabled_; }
  void enabled(bool on) noexcept {
    if (enabled_ && !on) {
      counts_.forgotten += open();
      forget_all();
    }
    enabled_ = on;
  }
  void reset() noexcept {
    counts_ = {};
    book_.reset();
  }

  static constexpr std::size_t capacity() noexcept { return Slots; }
  // Erased slots that wait now.
  std::size_t open() const noexcept { return book_ == nullptr ? 0 : book_->open; }
  // Writes seen while switched on.
  std::uint64_t writes() const noexcept { return counts_.writes; }
  // erases() == open() + the ended() of every ending + not_followed() + forgotten()
  std::uint64_t erases() const noexcept { return counts_.erases; }
  std::uint64_t not_followed() const noexcept { return counts_.not_followed; }  // no room, or no memory
  std::uint64_t forgotten() const noexcept { return counts_.forgotten; }        // by switching off
  std::uint64_t ended(ending e) const noexcept { return ages(e).total(); }
  // Followed slots that went without another entry having been put into them.
  std::uint64_t never_reused() const noexcept {
    return ended(ending::swept) + ended(ending::retired) + ended(ending::released) + ended(ending::cleared);
  }

  // Ages in writes at the end of the wait.
  log2_histogram ages(ending e) const noexcept {
    return book_ == nullptr ? log2_histogram{} : book_->ages[static_cast<std::size_t>(e)];
  }
  // Ages of the slots that an entry was put into again, by an insertion or a growth step.
  log2_histogram reuse_ages() const noexcept {
    log2_histogram out = ages(ending::reused);
    out.add(ages(ending::moved_into));
    return out;
  }
  // As ages(), in nanoseconds.
  log2_histogram ages_ns(ending e) const noexcept
    requires has_clock<Clock>
  {
    return book_ == nullptr ? log2_histogram{} : book_->ages_ns[static_cast<std::size_t>(e)];
  }
  // Ages in writes of the slots that wait now. O(capacity).
  log2_histogram ages_now() const noexcept {
    log2_histogram out;
    for_each_open([&out](const tombstone&, std::uint64_t age) { out.add(age); });
    return out;
  }
  // Calls f(tombstone, age in writes) for each slot that waits, in no order. O(capacity).
  template <class F>
  void for_each_open(F&& f) const {
    if (open() == 0) return;
    for (const tombstone& t : book_->places) {
      if (t.at.bucket != 0) f(t, counts_.writes - t.erased_at_write);
    }
  }

  void on(const events::erased& e) noexcept {
    if (!enabled_) return;
    ++counts_.writes;
    ++counts_.erases;
    if (!has_book() || book_->open == Slots) {
      ++counts_.not_followed;
      return;
    }
    tombstone& t = book_->places[book_->find(e.at.bucket, e.at.slot)];
    // Taken only if somebody put another map's log into this map.
    if (t.at.bucket == 0) {
      ++book_->open;
    } else {
      ++counts_.forgotten;
    }
    t = {.at = e.at,
         .hash = e.hash,
         .erased_at_write = counts_.writes,
         .erased_ns = clock_ns<Clock>(),
         .hash_known = e.hash_known};
  }
  void on(const events::inserted& e) noexcept {
    if (!enabled_) return;
    ++counts_.writes;
    end(e.at.bucket, e.at.slot, ending::reused);
  }
  void on(const events::resurrected& e) noexcept {
    if (!enabled_) return;
    ++counts_.writes;
    end(e.at.bucket, e.at.slot, ending::resurrected);
  }
  void on(const events::moved& e) noexcept {
    if (enabled_) end(e.to.bucket, e.to.slot, ending::moved_into);
  }
  void on(const events::swept& e) noexcept {
    if (enabled_) end(e.at.bucket, e.at.slot, ending::swept);
  }
  void on(const events::retired& e) noexcept {
    if (enabled_) end(e.at.bucket, e.at.slot, ending::retired);
  }
  void on(const events::overflow_released& e) noexcept {
    if (!enabled_) return;
    for (std::size_t slot = 0; slot < e.slots; ++slot) end(e.bucket, slot, ending::released);
  }
  void on(const events::growth_started&) noexcept {
    if (enabled_) static_cast<void>(has_book());
  }
  void on(const events::cleared&) noexcept {
    if (enabled_) end_all(ending::cleared);
  }
  void on(const events::discarded&) noexcept {
    if (enabled_) end_all(ending::cleared);
  }

 private:
  struct count_values {
    std::uint64_t writes = 0;
    std::uint64_t erases = 0;
    std::uint64_t not_followed = 0;
    std::uint64_t forgotten = 0;
  };

  // Open addressing by bucket and slot, linear probing, at most half full. It leaves no tombstones of its own:
  // what follows a freed place moves up.
  struct book {
    static constexpr std::size_t size = std::bit_ceil(2 * Slots);
    static constexpr std::size_t mask = size - 1;

    std::size_t open = 0;
    std::array<log2_histogram, endings> ages{};
    std::array<log2_histogram, has_clock<Clock> ? endings : 0> ages_ns{};
    std::array<tombstone, size> places{};

    static std::size_t home(std::uintptr_t bucket, std::size_t slot) noexcept {
      const std::uint64_t both = std::uint64_t{bucket} + slot;
      return static_cast<std::size_t>(both * 0x9e3779b97f4a7c15u >> 32) & mask;
    }
    // The place of this slot, or the empty one where it would go.
    std::size_t find(std::uintptr_t bucket, std::size_t slot) const noexcept {
      std::size_t i = home(bucket, slot);
      while (places[i].at.bucket != 0 && (places[i].at.bucket != bucket || places[i].at.slot != slot)) {
        i = (i + 1) & mask;
      }
      return i;
    }
    void free(std::size_t i) noexcept {
      for (std::size_t j = i;;) {
        j = (j + 1) & mask;
        if (places[j].at.bucket == 0) break;
        // An entry may move up only to a place that its own probe sequence passes.
        const std::size_t wanted = home(places[j].at.bucket, places[j].at.slot);
        if (((j - wanted) & mask) < ((j - i) & mask)) continue;
        places[i] = places[j];
        i = j;
      }
      places[i] = {};
      --open;
    }
  };

  bool has_book() noexcept {
    if (book_ == nullptr) book_.reset(new (std::nothrow) book);
    return book_ != nullptr;
  }

  void note(const tombstone& t, ending how) noexcept {
    const auto e = static_cast<std::size_t>(how);
    book_->ages[e].add(counts_.writes - t.erased_at_write);
    if constexpr (has_clock<Clock>) book_->ages_ns[e].add(clock_ns<Clock>() - t.erased_ns);
  }
  void end(std::uintptr_t bucket, std::size_t slot, ending how) noexcept {
    if (open() == 0) return;
    const std::size_t i = book_->find(bucket, slot);
    if (book_->places[i].at.bucket == 0) return;
    note(book_->places[i], how);
    book_->free(i);
  }
  void end_all(ending how) noexcept {
    for_each_open([this, how](const tombstone& t, std::uint64_t) { note(t, how); });
    forget_all();
  }
  void forget_all() noexcept {
    if (open() == 0) return;
    book_->places.fill({});
    book_->open = 0;
  }

  void take(tombstone_log& other) noexcept {
    enabled_ = other.enabled_;
    counts_ = std::exchange(other.counts_, {});
    book_ = std::move(other.book_);
  }

  bool enabled_ = true;
  count_values counts_;
  std::unique_ptr<book> book_;
};

}  // namespace observe

}  // namespace tophash::inline v1

#endif
