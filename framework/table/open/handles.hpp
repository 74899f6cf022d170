// SPDX-License-Identifier: Apache-2.0
// Entries that leave and enter a table of nodes in the node they live in: extract, insertion of a handle,
// merge, and emplace, which builds a node before it knows whether the table takes it. References to the entry
// stay valid in all of them. A node's hash is of the table that holds it: it is computed anew wherever a node
// comes in.
//
// Strong guarantee: what throws (hash, equality, constructor) or runs out of memory leaves table and node as
// they were.
#ifndef TOPHASH_FRAMEWORK_TABLE_OPEN_HANDLES_HPP
#define TOPHASH_FRAMEWORK_TABLE_OPEN_HANDLES_HPP

#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <tophash/framework/table/open/erase.hpp>
#include <tophash/framework/table/open/insert.hpp>
#include <tophash/framework/table/open/iterator.hpp>

namespace tophash::inline v1::table {

// A binding whose nodes may travel: a dirty entry would have to be told from a live one after its node has
// gone.
template <class B>
inline constexpr bool lends_nodes = B::model::boxed && !B::dirty_kind;

// The entry leaves the table and keeps its node.
template <class B>
typename B::model::node* unlink_node(open_state<B>& s, typename B::slot at, bool in_old) noexcept {
  static_assert(lends_nodes<B>);
  auto* const node = *at.entry;
  --s.size;
  uncount_passed(s, at, in_old);
  close_slot(s, at);
  vacate_slot(s, at, in_old);
  return node;
}

// Takes a node in whose key is known to be absent. Unless the answer is `done`, it is still the caller's.
template <class B>
insert_result<B> link_node(open_state<B>& s, typename B::model::node* node, std::uint64_t hash) {
  static_assert(lends_nodes<B>);
  struct lent : entry_aside<B> {
    using entry_aside<B>::entry_aside;
    ~lent() { this->exists = false; }
  };
  lent aside(s);
  *aside.place_in().entry = node;
  aside.exists = true;
  const insert_result<B> r = adopt_slow(s, hash, aside);
  if (r.inserted) node->hash = hash;
  return r;
}

// Where the key of this node already is, or the node taken in.
template <class B>
insert_result<B> insert_node(open_state<B>& s, typename B::model::node* node, std::uint64_t hash) {
  const auto& key = B::model::key({&node, nullptr});
  const place<B> there = find_entry(s, hash, key);
  tell_probed(s, s.policies.observe, hash, there, events::search::insertion);
  if (there) return {there, false};
  return link_node(s, node, hash);
}

// The key is known only once the entry exists.
template <class B>
struct emplaced {
  insert_result<B> result;
  std::uint64_t hash = 0;
};

template <class B, class... Args>
emplaced<B> emplace_node(open_state<B>& s, Args&&... args) {
  struct unwanted {
    open_state<B>& s;
    typename B::model::unit node = nullptr;
    ~unwanted() {
      if (node != nullptr) end_entry(s, &node);
    }
  };
  unwanted made{s};
  {
    node_aside<B> fresh(s, 0);
    if (fresh.node == nullptr) return {{{}, false, growth_result::no_memory}};
    construct_object(s.policies.allocation, std::addressof(fresh.node->value), std::forward<Args>(args)...);
    fresh.kept = true;
    made.node = fresh.node;
  }
  const std::uint64_t hash = table::hash_of(s, B::model::key({&made.node, nullptr}));
  const insert_result<B> r = insert_node(s, made.node, hash);
  if (r.inserted) made.node = nullptr;
  return {r, hash};
}

template <class B>
typename B::model::node* extract_node(open_state<B>& s, const open_cursor<B>& c) noexcept {
  tell_erased_at(s, c);
  return unlink_node(s, c.at(), lies_in_old(s, c.at()));
}

// Takes over every node of `from` whose key is absent here. `From` may hash and compare differently. If
// something throws or memory runs out, each node is in one of the two.
template <class B, class From>
growth_result merge_nodes(open_state<B>& to, open_state<From>& from) {
  static_assert(std::is_same_v<typename B::model::node, typename From::model::node>);
  for (open_cursor<From> c = first_cursor(from); c;) {
    const open_cursor<From> here = c;
    advance(c);
    const auto& key = From::model::key(here.at());
    const std::uint64_t hash = table::hash_of(to, key);
    if (find_entry(to, hash, key)) continue;
    // The node is in both for a moment, so its hash, which `from` still needs, is put back.
    auto* const node = *here.at().entry;
    const std::uint64_t hash_there = node->hash;
    const insert_result<B> r = link_node(to, node, hash);
    if (r.room != growth_result::done) return r.room;
    node->hash = hash_there;
    static_cast<void>(extract_node(from, here));
    node->hash = hash;
  }
  return growth_result::done;
}

struct from_table {
  explicit from_table() = default;
};

// std::unordered_map's and std::unordered_set's node_type: owns one entry outside any table, or nothing. A
// member of a table's interface whatever its hash and equality; `Allocation` is the backend of which
// `Allocator` is the standard face. Moves are O(1) and leave the source empty. key(), mapped(), value():
// undefined when empty.
template <class Model, class Allocation, class Allocator>
class node_handle_base {
 protected:
  using node = typename Model::node;

