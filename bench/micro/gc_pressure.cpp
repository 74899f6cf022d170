// SPDX-License-Identifier: Apache-2.0
// GC pressure, predicted and measured. For maps on two collectors the cost of collecting is predicted, in CPU
// nanoseconds an operation, from counts alone, and measured beside it; the program fails where they part.
//
//   a cycle costs   c_cycle + c_alloc * A + c_read * S + c_unit * U + c_visit(F) * V
//     A  bytes allocated since the last one: they are swept       S  bytes that the marker reads in maps
//     U  buckets or groups it reads by their tags: each costs, however few of its slots are live
//     V  objects, nodes and blocks of maps that it visits         F  bytes of those: they are visited in no order, so
//        c_visit grows with the logarithm of F, as caches hold less of it
//   cycles an operation = bytes allocated in one / ((h - 1) * live bytes), h being the heap ratio
//
// The constants come from a heap without a map, and four cells of each storage: null pointers in a full table and in a
// sparse one, a small and a large map of pointers. All others test them: storage x layout x deletion x workload x size
// x ratio. A collection is due when (h - 1) * live bytes have been allocated; the collectors' own triggers are off. A
// cycle's cost is CPU of the thread. What it does is the same each time, and other programs only add to it: the least
// of its cycles counts, in several rounds over the whole matrix, so that a slow minute of the machine is not one
// cell's. With a seed all but the times is the same again.
//   tophash_gc_pressure [--collector boehm,precise] [--gctrace] [--json FILE] [--seed N] [--repeat N]
// Exit 0: the middle error is at most 10 % and the largest at most 25 %; 1: they are not; 64: usage.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <gc.h>
#include <time.h>

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
  unsigned repeat = 3;  // rounds
};
settings asked;

u64 thread_cpu_ns() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<u64>(t.tv_sec) * 1'000'000'000u + static_cast<u64>(t.tv_nsec);
}

double median(std::vector<double> of) {
  std::sort(of.begin(), of.end());
  return of.empty() ? 0 : of[of.size() / 2];
}

// What a cycle has to do, in counts.
struct cycle_work {
  double allocated_bytes = 0, read_bytes = 0, units = 0, visits = 0, visited_bytes = 0;
};

struct cell {
  const char* collector = "";
  std::string what;
  std::size_t entries = 0;
  double heap_ratio = 2;
  u64 operations = 0, cycles = 0;
  double live_bytes = 0, allocated_bytes_per_op = 0, heap_bytes = 0, longest_ns = 0, mutator_ns_per_op = 0;
  double dead_share = 0;  // objects that the last cycle kept although no entry in use leads to them
  cycle_work work;
  double cycle_ns = 0;  // the least
  double predicted_cycle_ns = 0;

  double cycles_per_op() const { return static_cast<double>(cycles) / static_cast<double>(operations); }
  double predicted_cycles_per_op() const { return allocated_bytes_per_op / ((heap_ratio - 1) * live_bytes); }
  double measured() const { return cycle_ns * cycles_per_op(); }
  double predicted() const { return predicted_cycle_ns * predicted_cycles_per_op(); }
  double error() const { return predicted() / measured() - 1; }
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
  double heap_bytes() { return static_cast<double>(GC_get_heap_size() - GC_get_unmapped_bytes()); }
  // With one more collection, which counts.
  template <class Map>
  cycle_work work(const Map& m, double, double) {
    gc::boehm_census::start();
    collect();
    gc::boehm_census::stop();
    const gc::heap_occupancy o = gc::boehm_collector{}.occupancy();
    const double map_bytes = static_cast<double>(m.memory_report().total_bytes()), seen = counted();
    double arrays = 0;
    for (const auto& c : m.memory_report()) {
      if (c.use == purpose::slots || c.use == purpose::side)
        arrays += static_cast<double>(c.size_bytes * c.count);
    }
    return {.allocated_bytes = 0,
            .read_bytes = seen != 0 ? seen : map_bytes,
            .units = static_cast<double>(gc::boehm_census::counts().units),
            .visits = static_cast<double>(o.objects),
            .visited_bytes = std::max(1.0, static_cast<double>(o.bytes) - arrays)};
  }
  template <class Map>
  Map map_with() {
    return Map{};
  }

 private:
  static double counted() { return static_cast<double>(gc::boehm_census::counts().read_bytes()); }
};

class on_precise {
 public:
  static constexpr const char* name = "precise";
  static constexpr double object_bytes = 8;

