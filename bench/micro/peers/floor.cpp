// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

#include "micro/peers/clock.hpp"
#include "micro/peers/contestant.hpp"
#include "micro/peers/hash.hpp"

namespace tophash::peers {

namespace {

// Entries that lie where their hash says. Key 0 is an empty slot.
class direct_table {
 public:
  explicit direct_table(std::size_t n) {
    std::size_t slots = 2;
    while (static_cast<double>(n) > 0.72 * static_cast<double>(slots)) slots *= 2;
    entries_.resize(slots);
    shift_ = 64 - std::countr_zero(slots);
    std::uint64_t state = 0x5eed;
    while (keys_.size() < n) {
      const std::uint64_t key = next_seed(state += golden_ratio_bits);
      entry& home = entries_[at(key)];
      if (key == 0 || home.key != 0) continue;
      home = {key, keys_.size() + 1};
      keys_.push_back(key);
    }
  }
  bool add_found(std::uint64_t key, std::uint64_t& sum) const noexcept {
    const entry& home = entries_[at(key)];
    if (home.key != key) return false;
    sum += home.value;
    return true;
  }
  const std::vector<std::uint64_t>& keys() const noexcept { return keys_; }

 private:
  struct entry {
    std::uint64_t key = 0;
    std::uint64_t value = 0;
  };
  std::size_t at(std::uint64_t key) const noexcept { return shared_hash{}(key) >> shift_; }

  std::vector<entry> entries_;
  std::vector<std::uint64_t> keys_;
  int shift_ = 0;
};

using input = inputs<std::uint64_t>;

measurement ask(const direct_table& table, const std::vector<std::uint64_t>& asked, std::size_t passes = 1) {
  std::uint64_t sum = 0;
  stopwatch clock;
  clock.start();
  for (std::size_t pass = 0; pass < passes; ++pass) {
    forget(table);
    for (const std::uint64_t& key : asked) {
      ask_ahead(key);
      table.add_found(key, sum);
    }
  }
  clock.stop(sum);
  return {clock.ns(), asked.size() * passes, sum};
}

// As inputs.cpp makes them, of the table's own keys.
std::vector<std::uint64_t> hits_of(const direct_table& table, const input& in) {
  std::vector<std::uint64_t> order = table.keys();
  std::vector<std::uint64_t> out;
  out.reserve(in.hits.size());
  std::uint64_t state = 0x0dde;
  while (out.size() < in.hits.size()) {
    for (std::size_t i = order.size() - 1; i > 0; --i) {
      std::swap(order[i], order[next_seed(state += golden_ratio_bits) % (i + 1)]);
    }
    const std::size_t more = std::min(order.size(), in.hits.size() - out.size());
    out.insert(out.end(), order.begin(), order.begin() + static_cast<std::ptrdiff_t>(more));
  }
  return out;
}

measurement find_hit(const input_base& any) {
  const direct_table table(any.n);
  return ask(table, hits_of(table, static_cast<const input&>(any)));
}
measurement find_hit_in_order(const input_base& any) {
  const direct_table table(any.n);
  return ask(table, table.keys(), any.repeats);
}
measurement find_miss(const input_base& any) {
  const input& in = static_cast<const input&>(any);
  const direct_table table(in.n);
  return ask(table, {in.others.begin(), in.others.begin() + static_cast<std::ptrdiff_t>(in.hits.size())});
}
measurement find_half(const input_base& any) {
  const input& in = static_cast<const input&>(any);
  const direct_table table(in.n);
  std::vector<std::uint64_t> asked = hits_of(table, in);
  std::uint64_t state = 0x4a1f;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (next_seed(state += golden_ratio_bits) & 1u) asked[i] = in.others[i];
  }
  return ask(table, asked);
}
measurement find_few(const input_base& any) {
  const input& in = static_cast<const input&>(any);
  const direct_table table(in.n);
  const std::size_t few = std::min(in.n, std::max<std::size_t>(32, in.n / 64));
  std::vector<std::uint64_t> asked;
  asked.reserve(in.few.size());
  for (std::size_t i = 0; i < in.few.size(); ++i) asked.push_back(table.keys()[in.victims[i] % few]);
  return ask(table, asked);
}

}  // namespace

contestant collision_free_floor() {
  contestant out{.name = "floor", .code = "floor", .type = "t[h(k) >> s], no collisions, at most 0.72 full"};
  auto& run = out.elements[static_cast<std::size_t>(element::u64)].run;
  const auto set = [&run](workload w, workload_function f) { run[static_cast<std::size_t>(w)] = f; };
  set(workload::find_hit, find_hit);
  set(workload::find_hit_in_order, find_hit_in_order);
  set(workload::find_miss, find_miss);
  set(workload::find_half, find_half);
  set(workload::find_few, find_few);
  return out;
}

}  // namespace tophash::peers
