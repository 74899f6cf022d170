// SPDX-License-Identifier: Apache-2.0
// Nodes of a lock-free chain, and where they come from.
//
//   word   bits 48-63 tag | bits 1-47 address | bit 0: the node that holds this word is deleted
//          The tag counts changes of the word, for those who use it; with the others it stays 0.
//   node   what its reclaimer keeps in it | word next | key | value
//
// All that several threads touch is atomic, so a schedule that goes wrong goes wrong in what it answers: it
// breaks no rule of the language, and the memory of a freed node stays a node's until the pool ends.
#ifndef TOPHASH_BENCH_HAZARDS_NODES_HPP
#define TOPHASH_BENCH_HAZARDS_NODES_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include <tophash/framework/core/checked.hpp>
#include <tophash/framework/core/poison.hpp>

namespace tophash::hazards {

using word = std::uint64_t;

inline constexpr word deleted_bit = 1, tag_step = word{1} << 48, address_bits = tag_step - 2;
// What a freed node points to and calls itself, as Linux' LIST_POISON: no node is there.
inline constexpr word freed_next = word{0xdead00000100} & address_bits;
inline constexpr std::uint64_t freed_key = ~std::uint64_t{0};

constexpr bool is_deleted(word w) noexcept { return (w & deleted_bit) != 0; }
constexpr word address_of(word w) noexcept { return w & address_bits; }
constexpr word tag_of(word w) noexcept { return w & ~(address_bits | deleted_bit); }

template <class Part>
struct basic_node : Part {
  std::atomic<word> next{0};
  std::atomic<std::uint64_t> key{0}, value{0};
};

template <class Node>
word word_of(const Node* n) noexcept {
  const auto w = static_cast<word>(reinterpret_cast<std::uintptr_t>(n));
  TOPHASH_CHECK((w & ~address_bits) == 0, "an address needs more than 48 bits");
  return w;
}
template <class Node>
Node* node_at(word w) noexcept {
  return reinterpret_cast<Node*>(static_cast<std::uintptr_t>(address_of(w)));
}

// Blocks of nodes, given back when the pool ends.
template <class Node>
class node_pool {
 public:
  static constexpr std::size_t block_nodes = 256;

  node_pool() = default;
  node_pool(const node_pool&) = delete;
  node_pool& operator=(const node_pool&) = delete;
  ~node_pool() {
    for (const auto& b : blocks_) unpoison(b.get(), block_nodes * sizeof(Node));
  }

  // Fresh ones to the end of `out`; the one to take first is the last.
  void more(std::vector<Node*>& out) {
    const std::lock_guard held(mutex_);
    blocks_.push_back(std::make_unique<Node[]>(block_nodes));
    for (std::size_t i = block_nodes; i-- > 0;) out.push_back(&blocks_.back()[i]);
  }
  std::size_t nodes() const {
    const std::lock_guard held(mutex_);
    return blocks_.size() * block_nodes;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Node[]>> blocks_;
};

// A thread's free nodes, last in, first out, as in an allocator's thread cache: the address that was freed
// last is the next one given out. That is what makes ABA likely. A free node is marked as such, for who still
// reads it, and poisoned for the address sanitizer; not where those who come late may read it (`Readable`).
template <class Node, bool Readable = false>
class free_nodes {
 public:
  explicit free_nodes(node_pool<Node>& pool) : pool_(pool) {}
  Node* take() {
    if (nodes_.empty()) pool_.more(nodes_);
    Node* const n = nodes_.back();
    nodes_.pop_back();
    unpoison(n, sizeof(Node));
    return n;
  }
  void give(Node* n) {
    if constexpr (!Readable) {
      n->next.store(freed_next, std::memory_order_relaxed);
      n->key.store(freed_key, std::memory_order_relaxed);
      poison(n, sizeof(Node));
    }
    nodes_.push_back(n);
  }
  bool empty() const noexcept { return nodes_.empty(); }

 private:
  node_pool<Node>& pool_;
  std::vector<Node*> nodes_;
};

}  // namespace tophash::hazards

#endif
