// expect: tophash[load]: the load option lacks limit(units, slots) or units_for(entries, slots), each noexcept
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>

// limit may throw: a table asks it where it must not.
struct throwing_limit {
  using axis = tophash::axes::load;
  static std::size_t limit(std::size_t units, std::size_t) { return units; }
  static std::size_t units_for(std::size_t n, std::size_t) noexcept { return n; }
};
tophash::map<int, int, throwing_limit> m;
