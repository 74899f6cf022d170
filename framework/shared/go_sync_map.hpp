// SPDX-License-Identifier: Apache-2.0
// The algorithm of Go 1.19's sync.Map (src/sync/map.go), complete, with swap, compare_and_swap,
// compare_and_delete (Go 1.20) and clear (1.23). Two tables of pointers to entries:
//
//   read_    replaced as a whole, never changed, searched without a lock.  read_->amended: dirty_ has keys it
//   lacks dirty_   under the mutex, or null: every key of read_ that is not expunged, and those that read_
//   lacks misses_  searches that needed the mutex since dirty_ was built entry    value: box -> a value |
//   null: deleted | expunged: deleted, and not in dirty_
//
//   absent --store--> value --erase--> deleted --dirty_ is built--> expunged --store--> value (and in dirty_
//   again)
//                                                                           --promotion--> dropped with the
//                                                                           old read_
//
//   A store of a key that read_ has (not expunged) changes the entry by compare-and-swap. A new key goes to
//   dirty_, which is built first if there is none: O(entries). When misses_ reaches the entries of dirty_,
//   dirty_ is promoted: it becomes read_, in O(deleted). So a key that was erased from read_ keeps its place
//   until a new key and then a promotion come: what a program that never does either retains is measured by
//   `tophash reproduce T-A3`.
//
// Where Go leaves values, entries and tables to its collector, here each operation is a pin (epochs.hpp), and
// what it unlinks is retired: boxes as they are replaced, a table when it is replaced, with the entries that
// were expunged in it. Keys that only dirty_ has are erased at once.
//
// Cost. load of a key in read_: the pin (one locked instruction), one search, two loads; no mutex. store of
// such a key: a box is allocated, one compare-and-swap, the old box is retired (another). Memory: a slot of
// the table (key, pointer), 16 bytes an entry, 8 bytes and the value a box; while dirty_ exists, a second
// slot. Complexity: O(1) on average, amortised where dirty_ is built. range O(entries). Threads: any
// operation at any time; only construction and destruction must be alone. Visitors (range, visit) run without
// the mutex, may use the map, and see values that nobody changes: a store makes a new box. While one runs,
// nothing retired is disposed of in the whole process. Destructors of K and T run in any thread that writes
// or misses; those of K under the mutex. The allocation backend must be callable from several threads
// at once, or is refused. Exceptions: strong guarantee, whatever throws; but swap and
// load_and_delete copy the old value out after the change, which stands if that copy throws. T is copyable
// where values are copied out.
#ifndef TOPHASH_FRAMEWORK_SHARED_GO_SYNC_MAP_HPP
#define TOPHASH_FRAMEWORK_SHARED_GO_SYNC_MAP_HPP

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

#include <tophash/framework/compose/pack.hpp>
#include <tophash/framework/concepts/allocation.hpp>
#include <tophash/framework/concepts/observe.hpp>
#include <tophash/framework/concepts/sync.hpp>
#include <tophash/framework/core/hash_token.hpp>
#include <tophash/framework/map.hpp>
#include <tophash/framework/shared/epochs.hpp>
#include <tophash/framework/shared/unshared.hpp>
#include <tophash/policies/observe/nothing.hpp>

namespace tophash::inline v1::shared {

// What a key's entry is, for a test or a curious reader.
enum class entry_state : unsigned char { absent, value, deleted, expunged };

// The state of the algorithm at one moment.
struct go_sync_state {
  std::size_t read_entries = 0;   // keys of the table that is read, deleted ones included
  std::size_t dirty_entries = 0;  // keys of the writers' table
  std::size_t misses = 0;
  bool amended = false;
  bool has_dirty = false;

  friend constexpr bool operator==(const go_sync_state&, const go_sync_state&) = default;
};

template <class Key, class T, class Spec>
class basic_go_sync_map {
  static_assert(
      !facts_of<Spec>().sync.shared,
      "tophash[sync x go_sync_map]: go_sync_map was given a sync option, but it is its own synchronisation; "
      "leave the option away, or use tophash::map with it");
  static_assert(
      !facts_of<Spec>().allocation.thread_bound && !facts_of<Spec>().allocation.unsynchronised,
      "tophash[allocation x go_sync_map]: stores allocate without a lock, but this storage must not be "
      "called by several threads at once; use allocators::system or another backend without a resource of its own");

