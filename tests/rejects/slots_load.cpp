// expect: tophash[load x layout]: the load limit is an entry a slot or more, but a search in layout::open_slots ends at an empty slot
// SPDX-License-Identifier: Apache-2.0
#include <tophash/framework/layout/open_slots.hpp>
#include <tophash/set.hpp>

tophash::set<int, tophash::layout::open_slots<>, tophash::load<1>> s;