 public:
  using allocator_type = Allocator;

  constexpr node_handle_base() noexcept = default;
  node_handle_base(node_handle_base&& other) noexcept
      : node_(std::exchange(other.node_, nullptr)), allocation_(std::move(other.allocation_)) {
    other.allocation_.reset();
  }
  node_handle_base& operator=(node_handle_base&& other) noexcept {
    if (this == &other) return *this;
    destroy();
    const bool takes_handle = propagates_on_move<Allocation>() || !allocation_.has_value();
    node_ = std::exchange(other.node_, nullptr);
    if (takes_handle) replace_allocation(other.allocation_);
    other.allocation_.reset();
    return *this;
  }
  ~node_handle_base() { destroy(); }

  [[nodiscard]] bool empty() const noexcept { return node_ == nullptr; }
  explicit operator bool() const noexcept { return node_ != nullptr; }
  allocator_type get_allocator() const { return allocator_type(allocation_->allocator()); }

  // The table's side: to take the node out is to take it over.
  // Three parameters, so that no braced pair of a key and a value reads as a handle.
  node_handle_base(from_table, node* of, const Allocation& allocation) noexcept
      : node_(of), allocation_(allocation) {}
  node* held() const noexcept { return node_; }
  void release() noexcept {
    node_ = nullptr;
    allocation_.reset();
  }

 protected:
  void swap_with(node_handle_base& other) noexcept {
    std::swap(node_, other.node_);
    if (propagates_on_swap<Allocation>() || !allocation_.has_value() || !other.allocation_.has_value()) {
      std::optional<Allocation> kept = allocation_;
      replace_allocation(other.allocation_);
      other.replace_allocation(kept);
    }
  }

 private:
  void destroy() noexcept {
    if (node_ == nullptr) return;
    destroy_object(*allocation_, std::addressof(node_->value));
    std::destroy_at(node_);
    allocation_->deallocate(
        node_,
        request{.bytes = sizeof(node), .align = alignof(node), .use = purpose::node, .trace = &Model::node_trace});
    node_ = nullptr;
  }
  // Not by assignment, which a handle need not have (pmr's has none).
  void replace_allocation(const std::optional<Allocation>& from) noexcept {
    allocation_.reset();
    if (from.has_value()) allocation_.emplace(*from);
  }

  node* node_ = nullptr;
  std::optional<Allocation> allocation_{};
};

template <class Model, class Allocation, class Allocator>
class map_node_handle : public node_handle_base<Model, Allocation, Allocator> {
  using base = node_handle_base<Model, Allocation, Allocator>;

 public:
  using key_type = typename Model::key_type;
  using mapped_type = typename Model::mapped_type;
  using base::base;

  key_type& key() const noexcept { return const_cast<key_type&>(this->held()->value.first); }
  mapped_type& mapped() const noexcept { return this->held()->value.second; }

  void swap(map_node_handle& other) noexcept { this->swap_with(other); }
  friend void swap(map_node_handle& a, map_node_handle& b) noexcept { a.swap(b); }
};

template <class Model, class Allocation, class Allocator>
class set_node_handle : public node_handle_base<Model, Allocation, Allocator> {
  using base = node_handle_base<Model, Allocation, Allocator>;

 public:
  using value_type = typename Model::key_type;
  using base::base;

  value_type& value() const noexcept { return this->held()->value; }

  void swap(set_node_handle& other) noexcept { this->swap_with(other); }
  friend void swap(set_node_handle& a, set_node_handle& b) noexcept { a.swap(b); }
};

template <class Iterator, class Handle>
struct node_insert_result {
  Iterator position{};
  bool inserted = false;
  Handle node{};
};

}  // namespace tophash::inline v1::table

#endif
