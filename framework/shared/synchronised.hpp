// SPDX-License-Identifier: Apache-2.0
// What a map and a set that threads share have in common: stripes of a lock and a table each, and visitation.
//
//   key --hashing_--> token --high bits of token * golden ratio--> stripe   (independent of the place in the
//   table) stripe   lock | table, `align_bytes` apart
//
// Nothing that a member returns refers to an entry: an entry is seen by a visitor, under its stripe's lock.
//   exclusive   visit, insert..., erase..., try_emplace... and whatever changes an entry
//   shared      cvisit, contains, count and whatever is const: readers of one stripe run at once
// A visitor must not use the map that it visits (it would wait for itself; checked builds say so), nor keep a
// reference. If it throws, the lock is given back and the exception goes on to the caller.
//
// Over all entries (visit_all, erase_if(predicate), size): stripe by stripe, each under its own lock; not one
// moment. clear, copying, == and check_invariants hold every lock, taken in order. try_ forms wait for nobody
// and do not throw for want of memory: they answer with an `attempt`. Alone must be: construction,
// destruction, move, swap, and the target of an assignment.
#ifndef TOPHASH_FRAMEWORK_SHARED_SYNCHRONISED_HPP
#define TOPHASH_FRAMEWORK_SHARED_SYNCHRONISED_HPP

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <mutex>
#include <new>
#include <optional>
#include <shared_mutex>
#include <type_traits>
#include <utility>

#include <tophash/framework/compose/pack.hpp>
#include <tophash/framework/compose/rules.hpp>
#include <tophash/framework/core/bits.hpp>
#include <tophash/framework/core/checked.hpp>
#include <tophash/framework/core/hash_token.hpp>
#include <tophash/framework/shared/spinning_lock.hpp>
#include <tophash/framework/table/container.hpp>
#include <tophash/framework/table/report.hpp>

namespace tophash::inline v1 {

// What a try_ form of a shared map answers.
struct attempt {
  bool locked = false;    // false: the lock was not free, and nothing was done
  bool allocated = true;  // false: memory ran out, and the map is as before
  bool done = false;      // the entry was visited, inserted, assigned, erased
  friend constexpr bool operator==(const attempt&, const attempt&) = default;
};

namespace shared {

template <waiting Wait>
struct lock_for {
  using type = spinning_lock;
};
template <>
struct lock_for<waiting::sleeping> {
  using type = std::shared_mutex;
};

// In checked builds, which shared containers this thread holds locks of, innermost first.
class inside {
 public:
#if TOPHASH_CHECKED >= 1
  explicit inside(const void* container) noexcept : container_(container), outer_(innermost_) {
    for (const inside* i = outer_; i != nullptr; i = i->outer_) {
      TOPHASH_CHECK(i->container_ != container, "a visitor used the map that it visits");
    }
    innermost_ = this;
  }
  ~inside() { innermost_ = outer_; }

 private:
  const void* container_;
  const inside* outer_;
  static inline thread_local const inside* innermost_ = nullptr;
#else
  explicit inside(const void*) noexcept {}
  ~inside() {}
#endif

 public:
  inside(const inside&) = delete;
  inside& operator=(const inside&) = delete;
};

template <class Table, sync_facts Facts>
class synchronised {
 public:
  using key_type = typename Table::key_type;

 protected:
  using lock_type = typename lock_for<Facts.wait>::type;
  using hashing_type = typename Table::spec_type::hashing;
  using token_type = hash_token<hashing_type>;

  static constexpr std::size_t stripes = Facts.stripes;
  static constexpr int stripe_bits = std::countr_zero(stripes);

  struct alignas(std::max({Facts.align_bytes, alignof(Table), alignof(lock_type)})) stripe {
    template <class... Args>
    explicit stripe(Args&&... args) : table(std::forward<Args>(args)...) {}
    mutable lock_type lock;
    Table table;
  };

  template <class K>
  static constexpr bool lookup_key = !std::is_same_v<std::remove_cvref_t<K>, key_type> &&
                                     is_transparent_for<hashing_type, key_type, std::remove_cvref_t<K>>();

 public:
  using value_type = typename Table::value_type;
  using size_type = std::size_t;
  using difference_type = std::ptrdiff_t;
  using allocation_type = typename Table::allocation_type;
  using table_type = Table;  // of one stripe

  // ---- construction: a hint of entries, then policies in any order; each stripe has a copy of them
  // ------------------

