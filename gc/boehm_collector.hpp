// SPDX-License-Identifier: Apache-2.0
// The Boehm-Demers-Weiser collector as a `collector`: starts collections and measures them. libgc is one for
// the process, so every boehm_collector is a handle to the same recorder and the same window.
// The recorder is attached at the first handle and stays. It lies in malloc memory, is written under libgc's
// allocator lock, and calls on whatever callbacks were set before it. Interior pointers stay at libgc's
// default. An event costs two clock readings, one of them a system call: measured 2.1 us a collection.
#ifndef TOPHASH_GC_BOEHM_COLLECTOR_HPP
#define TOPHASH_GC_BOEHM_COLLECTOR_HPP

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string_view>

#include <gc.h>
#include <gc/gc_mark.h>
#include <time.h>

#include <tophash/framework/core/checked.hpp>
#include <tophash/gc/collection_log.hpp>
#include <tophash/gc/collector.hpp>

namespace tophash::inline v1 {

namespace gc {

class boehm_recorder {
 public:
  // The process's recorder; the first call initialises libgc and attaches it.
  static boehm_recorder& instance() noexcept {
    static boehm_recorder* const attached = attach();
    return *attached;
  }

  void start_window() noexcept {
    locked([](boehm_recorder& self) noexcept {
      self.log_.clear();
      self.heap_peak_bytes_ = 0;
    });
    window_begin_ns_ = clock_ns(CLOCK_MONOTONIC);
    GC_prof_stats_s before = statistics();
    allocated_before_ = allocated(before);
    reclaimed_before_ = reclaimed(before);
    heap_peak_before_ = before.heapsize_full;
  }

  const std::atomic<std::uint64_t>& clock() const noexcept { return clock_; }

  gc_sample sample() noexcept {
    gc_sample s;
    const GC_prof_stats_s now = statistics();
    s.window_ns = clock_ns(CLOCK_MONOTONIC) - window_begin_ns_;
    s.allocated_bytes = allocated(now) - allocated_before_;
    s.reclaimed_bytes = reclaimed(now) - reclaimed_before_;
    s.heap_bytes = now.heapsize_full - now.unmapped_bytes;
    s.free_bytes = now.free_bytes_full - now.unmapped_bytes;
    s.unmapped_bytes = now.unmapped_bytes;
    summarised_ = &s;
    locked([](boehm_recorder& self) noexcept { self.summarise(*self.summarised_); });
    summarised_ = nullptr;
    return s;
  }

 private:
  boehm_recorder() noexcept = default;

  static boehm_recorder* attach() noexcept {
    GC_INIT();
    void* const place = std::malloc(sizeof(boehm_recorder));
    TOPHASH_ALWAYS(place != nullptr, "boehm_collector: no memory for the recorder of pauses");
    attached_ = ::new (place) boehm_recorder;
    attached_->next_event_ = GC_get_on_collection_event();
    attached_->next_resize_ = GC_get_on_heap_resize();
    GC_set_on_collection_event(&on_event);
    GC_set_on_heap_resize(&on_resize);
    attached_->start_window();
    return attached_;
  }

  static void GC_CALLBACK on_event(GC_EventType type) {
    boehm_recorder& self = *attached_;
    collection_event e;
    if (type == GC_EVENT_MARK_END) self.clock_.fetch_add(1, std::memory_order_relaxed);
    if (translate(type, e)) self.log_.on(e, clock_ns(CLOCK_MONOTONIC), clock_ns(CLOCK_THREAD_CPUTIME_ID));
    if (self.next_event_ != nullptr) self.next_event_(type);
  }

  static void GC_CALLBACK on_resize(GC_word heap_bytes) {
    boehm_recorder& self = *attached_;
    self.heap_peak_bytes_ = std::max(self.heap_peak_bytes_, static_cast<std::uint64_t>(heap_bytes));
    if (self.next_resize_ != nullptr) self.next_resize_(heap_bytes);
  }

