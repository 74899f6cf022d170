// expect: tophash[sync x observe]: each stripe has a copy of the observer, told under that stripe's lock, but the copies write to one place without another lock
// SPDX-License-Identifier: Apache-2.0
#include <tophash/policies/observe/chrome_trace.hpp>
#include <tophash/shared_map.hpp>

tophash::map<int, int, tophash::sync::striped<64>, tophash::observe::chrome_trace> m;
