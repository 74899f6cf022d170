// SPDX-License-Identifier: Apache-2.0
// A collected heap of our own: exact, mark-sweep, not moving, incremental. Objects are made by it and found
// through roots; maps keep their memory in it and are traced by their live slots alone.
//
//   gc::precise_heap heap;                                  // two reservations of addresses, tables beside
//   them tophash::map<std::string, node*, gc::precise> names{gc::precise(heap)}; gc::root<node> a =
//   heap.make<node>(1); names.insert_or_assign("a", a.get());                   // from here on the map keeps
//   it template <> struct tophash::gc_traits<node> { static constexpr bool may_contain_pointers = true;
//     static void trace(pointer_visitor& visit, const node& n) { visit(n.next); } };
//
// Who owns what: the heap owns objects and destroys them when nothing leads to them. A map owns its blocks
// and gives them back itself, old arrays as soon as they are evacuated: collecting never takes one. Collector
// work is done in make(), step() and collect() only, never inside a map's operation.
//
// Marking (Dijkstra's insertion barrier): what is stored while a cycle is marking is marked. Told are
//   - maps: insertion, try_emplace, insert_or_assign, growth. Not told: writes through a reference or an
//   iterator, such
//     as m[k] = p of a key that is there. Use insert_or_assign, or gc::member<T> as the value, or
//     heap.stored(p) after it
//   - objects: gc::member<T> as a field, or heap.stored(p) after writing a raw pointer
// Roots are read once more when all else is marked: a handle costs nothing to assign. Objects made while
// marking are kept in that cycle and traced for what their constructor stored. Mark bits are in rows beside
// the objects (precise/marks.hpp); pointers to mark pass a window of 16 whose lines are asked for ahead, and
// objects to trace another of 8 (Cher, Hosking, Vitek, "Software prefetching for mark-sweep garbage
// collection", 2004). Sweeping is lazy, a span at a time, by bitmaps; objects without a destructor are not
// touched.
//
// Pacing, in the manner of Go: after a cycle the goal is live + max(min_heap_bytes, live * growth_percent /
// 100), less if soft_limit_bytes says so. A cycle begins when 70 % of the way is used, and each allocation
// from there on does as much of it as lets it end by the goal: steps of step_work units, spaced in allocated
// bytes. Live bytes are those of objects and of maps' blocks. Nothing depends on time: the same calls give
// the same cycles. One unit of work is one pointer followed, one object or one unit of an array read.
//
// Weak tables (weak_table, below) are read and purged when all else is marked, ephemerons included.
//
// make: O(1) and the share of the cycle it owes; std::bad_alloc, with no effect. Constructors may make
// further objects; what they need across that they hold in roots. Destructors run in sweeping, in any order:
// they must not use other objects of the heap, nor make any. Not synchronised: a heap and all that leads to
// it belong to one thread.
#ifndef TOPHASH_GC_PRECISE_HEAP_HPP
#define TOPHASH_GC_PRECISE_HEAP_HPP

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

#include <time.h>

#include <tophash/allocators/spans.hpp>
#include <tophash/framework/concepts/allocation.hpp>
#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/config.hpp>
#include <tophash/framework/core/census.hpp>
#include <tophash/framework/core/checked.hpp>
#include <tophash/framework/core/trace_info.hpp>
#include <tophash/gc/collection_log.hpp>
#include <tophash/gc/collector.hpp>
#include <tophash/gc/facts.hpp>
#include <tophash/gc/precise/arrays.hpp>
#include <tophash/gc/precise/marks.hpp>
#include <tophash/gc/precise/objects.hpp>
#include <tophash/gc/precise/pending_keys.hpp>
#include <tophash/gc/precise/roots.hpp>
#include <tophash/gc/precise/work_stack.hpp>
#include <tophash/gc/trace_blocks.hpp>
#include <tophash/gc/weak.hpp>

namespace tophash::inline v1 {

namespace gc {

enum class cycle_phase : std::uint8_t { idle, marking, sweeping };

// One stay in the collector, a pause of the thread that entered it.
struct collector_stay {
  std::uint64_t cpu_ns = 0, wall_ns = 0;
  std::uint64_t cycle = 0;
  cycle_phase before = cycle_phase::idle, after = cycle_phase::idle;
};
// Told of each as it ends. It must not use the heap.
struct stay_watcher {
  void (*ended)(void* context, const collector_stay& stay) noexcept = nullptr;
  void* context = nullptr;
};

struct precise_options {
  // Marking reads objects at random: in a virtual machine, where a TLB miss costs two page walks, 4,000,000
  // shuffled objects took 4 times as long on small pages.
  allocators::spans_options objects{.large_pages = true}, blocks{.large_pages = true};
  std::size_t min_heap_bytes = std::size_t{4} << 20;
  unsigned growth_percent = 100;
  std::size_t soft_limit_bytes =
      0;  // 0: none. Kept by collecting more often, down to a sixteenth of min_heap_bytes
  std::size_t step_work = 8192;  // the work of one step, which bounds the longest stall
  bool automatic = true;         // false: only step() and collect() collect
  stay_watcher watcher{};
  // For tests.
  std::size_t mark_stack_max =
      std::numeric_limits<std::size_t>::max();  // entries; beyond, the heap is read again
  unsigned zeal = 0;          // a full collection at each n-th allocation, maps' blocks included
  bool poison_freed = false;  // swept slots are filled with 0xdd
};

// Of the cycle that marked last; of the one under way, so far.
struct mark_counts {
  std::uint64_t objects = 0;      // marked, those made during the cycle not counted
  std::uint64_t bytes = 0;        // their slots
  std::uint64_t array_bytes = 0;  // control words and live slots read in maps
  std::uint64_t array_units = 0;
  std::uint64_t pointers = 0;  // followed, null and foreign ones included
  std::uint64_t traced = 0;    // objects read: those in pointer-free spans never are
  std::uint64_t spans = 0;     // with at least one object marked
  std::uint64_t work = 0;
  std::uint64_t rescans = 0;  // of the heap, because the mark stack was full

