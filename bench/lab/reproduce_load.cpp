// SPDX-License-Identifier: Apache-2.0
// T-B1. A load is a number of entries a bucket, so the number of buckets is fixed and the entries follow: the
// published million of keys would give a load of 3.81 whatever else is done (measured too). load<8> lets the
// map hold loads past Go's 6.5. Lookups are hits in random order; time is the thread's CPU time.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <tophash/framework/core/bits.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/load/load.hpp>
#include <tophash/presets.hpp>

#include "lab/clock.hpp"
#include "lab/reproduce_measure.hpp"
#include "workloads/random.hpp"

namespace tophash::lab {

namespace load_parts {
namespace {

using loaded_map = map<std::string_view, std::int64_t, presets::go_like, load<8>>;
using hashing_type = loaded_map::spec_type::hashing;

constexpr std::array<double, 4> loads = {5.0, 6.5, 7.0, 7.2};
constexpr std::size_t key_bytes = 16, passes = 5;

std::vector<std::string> random_texts(std::size_t count, random_stream& random) {
  static constexpr std::string_view letters =
      "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
  std::vector<std::string> out;
  out.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    std::string text(key_bytes, ' ');
    std::uint64_t bits = 0;
    for (std::size_t k = 0; k < key_bytes; ++k, bits >>= 6) {
      if (k % 8 == 0) bits = random.next();
      text[k] = letters[bits & 63u];
    }
    out.push_back(std::move(text));
  }
  return out;
}

// Entries of each main bucket, by walking the map. A map that was only ever filled has no gaps in its chains.
std::vector<std::uint32_t> entries_by_bucket(const loaded_map& m) {
  std::vector<std::uint32_t> out(m.stats().units);
  const loaded_map::spec_type::sizing::mapper mapper{out.size()};
  for (auto it = m.begin(); it != m.end(); ++it) {
    const std::uint64_t hash =
        position_hash<std::string_view>(m.hashing_policy(), m.prehash(it->first).unseeded());
    ++out[mapper.index(hash)];
  }
  return out;
}

// The smallest value that at least `share` of the buckets do not exceed.
double quantile(std::vector<std::uint32_t>& values, double share) {
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size()))) - 1;
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(rank), values.end());
  return values[rank];
}

constexpr std::uint32_t buckets_for(std::uint32_t entries) noexcept {
  return entries <= 8 ? 1u : (entries + 7) / 8;
}

TOPHASH_NOINLINE std::uint64_t look_up_all(const loaded_map& m, const std::vector<std::string_view>& keys) {
  std::uint64_t sum = 0;
  for (const std::string_view key : keys) sum += static_cast<std::uint64_t>(m.find(key)->second) + 1;
  return sum;
}

std::string at(std::string_view metric, double load) { return fmt::format("{}.{:.1f}", metric, load); }

struct loaded {
  double load = 0;
  loaded_map map;
  std::vector<std::string_view> looked_up;
  double ns = std::numeric_limits<double>::infinity();
};

std::unique_ptr<loaded> fill_to(double load, std::size_t buckets, const std::vector<std::string>& texts,
                                random_stream& random) {
  const auto entries = static_cast<std::size_t>(load * static_cast<double>(buckets));
  auto out = std::make_unique<loaded>(
      loaded{.load = load,
             .map = loaded_map(hashing_type{random.next()}),
             .looked_up = {texts.begin(), texts.begin() + static_cast<std::ptrdiff_t>(entries)}});
  out->map.rehash(buckets);
  std::int64_t value = 0;
  for (const std::string_view key : out->looked_up) out->map.insert_or_assign(key, value++);
  random.shuffle(out->looked_up);
  return out;
}

void time_lookups(loaded& l) {
  const std::uint64_t n = l.looked_up.size(), started = thread_cpu_ns();
  const std::uint64_t sum = look_up_all(l.map, l.looked_up);
  l.ns = std::min(l.ns, static_cast<double>(thread_cpu_ns() - started) / static_cast<double>(n));
  if (sum != n * (n + 1) / 2) throw claim_error(fmt::format("the map at load {} lost an entry", l.load));
}

