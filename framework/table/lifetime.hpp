// SPDX-License-Identifier: Apache-2.0
// Owning a state: construction, copying, moving, swapping, and the end. A copy has the same hashing policy, seed
// included; a moved-from table is empty, keeps its policies and can be used.
#ifndef TOPHASH_FRAMEWORK_TABLE_LIFETIME_HPP
#define TOPHASH_FRAMEWORK_TABLE_LIFETIME_HPP

#include <bit>
#include <memory>
#include <type_traits>
#include <utility>

#include <tophash/framework/table/erase.hpp>
#include <tophash/framework/table/insert.hpp>
#include <tophash/framework/table/iterator.hpp>
#include <tophash/framework/table/state.hpp>

namespace tophash::inline v1::table {

template <class B>
struct owned_state : state<B> {
  using policies_type = policy_values<typename B::spec>;
  // std::invalid_argument: the overflow source belongs to other storage than the map's.
  explicit owned_state(policies_type given) noexcept(std::is_nothrow_move_constructible_v<policies_type> &&
                                                     !B::facts.overflow.shared)
      : state<B>(std::move(given)) {
    if constexpr (B::facts.overflow.shared) {
      if (!this->policies.overflow.accepts(this->policies.allocation)) {
        throw_invalid_argument("tophash: the map's allocation handle and its overflow pool's are unequal");
      }
    }
  }
  owned_state(const owned_state&) = delete;
  owned_state& operator=(const owned_state&) = delete;
  ~owned_state() { destroy(*this); }
};

// Calls f(slot) for every live entry of both arrays; f may throw.
template <class B, class F>
void for_each_live(const state<B>& s, F&& f) {
  const auto walk = [&f](const typename B::array& a) {
    a.for_each_home([&f](typename B::bucket* b) {
      for (; b != nullptr; b = b->link) {
        for (unsigned mask = B::model::live(b); mask != 0; mask &= mask - 1) {
          f(typename B::slot{b, static_cast<std::size_t>(std::countr_zero(mask))});
        }
      }
    });
  };
  if (s.size == 0) return;
  walk(s.current);
  if (s.growing()) walk(s.old);
}

// Copies every live entry of `from` into the empty table `to`. Basic guarantee for `to`.
template <class B>
growth_result copy_entries(state<B>& to, const state<B>& from) {
  using model = typename B::model;
  if (from.size == 0) return growth_result::done;
  if (const growth_result r = reserve_slow(to, from.size); r != growth_result::done) return r;
  growth_result result = growth_result::done;
  for_each_live(from, [&](typename B::slot at) {
    if (result != growth_result::done) return;
    const std::uint64_t hash = hash_of(to, model::key(at));
    if constexpr (model::is_set) {
      result = insert_if_absent(to, hash, model::key(at)).room;
    } else {
      result = insert_if_absent(to, hash, model::key(at), std::as_const(*model::value_at(at))).room;
    }
  });
  return result;
}

// One part of an entry, to be moved to another table's storage: in the slot itself, or in a block of its own.
template <class B, class Unit, bool Boxed>
struct part_across {
  node_guard<B, Unit> node;
  explicit part_across(state<B>& to) noexcept : node(to) {}
  bool ready() const noexcept { return node.node != nullptr; }
  Unit* target(Unit**) noexcept { return node.node; }
  void settle(state<B>& from, Unit** to_slot, Unit* old) noexcept {
    node.kept = true;
    *to_slot = node.node;
    from.policies.allocation.deallocate(old, node_request<Unit>());
  }
};

template <class B, class Unit>
struct part_across<B, Unit, false> {
  explicit part_across(state<B>&) noexcept {}
  static constexpr bool ready() noexcept { return true; }
  static Unit* target(Unit* in_slot) noexcept { return in_slot; }
  static void settle(state<B>&, Unit*, Unit*) noexcept {}
};

// Moves the entry of `from` to `target` of another table, blocks included. False, or an exception: it is still there.
template <class B>
bool relocate_across(state<B>& to, typename B::slot target, state<B>& from, typename B::slot source) {
  using model = typename B::model;
  using bytes = typename model::bytes;
  using key_type = typename B::key_type;
  using value_type = typename model::value_type;
  using mapped_type = typename model::mapped_type;
  if constexpr (!model::boxed) {
    model::relocate_entry(target, source);
    return true;
  } else if constexpr (bytes::pair_boxed) {
    part_across<B, value_type, true> pair{to};
    if (!pair.ready()) return false;
    auto* const node = pair.target(nullptr);
    if constexpr (model::is_set) {
      relocate(node, model::key_at(source));
    } else {
      relocate_parts(const_cast<key_type*>(std::addressof(node->first)), std::addressof(node->second),
                     model::key_at(source), model::value_at(source));
    }
    pair.settle(from, model::pair_unit_at(target), model::pair_at(source));
    return true;
  } else {
    part_across<B, key_type, bytes::key_boxed> key{to};
    part_across<B, mapped_type, bytes::value_boxed> value{to};
    if (!key.ready() || !value.ready()) return false;
    auto* const old_key = model::key_at(source);
    auto* const old_value = model::value_at(source);
    relocate_parts(key.target(model::key_unit_at(target)), value.target(model::value_unit_at(target)), old_key, old_value);
    key.settle(from, model::key_unit_at(target), old_key);
    value.settle(from, model::value_unit_at(target), old_value);
    return true;
  }
}

// The entry at `c`, which is located, was moved out: the slot is empty, whatever the deletion policy.
template <class B>
void forget_entry(state<B>& s, const cursor<B>& c) noexcept {
  using model = typename B::model;
  --s.size;
  notify_with<events::erased>(s.policies.observe, [&c] { return events::erased{told_place(c)}; });
  if constexpr (B::dirty_kind) {
    notify_with<events::swept>(s.policies.observe, [&c] { return events::swept{told_place(c)}; });
  }
  if (is_scanned(s)) model::wipe_entry(c.at);
  if (auto* const emptied = model::vacate(home_of(c), c.at)) release_overflow_slow(s, emptied);
  if constexpr (B::leaves_dead) {
    ++s.dead;
    refresh_grow_at(s);
  }
}

// Moves every live entry of `from`, whose storage `to` cannot take over, into the empty table `to`. Each leaves `from`
// as it arrives: when something fails half way, every entry is in one of the two.
template <class B>
growth_result move_entries(state<B>& to, state<B>& from) {
  using model = typename B::model;
  if (const growth_result r = reserve_slow(to, from.size); r != growth_result::done) return r;
  for (cursor<B> c = first_cursor(from); c.at;) {
    const std::uint64_t hash = hash_of(to, model::key(c.at));
    const typename B::slot target = vacancy_for(to, hash);
    if (!target) return growth_result::no_memory;
    {
      vacancy_guard<B> guard{to, hash, target};
      if (!relocate_across(to, target, from, c.at)) return growth_result::no_memory;
      guard.taken = true;
    }
    model::claim(target, hash);
    ++to.size;
    tell_inserted(to, hash, target);
    cursor<B> next = after_erase(c);
    forget_entry(from, c);
    if (is_behind(next)) settle_slow(next);
    c = next;
  }
  return growth_result::done;
}

// A policy by copy where that cannot throw (the source stays usable), otherwise by move.
template <class P>
constexpr P copy_or_move(P& from) noexcept(std::is_nothrow_copy_constructible_v<P> || std::is_nothrow_move_constructible_v<P>) {
  if constexpr (std::is_nothrow_copy_constructible_v<P>) {
    return P(std::as_const(from));
  } else {
    return P(std::move(from));
  }
}

// The policies of a table that takes over the memory of `from`. The overflow source moves: it holds blocks.
template <class B>
policy_values<typename B::spec> take_policies(state<B>& from) {
  auto& p = from.policies;
  return {.hashing = copy_or_move(p.hashing),
          .load = copy_or_move(p.load),
          .growth = copy_or_move(p.growth),
          .overflow = std::move(p.overflow),
          .allocation = p.allocation,
          .observe = std::move(p.observe)};
}

template <class B>
policy_values<typename B::spec> copy_policies(const state<B>& from, const typename B::allocation& allocation) {
  const auto& p = from.policies;
  return {.hashing = p.hashing,
          .load = p.load,
          .growth = p.growth,
          .overflow = p.overflow,
          .allocation = allocation,
          .observe = p.observe};
}

// Takes over arrays and counts; `from` becomes a table without an array. `to` must be one. Policies excepted.
template <class B>
void steal_arrays(state<B>& to, state<B>& from) noexcept {
  to.arrays() = std::exchange(from.arrays(), arrays_and_counts<B>{});
}

// Replaces a policy's value, also where its type can only be constructed (a lambda with captures).
template <class P>
void replace_policy(P& to, P&& from) noexcept {
  if constexpr (std::is_empty_v<P>) {
    static_cast<void>(to), static_cast<void>(from);
  } else if constexpr (std::is_nothrow_move_assignable_v<P>) {
    to = std::move(from);
  } else {
    static_assert(std::is_nothrow_move_constructible_v<P>, "a policy held by value must move without throwing");
    std::destroy_at(std::addressof(to));
    std::construct_at(std::addressof(to), std::move(from));
  }
}

template <class P>
void swap_policy(P& a, P& b) noexcept {
  P kept(std::move(a));
  replace_policy(a, std::move(b));
  replace_policy(b, std::move(kept));
}

// All but the allocation handle.
template <class B>
void swap_policies(state<B>& a, state<B>& b) noexcept {
  swap_policy(a.policies.hashing, b.policies.hashing);
  swap_policy(a.policies.load, b.policies.load);
  swap_policy(a.policies.growth, b.policies.growth);
  swap_policy(a.policies.overflow, b.policies.overflow);
  swap_policy(a.policies.observe, b.policies.observe);
}

template <class B>
void swap_states(state<B>& a, state<B>& b) noexcept {
  if (&a == &b) return;
  swap_policies(a, b);
  if constexpr (propagates_on_swap<typename B::allocation>()) {
    swap_policy(a.policies.allocation, b.policies.allocation);
  } else {
    TOPHASH_CHECK(a.policies.allocation == b.policies.allocation,
                  "swap of maps whose allocation handles are unequal and do not propagate");
  }
  std::swap(a.arrays(), b.arrays());
}

}  // namespace tophash::inline v1::table

#endif
