// SPDX-License-Identifier: Apache-2.0
// Drop-in containers with the standard's template parameters, <Key, T, Hash, KeyEqual, Allocator>, and its
// interface: a program written for std::unordered_map (unordered_set) changes one type name.
//
//   unordered_flat_map     entries in one array (layout::open_groups): the fastest; entries move when it
//   grows unordered_node_map     entries in nodes (layout::nodes): every guarantee of std::unordered_map,
//   node handles too unordered_bucket_map   entries in chained buckets of eight (layout::bucket_chain)
//   unordered_flat_set, unordered_node_set, unordered_bucket_set; tophash::pmr:: aliases of all six
//
// Members of tophash::map that the standard has not (try_ forms, hash tokens, statistics) are here as well.
// Guarantees: the standard's for unordered_node_map; for the others docs/std-compatibility.md lists what
// differs. In short: an insert that grows moves entries, so references and iterators end there; there are no
// node handles. Complexity: the standard's. The buckets of the bucket interface are numbers
// (framework/table/buckets.hpp): bucket_count() is how many entries fit before the next growth,
// max_load_factor() is 1 and its setter does nothing. Key, T: complete types. Allocator: pointers are T*, at
// most two words. Hash, KeyEqual: if moving one throws in a move or a swap of containers, the program ends.
#ifndef TOPHASH_FRAMEWORK_STD_API_HPP
#define TOPHASH_FRAMEWORK_STD_API_HPP

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <memory_resource>
#include <tuple>
#include <type_traits>
#include <utility>

#include <tophash/allocators/std_adaptor.hpp>
#include <tophash/framework/core/bits.hpp>
#include <tophash/framework/core/seed.hpp>
#include <tophash/framework/layout/bucket_chain.hpp>
#include <tophash/framework/layout/open_groups.hpp>
#include <tophash/framework/map.hpp>
#include <tophash/framework/set.hpp>
#include <tophash/framework/std_api_fwd.hpp>
#include <tophash/framework/table/buckets.hpp>
#include <tophash/framework/table/open/buckets.hpp>
#include <tophash/framework/table/open/handles.hpp>
#include <tophash/policies/hashing/hash_with.hpp>

namespace tophash::inline v1 {

namespace standard {

// The two functors as a hashing policy that moves without throwing, as a table asks of its policies and the
// standard does not ask of functors. It has a seed: a program that inserts what it reads from one map into another,
// in the order of the first, must not meet the second's groups in the order of their numbers (docs/hash-defence.md).
template <class Hash, class KeyEqual>
class functions : public hashing::hash_with<Hash, KeyEqual> {
  using base = hashing::hash_with<Hash, KeyEqual>;

 public:
  static constexpr hashing_facts facts{.seeded = true};

  functions() = default;
  functions(const Hash& hash, const KeyEqual& equal) : base(hash, equal) {}
  functions(const functions&) = default;
  functions(functions&& other) noexcept : base(static_cast<base&&>(other)), seed_(other.seed_) {}
  functions& operator=(const functions&) = delete;  // a table then replaces it by construction
  ~functions() = default;

  std::uint64_t seed() const noexcept { return seed_; }
  void reseed() noexcept { seed_ = next_seed(seed_); }

 private:
  std::uint64_t seed_ = random_seed();
};

template <class Layout, class Hash, class KeyEqual, class Allocator>
using spec_for = compose<Layout, functions<Hash, KeyEqual>, allocators::from_std<Allocator>>;

// T is void for a set.
template <class Layout, class Key, class T, class Hash, class KeyEqual, class Allocator>
struct container_for {
  using type = basic_map<Key, T, spec_for<Layout, Hash, KeyEqual, Allocator>>;
  using value_type = std::pair<const Key, T>;
};
template <class Layout, class Key, class Hash, class KeyEqual, class Allocator>
struct container_for<Layout, Key, void, Hash, KeyEqual, Allocator> {
  using type = basic_set<Key, spec_for<Layout, Hash, KeyEqual, Allocator>>;
  using value_type = Key;
};

// The container's binding: what a base class may know before the members do.
template <class Layout, class Key, class T, class Hash, class KeyEqual, class Allocator>
using binding_for = typename table::binding_of<
    Key, T, typename container_for<Layout, Key, T, Hash, KeyEqual, Allocator>::type::spec_type>::type;

template <class Binding, class Allocator, bool HasNodes>
struct node_types {
 protected:
  struct handle_type {};
  struct handle_result_type {};
};
// Of containers that have nodes.
template <class Binding, class Allocator>
struct node_types<Binding, Allocator, true> {
 protected:
  using model = typename Binding::model;
  using handle_type =
      std::conditional_t<model::is_set,
                         table::set_node_handle<model, typename Binding::allocation, Allocator>,
                         table::map_node_handle<model, typename Binding::allocation, Allocator>>;
  using handle_result_type =
      table::node_insert_result<typename Binding::template iterator_type<false>, handle_type>;

