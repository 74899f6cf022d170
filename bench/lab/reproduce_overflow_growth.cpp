// SPDX-License-Identifier: Apache-2.0
// T-D2. Overflow buckets of go_like as the load rises under a real hash; and with keys that all fall into one
// bucket, which takes a hash that the adversary knows: hashing::identity, where Go has a seed. The same adversary
// against wyhash without a seed, for which such keys are found by trying, and with one; each map as a picture.
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <tophash/map.hpp>
#include <tophash/policies/hashing/identity.hpp>
#include <tophash/policies/hashing/seeded.hpp>
#include <tophash/policies/hashing/wyhash.hpp>
#include <tophash/presets.hpp>

#include "lab/reproduce_measure.hpp"
#include "workloads/random.hpp"

namespace tophash::lab {

namespace overflow_growth_parts {
namespace {

using good_map = map<std::uint64_t, std::uint64_t, presets::go_like>;
using known_map = map<std::uint64_t, std::uint64_t, presets::go_like, hashing::identity>;

void note_uniform(std::size_t buckets, std::uint64_t seed, claim_measurement& out) {
  random_stream random(seed);
  good_map m(typename good_map::spec_type::hashing{random.next()});
  m.rehash(buckets);
  const auto units = static_cast<double>(buckets);
  for (const auto& [load, name] : {std::pair{3.25, "3.25"}, {4.0, "4.0"}, {6.5, "6.5"}}) {
    while (static_cast<double>(m.size() + 1) <= load * units)
      m.insert_or_assign(random.next(), std::uint64_t{0});
    if (m.stats().units != buckets) throw claim_error("T-D2: the map grew below its limit");
    const chain_shape shape = m.chain_statistics();
    note(out, std::string{"overflow_percent.uniform."} + name, "%", true,
         100 * static_cast<double>(shape.units_with_overflow) / units);
    if (load > 6)
      note(out, "overflow_per_bucket.uniform", "x", true,
           static_cast<double>(shape.overflow_buckets) / units);
  }
}

void note_built(std::size_t keys, claim_measurement& out) {
  known_map m;
  const auto note_chains = [&](const char* name) {
    while (m.stats().growing) m.erase(1);
    note(out, std::string{"overflow_buckets.built."} + name, "x", true,
         static_cast<double>(m.chain_statistics().overflow_buckets));
  };
  for (std::uint64_t n = 0; n < keys; ++n) {
    m.insert_or_assign(n << 32, n);  // the low bits choose the bucket
    if (n + 1 == keys / 2) note_chains("half");
  }
  note_chains("all");
  const chain_shape shape = m.chain_statistics();
  note(out, "overflow_per_bucket.built", "x", true,
       static_cast<double>(shape.overflow_buckets) / static_cast<double>(shape.units));
  note(out, "longest_chain.built", "entries", true, static_cast<double>(shape.longest_chain_entries));
}

// ---- an adversary against a hash with a seed and without

// The inside of a container is its own; a class derived from it may look.
template <class Hashing>
struct looked_into : map<std::uint64_t, std::uint64_t, presets::go_like, Hashing> {
  using base = map<std::uint64_t, std::uint64_t, presets::go_like, Hashing>;
  using base::base;
  using inside = table::container<std::uint64_t, std::uint64_t, typename base::spec_type>;
  std::vector<std::size_t> entries_by_bucket() const {
    const auto& s = this->inside::s_;
    std::vector<std::size_t> out;
    s.current.for_each_home([&](const auto* home) {
      std::size_t entries = 0;
      for (const auto* b = home; b != nullptr; b = s.current.links.next(b))
        entries += static_cast<std::size_t>(std::popcount(inside::model::live(b)));
      out.push_back(entries);
    });
    return out;
  }
};

std::vector<std::uint64_t> random_keys(std::size_t count, random_stream& random) {
  std::vector<std::uint64_t> out(count);
  for (std::uint64_t& key : out) key = random.next();
  return out;
}

// Keys whose places under a hash without a seed share their low bits.
std::vector<std::uint64_t> keys_of_one_bucket(std::size_t count, std::size_t buckets) {
  const hashing::wyhash known;
  std::vector<std::uint64_t> out;
  for (std::uint64_t key = 0; out.size() < count; ++key) {
    if ((position_hash<std::uint64_t>(known, known.hash(key)) & (buckets - 1)) == 0) out.push_back(key);
  }
  return out;
}

template <class Hashing>
void note_attack(const Hashing& hashing, const std::vector<std::uint64_t>& keys, std::string_view name,
                 std::string title, bool drawn, claim_measurement& out) {
  looked_into<Hashing> m(hashing);
  for (const std::uint64_t key : keys) m.insert_or_assign(key, key);
  while (m.stats().growing) m.erase(~std::uint64_t{0});
  note(out, fmt::format("longest_chain.{}", name), "entries", true,
       static_cast<double>(m.chain_statistics().longest_chain_entries));
  if (drawn) out.heat.push_back({std::move(title), m.entries_by_bucket()});
}

void note_attacks(std::size_t count, std::uint64_t seed, bool drawn, claim_measurement& out) {
  random_stream random(seed);
  const std::vector<std::uint64_t> usual = random_keys(count, random);
  const std::vector<std::uint64_t> built = keys_of_one_bucket(count, std::bit_ceil(count));
  const hashing::wyhash known;
  const hashing::seeded<hashing::wyhash> seeded(random.next());
  note_attack(known, usual, "no_seed.usual", "wyhash, no seed: random keys", drawn, out);
  note_attack(known, built, "no_seed.built", "wyhash, no seed: the adversary's keys", drawn, out);
  note_attack(seeded, usual, "seed.usual", "seeded(wyhash): random keys", drawn, out);
  note_attack(seeded, built, "seed.built", "seeded(wyhash): the adversary's keys", drawn, out);
}

}  // namespace
}  // namespace overflow_growth_parts

claim_measurement measure_overflow_growth(const claim_request& request) {
  using namespace overflow_growth_parts;
  static const std::vector<built_composition<int>> built = {{"go_like", 0}};
  static_cast<void>(chosen(*request.table, built));
  const std::size_t buckets = std::bit_ceil(whole_parameter(request, "buckets"));
  const std::size_t keys = whole_parameter(request, "built_keys");
  claim_measurement out;
  for (unsigned round = 0; round < request.rounds && !stop_measuring(); ++round) {
    begin_round(request, round, request.rounds);
    note_uniform(buckets, next_seed(request.seed + round), out);
    note_built(keys, out);
    note_attacks(keys, next_seed(request.seed + round), round == 0, out);
    ++out.rounds;
  }
  if (out.rounds == 0) return out;
  out.setting = fmt::format("2^{} buckets under a real hash; {} keys of one bucket under a known one",
                            std::countr_zero(buckets), grouped(keys));
  const auto median = [&out](const char* metric) { return median_of(out, metric); };
  out.why.push_back(
      fmt::format("buckets with overflow at loads 3.25, 4.0 and 6.5: {:.2f}, {:.2f} and {:.2f} %",
                  median("overflow_percent.uniform.3.25"), median("overflow_percent.uniform.4.0"),
                  median("overflow_percent.uniform.6.5")));
  out.why.push_back(
      fmt::format("built collisions: one chain of {} entries; half the keys gave {} overflow buckets, "
                  "all {}: one for every eight keys",
                  median("longest_chain.built"), median("overflow_buckets.built.half"),
                  median("overflow_buckets.built.all")));
  out.why.push_back(
      fmt::format("{} keys that collide under wyhash without a seed: the longest chain has {} entries, with a seed that "
                  "the adversary does not know {}; of random keys {} and {}",
                  grouped(keys), median("longest_chain.no_seed.built"), median("longest_chain.seed.built"),
                  median("longest_chain.no_seed.usual"), median("longest_chain.seed.usual")));
  return out;
}

}  // namespace tophash::lab
