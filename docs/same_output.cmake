# SPDX-License-Identifier: Apache-2.0
cmake_minimum_required(VERSION 3.25)
# cmake -DPROGRAM=... -DPROMISED=FILE -P same_output.cmake: fails unless the program prints what the file holds.
file(READ "${PROMISED}" promised)
execute_process(COMMAND "${PROGRAM}" OUTPUT_VARIABLE printed RESULT_VARIABLE code)
if(NOT code EQUAL 0)
  message(FATAL_ERROR "${PROGRAM} ended with ${code}")
endif()
if(NOT printed STREQUAL promised)
  message(FATAL_ERROR "${PROMISED} differs from what ${PROGRAM} prints; to renew it: ${PROGRAM} > ${PROMISED}")
endif()
