// SPDX-License-Identifier: Apache-2.0
// go_sync_map and shared maps as subjects of concurrent histories (support/history.hpp), on elements, hashes
// and storage that let other threads run in the middle of an operation and notice memory that was given back
// too early.
#ifndef TOPHASH_TESTS_SUPPORT_SHARED_SUBJECTS_HPP
#define TOPHASH_TESTS_SUPPORT_SHARED_SUBJECTS_HPP

#include <atomic>
#include <cstdint>
#include <cstring>
#include <optional>

#include <tophash/allocators/decorators/tracked.hpp>
#include <tophash/allocators/system.hpp>
#include <tophash/framework/presets/fastest.hpp>
#include <tophash/go_sync_map.hpp>
#include <tophash/policies/growth/incremental.hpp>
#include <tophash/policies/hashing/hash_with.hpp>
#include <tophash/shared_map.hpp>

#include "support/history.hpp"

namespace tophash::testing {

using u32 = std::uint32_t;

// A value that knows when it is read after its end or half written, and lets others run while it is compared
// or copied.
struct cell {
  explicit cell(u32 n) noexcept : number(n), twin(~n) {}
  cell(const cell& other) noexcept : number(other.get()), twin(~number) {}
  cell& operator=(const cell& other) noexcept {
    number = other.get();
    jitter();
    twin = ~number;
    return *this;
  }
  ~cell() {
    number = 0xdddddddd;
    twin = 0xdddddddd;
  }
  u32 get() const noexcept {
    const u32 read = number;
    jitter();
    if (twin != ~read) damaged.store(true, std::memory_order_relaxed);
    return read;
  }
  friend bool operator==(const cell& a, const cell& b) noexcept { return a.get() == b.get(); }
  u32 number, twin;
  static inline std::atomic<bool> damaged{false};
};

struct jittering_hash {
  std::uint64_t operator()(u32 key) const noexcept {
    jitter();
    return key;
  }
};

// Others run between an allocation and its use; what is given back is overwritten.
struct jittering {
  using axis = axes::allocation;
  static constexpr tophash::visibility visibility = tophash::visibility::opaque;
  void* try_allocate(const request& r) const noexcept {
    jitter();
    return allocators::system{}.try_allocate(r);
  }
  void deallocate(void* p, const request& r) const noexcept {
    std::memset(p, 0xdd, r.bytes);
    allocators::system{}.deallocate(p, r);
  }
  friend constexpr bool operator==(jittering, jittering) noexcept { return true; }
};
static_assert(jittering{} == jittering{});
using storage = allocators::tracked<jittering>;
using storage_resource = allocators::tracking_resource<jittering>;

// ---- subjects: the calls of a history
// ---------------------------------------------------------------------------

inline u32 number_of_cell(const std::optional<cell>& c) { return c ? c->get() : 0; }

struct sync_map_subject {
  explicit sync_map_subject(storage_resource& r) : map(storage{r}) {}
  u32 load(u32 k) { return number_of_cell(map.load(k)); }
  void store(u32 k, u32 v) { map.store(k, cell(v)); }
  u32 swap(u32 k, u32 v) { return number_of_cell(map.swap(k, cell(v))); }
  u32 load_or_store(u32 k, u32 v) { return map.load_or_store(k, cell(v)).value.get(); }
  u32 load_and_delete(u32 k) { return number_of_cell(map.load_and_delete(k)); }
  bool erase(u32 k) { return map.erase(k); }
  bool compare_and_swap(u32 k, u32 old, u32 v) { return map.compare_and_swap(k, cell(old), cell(v)); }
  bool compare_and_delete(u32 k, u32 old) { return map.compare_and_delete(k, cell(old)); }
  template <class F>
  void range(F&& f) {
    map.range([&f](u32 k, const cell& c) { f(k, c.get()); });
  }
  void clear() { map.clear(); }
  go_sync_map<u32, cell, hashing::hash_with<jittering_hash>, storage, observe::sync_counters> map;
};

// Every call in one visit.
template <class Map>
struct visited_subject {
  explicit visited_subject(storage_resource& r) : map(storage{r}) {}
  u32 load(u32 k) {
    u32 out = 0;
    map.cvisit(k, [&out](const auto& e) { out = e.second.get(); });
    return out;
  }
  void store(u32 k, u32 v) { map.insert_or_assign(k, cell(v)); }
  u32 swap(u32 k, u32 v) {
    u32 out = 0;
    map.try_emplace_or_visit(k, v, [&](auto& e) {
      out = e.second.get();
      e.second = cell(v);
    });
    return out;
  }
  u32 load_or_store(u32 k, u32 v) {
    u32 out = v;
    map.try_emplace_or_cvisit(k, v, [&out](const auto& e) { out = e.second.get(); });
    return out;
  }
  u32 load_and_delete(u32 k) {
    u32 out = 0;
    map.erase_if(k, [&out](const auto& e) {
      out = e.second.get();
      return true;
    });
    return out;
  }
  bool erase(u32 k) { return map.erase(k) != 0; }
  bool compare_and_swap(u32 k, u32 old, u32 v) {
    bool done = false;
    map.visit(k, [&](auto& e) {
      done = e.second.get() == old;
      if (done) e.second = cell(v);
    });
    return done;
  }
  bool compare_and_delete(u32 k, u32 old) {
    return map.erase_if(k, [old](const auto& e) { return e.second.get() == old; }) != 0;
  }
  template <class F>
  void range(F&& f) {
    map.cvisit_all([&f](const auto& e) { f(e.first, e.second.get()); });
  }
  void clear() { map.clear(); }
  Map map;
};

using striped_subject = visited_subject<
    map<u32, cell, sync::striped<4>, hashing::hash_with<jittering_hash>, storage, growth::incremental<1>>>;
using locked_subject = visited_subject<
    map<u32, cell, presets::fastest, sync::shared_mutex, hashing::hash_with<jittering_hash>, storage>>;

// ---- profiles
// ---------------------------------------------------------------------------------------------------

//                            load store swap los  lad erase (clear) cas cad
inline constexpr load_profile everything{.weights = {4, 3, 1, 2, 1, 1, 0, 2, 1}, .ranges = 0, .clears = 0};
inline constexpr load_profile read_mostly{
    .window = 6, .calls_a_new_key = 60, .weights = {30, 2, 0, 1, 0, 1, 0, 1, 0}};
inline constexpr load_profile churning{
    .threads = 2, .window = 4, .calls_a_new_key = 5, .weights = {3, 2, 0, 2, 2, 1, 0, 0, 1}};
inline constexpr load_profile sweeping{.threads = 4,
                                       .calls_each = 500,
                                       .window = 6,
                                       .calls_a_new_key = 25,
                                       .weights = {8, 8, 2, 4, 2, 2, 0, 2, 2},
                                       .ranges = 2,
                                       .clears = 1};
inline constexpr load_profile profiles[] = {everything, read_mostly, churning, sweeping};

}  // namespace tophash::testing

#endif
