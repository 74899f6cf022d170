# SPDX-License-Identifier: Apache-2.0
# Compiles words.cpp as it is and with another type name, and compares what the two programs print:
#   cmake -DCOMPILER=c++ -DSOURCE=words.cpp -DINCLUDE=folder -DMAP=tophash::unordered_node_map -DOUTPUT=prefix -P compare.cmake
file(REMOVE "${OUTPUT}.standard" "${OUTPUT}.changed")
execute_process(COMMAND "${COMPILER}" -std=c++20 "${SOURCE}" -o "${OUTPUT}.standard" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${COMPILER}" -std=c++20 "-I${INCLUDE}" "-DMAP=${MAP}" "-DHEADER=<tophash/std_api.hpp>" "${SOURCE}"
  -o "${OUTPUT}.changed" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${OUTPUT}.standard" OUTPUT_VARIABLE expected COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${OUTPUT}.changed" OUTPUT_VARIABLE found COMMAND_ERROR_IS_FATAL ANY)
if(expected STREQUAL "")
  message(FATAL_ERROR "the program printed nothing")
endif()
if(NOT found STREQUAL expected)
  message(FATAL_ERROR "with std::unordered_map:\n${expected}\nwith ${MAP}:\n${found}")
endif()
