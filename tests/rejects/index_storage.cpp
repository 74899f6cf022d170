// expect: tophash[allocation x layout]: a collector follows a bucket's link as a pointer, but with index32 it is a number and what it leads to would be freed
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>
#include <tophash/policies/overflow/slabs.hpp>

// A collector's storage that is searched, in the fewest lines: the rule needs no collector installed.
struct collected_scanned {
  using axis = tophash::axes::allocation;
  static constexpr tophash::visibility visibility = tophash::visibility::scanned;
  void* try_allocate(const tophash::request&) noexcept { return nullptr; }
  void deallocate(void*, const tophash::request&) noexcept {}
  friend bool operator==(collected_scanned, collected_scanned) noexcept { return true; }
};

using by_number = tophash::layout::bucket_chain<tophash::bucket_options{.link = tophash::link_kind::index32}>;
tophash::map<int, int, by_number, tophash::overflow::slabs, collected_scanned> m;
