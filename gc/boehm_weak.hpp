// SPDX-License-Identifier: Apache-2.0
// Weak tables on stock libgc 8: storage for tophash::weak_map, and what empties it.
//   boehm_weak              malloc memory, which libgc does not read: entries keep nothing by themselves
//   boehm_weak_tables       the process's list of them, and what the last collection did with them
//
// After marking, libgc 8.2 has one place where marking may go on and nothing has been cleared or freed yet: the first
// thing that GC_finalize does is to mark the strong toggle-references, each by its own kind and until the mark stack is
// empty, overflows of it included. Here these are four small objects whose mark procedure works on the tables:
//   1  values that are held whatever happens (weak_keys), keys of weak_values, and values of ephemerons whose key is
//      marked; then, round by round, of those whose key has been marked since. A call pushes at most 64 and first a
//      descriptor of itself, so it goes on when these are marked through
//   2  and 3: everything is marked through now. One more look: if no key has been marked since, what is left is dead
//      and its entries are removed; else the rounds go on
//   4  the same, but where there is more to do, everything is kept for this cycle
// Between removal and the end of the collection nothing is marked but objects with finalizers: an entry goes before its
// key is finalized. Weak links to what only an ephemeron leads to are seen to afterwards, so they stay.
// Rounds alternate in direction, and go back over as few entries as helps, so chains of ephemerons in the order of the
// table, or against it, take one round or two. In random order a chain of n takes about n / 4 of them: quadratic, where
// precise_heap is linear. So there is a bound: 16 looks at each entry on average, and 100,000 more; beyond,
// what is left is kept, keys and all, and counted (weak_cycle_counts). Safe; collected by a later cycle if that is
// decided sooner.
// A value is searched word by word, as any memory of libgc's; values reached through malloc memory are not found.
// Memory: a list of 24 bytes for each ephemeron, made by malloc and kept for the next cycle as long as entries fill a
// quarter of it: made anew each time, its page faults were half of what weak entries cost. Without memory for it entries
// are kept for that cycle.
// Threads: marking of this kind runs when the world runs again, under libgc's allocator lock: so each operation of a
// weak map takes that lock, too.
#ifndef TOPHASH_GC_BOEHM_WEAK_HPP
#define TOPHASH_GC_BOEHM_WEAK_HPP

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

#include <gc.h>
#include <gc/gc_mark.h>

#include <tophash/allocators/system.hpp>
#include <tophash/framework/concepts/allocation.hpp>
#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/config.hpp>
#include <tophash/framework/core/checked.hpp>
#include <tophash/framework/core/trace_info.hpp>
#include <tophash/gc/boehm_kind.hpp>
#include <tophash/gc/facts.hpp>
#include <tophash/gc/weak.hpp>

// gc.h declares these only for programs that have their thread functions replaced; for others they are macros without
// effect, which parentheses keep off: another part of the program may have threads.
extern "C" {
GC_API void GC_CALL(GC_alloc_lock)(void);
GC_API void GC_CALL(GC_alloc_unlock)(void);
}

namespace tophash::inline v1 {

namespace gc {

// What the last collection did.
struct weak_cycle_counts {
  std::uint64_t entries = 0;  // in weak tables, at the end of marking
  std::uint64_t removed = 0;
  std::uint64_t looks = 0;           // at keys of ephemerons
  std::uint64_t rounds = 0;          // over those whose key had not been marked
  std::uint64_t kept_undecided = 0;  // the bound was reached, or there was no memory
};

class boehm_weak_tables;

// A weak table in the list.
struct boehm_weak_link {
  boehm_weak_link* previous = this;
  boehm_weak_link* next = this;
  weakness held = weakness::ephemerons;
  std::uint64_t removed = 0;
  std::size_t (*size)(const boehm_weak_link&) noexcept = nullptr;
  // Calls entry() with what its entries hold; `all`: with what they hold weakly, too.
  void (*gather)(const boehm_weak_link&, boehm_weak_tables&, bool all) noexcept = nullptr;
  std::size_t (*purge)(boehm_weak_link&) noexcept = nullptr;
};

// libgc's allocator lock: recursive it is not.
class boehm_lock {
 public:
  boehm_lock() noexcept { (GC_alloc_lock)(); }
  boehm_lock(const boehm_lock&) = delete;
  boehm_lock& operator=(const boehm_lock&) = delete;
  ~boehm_lock() { (GC_alloc_unlock)(); }
};

// One for the process; everything here runs under libgc's allocator lock.
class boehm_weak_tables {
 public:
  static constexpr std::uint64_t looks_per_entry = 16, free_looks = 100'000;

