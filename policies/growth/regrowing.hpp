// SPDX-License-Identifier: Apache-2.0
// Wraps a growth policy: the array is also replaced by a fresh one of the same size when erases have left the
// chains longer than the entries need. Three reasons, one each; wrap twice to have two:
//   when::overflow        as many overflow buckets in use as main buckets
//   when::go_overflow     the same by Go's count (tooManyOverflowBuckets): noverflow >= 2^min(B, 15), where noverflow
//                         counts what was acquired since the last growth began, never what was given back; exactly below
//                         2^16 buckets, above that one in 2^(B-15)
//   when::dead<25>        dead and dirty slots are 25 % of the load limit
//   when::chain<4>        an insert made its chain 4 buckets long
// `overflow` and `chain` can outlive a regrow (a hash that puts everything into one chain): they count only after one
// overflow bucket was acquired for every 8 main buckets since the last growth, so that a regrow, O(units), is
// paid for by as many insertions. Go has no such floor and regrows again at the next insertion; so does go_overflow,
// which is bearable where the base moves a few chains a write.
#ifndef TOPHASH_POLICIES_GROWTH_REGROWING_HPP
#define TOPHASH_POLICIES_GROWTH_REGROWING_HPP

#include <bit>
#include <cstddef>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/concepts/growth.hpp>
#include <tophash/framework/core/load.hpp>
#include <tophash/framework/core/step.hpp>
#include <tophash/framework/core/text.hpp>

namespace tophash::inline v1 {

namespace growth {

namespace when {

// Paid for: enough insertions since the last growth.
constexpr bool earned(const load_state& load) noexcept { return load.acquired >= (load.units + 7) / 8; }

struct overflow {
  static constexpr bool asks_overflow = true;
  static constexpr bool counts_overflow = false;
  static constexpr std::size_t dead_percent = 0;
  static constexpr option_text name() { return {"overflow"}; }
  static constexpr bool due(const load_state& load) noexcept {
    return load.overflow >= load.units && earned(load);
  }
};

struct go_overflow {
  static constexpr bool asks_overflow = true;
  static constexpr bool counts_overflow = true;
  static constexpr std::size_t dead_percent = 0;
  static constexpr option_text name() { return {"go_overflow"}; }
  static constexpr bool due(const load_state& load) noexcept {
    const auto bits = static_cast<unsigned>(std::bit_width(load.units)) - 1;
    return load.counted_overflow >= std::size_t{1} << (bits < 15 ? bits : 15u);
  }
};

template <std::size_t Percent>
struct dead {
  static constexpr bool asks_overflow = false;
  static constexpr bool counts_overflow = false;
  static constexpr std::size_t dead_percent = Percent;
  static constexpr option_text name() {
    option_text out;
    out.append("dead=").append(Percent);
    return out;
  }
  static constexpr bool due(const load_state& load) noexcept {
    return load.dead + load.dirty >= share_of(load.limit, Percent);
  }
};

template <std::size_t Buckets>
struct chain {
  static constexpr bool asks_overflow = true;
  static constexpr bool counts_overflow = false;
  static constexpr std::size_t dead_percent = 0;
  static constexpr option_text name() {
    option_text out;
    out.append("chain=").append(Buckets);
    return out;
  }
  static constexpr bool due(const load_state& load) noexcept {
    return load.chain_buckets >= Buckets && earned(load);
  }
};

}  // namespace when

template <class Base, class Reason = when::overflow>
struct regrowing {
  using axis = axes::growth;
  static constexpr growth_facts facts = [] {
    growth_facts out = Base::facts;
    out.asks_overflow = out.asks_overflow || Reason::asks_overflow;
    out.counts_overflow = out.counts_overflow || Reason::counts_overflow;
    // With two shares the smaller one asks, and decide() of both is heard.
    if (out.dead_percent == 0 || (Reason::dead_percent != 0 && Reason::dead_percent < out.dead_percent)) {
      out.dead_percent = Reason::dead_percent;
    }
    return out;
  }();

  static constexpr option_text name() {
    option_text out;
    out.append("regrowing(").append(option_name<Base>()).append(",").append(Reason::name()).append(")");
    return out;
  }

  static constexpr plan decide(const load_state& load) noexcept {
    const plan wanted = Base::decide(load);
    return wanted.what == action::keep && Reason::due(load) ? plan::regrow() : wanted;
  }
};

}  // namespace growth

}  // namespace tophash::inline v1

#endif
