// expect: tophash[allocation x types]: this Key or T is aligned more strictly than its storage can align a block, so every allocation would fail
// SPDX-License-Identifier: Apache-2.0
#include <tophash/map.hpp>
#include <tophash/allocators/decorators/limited.hpp>
#include <tophash/allocators/std_adaptor.hpp>

struct alignas(8192) page {
  int number;
  friend bool operator==(const page& a, const page& b) noexcept { return a.number == b.number; }
};
template <>
struct std::hash<page> {
  std::size_t operator()(const page& p) const noexcept { return static_cast<std::size_t>(p.number); }
};
using storage = tophash::allocators::limited<tophash::allocators::from_std<std::allocator<int>>>;
constexpr auto refused_bytes = sizeof(tophash::map<page, int, storage>);
