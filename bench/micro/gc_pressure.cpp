// SPDX-License-Identifier: Apache-2.0
// GC pressure, predicted and measured. For maps on two collectors the cost of collecting is predicted, in CPU
// nanoseconds an operation, from counts alone, and measured beside it; the program fails where they part.
//
//   a cycle costs
//     where libgc searches words    c_cycle + c_block * H + c_word * W + c_guess * G + c_visit * V
//     where it knows maps           c_cycle + c_block * H + c_word * W + shape + c_visit * V
//     on precise_heap               c_cycle + c_alloc * A + c_read * S + shape + c_visit * V
//     shape                         c_unit * U + c_dirty * D + c_bucket * B
//   A  bytes allocated since the last one: they are swept
//   B  overflow buckets: several lines each, at a place that nothing before it told
//   D  buckets or groups of maps with dirty deletion: their tags are read for two masks, and both decide
//   G  branches on what slots hold that are guessed wrong (pressure/cycle_counts.hpp): where a bucket's
//      entries end differs from bucket to bucket, and each surprise costs as much as reading several words
//   H  blocks of 4 KiB with small objects, dead or alive: each has marks to clear and is swept or queued
//   S  bytes that the marker reads in maps
//   U  buckets or groups, where the marker knows them: each costs, however few of its slots are live
//   V  objects and nodes, found at no place that was told before
//   W  words that are tested for being an address, where it does not know them
//   cycles an operation = bytes allocated in one / ((h - 1) * live bytes), h being the heap ratio
//
// c_cycle, c_alloc, c_block, c_word and c_read come from heaps without a map: empty, with garbage, with an
// array of nulls. The others come from four cells of each storage. All other cells test them: storage x
// layout x deletion x workload, with sizes and heap ratios that the seed draws. A collection is due when
// (h - 1) * live bytes have been allocated; the collectors' own triggers are off.
//
// A cell's cycles differ (overflow buckets gather, dirty slots are swept, a table grows) and are the same
// again in every round, since the seed decides all but the time. So each has its own counts and its own least
// time over the rounds, of the times that nothing disturbed (pressure/quiet.hpp); a cell's cost is the mean
// over them. One least time for all of them set the cheapest cycle against the counts of the last.
//   tophash_gc_pressure [--collector boehm,precise] [--cells N] [--gctrace] [--json FILE] [--seed N]
//                       [--repeat N] [--seconds N]
// --cells: of each storage, the first N of the matrix: a part decides nothing, so exit 0. --repeat and
// --seconds: rounds, and seconds, after which nothing is measured again; a cell with enough quiet cycles
// never is.
// Exit 0: the middle error is at most 10 % and the largest at most 25 %; 1: they are not; 64: usage.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <gc.h>

#include <tophash/framework/layout/open_groups.hpp>
#include <tophash/gc/boehm.hpp>
#include <tophash/gc/boehm_collector.hpp>
#include <tophash/gc/boehm_map_aware.hpp>
#include <tophash/gc/precise_heap.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/deletion/tombstone.hpp>
#include <tophash/policies/hashing/wyhash.hpp>

#include "pressure/boehm_walk.hpp"
#include "pressure/cycle_counts.hpp"
#include "pressure/quiet.hpp"

namespace {

using namespace tophash;
using namespace pressure;
using u64 = std::uint64_t;

struct settings {
  bool boehm = true, precise = true, gctrace = false;
  std::string json;
  u64 seed = 1;
  std::size_t cells = static_cast<std::size_t>(-1);
  unsigned repeat = 12;  // rounds at most
  u64 seconds = 3600;
};
settings asked;

bool out_of_time() {
  static const std::time_t began = std::time(nullptr);
  return static_cast<u64>(std::time(nullptr) - began) >= asked.seconds;
}

double median(std::vector<double> of) {
  std::sort(of.begin(), of.end());
  return of.empty() ? 0 : of[of.size() / 2];
}

// ---- what is measured

// The same work, timed again and again.
struct series {
  static constexpr std::size_t enough_quiet = 6;
  std::vector<double> quiet_ns;
  double any_ns = never_ns;  // the least, disturbed or not