// Returns the bytes held for each entry.
double note_shape(const loaded& l, std::size_t buckets, claim_measurement& out) {
  const double load = l.load;
  std::vector<std::uint32_t> chains = entries_by_bucket(l.map);
  if (chains.size() != buckets) throw claim_error(fmt::format("the map at load {} grew", load));
  note(out, at("chain_p90_entries", load), "long", true, quantile(chains, 0.9));
  note(out, at("chain_median_entries", load), "long", true, quantile(chains, 0.5));
  for (std::uint32_t& c : chains) c = buckets_for(c);
  note(out, at("chain_p90_buckets", load), "long", true, quantile(chains, 0.9));
  note(out, at("chain_median_buckets", load), "long", true, quantile(chains, 0.5));
  const auto shape = l.map.chain_statistics();
  note(out, at("overflow_percent", load), "%", true,
       100 * static_cast<double>(shape.units_with_overflow) / static_cast<double>(shape.units));
  const double bytes_per_entry =
      static_cast<double>(l.map.memory_report().total_bytes()) / static_cast<double>(l.map.size());
  note(out, at("amplification", load), "x", true,
       bytes_per_entry / static_cast<double>(sizeof(std::string_view) + sizeof(std::int64_t)));
  return bytes_per_entry;
}

void one_round(std::size_t buckets, unsigned turn, random_stream& random, claim_measurement& out) {
  const double most = *std::max_element(loads.begin(), loads.end());
  const std::vector<std::string> texts =
      random_texts(static_cast<std::size_t>(most * static_cast<double>(buckets)), random);
  std::vector<std::unique_ptr<loaded>> maps;
  for (const double load : loads) maps.push_back(fill_to(load, buckets, texts, random));
  for (std::size_t pass = 0; pass < passes; ++pass) {
    for (std::size_t i = 0; i < maps.size(); ++i) time_lookups(*maps[(i + pass + turn) % maps.size()]);
  }
  double first = 0;
  for (const auto& l : maps) {
    note(out, at("lookup_ns", l->load), "ns", false, l->ns);
    const double bytes_per_entry = note_shape(*l, buckets, out);
    if (first == 0) first = bytes_per_entry;
    note(out, at("relative_memory", l->load), "x", true, bytes_per_entry / first);
  }
}

// What the article says it did.
void measure_published(std::size_t entries, random_stream& random, claim_measurement& out) {
  const std::vector<std::string> texts = random_texts(entries, random);
  map<std::string_view, std::int64_t, presets::go_like> m;
  for (const std::string_view key : texts) m.insert_or_assign(key, 0);
  note(out, "load_as_published", "entries/bucket", true,
       static_cast<double>(m.size()) / static_cast<double>(m.stats().units));
}

void explain(std::size_t entries, claim_measurement& out) {
  const auto percent = [&](double load) { return median_of(out, at("overflow_percent", load)); };
  const auto ns = [&](double load) { return median_of(out, at("lookup_ns", load)); };
  const auto amplification = [&](double load) { return median_of(out, at("amplification", load)); };
  out.why.push_back(
      fmt::format("{} keys, as published, stop at load {:.2f}: the loads here come from n = load x buckets",
                  grouped(entries), median_of(out, "load_as_published")));
  out.why.push_back(fmt::format("{:.1f} % of the buckets have an overflow bucket at load 5.0, {:.1f} % at "
                                "6.5, {:.1f} % at 7.2: no step at 6.5",
                                percent(5.0), percent(6.5), percent(7.2)));
  out.why.push_back(fmt::format("from load 5.0 a hit is {:.0f} % slower at 6.5 and {:.0f} % at 7.2",
                                100 * (ns(6.5) / ns(5.0) - 1), 100 * (ns(7.2) / ns(5.0) - 1)));
  out.why.push_back(fmt::format("bytes held per byte of entries: {:.2f} at 5.0, {:.2f} at 6.5, {:.2f} at "
                                "7.2: a fuller array wastes less",
                                amplification(5.0), amplification(6.5), amplification(7.2)));
}

}  // namespace
}  // namespace load_parts

claim_measurement measure_load(const claim_request& request) {
  using namespace load_parts;
  const std::size_t buckets = std::bit_ceil(whole_parameter(request, "buckets"));
  const std::size_t published = whole_parameter(request, "entries_as_published");
  const std::vector<built_composition<int>> built = {{"go_like,load=load(8)", 0}};
  static_cast<void>(chosen(*request.table, built));
  claim_measurement out;
  for (unsigned round = 0; round < request.rounds && !stop_measuring(); ++round) {
    begin_round(request, round, request.rounds);
    random_stream random(next_seed(request.seed + round));
    one_round(buckets, round, random, out);
    if (round == 0) measure_published(published, random, out);  // a count that no seed changes
    ++out.rounds;
  }
  if (out.rounds == 0) return out;
  out.setting = fmt::format("2^{} buckets, {}-byte string keys -> int, hits in random order",
                            std::countr_zero(buckets), key_bytes);
  explain(published, out);
  return out;
}

}  // namespace tophash::lab
