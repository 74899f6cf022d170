// SPDX-License-Identifier: Apache-2.0
// What all maps are fed: keys and the orders in which they are asked for, made before any clock runs, from a
// seed. Each sequence is at least `least_stream` long (or n), so that a map of 2,000 entries is not asked for
// the same 2,000 keys again and again in an order that the branch predictor learns.
#ifndef TOPHASH_BENCH_MICRO_PEERS_INPUTS_HPP
#define TOPHASH_BENCH_MICRO_PEERS_INPUTS_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tophash::peers {

enum class element : std::uint8_t { u64, string, value_64, value_256 };
inline constexpr std::size_t element_count = 4;

// An input: which keys, which values.
enum class kind : std::uint8_t { u64, short_string, long_string, value_64, value_256 };

constexpr element element_of(kind k) noexcept {
  switch (k) {
  case kind::u64:
    return element::u64;
  case kind::short_string:
  case kind::long_string:
    return element::string;
  case kind::value_64:
    return element::value_64;
  case kind::value_256:
    return element::value_256;
  }
  return element::u64;
}
const char* name_of(kind k) noexcept;

inline constexpr std::size_t least_stream = std::size_t{1} << 17;
inline constexpr std::size_t most_lookups = std::size_t{1} << 21;

struct input_base {
  kind what = kind::u64;
  std::size_t n = 0;        // entries
  std::size_t repeats = 0;  // maps of n entries that `keys` is enough for
  virtual ~input_base() = default;
};

template <class Key>
struct inputs : input_base {
  std::vector<Key> keys;    // n * repeats different ones; a map holds the first n, or those of its repeat
  std::vector<Key> others;  // as many, none of them in keys
  std::vector<Key> hits;    // permutations of keys[0, n), one after the other
  std::vector<Key> halves;  // of hits and others, at random
  std::vector<Key> few;     // of the first n / 64 keys (at least 32)
  std::vector<Key> skewed;  // of keys[0, n): the k-th most frequent roughly as often as 1 / k^(2/3)
  std::vector<Key> hits_others;  // permutations of the last n of others: what a full turn of churn leaves
  std::vector<std::uint32_t> victims;  // positions below n, as many as keys
};

// Reproducible: the same kind, n and seed give the same input.
std::unique_ptr<input_base> make_inputs(kind what, std::size_t n, std::uint64_t seed);

}  // namespace tophash::peers

#endif
