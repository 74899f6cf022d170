// SPDX-License-Identifier: Apache-2.0
// Go 1.19's map: eight slots a bucket, keys together and values together, entries over 128 bytes behind a
// pointer; tombstones that any insert of the same chain reuses, Go's collapse rule, overflow buckets never
// unlinked; 6.5 entries a bucket; growth by doubling, and to the same size when there are too many overflow buckets,
// with two chains evacuated a write, updates and deletes of absent keys included; a tail of overflow buckets behind the
// array; a seed that changes when the map becomes empty; NaN keys and iteration under mutation as in Go; misuse by two
// threads ends the program where it is noticed. What is the
// same and what is not, line by line: docs/go-fidelity.md.
#ifndef TOPHASH_FRAMEWORK_PRESETS_GO_LIKE_HPP
#define TOPHASH_FRAMEWORK_PRESETS_GO_LIKE_HPP

#include <string_view>

#include <tophash/framework/compose/axis.hpp>
#include <tophash/framework/layout/bucket_chain.hpp>
#include <tophash/policies/deletion/tombstone.hpp>
#include <tophash/policies/growth/incremental.hpp>
#include <tophash/policies/growth/regrowing.hpp>
#include <tophash/policies/hashing/go_seeded.hpp>
#include <tophash/policies/hashing/wyhash.hpp>
#include <tophash/policies/iteration/mutation_safe.hpp>
#include <tophash/policies/load/load.hpp>
#include <tophash/policies/overflow/preallocated.hpp>
#include <tophash/policies/sizing/power_of_two.hpp>
#include <tophash/policies/sync/owner_checked.hpp>

namespace tophash::inline v1 {

namespace presets {

struct go_like {
  using axis = axes::preset;
  static constexpr std::string_view name = "go_like";
  using options = bundle<layout::bucket_chain<bucket_options{.arrange = arrangement::split}>,
                         hashing::go_seeded<hashing::wyhash>, sizing::power_of_two, deletion::tombstone,
                         load<13, 2>, growth::regrowing<growth::incremental<2, true>, growth::when::go_overflow>,
                         overflow::preallocated, iteration::mutation_safe, sync::owner_checked>;
};

}  // namespace presets

}  // namespace tophash::inline v1

#endif
