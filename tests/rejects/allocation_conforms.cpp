// expect: tophash[allocation]: the allocation option lacks try_allocate(request) or deallocate(pointer, request), each noexcept, or ==, or cannot be copied without throwing
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>

struct no_equality {
  using axis = tophash::axes::allocation;
  void* try_allocate(const tophash::request&) noexcept { return nullptr; }
  void deallocate(void*, const tophash::request&) noexcept {}
};
tophash::map<int, int, no_equality> m;