  // Has the table looked at from the next collection on. std::bad_alloc where libgc has no memory for the four objects.
  static void join(boehm_weak_link& t) {
    boehm_weak_tables& all = attached();
    const boehm_lock held;
    t.previous = &all.tables_;
    t.next = all.tables_.next;
    t.next->previous = &t;
    all.tables_.next = &t;
  }
  static void leave(boehm_weak_link& t) noexcept {
    const boehm_lock held;
    t.previous->next = t.next;
    t.next->previous = t.previous;
  }
  static weak_cycle_counts last_cycle() {
    boehm_weak_tables& all = attached();
    const boehm_lock held;
    return all.counts_;
  }

  // While the collector looks: was the object marked? True of null and of what is no object of libgc's.
  static bool is_reached(const void* object) noexcept {
    const void* const base = object == nullptr ? nullptr : GC_base(const_cast<void*>(object));
    return base == nullptr || GC_is_marked(base) != 0;
  }

  // Of a table that is gathered: `part` is to be marked as soon as `key` is; at once if that is null.
  void entry(const void* key, const unsigned char* part, std::size_t bytes) noexcept {
    const waiting w{key, part, bytes};
    if (!keeps_all_) {
      list_[end_++] = w;
    } else {
      top_ = push_both(w, top_, limit_);
    }
  }

 private:
  using mark_entry = GC_ms_entry;
  static constexpr std::size_t checkpoints = 4, pushed_at_once = 64, window_max = 64;

  struct waiting {
    const void* key;
    const unsigned char* part;
    std::size_t bytes;
  };
  // All that libgc gives a toggle object: two words, the second never a pointer.
  struct toggle {
    void* link;
    std::uintptr_t number;  // ~i; 0: not ours yet
  };

  enum class stage : std::uint8_t { asleep, due, working, finished };

  boehm_weak_tables() noexcept = default;

  static boehm_weak_tables& attached() {
    static boehm_weak_tables& all = attach();
    return all;
  }
  static boehm_weak_tables& attach() {
    GC_INIT();
    void* const place = std::malloc(sizeof(boehm_weak_tables));  // not where libgc looks
    if (place == nullptr) throw std::bad_alloc();
    auto* const all = ::new (place) boehm_weak_tables;
    const unsigned procedure = GC_new_proc(&look);
    all->kind_ = static_cast<int>(GC_new_kind(GC_new_free_list(), GC_MAKE_PROC(procedure, 0), 0, 1));
    before().status = GC_get_toggleref_func();
    before().event = GC_get_on_collection_event();
    GC_set_toggleref_func(&keep_toggles);
    the_one() = all;
    // The last one is for going on; it hangs on none of the others, so it is kept by a root.
    for (std::size_t i = 0; i <= checkpoints; ++i) {
      auto* const t = static_cast<toggle*>(GC_malloc_kind(sizeof(toggle), all->kind_));
      if (t == nullptr) throw std::bad_alloc();
      t->number = ~i;
      if (i == checkpoints) {
        going_on() = t;
      } else if (GC_toggleref_add(t, 1) != GC_SUCCESS) {
        throw std::bad_alloc();
      }
    }
    GC_set_on_collection_event(&on_event);
    return *all;
  }