  u64* object() { return heap_.make<u64>(0u).get(); }
  void stored(const void* p) { heap_.stored(p); }
  void collect() { heap_.collect(); }
  double heap_bytes() { return static_cast<double>(heap_.in_use_bytes()); }
  template <class Map>
  cycle_work work(const Map&, double nodes, double node_bytes) {
    collect();
    const gc::mark_counts& c = heap_.last_marking();
    return {.allocated_bytes = 0,
            .read_bytes = static_cast<double>(c.array_bytes),
            .units = static_cast<double>(c.array_units),
            .visits = static_cast<double>(c.objects) + nodes,
            .visited_bytes = std::max(1.0, static_cast<double>(c.bytes) + nodes * node_bytes)};
  }
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

enum class workload : char { churn, replace, mixed };
constexpr const char* name_of(workload w) {
  return w == workload::churn ? "churn" : w == workload::replace ? "replace" : "mixed";
}

// Numbers that look like no address.
u64 key_of(u64 i) { return (i * 0x9e3779b97f4a7c15u) | u64{1} << 63; }

void print_cycle(const cell& c, u64 number, double ns, double before, double after) {
  std::printf("gc %s %llu: %.3f ms cpu, %.2f->%.2f MB, %.2f MB allocated since, %s n=%zu h=%.1f\n",
              c.collector, static_cast<unsigned long long>(number), ns / 1e6, before / 1e6, after / 1e6,
              c.work.allocated_bytes / 1e6, c.what.c_str(), c.entries, c.heap_ratio);
}

// `nulls`: values are null, in a table with room for so many times n; for calibration. In a frame of its own: Boehm's collector searches the stack.
template <class Heap, class Map, bool Nodes>
[[gnu::noinline]] cell run(std::string what, std::size_t n, workload w, double ratio, std::size_t nulls = 0) {
  cell c;
  c.collector = Heap::name, c.what = std::move(what) + ", " + name_of(w), c.entries = n, c.heap_ratio = ratio;
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
  std::vector<double> cycle_ns;
  double since = 0, total = 0;
  u64 collecting_ns = 0;
  constexpr u64 cycles = 4;
  const u64 began = thread_cpu_ns();
  while (c.cycles < cycles) {
    const bool erases = w == workload::churn || (w == workload::mixed && below(2) == 0);
    if (erases) {
      m.erase(key_of(oldest++));
      m.try_emplace(key_of(newest++), value());
    } else {
      u64* const fresh = value();
      const u64 key = key_of(oldest + below(newest - oldest));
      m.insert_or_assign(key, fresh);
    }
    const double bytes = Heap::object_bytes + (Nodes && erases ? node_bytes + 8 : 0);
    since += bytes, total += bytes;
    if (nulls != 0) static_cast<void>(heap.object());
    ++c.operations;
    if (since < budget) continue;
    const double before = asked.gctrace ? heap.heap_bytes() : 0;
    const u64 begin = thread_cpu_ns();
    heap.collect();
    const auto ns = static_cast<double>(thread_cpu_ns() - begin);
    collecting_ns += static_cast<u64>(ns);
    cycle_ns.push_back(ns);
    ++c.cycles;
    c.work.allocated_bytes = since;
    if (asked.gctrace) print_cycle(c, c.cycles, ns, before, heap.heap_bytes());
    since = 0;
  }
  c.mutator_ns_per_op =
      static_cast<double>(thread_cpu_ns() - began - collecting_ns) / static_cast<double>(c.operations);
  c.longest_ns = *std::max_element(cycle_ns.begin(), cycle_ns.end());
  c.cycle_ns = *std::min_element(cycle_ns.begin(), cycle_ns.end());
  c.allocated_bytes_per_op = total / static_cast<double>(c.operations);
  const double allocated = c.work.allocated_bytes;
  c.work = heap.work(m, nodes, node_bytes);
  c.work.allocated_bytes = allocated;
  const double needed = nulls != 0 ? 1 : static_cast<double>(m.size());
  const double found = c.work.visits - nodes;
  c.dead_share = std::max(0.0, found / needed - 1);
  c.heap_bytes = heap.heap_bytes();
  return c;
}

// ---- constants

struct constants {
  double cycle_ns = 0, allocated_byte_ns = 0, read_byte_ns = 0, unit_ns = 0;
  double visit_ns = 0, visit_ns_per_doubling = 0, small_bytes = 1;

