// expect: tophash[iteration x types]: when a table shrinks, open iterators tell by the hash which entries they have walked, but this Key may be unequal to itself and then has no hash to go by
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>
#include <tophash/policies/growth/eager.hpp>
#include <tophash/policies/growth/shrinking.hpp>
#include <tophash/policies/hashing/go_seeded.hpp>
#include <tophash/policies/iteration/mutation_safe.hpp>

tophash::map<double, int, tophash::hashing::go_seeded<tophash::hashing::wyhash>, tophash::iteration::mutation_safe,
             tophash::growth::shrinking<tophash::growth::eager>>
    m;
