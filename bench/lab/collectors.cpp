// SPDX-License-Identifier: Apache-2.0
// libgc's side is one object for the process: its heap, its callbacks and its window are. It listens to the
// collection events behind boehm_collector's recorder, which calls on whoever was there before it or, as here,
// is called by whoever came after.
#include "lab/collectors.hpp"

#include <algorithm>
#include <optional>

#include <tophash/gc/precise_heap.hpp>

#include "lab/clock.hpp"

#if TOPHASH_WITH_BOEHM
#include <tophash/gc/boehm_collector.hpp>
#endif

namespace tophash::lab {

const std::vector<collector_entry>& collectors() {
  static const std::vector<collector_entry> all = {
      {"none", "storage is freed by its owner alone", true},
      {"boehm", "the Boehm-Demers-Weiser collector (libgc); its storage: boehm_scanned, boehm_typed, boehm_map_aware, "
       "boehm_pointer_free",
       TOPHASH_WITH_BOEHM != 0},
      {"precise", "gc::precise_heap, exact and incremental; its storage: precise, whose blocks belong to their map",
       true},
  };
  return all;
}

namespace {

// Stays of a window, written inside the pause: never grows there.
class stay_list {
 public:
  void start() {
    stays_.clear();
    stays_.reserve(stays_listed_max);
    began_ns_ = wall_ns();
    cycle_ = 1;
  }
  bool listens() const noexcept { return began_ns_ != 0; }
  std::uint64_t now() const noexcept { return wall_ns() - began_ns_; }
  std::uint64_t since_start(std::uint64_t at_ns) const noexcept { return at_ns - std::min(at_ns, began_ns_); }
  void add(collector_stay s) noexcept {
    s.cycle = cycle_;
    if (s.ends_cycle) ++cycle_;
    if (stays_.size() < stays_.capacity()) stays_.push_back(s);
  }
  const std::vector<collector_stay>& all() const noexcept { return stays_; }

 private:
  std::vector<collector_stay> stays_;
  std::uint64_t began_ns_ = 0, cycle_ = 1;
};

// ---- a precise heap

class precise_heap_here final : public precise_heap_collector {
 public:
  precise_heap_here() { heap_.emplace(options()); }

  std::string_view name() const noexcept override { return gc::precise_heap::name; }
  void collect() override {
    bytes_before_ = heap_->in_use_bytes();
    heap_->collect();
  }
  void start_window() override {
    heap_->start_window();
    stays_.start();
    bytes_before_ = heap_->in_use_bytes();
  }
  gc::gc_sample sample() const override { return heap_->sample(); }
  const std::vector<collector_stay>& stays() const override { return stays_.all(); }
  gc::heap_occupancy occupancy() const override {
    gc::heap_occupancy out;
    for (const allocators::spans_resource* all : {&heap_->objects(), &heap_->blocks()}) {
      all->for_each_span([&out](const allocators::span_view& span) {
        if (span.used == 0) return;
        out.objects += span.used;
        out.bytes += span.used * span.slot_bytes;
        out.blocks += span.bytes / gc::heap_occupancy::block_bytes;
      });
    }
    return out;
  }
  std::vector<heap_object> left_by_last() const override {
    std::vector<heap_object> out;
    for (const allocators::spans_resource* all : {&heap_->objects(), &heap_->blocks()}) {
      all->for_each_span([&out](const allocators::span_view& span) {
        for (std::size_t i = 0; i < span.slots; ++i) {
          if ((span.allocated[i / 64] >> (i % 64) & 1) == 0) continue;
          out.push_back({reinterpret_cast<std::uintptr_t>(span.base) + i * span.slot_bytes, span.slot_bytes});
        }
      });
    }
    return out;
  }
  const std::atomic<std::uint64_t>& clock() const override { return clock_; }

