// SPDX-License-Identifier: Apache-2.0
// basic_set for specs whose sync option synchronises. Visitors see keys, which nobody changes.
#ifndef TOPHASH_FRAMEWORK_SHARED_SHARED_SET_HPP
#define TOPHASH_FRAMEWORK_SHARED_SHARED_SET_HPP

#include <cstddef>
#include <initializer_list>
#include <utility>

#include <tophash/framework/compose/rules.hpp>
#include <tophash/framework/set.hpp>
#include <tophash/framework/shared/synchronised.hpp>
#include <tophash/framework/shared/unshared.hpp>

namespace tophash::inline v1 {

template <class Key, class Spec>
  requires(facts_of<Spec>().sync.shared)
class basic_set<Key, Spec>
    : public shared::synchronised<basic_set<Key, shared::unshared<Spec>>, facts_of<Spec>().sync> {
  using table_set = basic_set<Key, shared::unshared<Spec>>;
  using base = shared::synchronised<table_set, facts_of<Spec>().sync>;
  using typename base::token_type;

 public:
  using spec_type = Spec;
  using typename base::size_type;
  using typename base::value_type;

  using base::base;
  basic_set() = default;
  basic_set(const basic_set&) = default;
  basic_set(basic_set&&) = default;
  ~basic_set() = default;
  basic_set& operator=(const basic_set&) = default;
  basic_set& operator=(basic_set&&) = default;

  void swap(basic_set& other) noexcept { this->swap_with(other); }
  friend void swap(basic_set& a, basic_set& b) noexcept { a.swap(b); }

  // True if the key is new.
  bool insert(const Key& key) { return insert_any(key); }
  bool insert(Key&& key) { return insert_any(std::move(key)); }
  // How many were new.
  template <table::input_iterator It>
  size_type insert(It first, It last) {
    size_type fresh = 0;
    for (; first != last; ++first) fresh += insert(*first) ? 1 : 0;
    return fresh;
  }
  size_type insert(std::initializer_list<Key> list) { return insert(list.begin(), list.end()); }
  // If it is there, f(key) is called instead, within the same lock.
  template <class F>
  bool insert_or_visit(const Key& key, F&& f) {
    return this->with(this->token_of(key), [&](table_set& t) {
      const auto r = t.insert(key);
      if (!r.second) f(*r.first);
      return r.second;
    });
  }
  attempt try_insert(const Key& key) {
    return this->try_with(this->token_of(key), [&](table_set& t) -> attempt {
      const auto r = t.try_insert(key);
      return {.locked = true, .allocated = r.allocated, .done = r.inserted};
    });
  }

 private:
  template <class K>
  bool insert_any(K&& key) {
    return this->with(this->token_of(key),
                      [&](table_set& t) { return t.insert(std::forward<K>(key)).second; });
  }
};

template <class Key, class Spec, class Predicate>
  requires(facts_of<Spec>().sync.shared)
std::size_t erase_if(basic_set<Key, Spec>& s, Predicate predicate) { return s.erase_if(predicate); }

}  // namespace tophash::inline v1

#endif
