// expect: tophash[allocation]: the allocation handle is larger than two words, and every map holds a copy of it
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>

struct fat_handle {
  using axis = tophash::axes::allocation;
  void* words[3] = {};
  void* try_allocate(const tophash::request&) noexcept { return nullptr; }
  void deallocate(void*, const tophash::request&) noexcept {}
  friend bool operator==(const fat_handle&, const fat_handle&) noexcept { return true; }
};
tophash::map<int, int, fat_handle> m;
