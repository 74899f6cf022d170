# SPDX-License-Identifier: Apache-2.0
# The include tree: one spelling per header, the same in the build tree and after an install.
#
#   include/tophash/{framework,policies,allocators,gc}   links to (install: copies of) the folders
#   include/tophash/map.hpp ...                          doors: one #include each of framework/map.hpp ...

set(tophash_header_folders framework policies allocators gc)

# A link that cannot be made (a file system or an account without the right) becomes a copy that follows its
# source: configure_file makes an edited header, and CONFIGURE_DEPENDS a new one, run the configure step again.
function(tophash_place_folder source destination)
  if(NOT TOPHASH_COPY_HEADERS)
    if(IS_SYMLINK "${destination}")
      file(READ_SYMLINK "${destination}" present)
      if(present STREQUAL source)
        return()
      endif()
    endif()
    file(REMOVE_RECURSE "${destination}")
    file(CREATE_LINK "${source}" "${destination}" RESULT failure SYMBOLIC)
    if(failure EQUAL 0)
      return()
    endif()
    message(STATUS "tophash: headers of ${destination} copied, not linked (${failure})")
  endif()
  file(REMOVE_RECURSE "${destination}")
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE "${source}" LIST_DIRECTORIES false
    "${source}/*.hpp" "${source}/*.def")
  foreach(header IN LISTS headers)
    configure_file("${source}/${header}" "${destination}/${header}" COPYONLY)
  endforeach()
endfunction()

# The doors are the headers that lie directly in framework/.
function(tophash_write_doors directory)
  file(GLOB doors CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}/framework" "${PROJECT_SOURCE_DIR}/framework/*.hpp")
  file(GLOB written RELATIVE "${directory}" "${directory}/*.hpp")
  foreach(stale IN LISTS written)
    if(NOT stale IN_LIST doors)
      file(REMOVE "${directory}/${stale}")
    endif()
  endforeach()
  foreach(door IN LISTS doors)
    file(CONFIGURE OUTPUT "${directory}/${door}" CONTENT "#include <tophash/framework/${door}>\n" @ONLY)
  endforeach()
endfunction()

function(tophash_make_include_tree include_directory)
  file(MAKE_DIRECTORY "${include_directory}/tophash")
  foreach(folder IN LISTS tophash_header_folders)
    if(IS_DIRECTORY "${PROJECT_SOURCE_DIR}/${folder}")
      tophash_place_folder("${PROJECT_SOURCE_DIR}/${folder}" "${include_directory}/tophash/${folder}")
    endif()
  endforeach()
  tophash_write_doors("${include_directory}/tophash")
endfunction()
