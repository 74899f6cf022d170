// SPDX-License-Identifier: Apache-2.0
// Turns a collector's stream of events into pauses and counts, without allocating: it is fed inside the
// pause, with the world stopped and the allocator's lock held. Knows nothing of libgc and is tested on
// written-down streams.
//   a collection      one mark_end. libgc raises its own number right before it, so the two counts agree
//   stop-the-world    pre_stop_world .. post_start_world; mark_start .. mark_end where no thread events are
//                     sent
//   stall             start .. end. A collection begun by an allocation in incremental mode sends neither:
//                     then pre_stop_world .. reclaim_end, or .. post_start_world if marking was abandoned
// on() costs a few stores. A pause past the list's end is counted, totalled and compared with the maximum.
#ifndef TOPHASH_GC_COLLECTION_LOG_HPP
#define TOPHASH_GC_COLLECTION_LOG_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include <tophash/gc/collector.hpp>

namespace tophash::inline v1 {

namespace gc {

enum class collection_event : std::uint8_t {
  start,
  mark_start,
  mark_end,
  reclaim_start,
  reclaim_end,
  end,
  pre_stop_world,
  post_start_world,
};

struct interval {
  std::uint64_t begin_ns = 0;
  std::uint64_t end_ns = 0;

  constexpr std::uint64_t length_ns() const noexcept { return end_ns - begin_ns; }
};

// Pauses in the order they ended. The list lies in malloc memory: in static storage the collector would
// search it in every pause (16 MB there cost 1.3 ms each), in its own heap it could not be written during
// one.
class pause_list {
 public:
  explicit pause_list(std::size_t capacity) noexcept
      : list_(static_cast<interval*>(std::malloc(capacity * sizeof(interval)))),
        scratch_(static_cast<std::uint64_t*>(std::malloc(capacity * sizeof(std::uint64_t)))),
        capacity_(list_ == nullptr || scratch_ == nullptr ? 0 : capacity) {}
  pause_list(const pause_list&) = delete;
  pause_list& operator=(const pause_list&) = delete;
  ~pause_list() {
    std::free(list_);
    std::free(scratch_);
  }

  void add(std::uint64_t begin_ns, std::uint64_t end_ns) noexcept {
    const interval pause{begin_ns, end_ns};
    if (count_ < capacity_) list_[count_] = pause;
    ++count_;
    total_ns_ += pause.length_ns();
    max_ns_ = std::max(max_ns_, pause.length_ns());
  }

  void clear() noexcept { count_ = total_ns_ = max_ns_ = 0; }

  std::size_t listed() const noexcept {
    return count_ < capacity_ ? static_cast<std::size_t>(count_) : capacity_;
  }
  const interval& operator[](std::size_t i) const noexcept { return list_[i]; }

  pause_summary summarise() const noexcept {
    pause_summary s;
    s.count = count_;
    s.unlisted = count_ - listed();
    s.max_ns = max_ns_;
    s.total_ns = total_ns_;
    for (std::size_t i = 0; i < listed(); ++i) scratch_[i] = list_[i].length_ns();
    s.p50_ns = percentile(50);
    s.p99_ns = percentile(99);
    return s;
  }

 private:
  // Nearest rank: the smallest length that at least `percent` of all do not exceed. Reorders the scratch.
  std::uint64_t percentile(std::size_t percent) const noexcept {
    const std::size_t n = listed();
    if (n == 0) return 0;
    const std::size_t rank = (n * percent + 99) / 100 - 1;
    std::nth_element(scratch_, scratch_ + rank, scratch_ + n);
    return scratch_[rank];
  }

