// SPDX-License-Identifier: Apache-2.0
// GC pressure, predicted and measured. For maps on two collectors the cost of collecting is predicted, in CPU
// nanoseconds an operation, from counts alone, and measured beside it; the program fails where they part.
//
//   a cycle costs   c_cycle + c_alloc * A + c_read * S + c_unit * U + c_block * B + c_visit(P) * V
//     A  bytes allocated since the last one: they are swept
//     S  bytes that the marker reads in maps; of libgc's map-aware storage, those of the cache lines of live slots
//     U  buckets or groups: each costs, however few of its slots are live
//     B  overflow buckets: several lines each, at a place that nothing before it told
//     V  objects and nodes, found at no place that was told before
//     P  pages (libgc's blocks of 4 KiB, spans of the precise heap) that all these lie in: visited in no order, each
//        with a header or a row of mark bits, lines and an entry of the TLB of its own, so c_visit grows with the
//        logarithm of P, as less of it is near. Below the small cell of the calibration all of it is. Past what a TLB
//        reaches (2,048 pages here) a visit costs a step more, which the formula leaves out, and the cells avoid
//   cycles an operation = bytes allocated in one / ((h - 1) * live bytes), h being the heap ratio
//
// c_cycle, c_alloc and c_read come from a heap without a map: empty, with garbage, with an array (of null pointers; of
// what a table holds where every word is searched).
// The others come from four cells of each storage: null pointers in a sparse table and in one with many overflow
// buckets, a small and a large map of pointers. All other cells test them: storage x layout x deletion x workload x size x ratio. A collection is
// due when (h - 1) * live bytes have been allocated; the collectors' own triggers are off.
//
// A cycle's cost is CPU of the thread, and what it does is the same each time; what other programs do only adds to
// it. That is up to twice as much where two virtual processors are one core: so a loop of known work runs before
// and after each cycle, and where it took longer than it can, the cycle does not count (`quiet`). Of those that do
// the least is taken, over rounds over the whole matrix. With a seed all but the times is the same again.
//   tophash_gc_pressure [--collector boehm,precise] [--gctrace] [--json FILE] [--seed N] [--repeat N]
// --repeat: rounds at most; a cell with enough quiet cycles is measured no more.
// Exit 0: the middle error is at most 10 % and the largest at most 25 %; 1: they are not; 64: usage.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <gc.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <tophash/framework/layout/open_groups.hpp>
#include <tophash/gc/boehm.hpp>
#include <tophash/gc/boehm_collector.hpp>
#include <tophash/gc/boehm_map_aware.hpp>
#include <tophash/gc/precise_heap.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/deletion/tombstone.hpp>
#include <tophash/policies/hashing/wyhash.hpp>

namespace {

using namespace tophash;
using u64 = std::uint64_t;

struct settings {
  bool boehm = true, precise = true, gctrace = false;
  std::string json;
  u64 seed = 1;
  unsigned repeat = 12;  // rounds at most
};
settings asked;

u64 thread_cpu_ns() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<u64>(t.tv_sec) * 1'000'000'000u + static_cast<u64>(t.tv_nsec);
}

// Is the processor ours alone? A loop that keeps all its units busy takes half as long again and more where
// another thread runs on the same core. The first calls learn how long it takes.
class quiet_probe {
 public:
  static constexpr double most = 1.12;  // of the least

  bool now() {
    const u64 begin = thread_cpu_ns();
    u64 a = 1, b = 2, c = 3, d = 4, e = 5, f = 6;
    for (int i = 0; i < 6000; ++i) {
      a = a * 3 + 1, b = (b ^ (b >> 3)) + 7, c = c + (c << 2) + 9;
      d = (d ^ (d << 5)) + 1, e = e * 5 + 3, f = (f >> 1) ^ (f << 3);
      asm volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
    }
    const auto ns = static_cast<double>(thread_cpu_ns() - begin);
    least_ns_ = std::min(least_ns_, ns);
    return ns <= most * least_ns_;
  }
  void wait() {
    for (int i = 0; i < 60 && !now(); ++i) {
    }
  }
  double least_ns() const { return least_ns_; }
  void learn(double least_ns) { least_ns_ = std::min(least_ns_, least_ns); }

