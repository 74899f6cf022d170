# SPDX-License-Identifier: Apache-2.0
# Installs BUILD to INSTALLED, moves the result to MOVED, and looks at it: every folder and door is there, and no
# installed text names where it was built or first installed.
file(REMOVE_RECURSE "${INSTALLED}" "${MOVED}")
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${INSTALLED}" --component tophash_headers
  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
file(RENAME "${INSTALLED}" "${MOVED}")

foreach(expected IN ITEMS map.hpp config.hpp version.hpp framework/map.hpp framework/config.hpp framework/version.hpp
    framework/core framework/concepts policies allocators gc)
  if(NOT EXISTS "${MOVED}/include/tophash/${expected}")
    message(FATAL_ERROR "not installed: include/tophash/${expected}")
  endif()
endforeach()

file(GLOB_RECURSE files LIST_DIRECTORIES false "${MOVED}/*")
foreach(file IN LISTS files)
  if(IS_SYMLINK "${file}")
    message(FATAL_ERROR "a link into the build tree was installed: ${file}")
  endif()
  file(READ "${file}" text)
  foreach(place IN ITEMS "${BUILD}" "${INSTALLED}")
    string(FIND "${text}" "${place}" at)
    if(NOT at EQUAL -1)
      message(FATAL_ERROR "${file} names ${place}")
    endif()
  endforeach()
endforeach()
