// SPDX-License-Identifier: Apache-2.0
// Insertion. Fast path: one search finds the entry, or nothing; one compare with grow_at; a second look at
// the home group, now in the cache, finds the vacancy; construct in place, write the tag. Where no growth
// stays under way, the search of the home group is inlined into the caller and the rest is one call.
// Everything else (a growth due or under way) goes through insert_absent_slow, which builds the entry aside
// first: arguments may refer to entries of this very map, which a growth moves.
//
// Strong guarantee: a throwing constructor, hash, equality or move, and an allocation that fails, leave every
// entry as it was; at most a growth under way has moved on.
#ifndef TOPHASH_FRAMEWORK_TABLE_OPEN_INSERT_HPP
#define TOPHASH_FRAMEWORK_TABLE_OPEN_INSERT_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <tuple>
#include <utility>

#include <tophash/framework/table/open/find.hpp>
#include <tophash/framework/table/open/migrate.hpp>
#include <tophash/framework/table/open/state.hpp>

namespace tophash::inline v1::table {

template <class B>
TOPHASH_ALWAYS_INLINE void tell_inserted(open_state<B>& s, std::uint64_t hash, const place<B>& at) noexcept {
  notify_with<events::inserted>(s.policies.observe, [&s, hash, &at] {
    return events::inserted{told_place(s, at), hash};
  });
}

// A node without a value, given back unless a value was constructed in it.
template <class B>
struct node_aside {
  open_state<B>& s;
  typename B::model::node* node;
  bool kept = false;
  node_aside(open_state<B>& owner, std::uint64_t hash) noexcept : s(owner), node(nullptr) {
    void* const block = s.policies.allocation.try_allocate(entry_node_request<B>());
    if (block != nullptr) node = ::new (block) typename B::model::node(hash);
  }
  node_aside(const node_aside&) = delete;
  node_aside& operator=(const node_aside&) = delete;
  ~node_aside() {
    if (!kept && node != nullptr) s.policies.allocation.deallocate(node, entry_node_request<B>());
  }
};

template <class B, class K, class... Args>
TOPHASH_ALWAYS_INLINE void construct_value(open_state<B>& s, typename B::model::value_type* to, K&& key,
                                           Args&&... args) {
  if constexpr (B::model::is_set) {
    construct_object(s.policies.allocation, to, std::forward<K>(key));
  } else {
    construct_object(s.policies.allocation, to, std::piecewise_construct,
                     std::forward_as_tuple(std::forward<K>(key)),
                     std::forward_as_tuple(std::forward<Args>(args)...));
  }
}

// False: memory for a node ran out, nothing exists.
template <class B, class K, class... Args>
TOPHASH_ALWAYS_INLINE bool construct_unit(open_state<B>& s, typename B::model::unit* to, std::uint64_t hash,
                                          K&& key, Args&&... args) {
  if constexpr (B::model::boxed) {
    node_aside<B> fresh(s, hash);
    if (fresh.node == nullptr) return false;
    construct_value(s, std::addressof(fresh.node->value), std::forward<K>(key), std::forward<Args>(args)...);
    fresh.kept = true;
    *to = fresh.node;
  } else {
    static_cast<void>(hash);
    construct_value(s, to, std::forward<K>(key), std::forward<Args>(args)...);
  }
  return true;
}

// An erased, unswept entry under an equal key: keeps its key and gets a new value. On an exception the slot
// is vacant.
template <class B, class MakeValue>
void resurrect(open_state<B>& s, std::uint64_t hash, const place<B>& where, MakeValue&& make_value) {
  using model = typename B::model;
  if constexpr (!model::is_set) {
    struct value_guard {
      open_state<B>& s;
      std::uint64_t hash;
      const place<B>& where;
      bool made = false;
      ~value_guard() {
        if (made) return;
        uncount_passed(s, where.at, where.in_old);
        std::destroy_at(model::key_at(where.at));
        if constexpr (model::boxed) {
          if constexpr (B::facts.deletion.wiped == wipe::all)
            wipe_bytes(*where.at.entry, sizeof(typename model::node));
          s.policies.allocation.deallocate(*where.at.entry, entry_node_request<B>());
        }
        close_slot(s, where.at);
        notify_with<events::swept>(s.policies.observe,
                                   [this] { return events::swept{told_place(s, where)}; });
        vacate_slot(s, where.at, where.in_old);
      }
    };
    value_guard guard{s, hash, where};
    if constexpr (B::opens_slots) {
      *where.at.tag = model::opening;  // a vacated slot's tag follows, or a live one's
      order_stores<B>();
    }
    std::destroy_at(model::value_at(where.at));
    make_value(model::value_at(where.at));
    guard.made = true;
  }
  if constexpr (B::opens_slots) {
    model::claim(where.at, hash);
  } else {
    model::mark_live(where.at);
  }
  tell_storage(s, where.at);
  --s.residue.dirty;
  if (where.in_old) --s.residue.dirty_in_old;
  ++s.size;
  refresh_room(s);
  notify_with<events::resurrected>(s.policies.observe, [&s, hash, &where] {
    return events::resurrected{told_place(s, where), hash};
  });
}

// An entry built aside, destroyed unless it was moved into the table.
template <class B>
struct entry_aside {
  using unit = typename B::model::unit;
  open_state<B>& s;
  alignas(unit) unsigned char bytes[sizeof(unit)];
  std::uint8_t tag = 0;
  bool exists = false;

