// SPDX-License-Identifier: Apache-2.0
// Hostile keys against the default maps, in counted work: buckets or groups that a lookup looks at, and keys
// that it compares. Regular keys, keys chosen against std::hash, and keys in another table's iteration order
// may cost little more than random ones. Seeds are fixed, so that a run repeats; the worst of several seeds
// counts.
//   tophash_unit "hash defence: table"    prints the ratios of docs/hash-defence.md
//   tophash_unit "hash defence: order"    those of keys in the order of iteration, at several sizes
#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <iterator>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <tophash/fast_map.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/hashing/identity.hpp>
#include <tophash/policies/hashing/seeded.hpp>
#include <tophash/policies/hashing/std_hash.hpp>
#include <tophash/policies/hashing/wyhash.hpp>
#include <tophash/policies/sizing/fast_range.hpp>
#include <tophash/policies/sizing/power_of_two_high.hpp>
#include <tophash/policies/sizing/prime.hpp>

#include "laws/hashing.hpp"
#include "laws/sampling.hpp"

namespace {

using namespace tophash;
using hashing::seeded;

// ---- counted work
// -----------------------------------------------------------------------------------------------

struct probe_counter {
  using axis = axes::observe;
  static constexpr observe_facts facts{.on_const_paths = true};
  std::uint64_t* units = nullptr;
  void on(const events::probed& event) const noexcept {
    if (units != nullptr) *units += event.buckets;
  }
};

inline std::uint64_t compared = 0;

// H, with its comparisons counted.
template <class H>
struct counting_equal : H {
  using H::H;
  static constexpr hashing_facts facts = hashing_facts_of<H>();
  template <class A, class B>
  bool equal(const A& a, const B& b) const {
    ++compared;
    return H::equal(a, b);
  }
};

// Units looked at and keys compared, per operation.
struct work {
  double units = 0, keys = 0;
  double all() const noexcept { return units + keys; }
};

// Inserting is told apart by how far the map is filled: what slows down half way may be fast again at the
// end.
constexpr std::size_t stretches = 16;

struct costs {
  std::array<work, stretches> insert;
  work hit, miss;
};

// One of the maps under test, made with a seed. `Key` is u64 or std::string.
template <class Key, template <class...> class Door, class Hash, class... Options>
struct tested_map {
  using key_type = Key;
  using hash = counting_equal<Hash>;
  using type = Door<Key, std::uint32_t, hash, probe_counter, Options...>;
  static hash hashing_for(std::uint64_t seed) {
    if constexpr (std::is_constructible_v<hash, std::uint64_t>) {
      return hash(seed);
    } else {
      return static_cast<void>(seed), hash{};
    }
  }
  static type make(std::uint64_t seed, std::uint64_t& units) {
    return type(0, hashing_for(seed), probe_counter{&units});
  }
};

class work_meter {
 public:
  explicit work_meter(const std::uint64_t& units) : units_(units) {}
  // Since the last call.
  work per(std::size_t operations) {
    const double n = static_cast<double>(operations);
    const work out{static_cast<double>(units_ - units_before_) / n,
                   static_cast<double>(compared - compared_before_) / n};
    units_before_ = units_, compared_before_ = compared;
    return out;
  }