  friend bool operator==(const mark_counts&, const mark_counts&) = default;
};

class precise_heap;
class precise;

// A weak table in the ring of its heap.
struct weak_link {
  weak_link* previous = this;
  weak_link* next = this;
  void (*purge)(weak_link& self) noexcept =
      nullptr;  // marking is done: removes entries whose object was not reached
};

// Heaps of this thread that are marking.
inline constinit thread_local precise_heap* marking_heaps = nullptr;

class precise_heap {
 public:
  static constexpr std::string_view name = "precise";
  static constexpr bool is_exact = true;
  template <class T>
  using handle = root<T>;
  using storage = precise;
  using weak_storage = precise;

  explicit precise_heap(const precise_options& options = {})
      : options_(options),
        objects_(options.objects),
        blocks_(options.blocks),
        marks_(objects_),
        pauses_(pauses_listed) {
    if (!marks_.exists()) throw_bad_alloc();
    stack_.limit(options_.mark_stack_max);
    is_tested_ = options_.zeal != 0;
    objects_.watch({.began =
                        [](void* self, const allocators::span_view& span) noexcept {
                          static_cast<precise_heap*>(self)->marks_.span_began(span);
                        },
                    .context = this});
    visitor_.heap = this;
    visitor_.pointer_found = [](pointer_visitor& v, const void* p) noexcept {
      static_cast<marking_visitor&>(v).heap->pointer(p);
    };
    visitor_.array_found = [](pointer_visitor& v, const void* block) noexcept {
      static_cast<marking_visitor&>(v).heap->array(block);
    };
    set_goal(0);
    start_window();
  }
  precise_heap(const precise_heap&) = delete;
  precise_heap& operator=(const precise_heap&) = delete;
  // Maps and handles are gone; the objects that are left are destroyed.
  ~precise_heap() {
    TOPHASH_CHECK(handles_.is_alone() && scopes_ == nullptr, "precise_heap: a root outlives its heap");
    if (phase_ == cycle_phase::marking) leave_marking_list();
    objects_.finish_sweep();
    in_collector_ = true;
    objects_.for_each_span([this](const allocators::span_view& span) {
      if (!marks_[span.number].has_destructors) return;
      for (std::size_t w = 0; w < span.words(); ++w) destroy_slots(span, w, span.allocated[w]);
    });
    objects_.release_all();
    TOPHASH_CHECK(blocks_.live_bytes() == 0, "precise_heap: the heap ends before a map that uses it");
  }

  // ---- objects

  // A new object. What the arguments point to must be held by roots.
  template <class T, class... Args>
  root<T> make(Args&&... args) {
    return build<T, false>(1, [&](T* at) { ::new (static_cast<void*>(at)) T(std::forward<Args>(args)...); });
  }
  // An array of n value-initialised elements; the handle is of the first. Large ones are traced in pieces.
  template <class T>
  root<T> make_array(std::size_t n) {
    return build<T, true>(n, [n](T* at) { std::uninitialized_value_construct_n(at, n); });
  }
  // Elements of an array that make_array<T> made.
  template <class T>
  static std::size_t count_of(const T* first) noexcept {
    static_assert(has_header<T>,
                  "an array of a type without pointers or destructor does not know its length");
    auto* const bytes = reinterpret_cast<unsigned char*>(const_cast<T*>(first));
    return headed_slot{bytes - object_type_of<T, true>.header_bytes}.count();
  }
  // A handle to an object that this heap made, or null.
  template <class T>
  root<T> keep(T* object) noexcept {
    return root<T>(handles_, object);
  }

  // The insertion barrier: a pointer to this object was stored where marking may have been already. Null is
  // ignored.
  TOPHASH_ALWAYS_INLINE void stored(const void* object) noexcept {
    if (phase_ == cycle_phase::marking) [[unlikely]]
      pointer(object);
  }

  // Does the address lie in an object of this heap?
  bool owns(const void* p) const noexcept { return objects_.owns(p); }
  // While weak processing runs: was the object reached?
  bool is_marked(const void* p) const noexcept { return marks_.is_marked(p); }

  // ---- collecting

  cycle_phase phase() const noexcept { return phase_; }
  bool is_marking() const noexcept { return phase_ == cycle_phase::marking; }

  // Begins a cycle, or lets one go on. True: no cycle is under way afterwards.
  bool step(std::size_t work) noexcept {
    const entry here(*this);
    if (phase_ == cycle_phase::idle) begin_cycle();
    advance(work);
    return phase_ == cycle_phase::idle;
  }

  // A full collection: what is unreachable now is destroyed when this returns. Ends a cycle under way first.
  void collect() noexcept {
    const entry here(*this);
    if (phase_ == cycle_phase::marking) advance(unlimited);
    end_sweep();
    begin_cycle();
    advance(unlimited);
    end_sweep();
    credit_from_goal();
  }

  // ---- measuring

  void start_window() noexcept {
    pauses_.clear();
    window_ = {};
    window_.begin_ns = clock_ns(CLOCK_MONOTONIC);
    window_.peak_bytes = heap_bytes();
  }
  gc_sample sample() const noexcept {
    gc_sample s;
    s.window_ns = clock_ns(CLOCK_MONOTONIC) - window_.begin_ns;
    s.collections = window_.collections;
    s.stall = s.stop_the_world = pauses_.summarise();
    s.collector_cpu_ns = window_.cpu_ns;
    s.allocated_bytes = window_.allocated_bytes;
    s.reclaimed_bytes = window_.reclaimed_bytes;
    s.heap_bytes = heap_bytes();
    s.heap_peak_bytes = std::max(window_.peak_bytes, s.heap_bytes);
    s.free_bytes =
        s.heap_bytes - std::min<std::uint64_t>(s.heap_bytes, objects_.page_heap().bytes_in_use() +
                                                                 blocks_.page_heap().bytes_in_use());
    return s;
  }

