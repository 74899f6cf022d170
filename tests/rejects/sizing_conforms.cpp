// expect: tophash[sizing]: the sizing option lacks round_up(n), a mapper or mapper::index(hash), each noexcept
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>

struct no_mapper {
  using axis = tophash::axes::sizing;
  static constexpr std::size_t round_up(std::size_t n) noexcept { return n; }
};
tophash::map<int, int, no_mapper> m;
