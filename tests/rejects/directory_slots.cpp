// expect: tophash[layout]: a table behind a directory was given a largest size that is no power of two, or one that is not 16..65536 slots
// SPDX-License-Identifier: Apache-2.0
#include <tophash/framework/layout/directory.hpp>
#include <tophash/map.hpp>

tophash::map<int, int, tophash::layout::directory<24>> m;