  struct previous_callbacks {
    GC_toggleref_func status = nullptr;
    GC_on_collection_event_proc event = nullptr;
  };
  static previous_callbacks& before() noexcept {
    static constinit previous_callbacks b{};
    return b;
  }
  static boehm_weak_tables*& the_one() noexcept {
    static constinit boehm_weak_tables* all = nullptr;
    return all;
  }
  static toggle*& going_on() noexcept {
    static constinit toggle* t = nullptr;
    return t;
  }

  static GC_ToggleRefStatus GC_CALLBACK keep_toggles(void* object) {
    if (GC_get_kind_and_size(object, nullptr) == the_one()->kind_) return GC_TOGGLE_REF_STRONG;
    return before().status != nullptr ? before().status(object) : GC_TOGGLE_REF_STRONG;
  }

  // Marking of anything else calls look() as well; only between these two events does it work.
  static void GC_CALLBACK on_event(GC_EventType type) {
    boehm_weak_tables& self = *the_one();
    if (type == GC_EVENT_MARK_END) self.stage_ = stage::due;
    if (type == GC_EVENT_RECLAIM_END) self.end_cycle();
    if (before().event != nullptr) before().event(type);
  }

  static mark_entry* look(GC_word* object, mark_entry* top, mark_entry* limit, GC_word) {
    boehm_weak_tables& self = *the_one();
    const auto& t = *reinterpret_cast<const toggle*>(object);
    if (self.stage_ == stage::asleep || self.stage_ == stage::finished || t.number == 0) return top;
    const std::size_t number = ~t.number;
    if (number < checkpoints) {
      // Each counts once a cycle, in order: after an overflow of the mark stack libgc reads marked objects again.
      if (number != self.next_checkpoint_) return top;
      ++self.next_checkpoint_;
      if (self.settled()) return top;
    } else if (self.is_quiet_) {
      return top;
    }
    return self.work(top, limit);
  }

  // All that was pushed has been marked through. False: there is more to push.
  bool settled() noexcept {
    if (next_checkpoint_ == 1) return !begin_cycle();
    if (!is_anyone_ready()) {
      purge();
      return true;
    }
    keeps_all_ = next_checkpoint_ == checkpoints;  // nobody would look at what this leads to
    begin_round();
    return false;
  }

  bool begin_cycle() noexcept {
    stage_ = stage::finished;
    counts_ = {};
    std::size_t entries = 0;
    for (const boehm_weak_link* t = tables_.next; t != &tables_; t = t->next) entries += t->size(*t);
    if (entries == 0) {
      resize_list(0);
      return false;
    }
    stage_ = stage::working;
    counts_.entries = entries;
    looks_left_ = looks_per_entry * entries + free_looks;
    window_ = window_max;
    begin_ = end_ = 0;
    if (entries > list_room_ || entries < list_room_ / 4) resize_list(entries);
    keeps_all_ = list_ == nullptr;
    if (keeps_all_) return true;
    for (const boehm_weak_link* t = tables_.next; t != &tables_; t = t->next) t->gather(*t, *this, false);
    forward_ = false;
    begin_round();
    return true;
  }
  // What was in it is not.
  void resize_list(std::size_t entries) noexcept {
    std::free(std::exchange(list_, nullptr));
    list_room_ = entries;
    if (entries != 0) list_ = static_cast<waiting*>(std::malloc(entries * sizeof(waiting)));
    if (list_ == nullptr) list_room_ = 0;
  }
  void end_cycle() noexcept {
    stage_ = stage::asleep;
    next_checkpoint_ = 0;
  }

  bool is_anyone_ready() noexcept {
    for (std::size_t i = begin_; i != end_; ++i) {
      ++counts_.looks;
      if (is_ready(list_[i])) return true;
    }
    return false;
  }
  static bool is_ready(const waiting& w) noexcept { return w.key == nullptr || is_reached(w.key); }

