// expect: tophash[allocation x layout]: buckets are to be aligned more strictly than their storage can align a block, so every allocation would fail
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>

// Storage that aligns no block to more than 16 bytes, in the fewest lines.
struct sixteen {
  using axis = tophash::axes::allocation;
  static constexpr std::size_t align_max_bytes = 16;
  void* try_allocate(const tophash::request&) noexcept { return nullptr; }
  void deallocate(void*, const tophash::request&) noexcept {}
  friend bool operator==(sixteen, sixteen) noexcept { return true; }
};

tophash::map<int, int, tophash::layout::bucket_chain<tophash::bucket_options{.align_bytes = 64}>, sixteen> m;
