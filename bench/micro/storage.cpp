// SPDX-License-Identifier: Apache-2.0
// What storage does to maps that end.
//   1. Destroying one map of 1,000,000 entries, each in a node: on mimalloc block by block, on mimalloc_heap in
//      one call. Pairs in turn, thread CPU; the ratio of each pair, then their median; and what giving the array
//      back to the system costs when the resource ends, which the map's end does not pay.
//   2. 200,000 small maps of 1 to 64 entries (Go's classic layout) on spans, nine of ten of them dropped: how
//      much of the spans in use is trapped, how much goes back to the system, and what it takes to relocate the
//      survivors. A Go 1.19 program that does the same traps 83.6 % (HeapInuse less HeapAlloc over HeapInuse,
//      after runtime.GC). All figures but the times are the same in every run.
//   tophash_storage [PAIRS]
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <tophash/allocators/spans.hpp>
#if TOPHASH_WITH_MIMALLOC
#include <tophash/allocators/mimalloc.hpp>
#include <tophash/allocators/mimalloc_heap.hpp>
#endif
#include <tophash/framework/layout/open_groups.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/overflow/none.hpp>
#include <tophash/presets.hpp>

namespace {

using namespace tophash;
using U = std::uint64_t;

std::uint64_t thread_cpu_ns() noexcept {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
}

constexpr U scattered(U n) noexcept { return n * 0x9e3779b97f4a7c15u; }

double mib(std::size_t bytes) noexcept { return static_cast<double>(bytes) / (1 << 20); }

// ---- 1. one large map

#if TOPHASH_WITH_MIMALLOC

constexpr U entries = 1'000'000;

template <class Handle>
std::uint64_t destroy_ns(Handle handle) {
  using nodes = map<U, U, layout::nodes, overflow::none, load<14>, Handle>;
  std::optional<nodes> m(std::in_place, typename nodes::spec_type::hashing{42}, handle);
  for (U n = 0; n < entries; ++n) m->try_emplace(scattered(n), n);
  const std::uint64_t from = thread_cpu_ns();
  m.reset();
  return thread_cpu_ns() - from;
}

struct ending {
  std::uint64_t map_ns = 0;
  std::uint64_t resource_ns = 0;
};

ending end_one_by_one() { return {.map_ns = destroy_ns(allocators::mimalloc{}), .resource_ns = 0}; }

ending end_at_once() {
  ending out;
  std::uint64_t from = 0;
  {
    allocators::mimalloc_heap_resource heap;
    out.map_ns = destroy_ns(allocators::mimalloc_heap(heap));
    from = thread_cpu_ns();
  }
  out.resource_ns = thread_cpu_ns() - from;
  return out;
}

// In a process of its own. In one process mimalloc (2.0.9) returns what a map freed to the system 25 to 500
// ms later, within whatever call comes then: with the two taken in turn, 2 to 3 ms of the first map's end are
// paid in the second's.
ending in_child(ending (*measure)()) {
  ending out;
  int ends[2];
  if (pipe(ends) != 0) return out;
  const pid_t child = fork();
  if (child == 0) {
    out = measure();
    _exit(write(ends[1], &out, sizeof out) == sizeof out ? 0 : 1);
  }
  close(ends[1]);
  if (child < 0 || read(ends[0], &out, sizeof out) != sizeof out) std::puts("  a measurement failed");
  close(ends[0]);
  if (child > 0) waitpid(child, nullptr, 0);
  return out;
}

void report_destruction(unsigned pairs) {
  std::printf("destroying a map of %llu entries in nodes\n", static_cast<unsigned long long>(entries));
  std::fflush(stdout);
  std::vector<double> ratios;
  for (unsigned i = 0; i < pairs; ++i) {
    const ending one_by_one = in_child(&end_one_by_one), at_once = in_child(&end_at_once);
    if (one_by_one.map_ns == 0 || at_once.map_ns == 0) return;
    ratios.push_back(static_cast<double>(one_by_one.map_ns) / static_cast<double>(at_once.map_ns));
    std::printf("  mimalloc %9.3f ms   mimalloc_heap %7.3f ms   ratio %6.0f   (then the resource: %.3f ms)\n",
                static_cast<double>(one_by_one.map_ns) / 1e6, static_cast<double>(at_once.map_ns) / 1e6,
                ratios.back(), static_cast<double>(at_once.resource_ns) / 1e6);
    std::fflush(stdout);
  }
  std::sort(ratios.begin(), ratios.end());
  std::printf("  median ratio %.0f\n", ratios[ratios.size() / 2]);
}

#else

void report_destruction(unsigned) { std::puts("destroying a map: not measured, it needs libmimalloc-dev"); }

#endif

// ---- 2. many small maps

using allocators::span_counts;
using allocators::spans;
using allocators::spans_resource;
using small_map = map<U, U, presets::go_like, spans>;

constexpr std::size_t maps = 200'000;
constexpr U entries_max = 64;

// The map's own object lies in the heap too, as Go's does.
class small_maps {
 public:
  explicit small_maps(spans_resource& heap) : storage_(heap) {
    all_.reserve(maps);
    for (std::size_t i = 0; i < maps; ++i) {
      small_map* const m = ::new (block()) small_map(small_map::spec_type::hashing{i}, storage_);
      const U wanted = 1 + draw(entries_max);
      for (U n = 0; n < wanted; ++n) m->try_emplace(scattered(n), n);
      all_.push_back(m);
    }
  }
  small_maps(const small_maps&) = delete;
  small_maps& operator=(const small_maps&) = delete;
  ~small_maps() {
    for (small_map* m : all_) drop(m);
  }

