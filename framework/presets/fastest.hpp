// SPDX-License-Identifier: Apache-2.0
// The map to choose without caring about policies: open addressing in groups of 16, erased slots free at once, all
// entries moved when it grows. Measured against its peers by bench/micro/peers.cpp; see docs/peers.md.
#ifndef TOPHASH_FRAMEWORK_PRESETS_FASTEST_HPP
#define TOPHASH_FRAMEWORK_PRESETS_FASTEST_HPP

#include <string_view>

#include <tophash/framework/compose/axis.hpp>
#include <tophash/framework/layout/open_groups.hpp>
#include <tophash/policies/deletion/immediate.hpp>
#include <tophash/policies/growth/eager.hpp>
#include <tophash/policies/hashing/seeded.hpp>
#include <tophash/policies/hashing/wyhash.hpp>
#include <tophash/policies/sizing/power_of_two.hpp>

namespace tophash::inline v1 {

namespace presets {

struct fastest {
  using axis = axes::preset;
  static constexpr std::string_view name = "fastest";
  // The load and the absent overflow source are what defaults::beside gives open groups of either width.
  using options = bundle<layout::open_groups<>, hashing::seeded<hashing::wyhash>, sizing::power_of_two,
                         deletion::immediate, growth::eager>;
};

}  // namespace presets

}  // namespace tophash::inline v1

#endif