  const mark_counts& last_marking() const noexcept { return counts_; }
  std::uint64_t longest_entry_cpu_ns() const noexcept {
    return window_.longest_cpu_ns;
  }  // since start_window()
  std::uint64_t cycles() const noexcept { return cycle_; }
  std::size_t goal_bytes() const noexcept { return goal_bytes_; }
  // Objects not yet known to be dead, and maps' blocks.
  std::size_t in_use_bytes() const noexcept { return object_bytes_ + blocks_.live_bytes(); }
  const allocators::spans_resource& objects() const noexcept { return objects_; }
  const allocators::spans_resource& blocks() const noexcept { return blocks_; }
  // Free pages back to the system. Returns how many bytes went.
  std::size_t scavenge() noexcept { return objects_.scavenge() + blocks_.scavenge(); }

  // For tests and debugging: words of objects in pointer-free spans that are addresses of objects in use. Their type says
  // that it holds no pointer; either it lies, or the word is a number that looks so. O(bytes of those spans).
  std::size_t words_that_lie() const noexcept {
    std::size_t found = 0;
    objects_.for_each_span([this, &found](const allocators::span_view& span) {
      if (!span.pointer_free) return;
      for (std::size_t w = 0; w < span.words(); ++w) {
        for (std::uint64_t slots = span.allocated[w]; slots != 0; slots &= slots - 1) {
          const unsigned char* const begin = slot_in(span, w, slots).begin;
          for (std::size_t at = 0; at + sizeof(void*) <= span.slot_bytes; at += sizeof(void*)) {
            found += objects_.owns(load_address(begin + at)) ? 1 : 0;
          }
        }
      }
    });
    return found;
  }

  // For tests: of the allocations from here on, objects, maps' blocks and what marking keeps in lists, the
  // first-th and the count - 1 after it find no memory. refuse(0): none any more. Returns how many there were
  // since the last call.
  std::uint64_t refuse(std::uint64_t first, std::uint64_t count = UINT64_MAX) noexcept {
    const std::uint64_t asked = refusals_.asked;
    refusals_ = {.first = first, .count = first == 0 ? 0 : count};
    is_tested_ = options_.zeal != 0 || first != 0;
    allocation_refusals* const by = first != 0 ? &refusals_ : nullptr;
    stack_.refuse_by(by), long_arrays_.refuse_by(by), waiting_values_.refuse_by(by), pending_.refuse_by(by);
    return asked;
  }

  root_scope_link*& scopes() noexcept { return scopes_; }
  weak_link& weak_tables() noexcept { return weak_tables_; }

  // ---- storage of maps

  void* allocate_block(const request& r, map_place place) noexcept {
    if (is_tested_) [[unlikely]] {
      collect_for_zeal();
      if (!refusals_.admits()) return nullptr;
    }
    credit_bytes_ -= static_cast<std::ptrdiff_t>(std::min<std::size_t>(r.bytes, credit_max_bytes));
    window_.allocated_bytes += r.bytes;
    if (!map_array::is_one(r)) return blocks_.allocate(r, true);
    if (r.bytes > static_cast<std::size_t>(PTRDIFF_MAX) / 2) return nullptr;
    auto* const all = static_cast<unsigned char*>(blocks_.allocate(map_array::with_header(r), true));
    if (all == nullptr) return nullptr;
    unsigned char* const block = all + map_array::offset_for(r.align);
    auto* const header = ::new (static_cast<void*>(map_array::of(block))) map_array;
    header->trace = r.trace;
    header->bytes = r.bytes;
    header->traced_in = cycle_;  // it is empty, and what will be stored is told
    header->place = place;
    if (place != map_place::in_object)
      header->join(place == map_place::outside ? traced_arrays_ : weak_arrays_);
    return block;
  }
  void deallocate_block(void* p, const request& r) noexcept {
    if (!map_array::is_one(r)) return blocks_.deallocate(p, r);
    map_array* const header = map_array::of(p);
    header->leave();
    std::destroy_at(header);
    blocks_.deallocate(static_cast<unsigned char*>(p) - map_array::offset_for(r.align),
                       map_array::with_header(r));
  }
  TOPHASH_ALWAYS_INLINE void entry_stored(const trace_info& t, const void* key, const void* value) noexcept {
    if (phase_ == cycle_phase::marking) [[unlikely]]
      entry_stored_slow(t, key, value);
  }
  // What marking counted in an array (core/census.hpp). Not in weak tables: those are told what went.
  bool census_of(const void* block, const request& r, slot_census& out) const noexcept {
    if (!map_array::is_one(r)) return false;
    const map_array& a = *map_array::of(block);
    if (!a.is_counted || a.at_unit != 0) return false;
    out = a.census;
    return true;
  }
  std::uint64_t markings() const noexcept { return markings_; }
  void array_taken_over(const void* block) noexcept {
    if (phase_ == cycle_phase::marking) array(block);
  }

  // ---- what trace_blocks and visitors tell

  TOPHASH_ALWAYS_INLINE void pointer(const void* p) noexcept {
    ++counts_.pointers;
    --work_left_;
    mark_table::place at = marks_.locate(p);
    if (at.row == nullptr) return;
    TOPHASH_PREFETCH(at.row);
    std::swap(window_to_mark_[mark_at_], at);
    mark_at_ = (mark_at_ + 1) % marks_ahead;
    if (at.row != nullptr) mark(at);
  }
  pointer_visitor& visitor() noexcept { return visitor_; }
  void has_read(std::size_t bytes) noexcept { counts_.array_bytes += bytes; }

 private:
  static constexpr std::size_t unlimited = static_cast<std::size_t>(PTRDIFF_MAX);
  static constexpr std::size_t credit_max_bytes = std::size_t{1} << 40;
  static constexpr std::size_t pauses_listed = 16'384;
  static constexpr std::size_t marks_ahead = 16, traces_ahead = 8;
  static constexpr std::size_t units_in_one_go = 32;
  static constexpr std::size_t trigger_percent = 70;
  static constexpr std::size_t least_step_bytes = 4096;
  static constexpr std::size_t sweep_step_bytes = 65536, sweep_step_spans = 32;

