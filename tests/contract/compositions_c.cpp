// SPDX-License-Identifier: Apache-2.0
// Compositions for the battery. The four files together cover every pair of choices on ten axes (contract.cpp
// checks that); a row made for another reason says so.
#include "support/compositions.hpp"

using namespace tophash;
using namespace tophash::testing;

namespace {

// clang-format off: one row a line
[[maybe_unused]] const registration rows = {
    wides<chain<3, paired, inlined>, with<faulty_hash>, not_reusing, load<13, 2>, every_step<2>, fresh,
          mimalloc_storage>(),
    numbers<chain<1, split, boxed>, with<constant_hash>, dirty, load<12>, steps<1>, local, system_storage>(),
    numbers<chain<1, paired, inlined>, with<one_tag_hash>, not_reusing, load<1>, eager, local,
            tracked_storage>(),
    strings<chain<3, paired, inlined>, wyhash, tombstone, load<1>, steps<2>, fresh, system_storage>(),
    wides<chain<8, paired, inlined>, with<faulty_hash>, tombstone, load<13, 2>, steps<1>, local,
          tracked_storage>(),
    strings<chain<8, split, boxed>, wyhash, dirty, load<13, 2>, eager, local, mimalloc_storage>(),
    numbers<chain<3, split, boxed>, with<one_bucket_hash>, immediate, load<1>, steps<1>, local,
            mimalloc_storage>(),
    // beyond the cover: the least that an element must offer; moves that cannot throw; unequal storage
    // handles
    composed<minimal_key_codec, minimal_value_codec, hashing::hash_with<minimal_hash, minimal_equal>>(),
    composed<steady_key_codec, steady_value_codec, with<faulty_hash>, recorded_storage>(),
    counting<chain<8, paired, inlined>, with<faulty_hash>, dirty, load<13, 2>, steps<2>, local,
             recording_apart>(),
    counting<chain<8, split, boxed>, with<faulty_hash>, immediate, load<13, 2>, eager, fresh,
             recording_apart>(),
};
// clang-format on

}  // namespace
