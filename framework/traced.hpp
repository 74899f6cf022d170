// SPDX-License-Identifier: Apache-2.0
// tophash::traced<Map>: a map or set of any library that writes down what it is asked to do, as a trace that
// `tophash replay` runs over other maps and allocators.
//
//   tophash::observe::trace_writer trace("operations.csv");             // outlives the map
//   tophash::traced<std::unordered_map<std::string, int>> words{trace};  // then used as before
//
// It is a Map, with the same members; those that look for a key are counted as
//   g   find, at, contains, count, equal_range; operator[], insert, emplace, try_emplace of a present key
//   s   an insertion that took place; insert_or_assign
//   d   erase, extract; by key also of a key that was not there
//   c   clear
// each after the fact: an operation that throws is not recorded. A range, a list and merge are recorded entry
// by entry (a range is inserted entry by entry too, in the order of the range). Iterating, reserving and asking
// for the size read no key and are not recorded. erase_if(m, p) is; std::erase_if(m, p) goes past it, as does
// everything that is called through a reference to Map.
//
// Keys: an integer, enumerator or pointer is written as a number, anything else as what Map's own hash
// function says of it: its text is not in the trace, and two keys of one hash become one. Sizes of sets are
// sizeof(mapped_type), of a set type 0.
//
// The recording belongs to the object: a copy is not recorded; a map that is moved from stops recording, and
// one that is constructed from it goes on; assigning to a recorded map is recorded as a clear and a set for
// each new entry; swapping two records both so. A Map that is handed over with entries begins with a set for
// each.
// Map has unique keys. Threads: the writer takes rows from any number; the map is as safe as Map.
#ifndef TOPHASH_FRAMEWORK_TRACED_HPP
#define TOPHASH_FRAMEWORK_TRACED_HPP

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <type_traits>
#include <utility>

#include <tophash/policies/observe/trace_writer.hpp>

namespace tophash::inline v1 {

template <class Map>
class traced : public Map {
 public:
  using typename Map::const_iterator;
  using typename Map::iterator;
  using typename Map::key_type;
  using typename Map::size_type;
  using typename Map::value_type;

 private:
  using writer_type = observe::trace_writer;

  template <class X>
  static constexpr bool is_position =
      !std::is_same_v<std::remove_cvref_t<X>, key_type> &&
      (std::convertible_to<X, const_iterator> || std::convertible_to<X, iterator> ||
       std::is_same_v<std::remove_cvref_t<X>,
                      decltype(std::declval<Map&>().find(std::declval<const key_type&>()))> ||
       std::is_same_v<std::remove_cvref_t<X>,
                      decltype(std::declval<const Map&>().find(std::declval<const key_type&>()))>);

  // Looked up without being made a Key.
  template <class K>
  static constexpr bool foreign_key =
      !is_position<K> && !std::same_as<std::remove_cvref_t<K>, key_type> && !std::convertible_to<K, key_type> &&
      requires(const Map& m, const K& key) { m.find(key); };

 public:

  // ---- construction; without a writer nothing is recorded

  traced() = default;
  explicit traced(writer_type& to) : writer_(&to) {}
  // The rest as for Map.
  template <class... Args>
    requires(sizeof...(Args) > 0 && std::constructible_from<Map, Args...>)
  traced(writer_type& to, Args&&... args) : Map(std::forward<Args>(args)...), writer_(&to) {
    record_entries();
  }
  traced(writer_type& to, std::initializer_list<value_type> list) : Map(list), writer_(&to) {
    record_entries();
  }
  traced(const traced& other) : Map(other) {}
  traced(traced&& other) noexcept(std::is_nothrow_move_constructible_v<Map>)
      : Map(static_cast<Map&&>(other)), writer_(std::exchange(other.writer_, nullptr)) {}
  ~traced() = default;

