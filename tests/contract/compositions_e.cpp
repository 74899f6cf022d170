// SPDX-License-Identifier: Apache-2.0
// Compositions beyond the pairwise cover: what wraps a growth or a deletion policy, grouped buckets, and the overflow
// sources that own more than a list. Each new option meets a deletion, a quantum and a fault walk.
#include "support/compositions.hpp"

using namespace tophash;
using namespace tophash::testing;

namespace {

using growth::regrowing;
using growth::shrinking;
namespace when = growth::when;

// clang-format off: one row a line
[[maybe_unused]] const registration rows = {
    beyond(counting<groups<8, paired, inlined>, with<faulty_hash>, immediate, load<13, 2>, steps<1>, fresh, recorded_storage>()),
    beyond(counting<groups<3, split, inlined>, with<faulty_hash>, dirty, load<1>, shrinking<steps<2>>, local, recorded_storage>()),
    beyond(counting<groups<8, paired, boxed>, with<faulty_hash>, tombstone, load<12>, shrinking<eager>, fresh, recorded_storage>()),
    beyond(numbers<groups<1, paired, inlined>, wyhash, not_reusing, load<1>, regrowing<steps<2>, when::dead<25>>, local, recorded_storage>()),
    beyond(counting<chain<8, paired, inlined>, with<faulty_hash>, immediate, load<12>, shrinking<eager, 10>, fresh, recorded_storage>()),
    beyond(counting<chain<3, paired, inlined>, with<faulty_hash>, tombstone, load<12>, shrinking<regrowing<every_step<2>>>, local, recorded_storage>()),
    beyond(strings<chain<8, split, inlined>, wyhash, tombstone, load<13, 2>, regrowing<eager, when::chain<2>>, fresh, recorded_storage>()),
    beyond(counting<chain<3, paired, inlined>, with<faulty_hash>, deletion::purging<dirty, deletion::share<20>>, load<13, 2>, steps<1>, local, recorded_storage>()),
    beyond(counting<chain<8, paired, inlined>, with<faulty_hash>, deletion::purging<not_reusing, deletion::batch<4, 2>>, load<13, 2>, steps<2>, fresh, recorded_storage>()),
    beyond(counting<chain<3, paired, inlined>, with<faulty_hash>, immediate, load<12>, shrinking<steps<1>>, overflow::preallocated, recorded_storage>()),
    beyond(counting<chain<1, split, boxed>, with<faulty_hash>, tombstone, load<2>, eager, overflow::preallocated, recorded_storage>()),
    beyond(counting<chain<3, paired, inlined>, with<faulty_hash>, immediate, load<12>, steps<2>, overflow::shared_pool, recorded_storage>()),
    beyond(strings<chain<3, paired, inlined>, wyhash, dirty, load<12>, shrinking<steps<2>>, overflow::shared_pool, tracked_storage>()),
};
// clang-format on

}  // namespace