  // ---- what is allocated
  // --------------------------------------------------------------------------------------

  // A value, never changed once others may see it.
  struct box : retired_link {
    template <class... Args>
    explicit box(Args&&... args) : value(std::forward<Args>(args)...) {}
    T value;
  };

  struct entry {
    std::atomic<box*> value;
    // Of a key in read_: the next entry of the chain that dirty_'s building expunged, or of those dropped. Of
    // a key that only dirty_ has: the number of that dirty_, odd.
    std::uintptr_t next_or_birth;
  };

  using table = basic_map<Key, entry*, unshared<Spec, observe::nothing>>;
  using hashing_type = typename Spec::hashing;
  using allocation_type = typename Spec::allocation;
  using token_type = hash_token<hashing_type>;

  struct generation : retired_link {
    explicit generation(const policy_values<Spec>& p)
        : entries(p.hashing, p.load, p.growth, p.overflow, p.allocation) {}
    table entries;
    std::atomic<bool> amended{false};
    entry* dropped = nullptr;  // disposed of with it
  };

  enum kinds : std::size_t { boxes, generations };

 public:
  using key_type = Key;
  using mapped_type = T;
  using size_type = std::size_t;
  using spec_type = Spec;

  // ---- construction: policies in any order, as for a map
  // --------------------------------------------------------

  template <class... Policies>
    requires(policy_of<std::remove_cvref_t<Policies>, Spec>&&...)
  explicit basic_go_sync_map(Policies&&... given)
      : policies_(place_policies<Spec>(std::forward<Policies>(given)...)) {
    generation* const first = make_generation();
    if (first == nullptr) throw_bad_alloc();
    read_.store(first);
  }
  basic_go_sync_map(const basic_go_sync_map&) = delete;
  basic_go_sync_map& operator=(const basic_go_sync_map&) = delete;

  ~basic_go_sync_map() {
    generation* const read = read_.load();
    if (dirty_ != nullptr) {
      for (const auto& e : dirty_->entries) {
        if (only_in_dirty(e.second)) end_entry(e.second);
      }
      end(dirty_, purpose::side);
    }
    for (const auto& e : read->entries) end_entry(e.second);
    end(read, purpose::side);
    retired_.dispose_all([this](std::size_t kind, retired_link* what) { dispose(kind, what); });
  }

  // ---- lookup
  // ---------------------------------------------------------------------------------------------------

  // A copy of the value.
  std::optional<T> load(const Key& key) const {
    std::optional<T> out;
    visit(key, [&out](const T& value) { out.emplace(value); });
    return out;
  }
  bool contains(const Key& key) const {
    return visit(key, [](const T&) {});
  }
  // f(const T&) on the value, which stays what it is while f runs, whatever others store. False: no such key.
  template <class F>
  bool visit(const Key& key, F&& f) const {
    operation now(*this);
    const token_type token = token_of(key);
    const box* b = nullptr;
    const generation* const read = read_.load();
    if (entry* const e = find(*read, key, token)) {
      b = live(e->value.load());
    } else if (read->amended.load()) {
      b = load_slow(key, token, now);
    }
    if (b == nullptr) return false;
    std::forward<F>(f)(b->value);
    return true;
  }

  // ---- writing
  // --------------------------------------------------------------------------------------------------

  void store(const Key& key, T value) {
    operation now(*this);
    static_cast<void>(put(key, std::move(value), now));
  }
  // False: memory ran out, and the map is as before.
  [[nodiscard]] bool try_store(const Key& key, T value) {
    operation now(*this);
    const token_type token = token_of(key);
    held fresh(*this, try_make_box(std::move(value)));
    box* before = nullptr;
    return fresh.what != nullptr && try_put(key, token, fresh, before, now);
  }
  // The value before, if there was one.
  std::optional<T> swap(const Key& key, T value) {
    operation now(*this);
    std::optional<T> out;
    if (const box* const before = put(key, std::move(value), now)) out.emplace(before->value);
    return out;
  }