  struct marking_visitor : pointer_visitor {
    precise_heap* heap = nullptr;
  };
  // The part of an array of objects that is still to be traced.
  struct long_array {
    unsigned char* slot;
    std::size_t next;
  };
  struct window_counts {
    std::uint64_t begin_ns = 0, cpu_ns = 0, longest_cpu_ns = 0;
    std::uint64_t collections = 0, allocated_bytes = 0, reclaimed_bytes = 0, peak_bytes = 0;
  };

  // One stay in the collector: a pause of the thread.
  class entry {
   public:
    explicit entry(precise_heap& heap) noexcept
        : heap_(heap),
          begin_ns_(clock_ns(CLOCK_MONOTONIC)),
          begin_cpu_ns_(clock_ns(CLOCK_THREAD_CPUTIME_ID)) {
      TOPHASH_CHECK(!heap_.in_collector_,
                    "precise_heap: a destructor or trace function called the collector");
      heap_.in_collector_ = true;
    }
    entry(const entry&) = delete;
    entry& operator=(const entry&) = delete;
    ~entry() {
      heap_.in_collector_ = false;
      const std::uint64_t cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin_cpu_ns_,
                          now_ns = clock_ns(CLOCK_MONOTONIC);
      heap_.window_.cpu_ns += cpu_ns;
      heap_.window_.longest_cpu_ns = std::max(heap_.window_.longest_cpu_ns, cpu_ns);
      heap_.pauses_.add(begin_ns_, now_ns);
      const stay_watcher& watcher = heap_.options_.watcher;
      if (watcher.ended == nullptr) return;
      watcher.ended(watcher.context, {.cpu_ns = cpu_ns,
                                      .wall_ns = now_ns - begin_ns_,
                                      .cycle = heap_.cycle_,
                                      .before = before_,
                                      .after = heap_.phase_});
    }

   private:
    precise_heap& heap_;
    std::uint64_t begin_ns_, begin_cpu_ns_;
    cycle_phase before_ = heap_.phase_;
  };

  static std::uint64_t clock_ns(clockid_t clock) noexcept {
    timespec t{};
    static_cast<void>(clock_gettime(clock, &t));
    return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(t.tv_nsec);
  }
  std::uint64_t heap_bytes() const noexcept {
    return objects_.page_heap().resident_bytes() + blocks_.page_heap().resident_bytes();
  }

  // ---- making

  template <class T, bool Array, class Construct>
  root<T> build(std::size_t n, Construct construct) {
    static_assert(traceable<T>,
                  "tophash[gc]: an exact collector does not know the pointers of this type; specialise "
                  "gc_traits<T> with "
                  "trace(visitor, object), or with may_contain_pointers = false if it has none");
    static_assert(alignof(T) <= allocators::system_page_bytes);
    constexpr object_type const* type = &object_type_of<T, Array>;
    constexpr bool headed = has_header<T>;
    constexpr std::size_t header_bytes = headed ? type->header_bytes : 0;
    if (n > (static_cast<std::size_t>(PTRDIFF_MAX) / 2 - header_bytes) / sizeof(T)) throw_bad_alloc();
    const request r{.bytes = header_bytes + n * sizeof(T),
                    .align = std::max(alignof(T), alignof(void*)),
                    .use = purpose::node,
                    .trace = nullptr};
    auto* const slot = static_cast<unsigned char*>(allocate_object(r, !headed));
    T* const object = reinterpret_cast<T*>(slot + header_bytes);
    if constexpr (headed) {
      headed_slot{slot}.set_type(nullptr);
      if constexpr (Array) headed_slot{slot}.set_count(n);
    }
    root<T> made(handles_, object);
    unfinished guard{*this, slot, r};
    construct(object);
    guard.finished = true;
    if constexpr (headed) {
      headed_slot{slot}.set_type(type);
      if constexpr (!std::is_trivially_destructible_v<T>) marks_.locate(slot).row->has_destructors = true;
      // Marked as it was made: what the constructor stored is still to be found.
      if (gc_traits<T>::may_contain_pointers && phase_ == cycle_phase::marking) push(slot);
    }
    return made;
  }

  // An object whose constructor threw goes back at once, unless collector work was done meanwhile that may
  // know of it: then it stays, untraced, until it is found dead.
  struct unfinished {
    precise_heap& heap;
    unsigned char* slot;
    const request& r;
    std::uint64_t entries = heap.entries_;
    bool finished = false;
    ~unfinished() {
      if (finished || heap.entries_ != entries || heap.phase_ != cycle_phase::idle) return;
      heap.object_bytes_ -= allocators::spans_resource::good_size(r);
      heap.objects_.deallocate(slot, r);
    }
  };

  TOPHASH_ALWAYS_INLINE void* allocate_object(const request& r, bool pointer_free) {
    const std::size_t bytes = allocators::spans_resource::good_size(r);
    credit_bytes_ -= static_cast<std::ptrdiff_t>(bytes);
    if (credit_bytes_ < 0 || is_tested_) [[unlikely]]
      pace_slow();
    void* slot = take_slot(r, pointer_free);
    if (slot == nullptr) [[unlikely]] {
      slot = allocate_after_collection(r, pointer_free);
    }
    object_bytes_ += bytes;
    window_.allocated_bytes += bytes;
    if (phase_ == cycle_phase::marking) [[unlikely]] {
      const mark_table::place at = marks_.locate(slot);
      const std::size_t i = mark_table::slot_of(at);
      marks_.bits_of(*at.row, i / 64) |= std::uint64_t{1} << (i % 64);
      made_bytes_ += bytes;
    }
    return slot;
  }
  TOPHASH_NOINLINE void* allocate_after_collection(const request& r, bool pointer_free) {
    if (in_collector_) throw_bad_alloc();
    collect();
    if (void* const slot = take_slot(r, pointer_free)) return slot;
    throw_bad_alloc();
  }
  TOPHASH_ALWAYS_INLINE void* take_slot(const request& r, bool pointer_free) noexcept {
    if (is_tested_) [[unlikely]] {
      if (!refusals_.admits()) return nullptr;
    }
    return objects_.allocate(r, pointer_free);
  }
  void collect_for_zeal() noexcept {
    if (options_.zeal == 0) return;
    if (++allocations_ % options_.zeal == 0 && !in_collector_) collect();
  }

