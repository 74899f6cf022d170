// expect: tophash[sizing x layout]: the directory is indexed by the hash's upper bits and tables split by them, so the groups of a table are those of its low bits
// SPDX-License-Identifier: Apache-2.0
#include <tophash/framework/layout/directory.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/sizing/power_of_two_high.hpp>

tophash::map<int, int, tophash::layout::directory<>, tophash::sizing::power_of_two_high> m;