 private:
  double least_ns_ = 1e300;
};
quiet_probe probe;

// What one process measures and another one sums up.
class numbers_file {
 public:
  explicit numbers_file(int file) : file_(file) {}
  void number(double& x) { moved_ = moved_ && (writes_ ? write_all(&x) : read_all(&x)); }
  void numbers(std::vector<double>& all) {
    auto count = static_cast<double>(all.size());
    number(count);
    if (!writes_ && moved_) all.resize(static_cast<std::size_t>(count));
    for (double& x : all) number(x);
  }
  void write() { writes_ = true; }
  bool moved() const { return moved_; }

 private:
  bool write_all(const double* x) const { return ::write(file_, x, sizeof *x) == sizeof *x; }
  bool read_all(double* x) const {
    for (std::size_t done = 0; done < sizeof *x;) {
      const auto got = ::read(file_, reinterpret_cast<char*>(x) + done, sizeof *x - done);
      if (got <= 0) return false;
      done += static_cast<std::size_t>(got);
    }
    return true;
  }
  int file_;
  bool writes_ = false, moved_ = true;
};

// measure(out) in a process of its own: libgc's heap is one for the process, and what an earlier cell left of it
// (blocks here and there, free ones between them) made the same cycle up to twice as dear.
template <class Out, class Measure>
void in_child(Out& out, const Measure& measure) {
  int ends[2];
  std::fflush(nullptr);
  if (::pipe(ends) != 0) std::perror("pipe"), std::exit(1);
  const pid_t child = ::fork();
  if (child < 0) std::perror("fork"), std::exit(1);
  const bool here = child == 0;
  ::close(ends[here ? 0 : 1]);
  numbers_file file(ends[here ? 1 : 0]);
  if (here) {
    file.write();
    ::setenv("GC_UNMAP_THRESHOLD", "0", 1);  // libgc gives no pages back: system calls are not what is predicted
    GC_INIT();
    measure(out);
  }
  out.move_through(file);
  double least = probe.least_ns();
  file.number(least);
  if (here) std::fflush(nullptr), ::_exit(file.moved() ? 0 : 1);
  probe.learn(least);
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (status != 0 || !file.moved()) std::fputs("gc_pressure: a cell ended before its time\n", stderr), std::exit(1);
}

// The least of what counts.
struct cycle_times {
  std::vector<double> quiet_ns;
  double least_ns = 1e300;  // of all

  template <class Collect>
  double measure(const Collect& collect) {
    probe.wait();
    const bool before = probe.now();
    const u64 begin = thread_cpu_ns();
    collect();
    const auto ns = static_cast<double>(thread_cpu_ns() - begin);
    if (before && probe.now()) quiet_ns.push_back(ns);
    least_ns = std::min(least_ns, ns);
    return ns;
  }
  void add(const cycle_times& other) {
    quiet_ns.insert(quiet_ns.end(), other.quiet_ns.begin(), other.quiet_ns.end());
    least_ns = std::min(least_ns, other.least_ns);
  }
  bool enough() const { return quiet_ns.size() >= 5; }
  void move_through(numbers_file& file) { file.numbers(quiet_ns), file.number(least_ns); }
  double ns() const {
    return quiet_ns.empty() ? least_ns : *std::min_element(quiet_ns.begin(), quiet_ns.end());
  }
};

double median(std::vector<double> of) {
  std::sort(of.begin(), of.end());
  return of.empty() ? 0 : of[of.size() / 2];
}

// What a cycle has to do, in counts.
struct cycle_work {
  double allocated_bytes = 0, read_bytes = 0, units = 0, buckets = 0, objects = 0, visits = 0, pages = 1;
};

