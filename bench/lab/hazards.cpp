// SPDX-License-Identifier: Apache-2.0
#include "lab/hazards.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <numeric>
#include <string_view>
#include <type_traits>
#include <utility>

#include <tophash/fast_map.hpp>
#include <tophash/framework/core/bits.hpp>

#include "hazards/chain.hpp"
#include "hazards/counters.hpp"
#include "hazards/delete_race.hpp"
#include "hazards/scenarios.hpp"
#include "hazards/two_threads.hpp"
#include "lab/measure.hpp"
#if TOPHASH_LAB_WITH_URCU
#include "hazards/rcu.hpp"
#endif

namespace tophash::lab {

namespace {

using namespace tophash::hazards;

bool stopped() noexcept { return interrupt_requested.load(std::memory_order_relaxed); }

// ---- chains --------------------------------------------------------------------------------------

// Built with the address sanitizer, the program ends here with its report of the unsafe one.
template <class Reclaim>
reclaimer_row under_schedules(const hazards_sizes& sizes) {
  const aba_outcome once = aba<Reclaim>();
  const step_outcome step = freed_step<Reclaim>();
  const stall_outcome stall = stalled<Reclaim>(sizes.stalled_pairs);
  reclaimer_row out;
  out.name = Reclaim::name;
  out.left = once.left;
  out.survives_aba = once.survived();
  out.survives_tag_round = tag_round<Reclaim>().survived();
  out.steps_on_freed = step.steps_on_freed;
  out.waiting = stall.waiting;
  out.waiting_after = stall.after;
  out.node_bytes = sizeof(typename Reclaim::node);
  return out;
}

// Calls of one thread, and a checksum of their answers. Every key's chance is the same, so half stay there.
class timed_chain {
 public:
  virtual ~timed_chain() = default;
  virtual std::uint64_t mixed(std::uint64_t seed, std::size_t calls) = 0;
};

template <class Reclaim>
class timed_chain_of final : public timed_chain {
 public:
  timed_chain_of(std::size_t keys, std::size_t chains) : keys_(keys), table_(chains), me_(table_) {
    for (std::uint64_t k = 0; k < keys; k += 2) table_.insert(me_, spread(k), k);
  }
  std::uint64_t mixed(std::uint64_t seed, std::size_t calls) override {
    std::uint64_t state = mix(seed) | 1, done = 0;
    for (std::size_t i = 0; i < calls; ++i) {
      state ^= state << 13;
      state ^= state >> 7;
      state ^= state << 17;
      const std::uint64_t key = spread(multiply_high(state, keys_)), what = state % 20;
      if (what > 1) {
        done += table_.find(me_, key).value_or(1);
      } else if (what == 1) {
        done += table_.insert(me_, key, key) ? 1 : 0;
      } else {
        done += table_.erase(me_, key) ? 1 : 0;
      }
    }
    return done;
  }

