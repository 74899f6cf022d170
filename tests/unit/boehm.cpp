// SPDX-License-Identifier: Apache-2.0
// Boehm storage and its collector: the allocation laws, what each kind of block keeps alive, where a block's
// capacity ends, that nothing grows under churn, and what is recorded of a collection. Liveness is asked of
// libgc itself, by links that it clears; a conservative collector may keep a few objects too many, so "dead"
// is tested as "nearly all". With AddressSanitizer: detect_stack_use_after_return=0 (its fake stacks are not
// searched).
#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include <catch2/catch.hpp>
#include <gc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tophash/allocators/decorators/failing.hpp>
#include <tophash/allocators/decorators/tracked.hpp>
#include <tophash/allocators/erased.hpp>
#include <tophash/allocators/std_adaptor.hpp>
#include <tophash/gc/boehm.hpp>
#include <tophash/gc/boehm_collector.hpp>
#include <tophash/gc/collection_log.hpp>
#include <tophash/gc/facts.hpp>

#include "laws/allocation.hpp"
#include "support/collected.hpp"

namespace {

using namespace tophash;
using allocators::tracked;
using allocators::tracking_resource;
using gc::boehm_collector;
using gc::boehm_pointer_free;
using gc::boehm_scanned;
using gc::collection_event;
using gc::collection_log;
using gc::gc_sample;
using gc::pause_summary;
using testing::collect_all;
using testing::in_own_frame;
using testing::overwrite_stack;
using testing::witnesses;

// The laws ask for more than any machine has, and libgc would say so on stderr each time.
class without_warnings {
 public:
  without_warnings() : before_(GC_get_warn_proc()) { GC_set_warn_proc(&GC_ignore_warn_proc); }
  without_warnings(const without_warnings&) = delete;
  without_warnings& operator=(const without_warnings&) = delete;
  ~without_warnings() { GC_set_warn_proc(before_); }