  // ---- pacing

  void set_goal(std::size_t live_bytes) noexcept {
    const std::size_t room = std::max(options_.min_heap_bytes, live_bytes / 100 * options_.growth_percent);
    goal_bytes_ = live_bytes + room;
    if (options_.soft_limit_bytes != 0 && goal_bytes_ > options_.soft_limit_bytes) {
      goal_bytes_ = std::max(options_.soft_limit_bytes, live_bytes + options_.min_heap_bytes / 16);
    }
    trigger_bytes_ = live_bytes + (goal_bytes_ - live_bytes) / 100 * trigger_percent;
    credit_from_goal();
  }
  // Bytes that may be allocated before the collector is entered.
  void credit_from_goal() noexcept {
    const std::size_t used = in_use_bytes();
    // What is made while marking is work, too: at most a pointer a word and an object every two, 0.19 a byte.
    // Steps no further apart than this overtake it, whatever is made.
    const std::size_t step_bytes_max = options_.step_work * 4;
    const std::size_t step_bytes_min = std::min(least_step_bytes, step_bytes_max / 2);
    std::size_t credit = step_bytes_min;
    switch (phase_) {
    case cycle_phase::idle:
      if (trigger_bytes_ > used) credit = std::max(credit, trigger_bytes_ - used);
      break;
    case cycle_phase::marking: {
      // The steps that are left fit between here and the goal.
      const std::size_t expected = std::max<std::size_t>(expected_work_, used / 16);
      const std::size_t left =
          expected > counts_.work ? static_cast<std::size_t>(expected - counts_.work) : 0;
      const std::size_t steps = left / options_.step_work + 1;
      if (goal_bytes_ > used) credit = std::max(credit, (goal_bytes_ - used) / steps);
      credit = std::min(credit, step_bytes_max);
      break;
    }
    case cycle_phase::sweeping:
      if (trigger_bytes_ > used) credit = std::max(credit, std::min(sweep_step_bytes, trigger_bytes_ - used));
      break;
    }
    credit_bytes_ = static_cast<std::ptrdiff_t>(std::min(credit, credit_max_bytes));
  }

  TOPHASH_NOINLINE void pace_slow() noexcept {
    if (in_collector_) return;
    collect_for_zeal();
    if (credit_bytes_ >= 0) return;
    if (!options_.automatic) {
      credit_bytes_ = static_cast<std::ptrdiff_t>(credit_max_bytes);
      return;
    }
    if (phase_ != cycle_phase::idle || in_use_bytes() >= trigger_bytes_) {
      const entry here(*this);
      if (phase_ == cycle_phase::idle) begin_cycle();
      advance(options_.step_work);
    }
    credit_from_goal();
  }

  // ---- a cycle

  void begin_cycle() noexcept {
    ++entries_;
    ++cycle_;
    counts_ = {};
    made_bytes_ = 0;
    overflowed_ = false;
    arrays_to_trace_.take_ring(traced_arrays_);
    phase_ = cycle_phase::marking;
    next_marking_ = marking_heaps;
    marking_heaps = this;
    work_left_ = 0;
    read_roots();
  }

  void advance(std::size_t work) noexcept {
    ++entries_;
    if (phase_ == cycle_phase::marking) {
      work_left_ = static_cast<std::ptrdiff_t>(work);
      const bool marked = mark_some();
      counts_.work += static_cast<std::uint64_t>(static_cast<std::ptrdiff_t>(work) - work_left_);
      if (marked) end_marking();
    } else if (phase_ == cycle_phase::sweeping) {
      if (objects_.sweep_some(work == unlimited ? work : sweep_step_spans) == 0) end_sweep();
    }
    window_.peak_bytes = std::max(window_.peak_bytes, heap_bytes());
  }

  // True: everything that can be reached is marked.
  bool mark_some() noexcept {
    for (;;) {
      while ((work_left_ > 0 || reads_weak_) && trace_next()) {
      }
      if (work_left_ <= 0 && !reads_weak_) return false;
      if (!waiting_values_.empty()) {
        trace_pending(waiting_values_.pop());
      } else if (!long_arrays_.empty()) {
        trace_long_array();
      } else if (!arrays_to_trace_.is_alone()) {
        trace_map_array(*arrays_to_trace_.next);
      } else if (mark_window()) {
      } else if (overflowed_ || rescan_at_ != 0) {
        rescan_some();
      } else {
        read_roots();
        static_cast<void>(mark_window());
        if (!nothing_left()) continue;
        if (weak_tables_.next == &weak_tables_ || (reads_weak_ && !waiting_overflowed_)) return true;
        read_weak_tables();
      }
    }
  }
  bool nothing_left() const noexcept {
    return stack_.empty() && long_arrays_.empty() && waiting_values_.empty() && arrays_to_trace_.is_alone() &&
           !overflowed_ && rescan_at_ == 0;
  }

  void end_marking() noexcept {
    if (reads_weak_) {
      reads_weak_ = false;
      pending_.clear();
      for (weak_link* t = weak_tables_.next; t != &weak_tables_; t = t->next) t->purge(*t);
    }
    leave_marking_list();
    ++markings_;
    ++window_.collections;
    const std::size_t live = static_cast<std::size_t>(counts_.bytes) + made_bytes_;
    object_bytes_ = live;
    expected_work_ = static_cast<std::size_t>(counts_.work);
    phase_ = cycle_phase::sweeping;
    objects_.start_sweep(
        {.sweep =
             [](void* self, const allocators::span_view& span, std::uint64_t* alive) noexcept {
               static_cast<precise_heap*>(self)->sweep_span(span, alive);
             },
         .context = this});
    set_goal(live + blocks_.live_bytes());
  }
  void leave_marking_list() noexcept {
    precise_heap** at = &marking_heaps;
    while (*at != nullptr && *at != this) at = &(*at)->next_marking_;
    TOPHASH_ALWAYS(*at == this, "precise_heap: a cycle ends in another thread than it began");
    *at = next_marking_;
  }
  void end_sweep() noexcept {
    objects_.finish_sweep();
    phase_ = cycle_phase::idle;
  }

