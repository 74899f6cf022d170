// SPDX-License-Identifier: Apache-2.0
// Overflow buckets shared by several maps: the maps hold a handle, the user owns the pool.
//
//   overflow::pool spare{allocators::system{}};
//   tophash::map<K, V, overflow::shared_pool> a{overflow::shared_pool{spare}}, b{overflow::shared_pool{spare}};
//
// A released bucket is kept in the pool, by size (in storage that a collector traces slot by slot: by type of
// map), and handed to the next map that asks for that size. What the pool
// holds is never given back by itself; three ways to give it back:
//   drain()       everything, now
//   collected()   to be called at every collection: what was kept before the last call goes, what came since is kept
//                 for one more round. The two rounds of Go's sync.Pool, which the published comparison of overflow
//                 sources used
//   follow(clock) does that by itself: `clock` counts collections (gc::boehm_collector::clock()) and is looked at
//                 whenever a bucket is taken or kept. Nothing happens inside a collection, where a block can neither
//                 be allocated nor given back
//   the destructor. The pool must outlive its maps
// All maps of a pool must use its storage: a map whose handle is unequal throws std::invalid_argument when it is
// made. Not synchronised: the maps of one pool are used from one thread at a time. A pool in memory that a collector
// does not search must be registered as a root. Cost: one comparison of sizes and an indirect call for storage.
// Copies of a map share its pool; each map counts for itself.
#ifndef TOPHASH_POLICIES_OVERFLOW_SHARED_POOL_HPP
#define TOPHASH_POLICIES_OVERFLOW_SHARED_POOL_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

#include <tophash/framework/concepts/allocation.hpp>
#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/concepts/overflow.hpp>
#include <tophash/framework/core/checked.hpp>
#include <tophash/framework/core/purpose.hpp>

namespace tophash::inline v1 {

namespace overflow {

class pool {
 public:
  // Not for a pool: asking whether that is a backend would ask whether it can be copied, and so come back here.
  template <class Storage>
    requires(!std::is_same_v<Storage, pool> && allocation_backend<Storage>)
  explicit pool(const Storage& storage) noexcept : calls_(&calls_of<Storage>) {
    ::new (static_cast<void*>(handle_)) Storage(storage);
  }
  pool(const pool&) = delete;
  pool& operator=(const pool&) = delete;
  ~pool() { drain(); }

  template <class Storage>
  bool uses(const Storage& storage) const noexcept {
    return calls_ == &calls_of<Storage> && *static_cast<const Storage*>(handle()) == storage;
  }

  // A kept block of this size, or null.
  void* take(const request& wanted) noexcept {
    catch_up();
    shelf* const s = shelf_of(wanted);
    if (s == nullptr) return nullptr;
    void*& first = s->fresh != nullptr ? s->fresh : s->aged;
    void* const block = first;
    if (block == nullptr) return nullptr;
    std::memcpy(&first, block, sizeof first);
    std::memset(block, 0, sizeof first);  // a link would keep the next block alive
    --s->kept;
    --kept_;
    return block;
  }

  // Keeps the block; where there is no shelf left for its size it goes back to storage. Returns whether it was kept.
  bool keep(void* block, const request& was) noexcept {
    catch_up();
    shelf* const s = shelf_for(was);
    if (s == nullptr) {
      deallocate(block, was);
      return false;
    }
    std::memcpy(block, &s->fresh, sizeof s->fresh);
    s->fresh = block;
    ++s->kept;
    ++kept_;
    return true;
  }

  void* try_allocate(const request& wanted) noexcept { return calls_->try_allocate(handle(), wanted); }
  void deallocate(void* block, const request& was) noexcept { calls_->deallocate(handle(), block, was); }

  void drain() noexcept {
    for (shelf& s : shelves_) {
      give_back(s, s.aged);
      give_back(s, s.fresh);
    }
  }

  void collected() noexcept {
    for (shelf& s : shelves_) {
      give_back(s, s.aged);
      s.aged = std::exchange(s.fresh, nullptr);
    }
  }

  // From now on every collection that `clock` counts is a collected(), made up for at the next take() or keep().
  // The clock outlives the pool.
  void follow(const std::atomic<std::uint64_t>& clock) noexcept {
    clock_ = &clock;
    seen_ = clock.load(std::memory_order_relaxed);
  }

  // Makes up for what the clock counted. Two rounds empty the pool: more that were missed change nothing.
  void catch_up() noexcept {
    if (clock_ == nullptr) return;
    const std::uint64_t now = clock_->load(std::memory_order_relaxed);
    for (std::uint64_t missed = now - seen_, round = 0; round < missed && round < 2; ++round) collected();
    seen_ = now;
  }

