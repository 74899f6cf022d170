// SPDX-License-Identifier: Apache-2.0
// T-B7. The standard's chained nodes beside go_like's buckets, the same keys in both: blocks asked of the
// allocator, bytes, what a full bucket costs, and lookups, interleaved. Then strings: in go_like, whose longer ones
// are blocks of their own, and packed into buckets of records with a checksum, as the article's section 2.5 imagines.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>

#include <tophash/allocators/decorators/tracked.hpp>
#include <tophash/allocators/system.hpp>
#include <tophash/framework/core/bits.hpp>
#include <tophash/map.hpp>
#include <tophash/packed_map.hpp>
#include <tophash/policies/hashing/identity.hpp>
#include <tophash/presets.hpp>

#include "lab/clock.hpp"
#include "lab/reproduce_measure.hpp"
#include "workloads/random.hpp"

namespace tophash::lab {

namespace chain_or_nodes_parts {
namespace {

using number = std::uint64_t;

struct asked_of_allocator {
  std::size_t blocks = 0, bytes = 0;
};

// Counts what is live.
template <class T>
struct counting_allocator {
  using value_type = T;
  asked_of_allocator* counts;

  explicit counting_allocator(asked_of_allocator& to) noexcept : counts(&to) {}
  template <class U>
  counting_allocator(const counting_allocator<U>& other) noexcept : counts(other.counts) {}

