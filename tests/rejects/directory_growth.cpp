// expect: tophash[growth x layout]: tables behind a directory bound what a growth moves by growing one by one, each at once, and never become smaller
// SPDX-License-Identifier: Apache-2.0
#include <tophash/framework/layout/directory.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/growth/incremental.hpp>

tophash::map<int, int, tophash::layout::directory<>, tophash::growth::incremental<2>> m;