  template <class... Policies>
    requires(policy_of<std::remove_cvref_t<Policies>, typename Table::spec_type>&&...)
  explicit synchronised(const Policies&... given)
      : synchronised(from_first{}, [&](void* at) { ::new (at) stripe(given...); }) {}
  template <class... Policies>
    requires(policy_of<std::remove_cvref_t<Policies>, typename Table::spec_type>&&...)
  explicit synchronised(size_type entries, const Policies&... given)
      : synchronised(from_first{}, [&](void* at) { ::new (at) stripe(given...); }) {
    reserve(entries);
  }

  // Of one moment: all of the other's locks are held.
  synchronised(const synchronised& other) : synchronised(other, all_shared(other)) {}
  synchronised(synchronised&& other) noexcept(std::is_nothrow_move_constructible_v<Table>)
      : synchronised(from_first{}, [&, i = std::size_t{0}](void* at) mutable {
          ::new (at) stripe(std::move(other.at(i++).table));
        }) {}
  ~synchronised() { destroy(stripes); }

  // Strong guarantee: the copy is complete before anything is given up.
  synchronised& operator=(const synchronised& other) {
    if (this != &other) {
      synchronised copy(other);
      swap_with(copy);
    }
    return *this;
  }
  synchronised& operator=(synchronised&& other) noexcept(std::is_nothrow_move_assignable_v<Table>) {
    if (this != &other) {
      for (std::size_t i = 0; i < stripes; ++i) at(i).table = std::move(other.at(i).table);
      hashing_ = hashing_type(at(0).table.hashing_policy());
    }
    return *this;
  }

  // ---- one key
  // ------------------------------------------------------------------------------------------------------

  // f(value) under the lock, if there is such an entry: 1, otherwise 0. On a const map, cvisit.
  template <class F>
  size_type visit(const key_type& k, F&& f) {
    return visit_any(k, f);
  }
  template <class F>
  size_type visit(const key_type& k, F&& f) const {
    return cvisit_any(k, f);
  }
  template <class F>
  size_type cvisit(const key_type& k, F&& f) const {
    return cvisit_any(k, f);
  }
  template <class K, class F>
    requires lookup_key<K> size_type visit(const K& k, F&& f) { return visit_any(k, f); }
  template <class K, class F>
    requires lookup_key<K> size_type visit(const K& k, F&& f)
  const { return cvisit_any(k, f); }
  template <class K, class F>
    requires lookup_key<K> size_type cvisit(const K& k, F&& f)
  const { return cvisit_any(k, f); }

  bool contains(const key_type& k) const {
    return cvisit_any(k, [](const auto&) {}) != 0;
  }
  template <class K>
    requires lookup_key<K>
  bool contains(const K& k) const {
    return cvisit_any(k, [](const auto&) {}) != 0;
  }
  size_type count(const key_type& k) const { return contains(k) ? 1 : 0; }

  // Without waiting.
  template <class F>
  attempt try_visit(const key_type& k, F&& f) {
    const token_type token = token_of(k);
    stripe& s = stripe_of(token);
    const inside here(this);
    const std::unique_lock held(s.lock, std::try_to_lock);
    if (!held) return {};
    return {.locked = true, .done = visit_in(s.table, k, token, f) != 0};
  }
  template <class F>
  attempt try_cvisit(const key_type& k, F&& f) const {
    const token_type token = token_of(k);
    const stripe& s = stripe_of(token);
    const inside here(this);
    const std::shared_lock held(s.lock, std::try_to_lock);
    if (!held) return {};
    return {.locked = true, .done = visit_in(s.table, k, token, f) != 0};
  }

  // ---- many keys
  // ----------------------------------------------------------------------------------------------------

  // f on the entry of each key of [first, last) that there is, in an order of its own; how many were found.
  // With one stripe the lock is taken once; otherwise, for forward iterators, once for those keys of each 64
  // that share a stripe, whose cache lines are asked for ahead.
  template <class It, class F>
    requires table::input_iterator<It> size_type visit(It first, It last, F&& f) {
      return visit_keys<std::unique_lock<lock_type>>(*this, first, last, f);
    }
  template <class It, class F>
    requires table::input_iterator<It> size_type visit(It first, It last, F&& f)
  const { return visit_keys<std::shared_lock<lock_type>>(*this, first, last, f); }
  template <class It, class F>
    requires table::input_iterator<It> size_type cvisit(It first, It last, F&& f)
  const { return visit_keys<std::shared_lock<lock_type>>(*this, first, last, f); }

  // ---- all entries
  // --------------------------------------------------------------------------------------------------

