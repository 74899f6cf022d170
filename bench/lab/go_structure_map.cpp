// SPDX-License-Identifier: Apache-2.0
// tophash's half of go_structure: bench/go/structure.go, line for line.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

#include <tophash/map.hpp>
#include <tophash/presets.hpp>
#include <tophash/set.hpp>

#include "lab/clock.hpp"
#include "lab/experiment.hpp"
#include "lab/go_structure.hpp"
#include "lab/measure.hpp"
#include "workloads/random.hpp"

namespace tophash::lab {

namespace {

// The inside of a container is its own; a class derived from it may look.
template <class Container, class T>
struct opened : Container {
  using Container::Container;
  using inside = table::container<typename Container::key_type, T, typename Container::spec_type>;
  using model = typename inside::model;
  const auto& table() const noexcept { return this->inside::s_; }
};

template <class Key, class T, class... Options>
using opened_map = opened<map<Key, T, presets::go_like, Options...>, T>;
using subject = opened_map<std::uint64_t, std::uint64_t>;
using model = subject::model;
using bucket = model::bucket;

constexpr std::size_t slots_in_bucket = 8, thresholds_to = 14, chain_keys = 19;
constexpr std::size_t hints[] = {0,  1,   8,   9,   13,  14,   26,      27,       52,
                                 53, 104, 105, 208, 209, 1000, 100'000, 1'000'000};
constexpr std::size_t deletes_in_bucket[] = {3, 7, 6, 5, 0, 4, 2, 1};
constexpr std::size_t deletes_in_chain[] = {18, 16, 17, 7, 9, 15, 14, 13, 12, 11, 10, 8, 6, 0, 1, 2, 3, 4, 5};
constexpr std::size_t holes_in_chain[] = {3, 10, 12};
constexpr std::size_t evacuated_units = 256, many_old_units = 16'384;
constexpr int evacuating_operations = 80;

class notes {
 public:
  void add(const std::string& name, const char* unit, bool exact, double value) {
    measured_metric& m = sample_[name];
    m.unit = unit, m.exact = exact;
    m.rounds.push_back(value);
  }
  void exact(const std::string& name, const char* unit, std::size_t value) {
    add(name, unit, true, static_cast<double>(value));
  }
  measured_sample take() { return std::move(sample_); }

 private:
  measured_sample sample_;
};

std::string two_digits(std::size_t n) { return (n < 10 ? "0" : "") + std::to_string(n); }

std::string one_decimal(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", x);
  return text;
}

// ---- states -------------------------------------------------------------------------------------

std::vector<bucket*> chain_of(const subject& m, std::size_t index) {
  std::vector<bucket*> out;
  for (bucket* b = m.table().current.at(index); b != nullptr; b = b->link) out.push_back(b);
  return out;
}

// A bucket's eight states as decimal digits: 0 empty_rest, 1 empty_one, 2 3 4 moved, 5 an entry.
double states_of(const bucket* b) {
  double out = 0;
  for (const std::uint8_t tag : b->tags) out = 10 * out + (tag >= model::first_live ? 5 : tag);
  return out;
}

void note_states(const subject& m, const std::string& name, notes& out) {
  const std::vector<bucket*> chain = chain_of(m, 0);
  for (std::size_t i = 0; i < chain.size(); ++i)
    out.add(name + ".bucket" + std::to_string(i), "states", true, states_of(chain[i]));
}

std::vector<std::uint64_t> keys_of_first_chain(const subject& m) {
  std::vector<std::uint64_t> out;
  for (bucket* const b : chain_of(m, 0)) {
    for (std::size_t i = 0; i < slots_in_bucket; ++i) {
      if (model::is_live(b->tags[i])) out.push_back(model::key({b, i}));
    }
  }
  return out;
}

constexpr std::size_t nowhere = std::numeric_limits<std::size_t>::max();

std::size_t place_of(const subject& m, std::uint64_t key) {
  std::size_t place = 0;
  for (bucket* const b : chain_of(m, 0)) {
    for (std::size_t i = 0; i < slots_in_bucket; ++i, ++place) {
      if (model::is_live(b->tags[i]) && model::key({b, i}) == key) return place;
    }
  }
  return nowhere;
}

std::size_t land_in_first_chain(subject& m, random_stream& random) {
  for (;;) {
    const std::uint64_t key = random.next();
    m.insert_or_assign(key, key);
    if (const std::size_t place = place_of(m, key); place != nowhere) return place;
    m.erase(key);
  }
}

void note_thresholds(notes& out) {
  subject m;
  std::size_t before = 1;
  for (std::uint64_t i = 1; before < std::size_t{1} << thresholds_to; ++i) {
    m.insert_or_assign(i, i);
    if (m.bucket_count() == before) continue;
    before = m.bucket_count();
    out.exact("grows_to." + std::to_string(before), "entries", m.size());
  }
}

void note_hints(notes& out) {
  for (const std::size_t n : hints) {
    subject m(n);
    m.insert_or_assign(1u, 1u);
    out.exact("buckets_for_hint." + std::to_string(n), "buckets", m.bucket_count());
  }
}

void note_state_scripts(random_stream& random, notes& out) {
  subject one;
  for (std::uint64_t i = 0; i < slots_in_bucket; ++i) one.insert_or_assign(i, i);
  note_states(one, "states.bucket.full", out);
  std::vector<std::uint64_t> keys = keys_of_first_chain(one);
  std::size_t step = 0;
  for (const std::size_t slot : deletes_in_bucket) {
    if (slot < keys.size()) one.erase(keys[slot]);
    note_states(one, "states.bucket." + two_digits(step++), out);
  }

  const auto fill_chain = [&random](subject& m) {
    while (land_in_first_chain(m, random) != chain_keys - 1) {
    }
  };
  subject chain(1000);
  fill_chain(chain);
  note_states(chain, "states.chain.full", out);
  keys = keys_of_first_chain(chain);
  step = 0;
  for (const std::size_t slot : deletes_in_chain) {
    chain.erase(keys[slot]);
    note_states(chain, "states.chain." + two_digits(step++), out);
  }
  subject holes(1000);
  fill_chain(holes);
  keys = keys_of_first_chain(holes);
  for (const std::size_t slot : holes_in_chain) holes.erase(keys[slot]);
  for (std::size_t i = 0; i <= std::size(holes_in_chain); ++i) {
    out.exact("reused_place." + std::to_string(i), "slots", land_in_first_chain(holes, random));
    note_states(holes, "states.reused." + std::to_string(i), out);
  }
}

void note_emptied(random_stream& random, notes& out) {
  constexpr std::size_t entries = 50'000;
  subject m;
  std::vector<std::uint64_t> keys(entries);
  for (std::uint64_t& key : keys) m.insert_or_assign(key = random.next(), 1u);
  while (m.stats().growing) m.insert_or_assign(keys.front(), 1u);
  const std::size_t before = m.chain_statistics().overflow_buckets;
  for (const std::uint64_t key : keys) m.erase(key);
  out.exact("emptied.buckets", "buckets", m.bucket_count());
  out.add("emptied.overflow_given_back", "buckets", true,
          static_cast<double>(before) - static_cast<double>(m.chain_statistics().overflow_buckets));
  std::size_t ones = 0;
  for (std::size_t i = 0; i < m.bucket_count(); ++i) {
    for (const bucket* const b : chain_of(m, i))
      ones += static_cast<std::size_t>(std::count(std::begin(b->tags), std::end(b->tags), model::empty_one));
  }
  out.exact("emptied.tombstones", "slots", ones);
  for (const std::uint64_t key : keys) m.insert_or_assign(key, 1u);
  m.clear();
  out.exact("cleared.buckets", "buckets", m.bucket_count());
}

template <class Key, class T>
std::size_t bucket_bytes() {
  if constexpr (std::is_void_v<T>) {
    return sizeof(typename opened<set<Key, presets::go_like>, void>::model::bucket);
  } else {
    return sizeof(typename opened_map<Key, T>::model::bucket);
  }
}

void note_geometry(notes& out) {
  const auto note = [&out](const char* name, std::size_t bytes) {
    out.exact(std::string{"bucket_bytes."} + name, "bytes", bytes);
  };
  note("u8_u8", bucket_bytes<std::uint8_t, std::uint8_t>());
  note("u32_u32", bucket_bytes<std::uint32_t, std::uint32_t>());
  note("u64_u32", bucket_bytes<std::uint64_t, std::uint32_t>());
  note("u64_u64", bucket_bytes<std::uint64_t, std::uint64_t>());
  note("u64_nothing", bucket_bytes<std::uint64_t, void>());
  note("u64_128_bytes", bucket_bytes<std::uint64_t, std::array<std::uint8_t, 128>>());
  note("u64_129_bytes", bucket_bytes<std::uint64_t, std::array<std::uint8_t, 129>>());
}

// ---- evacuation ---------------------------------------------------------------------------------

std::size_t evacuated_of(const subject& m, std::size_t old_units) {
  const auto& t = m.table();
  if (!t.growing()) return old_units;
  std::size_t done = 0;
  for (std::size_t i = 0; i < old_units; ++i) done += model::is_moved(t.old.at(i)->tags[0]) ? 1 : 0;
  return done;
}

std::vector<std::uint64_t> begin_to_grow(subject& m, std::size_t units, random_stream& random) {
  std::vector<std::uint64_t> keys;
  while (m.bucket_count() <= units) m.insert_or_assign(keys.emplace_back(random.next()), 1u);
  return keys;
}

volatile std::uint64_t found_sum = 0;

void note_evacuation(random_stream& random, notes& out) {
  using keys_type = std::vector<std::uint64_t>;
  const auto any_of = [&random](const keys_type& keys) {
    return keys[static_cast<std::size_t>(random.below(keys.size()))];
  };
  const auto note = [&](const std::string& name, const auto& act) {
    subject m;
    const keys_type keys = begin_to_grow(m, evacuated_units, random);
    std::size_t done = evacuated_of(m, evacuated_units);
    const std::string at = "evacuated_by." + name;
    out.exact(at + ".at_start", "chains", done);
    std::size_t least = evacuated_units, most = 0;
    for (int i = 0; i < evacuating_operations; ++i) {
      act(m, keys);
      const std::size_t now = evacuated_of(m, evacuated_units);
      least = std::min(least, now - done), most = std::max(most, now - done);
      done = now;
    }
    out.exact(at + ".least", "chains", least);
    out.exact(at + ".most", "chains", most);
  };
  note("update", [&](subject& m, const keys_type& keys) { m.insert_or_assign(any_of(keys), 2u); });
  note("insert", [&](subject& m, const keys_type&) { m.insert_or_assign(random.next(), 2u); });
  note("erase", [&](subject& m, const keys_type& keys) { m.erase(any_of(keys)); });
  note("erase_absent", [&](subject& m, const keys_type&) { m.erase(random.next()); });
  note("look_up", [&](subject& m, const keys_type& keys) { found_sum = found_sum + m.count(any_of(keys)); });
  note("look_up_absent",
       [&](subject& m, const keys_type&) { found_sum = found_sum + m.count(random.next()); });
  note("iterate", [&](subject& m, const keys_type&) {
    std::uint64_t sum = 0;
    for (const auto& entry : m) sum += entry.second;
    found_sum = found_sum + sum;
  });
}

void note_growth_writes(random_stream& random, notes& out) {
  subject m;
  const std::vector<std::uint64_t> keys = begin_to_grow(m, many_old_units, random);
  std::size_t writes = 0;
  for (; m.stats().growing; ++writes)
    m.insert_or_assign(keys[static_cast<std::size_t>(random.below(keys.size()))], 2u);
  out.add("writes_to_evacuate", "% of old buckets", false,
          100 * static_cast<double>(writes) / static_cast<double>(many_old_units));
}

// ---- shapes -------------------------------------------------------------------------------------

void note_shape(const subject& m, const std::string& name, notes& out) {
  const chain_shape shape = m.chain_statistics();
  const auto units = static_cast<double>(shape.units);
  out.add("overflow_share." + name, "% of buckets", false,
          100 * static_cast<double>(shape.units_with_overflow) / units);
  out.add("hit_probe." + name, "slots", false,
          static_cast<double>(shape.hit_probes) / static_cast<double>(shape.entries));
  out.add("chain_buckets." + name, "buckets", false,
          (units + static_cast<double>(shape.overflow_buckets)) / units);
  out.add("longest_chain." + name, "entries", false,
          static_cast<double>(shape.longest_chain_entries));
}

void note_loads(std::size_t units, random_stream& random, notes& out) {
  subject m(units * 13 / 2);
  for (const double load : {4.0, 5.0, 6.0, 6.5}) {
    while (static_cast<double>(m.size()) < load * static_cast<double>(units))
      m.insert_or_assign(random.next(), 1u);
    if (m.bucket_count() != units)
      throw command_error(exit_check_failed, "go_structure: go_like has " + std::to_string(m.bucket_count()) +
                                                 " buckets at load " + one_decimal(load) + ", not " +
                                                 std::to_string(units));
    note_shape(m, one_decimal(load), out);
  }
}

// The first growth to the same size comes once there are as many overflow buckets as buckets. How many pairs that
// takes varies; the shape so many pairs after it does not.
void note_churn(const structure_sizes& sizes, random_stream& random, notes& out) {
  for (const std::string pattern : {"same_keys", "rotation", "new_keys"}) {
    subject m(sizes.churn_buckets * 13 / 2);
    std::vector<std::uint64_t> live(sizes.churn_buckets * 64 / 10);
    for (std::uint64_t& key : live) m.insert_or_assign(key = random.next(), 1u);
    std::uint64_t spare = random.next();
    const bool grows = pattern == "new_keys";
    std::size_t first_growth = 0;
    for (std::size_t i = 0, end = grows ? 8 * sizes.churn_pairs : sizes.churn_pairs; i < end; ++i) {
      std::uint64_t& key = live[static_cast<std::size_t>(random.below(live.size()))];
      m.erase(key);
      if (pattern == "rotation") std::swap(key, spare);
      if (pattern == "new_keys") key = random.next();
      m.insert_or_assign(key, 1u);
      if (grows && first_growth == 0 && m.stats().regrows != 0) {
        first_growth = i + 1;
        end = first_growth + sizes.churn_pairs_after_growth;
      }
    }
    while (m.stats().growing) m.insert_or_assign(live.front(), 1u);
    note_shape(m, "churn_" + pattern, out);
    out.exact("same_size_growths.churn_" + pattern, "growths", m.stats().regrows);
    if (grows)
      out.add("first_same_size_growth.churn_" + pattern, "% of the pairs", false,
              100 * static_cast<double>(first_growth) / static_cast<double>(sizes.churn_pairs));
    out.exact("buckets.churn_" + pattern, "buckets", m.bucket_count());
  }
}

void note_latency(std::size_t entries, random_stream& random, notes& out) {
  subject m;
  std::vector<std::uint64_t> ns(entries);
  const std::uint64_t cpu = thread_cpu_ns();
  std::uint64_t last = wall_ns();
  for (std::uint64_t& one : ns) {
    m.insert_or_assign(random.next(), 1u);
    const std::uint64_t now = wall_ns();
    one = now - last;
    last = now;
  }
  out.add("insert_ns.mean", "ns", false,
          static_cast<double>(thread_cpu_ns() - cpu) / static_cast<double>(entries));
  std::sort(ns.begin(), ns.end());
  const auto quantile = [&ns](double share) {
    return static_cast<double>(
        ns[static_cast<std::size_t>(std::ceil(share * static_cast<double>(ns.size()))) - 1]);
  };
  out.add("insert_ns.p50", "ns", false, quantile(0.5));
  out.add("insert_ns.p99_9", "ns", false, quantile(0.999));
  out.add("insert_ns.longest", "ns", false, static_cast<double>(ns.back()));
}

}  // namespace

measured_sample measure_go_like(std::uint64_t seed, unsigned rounds, const structure_sizes& sizes,
                                const std::function<void(const std::string&)>& progress) {
  notes out;
  for (unsigned round = 0; round < rounds; ++round) {
    if (interrupt_requested.load(std::memory_order_relaxed))
      throw command_error(exit_interrupted, "go_structure: interrupted after " + std::to_string(round) + " of " +
                                                std::to_string(rounds) + " rounds: nothing is compared");
    progress("go_like, round " + std::to_string(round + 1) + " of " + std::to_string(rounds));
    random_stream random(next_seed(seed + round));
    if (round == 0) {
      note_thresholds(out);
      note_hints(out);
      note_geometry(out);
      note_state_scripts(random, out);
      note_emptied(random, out);
      note_evacuation(random, out);
    }
    note_growth_writes(random, out);
    note_loads(sizes.buckets, random, out);
    note_churn(sizes, random, out);
    note_latency(sizes.latency_entries, random, out);
  }
  return out.take();
}

}  // namespace tophash::lab
