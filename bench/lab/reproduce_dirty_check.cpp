// SPDX-License-Identifier: Apache-2.0
// T-B5. A store into a map without a test of a flag before it, with one that is always clear, and with one
// that is always set, where a barrier is called. The article's test is `TESTB $0x1` and a jump over the call.
// Counted is what a store takes more; the bytes of the two instructions are those that the assembler makes of
// them.
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <tophash/framework/config.hpp>
#include <tophash/framework/core/bits.hpp>
#include <tophash/map.hpp>
#include <tophash/presets.hpp>

#include "lab/clock.hpp"
#include "lab/counted.hpp"
#include "lab/reproduce_counted.hpp"
#include "lab/reproduce_measure.hpp"
#include "workloads/random.hpp"

namespace tophash::lab {

namespace dirty_check_parts {
namespace {

using number = std::uint64_t;
using stored_map = map<number, number, presets::go_like>;

// Globals, as Go's own flag for its write barrier is: no register is spent on them.
unsigned char clear_flag = 0, set_flag = 1;
struct {
  std::array<number, 256> places{};
  unsigned char used = 0;
} remembered;

// As a collector's write barrier does: the place is remembered in a buffer.
TOPHASH_NOINLINE void barrier(number place) noexcept { remembered.places[remembered.used++] = place; }

enum class checking { without, clear, set };
constexpr const char* checking_name(checking c) noexcept {
  return c == checking::without ? "without" : c == checking::clear ? "clear" : "set";
}

// The listing's two instructions where they can be had: a compiler makes three of a volatile byte.
#if defined(__x86_64__)
#define TOPHASH_TEST_FLAG(flag, set)                                                                         \
  __asm__ goto("testb $1, %0\n\tjnz %l[" #set "]" : : "m"(flag) : "cc" : set)
#else
#define TOPHASH_TEST_FLAG(flag, set)                                                                         \
  if ((static_cast<const volatile unsigned char&>(flag) & 1u) != 0) goto set
#endif

TOPHASH_ALWAYS_INLINE void test_flag(const unsigned char& flag, number place) noexcept {
  TOPHASH_TEST_FLAG(flag, set);
  return;
set:
  barrier(place);
}
#undef TOPHASH_TEST_FLAG

// Called, so that the loops differ by the test alone.
TOPHASH_NOINLINE void store_one(stored_map& m, number key) { m.insert_or_assign(key, key + 1); }

template <checking How>
TOPHASH_NOINLINE void store_all(stored_map& m, const std::vector<number>& keys) {
  for (const number key : keys) {
    if constexpr (How == checking::clear) test_flag(clear_flag, key);
    if constexpr (How == checking::set) test_flag(set_flag, key);
    store_one(m, key);
  }
}

struct stores {
  stored_map m;
  std::vector<number> keys;

  stores(std::size_t entries, std::size_t operations, number seed) : m{stored_map::spec_type::hashing{seed}} {
    random_stream random(seed);
    std::vector<number> all(entries);
    for (number& key : all) m.insert_or_assign(key = random.next(), key);
    while (m.stats().growing) m.insert_or_assign(all.front(), number{0});
    keys.reserve(operations);
    for (std::size_t i = 0; i < operations; ++i)
      keys.push_back(all[static_cast<std::size_t>(random.below(all.size()))]);
  }
  template <checking How>
  void run() {
    store_all<How>(m, keys);
  }
};

template <checking How>
void count_stores(stores& s, section_counter& counter) {
  s.run<How>();  // the next pass finds the branch predictor as a long run would
  counter.count(checking_name(How), s.keys.size(), [&s] { s.run<How>(); });
}

template <checking How>
double store_ns(stores& s) {
  const std::uint64_t from = thread_cpu_ns();
  s.run<How>();
  return static_cast<double>(thread_cpu_ns() - from) / static_cast<double>(s.keys.size());
}

void time_stores(stores& s, claim_measurement& out) {
  const double without = store_ns<checking::without>(s), clear = store_ns<checking::clear>(s),
               set = store_ns<checking::set>(s);
  note(out, "times_without.clear", "x", false, clear / without);
  note(out, "times_without.set", "x", false, set / without);
}

void note_bytes(claim_measurement& out) {
#if defined(__x86_64__)
  // The article's two instructions, with the register of its listing, and the distance between them and what
  // follows.
  std::uint32_t bytes = 0;
  __asm__("jmp 3f\n"
          "1: testb $0x1, (%%rax)\n"
          "jz 2f\n"
          "2:\n"
          "3: movl $(2b - 1b), %0\n"
          : "=r"(bytes));
  for (unsigned round = 0; round < out.rounds; ++round) note(out, "bytes", "B", true, bytes);
#else
  out.missing["bytes"] = "the listing is of x86-64";
#endif
}

}  // namespace
}  // namespace dirty_check_parts

void count_dirty_check(const counted_input& input, section_counter& counter) {
  using namespace dirty_check_parts;
  for (unsigned round = 0; round < input.rounds; ++round) {
    stores s(input.entries, input.operations, next_seed(input.seed + round));
    count_stores<checking::without>(s, counter);
    count_stores<checking::clear>(s, counter);
    count_stores<checking::set>(s, counter);
  }
}

claim_measurement measure_dirty_check(const claim_request& request) {
  using namespace dirty_check_parts;
  static_cast<void>(chosen(*request.table, std::vector<built_composition<int>>{{"go_like", 0}}));
  const counted_input input{.entries = whole_parameter(request, "entries"),
                            .operations = whole_parameter(request, "operations"),
                            .rounds = request.rounds,
                            .seed = request.seed};
  claim_measurement out;
  for (unsigned round = 0; round < request.rounds && !stop_measuring(); ++round) {
    begin_round(request, round, request.rounds);
    stores s(input.entries, input.operations, next_seed(request.seed + round));
    time_stores(s, out);
    ++out.rounds;
  }
  if (out.rounds == 0) return out;
  request.progress(request.table->id + ": counting");
  const counted_result counted = count_sections("dirty_check", input);
  for (const char* flag : {"clear", "set"}) {
    const auto more = [&](const std::string& metric, const std::string& unit, const std::string& event,
                          double scale) {
      note_counted(out, counted, fmt::format("{}.{}", metric, flag), unit,
                   {{flag, event}, {"without", event}},
                   [scale](const std::vector<double>& v) { return scale * (v[0] - v[1]); });
    };
    more("instructions_more", "instructions", "instructions", 1);
    more("mispredicted", "%", "branch_misses", 100);  // of the one branch that a store has more
    note_counted(
        out, counted, fmt::format("cpi_more.{}", flag), "CPI",
        {{flag, "cycles"}, {flag, "instructions"}, {"without", "cycles"}, {"without", "instructions"}},
        [](const std::vector<double>& v) { return v[0] / v[1] - v[2] / v[3]; });
  }
  note_bytes(out);
  out.setting =
      fmt::format("{} stores to present keys among {}", grouped(input.operations), grouped(input.entries));
  out.why.push_back(counted_by(counted));
  if (!counted.source.empty())
    out.why.push_back(
        fmt::format("a store executes {:.1f} instructions more with the flag clear, {:.1f} with it set, "
                    "where the barrier is called",
                    median_of(out, "instructions_more.clear"), median_of(out, "instructions_more.set")));
  out.why.push_back(
      fmt::format("by time a store with the flag clear takes {:.2f} times one without the test, with it "
                  "set {:.2f} times",
                  median_of(out, "times_without.clear"), median_of(out, "times_without.set")));
  return out;
}

}  // namespace tophash::lab
