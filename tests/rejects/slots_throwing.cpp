// expect: tophash[layout x types]: an erase that moves entries back must not throw, and a growth of perturbed steps cannot go on where it stopped, but moving or hashing this Key or T may throw
// SPDX-License-Identifier: Apache-2.0
#include <tophash/framework/layout/open_slots.hpp>
#include <tophash/map.hpp>

struct copied {
  copied();
  copied(const copied&);
};

tophash::map<int, copied, tophash::layout::open_slots<>> m;
