# SPDX-License-Identifier: Apache-2.0
# Compiles main.cpp with a bare command line, no build system, and runs it:
#   cmake -DCOMPILER=c++ -DSOURCE=main.cpp -DOUTPUT=program (-DINCLUDE=folder | -DPKG_CONFIG_FOLDER=folder) -P compile.cmake
file(REMOVE "${OUTPUT}")
if(PKG_CONFIG_FOLDER)
  set(ENV{PKG_CONFIG_PATH} "${PKG_CONFIG_FOLDER}")
  execute_process(COMMAND "${PKG_CONFIG}" --cflags tophash OUTPUT_VARIABLE flags
    OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  separate_arguments(flags UNIX_COMMAND "${flags}")
  execute_process(COMMAND "${PKG_CONFIG}" --modversion tophash OUTPUT_VARIABLE version
    OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  if(NOT version STREQUAL VERSION)
    message(FATAL_ERROR "tophash.pc says version '${version}', the header says '${VERSION}'")
  endif()
else()
  set(flags "-I${INCLUDE}")
endif()
execute_process(COMMAND "${COMPILER}" -std=c++20 ${flags} "${SOURCE}" -o "${OUTPUT}" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${OUTPUT}" COMMAND_ERROR_IS_FATAL ANY)