  static bool translate(GC_EventType type, collection_event& e) noexcept {
    switch (type) {
      case GC_EVENT_START: e = collection_event::start; return true;
      case GC_EVENT_MARK_START: e = collection_event::mark_start; return true;
      case GC_EVENT_MARK_END: e = collection_event::mark_end; return true;
      case GC_EVENT_RECLAIM_START: e = collection_event::reclaim_start; return true;
      case GC_EVENT_RECLAIM_END: e = collection_event::reclaim_end; return true;
      case GC_EVENT_END: e = collection_event::end; return true;
      case GC_EVENT_PRE_STOP_WORLD: e = collection_event::pre_stop_world; return true;
      case GC_EVENT_POST_START_WORLD: e = collection_event::post_start_world; return true;
      default: return false;
    }
  }

  static std::uint64_t clock_ns(clockid_t clock) noexcept {
    timespec t{};
    static_cast<void>(clock_gettime(clock, &t));
    return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(t.tv_nsec);
  }

  static GC_prof_stats_s statistics() noexcept {
    GC_prof_stats_s s{};
    static_cast<void>(GC_get_prof_stats(&s, sizeof s));
    return s;
  }
  static std::uint64_t allocated(const GC_prof_stats_s& s) noexcept {
    return s.allocd_bytes_before_gc + s.bytes_allocd_since_gc;
  }
  static std::uint64_t reclaimed(const GC_prof_stats_s& s) noexcept {
    return s.reclaimed_bytes_before_gc + s.bytes_reclaimed_since_gc;
  }

  void summarise(gc_sample& s) const noexcept {
    s.collections = log_.collections();
    s.collector_cpu_ns = log_.cpu_ns();
    s.stop_the_world = log_.stop_the_world().summarise();
    s.stall = log_.stalls().summarise();
    s.heap_peak_bytes = std::max(heap_peak_before_, heap_peak_bytes_);
  }

  // Runs f while no collection can.
  template <class F>
  void locked(F) noexcept {
    GC_call_with_alloc_lock(
        [](void* self) -> void* {
          F{}(*static_cast<boehm_recorder*>(self));
          return nullptr;
        },
        this);
  }

  inline static boehm_recorder* attached_ = nullptr;

  collection_log log_;
  std::atomic<std::uint64_t> clock_{0};
  GC_on_collection_event_proc next_event_ = nullptr;
  GC_on_heap_resize_proc next_resize_ = nullptr;
  std::uint64_t heap_peak_bytes_ = 0;
  std::uint64_t heap_peak_before_ = 0;
  std::uint64_t window_begin_ns_ = 0;
  std::uint64_t allocated_before_ = 0;
  std::uint64_t reclaimed_before_ = 0;
  gc_sample* summarised_ = nullptr;
};

class boehm_collector {
 public:
  static constexpr std::string_view name = "boehm";

  boehm_collector() noexcept : recorder_(&boehm_recorder::instance()) {}

  void collect() noexcept { GC_gcollect(); }
  void start_window() noexcept { recorder_->start_window(); }
  gc_sample sample() const noexcept { return recorder_->sample(); }

  // Collections since the first handle, never reset. For whoever must know that one has passed without being told
  // inside it: overflow::pool::follow(). Lives as long as the process.
  const std::atomic<std::uint64_t>& clock() const noexcept { return recorder_->clock(); }

  // What the last collection left, block by block of 4 KiB. O(reachable objects); right after collect() it is what
  // the program can reach, later it lags.
  heap_occupancy occupancy() const noexcept {
    heap_occupancy out;
    GC_call_with_alloc_lock(
        [](void* counted) -> void* {
          GC_enumerate_reachable_objects_inner(&count_object, counted);
          return nullptr;
        },
        &out);
    return out;
  }

 private:
  // libgc enumerates block by block, so objects of one block come together.
  static void GC_CALLBACK count_object(void* object, std::size_t bytes, void* counted) {
    heap_occupancy& out = *static_cast<heap_occupancy*>(counted);
    constexpr std::uintptr_t block_bytes = heap_occupancy::block_bytes;
    const std::uintptr_t at = reinterpret_cast<std::uintptr_t>(object);
    const std::uintptr_t first = at / block_bytes, last = (at + bytes - 1) / block_bytes;
    ++out.objects;
    out.bytes += bytes;
    out.blocks += last - first + (first == out.last_block ? 0 : 1);
    out.last_block = last;
  }

  boehm_recorder* recorder_;
};

static_assert(collector<boehm_collector>);

}  // namespace gc

}  // namespace tophash::inline v1

#endif
