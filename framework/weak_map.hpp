// SPDX-License-Identifier: Apache-2.0
// tophash::weak_map: a map that does not keep its keys, or its values, alive. One interface on every collector that has
// a weak_host (gc/weak.hpp); the storage option names it, and its header is included beside this one:
//
//   tophash::weak_map<node*, info*, gc::precise> notes{gc::precise(heap)};             // gc/precise_heap.hpp
//   tophash::weak_map<node*, info*, gc::boehm_weak> notes;                             // gc/boehm_weak.hpp
//   tophash::weak_map<std::string, symbol*, gc::weak_values, gc::boehm_weak> symbols;  // an intern table
//
// Held as gc::ephemerons, gc::weak_keys or gc::weak_values says; without one of these, as ephemerons if the key is a
// pointer and as weak values else. Other options are the map's. Deletion is dirty where the types allow, so that the
// collector's pause only writes tags: what it left is swept by the next insertions, a few entries each.
//
// Lookups answer copies: a pointer into the table would be good until the next collection only. A pointer that was
// looked up keeps nothing by itself: on precise_heap hold it by a root, before the next allocation. Entries go at the
// end of a collection's marking, in no order; until then they can be found although nothing else leads to them.
// Keys and values may be destroyed in any thread that collects. Functions of the user that run inside an operation
// (hash and equality of strong keys, for_each's) must not allocate from the collector. A weak key is hashed and compared
// by address: its object may be gone when the table looks.
//
// Complexity: the map's, and for each cycle of the collector O(entries); an insertion sweeps up to 16 entries.
// Exceptions: the map's; the constructor may throw std::bad_alloc. Threads: those of the collector's storage: gc::precise
// belongs to one; with gc::boehm_weak each operation locks libgc's allocator, and const and other members may run at
// once in registered threads.
#ifndef TOPHASH_FRAMEWORK_WEAK_MAP_HPP
#define TOPHASH_FRAMEWORK_WEAK_MAP_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

#include <tophash/framework/map.hpp>
#include <tophash/gc/weak.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/deletion/immediate.hpp>
#include <tophash/policies/hashing/hash_with.hpp>

namespace tophash::inline v1 {

namespace weak_map_steps {

template <class O>
concept names_weakness = requires {
  O::held;
}
&&std::is_same_v<std::remove_cv_t<decltype(O::held)>, gc::weakness>;

template <class O, class Axis>
consteval bool on_axis() {
  if constexpr (requires { typename O::axis; }) {
    return std::is_same_v<typename O::axis, Axis>;
  } else {
    return false;
  }
}

template <class... Options>
consteval gc::weakness weakness_among(gc::weakness otherwise) {
  gc::weakness held = otherwise;
  const auto look = [&held]<class O>(std::type_identity<O>) {
    if constexpr (names_weakness<O>) held = O::held;
  };
  (look(std::type_identity<Options>{}), ...);
  return held;
}

template <class Hashing>
inline constexpr bool is_functor = false;
template <class F, class Eq>
inline constexpr bool is_functor<hashing::hash_with<F, Eq>> = true;

// The options that are the map's, one by one, and last the deletion if none is named.
template <class Key, class T, class Taken, class... Options>
struct map_of;
template <class Key, class T, class... Taken>
struct map_of<Key, T, bundle<Taken...>> {
  using by_types = std::conditional_t<deferred_destruction<Key> && deferred_destruction<T>, deletion::dirty,
                                      deletion::immediate>;
  static constexpr bool names_deletion = (on_axis<Taken, axes::deletion>() || ...);
  using type = typename std::conditional_t<names_deletion, std::type_identity<map<Key, T, Taken...>>,
                                           std::type_identity<map<Key, T, Taken..., by_types>>>::type;
};
template <class Key, class T, class... Taken, class First, class... Rest>
struct map_of<Key, T, bundle<Taken...>, First, Rest...>
    : std::conditional_t<names_weakness<First>, map_of<Key, T, bundle<Taken...>, Rest...>,
                         map_of<Key, T, bundle<Taken..., First>, Rest...>> {};

// Where no collector removes entries: what a weak map is made of after its assertion has said so, so that nothing else
// is said.
struct no_host {
  template <class Map>
  struct table {
    template <class... Policies>
    explicit table(Policies&&...) noexcept {}
    template <class F>
    auto locked(F&& f) {
      return f();
    }
    Map& operator*() noexcept { return *map; }
    std::uint64_t removed() const noexcept { return 0; }
    Map* map = nullptr;
  };
};
template <class Storage>
struct host_of : std::type_identity<no_host> {};
template <gc::weak_storage Storage>
struct host_of<Storage> : std::type_identity<gc::weak_host<Storage>> {};

}  // namespace weak_map_steps

template <class Key, class T, class... Options>
class weak_map {
  using map_type = typename weak_map_steps::map_of<Key, T, bundle<>, Options...>::type;
  using storage = typename map_type::allocation_type;

 public:
  static constexpr gc::weakness held = weak_map_steps::weakness_among<Options...>(
      std::is_pointer_v<Key> ? gc::weakness::ephemerons : gc::weakness::values);