struct cell {
  const char* collector = "";
  std::string what;
  std::size_t entries = 0;
  double heap_ratio = 2;
  double operations = 0, cycles = 0;
  double live_bytes = 0, allocated_bytes_per_op = 0, heap_bytes = 0, longest_ns = 0, mutator_ns_per_op = 0;
  // Objects that the last cycle kept although no entry in use leads to them, by what leads there: slots of erased
  // entries, or else words that only look like pointers.
  double kept_by_dead_slots = 0, kept_by_chance = 0;
  cycle_work work;
  cycle_times times;
  double predicted_cycle_ns = 0;

  double cycles_per_op() const { return cycles / operations; }
  double predicted_cycles_per_op() const { return allocated_bytes_per_op / ((heap_ratio - 1) * live_bytes); }
  double measured() const { return times.ns() * cycles_per_op(); }
  double predicted() const { return predicted_cycle_ns * predicted_cycles_per_op(); }
  double error() const { return predicted() / measured() - 1; }

  // All that is measured; the rest is known to both sides.
  void move_through(numbers_file& file) {
    for (double* x : {&operations, &cycles, &live_bytes, &allocated_bytes_per_op, &heap_bytes, &longest_ns,
                      &mutator_ns_per_op, &kept_by_dead_slots, &kept_by_chance, &work.allocated_bytes,
                      &work.read_bytes, &work.units, &work.buckets, &work.objects, &work.visits, &work.pages})
      file.number(*x);
    times.move_through(file);
  }
};

// ---- the two collectors, alike

class on_boehm {
 public:
  static constexpr const char* name = "boehm";
  static constexpr double object_bytes = 16;

  on_boehm() { GC_disable(); }
  on_boehm(const on_boehm&) = delete;
  on_boehm& operator=(const on_boehm&) = delete;
  ~on_boehm() { GC_enable(); }

  u64* object() { return static_cast<u64*>(GC_malloc_atomic(sizeof(u64))); }
  void stored(const void*) {}
  void collect() {
    GC_enable();
    GC_gcollect();
    GC_disable();
  }
  double heap_bytes() { return static_cast<double>(GC_get_heap_size()); }
  // Of the last collection.
  double objects_kept() { return objects().count; }
  // With one more collection, which counts.
  template <class Map>
  cycle_work work(const Map& m, double nodes) {
    gc::boehm_census::start();
    collect();
    gc::boehm_census::stop();
    const double map_bytes = static_cast<double>(m.memory_report().total_bytes());
    const auto traced = static_cast<double>(gc::boehm_census::counts().units);
    const found all = objects();
    const auto buckets = static_cast<double>(m.stats().overflow_in_use);
    return {.allocated_bytes = 0,
            .read_bytes = traced != 0 ? bytes_of_lines(m) : map_bytes,
            .units = traced != 0 ? traced : buckets_of(m),
            .buckets = buckets,
            .objects = std::max(0.0, all.count - buckets - nodes),
            .visits = std::max(0.0, all.count - buckets),
            .pages = std::max(1.0, all.pages)};
  }
  // What live slots lie in. A bucket that is hardly used costs most of the lines of a full one.
  template <class Map>
  static double bytes_of_lines(const Map& m) {
    constexpr std::uintptr_t line_bytes = 64;
    std::uintptr_t last = 0;
    double lines = 0;
    for (auto&& entry : m) {
      const std::uintptr_t line = reinterpret_cast<std::uintptr_t>(&entry.second) / line_bytes;
      lines += line != last;
      last = line;
    }
    return lines * line_bytes;
  }
  // Where every word is searched, the words between two entries follow one another in a chain's bucket, and where
  // they begin is guessed wrong once a bucket. Open groups hold no words but entries.
  template <class Map>
  static double buckets_of(const Map& m) {
    using shape = typename Map::spec_type::layout;
    if (std::is_same_v<shape, layout::open_groups<>> || std::is_same_v<shape, layout::nodes>) return 0;
    return static_cast<double>(m.stats().units + m.stats().overflow_in_use);
  }
  void* null_pointers(std::size_t count) { return GC_malloc(count * sizeof(void*)); }
  // As a table looks to who searches every word: numbers beside nulls, and at random neither. What is no address is
  // told by guesses that go wrong there, and never in nulls alone.
  void* words_of_table(std::size_t count) {
    auto* const words = static_cast<u64*>(GC_malloc(count * sizeof(void*)));
    u64 random = 1;
    for (std::size_t i = 0; i + 1 < count; i += 2) {
      random = random * 6364136223846793005u + 1442695040888963407u;
      words[i] = (random >> 63) != 0 ? random | u64{1} << 63 : 0;
    }
    return words;
  }
  template <class Map>
  Map map_with() {
    return Map{};
  }

