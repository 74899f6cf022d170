// expect: tophash[sync x growth]: lookups are to move entries, but they run in several threads at once under a shared lock
// SPDX-License-Identifier: Apache-2.0
#include <tophash/policies/growth/incremental.hpp>
#include <tophash/policies/growth/on_read.hpp>
#include <tophash/shared_map.hpp>

tophash::map<int, int, tophash::growth::on_read<tophash::growth::incremental<2>>, tophash::sync::shared_mutex> m;