  // How many were visited.
  template <class F>
  size_type visit_all(F&& f) {
    return visit_until<std::unique_lock<lock_type>>(*this, always(f)).visited;
  }
  template <class F>
  size_type visit_all(F&& f) const {
    return visit_until<std::shared_lock<lock_type>>(*this, always(f)).visited;
  }
  template <class F>
  size_type cvisit_all(F&& f) const {
    return visit_until<std::shared_lock<lock_type>>(*this, always(f)).visited;
  }
  // Until f returns false; false if it did.
  template <class F>
  bool visit_while(F&& f) {
    return visit_until<std::unique_lock<lock_type>>(*this, f).to_the_end;
  }
  template <class F>
  bool visit_while(F&& f) const {
    return visit_until<std::shared_lock<lock_type>>(*this, f).to_the_end;
  }
  template <class F>
  bool cvisit_while(F&& f) const {
    return visit_until<std::shared_lock<lock_type>>(*this, f).to_the_end;
  }

  // ---- erasure
  // ------------------------------------------------------------------------------------------------------

  size_type erase(const key_type& k) { return erase_any(k); }
  template <class K>
    requires lookup_key<K> size_type erase(const K& k) { return erase_any(k); }
  // If there is such an entry and the predicate holds for it.
  template <class P>
  size_type erase_if(const key_type& k, P&& predicate) {
    return erase_any_if(k, predicate);
  }
  template <class K, class P>
    requires lookup_key<K> size_type erase_if(const K& k, P&& predicate) {
      return erase_any_if(k, predicate);
    }
  // Every entry for which the predicate holds; if it throws, those erased so far are gone.
  template <class P>
  size_type erase_if(P&& predicate) {
    size_type gone = 0;
    const inside here(this);
    for (std::size_t i = 0; i < stripes; ++i) {
      const std::unique_lock held(at(i).lock);
      auto& t = at(i).table;
      for (auto it = t.begin(); it != t.end();) {
        if (predicate(*it)) {
          it = t.erase(it);
          ++gone;
        } else {
          ++it;
        }
      }
    }
    return gone;
  }
  attempt try_erase(const key_type& k) {
    const token_type token = token_of(k);
    stripe& s = stripe_of(token);
    const inside here(this);
    const std::unique_lock held(s.lock, std::try_to_lock);
    if (!held) return {};
    return {.locked = true, .done = s.table.erase(k, token) != 0};
  }
  // At one moment.
  void clear() noexcept {
    const all_locked<std::unique_lock<lock_type>> held(*this);
    for (std::size_t i = 0; i < stripes; ++i) at(i).table.clear();
  }

  // ---- size
  // ---------------------------------------------------------------------------------------------------------

  size_type size() const noexcept {
    return sum([](const Table& t) { return t.size(); });
  }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  // Room for `entries` in all, if they spread evenly: a table may grow a little earlier.
  void reserve(size_type entries) {
    for (std::size_t i = 0; i < stripes; ++i) {
      const std::unique_lock held(at(i).lock);
      at(i).table.reserve(share_of(entries));
    }
  }
  [[nodiscard]] bool try_reserve(size_type entries) {
    bool all = true;
    for (std::size_t i = 0; i < stripes; ++i) {
      const std::unique_lock held(at(i).lock);
      all = at(i).table.try_reserve(share_of(entries)) && all;
    }
    return all;
  }

  // ---- deletion::dirty
  // ----------------------------------------------------------------------------------------------

  size_type sweep() noexcept requires requires(Table& t) { t.sweep(); }
  {
    size_type swept = 0;
    for (std::size_t i = 0; i < stripes; ++i) {
      const std::unique_lock held(at(i).lock);
      swept += at(i).table.sweep();
    }
    return swept;
  }

  // ---- seeing inside
  // ------------------------------------------------------------------------------------------------

  static constexpr std::size_t stripe_count() noexcept { return stripes; }
  // f(const Table&) for each stripe, under its shared lock: its observer, statistics, shape.
  template <class F>
  void visit_tables(F&& f) const {
    const inside here(this);
    for (std::size_t i = 0; i < stripes; ++i) {
      const std::shared_lock held(at(i).lock);
      f(at(i).table);
    }
  }
  std::size_t allocated_bytes() const noexcept {
    return sum([](const Table& t) { return t.memory_report().total_bytes(); });
  }
  const char* check_invariants() const noexcept {
    const all_locked<std::shared_lock<lock_type>> held(*this);
    const char* wrong = nullptr;
    for (std::size_t i = 0; i < stripes && wrong == nullptr; ++i) {
      wrong = at(i).table.check_invariants();
      for (const auto& e : at(i).table) {
        if (&stripe_of(token_of(key_of(e))) != &at(i))
          wrong = "an entry is in another stripe than its key says";
      }
    }
    return wrong;
  }
  const hashing_type& hashing_policy() const noexcept { return hashing_; }

