// expect: tophash[deletion x layout]: a slot emptied at once would end the searches that lead over it, and only linear steps let the entries behind it move back over the gap
// SPDX-License-Identifier: Apache-2.0
#include <tophash/framework/layout/open_slots.hpp>
#include <tophash/map.hpp>

tophash::map<int, int, tophash::layout::open_slots<tophash::layout::probe::perturbed>, tophash::deletion::immediate> m;
