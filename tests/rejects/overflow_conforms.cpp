// expect: tophash[overflow]: the overflow option lacks acquire, release, drain or counts, each noexcept
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>

struct no_source {
  using axis = tophash::axes::overflow;
};
tophash::map<int, int, no_source> m;
