// expect: tophash[sync x overflow]: each stripe takes its overflow buckets under its own lock, but a shared pool would be used by several stripes at once
// SPDX-License-Identifier: Apache-2.0
#include <tophash/policies/overflow/shared_pool.hpp>
#include <tophash/shared_map.hpp>

tophash::map<int, int, tophash::sync::striped<64>, tophash::overflow::shared_pool> m;
