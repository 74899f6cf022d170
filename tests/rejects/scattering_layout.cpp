// expect: tophash[hashing x layout]: go_seeded gives keys that are unequal to themselves a random hash, but open groups find an entry's home by hashing its key again when they grow
// SPDX-License-Identifier: Apache-2.0
#include <tophash/framework/layout/open_groups.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/hashing/go_seeded.hpp>

tophash::map<int, int, tophash::layout::open_groups<>, tophash::hashing::go_seeded<tophash::hashing::wyhash>> m;
