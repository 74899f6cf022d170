// expect: tophash[sync x iteration]: iterators that survive any operation were asked for, but a map shared by threads has no iterators
// SPDX-License-Identifier: Apache-2.0
#include <tophash/shared_map.hpp>

struct surviving {
  using axis = tophash::axes::iteration;
  static constexpr tophash::iteration_facts facts{.survives_mutation = true};
};

tophash::map<int, int, surviving, tophash::sync::striped<64>> m;
