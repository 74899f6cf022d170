// expect: tophash[growth]: the growth option lacks decide(load) noexcept or growth_facts
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>

struct no_decision {
  using axis = tophash::axes::growth;
  static constexpr tophash::growth_facts facts{};
};
tophash::map<int, int, no_decision> m;
