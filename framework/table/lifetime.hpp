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
#include <tophash/framework/table/owning.hpp>
#include <tophash/framework/table/pins.hpp>
#include <tophash/framework/table/state.hpp>

namespace tophash::inline v1::table {

template <class B>
struct owned_state : state<B> {
  using policies_type = policy_values<typename B::spec>;
  // A collector would follow a link as a pointer.
  static constexpr bool links_may_be_read =
      B::model::indexed && decides_visibility_at_run_time<typename B::allocation>();
  // std::invalid_argument: the overflow source belongs to other storage than the map's, or a collector searches storage
  // in which links are to be numbers.
  explicit owned_state(policies_type given) noexcept(std::is_nothrow_move_constructible_v<policies_type> &&
                                                     !B::facts.overflow.shared && !links_may_be_read)
      : state<B>(std::move(given)) {
    if constexpr (B::facts.overflow.shared) {
      if (!this->policies.overflow.accepts(this->policies.allocation)) {
        throw_invalid_argument("tophash: the map's allocation handle and its overflow pool's are unequal");
      }
    }
    if constexpr (links_may_be_read) {
      if (visibility_of(this->policies.allocation) != visibility::opaque) {
        throw_invalid_argument("tophash: link=index32 in storage that a collector searches; use link=pointer");
      }
    }
  }
  owned_state(const owned_state&) = delete;
  owned_state& operator=(const owned_state&) = delete;
  ~owned_state() { destroy_table(*this); }
};

// Calls f(slot) for every live entry of both arrays; f may throw.
template <class B, class F>
void for_each_live(const state<B>& s, F&& f) {
  const auto walk = [&f, &s](const typename B::array& a) {
    a.for_each_home([&f, &s](typename B::bucket* b) {
      for (; b != nullptr; b = s.current.links.next(b)) {
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

// Nobody hears of a single entry, and an entry is its bytes.
template <class B>
inline constexpr bool copies_bytes =
    std::is_trivially_copyable_v<typename B::key_type> &&
    (B::model::is_set || std::is_trivially_copyable_v<typename B::model::mapped_type>) && !B::model::boxed &&
    !may_be_traced<typename B::allocation>() && !hears_of_stores<typename B::allocation> &&
    !takes_event<typename B::spec::observe, events::inserted> &&
    !takes_event<typename B::spec::observe, events::overflow_acquired> &&
    !requires(typename B::allocation& a, typename B::model::value_type* p, const typename B::model::value_type& v) {
      a.construct(p, v);
    };

// Bucket by bucket, into an array that has as many: no key is hashed, and every entry keeps its place in the walk.
template <class B>
growth_result copy_buckets(state<B>& to, const state<B>& from) noexcept {
  using model = typename B::model;
  const auto failed = [&to] {
    clear_entries(to);
    return growth_result::no_memory;
  };
  for (std::size_t i = 0; i != from.current.units; ++i) {
    const auto* source = from.current.at(i);
    if (model::is_absent(source)) continue;
    if constexpr (model::grouped) {
      if (model::is_absent(to.current.at(i)) && !make_group_slow(to, i)) return failed();
    }
    auto* const home = to.current.at(i);
    model::copy_bytes(home, source);
    // Empty buckets at the end of a chain, which tombstones leave, are not copied.
    for (auto* tail = home; !model::ends(source);) {
      source = from.current.links.next(source);
      auto* const fresh = acquire_overflow_slow(to);
      if (fresh == nullptr) return failed();
      model::copy_bytes(fresh, source);
      to.current.links.append(tail, fresh);
      tail = fresh;
      if constexpr (B::facts.growth.asks_overflow) ask_about_overflow_slow(to, home);
    }
  }
  to.size = from.size;
  refresh_grow_at(to);
  return growth_result::done;
}

// Copies every live entry of `from` into the empty table `to`. Basic guarantee for `to`. Trivially copyable entries of a
// table that is neither growing nor holds erased ones, and is no larger than they need, are copied as bytes.
template <class B>
growth_result copy_entries(state<B>& to, const state<B>& from) {
  using model = typename B::model;
  if (from.size == 0) return growth_result::done;
  if (const growth_result r = reserve_slow(to, from.size); r != growth_result::done) return r;
  if constexpr (copies_bytes<B>) {
    if (!from.growing() && from.dead + from.dirty == 0 && from.current.units == to.current.units) {
      return copy_buckets(to, from);
    }
  }
  growth_result result = growth_result::done;
  for_each_live(from, [&](typename B::slot at) {
    if (result != growth_result::done) return;
    const std::uint64_t hash = insertion_hash(to, table::hash_of(to, model::key(at)), model::key(at));
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
  tell_pins_erased(s, c.at);
  notify_with<events::erased>(s.policies.observe, [&c] { return events::erased{told_place(c)}; });
  if constexpr (B::dirty_kind) {
    notify_with<events::swept>(s.policies.observe, [&c] { return events::swept{told_place(c)}; });
  }
  wipe_slot(s, c.at);
  auto* const emptied = model::vacate(s.current.links, home_of(c), c.at);
  if (emptied != nullptr) release_overflow_slow(s, emptied);
  if constexpr (B::leaves_dead) count_dead(s, emptied != nullptr);
}

// Moves every live entry of `from`, whose storage `to` cannot take over, into the empty table `to`. Each leaves `from`
// as it arrives: when something fails half way, every entry is in one of the two.
template <class B>
growth_result move_entries(state<B>& to, state<B>& from) {
  using model = typename B::model;
  if (const growth_result r = reserve_slow(to, from.size); r != growth_result::done) return r;
  for (cursor<B> c = first_cursor(from); c.at;) {
    const std::uint64_t hash = insertion_hash(to, table::hash_of(to, model::key(c.at)), model::key(c.at));
    const typename B::slot target = vacancy_for(to, hash, false);
    if (!target) return growth_result::no_memory;
    {
      vacancy_guard<B> guard{to, hash, target};
      const opened_slot<B> opened(target);
      if (!relocate_across(to, target, from, c.at)) return growth_result::no_memory;
      guard.taken = true;
      model::claim(to.current, target, hash);
    }
    tell_storage(to, target);
    ++to.size;
    tell_inserted(to, hash, target);
    cursor<B> next = after_erase(c);
    forget_entry(from, c);
    if (is_behind(next)) settle_slow(next);
    c = next;
  }
  return growth_result::done;
}

// ---- what the container asks of a chained table beside the operations ------------------------------------------

// Where a search by key ended, for an iterator.
template <class B>
TOPHASH_ALWAYS_INLINE cursor<B> cursor_of(const state<B>& s, const place<B>& p, std::uint64_t hash) noexcept {
  return {&s, p.at, hash, cursor_origin::unlocated};
}

template <class B>
void tell_erased_at(state<B>& s, cursor<B> c) noexcept {
  notify_with<events::erased>(s.policies.observe, [&s, &c] {
    if (c.origin == cursor_origin::unlocated) {
      const std::uint64_t hash = c.home_or_hash;
      locate_slow(c);
      return events::erased{told_place(c), hash, true};
    }
    const told_hash named = hash_for_observer(s, B::model::key(c.at));
    return events::erased{told_place(c), named.hash, named.known};
  });
}

template <class B>
cursor<B> erase_cursor(state<B>& s, cursor<B> c) noexcept {
  TOPHASH_CHECK(c.at && c.s == &s, "erase of an iterator that does not belong to this container");
  tell_erased_at(s, c);
  if (c.origin == cursor_origin::unlocated) locate_slow(c);
  const cursor<B> next = after_erase(c);
  erase_at(s, home_of(c), c.at);
  return next;
}

// The entry at c goes from sight and stays in its slot.
template <class B>
void mark_at_cursor(state<B>& s, const cursor<B>& c) noexcept {
  tell_erased_at(s, c);
  erase_at(s, static_cast<typename B::bucket*>(nullptr), c.at);
}

// A place that an open iterator is at, as what find answers.
template <class B>
cursor<B> cursor_at_pin(const state<B>& s, const pin<B>& p) {
  const typename B::slot at = p.at();
  TOPHASH_CHECK(at && p.of() == &s, "an iterator that does not belong to this container, or whose entry was erased");
  const auto& key = B::model::key(at);
  if (is_found_by_hash(s, key)) return {&s, at, table::hash_of(s, key), cursor_origin::unlocated};
  bool in_old = false;
  const std::size_t index = p.chain_of(at, in_old);
  return {&s, at, index, in_old ? cursor_origin::old : cursor_origin::current};
}

template <class B>
std::size_t most_entries(const state<B>&) noexcept {
  return max_units<B>() * B::model::slots;
}

}  // namespace tophash::inline v1::table

#endif
