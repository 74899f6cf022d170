// SPDX-License-Identifier: Apache-2.0
// Go 1.19's map: eight slots a bucket, keys together and values together, entries over 128 bytes behind a
// pointer; tombstones that any insert of the same chain reuses, Go's collapse rule, overflow buckets never
// unlinked; 6.5 entries a bucket; growth by doubling with two chains evacuated a write, updates and deletes
// of absent keys included; misuse by two threads ends the program where it is noticed. Same-size growth and
// iteration under mutation are not part of it yet.
#ifndef TOPHASH_FRAMEWORK_PRESETS_GO_LIKE_HPP
#define TOPHASH_FRAMEWORK_PRESETS_GO_LIKE_HPP

#include <string_view>

#include <tophash/framework/compose/axis.hpp>
#include <tophash/framework/layout/bucket_chain.hpp>
#include <tophash/policies/deletion/tombstone.hpp>
#include <tophash/policies/growth/incremental.hpp>
#include <tophash/policies/hashing/seeded.hpp>
#include <tophash/policies/hashing/wyhash.hpp>
#include <tophash/policies/load/load.hpp>
#include <tophash/policies/overflow/fresh.hpp>
#include <tophash/policies/sizing/power_of_two.hpp>
#include <tophash/policies/sync/owner_checked.hpp>

namespace tophash::inline v1 {

namespace presets {

struct go_like {
  using axis = axes::preset;
  static constexpr std::string_view name = "go_like";
  using options = bundle<layout::bucket_chain<bucket_options{.arrange = arrangement::split}>,
                         hashing::seeded<hashing::wyhash>, sizing::power_of_two, deletion::tombstone, load<13, 2>,
                         growth::incremental<2, true>, overflow::fresh, sync::owner_checked>;
};

}  // namespace presets

}  // namespace tophash::inline v1

#endif