  struct loaded_or_stored {
    T value;
    bool loaded;  // it was there; otherwise it is the one stored
  };
  loaded_or_stored load_or_store(const Key& key, T value) {
    operation now(*this);
    const token_type token = token_of(key);
    held fresh(*this, nullptr);
    if (entry* const e = find(*read_.load(), key, token)) {
      const found f = load_or_put(e, value, fresh);
      if (f.known) return {f.there->value, f.loaded};
    }
    const std::lock_guard lock(mutex_);
    generation* const read = read_.load();
    if (entry* const e = find(*read, key, token)) {
      restore(key, token, e);
      const found f = load_or_put(e, value, fresh);
      return {f.there->value, f.loaded};
    }
    if (entry* const e = find_dirty(key, token)) {
      const found f = load_or_put(e, value, fresh);
      miss(now);
      return {f.there->value, f.loaded};
    }
    fresh.make(value);
    const box* const stored = fresh.what;
    if (!add_new(key, token, *read, fresh)) throw_bad_alloc();
    return {stored->value, false};
  }

  // False: the key is absent, or its value is not `old`.
  bool compare_and_swap(const Key& key, const T& old, T value) requires std::equality_comparable<T> {
    operation now(*this);
    const token_type token = token_of(key);
    held fresh(*this, nullptr);
    const generation* const seen = read_.load();
    if (entry* const e = find(*seen, key, token)) return exchange_if(e, old, &value, fresh, now);
    if (!seen->amended.load()) return false;
    const std::lock_guard lock(mutex_);
    if (entry* const e = find(*read_.load(), key, token)) return exchange_if(e, old, &value, fresh, now);
    entry* const e = find_dirty(key, token);
    if (e == nullptr) return false;
    const bool done = exchange_if(e, old, &value, fresh, now);
    miss(now);
    return done;
  }

  // ---- erasure
  // --------------------------------------------------------------------------------------------------

  // True: the key was there.
  bool erase(const Key& key) {
    operation now(*this);
    return take_out(key, now) != nullptr;
  }
  std::optional<T> load_and_delete(const Key& key) {
    operation now(*this);
    std::optional<T> out;
    if (const box* const before = take_out(key, now)) out.emplace(before->value);
    return out;
  }
  bool compare_and_delete(const Key& key, const T& old) requires std::equality_comparable<T> {
    operation now(*this);
    const token_type token = token_of(key);
    held none(*this, nullptr);
    const generation* const seen = read_.load();
    if (entry* const e = find(*seen, key, token)) return exchange_if(e, old, nullptr, none, now);
    if (!seen->amended.load()) return false;
    const std::lock_guard lock(mutex_);
    const generation* const read = read_.load();
    if (entry* const e = find(*read, key, token)) return exchange_if(e, old, nullptr, none, now);
    if (!read->amended.load()) return false;
    // The key stays in dirty_, as in Go: deleted, it is expunged by a later copy.
    entry* const e = find_dirty(key, token);
    const bool done = e != nullptr && exchange_if(e, old, nullptr, none, now);
    miss(now);
    return done;
  }

  // Every entry at once. O(entries). Strong guarantee.
  void clear() {
    operation now(*this);
    const std::lock_guard lock(mutex_);
    generation* const old = read_.load();
    if (old->entries.empty() && dirty_ == nullptr) return;
    generation* const fresh = make_generation();
    if (fresh == nullptr) throw_bad_alloc();
    if (dirty_ != nullptr) {
      for (const auto& e : dirty_->entries) {
        if (only_in_dirty(e.second)) drop_from_dirty(e.second, now);
      }
      end(dirty_, purpose::side);
      dirty_ = nullptr;
    }
    read_.store(fresh);
    for (const auto& e : old->entries) chain(old->dropped, e.second);
    expunged_ = nullptr;
    misses_ = 0;
    ++births_;
    retire_generation(old, now);
  }