 private:
  static std::uint64_t spread(std::uint64_t key) noexcept { return mix(key) >> 1; }
  std::size_t keys_;
  chain_table<Reclaim> table_;
  typename chain_table<Reclaim>::participant me_;
};

void time_chains(std::vector<std::unique_ptr<timed_chain>>& chains, hazards_result& out) {
  for (unsigned round = 0; round < out.request.rounds && !stopped(); ++round) {
    out.request.progress("chains: round " + std::to_string(round + 1));
    std::vector<double> ns(chains.size());
    std::vector<std::uint64_t> sums(chains.size());
    for (std::size_t i = 0; i < chains.size(); ++i) {
      const std::size_t c = (i + round) % chains.size();
      ns[c] = one_thread_ns([&](std::size_t) {
                sums[c] = chains[c]->mixed(out.request.seed * 1000 + round, out.sizes.calls);
              }) /
              static_cast<double>(out.sizes.calls);
    }
    for (std::size_t c = 0; c < chains.size(); ++c) {
      out.reclaimers[c].ns.push_back(ns[c]);
      out.reclaimers[c].times_unsafe.push_back(ns[c] / ns[0]);
      if (sums[c] != sums[0])
        out.failures.push_back(out.reclaimers[c].name +
                               ": other answers than the unsafe chain on one thread");
    }
  }
}

void measure_chains(hazards_result& out) {
  std::vector<std::unique_ptr<timed_chain>> chains;
  const auto add = [&]<class Reclaim>(std::type_identity<Reclaim>) {
    out.request.progress("schedules: " + std::string{Reclaim::name});
    out.reclaimers.push_back(under_schedules<Reclaim>(out.sizes));
    chains.push_back(std::make_unique<timed_chain_of<Reclaim>>(out.sizes.keys, out.sizes.chains));
  };
  add(std::type_identity<unsafe>{});
  add(std::type_identity<tagged>{});
  add(std::type_identity<hazard>{});
  add(std::type_identity<epoch>{});
#if TOPHASH_LAB_WITH_URCU
  add(std::type_identity<rcu>{});
#endif
  time_chains(chains, out);
#if !TOPHASH_LAB_WITH_URCU
  out.reclaimers.emplace_back();
  out.reclaimers.back().name = "RCU";
  out.reclaimers.back().missing = "liburcu-dev";
#endif
}

// What the schedules must show; anything else is a defect of the lab.
void judge_chains(hazards_result& out) {
  for (const reclaimer_row& r : out.reclaimers) {
    if (!r.missing.empty()) continue;
    const bool is_unsafe = r.name == unsafe::name, counts = r.name == tagged::name;
    if (r.survives_aba == is_unsafe)
      out.failures.push_back(r.name + (is_unsafe ? ": the schedule of ABA did not break it"
                                                 : ": keys were lost under the schedule of ABA"));
    if (r.survives_tag_round == (is_unsafe || counts))
      out.failures.push_back(r.name + ": another outcome than its tag explains after 65,536 changes");
    if ((r.steps_on_freed != 0) != is_unsafe)
      out.failures.push_back(
          r.name + (is_unsafe ? ": no freed node was stepped on" : ": a freed node was stepped on"));
  }
}

// ---- counters ------------------------------------------------------------------------------------

struct timed_counter {
  std::function<void(std::size_t thread, std::size_t additions)> add;
  std::function<std::uint64_t()> sum;
  std::function<void(std::size_t pairs)> erase_and_insert;  // in the map, each counted
};

constexpr std::uint64_t counted_keys = 4096;

template <class Counter, class Map>
timed_counter timed(Map& m) {
  const auto counter = std::make_shared<Counter>();
  return {.add =
              [counter](std::size_t thread, std::size_t additions) {
                for (std::size_t i = 0; i < additions; ++i) counter->add(thread, 1);
              },
          .sum = [counter] { return counter->sum(); },
          .erase_and_insert =
              [counter, &m](std::size_t pairs) {
                for (std::uint64_t k = 0; k < pairs; ++k) {
                  const std::uint64_t key = mix(k % counted_keys);
                  m.erase(key);
                  counter->add(0, ~std::uint64_t{0});
                  m.try_emplace(key, k);
                  counter->add(0, 1);
                }
              }};
}

void measure_counters(hazards_result& out) {
  using map_type = fast_map<std::uint64_t, std::uint64_t>;
  map_type m;
  for (std::uint64_t k = 0; k < counted_keys; ++k) m.try_emplace(mix(k), k);
  const std::vector<timed_counter> kinds = {timed<plain_counter>(m), timed<stored_counter>(m),
                                            timed<atomic_counter>(m), timed<sharded_counter>(m)};
  for (const std::string_view name :
       {plain_counter::name, stored_counter::name, atomic_counter::name, sharded_counter::name}) {
    out.counters.emplace_back();
    out.counters.back().name = name;
  }
  const std::size_t additions = out.sizes.additions, pairs = additions / 8;
  const auto each = [](double ns, std::size_t n) { return ns / static_cast<double>(n); };
  for (unsigned round = 0; round < out.request.rounds && !stopped(); ++round) {
    out.request.progress("counters: round " + std::to_string(round + 1));
    const double uncounted = each(one_thread_ns([&](std::size_t) {
                                    for (std::uint64_t k = 0; k < pairs; ++k) {
                                      const std::uint64_t key = mix(k % counted_keys);
                                      m.erase(key);
                                      m.try_emplace(key, k);
                                    }
                                  }),
                                  pairs);
    out.pair_ns.push_back(uncounted);
    for (std::size_t c = 0; c < kinds.size(); ++c) {
      counter_row& row = out.counters[c];
      row.ns.push_back(each(one_thread_ns([&](std::size_t t) { kinds[c].add(t, additions); }), additions));
      row.times_plain.push_back(row.ns.back() / out.counters[0].ns.back());
      row.times_a_pair.push_back(
          each(one_thread_ns([&](std::size_t) { kinds[c].erase_and_insert(pairs); }), pairs) / uncounted);
    }
    for (std::size_t c = 1; c < kinds.size(); ++c) {
      out.scaling.push_back(spin_scaling());
      if (out.scaling.back() < scales_enough) continue;
      const std::uint64_t before = kinds[c].sum();
      const double took = two_threads_ns([&](std::size_t t) { kinds[c].add(t, additions); });
      const std::uint64_t counted = kinds[c].sum() - before;
      if (spin_scaling() >= scales_enough) out.counters[c].two_ns.push_back(each(took, additions));
      const bool may_lose = out.counters[c].name == stored_counter::name;
      if (!may_lose && counted != 2 * additions)
        out.failures.push_back(out.counters[c].name + ": additions of two threads were lost");
    }
  }
}

// ---- the race ------------------------------------------------------------------------------------

void measure_race(hazards_result& out) {
  if (stopped()) return;
  out.request.progress("races of a delete and a load");
  out.races = out.sizes.races / keys_at_once * keys_at_once;
  out.absent_racing = loads_without_the_key(out.races, joining::no);
  out.absent_joined = loads_without_the_key(out.races, joining::yes);
  if (out.absent_joined != out.races)
    out.failures.emplace_back("a load that began after a delete had ended found the key");
}

}  // namespace

bool hazards_result::two_threads() const {
  return counters.size() > 1 &&
         std::all_of(counters.begin() + 1, counters.end(),
                     [this](const counter_row& c) { return c.two_ns.size() * 3 >= request.rounds; });
}

hazards_result run_hazards(const hazards_request& request, const hazards_sizes& sizes) {
  hazards_result out;
  out.request = request;
  out.sizes = sizes;
  measure_chains(out);
  judge_chains(out);
  measure_counters(out);
  measure_race(out);
  out.interrupted = stopped();
  return out;
}

}  // namespace tophash::lab
