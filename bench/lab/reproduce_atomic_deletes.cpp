// SPDX-License-Identifier: Apache-2.0
// T-C1. All of a map's entries deleted in random order, with the count that a delete lowers kept plainly (as
// in Go 1.19, 1.21 and 1.22 alike) and, as the article has it of Go 1.21, by two atomic operations more: an
// observer makes them at each delete. Time is the thread's CPU time.
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <tophash/framework/core/bits.hpp>
#include <tophash/map.hpp>
#include <tophash/presets.hpp>

#include "lab/clock.hpp"
#include "lab/counted.hpp"
#include "lab/reproduce_counted.hpp"
#include "lab/reproduce_measure.hpp"
#include "workloads/random.hpp"

namespace tophash::lab {

namespace atomic_deletes_parts {
namespace {

using number = std::uint64_t;

struct shared_counts {
  std::atomic<number> count{0}, writers{0};
};

// What is said of Go 1.21: an atomic decrement of the count, and one atomic operation on the map's flags.
struct atomic_count {
  using axis = axes::observe;
  [[maybe_unused]] static constexpr std::string_view name = "atomic_count";
  shared_counts* of = nullptr;
  void on(const events::erased&) const noexcept {
    of->writers.fetch_xor(1);
    of->count.fetch_sub(1);
  }
};

using plain_map = map<number, number, presets::go_like>;
using atomic_map = map<number, number, presets::go_like, atomic_count>;

struct deletes {
  std::vector<number> keys, order;
  number seed;

  deletes(std::size_t entries, number s) : keys(entries), seed(s) {
    random_stream random(seed);
    for (number& key : keys) key = random.next();
    order = keys;
    random.shuffle(order);
  }
  template <class Map>
  void fill(Map& m) const {
    for (const number key : keys) m.insert_or_assign(key, key);
  }
  template <class Map>
  void run(Map& m) const {
    for (const number key : order) m.erase(key);
    if (!m.empty()) throw claim_error("T-C1: a delete found no entry");
  }
};

template <class Map>
double delete_ns(Map& m, const deletes& d) {
  d.fill(m);
  const std::uint64_t from = thread_cpu_ns();
  d.run(m);
  return static_cast<double>(thread_cpu_ns() - from) / static_cast<double>(d.order.size());
}

template <class Map>
void count_deletes(const char* name, Map& m, const deletes& d, section_counter& counter) {
  d.fill(m);
  counter.count(name, d.order.size(), [&] { d.run(m); });
}

// The two take turns at going first.
template <class Plain, class Atomic>
void both(unsigned round, const Plain& plain, const Atomic& atomic) {
  if (round % 2 == 0) {
    plain();
    atomic();
  } else {
    atomic();
    plain();
  }
}

}  // namespace
}  // namespace atomic_deletes_parts

void count_atomic_deletes(const counted_input& input, section_counter& counter) {
  using namespace atomic_deletes_parts;
  for (unsigned round = 0; round < input.rounds; ++round) {
    const deletes d(input.entries, next_seed(input.seed + round));
    both(
        round,
        [&] {
          plain_map m{plain_map::spec_type::hashing{d.seed}};
          count_deletes("plain", m, d, counter);
        },
        [&] {
          shared_counts counts;
          atomic_map m{atomic_map::spec_type::hashing{d.seed}, atomic_count{&counts}};
          count_deletes("atomic", m, d, counter);
        });
  }
}

claim_measurement measure_atomic_deletes(const claim_request& request) {
  using namespace atomic_deletes_parts;
  static_cast<void>(chosen(*request.table, std::vector<built_composition<int>>{{"go_like", 0}}));
  const std::size_t entries = whole_parameter(request, "entries"),
                    counted_entries = whole_parameter(request, "counted_entries");
  claim_measurement out;
  for (unsigned round = 0; round < request.rounds && !stop_measuring(); ++round) {
    begin_round(request, round, request.rounds);
    const deletes d(entries, next_seed(request.seed + round));
    both(
        round,
        [&] {
          plain_map m{plain_map::spec_type::hashing{d.seed}};
          note(out, "delete_ns.plain", "ns", false, delete_ns(m, d));
        },
        [&] {
          shared_counts counts;
          atomic_map m{atomic_map::spec_type::hashing{d.seed}, atomic_count{&counts}};
          note(out, "delete_ns.atomic", "ns", false, delete_ns(m, d));
        });
    ++out.rounds;
  }
  if (out.rounds == 0) return out;
  request.progress(request.table->id + ": counting");
  const counted_result counted = count_sections("atomic_deletes", {.entries = counted_entries,
                                                                   .operations = counted_entries,
                                                                   .rounds = out.rounds,
                                                                   .seed = request.seed});
  for (const char* name : {"plain", "atomic"}) {
    note_counted(out, counted, fmt::format("instructions.{}", name), "instructions", {{name, "instructions"}},
                 [](const std::vector<double>& v) { return v[0]; });
    note_counted(out, counted, fmt::format("ipc.{}", name), "instructions a cycle",
                 {{name, "instructions"}, {name, "cycles"}},
                 [](const std::vector<double>& v) { return v[0] / v[1]; });
  }
  out.setting = fmt::format("{} numbers deleted in random order; {} where instructions are counted",
                            grouped(entries), grouped(counted_entries));
  out.why.push_back(counted_by(counted));
  if (!counted.source.empty())
    out.why.push_back(
        fmt::format("a delete executes {:.0f} instructions with a plain count, {:.0f} with two atomic "
                    "operations more",
                    median_of(out, "instructions.plain"), median_of(out, "instructions.atomic")));
  out.why.push_back(
      fmt::format("a delete takes {:.0f} ns with a plain count, {:.0f} ns with two atomic operations "
                  "more; the rest is finding the entry",
                  median_of(out, "delete_ns.plain"), median_of(out, "delete_ns.atomic")));
  return out;
}

}  // namespace tophash::lab
