// SPDX-License-Identifier: Apache-2.0
// Assertions in three tiers, chosen by TOPHASH_CHECKED:
//   0  always      only what must stop a release build (default)
//   1  checked     preconditions a caller can break: a foreign iterator, a wrong deallocation size
//   2  exhaustive  whole-structure invariants, costing more than the operation they check
#ifndef TOPHASH_FRAMEWORK_CORE_CHECKED_HPP
#define TOPHASH_FRAMEWORK_CORE_CHECKED_HPP

#include <cstdio>
#include <cstdlib>

#include <tophash/framework/config.hpp>

#ifndef TOPHASH_CHECKED
#define TOPHASH_CHECKED 0
#endif

namespace tophash::inline v1 {

[[noreturn]] TOPHASH_NOINLINE inline void check_failed(const char* what, const char* file, int line) noexcept {
  std::fprintf(stderr, "tophash: %s (%s:%d)\n", what, file, line);
  std::abort();
}

}  // namespace tophash::inline v1

#define TOPHASH_ALWAYS(condition, what) \
  (static_cast<bool>(condition) ? static_cast<void>(0) : ::tophash::check_failed(what, __FILE__, __LINE__))

#if TOPHASH_CHECKED >= 1
#define TOPHASH_CHECK(condition, what) TOPHASH_ALWAYS(condition, what)
#else
#define TOPHASH_CHECK(condition, what) static_cast<void>(0)
#endif

#if TOPHASH_CHECKED >= 2
#define TOPHASH_CHECK_EXHAUSTIVE(condition, what) TOPHASH_ALWAYS(condition, what)
#else
#define TOPHASH_CHECK_EXHAUSTIVE(condition, what) static_cast<void>(0)
#endif

#endif
