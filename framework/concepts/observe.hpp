// SPDX-License-Identifier: Apache-2.0
// Observer: told what a table does. It defines `on(event) noexcept` for the events it wants and nothing for the
// others: a table asks with `requires` when compiling, so an event nobody takes costs no instruction.
//
//   event                     when
//   events::found             a lookup by key ended at an entry
//   events::missed            a lookup by key ended without one
//   events::inserted          a new entry exists
//   events::resurrected       an erased, unswept entry came back to life under the same key
//   events::erased            an entry is gone from sight
//   events::swept             a dirty entry was destroyed by a sweep or a growth step
//   events::growth_started    a new array was allocated (units before and after)
//   events::evacuated         one chain of the old array was emptied (entries moved)
//   events::growth_finished   the old array was given back
//   events::overflow_acquired an overflow bucket was linked
//   events::overflow_released an overflow bucket was unlinked
//   events::cleared           clear()
// found and missed come from const members: an observer that takes them must tolerate concurrent readers
// (relaxed atomics), and says so by facts.on_const_paths.
// Smallest conforming type: struct quiet { using axis = axes::observe; };
#ifndef TOPHASH_FRAMEWORK_CONCEPTS_OBSERVE_HPP
#define TOPHASH_FRAMEWORK_CONCEPTS_OBSERVE_HPP

#include <cstddef>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>

namespace tophash::inline v1 {

namespace events {

struct found {};
struct missed {};
struct inserted {};
struct resurrected {};
struct erased {};
struct swept {};
struct growth_started { std::size_t units_before, units_after; };
struct evacuated { std::size_t entries; };
struct growth_finished { std::size_t units; };
struct overflow_acquired {};
struct overflow_released {};
struct cleared { std::size_t entries; };

}  // namespace events

template <class O>
concept observer = option<O>;

template <class O, class Event>
constexpr void notify(O& observer, const Event& event) noexcept {
  if constexpr (requires { observer.on(event); }) {
    static_assert(noexcept(observer.on(event)), "an observer's on(event) is noexcept: a table tells it of what is done");
    observer.on(event);
  }
}

}  // namespace tophash::inline v1

#endif