  traced& operator=(const traced& other) {
    Map::operator=(other);
    record_replacement();
    return *this;
  }
  traced& operator=(traced&& other) noexcept(std::is_nothrow_move_assignable_v<Map>) {
    if (this == &other) return *this;
    Map::operator=(static_cast<Map&&>(other));
    record_replacement();
    other.record_replacement();
    return *this;
  }
  traced& operator=(std::initializer_list<value_type> list) {
    Map::operator=(list);
    record_replacement();
    return *this;
  }
  void swap(traced& other) noexcept(noexcept(std::declval<Map&>().swap(std::declval<Map&>()))) {
    Map::swap(other);
    record_replacement();
    other.record_replacement();
  }
  friend void swap(traced& a, traced& b) noexcept(noexcept(a.swap(b))) { a.swap(b); }

  writer_type* writer() const noexcept { return writer_; }
  // What is there is recorded as sets. Null ends the recording.
  void record_to(writer_type* to) noexcept {
    writer_ = to;
    record_entries();
  }

  // ---- lookup; what is no Key and converts to none goes to Map's transparent overloads

  auto find(const key_type& key) { return asked(key, Map::find(key)); }
  auto find(const key_type& key) const { return asked(key, Map::find(key)); }
  bool contains(const key_type& key) const { return asked(key, Map::contains(key)); }
  size_type count(const key_type& key) const { return asked(key, Map::count(key)); }
  auto equal_range(const key_type& key) { return asked(key, Map::equal_range(key)); }
  auto equal_range(const key_type& key) const { return asked(key, Map::equal_range(key)); }
  template <class K>
    requires foreign_key<K>
  auto find(const K& key) {
    return asked(key, Map::find(key));
  }
  template <class K>
    requires foreign_key<K>
  auto find(const K& key) const {
    return asked(key, Map::find(key));
  }
  template <class K>
    requires foreign_key<K>
  bool contains(const K& key) const {
    return asked(key, Map::contains(key));
  }
  template <class K>
    requires foreign_key<K>
  size_type count(const K& key) const {
    return asked(key, Map::count(key));
  }
  template <class K>
    requires foreign_key<K>
  auto equal_range(const K& key) const {
    return asked(key, Map::equal_range(key));
  }
  template <class M = Map>
  typename M::mapped_type& at(const key_type& key) {
    auto& value = M::at(key);
    note_get(number_of(key));
    return value;
  }
  template <class M = Map>
  const typename M::mapped_type& at(const key_type& key) const {
    const auto& value = M::at(key);
    note_get(number_of(key));
    return value;
  }
  template <class M = Map>
  typename M::mapped_type& operator[](const key_type& key) {
    return subscript(key);
  }
  template <class M = Map>
  typename M::mapped_type& operator[](key_type&& key) {
    return subscript(std::move(key));
  }

  // ---- insertion

