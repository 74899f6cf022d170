// SPDX-License-Identifier: Apache-2.0
// T-B9. An iterator and a snapshot of go_like, begun in the middle of a growth; at each of their steps one
// entry that is not reached yet is erased and a new one inserted. Counted: entries missed and met twice of
// those that were there all the time, met although erased, and what beginning costs.
#include <algorithm>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>

#include <tophash/framework/core/bits.hpp>
#include <tophash/framework/snapshot.hpp>
#include <tophash/map.hpp>
#include <tophash/presets.hpp>

#include "lab/reproduce_measure.hpp"
#include "workloads/random.hpp"

namespace tophash::lab {

namespace iterators_parts {
namespace {

using number = std::uint64_t;
using subject = map<number, number, presets::go_like>;

struct walked {
  std::unordered_map<number, unsigned> met;
  std::unordered_map<number, bool> gone;  // erased, by key
  number erased_seen = 0;
};

// Some 2^k buckets, the growth to twice as many begun and half done.
subject half_grown(std::size_t buckets, random_stream& random, std::vector<number>& keys) {
  subject m(typename subject::spec_type::hashing{random.next()});
  while (m.stats().units <= buckets) m.insert_or_assign(keys.emplace_back(random.next()), number{0});
  const number begun = m.stats().evacuated_chains;
  while (m.stats().growing && m.stats().evacuated_chains - begun < buckets / 2) m.erase(random.next());
  return m;
}

// At a step: the entry under the walk is met, another one goes, a new one comes.
void step(subject& m, number key, const std::vector<number>& keys, random_stream& random, walked& w) {
  ++w.met[key];
  w.erased_seen += w.gone[key] ? 1u : 0u;
  const number other = keys[static_cast<std::size_t>(random.below(keys.size()))];
  if (w.met.count(other) == 0 && m.erase(other) == 1) w.gone[other] = true;
  m.insert_or_assign(random.next(), number{1});
}

void note_walk(const walked& w, const std::vector<number>& keys, const std::string& name,
               claim_measurement& out) {
  number missed = 0, repeated = 0;
  for (const number key : keys) {
    const auto met = w.met.find(key);
    const auto gone = w.gone.find(key);
    const bool stayed = gone == w.gone.end() || !gone->second;
    missed += stayed && met == w.met.end() ? 1u : 0u;
    repeated += met != w.met.end() && met->second > 1 ? 1u : 0u;
  }
  const auto add = [&](const char* metric, number value) {
    note(out, metric + ("." + name), "entries", true, static_cast<double>(value));
  };
  add("missed", missed);
  add("repeated", repeated);
  add("erased_seen", w.erased_seen);
}

}  // namespace
}  // namespace iterators_parts

claim_measurement measure_iterators(const claim_request& request) {
  using namespace iterators_parts;
  static const std::vector<built_composition<int>> built = {{"go_like", 0}};
  static_cast<void>(chosen(*request.table, built));
  const std::size_t buckets = whole_parameter(request, "buckets");
  claim_measurement out;
  for (unsigned round = 0; round < request.rounds && !stop_measuring(); ++round) {
    begin_round(request, round, request.rounds);
    random_stream random(next_seed(request.seed + round));
    {
      std::vector<number> keys;
      subject m = half_grown(buckets, random, keys);
      const number before = m.stats().evacuated_chains;
      auto at = m.begin();
      note(out, "moved_by_begin.live", "%", true,
           100 * static_cast<double>(m.stats().evacuated_chains - before) / static_cast<double>(buckets / 2));
      walked w;
      for (; at != m.end(); ++at) {
        const number key = at->first;
        step(m, key, keys, random, w);
      }
      note_walk(w, keys, "live", out);
    }
    std::vector<number> keys;
    subject m = half_grown(buckets, random, keys);
    const auto entries = snapshot(m);
    walked w;
    std::size_t held = 0;
    for (const auto& entry : entries) {
      ++held;
      step(m, entry.first, keys, random, w);
    }
    note_walk(w, keys, "snapshot", out);
    note(out, "held_by_snapshot", "bytes", true, static_cast<double>(held * 2 * sizeof(number)));
    ++out.rounds;
  }
  if (out.rounds == 0) return out;
  out.setting =
      fmt::format("begun half way from {} buckets to twice as many; an erase and an insert at each step",
                  grouped(buckets));
  for (const char* name : {"live", "snapshot"}) {
    const auto median = [&](const char* metric) {
      return median_of(out, metric + (std::string{"."} + name));
    };
    out.why.push_back(fmt::format("{}: missed {}, met twice {}, met although erased {}", name,
                                  median("missed"), median("repeated"), median("erased_seen")));
  }
  out.why.push_back(
      fmt::format("beginning moves {:.0f} % of the chains that are left to move; a snapshot holds {} "
                  "bytes of copies",
                  median_of(out, "moved_by_begin.live"), median_of(out, "held_by_snapshot")));
  return out;
}

}  // namespace tophash::lab
