// SPDX-License-Identifier: Apache-2.0
// What every table has, whatever its layout: the types that Key, T and a spec determine, the place of an
// entry, and what an insertion answers. A layout's kind chooses the family of functions that work on it:
// those beside this file for chained buckets, those in open/ for open addressing. The container calls them
// unqualified; which are meant follows from the type of its state.
#ifndef TOPHASH_FRAMEWORK_TABLE_BINDING_HPP
#define TOPHASH_FRAMEWORK_TABLE_BINDING_HPP

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <tophash/framework/compose/rules.hpp>
#include <tophash/framework/concepts/allocation.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/concepts/hashing.hpp>
#include <tophash/framework/config.hpp>

namespace tophash::inline v1::table {

// Whose `type` is all the types that Key, T and a spec determine: a binding, defined beside the state of each
// family.
template <class Key, class T, class Spec, layout_kind = facts_of<Spec>().layout.kind>
struct binding_of;

// What begin() answers: what find answers, unless the binding names another type.
template <class B, bool Const>
struct walk_of {
  using type = typename B::template iterator_type<Const>;
};
template <class B, bool Const>
  requires requires { typename B::template walk_type<Const>; }
struct walk_of<B, Const> {
  using type = typename B::template walk_type<Const>;
};

// A slot, and which array it is in.
template <class B>
struct place {
  typename B::slot at{};
  bool in_old = false;
  explicit operator bool() const noexcept { return static_cast<bool>(at); }
};

enum class growth_result : unsigned char { done, no_memory, too_large };

[[noreturn]] TOPHASH_NOINLINE inline void throw_no_room(growth_result why) {
  if (why == growth_result::too_large) throw_length_error("tophash: more entries than this map can hold");
  throw_bad_alloc();
}
inline void throw_if_no_room(growth_result r) {
  if (r != growth_result::done) [[unlikely]]
    throw_no_room(r);
}

template <class B>
struct insert_result {
  place<B> where;
  bool inserted = false;
  growth_result room = growth_result::done;  // otherwise nothing was inserted, and why
};

// How a key goes to an out-of-line function: by value where that is a register, so that the fast path need
// not store the key to have its address.
template <class K>
using key_argument = std::conditional_t<std::is_scalar_v<K>, K, const K&>;

// The hash that decides the unit and the tag. `State` is a table's state.
template <class State, class K>
std::uint64_t hash_of(const State& s, const K& key) {
  using key_type = typename State::binding_type::key_type;
  return position_hash<key_type>(s.policies.hashing,
                                 static_cast<std::uint64_t>(s.policies.hashing.hash(key)));
}

// The hash of an entry that is erased where it lies, for an observer that names every erase. Not known: nobody asks,
// or hashing failed.
struct told_hash {
  std::uint64_t hash = 0;
  bool known = false;
};

template <class State, class K>
told_hash hash_for_observer(const State& s, const K& key) noexcept {
  if constexpr (State::binding_type::facts.observe.names_erased) {
    TOPHASH_TRY { return {table::hash_of(s, key), true}; }
    TOPHASH_CATCH_ALL {}
  } else {
    static_cast<void>(s), static_cast<void>(key);
  }
  return {};
}

// The hash that a new entry goes by: the key's, or what the table makes of it (find.hpp).
template <class State, class K>
TOPHASH_ALWAYS_INLINE std::uint64_t hash_to_insert(const State& s, std::uint64_t hash, const K& key) {
  if constexpr (requires { insertion_hash(s, hash, key); }) {
    return insertion_hash(s, hash, key);
  } else {
    return static_cast<void>(s), static_cast<void>(key), hash;
  }
}

// Does a stored key equal this one? Inlined: as a call it leaves the caller's loop no registers.
template <class State, class K>
struct equal_to {
  const State& s;
  const K& key;
  equal_to(const State& of, const K& wanted) noexcept : s(of), key(wanted) {}
  TOPHASH_ALWAYS_INLINE bool operator()(const typename State::binding_type::key_type& stored) const {
    return static_cast<bool>(s.policies.hashing.equal(stored, key));
  }
};

template <class State>
bool is_scanned(const State& s) noexcept {
  if constexpr (!State::binding_type::may_be_scanned) {
    return false;
  } else {
    return visibility_of(s.policies.allocation) == visibility::scanned;
  }
}

// The entry in this slot was written: storage with an insertion barrier is told. Others cost nothing.
template <class State, class Slot>
TOPHASH_ALWAYS_INLINE void tell_storage(const State& s, Slot at) noexcept {
  using B = typename State::binding_type;
  using model = typename B::model;
  if constexpr (hears_of_stores<typename B::allocation> && model::trace.is_traced()) {
    const void* value = nullptr;
    if constexpr (!model::is_set) value = model::value_at(at);
    s.policies.allocation.entry_stored(model::trace, model::key_at(at), value);
  } else {
    static_cast<void>(s), static_cast<void>(at);
  }
}

}  // namespace tophash::inline v1::table

#endif