 private:
  static constexpr bool by_value = held == gc::weakness::values;
  static_assert((std::size_t{weak_map_steps::names_weakness<Options>} + ... + 0) <= 1,
                "tophash[weak_map]: a map is held in one way: weak_keys, weak_values or ephemerons");
  static_assert(std::is_pointer_v<std::conditional_t<by_value, T, Key>>,
                "tophash[weak_map]: the weak side is a plain pointer to an object of the collector: the key of weak_keys and "
                "ephemerons, the value of weak_values");
  static_assert(
      gc::weak_storage<storage>,
      "tophash[weak_map x allocation]: a collector must remove the entries: name its storage, gc::precise or "
      "gc::boehm_weak, and include its header");
  static_assert(
      by_value || !weak_map_steps::is_functor<typename map_type::spec_type::hashing>,
      "tophash[weak_map x hashing]: a weak key is hashed by address; a function that reads the object would "
      "read it after its end");
  using table = typename weak_map_steps::host_of<storage>::type::template table<map_type>;

 public:
  using key_type = Key;
  using mapped_type = T;
  using size_type = std::size_t;
  using allocation_type = storage;

  weak_map() requires std::is_default_constructible_v<storage> : weak_map(storage{}) {}
  // Policies of the map in any order.
  template <class... Policies>
  explicit weak_map(const storage& where, Policies&&... policies)
      : table_(where, held, std::forward<Policies>(policies)...) {}
  weak_map(const weak_map&) = delete;
  weak_map& operator=(const weak_map&) = delete;
  ~weak_map() = default;

  // ---- lookup

  template <class K>
  std::optional<T> find(const K& key) const {
    return table_.locked([&]() -> std::optional<T> {
      const auto at = (*table_).find(key);
      if (at == (*table_).end()) return std::nullopt;
      return std::optional<T>((*at).second);
    });
  }
  // The value, or `otherwise`.
  template <class K>
  T get(const K& key, T otherwise = T{}) const {
    std::optional<T> found = find(key);
    return found ? std::move(*found) : std::move(otherwise);
  }
  template <class K>
  bool contains(const K& key) const {
    return table_.locked([&] { return (*table_).find(key) != (*table_).end(); });
  }
  // f(const Key&, const T&), in no order. It must not use this map.
  template <class F>
  void for_each(F f) const {
    table_.locked([&] {
      for (const auto& [key, value] : *table_) f(key, value);
    });
  }
  // Entries that no collection has removed yet.
  size_type size() const {
    return table_.locked([&] { return (*table_).size(); });
  }
  bool empty() const { return size() == 0; }
  // Entries that collections removed, ever.
  std::uint64_t removed() const {
    return table_.locked([&] { return table_.removed(); });
  }
  map_stats stats() const {
    return table_.locked([&] { return (*table_).stats(); });
  }

  // ---- change

  // False: the key was there, and has the new value.
  template <class K, class V>
  bool insert_or_assign(K&& key, V&& value) {
    return table_.locked([&] {
      sweep_some();
      return (*table_).insert_or_assign(std::forward<K>(key), std::forward<V>(value)).second;
    });
  }
  // False: the key was there, and nothing changes.
  template <class K, class... Args>
  bool try_emplace(K&& key, Args&&... args) {
    return table_.locked([&] {
      sweep_some();
      return (*table_).try_emplace(std::forward<K>(key), std::forward<Args>(args)...).second;
    });
  }
  // The value of the key, or what make() returns, put in: a value, or a handle with get(), which lives until the entry
  // is there. make() may allocate from the collector, and put the same key in: then what it put in is the answer.
  template <class K, class Make>
  T find_or_make(const K& key, Make make) {
    if (std::optional<T> found = find(key)) return std::move(*found);
    auto made = make();
    return table_.locked([&]() -> T {
      sweep_some();
      if constexpr (std::is_convertible_v<decltype(made), T>) {
        return (*(*table_).try_emplace(Key(key), std::move(made)).first).second;
      } else {
        return (*(*table_).try_emplace(Key(key), made.get()).first).second;
      }
    });
  }
  template <class K>
  bool erase(const K& key) {
    return table_.locked([&] { return (*table_).erase(key) != 0; });
  }
  void clear() {
    table_.locked([&] { (*table_).clear(); });
  }
  void reserve(size_type entries) {
    table_.locked([&] { (*table_).reserve(entries); });
  }

 private:
  static constexpr size_type swept_at_once = 16;

  void sweep_some() {
    if constexpr (requires { (*table_).sweep(swept_at_once); }) {
      if (swept_ != table_.removed()) {
        const size_type swept = (*table_).sweep(swept_at_once);
        // Fewer than asked for: nothing is left.
        if (swept < swept_at_once) swept_ = table_.removed();
      }
    }
  }

  // Locking changes nothing that can be seen.
  mutable table table_;
  std::uint64_t swept_ = 0;  // removed() when nothing was left to sweep
};

}  // namespace tophash::inline v1

#endif
