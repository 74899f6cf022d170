# SPDX-License-Identifier: Apache-2.0
# Removes FOLDER, then runs the command after `--`: what an earlier run left in a cache must not decide a test.
#   cmake -DFOLDER=build-of-the-consumer -P from_nothing.cmake -- COMMAND...
file(REMOVE_RECURSE "${FOLDER}")
set(command)
set(seen FALSE)
math(EXPR last "${CMAKE_ARGC} - 1")
foreach(i RANGE ${last})
  if(seen)
    list(APPEND command "${CMAKE_ARGV${i}}")
  elseif("${CMAKE_ARGV${i}}" STREQUAL "--")
    set(seen TRUE)
  endif()
endforeach()
execute_process(COMMAND ${command} COMMAND_ERROR_IS_FATAL ANY)
