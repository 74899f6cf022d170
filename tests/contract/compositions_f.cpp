// SPDX-License-Identifier: Apache-2.0
// Compositions of open groups: every deletion with every growth that rules.def allows, each of them with both
// widths (contract.cpp checks that). Most have elements and a hash that throw, so that a growth may stop
// anywhere; the others move all entries in one pass that cannot throw.
#include "support/compositions.hpp"

using namespace tophash;
using namespace tophash::testing;

namespace {

namespace when = growth::when;
using swept = deletion::purging<dirty, deletion::share<20>>;
using purged = deletion::purging<not_reusing, deletion::batch<4, 2>>;
template <class Growth>
using shrinking = growth::shrinking<Growth>;
template <class Growth>
using regrowing = growth::regrowing<Growth, when::dead<25>>;

// Odd numbers of groups: probing goes from one to the next, and none is missed.
struct remainder {
  using axis = axes::sizing;
  static constexpr std::string_view name = "remainder";
  static constexpr sizing_facts facts{.power_of_two = false};
  struct mapper {
    std::size_t units = 1;
    std::size_t index(std::uint64_t hash) const noexcept { return static_cast<std::size_t>(hash % units); }
  };
  static constexpr std::size_t round_up(std::size_t n) noexcept { return n | 1; }
};

// clang-format off: one row a line
[[maybe_unused]] const registration rows = {
    beyond(counting<open<16>, with<faulty_hash>, immediate, eager, recorded_storage>()),
    beyond(counting<open<8>, with<one_tag_hash>, immediate, steps<1>, recorded_storage>()),
    beyond(counting<open<8>, with<faulty_hash>, tombstone, eager, load<7>, recorded_storage>()),
    beyond(counting<open<16>, with<one_bucket_hash>, tombstone, steps<1>, recorded_storage>()),
    beyond(counting<open<8>, with<faulty_hash>, not_reusing, steps<1>, load<4>, recorded_storage>()),
    beyond(counting<open<8>, with<faulty_hash>, not_reusing, regrowing<steps<2>>, recorded_storage>()),
    beyond(counting<open<16>, with<faulty_hash>, dirty, steps<2>, load<8>, recorded_storage>()),
    beyond(counting<open<16>, with<one_bucket_hash>, dirty, shrinking<steps<2>>, recorded_storage>()),
    beyond(counting<open<8>, with<faulty_hash>, swept, steps<2>, recorded_storage>()),
    beyond(counting<open<16>, with<faulty_hash>, purged, eager, recorded_storage>()),
    beyond(counting<open<8>, with<faulty_hash>, tombstone, steps<1>, remainder, recorded_storage>()),
    beyond(counting<open<8>, with<faulty_hash>, immediate, eager, recording_apart>()),
    beyond(composed<u64_codec, u64_codec, presets::fastest>()),
#if !TOPHASH_TESTS_CORE
    // The rest of every pair: 40 s of a compiler with sanitizers.
    beyond(counting<open<16>, with<constant_hash>, immediate, steps<2>, recorded_storage>()),
    beyond(counting<open<8>, with<faulty_hash>, immediate, every_step<2>, recorded_storage>()),
    beyond(counting<open<16>, with<faulty_hash>, immediate, shrinking<steps<1>>, recorded_storage>()),

    beyond(counting<open<8>, with<faulty_hash>, tombstone, steps<2>, recorded_storage>()),
    beyond(counting<open<16>, with<faulty_hash>, tombstone, every_step<2>, recorded_storage>()),
    beyond(strings<open<8>, wyhash, tombstone, shrinking<eager>, recorded_storage>()),

    beyond(numbers<open<16>, wyhash, not_reusing, eager, recorded_storage>()),
    beyond(counting<open<16>, with<one_tag_hash>, not_reusing, steps<2>, recorded_storage>()),
    beyond(counting<open<8>, with<constant_hash>, not_reusing, every_step<2>, recorded_storage>()),
    beyond(counting<open<16>, with<faulty_hash>, not_reusing, shrinking<steps<1>>, recorded_storage>()),

    beyond(counting<open<16>, with<faulty_hash>, dirty, eager, load<15>, recorded_storage>()),
    beyond(counting<open<8>, with<faulty_hash>, dirty, steps<1>, recorded_storage>()),
    beyond(counting<open<8>, with<constant_hash>, dirty, every_step<2>, recorded_storage>()),
    beyond(counting<open<8>, with<faulty_hash>, dirty, regrowing<steps<1>>, recorded_storage>()),

    beyond(strings<open<8>, wyhash, swept, eager, tracked_storage>()),
    beyond(counting<open<16>, with<faulty_hash>, swept, steps<1>, recorded_storage>()),
    beyond(counting<open<16>, with<faulty_hash>, swept, every_step<2>, recorded_storage>()),
    beyond(counting<open<8>, with<one_tag_hash>, swept, shrinking<steps<1>>, recorded_storage>()),
    beyond(numbers<open<16>, wyhash, swept, regrowing<eager>, recorded_storage>()),

    beyond(counting<open<8>, with<one_bucket_hash>, purged, steps<1>, recorded_storage>()),
    beyond(counting<open<16>, with<faulty_hash>, purged, steps<2>, recorded_storage>()),
    beyond(counting<open<8>, with<faulty_hash>, purged, every_step<2>, recorded_storage>()),
    beyond(counting<open<16>, with<faulty_hash>, purged, shrinking<eager>, recorded_storage>()),
    beyond(counting<open<8>, with<faulty_hash>, purged, regrowing<every_step<2>>, recorded_storage>()),

    // What fast_map is, of small entries and of others.
    beyond(numbers<open<16>, wyhash, immediate, eager, recorded_storage>()),
    beyond(strings<open<16>, wyhash, immediate, eager, recorded_storage>()),

    // Another mapping, unequal storage, elements that cannot be copied, that throw nothing, or that are wide.
    beyond(counting<open<8>, with<faulty_hash>, immediate, eager, remainder, recorded_storage>()),
    beyond(counting<open<16>, with<faulty_hash>, dirty, steps<2>, remainder, recorded_storage>()),
    beyond(counting<open<16>, with<faulty_hash>, dirty, steps<1>, recording_apart>()),
    beyond(composed<minimal_key_codec, minimal_value_codec, open<16>,
                    hashing::hash_with<minimal_hash, minimal_equal>, immediate, eager, recorded_storage>()),
    beyond(composed<steady_key_codec, steady_value_codec, open<8>, with<steady_hash>, immediate, eager,
                    recorded_storage>()),
    beyond(composed<steady_key_codec, steady_value_codec, open<16>, with<steady_hash>, dirty,
                    shrinking<eager>, recorded_storage>()),
    beyond(composed<steady_key_codec, steady_value_codec, open<16>, with<steady_hash>, tombstone, eager,
                    recorded_storage>()),
    beyond(wides<open<8>, with<one_bucket_hash>, tombstone, shrinking<eager>, recorded_storage>()),
#endif
};
// clang-format on

}  // namespace