  // ---- all entries
  // ----------------------------------------------------------------------------------------------

  // f(const Key&, const T&) for each entry, in no order, until f returns false (or f returns void). No key
  // twice; a key that is there throughout is visited; what others store and erase meanwhile may be seen or
  // not. Promotes dirty_ first if it has keys that read_ lacks.
  template <class F>
  void range(F&& f) const {
    operation now(*this);
    const generation* read = read_.load();
    if (read->amended.load()) {
      const std::lock_guard lock(mutex_);
      if (read_.load()->amended.load()) promote(now);
      read = read_.load();
    }
    for (const auto& e : read->entries) {
      const box* const b = live(e.second->value.load());
      if (b == nullptr) continue;
      if constexpr (std::is_void_v<std::invoke_result_t<F&, const Key&, const T&>>) {
        f(e.first, b->value);
      } else {
        if (!f(e.first, b->value)) return;
      }
    }
  }

  // ---- seeing inside
  // --------------------------------------------------------------------------------------------

  // Disposes of what was retired and nobody can see any more; every 64th retiring does it by itself.
  std::size_t collect() const noexcept {
    return retired_.collect([this](std::size_t kind, retired_link* what) { dispose(kind, what); });
  }

  go_sync_state state() const {
    const std::lock_guard lock(mutex_);
    const generation* const read = read_.load();
    return {.read_entries = read->entries.size(),
            .dirty_entries = dirty_ == nullptr ? 0 : dirty_->entries.size(),
            .misses = misses_,
            .amended = read->amended.load(),
            .has_dirty = dirty_ != nullptr};
  }
  struct key_state {
    entry_state in_read = entry_state::absent;
    entry_state in_dirty = entry_state::absent;
    friend constexpr bool operator==(const key_state&, const key_state&) = default;
  };
  key_state state_of(const Key& key) const {
    const std::lock_guard lock(mutex_);
    const token_type token = token_of(key);
    return {state_of(find(*read_.load(), key, token)), state_of(find_dirty(key, token))};
  }
  // What the observer noted, read under the mutex it is told under.
  auto counts() const requires requires(const typename Spec::observe& o) { o.snapshot(); }
  {
    const std::lock_guard lock(mutex_);
    return policies_.observe.snapshot();
  }
  const allocation_type& allocation() const noexcept { return policies_.allocation; }

 private:
  static box* expunged() noexcept { return reinterpret_cast<box*>(std::uintptr_t{1}); }
  static box* live(box* b) noexcept { return b == expunged() ? nullptr : b; }

  // One call: pinned, and at its end, no longer pinned, what was retired is looked after if there is enough
  // of it.
  class operation {
   public:
    explicit operation(const basic_go_sync_map& m) : map_(m) {}
    operation(const operation&) = delete;
    operation& operator=(const operation&) = delete;
    ~operation() {
      pin_.leave();
      if (collect_) map_.collect();
    }
    void collect_afterwards(bool wanted = true) noexcept { collect_ = collect_ || wanted; }

   private:
    const basic_go_sync_map& map_;
    epochs::pin pin_;
    bool collect_ = false;
  };

  // A box that is not in the map yet.
  struct held {
    held(const basic_go_sync_map& m, box* b) noexcept : map(m), what(b) {}
    held(const held&) = delete;
    held& operator=(const held&) = delete;
    ~held() {
      if (what != nullptr) map.end(what, purpose::node);
    }
    // Moves from `value`.
    void make(T& value) {
      if (what != nullptr) return;
      what = map.try_make_box(std::move(value));
      if (what == nullptr) throw_bad_alloc();
    }
    void gave() noexcept { what = nullptr; }
    const basic_go_sync_map& map;
    box* what;
  };

  // ---- storage
  // --------------------------------------------------------------------------------------------------

