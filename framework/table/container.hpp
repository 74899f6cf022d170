// SPDX-License-Identifier: Apache-2.0
// What map and set share: everything but operations that name a mapped value. basic_map and basic_set derive
// from it and document the guarantees; the order of steps is in the headers beside this one (chained buckets) and in
// open/ (open addressing). What is called unqualified here is found there, by the type of the state.
#ifndef TOPHASH_FRAMEWORK_TABLE_CONTAINER_HPP
#define TOPHASH_FRAMEWORK_TABLE_CONTAINER_HPP

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <memory>
#include <type_traits>
#include <utility>

#include <tophash/framework/compose/name.hpp>
#include <tophash/framework/compose/pack.hpp>
#include <tophash/framework/compose/rules.hpp>
#include <tophash/framework/core/hash_token.hpp>
#include <tophash/framework/table/access.hpp>
#include <tophash/framework/table/binding.hpp>
#include <tophash/framework/table/owning.hpp>
#include <tophash/framework/table/report.hpp>

namespace tophash::inline v1 {

// What a `try_` form answers. allocated == false: memory ran out, the container is as before, position is end().
template <class Iterator>
struct try_result {
  Iterator position{};
  bool inserted = false;
  bool allocated = true;
};

namespace table {

template <class It>
concept input_iterator = requires(It& it) {
  *it;
  ++it;
  typename std::iterator_traits<It>::iterator_category;
};

// Outside the class, whose member of that name would hide every layout's.
template <class State, class F>
void visit_arrays(const State& s, F& f) {
  for_each_array(s, f);
}

template <class Key, class T, class Spec>
class container {
 protected:
  using B = typename binding_of<Key, T, Spec>::type;
  using model = typename B::model;
  using hashing_type = typename Spec::hashing;
  using state_type = typename B::state_type;
  using marked = write_mark<state_type>;  // sync::owner_checked; otherwise nothing
  static constexpr bool nothrow_access = !misuse_throws<state_type>;

  // Does a lookup in a map that is not const move a growth on?
  static constexpr bool reads_step = B::facts.growth.on_read;

  // Do open iterators survive writes?
  static constexpr bool pinned =
      !std::is_same_v<typename walk_of<B, false>::type, typename B::template iterator_type<false>>;

  template <class K>
  static constexpr bool lookup_key = !std::is_same_v<std::remove_cvref_t<K>, Key> &&
                                     is_transparent_for<hashing_type, Key, std::remove_cvref_t<K>>();

 public:
  using spec_type = Spec;
  using key_type = Key;
  using value_type = typename model::value_type;
  using size_type = std::size_t;
  using difference_type = std::ptrdiff_t;
  // begin() and end(); and what find and insert answer. With iteration::mutation_safe two types, the second of which
  // converts to the first, else one.
  using iterator = typename walk_of<B, false>::type;
  using const_iterator = typename walk_of<B, true>::type;
  using found_iterator = typename B::template iterator_type<false>;
  using found_const_iterator = typename B::template iterator_type<true>;
  using reference = typename iterator::reference;
  using const_reference = typename const_iterator::reference;
  using pointer = typename iterator::pointer;
  using const_pointer = typename const_iterator::pointer;
  using allocation_type = typename Spec::allocation;
  using token_type = hash_token<hashing_type>;
  using try_insert_result = try_result<found_iterator>;

  // Function objects in the standard's manner over the hashing policy.
  struct hasher {
    hashing_type policy;
    std::size_t operator()(const Key& key) const { return static_cast<std::size_t>(policy.hash(key)); }
  };
  struct key_equal {
    hashing_type policy;
    bool operator()(const Key& a, const Key& b) const { return static_cast<bool>(policy.equal(a, b)); }
  };

  // ---- construction -----------------------------------------------------------------------------------------

  container() noexcept(noexcept(place_policies<Spec>()))
    requires(std::is_default_constructible_v<hashing_type> && std::is_default_constructible_v<allocation_type> &&
             std::is_default_constructible_v<typename Spec::overflow>)
      : s_(place_policies<Spec>()) {}

  template <class... Policies>
    requires(sizeof...(Policies) > 0 && (policy_of<std::remove_cvref_t<Policies>, Spec> && ...))
  explicit container(Policies&&... given) : s_(place_policies<Spec>(std::forward<Policies>(given)...)) {}

