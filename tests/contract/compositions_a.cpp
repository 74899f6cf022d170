// SPDX-License-Identifier: Apache-2.0
// Compositions for the battery. The four files together cover every pair of choices on ten axes (contract.cpp
// checks that); a row made for another reason says so.
#include "support/compositions.hpp"

using namespace tophash;
using namespace tophash::testing;

namespace {

// clang-format off: one row a line
[[maybe_unused]] const registration rows = {
    counting<chain<1, split, boxed>, with<faulty_hash>, immediate, load<12>, steps<2>, fresh,
             recorded_storage>(),
    counting<chain<3, paired, inlined>, with<one_bucket_hash>, tombstone, load<13, 2>, eager, local,
             recorded_storage>(),
    counting<chain<8, paired, boxed>, with<constant_hash>, not_reusing, load<1>, steps<1>, fresh,
             recorded_storage>(),
    counting<chain<8, split, inlined>, with<faulty_hash>, dirty, load<1>, every_step<2>, local,
             recorded_storage>(),
    counting<chain<3, split, boxed>, with<faulty_hash>, dirty, load<13, 2>, eager, fresh, recorded_storage>(),
    counting<chain<1, paired, inlined>, with<one_tag_hash>, immediate, load<12>, eager, local,
             recorded_storage>(),
    // beyond the cover: throws at the defaults, but stepwise
    counting<chain<8, paired, inlined>, with<faulty_hash>, immediate, load<13, 2>, steps<2>, local,
             recorded_storage>(),
};
// clang-format on

}  // namespace