 protected:
  struct from_first {};

  template <class Make>
  synchronised(from_first, Make&& make) : synchronised(unbuilt{}, make) {}

  stripe& at(std::size_t i) noexcept { return std::launder(reinterpret_cast<stripe*>(bytes_))[i]; }
  const stripe& at(std::size_t i) const noexcept {
    return std::launder(reinterpret_cast<const stripe*>(bytes_))[i];
  }

  template <class K>
  token_type token_of(const K& k) const {
    return token_type(static_cast<std::uint64_t>(hashing_.hash(k)));
  }
  static std::size_t index_of(token_type token) noexcept {
    if constexpr (stripes == 1) {
      return 0;
    } else {
      return static_cast<std::size_t>((token.unseeded() * golden_ratio_bits) >> (64 - stripe_bits));
    }
  }
  stripe& stripe_of(token_type token) noexcept { return at(index_of(token)); }
  const stripe& stripe_of(token_type token) const noexcept { return at(index_of(token)); }

  template <class Entry>
  static const key_type& key_of(const Entry& e) noexcept {
    if constexpr (requires { e.first; }) {
      return e.first;
    } else {
      return e;
    }
  }

  void swap_with(synchronised& other) noexcept {
    for (std::size_t i = 0; i < stripes; ++i) at(i).table.swap(other.at(i).table);
    hashing_type mine(hashing_);
    hashing_.~hashing_type();
    ::new (static_cast<void*>(&hashing_)) hashing_type(other.hashing_);
    other.hashing_.~hashing_type();
    ::new (static_cast<void*>(&other.hashing_)) hashing_type(mine);
  }

  // Locks of all stripes, in order.
  template <class Lock>
  class all_locked {
   public:
    explicit all_locked(const synchronised& of) : of_(of), here_(&of) {
      for (std::size_t i = 0; i < stripes; ++i) Lock(of.at(i).lock).release();
    }
    all_locked(const all_locked&) = delete;
    all_locked& operator=(const all_locked&) = delete;
    ~all_locked() {
      for (std::size_t i = stripes; i-- > 0;) static_cast<void>(Lock(of_.at(i).lock, std::adopt_lock));
    }

   private:
    const synchronised& of_;
    inside here_;
  };
  using all_shared = all_locked<std::shared_lock<lock_type>>;

  // A lock is given to f(table) for the length of the call; what f returns must not refer to an entry.
  template <class F>
  auto with(token_type token, F&& f) {
    stripe& s = stripe_of(token);
    const inside here(this);
    const std::unique_lock held(s.lock);
    return f(s.table);
  }
  template <class F>
  attempt try_with(token_type token, F&& f) {
    stripe& s = stripe_of(token);
    const inside here(this);
    const std::unique_lock held(s.lock, std::try_to_lock);
    if (!held) return {};
    return f(s.table);
  }

 private:
  struct unbuilt {};
  template <class Make>
  synchronised(unbuilt, Make& make) : hashing_(build_all(make)) {}
  synchronised(const synchronised& other, const all_shared&)
      : synchronised(from_first{},
                     [&, i = std::size_t{0}](void* at) mutable { ::new (at) stripe(other.at(i++).table); }) {}

  // Makes every stripe, or none; the first one's hashing policy.
  template <class Make>
  const hashing_type& build_all(Make& make) {
    struct undo {
      ~undo() {
        if (of != nullptr) of->destroy(made);
      }
      synchronised* of;
      std::size_t made = 0;
    } guard{this};
    for (; guard.made < stripes; ++guard.made) make(static_cast<void*>(bytes_ + guard.made * sizeof(stripe)));
    guard.of = nullptr;
    return at(0).table.hashing_policy();
  }
  void destroy(std::size_t made) noexcept {
    while (made-- > 0) at(made).~stripe();
  }

