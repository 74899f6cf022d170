// SPDX-License-Identifier: Apache-2.0
// No write that takes long: growth moves two chains a write, in their order, and the array lies in groups of at most
// 64 KiB that come into being when the first entry reaches them and are given back as soon as they are evacuated. So
// no insert allocates, zeroes or copies more than 64 KiB (the directory of 25 million u64 entries is as large), and
// old and new array together take no more than the new one alone will. The price: one load more a lookup, chains that
// are moved later than they could be. Seven slots of 16 bytes fill two cache lines, with eight a bucket lies in three or
// four: that gives a hit back what the directory costs it. Measured by bench/micro/growing.cpp; bounded erases need
// growth::shrinking<growth::in_order<...>> and storage without pauses of its own (docs/dead-ends.md).
#ifndef TOPHASH_FRAMEWORK_PRESETS_LOW_LATENCY_HPP
#define TOPHASH_FRAMEWORK_PRESETS_LOW_LATENCY_HPP

#include <string_view>

#include <tophash/framework/compose/axis.hpp>
#include <tophash/framework/layout/bucket_chain.hpp>
#include <tophash/policies/growth/in_order.hpp>
#include <tophash/policies/growth/incremental.hpp>
#include <tophash/policies/load/load.hpp>

namespace tophash::inline v1 {

namespace presets {

struct low_latency {
  using axis = axes::preset;
  static constexpr std::string_view name = "low_latency";
  using options = bundle<layout::bucket_chain<bucket_options{.slots = 7, .group_bytes = 65536}>, load<6>,
                         growth::in_order<growth::incremental<2>>>;
};

}  // namespace presets

}  // namespace tophash::inline v1

#endif
