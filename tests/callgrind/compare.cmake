# SPDX-License-Identifier: Apache-2.0
cmake_minimum_required(VERSION 3.25)
# cmake -DVALGRIND=... -DPROGRAM=... -DA=subject -DB=subject -DOPERATION=... -DAT_MOST=permille [-DAT_LEAST=permille]
#   -DFOLDER=... -P compare.cmake
# Counts the instructions of the operation for both subjects and fails unless A / B is within the bounds, given in
# thousandths. The counts are those of one binary on fixed keys: repeatable.
function(count subject out)
  execute_process(
    COMMAND "${VALGRIND}" --tool=callgrind --collect-atstart=no "--toggle-collect=*measured_*"
            "--callgrind-out-file=${FOLDER}/callgrind.${subject}.${OPERATION}.out" "${PROGRAM}" ${subject} ${OPERATION}
    OUTPUT_VARIABLE printed ERROR_VARIABLE report RESULT_VARIABLE code)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "${PROGRAM} ${subject} ${OPERATION} ended with ${code}\n${report}")
  endif()
  string(REGEX MATCH "Collected : ([0-9]+)" line "${report}")
  if(NOT CMAKE_MATCH_1 GREATER 100000)
    message(FATAL_ERROR "nothing was collected for ${subject} ${OPERATION}\n${report}")
  endif()
  set(${out} ${CMAKE_MATCH_1} PARENT_SCOPE)
  set(${out}_printed "${printed}" PARENT_SCOPE)
endfunction()
count(${A} a)
count(${B} b)
if(NOT a_printed STREQUAL b_printed)
  message(FATAL_ERROR "${A} and ${B} disagree on the result of ${OPERATION}: ${a_printed} and ${b_printed}")
endif()
math(EXPR permille "1000 * ${a} / ${b}")
message(STATUS "${OPERATION}: ${A} ${a}, ${B} ${b} instructions: ${permille} thousandths")
if(DEFINED AT_MOST AND permille GREATER AT_MOST)
  message(FATAL_ERROR "${OPERATION}: ${A} executes ${permille} thousandths of ${B}'s instructions, at most ${AT_MOST} allowed")
endif()
if(DEFINED AT_LEAST AND permille LESS AT_LEAST)
  message(FATAL_ERROR "${OPERATION}: ${A} executes ${permille} thousandths of ${B}'s instructions, at least ${AT_LEAST} expected")
endif()