 private:
  const std::uint64_t& units_;
  std::uint64_t units_before_ = units_, compared_before_ = compared;
};

template <class Tested>
costs costs_of(std::uint64_t seed, std::span<const typename Tested::key_type> in,
               std::span<const typename Tested::key_type> out) {
  std::uint64_t units = 0;
  auto m = Tested::make(seed, units);
  costs cost;
  work_meter counted(units);
  std::size_t begin = 0;
  for (std::size_t s = 0; s != stretches; ++s) {
    const std::size_t end = in.size() * (s + 1) / stretches;
    for (std::size_t i = begin; i != end; ++i) m.emplace(in[i], 0u);
    cost.insert[s] = counted.per(end - begin);
    begin = end;
  }
  REQUIRE(m.size() == in.size());
  std::size_t found = 0;
  for (const auto& key : in) found += m.contains(key) ? 1u : 0u;
  cost.hit = counted.per(in.size());
  for (const auto& key : out) found += m.contains(key) ? 1u : 0u;
  cost.miss = counted.per(out.size());
  REQUIRE(found == in.size());
  return cost;
}

// ---- keys
// -------------------------------------------------------------------------------------------------------

template <class Key>
struct pattern {
  std::string name;
  std::vector<Key> in, out;  // inserted; looked for in vain, from the same pattern
};

pattern<std::uint64_t> made(std::string name, std::size_t n,
                            const std::function<std::uint64_t(std::uint64_t)>& at) {
  pattern<std::uint64_t> p{std::move(name), {}, {}};
  for (std::uint64_t i = 0; i != 2 * n; ++i) (i < n ? p.in : p.out).push_back(at(i));
  return p;
}

pattern<std::uint64_t> random_numbers(std::size_t n, std::uint64_t start = 42) {
  laws::sampler draw(start);
  return made("random", n, [&draw](std::uint64_t) { return draw.next(); });
}

std::vector<pattern<std::uint64_t>> hostile_numbers(std::size_t n) {
  std::vector<pattern<std::uint64_t>> all;
  all.push_back(made("0, 1, 2, ...", n, [](std::uint64_t i) { return i; }));
  all.push_back(made("page stride: 4096 i", n, [](std::uint64_t i) { return 4096 * i; }));
  for (int k = 1; k <= 48; ++k) {
    if (std::bit_width(2 * n - 1) + static_cast<std::size_t>(k) > 64) break;  // else keys repeat
    all.push_back(made("i << " + std::to_string(k), n, [k](std::uint64_t i) { return i << k; }));
  }
  all.push_back(made("bit-reversed i", n, [](std::uint64_t i) { return laws::reverse_bits(i); }));
  all.push_back(
      made("bit-reversed i, high half", n, [](std::uint64_t i) { return laws::reverse_bits(i) >> 32; }));
  all.push_back(made("double(i)", n,
                     [](std::uint64_t i) { return std::bit_cast<std::uint64_t>(static_cast<double>(i)); }));
  all.push_back(made("1.0 / (i + 1)", n, [](std::uint64_t i) {
    return std::bit_cast<std::uint64_t>(1.0 / static_cast<double>(i + 1));
  }));
  all.push_back(made("float(i)", n, [](std::uint64_t i) {
    return std::uint64_t{std::bit_cast<std::uint32_t>(static_cast<float>(i))};
  }));
  all.push_back(
      made("pointers, 16 bytes apart", n, [](std::uint64_t i) { return 0x00007f3a5c001010u + 16 * i; }));
  all.push_back(
      made("pointers, 64 bytes apart", n, [](std::uint64_t i) { return 0x000055d0a3b2c2a0u + 64 * i; }));
  all.push_back(made("low 20 bits equal", n, [](std::uint64_t i) { return (i << 20) | 0xabcdeu; }));
  all.push_back(
      made("high half counts, low half fixed", n, [](std::uint64_t i) { return (i << 32) | 0x9e3779b9u; }));
  all.push_back(made("pairs (i / 128, i % 128) in halves", n,
                     [](std::uint64_t i) { return (i / 128) << 32 | (i % 128); }));
  return all;
}

pattern<std::string> random_strings(std::size_t n) {
  laws::sampler draw(43);
  pattern<std::string> p{"random", {}, {}};
  for (std::size_t i = 0; i != 2 * n; ++i) {
    std::string s(12, 'a');
    std::uint64_t bits = draw.next();
    for (char& c : s) c = static_cast<char>('a' + bits % 26), bits /= 26;
    s += std::to_string(i);  // no two alike
    (i < n ? p.in : p.out).push_back(std::move(s));
  }
  return p;
}

std::vector<pattern<std::string>> hostile_strings(std::size_t n) {
  std::vector<pattern<std::string>> all;
  pattern<std::string> counted{"\"key0\", \"key1\", ...", {}, {}},
      padded{"fixed width, one long prefix", {}, {}};
  for (std::size_t i = 0; i != 2 * n; ++i) {
    (i < n ? counted.in : counted.out).push_back("key" + std::to_string(i));
    std::string digits = std::to_string(i);
    digits.insert(0, 20 - digits.size(), '0');
    (i < n ? padded.in : padded.out).push_back("/a/rather/long/prefix/that/all/have/" + digits);
  }
  pattern<std::string> chosen{"low 8 bits of std::hash equal", {}, {}};
  for (std::uint64_t i = 0; chosen.in.size() + chosen.out.size() != 2 * n; ++i) {
    std::string candidate = "k" + std::to_string(i);
    if ((std::hash<std::string>{}(candidate)&0xffu) != 0x5au) continue;
    (chosen.in.size() < n ? chosen.in : chosen.out).push_back(std::move(candidate));
  }
  all.push_back(std::move(counted));
  all.push_back(std::move(padded));
  all.push_back(std::move(chosen));
  return all;
}

// The keys of `p` in the order of iteration of a map that holds them.
template <class Tested>
std::vector<typename Tested::key_type> iteration_order(std::uint64_t seed,
                                                       const std::vector<typename Tested::key_type>& keys) {
  std::uint64_t units = 0;
  auto m = Tested::make(seed, units);
  for (const auto& key : keys) m.emplace(key, 0u);
  std::vector<typename Tested::key_type> out;
  for (const auto& entry : m) out.push_back(entry.first);
  return out;
}

// ---- verdict
// ----------------------------------------------------------------------------------------------------

struct ratios {
  double insert = 0;       // the slowest stretch
  double insert_mean = 0;  // all of them
  double hit = 0, miss = 0;
  double worst() const noexcept { return std::max({insert, hit, miss}); }
  void take_worse(const ratios& other) noexcept {
    insert = std::max(insert, other.insert);
    insert_mean = std::max(insert_mean, other.insert_mean);
    hit = std::max(hit, other.hit);
    miss = std::max(miss, other.miss);
  }
};

ratios over(const costs& hostile, const costs& random) {
  ratios out{.hit = hostile.hit.all() / random.hit.all(), .miss = hostile.miss.all() / random.miss.all()};
  double hostile_sum = 0, random_sum = 0;  // all stretches are of one length
  for (std::size_t s = 0; s != stretches; ++s) {
    out.insert = std::max(out.insert, hostile.insert[s].all() / random.insert[s].all());
    hostile_sum += hostile.insert[s].all();
    random_sum += random.insert[s].all();
  }
  out.insert_mean = hostile_sum / random_sum;
  return out;
}

constexpr std::uint64_t all_seeds[] = {0, 0x0123456789abcdefu, 1, 0x5eed};

struct row {
  std::string pattern;
  ratios worst;
};

// One row a pattern; of so many seeds the worst counts.
template <class Tested>
std::vector<row> rows_of(std::size_t n, std::size_t seeds) {
  using key_type = typename Tested::key_type;
  std::vector<row> out;
  const auto run = [&](const pattern<key_type>& random, const std::vector<pattern<key_type>>& hostile) {
    for (const auto& p : hostile) out.push_back({p.name, {}});
    for (std::uint64_t seed : std::span(all_seeds).first(seeds)) {
      const costs usual = costs_of<Tested>(seed, random.in, random.out);
      for (std::size_t i = 0; i != hostile.size(); ++i) {
        out[i].worst.take_worse(over(costs_of<Tested>(seed, hostile[i].in, hostile[i].out), usual));
      }
    }
  };
  if constexpr (std::is_same_v<key_type, std::string>) {
    run(random_strings(n), hostile_strings(n));
  } else {
    run(random_numbers(n), hostile_numbers(n));
  }
  return out;
}

// Random keys in the order in which a map of the same type iterates, over the same keys in their own order. A
// map's seed is its own unless `same_seed`; an unseeded policy has always the same.
template <class Tested>
ratios in_order(std::size_t n, bool same_seed, std::size_t seeds = 2) {
  using key_type = typename Tested::key_type;
  const auto keys = [n] {
    if constexpr (std::is_same_v<key_type, std::string>) {
      return random_strings(n);
    } else {
      return random_numbers(n);
    }
  }();
  ratios out;
  for (std::uint64_t seed : std::span(all_seeds).first(seeds)) {
    // Maps take their seeds from a sequence that is mixed in this way.
    const auto order = iteration_order<Tested>(same_seed ? seed : next_seed(seed), keys.in);
    out.take_worse(over(costs_of<Tested>(seed, order, keys.out), costs_of<Tested>(seed, keys.in, keys.out)));
  }
  return out;
}

using u64 = std::uint64_t;
using wyhash = seeded<hashing::wyhash>;
using std_hash = hashing::std_hash;  // mixed by the table, with no seed

// As full as the map of 2^11 buckets and the fast map of 2^10 groups get: where chains and probes are
// longest.
constexpr std::size_t entries = 13'000;

// The map that is iterated is then three quarters full, and the one that is filled is full at other entries
// of it: the worst of the sizes that "hash defence: order" prints.
constexpr std::size_t entries_in_order = 10'000;

// A factor of 3 would be too slow. Of inserts it is the slowest sixteenth that counts, no average.
constexpr double most = 1.3, most_in_order = 1.5;

template <class Tested>
void withstands_patterns() {
  for (const row& r : rows_of<Tested>(entries, 2)) {
    INFO(r.pattern << ": insert " << r.worst.insert << ", hit " << r.worst.hit << ", miss " << r.worst.miss);
    CHECK(r.worst.worst() <= most);
    CHECK(r.worst.hit > 0.5);  // else nothing was counted
  }
}

template <class Tested>
void withstands_order(bool same_seed) {
  const ratios r = in_order<Tested>(entries_in_order, same_seed);
  INFO("insert " << r.insert << ", hit " << r.hit << ", miss " << r.miss);
  CHECK(r.worst() <= most_in_order);
  CHECK(r.hit > 0.5);
}

// What chance alone does to the worst of as many patterns as there are shifts.
template <class Tested>
ratios other_draws(std::size_t n) {
  const auto random = random_numbers(n);
  ratios out;
  for (std::uint64_t seed : all_seeds) {
    const costs usual = costs_of<Tested>(seed, random.in, random.out);
    for (std::uint64_t draw = 0; draw != 48; ++draw) {
      const auto other = random_numbers(n, 1000 + draw);
      out.take_worse(over(costs_of<Tested>(seed, other.in, other.out), usual));
    }
  }
  return out;
}

template <class Tested>
void print_rows(const char* name, std::size_t n) {
  std::printf("\n%s, %zu entries\n%-44s %7s %7s %7s\n", name, n, "keys", "insert", "hit", "miss");
  ratios shifts;
  const auto print = [](const std::string& what, const ratios& r) {
    std::printf("%-44s %7.2f %7.2f %7.2f\n", what.c_str(), r.insert, r.hit, r.miss);
  };
  for (const row& r : rows_of<Tested>(n, std::size(all_seeds))) {
    if (r.pattern.starts_with("i << ")) {
      shifts.take_worse(r.worst);
    } else {
      print(r.pattern, r.worst);
    }
  }
  if constexpr (std::is_same_v<typename Tested::key_type, std::uint64_t>) {
    print("other random keys, the worst of 48 draws", other_draws<Tested>(n));
  }
  if (shifts.hit != 0) print("i << 1 to i << 48, the worst of each column", shifts);
  print("iteration order of another map", in_order<Tested>(n, false));
  print("iteration order, same seed", in_order<Tested>(n, true));
}

template <class Tested>
void print_order(const char* name) {
  std::printf("%-30s", name);
  for (std::size_t n : {10'000u, 150'000u, 1'200'000u}) {
    for (bool same_seed : {false, true}) {
      const ratios r = in_order<Tested>(n, same_seed, 1);
      std::printf(" %8.2f %7.2f", r.insert, r.insert_mean);
    }
  }
  std::printf("\n");
}

}  // namespace

