// expect: tophash[allocation x types]: nobody searches this storage, but this Key or T is a pointer to collected memory, whose referent would be freed
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>

// A pointer into a collector's heap, in the fewest lines: the rule needs no collector installed.
struct symbol;
struct collected_pointer {
  symbol* to = nullptr;
};
template <>
struct tophash::gc_traits<collected_pointer> {
  static constexpr bool may_contain_pointers = true;
  static constexpr bool collected = true;
};

tophash::map<int, collected_pointer> m;
void use() { m[1] = {}; }
