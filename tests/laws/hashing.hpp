// SPDX-License-Identifier: Apache-2.0
// Laws of a hashing policy, one function each, for the keys that a user brings:
//   check_equality      equal is an equivalence, repeatable; equal keys hash alike; a copied policy agrees
//   check_transparency  another type taken for the key compares and hashes as the key itself
//   check_avalanche     a claim is measured: each input bit flips each output bit half the time
//   check_spread        regular, hostile keys still spread over buckets and over tags
//   check_seeding       maps have seeds of their own, a reseeding separates keys, and hash() knows no seed
// check_avalanche is the slow one: input bits x 64 x 4096 samples, a second for keys of some hundred bytes.
#ifndef TOPHASH_TESTS_LAWS_HASHING_HPP
#define TOPHASH_TESTS_LAWS_HASHING_HPP

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <tophash/framework/concepts/hashing.hpp>
#include <tophash/framework/core/bits.hpp>

#include "laws/option.hpp"
#include "laws/sampling.hpp"

namespace tophash::inline v1 {

namespace laws {

// `keys` should hold some that are equal though not identical (+0.0 and -0.0), and none unequal to itself.
template <class Key, class H, class Report>
void check_equality(const H& h, std::span<const Key> keys, Report&& report) {
  static_assert(hashing_policy<H, Key>);
  check_option<H, axes::hashing>(report);
  const H copied_policy(h);
  for (std::size_t i = 0; i != keys.size(); ++i) {
    const Key copy(keys[i]);
    if (!h.equal(keys[i], keys[i])) report(sentence(subject<H>(), "sample ", i, " is not equal to itself"));
    if (!h.equal(keys[i], copy)) report(sentence(subject<H>(), "sample ", i, " is not equal to its copy"));
    if (h.hash(keys[i]) != h.hash(keys[i])) {
      report(sentence(subject<H>(), "sample ", i, " hashes to another value the second time"));
    } else if (h.hash(keys[i]) != h.hash(copy)) {
      report(sentence(subject<H>(), "sample ", i, " and its copy hash differently"));
    } else if (h.hash(keys[i]) != copied_policy.hash(keys[i])) {
      report(sentence(subject<H>(), "sample ", i, " hashes differently under a copy of the policy"));
    }
    for (std::size_t j = 0; j != i; ++j) {
      const bool equal = h.equal(keys[i], keys[j]);
      if (equal != static_cast<bool>(h.equal(keys[j], keys[i]))) {
        report(sentence(subject<H>(), "equal is not symmetric for samples ", j, " and ", i));
      }
      if (!equal) continue;
      if (h.hash(keys[i]) != h.hash(keys[j])) {
        report(sentence(subject<H>(), "equal samples ", j, " and ", i, " hash to ", h.hash(keys[j]), " and ",
                        h.hash(keys[i])));
      }
      for (std::size_t k = 0; k != keys.size(); ++k) {
        if (h.equal(keys[i], keys[k]) != h.equal(keys[j], keys[k])) {
          report(sentence(subject<H>(), "equal is not transitive over samples ", j, ", ", i, " and ", k));
        }
      }
    }
  }
}

// Nothing to check, and so nothing reported, where the policy does not claim to take Other for Key.
template <class Key, class Other, class H, class Report>
void check_transparency(const H& h, std::span<const Key> keys, std::span<const Other> others,
                        Report&& report) {
  if constexpr (is_transparent_for<H, Key, Other>()) {
    for (std::size_t j = 0; j != others.size(); ++j) {
      const Key built(others[j]);
      if (!h.equal(built, others[j])) {
        report(sentence(subject<H>(), "other ", j, " is not equal to the key built from it"));
      }
      if (h.hash(built) != h.hash(others[j])) {
        report(sentence(subject<H>(), "other ", j, " hashes to ", h.hash(others[j]),
                        ", the key built from it to ", h.hash(built)));
      }
      for (std::size_t i = 0; i != keys.size(); ++i) {
        if (h.equal(keys[i], others[j]) != h.equal(keys[i], built)) {
          report(sentence(subject<H>(), "sample ", i, " compares with other ", j, " as ",
                          static_cast<bool>(h.equal(keys[i], others[j])),
                          ", with the key built from it not so"));
        }
      }
    }
  }
}

struct avalanche_result {
  std::size_t input_bit = 0, output_bit = 0;
  double frequency = 0.5;  // of the worst pair of bits
  std::size_t biased = 0;  // pairs of bits outside the tolerance
  double tolerance = 0;
};

// `make` builds a key from input_bits / 8 bytes, each bit of which matters to it.
template <class Hash, class Make>
avalanche_result measure_avalanche(const Hash& hash, const Make& make, std::size_t input_bits,
                                   std::size_t samples = 4096) {
  sampler draw(input_bits);
  std::vector<unsigned char> bytes(input_bits / 8);
  // Eight standard deviations; few bits mean few different samples.
  const double distinct = input_bits < 14 ? std::ldexp(1.0, static_cast<int>(input_bits) - 1) : 8192.0;
  const double independent = std::min(static_cast<double>(samples), distinct);
  avalanche_result worst;
  worst.tolerance = 8 * 0.5 / std::sqrt(independent);
  for (std::size_t bit = 0; bit != input_bits; ++bit) {
    std::array<std::size_t, 64> flips{};
    for (std::size_t s = 0; s != samples; ++s) {
      for (auto& byte : bytes) byte = static_cast<unsigned char>(draw.next() >> 40);
      const std::uint64_t before = hash(make(std::span<const unsigned char>(bytes)));
      bytes[bit / 8] = static_cast<unsigned char>(bytes[bit / 8] ^ (1u << (bit % 8)));
      const std::uint64_t change = before ^ hash(make(std::span<const unsigned char>(bytes)));
      for (std::size_t out = 0; out != 64; ++out) flips[out] += (change >> out) & 1u;
    }
    for (std::size_t out = 0; out != 64; ++out) {
      const double frequency = static_cast<double>(flips[out]) / static_cast<double>(samples);
      if (std::abs(frequency - 0.5) > worst.tolerance) ++worst.biased;
      if (std::abs(frequency - 0.5) > std::abs(worst.frequency - 0.5)) {
        worst.input_bit = bit, worst.output_bit = out, worst.frequency = frequency;
      }
    }
  }
  return worst;
}

// Measures h.hash, and what the table looks up, if the policy claims avalanching for Key.
template <class Key, class H, class Make, class Report>
void check_avalanche(const H& h, const Make& make, std::size_t input_bits, Report&& report,
                     std::size_t samples = 4096) {
  if constexpr (is_avalanching<H, Key>()) {
    const auto judge = [&](const char* what, const auto& hash) {
      const avalanche_result found = measure_avalanche(hash, make, input_bits, samples);
      if (found.biased == 0) return;
      report(sentence(subject<H>(), "claims avalanching, but flipping input bit ", found.input_bit, " of ",
                      input_bits, " flips bit ", found.output_bit, " of ", what, " with frequency ",
                      found.frequency, " (allowed: 0.5 +- ", found.tolerance, "); ", found.biased,
                      " pairs of bits are biased"));
    };
    judge("the hash", [&](const Key& key) -> std::uint64_t { return h.hash(key); });
    judge("the position", [&](const Key& key) { return position_hash<Key>(h, h.hash(key)); });
  }
}

// Chi-square of `keys` numbers thrown into cells, a degree of freedom: 1 for a random throw, less for an even
// one; keys / cells is added to a chain's mean length by each unit above.
template <class Cell>
double unevenness(std::size_t keys, std::size_t cells, const Cell& cell) {
  std::vector<std::size_t> counts(cells);
  for (std::size_t i = 0; i != keys; ++i) ++counts[cell(i)];
  const double expected = static_cast<double>(keys) / static_cast<double>(cells);
  double sum = 0;
  for (std::size_t n : counts) {
    const double off = static_cast<double>(n) - expected;
    sum += off * off / expected;
  }
  return sum / static_cast<double>(cells - 1);
}

// The worst measured on the patterns below: one folded product, which is what mix() does, 7.2 for buckets and
// 6.9 for tags; a random function 2.5 and 1.9; an unmixed weak hash hundreds.
inline constexpr double worst_bucket_unevenness = 12;
inline constexpr double worst_tag_unevenness = 12;

constexpr std::uint64_t reverse_bits(std::uint64_t x) noexcept {
  std::uint64_t out = 0;
  for (int i = 0; i != 64; ++i, x >>= 1) out = (out << 1) | (x & 1u);
  return out;
}

struct pattern {
  const char* name;
  int parameter;
  std::function<std::uint64_t(std::uint64_t)> at;
};

inline std::vector<pattern> hostile_patterns() {
  std::vector<pattern> all;
  for (int k = 0; k != 44; ++k) {
    all.push_back({"multiples of 2 to the power of ", k, [k](std::uint64_t i) { return i << k; }});
  }
  for (int step : {3, 48, 1000, 4095, 4097}) {
    all.push_back(
        {"multiples of ", step, [step](std::uint64_t i) { return i * static_cast<std::uint64_t>(step); }});
  }
  for (int k : {0, 8, 16, 32}) {
    all.push_back({"bit-reversed numbers, shifted right by ", k,
                   [k](std::uint64_t i) { return reverse_bits(i) >> k; }});
  }
  return all;
}

// Does some key occur twice? Equal keys are neighbours once sorted by hash.
template <class Key, class H>
bool repeats_a_key(const H& h, std::span<const Key> keys) {
  std::vector<std::pair<std::uint64_t, std::size_t>> order;
  for (std::size_t i = 0; i != keys.size(); ++i) order.emplace_back(h.hash(keys[i]), i);
  std::sort(order.begin(), order.end());
  for (std::size_t i = 1; i != order.size(); ++i) {
    if (order[i].first == order[i - 1].first && h.equal(keys[order[i].second], keys[order[i - 1].second]))
      return true;
  }
  return false;
}

template <class Key, class H, class Report>
bool check_spread_of(const H& h, std::span<const Key> keys, std::size_t buckets, const pattern& hostile,
                     Report&& report) {
  std::vector<std::uint64_t> at;
  for (const Key& key : keys) at.push_back(position_hash<Key>(h, h.hash(key)));
  const double low = unevenness(at.size(), buckets, [&](std::size_t i) { return at[i] & (buckets - 1); });
  const double top =
      at.size() < 1024 ? 1 : unevenness(at.size(), 256, [&](std::size_t i) { return at[i] >> 56; });
  if (low <= worst_bucket_unevenness && top <= worst_tag_unevenness) return true;
  report(sentence(subject<H>(), at.size(), " ", hostile.name, hostile.parameter, " in ", buckets,
                  " buckets: unevenness of buckets ", low, " (at most ", worst_bucket_unevenness,
                  "), of tags ", top, " (at most ", worst_tag_unevenness, ")"));
  return false;
}

// `make` builds a key from 64 bits and may drop those that do not fit; patterns that repeat a key are passed
// over. Buckets by the low bits, tags from the top byte, as bucket_chain takes them. Raw policies promise
// none.
template <class Key, class H, class Make, class Report>
void check_spread(const H& h, const Make& make, Report&& report) {
  if constexpr (!hashing_facts_of<H>().raw || hashing_facts_of<H>().seeded) {
    for (const pattern& hostile : hostile_patterns()) {
      for (std::size_t buckets : {16u, 256u, 4096u}) {
        std::vector<Key> keys;
        for (std::uint64_t i = 0; i != buckets * 6; ++i) keys.push_back(make(hostile.at(i)));
        if (repeats_a_key<Key>(h, keys)) continue;
        if (!check_spread_of<Key>(h, keys, buckets, hostile, report)) return;
      }
    }
  }
}

// Of the pairs of keys that share a bucket under one seed, which part shares one under the next, over that of
// a random hash? For consecutive integers under mix(): 1.6 on average over 400 reseedings, 12 for the worst
// one.
inline constexpr double worst_repeated_collisions = 4;

template <class Key, class H>
std::vector<std::size_t> buckets_of(const H& h, std::span<const Key> keys, std::size_t buckets) {
  std::vector<std::size_t> out;
  for (const Key& key : keys)
    out.push_back(static_cast<std::size_t>(position_hash<Key>(h, h.hash(key)) % buckets));
  return out;
}

inline double repeated_collisions(const std::vector<std::size_t>& before,
                                  const std::vector<std::size_t>& after, std::size_t buckets) {
  std::vector<std::size_t> in_one(buckets), in_both(buckets * buckets);
  std::size_t together = 0, again = 0;
  for (std::size_t i = 0; i != before.size(); ++i) {
    together += in_one[before[i]]++;
    again += in_both[before[i] * buckets + after[i]]++;
  }
  return static_cast<double>(again) * static_cast<double>(buckets) / static_cast<double>(together);
}

template <class H, class Report>
void check_seed_changes(H h, Report&& report) {
  if constexpr (std::is_default_constructible_v<H>) {
    if (H{}.seed() == H{}.seed()) report(sentence(subject<H>(), "two policies begin with the same seed"));
  }
  if (H(h).seed() != h.seed()) {
    report(sentence(subject<H>(), "a copy has another seed, so a copied map loses its keys"));
  }
  const std::uint64_t before = h.seed();
  h.reseed();
  if (h.seed() == before) report(sentence(subject<H>(), "reseed() left the seed at ", before));
}

// `make` builds a key from an integer.
template <class Key, class H, class Make, class Report>
void check_seeding(H h, const Make& make, Report&& report) {
  static_assert(hashing_facts_of<H>().seeded, "for policies that state facts.seeded");
  check_seed_changes(h, report);
  constexpr std::size_t buckets = 256, reseedings = 64;
  std::vector<Key> keys;
  for (std::uint64_t i = 0; i != 4096; ++i) keys.push_back(make(i));
  double sum = 0;
  for (std::size_t turn = 0; turn != reseedings; ++turn) {
    const std::uint64_t hash = h.hash(keys[turn]);
    const auto before = buckets_of<Key>(h, keys, buckets);
    h.reseed();
    if (h.hash(keys[turn]) != hash) {
      report(
          sentence(subject<H>(), "reseed() changed hash() of sample ", turn, ": hash tokens would go stale"));
      return;
    }
    sum += repeated_collisions(before, buckets_of<Key>(h, keys, buckets), buckets);
  }
  const double ratio = sum / static_cast<double>(reseedings);
  if (ratio > worst_repeated_collisions) {
    report(sentence(subject<H>(), "keys that share a bucket under one seed share one under the next ", ratio,
                    " times as often as at random"));
  }
}

}  // namespace laws

}  // namespace tophash::inline v1

#endif
