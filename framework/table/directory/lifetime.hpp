// SPDX-License-Identifier: Apache-2.0
// Copying a map behind a directory, and moving it between unequal storage. A copy has the same hashing
// policy, seed included, so it has the same directory, and each entry the slot that it has there.
#ifndef TOPHASH_FRAMEWORK_TABLE_DIRECTORY_LIFETIME_HPP
#define TOPHASH_FRAMEWORK_TABLE_DIRECTORY_LIFETIME_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <tophash/framework/table/directory/erase.hpp>
#include <tophash/framework/table/directory/insert.hpp>
#include <tophash/framework/table/directory/state.hpp>
#include <tophash/framework/table/open/lifetime.hpp>

namespace tophash::inline v1::table {

// An array like `source`, each entry in the slot it has there. `into` has no units before, nor after a
// failure.
template <with_directory B>
growth_result copy_groups(open_state<B>& to, typename B::array& into, const open_state<B>& from,
                          const typename B::array& source) {
  using model = typename B::model;
  const auto fresh = allocate_array(to, source.units(), model::capacity(source));
  if (!fresh.exists()) return growth_result::no_memory;
  array_copy<B> copy{to, fresh};
  for (std::size_t u = 0; u < fresh.units(); ++u) {
    for (unsigned mask = model::live(source.groups + u); mask != 0; mask &= mask - 1) {
      const auto i = lowest_bit(mask);
      const typename B::slot at{fresh.entries + u * model::slots + i, fresh.groups[u].tags + i};
      open_slot<B>(at);
      if constexpr (B::opens_slots) *at.tag = model::opening;  // until the group's tags are copied
      order_stores<B>();
      if (!copy_unit(to, at, from, {source.entries + u * model::slots + i, source.groups[u].tags + i}))
        return growth_result::no_memory;
      copy.in_group |= 1u << i;
    }
    std::memcpy(static_cast<void*>(fresh.groups + u), static_cast<const void*>(source.groups + u),
                model::width);
    copy.in_group = 0;
    copy.groups = u + 1;
  }
  copy.complete = true;
  into = fresh;
  if constexpr (hears_of_stores<typename B::allocation> && model::trace.is_traced()) {
    model::for_each_live(fresh, [&to](typename B::slot at) { tell_storage(to, at); });
  }
  return growth_result::done;
}

template <with_directory B>
void tell_copied(open_state<B>& to) noexcept {
  notify(to.policies.observe, events::growth_started{0, to.units});
  if constexpr (takes_event<typename B::spec::observe, events::inserted>) {
    const auto tell = [&to](const directory_table<B>* t, const typename B::array& a) {
      B::model::for_each_live(a, [&](typename B::slot at) {
        notify(to.policies.observe, events::inserted{told_in(to, t, at), hash_at(to, at)});
      });
    };
    tell(nullptr, to.current);
    for_each_table(to, [&tell](const directory_table<B>& t) { tell(&t, t.groups); });
  }
}

// Copies every entry of `from` into `to`, which has no array and whose hashing policy is a copy. After a
// failure `to` can only be destroyed.
template <with_directory B>
growth_result copy_entries(open_state<B>& to, const open_state<B>& from) {
  if (from.size == 0) return growth_result::done;
  TOPHASH_CHECK(to.units == 0, "a copy goes into a map without an array");
  if (from.tables == nullptr) {
    const growth_result r = copy_groups(to, to.current, from, from.current);
    if (r != growth_result::done) return r;
  } else {
    to.tables = allocate_directory(to, places_of(from));
    if (to.tables == nullptr) return growth_result::no_memory;
    to.depth = from.depth;
    for (std::size_t place = 0, next = 0; place < places_of(from); place = next) {
      const directory_table<B>& source = *from.tables[place];
      next = next_place(from, place);
      directory_table<B>* const t = allocate_table(to, 0, source.depth);
      if (t == nullptr) return growth_result::no_memory;
      for (std::size_t i = place; i < next; ++i) to.tables[i] = t;
      const growth_result r = copy_groups(to, t->groups, from, source.groups);
      if (r != growth_result::done) return r;
      t->size = source.size, t->dead = source.dead, t->room = source.room;
      ++to.table_count;
    }
  }
  to.size = from.size;
  to.units = from.units;
  tell_copied(to);
  return growth_result::done;
}

// Moves every entry of `from`, whose storage `to` cannot take over, into the empty table `to`. Each leaves
// `from` as it arrives: when something fails half way, every entry is in one of the two.
template <with_directory B>
growth_result move_entries(open_state<B>& to, open_state<B>& from) {
  using model = typename B::model;
  if (const growth_result r = reserve_slow(to, from.size); r != growth_result::done) return r;
  growth_result result = growth_result::done;
  const auto move_one = [&](directory_table<B>* source, typename B::slot at) {
    if (result != growth_result::done) return;
    const std::uint64_t hash = insertion_hash(to, hash_at(from, at), model::key(at));
    const made_vacancy<B> target = make_vacancy(to, hash);
    result = target.room;
    if (result != growth_result::done) return;
    typename model::node* moved_node = nullptr;
    if constexpr (model::boxed) {
      if (!move_node_across(to, &moved_node, from, at)) {
        result = growth_result::no_memory;
        return;
      }
    }
    open_slot<B>(target.at);
    const opened_slot<B> opened(target.at);
    if constexpr (model::boxed) {
      *target.at.entry = moved_node;
    } else {
      model::relocate_entry(target.at, at);
    }
    static_cast<void>(claimed_in(to, target.table, target.at, hash));
    notify_with<events::erased>(from.policies.observe, [&] {
      return events::erased{told_in(from, source, at), 0, false};
    });
    close_slot(from, at);
    vacate_in(from, source, at);
  };
  model::for_each_live(from.current, [&](typename B::slot at) { move_one(nullptr, at); });
  for_each_table(from, [&](directory_table<B>& t) {
    model::for_each_live(t.groups, [&](typename B::slot at) { move_one(&t, at); });
  });
  return result;
}

}  // namespace tophash::inline v1::table

#endif
