// SPDX-License-Identifier: Apache-2.0
// How a backend that can tell says that a block came back which it did not give out so: the message names
// backend, size, alignment and purpose, and the program ends. Called by checks of tier 1
// (framework/core/checked.hpp).
#ifndef TOPHASH_ALLOCATORS_WRONG_BLOCK_HPP
#define TOPHASH_ALLOCATORS_WRONG_BLOCK_HPP

#include <cstdio>
#include <string_view>

#include <tophash/framework/config.hpp>
#include <tophash/framework/core/checked.hpp>
#include <tophash/framework/core/purpose.hpp>

namespace tophash::inline v1 {

namespace allocators {

[[noreturn]] TOPHASH_NOINLINE inline void wrong_block(std::string_view backend, const request& r,
                                                      const char* why, const char* file, int line) noexcept {
  char text[384];
  std::snprintf(text, sizeof text, "%.*s: deallocate: %zu bytes aligned to %zu for %s: %s",
                static_cast<int>(backend.size()), backend.data(), r.bytes, r.align, purpose_name(r.use), why);
  check_failed(text, file, line);
}

}  // namespace allocators

}  // namespace tophash::inline v1

#if TOPHASH_CHECKED >= 1
#define TOPHASH_CHECK_BLOCK(condition, backend, request, why)                                                \
  (static_cast<bool>(condition)                                                                              \
       ? static_cast<void>(0)                                                                                \
       : ::tophash::allocators::wrong_block(backend, request, why, __FILE__, __LINE__))
#else
#define TOPHASH_CHECK_BLOCK(condition, backend, request, why) static_cast<void>(0)
#endif

#endif
