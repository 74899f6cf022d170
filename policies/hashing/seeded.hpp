// SPDX-License-Identifier: Apache-2.0
// A seed of its own for each map, around any hashing policy. hash() stays the wrapped policy's and holds no
// seed, so that tokens outlive a reseeding; the table mixes seed() in (position_hash). A copy has the same
// seed, so a copied map keeps every position. Cost over the wrapped policy: one xor, and the mixing of a hash
// that would have been used as it is; where the policy has a cheaper hash for that, hash_to_mix, it is the
// one.
#ifndef TOPHASH_POLICIES_HASHING_SEEDED_HPP
#define TOPHASH_POLICIES_HASHING_SEEDED_HPP

#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/concepts/hashing.hpp>
#include <tophash/framework/config.hpp>
#include <tophash/framework/core/bits.hpp>
#include <tophash/framework/core/seed.hpp>

namespace tophash::inline v1 {

namespace hashing {

template <class H>
class seeded {
 public:
  using axis = axes::hashing;
  static constexpr hashing_facts facts{.seeded = true, .raw = hashing_facts_of<H>().raw};

  static constexpr option_text name()
    requires(has_name<H>())
  {
    option_text out;
    out.append("seeded(").append(option_name<H>().view()).append(")");
    return out;
  }

  template <class Key>
  static constexpr bool takes_hash_to_mix = requires(const H& base, const Key& key) {
    std::uint64_t{base.hash_to_mix(key)};
  };
  template <class Key>
  static constexpr bool avalanching = is_avalanching<H, Key>() && !takes_hash_to_mix<Key>;
  template <class Key, class Other>
  static constexpr bool transparent = is_transparent_for<H, Key, Other>();

  seeded() noexcept(std::is_nothrow_default_constructible_v<H>)
    requires std::is_default_constructible_v<H>
      : seed_(random_seed()) {}
  constexpr explicit seeded(std::uint64_t seed) noexcept(std::is_nothrow_default_constructible_v<H>)
    requires std::is_default_constructible_v<H>
      : seed_(seed) {}
  constexpr seeded(H base, std::uint64_t seed) noexcept(std::is_nothrow_move_constructible_v<H>)
      : base_(std::move(base)), seed_(seed) {}

  template <class Key>
    requires requires(const H& base, const Key& key) { std::uint64_t{base.hash(key)}; }
  constexpr std::uint64_t hash(const Key& key) const noexcept(noexcept(std::declval<const H&>().hash(key))) {
    if constexpr (takes_hash_to_mix<Key>) {
      return base_.hash_to_mix(key);
    } else {
      return base_.hash(key);
    }
  }

  template <class A, class B>
    requires requires(const H& base, const A& a, const B& b) { static_cast<bool>(base.equal(a, b)); }
  TOPHASH_ALWAYS_INLINE constexpr bool equal(const A& a, const B& b) const
      noexcept(noexcept(std::declval<const H&>().equal(a, b))) {
    return static_cast<bool>(base_.equal(a, b));
  }

  constexpr std::uint64_t seed() const noexcept { return seed_; }
  constexpr void reseed() noexcept { seed_ = next_seed(seed_); }
  constexpr const H& base() const noexcept { return base_; }

 private:
  [[no_unique_address]] H base_{};
  std::uint64_t seed_;
};

}  // namespace hashing

}  // namespace tophash::inline v1

#endif