  // Another heap, as a heap is told when it begins: before the first map.
  void collect_by_itself(bool does) override {
    if (by_itself_ == does) return;
    by_itself_ = does;
    heap_.emplace(options());
  }
  void limit_heap(std::size_t bytes) override { limit_bytes_ = bytes; }
  void allocate_garbage(std::size_t bytes) override {
    if (limit_bytes_ != 0 && heap_->in_use_bytes() + bytes > limit_bytes_) heap_->collect();
    bytes_before_ = heap_->in_use_bytes();  // as the stay that this may cause finds it
    static_cast<void>(heap_->make_array<unsigned char>(bytes));
  }

  bool finds_dropped_blocks() const noexcept override { return false; }
  void watch_block(void**, const void*) override {}
  void forget_link(void**) override {}

  allocators::erased storage() noexcept override { return allocators::erased(erased_); }

 private:
  // The map's handle: the heap's storage within the limit.
  class within_limit {
   public:
    using axis = axes::allocation;
    static constexpr std::string_view name = gc::precise::name;
    static constexpr tophash::visibility visibility = gc::precise::visibility;

    explicit within_limit(precise_heap_here& heap) noexcept : heap_(&heap) {}
    void* try_allocate(const request& r) const noexcept { return heap_->allocate(r); }
    void deallocate(void* p, const request& r) const noexcept { gc::precise(*heap_->heap_).deallocate(p, r); }
    friend bool operator==(within_limit, within_limit) = default;

   private:
    precise_heap_here* heap_;
  };

  gc::precise_options options() {
    gc::precise_options o;
    o.automatic = by_itself_;
    o.watcher = {.ended = [](void* self, const gc::collector_stay& stay) noexcept {
                   static_cast<precise_heap_here*>(self)->ended(stay);
                 },
                 .context = this};
    return o;
  }

  void* allocate(const request& r) noexcept {
    if (limit_bytes_ != 0 && heap_->in_use_bytes() + r.bytes > limit_bytes_) return nullptr;
    return gc::precise(*heap_).try_allocate(r);
  }

  void ended(const gc::collector_stay& stay) noexcept {
    const bool marked = stay.before != gc::cycle_phase::sweeping && stay.after != gc::cycle_phase::marking;
    if (marked) clock_.fetch_add(1, std::memory_order_relaxed);
    if (!stays_.listens()) return;
    const std::uint64_t end = stays_.now();
    const std::uint64_t begin = end - std::min(end, stay.wall_ns);
    const bool marks = stay.before != gc::cycle_phase::sweeping;
    // Marking and sweeping in one stay: only both are told.
    stays_.add({.begin_ns = begin,
                .end_ns = end,
                .mark_begin_ns = begin,
                .mark_end_ns = marks ? end : begin,
                .cpu_ns = stay.cpu_ns,
                .cycle = 0,
                .bytes_before = bytes_before_,
                .bytes_after = heap_->in_use_bytes(),
                .ends_cycle = stay.after == gc::cycle_phase::idle});
    bytes_before_ = heap_->in_use_bytes();
  }

  bool by_itself_ = true;
  std::size_t limit_bytes_ = 0;
  std::uint64_t bytes_before_ = 0;
  std::atomic<std::uint64_t> clock_{0};
  stay_list stays_;
  std::optional<gc::precise_heap> heap_;
  allocators::erased_resource<within_limit> erased_{within_limit(*this)};
};

// ---- libgc

#if TOPHASH_WITH_BOEHM

class boehm_heap_here final : public heap_collector {
 public:
  static boehm_heap_here& instance() {
    static boehm_heap_here* const here = new boehm_heap_here;  // callbacks may come until the process ends
    return *here;
  }

