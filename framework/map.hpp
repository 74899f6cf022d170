// SPDX-License-Identifier: Apache-2.0
// tophash::map: a hash map composed from policies.
//
//   tophash::map<std::string, int> plain;
//   tophash::map<std::string, int, presets::go_like, deletion::dirty> composed;      // options in any order
//
// Interface: std::unordered_map's of C++20 without node handles and the bucket interface, and with heterogeneous
// lookup and insertion, pre-computed hashes, try_ forms that report a failed allocation, sweep, statistics.
//
// Complexity: find, insert, erase O(1) on average; an insert that grows moves every entry (growth::eager) or a
// constant number of chains (growth::incremental<k>). With open groups the erase that empties a map may look at every
// group, which the erases before it have paid for (amortized O(1)). Iteration O(buckets + entries). clear O(buckets).
// Invalidation: a successful insert may invalidate every iterator and reference; so may erase by key, and with
// growth::incremental<k, true> any write by key, while a growth is under way. erase(iterator) and erase_if move
// nothing. swap and move keep references valid and invalidate iterators (they name their map).
// With iteration::mutation_safe (in presets::go_like) what begin() answers survives all of that, and `iterator` is
// another type than found_iterator, what find and insert answer: see table/pinned_iterator.hpp. References do not.
// Exceptions: insertions and erasures of one entry have the strong guarantee whatever throws: hash, equality,
// constructor, move, allocation. A value's assignment (insert_or_assign) has its own. Copy assignment: strong.
// Threads: any number may call const members at once; a non-const member needs the map for itself, which
// sync::owner_checked looks at.
#ifndef TOPHASH_FRAMEWORK_MAP_HPP
#define TOPHASH_FRAMEWORK_MAP_HPP

#include <cstddef>
#include <initializer_list>
#include <tuple>
#include <type_traits>
#include <utility>

#include <tophash/framework/fwd.hpp>
#include <tophash/framework/presets/defaults.hpp>
#include <tophash/framework/table/chained.hpp>
#include <tophash/framework/table/container.hpp>
#include <tophash/framework/table/directory/table.hpp>
#include <tophash/framework/table/open/table.hpp>

