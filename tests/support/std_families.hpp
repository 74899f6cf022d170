// SPDX-License-Identifier: Apache-2.0
// The standard's hash containers and tophash's drop-in ones as families, so that one text tests all: what it
// expects is what the standard's does. And functors and allocators that can be told apart.
#ifndef TOPHASH_TESTS_SUPPORT_STD_FAMILIES_HPP
#define TOPHASH_TESTS_SUPPORT_STD_FAMILIES_HPP

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <memory_resource>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <tophash/std_api.hpp>

namespace tophash::testing {

template <class Key, class T>
using map_heap = std::allocator<std::pair<const Key, T>>;

struct standard_family {
  static constexpr bool has_nodes = true;
  template <class K, class T, class H = std::hash<K>, class E = std::equal_to<K>, class A = map_heap<K, T>>
  using map = std::unordered_map<K, T, H, E, A>;
  template <class K, class H = std::hash<K>, class E = std::equal_to<K>, class A = std::allocator<K>>
  using set = std::unordered_set<K, H, E, A>;
};
struct node_family {
  static constexpr bool has_nodes = true;
  template <class K, class T, class H = std::hash<K>, class E = std::equal_to<K>, class A = map_heap<K, T>>
  using map = tophash::unordered_node_map<K, T, H, E, A>;
  template <class K, class H = std::hash<K>, class E = std::equal_to<K>, class A = std::allocator<K>>
  using set = tophash::unordered_node_set<K, H, E, A>;
};
struct flat_family {
  static constexpr bool has_nodes = false;
  template <class K, class T, class H = std::hash<K>, class E = std::equal_to<K>, class A = map_heap<K, T>>
  using map = tophash::unordered_flat_map<K, T, H, E, A>;
  template <class K, class H = std::hash<K>, class E = std::equal_to<K>, class A = std::allocator<K>>
  using set = tophash::unordered_flat_set<K, H, E, A>;
};
struct bucket_family {
  static constexpr bool has_nodes = false;
  template <class K, class T, class H = std::hash<K>, class E = std::equal_to<K>, class A = map_heap<K, T>>
  using map = tophash::unordered_bucket_map<K, T, H, E, A>;
  template <class K, class H = std::hash<K>, class E = std::equal_to<K>, class A = std::allocator<K>>
  using set = tophash::unordered_bucket_set<K, H, E, A>;
};

// ---- functors with a number
// -------------------------------------------------------------------------------------

struct numbered_hash {
  int number = 0;
  numbered_hash() = default;
  explicit numbered_hash(int of) : number(of) {}
  template <class K>
  std::size_t
  operator()(const K& key) const noexcept {  // noexcept: libstdc++ 12 merges only nodes of one kind
    return std::hash<K>()(key) + static_cast<std::size_t>(number);
  }
};
struct numbered_equal {
  int number = 0;
  numbered_equal() = default;
  explicit numbered_equal(int of) : number(of) {}
  template <class K>
  bool operator()(const K& a, const K& b) const {
    return a == b;
  }
};

struct text_hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>()(text); }
};

// ---- allocators with a number
// -----------------------------------------------------------------------------------

// Blocks in use by the number of the allocator they came from; a block given back to another one is
// remembered.
struct heap_ledger {
  std::map<void*, std::pair<int, std::size_t>> blocks;
  bool wrong = false;
  long fail_after = -1;  // allocations that still succeed; -1: all

  static heap_ledger& one() {
    static heap_ledger ledger;
    return ledger;
  }
  long of(int number) const {
    long n = 0;
    for (const auto& [at, block] : blocks) n += block.first == number ? 1 : 0;
    return n;
  }
};

enum : unsigned { on_copy = 1, on_move = 2, on_swap = 4, on_select = 8 };

// Traits: which of pocca, pocma and pocs hold; with on_select a copied container gets an allocator of number
// 100.
template <class T, unsigned Traits = 0>
struct numbered_heap {
  using value_type = T;
  using propagate_on_container_copy_assignment = std::bool_constant<(Traits & on_copy) != 0>;
  using propagate_on_container_move_assignment = std::bool_constant<(Traits & on_move) != 0>;
  using propagate_on_container_swap = std::bool_constant<(Traits & on_swap) != 0>;
  using is_always_equal = std::false_type;
  template <class U>
  struct rebind {
    using other = numbered_heap<U, Traits>;
  };

  int number = 0;
  numbered_heap() = default;
  explicit numbered_heap(int of) noexcept : number(of) {}
  template <class U>
  explicit(false) numbered_heap(const numbered_heap<U, Traits>& other) noexcept : number(other.number) {}

  T* allocate(std::size_t n) {
    heap_ledger& ledger = heap_ledger::one();
    if (ledger.fail_after == 0) throw std::bad_alloc{};
    if (ledger.fail_after > 0) --ledger.fail_after;
    void* const at = ::operator new (n * sizeof(T), std::align_val_t{alignof(T)});
    ledger.blocks[at] = {number, n * sizeof(T)};
    return static_cast<T*>(at);
  }
  void deallocate(T* at, std::size_t n) noexcept {
    heap_ledger& ledger = heap_ledger::one();
    const auto block = ledger.blocks.find(at);
    if (block == ledger.blocks.end() || block->second != std::pair{number, n * sizeof(T)}) {
      ledger.wrong = true;
    } else {
      ledger.blocks.erase(block);
    }
    ::operator delete (at, std::align_val_t{alignof(T)});
  }
  numbered_heap select_on_container_copy_construction() const {
    return (Traits & on_select) != 0 ? numbered_heap(100) : *this;
  }
  template <class U>
  friend bool operator==(const numbered_heap& a, const numbered_heap<U, Traits>& b) noexcept {
    return a.number == b.number;
  }
};

template <class Map>
std::map<typename Map::key_type, typename Map::mapped_type> sorted_entries(const Map& m) {
  std::map<typename Map::key_type, typename Map::mapped_type> out;
  for (const auto& [key, value] : m) out.emplace(key, value);
  return out;
}

// The container's own check of its structure, where it has one.
template <class C>
const char* fault_of(const C& c) {
  if constexpr (requires { c.check_invariants(); }) {
    return c.check_invariants();
  } else {
    return static_cast<void>(c), nullptr;
  }
}

}  // namespace tophash::testing

#endif
