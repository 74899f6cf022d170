// SPDX-License-Identifier: Apache-2.0
// What "collision rate" may mean, each reading computed from the same counts: c[b] keys in bucket b, n keys
// in m buckets. And what an ideal hash would show, exactly.
//   taken    of 100 keys put in one after another, so many find their bucket taken      ideal 1 - m/n (1 -
//   (1-1/m)^n) shared   of 100 keys, so many share their bucket with another                       ideal 1 -
//   (1-1/m)^(n-1) pair     of 100 pairs of keys, so many share a bucket                               ideal
//   1/m
#ifndef TOPHASH_BENCH_LAB_COLLISION_METER_HPP
#define TOPHASH_BENCH_LAB_COLLISION_METER_HPP

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

namespace tophash::lab {

struct collision_rates {
  double taken_percent = 0, shared_percent = 0, pair_percent = 0;
  std::size_t buckets_used = 0;
};

inline collision_rates collisions_in(std::span<const std::uint32_t> keys_in_bucket) noexcept {
  double keys = 0, alone = 0, pairs = 0;
  std::size_t used = 0;
  for (const std::uint32_t c : keys_in_bucket) {
    const double count = c;
    keys += count;
    used += c != 0 ? 1 : 0;
    alone += c == 1 ? 1 : 0;
    pairs += count * (count - 1) / 2;
  }
  if (keys == 0) return {};
  collision_rates out{.buckets_used = used};
  out.taken_percent = 100 * (keys - static_cast<double>(used)) / keys;
  out.shared_percent = 100 * (keys - alone) / keys;
  if (keys > 1) out.pair_percent = 100 * pairs / (keys * (keys - 1) / 2);
  return out;
}

inline collision_rates ideal_collisions(std::size_t keys, std::size_t buckets) noexcept {
  const double n = static_cast<double>(keys), m = static_cast<double>(buckets);
  const double missed = std::log1p(-1 / m);  // a key misses a bucket
  collision_rates out;
  out.taken_percent = 100 * (1 + m / n * std::expm1(n * missed));
  out.shared_percent = -100 * std::expm1((n - 1) * missed);
  out.pair_percent = 100 / m;
  out.buckets_used = static_cast<std::size_t>(-m * std::expm1(n * missed));
  return out;
}

}  // namespace tophash::lab

#endif
