// expect: tophash[growth]: incremental<0> evacuates no chain a write, so a growth would never end and the next could never start
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>
#include <tophash/policies/growth/incremental.hpp>

tophash::map<int, int, tophash::growth::incremental<0>> m;
