// SPDX-License-Identifier: Apache-2.0
// Feature tests, in one place: which compiler facilities this build has, and how an error leaves a function
// when exceptions are switched off. Everything else asks the macros below and never tests a compiler itself.
#ifndef TOPHASH_FRAMEWORK_CONFIG_HPP
#define TOPHASH_FRAMEWORK_CONFIG_HPP

#include <cstdlib>
#include <new>
#include <stdexcept>

#if defined(__SSE2__) || defined(_M_X64)
#define TOPHASH_HAS_SSE2 1
#else
#define TOPHASH_HAS_SSE2 0
#endif

// Single instructions that the compilers at hand do not find; each use has the portable way beside it.
#if (defined(__GNUC__) || defined(__clang__)) && defined(__x86_64__)
#define TOPHASH_HAS_X86_64_ASM 1
#else
#define TOPHASH_HAS_X86_64_ASM 0
#endif

#if defined(__SIZEOF_INT128__)
#define TOPHASH_HAS_INT128 1
#else
#define TOPHASH_HAS_INT128 0
#endif

#if defined(__cpp_exceptions)
#define TOPHASH_HAS_EXCEPTIONS 1
#define TOPHASH_TRY try
#define TOPHASH_CATCH_ALL catch (...)
#define TOPHASH_RETHROW throw
#else
#define TOPHASH_HAS_EXCEPTIONS 0
#define TOPHASH_TRY if constexpr (true)
#define TOPHASH_CATCH_ALL else
#define TOPHASH_RETHROW static_cast<void>(0)
#endif

// Where nothing else is inlined either, forced inlining hides what a debugger should step through, and a build with
// sanitizers compiles a quarter longer.
#if defined(__GNUC__) || defined(__clang__)
#define TOPHASH_NOINLINE [[gnu::noinline]]
#if defined(__OPTIMIZE__)
#define TOPHASH_ALWAYS_INLINE [[gnu::always_inline]] inline
#else
#define TOPHASH_ALWAYS_INLINE inline
#endif
#elif defined(_MSC_VER)
#define TOPHASH_NOINLINE __declspec(noinline)
#define TOPHASH_ALWAYS_INLINE __forceinline
#else
#define TOPHASH_NOINLINE
#define TOPHASH_ALWAYS_INLINE inline
#endif

// Asks for the cache line at `address` without waiting for it, to read or to write it. Any address will do.
#if defined(__GNUC__) || defined(__clang__)
#define TOPHASH_PREFETCH(address) __builtin_prefetch(address)
#define TOPHASH_PREFETCH_TO_WRITE(address) __builtin_prefetch(address, 1)
#else
#define TOPHASH_PREFETCH(address) static_cast<void>(address)
#define TOPHASH_PREFETCH_TO_WRITE(address) static_cast<void>(address)
#endif

// What a compiler may take for true, and is.
#if defined(__GNUC__) || defined(__clang__)
#define TOPHASH_ASSUME(condition)             \
  do {                                        \
    if (!(condition)) __builtin_unreachable(); \
  } while (false)
#else
#define TOPHASH_ASSUME(condition) static_cast<void>(0)
#endif

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TOPHASH_HAS_ASAN 1
#endif
#endif
#if !defined(TOPHASH_HAS_ASAN) && defined(__SANITIZE_ADDRESS__)
#define TOPHASH_HAS_ASAN 1
#endif
#ifndef TOPHASH_HAS_ASAN
#define TOPHASH_HAS_ASAN 0
#endif

namespace tophash::inline v1 {

// Without exceptions an error that has no `try_` form ends the program: there is no other way to tell.
[[noreturn]] TOPHASH_NOINLINE inline void throw_bad_alloc() {
#if TOPHASH_HAS_EXCEPTIONS
  throw std::bad_alloc{};
#else
  std::abort();
#endif
}

[[noreturn]] TOPHASH_NOINLINE inline void throw_length_error(const char* what) {
#if TOPHASH_HAS_EXCEPTIONS
  throw std::length_error{what};
#else
  static_cast<void>(what);
  std::abort();
#endif
}

[[noreturn]] TOPHASH_NOINLINE inline void throw_out_of_range(const char* what) {
#if TOPHASH_HAS_EXCEPTIONS
  throw std::out_of_range{what};
#else
  static_cast<void>(what);
  std::abort();
#endif
}

[[noreturn]] TOPHASH_NOINLINE inline void throw_invalid_argument(const char* what) {
#if TOPHASH_HAS_EXCEPTIONS
  throw std::invalid_argument{what};
#else
  static_cast<void>(what);
  std::abort();
#endif
}

}  // namespace tophash::inline v1

#endif
