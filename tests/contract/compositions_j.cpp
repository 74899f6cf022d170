// SPDX-License-Identifier: Apache-2.0
// Compositions of tables behind a directory: small ones, so that they split, and hashes that no bit parts.
#include <tophash/framework/layout/directory.hpp>
#include <tophash/policies/growth/doubling_only.hpp>

#include "support/compositions.hpp"

using namespace tophash;
using namespace tophash::testing;

namespace {

using growth::doubling_only;
using tables = layout::directory<16>;

// clang-format off: one row a line
[[maybe_unused]] const registration rows = {
    beyond(counting<tables, with<faulty_hash>, tombstone, doubling_only, recorded_storage>()),
    beyond(counting<tables, with<constant_hash>, tombstone, eager, recording_apart>()),
    beyond(numbers<tables, wyhash, tombstone, eager, recorded_storage>()),
    beyond(strings<presets::go_swiss_like, layout::directory<32>, hashing::seeded<hashing::wyhash>,
                   recorded_storage>()),
    beyond(composed<steady_key_codec, steady_value_codec, tables, with<faulty_hash>, tombstone, doubling_only,
                    recording_apart>()),
};
// clang-format on

}  // namespace