  template <class... Policies>
    requires(policy_of<std::remove_cvref_t<Policies>, Spec> && ...)
  explicit container(size_type entries, Policies&&... given)
      : s_(place_policies<Spec>(std::forward<Policies>(given)...)) {
    if (entries != 0) reserve(entries);
  }

  container(const container& other) : container(other, other.s_.policies.allocation) {}
  container(const container& other, const allocation_type& handle) : s_(copy_policies(other.s_, handle)) {
    static_assert(entries_copy,
                  "tophash[types]: a map or set is copied whose Key or T cannot be copied; move it, or give the "
                  "type a copy constructor");
    if constexpr (entries_copy) {  // one error line, not the element's, too
      check_iteration(state_of(other));
      throw_if_no_room(copy_entries(s_, other.s_));
    }
  }

  container(container&& other) noexcept : s_(state_taking(other.s_)) {
    if constexpr (!constructed_from_arrays) steal_arrays(s_, other.s_);
  }

  // Takes the memory over if the handles are equal, otherwise moves entry by entry; if that fails half way, the
  // entries moved so far end with the container that was not constructed.
  container(container&& other, const allocation_type& handle) : s_(copy_policies(other.s_, handle)) {
    if (handle == other.s_.policies.allocation) {
      replace_policy(s_.policies.overflow, std::move(other.s_.policies.overflow));
      replace_policy(s_.policies.observe, std::move(other.s_.policies.observe));
      steal_arrays(s_, other.s_);
    } else {
      throw_if_no_room(move_entries(s_, other.s_));
      clear_of(other);
    }
  }

  ~container() = default;

  // Strong guarantee: the copy is complete before anything is given up.
  container& operator=(const container& other) {
    if (this == &other) return *this;
    const marked writing(s_);
    container copy(other, propagates_on_copy<allocation_type>() ? other.s_.policies.allocation : s_.policies.allocation);
    take_over(copy);
    return *this;
  }

  container& operator=(container&& other) noexcept((propagates_on_move<allocation_type>() ||
                                                    std::is_empty_v<allocation_type>)&&nothrow_access) {
    if (this == &other) return *this;
    const marked writing(s_), writing_other(other.s_);
    if (propagates_on_move<allocation_type>() || s_.policies.allocation == other.s_.policies.allocation) {
      take_over(other);
    } else if constexpr (copied_across) {
      // Copied, not moved: if one of many throws, both containers are as before.
      container copy(other, s_.policies.allocation);
      take_over(copy);
      clear_of(other);
    } else {
      move_assign_apart(other);
    }
    return *this;
  }

  // ---- iterators and capacity -------------------------------------------------------------------------------

  // With iteration::mutation_safe: at a random place, and std::bad_alloc if a chain of more than 24 entries cannot be
  // noted.
  iterator begin() noexcept(!pinned && nothrow_access) { return first_of<iterator>(s_); }
  const_iterator begin() const noexcept(!pinned && nothrow_access) { return first_of<const_iterator>(s_); }
  const_iterator cbegin() const noexcept(!pinned && nothrow_access) { return begin(); }
  iterator end() noexcept { return iterator{}; }
  const_iterator end() const noexcept { return const_iterator{}; }
  const_iterator cend() const noexcept { return end(); }

  [[nodiscard]] bool empty() const noexcept { return s_.size == 0; }
  size_type size() const noexcept { return s_.size; }
  size_type max_size() const noexcept { return most_entries(s_); }

  // ---- lookup -----------------------------------------------------------------------------------------------

  TOPHASH_ALWAYS_INLINE found_iterator find(const Key& key) { return find_any(key); }
  TOPHASH_ALWAYS_INLINE found_const_iterator find(const Key& key) const { return find_any(key); }
  template <class K>
    requires lookup_key<K>
  found_iterator find(const K& key) {
    return find_any(key);
  }
  template <class K>
    requires lookup_key<K>
  found_const_iterator find(const K& key) const {
    return find_any(key);
  }

