# SPDX-License-Identifier: Apache-2.0
# tophash_peers: tophash::fast_map against the hash maps that Debian packages (docs/peers.md).
# Not in `all`:
#   cmake --build --preset release --target tophash_peers
# The file of each family of maps is compiled twice, for the shared hash and for every map's own. A family
# that is not found is left out, and the output names it.

if(NOT UNIX OR NOT CLI11_FOUND OR CMAKE_CXX_COMPILER_ID STREQUAL "MSVC")
  return()
endif()

find_path(TOPHASH_TSL_ROBIN_INCLUDE tsl/robin_map.h)
find_path(TOPHASH_TSL_HOPSCOTCH_INCLUDE tsl/hopscotch_map.h)
find_path(TOPHASH_SPARSEHASH_INCLUDE google/dense_hash_map)
mark_as_advanced(TOPHASH_TSL_ROBIN_INCLUDE TOPHASH_TSL_HOPSCOTCH_INCLUDE TOPHASH_SPARSEHASH_INCLUDE)
include(CheckIncludeFileCXX)
check_include_file_cxx(ext/pb_ds/assoc_container.hpp TOPHASH_PBDS_FOUND)

set(peers_families tophash std)
set(peers_definitions "")
set(peers_includes "")
foreach(family IN ITEMS absl:absl_maps_found: boost:boost_maps_found:TOPHASH_BOOST_INCLUDE
                        tsl_robin:TOPHASH_TSL_ROBIN_INCLUDE:TOPHASH_TSL_ROBIN_INCLUDE
                        tsl_hopscotch:TOPHASH_TSL_HOPSCOTCH_INCLUDE:TOPHASH_TSL_HOPSCOTCH_INCLUDE
                        sparsehash:TOPHASH_SPARSEHASH_INCLUDE:TOPHASH_SPARSEHASH_INCLUDE
                        pbds:TOPHASH_PBDS_FOUND:)
  string(REPLACE ":" ";" family "${family};")
  list(GET family 0 name)
  list(GET family 1 found)
  list(GET family 2 include)
  string(TOUPPER "${name}" upper_name)
  if(${found})
    list(APPEND peers_families ${name})
    list(APPEND peers_definitions "TOPHASH_PEERS_WITH_${upper_name}=1")
    if(include)
      list(APPEND peers_includes "${${include}}")
    endif()
  endif()
endforeach()
list(REMOVE_DUPLICATES peers_includes)
set(peers_found TRUE)
foreach(family IN ITEMS tsl_robin tsl_hopscotch sparsehash)
  if(NOT family IN_LIST peers_families)
    set(peers_found FALSE)
  endif()
endforeach()
tophash_feature(NAME "lab: tsl, sparsehash as peers" ON "${peers_found}"
  PACKAGE "robin-map-dev libtsl-hopscotch-map-dev libsparsehash-dev")

add_library(tophash_peers_settings INTERFACE)
target_include_directories(tophash_peers_settings INTERFACE "${CMAKE_CURRENT_SOURCE_DIR}")
target_include_directories(tophash_peers_settings SYSTEM INTERFACE ${peers_includes})
target_link_libraries(tophash_peers_settings INTERFACE tophash::tophash tophash_warnings)
if(absl_maps_found)
  target_link_libraries(tophash_peers_settings INTERFACE absl::flat_hash_map absl::node_hash_map)
endif()

list(TRANSFORM peers_families REPLACE "(.+)" "micro/peers/family_\\1.cpp"
  OUTPUT_VARIABLE peers_family_sources)
foreach(native IN ITEMS 0 1)
  add_library(tophash_peers_maps_${native} OBJECT EXCLUDE_FROM_ALL ${peers_family_sources})
  target_compile_definitions(tophash_peers_maps_${native} PRIVATE TOPHASH_PEERS_NATIVE_HASH=${native})
  target_link_libraries(tophash_peers_maps_${native} PRIVATE tophash_peers_settings)
  # g++ inlines less the larger a source is, and these have every workload for every kind of keys: an insert into Abseil's
  # map then takes twice as long as in a program of its own, while what is always inlined is spared.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(tophash_peers_maps_${native} PRIVATE --param=large-unit-insns=10000000)
  endif()
endforeach()

add_executable(tophash_peers EXCLUDE_FROM_ALL
  micro/peers.cpp micro/peers/floor.cpp micro/peers/heap_meter.cpp micro/peers/inputs.cpp
  micro/peers/report.cpp micro/peers/resume.cpp micro/peers/run.cpp micro/peers/workload_rows.cpp)
set_source_files_properties(micro/peers.cpp micro/peers/report.cpp micro/peers/resume.cpp micro/peers/run.cpp
  PROPERTIES COMPILE_OPTIONS -O1)
set_source_files_properties(micro/peers.cpp PROPERTIES
  COMPILE_DEFINITIONS "TOPHASH_PEERS_FLAGS=\"${compile_flags}\";${peers_definitions}")
target_link_libraries(tophash_peers PRIVATE tophash_peers_settings tophash_peers_maps_0 tophash_peers_maps_1
  nlohmann_json::nlohmann_json fmt::fmt CLI11::CLI11)
# What heap_meter.cpp counts.
foreach(function IN ITEMS malloc calloc realloc aligned_alloc posix_memalign free)
  target_link_options(tophash_peers PRIVATE "LINKER:--wrap=${function}")
endforeach()

# The program takes two and a half minutes of CPU time to compile, so its test is one of the long ones, which
# build it.
if(TOPHASH_TESTS)
  add_test(NAME lab.peers_build
    COMMAND ${CMAKE_COMMAND} --build "${PROJECT_BINARY_DIR}" --target tophash_peers --parallel 1)
  set_tests_properties(lab.peers_build PROPERTIES
    FIXTURES_SETUP tophash_peers LABELS "lab;long" TIMEOUT 1800)
  add_test(NAME lab.peers
    COMMAND ${CMAKE_COMMAND} -DPROGRAM=$<TARGET_FILE:tophash_peers>
            -DLAB=$<TARGET_FILE:tophash_lab_program>
            -DFILE=${CMAKE_CURRENT_BINARY_DIR}/peers_smoke.json -P ${CMAKE_CURRENT_LIST_DIR}/smoke.cmake)
  set_tests_properties(lab.peers PROPERTIES FIXTURES_REQUIRED tophash_peers LABELS "lab;long")
endif()