 private:
  struct found {
    double count = 0, pages = 0;
    std::uintptr_t last_page = 0;
  };
  // What shares its block with others: all but arrays. libgc enumerates block by block.
  static found objects() {
    found out;
    GC_call_with_alloc_lock(
        [](void* counted) -> void* {
          GC_enumerate_reachable_objects_inner(
              [](void* object, std::size_t bytes, void* to) {
                constexpr std::size_t page_bytes = gc::heap_occupancy::block_bytes;
                found& all = *static_cast<found*>(to);
                if (bytes > page_bytes / 2) return;
                const std::uintptr_t page = reinterpret_cast<std::uintptr_t>(object) / page_bytes;
                ++all.count;
                all.pages += page != all.last_page;
                all.last_page = page;
              },
              counted);
          return nullptr;
        },
        &out);
    return out;
  }
};

class on_precise {
 public:
  static constexpr const char* name = "precise";
  static constexpr double object_bytes = 8;

  u64* object() { return heap_.make<u64>(0u).get(); }
  void stored(const void* p) { heap_.stored(p); }
  void collect() { heap_.collect(); }
  double heap_bytes() { return static_cast<double>(heap_.in_use_bytes()); }
  double objects_kept() { return static_cast<double>(heap_.last_marking().objects); }
  template <class Map>
  cycle_work work(const Map& m, double nodes) {
    collect();
    const gc::mark_counts& c = heap_.last_marking();
    return {.allocated_bytes = 0,
            .read_bytes = static_cast<double>(c.array_bytes),
            .units = static_cast<double>(c.array_units),
            .buckets = static_cast<double>(m.stats().overflow_in_use),
            .objects = static_cast<double>(c.objects),
            .visits = static_cast<double>(c.objects) + nodes,
            .pages = std::max<double>(1.0, static_cast<double>(c.spans))};
  }
  gc::root<u64*> null_pointers(std::size_t count) { return heap_.make_array<u64*>(count); }
  template <class Map>
  Map map_with() {
    return Map{gc::precise(heap_)};
  }

 private:
  gc::precise_heap heap_{[] {
    gc::precise_options o;
    o.automatic = false;
    return o;
  }()};
};

// ---- a cell

enum class workload : char { churn, replace, mixed, bursts };
constexpr const char* name_of(workload w) {
  return w == workload::churn     ? "churn"
         : w == workload::replace ? "replace"
         : w == workload::mixed   ? "mixed"
                                  : "bursts";
}

// Numbers that look like no address.
u64 key_of(u64 i) { return (i * 0x9e3779b97f4a7c15u) | u64{1} << 63; }

void print_cycle(const cell& c, double ns, double before, double after) {
  std::printf("gc %s %.0f: %.3f ms cpu, %.2f->%.2f MB, %.2f MB allocated since, %s n=%zu h=%.1f\n",
              c.collector, c.cycles, ns / 1e6, before / 1e6, after / 1e6,
              c.work.allocated_bytes / 1e6, c.what.c_str(), c.entries, c.heap_ratio);
}

// A copy of a map has no erased entries: what only those led to goes with the original.
template <class Heap, class Map>
void note_retention(cell& c, Heap& heap, Map& m, double nodes) {
  const auto needed = static_cast<double>(m.size());
  const double all = c.work.objects;
  m = Map(m);
  const double without = heap.work(m, nodes).objects;
  c.kept_by_dead_slots = std::max(0.0, all - without) / needed;
  c.kept_by_chance = std::max(0.0, without - needed) / needed;
}

