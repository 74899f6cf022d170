# SPDX-License-Identifier: Apache-2.0
# How the project's own programs are compiled: build type, warnings, sanitizers, ccache. Users of
# tophash::tophash inherit none of it.

# Flags that hold for a whole build tree are set only where tophash is the top-level project.
macro(tophash_build_settings)
  if(PROJECT_IS_TOP_LEVEL)
    if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
      set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
    endif()
    # -O2, as every figure in the documents; line tables alone (-g1) so that a profile or a sanitizer can name a
    # line at little cost in size.
    if(NOT MSVC AND CMAKE_CXX_FLAGS_RELEASE STREQUAL "-O3 -DNDEBUG")
      set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG" CACHE STRING "Flags of Release" FORCE)
    endif()
    set(CMAKE_CXX_STANDARD 20)
    set(CMAKE_CXX_STANDARD_REQUIRED ON)
    set(CMAKE_CXX_EXTENSIONS OFF)
    set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

    find_program(TOPHASH_CCACHE ccache)
    mark_as_advanced(TOPHASH_CCACHE)
    if(TOPHASH_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
      set(CMAKE_CXX_COMPILER_LAUNCHER "${TOPHASH_CCACHE}")
    endif()

    if(TOPHASH_SANITIZE)
      add_compile_options("-fsanitize=${TOPHASH_SANITIZE}" -fno-sanitize-recover=all -fno-omit-frame-pointer)
      add_link_options("-fsanitize=${TOPHASH_SANITIZE}")
    endif()
    if(TOPHASH_NO_EXCEPTIONS)
      add_compile_options(-fno-exceptions)
    endif()
    if(NOT TOPHASH_CHECKED STREQUAL "")
      add_compile_definitions("TOPHASH_CHECKED=${TOPHASH_CHECKED}")
    endif()
  endif()

  add_library(tophash_warnings INTERFACE)
  if(MSVC)
    target_compile_options(tophash_warnings INTERFACE /W4 $<$<BOOL:${TOPHASH_WERROR}>:/WX>)
  else()
    target_compile_options(tophash_warnings INTERFACE
      -Wall -Wextra -Wpedantic -Wconversion -Wshadow $<$<BOOL:${TOPHASH_WERROR}>:-Werror>)
  endif()
endmacro()

# Sources that share heavy headers, compiled some at a time. Not where ccache is, which keeps the result of each source:
# there a change compiles one source, here its whole batch.
function(tophash_unity target batch)
  if(TOPHASH_UNITY AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${batch})
    # g++ 12 sees in `"literal" + text` an overlap that is none (GCC bug 105651), the more it inlines the more often.
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
      target_compile_options(${target} PRIVATE -Wno-restrict)
    endif()
  endif()
endfunction()

# Headers that many sources of a target share, compiled once. Not where ccache is: it keeps nothing of a source compiled
# so. Not with g++ 12: it forgets that what a precompiled header brings is a system header's, and warns of it.
function(tophash_precompile target)
  if(TOPHASH_PRECOMPILE AND NOT CMAKE_CXX_COMPILER_LAUNCHER AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    target_precompile_headers(${target} PRIVATE ${ARGN})
  endif()
endfunction()
