// SPDX-License-Identifier: Apache-2.0
// What a full collection of Boehm's collector costs with one map in its heap, by storage and layout. Each map lives
// in a process of its own, and all are measured in turn, round by round, so a slow moment of the machine falls on
// all of them; ratios are of one round, and the middle one is printed. Time is the CPU of the collecting thread: the
// least of the rounds, which are identical, and the middle.
//   1. u64 -> u64: pointer-free maps against std::unordered_map with libgc's gc_allocator. What is left of a
//      collection's cost is no marking: it is the blocks of 4 KiB that libgc visits, and the free ones between them
//      that it steps over. Each overflow bucket from storage is an object (about 17,000 of 4,000,000 entries); given
//      back one by one at a growth they leave the next ones scattered over 4,400 blocks, left to the collector they
//      lie in 690; those of the array's tail are none. With room reserved no old arrays leave holes
//   2. u64 -> pointer to an object of its own, keys random, so objects lie in no order of the map: scanned, typed and
//      map-aware; then again with every second entry erased by deletion::dirty and not swept, with the objects that
//      the collection left, in shares of those that live entries need
//   tophash_boehm_marking [ENTRIES [ROUNDS]]     4,000,000 entries take 1 GB in part 1 and 3 GB in part 2
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <gc.h>
#include <gc/gc_allocator.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tophash/framework/layout/open_groups.hpp>
#include <tophash/gc/boehm.hpp>
#include <tophash/gc/boehm_collector.hpp>
#include <tophash/gc/boehm_map_aware.hpp>
#include <tophash/gc/boehm_typed.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/overflow/preallocated.hpp>

