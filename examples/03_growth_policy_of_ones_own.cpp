// A growth policy of one's own: grow by a half instead of doubling, four chains a write. A policy is a pure
// decision on numbers: it can be asked without a map, and the laws in tests/laws check it.
//
// Prints:
//   asked alone: full at 1000 buckets -> 1500 buckets
//   in a map: 100000 entries in 16384 buckets, at most 4 chains moved by one insert
#include <cstdint>
#include <cstdio>

#include <tophash/map.hpp>

struct by_half {
  using axis = tophash::axes::growth;
  static constexpr const char* name = "by_half";
  static constexpr tophash::growth_facts facts{.quantum = 4};

  static constexpr tophash::plan decide(const tophash::load_state& load) noexcept {
    if (load.used() < load.limit) return tophash::plan::keep();
    if (load.live <= load.limit / 2) return tophash::plan::regrow();
    return tophash::plan::resize(load.units + load.units / 2 + 1);  // the sizing policy rounds it up
  }
};

int main() {
  constexpr tophash::load_state full{.live = 6500, .units = 1000, .slots_per_unit = 8, .limit = 6500};
  std::printf("asked alone: full at %zu buckets -> %zu buckets\n", full.units, by_half::decide(full).units - 1);

  tophash::map<std::uint64_t, std::uint64_t, by_half> m;
  std::uint64_t most_moved = 0;
  for (std::uint64_t k = 0; k < 100'000; ++k) {
    const std::uint64_t before = m.stats().evacuated_chains;
    m.try_emplace(k, k);
    const std::uint64_t moved = m.stats().evacuated_chains - before;
    if (moved > most_moved) most_moved = moved;
  }
  std::printf("in a map: %zu entries in %zu buckets, at most %llu chains moved by one insert\n", m.size(),
              m.stats().units, static_cast<unsigned long long>(most_moved));
}
