// expect: tophash[overflow x layout]: overflow::slabs takes a bucket back by its number, but links are pointers and no bucket knows its own
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>
#include <tophash/policies/overflow/slabs.hpp>

tophash::map<int, int, tophash::overflow::slabs> m;
