// expect: tophash[growth]: lookups are to move a growth on, but this one moves everything within the write that grows and leaves them nothing
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>
#include <tophash/policies/growth/eager.hpp>
#include <tophash/policies/growth/on_read.hpp>

tophash::map<int, int, tophash::growth::on_read<tophash::growth::eager>> m;
