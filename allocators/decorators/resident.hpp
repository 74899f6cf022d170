// SPDX-License-Identifier: Apache-2.0
// The resource of a handle that was made without one: one object of its type in the process, made at first
// use and never destroyed, since a map in static storage may give its blocks back after every destructor has
// run.
#ifndef TOPHASH_ALLOCATORS_DECORATORS_RESIDENT_HPP
#define TOPHASH_ALLOCATORS_DECORATORS_RESIDENT_HPP

#include <new>

namespace tophash::inline v1 {

namespace allocators {

template <class Resource>
Resource& resident() noexcept {
  alignas(Resource) static unsigned char place[sizeof(Resource)];
  static Resource* const made = ::new (static_cast<void*>(place)) Resource;
  return *made;
}

}  // namespace allocators

}  // namespace tophash::inline v1

#endif