  template <class Object, class... Args>
  Object* try_make(purpose use, Args&&... args) const {
    allocation_type a = policies_.allocation;
    const request r{sizeof(Object), alignof(Object), use, nullptr};
    void* const p = a.try_allocate(r);
    if (p == nullptr) return nullptr;
    TOPHASH_TRY { return ::new (p) Object(std::forward<Args>(args)...); }
    TOPHASH_CATCH_ALL {
      a.deallocate(p, r);
      TOPHASH_RETHROW;
    }
    return nullptr;
  }
  template <class Object>
  void end(Object* what, purpose use) const noexcept {
    allocation_type a = policies_.allocation;
    what->~Object();
    a.deallocate(what, request{sizeof(Object), alignof(Object), use, nullptr});
  }
  box* try_make_box(T&& value) const { return try_make<box>(purpose::node, std::move(value)); }
  generation* make_generation() const { return try_make<generation>(purpose::side, policies_); }

  void end_entry(entry* e) const noexcept {
    if (box* const b = live(e->value.load(std::memory_order_relaxed))) end(b, purpose::node);
    end(e, purpose::node);
  }
  void dispose(std::size_t kind, retired_link* what) const noexcept {
    if (kind == boxes) {
      end(static_cast<box*>(what), purpose::node);
      return;
    }
    auto* const old = static_cast<generation*>(what);
    for (entry* e = old->dropped; e != nullptr;) {
      entry* const next = next_of(e);
      end_entry(e);
      e = next;
    }
    end(old, purpose::side);
  }

  void retire_box(box* b, operation& now) const noexcept {
    if (b != nullptr) now.collect_afterwards(retired_.retire(boxes, b));
  }
  void retire_generation(generation* g, operation& now) const noexcept {
    retired_.retire(generations, g);
    now.collect_afterwards();
  }

  // ---- entries
  // --------------------------------------------------------------------------------------------------

  static entry* next_of(const entry* e) noexcept { return reinterpret_cast<entry*>(e->next_or_birth); }
  static void chain(entry*& head, entry* e) noexcept {
    e->next_or_birth = reinterpret_cast<std::uintptr_t>(head);
    head = e;
  }
  std::uintptr_t birth() const noexcept { return births_ * 2 + 1; }
  bool only_in_dirty(const entry* e) const noexcept { return e->next_or_birth == birth(); }

  static entry_state state_of(const entry* e) noexcept {
    if (e == nullptr) return entry_state::absent;
    const box* const b = e->value.load();
    if (b == nullptr) return entry_state::deleted;
    return b == expunged() ? entry_state::expunged : entry_state::value;
  }

  token_type token_of(const Key& key) const {
    return token_type(static_cast<std::uint64_t>(policies_.hashing.hash(key)));
  }
  static entry* find(const generation& in, const Key& key, token_type token) {
    const table& t = in.entries;
    const auto at = t.find(key, token);
    return at == t.end() ? nullptr : at->second;
  }
  entry* find_dirty(const Key& key, token_type token) const {
    return dirty_ == nullptr ? nullptr : find(*dirty_, key, token);
  }

  // The box before, retired, or null. False: expunged, for which the mutex is needed.
  bool put_in(entry* e, held& fresh, box*& before, operation& now) const noexcept {
    box* b = e->value.load();
    do {
      if (b == expunged()) return false;
    } while (!e->value.compare_exchange_weak(b, fresh.what));
    fresh.gave();
    before = b;
    retire_box(b, now);
    return true;
  }

  struct found {
    const box* there = nullptr;
    bool loaded = false;
    bool known = false;  // false: expunged
  };
  found load_or_put(entry* e, T& value, held& fresh) const {
    box* b = e->value.load();
    while (true) {
      if (b == expunged()) return {};
      if (b != nullptr) return {b, true, true};
      fresh.make(value);
      if (e->value.compare_exchange_weak(b, fresh.what)) {
        const box* const stored = fresh.what;
        fresh.gave();
        return {stored, false, true};
      }
    }
  }