  void drop_nine_of_ten() {
    std::size_t kept = 0;
    for (small_map* m : all_) draw(10) == 0 ? static_cast<void>(all_[kept++] = m) : drop(m);
    all_.resize(kept);
  }

  // Each survivor is made again, object and arrays, and the old one goes. Returns the bytes that moved.
  std::size_t relocate() {
    std::size_t moved = 0;
    for (small_map*& m : all_) {
      small_map* const fresh = ::new (block()) small_map(std::as_const(*m));
      moved += sizeof(small_map) + fresh->memory_report().total_bytes();
      drop(std::exchange(m, fresh));
    }
    return moved;
  }

  std::size_t count() const noexcept { return all_.size(); }
  std::size_t entries() const noexcept {
    std::size_t sum = 0;
    for (const small_map* m : all_) sum += m->size();
    return sum;
  }

 private:
  static constexpr request object_request{
      .bytes = sizeof(small_map), .align = alignof(small_map), .use = purpose::side, .trace = nullptr};

  void* block() {
    void* const p = storage_.try_allocate(object_request);
    if (p == nullptr) throw std::bad_alloc();
    return p;
  }
  void drop(small_map* m) noexcept {
    m->~small_map();
    storage_.deallocate(m, object_request);
  }
  U draw(U bound) noexcept {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return (state_ >> 33) % bound;
  }

  spans storage_;
  std::vector<small_map*> all_;
  U state_ = 1;
};

void print_counts(const char* when, const span_counts& c) {
  std::printf("  %-34s %6zu spans %7.1f MiB   used %7.1f MiB   trapped %5.1f %%   free pages %6.1f MiB   "
              "held %6.1f MiB\n",
              when, c.spans, mib(c.span_bytes), mib(c.used_bytes), 100 * c.trapped_share(), mib(c.free_bytes),
              mib(c.resident_bytes));
}

void print_occupancy(const spans_resource& heap) {
  std::array<std::size_t, 10> deciles{};
  heap.for_each_span([&deciles](const allocators::span_view& v) {
    const std::size_t decile = v.used * 10 / v.slots;
    ++deciles[decile == 10 ? 9 : decile];
  });
  std::printf("  spans by occupancy, 0-10 %% ... 90-100 %%:");
  for (const std::size_t n : deciles) std::printf(" %zu", n);
  std::puts("");
}

void report_fragmentation() {
  std::printf("%zu maps of 1 to %llu entries on spans, nine of ten dropped (a map object: %zu bytes)\n", maps,
              static_cast<unsigned long long>(entries_max), sizeof(small_map));
  spans_resource heap;
  small_maps all(heap);
  print_counts("all maps", heap.counts());
  all.drop_nine_of_ten();
  const std::size_t survivors = all.entries();
  heap.scavenge(0);
  const span_counts dropped = heap.counts();
  print_counts("nine of ten dropped", dropped);
  print_occupancy(heap);
  std::printf("  given back to the system on request: %.1f MiB\n", mib(heap.scavenge()));
  const allocators::aside_counts aside = heap.set_aside(75);
  const std::uint64_t from = thread_cpu_ns();
  const std::size_t moved = all.relocate();
  const std::uint64_t took = thread_cpu_ns() - from;
  heap.end_aside();
  heap.scavenge(0);
  const span_counts after = heap.counts();
  print_counts("survivors relocated", after);
  print_occupancy(heap);
  const std::size_t freed = dropped.trapped_bytes() - after.trapped_bytes();
  std::printf("  set aside %zu spans; moved %.1f MiB of %zu maps in %.1f ms; freed %.1f MiB, %.1f %% of what "
              "was trapped\n",
              aside.spans, mib(moved), all.count(), static_cast<double>(took) / 1e6, mib(freed),
              100 * static_cast<double>(freed) / static_cast<double>(dropped.trapped_bytes()));
  std::printf("  given back to the system on request: %.1f MiB\n", mib(heap.scavenge()));
  if (all.entries() != survivors) std::puts("  ENTRIES WERE LOST");
}

}  // namespace

int main(int argc, char** argv) {
  unsigned pairs = 5;
  if (argc > 2 ||
      (argc == 2 &&
       (std::from_chars(argv[1], argv[1] + std::strlen(argv[1]), pairs).ec != std::errc{} || pairs == 0))) {
    std::fputs("usage: tophash_storage [PAIRS]\n", stderr);
    return 64;
  }
  report_destruction(pairs);
  report_fragmentation();
  return 0;
}