// `nulls`: values are null, in a table with room for so many times n; for calibration. In a frame of its own: Boehm's
// collector searches the stack.
template <class Heap, class Map, bool Nodes>
[[gnu::noinline]] void run_here(cell& c, std::size_t n, workload w, double ratio, std::size_t nulls) {
  Heap heap;
  Map m = heap.template map_with<Map>();
  u64 random = asked.seed, oldest = 0, newest = 0;
  const auto below = [&random](u64 bound) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    return (random >> 33) % bound;
  };
  const auto value = [&] { return nulls != 0 ? nullptr : heap.object(); };
  if (nulls > 1) m.reserve(nulls * n);
  for (; newest < n; ++newest) m.try_emplace(key_of(newest), value());
  heap.collect();
  constexpr double node_bytes = 24;
  const double nodes = Nodes ? static_cast<double>(n) : 0;
  c.live_bytes = static_cast<double>(m.memory_report().total_bytes()) +
                 (nulls != 0 ? 0 : static_cast<double>(n) * Heap::object_bytes);
  const double budget = std::max((ratio - 1) * c.live_bytes, 65536.0);
  double since = 0, total = 0;
  u64 collecting_ns = 0;
  constexpr double cycles = 6;
  const std::size_t burst = n / 20;
  std::size_t gone = 0;  // erased in this burst
  const u64 began = thread_cpu_ns();
  while (c.cycles < cycles) {
    const bool erases = w == workload::churn || (w == workload::mixed && below(2) == 0);
    if (w == workload::bursts) {
      for (; gone < burst; ++gone) m.erase(key_of(oldest++));
      m.try_emplace(key_of(newest++), value());
      if (newest - oldest == n) gone = 0;
    } else if (erases) {
      m.erase(key_of(oldest++));
      m.try_emplace(key_of(newest++), value());
    } else {
      u64* const fresh = value();
      const u64 key = key_of(oldest + below(newest - oldest));
      m.insert_or_assign(key, fresh);
    }
    const double bytes = Heap::object_bytes + (Nodes && w != workload::replace ? node_bytes + 8 : 0);
    since += bytes, total += bytes;
    if (nulls != 0) static_cast<void>(heap.object());
    ++c.operations;
    if (since < budget) continue;
    const double before = asked.gctrace ? heap.heap_bytes() : 0;
    const u64 begin = thread_cpu_ns();
    const double ns = c.times.measure([&heap] { heap.collect(); });
    collecting_ns += thread_cpu_ns() - begin;  // and probing
    c.longest_ns = std::max(c.longest_ns, ns);
    ++c.cycles;
    c.work.allocated_bytes = since;
    if (asked.gctrace) print_cycle(c, ns, before, heap.heap_bytes());
    since = 0;
  }
  c.mutator_ns_per_op =
      static_cast<double>(thread_cpu_ns() - began - collecting_ns) / c.operations;
  c.allocated_bytes_per_op = total / c.operations;
  const double allocated = c.work.allocated_bytes;
  c.work = heap.work(m, nodes);
  c.work.allocated_bytes = allocated;
  if (nulls == 0) note_retention(c, heap, m, nodes);
  c.heap_bytes = heap.heap_bytes();
}

template <class Heap, class Map, bool Nodes>
cell run(std::string what, std::size_t n, workload w, double ratio, std::size_t nulls = 0) {
  cell c;
  c.collector = Heap::name, c.what = std::move(what) + ", " + name_of(w), c.entries = n, c.heap_ratio = ratio;
  in_child(c, [&](cell& out) { run_here<Heap, Map, Nodes>(out, n, w, ratio, nulls); });
  return c;
}

// ---- constants

struct constants {
  double cycle_ns = 0, allocated_byte_ns = 0, read_byte_ns = 0, unit_ns = 0, bucket_ns = 0;
  double visit_ns = 0, visit_ns_per_doubling = 0, small_pages = 1;

