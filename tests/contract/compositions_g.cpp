// SPDX-License-Identifier: Apache-2.0
// Compositions over the sizing policies beyond power_of_two, on both layouts: numbers of units that are no
// powers of two, growth by other factors than two, units in the order of the hash. Each meets a growth that
// stops half way and a fault walk.
#include <tophash/framework/layout/open_groups.hpp>
#include <tophash/policies/overflow/none.hpp>
#include <tophash/policies/sizing/fast_range.hpp>
#include <tophash/policies/sizing/power_of_two_high.hpp>
#include <tophash/policies/sizing/prime.hpp>

#include "support/compositions.hpp"

using namespace tophash;
using namespace tophash::testing;

namespace {

using growth::regrowing;
using growth::shrinking;
namespace when = growth::when;
using sizing::fast_range;
using sizing::power_of_two_high;
using sizing::prime;
using open = layout::open_groups<>;
using open_8 = layout::open_groups<8>;

// clang-format off: one row a line
[[maybe_unused]] const registration rows = {
    beyond(counting<chain<3, paired, inlined>, prime, with<faulty_hash>, immediate, load<2>, shrinking<steps<1>>, fresh, recorded_storage>()),
    beyond(numbers<chain<8, split, inlined>, fast_range, wyhash, tombstone, load<13, 2>, every_step<2>, overflow::preallocated, recorded_storage>()),
    beyond(counting<groups<3, paired, inlined>, prime, with<faulty_hash>, dirty, load<1>, shrinking<steps<2>>, local, recorded_storage>()),
    beyond(strings<groups<8, paired, boxed>, fast_range, wyhash, immediate, load<1>, shrinking<eager>, local, recorded_storage>()),
    beyond(counting<chain<3, paired, inlined>, power_of_two_high, with<faulty_hash>, not_reusing, load<1>, steps<2>, fresh, recorded_storage>()),
    beyond(counting<open, prime, with<faulty_hash>, immediate, eager, recorded_storage>()),
    beyond(counting<open_8, fast_range, with<faulty_hash>, dirty, shrinking<steps<1>>, recorded_storage>()),
    beyond(strings<open_8, prime, wyhash, not_reusing, regrowing<steps<2>, when::dead<25>>, recorded_storage>()),
    beyond(numbers<open_8, power_of_two_high, wyhash, immediate, shrinking<steps<2>>, recorded_storage>()),
};
// clang-format on

}  // namespace