 public:
  using node_type = handle_type;
  using insert_return_type = handle_result_type;
};

template <class Layout>
inline constexpr bool has_nodes = std::is_same_v<Layout, layout::nodes>;

template <class Key, class T>
inline constexpr bool copyable = std::is_copy_constructible_v<Key> &&
                                 (std::is_void_v<T> || std::is_copy_constructible_v<T>);

// All that the six containers below have in common.
template <class Layout, class Key, class T, class Hash, class KeyEqual, class Allocator>
class members : public container_for<Layout, Key, T, Hash, KeyEqual, Allocator>::type,
                public node_types<binding_for<Layout, Key, T, Hash, KeyEqual, Allocator>, Allocator,
                                  has_nodes<Layout>> {
  using composed = typename container_for<Layout, Key, T, Hash, KeyEqual, Allocator>::type;
  using store = typename composed::container;
  using binding = binding_for<Layout, Key, T, Hash, KeyEqual, Allocator>;
  using typed_nodes = node_types<binding, Allocator, has_nodes<Layout>>;
  using handle_type = typename typed_nodes::handle_type;
  using handle_result_type = typename typed_nodes::handle_result_type;
  using state = typename binding::state_type;
  using backend = allocators::from_std<Allocator>;
  using policy = functions<Hash, KeyEqual>;
  using traits = std::allocator_traits<Allocator>;

  template <class, class, class, class, class, class>
  friend class members;

  static constexpr bool is_set = std::is_void_v<T>;
  static constexpr bool is_open = !std::is_same_v<Layout, layout::bucket_chain<>>;
  static constexpr bool node_based = has_nodes<Layout>;
  static constexpr bool default_functions =
      std::is_default_constructible_v<Hash> && std::is_default_constructible_v<KeyEqual>;
  static constexpr bool default_everything = default_functions && std::is_default_constructible_v<Allocator>;
  static constexpr bool heap_moves_along =
      traits::propagate_on_container_move_assignment::value || traits::is_always_equal::value;
  // The allocator has a say in how entries are built, so entries cannot just be moved to another one's
  // storage.
  static constexpr bool builds_entries =
      requires(Allocator & a, typename composed::value_type* p, typename composed::value_type&& v) {
    a.construct(p, std::move(v));
  };

  static_assert(
      std::is_same_v<typename traits::value_type, typename composed::value_type>,
      "the allocator's value_type must be the container's: std::pair<const Key, T> for a map, Key for a set");

 public:
  using typename composed::const_iterator;
  using typename composed::iterator;
  using typename composed::size_type;
  using typename composed::value_type;
  using allocator_type = Allocator;
  using hasher = Hash;
  using key_equal = KeyEqual;
  using reference = value_type&;
  using const_reference = const value_type&;
  using pointer = typename traits::pointer;
  using const_pointer = typename traits::const_pointer;
  using local_iterator = table::bucket_iterator<state, is_set>;
  using const_local_iterator = table::bucket_iterator<state, true>;

  // ---- construction
  // -----------------------------------------------------------------------------------------------

  members() noexcept(
      std::is_nothrow_default_constructible_v<Hash>&& std::is_nothrow_default_constructible_v<KeyEqual>&&
          std::is_nothrow_default_constructible_v<Allocator>) requires(default_everything)
      : composed(policy(), backend(Allocator())) {}

  explicit members(size_type buckets, const Hash& hash, const KeyEqual& equal = KeyEqual(),
                   const Allocator& a = Allocator())
      : composed(buckets, policy(hash, equal), backend(a)) {}
  explicit members(size_type buckets) requires(default_everything)
      : members(buckets, Hash(), KeyEqual(), Allocator()) {}
  members(size_type buckets, const Allocator& a) requires(default_functions)
      : members(buckets, Hash(), KeyEqual(), a) {}
  members(size_type buckets, const Hash& hash,
          const Allocator& a) requires(std::is_default_constructible_v<KeyEqual>)
      : members(buckets, hash, KeyEqual(), a) {}
  explicit members(const Allocator& a) requires(default_functions) : composed(policy(), backend(a)) {}

  template <table::input_iterator It>
  members(It first, It last, size_type buckets, const Hash& hash, const KeyEqual& equal = KeyEqual(),
          const Allocator& a = Allocator())
      : members(buckets, hash, equal, a) {
    insert(first, last);
  }
  template <table::input_iterator It>
    requires(default_everything)
  members(It first, It last, size_type buckets = 0)
      : members(first, last, buckets, Hash(), KeyEqual(), Allocator()) {}
  template <table::input_iterator It>
    requires(default_functions)
  members(It first, It last, size_type buckets, const Allocator& a)
      : members(first, last, buckets, Hash(), KeyEqual(), a) {}
  template <table::input_iterator It>
    requires(std::is_default_constructible_v<KeyEqual>)
  members(It first, It last, size_type buckets, const Hash& hash, const Allocator& a)
      : members(first, last, buckets, hash, KeyEqual(), a) {}
  template <table::input_iterator It>
    requires(default_functions)
  members(It first, It last, const Allocator& a) : members(first, last, 0, Hash(), KeyEqual(), a) {}

  members(std::initializer_list<value_type> list, size_type buckets, const Hash& hash,
          const KeyEqual& equal = KeyEqual(), const Allocator& a = Allocator()) requires(copyable<Key, T>)
      : members(list.begin(), list.end(), buckets, hash, equal, a) {}
  members(std::initializer_list<value_type> list,
          size_type buckets = 0) requires(copyable<Key, T>&& default_everything)
      : members(list.begin(), list.end(), buckets) {}
  members(std::initializer_list<value_type> list, size_type buckets,
          const Allocator& a) requires(copyable<Key, T>&& default_functions)
      : members(list.begin(), list.end(), buckets, a) {}
  members(std::initializer_list<value_type> list, size_type buckets, const Hash& hash,
          const Allocator& a) requires(copyable<Key, T>&& std::is_default_constructible_v<KeyEqual>)
      : members(list.begin(), list.end(), buckets, hash, a) {}
  members(std::initializer_list<value_type> list,
          const Allocator& a) requires(copyable<Key, T>&& default_functions)
      : members(list.begin(), list.end(), 0, a) {}

  members(const members& other) requires(copyable<Key, T>)
      : composed(other, backend(traits::select_on_container_copy_construction(other.get_allocator()))) {}
  members(const members& other, const std::type_identity_t<Allocator>& a) requires(copyable<Key, T>)
      : composed(other, backend(a)) {}
  members(members&&) = default;
  members(members&& other, const std::type_identity_t<Allocator>& a)
      : members(empty_like{}, other, backend(a)) {
    if constexpr (builds_entries) {
      if (!(this->allocation() == other.allocation())) {
        build_from(other);
        return;
      }
    }
    composed moved(static_cast<composed&&>(other), backend(a));
    composed::swap(moved);
  }
  ~members() = default;

  members& operator=(const members& other) requires(copyable<Key, T>) {
    composed::operator=(other);
    return *this;
  }
  // Between unequal allocators that stay with their containers, entries are moved one by one: basic
  // guarantee.
  members& operator=(members&& other) noexcept(heap_moves_along&& std::is_nothrow_move_assignable_v<Hash>&&
                                                   std::is_nothrow_move_assignable_v<KeyEqual>) {
    if constexpr (builds_entries && !heap_moves_along) {
      if (!(this->allocation() == other.allocation())) {
        members moved(std::move(other), get_allocator());
        composed::operator=(static_cast<composed&&>(moved));
        return *this;
      }
    }
    composed::operator=(static_cast<composed&&>(other));
    return *this;
  }
  members& operator=(std::initializer_list<value_type> list) requires(copyable<Key, T>) {
    composed::operator=(list);
    return *this;
  }

  // Undefined, as the standard's, if the allocators are unequal and do not propagate on swap.
  void
  swap(members& other) noexcept(std::is_nothrow_swappable_v<Hash>&& std::is_nothrow_swappable_v<KeyEqual>) {
    composed::swap(other);
  }

  allocator_type get_allocator() const noexcept { return this->allocation().allocator(); }
  hasher hash_function() const { return this->hashing_policy().functor(); }
  key_equal key_eq() const { return this->hashing_policy().key_equal(); }

  // ---- insertion: what composed has not, or does otherwise
  // ------------------------------------------------------

  // The entry is built in place by the allocator, in nodes even if its key cannot be moved; in nodes a key or
  // a pair of one that is there already builds nothing.
  template <class... Args>
  std::pair<iterator, bool> emplace(Args&&... args) {
    if constexpr (names_key<std::remove_cvref_t<Args>...>() || !(node_based || builds_entries)) {
      return composed::emplace(std::forward<Args>(args)...);
    } else if constexpr (!node_based) {
      built_aside entry(this->allocation(), std::forward<Args>(args)...);
      return move_in(entry.value);
    } else {
      const auto made = table::emplace_node(this->s_of(), std::forward<Args>(args)...);
      return this->result_or_throw(made.result, made.hash);
    }
  }
  template <class... Args>
  iterator emplace_hint(const_iterator, Args&&... args) {
    return emplace(std::forward<Args>(args)...).first;
  }

  std::pair<iterator, bool> insert(const value_type& v) requires(copyable<Key, T>) {
    return composed::insert(v);
  }
  std::pair<iterator, bool> insert(value_type&& v) requires(is_set || std::is_copy_constructible_v<Key>) {
    return composed::insert(std::move(v));
  }
  template <class P>
    requires(!is_set && std::is_constructible_v<value_type, P&&>)
  std::pair<iterator, bool> insert(P&& v) { return emplace(std::forward<P>(v)); }
  template <class K>
    requires(is_set&& store::template lookup_key<K>&& std::is_constructible_v<Key, K&&>)
  std::pair<iterator, bool> insert(K&& key) { return composed::insert(std::forward<K>(key)); }
  iterator insert(const_iterator, const value_type& v) requires(copyable<Key, T>) { return insert(v).first; }
  iterator insert(const_iterator, value_type&& v) requires(is_set || std::is_copy_constructible_v<Key>) {
    return insert(std::move(v)).first;
  }
  template <class P>
    requires(!is_set && std::is_constructible_v<value_type, P&&>)
  iterator insert(const_iterator, P&& v) { return emplace(std::forward<P>(v)).first; }
  template <table::input_iterator It>
  void insert(It first, It last) {
    if (this->empty()) {
      if (const size_type n = store::announced(first, last); n > bucket_count()) this->reserve(n);
    }
    for (; first != last; ++first) emplace(*first);
  }
  void insert(std::initializer_list<value_type> list) requires(copyable<Key, T>) {
    insert(list.begin(), list.end());
  }

  // ---- node handles: unordered_node_map and unordered_node_set
  // ----------------------------------------------------

  // Invalidates iterators to the entry; references stay valid.
  handle_type extract(const_iterator where) requires(node_based) {
    return handle_type(table::from_table(), table::extract_node(this->s_of(), where.where()),
                       this->allocation());
  }
  handle_type extract(const Key& key) requires(node_based) {
    const_iterator there = std::as_const(*this).find(key);
    return there == this->cend() ? handle_type() : extract(there);
  }
  // Equal allocators. If the key is there, the handle comes back in the result.
  handle_result_type insert(handle_type&& handle) requires(node_based) {
    if (handle.empty()) return {this->end(), false, {}};
    const auto [position, inserted] = take_node(handle);
    return {position, inserted, std::move(handle)};
  }
  iterator insert(const_iterator, handle_type&& handle) requires(node_based) {
    return handle.empty() ? this->end() : take_node(handle).first;
  }

  // Takes over every entry of `source` whose key is absent here; equal allocators. Nodes change hands and
  // references stay valid; entries of the others are moved to the array here. If something throws, each entry
  // is in one of the two.
  template <class OtherHash, class OtherEqual>
  void merge(members<Layout, Key, T, OtherHash, OtherEqual, Allocator>& source) {
    if (static_cast<const void*>(&source) == static_cast<const void*>(this)) return;
    if constexpr (node_based) {
      table::throw_if_no_room(table::merge_nodes(this->s_of(), source.s_of()));
    } else {
      for (auto it = source.begin(); it != source.end();) {
        if (this->contains(key_of(*it))) {
          ++it;
          continue;
        }
        this->reserve(this->size() + 1);  // the last that can fail before the entry is moved from
        if constexpr (is_set) {
          composed::insert(std::move_if_noexcept(const_cast<Key&>(*it)));
        } else {
          this->try_emplace(std::move_if_noexcept(const_cast<Key&>(it->first)),
                            std::move_if_noexcept(it->second));
        }
        it = source.erase(it);
      }
    }
  }
  template <class OtherHash, class OtherEqual>
  void merge(members<Layout, Key, T, OtherHash, OtherEqual, Allocator>&& source) {
    merge(source);
  }

  // ---- buckets and the size policy
  // --------------------------------------------------------------------------------

  // Entries that fit before the next growth; 0 before the first insertion.
  size_type bucket_count() const noexcept { return table::bucket_count_of(this->s_of()); }
  size_type max_bucket_count() const noexcept { return this->max_size(); }
  size_type bucket(const Key& key) const {
    return table::bucket_of_hash(this->s_of(), table::hash_of(this->s_of(), key));
  }
  // O(entries of the home that bucket n is a share of).
  size_type bucket_size(size_type n) const { return static_cast<size_type>(std::distance(begin(n), end(n))); }

  using composed::begin;
  using composed::cbegin;
  using composed::cend;
  using composed::end;
  local_iterator begin(size_type n) { return local_iterator(this->s_of(), n); }
  const_local_iterator begin(size_type n) const { return const_local_iterator(this->s_of(), n); }
  const_local_iterator cbegin(size_type n) const { return begin(n); }
  local_iterator end(size_type) noexcept { return {}; }
  const_local_iterator end(size_type) const noexcept { return {}; }
  const_local_iterator cend(size_type) const noexcept { return {}; }

  float load_factor() const noexcept {
    const size_type buckets = bucket_count();
    return buckets == 0 ? 0.0f : static_cast<float>(this->size()) / static_cast<float>(buckets);
  }
  float max_load_factor() const noexcept { return 1.0f; }
  // A hint, as in the standard; not taken: how full a table gets is part of its layout.
  void max_load_factor(float) noexcept {}

  // At least `buckets`, and room for all entries. Fewer than now: unordered_bucket_map keeps its array, the
  // others take a smaller one.
  void rehash(size_type buckets) {
    if constexpr (is_open) {
      table::throw_if_no_room(table::refit_slow(this->s_of(), buckets));
    } else if (buckets > bucket_count()) {
      this->reserve(buckets);
    }
  }

  // The same entries: keys and values compared by ==, as the standard does.
  friend bool operator==(const members& a, const members& b) {
    if (a.size() != b.size()) return false;
    for (const value_type& entry : a) {
      const const_iterator there = b.find(key_of(entry));
      if (there == b.end() || !(*there == entry)) return false;
    }
    return true;
  }

 private:
  struct empty_like {
    explicit empty_like() = default;
  };
  members(empty_like, const members& other, const backend& a)
      : composed(typename store::policies_only{}, other, a) {}

  state& s_of() noexcept { return this->store::s_; }
  const state& s_of() const noexcept { return this->store::s_; }

  static const Key& key_of(const value_type& entry) noexcept {
    if constexpr (is_set) {
      return entry;
    } else {
      return entry.first;
    }
  }

  // An entry as the allocator builds it, before its place is known.
  struct built_aside {
    backend a;
    union {
      value_type value;
    };
    template <class... Args>
    explicit built_aside(const backend& by, Args&&... args) : a(by) {
      construct_object(a, std::addressof(value), std::forward<Args>(args)...);
    }
    built_aside(const built_aside&) = delete;
    built_aside& operator=(const built_aside&) = delete;
    ~built_aside() { destroy_object(a, std::addressof(value)); }
  };
  // Moves the parts of an entry that nobody looks at again into a new entry.
  std::pair<iterator, bool> move_in(const value_type& entry) requires(is_set) {
    return composed::insert(std::move(const_cast<Key&>(entry)));
  }
  std::pair<iterator, bool> move_in(value_type& entry) requires(!is_set) {
    return this->try_emplace(std::move(const_cast<Key&>(entry.first)), std::move(entry.second));
  }

  template <class P>
  static constexpr bool is_pair_of_key = requires(P& p) {
    requires std::is_same_v<std::remove_cvref_t<decltype(p.first)>, Key>;
    p.second;
  };
  template <class... Args>
  static constexpr bool names_key() noexcept {
    if constexpr (is_set) {
      return sizeof...(Args) == 1 && (std::is_same_v<Args, Key> && ...);
    } else if constexpr (sizeof...(Args) == 2) {
      return std::is_same_v<std::tuple_element_t<0, std::tuple<Args...>>, Key>;
    } else if constexpr (sizeof...(Args) == 1) {
      return (is_pair_of_key<Args> && ...);
    } else {
      return false;
    }
  }

  std::pair<iterator, bool> take_node(handle_type& handle) requires(node_based) {
    TOPHASH_CHECK(handle.get_allocator() == get_allocator(), "a node handle of another allocator");
    auto* const node = handle.held();
    const std::uint64_t hash = table::hash_of(this->s_of(), key_of(node->value));
    const auto r = table::insert_node(this->s_of(), node, hash);
    const auto answer = this->result_or_throw(r, hash);
    if (r.inserted) handle.release();
    return answer;
  }

  // Entries of another allocator, built anew by this one's.
  void build_from(members& other) {
    this->reserve(other.size());
    for (auto it = other.begin(); it != other.end(); ++it) move_in(*it);
    other.clear();
  }
};

// ---- what deduction guides take
// ------------------------------------------------------------------------------------

template <class A>
concept allocator_argument = requires(A& a) {
  typename A::value_type;
  a.allocate(std::size_t{1});
};
template <class H>
concept hash_argument = !allocator_argument<H> && !std::is_integral_v<H>;
template <class E>
concept equality_argument = !allocator_argument<E>;

template <class It>
using value_of = typename std::iterator_traits<It>::value_type;
template <class It>
using key_of = std::remove_const_t<typename value_of<It>::first_type>;
template <class It>
using mapped_of = typename value_of<It>::second_type;
template <class It>
using entry_of = std::pair<const key_of<It>, mapped_of<It>>;

}  // namespace standard

// Entries in one array. What grows moves entries: no reference or iterator survives it; erasing moves
// nothing.
template <class Key, class T, class Hash, class KeyEqual, class Allocator>
class unordered_flat_map
    : public standard::members<layout::open_groups<>, Key, T, Hash, KeyEqual, Allocator> {
  using base = standard::members<layout::open_groups<>, Key, T, Hash, KeyEqual, Allocator>;

 public:
  using base::base;
  unordered_flat_map() = default;
  // Declared here, not inherited: else g++ deduces no template arguments from a braced list.
  unordered_flat_map(std::initializer_list<typename base::value_type> list) requires(
      std::is_constructible_v<base, std::initializer_list<typename base::value_type>>)
      : base(list) {}
  unordered_flat_map& operator=(std::initializer_list<typename base::value_type> list) requires(
      std::is_assignable_v<base&, std::initializer_list<typename base::value_type>>) {
    base::operator=(list);
    return *this;
  }
  friend void swap(unordered_flat_map& a, unordered_flat_map& b) noexcept(noexcept(a.swap(b))) { a.swap(b); }
};

// As the standard demands: references stay valid until their entry is erased, iterators until then and while
// an insert leaves size() <= bucket_count(). Entries need not be movable.
template <class Key, class T, class Hash, class KeyEqual, class Allocator>
class unordered_node_map : public standard::members<layout::nodes, Key, T, Hash, KeyEqual, Allocator> {
  using base = standard::members<layout::nodes, Key, T, Hash, KeyEqual, Allocator>;