  interval* list_;
  std::uint64_t* scratch_;
  std::size_t capacity_;
  std::uint64_t count_ = 0;
  std::uint64_t total_ns_ = 0;
  std::uint64_t max_ns_ = 0;
};

class collection_log {
 public:
  // 65,536 pauses of each kind: 3 MiB, an hour of one every 55 ms.
  explicit collection_log(std::size_t pauses_max = 65'536) noexcept
      : worlds_(pauses_max), stalls_(pauses_max) {}

  void clear() noexcept {
    worlds_.clear();
    stalls_.clear();
    collections_ = 0;
    cpu_ns_ = 0;
  }

  void on(collection_event e, std::uint64_t now_ns, std::uint64_t cpu_ns) noexcept {
    switch (e) {
      case collection_event::start:
        // An open stall here is a collection that its caller cut short: no event told its end.
        if (stalled_ && abandoned_ns_ != 0) stalls_.add(stall_begin_ns_, abandoned_ns_);
        open_stall(now_ns, cpu_ns, true);
        break;
      case collection_event::pre_stop_world:
        if (!stalled_) open_stall(now_ns, cpu_ns, false);
        world_begin_ns_ = now_ns;
        world_ends_at_mark_end_ = false;
        world_stopped_ = true;
        marked_ = false;
        break;
      case collection_event::mark_start:
        if (!stalled_) open_stall(now_ns, cpu_ns, false);
        if (!world_stopped_) {
          world_begin_ns_ = now_ns;
          world_ends_at_mark_end_ = true;
          world_stopped_ = true;
        }
        marked_ = false;
        break;
      case collection_event::mark_end:
        ++collections_;
        marked_ = true;
        if (world_ends_at_mark_end_) close_world(now_ns);
        break;
      case collection_event::post_start_world:
        close_world(now_ns);
        if (!marked_) abandon(now_ns, cpu_ns);
        break;
      case collection_event::reclaim_start:
        break;
      case collection_event::reclaim_end:
        if (!announced_) close_stall(now_ns, cpu_ns);
        break;
      case collection_event::end:
        close_stall(now_ns, cpu_ns);
        break;
    }
  }

  std::uint64_t collections() const noexcept { return collections_; }
  std::uint64_t cpu_ns() const noexcept { return cpu_ns_; }
  const pause_list& stop_the_world() const noexcept { return worlds_; }
  const pause_list& stalls() const noexcept { return stalls_; }

 private:
  void open_stall(std::uint64_t now_ns, std::uint64_t cpu_ns, bool announced) noexcept {
    stalled_ = true;
    announced_ = announced;
    stall_begin_ns_ = now_ns;
    stall_begin_cpu_ns_ = cpu_ns;
    abandoned_ns_ = 0;
  }

  void close_stall(std::uint64_t now_ns, std::uint64_t cpu_ns) noexcept {
    if (!stalled_) return;
    stalls_.add(stall_begin_ns_, now_ns);
    cpu_ns_ += cpu_ns - stall_begin_cpu_ns_;
    stalled_ = false;
  }

  void close_world(std::uint64_t now_ns) noexcept {
    if (!world_stopped_) return;
    worlds_.add(world_begin_ns_, now_ns);
    world_stopped_ = false;
    world_ends_at_mark_end_ = false;
  }

  // The world runs again unmarked. An announced collection may go on; one begun by an allocation has
  // returned.
  void abandon(std::uint64_t now_ns, std::uint64_t cpu_ns) noexcept {
    if (announced_) {
      abandoned_ns_ = now_ns;
    } else {
      close_stall(now_ns, cpu_ns);
    }
  }

  pause_list worlds_;
  pause_list stalls_;
  std::uint64_t collections_ = 0;
  std::uint64_t cpu_ns_ = 0;

  bool stalled_ = false;
  bool announced_ = false;
  bool world_stopped_ = false;
  bool world_ends_at_mark_end_ = false;
  bool marked_ = false;
  std::uint64_t stall_begin_ns_ = 0;
  std::uint64_t stall_begin_cpu_ns_ = 0;
  std::uint64_t world_begin_ns_ = 0;
  std::uint64_t abandoned_ns_ = 0;
};

}  // namespace gc

}  // namespace tophash::inline v1

#endif