namespace {

using namespace tophash;
using u64 = std::uint64_t;

u64 entries = 4'000'000;
std::size_t rounds = 9;

u64 key_of(u64 i) noexcept { return (i + 1) * 0x9e3779b97f4a7c15u; }

enum class order : char { collect = 'c', erase_half = 'e', end = 'q' };

struct answer {
  u64 cpu_ns = 0;
  u64 objects = 0;     // that the collection left
  u64 read_bytes = 0;  // by the map's mark procedure; 0: it has none
};

struct checked_pipe {
  int ends[2];
  checked_pipe() {
    if (pipe(ends) != 0) std::abort();
  }
};

template <class T>
bool receive(int from, T& out) {
  return read(from, &out, sizeof out) == static_cast<ssize_t>(sizeof out);
}
template <class T>
void send(int to, const T& what) {
  if (write(to, &what, sizeof what) != static_cast<ssize_t>(sizeof what)) std::_Exit(1);
}

u64 collection_cpu_ns() {
  gc::boehm_collector collector;
  collector.start_window();
  collector.collect();
  return collector.sample().collector_cpu_ns;
}

[[gnu::noinline]] void overwrite_stack() {
  volatile unsigned char frames[16'384];
  for (std::size_t i = 0; i < sizeof frames; ++i) frames[i] = 0;
}

// Obeys the parent until it is told to end.
template <class Fill, class Erase>
void serve(int orders, int answers, Fill fill, Erase erase_half) {
  fill();
  send(answers, answer{});
  for (order o; receive(orders, o);) {
    if (o == order::end) break;
    answer a;
    if (o == order::erase_half) {
      erase_half();
      overwrite_stack();
      GC_gcollect();
      a.objects = gc::boehm_collector{}.occupancy().objects;
      gc::boehm_census::start();
      GC_gcollect();
      gc::boehm_census::stop();
      a.read_bytes = gc::boehm_census::counts().read_bytes();
    } else {
      a.cpu_ns = collection_cpu_ns();
    }
    send(answers, a);
  }
}

// One map in a process of its own.
struct subject {
  const char* name;
  int orders, answers;
  pid_t process;
  std::vector<double> cpu_ns;

  answer ask(order o) const {
    send(orders, o);
    answer a;
    if (!receive(answers, a)) {
      std::fprintf(stderr, "%s: its process has died\n", name);
      std::exit(1);
    }
    return a;
  }
  void end() const {
    send(orders, order::end);
    close(orders), close(answers);
    waitpid(process, nullptr, 0);
  }
};

template <class Work>
subject start(const char* name, Work work) {
  const checked_pipe orders, answers;
  std::fflush(nullptr);
  const pid_t process = fork();
  if (process < 0) std::abort();
  if (process == 0) {
    close(orders.ends[1]), close(answers.ends[0]);
    work(orders.ends[0], answers.ends[1]);
    std::_Exit(0);
  }
  close(orders.ends[0]), close(answers.ends[1]);
  subject s{name, orders.ends[1], answers.ends[0], process, {}};
  answer ready;
  if (!receive(s.answers, ready)) std::abort();
  return s;
}

template <class Map, bool Reserved = false>
subject numbers(const char* name) {
  return start(name, [](int orders, int answers) {
    GC_INIT();
    Map m;
    if constexpr (Reserved) m.reserve(entries);
    serve(
        orders, answers,
        [&m] {
          for (u64 i = 0; i < entries; ++i) m.try_emplace(key_of(i), i);
        },
        [] {});
  });
}

template <class Storage, class... Options>
subject pointers(const char* name) {
  return start(name, [](int orders, int answers) {
    GC_INIT();
    map<u64, u64*, Storage, deletion::dirty, Options...> m;
    serve(
        orders, answers,
        [&m] {
          for (u64 i = 0; i < entries; ++i) {
            auto* const object = static_cast<u64*>(GC_malloc_atomic(sizeof(u64)));
            *object = i;
            m.try_emplace(key_of(i), object);
          }
        },
        [&m] {
          for (u64 i = 0; i < entries; i += 2) m.erase(key_of(i));
        });
  });
}

double median(std::vector<double> of) {
  std::sort(of.begin(), of.end());
  return of[of.size() / 2];
}

// Collections in turn. The first round warms up.
void measure(std::vector<subject>& all) {
  for (subject& s : all) s.cpu_ns.clear();
  for (std::size_t round = 0; round <= rounds; ++round) {
    for (subject& s : all) {
      const auto ns = static_cast<double>(s.ask(order::collect).cpu_ns);
      if (round != 0) s.cpu_ns.push_back(ns);
    }
  }
}

// Of another subject's time, in the middle round.
double share(const subject& of, const subject& s) {
  std::vector<double> shares;
  for (std::size_t i = 0; i < s.cpu_ns.size(); ++i) shares.push_back(s.cpu_ns[i] / of.cpu_ns[i]);
  return median(shares);
}

void print_times(const std::vector<subject>& all, const subject& s) {  // in shares of the first
  std::printf("  %-36s least %9.3f ms  middle %9.3f ms  x %.2f\n", s.name,
              *std::min_element(s.cpu_ns.begin(), s.cpu_ns.end()) / 1e6, median(s.cpu_ns) / 1e6, share(all.front(), s));
}

void compare_numbers() {
  using standard = std::unordered_map<u64, u64, std::hash<u64>, std::equal_to<>,
                                      gc_allocator<std::pair<const u64, u64>>>;
  std::vector<subject> all;
  all.push_back(numbers<map<u64, u64, gc::boehm_pointer_free>>("bucket_chain, boehm_pointer_free"));
  all.push_back(numbers<map<u64, u64, gc::boehm_overflow_left>>("bucket_chain, boehm_overflow_left"));
  all.push_back(numbers<map<u64, u64, gc::boehm_pointer_free, overflow::preallocated>>("pointer_free, overflow in the array"));
  all.push_back(numbers<map<u64, u64, gc::boehm_pointer_free, overflow::preallocated>, true>("the same, room reserved"));
  all.push_back(numbers<map<u64, u64, gc::boehm_pointer_free, layout::open_groups<>>>("open_groups, boehm_pointer_free"));
  all.push_back(numbers<map<u64, u64, gc::boehm_map_aware>>("bucket_chain, boehm_map_aware"));
  all.push_back(numbers<standard>("std::unordered_map, gc_allocator"));
  measure(all);
  std::printf("u64 -> u64, %llu entries: CPU of a full collection\n", static_cast<unsigned long long>(entries));
  for (const subject& s : all) print_times(all, s);
  for (const subject& s : all) {
    if (&s != &all.back()) std::printf("  %-36s %6.0f times less than the last\n", s.name, share(s, all.back()));
    s.end();
  }
}

void compare_pointers() {
  using in_groups = layout::bucket_chain<bucket_options{.group_bytes = 4064}>;
  std::vector<subject> all;
  all.push_back(pointers<gc::boehm_scanned>("bucket_chain, boehm_scanned"));
  all.push_back(pointers<gc::boehm_typed>("bucket_chain, boehm_typed"));
  all.push_back(pointers<gc::boehm_map_aware>("bucket_chain, boehm_map_aware"));
  all.push_back(pointers<gc::boehm_map_aware, in_groups>("grouped, boehm_map_aware"));
  all.push_back(pointers<gc::boehm_scanned, layout::open_groups<>>("open_groups, boehm_scanned"));
  all.push_back(pointers<gc::boehm_map_aware, layout::open_groups<>>("open_groups, boehm_map_aware"));
  measure(all);
  std::printf("u64 -> pointer, %llu entries, all live\n", static_cast<unsigned long long>(entries));
  for (const subject& s : all) print_times(all, s);
  std::vector<answer> left;
  for (const subject& s : all) left.push_back(s.ask(order::erase_half));
  measure(all);
  std::printf("u64 -> pointer, every second entry dirty\n");
  for (const subject& s : all) print_times(all, s);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto live = static_cast<double>(entries - (entries + 1) / 2);
    std::printf("  %-36s objects left %5.2f of the live", all[i].name, static_cast<double>(left[i].objects) / live);
    if (left[i].read_bytes != 0) {
      std::printf(", %.1f bytes of the map read for each", static_cast<double>(left[i].read_bytes) / live);
    }
    std::printf("\n");
  }
  for (const subject& s : all) s.end();
}

bool parse(const char* text, u64 least, u64& out) {
  return std::from_chars(text, text + std::strlen(text), out).ec == std::errc{} && out >= least;
}

}  // namespace

int main(int argc, char** argv) {
  u64 asked_rounds = rounds;
  if (argc > 3 || (argc >= 2 && !parse(argv[1], 1'000, entries)) || (argc == 3 && !parse(argv[2], 1, asked_rounds))) {
    std::fputs("usage: tophash_boehm_marking [ENTRIES [ROUNDS]]\n", stderr);
    return 64;
  }
  rounds = asked_rounds;
  compare_numbers();
  compare_pointers();
  return 0;
}