  template <class Tables, class K, class F>
  static size_type visit_in(Tables& t, const K& k, token_type token, F& f) {
    const auto where = t.find(k, token);
    if (where == t.end()) return 0;
    auto&& entry = *where;  // of a split layout a proxy: a name, so that a visitor may take `auto&`
    f(entry);
    return 1;
  }
  template <class K, class F>
  size_type visit_any(const K& k, F&& f) {
    const token_type token = token_of(k);
    stripe& s = stripe_of(token);
    const inside here(this);
    const std::unique_lock held(s.lock);
    return visit_in(s.table, k, token, f);
  }
  template <class K, class F>
  size_type cvisit_any(const K& k, F&& f) const {
    const token_type token = token_of(k);
    const stripe& s = stripe_of(token);
    const inside here(this);
    const std::shared_lock held(s.lock);
    return visit_in(s.table, k, token, f);
  }
  template <class K>
  size_type erase_any(const K& k) {
    const token_type token = token_of(k);
    stripe& s = stripe_of(token);
    const inside here(this);
    const std::unique_lock held(s.lock);
    return s.table.erase(k, token);
  }
  template <class K, class P>
  size_type erase_any_if(const K& k, P& predicate) {
    const token_type token = token_of(k);
    stripe& s = stripe_of(token);
    const inside here(this);
    const std::unique_lock held(s.lock);
    const auto where = s.table.find(k, token);
    if (where == s.table.end() || !predicate(*where)) return 0;
    return s.table.erase(k, token);
  }

  template <class F>
  static auto always(F& f) {
    return [&f](auto&& entry) {
      f(std::forward<decltype(entry)>(entry));
      return true;
    };
  }
  struct walked {
    size_type visited = 0;
    bool to_the_end = true;
  };
  template <class Lock, class Self, class F>
  static walked visit_until(Self& self, F&& f) {
    walked w;
    const inside here(&self);
    for (std::size_t i = 0; i < stripes; ++i) {
      const Lock held(self.at(i).lock);
      for (auto&& entry : self.at(i).table) {
        ++w.visited;
        if (!f(entry)) return {w.visited, false};
      }
    }
    return w;
  }

  static constexpr std::size_t batch_keys = 64;

  template <class Lock, class Self, class It, class F>
  static size_type visit_keys(Self& self, It first, It last, F& f) {
    size_type found = 0;
    const inside here(&self);
    if constexpr (stripes == 1) {
      const Lock held(self.at(0).lock);
      for (; first != last; ++first) found += visit_in(self.at(0).table, *first, self.token_of(*first), f);
    } else if constexpr (std::is_base_of_v<std::forward_iterator_tag,
                                           typename std::iterator_traits<It>::iterator_category>) {
      while (first != last) found += visit_batch<Lock>(self, first, last, f);
    } else {
      for (; first != last; ++first) {
        const auto& k = *first;
        const token_type token = self.token_of(k);
        auto& s = self.stripe_of(token);
        const Lock held(s.lock);
        found += visit_in(s.table, k, token, f);
      }
    }
    return found;
  }

  // The next 64 keys, in as many lists as there are stripes (more than 64 stripes: by the low bits of their
  // number).
  template <class Lock, class Self, class It, class F>
  static size_type visit_batch(Self& self, It& first, It last, F& f) {
    static constexpr std::uint8_t none = 0xff;
    std::uint64_t hashes[batch_keys];
    It keys[batch_keys];
    std::uint8_t next[batch_keys], heads[batch_keys];
    std::fill(std::begin(heads), std::end(heads), none);
    std::size_t n = 0;
    for (; n < batch_keys && first != last; ++n, ++first) {
      const token_type token = self.token_of(*first);
      hashes[n] = token.unseeded();
      keys[n] = first;
      const std::size_t list = index_of(token) % batch_keys;
      next[n] = std::exchange(heads[list], static_cast<std::uint8_t>(n));
      TOPHASH_PREFETCH(&self.stripe_of(token));
    }
    size_type found = 0;
    for (std::uint8_t head : heads) {
      if (head == none) continue;
      auto* held_stripe = &self.stripe_of(token_type(hashes[head]));
      Lock held(held_stripe->lock);
      for (std::size_t i = head; i != none; i = next[i]) {
        const token_type token(hashes[i]);
        if (auto* const s = &self.stripe_of(token); s != held_stripe) {
          held.unlock();
          held = Lock(s->lock);
          held_stripe = s;
        }
        found += visit_in(held_stripe->table, *keys[i], token, f);
      }
    }
    return found;
  }

  template <class F>
  std::size_t sum(F&& of) const noexcept {
    std::size_t total = 0;
    for (std::size_t i = 0; i < stripes; ++i) {
      const std::shared_lock held(at(i).lock);
      total += of(at(i).table);
    }
    return total;
  }
  // An even share and an eighth: keys fall on stripes at random.
  static constexpr size_type share_of(size_type entries) noexcept {
    return stripes == 1 ? entries : entries / stripes + entries / stripes / 8 + 1;
  }

  alignas(stripe) std::byte bytes_[stripes * sizeof(stripe)];
  // A copy that no lock guards: a key's stripe is known before its lock is held.
  [[no_unique_address]] hashing_type hashing_;
};

}  // namespace shared

}  // namespace tophash::inline v1

#endif