  // Where lookups move a growth on (growth::on_read) these are what they are in a map that is not const.
  bool contains(const Key& key)
    requires reads_step
  {
    return find_any(key) != found_iterator{};
  }
  template <class K>
    requires(reads_step && lookup_key<K>)
  bool contains(const K& key) {
    return find_any(key) != found_iterator{};
  }
  size_type count(const Key& key)
    requires reads_step
  {
    return contains(key) ? 1 : 0;
  }
  template <class K>
    requires(reads_step && lookup_key<K>)
  size_type count(const K& key) {
    return contains(key) ? 1 : 0;
  }
  bool contains(const Key& key) const { return contains_any(key); }
  template <class K>
    requires lookup_key<K>
  bool contains(const K& key) const {
    return contains_any(key);
  }

  size_type count(const Key& key) const { return contains_any(key) ? 1 : 0; }
  template <class K>
    requires lookup_key<K>
  size_type count(const K& key) const {
    return contains_any(key) ? 1 : 0;
  }

  std::pair<found_iterator, found_iterator> equal_range(const Key& key) { return range_from(find(key)); }
  std::pair<found_const_iterator, found_const_iterator> equal_range(const Key& key) const { return range_from(find(key)); }
  template <class K>
    requires lookup_key<K>
  std::pair<found_iterator, found_iterator> equal_range(const K& key) {
    return range_from(find(key));
  }
  template <class K>
    requires lookup_key<K>
  std::pair<found_const_iterator, found_const_iterator> equal_range(const K& key) const {
    return range_from(find(key));
  }

  // A token for lookups and insertions of one key in any map with the same hashing policy. It holds no seed.
  template <class K>
    requires(std::is_same_v<K, Key> || lookup_key<K>)
  token_type prehash(const K& key) const {
    return token_type(static_cast<std::uint64_t>(s_.policies.hashing.hash(key)));
  }
  template <class K>
    requires(std::is_same_v<K, Key> || lookup_key<K>)
  found_iterator find(const K& key, token_type token) {
    return found_iterator(cursor_of_lookup(key, hash_of_token(token)));
  }
  template <class K>
    requires(std::is_same_v<K, Key> || lookup_key<K>)
  found_const_iterator find(const K& key, token_type token) const {
    return found_const_iterator(cursor_at(key, hash_of_token(token)));
  }
  template <class K>
    requires(std::is_same_v<K, Key> || lookup_key<K>)
  bool contains(const K& key, token_type token)
    requires reads_step
  {
    return static_cast<bool>(cursor_of_lookup(key, hash_of_token(token)));
  }
  template <class K>
    requires(std::is_same_v<K, Key> || lookup_key<K>)
  bool contains(const K& key, token_type token) const {
    return static_cast<bool>(cursor_at(key, hash_of_token(token)));
  }

  // ---- many keys at once ------------------------------------------------------------------------------------

  // Writes an iterator for each key of [first, last) to `out`, in order: what find(key) answers. Moves nothing, whatever
  // the growth policy. In a table beyond the caches memory is asked for ahead; forward iterators only, others are searched
  // one by one.
  template <class It, class Out>
  Out find_many(It first, It last, Out out) {
    for_each_found(*this, first, last, [&out](const found_iterator& at) { *out++ = at; });
    return out;
  }
  template <class It, class Out>
  Out find_many(It first, It last, Out out) const {
    for_each_found(*this, first, last, [&out](const found_const_iterator& at) { *out++ = at; });
    return out;
  }
  // Asks for the memory that a search for this key reads first, without waiting for it.
  void prefetch(const Key& key) const { prefetch_home(s_, table::hash_of(s_, key)); }

  // ---- erasure ----------------------------------------------------------------------------------------------