  void sweep_span(const allocators::span_view& span, std::uint64_t* alive) noexcept {
    span_marks& row = marks_[span.number];
    for (std::size_t w = 0; w < span.words(); ++w) {
      std::uint64_t& marked = marks_.bits_of(row, w);
      const std::uint64_t dead = alive[w] & ~marked;
      if (row.has_destructors && dead != 0) {
        const bool nested = std::exchange(in_collector_, true);  // an allocation may sweep, too
        destroy_slots(span, w, dead);
        in_collector_ = nested;
      }
      if (options_.poison_freed) poison_slots(span, w, dead);
      window_.reclaimed_bytes += static_cast<std::uint64_t>(std::popcount(dead)) * span.slot_bytes;
      alive[w] &= marked;
      marked = 0;
    }
  }
  static void destroy_slots(const allocators::span_view& span, std::size_t word,
                            std::uint64_t slots) noexcept {
    for (; slots != 0; slots &= slots - 1) {
      const headed_slot slot = slot_in(span, word, slots);
      const object_type* const type = slot.type();
      if (type == nullptr || type->destroy == nullptr) continue;
      type->destroy(slot.begin + type->header_bytes, type->element_bytes == 0 ? 1 : slot.count());
    }
  }
  static void poison_slots(const allocators::span_view& span, std::size_t word,
                           std::uint64_t slots) noexcept {
    for (; slots != 0; slots &= slots - 1)
      std::memset(slot_in(span, word, slots).begin, 0xdd, span.slot_bytes);
  }
  static headed_slot slot_in(const allocators::span_view& span, std::size_t word,
                             std::uint64_t slots) noexcept {
    const std::size_t i = word * 64 + static_cast<std::size_t>(std::countr_zero(slots));
    return {const_cast<unsigned char*>(span.base) + i * span.slot_bytes};
  }

  // ---- weak tables

  // Everything is marked that needs no weak entry. From here to the end of marking nothing else runs: an
  // entry put in meanwhile would be missed. O(weak entries + what only they lead to).
  void read_weak_tables() noexcept {
    reads_weak_ = true;
    waiting_overflowed_ = false;
    pending_.clear();  // those of a reading before, which found no memory for what it reached
    for (const map_array* a = weak_arrays_.next; a != &weak_arrays_; a = a->next) {
      const trace_info& t = *a->trace;
      const bool by_key = a->place != map_place::weak_values;
      for_each_live_entry(t, a->block(), a->bytes, [&](const unsigned char* key, const unsigned char* value) {
        if (!by_key) {
          if (t.trace_key != nullptr) trace_part(key, t.key_is_pointer, t.trace_key, *this);
        } else if (t.trace_value != nullptr && (a->place == map_place::weak_keys || !waits_for(key, value, t))) {
          trace_part(value, t.value_is_pointer, t.trace_value, *this);
        }
      });
    }
  }
  // False: the key is reached, or is no object of this heap, or there is no memory to wait with.
  bool waits_for(const unsigned char* key, const unsigned char* value, const trace_info& t) noexcept {
    const mark_table::place at = marks_.locate(load_address(key));
    if (at.row == nullptr) return false;
    const std::size_t slot = mark_table::slot_of(at);
    if (slot >= at.row->slots || (marks_.bits_of(*at.row, slot / 64) >> (slot % 64) & 1) != 0) return false;
    return pending_.add(marks_.address_of(at, slot), value, t);
  }
  TOPHASH_NOINLINE void key_reached_slow(const unsigned char* slot) noexcept {
    for (std::size_t i = pending_.first_of(slot); i != pending_keys::none; i = pending_[i].next) {
      // By way of a stack, not of this call: chains are as long as they like. Without memory for it the tables
      // are read again, where this key is a marked one then.
      if (!waiting_values_.push(i)) waiting_overflowed_ = true;
    }
  }
  void trace_pending(std::size_t i) noexcept {
    const pending_value& v = pending_[i];
    trace_part(v.value, v.trace->value_is_pointer, v.trace->trace_value, *this);
  }

  // ---- marking

  void read_roots() noexcept {
    for (const root_link* r = handles_.next; r != &handles_; r = r->next) pointer(r->object);
    for (const root_scope_link* s = scopes_; s != nullptr; s = s->outer) {
      for (std::size_t i = 0; i < s->count; ++i) pointer(s->objects[i]);
    }
  }

  TOPHASH_ALWAYS_INLINE void mark(const mark_table::place& at) noexcept {
    span_marks& row = *at.row;
    const std::size_t slot = mark_table::slot_of(at);
    if (slot >= row.slots) return;
    std::uint64_t& word = marks_.bits_of(row, slot / 64);
    const std::uint64_t bit = std::uint64_t{1} << (slot % 64);
    if ((word & bit) != 0) return;
    word |= bit;
    ++counts_.objects;
    counts_.bytes += row.bytes_of_slot();
    if (row.touched_in != cycle_) {
      row.touched_in = cycle_;
      ++counts_.spans;
    }
    if (!row.pointer_free) push(marks_.address_of(at, slot));
    if (reads_weak_) [[unlikely]]
      key_reached_slow(marks_.address_of(at, slot));
  }
  // False: nothing waited there.
  bool mark_window() noexcept {
    bool any = false;
    for (mark_table::place& waiting : window_to_mark_) {
      const mark_table::place at = std::exchange(waiting, {});
      if (at.row == nullptr) continue;
      mark(at);
      any = true;
    }
    return any;
  }

  void push(unsigned char* slot) noexcept {
    if (!stack_.push(slot)) overflowed_ = true;
  }

