// SPDX-License-Identifier: Apache-2.0
// Observer: told what a table does. It defines `on(event) noexcept` for the events it wants and nothing for
// the others: a table asks with `requires` when compiling, so an event nobody takes costs no instruction.
//
//   event                      when, and what it says
//   events::found, missed      a lookup by key ended at an entry; without one
//   events::probed             a lookup, an insertion or an erase by key has searched: buckets looked at
//   events::searched           the same, told first: why, for which hash, and whether an entry was there
//   events::inserted           a new entry exists: where, its hash
//   events::resurrected        an erased, unswept entry came back to life under the same key: the same
//   events::erased             an entry goes from sight: where, and its hash if the table had it at hand
//   events::swept              a dirty entry was destroyed by a sweep, a growth step or a failed resurrection
//   events::moved              a growth step moved an entry: from where to where, its hash
//   events::retired            a growth step passed an empty slot of the old array: nothing takes it again
//   events::growth_started     a new array was allocated (units before and after)
//   events::step_started       a write, or reserve, begins its share of a growth
//   events::evacuated          one chain of the old array was emptied (entries moved)
//   events::step_finished      the share ends, also where an exception or a failed allocation ends it
//   events::growth_finished    the old array was given back
//   events::sweep_started      a sweep begins that has something to do
//   events::sweep_finished     ... ends: entries destroyed
//   events::overflow_acquired  an overflow bucket was acquired for a chain: its length with it
//   events::overflow_released  an overflow bucket, unlinked, goes back to its source
//   events::cleared            clear()
//   events::discarded          all memory was given back: the destructor, or an assignment's old contents
// Each slot that an erase emptied or hid is accounted for: a later event names it (inserted, resurrected,
// swept, moved to it, retired), gives back its bucket (overflow_released) or everything (cleared, discarded).
// erased and overflow_released come before what they name, step_started and sweep_started before the work,
// every other event after the fact. on(event) must not use the map. found, missed, probed and searched come from
// const members: an observer that takes them must tolerate concurrent readers (relaxed atomics), and says so by
// facts.on_const_paths.
// Entries that are copied are inserted into the copy, whose observer is a copy. Between unequal allocation
// handles a move erases here what it inserts there; any other move, and a swap, tells nothing of entries: the
// observer goes where the arrays go.
// Smallest conforming type: struct quiet { using axis = axes::observe; };
#ifndef TOPHASH_FRAMEWORK_CONCEPTS_OBSERVE_HPP
#define TOPHASH_FRAMEWORK_CONCEPTS_OBSERVE_HPP

#include <cstddef>
#include <cstdint>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/config.hpp>

namespace tophash::inline v1 {

namespace events {

inline std::uintptr_t identity_of(const void* bucket) noexcept {
  return reinterpret_cast<std::uintptr_t>(bucket);
}

// Where an entry lies, or lay.
struct slot_place {
  std::size_t chain = 0;      // number of the chain's main bucket in its array; open addressing: of the group
  std::uintptr_t bucket = 0;  // main or overflow: its address, which tells it apart until it is given back
  std::size_t slot = 0;       // in the bucket
  bool in_old = false;        // in the array that a growth is emptying

  friend constexpr bool operator==(const slot_place&, const slot_place&) = default;
};

// Hashes are those that decide chain and tag: mixed and seeded.
struct found {};
struct missed {};
struct probed { std::size_t buckets = 0; bool hit = false; };
enum class search : std::uint8_t { lookup, insertion, erasure };
// `hit` with an unswept entry of that key too. An insertion may fail afterwards.
struct searched { search why = search::lookup; std::uint64_t hash = 0; bool hit = false; };
struct inserted { slot_place at{}; std::uint64_t hash = 0; };
struct resurrected { slot_place at{}; std::uint64_t hash = 0; };
struct erased { slot_place at{}; std::uint64_t hash = 0; bool hash_known = false; };
struct swept { slot_place at{}; };
// By a growth; or by an erase, told first, of a layout that closes the gap (open_slots): within one array.
struct moved { slot_place from{}, to{}; std::uint64_t hash = 0; };
struct retired { slot_place at{}; };
struct growth_started { std::size_t units_before, units_after; };
struct step_started {};
struct evacuated { std::size_t entries; std::size_t chain = 0; };
struct step_finished { std::size_t chains = 0; };
struct growth_finished { std::size_t units; };
struct sweep_started {};
struct sweep_finished { std::size_t entries = 0; };
struct overflow_acquired {
  std::size_t chain = 0;
  std::uintptr_t bucket = 0;
  std::size_t chain_buckets = 0;  // the new one included
};
struct overflow_released { std::uintptr_t bucket = 0; std::size_t slots = 0; };
struct cleared { std::size_t entries; };
struct discarded { std::size_t entries = 0; std::size_t units = 0; };

}  // namespace events

template <class O>
concept observer = option<O>;

template <class O, class Event>
concept takes_event = requires(O& observer, const Event& event) { observer.on(event); };

template <class O, class Event>
constexpr void notify(O& observer, const Event& event) noexcept {
  if constexpr (takes_event<O, Event>) {
    static_assert(noexcept(observer.on(event)),
                  "an observer's on(event) is noexcept: a table tells it of what is done");
    observer.on(event);
  }
}

// The same for an event that costs something to describe: `describe()` runs only where the event is taken.
template <class Event, class O, class Describe>
TOPHASH_ALWAYS_INLINE constexpr void notify_with(O& observer, const Describe& describe) noexcept {
  if constexpr (takes_event<O, Event>) notify(observer, Event(describe()));
}

}  // namespace tophash::inline v1

#endif