 private:
  GC_warn_proc before_;
};

template <class A>
std::vector<std::string> breaches(A handle) {
  const without_warnings quiet;
  std::vector<std::string> out;
  laws::check_allocation(handle, [&](const std::string& what) { out.push_back(what); });
  laws::check_allocation_pair(handle, handle, [&](const std::string& what) { out.push_back(what); });
  return out;
}

request ask(std::size_t bytes, purpose use = purpose::slots, std::size_t align = 16) {
  return {.bytes = bytes, .align = align, .use = use, .trace = nullptr};
}

constexpr std::size_t many = 10'000;
// A root: libgc searches static storage. Only the block under test is ever put here.
void* volatile root = nullptr;

std::uint64_t pattern(std::size_t i) { return 0x5eed'0000'0000'0000u + i; }

// Makes the objects in a frame of its own, so that this call leaves no pointer to them on the stack.
TOPHASH_NOINLINE void fill_with_objects(void** block, std::size_t n, witnesses& w) {
  for (std::size_t i = 0; i < n; ++i) {
    auto* const object = static_cast<std::uint64_t*>(GC_malloc_atomic(32));
    REQUIRE(object != nullptr);
    *object = pattern(i);
    block[i] = object;
    w.watch(i, object);
  }
}

// How many of `many` objects that only a block of A points to outlive two collections.
template <class A>
std::size_t kept_by(A storage, const request& r) {
  witnesses w(many);
  void* const block = storage.try_allocate(r);
  REQUIRE(block != nullptr);
  root = block;
  fill_with_objects(static_cast<void**>(block), many, w);
  collect_all();
  const std::size_t alive = w.alive();
  std::size_t intact = 0;
  if (alive == many) {
    for (std::size_t i = 0; i < many; ++i) {
      intact += *static_cast<std::uint64_t*>(static_cast<void**>(block)[i]) == pattern(i) ? 1 : 0;
    }
    CHECK(intact == many);
  }
  root = nullptr;
  storage.deallocate(block, r);
  return alive;
}

}  // namespace

// Interior pointers can be switched off only before libgc starts, so this test comes first and works in a
// child.
TEST_CASE("with interior pointers off, an over-aligned block is still kept by its address", "[boehm]") {
  if (GC_is_init_called() != 0) {
    WARN("not run: libgc is initialised already; run this test alone");
    return;
  }
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    GC_set_all_interior_pointers(0);
    GC_INIT();
    constexpr std::size_t n = 1'000;
    const request bucket = ask(100, purpose::overflow, 64), side = ask(n * sizeof(void*), purpose::side);
    auto** const list = static_cast<void**>(boehm_scanned{}.try_allocate(side));
    root = list;
    witnesses w(n);
    const std::size_t shifted = in_own_frame([&] {
      std::size_t inside = 0;
      for (std::size_t i = 0; i < n; ++i) {
        list[i] = boehm_pointer_free{}.try_allocate(bucket);
        inside += list[i] != GC_base(list[i]) ? 1 : 0;
        w.watch(i, GC_base(list[i]));
      }
      return inside;
    });
    collect_all();
    _exit(shifted == 0 ? 2 : w.alive() == n ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

// ---- storage

TEST_CASE("Boehm storage obeys the allocation laws", "[boehm]") {
  CHECK(breaches(boehm_scanned{}) == std::vector<std::string>{});
  CHECK(breaches(boehm_pointer_free{}) == std::vector<std::string>{});
  CHECK(breaches(gc::boehm_overflow_left{}) == std::vector<std::string>{});
  STATIC_REQUIRE(std::is_empty_v<boehm_scanned> && std::is_empty_v<boehm_pointer_free>);
  STATIC_REQUIRE(static_visibility<boehm_scanned>() == visibility::scanned &&
                 returns_zeroed<boehm_scanned>());
  STATIC_REQUIRE(static_visibility<boehm_pointer_free>() == visibility::pointer_free);
  STATIC_REQUIRE(!returns_zeroed<boehm_pointer_free>());
}

TEST_CASE("decorators and the erased handle pass on what Boehm storage is", "[boehm]") {
  tracking_resource<boehm_scanned, true> counts;
  CHECK(breaches(tracked{counts}) == std::vector<std::string>{});
  CHECK(counts.total().live_bytes == 0);
  STATIC_REQUIRE(static_visibility<tracked<boehm_pointer_free>>() == visibility::pointer_free);
  STATIC_REQUIRE(returns_zeroed<tracked<allocators::failing<boehm_scanned>>>());
  allocators::erased_resource<boehm_scanned> scanned;
  allocators::erased_resource<boehm_pointer_free> pointer_free;
  CHECK(visibility_of(allocators::erased{scanned}) == visibility::scanned);
  CHECK(visibility_of(allocators::erased{pointer_free}) == visibility::pointer_free);
  CHECK(breaches(allocators::erased{pointer_free}) == std::vector<std::string>{});
}

TEST_CASE("10,000 objects that only a scanned block points to survive", "[boehm]") {
  CHECK(kept_by(boehm_scanned{}, ask(many * sizeof(void*))) == many);
  CHECK(kept_by(boehm_scanned{}, ask(many * sizeof(void*), purpose::slots, 64)) == many);
  CHECK(kept_by(boehm_scanned{}, ask(200'000, purpose::slots)) == many);  // the form for large arrays
}

TEST_CASE("a pointer-free block keeps nothing that it points to", "[boehm]") {
  for (const purpose use : {purpose::slots, purpose::overflow, purpose::node}) {
    INFO(purpose_name(use));
    CHECK(kept_by(boehm_pointer_free{}, ask(many * sizeof(void*), use)) < many / 50);
    CHECK(kept_by(boehm_pointer_free{}, ask(200'000, use)) < many / 50);
    CHECK(kept_by(boehm_pointer_free{}, ask(many * sizeof(void*), use, 64)) < many / 50);
  }
}

TEST_CASE("pointer-free storage searches its directory and side list", "[boehm]") {
  for (const purpose use : {purpose::directory, purpose::side}) {
    INFO(purpose_name(use));
    CHECK(kept_by(boehm_pointer_free{}, ask(many * sizeof(void*), use)) == many);
  }
}

TEST_CASE("an over-aligned block is kept by the address that was handed out", "[boehm]") {
  const boehm_pointer_free storage;
  constexpr std::size_t n = 1'000;
  const request side = ask(n * sizeof(void*), purpose::side);
  witnesses w(n);
  const auto fill = [&](void** list) {
    std::size_t shifted = 0;
    for (std::size_t i = 0; i < n; ++i) {
      void* const p = storage.try_allocate(ask(100, purpose::overflow, 64));
      shifted += p != GC_base(p) ? 1 : 0;
      std::memset(p, static_cast<int>(i % 256), 100);
      list[i] = p;
      w.watch(i, GC_base(p));
    }
    return shifted;
  };
  auto** const list = static_cast<void**>(storage.try_allocate(side));
  root = list;
  CHECK(in_own_frame([&] { return fill(list); }) > 0);  // else this tests nothing
  collect_all();
  CHECK(w.alive() == n);
  for (std::size_t i = 0; i < n; ++i) {
    const auto* const bytes = static_cast<unsigned char*>(list[i]);
    CHECK(bytes[0] == i % 256);
    CHECK(bytes[99] == i % 256);
    storage.deallocate(list[i], ask(100, purpose::overflow, 64));
  }
  root = nullptr;
}

// libgc rounds a request up and adds a byte, so GC_size() tells more than was asked; the last word of it is
// not searched. A container that fills a block to GC_size() loses what that word points to.
TEST_CASE("capacity ends where the request did", "[boehm]") {
  constexpr std::size_t n = 200, requested = 24;
  const boehm_scanned storage;
  const auto survivors = [&](bool past_the_request) {
    witnesses w(n);
    void** const blocks = static_cast<void**>(storage.try_allocate(ask(n * sizeof(void*))));
    root = blocks;
    const auto fill = [&]() {
      for (std::size_t i = 0; i < n; ++i) {
        auto* const block = static_cast<void**>(storage.try_allocate(ask(requested, purpose::node)));
        REQUIRE(GC_size(block) > requested);
        blocks[i] = block;
        void* const object = GC_malloc_atomic(32);
        const std::size_t word =
            past_the_request ? GC_size(block) / sizeof(void*) - 1 : requested / sizeof(void*) - 1;
        block[word] = object;
        w.watch(i, object);
      }
    };
    in_own_frame(fill);
    collect_all();
    const std::size_t alive = w.alive();
    for (std::size_t i = 0; i < n; ++i) storage.deallocate(blocks[i], ask(requested, purpose::node));
    root = nullptr;
    return alive;
  };
  CHECK(survivors(false) == n);
  CHECK(survivors(true) < n / 4);
}

TEST_CASE("scanned blocks are zeroed, recycled ones too", "[boehm]") {
  const boehm_scanned storage;
  for (const request& r : {ask(144), ask(144, purpose::overflow, 64), ask(8'192), ask(200'000)}) {
    for (int round = 0; round < 20; ++round) {
      auto* const p = static_cast<unsigned char*>(storage.try_allocate(r));
      std::size_t dirty = 0;
      for (std::size_t i = 0; i < r.bytes; ++i) dirty += p[i] != 0 ? 1 : 0;
      CHECK(dirty == 0);
      std::memset(p, 0xff, r.bytes);
      storage.deallocate(p, r);
    }
  }
}

TEST_CASE("churn does not grow the heap, with and without deallocation", "[boehm]") {
  const boehm_scanned storage;
  const auto churn = [&](bool give_back) {
    for (int round = 0; round < 300; ++round) {
      const request array = ask(50'000), bucket = ask(144, purpose::overflow, 64);
      void* const p = storage.try_allocate(array);
      root = p;
      for (int i = 0; i < 50; ++i) {
        void* const q = storage.try_allocate(bucket);
        REQUIRE(q != nullptr);
        if (give_back) storage.deallocate(q, bucket);
      }
      root = nullptr;
      if (give_back) storage.deallocate(p, array);
    }
    GC_gcollect();
    return GC_get_heap_size();
  };
  for (const bool give_back : {true, false}) {
    const std::size_t warm = churn(give_back);
    std::size_t later = 0;
    for (int i = 0; i < 5; ++i) later = churn(give_back);
    CHECK(later <= warm + warm / 2 + 1'048'576);
  }
}

TEST_CASE("a deallocated array is free at once", "[boehm]") {
  const boehm_pointer_free storage;
  const request array = ask(4'000'000);
  GC_gcollect();
  const std::size_t collections = GC_get_gc_no();
  void* const warm = storage.try_allocate(array);
  storage.deallocate(warm, array);
  const std::size_t heap = GC_get_heap_size();
  for (int i = 0; i < 100; ++i) storage.deallocate(storage.try_allocate(array), array);
  CHECK(GC_get_heap_size() == heap);
  CHECK(GC_get_gc_no() <= collections + 2);  // 400 MB of garbage would have needed many
}

TEST_CASE("an exhausted heap answers null, and recovers", "[boehm]") {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const without_warnings quiet;
    const boehm_scanned storage;
    GC_set_max_heap_size(GC_get_heap_size() + 16'000'000);
    std::size_t granted = 0;
    void** list = nullptr;
    const auto hoard = [&]() {
      while (void* const p = storage.try_allocate(ask(1'000'000))) {
        *static_cast<void**>(p) = list;
        list = static_cast<void**>(p);
        root = list;
        if (++granted > 1'000) break;
      }
    };
    in_own_frame(hoard);
    if (granted == 0 || granted > 1'000) _exit(2);
    list = nullptr;
    root = nullptr;
    overwrite_stack();
    // All of it is garbage now, and libgc alone would answer null once more: the retry finds it.
    _exit(storage.try_allocate(ask(1'000'000)) != nullptr ? 0 : 3);
  }
  int status = 0;
  waitpid(child, &status, 0);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

#if TOPHASH_CHECKED >= 1
TEST_CASE("a checked build refuses entries that may point in pointer-free storage", "[boehm]") {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::freopen("/dev/null", "w", stderr);
    std::signal(SIGABRT, SIG_DFL);
    const trace_info may_point{};
    static_cast<void>(boehm_pointer_free{}.try_allocate(
        {.bytes = 64, .align = 8, .use = purpose::slots, .trace = &may_point}));
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status));
}
#endif

TEST_CASE("std::unordered_map runs on scanned storage", "[boehm]") {
  using allocator = allocators::as_std<std::pair<const std::uint64_t, std::uint64_t>, boehm_scanned>;
  using table =
      std::unordered_map<std::uint64_t, std::uint64_t, std::hash<std::uint64_t>, std::equal_to<>, allocator>;
  table m;
  for (std::uint64_t i = 0; i < 20'000; ++i) m[i] = i * i;
  GC_gcollect();
  std::vector<void*> noise(1'000);
  for (void*& p : noise) p = GC_malloc(64);
  std::size_t right = 0;
  for (std::uint64_t i = 0; i < 20'000; ++i) right += m.at(i) == i * i ? 1 : 0;
  CHECK(right == 20'000);
}

// ---- collector

namespace {

std::size_t seen_before = 0;
void GC_CALLBACK earlier_callback(GC_EventType) { ++seen_before; }

bool ordered(const pause_summary& s) {
  return s.p50_ns <= s.p99_ns && s.p99_ns <= s.max_ns && s.max_ns <= s.total_ns;
}

}  // namespace

// First of the collector's tests by necessity: the callback has to be there before the recorder is attached.
TEST_CASE("the recorder calls on the callback that was there before it", "[boehm]") {
  const pid_t child = fork();  // another test of this process may have attached it already
  REQUIRE(child >= 0);
  if (child == 0) {
    if (GC_get_on_collection_event() != nullptr) _exit(0);
    GC_set_on_collection_event(&earlier_callback);
    boehm_collector collector;
    collector.collect();
    _exit(seen_before > 0 && collector.sample().collections == 1 ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a window counts its collections and nothing before it", "[boehm]") {
  boehm_collector collector, same;
  collector.collect();
  collector.start_window();
  const gc_sample empty = collector.sample();
  CHECK(empty.collections == 0);
  CHECK(empty.stop_the_world == pause_summary{});
  CHECK(empty.stall == pause_summary{});
  CHECK(empty.collector_cpu_ns == 0);
  CHECK(empty.allocated_bytes == 0);

  const std::size_t number = GC_get_gc_no();
  for (int i = 0; i < 3; ++i) collector.collect();
  const gc_sample s = same.sample();
  CHECK(s.collections == 3);
  CHECK(s.collections == GC_get_gc_no() - number);
  CHECK(s.stop_the_world.count == 3);
  CHECK(s.stall.count == 3);
  CHECK(s.stall.unlisted == 0);
  CHECK(ordered(s.stop_the_world));
  CHECK(ordered(s.stall));
  CHECK(s.stop_the_world.p50_ns > 0);
  CHECK(s.stall.total_ns >= s.stop_the_world.total_ns);  // each stall holds its pause
  CHECK(s.collector_cpu_ns > 0);
  CHECK(s.window_ns >= s.stall.total_ns);
}

TEST_CASE("collections that allocation starts are recorded too, with the bytes", "[boehm]") {
  boehm_collector collector;
  const boehm_scanned storage;
  collector.start_window();
  const std::size_t number = GC_get_gc_no();
  constexpr std::size_t blocks = 60'000, bytes = 1'000;
  std::size_t rounded = 0;  // libgc's size class, which it counts
  for (std::size_t i = 0; i < blocks; ++i) {
    void* const p = storage.try_allocate(ask(bytes, purpose::node));
    REQUIRE(p != nullptr);
    rounded += GC_size(p);
  }
  const gc_sample s = collector.sample();
  CHECK(s.collections > 0);
  CHECK(s.collections == GC_get_gc_no() - number);
  CHECK(s.stall.count == s.collections);
  CHECK(s.allocated_bytes >= rounded);
  CHECK(s.allocated_bytes < rounded + 1'000'000);  // whole free lists are counted when they are taken
  CHECK(s.reclaimed_bytes > 0);
  CHECK(s.heap_bytes > 0);
  CHECK(s.heap_peak_bytes >= s.heap_bytes);
  CHECK(s.free_bytes <= s.heap_bytes);
  CHECK(s.allocated_bytes_per_second() > 0);
}

TEST_CASE("the peak of the heap is the window's", "[boehm]") {
  boehm_collector collector;
  const boehm_pointer_free storage;
  collector.start_window();
  const std::size_t before = collector.sample().heap_bytes;
  const request large = ask(before + 32'000'000);
  storage.deallocate(storage.try_allocate(large), large);
  CHECK(collector.sample().heap_peak_bytes >= large.bytes);
}

// In incremental mode a collection that allocation starts sends neither START nor END. The mode cannot be
// left again, so it is entered in a child.
TEST_CASE("incremental collections are derived from marking and reclaiming", "[boehm]") {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    static std::size_t starts = 0;
    boehm_collector collector;
    GC_enable_incremental();
    static const GC_on_collection_event_proc recorder = GC_get_on_collection_event();
    GC_set_on_collection_event([](GC_EventType e) {
      starts += e == GC_EVENT_START ? 1 : 0;
      recorder(e);
    });
    const boehm_scanned storage;
    collector.start_window();
    const std::size_t number = GC_get_gc_no();
    for (int i = 0; i < 100'000; ++i) {
      if (storage.try_allocate(ask(1'000, purpose::node)) == nullptr) _exit(2);
    }
    const gc_sample s = collector.sample();
    if (GC_is_incremental_mode() == 0) _exit(0);  // not supported here
    if (starts != 0) _exit(3);
    if (s.collections == 0 || s.collections != GC_get_gc_no() - number) _exit(4);
    if (s.stall.count < s.collections || s.stop_the_world.count < s.collections) _exit(5);
    if (!ordered(s.stall) || s.stall.total_ns < s.stop_the_world.total_ns || s.collector_cpu_ns == 0)
      _exit(6);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("the clock counts collections, and a window does not reset it", "[boehm]") {
  boehm_collector c;
  const std::uint64_t before = c.clock();
  c.collect();
  c.start_window();
  c.collect();
  CHECK(c.clock() - before == 2);
  CHECK(c.sample().collections == 1);
}

TEST_CASE("occupancy sees blocks that one object in ten pins", "[boehm]") {
  boehm_collector c;
  const request side = ask(many * sizeof(void*), purpose::side);
  auto** const list = static_cast<void**>(boehm_scanned{}.try_allocate(side));
  root = list;
  collect_all();
  const gc::heap_occupancy empty = c.occupancy();
  in_own_frame([&] {
    for (std::size_t i = 0; i < many; ++i) list[i] = GC_malloc_atomic(48);
  });
  collect_all();
  const gc::heap_occupancy full = c.occupancy();
  CHECK(full.objects - empty.objects >= many);
  CHECK(full.objects - empty.objects < many + many / 50);  // a conservative collector may keep a few others
  CHECK(full.bytes - empty.bytes >= many * 48);
  const double share_full = 1 - static_cast<double>(full.bytes - empty.bytes) /
                                    static_cast<double>((full.blocks - empty.blocks) * full.block_bytes);
  CHECK(share_full < 0.15);
  for (std::size_t i = 0; i < many; ++i) list[i] = i % 10 == 0 ? list[i] : nullptr;
  collect_all();
  const gc::heap_occupancy sparse = c.occupancy();
  CHECK(sparse.objects - empty.objects < many / 10 + many / 50);
  CHECK(sparse.blocks - empty.blocks > (full.blocks - empty.blocks) * 9 / 10);
  CHECK(sparse.fragmentation() > full.fragmentation());
  root = nullptr;
  boehm_scanned{}.deallocate(list, side);
}

TEST_CASE("no_gc has nothing to tell", "[boehm]") {
  gc::no_gc none;
  none.start_window();
  none.collect();
  CHECK(none.sample().collections == 0);
  CHECK(none.sample().heap_bytes == 0);
  CHECK(none.sample().allocated_bytes_per_second() == 0.0);
}

// ---- the log, on written-down streams

namespace {

struct told {
  collection_event what;
  std::uint64_t at_ns;
};

void play(collection_log& log, std::initializer_list<told> events) {
  for (const told& e : events)
    log.on(e.what, e.at_ns, e.at_ns / 2);  // the thread has the processor half the time
}

using enum collection_event;

}  // namespace

TEST_CASE("log: an announced collection", "[boehm]") {
  collection_log log(8);
  play(log, {{start, 100},
             {pre_stop_world, 110},
             {mark_start, 115},
             {mark_end, 150},
             {post_start_world, 160},
             {reclaim_start, 161},
             {reclaim_end, 190},
             {end, 200}});
  CHECK(log.collections() == 1);
  CHECK(log.stop_the_world().summarise() == pause_summary{1, 0, 50, 50, 50, 50});
  CHECK(log.stalls().summarise() == pause_summary{1, 0, 100, 100, 100, 100});
  CHECK(log.cpu_ns() == 50);
  log.clear();
  CHECK(log.collections() == 0);
  CHECK(log.cpu_ns() == 0);
  CHECK(log.stalls().summarise() == pause_summary{});
}

TEST_CASE("log: a collection that nobody announced", "[boehm]") {
  collection_log log(8);
  play(log, {{pre_stop_world, 110},
             {mark_start, 115},
             {mark_end, 150},
             {post_start_world, 160},
             {reclaim_start, 161},
             {reclaim_end, 190}});
  CHECK(log.collections() == 1);
  CHECK(log.stop_the_world().summarise().total_ns == 50);
  CHECK(log.stalls().summarise() == pause_summary{1, 0, 80, 80, 80, 80});
  CHECK(log.cpu_ns() == 40);
}

TEST_CASE("log: abandoned marking is a pause and no collection", "[boehm]") {
  collection_log log(8);
  play(log, {{pre_stop_world, 100}, {mark_start, 101}, {post_start_world, 130}});
  CHECK(log.collections() == 0);
  CHECK(log.stop_the_world().summarise().total_ns == 30);
  CHECK(log.stalls().summarise().total_ns == 30);
  play(log, {{pre_stop_world, 200},
             {mark_start, 201},
             {mark_end, 209},
             {post_start_world, 210},
             {reclaim_start, 211},
             {reclaim_end, 220}});
  CHECK(log.collections() == 1);
  CHECK(log.stalls().summarise().count == 2);
  CHECK(log.stalls().summarise().max_ns == 30);
}

TEST_CASE("log: an announced collection that first finishes another is one stall", "[boehm]") {
  collection_log log(8);
  play(log, {{start, 100},
             {pre_stop_world, 110},
             {mark_start, 111},
             {post_start_world, 120},  // abandoned
             {pre_stop_world, 130},
             {mark_start, 131},
             {mark_end, 139},
             {post_start_world, 140},
             {reclaim_start, 141},
             {reclaim_end, 150},  // the other is finished
             {pre_stop_world, 160},
             {mark_start, 161},
             {mark_end, 169},
             {post_start_world, 170},
             {reclaim_start, 171},
             {reclaim_end, 180},
             {end, 200}});
  CHECK(log.collections() == 2);
  CHECK(log.stop_the_world().summarise() == pause_summary{3, 0, 10, 10, 10, 30});
  CHECK(log.stalls().summarise() == pause_summary{1, 0, 100, 100, 100, 100});
}

TEST_CASE("log: a collection that its caller cuts short ends where marking was abandoned", "[boehm]") {
  collection_log log(8);
  play(log, {{start, 100},
             {pre_stop_world, 110},
             {mark_start, 111},
             {post_start_world, 125},  // returns, no END
             {start, 900},
             {pre_stop_world, 910},
             {mark_start, 911},
             {mark_end, 919},
             {post_start_world, 920},
             {reclaim_start, 921},
             {reclaim_end, 930},
             {end, 940}});
  CHECK(log.collections() == 1);
  CHECK(log.stalls().summarise().count == 2);
  CHECK(log.stalls()[0].length_ns() == 25);
  CHECK(log.stalls()[1].length_ns() == 40);
}

TEST_CASE("log: without thread events the pause is that of marking", "[boehm]") {
  collection_log log(8);
  play(log, {{start, 100},
             {mark_start, 110},
             {mark_end, 150},
             {reclaim_start, 151},
             {reclaim_end, 160},
             {end, 170}});
  CHECK(log.collections() == 1);
  CHECK(log.stop_the_world().summarise() == pause_summary{1, 0, 40, 40, 40, 40});
  CHECK(log.stalls().summarise().total_ns == 70);
}

TEST_CASE("log: percentiles by nearest rank, and what the list cannot hold", "[boehm]") {
  gc::pause_list list(200);
  for (std::uint64_t i = 1; i <= 200; ++i)
    list.add(1'000 * i, 1'000 * i + (i * 37 % 200) + 1);  // 1..200, mixed
  CHECK(list.summarise() == pause_summary{200, 0, 100, 198, 200, 20'100});
  list.add(0, 5'000);
  const pause_summary s = list.summarise();
  CHECK(s.count == 201);
  CHECK(s.unlisted == 1);
  CHECK(s.max_ns == 5'000);
  CHECK(s.total_ns == 25'100);
  CHECK(s.p99_ns == 198);
  gc::pause_list one(4);
  one.add(10, 17);
  CHECK(one.summarise() == pause_summary{1, 0, 7, 7, 7, 7});
}

// ---- facts

namespace {
enum class colour { red };
struct plain {
  int x;
};
struct declared {
  int x;
};
}  // namespace

template <>
struct tophash::gc_traits<declared> : tophash::gc::holds_no_pointers {};

TEST_CASE("what may point into collected memory", "[boehm]") {
  using gc::points_into_collected_memory;
  STATIC_REQUIRE(!points_into_collected_memory<int> && !points_into_collected_memory<const double&>);
  STATIC_REQUIRE(!points_into_collected_memory<colour> && !points_into_collected_memory<std::array<int, 3>>);
  STATIC_REQUIRE(points_into_collected_memory<int*> && points_into_collected_memory<const char* const>);
  STATIC_REQUIRE(points_into_collected_memory<plain> && !points_into_collected_memory<declared>);
  STATIC_REQUIRE(!points_into_collected_memory<std::string> &&
                 !points_into_collected_memory<const std::string>);
  STATIC_REQUIRE(points_into_collected_memory<std::string_view>);
  STATIC_REQUIRE(!points_into_collected_memory<std::vector<int>> &&
                 points_into_collected_memory<std::vector<int*>>);
  STATIC_REQUIRE(!points_into_collected_memory<std::optional<int>> &&
                 points_into_collected_memory<std::optional<int*>>);
  STATIC_REQUIRE(!points_into_collected_memory<std::tuple<int, std::string>>);
  STATIC_REQUIRE(points_into_collected_memory<std::tuple<int, void*>>);
  STATIC_REQUIRE(!points_into_collected_memory<std::variant<int, double>>);
  STATIC_REQUIRE(points_into_collected_memory<std::variant<int, plain>>);
  STATIC_REQUIRE(!points_into_collected_memory<int plain::*>);
  STATIC_REQUIRE(gc::pointer_free_entry<std::uint64_t, std::string> && !gc::pointer_free_entry<int, void*>);
  using scanned_string =
      std::basic_string<char, std::char_traits<char>, allocators::as_std<char, boehm_scanned>>;
  STATIC_REQUIRE(points_into_collected_memory<scanned_string>);
}
