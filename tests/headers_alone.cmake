# SPDX-License-Identifier: Apache-2.0
# cmake -DCOMPILER=... -DINCLUDE=... -DFOLDER=... -P headers_alone.cmake: every header compiles when it is all that a
# file includes, and twice. A header of a package that is not here is passed over, and counted.
cmake_minimum_required(VERSION 3.25)
file(GLOB_RECURSE headers FOLLOW_SYMLINKS RELATIVE "${INCLUDE}" "${INCLUDE}/tophash/*.hpp")
list(LENGTH headers count)
if(count LESS 100)
  message(FATAL_ERROR "${INCLUDE}: ${count} headers only")
endif()
file(MAKE_DIRECTORY "${FOLDER}")
set(without_package 0)
foreach(header IN LISTS headers)
  file(WRITE "${FOLDER}/alone.cpp" "#include <${header}>\n#include <${header}>\n")
  execute_process(COMMAND "${COMPILER}" -std=c++20 -fsyntax-only -Wall -Wextra -Werror "-I${INCLUDE}" "${FOLDER}/alone.cpp"
    RESULT_VARIABLE code OUTPUT_VARIABLE printed ERROR_VARIABLE printed)
  if(code EQUAL 0)
    continue()
  endif()
  # The compiler stops at a header that is not there.
  if(printed MATCHES "fatal error: ([^\n]*)" AND NOT CMAKE_MATCH_1 MATCHES "tophash/")
    math(EXPR without_package "${without_package} + 1")
    continue()
  endif()
  message(SEND_ERROR "${header} does not compile alone:\n${printed}")
endforeach()
message(STATUS "${count} headers, ${without_package} of them of packages that are not here")
