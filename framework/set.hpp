// SPDX-License-Identifier: Apache-2.0
// tophash::set: a hash set composed from policies. The same options, layouts and guarantees as tophash::map
// (see there); a slot holds a key and nothing else.
#ifndef TOPHASH_FRAMEWORK_SET_HPP
#define TOPHASH_FRAMEWORK_SET_HPP

#include <cstddef>
#include <initializer_list>
#include <type_traits>
#include <utility>

#include <tophash/framework/fwd.hpp>
#include <tophash/framework/presets/defaults.hpp>
#include <tophash/framework/table/chained.hpp>
#include <tophash/framework/table/container.hpp>
#include <tophash/framework/table/directory/table.hpp>
#include <tophash/framework/table/open/table.hpp>

namespace tophash::inline v1 {

template <class Key, class Spec>
class basic_set
    : public table::container<Key, void, typename typed_resolution<Key, void, Spec, presets::fallback>::type> {
  static_assert(std::is_object_v<Key> && !std::is_const_v<Key>, "Key is an object type");
  static_assert(!facts_of<Spec>().sync.shared, "tophash[sync]: a set that threads share is another class: include <tophash/shared_map.hpp>");
  using base = table::container<Key, void, typename typed_resolution<Key, void, Spec, presets::fallback>::type>;
  using typename base::B;
  using base::s_;

 public:
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

  using base::base;
  basic_set() = default;
  basic_set(const basic_set&) = default;
  basic_set(basic_set&&) = default;
  basic_set(const basic_set& other, const allocation_type& handle) : base(other, handle) {}
  basic_set(basic_set&& other, const allocation_type& handle) : base(std::move(other), handle) {}
  ~basic_set() = default;
  basic_set& operator=(const basic_set&) = default;
  basic_set& operator=(basic_set&&) = default;

  template <table::input_iterator It, class... Policies>
    requires(policy_of<std::remove_cvref_t<Policies>, spec_type> && ...)
  basic_set(It first, It last, size_type entries, Policies&&... given) : base(entries, std::forward<Policies>(given)...) {
    insert(first, last);
  }
  template <table::input_iterator It, class... Policies>
    requires(policy_of<std::remove_cvref_t<Policies>, spec_type> && ...)
  basic_set(It first, It last, Policies&&... given) : basic_set(first, last, size_type{0}, std::forward<Policies>(given)...) {}
  template <class... Policies>
    requires(policy_of<std::remove_cvref_t<Policies>, spec_type> && ...)
  basic_set(std::initializer_list<value_type> list, size_type entries, Policies&&... given)
      : basic_set(list.begin(), list.end(), entries, std::forward<Policies>(given)...) {}
  template <class... Policies>
    requires(sizeof...(Policies) > 0 && (policy_of<std::remove_cvref_t<Policies>, spec_type> && ...))
  basic_set(std::initializer_list<value_type> list, Policies&&... given)
      : basic_set(list.begin(), list.end(), size_type{0}, std::forward<Policies>(given)...) {}
  basic_set(std::initializer_list<value_type> list) : basic_set(list.begin(), list.end(), size_type{0}) {}

  // Strong guarantee.
  basic_set& operator=(std::initializer_list<value_type> list) {
    const typename base::marked writing(s_);
    basic_set fresh(*this, only_policies{});
    fresh.insert(list.begin(), list.end());
    this->take_over(fresh);
    return *this;
  }

  void swap(basic_set& other) noexcept(base::nothrow_access) { this->swap_with(other); }
  friend void swap(basic_set& a, basic_set& b) noexcept(base::nothrow_access) { a.swap(b); }

  std::pair<found_iterator, bool> insert(const Key& key) { return insert_any(table::hash_of(s_, key), key); }
  std::pair<found_iterator, bool> insert(Key&& key) {
    return insert_any(table::hash_of(s_, key), std::move(key));
  }
  template <class K>
    requires(base::template lookup_key<K>)
  std::pair<found_iterator, bool> insert(K&& key) {
    return insert_any(table::hash_of(s_, key), std::forward<K>(key));
  }
  found_iterator insert(hint, const Key& key) { return insert(key).first; }
  found_iterator insert(hint, Key&& key) { return insert(std::move(key)).first; }
  template <table::input_iterator It>
  void insert(It first, It last) {
    if (this->empty()) {
      if (const size_type n = base::announced(first, last); n != 0) this->reserve(n);
    }
    for (; first != last; ++first) emplace(*first);
  }
  void insert(std::initializer_list<value_type> list) { insert(list.begin(), list.end()); }

  template <class... Args>
  std::pair<found_iterator, bool> emplace(Args&&... args) {
    if constexpr (sizeof...(Args) == 1 && (std::is_same_v<std::remove_cvref_t<Args>, Key> && ...)) {
      return insert(std::forward<Args>(args)...);
    } else {
      return insert(Key(std::forward<Args>(args)...));
    }
  }
  template <class... Args>
  found_iterator emplace_hint(hint, Args&&... args) {
    return emplace(std::forward<Args>(args)...).first;
  }
  template <class K>
    requires(std::is_same_v<std::remove_cvref_t<K>, Key> || base::template lookup_key<K>)
  std::pair<found_iterator, bool> insert_hashed(token_type token, K&& key) {
    return insert_any(this->hash_of_token(token), std::forward<K>(key));
  }

  try_insert_result try_insert(const Key& key) {
    const std::uint64_t hash = table::hash_to_insert(s_, table::hash_of(s_, key), key);
    const typename base::marked writing(s_);
    return this->result_or_false(insert_if_absent(s_, hash, key), hash);
  }
  // False: memory ran out and this set is as before.
  [[nodiscard]] bool try_assign(const basic_set& other) {
    if (this == &other) return true;
    const typename base::marked writing(s_);
    check_iteration(base::state_of(other));
    basic_set fresh(other, only_policies{}, this->allocation());
    if (copy_entries(fresh.s_, other.s_) != table::growth_result::done) return false;
    this->take_over(fresh);
    return true;
  }

  friend bool operator==(const basic_set& a, const basic_set& b) {
    if (a.size() != b.size()) return false;
    for (const Key& key : a) {
      if (!b.contains(key)) return false;
    }
    return true;
  }

 private:
  struct only_policies {};
  basic_set(const basic_set& from, only_policies) : basic_set(from, only_policies{}, from.allocation()) {}
  basic_set(const basic_set& from, only_policies, const allocation_type& handle)
      : base(typename base::policies_only{}, from, handle) {}

  template <class K>
  std::pair<found_iterator, bool> insert_any(std::uint64_t hash, K&& key) {
    hash = table::hash_to_insert(s_, hash, key);
    const typename base::marked writing(s_);
    return this->find_or_insert(hash, std::forward<K>(key));
  }
};

// A set composed from options, in any order.
template <class Key, class... Options>
using set = basic_set<Key, compose<Options...>>;

// Erases every key for which the predicate holds; returns how many. Moves nothing.
template <class Key, class Spec, class Predicate>
std::size_t erase_if(basic_set<Key, Spec>& s, Predicate predicate) {
  return table::erase_entries_if(s, predicate);
}

}  // namespace tophash::inline v1

#endif
