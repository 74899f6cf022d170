# SPDX-License-Identifier: Apache-2.0
# Compiles words.cpp as it is and with each of the other type names, and compares what the programs print:
#   cmake -DCOMPILER=c++ -DSOURCE=words.cpp -DINCLUDE=folder -DOUTPUT=prefix -P compare.cmake
function(output_of variable program)
  file(REMOVE "${program}")
  execute_process(COMMAND "${COMPILER}" -std=c++20 ${ARGN} "${SOURCE}" -o "${program}"
    COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND "${program}" OUTPUT_VARIABLE printed COMMAND_ERROR_IS_FATAL ANY)
  set(${variable} "${printed}" PARENT_SCOPE)
endfunction()

output_of(expected "${OUTPUT}.standard")
if(expected STREQUAL "")
  message(FATAL_ERROR "the program printed nothing")
endif()
foreach(kind IN ITEMS flat node bucket)
  set(map "tophash::unordered_${kind}_map")
  output_of(found "${OUTPUT}.${kind}" "-I${INCLUDE}" "-DMAP=${map}" "-DHEADER=<tophash/std_api.hpp>")
  if(NOT found STREQUAL expected)
    message(FATAL_ERROR "with std::unordered_map:\n${expected}\nwith ${map}:\n${found}")
  endif()
endforeach()