  void purge() noexcept {
    stage_ = stage::finished;
    for (boehm_weak_link* t = tables_.next; t != &tables_; t = t->next) counts_.removed += t->purge(*t);
  }

  // ---- rounds. What waits is list_[begin_, end_); a round that goes forward leaves what still waits at the front, and
  // so on. A window of entries is looked at again as long as that helps: chains that follow the list are then one push
  // after the other; others should not pay for it, so the window adapts.

  void begin_round() noexcept {
    forward_ = !forward_;
    at_ = forward_ ? begin_ : end_;
    put_ = at_;
    pushed_in_round_ = false;
    is_quiet_ = false;
    ++counts_.rounds;
  }

  mark_entry* work(mark_entry* top, mark_entry* limit) noexcept {
    if (keeps_all_) return keep_all(top, limit);
    // First, so that it comes after what is pushed now.
    GC_clear_mark_bit(going_on());
    void* const again = going_on();
    top = GC_MARK_AND_PUSH(again, top, limit, nullptr);
    std::size_t pushed = 0;
    while (pushed == 0) {
      if (at_ == (forward_ ? end_ : begin_)) {
        (forward_ ? end_ : begin_) = put_;
        if (!pushed_in_round_ || begin_ == end_) {
          is_quiet_ = true;
          return top;
        }
        if (looks_left_ == 0) return keep_waiting(top, limit);
        begin_round();
        continue;
      }
      pushed = push_window(top, limit);
      pushed_in_round_ |= pushed != 0;
    }
    return top;
  }

  // Looks at the next entries; steps back over those that wait if some were pushed, since these may be ready next.
  std::size_t push_window(mark_entry*& top, mark_entry* limit) noexcept {
    const std::size_t from = at_, n = std::min(window_, forward_ ? end_ - at_ : at_ - begin_);
    const std::size_t put_before = put_;
    std::size_t pushed = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const waiting w = list_[forward_ ? from + i : from - 1 - i];
      ++counts_.looks;
      if (is_ready(w)) {
        top = push(w, top, limit);
        ++pushed;
      } else if (forward_) {
        list_[put_++] = w;
      } else {
        list_[--put_] = w;
      }
    }
    looks_left_ -= std::min<std::uint64_t>(looks_left_, n);
    at_ = forward_ ? from + n : from - n;
    const std::size_t waits = forward_ ? put_ - put_before : put_before - put_;
    if (pushed != 0 && waits != 0) {
      // Those that wait move up to where the window ended, and are looked at again.
      if (forward_) {
        for (std::size_t i = 0; i < waits; ++i) list_[at_ - 1 - i] = list_[put_ - 1 - i];
        at_ -= waits;
      } else {
        for (std::size_t i = 0; i < waits; ++i) list_[at_ + i] = list_[put_ + i];
        at_ += waits;
      }
      put_ = put_before;
      window_ = std::max<std::size_t>(window_ / 2, 1);
    } else {
      window_ = std::min(2 * window_, window_max);
    }
    return pushed;
  }

  static mark_entry* push(const waiting& w, mark_entry* top, mark_entry* limit) noexcept {
    return boehm_kind::push_part(w.part, w.bytes, top, limit);
  }
  static mark_entry* push_both(const waiting& w, mark_entry* top, mark_entry* limit) noexcept {
    void* const base = w.key == nullptr ? nullptr : GC_base(const_cast<void*>(w.key));
    if (base != nullptr) top = GC_MARK_AND_PUSH(base, top, limit, nullptr);
    return push(w, top, limit);
  }

  // What is too much for the mark stack libgc finds by reading the heap again.
  mark_entry* keep_waiting(mark_entry* top, mark_entry* limit) noexcept {
    counts_.kept_undecided += end_ - begin_;
    for (; begin_ != end_; ++begin_) top = push_both(list_[begin_], top, limit);
    is_quiet_ = true;
    return top;
  }
  mark_entry* keep_all(mark_entry* top, mark_entry* limit) noexcept {
    stage_ = stage::finished;
    counts_.kept_undecided = counts_.entries;
    top_ = top, limit_ = limit;
    for (const boehm_weak_link* t = tables_.next; t != &tables_; t = t->next) t->gather(*t, *this, true);
    return top_;
  }