namespace tophash::inline v1 {

template <class Key, class T, class Spec>
class basic_map
    : public table::container<Key, T, typename typed_resolution<Key, T, Spec, presets::fallback>::type> {
  static_assert(std::is_object_v<Key> && std::is_object_v<T> && !std::is_const_v<Key>,
                "tophash[types]: Key and T are stored, so they are object types, and Key is not const; instead of a "
                "reference write a pointer or std::reference_wrapper");
  static_assert(!facts_of<Spec>().sync.shared, "tophash[sync]: a map that threads share is another class: include <tophash/shared_map.hpp>");
  using base = table::container<Key, T, typename typed_resolution<Key, T, Spec, presets::fallback>::type>;
  using typename base::B;
  using typename base::model;
  using base::s_;

 public:
  using mapped_type = T;
  using typename base::allocation_type;
  using typename base::const_iterator;
  using typename base::iterator;
  using typename base::found_iterator;
  using typename base::hint;
  using typename base::size_type;
  using typename base::spec_type;
  using typename base::token_type;
  using typename base::try_insert_result;
  using typename base::value_type;

  // ---- construction: a hint of entries, a range or a list, then policies in any order ------------------------

  using base::base;
  basic_map() = default;
  basic_map(const basic_map&) = default;
  basic_map(basic_map&&) = default;
  basic_map(const basic_map& other, const allocation_type& handle) : base(other, handle) {}
  basic_map(basic_map&& other, const allocation_type& handle) : base(std::move(other), handle) {}
  ~basic_map() = default;
  basic_map& operator=(const basic_map&) = default;
  basic_map& operator=(basic_map&&) = default;

  template <table::input_iterator It, class... Policies>
    requires(policy_of<std::remove_cvref_t<Policies>, spec_type> && ...)
  basic_map(It first, It last, size_type entries, Policies&&... given) : base(entries, std::forward<Policies>(given)...) {
    insert(first, last);
  }
  template <table::input_iterator It, class... Policies>
    requires(policy_of<std::remove_cvref_t<Policies>, spec_type> && ...)
  basic_map(It first, It last, Policies&&... given) : basic_map(first, last, size_type{0}, std::forward<Policies>(given)...) {}
  template <class... Policies>
    requires(policy_of<std::remove_cvref_t<Policies>, spec_type> && ...)
  basic_map(std::initializer_list<value_type> list, size_type entries, Policies&&... given)
      : basic_map(list.begin(), list.end(), entries, std::forward<Policies>(given)...) {}
  template <class... Policies>
    requires(sizeof...(Policies) > 0 && (policy_of<std::remove_cvref_t<Policies>, spec_type> && ...))
  basic_map(std::initializer_list<value_type> list, Policies&&... given)
      : basic_map(list.begin(), list.end(), size_type{0}, std::forward<Policies>(given)...) {}
  basic_map(std::initializer_list<value_type> list) : basic_map(list.begin(), list.end(), size_type{0}) {}

  // Strong guarantee.
  basic_map& operator=(std::initializer_list<value_type> list) {
    const typename base::marked writing(s_);
    basic_map fresh(*this, only_policies{});
    fresh.insert(list.begin(), list.end());
    this->take_over(fresh);
    return *this;
  }

  void swap(basic_map& other) noexcept(base::nothrow_access) { this->swap_with(other); }
  friend void swap(basic_map& a, basic_map& b) noexcept(base::nothrow_access) { a.swap(b); }

  // ---- element access ---------------------------------------------------------------------------------------

  T& at(const Key& key) { return value_or_throw(this->find(key)); }
  const T& at(const Key& key) const { return value_or_throw(this->find(key)); }
  template <class K>
    requires(base::template lookup_key<K>)
  T& at(const K& key) {
    return value_or_throw(this->find(key));
  }
  template <class K>
    requires(base::template lookup_key<K>)
  const T& at(const K& key) const {
    return value_or_throw(this->find(key));
  }

  // A missing key gets a value-initialised value.
  TOPHASH_ALWAYS_INLINE T& operator[](const Key& key) { return value_of(update_key(try_emplace(key), key)); }
  TOPHASH_ALWAYS_INLINE T& operator[](Key&& key) { return value_of(update_key(try_emplace(std::move(key)), key)); }
  template <class K>
    requires(base::template lookup_key<K>)
  TOPHASH_ALWAYS_INLINE T& operator[](K&& key) {
    return value_of(try_emplace(std::forward<K>(key)).first);
  }

  // ---- insertion --------------------------------------------------------------------------------------------

  TOPHASH_ALWAYS_INLINE std::pair<found_iterator, bool> insert(const value_type& v) { return try_emplace(v.first, v.second); }
  TOPHASH_ALWAYS_INLINE std::pair<found_iterator, bool> insert(value_type&& v) { return try_emplace(v.first, std::move(v.second)); }
  template <class P>
    requires std::is_constructible_v<value_type, P&&>
  std::pair<found_iterator, bool> insert(P&& v) {
    return emplace(std::forward<P>(v));
  }
  found_iterator insert(hint, const value_type& v) { return insert(v).first; }
  found_iterator insert(hint, value_type&& v) { return insert(std::move(v)).first; }
  template <class P>
    requires std::is_constructible_v<value_type, P&&>
  found_iterator insert(hint, P&& v) {
    return insert(std::forward<P>(v)).first;
  }
  // A table beyond the caches takes a range in batches, whose memory is asked for ahead.
  template <table::input_iterator It>
  void insert(It first, It last) {
    if (this->empty()) {
      if (const size_type n = base::announced(first, last); n != 0) this->reserve(n);
    }
    insert_many(first, last);
  }
  // The same without a reserve; returns how many were new.
  template <table::input_iterator It>
  size_type insert_many(It first, It last) {
    const size_type before = this->size();
    if constexpr (base::template multipass<It> && has_key_first<It>) {
      while (first != last && this->batches_pay(this->batch_inserts_from_bytes)) {
        It entry = first;
        const typename base::batch b(*this, first, last, [](const auto& e) -> const Key& { return e.first; });
        for (std::size_t i = 0; i < b.count; ++i, ++entry) insert_any(b.hashes[i], (*entry).first, (*entry).second);
      }
    }
    for (; first != last; ++first) insert(*first);
    return this->size() - before;
  }
  void insert(std::initializer_list<value_type> list) { insert(list.begin(), list.end()); }

  template <class V>
    requires std::is_assignable_v<T&, V&&>
  TOPHASH_ALWAYS_INLINE std::pair<found_iterator, bool> insert_or_assign(const Key& key, V&& value) {
    return assign_any(key, std::forward<V>(value));
  }
  template <class V>
    requires std::is_assignable_v<T&, V&&>
  TOPHASH_ALWAYS_INLINE std::pair<found_iterator, bool> insert_or_assign(Key&& key, V&& value) {
    return assign_any(std::move(key), std::forward<V>(value));
  }
  template <class K, class V>
    requires(base::template lookup_key<K> && std::is_assignable_v<T&, V &&>)
  std::pair<found_iterator, bool> insert_or_assign(K&& key, V&& value) {
    return assign_any(std::forward<K>(key), std::forward<V>(value));
  }
  template <class V>
    requires std::is_assignable_v<T&, V&&>
  found_iterator insert_or_assign(hint, const Key& key, V&& value) {
    return insert_or_assign(key, std::forward<V>(value)).first;
  }
  template <class V>
    requires std::is_assignable_v<T&, V&&>
  found_iterator insert_or_assign(hint, Key&& key, V&& value) {
    return insert_or_assign(std::move(key), std::forward<V>(value)).first;
  }

  // Builds nothing if the key is there, when the first argument is a key or a pair; otherwise builds a pair first.
  template <class... Args>
  std::pair<found_iterator, bool> emplace(Args&&... args) {
    return emplace_any(std::forward<Args>(args)...);
  }
  template <class... Args>
  found_iterator emplace_hint(hint, Args&&... args) {
    return emplace(std::forward<Args>(args)...).first;
  }

  template <class... Args>
  TOPHASH_ALWAYS_INLINE std::pair<found_iterator, bool> try_emplace(const Key& key, Args&&... args) {
    return insert_any(table::hash_of(s_, key), key, std::forward<Args>(args)...);
  }
  template <class... Args>
  TOPHASH_ALWAYS_INLINE std::pair<found_iterator, bool> try_emplace(Key&& key, Args&&... args) {
    return insert_any(table::hash_of(s_, key), std::move(key), std::forward<Args>(args)...);
  }
  template <class K, class... Args>
    requires(base::template lookup_key<K> && !std::is_convertible_v<K, const_iterator> && !std::is_convertible_v<K, iterator>)
  std::pair<found_iterator, bool> try_emplace(K&& key, Args&&... args) {
    return insert_any(table::hash_of(s_, key), std::forward<K>(key), std::forward<Args>(args)...);
  }
  template <class... Args>
  found_iterator try_emplace(hint, const Key& key, Args&&... args) {
    return try_emplace(key, std::forward<Args>(args)...).first;
  }
  template <class... Args>
  found_iterator try_emplace(hint, Key&& key, Args&&... args) {
    return try_emplace(std::move(key), std::forward<Args>(args)...).first;
  }
  template <class K, class... Args>
    requires(std::is_same_v<std::remove_cvref_t<K>, Key> || base::template lookup_key<K>)
  std::pair<found_iterator, bool> try_emplace_hashed(token_type token, K&& key, Args&&... args) {
    return insert_any(this->hash_of_token(token), std::forward<K>(key), std::forward<Args>(args)...);
  }

  // ---- forms that report a failed allocation instead of throwing ---------------------------------------------

  try_insert_result try_insert(const value_type& v) { return try_insert_any(v.first, v.second); }
  try_insert_result try_insert(value_type&& v) { return try_insert_any(v.first, std::move(v.second)); }
  template <class V>
    requires std::is_assignable_v<T&, V&&>
  try_insert_result try_insert_or_assign(const Key& key, V&& value) {
    if constexpr (B::facts.growth.every_write) {
      const std::uint64_t hash = table::hash_of(s_, key);
      if (const place_type there = assigned_while_growing<Key, V>(hash, key, value)) {
        return {this->iterator_at(there, hash), false, true};
      }
    }
    auto r = try_insert_any(key, std::forward<V>(value));
    if (r.allocated && !r.inserted) {
      replace_key(slot_of(r.position.where()), key);
      assign_to(r.position, std::forward<V>(value));
    }
    return r;
  }
  // False: memory ran out and this map is as before.
  [[nodiscard]] bool try_assign(const basic_map& other) {
    if (this == &other) return true;
    const typename base::marked writing(s_);
    check_iteration(base::state_of(other));
    basic_map fresh(other, only_policies{}, this->allocation());
    if (copy_entries(fresh.s_, other.s_) != table::growth_result::done) return false;
    this->take_over(fresh);
    return true;
  }

  friend bool operator==(const basic_map& a, const basic_map& b) {
    if (a.size() != b.size()) return false;
    for (const auto& entry : a) {
      const auto there = b.find(entry.first);
      if (there == b.end() || !(there->second == entry.second)) return false;
    }
    return true;
  }

 private:
  struct only_policies {};
  basic_map(const basic_map& from, only_policies) : basic_map(from, only_policies{}, from.allocation()) {}
  basic_map(const basic_map& from, only_policies, const allocation_type& handle)
      : base(typename base::policies_only{}, from, handle) {}

  template <class It>
  static auto& value_of(const It& where) noexcept {
    return *model::value_at(slot_of(where.where()));
  }
  template <class It, class V>
  TOPHASH_ALWAYS_INLINE void assign_to(const It& where, V&& value) {
    value_of(where) = std::forward<V>(value);
    tell_storage(s_, slot_of(where.where()));
  }
  template <class It>
  static auto& value_or_throw(const It& where) {
    if (where == It{}) throw_out_of_range("tophash: at() of a key that the map does not hold");
    return value_of(where);
  }

  // Inlined into every caller, so that the result stays in registers: out of line it goes through memory, which
  // was counted as 31 instructions an insert. The slow paths behind it are functions.
  template <class K, class... Args>
  TOPHASH_ALWAYS_INLINE std::pair<found_iterator, bool> insert_any(std::uint64_t hash, K&& key, Args&&... args) {
    hash = table::hash_to_insert(s_, hash, key);
    const typename base::marked writing(s_);
    return this->find_or_insert(hash, std::forward<K>(key), std::forward<Args>(args)...);
  }
  template <class K, class... Args>
  try_insert_result try_insert_any(K&& key, Args&&... args) {
    const std::uint64_t hash = table::hash_to_insert(s_, table::hash_of(s_, key), key);
    const typename base::marked writing(s_);
    return this->result_or_false(
        insert_if_absent(s_, hash, std::forward<K>(key), std::forward<Args>(args)...), hash);
  }
  using place_type = table::place<B>;

  // An assignment stores the key it names, where the hashing policy wants that and equal keys can differ. A key that was
  // moved from was not there.
  template <class K>
  static constexpr bool replaces_key = [] {
    if constexpr (requires { B::updates_keys; }) {
      return B::updates_keys && std::is_same_v<std::remove_cvref_t<K>, Key> && std::is_copy_assignable_v<Key>;
    } else {
      return false;
    }
  }();
  template <class Slot, class K>
  TOPHASH_ALWAYS_INLINE static void replace_key(Slot at, const K& key) {
    if constexpr (replaces_key<K>) *model::key_at(at) = key;
  }
  template <class K>
  TOPHASH_ALWAYS_INLINE static found_iterator update_key(const std::pair<found_iterator, bool>& r, const K& key) {
    if constexpr (replaces_key<K>) {
      if (!r.second) replace_key(slot_of(r.first.where()), key);
    }
    return r.first;
  }

  // Where updates step a growth: the value is assigned before the step, since it may lie in an entry of this very map,
  // which the step moves. What stops the step (a throwing hash or move) is no failure of the update; the next write
  // goes on with the growth. Nothing: no growth is under way, or no such key.
  template <class K, class V>
  TOPHASH_NOINLINE place_type assigned_while_growing(std::uint64_t hash, const K& key, std::remove_reference_t<V>& value) {
    if (!s_.growing()) return {};
    const typename base::marked writing(s_);
    place_type there = find_while_growing<K>(s_, hash, key);
    if (!there) return {};
    tell_probed(s_, s_.policies.observe, hash, there, events::search::insertion);
    replace_key(there.at, key);
    *model::value_at(there.at) = std::forward<V>(value);
    tell_storage(s_, there.at);
    TOPHASH_TRY { static_cast<void>(step_slow(s_, hash, &there)); }
    TOPHASH_CATCH_ALL {}
    return there;
  }

  template <class K, class V>
  TOPHASH_ALWAYS_INLINE std::pair<found_iterator, bool> assign_any(K&& key, V&& value) {
    const std::uint64_t hash = table::hash_of(s_, key);
    if constexpr (B::facts.growth.every_write) {
      if (const place_type there = assigned_while_growing<std::remove_cvref_t<K>, V>(hash, key, value)) {
        return {this->iterator_at(there, hash), false};
      }
    }
    auto r = insert_any(hash, std::forward<K>(key), std::forward<V>(value));
    if (!r.second) {
      replace_key(slot_of(r.first.where()), key);
      assign_to(r.first, std::forward<V>(value));
    }
    return r;
  }

  template <class K>
  static constexpr bool is_key = std::is_same_v<std::remove_cvref_t<K>, Key> || base::template lookup_key<K>;

  // Lvalues of pairs whose first is a Key: batches need no copy of it.
  template <class It>
  static constexpr bool has_key_first = requires(const It& it) {
    requires std::is_lvalue_reference_v<decltype(*it)>;
    requires std::is_same_v<std::remove_cvref_t<decltype((*it).first)>, Key>;
  };

  template <class P>
  static constexpr bool is_pair_of_key = requires(P& p) { requires is_key<decltype(p.first)>; p.second; };

  std::pair<found_iterator, bool> emplace_any() { return try_emplace(Key()); }
  template <class P>
  std::pair<found_iterator, bool> emplace_any(P&& p) {
    if constexpr (is_pair_of_key<std::remove_cvref_t<P>>) {
      return try_emplace(std::forward<P>(p).first, std::forward<P>(p).second);
    } else {
      std::pair<Key, T> built(std::forward<P>(p));
      return try_emplace(std::move(built.first), std::move(built.second));
    }
  }
  template <class K, class V>
  std::pair<found_iterator, bool> emplace_any(K&& key, V&& value) {
    if constexpr (is_key<K>) {
      return try_emplace(std::forward<K>(key), std::forward<V>(value));
    } else {
      return try_emplace(Key(std::forward<K>(key)), std::forward<V>(value));
    }
  }
  template <class... KeyArgs, class... ValueArgs>
  std::pair<found_iterator, bool> emplace_any(std::piecewise_construct_t, std::tuple<KeyArgs...> key_args,
                                        std::tuple<ValueArgs...> value_args) {
    return std::apply(
        [&](auto&&... values) {
          return try_emplace(std::make_from_tuple<Key>(std::move(key_args)), std::forward<ValueArgs>(values)...);
        },
        std::move(value_args));
  }
};

// A map composed from options, in any order; see framework/concepts for what each axis asks of an option.
template <class Key, class T, class... Options>
using map = basic_map<Key, T, compose<Options...>>;

// Erases every entry for which the predicate holds; returns how many. Moves nothing. If the predicate throws,
// the entries erased so far are gone.
template <class Key, class T, class Spec, class Predicate>
std::size_t erase_if(basic_map<Key, T, Spec>& m, Predicate predicate) {
  return table::erase_entries_if(m, predicate);
}

}  // namespace tophash::inline v1

#endif
