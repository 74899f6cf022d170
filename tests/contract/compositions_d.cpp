// SPDX-License-Identifier: Apache-2.0
// Compositions for the battery. The four files together cover every pair of choices on ten axes (contract.cpp
// checks that); a row made for another reason says so.
#include <tophash/policies/deletion/wiping.hpp>

#include "support/compositions.hpp"

using namespace tophash;
using namespace tophash::testing;

namespace {

// clang-format off: one row a line
[[maybe_unused]] const registration rows = {
    counting<chain<8, paired, inlined>, with<faulty_hash>, not_reusing, load<13, 2>, steps<2>, local,
             system_storage>(),
    wides<chain<3, split, boxed>, with<constant_hash>, immediate, load<12>, every_step<2>, fresh,
          recorded_storage>(),
    counting<chain<3, paired, boxed>, with<faulty_hash>, dirty, load<1>, steps<2>, fresh, tracked_storage>(),
    strings<chain<1, paired, boxed>, wyhash, not_reusing, load<1>, steps<2>, fresh, recorded_storage>(),
    counting<chain<3, split, boxed>, with<one_tag_hash>, tombstone, load<12>, steps<1>, local,
             mimalloc_storage>(),
    numbers<chain<1, split, inlined>, with<one_bucket_hash>, tombstone, load<12>, steps<2>, local,
            recorded_storage>(),
    // beyond the cover: the defaults, and a preset
    composed<u64_codec, u64_codec>(),
    beyond(composed<string_codec, u64_codec, presets::go_like>()),
    // beyond the cover: open iterators where buckets are unlinked and arrays shrink
    beyond(counting<iteration::mutation_safe, with<faulty_hash>, immediate, local, recorded_storage,
                    growth::shrinking<steps<1>>>()),
    beyond(composed<steady_key_codec, steady_value_codec, presets::go_like, with<faulty_hash>,
                    deletion::wiping<tombstone, wipe::all>, recorded_storage>()),
};
// clang-format on

}  // namespace
