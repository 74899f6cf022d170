// SPDX-License-Identifier: Apache-2.0
// T-B3. The article prints rates and no definition, so every reading is measured (collision_meter.hpp), over
// two kinds of "random keys": random bytes, and random numbers as hexadecimal text. The third kind, user_0,
// user_1,
// ..., shows what such keys do in practice. Buckets are chosen as a map would: position_hash, then the sizing
// policy. In the place of Murmur3 stands wyhash: any real hash shows the ideal's figures, and both are
// printed.
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <tophash/framework/concepts/hashing.hpp>
#include <tophash/framework/core/bits.hpp>
#include <tophash/policies/hashing/prefix.hpp>
#include <tophash/policies/hashing/wyhash.hpp>
#include <tophash/policies/sizing/power_of_two.hpp>

#include "lab/clock.hpp"
#include "lab/collision_meter.hpp"
#include "lab/reproduce_measure.hpp"
#include "workloads/random.hpp"

namespace tophash::lab {

namespace collisions_parts {
namespace {

constexpr std::array<std::size_t, 2> bucket_counts = {4096, 65536};

struct key_kind_texts {
  std::string_view name;
  std::vector<std::string> texts;
};

std::vector<key_kind_texts> make_kinds(std::size_t count, std::uint64_t seed) {
  random_stream random(seed);
  key_kind_texts bytes{"bytes", {}}, hex{"hex", {}}, user{"user", {}};
  for (std::size_t i = 0; i < count; ++i) {
    std::uint64_t bits = random.next();
    std::string text;
    for (int k = 0; k < 8; ++k, bits >>= 8) text.push_back(static_cast<char>(bits & 0xffu));
    bytes.texts.push_back(std::move(text));
    hex.texts.push_back(fmt::format("{:016x}", random.next()));
    user.texts.push_back("user_" + std::to_string(i));
  }
  return {std::move(bytes), std::move(hex), std::move(user)};
}

template <class Hashing>
std::vector<std::uint64_t> hashes_of(const std::vector<std::string>& texts) {
  const Hashing h;
  std::vector<std::uint64_t> out;
  out.reserve(texts.size());
  for (const std::string& text : texts) out.push_back(position_hash<std::string>(h, h.hash(text)));
  return out;
}

std::vector<std::uint32_t> counted(const std::vector<std::uint64_t>& hashes, std::size_t buckets) {
  const sizing::power_of_two::mapper mapper(buckets);
  std::vector<std::uint32_t> out(buckets);
  for (const std::uint64_t hash : hashes) ++out[mapper.index(hash)];
  return out;
}

// Of the keys that share their bucket of 4,096, the share whose three-byte prefix is at most 0x00ffff.
double low_prefix_percent(const std::vector<std::uint64_t>& hashes) {
  const std::vector<std::uint32_t> in_bucket = counted(hashes, bucket_counts[0]);
  const sizing::power_of_two::mapper mapper(bucket_counts[0]);
  double colliding = 0, low = 0;
  for (const std::uint64_t hash : hashes) {
    if (in_bucket[mapper.index(hash)] < 2) continue;
    ++colliding;
    low += hash <= 0x00ffff ? 1 : 0;
  }
  return colliding == 0 ? 0 : 100 * low / colliding;
}

template <class Hashing>
TOPHASH_NOINLINE std::uint64_t hash_all(const std::vector<std::string>& texts) {
  std::uint64_t sum = 0;
  for (const std::string& text : texts) sum += Hashing{}.hash(text);
  return sum;
}

template <class Hashing>
double hash_ns(const std::vector<std::string>& texts) {
  constexpr int passes = 20;
  volatile std::uint64_t sum = hash_all<Hashing>(texts);
  const std::uint64_t started = thread_cpu_ns();
  for (int i = 0; i < passes; ++i) sum = sum + hash_all<Hashing>(texts);
  return static_cast<double>(thread_cpu_ns() - started) / static_cast<double>(passes * texts.size());
}

struct measured_hash {
  std::string_view name;
  std::vector<std::uint64_t> (*hashes)(const std::vector<std::string>&);
  double (*ns)(const std::vector<std::string>&);
};

template <class Hashing>
constexpr built_composition<measured_hash> hash_entry(std::string_view spec, std::string_view name) {
  return {spec, {name, &hashes_of<Hashing>, &hash_ns<Hashing>}};
}

const std::vector<built_composition<measured_hash>>& built() {
  static const std::vector<built_composition<measured_hash>> all = {
      hash_entry<hashing::prefix<3>>("hashing=prefix(3)", "prefix"),
      hash_entry<hashing::prefix_xor<3>>("hashing=prefix_xor(3)", "prefix_xor"),
      hash_entry<hashing::wyhash>("hashing=wyhash", "wyhash"),
  };
  return all;
}

std::string metric_for(std::string_view reading, std::string_view hash, std::size_t buckets,
                       std::string_view keys) {
  return fmt::format("{}.{}.{}.{}", reading, hash, buckets, keys);
}

void measure_kind(const key_kind_texts& kind, const measured_hash& hash, claim_measurement& out) {
  const std::vector<std::uint64_t> hashes = hash.hashes(kind.texts);
  for (const std::size_t buckets : bucket_counts) {
    const collision_rates r = collisions_in(counted(hashes, buckets));
    note(out, metric_for("taken", hash.name, buckets, kind.name), "%", true, r.taken_percent);
    note(out, metric_for("shared", hash.name, buckets, kind.name), "%", true, r.shared_percent);
    note(out, metric_for("pair", hash.name, buckets, kind.name), "%", true, r.pair_percent);
    note(out, metric_for("used", hash.name, buckets, kind.name), "buckets", true,
         static_cast<double>(r.buckets_used));
  }
  if (hash.name == "prefix")
    note(out, fmt::format("low_prefix.{}", kind.name), "%", true, low_prefix_percent(hashes));
}

void explain(std::size_t keys, claim_measurement& out) {
  for (const std::size_t buckets : bucket_counts) {
    const collision_rates ideal = ideal_collisions(keys, buckets);
    out.why.push_back(fmt::format("{} keys in {} buckets, ideal hash: {:.2f} % find theirs taken, {:.2f} % "
                                  "share it, {:.4f} % of pairs; "
                                  "wyhash: {:.2f}, {:.2f}, {:.4f}",
                                  grouped(keys), grouped(buckets), ideal.taken_percent, ideal.shared_percent,
                                  ideal.pair_percent,
                                  median_of(out, metric_for("taken", "wyhash", buckets, "hex")),
                                  median_of(out, metric_for("shared", "wyhash", buckets, "hex")),
                                  median_of(out, metric_for("pair", "wyhash", buckets, "hex"))));
  }
  const std::size_t most = bucket_counts.back();
  const auto used = [&](std::string_view hash, std::string_view kind) {
    return median_of(out, metric_for("used", hash, most, kind));
  };
  out.why.push_back(
      fmt::format("buckets used of {}: random bytes {:.0f} by prefix, {:.0f} by wyhash; hexadecimal text "
                  "{:.0f}, with xor {:.0f}; user_N {:.0f}, with xor {:.0f}",
                  grouped(most), used("prefix", "bytes"), used("wyhash", "bytes"), used("prefix", "hex"),
                  used("prefix_xor", "hex"), used("prefix", "user"), used("prefix_xor", "user")));
}

}  // namespace
}  // namespace collisions_parts

claim_measurement measure_collisions(const claim_request& request) {
  using namespace collisions_parts;
  const std::size_t keys = whole_parameter(request, "keys");
  const auto hashes = chosen(*request.table, built());
  claim_measurement out;
  for (unsigned round = 0; round < request.rounds && !stop_measuring(); ++round) {
    begin_round(request, round, request.rounds);
    const std::vector<key_kind_texts> kinds = make_kinds(keys, next_seed(request.seed + round));
    for (const auto& h : hashes) {
      for (const key_kind_texts& kind : kinds) measure_kind(kind, h.run, out);
      note(out, fmt::format("hash_ns.{}", h.run.name), "ns", false, h.run.ns(kinds[1].texts));
    }
    ++out.rounds;
  }
  if (out.rounds == 0) return out;
  out.setting = grouped(keys) + " keys: random bytes, random hexadecimal text, user_N";
  explain(keys, out);
  return out;
}

}  // namespace tophash::lab