  double visit(double pages) const {
    return std::max(0.0, visit_ns + visit_ns_per_doubling * std::log2(std::max(1.0, pages / small_pages)));
  }
  double predict(const cycle_work& w) const {
    return cycle_ns + allocated_byte_ns * w.allocated_bytes + read_byte_ns * w.read_bytes +
           unit_ns * w.units + bucket_ns * w.buckets + visit(w.pages) * w.visits;
  }
};

constexpr double garbage_bytes = 4e6;
constexpr std::size_t word_count = 250'000;

// The heaps without a map and the four cells of a storage.
struct calibration {
  cycle_times empty, garbage, array;
  cell sparse, overflow, small, large;

  void add(const calibration& other) {
    empty.add(other.empty), garbage.add(other.garbage), array.add(other.array);
    for (cell calibration::*c : {&calibration::sparse, &calibration::overflow, &calibration::small, &calibration::large})
      (this->*c).times.add((other.*c).times);
  }
  void move_through(numbers_file& file) {
    for (cycle_times* t : {&empty, &garbage, &array}) t->move_through(file);
  }
  bool enough() const {
    return empty.enough() && garbage.enough() && array.enough() && sparse.times.enough() && overflow.times.enough() &&
           small.times.enough() && large.times.enough();
  }
};

// `searched`: all of an array is, not the live slots alone.
template <class Heap, bool Searched>
[[gnu::noinline]] void calibrate_without_map(calibration& out) {
  Heap heap;
  const auto collect = [&heap] { heap.collect(); };
  for (int i = 0; i < 10; ++i) {
    for (double made = 0; made < garbage_bytes; made += Heap::object_bytes) static_cast<void>(heap.object());
    out.garbage.measure(collect);
    out.empty.measure(collect);
  }
  [[maybe_unused]] const auto kept = [&heap] {
    if constexpr (Searched) {
      return heap.words_of_table(word_count);
    } else {
      return heap.null_pointers(word_count);
    }
  }();
  for (int i = 0; i < 10; ++i) out.array.measure(collect);
  asm volatile("" : : "r"(&kept) : "memory");
}

