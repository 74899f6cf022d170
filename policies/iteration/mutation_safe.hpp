// SPDX-License-Identifier: Apache-2.0
// Iterators that any write to the map leaves usable, with the guarantees of Go's range over a map: each entry at most
// once; one that is there from begin to end exactly once; one erased before it is reached not at all; an updated one
// with its newest value; one inserted meanwhile perhaps. The order is random, another one for each iteration, and drawn
// from the map's seed. The mechanism is in table/pins.hpp.
//   for (auto&& [key, value] : m) m.erase(key);          // or insert, or clear, or grow
// begin() pins: an open iterator is known to its map. Cost: nothing for find; for an erase and a growth step one test,
// and while iterators are open a look at what each of them has noted (an ordinary chain: at most 24 places).
#ifndef TOPHASH_POLICIES_ITERATION_MUTATION_SAFE_HPP
#define TOPHASH_POLICIES_ITERATION_MUTATION_SAFE_HPP

#include <cstddef>
#include <string_view>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>

namespace tophash::inline v1 {

namespace iteration {

struct mutation_safe {
  using axis = axes::iteration;
  static constexpr std::string_view name = "mutation_safe";
  static constexpr iteration_facts facts{.survives_mutation = true};

  // Entries that an iterator notes within itself: those of three full buckets. A chain that holds more makes it
  // allocate.
  static constexpr std::size_t noted_slots = 24;
};

}  // namespace iteration

}  // namespace tophash::inline v1

#endif
