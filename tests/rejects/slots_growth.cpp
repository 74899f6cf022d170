// expect: tophash[growth x layout]: incremental growth follows the steps from one home after another, but perturbed steps need the whole hash, and an erase that moves entries back would move those of other homes
// SPDX-License-Identifier: Apache-2.0
#include <tophash/framework/layout/open_slots.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/growth/incremental.hpp>

tophash::map<int, int, tophash::layout::open_slots<>, tophash::growth::incremental<4>> m;
