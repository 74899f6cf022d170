// SPDX-License-Identifier: Apache-2.0
// What libgc's last collection did, counted: a walk over the marked blocks that reads what the marker read.
// Blocks of libgc's normal kind are searched word by word, those of maps by their tags (gc/boehm_kind.hpp),
// others not at all.
#ifndef TOPHASH_BENCH_MICRO_PRESSURE_BOEHM_WALK_HPP
#define TOPHASH_BENCH_MICRO_PRESSURE_BOEHM_WALK_HPP

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <gc.h>
#include <gc/gc_mark.h>

#include <tophash/framework/core/trace_info.hpp>
#include <tophash/gc/boehm_kind.hpp>

#include "cycle_counts.hpp"

namespace pressure {

class boehm_walk {
 public:
  static constexpr std::size_t block_bytes = 4096;
  static constexpr std::size_t shared_bytes_max = block_bytes / 2;  // larger objects have blocks of their own

  // Between a collection and the next allocation. `blocks_before`: blocks() before that collection.
  static cycle_counts counts(double blocks_before) {
    boehm_walk all;
    GC_call_with_alloc_lock(
        [](void* walk) -> void* {
          GC_enumerate_reachable_objects_inner(&bounds_of, walk);
          GC_enumerate_reachable_objects_inner(&read, walk);
          return nullptr;
        },
        &all);
    all.counts_.guesses = all.guesses_.wrong();
    all.counts_.blocks = std::max(0.0, blocks_before - all.large_bytes_ / block_bytes);
    return all.counts_;
  }

  // In use now.
  static double blocks() {
    GC_prof_stats_s all;
    GC_get_prof_stats(&all, sizeof all);
    const auto used = static_cast<double>(all.heapsize_full - all.free_bytes_full - all.unmapped_bytes);
    return used / block_bytes;
  }

 private:
  static void bounds_of(void* object, std::size_t bytes, void* walk) {
    auto& all = *static_cast<boehm_walk*>(walk);
    const auto at = reinterpret_cast<std::uintptr_t>(object);
    all.least_ = std::min(all.least_, at);
    all.greatest_ = std::max(all.greatest_, at + bytes);
  }
  static void read(void* object, std::size_t bytes, void* walk) {
    auto& all = *static_cast<boehm_walk*>(walk);
    constexpr int normal_kind = 1;
    if (bytes <= shared_bytes_max) {
      all.place(object);
    } else {
      all.large_bytes_ += static_cast<double>(bytes);
    }
    const int kind = GC_get_kind_and_size(object, nullptr);
    if (kind == normal_kind) {
      all.search(static_cast<const std::uintptr_t*>(object), bytes / sizeof(std::uintptr_t));
    } else if (kind == static_cast<int>(tophash::gc::boehm_kind::ours().kind)) {
      all.read_tags(*static_cast<tophash::gc::boehm_kind::header*>(object));
    }
  }

  // libgc enumerates in the order of addresses.
  void place(const void* object) {
    const std::uintptr_t page = reinterpret_cast<std::uintptr_t>(object) / block_bytes;
    ++counts_.visits;
    counts_.pages += page != last_page_;
    last_page_ = page;
  }
  void search(const std::uintptr_t* words, std::size_t count) {
    counts_.words += static_cast<double>(count);
    for (std::size_t i = 0; i < count; ++i) {
      if (guesses_.outcome(words[i] >= least_)) guesses_.outcome(words[i] < greatest_);
    }
  }
  void read_tags(tophash::gc::boehm_kind::header& h) {
    namespace kind = tophash::gc::boehm_kind;
    if (h.trace == nullptr) return;
    const tophash::trace_info& t = *h.trace;
    const std::size_t units = kind::units_in(t, h.bytes());
    const kind::block_reader block(t, h.payload(), h.bytes(), units);
    counts_.buckets += h.overflow();
    counts_.units += static_cast<double>(units);
    if (t.dirty_bit != 0) counts_.dirty_units += static_cast<double>(units);
    for (std::size_t i = 0; i < units; ++i) {
      const kind::unit_view u = block.unit(i);
      const unsigned dirty = t.dirty_bit == 0 ? 0 : kind::tags_from(t, u.tags, t.dirty_bit);
      const unsigned live = kind::tags_from(t, u.tags, t.first_live_tag) & ~dirty;
      if (t.dirty_bit != 0) guesses_.outcome(dirty != 0);
      if (u.link != nullptr) guesses_.outcome(kind::word_at(u.link) != nullptr);
      for (int more = std::popcount(live); more > 0; --more) guesses_.outcome(true);
      guesses_.outcome(false);
    }
  }

  cycle_counts counts_;
  double large_bytes_ = 0;
  guess_meter guesses_;
  std::uintptr_t least_ = ~std::uintptr_t{0}, greatest_ = 0, last_page_ = 0;
};

}  // namespace pressure

#endif