  // Moves nothing, and invalidates iterators to this entry only: in every layout but open_slots with
  // immediate deletion, where only the iterator that is returned is valid then. Returns the next one.
  found_iterator erase(found_const_iterator where) {
    const marked writing(s_);
    return found_iterator(erase_cursor(s_, where.where()));
  }
  found_iterator erase(found_iterator where)
    requires(!std::is_same_v<found_iterator, found_const_iterator>)
  {
    const marked writing(s_);
    return found_iterator(erase_cursor(s_, where.where()));
  }
  found_iterator erase(found_const_iterator first, found_const_iterator last) {
    const marked writing(s_);
    if constexpr (requires { erase_cursors(s_, first.where(), last.where()); }) {
      return found_iterator(erase_cursors(s_, first.where(), last.where()));
    } else {
      while (first != last) first = found_const_iterator(erase_cursor(s_, first.where()));
      return found_iterator(first.where());
    }
  }
  // The same at an iterator that is open: it stays usable, and what is returned is another open one. The key is hashed. A
  // range is one of the same walk: `last` is the end, or was reached from `first`.
  template <class It>
    requires(pinned && (std::is_same_v<It, iterator> || std::is_same_v<It, const_iterator>))
  iterator erase(const It& where) {
    check_iteration(s_);
    auto next = where.where();
    next.advance();
    const marked writing(s_);
    static_cast<void>(erase_cursor(s_, cursor_at_pin(s_, where.where())));
    return iterator(std::move(next));
  }
  template <class It>
    requires(pinned && (std::is_same_v<It, iterator> || std::is_same_v<It, const_iterator>))
  iterator erase(const It& first, const std::type_identity_t<It>& last) {
    auto at = first.where();
    while (at.at() != last.where().at()) {
      const marked writing(s_);
      static_cast<void>(erase_cursor(s_, cursor_at_pin(s_, at)));
      at.advance();
    }
    return iterator(std::move(at));
  }
  // While a growth is under way this moves entries; a deletion that purges and a growth that shrinks may act here.
  TOPHASH_ALWAYS_INLINE size_type erase(const Key& key) { return erase_any(key); }
  template <class K>
    requires(lookup_key<K> && !std::is_convertible_v<K, found_const_iterator> && !std::is_convertible_v<K, const_iterator>)
  size_type erase(K&& key) {
    return erase_any(key);
  }
  template <class K>
    requires(std::is_same_v<K, Key> || lookup_key<K>)
  size_type erase(const K& key, token_type token) {
    return erase_key(s_, hash_of_token(token), key) ? 1 : 0;
  }

  // O(buckets). Keeps the array; overflow buckets go back to their source.
  void clear() noexcept(nothrow_access) {
    const marked writing(s_);
    clear_entries(s_);
  }

  // ---- size policy ------------------------------------------------------------------------------------------

  float load_factor() const noexcept {
    return bucket_count() == 0 ? 0.0f : static_cast<float>(s_.size) / static_cast<float>(bucket_count());
  }
  // Entries a bucket at which the growth policy is asked; fixed by the load policy.
  float max_load_factor() const noexcept {
    return static_cast<float>(B::facts.load.numerator) / static_cast<float>(B::facts.load.denominator);
  }
  // Room for `entries` in all; ends a growth under way. std::length_error if no array can be that large.
  void reserve(size_type entries) {
    const marked writing(s_);
    throw_if_no_room(reserve_slow(s_, entries));
  }
  [[nodiscard]] bool try_reserve(size_type entries) {
    const marked writing(s_);
    return reserve_slow(s_, entries) == growth_result::done;
  }
  // At least `buckets` main buckets. Never fewer than now: giving back is a growth policy's decision.
  void rehash(size_type buckets) {
    const marked writing(s_);
    throw_if_no_room(rehash_slow(s_, buckets));
  }
  size_type bucket_count() const noexcept { return units_of(s_); }

  // ---- deletion::dirty --------------------------------------------------------------------------------------

  // Destroys at most `budget` erased entries that were kept, going on where the last call stopped. Returns how many.
  size_type sweep(size_type budget = std::numeric_limits<size_type>::max()) noexcept(nothrow_access)
    requires B::dirty_kind
  {
    const marked writing(s_);
    return sweep_dirty(s_, budget);
  }
  // Takes the entry out of sight: no allocation, no destruction, no move, no growth step. For a collector's pause.
  void mark_in_place(found_const_iterator where) noexcept
    requires B::dirty_kind
  {
    mark_at_cursor(s_, where.where());
  }

  // ---- seeing inside ----------------------------------------------------------------------------------------

  map_stats stats() const noexcept { return stats_of(s_); }
  tophash::memory_report memory_report() const noexcept { return report_memory(s_); }
  chain_shape chain_statistics() const noexcept { return shape_of(s_); }
  const char* check_invariants() const noexcept { return check_table(s_); }
  // The table as text, in parts, to sink(std::string_view). Options, and what this needs: <tophash/dump.hpp>.
  template <class Sink, class Options>
  void dump_to(Sink&& sink, const Options& options) const {
    dump_table(state_of(*this), options, sink);
  }

