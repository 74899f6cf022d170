// expect: tophash[sizing x layout]: triangular and perturbed steps come to every slot only if there are 2^n of them
// SPDX-License-Identifier: Apache-2.0
#include <tophash/framework/layout/open_slots.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/sizing/prime.hpp>

tophash::map<int, int, tophash::layout::open_slots<tophash::layout::probe::triangular>, tophash::sizing::prime> m;
