// SPDX-License-Identifier: Apache-2.0
// Tells the address sanitizer which bytes of a block hold no object, so that a read of an erased or never written
// slot is an error there. Without the sanitizer both do nothing.
#ifndef TOPHASH_FRAMEWORK_CORE_POISON_HPP
#define TOPHASH_FRAMEWORK_CORE_POISON_HPP

#include <cstddef>

#include <tophash/framework/config.hpp>

#if TOPHASH_HAS_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace tophash::inline v1 {

inline void poison(const void* begin, std::size_t bytes) noexcept {
#if TOPHASH_HAS_ASAN
  __asan_poison_memory_region(begin, bytes);
#else
  static_cast<void>(begin), static_cast<void>(bytes);
#endif
}

inline void unpoison(const void* begin, std::size_t bytes) noexcept {
#if TOPHASH_HAS_ASAN
  __asan_unpoison_memory_region(begin, bytes);
#else
  static_cast<void>(begin), static_cast<void>(bytes);
#endif
}

}  // namespace tophash::inline v1

#endif