  // What the last collection counted in the arrays of this map; O(groups). Only where the collector reads them.
  map_census census() const noexcept
    requires(takes_census<allocation_type>)
  {
    return census_of(s_);
  }

  // Calls f(const void*) for each array that this holds and an exact collector is to trace: for containers that lie
  // inside a collected object.
  static constexpr bool has_traced_arrays = hears_of_arrays<allocation_type> && model::trace.is_traced();
  template <class F>
  void for_each_array(F&& f) const
    requires has_traced_arrays
  {
    visit_arrays(s_, f);
  }

  const allocation_type& allocation() const noexcept { return s_.policies.allocation; }
  const hashing_type& hashing_policy() const noexcept { return s_.policies.hashing; }
  const typename Spec::growth& growth_policy_value() const noexcept { return s_.policies.growth; }
  const typename Spec::load& load_policy_value() const noexcept { return s_.policies.load; }
  typename Spec::observe& observer() noexcept { return s_.policies.observe; }
  const typename Spec::observe& observer() const noexcept { return s_.policies.observe; }
  hasher hash_function() const { return hasher{s_.policies.hashing}; }
  key_equal key_eq() const { return key_equal{s_.policies.hashing}; }

  // A hint decides nothing.
  struct any_hint {
    template <class It>
      requires(std::is_convertible_v<const It&, const_iterator>)
    any_hint(const It&) noexcept {}
  };
  using hint = std::conditional_t<pinned, any_hint, const_iterator>;

 protected:
  typename B::owned_state_type s_;

  // The state of a container that is moved into: with the arrays, where it can be constructed from them.
  static constexpr bool constructed_from_arrays =
      std::is_constructible_v<typename B::owned_state_type, policy_values<Spec>, state_type&>;
  static typename B::owned_state_type state_taking(typename B::owned_state_type& from) noexcept {
    if constexpr (constructed_from_arrays) {
      return typename B::owned_state_type(take_policies(from), from);
    } else {
      return typename B::owned_state_type(take_policies(from));
    }
  }

  // Another container's policies, no entry.
  struct policies_only {};
  container(policies_only, const container& other, const allocation_type& handle)
      : s_(copy_policies(other.s_, handle)) {}

  void swap_with(container& other) noexcept(nothrow_access) {
    if (this == &other) return;
    const marked writing(s_), writing_other(other.s_);
    swap_states(s_, other.s_);
  }

  // As the layout's family of functions knows it.
  static const state_type& state_of(const container& c) noexcept { return c.s_; }

  // Gives up what this holds and takes over `other`, whose handle may be kept.
  void take_over(container& other) noexcept {
    destroy_table(s_);
    swap_policies(s_, other.s_);
    if constexpr (!std::is_empty_v<allocation_type>) {
      replace_policy(s_.policies.allocation, allocation_type(other.s_.policies.allocation));
    }
    steal_arrays(s_, other.s_);
  }

  static constexpr bool entries_copy =
      std::is_copy_constructible_v<Key> && std::is_copy_constructible_v<typename model::mapped_type>;

  // Between unequal handles: entries whose move may throw are copied if they can be, trivial ones in any case.
  static constexpr bool copied_across =
      entries_copy &&
      ((trivially_relocatable<Key> && trivially_relocatable<typename model::mapped_type>) ||
       !(nothrow_relocatable<Key> && nothrow_relocatable<typename model::mapped_type>));

  // Unequal handles, entries moved. If an allocation fails half way, what was moved is here and the rest still in `other`.
  void move_assign_apart(container& other) {
    growth_result room = growth_result::no_memory;
    {
      struct handover {
        container& to;
        container moved;
        ~handover() {
          if (!moved.empty()) to.take_over(moved);
        }
      };
      handover fresh{*this, container(policies_only{}, other, s_.policies.allocation)};
      if (other.empty()) clear_entries(s_);
      room = move_entries(fresh.moved.s_, other.s_);
    }
    throw_if_no_room(room);
    clear_of(other);
  }

