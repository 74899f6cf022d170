// expect: tophash[iteration x layout]: iterators that survive every write follow entries from chain to chain, but this layout has no chains: open addressing moves an entry within its array too
// SPDX-License-Identifier: Apache-2.0
#include <tophash/framework/layout/open_groups.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/iteration/mutation_safe.hpp>

tophash::map<int, int, tophash::layout::open_groups<>, tophash::iteration::mutation_safe> m;