TEST_CASE("hash defence: hostile keys cost the default map little more than random ones",
          "[hash_defence][statistics]") {
  withstands_patterns<tested_map<u64, map, wyhash>>();
  withstands_patterns<tested_map<std::string, map, wyhash>>();
  // The counted composition is the default one but for what counts.
  static_assert(
      std::is_same_v<map<u64, int>::spec_type::hashing, wyhash> &&
      std::is_same_v<map<u64, int>::spec_type::layout, map<u64, int, probe_counter>::spec_type::layout>);
}

TEST_CASE("hash defence: hostile keys cost a fast map little more than random ones",
          "[hash_defence][statistics]") {
  withstands_patterns<tested_map<u64, fast_map, wyhash>>();
  withstands_patterns<tested_map<std::string, fast_map, wyhash>>();
  static_assert(std::is_same_v<fast_map<u64, int>::spec_type::hashing, wyhash>);
}

TEST_CASE("hash defence: std::hash, mixed by the table without a seed", "[hash_defence][statistics]") {
  withstands_patterns<tested_map<u64, map, std_hash>>();
  withstands_patterns<tested_map<u64, fast_map, std_hash>>();
  withstands_patterns<tested_map<std::string, map, std_hash>>();
  withstands_patterns<tested_map<std::string, fast_map, std_hash>>();
}