  std::string_view name() const noexcept override { return gc::boehm_collector::name; }
  // libgc refuses even an explicit collection while they are disabled.
  void collect() override {
    if (held_back_) GC_enable();
    gc::boehm_collector{}.collect();
    if (held_back_) GC_disable();
  }
  void start_window() override {
    gc::boehm_collector{}.start_window();
    stays_.start();
  }
  gc::gc_sample sample() const override { return gc::boehm_collector{}.sample(); }
  const std::vector<collector_stay>& stays() const override { return stays_.all(); }
  gc::heap_occupancy occupancy() const override { return gc::boehm_collector{}.occupancy(); }
  // The list grows in malloc memory, which libgc's lock does not guard.
  std::vector<heap_object> left_by_last() const override {
    std::vector<heap_object> out;
    GC_call_with_alloc_lock(
        [](void* list) -> void* {
          GC_enumerate_reachable_objects_inner(
              [](void* object, std::size_t bytes, void* to) {
                static_cast<std::vector<heap_object>*>(to)->push_back({reinterpret_cast<std::uintptr_t>(object), bytes});
              },
              list);
          return nullptr;
        },
        &out);
    return out;
  }
  const std::atomic<std::uint64_t>& clock() const override { return gc::boehm_collector{}.clock(); }
  void collect_by_itself(bool does) override {
    if (held_back_ == !does) return;
    held_back_ = !does;
    does ? GC_enable() : GC_disable();
  }
  // A refusal is an answer here, not worth the library's lines on standard error.
  void limit_heap(std::size_t bytes) override {
    GC_set_warn_proc(GC_ignore_warn_proc);
    GC_set_max_heap_size(bytes);
  }
  void allocate_garbage(std::size_t bytes) override { static_cast<void>(GC_malloc_atomic(bytes)); }

  bool finds_dropped_blocks() const noexcept override { return true; }
  void watch_block(void** link, const void* inside) override {
    void* const block = GC_base(const_cast<void*>(inside));
    *link = block;
    static_cast<void>(GC_general_register_disappearing_link(link, block));
  }
  void forget_link(void** link) override { static_cast<void>(GC_unregister_disappearing_link(link)); }

 private:
  boehm_heap_here() {
    static_cast<void>(gc::boehm_collector{});
    next_ = GC_get_on_collection_event();
    GC_set_on_collection_event([](GC_EventType type) {
      boehm_heap_here& self = instance();
      if (self.stays_.listens()) self.hear(type);
      if (self.next_ != nullptr) self.next_(type);
    });
  }

  // Under libgc's lock, so by functions that take none.
  static std::uint64_t bytes_in_use() noexcept { return GC_get_heap_size() - GC_get_free_bytes(); }

  void hear(GC_EventType type) noexcept {
    switch (type) {
    case GC_EVENT_START:
      open_ = {};
      open_.begin_ns = stays_.now();
      open_.bytes_before = bytes_in_use();
      cpu_begin_ns_ = thread_cpu_ns();
      break;
    case GC_EVENT_MARK_START:
      open_.mark_begin_ns = stays_.now();
      break;
    case GC_EVENT_MARK_END:
      open_.mark_end_ns = stays_.now();
      break;
    case GC_EVENT_END:
      open_.end_ns = stays_.now();
      open_.cpu_ns = thread_cpu_ns() - cpu_begin_ns_;
      open_.bytes_after = bytes_in_use();
      stays_.add(open_);
      break;
    default:
      break;
    }
  }

  bool held_back_ = false;
  stay_list stays_;
  collector_stay open_;
  std::uint64_t cpu_begin_ns_ = 0;
  GC_on_collection_event_proc next_ = nullptr;
};

#endif

}  // namespace

std::unique_ptr<precise_heap_collector> make_precise_heap() { return std::make_unique<precise_heap_here>(); }

#if TOPHASH_WITH_BOEHM
void start_collector() { static_cast<void>(boehm_heap_here::instance()); }
heap_collector* boehm_heap() noexcept { return &boehm_heap_here::instance(); }
#else
void start_collector() {}
heap_collector* boehm_heap() noexcept { return nullptr; }
#endif

}  // namespace tophash::lab