  void add(const timing& t) {
    if (t.quiet) quiet_ns.push_back(t.ns);
    any_ns = std::min(any_ns, t.ns);
  }
  void add(const series& other) {
    quiet_ns.insert(quiet_ns.end(), other.quiet_ns.begin(), other.quiet_ns.end());
    any_ns = std::min(any_ns, other.any_ns);
  }
  bool enough() const { return quiet_ns.size() >= enough_quiet; }
  double ns() const {
    return quiet_ns.empty() ? any_ns : *std::min_element(quiet_ns.begin(), quiet_ns.end());
  }
  // The least of every second measurement: what ns() would have been had half as many been taken.
  double ns_of_half(std::size_t which) const {
    double least = never_ns;
    for (std::size_t i = which; i < quiet_ns.size(); i += 2) least = std::min(least, quiet_ns[i]);
    return least == never_ns ? ns() : least;
  }
  template <class File>
  void move_through(File& file) {
    file.numbers(quiet_ns), file.number(any_ns);
  }
};

struct cycle {
  cycle_counts work;
  series times;
  template <class File>
  void move_through(File& file) {
    work.move_through(file), times.move_through(file);
  }
};

struct cell {
  static constexpr std::size_t cycles = 6;
  const char* collector = "";
  std::string what;
  std::size_t entries = 0;
  double heap_ratio = 2;
  double operations = 0;
  double live_bytes = 0, allocated_bytes_per_op = 0, heap_bytes = 0, longest_ns = 0, mutator_ns_per_op = 0;
  // Objects that the last cycle kept although no entry in use leads to them, by what leads there: slots of
  // erased entries, or else words that only look like pointers.
  double kept_by_dead_slots = 0, kept_by_chance = 0;
  std::vector<cycle> each;
  double predicted_cycle_ns = 0;

  void add(const cell& other) {
    for (std::size_t i = 0; i < each.size(); ++i) each[i].times.add(other.each[i].times);
    longest_ns = std::max(longest_ns, other.longest_ns);
  }
  bool enough() const {
    return std::all_of(each.begin(), each.end(), [](const cycle& c) { return c.times.enough(); });
  }
  template <class Of>
  double mean(const Of& of) const {
    double sum = 0;
    for (const cycle& c : each) sum += of(c);
    return sum / static_cast<double>(each.size());
  }
  double mean(double cycle_counts::*count) const {
    return mean([count](const cycle& c) { return c.work.*count; });
  }
  double cycle_ns() const {
    return mean([](const cycle& c) { return c.times.ns(); });
  }
  std::size_t quiet_cycles() const {
    std::size_t fewest = each.empty() ? 0 : each[0].times.quiet_ns.size();
    for (const cycle& c : each) fewest = std::min(fewest, c.times.quiet_ns.size());
    return fewest;
  }
  // By how much two halves of the measurements differ: the noise that no formula can be better than.
  double noise() const {
    const double one = mean([](const cycle& c) { return c.times.ns_of_half(0); });
    const double other = mean([](const cycle& c) { return c.times.ns_of_half(1); });
    return std::abs(one / other - 1);
  }
  // By how much the median of undisturbed measurements is above the least.
  double spread() const {
    return mean([](const cycle& c) {
             return c.times.quiet_ns.empty() ? 1 : median(c.times.quiet_ns) / c.times.ns();
           }) -
           1;
  }

  double cycles_per_op() const { return static_cast<double>(cycles) / operations; }
  double predicted_cycles_per_op() const { return allocated_bytes_per_op / ((heap_ratio - 1) * live_bytes); }
  double measured() const { return cycle_ns() * cycles_per_op(); }
  double predicted() const { return predicted_cycle_ns * predicted_cycles_per_op(); }
  double error() const { return predicted() / measured() - 1; }

