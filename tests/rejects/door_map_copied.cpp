// expect: tophash[types]: a map or set is copied whose Key or T cannot be copied; move it, or give the type a copy constructor
// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include <tophash/map.hpp>

auto copied(const tophash::map<int, std::unique_ptr<int>>& m) { return m; }
