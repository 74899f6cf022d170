// expect: tophash[weak_map x hashing]: a weak key is hashed by address; a function that reads the object would read it after its end
// SPDX-License-Identifier: Apache-2.0
#include <functional>

#include <tophash/gc/precise_heap.hpp>
#include <tophash/policies/hashing/hash_with.hpp>
#include <tophash/weak_map.hpp>

struct by_content {
  std::size_t operator()(const int* p) const noexcept { return static_cast<std::size_t>(*p); }
};
tophash::weak_map<int*, int*, tophash::gc::precise, tophash::hashing::hash_with<by_content, std::equal_to<int*>>>* m = nullptr;
auto entries() { return m->size(); }