  // Traces one object. False: there is none.
  TOPHASH_ALWAYS_INLINE bool trace_next() noexcept {
    unsigned char* slot = nullptr;
    if (!stack_.empty()) {
      slot = stack_.pop();
      TOPHASH_PREFETCH(slot);
      std::swap(window_to_trace_[trace_at_], slot);
      trace_at_ = (trace_at_ + 1) % traces_ahead;
      ++traces_waiting_;
      if (slot == nullptr) return true;
    } else {
      if (traces_waiting_ == 0) return false;
      slot = std::exchange(window_to_trace_[trace_at_], nullptr);
      trace_at_ = (trace_at_ + 1) % traces_ahead;
      if (slot == nullptr) return true;
    }
    --traces_waiting_;
    trace_object({slot});
    return true;
  }

  void trace_object(headed_slot slot) noexcept {
    --work_left_;
    ++counts_.traced;
    const object_type* const type = slot.type();
    if (type == nullptr || type->trace == nullptr) return;
    const unsigned char* const first = slot.begin + type->header_bytes;
    if (type->element_bytes == 0) return type->trace(visitor_, first, 1);
    const std::size_t count = slot.count();
    if (count > elements_in_one_go && long_arrays_.push({slot.begin, 0})) return;
    type->trace(visitor_, first, count);
  }
  void trace_long_array() noexcept {
    const long_array part = long_arrays_.pop();
    const headed_slot slot{part.slot};
    const object_type* const type = slot.type();
    const std::size_t count = slot.count(), now = std::min(elements_in_one_go, count - part.next);
    if (part.next + now < count) static_cast<void>(long_arrays_.push({part.slot, part.next + now}));
    type->trace(visitor_, slot.begin + type->header_bytes + part.next * type->element_bytes, now);
  }

  // A map inside an object holds this array.
  void array(const void* block) noexcept {
    if (blocks_.page_heap().record_at(block) == 0) return;
    map_array* const a = map_array::of(block);
    if (a->place != map_place::in_object || a->traced_in == cycle_) return;
    a->traced_in = cycle_;
    a->at_unit = 0;
    a->join(arrays_to_trace_);
  }

  void trace_map_array(map_array& a) noexcept {
    const trace_info& t = *a.trace;
    const std::size_t units = units_of(t, a.bytes), first = a.at_unit;
    const std::size_t last = std::min(units, first + units_in_one_go);
    const slot_census seen = trace_units(t, a.block(), a.bytes, units, first, last, *this);
    if (first == 0) a.census = {};
    a.census.live += seen.live;
    a.census.residue += seen.residue;
    a.census.overflow += seen.overflow;
    a.census.overflow_empty += seen.overflow_empty;
    counts_.array_units += last - first;
    work_left_ -= static_cast<std::ptrdiff_t>(last - first);
    a.at_unit = last;
    if (last != units) return;
    a.leave();
    a.at_unit = 0;
    a.traced_in = cycle_;
    a.is_counted = true;
    if (a.place == map_place::outside) a.join(traced_arrays_);
  }

  // Objects that the full stack dropped are marked, and perhaps what they point to is not: read all marked
  // ones again.
  void rescan_some() noexcept {
    if (rescan_at_ == 0) {
      overflowed_ = false;
      rescan_at_ = 1;
      ++counts_.rescans;
    }
    const allocators::span_page_heap& pages = objects_.page_heap();
    const std::uint32_t n = rescan_at_;
    if (n < pages.record_end()) {
      const allocators::span_state state = pages[n].state;
      span_marks& row = marks_[n];
      const bool in_use = state == allocators::span_state::small || state == allocators::span_state::large;
      if (in_use && !row.pointer_free) rescan_span(n, row);
      ++rescan_at_;
      --work_left_;
    }
    if (rescan_at_ >= pages.record_end()) rescan_at_ = 0;
  }
  void rescan_span(std::uint32_t n, span_marks& row) noexcept {
    const allocators::span_view span = objects_.view(n);
    for (std::size_t w = 0; w < span.words(); ++w) {
      for (std::uint64_t marked = marks_.bits_of(row, w) & span.allocated[w]; marked != 0;
           marked &= marked - 1) {
        trace_object(slot_in(span, w, marked));
      }
    }
  }

  TOPHASH_NOINLINE void entry_stored_slow(const trace_info& t, const void* key, const void* value) noexcept {
    if (t.trace_key != nullptr) t.trace_key(visitor_, key);
    if (t.trace_value != nullptr && value != nullptr) t.trace_value(visitor_, value);
  }

  precise_options options_;
  allocators::spans_resource objects_, blocks_;
  mark_table marks_;

  // read and written by marking
  cycle_phase phase_ = cycle_phase::idle;
  bool in_collector_ = false, overflowed_ = false;
  bool is_tested_ = false;  // zeal, or refusals
  std::uint32_t cycle_ = 0;
  std::uint32_t mark_at_ = 0, trace_at_ = 0, traces_waiting_ = 0, rescan_at_ = 0;
  std::ptrdiff_t work_left_ = 0;
  mark_counts counts_;
  mark_table::place window_to_mark_[marks_ahead] = {};
  unsigned char* window_to_trace_[traces_ahead] = {};
  work_stack<unsigned char*> stack_;
  work_stack<long_array> long_arrays_;
  work_stack<std::size_t> waiting_values_;
  pending_keys pending_;
  bool reads_weak_ = false, waiting_overflowed_ = false;
  map_array arrays_to_trace_, traced_arrays_, weak_arrays_;  // rings
  weak_link weak_tables_;                                    // a ring
  marking_visitor visitor_{};

  root_link handles_;
  root_scope_link* scopes_ = nullptr;
  precise_heap* next_marking_ = nullptr;

  std::ptrdiff_t credit_bytes_ = 0;
  std::size_t object_bytes_ = 0, made_bytes_ = 0;
  std::size_t goal_bytes_ = 0, trigger_bytes_ = 0, expected_work_ = 0;
  std::uint64_t entries_ = 0, markings_ = 0;  // of the collector; of cycles that marked to their end
  unsigned allocations_ = 0;
  allocation_refusals refusals_;
  pause_list pauses_;
  window_counts window_;

