// expect: tophash[weak_map x allocation]: a collector must remove the entries: name its storage, gc::precise or gc::boehm_weak, and include its header
// SPDX-License-Identifier: Apache-2.0
#include <tophash/weak_map.hpp>

tophash::weak_map<int*, int*>* m = nullptr;
auto entries() { return m->size(); }