 public:
  using base::base;
  unordered_node_map() = default;
  // Declared here, not inherited: else g++ deduces no template arguments from a braced list.
  unordered_node_map(std::initializer_list<typename base::value_type> list) requires(
      std::is_constructible_v<base, std::initializer_list<typename base::value_type>>)
      : base(list) {}
  unordered_node_map& operator=(std::initializer_list<typename base::value_type> list) requires(
      std::is_assignable_v<base&, std::initializer_list<typename base::value_type>>) {
    base::operator=(list);
    return *this;
  }
  friend void swap(unordered_node_map& a, unordered_node_map& b) noexcept(noexcept(a.swap(b))) { a.swap(b); }
};

// Entries in buckets of eight with tags, chained when full; entries larger than the layout's inline limit in
// blocks of their own. Invalidation as for flat.
template <class Key, class T, class Hash, class KeyEqual, class Allocator>
class unordered_bucket_map
    : public standard::members<layout::bucket_chain<>, Key, T, Hash, KeyEqual, Allocator> {
  using base = standard::members<layout::bucket_chain<>, Key, T, Hash, KeyEqual, Allocator>;

 public:
  using base::base;
  unordered_bucket_map() = default;
  // Declared here, not inherited: else g++ deduces no template arguments from a braced list.
  unordered_bucket_map(std::initializer_list<typename base::value_type> list) requires(
      std::is_constructible_v<base, std::initializer_list<typename base::value_type>>)
      : base(list) {}
  unordered_bucket_map& operator=(std::initializer_list<typename base::value_type> list) requires(
      std::is_assignable_v<base&, std::initializer_list<typename base::value_type>>) {
    base::operator=(list);
    return *this;
  }
  friend void swap(unordered_bucket_map& a, unordered_bucket_map& b) noexcept(noexcept(a.swap(b))) {
    a.swap(b);
  }
};

// The set beside unordered_flat_map.
template <class Key, class Hash, class KeyEqual, class Allocator>
class unordered_flat_set
    : public standard::members<layout::open_groups<>, Key, void, Hash, KeyEqual, Allocator> {
  using base = standard::members<layout::open_groups<>, Key, void, Hash, KeyEqual, Allocator>;

 public:
  using base::base;
  unordered_flat_set() = default;
  // Declared here, not inherited: else g++ deduces no template arguments from a braced list.
  unordered_flat_set(std::initializer_list<typename base::value_type> list) requires(
      std::is_constructible_v<base, std::initializer_list<typename base::value_type>>)
      : base(list) {}
  unordered_flat_set& operator=(std::initializer_list<typename base::value_type> list) requires(
      std::is_assignable_v<base&, std::initializer_list<typename base::value_type>>) {
    base::operator=(list);
    return *this;
  }
  friend void swap(unordered_flat_set& a, unordered_flat_set& b) noexcept(noexcept(a.swap(b))) { a.swap(b); }
};

// The set beside unordered_node_map.
template <class Key, class Hash, class KeyEqual, class Allocator>
class unordered_node_set : public standard::members<layout::nodes, Key, void, Hash, KeyEqual, Allocator> {
  using base = standard::members<layout::nodes, Key, void, Hash, KeyEqual, Allocator>;