  auto insert(const value_type& entry) { return inserted(Map::insert(entry)); }
  auto insert(value_type&& entry) { return inserted(Map::insert(std::move(entry))); }
  // A node handle, or what a value can be made of.
  template <class P>
    requires requires(Map& m, P&& p) { m.insert(std::forward<P>(p)); }
  auto insert(P&& entry) {
    return inserted(Map::insert(std::forward<P>(entry)));
  }
  // A hint and an entry, or a range.
  template <class First, class Second>
    requires requires(Map& m, First&& a, Second&& b) {
      m.insert(std::forward<First>(a), std::forward<Second>(b));
    }
  auto insert(First&& first, Second&& second) {
    using answer = decltype(Map::insert(std::forward<First>(first), std::forward<Second>(second)));
    if constexpr (std::is_void_v<answer>) {
      for (auto at = first; at != second; ++at) insert(*at);
    } else {
      const size_type before = this->size();
      return hinted(before, Map::insert(std::forward<First>(first), std::forward<Second>(second)));
    }
  }
  auto insert(const_iterator hint, value_type&& entry) {
    const size_type before = this->size();
    return hinted(before, Map::insert(hint, std::move(entry)));
  }
  void insert(std::initializer_list<value_type> list) {
    for (const value_type& entry : list) insert(entry);
  }
  template <class... Args>
  auto emplace(Args&&... args) {
    return inserted(Map::emplace(std::forward<Args>(args)...));
  }
  template <class... Args>
  auto emplace_hint(const_iterator hint, Args&&... args) {
    const size_type before = this->size();
    return hinted(before, Map::emplace_hint(hint, std::forward<Args>(args)...));
  }
  template <class... Args>
  auto try_emplace(const key_type& key, Args&&... args) {
    return inserted(Map::try_emplace(key, std::forward<Args>(args)...));
  }
  template <class... Args>
  auto try_emplace(key_type&& key, Args&&... args) {
    return inserted(Map::try_emplace(std::move(key), std::forward<Args>(args)...));
  }
  template <class K, class... Args>
    requires(is_position<K> || foreign_key<K>)
  auto try_emplace(K&& hint_or_key, Args&&... args) {
    const size_type before = this->size();
    return hinted(before, Map::try_emplace(std::forward<K>(hint_or_key), std::forward<Args>(args)...));
  }
  template <class V>
  auto insert_or_assign(const key_type& key, V&& value) {
    return assigned(Map::insert_or_assign(key, std::forward<V>(value)));
  }
  template <class V>
  auto insert_or_assign(key_type&& key, V&& value) {
    return assigned(Map::insert_or_assign(std::move(key), std::forward<V>(value)));
  }
  template <class K, class... Args>
    requires(is_position<K> || foreign_key<K>)
  auto insert_or_assign(K&& hint_or_key, Args&&... args) {
    return assigned(Map::insert_or_assign(std::forward<K>(hint_or_key), std::forward<Args>(args)...));
  }

  // ---- erasure

  size_type erase(const key_type& key) {
    const std::uint64_t number = number_of(key);  // the key may lie in the entry
    const size_type erased = Map::erase(key);
    note_erase(number);
    return erased;
  }
  template <class K>
    requires(is_position<K> || foreign_key<K>)
  auto erase(K&& what) {
    const std::uint64_t number = number_of_position_or_key(what);
    if constexpr (std::is_void_v<decltype(Map::erase(std::forward<K>(what)))>) {  // Abseil's, at an iterator
      Map::erase(std::forward<K>(what));
      note_erase(number);
    } else {
      auto result = Map::erase(std::forward<K>(what));
      note_erase(number);
      return result;
    }
  }
  template <class It>
    requires requires(Map& m, It a, It b) { m.erase(a, b); }
  auto erase(It first, It last) {
    if (writer_ != nullptr) {
      for (It at = first; at != last; ++at) note_erase(number_at(at));
    }
    return Map::erase(first, last);
  }
  template <class M = Map>
  auto extract(const key_type& key) {
    const std::uint64_t number = number_of(key);
    auto node = M::extract(key);
    note_erase(number);
    return node;
  }
  template <class K>
    requires(is_position<K> || foreign_key<K>)
  auto extract(K&& what) {
    const std::uint64_t number = number_of_position_or_key(what);
    auto node = Map::extract(std::forward<K>(what));
    note_erase(number);
    return node;
  }
  template <class Other>
    requires requires(Map& m, Other&& other) { m.merge(std::forward<Other>(other)); }
  void merge(Other&& other) {
    if (writer_ != nullptr) {
      for (auto at = other.begin(); at != other.end(); ++at) {
        if (Map::find(key_at(at)) == Map::end()) note_set(number_at(at));
      }
    }
    Map::merge(std::forward<Other>(other));
  }
  void clear() noexcept(noexcept(std::declval<Map&>().clear())) {
    Map::clear();
    if (writer_ != nullptr) writer_->clear();
  }

  template <class Predicate>
  friend size_type erase_if(traced& m, Predicate predicate) {
    const size_type before = m.size();
    for (auto at = m.begin(); at != m.end();) {
      if (!predicate(*at)) {
        ++at;
      } else if constexpr (std::is_void_v<decltype(m.erase(at))>) {
        m.erase(at++);
      } else {
        at = m.erase(at);
      }
    }
    return before - m.size();
  }

