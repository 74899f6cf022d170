// expect: tophash[iteration x sizing]: iterators that survive growth tell what they have walked by the bucket an entry was in, but these sizes share no bits, so that the entries of one bucket are dispersed over all of the next array
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>
#include <tophash/policies/iteration/mutation_safe.hpp>
#include <tophash/policies/sizing/prime.hpp>

tophash::map<int, int, tophash::sizing::prime, tophash::iteration::mutation_safe> m;
