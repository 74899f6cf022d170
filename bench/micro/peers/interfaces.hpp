// SPDX-License-Identifier: Apache-2.0
// What the workloads ask of a map, spelt for each family of interfaces. Values are words, alone or at the
// head of a larger value, so that a lookup touches the value and no more of it than a user would.
#ifndef TOPHASH_BENCH_MICRO_PEERS_INTERFACES_HPP
#define TOPHASH_BENCH_MICRO_PEERS_INTERFACES_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace tophash::peers {

template <std::size_t Bytes>
struct large_value {
  std::uint64_t words[Bytes / sizeof(std::uint64_t)];
};

// Every word is written: g++ zeroes the rest of a large value with a string instruction, and what reads the value
// then waits until all stores before it have left the processor's store buffer. A map whose entries are far apart
// would pay for that, at every insert, and one that hands out neighbouring nodes would not.
template <class T>
inline T value_of(std::uint64_t word) noexcept {
  if constexpr (sizeof(T) == sizeof(word)) {
    return word;
  } else {
    T value;
    for (std::uint64_t& each : value.words) each = word;
    return value;
  }
}
inline std::uint64_t& word_of(std::uint64_t& value) noexcept { return value; }
inline const std::uint64_t& word_of(const std::uint64_t& value) noexcept { return value; }
template <std::size_t Bytes>
inline std::uint64_t& word_of(large_value<Bytes>& value) noexcept {
  return value.words[0];
}
template <std::size_t Bytes>
inline const std::uint64_t& word_of(const large_value<Bytes>& value) noexcept {
  return value.words[0];
}

// std::unordered_map's of C++17.
template <class Map>
struct std_interface {
  using map = Map;
  using key = typename Map::key_type;
  using value = typename Map::mapped_type;
  static constexpr bool reserves = true;

  static void prepare(map&) {}
  static void reserve(map& m, std::size_t n) { m.reserve(n); }
  static bool insert(map& m, const key& k, std::uint64_t word) {
    return m.try_emplace(k, value_of<value>(word)).second;
  }
  static void assign(map& m, const key& k, std::uint64_t word) {
    m.insert_or_assign(k, value_of<value>(word));
  }
  static bool add_found(const map& m, const key& k, std::uint64_t& sum) {
    const auto it = m.find(k);
    if (it == m.end()) return false;
    sum += word_of(it->second);
    return true;
  }
  static bool contains(const map& m, const key& k) { return m.find(k) != m.end(); }
  static std::uint64_t erase(map& m, const key& k) { return m.erase(k); }
};

// google::dense_hash_map: two keys must be set aside before use (inputs.cpp makes neither), and values are
// overwritten through operator[].
template <class Map>
struct dense_interface : std_interface<Map> {
  using base = std_interface<Map>;
  using typename base::key;
  using typename base::map;
  using typename base::value;

  static void prepare(map& m) {
    if constexpr (requires(key k) { k.size(); }) {
      m.set_empty_key(key());
      m.set_deleted_key(key(1, '\x01'));
    } else {
      m.set_empty_key(~key{0});
      m.set_deleted_key(~key{1});
    }
  }
  static void reserve(map& m, std::size_t n) { m.resize(n); }
  static bool insert(map& m, const key& k, std::uint64_t word) {
    return m.insert(typename Map::value_type(k, value_of<value>(word))).second;
  }
  static void assign(map& m, const key& k, std::uint64_t word) { m[k] = value_of<value>(word); }
};

// __gnu_pbds: no reserve, unless a resize policy of one's own is written.
template <class Map>
struct pbds_interface : std_interface<Map> {
  using base = std_interface<Map>;
  using typename base::key;
  using typename base::map;
  using typename base::value;
  static constexpr bool reserves = false;

  static bool insert(map& m, const key& k, std::uint64_t word) {
    return m.insert(std::make_pair(k, value_of<value>(word))).second;
  }
  static void assign(map& m, const key& k, std::uint64_t word) { m[k] = value_of<value>(word); }
  static std::uint64_t erase(map& m, const key& k) { return m.erase(k) ? 1 : 0; }
};

}  // namespace tophash::peers

#endif