template <class Heap, class Map, class TombstoneMap, bool Searched>
calibration calibrate() {
  calibration out;
  in_child(out, calibrate_without_map<Heap, Searched>);
  out.sparse = run<Heap, Map, false>("null pointers, sparse", 50'000, workload::replace, 2, 4);
  out.overflow = run<Heap, TombstoneMap, false>("null pointers, overflow", 50'000, workload::churn, 2, 1);
  out.small = run<Heap, Map, false>("small", 10'000, workload::replace, 2);
  out.large = run<Heap, Map, false>("large", 65'000, workload::replace, 2);
  return out;
}

constants solve(const calibration& c, const char* storage) {
  constants k;
  k.cycle_ns = c.empty.ns();
  k.allocated_byte_ns = std::max(0.0, (c.garbage.ns() - c.empty.ns()) / garbage_bytes);
  k.read_byte_ns = std::max(0.0, (c.array.ns() - c.empty.ns()) / (word_count * sizeof(void*)));
  const auto beyond = [&k](const cell& x) {
    return std::max(0.0, x.times.ns() - k.predict(x.work));
  };  // what is not explained yet
  k.unit_ns = beyond(c.sparse) / c.sparse.work.units;
  k.bucket_ns = beyond(c.overflow) / c.overflow.work.buckets;
  const double small = beyond(c.small) / c.small.work.visits, large = beyond(c.large) / c.large.work.visits;
  k.small_pages = c.small.work.pages;
  k.visit_ns = small;
  k.visit_ns_per_doubling = (large - small) / std::log2(c.large.work.pages / k.small_pages);
  std::printf("%s: a cycle %.1f us, a byte allocated %.3f ns, a byte read %.3f ns, a unit %.2f ns, a bucket %.1f ns, "
              "a visit %.1f ns at %.0f pages and %.2f ns more for each doubling\n",
              storage, k.cycle_ns / 1e3, k.allocated_byte_ns, k.read_byte_ns, k.unit_ns, k.bucket_ns, k.visit_ns,
              k.small_pages, k.visit_ns_per_doubling);
  return k;
}

// ---- the matrix

// The seed of hashing is fixed, so counts are.
template <class... Options>
using on = map<u64, u64*, hashing::wyhash, Options...>;

template <class Heap, class Storage>
class matrix {
 public:
  // One round of what has not been measured often enough.
  void round() {
    if (!least_.enough() || first_) {
      calibration now = calibrate<Heap, on<Storage>, on<Storage, deletion::tombstone>, Storage::visibility == visibility::scanned>();
      first_ ? void(least_ = std::move(now)) : least_.add(now);
    }
    at_ = 0;
    for (const auto& [n, ratio] : {std::pair<std::size_t, double>{17'000, 2.8}, {37'000, 1.9}, {62'000, 1.5}}) {
      cell_of<on<Storage>>("bucket_chain, immediate", n, workload::replace, ratio);
      cell_of<on<Storage>>("bucket_chain, immediate", n, workload::bursts, ratio);
      cell_of<on<Storage, layout::open_groups<>>>("open_groups, immediate", n, workload::churn, ratio);
      cell_of<on<Storage, layout::open_groups<>>>("open_groups, immediate", n, workload::mixed, ratio);
      cell_of<on<Storage, deletion::tombstone>>("bucket_chain, tombstone", n, workload::mixed, ratio);
      cell_of<on<Storage, deletion::dirty>>("bucket_chain, dirty", n, workload::mixed, ratio);
      cell_of<on<Storage, split>>("split chain, immediate", n, workload::churn, ratio);
    }
    cell_of<on<Storage, layout::nodes>, true>("nodes, immediate", 25'000, workload::bursts, 2.0);
    first_ = false;
  }
  bool enough() const {
    return !first_ && least_.enough() &&
           std::all_of(cells_.begin(), cells_.end(), [](const cell& c) { return c.times.enough(); });
  }
  void predict_into(std::vector<cell>& all) {
    if (cells_.empty()) return;
    const constants k = solve(least_, Storage::name.data());
    for (cell& c : cells_) {
      c.predicted_cycle_ns = k.predict(c.work);
      all.push_back(c);
    }
  }

 private:
  using split = layout::bucket_chain<bucket_options{.arrange = arrangement::split}>;

  template <class Map, bool Nodes = false>
  void cell_of(const char* composition, std::size_t n, workload w, double ratio) {
    const std::size_t i = at_++;
    if (!first_ && cells_[i].times.enough()) return;
    cell now = run<Heap, Map, Nodes>(std::string(Storage::name) + ", " + composition, n, w, ratio);
    if (first_) {
      cells_.push_back(std::move(now));
    } else {
      cells_[i].times.add(now.times);
      cells_[i].longest_ns = std::max(cells_[i].longest_ns, now.longest_ns);
    }
  }

  bool first_ = true;
  std::size_t at_ = 0;
  calibration least_;
  std::vector<cell> cells_;
};

void write_json(const std::vector<cell>& cells, double middle, double worst) {
  std::FILE* const f = asked.json == "-" ? stdout : std::fopen(asked.json.c_str(), "w");
  if (f == nullptr) return;
  std::fprintf(f, "{\"seed\": %llu, \"middle_error\": %.4f, \"worst_error\": %.4f, \"cells\": [",
               static_cast<unsigned long long>(asked.seed), middle, worst);
  const char* separator = "\n";
  for (const cell& c : cells) {
    std::fprintf(
        f,
        "%s  {\"collector\": \"%s\", \"cell\": \"%s\", \"entries\": %zu, \"heap_ratio\": %.2f, "
        "\"operations\": "
        "%.0f, \"cycles\": %.0f, \"allocated_bytes_per_op\": %.2f, \"read_bytes_per_entry\": %.2f, "
        "\"buckets_per_entry\": %.4f, \"visits_per_entry\": %.3f, \"pages\": %.0f, "
        "\"kept_by_dead_slots\": %.4f, \"kept_by_chance\": %.4f, \"quiet_cycles\": %zu, \"live_bytes\": %.0f, \"heap_bytes\": %.0f, "
        "\"longest_cycle_ns\": %.0f, \"mutator_ns_per_op\": %.2f, \"collector_ns_per_op\": %.3f, "
        "\"predicted_ns_per_op\": %.3f}",
        separator, c.collector, c.what.c_str(), c.entries, c.heap_ratio,
        c.operations, c.cycles,
        c.allocated_bytes_per_op, c.work.read_bytes / static_cast<double>(c.entries),
        c.work.buckets / static_cast<double>(c.entries), c.work.visits / static_cast<double>(c.entries), c.work.pages,
        c.kept_by_dead_slots, c.kept_by_chance, c.times.quiet_ns.size(), c.live_bytes, c.heap_bytes,
        c.longest_ns, c.mutator_ns_per_op, c.measured(), c.predicted());
    separator = ",\n";
  }
  std::fprintf(f, "\n]}\n");
  if (f != stdout) std::fclose(f);
}

bool number(const char* text, u64& out) {
  return std::from_chars(text, text + std::strlen(text), out).ec == std::errc{} && out > 0;
}

bool read_arguments(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--gctrace") {
      asked.gctrace = true;
      continue;
    }
    if (++i == argc) return false;
    u64 n = 0;
    if (word == "--collector") {
      const std::string_view list = argv[i];
      asked.boehm = list.find("boehm") != list.npos;
      asked.precise = list.find("precise") != list.npos;
      if (!asked.boehm && !asked.precise) return false;
    } else if (word == "--json") {
      asked.json = argv[i];
    } else if (word == "--seed" && number(argv[i], n)) {
      asked.seed = n;
    } else if (word == "--repeat" && number(argv[i], n)) {
      asked.repeat = static_cast<unsigned>(n);
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (!read_arguments(argc, argv)) {
    std::fputs("usage: tophash_gc_pressure [--collector boehm,precise] [--gctrace] [--json FILE] [--seed N] "
               "[--repeat N]\n",
               stderr);
    return 64;
  }
  std::vector<cell> cells;
  // Searching by itself and by the mark procedure are two ways to read: each has its constants.
  matrix<on_boehm, gc::boehm_scanned> scanned;
  matrix<on_boehm, gc::boehm_map_aware> aware;
  matrix<on_precise, gc::precise> precise;
  for (unsigned r = 0; r < asked.repeat; ++r) {
    if (asked.boehm && !scanned.enough()) scanned.round();
    if (asked.boehm && !aware.enough()) aware.round();
    if (asked.precise && !precise.enough()) precise.round();
  }
  scanned.predict_into(cells), aware.predict_into(cells), precise.predict_into(cells);
  std::printf("%-48s %7s %4s %6s %8s %7s %7s %6s %6s %6s %5s %9s %9s %7s\n", "cell", "entries", "h", "alloc", "read",
              "buckets", "visits", "pages", "dead", "chance", "quiet", "measured", "predicted", "error");
  std::vector<double> errors;
  double worst = 0;
  for (const cell& c : cells) {
    const auto n = static_cast<double>(c.entries);
    std::printf("%-48s %7zu %4.1f %6.1f %8.1f %7.3f %7.2f %6.0f %5.1f%% %5.1f%% %5zu %9.2f %9.2f %+6.1f%%\n",
                c.what.c_str(), c.entries, c.heap_ratio, c.allocated_bytes_per_op, c.work.read_bytes / n,
                c.work.buckets / n, c.work.visits / n, c.work.pages, 100 * c.kept_by_dead_slots,
                100 * c.kept_by_chance, c.times.quiet_ns.size(), c.measured(), c.predicted(), 100 * c.error());
    errors.push_back(std::abs(c.error()));
    worst = std::max(worst, errors.back());
  }
  const double middle = median(errors);
  std::printf("%zu cells that calibrated nothing: error %.1f %% in the middle, %.1f %% at worst\n",
              cells.size(), 100 * middle, 100 * worst);
  if (!asked.json.empty()) write_json(cells, middle, worst);
  return middle <= 0.10 && worst <= 0.25 ? 0 : 1;
}