 private:
  static constexpr bool maps = requires { typename Map::mapped_type; };

  static constexpr std::size_t value_bytes() noexcept {
    if constexpr (maps) {
      return sizeof(typename Map::mapped_type);
    } else {
      return 0;
    }
  }

  template <class It>
  static decltype(auto) key_at(const It& at) {
    if constexpr (maps) {
      return ((*at).first);
    } else {
      return (*at);
    }
  }
  template <class It>
  std::uint64_t number_at(const It& at) const {
    return writer_ == nullptr ? 0 : number_of(static_cast<const key_type&>(key_at(at)));
  }

  // What stands for a key in the trace.
  template <class K>
  std::uint64_t number_of(const K& key) const {
    if (writer_ == nullptr) return 0;
    if constexpr (std::is_integral_v<key_type> || std::is_enum_v<key_type>) {
      return static_cast<std::uint64_t>(static_cast<key_type>(key));
    } else if constexpr (std::is_pointer_v<key_type>) {
      return reinterpret_cast<std::uintptr_t>(static_cast<key_type>(key));
    } else if constexpr (requires { Map::prehash(key).unseeded(); }) {
      return Map::prehash(key).unseeded();
    } else if constexpr (std::same_as<K, key_type> || requires { Map::hash_function()(key); }) {
      return static_cast<std::uint64_t>(Map::hash_function()(key));
    } else {
      return static_cast<std::uint64_t>(Map::hash_function()(key_type(key)));
    }
  }

  template <class X>
  std::uint64_t number_of_position_or_key(const X& what) const {
    if constexpr (is_position<X>) {
      return number_at(what);
    } else {
      return number_of(what);
    }
  }

  void note_get(std::uint64_t number) const noexcept {
    if (writer_ != nullptr) writer_->get(number);
  }
  void note_set(std::uint64_t number) const noexcept {
    if (writer_ != nullptr) writer_->set(number, value_bytes());
  }
  void note_erase(std::uint64_t number) const noexcept {
    if (writer_ != nullptr) writer_->erase(number);
  }

  template <class K, class Result>
  Result asked(const K& key, Result result) const {
    note_get(number_of(key));
    return result;
  }
  void note_insertion(std::uint64_t number, bool took_place) const noexcept {
    took_place ? note_set(number) : note_get(number);
  }

  // What an insertion answers: pair<iterator, bool>, an iterator (after a hint), or insert_return_type.
  template <class Result>
  static decltype(auto) position_in(const Result& result) {
    if constexpr (requires { result.first; }) {
      return (result.first);
    } else if constexpr (requires { result.position; }) {
      return (result.position);
    } else {
      return (result);
    }
  }
  template <class Result>
  Result inserted(Result result) const {
    if (writer_ == nullptr) return result;
    if constexpr (requires { result.node; }) {
      if (result.inserted || !result.node.empty()) note_insertion(number_at(result.position), result.inserted);
    } else if constexpr (requires { result.inserted; }) {
      note_insertion(number_at(result.position), result.inserted);
    } else {
      note_insertion(number_at(result.first), result.second);
    }
    return result;
  }
  template <class Result>
  Result assigned(Result result) const {
    note_set(number_at(position_in(result)));
    return result;
  }
  template <class Result>
  Result hinted(size_type before, Result result) const {
    if (writer_ != nullptr) note_insertion(number_at(position_in(result)), this->size() != before);
    return result;
  }
  template <class K>
  auto& subscript(K&& key) {
    const std::uint64_t number = number_of(key);
    const size_type before = this->size();
    auto& value = Map::operator[](std::forward<K>(key));
    note_insertion(number, this->size() != before);
    return value;
  }

  void record_entries() {
    if (writer_ == nullptr) return;
    for (auto at = Map::begin(); at != Map::end(); ++at) note_set(number_at(at));
  }
  void record_replacement() {
    if (writer_ != nullptr) writer_->clear();
    record_entries();
  }

  writer_type* writer_ = nullptr;
};

}  // namespace tophash::inline v1

#endif
