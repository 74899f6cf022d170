// SPDX-License-Identifier: Apache-2.0
// T-B2. Churn at a full load: one entry erased at random, a new key inserted, so that overflow buckets empty
// and are wanted again all the time. Counted, not timed: of the overflow buckets that the map asked its
// source for during the churn, how many came from buckets kept before, and how many requests went on to
// storage. The shared pool is drained as Go's sync.Pool is: at a collection what was kept before the last one goes;
// how many pairs lie between two collections is a parameter of the table.
#include <bit>
#include <string>
#include <type_traits>
#include <vector>

#include <fmt/format.h>

#include <tophash/allocators/system.hpp>
#include <tophash/framework/core/bits.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/deletion/immediate.hpp>
#include <tophash/policies/overflow/fresh.hpp>
#include <tophash/policies/overflow/local_list.hpp>
#include <tophash/policies/overflow/shared_pool.hpp>
#include <tophash/presets.hpp>

#include "lab/reproduce_measure.hpp"
#include "workloads/random.hpp"

namespace tophash::lab {

namespace overflow_parts {
namespace {

struct churn {
  std::size_t buckets, warm_up_pairs, pairs, pairs_per_collection;
  std::uint64_t seed;
};

struct churn_counts {
  std::uint64_t requested = 0, recycled = 0, released = 0, kept = 0;
  std::uint64_t warm_up_requested = 0, warm_up_recycled = 0;
};

template <class Map>
Map made(std::uint64_t seed, overflow::pool& pool) {
  using hashing = typename Map::spec_type::hashing;
  if constexpr (std::is_same_v<typename Map::spec_type::overflow, overflow::shared_pool>) {
    return Map(hashing{seed}, overflow::shared_pool(pool));
  } else {
    return Map(hashing{seed});
  }
}

template <class Map>
churn_counts churned(const churn& c) {
  random_stream random(c.seed);
  overflow::pool pool{allocators::system{}};
  Map m = made<Map>(random.next(), pool);
  m.rehash(c.buckets);
  // One below Go's limit, so that no insert of the churn starts a growth.
  const std::size_t entries = m.stats().limit - 1;
  std::vector<std::uint64_t> live(entries);
  for (std::uint64_t& key : live) m.insert_or_assign(key = random.next(), std::uint64_t{0});
  const auto turn = [&](std::size_t pairs) {
    for (std::size_t i = 0; i < pairs; ++i) {
      std::uint64_t& key = live[static_cast<std::size_t>(random.below(entries))];
      m.erase(key);
      m.insert_or_assign(key = random.next(), i);
      if ((i + 1) % c.pairs_per_collection == 0) pool.collected();
    }
    return m.stats().overflow;
  };
  const overflow_counts filled = m.stats().overflow, warm = turn(c.warm_up_pairs), end = turn(c.pairs);
  if (m.size() != entries || m.stats().units != c.buckets)
    throw claim_error("the churned map lost an entry or grew");
  return {end.requested - warm.requested,    end.recycled - warm.recycled,
          end.released - warm.released,      end.kept + pool.kept(),
          warm.requested - filled.requested, warm.recycled - filled.recycled};
}

// Sources of overflow buckets. Another one is another line.
struct source {
  std::string_view name;
  churn_counts (*run)(const churn&);
};

template <class... Options>
const std::vector<source>& sources_under() {
  using key = std::uint64_t;
  static const std::vector<source> all = {
      {"fresh", &churned<map<key, key, presets::go_like, Options..., overflow::fresh>>},
      {"shared_pool", &churned<map<key, key, presets::go_like, Options..., overflow::shared_pool>>},
      {"local_list", &churned<map<key, key, presets::go_like, Options..., overflow::local_list>>},
  };
  return all;
}

using source_list = const std::vector<source>& (*)();

const std::vector<built_composition<source_list>>& built() {
  static const std::vector<built_composition<source_list>> all = {
      {"go_like,deletion=immediate", &sources_under<deletion::immediate>},
      {"go_like", &sources_under<>},
  };
  return all;
}

void note_counts(const churn_counts& c, const churn& how, std::string_view source_name, std::string_view spec,
                 bool judged, claim_measurement& out) {
  const auto add = [&](std::string_view metric, std::string_view unit, double value) {
    note(out, metric_of(fmt::format("{}.{}", metric, source_name), spec, judged), unit, true, value);
  };
  const auto percent = [](std::uint64_t of, std::uint64_t all) {
    return all == 0 ? 0 : 100 * static_cast<double>(of) / static_cast<double>(all);
  };
  const double requested = static_cast<double>(c.requested), recycled = static_cast<double>(c.recycled);
  add("reuse_percent", "%", percent(c.recycled, c.requested));
  add("warm_up_reuse_percent", "%", percent(c.warm_up_recycled, c.warm_up_requested));
  add("storage_requests", "per 1000 pairs", 1000 * (requested - recycled) / static_cast<double>(how.pairs));
  add("requested", "buckets", requested);
  add("released", "buckets", static_cast<double>(c.released));
  add("kept", "buckets", static_cast<double>(c.kept));
}

void explain(const std::vector<built_composition<source_list>>& variants, claim_measurement& out) {
  for (std::size_t v = 0; v < variants.size(); ++v) {
    for (const source& s : variants[v].run()) {
      const auto value = [&](std::string_view metric) {
        return median_of(out, metric_of(fmt::format("{}.{}", metric, s.name), variants[v].spec, v == 0));
      };
      out.why.push_back(fmt::format(
          "{}, {}: asked for {} overflow buckets, gave back {}; reused {:.1f} %, while warming up {:.1f} %",
          variants[v].spec, s.name, value("requested"), value("released"), value("reuse_percent"),
          value("warm_up_reuse_percent")));
    }
  }
}

}  // namespace
}  // namespace overflow_parts

claim_measurement measure_overflow_sources(const claim_request& request) {
  using namespace overflow_parts;
  churn how{.buckets = std::bit_ceil(whole_parameter(request, "buckets")),
            .warm_up_pairs = whole_parameter(request, "warm_up_pairs"),
            .pairs = whole_parameter(request, "pairs"),
            .pairs_per_collection = whole_parameter(request, "pairs_per_collection"),
            .seed = 0};
  const auto variants = chosen(*request.table, built());
  claim_measurement out;
  for (unsigned round = 0; round < request.rounds && !stop_measuring(); ++round) {
    begin_round(request, round, request.rounds);
    how.seed = next_seed(request.seed + round);
    for (std::size_t v = 0; v < variants.size(); ++v) {
      for (const source& s : variants[v].run())
        note_counts(s.run(how), how, s.name, variants[v].spec, v == 0, out);
    }
    ++out.rounds;
  }
  if (out.rounds == 0) return out;
  out.setting = fmt::format("2^{} buckets at load 6.5, {} pairs of erase and insert of new keys after {}; the pool is "
                            "collected every {} pairs",
                            std::countr_zero(how.buckets), grouped(how.pairs), grouped(how.warm_up_pairs),
                            grouped(how.pairs_per_collection));
  explain(variants, out);
  return out;
}

}  // namespace tophash::lab
