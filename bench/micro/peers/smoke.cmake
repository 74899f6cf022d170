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

# A run goes on where one with the same settings ended, keeps what it was not asked for, and refuses other settings.
set(progress "${FILE}.progress")
file(REMOVE "${progress}")
set(first_round)
foreach(only IN ITEMS "^find_hit u64" "^find_(hit|miss) u64" "^find_few u64")
  execute_process(
    COMMAND "${PROGRAM}" --sizes 300 --rounds 1 --maps std --only "${only}" --resume "${progress}"
    RESULT_VARIABLE result OUTPUT_QUIET ERROR_VARIABLE error)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${PROGRAM} --resume: exit code ${result}\n${error}")
  endif()
  file(READ "${progress}" json)
  string(JSON workloads LENGTH "${json}" workloads)
  math(EXPR last "${workloads} - 1")
  foreach(i RANGE ${last})
    string(JSON name GET "${json}" workloads ${i} workload)
    if(name STREQUAL "find_hit")
      string(JSON ns GET "${json}" workloads ${i} maps fast_map ns_per_operation 0)
    endif()
  endforeach()
  if(NOT first_round)
    set(first_round "${ns}")
  endif()
endforeach()
if(NOT workloads EQUAL 3 OR NOT ns STREQUAL first_round)
  message(FATAL_ERROR "${progress}: ${workloads} workloads, 3 expected; find_hit ${ns}, ${first_round} expected")
endif()
execute_process(COMMAND "${PROGRAM}" --sizes 300 --rounds 2 --maps std --resume "${progress}"
  RESULT_VARIABLE result OUTPUT_QUIET ERROR_VARIABLE error)
if(NOT result EQUAL 64 OR NOT error MATCHES "rounds")
  message(FATAL_ERROR "${PROGRAM} --resume with other rounds: exit code ${result}, '${error}'")
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
