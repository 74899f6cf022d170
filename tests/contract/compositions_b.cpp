// SPDX-License-Identifier: Apache-2.0
// Compositions for the battery. The four files together cover every pair of choices on ten axes (contract.cpp
// checks that); a row made for another reason says so.
#include "support/compositions.hpp"

using namespace tophash;
using namespace tophash::testing;

namespace {

// clang-format off: one row a line
[[maybe_unused]] const registration rows = {
    strings<chain<3, split, inlined>, wyhash, not_reusing, load<12>, steps<1>, local, tracked_storage>(),
    numbers<chain<1, paired, boxed>, wyhash, tombstone, load<13, 2>, every_step<2>, fresh, system_storage>(),
    wides<chain<1, paired, boxed>, with<one_bucket_hash>, dirty, load<1>, steps<2>, local,
          mimalloc_storage>(),
    numbers<chain<8, split, inlined>, with<constant_hash>, tombstone, load<12>, steps<2>, fresh,
            mimalloc_storage>(),
    strings<chain<8, paired, boxed>, with<one_tag_hash>, immediate, load<13, 2>, every_step<2>, fresh,
            tracked_storage>(),
    wides<chain<3, split, inlined>, with<one_bucket_hash>, immediate, load<1>, eager, fresh,
          system_storage>(),
    // beyond the cover: throws within the exact shape of go_like
    counting<chain<8, paired, inlined>, with<faulty_hash>, tombstone, load<13, 2>, every_step<2>, fresh,
             recorded_storage>(),
};
// clang-format on

}  // namespace