 public:
  using base::base;
  unordered_node_set() = default;
  // Declared here, not inherited: else g++ deduces no template arguments from a braced list.
  unordered_node_set(std::initializer_list<typename base::value_type> list) requires(
      std::is_constructible_v<base, std::initializer_list<typename base::value_type>>)
      : base(list) {}
  unordered_node_set& operator=(std::initializer_list<typename base::value_type> list) requires(
      std::is_assignable_v<base&, std::initializer_list<typename base::value_type>>) {
    base::operator=(list);
    return *this;
  }
  friend void swap(unordered_node_set& a, unordered_node_set& b) noexcept(noexcept(a.swap(b))) { a.swap(b); }
};

// The set beside unordered_bucket_map.
template <class Key, class Hash, class KeyEqual, class Allocator>
class unordered_bucket_set
    : public standard::members<layout::bucket_chain<>, Key, void, Hash, KeyEqual, Allocator> {
  using base = standard::members<layout::bucket_chain<>, Key, void, Hash, KeyEqual, Allocator>;

 public:
  using base::base;
  unordered_bucket_set() = default;
  // Declared here, not inherited: else g++ deduces no template arguments from a braced list.
  unordered_bucket_set(std::initializer_list<typename base::value_type> list) requires(
      std::is_constructible_v<base, std::initializer_list<typename base::value_type>>)
      : base(list) {}
  unordered_bucket_set& operator=(std::initializer_list<typename base::value_type> list) requires(
      std::is_assignable_v<base&, std::initializer_list<typename base::value_type>>) {
    base::operator=(list);
    return *this;
  }
  friend void swap(unordered_bucket_set& a, unordered_bucket_set& b) noexcept(noexcept(a.swap(b))) {
    a.swap(b);
  }
};

// ---- deduction guides: the standard's
// ------------------------------------------------------------------------------

#define TOPHASH_MAP_GUIDES(name)                                                                             \
  template <table::input_iterator It, standard::hash_argument Hash = std::hash<standard::key_of<It>>,        \
            standard::equality_argument KeyEqual = std::equal_to<standard::key_of<It>>,                      \
            standard::allocator_argument Allocator = std::allocator<standard::entry_of<It>>>                 \
  name(It, It, std::size_t = 0, Hash = Hash(), KeyEqual = KeyEqual(), Allocator = Allocator())               \
      -> name<standard::key_of<It>, standard::mapped_of<It>, Hash, KeyEqual, Allocator>;                     \
  template <class Key, class T, standard::hash_argument Hash = std::hash<Key>,                               \
            standard::equality_argument KeyEqual = std::equal_to<Key>,                                       \
            standard::allocator_argument Allocator = std::allocator<std::pair<const Key, T>>>                \
  name(std::initializer_list<std::pair<Key, T>>, std::size_t = 0, Hash = Hash(), KeyEqual = KeyEqual(),      \
       Allocator = Allocator()) -> name<Key, T, Hash, KeyEqual, Allocator>;                                  \
  template <table::input_iterator It, standard::allocator_argument Allocator>                                \
  name(It, It, std::size_t, Allocator)                                                                       \
      -> name<standard::key_of<It>, standard::mapped_of<It>, std::hash<standard::key_of<It>>,                \
              std::equal_to<standard::key_of<It>>, Allocator>;                                               \
  template <table::input_iterator It, standard::allocator_argument Allocator>                                \
  name(It, It, Allocator)                                                                                    \
      -> name<standard::key_of<It>, standard::mapped_of<It>, std::hash<standard::key_of<It>>,                \
              std::equal_to<standard::key_of<It>>, Allocator>;                                               \
  template <table::input_iterator It, standard::hash_argument Hash, standard::allocator_argument Allocator>  \
  name(It, It, std::size_t, Hash, Allocator) -> name<standard::key_of<It>, standard::mapped_of<It>, Hash,    \
                                                     std::equal_to<standard::key_of<It>>, Allocator>;        \
  template <class Key, class T, standard::allocator_argument Allocator>                                      \
  name(std::initializer_list<std::pair<Key, T>>, std::size_t, Allocator)                                     \
      -> name<Key, T, std::hash<Key>, std::equal_to<Key>, Allocator>;                                        \
  template <class Key, class T, standard::allocator_argument Allocator>                                      \
  name(std::initializer_list<std::pair<Key, T>>, Allocator)                                                  \
      -> name<Key, T, std::hash<Key>, std::equal_to<Key>, Allocator>;                                        \
  template <class Key, class T, standard::hash_argument Hash, standard::allocator_argument Allocator>        \
  name(std::initializer_list<std::pair<Key, T>>, std::size_t, Hash, Allocator)                               \
      -> name<Key, T, Hash, std::equal_to<Key>, Allocator>;                                                  \
  template <class Key, class T, class Hash, class KeyEqual, class Allocator>                                 \
  name(name<Key, T, Hash, KeyEqual, Allocator>, std::type_identity_t<Allocator>)                             \
      -> name<Key, T, Hash, KeyEqual, Allocator>;

#define TOPHASH_SET_GUIDES(name)                                                                             \
  template <table::input_iterator It, standard::hash_argument Hash = std::hash<standard::value_of<It>>,      \
            standard::equality_argument KeyEqual = std::equal_to<standard::value_of<It>>,                    \
            standard::allocator_argument Allocator = std::allocator<standard::value_of<It>>>                 \
  name(It, It, std::size_t = 0, Hash = Hash(), KeyEqual = KeyEqual(), Allocator = Allocator())               \
      -> name<standard::value_of<It>, Hash, KeyEqual, Allocator>;                                            \
  template <class Key, standard::hash_argument Hash = std::hash<Key>,                                        \
            standard::equality_argument KeyEqual = std::equal_to<Key>,                                       \
            standard::allocator_argument Allocator = std::allocator<Key>>                                    \
  name(std::initializer_list<Key>, std::size_t = 0, Hash = Hash(), KeyEqual = KeyEqual(),                    \
       Allocator = Allocator()) -> name<Key, Hash, KeyEqual, Allocator>;                                     \
  template <table::input_iterator It, standard::allocator_argument Allocator>                                \
  name(It, It, std::size_t, Allocator) -> name<standard::value_of<It>, std::hash<standard::value_of<It>>,    \
                                               std::equal_to<standard::value_of<It>>, Allocator>;            \
  template <table::input_iterator It, standard::allocator_argument Allocator>                                \
  name(It, It, Allocator) -> name<standard::value_of<It>, std::hash<standard::value_of<It>>,                 \
                                  std::equal_to<standard::value_of<It>>, Allocator>;                         \
  template <table::input_iterator It, standard::hash_argument Hash, standard::allocator_argument Allocator>  \
  name(It, It, std::size_t, Hash, Allocator)                                                                 \
      -> name<standard::value_of<It>, Hash, std::equal_to<standard::value_of<It>>, Allocator>;               \
  template <class Key, standard::allocator_argument Allocator>                                               \
  name(std::initializer_list<Key>, std::size_t, Allocator)                                                   \
      -> name<Key, std::hash<Key>, std::equal_to<Key>, Allocator>;                                           \
  template <class Key, standard::allocator_argument Allocator>                                               \
  name(std::initializer_list<Key>, Allocator) -> name<Key, std::hash<Key>, std::equal_to<Key>, Allocator>;   \
  template <class Key, standard::hash_argument Hash, standard::allocator_argument Allocator>                 \
  name(std::initializer_list<Key>, std::size_t, Hash, Allocator)                                             \
      -> name<Key, Hash, std::equal_to<Key>, Allocator>;                                                     \
  template <class Key, class Hash, class KeyEqual, class Allocator>                                          \
  name(name<Key, Hash, KeyEqual, Allocator>, std::type_identity_t<Allocator>)                                \
      -> name<Key, Hash, KeyEqual, Allocator>;

TOPHASH_MAP_GUIDES(unordered_flat_map)
TOPHASH_MAP_GUIDES(unordered_node_map)
TOPHASH_MAP_GUIDES(unordered_bucket_map)
TOPHASH_SET_GUIDES(unordered_flat_set)
TOPHASH_SET_GUIDES(unordered_node_set)
TOPHASH_SET_GUIDES(unordered_bucket_set)

#undef TOPHASH_MAP_GUIDES
#undef TOPHASH_SET_GUIDES

// ---- the same on a memory resource
// ---------------------------------------------------------------------------------

namespace pmr {

template <class Key, class T, class Hash = std::hash<Key>, class KeyEqual = std::equal_to<Key>>
using unordered_flat_map =
    tophash::unordered_flat_map<Key, T, Hash, KeyEqual,
                                std::pmr::polymorphic_allocator<std::pair<const Key, T>>>;

template <class Key, class T, class Hash = std::hash<Key>, class KeyEqual = std::equal_to<Key>>
using unordered_node_map =
    tophash::unordered_node_map<Key, T, Hash, KeyEqual,
                                std::pmr::polymorphic_allocator<std::pair<const Key, T>>>;

template <class Key, class T, class Hash = std::hash<Key>, class KeyEqual = std::equal_to<Key>>
using unordered_bucket_map =
    tophash::unordered_bucket_map<Key, T, Hash, KeyEqual,
                                  std::pmr::polymorphic_allocator<std::pair<const Key, T>>>;

template <class Key, class Hash = std::hash<Key>, class KeyEqual = std::equal_to<Key>>
using unordered_flat_set =
    tophash::unordered_flat_set<Key, Hash, KeyEqual, std::pmr::polymorphic_allocator<Key>>;

template <class Key, class Hash = std::hash<Key>, class KeyEqual = std::equal_to<Key>>
using unordered_node_set =
    tophash::unordered_node_set<Key, Hash, KeyEqual, std::pmr::polymorphic_allocator<Key>>;

template <class Key, class Hash = std::hash<Key>, class KeyEqual = std::equal_to<Key>>
using unordered_bucket_set =
    tophash::unordered_bucket_set<Key, Hash, KeyEqual, std::pmr::polymorphic_allocator<Key>>;

}  // namespace pmr

}  // namespace tophash::inline v1

#endif
