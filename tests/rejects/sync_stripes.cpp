// expect: tophash[sync]: stripes were asked for whose number, or distance in bytes, is no power of two, or which are more than 65536
// SPDX-License-Identifier: Apache-2.0
#include <tophash/shared_map.hpp>

tophash::map<int, int, tophash::sync::striped<12>> m;
