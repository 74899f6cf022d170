# SPDX-License-Identifier: Apache-2.0
# cmake -DPROGRAM=tophash_peers -DLAB=tophash -DFILE=result.json -P smoke.cmake
# Every workload at a tiny size with two maps: they compute the same, and the JSON holds a figure for each.
execute_process(COMMAND "${PROGRAM}" --sizes 300 --rounds 1 --maps std --json "${FILE}"
  RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE error)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${PROGRAM}: exit code ${result}\n${error}")
endif()
file(READ "${FILE}" json)
string(JSON format GET "${json}" format)
if(NOT format STREQUAL "tophash peers 1")
  message(FATAL_ERROR "${FILE}: format '${format}'")
endif()
string(JSON workloads LENGTH "${json}" workloads)
if(workloads LESS 60)
  message(FATAL_ERROR "${FILE}: ${workloads} workloads, 60 expected at least")
endif()
math(EXPR last "${workloads} - 1")
foreach(i RANGE ${last})
  foreach(map IN ITEMS fast_map std)
    string(JSON ns GET "${json}" workloads ${i} maps ${map} ns_per_operation 0)
    if(NOT ns GREATER 0)
      message(FATAL_ERROR "${FILE}: workload ${i}, ${map}: ${ns} ns an operation")
    endif()
  endforeach()
endforeach()

execute_process(
  COMMAND "${PROGRAM}" --native-hash --sizes 300 --rounds 1 --maps std --only "insert_grow|erase|churn"
  RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE error)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${PROGRAM} --native-hash: exit code ${result}\n${error}")
endif()

# What cannot be run is said.
foreach(arguments IN ITEMS "--only|(" "--maps|nobody" "--subject|std" "--sizes|1" "--only|no_such_workload")
  string(REPLACE "|" ";" arguments "${arguments}")
  execute_process(COMMAND "${PROGRAM}" ${arguments} RESULT_VARIABLE result OUTPUT_QUIET ERROR_VARIABLE error)
  if(NOT result EQUAL 64 OR error STREQUAL "")
    message(FATAL_ERROR
      "${PROGRAM} ${arguments}: exit code ${result}, '${error}'; 64 and a sentence expected")
  endif()
endforeach()

# The lab starts it, and its report shows the result.
execute_process(
  COMMAND "${LAB}" run --workload peers --n 300 --repeat 1 --only "^find_(hit|miss) u64" --json "${FILE}"
  RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE error)
if(NOT result EQUAL 0 OR NOT output MATCHES "find_hit")
  message(FATAL_ERROR "${LAB} run --workload peers: exit code ${result}\n${output}${error}")
endif()
execute_process(COMMAND "${LAB}" report "${FILE}" -o "${FILE}.html" RESULT_VARIABLE result ERROR_VARIABLE error)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${LAB} report ${FILE}: exit code ${result}\n${error}")
endif()
