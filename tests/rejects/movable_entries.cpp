// expect: tophash[layout x types]: growth moves entries that lie in the buckets, but this Key or T can be neither moved nor copied
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>

struct pinned {
  pinned() = default;
  pinned(const pinned&) = delete;
};
tophash::map<int, pinned> m;
void use() { m.try_emplace(1); }
