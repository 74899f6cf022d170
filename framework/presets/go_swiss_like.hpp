// SPDX-License-Identifier: Apache-2.0
// Go 1.24's map: groups of eight slots whose control bytes are compared at once, in tables of at most 1,024
// slots that double or split alone, behind a directory that the hash's upper bits index; 7/8 full, tombstones
// counted, which only an insert or a growth removes (1.25 also prunes them); at most eight entries are one
// group. A new seed when the map becomes empty, NaN keys spread, misuse by two threads ends the program where
// it is noticed. Iterators are plain: Go's survive writes. What is the same and what is not:
// docs/go-fidelity.md.
#ifndef TOPHASH_FRAMEWORK_PRESETS_GO_SWISS_LIKE_HPP
#define TOPHASH_FRAMEWORK_PRESETS_GO_SWISS_LIKE_HPP

#include <string_view>

#include <tophash/framework/compose/axis.hpp>
#include <tophash/framework/layout/directory.hpp>
#include <tophash/policies/deletion/tombstone.hpp>
#include <tophash/policies/growth/doubling_only.hpp>
#include <tophash/policies/hashing/go_seeded.hpp>
#include <tophash/policies/hashing/wyhash.hpp>
#include <tophash/policies/load/load.hpp>
#include <tophash/policies/sizing/power_of_two.hpp>
#include <tophash/policies/sync/owner_checked.hpp>

namespace tophash::inline v1 {

namespace presets {

struct go_swiss_like {
  using axis = axes::preset;
  static constexpr std::string_view name = "go_swiss_like";
  using options = bundle<layout::directory<>, hashing::go_seeded<hashing::wyhash>, sizing::power_of_two,
                         deletion::tombstone, load<7>, growth::doubling_only, sync::owner_checked>;
};

}  // namespace presets

}  // namespace tophash::inline v1

#endif
