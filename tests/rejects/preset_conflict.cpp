// expect: tophash[preset x preset]: two presets set the same axis and no explicit option decides between them
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>
#include <tophash/presets.hpp>

struct other {
  using axis = tophash::axes::preset;
  using options = tophash::bundle<tophash::load<4, 1>>;
};
tophash::map<int, int, tophash::presets::go_like, other> m;
