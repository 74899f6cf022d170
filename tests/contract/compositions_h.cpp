// SPDX-License-Identifier: Apache-2.0
// Compositions of nodes, growths that keep to the order of chains, and chains with filters, links by number and aligned
// buckets.
#include "support/compositions.hpp"

#include <tophash/policies/growth/in_order.hpp>

using namespace tophash;
using namespace tophash::testing;

namespace {

template <class Growth>
using shrinking = growth::shrinking<Growth>;
template <std::size_t Quantum>
using ordered = growth::in_order<growth::incremental<Quantum>>;
using nodes = layout::nodes;
using slabs = overflow::slabs;

// clang-format off: one row a line
[[maybe_unused]] const registration rows = {
    beyond(counting<nodes, with<faulty_hash>, immediate, eager, recorded_storage>()),
    beyond(counting<nodes, with<constant_hash>, immediate, steps<1>, recorded_storage>()),
    beyond(counting<nodes, with<faulty_hash>, immediate, shrinking<every_step<2>>, recorded_storage>()),
    beyond(counting<nodes, with<one_bucket_hash>, dirty, eager, recorded_storage>()),
    beyond(counting<nodes, with<faulty_hash>, dirty, shrinking<steps<1>>, recording_apart>()),
    beyond(strings<nodes, wyhash, immediate, eager, tracked_storage>()),
    beyond(counting<chain<3, paired, inlined>, with<faulty_hash>, immediate, load<2>, ordered<1>, fresh, recorded_storage>()),
    beyond(counting<groups<3, paired, inlined>, with<faulty_hash>, dirty, load<1>, ordered<2>, local, recorded_storage>()),
    beyond(counting<groups<3, split, inlined>, with<one_bucket_hash>, immediate, load<1>, shrinking<ordered<2>>, local, recorded_storage>()),
    beyond(numbers<chain<8, split, inlined>, wyhash, tombstone, load<13, 2>, growth::in_order<every_step<2>>, fresh, recorded_storage>()),
    beyond(strings<groups<8, paired, boxed>, wyhash, not_reusing, load<4>, ordered<1>, local, recorded_storage>()),
    beyond(counting<filtered<2, 8>, with<faulty_hash>, immediate, load<4>, steps<1>, fresh, recorded_storage>()),
    beyond(counting<numbered<2, split, inlined, 32>, with<faulty_hash>, dirty, load<4>, shrinking<steps<2>>, slabs, recorded_storage>()),
    beyond(numbers<numbered<3, paired, boxed, 0>, with<one_bucket_hash>, tombstone, load<2>, every_step<2>, slabs, recording_apart>()),
    beyond(numbers<filtered<1, 16>, wyhash, not_reusing, load<2>, eager, local, recorded_storage>()),
    beyond(numbers<aligned<7, 64>, wyhash, immediate, load<13, 2>, eager, fresh, recorded_storage>()),
};
// clang-format on

}  // namespace