  template <class T>
  friend class member;
  static void stored_in_thread(const void* object) noexcept {
    for (precise_heap* h = marking_heaps; h != nullptr; h = h->next_marking_) h->pointer(object);
  }
};


// A pointer whose stores are told to whichever heap of this thread is marking: a field of an object, or a
// map's value that is written through a reference. One test of a thread's variable a store.
template <class T>
class member {
 public:
  member() noexcept = default;
  explicit(false) member(T* object) noexcept : object_(object) { tell(); }
  member(const member& other) noexcept : member(other.object_) {}
  member& operator=(const member& other) noexcept { return *this = other.object_; }
  member& operator=(T* object) noexcept {
    object_ = object;
    tell();
    return *this;
  }
  ~member() = default;

  T* get() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  T* operator->() const noexcept { return object_; }
  explicit(false) operator T*() const noexcept { return object_; }

 private:
  void tell() const noexcept {
    if (marking_heaps != nullptr) [[unlikely]]
      precise_heap::stored_in_thread(object_);
  }

  T* object_ = nullptr;
};

// Storage of a precise_heap for maps: two words. Blocks belong to their map; entries are traced, dead slots
// never.
class precise {
 public:
  using axis = axes::allocation;
  static constexpr std::string_view name = "precise";
  static constexpr tophash::visibility visibility = tophash::visibility::typed;
  static constexpr bool thread_bound = true;

  explicit precise(precise_heap& heap, map_place place = map_place::outside) noexcept
      : heap_(&heap), place_(place) {}

  void* try_allocate(const request& r) const noexcept { return heap_->allocate_block(r, place_); }
  void deallocate(void* p, const request& r) const noexcept { heap_->deallocate_block(p, r); }
  bool owns(const void* p) const noexcept { return heap_->blocks().owns(p); }
  TOPHASH_ALWAYS_INLINE void entry_stored(const trace_info& t, const void* key,
                                          const void* value) const noexcept {
    if (place_ < map_place::ephemerons) heap_->entry_stored(t, key, value);
  }
  void array_taken_over(const void* block) const noexcept { heap_->array_taken_over(block); }
  bool census_of(const void* block, const request& r, slot_census& out) const noexcept {
    return heap_->census_of(block, r, out);
  }
  std::uint64_t census_number() const noexcept { return heap_->markings(); }

  precise_heap& heap() const noexcept { return *heap_; }
  map_place place() const noexcept { return place_; }

  friend bool operator==(precise a, precise b) noexcept { return a.heap_ == b.heap_ && a.place_ == b.place_; }

 private:
  precise_heap* heap_;
  map_place place_;
};

static_assert(allocation_backend<precise> && hears_of_stores<precise> && hears_of_arrays<precise> &&
              takes_census<precise>);

inline precise storage_of(precise_heap& heap) noexcept { return precise(heap); }
inline precise weak_storage_of(precise_heap& heap) noexcept { return precise(heap); }
static_assert(collected_heap<precise_heap>);

// A map whose entries the collector removes: map_place::ephemerons, when the object that the key points to is
// not reached (that the value leads to the key does not count); weak_keys, the same, but all values are kept;
// or weak_values, when the value's object is not reached. The pointer must be the key, or the value, itself; null
// and foreign pointers are never removed. tophash::weak_map is made of this.
// Removing is an erase by the map's own deletion, done at the end of marking: with deletion::dirty it only
// writes tags. A raw pointer that was looked up is held by a root from then on, as any other. O(entries) a
// cycle, in one stay: weak tables bound the longest stay.
template <class Map>
class weak_table : weak_link {
 public:
  template <class... Policies>
  explicit weak_table(precise_heap& heap, map_place weakness, Policies&&... policies)
      : heap_(heap), place_(weakness), map_(precise(heap, weakness), std::forward<Policies>(policies)...) {
    TOPHASH_ALWAYS(weakness >= map_place::ephemerons, "weak_table: its keys or its values are to be weak");
    purge = [](weak_link& self) noexcept { static_cast<weak_table&>(self).remove_unreached(); };
    weak_link& ring = heap.weak_tables();
    previous = &ring;
    next = ring.next;
    next->previous = this;
    ring.next = this;
  }
  weak_table(const weak_table&) = delete;
  weak_table& operator=(const weak_table&) = delete;
  ~weak_table() {
    previous->next = next;
    next->previous = previous;
  }

  std::uint64_t removed() const noexcept { return removed_; }
  Map& operator*() noexcept { return map_; }
  Map* operator->() noexcept { return &map_; }
  const Map& operator*() const noexcept { return map_; }
  const Map* operator->() const noexcept { return &map_; }

 private:
  void remove_unreached() noexcept {
    for (auto at = map_.begin(); at != map_.end();) {
      const void* held = nullptr;
      if constexpr (std::is_pointer_v<typename Map::key_type>) {
        if (place_ != map_place::weak_values) held = (*at).first;
      }
      if constexpr (std::is_pointer_v<typename Map::mapped_type>) {
        if (place_ == map_place::weak_values) held = (*at).second;
      }
      if (held != nullptr && heap_.owns(held) && !heap_.is_marked(held)) {
        at = map_.erase(at);
        ++removed_;
      } else {
        ++at;
      }
    }
  }

  precise_heap& heap_;
  map_place place_;
  std::uint64_t removed_ = 0;
  Map map_;
};

template <>
struct weak_host<precise> {
  static constexpr map_place place_of(weakness held) noexcept {
    return held == weakness::ephemerons ? map_place::ephemerons
           : held == weakness::keys     ? map_place::weak_keys
                                        : map_place::weak_values;
  }
  template <class Map>
  class table : public weak_table<Map> {
   public:
    template <class... Policies>
    table(const precise& storage, weakness held, Policies&&... policies)
        : weak_table<Map>(storage.heap(), place_of(held), std::forward<Policies>(policies)...) {}
    // Collector work is done in make(), step() and collect() only, and a heap has one thread.
    template <class F>
    auto locked(F&& f) {
      return f();
    }
  };
};

}  // namespace gc

template <class T>
struct gc_traits<gc::member<T>> {
  static constexpr bool may_contain_pointers = true;
  static void trace(pointer_visitor& visit, const gc::member<T>& m) { visit(m.get()); }
};

}  // namespace tophash::inline v1

#endif