  double visit(double visited_bytes) const {
    return std::max(0.0, visit_ns + visit_ns_per_doubling * std::log2(visited_bytes / small_bytes));
  }
  double predict(const cycle_work& w) const {
    return cycle_ns + allocated_byte_ns * w.allocated_bytes + read_byte_ns * w.read_bytes +
           unit_ns * w.units + visit(w.visited_bytes) * w.visits;
  }
};

template <class Heap>
void collect_garbage_of(Heap& heap, double bytes, std::vector<double>& ns) {
  for (double made = 0; made < bytes; made += Heap::object_bytes) static_cast<void>(heap.object());
  const u64 begin = thread_cpu_ns();
  heap.collect();
  ns.push_back(static_cast<double>(thread_cpu_ns() - begin));
}

// The four cells and the empty heap of a storage, in one round.
struct calibration {
  double empty_ns = 0, garbage_ns = 0;
  cell full, sparse, small, large;

  void keep_least(const calibration& other) {
    empty_ns = std::min(empty_ns, other.empty_ns);
    garbage_ns = std::min(garbage_ns, other.garbage_ns);
    for (cell calibration::*c :
         {&calibration::full, &calibration::sparse, &calibration::small, &calibration::large})
      (this->*c).cycle_ns = std::min((this->*c).cycle_ns, (other.*c).cycle_ns);
  }
};
constexpr double garbage_bytes = 4e6;

template <class Heap, class Map>
calibration calibrate() {
  calibration out;
  {
    Heap heap;
    std::vector<double> none, some;
    for (int i = 0; i < 6; ++i) {
      collect_garbage_of(heap, garbage_bytes, some);
      collect_garbage_of(heap, 0, none);
    }
    out.empty_ns = *std::min_element(none.begin(), none.end());
    out.garbage_ns = *std::min_element(some.begin(), some.end());
  }
  out.full = run<Heap, Map, false>("null pointers", 50'000, workload::replace, 2, 1);
  out.sparse = run<Heap, Map, false>("null pointers, sparse", 50'000, workload::replace, 2, 4);
  out.small = run<Heap, Map, false>("small", 10'000, workload::replace, 2);
  out.large = run<Heap, Map, false>("large", 150'000, workload::replace, 2);
  return out;
}

constants solve(const calibration& c, const char* storage) {
  constants k;
  k.cycle_ns = c.empty_ns;
  k.allocated_byte_ns = std::max(0.0, (c.garbage_ns - c.empty_ns) / garbage_bytes);
  const auto beyond = [&k](const cell& x) {
    return x.cycle_ns - k.predict(x.work);
  };  // what is not explained yet
  const cycle_work &full = c.full.work, &sparse = c.sparse.work;
  const double rest_full = beyond(c.full), rest_sparse = beyond(c.sparse);
  const double determinant = full.read_bytes * sparse.units - sparse.read_bytes * full.units;
  if (full.units != 0 && determinant != 0) {
    k.read_byte_ns = std::max(0.0, (rest_full * sparse.units - rest_sparse * full.units) / determinant);
    k.unit_ns = std::max(0.0, (full.read_bytes * rest_sparse - sparse.read_bytes * rest_full) / determinant);
    if (k.read_byte_ns == 0) k.unit_ns = rest_full / full.units;
    if (k.unit_ns == 0) k.read_byte_ns = rest_full / full.read_bytes;
  } else {
    k.read_byte_ns = (rest_full + rest_sparse) / (full.read_bytes + sparse.read_bytes);
  }
  const double small = beyond(c.small) / c.small.work.visits, large = beyond(c.large) / c.large.work.visits;
  k.small_bytes = c.small.work.visited_bytes;
  k.visit_ns = small;
  k.visit_ns_per_doubling = (large - small) / std::log2(c.large.work.visited_bytes / k.small_bytes);
  std::printf("%s: a cycle %.1f us, a byte allocated %.3f ns, a byte read %.3f ns, a unit %.2f ns, a visit "
              "%.1f ns at "
              "%.2f MB and %.1f ns more for each doubling\n",
              storage, k.cycle_ns / 1e3, k.allocated_byte_ns, k.read_byte_ns, k.unit_ns, k.visit_ns,
              k.small_bytes / 1e6, k.visit_ns_per_doubling);
  return k;
}

// ---- the matrix

// The seed of hashing is fixed, so counts are.
template <class... Options>
using on = map<u64, u64*, hashing::wyhash, Options...>;

template <class Heap, class Storage>
void run_all(std::vector<cell>& cells, const char* storage) {
  using split = layout::bucket_chain<bucket_options{.arrange = arrangement::split}>;
  const std::string at = std::string(storage) + ", ";
  for (const auto& [n, ratio] :
       {std::pair<std::size_t, double>{20'000, 2.0}, {50'000, 3.0}, {100'000, 1.5}}) {
    for (const workload w : {workload::churn, workload::replace}) {
      cells.push_back(run<Heap, on<Storage>, false>(at + "bucket_chain, immediate", n, w, ratio));
      cells.push_back(
          run<Heap, on<Storage, layout::open_groups<>>, false>(at + "open_groups, immediate", n, w, ratio));
    }
    cells.push_back(run<Heap, on<Storage, deletion::tombstone>, false>(at + "bucket_chain, tombstone", n,
                                                                       workload::mixed, ratio));
    cells.push_back(run<Heap, on<Storage, deletion::dirty>, false>(at + "bucket_chain, dirty", n,
                                                                   workload::mixed, ratio));
    cells.push_back(
        run<Heap, on<Storage, split>, false>(at + "split chain, immediate", n, workload::mixed, ratio));
  }
  cells.push_back(
      run<Heap, on<Storage, layout::nodes>, true>(at + "nodes, immediate", 50'000, workload::replace, 2));
}

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
        "%llu, \"cycles\": %llu, \"allocated_bytes_per_op\": %.2f, \"read_bytes_per_entry\": %.2f, "
        "\"visits_per_entry\": %.3f, \"dead_share\": %.4f, \"live_bytes\": %.0f, \"heap_bytes\": %.0f, "
        "\"longest_cycle_ns\": %.0f, \"mutator_ns_per_op\": %.2f, \"collector_ns_per_op\": %.3f, "
        "\"predicted_ns_per_op\": %.3f}",
        separator, c.collector, c.what.c_str(), c.entries, c.heap_ratio,
        static_cast<unsigned long long>(c.operations), static_cast<unsigned long long>(c.cycles),
        c.allocated_bytes_per_op, c.work.read_bytes / static_cast<double>(c.entries),
        c.work.visits / static_cast<double>(c.entries), c.dead_share, c.live_bytes, c.heap_bytes,
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
  GC_INIT();
  std::vector<cell> cells;
  const auto round = [&]<class Heap, class Storage>(std::type_identity<Heap>, std::type_identity<Storage>,
                                                    std::vector<cell>& into, calibration& least, bool first) {
    std::vector<cell> now;
    const calibration c = calibrate<Heap, on<Storage>>();
    run_all<Heap, Storage>(now, Storage::name.data());
    first ? void(least = c) : least.keep_least(c);
    if (first) into = now;
    for (std::size_t i = 0; i < now.size(); ++i)
      into[i].cycle_ns = std::min(into[i].cycle_ns, now[i].cycle_ns);
  };
  // Searching by itself and by the mark procedure are two ways to read: each has its constants.
  std::vector<cell> of_scanned, of_aware, of_precise;
  calibration scanned, aware, precise;
  for (unsigned r = 0; r < asked.repeat; ++r) {
    if (asked.boehm) {
      const std::type_identity<on_boehm> heap;
      round(heap, std::type_identity<gc::boehm_scanned>{}, of_scanned, scanned, r == 0);
      round(heap, std::type_identity<gc::boehm_map_aware>{}, of_aware, aware, r == 0);
    }
    if (asked.precise)
      round(std::type_identity<on_precise>{}, std::type_identity<gc::precise>{}, of_precise, precise, r == 0);
  }
  const auto predict = [&](std::vector<cell>& of, const calibration& c, const char* storage) {
    if (of.empty()) return;
    const constants k = solve(c, storage);
    for (cell& x : of) x.predicted_cycle_ns = k.predict(x.work);
    cells.insert(cells.end(), of.begin(), of.end());
  };
  predict(of_scanned, scanned, "boehm_scanned");
  predict(of_aware, aware, "boehm_map_aware");
  predict(of_precise, precise, "precise");
  std::printf("%-48s %7s %4s %6s %8s %8s %6s %9s %9s %7s\n", "cell", "entries", "h", "alloc", "read",
              "visits", "dead", "measured", "predicted", "error");
  std::vector<double> errors;
  double worst = 0;
  for (const cell& c : cells) {
    const auto n = static_cast<double>(c.entries);
    std::printf("%-48s %7zu %4.1f %6.1f %8.1f %8.2f %5.1f%% %9.2f %9.2f %+6.1f%%\n", c.what.c_str(),
                c.entries, c.heap_ratio, c.allocated_bytes_per_op, c.work.read_bytes / n, c.work.visits / n,
                100 * c.dead_share, c.measured(), c.predicted(), 100 * c.error());
    errors.push_back(std::abs(c.error()));
    worst = std::max(worst, errors.back());
  }
  const double middle = median(errors);
  std::printf("%zu cells that calibrated nothing: error %.1f %% in the middle, %.1f %% at worst\n",
              cells.size(), 100 * middle, 100 * worst);
  if (!asked.json.empty()) write_json(cells, middle, worst);
  return middle <= 0.10 && worst <= 0.25 ? 0 : 1;
}