  // Null for `value`: deletes.
  bool exchange_if(entry* e, const T& old, T* value, held& fresh, operation& now) const {
    box* b = e->value.load();
    while (true) {
      // Pinned: the box at this address is this very box, so an equal address means that nothing happened.
      if (live(b) == nullptr || !(b->value == old)) return false;
      if (value != nullptr) fresh.make(*value);
      if (e->value.compare_exchange_weak(b, fresh.what)) {
        fresh.gave();
        retire_box(b, now);
        return true;
      }
    }
  }

  box* delete_in(entry* e, operation& now) const noexcept {
    box* b = e->value.load();
    do {
      if (live(b) == nullptr) return nullptr;
    } while (!e->value.compare_exchange_weak(b, nullptr));
    retire_box(b, now);
    return b;
  }

  // ---- under the mutex
  // ------------------------------------------------------------------------------------------

  TOPHASH_NOINLINE const box* load_slow(const Key& key, token_type token, operation& now) const {
    const std::lock_guard lock(mutex_);
    const generation* const read = read_.load();
    // It may have been promoted meanwhile.
    if (entry* const e = find(*read, key, token)) return live(e->value.load());
    if (!read->amended.load()) return nullptr;
    entry* const e = find_dirty(key, token);
    const box* const b = e == nullptr ? nullptr : live(e->value.load());
    miss(now);
    return b;
  }

  // The box before, valid until the operation ends; or null.
  const box* put(const Key& key, T&& value, operation& now) {
    const token_type token = token_of(key);
    held fresh(*this, try_make_box(std::move(value)));
    box* before = nullptr;
    if (fresh.what == nullptr || !try_put(key, token, fresh, before, now)) throw_bad_alloc();
    return before;
  }

  bool try_put(const Key& key, token_type token, held& fresh, box*& before, operation& now) {
    if (entry* const e = find(*read_.load(), key, token)) {
      if (put_in(e, fresh, before, now)) return true;
    }
    return try_put_slow(key, token, fresh, before, now);
  }

  TOPHASH_NOINLINE bool try_put_slow(const Key& key, token_type token, held& fresh, box*& before,
                                     operation& now) {
    const std::lock_guard lock(mutex_);
    generation* const read = read_.load();
    if (entry* const e = find(*read, key, token)) {
      if (!try_restore(key, token, e)) return false;
      return put_in(e, fresh, before, now);
    }
    if (entry* const e = find_dirty(key, token)) return put_in(e, fresh, before, now);
    return add_new(key, token, *read, fresh);
  }

  // A key that read_ and dirty_ lack. False: memory ran out.
  bool add_new(const Key& key, token_type token, generation& read, held& fresh) {
    const bool first = !read.amended.load();
    if (first && !copy_to_dirty(read)) return false;
    entry* const e = try_make<entry>(purpose::node, fresh.what, birth());
    if (e == nullptr) return false;
    struct undo {
      ~undo() {
        if (made != nullptr) map.end(made, purpose::node);
      }
      const basic_go_sync_map& map;
      entry* made;
    } guard{*this, e};
    if (!insert(*dirty_, key, token, e)) return false;
    guard.made = nullptr;
    fresh.gave();
    // Only now: a reader that sees `amended` waits for the mutex and finds the key.
    if (first) read.amended.store(true);
    return true;
  }

  static bool insert(generation& into, const Key& key, token_type, entry* e) {
    return into.entries.try_insert_or_assign(key, e).allocated;
  }

  // An expunged key of read_ comes back: into dirty_ first, so that every state in between is one of the
  // allowed.
  bool try_restore(const Key& key, token_type token, entry* e) {
    if (e->value.load() != expunged()) return true;
    if (!insert(*dirty_, key, token, e)) return false;
    e->value.store(nullptr);
    notify(policies_.observe, events::entry_restored{});
    return true;
  }
  void restore(const Key& key, token_type token, entry* e) {
    if (!try_restore(key, token, e)) throw_bad_alloc();
  }

