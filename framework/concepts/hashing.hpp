// SPDX-License-Identifier: Apache-2.0
// Hashing policy: a 64-bit hash of a key, equality, and what may be believed of the hash.
//
//   expression                          type      throws      meaning
//   h.hash(k)                           uint64_t  as its own  equal keys hash alike; no seed in it
//   h.equal(a, b)                       bool      as its own  an equivalence that agrees with hash
// By presence:
//   H::facts                            hashing_facts
//   H::template avalanching<Key>        bool      each input bit flips each output bit with odds near one half;
//                                                 such a hash is used unmixed. Tested by tests/laws/hashing.hpp.
//   H::template transparent<Key, Other> bool      hash and equal take Other for Key with the same results, so
//                                                 that lookups and insertions need no Key
//   h.hash_to_mix(k)                    uint64_t  a cheaper hash, good only once it is mixed; agrees with equal
//                                                 and `transparent` as hash does. hashing::seeded takes it
//   h.seed(), h.reseed()                          with facts.seeded: the seed that the table mixes into every
//                                                 hash, and a step to the next one
//   facts.reseeds, scatters, updates_keys         what else the table does with them: policies/hashing/go_seeded.hpp
// What a table looks up is `position_hash(h, h.hash(k))`: the hash as it is for a raw or an avalanching policy,
// mixed otherwise; with a seed always mixed, so that keys whose hashes share low bits under one seed do not
// under the next.
#ifndef TOPHASH_FRAMEWORK_CONCEPTS_HASHING_HPP
#define TOPHASH_FRAMEWORK_CONCEPTS_HASHING_HPP

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/core/bits.hpp>

namespace tophash::inline v1 {

template <class H, class Key>
concept hashing_policy = option<H> && requires(const H& h, const Key& k) {
  { h.hash(k) } -> std::convertible_to<std::uint64_t>;
  { h.equal(k, k) } -> std::convertible_to<bool>;
};

// Is a key equal to itself and to nothing that differs from it? Not so floating-point numbers: NaN is unequal to itself,
// and +0 equals -0. For the author of a type that holds some to specialise as false.
template <class Key>
inline constexpr bool equality_is_identity = !std::is_floating_point_v<Key>;

// std::pair, std::tuple, std::complex and whatever else is made of its type arguments; std::array.
template <template <class...> class Product, class... Parts>
inline constexpr bool equality_is_identity<Product<Parts...>> = (equality_is_identity<Parts> && ...);
template <template <class, std::size_t> class Array, class Part, std::size_t Size>
inline constexpr bool equality_is_identity<Array<Part, Size>> = equality_is_identity<Part>;

template <class H>
constexpr hashing_facts hashing_facts_of() noexcept {
  if constexpr (requires { H::facts; }) {
    return H::facts;
  } else {
    return {};
  }
}

template <class H, class Key>
constexpr bool is_avalanching() noexcept {
  if constexpr (requires { H::template avalanching<Key>; }) {
    return H::template avalanching<Key>;
  } else {
    return false;
  }
}

template <class H, class Key, class Other>
constexpr bool is_transparent_for() noexcept {
  if constexpr (requires { H::template transparent<Key, Other>; }) {
    return H::template transparent<Key, Other>;
  } else {
    return false;
  }
}

// Cost: nothing (raw, avalanching), or one folded multiplication.
template <class Key, class H>
constexpr std::uint64_t position_hash(const H& h, std::uint64_t unseeded) noexcept {
  constexpr hashing_facts facts = hashing_facts_of<H>();
  if constexpr (facts.seeded) {
    return mix(unseeded ^ h.seed());
  } else if constexpr (facts.raw || is_avalanching<H, Key>()) {
    return unseeded;
  } else {
    return mix(unseeded);
  }
}

}  // namespace tophash::inline v1

#endif
