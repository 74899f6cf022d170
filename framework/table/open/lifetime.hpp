// SPDX-License-Identifier: Apache-2.0
// Owning an open-addressing state: copying, moving between unequal storage, and the end. A copy has the same
// hashing policy, seed included, so an array that is reasonably full is copied slot by slot, or byte by byte,
// without hashing.
#ifndef TOPHASH_FRAMEWORK_TABLE_OPEN_LIFETIME_HPP
#define TOPHASH_FRAMEWORK_TABLE_OPEN_LIFETIME_HPP

#include <bit>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>

#include <tophash/framework/table/open/erase.hpp>
#include <tophash/framework/table/open/insert.hpp>
#include <tophash/framework/table/open/iterator.hpp>
#include <tophash/framework/table/open/state.hpp>
#include <tophash/framework/table/owning.hpp>

namespace tophash::inline v1::table {

template <class B>
struct owned_open_state : open_state<B> {
  using policies_type = policy_values<typename B::spec>;
  explicit owned_open_state(policies_type given) noexcept(std::is_nothrow_move_constructible_v<policies_type>)
      : open_state<B>(std::move(given)) {}
  owned_open_state(policies_type given, open_state<B>& from) noexcept
      : open_state<B>(std::move(given), from) {
    tell_taken_over(*this);
  }
  owned_open_state(const owned_open_state&) = delete;
  owned_open_state& operator=(const owned_open_state&) = delete;
  ~owned_open_state() { destroy_table(*this); }
};

// Entries copied so far, destroyed unless the copy was completed.
template <class B>
struct array_copy {
  open_state<B>& to;
  typename B::array fresh;
  std::size_t groups = 0;  // complete
  unsigned in_group = 0;   // slots of the next one that exist
  bool complete = false;
  ~array_copy() {
    if (complete) return;
    using model = typename B::model;
    if constexpr (!trivially_destroyed<B>) {
      for (std::size_t u = 0; u <= groups && u < fresh.units(); ++u) {
        for (unsigned mask = u < groups ? model::live(fresh.groups + u) : in_group; mask != 0;
             mask &= mask - 1) {
          end_entry(to, fresh.entries + u * model::slots + lowest_bit(mask));
        }
      }
    }
    deallocate_block(to, fresh);
  }
};

template <class B>
inline constexpr bool copied_as_bytes =
    !B::model::boxed && std::is_trivially_copyable_v<typename B::key_type> &&
    std::is_trivially_copyable_v<typename B::model::mapped_type>;

// False: memory for a node ran out.
template <class B>
bool copy_unit(open_state<B>& to, typename B::slot at, const open_state<B>& from, typename B::slot source) {
  using model = typename B::model;
  if constexpr (model::boxed) {
    const std::uint64_t hash = hash_at(from, source);
    if constexpr (model::is_set) {
      return construct_unit(to, at.entry, hash, model::key(source));
    } else {
      return construct_unit(to, at.entry, hash, model::key(source), std::as_const(*model::value_at(source)));
    }
  } else {
    static_cast<void>(from);
    construct_object(to.policies.allocation, at.entry, std::as_const(*source.entry));
    return true;
  }
}

// Moves the value of a node to a new node in another table's storage. False: memory ran out, it is still
// there.
template <class B>
bool move_node_across(open_state<B>& to, typename B::model::node** target, open_state<B>& from,
                      typename B::slot source) {
  using model = typename B::model;
  auto* const old = *source.entry;
  node_aside<B> fresh(to, old->hash);
  if (fresh.node == nullptr) return false;
  auto* const value = std::addressof(fresh.node->value);
  if constexpr (model::is_set) {
    relocate(value, model::key_at(source));
  } else {
    relocate_parts(const_cast<typename B::key_type*>(std::addressof(value->first)),
                   std::addressof(value->second), model::key_at(source), model::value_at(source));
  }
  fresh.kept = true;
  *target = fresh.node;
  from.policies.allocation.deallocate(old, entry_node_request<B>());
  return true;
}

// An array like from.current, each live entry in the slot it has there. `to` has no array.
template <class B>
growth_result copy_array(open_state<B>& to, const open_state<B>& from) {
  using model = typename B::model;
  const std::size_t capacity = model::capacity(from.current);
  const auto fresh = allocate_array(to, from.current.units(), capacity);
  if (!fresh.exists()) return growth_result::no_memory;
  array_copy<B> copy{to, fresh};
  if constexpr (copied_as_bytes<B> && !TOPHASH_HAS_ASAN) {
    if (!is_scanned(to)) {
      std::memcpy(static_cast<void*>(fresh.entries), static_cast<const void*>(from.current.entries),
                  capacity * sizeof(typename model::unit));
      std::memcpy(static_cast<void*>(fresh.groups), static_cast<const void*>(from.current.groups),
                  fresh.units() * model::width);
      copy.groups = fresh.units();
    }
  }
  for (std::size_t u = copy.groups; u < fresh.units(); ++u) {
    for (unsigned mask = model::live(from.current.groups + u); mask != 0; mask &= mask - 1) {
      const auto i = lowest_bit(mask);
      const typename B::slot at{fresh.entries + u * model::slots + i, fresh.groups[u].tags + i};
      open_slot<B>(at);
      const typename B::slot source{from.current.entries + u * model::slots + i,
                                    from.current.groups[u].tags + i};
      if constexpr (B::opens_slots) *at.tag = model::opening;  // until the group's tags are copied
      order_stores<B>();
      if (!copy_unit(to, at, from, source)) return growth_result::no_memory;
      copy.in_group |= 1u << i;
    }
    std::memcpy(static_cast<void*>(fresh.groups + u), static_cast<const void*>(from.current.groups + u),
                model::width);
    copy.in_group = 0;
    copy.groups = u + 1;
  }
  copy.complete = true;
  to.current = fresh;
  begin_counts(to, capacity);
  to.size = from.size;
  to.grow_at = from.grow_at;
  if constexpr (B::counts_residue) {
    to.residue.dead = from.residue.dead;
    to.residue.passed = from.residue.passed;
    // A copy has no dirty entries: their slots are empty here.
    if constexpr (B::dirty_kind) {
      for (std::size_t u = 0; u < fresh.units(); ++u) {
        for (unsigned mask = model::dirty(fresh.groups + u); mask != 0; mask &= mask - 1) {
          const auto i = lowest_bit(mask);
          const typename B::slot at{fresh.entries + u * model::slots + i, fresh.groups[u].tags + i};
          if constexpr (model::counts_passed) {
            const typename B::slot source{from.current.entries + u * model::slots + i,
                                          from.current.groups[u].tags + i};
            model::count_passed(fresh, at, hash_at(from, source), false);
          }
          if (model::vacate(at)) {
            ++to.residue.dead;
          } else if (model::was_passed(at)) {
            ++to.residue.passed;
          }
        }
      }
      to.residue.dirty_in_old = 0;
    }
    refresh_room(to);
  }
  if constexpr (hears_of_stores<typename B::allocation> && model::trace.is_traced()) {
    model::for_each_live(fresh, [&to](typename B::slot at) { tell_storage(to, at); });
  }
  refresh_shrink_at(to);
  return growth_result::done;
}

template <class B>
void tell_copied(open_state<B>& to) noexcept {
  if constexpr (takes_event<typename B::spec::observe, events::inserted>) {
    B::model::for_each_live(to.current, [&to](typename B::slot at) {
      tell_inserted(to, hash_at(to, at), {at, false});
    });
  }
}

// Copies every live entry of `from` into the empty table `to`, whose hashing policy is a copy. Basic
// guarantee for `to`.
template <class B>
growth_result copy_entries(open_state<B>& to, const open_state<B>& from) {
  using model = typename B::model;
  if (from.size == 0) return growth_result::done;
  const bool reasonably_full = !from.growing() && from.size >= limit_of(from) / 3;
  if (reasonably_full && !to.current.exists()) {
    if (const growth_result r = copy_array(to, from); r != growth_result::done) return r;
    notify(to.policies.observe, events::growth_started{0, to.current.units()});
    tell_copied(to);
    return growth_result::done;
  }
  if (const growth_result r = reserve_slow(to, from.size); r != growth_result::done) return r;
  growth_result result = growth_result::done;
  const auto copy_one = [&](typename B::slot at) {
    if (result != growth_result::done) return;
    const std::uint64_t hash = table::hash_of(to, model::key(at));
    if constexpr (model::is_set) {
      result = insert_if_absent(to, hash, model::key(at)).room;
    } else {
      result = insert_if_absent(to, hash, model::key(at), std::as_const(*model::value_at(at))).room;
    }
  };
  model::for_each_live(from.current, copy_one);
  if constexpr (B::may_stay_growing) {
    if (from.growing()) model::for_each_live(from.generation.old, copy_one);
  }
  return result;
}

// Moves every live entry of `from`, whose storage `to` cannot take over, into the empty table `to`. Each
// leaves `from` as it arrives: when something fails half way, every entry is in one of the two.
template <class B>
growth_result move_entries(open_state<B>& to, open_state<B>& from) {
  using model = typename B::model;
  if (const growth_result r = reserve_slow(to, from.size); r != growth_result::done) return r;
  growth_result result = growth_result::done;
  const auto move_one = [&](typename B::slot at, bool in_old) {
    if (result != growth_result::done) return;
    const std::uint64_t hash = hash_at(from, at);
    typename model::node* moved_node = nullptr;
    if constexpr (model::boxed) {
      if (!move_node_across(to, &moved_node, from, at)) {
        result = growth_result::no_memory;
        return;
      }
      // Not before: a value that throws when it is moved stays where it was.
      if constexpr (model::counts_passed) model::count_passed(array_of(from, in_old), at, hash, false);
    }
    const place<B> target = vacancy_for(to, hash);
    open_slot<B>(target.at);
    const opened_slot<B> opened(target.at);
    if constexpr (model::boxed) {
      *target.at.entry = moved_node;
    } else {
      model::relocate_entry(target.at, at);
    }
    claim_slot(to, target.at, hash, target.in_old);
    ++to.size;
    tell_inserted(to, hash, target);
    notify_with<events::erased>(from.policies.observe, [&] {
      return events::erased{told_place(from, {at, in_old}), 0, false};
    });
    close_slot(from, at);
    --from.size;
    if constexpr (B::dirty_kind) {
      notify_with<events::swept>(from.policies.observe,
                                 [&] { return events::swept{told_place(from, {at, in_old})}; });
      ++from.residue.dirty;  // vacate_slot counts it off again
      if (in_old) ++from.residue.dirty_in_old;
    }
    vacate_slot(from, at, in_old);
  };
  if constexpr (model::moves_on_vacate) {
    for (auto w = model::first_walk(from.current); w && result == growth_result::done;) {
      move_one(w.at(), false);
      if (!model::is_live(*w.at().tag)) model::advance(w, from.current);
    }
  } else {
    model::for_each_live(from.current, [&](typename B::slot at) { move_one(at, false); });
  }
  if constexpr (B::may_stay_growing) {
    if (from.growing())
      model::for_each_live(from.generation.old, [&](typename B::slot at) { move_one(at, true); });
  }
  return result;
}

}  // namespace tophash::inline v1::table

#endif