  template <class It>
  static It first_of(const typename B::state_type& s) noexcept(!pinned && nothrow_access) {
    check_iteration(s);
    if constexpr (pinned) {
      return It(s);
    } else {
      return It(first_cursor(s));
    }
  }

  static void clear_of(container& other) noexcept { destroy_table(other.s_); }

  std::uint64_t hash_of_token(token_type token) const noexcept {
    return position_hash<Key>(s_.policies.hashing, token.unseeded());
  }

  template <class K>
  TOPHASH_ALWAYS_INLINE typename B::cursor_type cursor_at(const K& key, std::uint64_t hash) const {
    const place<B> p = find_checked(state_of(*this), hash, key);
    tell_probed(s_, observer_for_reads(), hash, p, events::search::lookup);
    if (p) {
      notify(observer_for_reads(), events::found{});
    } else {
      notify(observer_for_reads(), events::missed{});
    }
    return cursor_of(s_, p, hash);
  }

  // Of a lookup that may move entries: it answers where the entry lies after the step. `key` may lie in an entry that the
  // step moves, and is not used after it.
  template <class K>
  TOPHASH_NOINLINE typename B::cursor_type cursor_while_growing(const K& key, std::uint64_t hash) {
    const marked writing(s_);
    place<B> there = find_while_growing<K>(s_, hash, key);
    tell_probed(s_, s_.policies.observe, hash, there, events::search::lookup);
    TOPHASH_TRY { static_cast<void>(step_slow(s_, hash, &there)); }
    TOPHASH_CATCH_ALL {}
    if (there) {
      notify(s_.policies.observe, events::found{});
    } else {
      notify(s_.policies.observe, events::missed{});
    }
    return cursor_of(s_, there, hash);
  }
  template <class K>
  TOPHASH_ALWAYS_INLINE typename B::cursor_type cursor_of_lookup(const K& key, std::uint64_t hash) {
    if constexpr (reads_step) {
      if (s_.growing()) [[unlikely]] return cursor_while_growing(key, hash);
    }
    return cursor_at(key, hash);
  }

  template <class K>
  TOPHASH_ALWAYS_INLINE static place<B> find_checked(const state_type& s, std::uint64_t hash, const K& key) {
    if constexpr (requires { find_to_read(s, hash, key); }) {
      return find_to_read(s, hash, key);
    } else {
      check_read(s);
      return find_entry(s, hash, key);
    }
  }

  // found and missed come from const members; the observer's concept says what that asks of it.
  typename Spec::observe& observer_for_reads() const noexcept {
    return const_cast<typename Spec::observe&>(s_.policies.observe);
  }

  template <class K>
    requires B::finds_inlined
  TOPHASH_ALWAYS_INLINE found_iterator find_any(const K& key) {
    return found_iterator(cursor_of_lookup(key, table::hash_of(s_, key)));
  }
  template <class K>
    requires B::finds_inlined
  TOPHASH_ALWAYS_INLINE found_const_iterator find_any(const K& key) const {
    return found_const_iterator(cursor_at(key, table::hash_of(s_, key)));
  }
  template <class K>
  found_iterator find_any(const K& key) {
    return found_iterator(cursor_of_lookup(key, table::hash_of(s_, key)));
  }
  template <class K>
  found_const_iterator find_any(const K& key) const {
    return found_const_iterator(cursor_at(key, table::hash_of(s_, key)));
  }
  template <class K>
  bool contains_any(const K& key) const {
    return static_cast<bool>(cursor_at(key, table::hash_of(s_, key)));
  }
  template <class K>
  TOPHASH_ALWAYS_INLINE size_type erase_any(const K& key) {
    const std::uint64_t hash = table::hash_of(s_, key);
    const marked writing(s_);
    return erase_key(s_, hash, key) ? 1 : 0;
  }

  template <class It>
  static std::pair<It, It> range_from(It first) {
    if (first == It{}) return {first, first};
    It after = first;
    ++after;
    return {first, after};
  }

