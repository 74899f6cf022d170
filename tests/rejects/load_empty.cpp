// expect: tophash[load]: the load limit is zero or has a zero denominator, so a table could never take an entry
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>

tophash::map<int, int, tophash::load<0, 1>> m;
