// SPDX-License-Identifier: Apache-2.0
// Synchronisation policy: who may use a map at once. A tag; the mechanism is in table/ and shared/.
//   S::facts                  sync_facts   shared: several threads may write, and visitation replaces iterators;
//                                          then stripes: so many locks with a table each; wait: what a thread
//                                          does that must wait
//                                          checked: one owner at a time, and a breach is looked for
//   S::misused(const char*)   void         where checked: what answers a breach; facts.throwing unless noexcept
// A shared map is asked for by the option, and is there where <tophash/shared_map.hpp> is included.
#ifndef TOPHASH_FRAMEWORK_CONCEPTS_SYNC_HPP
#define TOPHASH_FRAMEWORK_CONCEPTS_SYNC_HPP

#include <concepts>
#include <cstddef>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>

namespace tophash::inline v1 {

namespace events {

// What go_sync_map tells its observer, each under its mutex, so a plain counter will do:
struct table_missed {};                           // a key was not in the table that is read without the mutex
struct table_promoted { std::size_t entries; };   // the table of the writers became the one that is read
struct table_copied { std::size_t entries; };     // the writers' table was built: entries copied into it
struct entry_expunged {};                         // ... and one left out, being deleted
struct entry_restored {};                         // a store brought an expunged key back
struct entry_dropped {};                          // an expunged entry goes with the table that held its key

}  // namespace events

template <class S>
concept sync_policy = option<S> && requires {
  { S::facts } -> std::convertible_to<sync_facts>;
};

}  // namespace tophash::inline v1

#endif