  found_iterator iterator_at(const place<B>& p, std::uint64_t hash) noexcept {
    return found_iterator(cursor_of(s_, p, hash));
  }
  TOPHASH_ALWAYS_INLINE std::pair<found_iterator, bool> result_or_throw(const insert_result<B>& r, std::uint64_t hash) {
    throw_if_no_room(r.room);
    return {iterator_at(r.where, hash), r.inserted};
  }
  // The entry of this key, or a new one. Out of line a layout throws by itself, so that nothing is asked behind its call.
  template <class K, class... Args>
  TOPHASH_ALWAYS_INLINE std::pair<found_iterator, bool> find_or_insert(std::uint64_t hash, K&& key, Args&&... args) {
    if constexpr (requires { insert_or_throw(s_, hash, std::forward<K>(key), std::forward<Args>(args)...); }) {
      return result_or_throw(insert_or_throw(s_, hash, std::forward<K>(key), std::forward<Args>(args)...), hash);
    } else {
      return result_or_throw(insert_if_absent(s_, hash, std::forward<K>(key), std::forward<Args>(args)...), hash);
    }
  }
  try_insert_result result_or_false(const insert_result<B>& r, std::uint64_t hash) noexcept {
    if (r.room != growth_result::done) return {found_iterator{}, false, false};
    return {iterator_at(r.where, hash), r.inserted, true};
  }

  // Keys a batch, and the sizes from which batches pay: measured at 1,000,000 and 10,000,000 u64
  // entries, a batch takes 0.45 to 0.65 of the time of as many hits, and 0.66 to 0.96 of as many misses; in cache it
  // gains nothing. At 200,000, where a miss reads tags only and those are near, a batch of misses takes 1.3
  // to 1.9 times as long, one of hits between 0.65 and 1.4 times, by what else is in the caches; an insert
  // reads and writes both, and there batches pay sooner.
  static constexpr std::size_t batch_keys = 16;
  static constexpr std::size_t batch_inserts_from_bytes = std::size_t{4} << 20;
  static constexpr std::size_t batch_finds_from_bytes = std::size_t{16} << 20;

  template <class It>
  static constexpr bool multipass =
      std::is_base_of_v<std::forward_iterator_tag, typename std::iterator_traits<It>::iterator_category>;

  // The hashes of up to batch_keys keys at `first`, and their memory on its way.
  struct batch {
    std::uint64_t hashes[batch_keys];
    std::size_t count = 0;
    template <class It, class KeyOf>
    batch(const container& c, It& first, It last, KeyOf&& key_of) {
      for (; count < batch_keys && first != last; ++count, ++first) {
        hashes[count] = table::hash_of(c.s_, key_of(*first));
        prefetch_home(c.s_, hashes[count]);
      }
      for (std::size_t i = 0; i < count; ++i) prefetch_entry(c.s_, hashes[i]);
    }
  };
  bool batches_pay(std::size_t from_bytes) const noexcept {
    return !s_.growing() && searched_bytes(s_) >= from_bytes;
  }

  template <class Self, class It, class F>
  static void for_each_found(Self& self, It first, It last, F&& f) {
    using found = std::conditional_t<std::is_const_v<Self>, found_const_iterator, found_iterator>;
    if constexpr (multipass<It>) {
      if (self.batches_pay(batch_finds_from_bytes)) {
        while (first != last) {
          It key = first;
          const batch b(self, first, last, [](const auto& k) -> const auto& { return k; });
          for (std::size_t i = 0; i < b.count; ++i, ++key) f(found(self.cursor_at(*key, b.hashes[i])));
        }
        return;
      }
    }
    for (; first != last; ++first) f(found(self.cursor_at(*first, table::hash_of(self.s_, *first))));
  }

  // How many entries a range announces: exact for forward iterators, none for input ones.
  template <class It>
  static size_type announced(It first, It last) {
    if constexpr (std::is_base_of_v<std::forward_iterator_tag, typename std::iterator_traits<It>::iterator_category>) {
      return static_cast<size_type>(std::distance(first, last));
    } else {
      return 0;
    }
  }
};

template <class Container, class Predicate>
std::size_t erase_entries_if(Container& c, Predicate& predicate) {
  const std::size_t before = c.size();
  for (auto it = c.begin(); it != c.end();) {
    if (predicate(*it)) {
      it = c.erase(it);
    } else {
      ++it;
    }
  }
  return before - c.size();
}

}  // namespace table

}  // namespace tophash::inline v1

#endif
