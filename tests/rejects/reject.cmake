# SPDX-License-Identifier: Apache-2.0
cmake_minimum_required(VERSION 3.25)
# cmake -DCOMPILER=... -DSOURCE=... -DINCLUDE=... -P reject.cmake
# The first line of the source says what is promised:
#   // expect: SENTENCE   the compiler prints exactly one line with "error:", and SENTENCE is in it
#   // accept             the file compiles
file(READ "${SOURCE}" text)
string(REGEX MATCH "^[^\n]*" first "${text}")
execute_process(
  COMMAND "${COMPILER}" -std=c++20 -fsyntax-only "-I${INCLUDE}" "${SOURCE}"
  OUTPUT_VARIABLE printed ERROR_VARIABLE printed RESULT_VARIABLE code)
if(first STREQUAL "// accept")
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "${SOURCE} is legal, but ${COMPILER} says\n${printed}")
  endif()
  return()
endif()
if(NOT first MATCHES "^// expect: (.+)$")
  message(FATAL_ERROR "${SOURCE}: the first line is neither '// expect: SENTENCE' nor '// accept'")
endif()
string(SUBSTRING "${first}" 11 -1 sentence)
# Brackets and semicolons mean something in CMake's lists: other signs stand for them on both sides.
function(plain text out)
  string(REPLACE ";" "," text "${text}")
  string(REPLACE "[" "(" text "${text}")
  string(REPLACE "]" ")" text "${text}")
  set(${out} "${text}" PARENT_SCOPE)
endfunction()
plain("${printed}" printed_plain)
plain("${sentence}" sentence_plain)
string(REPLACE "\n" ";" lines "${printed_plain}")
list(FILTER lines INCLUDE REGEX "error:")
list(LENGTH lines errors)
string(FIND "${lines}" "${sentence_plain}" found)  # of the one error line, not of a note
if(code EQUAL 0)
  message(FATAL_ERROR "${SOURCE} compiles with ${COMPILER}; expected: ${sentence}")
elseif(NOT errors EQUAL 1)
  message(FATAL_ERROR "${SOURCE}: ${errors} lines with 'error:' from ${COMPILER}, expected one:\n${printed}")
elseif(found EQUAL -1)
  message(FATAL_ERROR "${SOURCE}: the sentence is missing: ${sentence}\n${COMPILER} says\n${printed}")
endif()