  std::size_t kept() const noexcept { return kept_; }
  std::size_t kept_bytes() const noexcept {
    std::size_t sum = 0;
    for (const shelf& s : shelves_) sum += s.kept * s.what.bytes;
    return sum;
  }

 private:
  struct calls {
    void* (*try_allocate)(void* handle, const request&) noexcept;
    void (*deallocate)(void* handle, void* block, const request&) noexcept;
    bool (*is_traced)(const void* handle) noexcept;
  };
  template <class Storage>
  static constexpr calls calls_of = {
      .try_allocate = [](void* handle, const request& r) noexcept {
        return static_cast<Storage*>(handle)->try_allocate(r);
      },
      .deallocate = [](void* handle, void* block, const request& r) noexcept {
        static_cast<Storage*>(handle)->deallocate(block, r);
      },
      .is_traced = [](const void* handle) noexcept {
        return visibility_of(*static_cast<const Storage*>(handle)) == visibility::traced;
      }};

  // Blocks of one request: linked through their first word.
  struct shelf {
    void* fresh = nullptr;  // since the last collected()
    void* aged = nullptr;   // before
    std::size_t kept = 0;   // in both
    request what{};
  };
  static constexpr std::size_t most_sizes = 8;

  void* handle() noexcept { return handle_; }
  const void* handle() const noexcept { return handle_; }

  // A block that a collector reads by its trace_info cannot become the bucket of another kind of map.
  bool marks_alike(const request& a, const request& b) const noexcept {
    return a.trace == b.trace || !calls_->is_traced(handle());
  }

  shelf* shelf_of(const request& r) noexcept {
    for (shelf& s : shelves_) {
      if (s.what.bytes == r.bytes && s.what.align == r.align && marks_alike(s.what, r)) return &s;
    }
    return nullptr;
  }
  shelf* shelf_for(const request& r) noexcept {
    if (shelf* const s = shelf_of(r)) return s;
    for (shelf& s : shelves_) {
      if (s.kept != 0) continue;
      s.what = r;
      return &s;
    }
    return nullptr;
  }
  void give_back(shelf& s, void*& first) noexcept {
    while (first != nullptr) {
      void* const block = first;
      std::memcpy(&first, block, sizeof first);
      deallocate(block, s.what);
      --s.kept;
      --kept_;
    }
  }

  alignas(void*) unsigned char handle_[2 * sizeof(void*)] = {};
  const calls* calls_;
  const std::atomic<std::uint64_t>* clock_ = nullptr;
  std::uint64_t seen_ = 0;
  shelf shelves_[most_sizes];
  std::size_t kept_ = 0;
};

class shared_pool {
 public:
  using axis = axes::overflow;
  static constexpr std::string_view name = "shared_pool";
  static constexpr overflow_facts facts{.recycles = true, .shared = true, .in_array = false};

  explicit shared_pool(pool& from) noexcept : pool_(&from) {}
  shared_pool(const shared_pool& other) noexcept : pool_(other.pool_) {}
  shared_pool(shared_pool&& other) noexcept : pool_(other.pool_), counts_(std::exchange(other.counts_, {})) {}
  // Assigning a copy leaves the target in its own pool: its blocks are there.
  shared_pool& operator=(const shared_pool&) noexcept { return *this; }
  shared_pool& operator=(shared_pool&& other) noexcept {
    pool_ = other.pool_;
    const overflow_counts taken = std::exchange(other.counts_, {});
    counts_ = taken;
    return *this;
  }
  ~shared_pool() = default;

  template <class Storage>
  bool accepts(const Storage& storage) const noexcept {
    return pool_->uses(storage);
  }

  template <class Storage>
  void* acquire(Storage&, const request& wanted) noexcept {
    void* block = pool_->take(wanted);
    if (block != nullptr) {
      ++counts_.recycled;
    } else {
      block = pool_->try_allocate(wanted);
      if (block == nullptr) return nullptr;
    }
    ++counts_.requested;
    return block;
  }

  template <class Storage>
  void release(Storage&, void* block, const request& was) noexcept {
    ++counts_.released;
    static_cast<void>(pool_->keep(block, was));
  }

  // What the pool keeps is not this map's to give back.
  template <class Storage>
  void drain(Storage&, const request&) noexcept {}

  // kept is 0: blocks in the pool belong to no map.
  overflow_counts counts() const noexcept { return counts_; }
  pool& source() const noexcept { return *pool_; }

 private:
  pool* pool_;
  overflow_counts counts_;
};

}  // namespace overflow

}  // namespace tophash::inline v1

#endif
