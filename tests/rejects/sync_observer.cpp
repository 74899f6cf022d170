// expect: tophash[sync x observe]: the observer is told of lookups, which run in several threads at once under a shared lock, and does not say that it is ready for that
// SPDX-License-Identifier: Apache-2.0
#include <tophash/shared_map.hpp>

struct counts_misses {
  using axis = tophash::axes::observe;
  void on(tophash::events::missed) noexcept { ++misses; }
  long misses = 0;
};

tophash::map<int, int, tophash::sync::shared_mutex, counts_misses> m;