  // Builds dirty_ from what is not deleted. All or nothing: where it fails, what it expunged is deleted
  // again.
  TOPHASH_NOINLINE bool copy_to_dirty(generation& read) {
    if (dirty_ != nullptr) return true;
    struct undo {
      ~undo() {
        if (fresh == nullptr) return;
        for (entry* e = expunged_now; e != nullptr; e = next_of(e)) e->value.store(nullptr);
        map.end(fresh, purpose::side);
      }
      const basic_go_sync_map& map;
      generation* fresh;
      entry* expunged_now = nullptr;
    } made{*this, make_generation()};
    if (made.fresh == nullptr || !made.fresh->entries.try_reserve(read.entries.size() + 1)) return false;
    for (const auto& e : read.entries) {
      if (expunge_if_deleted(e.second)) {
        chain(made.expunged_now, e.second);
      } else if (!made.fresh->entries.try_insert_or_assign(e.first, e.second).allocated) {
        return false;
      }
    }
    for (const entry* e = made.expunged_now; e != nullptr; e = next_of(e)) {
      notify(policies_.observe, events::entry_expunged{});
    }
    dirty_ = std::exchange(made.fresh, nullptr);
    expunged_ = made.expunged_now;
    ++births_;
    notify(policies_.observe, events::table_copied{dirty_->entries.size()});
    return true;
  }
  static bool expunge_if_deleted(entry* e) noexcept {
    box* b = e->value.load();
    while (b == nullptr) {
      if (e->value.compare_exchange_weak(b, expunged())) return true;
    }
    return b == expunged();
  }

  void miss(operation& now) const noexcept {
    notify(policies_.observe, events::table_missed{});
    if (++misses_ >= dirty_->entries.size()) promote(now);
  }

  // dirty_ becomes read_. Entries that are still expunged are in the old read_ alone, and go with it.
  void promote(operation& now) const noexcept {
    generation* const old = read_.load();
    for (entry* e = expunged_; e != nullptr;) {
      entry* const next = next_of(e);
      if (e->value.load() == expunged()) {
        chain(old->dropped, e);
        notify(policies_.observe, events::entry_dropped{});
      }
      e = next;
    }
    expunged_ = nullptr;
    read_.store(dirty_);
    dirty_ = nullptr;
    misses_ = 0;
    ++births_;
    notify(policies_.observe, events::table_promoted{read_.load()->entries.size()});
    retire_generation(old, now);
  }

  box* take_out(const Key& key, operation& now) {
    const token_type token = token_of(key);
    const generation* const seen = read_.load();
    if (entry* const e = find(*seen, key, token)) return delete_in(e, now);
    if (!seen->amended.load()) return nullptr;
    return take_out_slow(key, token, now);
  }

  TOPHASH_NOINLINE box* take_out_slow(const Key& key, token_type token, operation& now) {
    const std::lock_guard lock(mutex_);
    const generation* const read = read_.load();
    if (entry* const e = find(*read, key, token)) return delete_in(e, now);
    if (!read->amended.load()) return nullptr;
    box* b = nullptr;
    if (entry* const e = find_dirty(key, token)) {
      dirty_->entries.erase(key, token);
      b = drop_from_dirty(e, now);
    }
    miss(now);
    return b;
  }

  // An entry that only dirty_ has was never seen without the mutex; its value may still be in a visitor's
  // hands.
  box* drop_from_dirty(entry* e, operation& now) const noexcept {
    box* const b = live(e->value.load());
    end(e, purpose::node);
    retire_box(b, now);
    return b;
  }

  // ---- members
  // --------------------------------------------------------------------------------------------------

  mutable policy_values<Spec> policies_;
  alignas(64) mutable std::atomic<generation*> read_{nullptr};
  alignas(64) mutable std::mutex mutex_;
  mutable generation* dirty_ = nullptr;
  mutable std::size_t misses_ = 0;
  mutable entry* expunged_ = nullptr;  // those of read_ that building dirty_ expunged; some may be restored
  mutable std::uintptr_t births_ = 0;  // changes when dirty_ does
  mutable limbo<2> retired_;
};

}  // namespace tophash::inline v1::shared

#endif
