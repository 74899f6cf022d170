# SPDX-License-Identifier: Apache-2.0
# The clang that the project is checked with (16), else the newest one found: a preset can name one compiler
# only, and Debian 12's unversioned clang++ is 14.
if(NOT CMAKE_CXX_COMPILER)
  find_program(TOPHASH_CLANG NAMES clang++-16 clang++-19 clang++-18 clang++-17 clang++)
  if(NOT TOPHASH_CLANG)
    message(FATAL_ERROR "no clang++ found (on Debian 12: clang-16)")
  endif()
  set(CMAKE_CXX_COMPILER "${TOPHASH_CLANG}")
endif()
