# SPDX-License-Identifier: Apache-2.0
# What this build can do, and the package that would turn on what it cannot: one table at the end of configure.
# Any list in the project adds rows:
#   tophash_feature(NAME "trace compression" ON "${zstd_FOUND}" PACKAGE libzstd-dev)

function(tophash_feature)
  cmake_parse_arguments(row "" "NAME;ON;PACKAGE" "" ${ARGN})
  if(row_ON)
    set(state "on ")
    set(hint "")
  else()
    set(state "off")
    set(hint "  turned on by: ${row_PACKAGE}")
  endif()
  string(LENGTH "${row_NAME}" name_length)
  math(EXPR padding "28 - ${name_length}")
  if(padding LESS 1)
    set(padding 1)
  endif()
  string(REPEAT " " ${padding} blanks)
  set_property(GLOBAL APPEND PROPERTY tophash_features "  ${row_NAME}${blanks}${state}${hint}")
endfunction()

function(tophash_print_features)
  get_property(rows GLOBAL PROPERTY tophash_features)
  list(JOIN rows "\n" table)
  message(STATUS "tophash ${PROJECT_VERSION}: ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}, "
    "${CMAKE_BUILD_TYPE}\n${table}")
endfunction()