TEST_CASE("hash defence: keys in another map's iteration order", "[hash_defence][statistics]") {
  withstands_order<tested_map<u64, map, wyhash>>(false);
  withstands_order<tested_map<u64, fast_map, wyhash>>(false);
  withstands_order<tested_map<std::string, fast_map, wyhash>>(false);
  withstands_order<tested_map<u64, fast_map, seeded<std_hash>>>(false);
  // Chains, and primes, need no seed for it. Open groups with a power of two are slower by a constant.
  withstands_order<tested_map<u64, map, wyhash>>(true);
  withstands_order<tested_map<u64, map, std_hash>>(true);
  withstands_order<tested_map<u64, fast_map, wyhash, sizing::prime>>(true);
  CHECK(in_order<tested_map<u64, fast_map, wyhash>>(entries_in_order, true).worst() <= 2);
  CHECK(in_order<tested_map<u64, fast_map, wyhash>>(8 * entries_in_order, true, 1).worst() <= 2);
}

// That the tests above can fail: the same keys unmixed, and the same order where nothing breaks it.
TEST_CASE("hash defence: slow maps are seen to be slow", "[hash_defence]") {
  const std::size_t n = 2000;
  const auto random = random_numbers(n);
  const auto pages = made("page stride", n, [](u64 i) { return 4096 * i; });
  const auto unmixed = [&]<class Tested>(Tested) {
    return over(costs_of<Tested>(0, pages.in, pages.out), costs_of<Tested>(0, random.in, random.out));
  };
  CHECK(unmixed(tested_map<u64, map, hashing::identity>{}).hit > 20);
  CHECK(unmixed(tested_map<u64, map, hashing::identity>{}).insert > 20);
  CHECK(unmixed(tested_map<u64, fast_map, hashing::identity>{}).miss > 20);
  CHECK(in_order<tested_map<u64, map, hashing::wyhash, sizing::fast_range>>(entries_in_order, true).insert >
        3);
}