  T* allocate(std::size_t n) {
    ++counts->blocks, counts->bytes += n * sizeof(T);
    return std::allocator<T>{}.allocate(n);
  }
  void deallocate(T* block, std::size_t n) noexcept {
    --counts->blocks, counts->bytes -= n * sizeof(T);
    std::allocator<T>{}.deallocate(block, n);
  }
  friend bool operator==(counting_allocator a, counting_allocator b) noexcept { return a.counts == b.counts; }
};

using nodes = std::unordered_map<number, number, std::hash<number>, std::equal_to<>,
                                 counting_allocator<std::pair<const number, number>>>;
using buckets = map<number, number, presets::go_like, allocators::tracked<allocators::system>>;

template <class Map>
double lookup_ns(const Map& m, const std::vector<number>& keys, number& sum) {
  const std::uint64_t started = thread_cpu_ns();
  for (const number key : keys) sum += m.find(key)->second;
  return static_cast<double>(thread_cpu_ns() - started) / static_cast<double>(keys.size());
}

constexpr int passes = 3;

void measure_round(std::size_t entries, std::uint64_t seed, claim_measurement& out) {
  random_stream random(seed);
  asked_of_allocator node_counts;
  nodes chained{counting_allocator<std::pair<const number, number>>(node_counts)};
  allocators::tracking_resource<allocators::system> resource;
  buckets split{typename buckets::spec_type::hashing{random.next()},
                allocators::tracked<allocators::system>(resource)};
  std::vector<number> keys(entries);
  for (number& key : keys) {
    key = random.next();
    chained.emplace(key, key);
    split.insert_or_assign(key, key);
  }
  while (split.stats().growing) split.erase(random.next());
  const auto per_entry = [&](double value) { return value / static_cast<double>(entries); };
  const auto add = [&out](const char* metric, const char* unit, double value) {
    note(out, metric, unit, true, value);
  };
  const allocators::storage_counts counts = resource.total();
  add("blocks_per_entry.nodes", "x", per_entry(static_cast<double>(node_counts.blocks)));
  add("blocks_per_entry.buckets", "x", per_entry(static_cast<double>(counts.live_blocks)));
  add("bytes_per_entry.nodes", "bytes", per_entry(static_cast<double>(node_counts.bytes)));
  add("bytes_per_entry.buckets", "bytes", per_entry(static_cast<double>(counts.live_bytes)));
  // The array is one block; the others are overflow buckets that did not lie in its tail.
  const auto overflow = static_cast<double>(split.stats().overflow_in_use);
  add("blocks_per_overflow_bucket", "x", (static_cast<double>(counts.live_blocks) - 1) / overflow);
  // A chain gets a bucket when it is full: what moved meanwhile is what an evacuation moved, and there was
  // none.
  add("overflow_buckets", "buckets", overflow);

  number sums[2] = {0, 0};
  double least[2] = {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity()};
  for (std::size_t i = keys.size(); i > 1; --i)
    std::swap(keys[i - 1], keys[static_cast<std::size_t>(random.below(i))]);
  for (int pass = 0; pass < passes; ++pass) {
    least[0] = std::min(least[0], lookup_ns(chained, keys, sums[0]));
    least[1] = std::min(least[1], lookup_ns(split, keys, sums[1]));
  }
  if (sums[0] != sums[1]) throw claim_error("T-B7: the two maps do not hold the same");
  note(out, "lookup_ns.nodes", "ns", false, least[0]);
  note(out, "lookup_ns.buckets", "ns", false, least[1]);
}

// ---- records of variable length

using strings = map<std::string, std::string, presets::go_like>;
using packed = packed_map<>;
using unchecked = packed_map<packed_options{.check = packed_check::on_demand}>;

// Letters; the length decides what a string costs.
std::string text_of(std::size_t least, std::size_t most, random_stream& random) {
  std::string out(least + static_cast<std::size_t>(random.below(most - least + 1)), 'x');
  for (char& c : out) c = static_cast<char>('a' + random.below(26));
  return out;
}

std::size_t block_bytes(const std::string& s) {
  return s.capacity() > std::string{}.capacity() ? s.capacity() + 1 : 0;
}

template <class Find>
double string_lookup_ns(const std::vector<std::string>& keys, Find find) {
  std::size_t found = 0;
  const std::uint64_t started = thread_cpu_ns();
  for (const std::string& key : keys) found += find(key);
  const auto spent = static_cast<double>(thread_cpu_ns() - started);
  if (found != keys.size()) throw claim_error("T-B7: a map of strings lost an entry");
  return spent / static_cast<double>(keys.size());
}

void measure_records(std::size_t entries, std::uint64_t seed, claim_measurement& out) {
  random_stream random(seed);
  strings bucketed{typename strings::spec_type::hashing{random.next()}};
  packed records{packed::hashing_type{random.next()}};
  unchecked trusted{unchecked::hashing_type{random.next()}};
  std::vector<std::string> keys;
  std::size_t apart = 0, content = 0;
  while (bucketed.size() < entries) {
    const std::string key = text_of(8, 24, random), value = text_of(0, 40, random);
    if (!bucketed.try_emplace(key, value).second) continue;
    keys.push_back(key);
    content += key.size() + value.size();
    apart += block_bytes(key) + block_bytes(value);
    if (records.insert_or_assign(key, value) != packed_result::inserted ||
        trusted.insert_or_assign(key, value) != packed_result::inserted)
      throw claim_error("T-B7: a packed map did not take a record");
  }
  while (bucketed.stats().growing) bucketed.erase(std::string{"none"});
  const auto per_entry = [&](std::size_t bytes) { return static_cast<double>(bytes) / static_cast<double>(entries); };
  note(out, "bytes_per_entry.string_content", "bytes", true, per_entry(content));
  note(out, "bytes_per_entry.strings", "bytes", true, per_entry(bucketed.memory_report().total_bytes() + apart));
  note(out, "bytes_per_entry.records", "bytes", true, per_entry(records.memory_bytes()));
  double least[3];
  std::fill(std::begin(least), std::end(least), std::numeric_limits<double>::infinity());
  for (std::size_t i = keys.size(); i > 1; --i)
    std::swap(keys[i - 1], keys[static_cast<std::size_t>(random.below(i))]);
  for (int pass = 0; pass < passes; ++pass) {
    least[0] = std::min(least[0], string_lookup_ns(keys, [&](const auto& k) { return bucketed.count(k); }));
    least[1] = std::min(least[1], string_lookup_ns(keys, [&](const auto& k) { return records.contains(k) ? 1u : 0u; }));
    least[2] = std::min(least[2], string_lookup_ns(keys, [&](const auto& k) { return trusted.contains(k) ? 1u : 0u; }));
  }
  note(out, "lookup_ns.strings", "ns", false, least[0]);
  note(out, "lookup_ns.records", "ns", false, least[1]);
  note(out, "lookup_ns.records_unchecked", "ns", false, least[2]);
}

// Eight entries of one bucket, then a ninth: how many of the eight are elsewhere afterwards.
double entries_moved_by_overflow() {
  map<number, number, presets::go_like, hashing::identity> m(100);
  std::vector<const number*> places;
  const auto key_of = [](number n) { return n << 32; };  // the low bits choose the bucket
  for (number n = 0; n < 8; ++n) {
    m.insert_or_assign(key_of(n), n);
    places.push_back(&m.find(key_of(n))->second);
  }
  m.insert_or_assign(key_of(8), number{8});
  if (m.stats().overflow_in_use != 1) throw claim_error("T-B7: the ninth key of a bucket overflowed nothing");
  double moved = 0;
  for (number n = 0; n < 8; ++n) moved += &m.find(key_of(n))->second != places[n] ? 1 : 0;
  return moved;
}

}  // namespace
}  // namespace chain_or_nodes_parts

claim_measurement measure_chain_or_nodes(const claim_request& request) {
  using namespace chain_or_nodes_parts;
  static const std::vector<built_composition<int>> built = {{"go_like", 0}};
  static_cast<void>(chosen(*request.table, built));
  const std::size_t entries = whole_parameter(request, "entries");
  claim_measurement out;
  for (unsigned round = 0; round < request.rounds && !stop_measuring(); ++round) {
    begin_round(request, round, request.rounds);
    measure_round(entries, next_seed(request.seed + round), out);
    note(out, "entries_moved_by_overflow", "entries", true, entries_moved_by_overflow());
    measure_records(std::max<std::size_t>(entries / 8, 1), next_seed(request.seed + round), out);
    ++out.rounds;
  }
  if (out.rounds == 0) return out;
  out.setting = fmt::format("{} numbers in std::unordered_map and in go_like, lookups in random order",
                            grouped(entries));
  const auto median = [&out](const char* metric) { return median_of(out, metric); };
  out.why.push_back(
      fmt::format("a node is a block for each entry ({:.2f}) and {:.1f} bytes; a bucket is an eighth of "
                  "a block or less ({:.4f}) and {:.1f} bytes an entry",
                  median("blocks_per_entry.nodes"), median("bytes_per_entry.nodes"),
                  median("blocks_per_entry.buckets"), median("bytes_per_entry.buckets")));
  out.why.push_back(
      fmt::format("a lookup: {:.0f} ns against {:.0f} ns; of {} overflow buckets {:.0f} % are blocks of "
                  "their own, the others lie behind the array",
                  median("lookup_ns.nodes"), median("lookup_ns.buckets"), median("overflow_buckets"),
                  100 * median("blocks_per_overflow_bucket")));
  out.why.push_back(fmt::format(
      "strings of {:.1f} bytes an entry take {:.1f} bytes in go_like and {:.1f} as packed records; a lookup {:.0f} ns, as "
      "records {:.0f} ns with the checksum and {:.0f} ns without",
      median("bytes_per_entry.string_content"), median("bytes_per_entry.strings"), median("bytes_per_entry.records"),
      median("lookup_ns.strings"), median("lookup_ns.records"), median("lookup_ns.records_unchecked")));
  return out;
}

}  // namespace tophash::lab
