// SPDX-License-Identifier: Apache-2.0
// Compositions of single slots: each kind of steps, each deletion, and growths that stop half way where the rules
// let them.
#include <tophash/framework/layout/open_slots.hpp>
#include <tophash/policies/sizing/prime.hpp>

#include "support/compositions.hpp"

using namespace tophash;
using namespace tophash::testing;

namespace {

using growth::regrowing;
using growth::shrinking;
namespace when = growth::when;
using deletion::purging;
using sizing::prime;
using linear = layout::open_slots<layout::probe::linear>;
using triangular = layout::open_slots<layout::probe::triangular>;
using perturbed = layout::open_slots<layout::probe::perturbed>;

// clang-format off: one row a line
[[maybe_unused]] const registration rows = {
    beyond(numbers<linear, wyhash, immediate, shrinking<eager>, recorded_storage>()),
    beyond(strings<linear, prime, wyhash, immediate, load<9, 10>, eager, recorded_storage>()),
    beyond(numbers<linear, hashing::identity, immediate, load<4, 5>, shrinking<eager>, tracked_storage>()),
    beyond(composed<steady_key_codec, steady_value_codec, linear, with<steady_hash>, immediate, eager, recorded_storage>()),
    beyond(counting<linear, with<faulty_hash>, dirty, shrinking<steps<3>>, recorded_storage>()),
    beyond(counting<linear, prime, with<one_bucket_hash>, not_reusing, load<1, 2>, regrowing<steps<2>, when::dead<25>>, recorded_storage>()),
    beyond(counting<triangular, with<faulty_hash>, tombstone, eager, recording_apart>()),
    beyond(counting<triangular, with<faulty_hash>, dirty, every_step<3>, recorded_storage>()),
    beyond(strings<perturbed, wyhash, purging<dirty, deletion::share<25>>, shrinking<eager>, recorded_storage>()),
    beyond(numbers<perturbed, wyhash, tombstone, eager, recorded_storage>()),
};
// clang-format on

}  // namespace