TEST_CASE("hash defence: table", "[.][hash_defence][statistics]") {
  print_rows<tested_map<u64, map, wyhash>>("map", entries);
  print_rows<tested_map<u64, fast_map, wyhash>>("fast_map", entries);
  print_rows<tested_map<u64, map, wyhash>>("map", 200'000);
  print_rows<tested_map<u64, fast_map, wyhash>>("fast_map", 200'000);
  print_rows<tested_map<std::string, map, wyhash>>("map, strings", entries);
  print_rows<tested_map<std::string, fast_map, wyhash>>("fast_map, strings", entries);
  print_rows<tested_map<u64, map, std_hash>>("map, std_hash", entries);
  print_rows<tested_map<u64, fast_map, std_hash>>("fast_map, std_hash", entries);
  print_rows<tested_map<std::string, fast_map, std_hash>>("fast_map, strings, std_hash", entries);
  print_rows<tested_map<u64, fast_map, wyhash, sizing::prime>>("fast_map, prime", entries);
  print_rows<tested_map<u64, fast_map, wyhash, sizing::fast_range>>("fast_map, fast_range", entries);
  print_rows<tested_map<u64, fast_map, wyhash, sizing::power_of_two_high>>("fast_map, power_of_two_high",
                                                                           entries);
  print_rows<tested_map<u64, fast_map, hashing::identity>>("fast_map, identity: not mixed", 2000);
  print_rows<tested_map<u64, fast_map, hashing::identity, sizing::prime>>("fast_map, identity, prime", 2000);
}

TEST_CASE("hash defence: order", "[.][hash_defence][statistics]") {
  std::printf("the slowest sixteenth of the inserts, and their mean\n%-30s", "");
  for (const char* n : {"10,000", "150,000", "1,200,000"}) std::printf(" %16s %16s", n, "same seed");
  std::printf("\n");
  print_order<tested_map<u64, map, wyhash>>("map");
  print_order<tested_map<u64, fast_map, wyhash>>("fast_map");
  print_order<tested_map<u64, fast_map, std_hash>>("fast_map, std_hash (no seed)");
  print_order<tested_map<u64, fast_map, wyhash, sizing::prime>>("fast_map, prime");
  print_order<tested_map<u64, map, wyhash, sizing::prime>>("map, prime");
}
