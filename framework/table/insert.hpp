// SPDX-License-Identifier: Apache-2.0
// Insertion. Fast path: one probe finds the entry or the vacancy, one compare with grow_at, construct in place,
// write the tag. Everything else (a growth under way or due, a full chain, entries behind a pointer) goes
// through insert_absent_slow, which builds the entry in a scratch bucket first: arguments may refer to entries
// of this very map, which a growth moves.
//
// Strong guarantee: a throwing constructor, hash, equality or move, and an allocation that fails, leave every
// entry as it was; at most a growth under way has moved on.
#ifndef TOPHASH_FRAMEWORK_TABLE_INSERT_HPP
#define TOPHASH_FRAMEWORK_TABLE_INSERT_HPP

#include <cstddef>
#include <cstdint>
#include <tuple>
#include <utility>

#include <tophash/framework/table/census.hpp>
#include <tophash/framework/table/find.hpp>
#include <tophash/framework/table/migrate.hpp>
#include <tophash/framework/table/state.hpp>

namespace tophash::inline v1::table {

// A block for one boxed part, given back unless it was handed over.
template <class B, class Unit>
struct node_guard {
  state<B>& s;
  Unit* node;
  bool kept = false;
  explicit node_guard(state<B>& owner) noexcept
      : s(owner), node(static_cast<Unit*>(owner.policies.allocation.try_allocate(node_request<Unit>()))) {}
  node_guard(const node_guard&) = delete;
  node_guard& operator=(const node_guard&) = delete;
  ~node_guard() {
    if (!kept && node != nullptr) s.policies.allocation.deallocate(node, node_request<Unit>());
  }
};

template <class B, class Unit, bool Boxed, class UnitPlace, class... Args>
bool construct_part(state<B>& s, UnitPlace* to, Args&&... args) {
  if constexpr (Boxed) {
    node_guard<B, Unit> guard{s};
    if (guard.node == nullptr) return false;
    construct_object(s.policies.allocation, guard.node, std::forward<Args>(args)...);
    guard.kept = true;
    ::new (static_cast<void*>(to)) Unit*(guard.node);
  } else {
    construct_object(s.policies.allocation, const_cast<std::remove_const_t<Unit>*>(to), std::forward<Args>(args)...);
  }
  return true;
}

template <class B>
void destroy_key_part(state<B>& s, typename B::slot at) noexcept {
  auto* const key = B::model::key_at(at);
  std::destroy_at(key);
  if constexpr (B::model::bytes::key_boxed) {
    release_node<typename B::key_type>(s, key);
  }
}

// Constructs key and value into a slot whose tag is still empty. False: memory ran out, nothing exists.
template <class B, class K, class... Args>
bool construct_entry(state<B>& s, typename B::slot at, K&& key, Args&&... args) {
  using model = typename B::model;
  using bytes = typename model::bytes;
  using value_type = typename model::value_type;
  if constexpr (model::is_set) {
    return construct_part<B, value_type, bytes::pair_boxed>(s, model::pair_unit_at(at), std::forward<K>(key));
  } else if constexpr (!model::split) {
    return construct_part<B, value_type, bytes::pair_boxed>(
        s, model::pair_unit_at(at), std::piecewise_construct, std::forward_as_tuple(std::forward<K>(key)),
        std::forward_as_tuple(std::forward<Args>(args)...));
  } else {
    if (!construct_part<B, typename B::key_type, bytes::key_boxed>(s, model::key_unit_at(at), std::forward<K>(key))) {
      return false;
    }
    bool made = false;
    TOPHASH_TRY {
      made = construct_part<B, typename model::mapped_type, bytes::value_boxed>(s, model::value_unit_at(at),
                                                                               std::forward<Args>(args)...);
    }
    TOPHASH_CATCH_ALL {
      destroy_key_part(s, at);
      TOPHASH_RETHROW;
    }
    if (!made) destroy_key_part(s, at);
    return made;
  }
}

// An erased, unswept entry under an equal key: keeps its key and gets a new value. On an exception the slot is
// dead and reusable.
template <class B, class MakeValue>
void resurrect(state<B>& s, std::uint64_t hash, const place<B>& where, MakeValue&& make_value) {
  const typename B::slot at = where.at;
  using model = typename B::model;
  if constexpr (!model::is_set) {
    struct value_guard {
      state<B>& s;
      std::uint64_t hash;
      const place<B>& where;
      typename B::slot at = where.at;
      bool made = false;
      ~value_guard() {
        if (made) return;
        // The value is gone: what is left of the entry goes too.
        if constexpr (model::bytes::pair_boxed) {
          std::destroy_at(model::key_at(at));
          release_node<typename model::value_type>(s, model::pair_at(at));
        } else {
          if constexpr (model::bytes::value_boxed) {
            release_node<typename model::mapped_type>(s, model::value_at(at));
          }
          destroy_key_part(s, at);
        }
        wipe_slot(s, at);
        --s.dirty;
        refresh_grow_at(s);
        notify_with<events::swept>(s.policies.observe, [this] {
          return events::swept{told_place(s, hash, where)};
        });
        auto* const home = (where.in_old ? s.old : s.current).home(hash);
        if (auto* const emptied = model::vacate(s.current.links, home, at)) release_overflow_slow(s, emptied);
      }
    };
    value_guard guard{s, hash, where};
    if constexpr (B::opens_slots) {
      model::tag_at(at) = model::opening;  // a vacated slot's tag follows, or a live one's
      order_stores<B>();
    }
    std::destroy_at(model::value_at(at));
    make_value(model::value_at(at));
    guard.made = true;
  }
  if constexpr (B::opens_slots) {
    model::claim(where.in_old ? s.old : s.current, at, hash);
  } else {
    model::mark_live(at);
  }
  tell_storage(s, at);
  --s.dirty;
  ++s.size;
  refresh_grow_at(s);
  notify_with<events::resurrected>(s.policies.observe, [&s, hash, &where] {
    return events::resurrected{told_place(s, hash, where), hash};
  });
}

// Destroys the scratch entry unless it was moved into the table.
template <class B>
struct scratch_guard {
  state<B>& s;
  typename B::slot at;
  bool moved = false;
  ~scratch_guard() {
    if (!moved) destroy_entry(s, at);
  }
};

// Room in the current array, whose home chain is evacuated, for one more entry.
template <class B>
growth_result prepare_room(state<B>& s, std::uint64_t hash) {
  if (s.growing() && !step_slow(s, hash, nullptr)) return growth_result::no_memory;
  if (s.size >= s.grow_at) {
    if (const growth_result r = grow_slow(s); r != growth_result::done) return r;
    if (s.growing() && !step_slow(s, hash, nullptr)) return growth_result::no_memory;
  }
  return growth_result::done;
}

template <class B>
TOPHASH_ALWAYS_INLINE void tell_inserted(state<B>& s, std::uint64_t hash, typename B::slot at, bool in_old = false) noexcept {
  notify_with<events::inserted>(s.policies.observe, [&s, hash, at, in_old] {
    return events::inserted{told_place(s, hash, {at, in_old}), hash};
  });
}

// Puts the scratch entry, whose key is known to be absent, into the table.
template <class B>
insert_result<B> adopt_slow(state<B>& s, std::uint64_t hash, scratch_guard<B>& scratch) {
  using model = typename B::model;
  if (const growth_result r = prepare_room(s, hash); r != growth_result::done) return {{}, false, r};
  const bool in_old = belongs_to_old(s, hash);
  if constexpr (B::resurrects) {
    const auto v =
        model::find_or_vacancy(in_old ? s.old : s.current, hash, equal_to(s, model::key(scratch.at)));
    if (v.found) {
      const place<B> there{v.at, in_old};
      resurrect(s, hash, there, [&](auto* value) {
        if constexpr (!model::is_set) construct_from_old(value, model::value_at(scratch.at));
      });
      return {there, true};
    }
  }
  const typename B::slot to = vacancy_for(s, hash, in_old);
  if (!to) return {{}, false, growth_result::no_memory};
  vacancy_guard<B> guard{s, hash, to, in_old};
  const opened_slot<B> opened(to);
  model::relocate_entry(to, scratch.at);
  guard.taken = true;
  scratch.moved = true;
  model::claim(in_old ? s.old : s.current, to, hash);
  tell_storage(s, to);
  ++s.size;
  tell_inserted(s, hash, to, in_old);
  return {{to, in_old}, true};
}

template <class B, class K, class... Args>
TOPHASH_NOINLINE insert_result<B> insert_absent_slow(state<B>& s, std::uint64_t hash, K&& key, Args&&... args) {
  typename B::bucket scratch_bucket;
  const typename B::slot at{&scratch_bucket, 0};
  if (!construct_entry(s, at, std::forward<K>(key), std::forward<Args>(args)...)) {
    return {{}, false, growth_result::no_memory};
  }
  scratch_guard<B> scratch{s, at};
  return adopt_slow(s, hash, scratch);
}

template <class B, class K, class... Args>
TOPHASH_NOINLINE insert_result<B> insert_while_growing(state<B>& s, std::uint64_t hash, K&& key, Args&&... args) {
  place<B> there = find_while_growing<std::remove_cvref_t<K>>(s, hash, key);
  tell_probed(s, s.policies.observe, hash, there, events::search::insertion);
  if (there) {
    if constexpr (B::facts.growth.every_write) static_cast<void>(step_slow(s, hash, &there));
    return {there, false};
  }
  return insert_absent_slow(s, hash, std::forward<K>(key), std::forward<Args>(args)...);
}

// The entry of this key, or a new one constructed from key and args. `hash` is hash_of(s, key).
template <class B, class K, class... Args>
TOPHASH_ALWAYS_INLINE insert_result<B> insert_if_absent(state<B>& s, std::uint64_t hash, K&& key, Args&&... args) {
  using model = typename B::model;
  tidy_before_insert(s);
  if (s.growing()) [[unlikely]] {
    return insert_while_growing(s, hash, std::forward<K>(key), std::forward<Args>(args)...);
  }
  const auto v = model::template find_or_vacancy<B::resurrects>(s.current, hash, equal_to(s, key));
  tell_probed(s, s.policies.observe, hash, {v.found ? v.at : typename B::slot{}, false}, events::search::insertion);
  if (v.found) {
    if constexpr (B::resurrects) {
      if (model::is_dirty(v.at.in->tags[v.at.index])) {
        const place<B> there{v.at, false};
        resurrect(s, hash, there, [&](auto* value) {
          if constexpr (!model::is_set) {
            construct_object(s.policies.allocation, value, std::forward<Args>(args)...);
          }
        });
        return {{v.at, false}, true};
      }
    }
    return {{v.at, false}, false};
  }
  if constexpr (!model::boxed) {
    if (v.at && s.size < s.grow_at) [[likely]] {
      const opened_slot<B> opened(v.at);
      static_cast<void>(construct_entry(s, v.at, std::forward<K>(key), std::forward<Args>(args)...));
      model::claim(s.current, v.at, hash);
      tell_storage(s, v.at);
      ++s.size;
      tell_inserted(s, hash, v.at);
      return {{v.at, false}, true};
    }
  }
  return insert_absent_slow(s, hash, std::forward<K>(key), std::forward<Args>(args)...);
}

}  // namespace tophash::inline v1::table

#endif
