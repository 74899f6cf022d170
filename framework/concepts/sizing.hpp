// SPDX-License-Identifier: Apache-2.0
// Sizing policy: which numbers of units (buckets, groups) exist, and which unit a hash belongs to.
//
//   expression        type      throws  meaning
//   S::round_up(n)    size_t    never   the least size >= n (n >= 1) this policy can have; 0 when there is none
//   S::mapper         type              a value that maps hashes for one size, at most two words
//   S::mapper{n}                never   n = round_up(n)
//   m.index(hash)     size_t    never   in [0, n); uses bits that the tag does not use
// Law: round_up is monotone and idempotent; index covers every unit. Smallest conforming type: sizing::one_unit
// in tests/laws/sizing.hpp.
#ifndef TOPHASH_FRAMEWORK_CONCEPTS_SIZING_HPP
#define TOPHASH_FRAMEWORK_CONCEPTS_SIZING_HPP

#include <concepts>
#include <cstddef>
#include <cstdint>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>

namespace tophash::inline v1 {

template <class S>
concept sizing_policy = option<S> && requires(const typename S::mapper& m, std::size_t n, std::uint64_t hash) {
  { S::round_up(n) } noexcept -> std::same_as<std::size_t>;
  { typename S::mapper{n} } noexcept;
  { m.index(hash) } noexcept -> std::same_as<std::size_t>;
};

}  // namespace tophash::inline v1

#endif
