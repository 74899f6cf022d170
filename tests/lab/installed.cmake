# SPDX-License-Identifier: Apache-2.0
# cmake -DBUILD=... -DFOLDER=... -P installed.cmake: installs the lab, moves the prefix, and has the program there find
# its claims, its traces, its headers and the library that `record` preloads under the new name.
cmake_minimum_required(VERSION 3.25)
set(moved "${FOLDER}/moved")
file(REMOVE_RECURSE "${FOLDER}")
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${FOLDER}/first" --component tophash_lab
  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
file(RENAME "${FOLDER}/first" "${moved}")
file(MAKE_DIRECTORY "${FOLDER}/elsewhere")

# expect(CODE TEXT words...): of both streams.
function(expect code text)
  execute_process(COMMAND "${moved}/bin/tophash" ${ARGN} WORKING_DIRECTORY "${FOLDER}/elsewhere"
    RESULT_VARIABLE ended OUTPUT_VARIABLE printed ERROR_VARIABLE printed)
  string(FIND "${printed}" "${text}" at)
  if(NOT ended EQUAL "${code}" OR at EQUAL -1)
    message(SEND_ERROR "tophash ${ARGN}: ended with ${ended}, not ${code}, or did not print '${text}':\n${printed}")
  endif()
endfunction()

expect(0 "194 claims and tables: " list claims)
expect(0 "blocks obtained" record -o mine.csv -- true)
expect(0 "defaults on system" replay "${moved}/share/tophash/traces/pystdlib_symbols.csv.zst" --rows 2000
  --variant defaults --allocator system --check)
foreach(expected IN ITEMS headers/lab/variant.hpp go)
  if(NOT EXISTS "${moved}/share/tophash/${expected}")
    message(SEND_ERROR "not installed: share/tophash/${expected}")
  endif()
endforeach()
file(GLOB recorder "${moved}/lib*/tophash/tophash-record.so" "${moved}/lib/*/tophash/tophash-record.so")
if(NOT recorder)
  message(SEND_ERROR "not installed: tophash-record.so")
endif()
# It is these claims that are read, not those of the source tree.
file(WRITE "${moved}/share/tophash/claims/articles.json" "{")
expect(1 "articles.json: no JSON" list claims)
