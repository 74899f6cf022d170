// SPDX-License-Identifier: Apache-2.0
// What an axis means when nobody names an option on it, each with its reason. And the spec that a refused
// composition falls back to, so that the refusal is the only error a compiler prints.
#ifndef TOPHASH_FRAMEWORK_PRESETS_DEFAULTS_HPP
#define TOPHASH_FRAMEWORK_PRESETS_DEFAULTS_HPP

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include <tophash/allocators/system.hpp>
#include <tophash/framework/compose/axis.hpp>
#include <tophash/framework/compose/rules.hpp>
#include <tophash/framework/compose/spec.hpp>
#include <tophash/framework/layout/bucket_chain.hpp>
#include <tophash/policies/deletion/immediate.hpp>
#include <tophash/policies/deletion/tombstone.hpp>
#include <tophash/policies/growth/eager.hpp>
#include <tophash/policies/hashing/seeded.hpp>
#include <tophash/policies/hashing/wyhash.hpp>
#include <tophash/policies/iteration/plain.hpp>
#include <tophash/policies/load/load.hpp>
#include <tophash/policies/observe/nothing.hpp>
#include <tophash/policies/overflow/fresh.hpp>
#include <tophash/policies/overflow/none.hpp>
#include <tophash/policies/sizing/power_of_two.hpp>
#include <tophash/policies/sync/none.hpp>

namespace tophash::inline v1 {

namespace presets {

template <class Layout>
constexpr layout_facts layout_facts_of() noexcept {
  return compose_steps::facts_or_default<Layout, layout_facts>();
}

struct defaults {
  using axis = axes::preset;
  static constexpr std::string_view name = "defaults";
  using options =
      bundle<layout::bucket_chain<>,            // chains: every policy has a meaning on it
             hashing::seeded<hashing::wyhash>,  // hostile keys cannot be prepared; one multiplication
             sizing::power_of_two,              // a mask, where a prime costs a division
             deletion::immediate,               // no residue to explain
             load<13, 2>,         // Go's 6.5 a bucket of 8: 21 % of buckets overflow at the limit
             growth::eager,       // cheapest in all; incremental for the tail
             overflow::fresh,     // nothing kept back
             allocators::system,  // what the program uses anyway
             iteration::plain, sync::none, observe::nothing>;

  // Open addressing has no overflow buckets, and counts in groups of 15 or 16 (7 or 8) slots: nine tenths
  // full, where filters say which groups were passed; four fifths, where counters do (nodes). In single slots
  // two thirds, as CPython's dictionaries: there linear steps look at 2 slots for a hit and 5 for a miss, at
  // nine tenths at 5.5 and 50 (Knuth 6.4). Only linear steps have immediate deletion. Behind a directory 7/8 and
  // tombstones, as in Go.
  template <class Layout>
  static constexpr auto named_beside() noexcept {
    constexpr layout_facts facts = layout_facts_of<Layout>();
    if constexpr (!facts.is_open()) {
      return bundle<>{};
    } else if constexpr (facts.kind == layout_kind::open_slots) {
      if constexpr (facts.steps == probe_kind::linear) {
        return bundle<load<2, 3>, overflow::none>{};
      } else {
        return bundle<load<2, 3>, overflow::none, deletion::tombstone>{};
      }
    } else if constexpr (facts.kind == layout_kind::nodes) {
      return bundle<load<12>, overflow::none>{};
    } else if constexpr (facts.kind == layout_kind::directory) {
      return bundle<load<7>, overflow::none, deletion::tombstone>{};
    } else if constexpr (facts.slots == 16) {
      return bundle<load<27, 2>, overflow::none>{};
    } else {
      return bundle<load<13, 2>, overflow::none>{};
    }
  }
  template <class Layout>
  using beside = decltype(named_beside<Layout>());
};

// Takes any key at all: only a refused composition hashes with it.
struct fallback_hashing {
  using axis = axes::hashing;
  static constexpr std::string_view name = "fallback";
  template <class Key>
  static std::uint64_t hash(const Key&) noexcept {
    return 0;
  }
  template <class A, class C>
  static bool equal(const A&, const C&) noexcept {
    return false;
  }
};

using fallback =
    compose_steps::spec_of<defaults, layout::bucket_chain<bucket_options{.inline_limit_bytes = 0}>,
                           fallback_hashing>;

}  // namespace presets

// The canonical spec of a pack of options; see framework/compose/rules.def for what is refused.
template <class... Options>
using compose = typename resolution<presets::defaults, presets::fallback, Options...>::type;

}  // namespace tophash::inline v1

#endif