  explicit entry_aside(open_state<B>& of) noexcept : s(of) {}
  entry_aside(const entry_aside&) = delete;
  entry_aside& operator=(const entry_aside&) = delete;
  ~entry_aside() {
    if (exists) end_entry(s, place_in().entry);
  }
  typename B::slot place_in() noexcept { return {reinterpret_cast<unit*>(bytes), &tag}; }
};

// A vacant slot for an entry of this hash: in the old array while its home there is not evacuated.
template <class B>
place<B> vacancy_for(open_state<B>& s, std::uint64_t hash) {
  if constexpr (B::may_stay_growing) {
    if (belongs_to_old(s, hash)) {
      if (const auto at = B::model::find_vacancy(s.generation.old, hash)) return {at, true};
      finish_growth(s);
    }
  }
  return {B::model::find_vacancy(s.current, hash), false};
}

// The entry in this slot exists: from now on it is seen.
template <class B>
TOPHASH_ALWAYS_INLINE insert_result<B> claimed(open_state<B>& s, std::uint64_t hash,
                                               const place<B>& to) noexcept {
  claim_slot(s, to.at, hash, to.in_old);
  ++s.size;
  tell_inserted(s, hash, to);
  return {to, true};
}

// Puts the entry aside, whose key is known to be absent, into the table.
template <class B>
insert_result<B> adopt_slow(open_state<B>& s, std::uint64_t hash, entry_aside<B>& aside) {
  using model = typename B::model;
  if (s.growing()) step_slow(s, hash, nullptr);
  if (s.size >= s.grow_at) {
    if (const growth_result r = grow_slow(s); r != growth_result::done) return {{}, false, r};
    if (s.growing()) step_slow(s, hash, nullptr);
  }
  const typename B::slot from = aside.place_in();
  if constexpr (B::resurrects) {
    const place<B> there =
        s.growing()
            ? find_in_both<B, true>(s, hash, equal_to(s, model::key(from)))
            : place<B>{model::template find<true>(s.current, hash, equal_to(s, model::key(from))), false};
    if (there) {
      resurrect(s, hash, there, [&](auto* value) {
        if constexpr (!model::is_set) construct_from_old(value, model::value_at(from));
      });
      return {there, true};
    }
  }
  const place<B> to = vacancy_for(s, hash);
  open_slot<B>(to.at);
  const opened_slot<B> opened(to.at);
  model::relocate_entry(to.at, from);
  aside.exists = false;
  return claimed(s, hash, to);
}

// The slot for an absent key in the current array, which has room. In a map of a single group it is guessed:
// unless something was erased, entries fill the slots in order. A guess is a predicted branch; looked up in
// the tags, each slot would wait for the store of the tag before it.
template <class B>
TOPHASH_ALWAYS_INLINE typename B::slot next_in_single_group(const open_state<B>& s,
                                                            typename B::model::group* g) noexcept {
  TOPHASH_ASSUME(s.current.entries != nullptr);
  const typename B::slot next{s.current.entries + s.size, g->tags + s.size};
  return *next.tag == B::model::empty ? next : typename B::slot{};
}

template <class B>
TOPHASH_ALWAYS_INLINE typename B::slot vacancy_in_current(open_state<B>& s, std::uint64_t hash) noexcept {
  using model = typename B::model;
  if constexpr (model::least_units == 1) {
    if (s.current.has_one_unit()) {
      if (const auto next = next_in_single_group(s, s.current.groups)) return next;
    }
  }
  return model::find_vacancy(s.current, hash);
}

// An insert searches the home group where it is called; a key that is not there goes on in a function of its
// own.
template <class B>
inline constexpr bool inserts_at_home =
    B::model::searches_home_first && !B::may_stay_growing && !B::resurrects && !B::has_directory;

// Where an entry is a few words, that function has an insert twice, for maps of one group and for larger
// ones: which it is would be asked twice otherwise, before and after the entry is constructed (6 % more
// instructions an insert of u64).
template <class B>
inline constexpr bool has_two_inserts =
    B::model::least_units == 1 && B::tags_unwatched && !B::leaves_dead && B::model::trivial_relocation &&
    !has_large_entries<B>;

// Into the current array, which has room; no growth is under way.
template <class B, class K, class... Args>
TOPHASH_ALWAYS_INLINE insert_result<B> insert_in_place(open_state<B>& s, std::uint64_t hash, K&& key,
                                                       Args&&... args) {
  if constexpr (B::model::boxed) {
    // Allocate, then locate: the allocation may run a collector, and that the map.
    typename B::model::unit node;
    if (!construct_unit(s, &node, hash, std::forward<K>(key), std::forward<Args>(args)...)) {
      return {{}, false, growth_result::no_memory};
    }
    const place<B> to{vacancy_in_current(s, hash), false};
    open_slot<B>(to.at);
    const opened_slot<B> opened(to.at);
    *to.at.entry = node;
    return claimed(s, hash, to);
  } else {
    const place<B> to{vacancy_in_current(s, hash), false};
    open_slot<B>(to.at);
    const opened_slot<B> opened(to.at);
    construct_value(s, to.at.entry, std::forward<K>(key), std::forward<Args>(args)...);
    return claimed(s, hash, to);
  }
}

template <class B, class K, class... Args>
TOPHASH_NOINLINE insert_result<B> insert_absent_slow(open_state<B>& s, std::uint64_t hash, K&& key,
                                                     Args&&... args) {
  if (!s.current.exists()) {
    // No entry exists that an argument could refer to.
    if (const growth_result r = grow_slow(s); r != growth_result::done) return {{}, false, r};
    return insert_in_place(s, hash, std::forward<K>(key), std::forward<Args>(args)...);
  }
  entry_aside<B> aside(s);
  if (!construct_unit(s, aside.place_in().entry, hash, std::forward<K>(key), std::forward<Args>(args)...)) {
    return {{}, false, growth_result::no_memory};
  }
  aside.exists = true;
  return adopt_slow(s, hash, aside);
}

template <class B, class K, class... Args>
TOPHASH_NOINLINE insert_result<B> insert_while_growing(open_state<B>& s, std::uint64_t hash, K&& key,
                                                       Args&&... args) {
  place<B> there = find_while_growing<std::remove_cvref_t<K>>(s, hash, key);
  tell_probed(s, s.policies.observe, hash, there, events::search::insertion);
  if (there) {
    if constexpr (B::facts.growth.every_write) step_slow(s, hash, &there);
    return {there, false};
  }
  return insert_absent_slow(s, hash, std::forward<K>(key), std::forward<Args>(args)...);
}

// What an insert out of line answers, in two registers: an insert_result would go through memory.
template <class B>
struct packed_result {
  static constexpr std::size_t was_there = ~(~std::size_t{0} >> 1);
  typename B::model::unit* entry;  // null: nothing was inserted
  std::size_t tag;                 // its place among all tags, with was_there; without an entry, why not
};

template <class B>
TOPHASH_ALWAYS_INLINE packed_result<B> packed(const open_state<B>& s, const insert_result<B>& r) noexcept {
  if (r.room != growth_result::done) [[unlikely]]
    return {nullptr, static_cast<std::size_t>(r.room)};
  const auto tag = static_cast<std::size_t>(r.where.at.tag - s.current.groups->tags);
  return {r.where.at.entry, r.inserted ? tag : tag | packed_result<B>::was_there};
}
template <class B>
TOPHASH_ALWAYS_INLINE insert_result<B> unpacked(const open_state<B>& s, packed_result<B> r) noexcept {
  if (r.entry == nullptr) [[unlikely]]
    return {{}, false, static_cast<growth_result>(r.tag)};
  constexpr std::size_t was_there = packed_result<B>::was_there;
  return {{{r.entry, s.current.groups->tags + (r.tag & ~was_there)}, false}, (r.tag & was_there) == 0};
}

// How an argument of an insert goes to an out-of-line function: by value where it only ever becomes the value
// of a scalar, so that it stays in its register; otherwise as it was forwarded.
template <class Target, class Arg>
using carried =
    std::conditional_t<std::is_scalar_v<Target> && std::is_scalar_v<std::remove_reference_t<Arg>> &&
                           !std::is_volatile_v<std::remove_reference_t<Arg>>,
                       std::remove_cvref_t<Arg>, Arg&&>;

// Who is told that there is no room: the caller, in the result, or whoever catches it. What is thrown out of
// line need not be asked for behind the call.
enum class refusal : bool { answered, thrown };

// The home group does not decide: entries of such a hash went on, it is full, or a growth is due.
template <refusal How, class B, class K, class... Args>
TOPHASH_NOINLINE packed_result<B> insert_beyond_home(open_state<B>& s, std::uint64_t hash, K key,
                                                     Args... args) {
  const place<B> there{B::model::find_beyond(s.current, hash, equal_to(s, key)), false};
  tell_probed(s, s.policies.observe, hash, there, events::search::insertion);
  if (there) return packed(s, insert_result<B>{there, false});
  insert_result<B> r;
  if constexpr ((std::is_reference_v<K> || ... || std::is_reference_v<Args>)) {
    r = s.size < s.grow_at ? insert_in_place(s, hash, std::forward<K>(key), std::forward<Args>(args)...)
                           : insert_absent_slow(s, hash, std::forward<K>(key), std::forward<Args>(args)...);
  } else {
    // No argument lies in an entry of this map, which a growth moves.
    if (s.size >= s.grow_at) r.room = grow_slow(s);
    if (r.room == growth_result::done) r = insert_in_place(s, hash, key, args...);
  }
  if constexpr (How == refusal::thrown) throw_if_no_room(r.room);
  return packed(s, r);
}

// The home group does not hold the key. Ends there, or by a call whose result is its own: no value is needed
// behind a call, so none is kept in a register that would have to be saved first.
template <refusal How, class B, class K, class... Args>
TOPHASH_NOINLINE packed_result<B> insert_not_at_home(open_state<B>& s, std::uint64_t hash,
                                                     typename B::model::group* g, std::size_t home, K key,
                                                     Args... args) {
  using model = typename B::model;
  if (model::ends(g, hash) && s.size < s.grow_at) [[likely]] {
    if constexpr (has_two_inserts<B>) {
      const auto put = [&](typename B::slot at) {
        tell_probed(s, s.policies.observe, hash, place<B>{}, events::search::insertion);
        open_slot<B>(at);
        construct_value(s, at.entry, std::forward<K>(key), std::forward<Args>(args)...);
      };
      if (s.current.has_one_unit()) [[unlikely]] {
        if (const auto next = next_in_single_group(s, g)) [[likely]] {
          put(next);
          return packed(s, claimed(s, hash, {next, false}));
        }
      } else if (const auto at = model::vacancy_in_group(s.current, g, home, hash)) [[likely]] {
        put(at);
        model::claim(at, hash);
        tell_storage(s, at);
        ++s.size;
        tell_inserted(s, hash, place<B>{at, false});
        return packed(s, insert_result<B>{{at, false}, true});
      }
    } else {
      tell_probed(s, s.policies.observe, hash, place<B>{}, events::search::insertion);
      return packed(s, insert_in_place(s, hash, std::forward<K>(key), std::forward<Args>(args)...));
    }
  }
  return insert_beyond_home<How, B, K, Args...>(s, hash, std::forward<K>(key), std::forward<Args>(args)...);
}

// A key that is there costs what its find does, and any other one call: an insert as a whole is too large for
// a compiler to inline. An insert of a present key takes 0.63 of the time in 2,000 u64 entries, 0.7 in 200,000.
template <refusal How, class B, class K, class... Args>
TOPHASH_ALWAYS_INLINE insert_result<B> insert_at_home(open_state<B>& s, std::uint64_t hash, K&& key,
                                                      Args&&... args) {
  using model = typename B::model;
  using key_type = typename B::key_type;
  using mapped = typename model::mapped_type;
  const typename B::array& a = s.current;
  const std::size_t home = a.map.index(hash);
  if (const auto at = model::find_in_group(a, home, hash, equal_to(s, key))) {
    const place<B> there{at, false};
    tell_probed(s, s.policies.observe, hash, there, events::search::insertion);
    return {there, false};
  }
  const packed_result<B> r = insert_not_at_home<How, B, carried<key_type, K>, carried<mapped, Args>...>(
      s, hash, a.groups + home, home, std::forward<K>(key), std::forward<Args>(args)...);
  if constexpr (How == refusal::thrown) TOPHASH_ASSUME(r.entry != nullptr);
  return unpacked(s, r);
}

// The entry of this key, or a new one constructed from key and args. `hash` is hash_of(s, key).
template <class B, class K, class... Args>
TOPHASH_ALWAYS_INLINE insert_result<B> insert_if_absent(open_state<B>& s, std::uint64_t hash, K&& key,
                                                        Args&&... args) {
  using model = typename B::model;
  if constexpr (inserts_at_home<B>) {
    return insert_at_home<refusal::answered>(s, hash, std::forward<K>(key), std::forward<Args>(args)...);
  } else {
    if constexpr (B::may_stay_growing) {
      if (s.growing()) [[unlikely]] {
        return insert_while_growing(s, hash, std::forward<K>(key), std::forward<Args>(args)...);
      }
    }
    const place<B> there = find_in_current<B::resurrects>(s, hash, key);
    tell_probed(s, s.policies.observe, hash, there, events::search::insertion);
    if (there) {
      if constexpr (B::resurrects) {
        if (model::is_dirty(*there.at.tag)) {
          resurrect(s, hash, there, [&](auto* value) {
            if constexpr (!model::is_set) {
              construct_object(s.policies.allocation, value, std::forward<Args>(args)...);
            }
          });
          return {there, true};
        }
      }
      return {there, false};
    }
    if (s.size < s.grow_at) [[likely]] {
      return insert_in_place(s, hash, std::forward<K>(key), std::forward<Args>(args)...);
    }
    return insert_absent_slow(s, hash, std::forward<K>(key), std::forward<Args>(args)...);
  }
}

// The same where a refusal is an exception.
template <class B, class K, class... Args>
  requires inserts_at_home<B>
TOPHASH_ALWAYS_INLINE insert_result<B> insert_or_throw(open_state<B>& s, std::uint64_t hash, K&& key,
                                                       Args&&... args) {
  return insert_at_home<refusal::thrown>(s, hash, std::forward<K>(key), std::forward<Args>(args)...);
}

}  // namespace tophash::inline v1::table

#endif
