// SPDX-License-Identifier: Apache-2.0
#include "micro/peers/inputs.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include <tophash/framework/core/bits.hpp>

namespace tophash::peers {

namespace {

class random_words {
 public:
  explicit random_words(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() noexcept {
    state_ += golden_ratio_bits;
    return next_seed(state_);
  }
  std::size_t below(std::size_t bound) noexcept { return static_cast<std::size_t>(next() % bound); }

 private:
  std::uint64_t state_;
};

// The id-th key. Different ids give different keys: each step is a bijection. The words 0, ~0 and ~1 are left
// out, since google::dense_hash_map needs two keys that never occur, and the floor one.
struct u64_keys {
  std::uint64_t seed;
  std::uint64_t operator()(std::uint64_t id) const noexcept {
    const std::uint64_t key = next_seed(id ^ seed);
    return key == 0 || key >= ~std::uint64_t{1} ? next_seed(id ^ seed ^ (std::uint64_t{1} << 63)) : key;
  }
};

struct string_keys {
  std::uint64_t seed;
  std::size_t least_characters;
  std::size_t most_characters;
  std::string operator()(std::uint64_t id) const {
    static constexpr char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    random_words words(seed ^ next_seed(id));
    const std::size_t characters = least_characters + words.below(most_characters - least_characters + 1);
    std::string key(characters, ' ');
    // 48 bits of an odd multiple of the id: different for different ids, and not in order.
    const std::uint64_t scrambled = (id + seed) * 0x9e3779b97f4a7c15u & ((std::uint64_t{1} << 48) - 1);
    for (std::size_t i = 0; i < 8; ++i) key[i] = letters[(scrambled >> (6 * i)) & 63u];
    for (std::size_t i = 8; i < characters; ++i) key[i] = letters[words.next() & 63u];
    return key;
  }
};

template <class Key>
std::vector<Key> permutations(const Key* from, std::size_t n, std::size_t total, random_words& random) {
  std::vector<std::uint32_t> order(n);
  std::iota(order.begin(), order.end(), 0u);
  std::vector<Key> out;
  out.reserve(total);
  while (out.size() < total) {
    for (std::size_t i = n - 1; i > 0; --i) std::swap(order[i], order[random.below(i + 1)]);
    for (std::size_t i = 0; i < n && out.size() < total; ++i) out.push_back(from[order[i]]);
  }
  return out;
}

template <class Key, class Make>
std::unique_ptr<input_base> fill(kind what, std::size_t n, std::uint64_t seed, const Make& make) {
  auto in = std::make_unique<inputs<Key>>();
  in->what = what;
  in->n = n;
  in->repeats = std::max<std::size_t>(1, least_stream / n);
  const std::size_t total = n * in->repeats;
  const std::size_t lookups = std::min(total, most_lookups);
  random_words random(seed);

  in->keys.reserve(total);
  in->others.reserve(total);
  for (std::size_t id = 0; id < total; ++id) in->keys.push_back(make(id));
  for (std::size_t id = total; id < 2 * total; ++id) in->others.push_back(make(id));
  in->hits = permutations(in->keys.data(), n, lookups, random);
  in->hits_others = permutations(in->others.data() + (total - n), n, lookups, random);
  in->halves.reserve(lookups);
  for (std::size_t i = 0; i < lookups; ++i)
    in->halves.push_back(random.next() & 1u ? in->hits[i] : in->others[i]);
  const std::size_t few = std::min(n, std::max<std::size_t>(32, n / 64));
  in->few.reserve(lookups);
  for (std::size_t i = 0; i < lookups; ++i) in->few.push_back(in->keys[random.below(few)]);
  in->skewed.reserve(total);
  for (std::size_t i = 0; i < total; ++i) {
    const double u = static_cast<double>(random.next() >> 11) * 0x1p-53;
    in->skewed.push_back(in->keys[static_cast<std::size_t>(u * u * u * static_cast<double>(n))]);
  }
  in->victims.reserve(total);
  for (std::size_t i = 0; i < total; ++i) in->victims.push_back(static_cast<std::uint32_t>(random.below(n)));
  return in;
}

}  // namespace

const char* name_of(kind k) noexcept {
  switch (k) {
  case kind::u64:
    return "u64";
  case kind::short_string:
    return "short_string";
  case kind::long_string:
    return "long_string";
  case kind::value_64:
    return "value_64";
  case kind::value_256:
    return "value_256";
  }
  return "?";
}

std::unique_ptr<input_base> make_inputs(kind what, std::size_t n, std::uint64_t seed) {
  switch (what) {
  case kind::short_string:
    return fill<std::string>(what, n, seed, string_keys{next_seed(seed), 8, 16});
  case kind::long_string:
    return fill<std::string>(what, n, seed, string_keys{next_seed(seed), 40, 40});
  default:
    return fill<std::uint64_t>(what, n, seed, u64_keys{next_seed(seed)});
  }
}

}  // namespace tophash::peers