  // All that is measured; the rest is known to both sides.
  void move_through(numbers_file& file) {
    for (double* x : {&operations, &live_bytes, &allocated_bytes_per_op, &heap_bytes, &longest_ns,
                      &mutator_ns_per_op, &kept_by_dead_slots, &kept_by_chance})
      file.number(*x);
    file.all(each);
  }
};

// ---- the two collectors, alike

template <class Map>
constexpr bool of_nodes = std::is_same_v<typename Map::spec_type::layout, layout::nodes>;

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
  // Before a collection: what it will find to sweep.
  double blocks() { return boehm_walk::blocks(); }
  // Of the last collection, before the next allocation.
  template <class Map>
  cycle_counts work(const Map&, double blocks_before) {
    return boehm_walk::counts(blocks_before);
  }
  // Blocks of maps not counted.
  template <class Map>
  double objects(const Map& m, double nodes) {
    return std::max(0.0,
                    boehm_walk::counts(0).visits - static_cast<double>(m.stats().overflow_in_use) - nodes);
  }
  void* null_pointers(std::size_t count) { return GC_malloc(count * sizeof(void*)); }
  template <class Map>
  Map map_with() {
    return Map{};
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
  double blocks() { return 0; }
  template <class Map>
  cycle_counts work(const Map& m, double) {
    const gc::mark_counts& c = heap_.last_marking();
    cycle_counts out;
    out.read_bytes = static_cast<double>(c.array_bytes);
    out.units = static_cast<double>(c.array_units);
    out.buckets = static_cast<double>(m.stats().overflow_in_use);
    out.visits = static_cast<double>(c.objects);
    // Nodes are no objects of this heap, and the links between them are not in its count of bytes.
    if constexpr (of_nodes<Map>) out.read_bytes += static_cast<double>(m.size() * sizeof(void*));
    if constexpr (std::is_same_v<typename Map::spec_type::deletion, deletion::dirty>)
      out.dirty_units = out.units;
    out.pages = static_cast<double>(c.spans);
    return out;
  }
  template <class Map>
  double objects(const Map&, double) {
    return static_cast<double>(heap_.last_marking().objects);
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

void print_cycle(const cell& c, double ns, double before, double after, double since) {
  std::printf("gc %s %zu: %.3f ms cpu, %.2f->%.2f MB, %.2f MB allocated since, %s n=%zu h=%.1f\n",
              c.collector, c.each.size(), ns / 1e6, before / 1e6, after / 1e6, since / 1e6, c.what.c_str(),
              c.entries, c.heap_ratio);
}

// A copy of a map has no erased entries: what only those led to goes with the original.
template <class Heap, class Map>
void note_retention(cell& c, Heap& heap, Map& m, double nodes) {
  const auto needed = static_cast<double>(m.size());
  heap.collect();
  const double all = heap.objects(m, nodes);
  m = Map(m);
  heap.collect();
  const double without = heap.objects(m, nodes);
  c.kept_by_dead_slots = std::max(0.0, all - without) / needed;
  c.kept_by_chance = std::max(0.0, without - needed) / needed;
}

// Operations of a workload on n entries: keys are numbered, the oldest are erased.
class keys {
 public:
  keys(workload w, std::size_t n, u64 seed)
      : workload_(w), entries_(n), burst_(std::max<std::size_t>(n / 20, 1)), random_(seed) {}

  template <class Map, class Value>
  void fill(Map& m, const Value& value) {
    for (; newest_ < entries_; ++newest_) m.try_emplace(key_of(newest_), value());
  }
  template <class Map, class Value>
  void operate(Map& m, const Value& value) {
    const bool erases = workload_ == workload::churn || (workload_ == workload::mixed && below(2) == 0);
    if (workload_ == workload::bursts) {
      for (; gone_ < burst_; ++gone_) m.erase(key_of(oldest_++));
      m.try_emplace(key_of(newest_++), value());
      if (newest_ - oldest_ == entries_) gone_ = 0;
    } else if (erases) {
      m.erase(key_of(oldest_++));
      m.try_emplace(key_of(newest_++), value());
    } else {
      u64* const fresh = value();
      m.insert_or_assign(key_of(oldest_ + below(newest_ - oldest_)), fresh);
    }
  }

 private:
  u64 below(u64 bound) {
    random_ = random_ * 6364136223846793005u + 1442695040888963407u;
    return (random_ >> 33) % bound;
  }
  workload workload_;
  std::size_t entries_, burst_, gone_ = 0;  // erased in this burst
  u64 random_, oldest_ = 0, newest_ = 0;
};

// How a cell is run. `nulls`: values are null, in a table with room for so many times n; for calibration.
// `counts`: the first time, what each cycle did is counted too.
struct way {
  workload operations = workload::replace;
  std::size_t nulls = 0;
  bool counts = true;
};

// In a frame of its own: Boehm's collector searches the stack.
template <class Heap, class Map>
[[gnu::noinline]] void run_here(cell& c, const way& how) {
  const std::size_t n = c.entries;
  Heap heap;
  Map m = heap.template map_with<Map>();
  keys operations(how.operations, n, asked.seed);
  const auto value = [&] { return how.nulls != 0 ? nullptr : heap.object(); };
  if (how.nulls > 1) m.reserve(how.nulls * n);
  operations.fill(m, value);
  heap.collect();
  constexpr double node_bytes = 24;
  const double nodes = of_nodes<Map> ? static_cast<double>(n) : 0;
  c.live_bytes = static_cast<double>(m.memory_report().total_bytes()) +
                 (how.nulls != 0 ? 0 : static_cast<double>(n) * Heap::object_bytes);
  const double budget = std::max((c.heap_ratio - 1) * c.live_bytes, 65536.0);
  const double bytes =
      Heap::object_bytes + (of_nodes<Map> && how.operations != workload::replace ? node_bytes + 8 : 0);
  double since = 0, mutator_ns = 0;
  u64 began = thread_cpu_ns();
  while (c.each.size() < cell::cycles) {
    operations.operate(m, value);
    if (how.nulls != 0) static_cast<void>(heap.object());
    since += bytes;
    ++c.operations;
    if (since < budget) continue;
    mutator_ns += static_cast<double>(thread_cpu_ns() - began);
    const double before = heap.heap_bytes(), blocks = heap.blocks();
    cycle now;
    const timing took = timed([&heap] { heap.collect(); });
    now.times.add(took);
    if (how.counts) now.work = heap.work(m, blocks);
    now.work.allocated_bytes = since;
    c.longest_ns = std::max(c.longest_ns, took.ns);
    c.each.push_back(now);
    if (asked.gctrace) print_cycle(c, took.ns, before, heap.heap_bytes(), since);
    since = 0;
    began = thread_cpu_ns();
  }
  c.mutator_ns_per_op = mutator_ns / c.operations;
  c.allocated_bytes_per_op = bytes;
  if (how.nulls == 0 && how.counts) note_retention(c, heap, m, nodes);
  c.heap_bytes = heap.heap_bytes();
}

// A cell that is measured again until that was often enough.
class measured_cell {
 public:
  template <class Heap, class Map>
  void measure(std::string what, std::size_t n, double ratio, way how) {
    if (!first_ && (so_far_.enough() || out_of_time())) return;
    cell now;
    now.collector = Heap::name, now.what = std::move(what) + ", " + name_of(how.operations);
    now.entries = n, now.heap_ratio = ratio;
    how.counts = first_;
    in_child(now, [&how](cell& out) { run_here<Heap, Map>(out, how); });
    first_ ? void(so_far_ = std::move(now)) : so_far_.add(now);
    first_ = false;
  }
  bool enough() const { return !first_ && so_far_.enough(); }
  const cell& get() const { return so_far_; }
  // The mean of its cycles, for constants.
  cycle_counts counts() const {
    cycle_counts out;
    const auto share = 1 / static_cast<double>(so_far_.each.size());
    for (const cycle& c : so_far_.each) {
      cycle_counts work = c.work;
      std::array<double*, cycle_counts::fields> sums{};
      std::size_t i = 0;
      out.each([&](double& x) { sums[i++] = &x; });
      i = 0;
      work.each([&](double& x) { *sums[i++] += x * share; });
    }
    return out;
  }

 private:
  bool first_ = true;
  cell so_far_;
};

// ---- constants

struct constants {
  double cycle_ns = 0, allocated_byte_ns = 0, block_ns = 0, word_ns = 0, guess_ns = 0, read_byte_ns = 0;
  double unit_ns = 0, dirty_unit_ns = 0, bucket_ns = 0, visit_ns = 0;

  double predict(const cycle_counts& w) const {
    return cycle_ns + allocated_byte_ns * w.allocated_bytes + block_ns * w.blocks + word_ns * w.words +
           guess_ns * w.guesses + read_byte_ns * w.read_bytes + unit_ns * w.units +
           dirty_unit_ns * w.dirty_units + bucket_ns * w.buckets + visit_ns * w.visits;
  }
};

constexpr double garbage_bytes = 4e6;
constexpr std::size_t word_count = 250'000;

struct heaps_without_map {
  series empty, garbage, nulls;
  double blocks = 0;  // of the garbage

  void add(const heaps_without_map& other) {
    empty.add(other.empty), garbage.add(other.garbage), nulls.add(other.nulls);
  }
  bool enough() const { return empty.enough() && garbage.enough() && nulls.enough(); }
  void move_through(numbers_file& file) {
    for (series* t : {&empty, &garbage, &nulls}) t->move_through(file);
    file.number(blocks);
  }
};

template <class Heap>
[[gnu::noinline]] void calibrate_without_map(heaps_without_map& out) {
  Heap heap;
  constexpr int times = 10;
  const auto collect = [&heap] { heap.collect(); };
  for (int i = 0; i < times; ++i) {
    for (double made = 0; made < garbage_bytes; made += Heap::object_bytes) static_cast<void>(heap.object());
    const double before = heap.blocks();
    out.garbage.add(timed(collect));
    out.blocks = before - heap.blocks();
    out.empty.add(timed(collect));
  }
  {
    const auto kept = heap.null_pointers(word_count);
    for (int i = 0; i < times; ++i) out.nulls.add(timed(collect));
    asm volatile("" : : "r"(&kept) : "memory");
  }
}

// ---- the matrix

// The seed of hashing is fixed, so counts are.
template <class... Options>
using on = map<u64, u64*, hashing::wyhash, Options...>;

// Heaps that hold no map say what a cycle costs of itself, and what a block, a byte or a word does; the
// constants that only maps have are fitted to four cells.
template <class Heap, class Storage>
class calibration {
 public:
  void round() {
    if (rounds_ == 0 || (!heaps_enough() && !out_of_time())) {
      heaps_without_map now;
      in_child(now, calibrate_without_map<Heap>);
      if (rounds_ == 0) heaps_.blocks = now.blocks;
      heaps_.add(now);
      ++rounds_;
    }
    using plain = on<Storage>;
    using tombstone = on<Storage, deletion::tombstone>;
    cells_[0].template measure<Heap, plain>("large", 42'000, 2, {workload::replace});
    cells_[1].template measure<Heap, tombstone>("null pointers, overflow", 25'000, 2, {workload::churn, 1});
    if constexpr (by_words) {
      cells_[2].template measure<Heap, plain>("small", 8'000, 2, {workload::bursts});
      cells_[3].template measure<Heap, on<Storage, layout::open_groups<>>>("open_groups", 20'000, 2,
                                                                           {workload::churn});
    } else {
      cells_[2].template measure<Heap, plain>("null pointers, sparse", 25'000, 2, {workload::replace, 4});
      cells_[3].template measure<Heap, on<Storage, deletion::dirty>>("null pointers, dirty", 25'000, 2,
                                                                     {workload::mixed, 1});
    }
  }
  bool enough() const {
    return heaps_enough() &&
           std::all_of(cells_.begin(), cells_.end(), [](const measured_cell& c) { return c.enough(); });
  }
  constants solve() const {
    constants k;
    k.cycle_ns = heaps_.empty.ns();
    const auto beyond = [&k](const series& heap) { return std::max(0.0, heap.ns() - k.cycle_ns); };
    if constexpr (std::is_same_v<Heap, on_boehm>) {
      k.block_ns = beyond(heaps_.garbage) / heaps_.blocks;
      k.word_ns = beyond(heaps_.nulls) / word_count;
    } else {
      k.allocated_byte_ns = beyond(heaps_.garbage) / garbage_bytes;
      k.read_byte_ns = beyond(heaps_.nulls) / (word_count * sizeof(void*));
    }
    if constexpr (by_words) {
      fit(k, {{&constants::guess_ns, &cycle_counts::guesses}, {&constants::visit_ns, &cycle_counts::visits}});
    } else {
      fit(k, {{&constants::unit_ns, &cycle_counts::units},
              {&constants::dirty_unit_ns, &cycle_counts::dirty_units},
              {&constants::bucket_ns, &cycle_counts::buckets},
              {&constants::visit_ns, &cycle_counts::visits}});
    }
    return k;
  }
  template <class Each>
  void each(const Each& each_cell) const {
    for (const measured_cell& c : cells_) each_cell(c.get());
  }

 private:
  static constexpr bool by_words = Storage::visibility == visibility::scanned;
  struct unknown {
    double constants::*constant;
    double cycle_counts::*count;
  };

  // Least squares of relative errors. A constant that came out below zero is none: it goes, and the others
  // again.
  void fit(constants& k, std::vector<unknown> of) const {
    while (!of.empty()) {
      const std::vector<double> found = solved(normal_equations(k, of));
      const auto worst = std::min_element(found.begin(), found.end());
      if (*worst >= 0) {
        for (std::size_t i = 0; i < of.size(); ++i) k.*of[i].constant = found[i];
        return;
      }
      of.erase(of.begin() + (worst - found.begin()));
    }
  }
  std::vector<std::vector<double>> normal_equations(const constants& k,
                                                    const std::vector<unknown>& of) const {
    const std::size_t n = of.size();
    std::vector<std::vector<double>> rows(n, std::vector<double>(n + 1));
    for (const measured_cell& c : cells_) {
      const cycle_counts work = c.counts();
      const double ns = c.get().cycle_ns(), rest = ns - k.predict(work);
      for (std::size_t i = 0; i < n; ++i) {
        const double share = work.*of[i].count / (ns * ns);
        for (std::size_t j = 0; j < n; ++j) rows[i][j] += share * work.*of[j].count;
        rows[i][n] += share * rest;
      }
    }
    return rows;
  }
  // By elimination.
  static std::vector<double> solved(std::vector<std::vector<double>> rows) {
    const std::size_t n = rows.size();
    for (std::size_t i = 0; i < n; ++i) {
      std::size_t pivot = i;
      for (std::size_t r = i; r < n; ++r) {
        if (std::abs(rows[r][i]) > std::abs(rows[pivot][i])) pivot = r;
      }
      std::swap(rows[i], rows[pivot]);
      if (rows[i][i] == 0) rows[i][i] = 1;  // nothing counted: the constant is 0
      for (std::size_t r = 0; r < n; ++r) {
        const double factor = r == i ? 0 : rows[r][i] / rows[i][i];
        for (std::size_t j = i; j <= n; ++j) rows[r][j] -= factor * rows[i][j];
      }
    }
    std::vector<double> out;
    for (std::size_t i = 0; i < n; ++i) out.push_back(rows[i][n] / rows[i][i]);
    return out;
  }

  // Times of one process were taken within a second: all of them may be as much too long.
  bool heaps_enough() const { return rounds_ >= series::enough_quiet && heaps_.enough(); }

  std::size_t rounds_ = 0;
  heaps_without_map heaps_;
  std::array<measured_cell, 4> cells_;
};

void print(const constants& k, std::string_view storage) {
  std::printf("%.*s: a cycle %.1f us", static_cast<int>(storage.size()), storage.data(), k.cycle_ns / 1e3);
  const auto also = [](const char* what, double ns) {
    if (ns > 0) std::printf(", %s %.3g ns", what, ns);
  };
  also("a byte allocated", k.allocated_byte_ns), also("a block", k.block_ns), also("a word", k.word_ns);
  also("a wrong guess", k.guess_ns), also("a byte read", k.read_byte_ns), also("a unit", k.unit_ns);
  also("one with dirty deletion", k.dirty_unit_ns), also("an overflow bucket", k.bucket_ns);
  also("a visit", k.visit_ns);
  std::printf("\n");
}

// Sizes and heap ratios from the seed.
class drawn {
 public:
  drawn(u64 seed, u64 matrix) : state_(seed * 0x9e3779b97f4a7c15u + matrix) {}
  // Past these the table and what it leads to leave the caches (see docs/collectors.md).
  std::size_t entries() { return static_cast<std::size_t>(4000 * std::pow(11.0, fraction())); }
  double ratio() { return 1.4 + 1.6 * fraction(); }

 private:
  double fraction() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<double>(state_ >> 33) / static_cast<double>(u64{1} << 31);
  }
  u64 state_;
};

template <class Heap, class Storage>
class matrix {
 public:
  explicit matrix(u64 number) : number_(number) {}

  // One round of what has not been measured often enough.
  void round() {
    calibration_.round();
    at_ = 0;
    drawn sizes(asked.seed, number_);
    for (int i = 0; i < 2; ++i) {
      cell_of<on<Storage>>("bucket_chain", sizes, workload::replace);
      cell_of<on<Storage>>("bucket_chain", sizes, workload::bursts);
      cell_of<on<Storage, layout::open_groups<>>>("open_groups", sizes, workload::churn);
      cell_of<on<Storage, layout::open_groups<>>>("open_groups", sizes, workload::mixed);
      cell_of<on<Storage, layout::open_groups<>, deletion::tombstone>>("open_groups, tombstone", sizes,
                                                                       workload::mixed);
      cell_of<on<Storage, deletion::tombstone>>("bucket_chain, tombstone", sizes, workload::mixed);
      cell_of<on<Storage, deletion::dirty>>("bucket_chain, dirty", sizes, workload::mixed);
      cell_of<on<Storage, split>>("split chain", sizes, workload::churn);
      cell_of<on<Storage, of_four>>("buckets of 4", sizes, workload::bursts);
      cell_of<on<Storage, layout::nodes>>("nodes", sizes, workload::bursts);
    }
  }
  bool enough() const {
    return !cells_.empty() && calibration_.enough() &&
           std::all_of(cells_.begin(), cells_.end(), [](const measured_cell& c) { return c.enough(); });
  }
  void predict_into(std::vector<cell>& all) {
    if (cells_.empty()) return;
    const constants k = calibration_.solve();
    print(k, Storage::name);
    const auto predict = [&k](cell c) {
      c.predicted_cycle_ns = c.mean([&k](const cycle& one) { return k.predict(one.work); });
      return c;
    };
    calibration_.each([&predict](const cell& c) {
      std::printf("  from %s: %zu entries, a cycle %.1f us, by the formula %.1f\n", c.what.c_str(), c.entries,
                  c.cycle_ns() / 1e3, predict(c).predicted_cycle_ns / 1e3);
    });
    for (const measured_cell& c : cells_) all.push_back(predict(c.get()));
  }

 private:
  using split = layout::bucket_chain<bucket_options{.arrange = arrangement::split}>;
  using of_four = layout::bucket_chain<bucket_options{.slots = 4}>;

  template <class Map>
  void cell_of(const char* composition, drawn& sizes, workload w) {
    const std::size_t i = at_++, n = sizes.entries();
    const double ratio = sizes.ratio();
    if (i >= asked.cells) return;
    if (i == cells_.size()) cells_.emplace_back();
    cells_[i].template measure<Heap, Map>(std::string(Storage::name) + ", " + composition, n, ratio, {w});
  }

  u64 number_;
  std::size_t at_ = 0;
  calibration<Heap, Storage> calibration_;
  std::vector<measured_cell> cells_;
};

struct errors_of {
  double middle = 0, worst = 0, noise = 0;
};
errors_of errors_in(const std::vector<cell>& cells) {
  std::vector<double> errors, noises;
  for (const cell& c : cells) errors.push_back(std::abs(c.error())), noises.push_back(c.noise());
  return {median(errors), errors.empty() ? 0 : *std::max_element(errors.begin(), errors.end()),
          median(noises)};
}

void write_cell(std::FILE* f, const cell& c) {
  const auto n = static_cast<double>(c.entries);
  const auto field = [f](const char* name, double value) { std::fprintf(f, ", \"%s\": %.4g", name, value); };
  std::fprintf(f, "{\"collector\": \"%s\", \"cell\": \"%s\", \"entries\": %zu", c.collector, c.what.c_str(),
               c.entries);
  std::fprintf(f, ", \"operations\": %.0f, \"cycles\": %zu", c.operations, c.each.size());
  field("heap_ratio", c.heap_ratio), field("allocated_bytes_per_op", c.allocated_bytes_per_op);
  field("read_bytes_per_entry", (c.mean(&cycle_counts::read_bytes) + 8 * c.mean(&cycle_counts::words)) / n);
  field("words_per_entry", c.mean(&cycle_counts::words) / n);
  field("guesses_per_entry", c.mean(&cycle_counts::guesses) / n);
  field("units_per_entry", c.mean(&cycle_counts::units) / n);
  field("buckets_per_entry", c.mean(&cycle_counts::buckets) / n);
  field("visits_per_entry", c.mean(&cycle_counts::visits) / n);
  field("blocks", c.mean(&cycle_counts::blocks)), field("pages", c.mean(&cycle_counts::pages));
  field("kept_by_dead_slots", c.kept_by_dead_slots), field("kept_by_chance", c.kept_by_chance);
  std::fprintf(f, ", \"quiet_cycles\": %zu", c.quiet_cycles());
  field("noise", c.noise()), field("spread", c.spread());
  std::fprintf(f, ", \"live_bytes\": %.0f, \"heap_bytes\": %.0f", c.live_bytes, c.heap_bytes);
  field("longest_cycle_ns", c.longest_ns), field("mutator_ns_per_op", c.mutator_ns_per_op);
  std::fprintf(f, ", \"collector_ns_per_op\": %.3f, \"predicted_ns_per_op\": %.3f, \"each_cycle\": [",
               c.measured(), c.predicted());
  const char* separator = "";
  for (cycle one : c.each) {
    std::fprintf(f, "%s[%.0f", separator, one.times.ns());
    one.work.each([f](double& x) { std::fprintf(f, ", %.0f", x); });
    std::fprintf(f, "]");
    separator = ", ";
  }
  std::fprintf(f, "]}");
}

// False: the file cannot be written.
bool write_json(const std::vector<cell>& cells, const errors_of& errors) {
  std::FILE* const f = asked.json == "-" ? stdout : std::fopen(asked.json.c_str(), "w");
  if (f == nullptr) return false;
  std::fprintf(
      f,
      "{\"seed\": %llu, \"middle_error\": %.4f, \"worst_error\": %.4f, \"middle_noise\": %.4f, \"cells\": [",
      static_cast<unsigned long long>(asked.seed), errors.middle, errors.worst, errors.noise);
  const char* separator = "\n  ";
  for (const cell& c : cells) {
    std::fputs(separator, f);
    write_cell(f, c);
    separator = ",\n  ";
  }
  std::fprintf(f, "\n]}\n");
  return f == stdout ? std::fflush(f) == 0 : std::fclose(f) == 0;
}

void print_cells(const std::vector<cell>& cells) {
  std::printf("%-48s %7s %4s %6s %8s %7s %7s %7s %6s %5s %5s %5s %6s %6s %9s %9s %7s\n", "cell", "entries",
              "h", "alloc", "words", "guesses", "buckets", "visits", "blocks", "dead", "chance", "quiet",
              "noise", "spread", "measured", "predicted", "error");
  for (const cell& c : cells) {
    const auto n = static_cast<double>(c.entries);
    const auto per_entry = [&c, n](double cycle_counts::*count) { return c.mean(count) / n; };
    std::printf("%-48s %7zu %4.1f %6.1f %8.2f %7.3f %7.3f %7.2f %6.0f %4.0f%% %5.1f%% %5zu %5.1f%% %5.1f%% "
                "%9.2f %9.2f "
                "%+6.1f%%\n",
                c.what.c_str(), c.entries, c.heap_ratio, c.allocated_bytes_per_op,
                per_entry(&cycle_counts::words) + per_entry(&cycle_counts::read_bytes) / sizeof(void*),
                per_entry(&cycle_counts::guesses), per_entry(&cycle_counts::buckets),
                per_entry(&cycle_counts::visits), c.mean(&cycle_counts::blocks), 100 * c.kept_by_dead_slots,
                100 * c.kept_by_chance, c.quiet_cycles(), 100 * c.noise(), 100 * c.spread(), c.measured(),
                c.predicted(), 100 * c.error());
  }
}

bool number(const char* text, u64& out) {
  const char* const end = text + std::strlen(text);
  const auto [stopped, error] = std::from_chars(text, end, out);
  return error == std::errc{} && stopped == end && out > 0;
}

constexpr const char* usage = "usage: tophash_gc_pressure [--collector boehm,precise] [--cells N] "
                              "[--gctrace] [--json FILE] [--seed N]\n"
                              "                           [--repeat N] [--seconds N]\n";

bool read_arguments(int argc, char** argv) {
  const auto refused = [](const char* word, const char* why) {
    std::fprintf(stderr, "gc_pressure: %s: %s\n", word, why);
    return false;
  };
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--gctrace") {
      asked.gctrace = true;
      continue;
    }
    if (i + 1 == argc) return refused(argv[i], "no such option, or its value is missing");
    const char* const value = argv[++i];
    u64 n = 0;
    if (word == "--collector") {
      const std::string_view list = value;
      asked.boehm = list == "boehm" || list == "boehm,precise" || list == "precise,boehm";
      asked.precise = list == "precise" || list == "boehm,precise" || list == "precise,boehm";
      if (!asked.boehm && !asked.precise)
        return refused(value, "no collector; boehm, precise or both with a comma");
    } else if (word == "--json") {
      asked.json = value;
    } else if (word == "--seed" || word == "--repeat" || word == "--seconds" || word == "--cells") {
      if (!number(value, n)) return refused(value, "a number above zero is wanted");
      if (word == "--seed") asked.seed = n;
      if (word == "--repeat") asked.repeat = static_cast<unsigned>(std::min<u64>(n, 1'000'000));
      if (word == "--seconds") asked.seconds = n;
      if (word == "--cells") asked.cells = static_cast<std::size_t>(n);
    } else {
      return refused(argv[i - 1], "no such option");
    }
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (!read_arguments(argc, argv)) {
    std::fputs(usage, stderr);
    return 64;
  }
  static_cast<void>(out_of_time());  // begins to count
  // Searching by itself and by the mark procedure are two ways to read: each has its constants.
  matrix<on_boehm, gc::boehm_scanned> scanned(1);
  matrix<on_boehm, gc::boehm_map_aware> aware(2);
  matrix<on_precise, gc::precise> precise(3);
  for (unsigned r = 0; r < asked.repeat && (r == 0 || !out_of_time()); ++r) {
    if (asked.boehm && !scanned.enough()) scanned.round();
    if (asked.boehm && !aware.enough()) aware.round();
    if (asked.precise && !precise.enough()) precise.round();
  }
  std::vector<cell> cells;
  scanned.predict_into(cells), aware.predict_into(cells), precise.predict_into(cells);
  print_cells(cells);
  const errors_of errors = errors_in(cells);
  std::printf(
      "%zu cells that calibrated nothing: error %.1f %% in the middle, %.1f %% at worst; two halves of the "
      "measurements differ by %.1f %% in the middle\n",
      cells.size(), 100 * errors.middle, 100 * errors.worst, 100 * errors.noise);
  if (!asked.json.empty() && !write_json(cells, errors)) {
    std::fprintf(stderr, "gc_pressure: cannot write %s\n", asked.json.c_str());
    return 1;
  }
  const bool part = asked.cells != static_cast<std::size_t>(-1);
  return part || (errors.middle <= 0.10 && errors.worst <= 0.25) ? 0 : 1;
}
