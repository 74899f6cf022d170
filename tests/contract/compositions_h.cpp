// SPDX-License-Identifier: Apache-2.0
// Compositions of nodes, growths that keep to the order of chains or that lookups move on, dead slots that tell of runs,
// and chains with filters, links by number and aligned buckets.
#include "support/compositions.hpp"

#include <tophash/policies/growth/in_order.hpp>
#include <tophash/policies/growth/on_read.hpp>

using namespace tophash;
using namespace tophash::testing;

namespace {

template <class Growth>
using shrinking = growth::shrinking<Growth>;
template <std::size_t Quantum>
using ordered = growth::in_order<growth::incremental<Quantum>>;
template <std::size_t Quantum>
using reading = growth::on_read<growth::incremental<Quantum>>;
using hinted = deletion::tombstone_hinted;
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
    beyond(counting<chain<3, paired, inlined>, with<faulty_hash>, immediate, load<2>, reading<1>, fresh, recorded_storage>()),
    beyond(counting<groups<3, split, inlined>, with<one_bucket_hash>, dirty, load<1>, growth::in_order<reading<2>>, local, recorded_storage>()),
    beyond(counting<open<8>, with<faulty_hash>, tombstone, shrinking<reading<1>>, recorded_storage>()),
    beyond(counting<chain<8, paired, inlined>, with<one_bucket_hash>, hinted, load<13, 2>, reading<2>, fresh, recorded_storage>()),
    beyond(strings<chain<4, split, boxed>, with<one_bucket_hash>, hinted, load<3>, eager, local, recorded_storage>()),
    beyond(numbers<filtered<2, 8>, with<one_bucket_hash>, deletion::purging<hinted, deletion::share<20>>, load<2>, steps<1>, fresh, recorded_storage>()),
    beyond(numbers<filtered<1, 16>, wyhash, not_reusing, load<2>, eager, local, recorded_storage>()),
    beyond(numbers<aligned<7, 64>, wyhash, immediate, load<13, 2>, eager, fresh, recorded_storage>()),
};
// clang-format on

}  // namespace
