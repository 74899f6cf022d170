// SPDX-License-Identifier: Apache-2.0
// basic_map for specs whose sync option synchronises: what names a mapped value. The rest is
// synchronised.hpp.
#ifndef TOPHASH_FRAMEWORK_SHARED_SHARED_MAP_HPP
#define TOPHASH_FRAMEWORK_SHARED_SHARED_MAP_HPP

#include <cstddef>
#include <initializer_list>
#include <mutex>
#include <tuple>
#include <type_traits>
#include <utility>

#include <tophash/framework/compose/rules.hpp>
#include <tophash/framework/map.hpp>
#include <tophash/framework/shared/synchronised.hpp>
#include <tophash/framework/shared/unshared.hpp>

namespace tophash::inline v1 {

template <class Key, class T, class Spec>
  requires(facts_of<Spec>().sync.shared)
class basic_map<Key, T, Spec>
    : public shared::synchronised<basic_map<Key, T, shared::unshared<Spec>>, facts_of<Spec>().sync> {
  using table_map = basic_map<Key, T, shared::unshared<Spec>>;
  using base = shared::synchronised<table_map, facts_of<Spec>().sync>;
  using typename base::token_type;

 public:
  using mapped_type = T;
  using spec_type = Spec;
  using typename base::size_type;
  using typename base::value_type;

  using base::base;
  basic_map() = default;
  basic_map(const basic_map&) = default;
  basic_map(basic_map&&) = default;
  ~basic_map() = default;
  basic_map& operator=(const basic_map&) = default;
  basic_map& operator=(basic_map&&) = default;

  void swap(basic_map& other) noexcept { this->swap_with(other); }
  friend void swap(basic_map& a, basic_map& b) noexcept { a.swap(b); }

  // ---- insertion: true if the key is new
  // -----------------------------------------------------------------------------

  bool insert(const value_type& v) { return try_emplace(v.first, v.second); }
  bool insert(value_type&& v) { return try_emplace(v.first, std::move(v.second)); }
  // How many were new.
  template <table::input_iterator It>
  size_type insert(It first, It last) {
    if constexpr (base::stripes == 1) {
      const std::unique_lock held(this->at(0).lock);
      return this->at(0).table.insert_many(first, last);
    } else {
      size_type fresh = 0;
      for (; first != last; ++first) fresh += insert(*first) ? 1 : 0;
      return fresh;
    }
  }
  size_type insert(std::initializer_list<value_type> list) { return insert(list.begin(), list.end()); }

  template <class... Args>
  bool try_emplace(const Key& key, Args&&... args) {
    return emplace_any(key, std::forward<Args>(args)...);
  }
  template <class... Args>
  bool try_emplace(Key&& key, Args&&... args) {
    return emplace_any(std::move(key), std::forward<Args>(args)...);
  }
  template <class K, class... Args>
    requires(base::template lookup_key<K>)
  bool try_emplace(K&& key, Args&&... args) {
    return emplace_any(std::forward<K>(key), std::forward<Args>(args)...);
  }

  template <class V>
    requires std::is_assignable_v<T&, V&&>
  bool insert_or_assign(const Key& key, V&& value) { return assign_any(key, std::forward<V>(value)); }
  template <class V>
    requires std::is_assignable_v<T&, V&&>
  bool insert_or_assign(Key&& key, V&& value) { return assign_any(std::move(key), std::forward<V>(value)); }

  // If the key is there, f(value) is called instead, within the same lock.
  template <class F>
  bool insert_or_visit(const value_type& v, F&& f) {
    return emplace_or_visit(f, v.first, v.second);
  }
  template <class F>
  bool insert_or_visit(value_type&& v, F&& f) {
    return emplace_or_visit(f, v.first, std::move(v.second));
  }
  template <class F>
  bool insert_or_cvisit(const value_type& v, F&& f) {
    return emplace_or_visit(as_read(f), v.first, v.second);
  }
  // The arguments of the value, then f.
  template <class... ArgsThenF>
    requires(sizeof...(ArgsThenF) > 0)
  bool try_emplace_or_visit(const Key& key, ArgsThenF&&... rest) {
    return last_first<false>(key, std::forward_as_tuple(std::forward<ArgsThenF>(rest)...),
                             std::make_index_sequence<sizeof...(ArgsThenF) - 1>{});
  }
  template <class... ArgsThenF>
    requires(sizeof...(ArgsThenF) > 0)
  bool try_emplace_or_cvisit(const Key& key, ArgsThenF&&... rest) {
    return last_first<true>(key, std::forward_as_tuple(std::forward<ArgsThenF>(rest)...),
                            std::make_index_sequence<sizeof...(ArgsThenF) - 1>{});
  }

  // ---- without waiting, and without std::bad_alloc
  // --------------------------------------------------------------------

  attempt try_insert(const value_type& v) {
    return this->try_with(this->token_of(v.first), [&](table_map& t) -> attempt {
      const auto r = t.try_insert(v);
      return {.locked = true, .allocated = r.allocated, .done = r.inserted};
    });
  }
  // done: inserted or assigned.
  template <class V>
    requires std::is_assignable_v<T&, V&&> attempt try_insert_or_assign(const Key& key, V&& value) {
      return this->try_with(this->token_of(key), [&](table_map& t) -> attempt {
        const auto r = t.try_insert_or_assign(key, std::forward<V>(value));
        return {.locked = true, .allocated = r.allocated, .done = r.allocated};
      });
    }

  // Of one moment each, one after the other.
  friend bool operator==(const basic_map& a, const basic_map& b) {
    if (&a == &b) return true;
    const basic_map mine(a), other(b);
    if (mine.size() != other.size()) return false;
    return mine.cvisit_while([&other](const auto& entry) {
      bool same = false;
      other.cvisit(entry.first, [&](const auto& there) { same = there.second == entry.second; });
      return same;
    });
  }

 private:
  template <class K, class... Args>
  bool emplace_any(K&& key, Args&&... args) {
    const token_type token = this->token_of(key);
    return this->with(token, [&](table_map& t) {
      return t.try_emplace_hashed(token, std::forward<K>(key), std::forward<Args>(args)...).second;
    });
  }
  template <class K, class V>
  bool assign_any(K&& key, V&& value) {
    const token_type token = this->token_of(key);
    return this->with(token, [&](table_map& t) {
      const auto r = t.try_emplace_hashed(token, std::forward<K>(key), std::forward<V>(value));
      if (!r.second) (*r.first).second = std::forward<V>(value);
      return r.second;
    });
  }
  template <class F, class K, class... Args>
  bool emplace_or_visit(F&& f, K&& key, Args&&... args) {
    const token_type token = this->token_of(key);
    return this->with(token, [&](table_map& t) {
      const auto r = t.try_emplace_hashed(token, std::forward<K>(key), std::forward<Args>(args)...);
      if (!r.second) {
        auto&& entry = *r.first;
        f(entry);
      }
      return r.second;
    });
  }
  template <class F>
  static auto as_read(F& f) {
    return [&f](const auto& entry) { f(entry); };
  }
  template <bool Reads, class Rest, std::size_t... I>
  bool last_first(const Key& key, Rest&& rest, std::index_sequence<I...>) {
    auto& f = std::get<sizeof...(I)>(rest);
    if constexpr (Reads) {
      return emplace_or_visit(as_read(f), key, std::get<I>(std::move(rest))...);
    } else {
      return emplace_or_visit(f, key, std::get<I>(std::move(rest))...);
    }
  }
};

// As the member: stripe by stripe.
template <class Key, class T, class Spec, class Predicate>
  requires(facts_of<Spec>().sync.shared)
std::size_t erase_if(basic_map<Key, T, Spec>& m, Predicate predicate) { return m.erase_if(predicate); }

}  // namespace tophash::inline v1

#endif
