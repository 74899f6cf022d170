// SPDX-License-Identifier: Apache-2.0
// T-A4. One churn of erases and new keys under immediate and under deferred cleaning (dirty entries,
// destroyed in batches of 1,024 seen three times, as the article's section 4.3 has it): operations from an
// erase to the destruction of the entry and to the next use of its slot, entries destroyed at once, buckets a
// lookup looks at.
#include <bit>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>

#include <tophash/framework/core/bits.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/deletion/immediate.hpp>
#include <tophash/policies/deletion/purging.hpp>
#include <tophash/presets.hpp>

#include "lab/reproduce_measure.hpp"
#include "workloads/random.hpp"

namespace tophash::lab {

namespace cleaning_parts {
namespace {

using number = std::uint64_t;

// What became of erased entries, in operations.
struct lives {
  number now = 0;
  std::unordered_map<number, number> erased_at;   // by slot; until the entry is destroyed
  std::unordered_map<number, number> vacated_at;  // by slot; until it is used again
  number destroyed = 0, waited = 0, reused = 0, empty_for = 0;
  number destructions = 0, last_destruction = 0;  // operations that destroyed something
  number lookups = 0, buckets = 0;

  static number slot_id(const events::slot_place& at) noexcept { return at.bucket * 8 + at.slot; }
  void destroy(number erased) noexcept {
    ++destroyed;
    waited += now - erased;
    if (destructions == 0 || last_destruction != now) ++destructions;
    last_destruction = now;
  }
};

template <bool Deferred>
struct life_observer {
  using axis = axes::observe;
  static constexpr std::string_view name = Deferred ? "lives(deferred)" : "lives";
  static constexpr observe_facts facts{.on_const_paths = true};
  lives* log = nullptr;

  void on(const events::probed& e) const noexcept { ++log->lookups, log->buckets += e.buckets; }
  void on(const events::erased& e) noexcept {
    const number id = lives::slot_id(e.at);
    if (!e.at.in_old) log->vacated_at[id] = log->now;
    if (Deferred)
      log->erased_at[id] = log->now;
    else
      log->destroy(log->now);
  }
  // A slot is told by its address. When its bucket goes, the slot is not used again: what the allocator puts
  // there next hangs on the process, and is another slot.
  void on(const events::overflow_released& e) noexcept {
    for (std::size_t slot = 0; slot < 8; ++slot)
      log->vacated_at.erase(lives::slot_id({.bucket = e.bucket, .slot = slot}));
  }
  void on(const events::growth_started&) noexcept { log->vacated_at.clear(); }
  void on(const events::swept& e) noexcept { gone(e.at); }
  void on(const events::retired& e) noexcept { gone(e.at); }
  void on(const events::inserted& e) noexcept {
    const auto found = log->vacated_at.find(lives::slot_id(e.at));
    if (found == log->vacated_at.end()) return;
    ++log->reused;
    log->empty_for += log->now - found->second;
    log->vacated_at.erase(found);
  }

 private:
  void gone(const events::slot_place& at) noexcept {
    const auto found = log->erased_at.find(lives::slot_id(at));
    if (found == log->erased_at.end()) return;
    log->destroy(found->second);
    log->erased_at.erase(found);
  }
};

struct cleaning {
  std::size_t buckets, pairs;
  number seed;
};

template <class Deletion, bool Deferred>
void churned(const cleaning& how, const std::string& name, claim_measurement& out) {
  using subject = map<number, number, presets::go_like, Deletion, iteration::plain, life_observer<Deferred>>;
  lives log;
  random_stream random(how.seed);
  subject m(typename subject::spec_type::hashing{random.next()}, life_observer<Deferred>{.log = &log});
  m.rehash(how.buckets);
  std::vector<number> live(how.buckets * 4);
  for (number& key : live) m.insert_or_assign(key = random.next(), number{0});
  for (std::size_t i = 0; i < how.pairs; ++i) {
    number& key = live[static_cast<std::size_t>(random.below(live.size()))];
    ++log.now;
    m.erase(key);
    ++log.now;
    m.insert_or_assign(key = random.next(), number{0});
  }
  if (m.size() != live.size()) throw claim_error("T-A4: the churned map lost an entry");
  log.lookups = log.buckets = 0;
  number found = 0;
  for (const number key : live) found += m.contains(key) ? 1u : 0u;
  if (found != live.size()) throw claim_error("T-A4: the churned map lost an entry");
  const auto mean = [](number sum, number of) {
    return of == 0 ? 0 : static_cast<double>(sum) / static_cast<double>(of);
  };
  const auto add = [&](const char* metric, const char* unit, double value) {
    note(out, metric + ("." + name), unit, true, value);
  };
  add("operations_to_destruction", "operations", mean(log.waited, log.destroyed));
  add("operations_to_reuse", "operations", mean(log.empty_for, log.reused));
  add("destroyed_at_once", "entries", mean(log.destroyed, log.destructions));
  add("buckets_per_lookup", "buckets", mean(log.buckets, log.lookups));
}

}  // namespace
}  // namespace cleaning_parts

claim_measurement measure_cleaning(const claim_request& request) {
  using namespace cleaning_parts;
  using deferred = deletion::purging<deletion::dirty, deletion::batch<1024, 3>>;
  static const std::vector<built_composition<int>> built = {
      {"go_like,deletion=immediate", 0}, {"go_like,deletion=purging(dirty,batch(1024,3))", 1}};
  static_cast<void>(chosen(*request.table, built));
  cleaning how{.buckets = std::bit_ceil(whole_parameter(request, "buckets")),
               .pairs = whole_parameter(request, "pairs"),
               .seed = 0};
  claim_measurement out;
  for (unsigned round = 0; round < request.rounds && !stop_measuring(); ++round) {
    begin_round(request, round, request.rounds);
    how.seed = next_seed(request.seed + round);
    churned<deletion::immediate, false>(how, "immediate", out);
    churned<deferred, true>(how, "deferred", out);
    ++out.rounds;
  }
  if (out.rounds == 0) return out;
  out.setting = fmt::format("2^{} buckets at load 4, {} pairs of erase and insert of new keys",
                            std::countr_zero(how.buckets), grouped(how.pairs));
  for (const char* name : {"immediate", "deferred"}) {
    const auto median = [&](const char* metric) {
      return median_of(out, metric + (std::string{"."} + name));
    };
    out.why.push_back(fmt::format("{}: an erased entry is destroyed {:.0f} operations later, {:.1f} at once; "
                                  "its slot is used again after "
                                  "{:.0f}; a lookup looks at {:.3f} buckets",
                                  name, median("operations_to_destruction"), median("destroyed_at_once"),
                                  median("operations_to_reuse"), median("buckets_per_lookup")));
  }
  return out;
}

}  // namespace tophash::lab