  boehm_weak_link tables_;  // a ring
  int kind_ = 0;
  stage stage_ = stage::asleep;
  std::size_t next_checkpoint_ = 0;
  weak_cycle_counts counts_;

  waiting* list_ = nullptr;
  std::size_t list_room_ = 0;  // entries
  std::size_t begin_ = 0, end_ = 0, at_ = 0, put_ = 0, window_ = window_max;
  std::uint64_t looks_left_ = 0;
  bool forward_ = true, pushed_in_round_ = false, is_quiet_ = false, keeps_all_ = false;
  mark_entry *top_ = nullptr, *limit_ = nullptr;
};

// The storage of a weak map on Boehm's collector.
struct boehm_weak : allocators::system {
  static constexpr std::string_view name = "boehm_weak";
};

static_assert(allocation_backend<boehm_weak>);

template <>
struct weak_host<boehm_weak> {
  template <class Map>
  class table : boehm_weak_link {
    using key_type = typename Map::key_type;
    using mapped_type = typename Map::mapped_type;

   public:
    template <class... Policies>
    table(const boehm_weak& storage, weakness how, Policies&&... policies)
        : map_(storage, std::forward<Policies>(policies)...) {
      held = how;
      size = [](const boehm_weak_link& self) noexcept { return of(self).map_.size(); };
      gather = [](const boehm_weak_link& self, boehm_weak_tables& to, bool all) noexcept {
        of(self).gather_entries(to, all);
      };
      purge = [](boehm_weak_link& self) noexcept { return static_cast<table&>(self).remove_unreached(); };
      boehm_weak_tables::join(*this);
    }
    table(const table&) = delete;
    table& operator=(const table&) = delete;
    ~table() { boehm_weak_tables::leave(*this); }

    Map& operator*() noexcept { return map_; }
    template <class F>
    auto locked(F&& f) {
      const boehm_lock lock;
      return f();
    }
    std::uint64_t removed() const noexcept { return boehm_weak_link::removed; }

   private:
    static const table& of(const boehm_weak_link& link) noexcept { return static_cast<const table&>(link); }

    template <class Part>
    static void pass(boehm_weak_tables& to, const void* key, const Part& part, bool all) noexcept {
      constexpr bool points = gc_traits<Part>::may_contain_pointers;
      if (points || all)
        to.entry(key, reinterpret_cast<const unsigned char*>(&part), points ? sizeof part : 0);
    }
    void gather_entries(boehm_weak_tables& to, bool all) const noexcept {
      for (const auto& [key, value] : map_) {
        if (held == weakness::values) {
          if constexpr (std::is_pointer_v<mapped_type>) pass(to, all ? value : nullptr, key, all);
        } else if constexpr (std::is_pointer_v<key_type>) {
          pass(to, all || held == weakness::ephemerons ? key : nullptr, value, all);
        }
      }
    }
    std::size_t remove_unreached() noexcept {
      std::size_t n = 0;
      for (auto at = map_.begin(); at != map_.end();) {
        const void* held_weakly = nullptr;
        if constexpr (std::is_pointer_v<key_type>) {
          if (held != weakness::values) held_weakly = (*at).first;
        }
        if constexpr (std::is_pointer_v<mapped_type>) {
          if (held == weakness::values) held_weakly = (*at).second;
        }
        if (boehm_weak_tables::is_reached(held_weakly)) {
          ++at;
        } else {
          at = map_.erase(at);
          ++n;
        }
      }
      boehm_weak_link::removed += n;
      return n;
    }

    Map map_;
  };
};

}  // namespace gc

}  // namespace tophash::inline v1

#endif
